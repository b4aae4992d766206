/** Each invariant of random runs, on servers made to break it. */
import test from 'ava';
import type { ServerState } from '../../core/server.js';
import { freshService, serviceStep, snapshotOf } from '../../core/service/service.js';
import { noSession } from '../../core/service/txn.js';
import type { Txn } from '../../core/service/txn.js';
import type { Disk } from '../../conformance/random/disk.js';
import { snapshotText } from '../../conformance/random/disk.js';
import { monitorOf } from '../../conformance/random/invariants.js';

type Made = {
  phase?: 'LOOKING' | 'BROADCAST';
  leader?: number;
  newEpoch?: number;
  accepted?: number;
  current?: number;
  delivered?: Txn | null;
  entries?: readonly Txn[];
  durable?: number;
};

const txn = (epoch: number, counter: number, cxid = 0): Txn => ({
  session: noSession,
  cxid,
  zxid: { epoch, counter },
  timeMs: 0,
  record: { type: 'error', err: -1 },
  digest: null,
});
const zero = { epoch: 0, counter: 0 };

/** Three servers as they are made, and the names of what was found broken, in order. */
const watched = () => {
  const made: Required<Made>[] = [1, 2, 3].map(() => ({
    phase: 'BROADCAST',
    leader: 3,
    newEpoch: 1,
    accepted: 1,
    current: 1,
    delivered: null,
    entries: [],
    durable: 0,
  }));
  const cuts = [0, 0, 0];
  const faults: string[] = [];
  const monitor = monitorOf(
    made.map((m, i) => ({
      sid: i + 1,
      state: () =>
        ({
          replication: {
            role: { phase: m.phase, leader: m.leader, newEpoch: m.newEpoch },
            disk: { acceptedEpoch: m.accepted, currentEpoch: m.current },
            delivered: m.delivered?.zxid ?? zero,
          },
        }) as unknown as ServerState,
      disk: {
        base: () => zero,
        entries: () => m.entries,
        durable: () => m.durable,
        cuts: () => cuts[i],
        epochs: () => ({ accepted: m.accepted, current: m.current }),
      } as unknown as Disk,
    })),
    (name) => faults.push(name),
  );
  const turn = (sid: number, change: Made): void => {
    if (change.entries !== undefined && change.entries.length < (made[sid - 1]?.entries.length ?? 0))
      cuts[sid - 1] = (cuts[sid - 1] ?? 0) + 1;
    Object.assign(made[sid - 1] as object, change);
    monitor.turned(sid);
  };
  return { monitor, faults, turn };
};

const log = [txn(1, 1), txn(1, 2)];
const [first, second] = log as [Txn, Txn];

/** All have the log on disk; the leader has delivered `upTo`. */
const logged = (upTo: Txn | null) => {
  const w = watched();
  for (const sid of [1, 2, 3]) w.turn(sid, { entries: log, durable: 2 });
  w.turn(3, { delivered: upTo });
  return w;
};

test('servers that deliver the same in the same order break nothing', (t) => {
  const { faults, turn, monitor } = logged(second);
  turn(1, { delivered: first });
  turn(1, { delivered: second });
  turn(2, { delivered: second });
  t.deepEqual(faults, []);
  t.deepEqual(monitor.order(), log);
});

test('Leadership: two servers established in one epoch', (t) => {
  const { faults, turn } = logged(null);
  turn(2, { leader: 2 });
  t.true(faults.includes('Leadership'));
});

test('PrefixConsistency and Agreement: another transaction in the same place', (t) => {
  const { faults, turn } = logged(second);
  const other = txn(1, 1, 7);
  turn(1, { entries: [other], durable: 1, delivered: other });
  t.true(faults.includes('PrefixConsistency'));
  t.true(faults.includes('Agreement'));
});

test('Agreement alone is of servers that serve', (t) => {
  const { faults, turn } = logged(second);
  turn(3, { phase: 'LOOKING', leader: 0 });
  turn(1, { entries: [txn(1, 1, 7)], durable: 1, delivered: txn(1, 1, 7) });
  t.false(faults.includes('Agreement'));
  t.true(faults.includes('PrefixConsistency'));
});

test('Integrity: delivered and not in the log', (t) => {
  const { faults, turn } = logged(null);
  turn(1, { delivered: txn(1, 3) });
  t.true(faults.includes('Integrity'));
});

test('TotalOrder, LocalPrimaryOrder: what goes back, and what leaves a gap', (t) => {
  const back = logged(second);
  for (const sid of [1, 2, 3]) back.turn(sid, { entries: [...log, txn(0, 9)], durable: 3 });
  t.true(back.faults.includes('GlobalPrimaryOrder'));
  const gap = watched();
  for (const sid of [1, 2, 3]) gap.turn(sid, { entries: [first, txn(1, 3)], durable: 2 });
  gap.turn(3, { delivered: txn(1, 3) });
  t.deepEqual(gap.faults, ['LocalPrimaryOrder']);
  const twice = watched();
  for (const sid of [1, 2, 3]) twice.turn(sid, { entries: [second, txn(1, 2, 5)], durable: 2 });
  twice.turn(3, { delivered: second });
  t.true(twice.faults.includes('TotalOrder'));
});

test('PrimaryIntegrity: a leader established without what an earlier epoch delivered', (t) => {
  const { faults, turn } = logged(second);
  turn(1, { delivered: first, leader: 1, newEpoch: 2, accepted: 2 });
  t.deepEqual(faults, ['PrimaryIntegrity']);
});

test('LeaderLogCompleteness: the newest leader lacks what was delivered', (t) => {
  const { faults, turn } = logged(second);
  turn(1, { entries: [first], durable: 1, leader: 1, newEpoch: 2, accepted: 2 });
  t.true(faults.includes('LeaderLogCompleteness'));
});

test('Durability: delivered on one disk only', (t) => {
  const { faults, turn } = watched();
  turn(3, { entries: log, durable: 2 });
  turn(2, { entries: log, durable: 1 });
  t.deepEqual(faults, []);
  turn(3, { delivered: second });
  t.deepEqual([...new Set(faults)], ['Durability']);
});

test('EpochsInOrder: synchronised in an epoch that was not promised, or behind the log at a start', (t) => {
  const { faults, turn } = logged(null);
  turn(1, { current: 2 });
  t.deepEqual([...new Set(faults)], ['EpochsInOrder']);
  const behind = logged(null);
  behind.turn(1, { current: 0 });
  t.deepEqual(behind.faults, []);
  behind.monitor.restarted(1);
  t.deepEqual(behind.faults, ['EpochsInOrder']);
});

test('SnapshotIsExact: a snapshot has what was delivered up to its zxid, no less and no more', (t) => {
  const { faults, monitor } = logged(second);
  const one = serviceStep(freshService(), { type: 'Applied', txn: first }).state;
  monitor.snapshotTaken(3, second.zxid, snapshotText(snapshotOf(one)));
  t.deepEqual(faults, []);
  const created = { type: 'createSession' as const, timeoutMs: 1000 };
  const more = serviceStep(one, { type: 'Applied', txn: { ...second, session: '0100000000000001', record: created } });
  monitor.snapshotTaken(3, second.zxid, snapshotText(snapshotOf(more.state)));
  t.deepEqual(faults, ['SnapshotIsExact']);
});
