import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DotHandler, TlaState, TlaValue } from '../src/index.js';
import { dumpGraph, GraphResult, hashState, hashText } from '../src/index.js';
import { doors, entries, fileOf, folder, left, right, runs, spec, stillRuns, theTlc } from './helper.js';

mkdirSync(runs);
process.env['TMPDIR'] = runs;
const tlc = await theTlc();
let logs = 0;
const options = (config: string): { spec: string; config: string; short: true; log: string; deadlock: false } => ({
  short: true,
  spec: spec('Doors'),
  config,
  log: join(folder, `g${++logs}.log`),
  deadlock: false,
});

test.after.always('no run leaves a folder behind', (t) => {
  t.deepEqual(entries(runs), []);
});

/** The same model by hand: open doors, moves and the trail of doors. */
type Doors = { readonly open: readonly string[]; readonly trail: readonly string[] };
const model = (name: string): TlaValue => ({ model: name });
const view = (s: Doors): TlaState => ({
  moves: s.trail.length,
  open: { set: s.open.map(model) },
  note: {
    record: {
      trail: s.trail.map(model),
      last: s.trail.length === 0 ? 'none "yet" \\' : 'moved',
      seen: { fcn: ['b', 'a'].map((d) => [model(d), s.trail.includes(d) ? 1 : 0]) },
    },
  },
});
const key = (s: Doors): string => hashText(hashState(view(s)));

const byHand = (limit: number): { states: Set<string>; edges: Set<string> } => {
  const states = new Set<string>();
  const edges = new Set<string>();
  const todo: Doors[] = [{ open: [], trail: [] }];
  for (let s = todo.pop(); s !== undefined; s = todo.pop()) {
    states.add(key(s));
    if (s.trail.length === limit) continue;
    for (const d of ['a', 'b']) {
      const isOpen = s.open.includes(d);
      const next = { open: isOpen ? s.open.filter((x) => x !== d) : [...s.open, d], trail: [...s.trail, d] };
      edges.add(`${key(s)} ${isOpen ? 'Close' : 'Open'}_${d} ${key(next)}`);
      todo.push(next);
    }
  }
  return { states, edges };
};

/** Collects a graph by the hashes of its states; steps may come before the states that they lead to. */
const collecting = (): { handler: DotHandler; states: Set<string>; edges: () => Set<string> } => {
  const hashes = new Map<string, string>();
  const steps: (readonly [string, string, string])[] = [];
  const states = new Set<string>();
  return {
    states,
    edges: () => new Set(steps.map(([f, to, label]) => `${hashes.get(f)} ${label} ${hashes.get(to)}`)),
    handler: {
      onStateHash: (id, _, h) => {
        hashes.set(id, hashText(h));
        states.add(hashText(h));
      },
      onEdge: (f, to, label) => steps.push([f, to, label]),
    },
  };
};

for (const via of ['fifo', 'file'] as const) {
  test.serial(`dumpGraph: by ${via}, the same labelled graph as by hand`, async (t) => {
    const seen = collecting();
    const r = await right(dumpGraph(tlc, { ...options(doors('INVARIANT TypeOK')), via, workers: 2 }, seen.handler));
    const hand = byHand(3);
    t.is(r.via, via);
    t.deepEqual(r.check.outcome, { type: 'ok' });
    t.deepEqual([r.states, r.initial, r.edges, r.stutters, r.hidden], [15, 1, 14, 0, 0]);
    t.is(r.edges, r.check.stats.generated - r.check.stats.initial.generated);
    t.deepEqual(r.labels, { Open_a: 4, Open_b: 4, Close_a: 3, Close_b: 3 });
    t.deepEqual([...seen.states].sort(), [...hand.states].sort());
    t.deepEqual([...seen.edges()].sort(), [...hand.edges].sort());
    t.deepEqual(GraphResult.decode(JSON.parse(JSON.stringify(GraphResult.encode(r)))), E.right(r));
  });
}

test.serial('dumpGraph: a graph that differs in one edge is seen', async (t) => {
  const seen = collecting();
  await right(dumpGraph(tlc, options(doors('', 2)), seen.handler));
  t.deepEqual([...seen.edges()].sort(), [...byHand(2).edges].sort());
  t.notDeepEqual([...seen.edges()].sort(), [...byHand(3).edges].sort());
});

test.serial('dumpGraph: the larger graph by FIFO, more bytes than a pipe holds, and progress', async (t) => {
  let bytes = 0;
  const tap = async (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.length;
    await Promise.resolve();
  };
  const r = await right(dumpGraph(tlc, { ...options(doors('', 9)), tap }, {}));
  t.is(r.via, 'fifo');
  t.is(r.states, 1023);
  t.is(r.edges, 1022);
  t.is(r.bytes, bytes);
  t.true(bytes > 100_000);
});

test.serial('dumpGraph: a constraint that hides edges is counted', async (t) => {
  const r = await right(dumpGraph(tlc, options(doors('CONSTRAINT Small')), {}));
  t.is(r.states, 3);
  t.is(r.edges, 2);
  t.is(r.hidden, 4);
});

test.serial('dumpGraph: stuttering is no step, a violation still gives the part that was seen', async (t) => {
  const live = await right(dumpGraph(tlc, options(doors('PROPERTY AllOpenInTheEnd')), {}));
  t.is(live.check.outcome.type, 'temporal property');
  t.is(live.edges, 14);
  t.is(live.stutters, 15);
  const bad = await right(dumpGraph(tlc, options(doors('INVARIANT NeverBoth')), {}));
  t.is(bad.check.outcome.type, 'invariant');
  t.true(bad.states > 1 && bad.states < 15);
});

test.serial('dumpGraph: a spec without a graph never hangs', async (t) => {
  for (const via of ['fifo', 'file'] as const) {
    const o = { ...options(fileOf('INIT Init\nNEXT Next\n')), spec: spec('Broken'), via };
    const r = await right(dumpGraph(tlc, o, {}));
    t.is(r.check.outcome.type, 'parse error');
    t.is(r.states, 0);
  }
});

test.serial('dumpGraph: the time limit holds while the graph streams', async (t) => {
  let states = 0;
  // On a busy machine TLC takes longer to begin than the first limits allow.
  for (const timeLimit of [2, 8, 32, 128]) {
    const o = { ...options(fileOf('INIT Init\nNEXT Count\n')), spec: spec('Endless'), timeLimit };
    const e = await left(dumpGraph(tlc, o, { onStateHash: () => void states++ }));
    if (e.type !== 'TimeLimit') return t.fail(JSON.stringify(e));
    t.false(stillRuns(e.log));
    if (states > 0) break;
  }
  t.true(states > 0);
});

test.serial('dumpGraph: what a handler throws comes through, and TLC is gone', async (t) => {
  const o = { ...options(fileOf('INIT Init\nNEXT Count\n')), spec: spec('Endless'), timeLimit: 30 };
  const onState = (): void => {
    throw new Error('the handler is wrong');
  };
  await t.throwsAsync(dumpGraph(tlc, o, { onState })(), { message: 'the handler is wrong' });
  t.false(stillRuns(o.log));
});
