import test from 'ava';
import type { Zxid } from '../../../core/data/zxid.js';
import { zeroZxid } from '../../../core/data/zxid.js';
import { askForSnapshot } from '../../../core/replication/state.js';
import type { ReplicationState } from '../../../core/replication/state.js';
import {
  ack,
  ackEpoch,
  acknowledged,
  after,
  asks,
  closed,
  commit,
  diff,
  elected,
  epochSaved,
  followerInfo,
  following,
  from,
  leaderInfo,
  leading,
  logOf,
  logSynced,
  newLeader,
  promised,
  proposal,
  proposed,
  refusal,
  server,
  snap,
  snapshotSaved,
  synchronizing,
  trunc,
  txn,
  txns,
  upToDate,
  zxid,
} from './support.js';

/** What an established leader sends to server 2, whose last logged zxid is `p`. */
const stream = (leader: ReplicationState, p: Zxid): readonly string[] =>
  asks(after(leader, followerInfo(2)), ackEpoch(2, -1, p)).map((line) => line.replace('to 2: ', ''));

/** A leader of epoch 2 whose log holds transactions 1 to 5 of epoch 1. */
const five = leading({ log: txns(1, 5) });

const table: readonly (readonly [string, Zxid, readonly string[]])[] = [
  ['the same history', zxid(1, 5), ['DIFF 1.5']],
  ['one behind', zxid(1, 4), ['DIFF 1.5', 'PROPOSAL 1.5', 'COMMIT 1.5']],
  ['a tail of the same epoch', zxid(1, 0x63), ['TRUNC 1.5']],
  ['a tail of a newer epoch', zxid(5, 3), ['TRUNC 1.5']],
  ['a newer epoch without transactions', zxid(5, 0), ['SNAP 1.5']],
  ['no history', zeroZxid, ['SNAP 1.5']],
];

// The leader and the cases are those that were tried on Apache ZooKeeper 3.9.4 (its log begins at 0x100000001).
for (const [name, p, expected] of table)
  test(`HandleAckEpoch: ${name} gives ${expected[0] ?? ''}`, (t) => {
    t.deepEqual(stream(five, p), [...expected, 'NEWLEADER 2']);
  });

test('HandleAckEpoch: the epoch of a learner that has logged nothing in it is no transaction', (t) => {
  const leader = leading({ log: [...txns(1, 2), txn(3, 1)], accepted: 3 });
  t.deepEqual(stream(leader, zxid(2, 0)), ['DIFF 3.1', 'PROPOSAL 3.1', 'COMMIT 3.1', 'NEWLEADER 4']);
});

test('HandleAckEpoch: a tail of an older epoch than what follows cannot be cut', (t) => {
  const leader = leading({ log: [...txns(2, 9), txn(3, 1)], accepted: 3 });
  t.deepEqual(stream(leader, zxid(2, 10)), ['SNAP 3.1', 'NEWLEADER 4']);
});

test('HandleAckEpoch: a tail that parts from the log of the leader within one epoch is cut there', (t) => {
  const leader = leading({ log: [txn(1, 1), txn(1, 2), txn(1, 4)] });
  t.deepEqual(stream(leader, zxid(1, 3)), ['TRUNC 1.2', 'PROPOSAL 1.4', 'COMMIT 1.4', 'NEWLEADER 2']);
});

test('HandleAckEpoch: below what the leader has in memory everything is sent', (t) => {
  const leader = leading({ base: zxid(1, 3), log: [txn(1, 4), txn(1, 5)] });
  t.deepEqual(stream(leader, zxid(1, 3)), ['SNAP 1.5', 'NEWLEADER 2']);
  t.deepEqual(stream(leader, zxid(1, 4)), ['DIFF 1.5', 'PROPOSAL 1.5', 'COMMIT 1.5', 'NEWLEADER 2']);
});

test('HandleAckEpoch: nothing is cut back to a leader without transactions', (t) => {
  t.deepEqual(stream(leading({ log: [], accepted: 1 }), zxid(1, 1)), ['SNAP 0.0', 'NEWLEADER 2']);
});

test('HandleAckEpoch: what is outstanding follows as proposals that are not committed', (t) => {
  const leader = after(five, proposed(2, 1), proposed(2, 2));
  t.deepEqual(stream(leader, zxid(1, 5)), ['DIFF 1.5', 'PROPOSAL 2.1', 'PROPOSAL 2.2', 'NEWLEADER 2']);
  t.deepEqual(stream(leader, zxid(2, 1)), ['TRUNC 1.5', 'PROPOSAL 2.1', 'PROPOSAL 2.2', 'NEWLEADER 2']);
  t.deepEqual(stream(leader, zeroZxid), ['SNAP 1.5', 'PROPOSAL 2.1', 'PROPOSAL 2.2', 'NEWLEADER 2']);
});

test('HandleAckEpoch: before the leader is established all of its log counts as committed', (t) => {
  const s = after(server(3, { log: txns(1, 2) }), elected(3), followerInfo(1), epochSaved, ackEpoch(1));
  t.deepEqual(asks(s, epochSaved), ['to 1: DIFF 1.2', 'to 1: PROPOSAL 1.2', 'to 1: COMMIT 1.2', 'to 1: NEWLEADER 2']);
});

test('HandleAckEpoch: a SNAP before that holds the applied part only, the rest follows it', (t) => {
  const files = { base: zxid(1, 3), log: [txn(1, 4)] };
  const s = after(server(3, files), elected(3), followerInfo(1), epochSaved, ackEpoch(1, 1, zxid(1, 1)));
  t.deepEqual(asks(s, epochSaved), ['to 1: SNAP 1.3', 'to 1: PROPOSAL 1.4', 'to 1: COMMIT 1.4', 'to 1: NEWLEADER 2']);
});

test('HandleDiff: nothing changes on disk', (t) => {
  const s = promised();
  t.deepEqual(asks(s, diff(1, 9)), []);
  const { role, disk } = after(s, diff(1, 9));
  t.is(role.sync.mode, 'DIFF');
  t.is(disk, s.disk);
});

test('HandleTrunc: the tail goes, and what is left is durable', (t) => {
  const s = promised({ log: txns(1, 3) });
  t.deepEqual(asks(s, trunc(1, 1)), ['Truncate 1.1']);
  const cut = after(s, trunc(1, 1));
  t.deepEqual(logOf(cut), ['1.1']);
  t.deepEqual(cut.disk.synced, zxid(1, 1));
  t.deepEqual(logOf(after(cut, proposal(2, 1), commit(2, 1), newLeader())), ['1.1', '2.1']);
  t.deepEqual(logOf(s), ['1.1', '1.2', '1.3']); // the state before keeps its log
});

test('HandleTrunc: a cut below the snapshot is refused, one at the snapshot is not', (t) => {
  const s = promised({ base: zxid(1, 3), log: [txn(1, 4)] });
  t.is(refusal(s, trunc(1, 2)), 'KeepsBase');
  t.deepEqual(logOf(after(s, trunc(1, 3))), []);
  t.deepEqual(after(s, trunc(1, 3)).disk.synced, zxid(1, 3));
});

test('HandleSnap: the snapshot is held in memory, and forgotten with the connection', (t) => {
  const s = after(promised(), snap(2, 7));
  t.deepEqual(asks(promised(), snap(2, 7)), []);
  t.deepEqual([logOf(s), s.delivered], [['1.1'], zeroZxid]);
  t.is(after(s, closed(3)).role.sync.snap, null);
});

for (const [action, event] of [
  ['HandleDiff', diff(1, 1)],
  ['HandleTrunc', trunc(1, 1)],
  ['HandleSnap', snap(1, 1)],
] as const)
  test(`${action}: refused from others than the leader, before ACKEPOCH and a second time`, (t) => {
    t.is(refusal(server(1), event), 'FromLeader');
    t.is(refusal(leading(), event), 'FromLeader');
    t.is(refusal(after(server(1), elected(3)), event), 'Expected');
    t.is(refusal(after(promised(), diff(1, 1)), event), 'Expected');
    t.is(refusal(following(), event), 'Expected');
  });

test('HandleNewLeader: the ACK comes after LogSynced and after EpochSaved, in this order', (t) => {
  let s = after(promised(), diff(1, 3), proposal(1, 2), commit(1, 2), proposal(1, 3), commit(1, 3));
  t.deepEqual(asks(s, newLeader()), ['Append 1.2 1.3']);
  s = after(s, newLeader());
  t.is(refusal(s, epochSaved), 'Saving');
  t.deepEqual(asks(s, logSynced(1, 2)), []);
  s = after(s, logSynced(1, 2));
  t.deepEqual(asks(s, logSynced(1, 3)), ['SaveEpoch current 2']);
  s = after(s, logSynced(1, 3));
  t.deepEqual(asks(s, epochSaved), ['to 3: ACK 2.0']);
});

test('HandleNewLeader: with nothing to log only the epoch stands before the ACK', (t) => {
  t.deepEqual(asks(after(promised(), diff(1, 1)), newLeader()), ['SaveEpoch current 2']);
});

test('HandleNewLeader: a server that has the epoch already acknowledges at once', (t) => {
  const s = after(
    following(),
    closed(3),
    elected(3),
    from(3, { type: 'LEADERINFO', epoch: 2, protocolVersion: 65536 }),
  );
  t.deepEqual(asks(after(s, diff(1, 1)), newLeader()), ['to 3: ACK 2.0']);
});

test('HandleNewLeader: proposals without their COMMIT stay pending', (t) => {
  const s = after(promised(), diff(1, 2), proposal(1, 2), commit(1, 2), proposal(2, 1));
  t.deepEqual(asks(s, newLeader()), ['Append 1.2']);
  const { role } = after(s, newLeader());
  t.deepEqual([role.sync.pending.length, role.sync.commits], [1, 0]);
});

test('HandleNewLeader: after SNAP the snapshot is saved first', (t) => {
  const s = after(promised(), snap(1, 9), proposal(1, 10), commit(1, 10));
  t.deepEqual(asks(s, newLeader()), ['SaveSnapshot 1.9']);
  t.is(after(s, newLeader()).disk.saving, 'snapshot');
});

test('HandleNewLeader: refused from others, before the mode and a second time', (t) => {
  t.is(refusal(server(1), newLeader()), 'FromLeader');
  t.is(refusal(promised(), newLeader()), 'Expected');
  t.is(refusal(acknowledged(), newLeader()), 'Expected');
  t.is(refusal(following(), newLeader()), 'Expected');
});

test('SnapshotSaved: the snapshot takes the place of the log, then what follows it is logged', (t) => {
  const s = after(promised({ log: txns(1, 4) }), snap(1, 2), proposal(1, 3), commit(1, 3), newLeader());
  t.deepEqual(asks(s, snapshotSaved), ['Restore 1.2', 'Append 1.3']);
  const saved = after(s, snapshotSaved);
  t.deepEqual([logOf(saved), saved.disk.base, saved.delivered], [['1.3'], zxid(1, 2), zxid(1, 2)]);
  t.deepEqual(asks(saved, logSynced(1, 3)), ['SaveEpoch current 2']);
  t.deepEqual(asks(after(promised(), snap(1, 2), newLeader()), snapshotSaved), ['Restore 1.2', 'SaveEpoch current 2']);
});

test('SnapshotSaved: who left meanwhile takes the snapshot over and only then looks for a leader', (t) => {
  const s = after(promised(), snap(1, 2), newLeader());
  t.deepEqual(asks(s, closed(3)), ['DisconnectAll', 'Leave']);
  t.is(refusal(after(s, closed(3)), elected(2)), 'Quiescent');
  t.deepEqual(asks(after(s, closed(3)), snapshotSaved), ['Restore 1.2', 'LookForLeader 1 1.2']);
});

test('SnapshotSaved: refused when none was asked for', (t) => {
  t.is(refusal(server(1), snapshotSaved), 'Saving');
  t.is(refusal(after(promised(), snap(1, 2)), snapshotSaved), 'Saving');
  t.is(refusal(after(promised(), diff(1, 1), newLeader()), snapshotSaved), 'Saving');
});

test('HandleUpToDate: the follower acknowledges, logs what is pending, applies what is committed and serves', (t) => {
  const s = after(acknowledged(), proposal(2, 1), proposal(2, 2), commit(2, 1));
  t.deepEqual(asks(s, upToDate), ['to 3: ACK 2.0', 'Append 2.1 2.2', 'Deliver 1.1 2.1', 'Serve 2']);
  const serving = after(s, upToDate);
  t.deepEqual([serving.role.phase, serving.delivered], ['BROADCAST', zxid(2, 1)]);
  t.deepEqual(asks(serving, logSynced(2, 2)), ['to 3: ACK 2.1', 'to 3: ACK 2.2']);
});

test('HandleUpToDate: nothing is applied before it', (t) => {
  t.deepEqual(acknowledged().delivered, zeroZxid);
  t.deepEqual(following().delivered, zxid(1, 1));
});

test('HandleUpToDate: refused from others and before the ACK of NEWLEADER', (t) => {
  t.is(refusal(server(1), upToDate), 'FromLeader');
  t.is(refusal(after(promised(), diff(1, 1)), upToDate), 'Expected');
  t.is(refusal(after(promised(), diff(1, 1), newLeader()), upToDate), 'Expected');
  t.is(refusal(following(), upToDate), 'Expected');
});

test('HandleAck: a quorum of ACKs of NEWLEADER establishes the leader, which applies all of its log', (t) => {
  const s = synchronizing({ log: txns(1, 2) });
  t.deepEqual(asks(s, ack(1, 2, 0)), ['Deliver 1.1 1.2', 'to 1: UPTODATE', 'Serve 2']);
});

test('HandleTrunc: what cuts into the snapshot is refused, and the next leader is asked for a snapshot', (t) => {
  const s = promised({ base: zxid(1, 3), log: [] });
  t.is(refusal(s, trunc(1, 2)), 'KeepsBase');
  const again = after(askForSnapshot(s), closed(3), elected(3));
  t.deepEqual(asks(again, leaderInfo(2)), ['to 3: ACKEPOCH -1 2147483647.0']);
  t.deepEqual(asks(after(again, leaderInfo(3)), epochSaved), ['to 3: ACKEPOCH 1 2147483647.0']);
  // No history goes on there: a leader sends all that it has. With it the wish is over.
  const leader = after(leading(), from(2, { type: 'FOLLOWERINFO', ...info }));
  t.is(asks(leader, ackEpoch(2, 1, zxid(0x7fffffff, 0)))[0], 'to 2: SNAP 1.1');
  const restored = after(again, leaderInfo(2), snap(1, 2), newLeader(), snapshotSaved);
  t.false(restored.wantsSnapshot);
});

const info = { acceptedEpoch: 1, sid: 2, protocolVersion: 0x10000, configVersion: zeroZxid };
