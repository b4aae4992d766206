import test from 'ava';
import type { Finding } from '../../conformance/graph.js';
import { compareGraphs } from '../../conformance/graph.js';
import type { Binding } from '../../conformance/generate.js';
import { bindingsOf } from '../../conformance/generate.js';
import type { Mirror } from '../../conformance/mirror.js';
import { dotText } from '../fixtures/dot.js';
import type { DotGraph } from '../fixtures/dot.js';

/** A counter from 0 to 3 that goes up, and back to 0 from anywhere: 4 states, 3 + 4 edges. */
type Counter = { readonly n: number };

const counter: Mirror<Counter> = {
  init: [{ n: 0 }],
  step: (w, action, [by = 0]) => {
    if (action === 'Reset') return { n: 0 };
    return w.n + by <= 3 ? { n: w.n + by } : null;
  },
  view: (w) => ({ n: w.n }),
  key: (w) => w,
  shown: { n: 'n' },
};

const bindings: readonly Binding[] = bindingsOf({
  name: 'Counter',
  module: 'Counter',
  constants: {},
  init: 'Init',
  vars: 'vars',
  domains: { By: [1] },
  actions: { Add: { params: ['By'] }, Reset: { params: [] } },
  invariants: [],
  properties: [],
  distorted: {},
  result: 'ok',
  tier: 'tiny',
  rows: [],
});

const states = (n: number): DotGraph['states'] =>
  Array.from({ length: n }, (_, i) => ({ id: String(-i - 1), initial: i === 0, state: { n: i } }));

const edge = (from: number, to: number, label: string): DotGraph['edges'][number] => ({
  from: String(-from - 1),
  to: String(-to - 1),
  label,
});

const adds = [0, 1, 2].map((n) => edge(n, n + 1, 'Add__1'));
const resets = [0, 1, 2, 3].map((n) => edge(n, 0, 'Reset__'));
const counterDot: DotGraph = { states: states(4), edges: [...adds, ...resets] };

const dumpOf = (graph: DotGraph, generated = graph.edges.length + 1) => ({
  generated,
  open: async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(dotText(graph)));
  },
});

const compare = <W>(mirror: Mirror<W>, graph: DotGraph, generated?: number) =>
  compareGraphs(mirror, bindings, dumpOf(graph, generated), { maxStates: 100 });

const types = (findings: readonly Finding[]): readonly string[] => [...new Set(findings.map((f) => f.type))];

test('equal graphs are equal, by hash and by text', async (t) => {
  for (const identity of ['hash', 'exact'] as const) {
    const c = await compareGraphs(counter, bindings, dumpOf(counterDot), { maxStates: 100, identity });
    t.deepEqual(c.findings, []);
    t.true(c.equal);
    t.deepEqual(c.tlc, { states: 4, edges: 7, initial: 1 });
    t.deepEqual(c.core, { states: 4, edges: 7, initial: 1, depth: 4, complete: true });
    t.deepEqual(c.actions, {
      Add: { tlc: 3, core: 3, changingTlc: 3, changingCore: 3 },
      Reset: { tlc: 4, core: 4, changingTlc: 3, changingCore: 3 },
    });
  }
});

test('steps that come before the states that they lead to are understood', async (t) => {
  const c = await compareGraphs(
    counter,
    bindings,
    {
      generated: 8,
      open: async function* () {
        const lines = dotText(counterDot).split('\n');
        const order = [...lines.slice(0, 1), ...lines.slice(5, 12), ...lines.slice(1, 5), ...lines.slice(12)];
        yield await Promise.resolve(Buffer.from(order.join('\n')));
      },
    },
    { maxStates: 100 },
  );
  t.deepEqual(c.findings, []);
});

test('a row is counted by its edges; one that must be reached and is not fails the comparison', async (t) => {
  const rows = {
    'reset at three': (w: Counter, action: string) => action === 'Reset' && w.n === 3,
    'reset at nine': (w: Counter, action: string) => action === 'Reset' && w.n === 9,
  };
  const told = async (names: readonly string[]) =>
    compareGraphs({ ...counter, rows }, bindings, dumpOf(counterDot), { maxStates: 100, rows: names });
  const reached = await told(['reset at three']);
  t.true(reached.equal);
  t.deepEqual(reached.rows, { 'reset at three': 1, 'reset at nine': 0 });
  const missing = await told(['reset at nine', 'a row that nobody knows']);
  t.deepEqual(missing.findings, [
    { type: 'RowNotReached', row: 'reset at nine' },
    { type: 'RowNotReached', row: 'a row that nobody knows' },
  ]);
});

test('checking nothing is an error', async (t) => {
  const nothing = await compare({ ...counter, init: [] }, { states: [], edges: [] }, 0);
  t.false(nothing.equal);
  t.deepEqual(types(nothing.findings), ['NoStates', 'NothingInDump', 'ActionIdle']);
});

test('an edge or state that one side lacks is told with the way to it', async (t) => {
  const shy: Mirror<Counter> = {
    ...counter,
    step: (w, a, args) => (a === 'Add' && w.n === 2 ? null : counter.step(w, a, args)),
    refusal: () => 'BelowThree',
  };
  const c = await compare(shy, counterDot);
  t.deepEqual(types(c.findings), ['StatesOnlyInTlc', 'EdgesOnlyInTlc']);
  t.is(c.differences.length, 1);
  t.like(c.differences[0], { action: 'Add', args: [1], tlc: { n: 3 }, core: null, refusal: 'BelowThree' });
  t.deepEqual(c.differences[0]?.trace, [
    { action: 'Init', args: [], state: { n: 0 } },
    { action: 'Add', args: [1], state: { n: 1 } },
    { action: 'Add', args: [1], state: { n: 2 } },
  ]);
  t.deepEqual(c.differences[0]?.places, [{ at: 'n', tlc: '3', core: '2' }]);

  const bold: Mirror<Counter> = {
    ...counter,
    step: (w, a, args) => (a === 'Add' && w.n === 3 ? w : counter.step(w, a, args)),
  };
  const d = await compare(bold, counterDot);
  t.deepEqual(types(d.findings), ['EdgesOnlyInCore']);
  t.like(d.differences[0], { action: 'Add', tlc: null, core: { n: 3 } });
});

test('counts may agree where the graphs do not', async (t) => {
  const swapped: Mirror<Counter> = {
    ...counter,
    step: (w, a, args) =>
      counter.step(w, a === 'Add' && w.n === 0 ? 'Reset' : a === 'Reset' && w.n === 0 ? 'Add' : a, [args[0] ?? 1]),
  };
  const c = await compare(swapped, counterDot);
  t.is(c.core.states, c.tlc.states);
  t.is(c.core.edges, c.tlc.edges);
  t.deepEqual(types(c.findings), ['EdgesOnlyInTlc', 'EdgesOnlyInCore']);
});

test('one label that leads to two states is an error, whichever comes first', async (t) => {
  for (const twice of [
    [...adds, edge(0, 2, 'Add__1')],
    [edge(0, 2, 'Add__1'), ...adds],
  ]) {
    const c = await compare(counter, { states: states(4), edges: [...twice, ...resets] });
    t.true(types(c.findings).includes('Nondeterministic'), JSON.stringify(c.findings));
  }
  const beyond = { states: states(6), edges: [...adds, ...resets, edge(5, 0, 'Add__1'), edge(5, 4, 'Add__1')] };
  t.true(types((await compare(counter, beyond)).findings).includes('Nondeterministic'));
});

test('the same step written twice is counted, and is no error', async (t) => {
  const c = await compare(counter, { states: states(4), edges: [...adds, ...adds, ...resets] });
  t.is(c.repeated, 3);
  t.true(c.equal);
});

test('a dump that lacks edges, is cut off or has labels of its own is no evidence', async (t) => {
  const short = await compare(counter, counterDot, 12);
  t.deepEqual(types(short.findings), ['DumpIncomplete']);
  const foreign = await compare(counter, { states: states(4), edges: [...counterDot.edges, edge(0, 1, 'Next')] });
  t.deepEqual(types(foreign.findings), ['LabelUnknown']);
  const nowhere = await compare(counter, { states: states(4), edges: [...counterDot.edges, edge(0, 9, 'Add__1')] });
  t.deepEqual(types(nowhere.findings), ['EdgeToNowhere']);
  const cut = await compareGraphs(
    counter,
    bindings,
    {
      generated: 8,
      open: async function* () {
        yield await Promise.resolve(Buffer.from(dotText(counterDot).slice(0, -2)));
      },
    },
    { maxStates: 100 },
  );
  t.true(types(cut.findings).includes('DumpUnreadable'));
});

test('initial states must be the same ones', async (t) => {
  const late = await compare({ ...counter, init: [{ n: 1 }] }, counterDot);
  t.deepEqual(types(late.findings), ['InitialStatesDiffer']);
  t.deepEqual(
    late.differences.map((d) => d.action),
    ['Init', 'Init'],
  );
  const more = await compare(
    counter,
    {
      states: counterDot.states.map((s) => ({ ...s, initial: true })),
      edges: counterDot.edges,
    },
    11,
  );
  t.deepEqual(more.findings, [{ type: 'InitialStatesDiffer', states: 3 }]);
});

test('an action that changes no state anywhere is an error', async (t) => {
  const stuck: Mirror<Counter> = { ...counter, step: (w, a) => (a === 'Reset' ? { n: 0 } : null) };
  const c = await compare(stuck, { states: states(1), edges: [edge(0, 0, 'Reset__')] });
  t.deepEqual(c.findings, [
    { type: 'ActionIdle', action: 'Add' },
    { type: 'ActionIdle', action: 'Reset' },
  ]);
});

test('two full states that look the same are found, listed as hidden or not', async (t) => {
  type Hiding = { readonly n: number; readonly resets: number };
  const hiding: Mirror<Hiding> = {
    init: [{ n: 0, resets: 0 }],
    step: (w, a, [by = 0]) =>
      a === 'Reset' ? { n: 0, resets: w.resets + 1 } : w.n + by <= 3 ? { n: w.n + by, resets: w.resets } : null,
    view: (w) => ({ n: w.n }),
    key: (w) => w,
    shown: { n: 'n' },
    hidden: { resets: 'a count that decides nothing' },
  };
  const c = await compare(hiding, counterDot);
  t.like(c.findings[0], { type: 'ViewHides', state: 0, from: 0 });
  t.deepEqual(c.stories[0]?.notes, ['and again by Init, Reset__', 'resets: 0, then 1']);
  const derived = {
    ...hiding,
    step: (w: Hiding, a: string, args: readonly number[]) => {
      const next = counter.step(w, a, args);
      return next === null ? null : { n: next.n, resets: -next.n };
    },
  };
  t.true((await compare(derived, counterDot)).equal);
  t.deepEqual((await compare({ ...derived, hidden: {} }, counterDot)).findings, [
    { type: 'FieldUnlisted', path: 'resets' },
  ]);
});

test('a key that is not the whole state proves nothing', async (t) => {
  const c = await compare({ ...counter, key: () => ({ n: 0 }) }, counterDot);
  t.is(c.findings[0]?.type, 'KeyIncomplete');
});

test('a step that changes its argument in place is found', async (t) => {
  type Loose = { n: number };
  const loose: Mirror<Loose> = {
    ...counter,
    init: [{ n: 0 }],
    step: (w, a, [by = 0]) => {
      if (a === 'Reset') return { n: 0 };
      if (w.n + by > 3) return null;
      w.n += by;
      return { n: w.n };
    },
  };
  const c = await compare(loose, counterDot);
  t.like(c.findings[0], { type: 'ChangedInPlace', state: 0 });
});

test('a mirror that throws, runs for ever or breaks an invariant is told as such', async (t) => {
  const throwing: Mirror<Counter> = {
    ...counter,
    step: (w, a, args) => (w.n === 2 ? JSON.parse('{') : counter.step(w, a, args)),
  };
  t.like((await compare(throwing, counterDot)).findings[0], { type: 'Threw', state: 2, binding: 0 });
  const endless: Mirror<Counter> = { ...counter, step: (w, a) => (a === 'Reset' ? { n: 0 } : { n: w.n + 1 }) };
  const c = await compare(endless, counterDot);
  t.deepEqual(c.findings[0], { type: 'TooManyStates', limit: 100 });
  t.false(c.core.complete);
  t.like(c.differences[0], { action: 'Add', tlc: null, core: { n: 4 } });
  const broken = await compare({ ...counter, invariants: { Small: (s) => Number(s['n']) < 2 } }, counterDot);
  t.deepEqual(broken.findings, [{ type: 'InvariantFails', name: 'Small', state: 2, states: 2 }]);
});
