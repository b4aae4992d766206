import test from 'ava';
import fc from 'fast-check';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { Config, Group, Member, ReconfigRequest } from '../../core/membershipRules.js';
import {
  deciding,
  designatedLeader,
  isQuorumOf,
  mayActivate,
  newest,
  nextConfig,
  observes,
  quorumOfAll,
  sameVersion,
} from '../../core/membershipRules.js';

const zxid = (epoch: number, counter: number): Zxid => ({ epoch, counter });

const majority = (voters: readonly ServerId[], observers: readonly ServerId[] = [], version = zeroZxid): Config => ({
  version,
  voters,
  observers,
  groups: null,
});

/** Groups of [server, weight]; whoever is in one votes. */
const grouped = (...groups: readonly (readonly (readonly [ServerId, number])[])[]): Config => ({
  version: zeroZxid,
  voters: groups.flat().map(([server]) => server),
  observers: [],
  groups: groups.map((g): Group => ({ members: g.map(([server, weight]) => ({ server, weight })) })),
});

const voter = (server: ServerId): Member => ({ server, role: 'voter' });
const observer = (server: ServerId): Member => ({ server, role: 'observer' });
const parts = (joining: readonly Member[], leaving: readonly ServerId[] = []): ReconfigRequest => ({
  from: null,
  change: { type: 'incremental', joining, leaving },
});
const whole = (members: readonly Member[], groups: readonly Group[] | null = null): ReconfigRequest => ({
  from: null,
  change: { type: 'whole', members, groups },
});

const three = majority([1, 2, 3]);

test('Quorum: more than half of the voters, and nobody else counts', (t) => {
  t.true(isQuorumOf(three, [1, 3]));
  t.false(isQuorumOf(three, [2]));
  t.false(isQuorumOf(three, [2, 4, 5, 6]));
  t.false(isQuorumOf(majority([1, 2, 3, 4]), [1, 2]));
  t.true(isQuorumOf(majority([1, 2, 3, 4]), [1, 2, 4]));
  t.false(isQuorumOf(majority([1, 2], [3]), [1, 3]));
});

test('Quorum: with groups, more than half of the weight in more than half of the groups', (t) => {
  const nine = grouped(
    [1, 2, 3].map((s) => [s, 1] as const),
    [4, 5, 6].map((s) => [s, 1] as const),
    [7, 8, 9].map((s) => [s, 1] as const),
  );
  t.true(isQuorumOf(nine, [1, 2, 4, 5]));
  t.false(isQuorumOf(nine, [1, 2, 3, 4, 7]));
  t.false(isQuorumOf(nine, [1, 2, 4]));
  const heavy = grouped(
    [
      [1, 3],
      [2, 1],
      [3, 1],
    ],
    [
      [4, 0],
      [5, 0],
    ],
  );
  t.true(isQuorumOf(heavy, [1]));
  t.false(isQuorumOf(heavy, [2, 3]));
  t.false(isQuorumOf(heavy, [4, 5]));
  t.false(isQuorumOf(grouped([[1, 1]], [[2, 1]]), [1]));
});

const ids: readonly ServerId[] = [1, 2, 3, 4, 5, 6];
const anyServers = fc.subarray([...ids]);
const anyConfig: fc.Arbitrary<Config> = fc.oneof(
  fc.subarray([...ids], { minLength: 1 }).map((v) => majority(v)),
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 3 })), { minLength: 6, maxLength: 6 })
    .map((places) =>
      grouped(
        ...[0, 1, 2].map((g) =>
          places.flatMap(([group, weight], k) => (group === g ? [[k + 1, weight] as const] : [])),
        ),
      ),
    ),
);

test('Quorum: two quorums of one configuration have a server in common, and more servers are no fewer', (t) => {
  fc.assert(
    fc.property(anyConfig, anyServers, anyServers, (config, a, b) => {
      const [qa, qb] = [isQuorumOf(config, a), isQuorumOf(config, b)];
      if (qa && qb && !a.some((s) => b.includes(s))) return false;
      return !qa || isQuorumOf(config, [...a, ...b]);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('Deciding: both configurations while a reconfig is pending, the active one otherwise', (t) => {
  const next = majority([3, 4, 5], [], zxid(1, 1));
  t.deepEqual(deciding(three, next), [three, next]);
  t.deepEqual(deciding(three, three), [three]);
  t.deepEqual(deciding(next, three), [next]);
  t.true(quorumOfAll([three, next], [1, 3, 4]));
  t.false(quorumOfAll([three, next], [1, 2, 3]));
  t.false(quorumOfAll([three, next], [3, 4, 5]));
});

test('Deciding: only a newer configuration takes the place of the active one', (t) => {
  const next = majority([3, 4, 5], [], zxid(1, 1));
  t.true(mayActivate(three, next));
  t.false(mayActivate(next, three));
  t.false(mayActivate(next, next));
  t.is(newest(three, next), next);
  t.is(newest(next, three), next);
});

test('NextConfig: by parts some leave, then others join or change their part', (t) => {
  const version = zxid(2, 7);
  const made = (current: Config, request: ReconfigRequest): unknown => nextConfig(current, request, version, 2);
  t.deepEqual(made(three, parts([voter(4)], [1])), { ok: majority([2, 3, 4], [], version) });
  t.deepEqual(made(three, parts([observer(2), observer(9)])), { ok: majority([1, 3], [2, 9], version) });
  t.deepEqual(made(majority([1, 2], [3]), parts([voter(3)])), { ok: majority([1, 2, 3], [], version) });
  t.deepEqual(made(three, parts([voter(1)], [1, 8])), { ok: majority([1, 2, 3], [], version) });
  t.deepEqual(made(three, parts([])), { ok: majority([1, 2, 3], [], version) });
});

test('NextConfig: as a whole the old members do not matter', (t) => {
  const version = zxid(2, 7);
  t.deepEqual(nextConfig(three, whole([voter(7), voter(5), observer(1)]), version, 2), {
    ok: majority([5, 7], [1], version),
  });
  const groups: readonly Group[] = [{ members: [{ server: 5, weight: 2 }] }, { members: [{ server: 6, weight: 1 }] }];
  t.deepEqual(nextConfig(three, whole([voter(5), voter(6)], groups), version, 2), {
    ok: { version, voters: [5, 6], observers: [], groups },
  });
});

test('NextConfig: too few voters are refused, and parts where there are groups', (t) => {
  const bad = { error: 'BADARGUMENTS' } as const;
  t.deepEqual(nextConfig(three, parts([], [1, 2]), zxid(1, 1), 2), bad);
  t.deepEqual(nextConfig(three, parts([], [1, 2]), zxid(1, 1), 1), { ok: majority([3], [], zxid(1, 1)) });
  t.deepEqual(nextConfig(three, whole([]), zxid(1, 1), 1), bad);
  t.deepEqual(nextConfig(grouped([[1, 1]], [[2, 1]]), parts([voter(3)]), zxid(1, 1), 1), bad);
});

test('NextConfig: voters and observers ascend and have nobody in common', (t) => {
  const members = fc.array(
    fc.record({ server: fc.constantFrom(...ids), role: fc.constantFrom('voter' as const, 'observer' as const) }),
  );
  const ascends = (list: readonly number[]): boolean => list.every((s, k) => k === 0 || (list[k - 1] ?? 0) < s);
  fc.assert(
    fc.property(members, anyServers, fc.boolean(), (joining, leaving, all) => {
      const request = all ? whole(joining) : parts(joining, leaving);
      const next = nextConfig(majority([1, 2, 3], [4]), request, zxid(1, 1), 1);
      if ('error' in next) return true;
      const { voters, observers } = next.ok;
      return ascends(voters) && ascends(observers) && !voters.some((s) => observes(s, next.ok));
    }),
  );
  t.pass();
});

test('SameVersion: a request for another version than the last seen one does not fit', (t) => {
  t.true(sameVersion(three, null));
  t.true(sameVersion(three, zeroZxid));
  t.false(sameVersion(three, zxid(1, 1)));
});

test('Designated: the leader stays if it votes, else who has acknowledged most, the smallest id of equals', (t) => {
  const z = zxid(1, 5);
  const next = majority([1, 2, 4], [], z);
  const acked = (...list: readonly (readonly [ServerId, number])[]): ServerId =>
    designatedLeader(
      3,
      next,
      list.map(([server, counter]) => ({ server, zxid: zxid(1, counter) })),
    );
  t.is(designatedLeader(2, next, []), 2);
  t.is(acked([1, 5], [2, 5]), 1);
  t.is(acked([1, 5], [2, 6], [4, 6]), 2);
  t.is(acked([1, 4], [2, 5]), 2);
  t.is(acked([5, 9], [4, 5]), 4);
  // Nobody that could: the leader itself is named, and gives up all the same.
  t.is(acked([5, 9], [1, 4]), 3);
});
