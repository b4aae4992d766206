/** Quorums of the two phases, against all subsets of small sets of acceptors. */
import test from 'ava';
import fc from 'fast-check';
import { grid, isQuorumOf, majority, quorumsMeet, weighted } from '../../core/paxosQuorum.js';
import type { ProcessId, Quorum, Quorums } from '../../core/paxosQuorum.js';

const subsets = (ids: readonly ProcessId[]): readonly (readonly ProcessId[])[] =>
  ids.reduce<readonly (readonly ProcessId[])[]>((all, id) => [...all, ...all.map((s) => [...s, id])], [[]]);

const disjoint = (a: readonly ProcessId[], b: readonly ProcessId[]): boolean => a.every((id) => !b.includes(id));

/** By looking at every pair. */
const meet = ({ promises, votes }: Quorums, ids: readonly ProcessId[]): boolean => {
  const quorums = (q: Quorum) => subsets(ids).filter((s) => isQuorumOf(q, s));
  return quorums(promises).every((p) => quorums(votes).every((v) => !disjoint(p, v)));
};

test('Quorums: a majority is more than half', (t) => {
  const { promises, votes } = majority([1, 2, 3, 4]);
  for (const q of [promises, votes]) {
    t.false(isQuorumOf(q, [1, 2]));
    t.true(isQuorumOf(q, [1, 2, 4]));
    t.false(isQuorumOf(q, [1, 7, 8, 9]));
  }
});

test('Quorums: who weighs more counts for more', (t) => {
  const { votes } = weighted([1, 2, 3].map((acceptor) => ({ acceptor, weight: acceptor === 1 ? 3 : 1 })));
  t.true(isQuorumOf(votes, [1]));
  t.false(isQuorumOf(votes, [2, 3]));
});

test('Quorums: in a grid a row promises and a column votes', (t) => {
  const g = grid([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  t.true(isQuorumOf(g.promises, [4, 5, 6]));
  t.false(isQuorumOf(g.promises, [1, 2, 4, 5]));
  t.true(isQuorumOf(g.votes, [2, 5]));
  t.false(isQuorumOf(g.votes, [1, 2, 3]));
  t.true(quorumsMeet(g));
  t.false(quorumsMeet({ promises: g.votes, votes: g.votes }));
});

test('Quorums: sets of any kind are said to meet exactly when all pairs do', (t) => {
  const ids = [1, 2, 3, 4];
  const sets = fc
    .array(fc.subarray(ids, { minLength: 1 }), { minLength: 1, maxLength: 4 })
    .map((given): Quorum => ({ type: 'sets', sets: given }));
  const weights = fc
    .tuple(fc.array(fc.nat({ max: 3 }), { minLength: 4, maxLength: 4 }), fc.integer({ min: 1, max: 8 }))
    .map(([given, atLeast]): Quorum => ({
      type: 'weights',
      weights: ids.map((acceptor, k) => ({ acceptor, weight: given[k] ?? 0 })),
      atLeast,
    }));
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(sets, fc.oneof(sets, weights), fc.boolean(), (a, b, swapped) => {
      const quorums = swapped ? { promises: b, votes: a } : { promises: a, votes: b };
      verdicts.add(quorumsMeet(quorums));
      return quorumsMeet(quorums) === meet(quorums, ids);
    }),
  );
  t.is(verdicts.size, 2);
});

test('Quorums: weights that are said to meet do', (t) => {
  const ids = [1, 2, 3, 4];
  const four = fc.array(fc.nat({ max: 4 }), { minLength: 4, maxLength: 4 });
  const atLeast = fc.integer({ min: 1, max: 9 });
  const verdicts = new Set<boolean>();
  fc.assert(
    fc.property(four, four, atLeast, atLeast, (p, v, forPromises, forVotes) => {
      const of = (given: readonly number[], least: number): Quorum => ({
        type: 'weights',
        weights: ids.map((acceptor, k) => ({ acceptor, weight: given[k] ?? 0 })),
        atLeast: least,
      });
      const quorums = { promises: of(p, forPromises), votes: of(v, forVotes) };
      verdicts.add(quorumsMeet(quorums));
      return !quorumsMeet(quorums) || meet(quorums, ids);
    }),
  );
  t.is(verdicts.size, 2);
  t.true(quorumsMeet(majority([1, 2, 3])));
  t.false(
    quorumsMeet(
      weighted(
        [1, 2, 3, 4].map((acceptor) => ({ acceptor, weight: 1 })),
        3,
        1,
      ),
    ),
  );
  t.true(
    quorumsMeet(
      weighted(
        [1, 2, 3, 4].map((acceptor) => ({ acceptor, weight: 1 })),
        3,
        2,
      ),
    ),
  );
});
