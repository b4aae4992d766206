/** Random runs of whole servers: what holds in all of them, and that what is broken is found and can be repeated. */
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { firstFailure, nthRun } from '../../conformance/random/many.js';
import { calm, failureText, runOfLine, runSeed } from '../../conformance/random/run.js';
import type { Options } from '../../conformance/random/run.js';
import { harmsFor } from '../../conformance/random/story.js';

type Run = readonly [seed: number, options: Options];

const anyRun = (fixed: Partial<Options>): fc.Arbitrary<Run> =>
  fc.integer({ min: 1, max: 5 }).chain((servers) =>
    fc
      .tuple(
        fc.nat(),
        fc.record({
          servers: fc.constant(servers),
          clients: fc.integer({ min: 1, max: 4 }),
          story: fc.array(fc.nat(harmsFor(servers) - 1), { maxLength: 60, size: 'max' }),
          snapCount: fc.integer({ min: 3, max: 40 }),
          commitLogCount: fc.integer({ min: 1, max: 20 }),
          disk: fc.constant('honest' as const),
          twins: fc.constant(false),
        }),
      )
      .map(([seed, options]): Run => [seed, { ...options, ...fixed }]),
  );

/** Fails with the one line that repeats the smallest failing run. */
const holds = (run: fc.Arbitrary<Run>, numRuns: number): void => {
  const property = fc.property(run, ([seed, options]) => runSeed(seed, options).violation === null);
  fc.assert(property, {
    numRuns,
    reporter: ({ failed, counterexample }) => {
      if (failed && counterexample !== null) throw new Error(failureText(runSeed(...counterexample[0])));
      if (failed) throw new Error('the runs did not end');
    },
  });
};

test('every invariant holds in runs with crashes, cuts, slow disks and lost connections', (t) => {
  holds(anyRun({}), 200);
  t.pass();
});

test('every invariant holds in runs without faults, in which nothing is refused either', (t) => {
  holds(anyRun({ story: Array.from({ length: 15 }, () => 0) }), 40);
  t.pass();
});

test('batches are the fold of their events, in effects and in states', (t) => {
  holds(anyRun({ twins: true, story: [0, 4, 3, 0, 1, 22, 0, 3, 0] }), 12);
  t.pass();
});

test('runs reach what they are about', (t) => {
  const done: Record<string, number> = {};
  const sum = { transactions: 0, acknowledged: 0, events: 0, epochs: 0, crashes: 0 };
  for (let n = 0; n < 120; n++) {
    const { seed, options } = nthRun(n);
    const outcome = runSeed(seed, options);
    for (const [what, count] of Object.entries(outcome.done)) done[what] = (done[what] ?? 0) + count;
    for (const what of Object.keys(sum) as (keyof typeof sum)[]) sum[what] += outcome[what];
  }
  for (const what of ['DIFF', 'TRUNC', 'SNAP', 'SaveSnapshot', 'TakeSnapshot', 'REVALIDATE', 'SYNC', 'Refused'])
    t.true((done[what] ?? 0) > 0, `${what} never happened`);
  for (const [what, count] of Object.entries(sum)) t.true(count > 100, `only ${count} ${what}`);
});

test('a run is repeated by its line, to the last figure', (t) => {
  const { seed, options } = nthRun(2);
  const outcome = runSeed(seed, options);
  t.deepEqual(runOfLine(outcome.line), E.right(outcome));
  t.notDeepEqual(runSeed(seed + 1, options).replies, outcome.replies);
  for (const line of ['', '{}', '{"seed": 1}', outcome.line.replace('"honest"', '"sly"')])
    t.true(E.isLeft(runOfLine(line)), line);
});

test('a disk that forgets what an fsync has covered is found, and its smallest run prints as one line', (t) => {
  const error = t.throws(() => holds(anyRun({ disk: 'forgets' }), 100));
  const [text = '', more] = error.message.split('\n');
  t.is(more, undefined);
  t.regex(text, /^(Durability|Recovery|LeaderLogCompleteness|AcknowledgedStays|Liveness|SameTrees): /);
  const again = runOfLine(text.slice(text.indexOf('{"seed"')));
  if (E.isLeft(again)) return t.fail(again.left);
  t.is(failureText(again.right), text);
  t.true(JSON.parse(again.right.line).story.length < 10, 'it shrinks');
});

test('without servers to serve there is no rest: a cluster that cannot come up is found', (t) => {
  const { seed, options } = nthRun(3);
  const outcome = runSeed(seed, { ...options, servers: 0, story: [] });
  t.is(outcome.violation?.name, 'Liveness');
});

test('numbered runs go on where others stopped, and none of these fails', (t) => {
  const failure = firstFailure(runSeed, 120, 180);
  t.is(failure === null ? '' : failureText(failure), '');
  t.is(calm.disk, 'honest');
});
