import test from 'ava';
import { maxCounter, zeroZxid } from '../../../core/data/zxid.js';
import { isOutpromised, nextZxid, propose } from '../../../core/replication/broadcast.js';
import { replicationStep } from '../../../core/replication/replication.js';
import { appended, withDisk } from '../../../core/replication/state.js';
import type { ReplicationEvent, ReplicationState } from '../../../core/replication/state.js';
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
  learnersOf,
  logOf,
  logSynced,
  newLeader,
  promised,
  proposal,
  proposed,
  refusal,
  resign,
  server,
  snap,
  step,
  synchronizing,
  timeout,
  txn,
  txns,
  upToDate,
  zxid,
} from './support.js';

const observerInfo = (sid: number, acceptedEpoch: number): ReplicationEvent =>
  from(sid, { type: 'OBSERVERINFO', acceptedEpoch, sid, protocolVersion: 0x10000, configVersion: zeroZxid });

/** Leader 3 of five, established with learners 1 and 2. */
const ofFive = after(
  server(3, { voters: [1, 2, 3, 4, 5] }),
  elected(3),
  followerInfo(1),
  followerInfo(2),
  epochSaved,
  ackEpoch(1),
  ackEpoch(2),
  epochSaved,
  ack(1, 2, 0),
  ack(2, 2, 0),
);

/** The leader of five that has proposed twice and synced both. */
const two = after(ofFive, proposed(2, 1), proposed(2, 2), logSynced(2, 2));

test('Propose: the transaction is appended and goes to everybody who is synchronised or on the way', (t) => {
  t.deepEqual(asks(ofFive, proposed(2, 1)), ['Append 2.1', 'to 1: PROPOSAL 2.1', 'to 2: PROPOSAL 2.1']);
  const joining = after(leading(), followerInfo(2));
  t.deepEqual(asks(joining, proposed(2, 1)), ['Append 2.1', 'to 1: PROPOSAL 2.1']);
  const syncing = after(joining, ackEpoch(2));
  t.deepEqual(asks(syncing, proposed(2, 1)), ['Append 2.1', 'to 1: PROPOSAL 2.1', 'to 2: PROPOSAL 2.1']);
});

test('Propose: counters follow each other and begin at 1 in each epoch', (t) => {
  t.deepEqual(nextZxid(leading({ log: txns(1, 7) })), zxid(2, 1));
  t.deepEqual(nextZxid(after(leading(), proposed(2, 1))), zxid(2, 2));
  t.is(refusal(leading(), proposed(2, 2)), 'NextZxid');
  t.is(refusal(leading(), proposed(1, 2)), 'NextZxid');
});

test('Propose: the last counter of an epoch is never passed', (t) => {
  const leader = (counter: number): ReplicationState => {
    const s = leading();
    return withDisk(s, appended(s.disk, [txn(2, counter)]));
  };
  t.deepEqual(nextZxid(leader(maxCounter - 1)), zxid(2, maxCounter));
  t.is(nextZxid(leader(maxCounter)), null);
  t.deepEqual(propose(leader(maxCounter), txn(2, maxCounter + 1)), { refused: 'NextZxid' });
});

test('Propose: refused to who does not lead or is not established', (t) => {
  t.is(refusal(following(), proposed(2, 1)), 'Leading');
  t.is(refusal(server(3), proposed(2, 1)), 'Leading');
  t.is(refusal(synchronizing(), proposed(2, 1)), 'Serving');
  t.is(nextZxid(synchronizing()), null);
  t.is(nextZxid(following()), null);
});

test('HandleProposal: a follower that serves appends at once and acknowledges nothing yet', (t) => {
  t.deepEqual(asks(following(), proposal(2, 1)), ['Append 2.1']);
  t.deepEqual(logOf(after(following(), proposal(2, 1))), ['1.1', '2.1']);
});

test('HandleProposal: before UPTODATE it is kept and nothing is asked of the disk', (t) => {
  for (const s of [after(promised(), diff(1, 1)), acknowledged()]) {
    t.deepEqual(asks(s, proposal(2, 1)), []);
    t.deepEqual(logOf(after(s, proposal(2, 1))), ['1.1']);
  }
});

test('HandleProposal: refused from others and before DIFF, TRUNC or SNAP', (t) => {
  t.is(refusal(leading(), proposal(2, 1)), 'FromLeader');
  t.is(refusal(following(), from(2, { type: 'PROPOSAL', txn: txn(2, 1) })), 'FromLeader');
  t.is(refusal(promised(), proposal(2, 1)), 'Expected');
  t.is(refusal(after(server(1), elected(3)), proposal(2, 1)), 'Expected');
});

test('LogSynced: a follower acknowledges each entry, in order, also for a part of what it asked', (t) => {
  const s = after(following(), proposal(2, 1), proposal(2, 2), proposal(2, 3));
  t.deepEqual(asks(s, logSynced(2, 2)), ['to 3: ACK 2.1', 'to 3: ACK 2.2']);
  t.deepEqual(asks(after(s, logSynced(2, 2)), logSynced(2, 3)), ['to 3: ACK 2.3']);
});

test('LogSynced: the leader counts itself only now', (t) => {
  const s = after(leading(), proposed(2, 1), ack(1, 2, 1));
  t.deepEqual(s.delivered, zxid(1, 1));
  t.deepEqual(asks(s, logSynced(2, 1)), ['Deliver 2.1', 'to 1: COMMIT 2.1']);
});

test('LogSynced: a leader that has left looks for a leader once all is on disk', (t) => {
  const s = after(leading(), proposed(2, 1), proposed(2, 2), closed(1), timeout);
  t.deepEqual(asks(s, logSynced(2, 1)), []);
  t.deepEqual(asks(after(s, logSynced(2, 1)), logSynced(2, 2)), ['LookForLeader 2 2.2']);
});

test('LogSynced: what is covered already, or not in the log, is refused', (t) => {
  const s = after(following(), proposal(2, 1));
  t.is(refusal(s, logSynced(1, 1)), 'Unsynced');
  t.is(refusal(s, logSynced(2, 2)), 'Unsynced');
  t.is(refusal(after(s, logSynced(2, 1)), logSynced(2, 1)), 'Unsynced');
});

test('HandleAck: a commit needs a quorum', (t) => {
  t.deepEqual(asks(two, ack(1, 2, 1)), []);
  t.deepEqual(asks(after(two, ack(1, 2, 1)), ack(2, 2, 1)), ['Deliver 2.1', 'to 1: COMMIT 2.1', 'to 2: COMMIT 2.1']);
  t.deepEqual(asks(after(two, ack(1, 2, 1)), ack(1, 2, 1)), []); // one voter twice is one voter
});

test('HandleAck: transactions are committed in order, several at once where one ACK completes them', (t) => {
  const s = after(two, ack(1, 2, 1), ack(1, 2, 2));
  t.deepEqual(asks(s, ack(2, 2, 2)), [
    'Deliver 2.1 2.2',
    'to 1: COMMIT 2.1',
    'to 1: COMMIT 2.2',
    'to 2: COMMIT 2.1',
    'to 2: COMMIT 2.2',
  ]);
});

test('HandleAck: the first ACK must be that of NEWLEADER', (t) => {
  const s = after(leading(), followerInfo(2), ackEpoch(2), proposed(2, 1));
  t.is(refusal(s, ack(2, 2, 1)), 'Expected');
  t.is(refusal(s, ack(2, 1, 0)), 'Expected');
  t.deepEqual(asks(s, ack(2, 2, 0)), ['to 2: UPTODATE']);
});

test('HandleAck: that of UPTODATE changes nothing', (t) => {
  const s = leading();
  t.is(step(s, ack(1, 2, 0)).state, s);
  t.deepEqual(asks(s, ack(1, 2, 0)), []);
});

test('HandleAck: a quorum of ACKs of NEWLEADER is needed before anybody is UPTODATE', (t) => {
  const s = after(
    server(3, { voters: [1, 2, 3, 4, 5] }),
    elected(3),
    followerInfo(1),
    followerInfo(2),
    epochSaved,
    ackEpoch(1),
    ackEpoch(2),
    epochSaved,
  );
  t.deepEqual(asks(s, ack(1, 2, 0)), []);
  t.deepEqual(asks(after(s, ack(1, 2, 0)), ack(2, 2, 0)), [
    'Deliver 1.1',
    'to 1: UPTODATE',
    'to 2: UPTODATE',
    'Serve 2',
  ]);
});

test('HandleAck: what was acknowledged on a connection that has ended counts no more', (t) => {
  const s = after(leading(), proposed(2, 1), ack(1, 2, 1), closed(1), followerInfo(1), ackEpoch(1, -1, zxid(2, 1)));
  t.deepEqual(asks(s, logSynced(2, 1)), []); // Apache's leader commits here
  const again = after(s, ack(1, 2, 0), logSynced(2, 1));
  t.deepEqual(again.delivered, zxid(1, 1));
  t.deepEqual(asks(again, ack(1, 2, 1)), ['Deliver 2.1', 'to 1: COMMIT 2.1']);
});

test('HandleAck: refused to who does not lead and from who is not synchronised', (t) => {
  t.is(refusal(following(), ack(2, 2, 1)), 'Leading');
  t.is(refusal(leading(), ack(2, 2, 1)), 'Expected');
  t.is(refusal(after(leading(), followerInfo(1)), ack(1, 2, 1)), 'Expected');
});

test('HandleCommit: a follower that serves applies its next transaction', (t) => {
  const s = after(following(), proposal(2, 1), proposal(2, 2));
  t.deepEqual(asks(s, commit(2, 1)), ['Deliver 2.1']); // also before its own fsync
  t.is(refusal(s, commit(2, 2)), 'NextCommitted');
  t.is(refusal(after(s, commit(2, 1)), commit(2, 1)), 'NextCommitted');
  t.is(refusal(following(), commit(2, 1)), 'NextCommitted');
});

test('HandleCommit: before UPTODATE it counts what will be applied, in order', (t) => {
  const s = after(promised(), diff(1, 1), proposal(2, 1), proposal(2, 2));
  t.is(refusal(s, commit(2, 2)), 'NextCommitted');
  t.is(after(s, commit(2, 1)).role.sync.commits, 1);
  t.deepEqual(asks(s, commit(2, 1)), []);
});

test('HandleCommit: one between the ACK of NEWLEADER and UPTODATE finds its proposal', (t) => {
  const s = after(promised(), diff(1, 1), proposal(2, 1), newLeader(), epochSaved, commit(2, 1));
  t.deepEqual(asks(s, upToDate), ['to 3: ACK 2.0', 'Append 2.1', 'Deliver 1.1 2.1', 'Serve 2']);
});

test('HandleCommit: refused from others and before synchronisation', (t) => {
  t.is(refusal(leading(), commit(1, 1)), 'FromLeader');
  t.is(refusal(after(server(1), elected(3)), commit(1, 1)), 'Expected');
});

test('NoticeClose: a leader forgets the learner and goes on', (t) => {
  const s = after(leading(), closed(1));
  t.deepEqual(learnersOf(s), []);
  t.deepEqual(asks(leading(), closed(1)), []);
  t.is(s.role.phase, 'BROADCAST');
});

test('NoticeClose: a follower leaves and looks for a leader once its disk is quiet', (t) => {
  t.deepEqual(asks(following(), closed(3)), ['DisconnectAll', 'Leave', 'LookForLeader 2 1.1']);
  const writing = after(following(), proposal(2, 1));
  t.deepEqual(asks(writing, closed(3)), ['DisconnectAll', 'Leave']);
  t.deepEqual(asks(after(writing, closed(3)), logSynced(2, 1)), ['LookForLeader 2 2.1']);
});

test('NoticeClose: a logged tail is reported, applied or not', (t) => {
  const s = after(following(), proposal(2, 1), logSynced(2, 1));
  t.deepEqual(s.delivered, zxid(1, 1));
  t.deepEqual(asks(s, closed(3)).at(-1), 'LookForLeader 2 2.1'); // ZOOKEEPER-2845
});

test('NoticeClose: what was received and not logged is forgotten', (t) => {
  const s = after(promised(), diff(1, 1), proposal(2, 1), closed(3));
  t.deepEqual([s.role.phase, s.role.leader, s.role.sync.pending], ['LOOKING', null, []]);
});

test('NoticeClose: refused where there is no such connection', (t) => {
  t.is(refusal(leading(), closed(2)), 'Peer');
  t.is(refusal(following(), closed(2)), 'Peer');
  t.is(refusal(server(1), closed(3)), 'Peer');
});

test('LeaderTimeout: a leader without a quorum leaves', (t) => {
  const s = after(leading(), closed(1));
  t.deepEqual(asks(s, timeout), ['DisconnectAll', 'Leave', 'LookForLeader 2 1.1']);
  t.is(after(s, timeout).role.newEpoch, 0);
});

test('LeaderTimeout: refused with a quorum, and to who does not lead', (t) => {
  t.is(refusal(leading(), timeout), 'QuorumMissing');
  t.is(refusal(after(ofFive, closed(1)), timeout), null);
  t.is(refusal(following(), timeout), 'Leading');
});

test('Resign: a leader whose counter is used up leaves, also one that is a quorum alone', (t) => {
  const s = after(leading({ maxCounter: 1 }), proposed(2, 1), logSynced(2, 1));
  t.is(refusal(s, proposed(2, 2)), 'NextZxid');
  t.deepEqual(asks(s, resign), ['DisconnectAll', 'Leave', 'LookForLeader 2 2.1']);
  const alone = after(server(3, { voters: [3], maxCounter: 1 }), elected(3), epochSaved, epochSaved, proposed(2, 1));
  t.deepEqual(asks(alone, resign), ['DisconnectAll', 'Leave']);
  t.deepEqual(asks(after(alone, resign), logSynced(2, 1)), ['LookForLeader 2 2.1']);
});

test('Resign: refused before the last counter, to who does not lead and to who is not established', (t) => {
  t.is(refusal(leading({ maxCounter: 1 }), resign), 'EpochSpent');
  t.is(refusal(following(), resign), 'Leading');
  t.is(refusal(synchronizing(), resign), 'Serving');
});

test('Resign: a leader whose epoch a voter refuses leaves, and accepts what the voter has accepted', (t) => {
  const s = after(leading(), followerInfo(2, 5));
  t.true(isOutpromised(s));
  t.deepEqual(asks(s, resign), ['DisconnectAll', 'Leave', 'SaveEpoch accepted 5']);
  t.deepEqual(asks(after(s, resign), epochSaved), ['LookForLeader 2 1.1']);
  const next = after(s, resign, epochSaved, elected(3), followerInfo(1, 2));
  t.is(next.role.newEpoch, 6, 'above what the voter has accepted, although it has not come yet');
});

test('Resign: refused while no voter has accepted more, and once it has gone', (t) => {
  t.is(refusal(after(leading(), followerInfo(2, 2)), resign), 'EpochSpent');
  t.is(refusal(after(leading(), followerInfo(2, 5), closed(2)), resign), 'EpochSpent');
  t.is(refusal(after(leading({ voters: [1, 3] }), observerInfo(2, 5)), resign), 'EpochSpent');
  t.false(isOutpromised(after(synchronizing(), followerInfo(2, 5))), 'a leader that is not established yet');
});

test('Resign: the counter 0xffffffff is never given', (t) => {
  const s = leading();
  const last = withDisk(s, appended(s.disk, [txn(2, 0xfffffffe)]));
  t.is(refusal(last, proposed(2, 0xffffffff)), 'NextZxid');
  t.is(refusal(last, resign), null);
});

test('Replication: packets that are not its own are refused', (t) => {
  const s = leading();
  t.deepEqual(replicationStep(s, from(1, { type: 'SYNC' })), { refused: 'Expected' });
  t.is(refusal(s, from(1, { type: 'INFORM', txn: txn(2, 1) })), 'FromLeader');
  t.is(refusal(s, leaderInfo(3)), 'FromLeader');
  t.is(refusal(s, snap(2, 1)), 'FromLeader');
});
