/** The comparison with TLC itself, on the sketch of an election; and what it says of mirrors that break one rule each. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { CheckOptions, ModelReport } from '../../conformance/check.js';
import { checkModel } from '../../conformance/check.js';
import type { Mirror } from '../../conformance/mirror.js';
import { anyMirror } from '../../conformance/mirror.js';
import { decodeModels } from '../../conformance/models.js';
import type { Model } from '../../conformance/models.js';
import { reportText } from '../../conformance/report.js';
import { findTlcPort } from '../../conformance/tlc.js';
import type { TlcPort } from '../../conformance/tlc.js';
import { invariantsOf, rules, sketchMirror } from '../fixtures/electionSketch.js';
import type { Rules, World } from '../fixtures/electionSketch.js';

const zxids = [1, 2, 1];

let models: ReadonlyMap<string, Model>;
let tlc: TlcPort;
let folder: string;

test.before(async () => {
  const decoded = decodeModels(await readFile('test/fixtures/models.json', 'utf8'));
  if (E.isLeft(decoded)) throw new Error(decoded.left.join('\n'));
  models = decoded.right;
  const found = await findTlcPort({ short: true });
  if (E.isLeft(found)) throw new Error(found.left);
  tlc = found.right;
  folder = await mkdtemp(join(tmpdir(), 'zabkeeper-sketch-'));
});

test.after.always(() => rm(folder, { recursive: true, force: true }));

const check = (name: string, mirror: Mirror<World>, options: Partial<CheckOptions> = {}): Promise<ModelReport> =>
  checkModel(models.get(name) as Model, {
    tlc,
    specDirectories: ['test/fixtures'],
    mirrors: { sketch: () => E.right(anyMirror(mirror)) },
    ...options,
  });

const broken = (changes: Partial<Rules>): Mirror<World> => sketchMirror(zxids, { ...rules, ...changes });

const right = broken({});

const relabelled = (rename: (action: string, args: readonly number[]) => readonly number[]): Mirror<World> => ({
  ...right,
  step: (w, action, args) => right.step(w, action, rename(action, args)),
});

/** Wrong mirrors whose graphs have as many states and edges of each action, and as much depth, as TLC's. */
const sameSizes: Readonly<Record<string, Mirror<World>>> = {
  'a tie goes to the smaller server': broken({
    better: (v, w) => v.zxid > w.zxid || (v.zxid === w.zxid && v.leader < w.leader),
  }),
  'zxids are not looked at': broken({ better: (v, w) => v.leader > w.leader }),
  'receiver and sender are swapped': relabelled((action, [i = 0, j = 0]) =>
    action === 'HandleNotification' ? [j, i] : [i],
  ),
  'servers 1 and 2 send in place of each other': relabelled((action, args) =>
    action === 'SendNotifications' ? args.map((i) => (i === 1 ? 2 : i === 2 ? 1 : i)) : args,
  ),
};

const otherSizes: Readonly<Record<string, Mirror<World>>> = {
  'an equal vote is passed on': broken({
    better: (v, w) => v.zxid > w.zxid || (v.zxid === w.zxid && v.leader >= w.leader),
  }),
  'the old vote is passed on': broken({ passedOn: (_heard, old) => old }),
  'the last notification is handed over first': broken({
    take: (wire) => ({ head: wire.at(-1), rest: wire.slice(0, -1) }),
  }),
  'a notification is handed over and stays': broken({ take: (wire) => ({ head: wire[0], rest: wire }) }),
  'the last server is not told': broken({ tells: (i, j) => i !== j && j !== 3 }),
  'one tells oneself': broken({ tells: () => true }),
  'one wire is never read': broken({ accepts: (i, j) => !(i === 3 && j === 1) }),
  'one may send for ever': broken({ mayStillSend: () => true }),
};

test.serial('the sketch and its mirror span the same graph, which is kept', async (t) => {
  const r = await check('Sketch', right, { dumps: folder });
  t.deepEqual(r.problems, [], reportText([r]));
  t.like(r, { ok: true, found: 'ok', dumpReused: false, sizes: { distinct: 1259, generated: 4363, depth: 14 } });
  t.like(r.comparison?.core, { states: 1259, edges: 4362, depth: 14 });
});

test.serial('they are the same by their texts too, so nothing rests on a hash', async (t) => {
  const r = await check('Sketch', right, { dumps: folder, identity: 'exact' });
  t.true(r.ok, reportText([r]));
  t.true(r.dumpReused);
});

for (const [title, mirror] of [...Object.entries(sameSizes), ...Object.entries(otherSizes)]) {
  test.serial(`a mirror is caught in which ${title}`, async (t) => {
    const r = await check('Sketch', mirror, { dumps: folder });
    t.false(r.ok);
    t.true(r.dumpReused);
    const c = r.comparison;
    if (c === null) return t.fail('no comparison');
    const sizes = [c.core.states, c.core.edges, c.core.depth];
    const actions = Object.values(c.actions).every((a) => a.core === a.tlc);
    t.is(sizes.join() === '1259,4362,14' && actions, title in sameSizes);
    // Each wrong rule shows within few steps, and the report leads there.
    t.true((c.differences[0]?.trace.length ?? 99) <= 5);
    t.regex(reportText([r]), /after Init/);
  });
}

test("an election can end: TLC's run is the core's, and both judge every state alike", async (t) => {
  const invariants = (z: readonly number[]) => ({ NeverAgreed: invariantsOf(z).NeverAgreed });
  const r = await check('SketchEnds', broken({ invariants }));
  t.deepEqual(r.problems, [], reportText([r]));
  t.is(r.replay?.type, 'Replayed');
  t.is(r.judgement?.states, 1259);
  const verdict = r.judgement?.invariants['NeverAgreed'];
  t.true((verdict?.tlc ?? 0) > 0 && verdict?.tlc === verdict?.ours);
});

test('an invariant that is wrong in TypeScript is caught', async (t) => {
  const invariants = (z: readonly number[]) => ({
    // Looks at two of the three votes.
    NeverAgreed: (s: Parameters<ReturnType<typeof invariantsOf>['NeverAgreed']>[0]) =>
      invariantsOf(z).NeverAgreed({ vote: (s['vote'] as readonly never[]).slice(0, 2) }),
  });
  const r = await check('SketchEnds', broken({ invariants }));
  t.false(r.ok);
  t.true((r.judgement?.invariants['NeverAgreed']?.onlyOurs ?? 0) > 0, reportText([r]));
});
