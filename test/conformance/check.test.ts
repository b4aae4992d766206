import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { CheckOptions } from '../../conformance/check.js';
import { checkModel } from '../../conformance/check.js';
import type { MakeMirror, Mirror } from '../../conformance/mirror.js';
import { anyMirror, constantValue } from '../../conformance/mirror.js';
import { decodeModels } from '../../conformance/models.js';
import type { Model } from '../../conformance/models.js';
import { allOk, reportJson, reportText } from '../../conformance/report.js';
import type { TlcOutcome, TlcPort } from '../../conformance/tlc.js';
import { dotText } from '../fixtures/dot.js';

/** A counter from 0 to Max. */
const entry = {
  module: 'Counter',
  constants: { Max: 2 },
  domains: { By: [1] },
  actions: { Add: { params: ['By'] } },
  invariants: ['Small'],
  result: 'ok',
  distinct: 3,
  generated: 3,
  depth: 3,
  edges: { Add: 2 },
  compare: 'counter',
};

const modelOf = (changes: object): Model => {
  const r = decodeModels(JSON.stringify({ Counter: { ...entry, ...changes } }));
  if (E.isLeft(r)) throw new Error(r.left.join());
  return r.right.get('Counter') as Model;
};

type Counter = { readonly n: number };

const mirrorOf = (max: number): Mirror<Counter> => ({
  init: [{ n: 0 }],
  step: (w, _action, [by = 0]) => (w.n + by <= max ? { n: w.n + by } : null),
  view: (w) => ({ n: w.n }),
  key: (w) => w,
  shown: { n: 'n' },
  invariants: { Small: (s) => Number(s['n']) < 2 },
});

const counter: MakeMirror = (model) =>
  E.map((max: unknown) => anyMirror({ ...mirrorOf(Number(max)), invariants: {} }))(constantValue(model, 'Max'));

const judging: MakeMirror = () => E.right(anyMirror(mirrorOf(2)));

const dot = dotText({
  states: [0, 1, 2].map((n) => ({ id: String(n), initial: n === 0, state: { n } })),
  edges: [0, 1].map((n) => ({ from: String(n), to: String(n + 1), label: 'Add__1' })),
});

const verdicts = dotText({
  states: [0, 1, 2].map((n) => ({ id: String(n), initial: n === 0, state: { n } })),
  edges: [
    ...[0, 1].map((n) => ({ from: String(n), to: String(n + 1), label: 'Add__1' })),
    { from: '2', to: '2', label: 'Violates__Small' },
  ],
});

const good: TlcOutcome = {
  result: 'ok',
  generated: 3,
  distinct: 3,
  depth: 3,
  counterexample: [],
  wallMs: 1,
  cpuMs: null,
};

const broken: TlcOutcome = {
  ...good,
  result: 'invariant Small',
  counterexample: [
    { label: 'Init', state: { n: 0 } },
    { label: 'Add__1', state: { n: 1 } },
    { label: 'Add__1', state: { n: 2 } },
  ],
};

/** A TLC that says what it is told to, and counts how often it is asked. */
const told = (outcome: TlcOutcome): TlcPort & { asked: number } => {
  const port = {
    identity: 'told',
    asked: 0,
    run: async ({ module, dump }: { readonly module: string; readonly dump: string | null }) => {
      port.asked++;
      const asksVerdicts = (await readFile(module, 'utf8')).includes('Violates__');
      if (dump !== null) await writeFile(dump, asksVerdicts ? verdicts : dot);
      return E.right(asksVerdicts ? { ...good, generated: 4 } : outcome);
    },
  };
  return port;
};

const check = (model: Model, outcome: TlcOutcome = good, options: Partial<CheckOptions> = {}) =>
  checkModel(model, {
    tlc: told(outcome),
    specDirectories: [],
    mirrors: { counter, judging },
    ...options,
  });

test('a model that gives what is written, with equal graphs, is ok', async (t) => {
  const r = await check(modelOf({}));
  t.deepEqual(r.problems, []);
  t.true(r.ok);
  t.true(r.comparison?.equal);
  t.regex(reportText([r]), /^ok {4}Counter .*3 states.*graph equal/);
  t.true(allOk([r]));
});

test('nothing checked is a failure', (t) => {
  t.false(allOk([]));
  t.is(reportText([]), 'No model was checked.\n');
  t.false((JSON.parse(reportJson([])) as { ok: boolean }).ok);
});

test('sizes that differ or are missing fail, and the report says what to write', async (t) => {
  for (const changes of [{ distinct: 4 }, { depth: 4 }, { generated: 4 }, { edges: { Add: 3 } }]) {
    const r = await check(modelOf(changes));
    t.false(r.ok, JSON.stringify(changes));
    t.deepEqual(Object.keys(r.write ?? {}), Object.keys(changes));
  }
  const missing = await check(
    modelOf({ distinct: undefined, generated: undefined, depth: undefined, edges: undefined }),
  );
  t.false(missing.ok);
  t.deepEqual(missing.write, { distinct: 3, generated: 3, depth: 3, edges: { Add: 2 } });
  t.regex(reportText([missing]), /models.json, Counter: "distinct":3,"generated":3,"depth":3,"edges":\{"Add":2\}/);
});

test('a result other than the expected one fails', async (t) => {
  const r = await check(modelOf({}), broken);
  t.regex(r.problems.join(), /expected ok, TLC found invariant Small/);
  t.false(r.ok);
  const model = modelOf({ compare: undefined, result: 'invariant Small', why: 'it grows' });
  t.true((await check(model, broken)).ok);
  t.regex((await check(model, good)).problems.join(), /expected invariant Small, TLC found ok/);
  const property = modelOf({ compare: undefined, result: 'property Up', properties: ['Up'], why: 'it stays' });
  t.true((await check(property, { ...good, result: 'property' })).ok);
  t.false((await check(property, { ...good, result: 'property Other', distinct: 2 })).ok);
});

test('a core that differs fails, with the run that shows it', async (t) => {
  const bold: MakeMirror = () => E.right(anyMirror({ ...mirrorOf(3), invariants: {} }));
  const r = await check(modelOf({}), good, { mirrors: { counter: bold } });
  t.false(r.ok);
  const text = reportText([r], { actions: true });
  t.regex(text, /^FAIL/);
  t.regex(text, /after Init, Add__1, Add__1\n +Add__1 is a step of the core alone; it changes\n +n: TLC 2, core 3/);
  t.regex(text, /1 states only in the core/);
});

test('the counterexample of a model meant to fail is replayed, and its last state alone is broken', async (t) => {
  const model = modelOf({ compare: undefined, result: 'invariant Small', why: 'it grows', replay: 'judging' });
  const r = await check(model, broken);
  t.deepEqual(r.problems, []);
  t.deepEqual(r.replay, { type: 'Replayed', steps: 2 });
  const shy: MakeMirror = () => E.right(anyMirror(mirrorOf(1)));
  t.regex(
    (await check(model, broken, { mirrors: { judging: shy } })).problems.join(),
    /step 2, Add__1: the core has no such step/,
  );
  const early: MakeMirror = () =>
    E.right(anyMirror({ ...mirrorOf(2), invariants: { Small: (s) => Number(s['n']) < 1 } }));
  t.regex(
    (await check(model, broken, { mirrors: { judging: early } })).problems.join(),
    /broken earlier than TLC says/,
  );
  const blind: MakeMirror = () => E.right(anyMirror({ ...mirrorOf(2), invariants: { Small: () => true } }));
  t.regex(
    (await check(model, broken, { mirrors: { judging: blind } })).problems.join(),
    /does not break Small in TypeScript/,
  );
  t.regex((await check(model, { ...broken, counterexample: [] })).problems.join(), /nothing was replayed/);
});

test("invariants in TypeScript are judged on every state of a failing model's graph", async (t) => {
  const model = modelOf({ compare: undefined, result: 'invariant Small', why: 'it grows', judge: 'judging' });
  const r = await check(model, broken);
  t.deepEqual(r.problems, []);
  t.like(r.judgement?.invariants['Small'], { tlc: 1, ours: 1 });
  const lax: MakeMirror = () =>
    E.right(anyMirror({ ...mirrorOf(2), invariants: { Small: (s) => Number(s['n']) < 3 } }));
  const l = await check(model, broken, { mirrors: { judging: lax } });
  t.regex(reportText([l]), /Small: broken for TLC alone in 1 states/);
});

test('no mirror, a mirror without its constants, and a TLC without verdict are told as such', async (t) => {
  t.deepEqual((await check(modelOf({ compare: 'nobody' }))).problems, ['there is no mirror nobody']);
  t.deepEqual((await check(modelOf({ constants: { Max: '1 + 1' } }))).problems, [
    'model Counter, constant Max: not a plain value: 1 + 1',
  ]);
  const mute: TlcPort = { identity: 'mute', run: () => Promise.resolve(E.left('out of memory')) };
  const r = await check(modelOf({}), good, { tlc: mute });
  t.deepEqual(r.problems, ['TLC gave no verdict: out of memory']);
  t.false(r.ok);
});

test("a kept graph saves the run of TLC, claims no verdict of TLC's, and is dropped when the spec changes", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-test-'));
  try {
    const spec = join(folder, 'spec');
    const dumps = join(folder, 'dumps');
    await mkdir(spec);
    await copyFile('test/fixtures/MCElectionSketch.tla', join(spec, 'Any.tla'));
    const tlc = told(good);
    const options = { tlc, specDirectories: [spec], dumps };
    const first = await check(modelOf({}), good, options);
    t.deepEqual([first.dumpReused, first.found, tlc.asked], [false, 'ok', 1]);
    const second = await check(modelOf({}), good, options);
    t.deepEqual([second.dumpReused, second.found, tlc.asked], [true, null, 1]);
    t.true(second.ok);
    t.regex(reportText([second]), /TLC not asked/);
    const bold: MakeMirror = () => E.right(anyMirror(mirrorOf(3)));
    t.false((await check(modelOf({}), good, { ...options, mirrors: { counter: bold } })).ok);
    await writeFile(join(spec, 'Any.tla'), 'changed');
    await check(modelOf({}), good, options);
    t.is(tlc.asked, 2);
    t.is((await readdir(dumps)).filter((f) => f.endsWith('.dot.gz')).length, 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
