import test from 'ava';
import type { ReplayStep } from '../../conformance/replay.js';
import { replay, replayText } from '../../conformance/replay.js';
import { bindingsOf } from '../../conformance/generate.js';
import { decodeModels } from '../../conformance/models.js';
import type { Model } from '../../conformance/models.js';
import type { Mirror } from '../../conformance/mirror.js';
import { readFileSync } from 'node:fs';
import { rules, sketch, sketchMirror, sketchView } from '../fixtures/electionSketch.js';

const zxids = [1, 2, 1];

const models = decodeModels(readFileSync('test/fixtures/models.json', 'utf8'));
const model = (models._tag === 'Right' ? models.right.get('Sketch') : undefined) as Model;

/** The run that these steps make on the mirror that keeps the rules. */
const runOf = (...labels: readonly (readonly [string, ...number[]])[]): readonly ReplayStep[] => {
  const right = sketchMirror(zxids, rules);
  let w = right.init[0];
  return labels.map(([action, ...args]) => {
    const next = w === undefined ? null : right.step(w, action, args);
    if (next === null) throw new Error(`no step ${action}(${args.join()})`);
    w = next;
    return { action, args, state: sketchView(next) };
  });
};

const run = runOf(
  ['SendNotifications', 1],
  ['SendNotifications', 2],
  ['HandleNotification', 3, 1],
  ['HandleNotification', 3, 2],
);
const start = sketchView(sketchMirror(zxids, rules).init[0] as never);

const follow = (mirror: Mirror<unknown>, steps: readonly ReplayStep[] = run) =>
  replay(mirror, model.actions, bindingsOf(model), start, steps);

test('a run of the spec replays, with arguments by place or by name', (t) => {
  t.deepEqual(follow(sketch(zxids)), { type: 'Replayed', steps: 4 });
  const named = run.map((s) => ({
    ...s,
    args: Object.fromEntries([...(s.args as readonly number[])].map((n, i) => ['ij'[i] ?? '', n])),
  }));
  t.deepEqual(follow(sketch(zxids), named), { type: 'Replayed', steps: 4 });
});

test('the first step that the core refuses is named, with guard and what it does have', (t) => {
  const r = follow(sketch(zxids, { ...rules, accepts: (i, j) => !(i === 3 && j === 2) }));
  t.like(r, { type: 'Refused', step: 3, action: 'HandleNotification', args: [3, 2], guard: 'FromPeer' });
  if (r.type !== 'Refused') return;
  t.true(r.places.some((p) => p.at === 'vote[3].zxid' && p.tlc === '2' && p.core === '1'));
  t.true(r.enabled.includes('SendNotifications__3'));
  t.false(r.enabled.includes('HandleNotification__3_2'));
  t.regex(replayText(r), /^step 4, HandleNotification__3_2: the core has no such step \(guard FromPeer\)/);
});

test('the first step that leads elsewhere is named, with the places', (t) => {
  const r = follow(sketch(zxids, { ...rules, better: (v, w) => v.zxid < w.zxid }));
  t.like(r, { type: 'Parted', step: 3, args: [3, 2] } as object, replayText(r));
});

test('a wrong rule that this run does not touch is not found by it', (t) => {
  t.is(follow(sketch(zxids, { ...rules, accepts: (i) => i !== 1 })).type, 'Replayed');
});

test('nothing, another start, and steps that are no steps are told as such', (t) => {
  t.deepEqual(follow(sketch(zxids), []), { type: 'Empty' });
  t.deepEqual(follow(sketch([1, 2, 7])), {
    type: 'NoSuchStart',
    nearest: [{ at: 'vote[3].zxid', tlc: '1', core: '7' }],
  });
  const step = run[0] as ReplayStep;
  t.is(follow(sketch(zxids), [{ ...step, action: 'Nothing' }]).type, 'UnknownAction');
  t.is(follow(sketch(zxids), [{ ...step, args: [] }]).type, 'UnknownAction');
  t.is(follow(sketch(zxids), [{ ...step, args: { i: 'one' } }]).type, 'UnknownAction');
});
