import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { collector } from '../src/collect.js';
import { readConfig } from '../src/config.js';
import type { Trace, TraceStep } from '../src/index.js';
import { canonicalText, readTrace, sameValue, writeTrace } from '../src/index.js';
import { anyState } from './arbitrary.js';

const location = fc.constantFrom(null, 'line 5, col 7 to line 5, col 25 of module D');
const anyTrace: fc.Arbitrary<Trace> = fc
  .record({
    steps: fc.array(
      fc.record({
        action: fc.constantFrom('Up', 'Crash_s2'),
        args: fc.oneof(fc.constant({}), anyState),
        location,
        state: anyState,
      }),
      { minLength: 1, maxLength: 5 },
    ),
    to: fc.option(fc.nat(4)),
    shows: fc.string(),
  })
  .map(({ steps, to, shows }) => ({
    head: { from: 'a test', shows, seed: 7, states: 3 },
    steps: steps.map((s, n): TraceStep => (n === 0 ? { ...s, action: 'Init', location: null } : s)),
    loop: to === null || to >= steps.length ? null : { to, action: 'Up' },
  }));

const read = (text: string): Trace => {
  const trace = readTrace(text);
  if (E.isLeft(trace)) throw new Error(JSON.stringify(trace.left));
  return trace.right;
};
const sameState = (a: TraceStep, b: TraceStep | undefined): boolean =>
  sameValue({ record: a.state }, { record: b?.state ?? {} });

test('ndjson and ITF: what is written is read back, whole', (t) => {
  fc.assert(
    fc.property(anyTrace, fc.constantFrom('ndjson' as const, 'itf' as const), (trace, format) => {
      const back = read(writeTrace(trace, format));
      t.deepEqual(back.head, trace.head);
      t.deepEqual(back.loop, trace.loop);
      t.is(back.steps.length, trace.steps.length);
      for (const [n, s] of trace.steps.entries()) {
        const b = back.steps[n];
        t.true(sameState(s, b) && sameValue({ record: s.args }, { record: b?.args ?? {} }));
        t.deepEqual([b?.action, b?.location], [s.action, s.location]);
      }
    }),
  );
});

test('TLC text and modules of states: what is written is read back, arguments aside', (t) => {
  fc.assert(
    fc.property(anyTrace, (trace) => {
      const tlc = read(writeTrace(trace, 'tlc'));
      t.deepEqual(tlc.loop, trace.loop);
      t.deepEqual(
        tlc.steps.map((s) => [s.action, s.location]),
        trace.steps.map((s) => [s.action, s.location]),
      );
      const states = read(writeTrace(trace, 'module'));
      t.is(states.steps.length, trace.steps.length);
      for (const [n, s] of trace.steps.entries()) t.true(sameState(s, tlc.steps[n]) && sameState(s, states.steps[n]));
    }),
  );
});

const message = (code: number, text: string): string =>
  `@!@!@STARTMSG ${code}:4 @!@!@\n${text}\n@!@!@ENDMSG ${code} @!@!@\n`;
const toolOutput = [
  message(2187, 'Running with seed 1'),
  message(2110, 'Invariant Inv is violated.'),
  message(2217, '1: <Initial predicate>\n/\\ x = 0\n/\\ y = [ a |-> 1,\n  b |-> <<>> ]\n'),
  '<<"printed", 1>>\n',
  message(2217, '2: <Up line 5, col 7 to line 5, col 25 of module D>\n/\\ x = 1\n/\\ y = [a |-> 2, b |-> <<1>>]\n'),
  message(2122, '1: Back to state: <Down line 6, col 9 to line 6, col 23 of module D>\n'),
].join('');

test('TLC output: -tool messages and the plain trace mean the same', (t) => {
  const tool = read(toolOutput);
  t.deepEqual(tool.head, { from: 'TLC', shows: 'Invariant Inv is violated.' });
  t.deepEqual(
    tool.steps.map((s) => s.action),
    ['Init', 'Up'],
  );
  t.deepEqual(tool.loop, { to: 0, action: 'Down' });
  t.is(canonicalText({ record: tool.steps[1]?.state ?? {} }), '[x |-> 1, y |-> [a |-> 2, b |-> <<1>>]]');
  const plain = `TLC2 Version 2.18\nError: Invariant Inv is violated.\nError: The behavior up to this point is:
State 1: <Initial predicate>\n/\\ x = 0\n/\\ y = [ a |-> 1,\n  b |-> <<>> ]\n
State 2: <Up line 5, col 7 to line 5, col 25 of module D>\n/\\ x = 1\n/\\ y = [a |-> 2, b |-> <<1>>]\n
Back to state 1: <Down line 6, col 9 to line 6, col 23 of module D>\n\n2 states generated\n`;
  t.deepEqual(read(plain), { ...tool, loop: { to: 0, action: 'Down' } });
});

test('readTrace: what is no trace is refused with its line', (t) => {
  const error = (text: string): string => {
    const trace = readTrace(text);
    return E.isLeft(trace) ? `${trace.left.type} ${trace.left.line}` : 'read';
  };
  const head = '{"from":"a","shows":"b"}';
  const step = '{"action":"Init","args":{},"state":{"x":1}}';
  t.is(error(`${head}\n${step}\n`), 'read');
  t.is(error(''), 'TraceError 1');
  t.is(error('hello'), 'TraceError 1');
  t.is(error(`${head}\n`), 'TraceEmpty 0');
  t.is(error('{"states":[]}'), 'TraceEmpty 0');
  t.is(error(`${head}\n${step}\n{"action":"Up"`), 'TraceError 3');
  t.is(error(`${head}\n${step.replace('1', 'null')}`), 'TraceError 2');
  t.is(error(`${head}\n${step.replace('"args"', '"argz"')}`), 'TraceError 2');
  t.is(error(`${head}\n${step.replace('"args"', '"more":1,"args"')}`), 'TraceError 2');
  t.is(error(`{"from":"a"}\n${step}`), 'TraceError 1');
  t.is(error(`{"from":"a","shows":"b","loop":{"to":4,"action":""}}\n${step}`), 'TraceError 1');
  t.is(error(`{"states":[{"x":{"#bad":1}}]}`), 'TraceError 0');
  t.is(error('1: <Init>\n/\\ x = {1,'), 'TraceError 0');
  t.is(error('---- MODULE T ----\nSTATE_1 ==\n/\\ x = 0\n\nSTATE_2 ==\n/\\ x = ?\n====\n'), 'TraceError 6');
});

test('collector: any cut of the output into chunks gives the same', (t) => {
  const output = [
    message(2262, 'TLC2 Version 2.18'),
    message(2190, 'Finished computing initial states: 2 distinct states generated at 2026.'),
    toolOutput,
    // a message inside a message, as TLC reports what an expression did
    '@!@!@STARTMSG 1000:1 @!@!@\nTLC threw\n: @!@!@STARTMSG 5006:0 @!@!@\nline 2\n@!@!@ENDMSG 5006 @!@!@\n@!@!@ENDMSG 1000 @!@!@\n',
    message(2199, '1,234 states generated, 567 distinct states found, 8 states left on queue.'),
    message(2194, 'The depth of the complete state graph search is 9.'),
    message(2186, 'Finished in 1ms'),
    'the last line without an end',
  ].join('');
  const collect = (chunks: readonly string[]): unknown => {
    const c = collector(() => undefined);
    for (const chunk of chunks) c.write(chunk);
    return c.close();
  };
  const whole = collect([output]);
  t.like(whole, {
    outcome: { type: 'invariant', name: 'Inv' },
    stats: { generated: 1234, distinct: 567, queue: 8, depth: 9, initial: { generated: 2, distinct: 2 } },
    printed: ['<<"printed", 1>>', 'the last line without an end'],
    finished: true,
    success: false,
  });
  fc.assert(
    fc.property(fc.array(fc.nat(output.length), { maxLength: 40 }), (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), output.length];
      t.deepEqual(collect(at.slice(1).map((to, n) => output.slice(at[n], to))), whole);
    }),
  );
});

test('collector: an error inside an error tells a wrong configuration', (t) => {
  const c = collector(() => undefined);
  c.write(
    '@!@!@STARTMSG 1000:1 @!@!@\nTLC threw\n: @!@!@STARTMSG 5006:0 @!@!@\nline 2\n@!@!@ENDMSG 5006 @!@!@\n@!@!@ENDMSG 1000 @!@!@\n',
  );
  t.like(c.close(), { outcome: { type: 'config error', message: 'TLC threw\nline 2' } });
});

test('collector: a state that cannot be read is said so, and gives no half behaviour', (t) => {
  const c = collector(() => undefined);
  c.write(
    message(2110, 'Invariant Inv is violated.') + message(2217, '1: <Initial predicate>\n/\\ x = SUBSET 1..30\n'),
  );
  const all = c.close();
  t.is(all.counterexample, null);
  t.regex(all.unreadable ?? '', /state 1, line 2/);
});

test('readConfig: what is checked, and what reduces the graph', (t) => {
  const cfg = readConfig(`\\* INVARIANT Not
SPECIFICATION Spec (* PROPERTY
Neither *)
CONSTANTS a = a
INVARIANTS TypeOK, Agreement
INVARIANT Third
PROPERTY Live
CHECK_DEADLOCK FALSE
CONSTRAINT Bound
SYMMETRY Perms
VIEW view`);
  t.deepEqual(cfg, {
    invariants: ['TypeOK', 'Agreement', 'Third'],
    properties: ['Live'],
    deadlock: false,
    reductions: [
      { kind: 'CONSTRAINT', name: 'Bound' },
      { kind: 'SYMMETRY', name: 'Perms' },
      { kind: 'VIEW', name: 'view' },
    ],
  });
  t.true(readConfig('').deadlock);
});
