import test from 'ava';
import { handleInform } from '../../../core/replication/observation.js';
import type { ReplicationEvent, ReplicationState } from '../../../core/replication/state.js';
import { zeroZxid } from '../../../core/data/zxid.js';
import {
  ack,
  ackEpoch,
  after,
  asks,
  closed,
  commit,
  diff,
  elected,
  epochSaved,
  following,
  from,
  leaderInfo,
  leading,
  learnersOf,
  logOf,
  logSynced,
  newLeader,
  proposal,
  proposed,
  refusal,
  server,
  step,
  synchronizing,
  timeout,
  txn,
  upToDate,
  zxid,
} from './support.js';

const observerInfo = (sid: number, acceptedEpoch = 1): ReplicationEvent =>
  from(sid, { type: 'OBSERVERINFO', acceptedEpoch, sid, protocolVersion: 0x10000, configVersion: zeroZxid });
const inform = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'INFORM', txn: txn(epoch, counter) });

/** Leader 3 of voters 1, 2, 3, established with 1, and observer 4 synchronised up to NEWLEADER. */
const withObserver = (): ReplicationState => after(leading(), observerInfo(4), ackEpoch(4));

/** Observer 4 has chosen DIFF. */
const joining = (): ReplicationState => after(server(4), elected(3), leaderInfo(2), epochSaved, diff(1, 1));

/** Observer 4 serves in epoch 2. */
const observing = (): ReplicationState => after(joining(), newLeader(), epochSaved, upToDate);

test('HandleObserverInfo: an observer introduces itself as such and is synchronised like a follower', (t) => {
  t.deepEqual(asks(server(4), elected(3)), ['Connect 3', 'to 3: OBSERVERINFO 1']);
  t.deepEqual(asks(leading(), observerInfo(4)), ['to 4: LEADERINFO 2']);
  t.deepEqual(asks(after(leading(), observerInfo(4)), ackEpoch(4)), ['to 4: DIFF 1.1', 'to 4: NEWLEADER 2']);
  t.deepEqual(asks(withObserver(), ack(4, 2, 0)), ['to 4: UPTODATE']);
});

test('HandleObserverInfo: its promise raises the epoch and is not waited for', (t) => {
  const s = after(server(3), elected(3), observerInfo(4, 7));
  t.is(s.role.newEpoch, 0);
  t.is(after(s, observerInfo(5, 2)).role.newEpoch, 0);
  const fixed = after(
    s,
    from(1, { type: 'FOLLOWERINFO', acceptedEpoch: 1, sid: 1, protocolVersion: 0x10000, configVersion: zeroZxid }),
  );
  t.is(fixed.role.newEpoch, 8);
});

test('HandleObserverInfo: neither its ACKEPOCH nor its ACKs count', (t) => {
  const s = after(
    synchronizing(),
    observerInfo(4),
    observerInfo(5),
    ackEpoch(4),
    ackEpoch(5),
    ack(4, 2, 0),
    ack(5, 2, 0),
  );
  t.is(s.role.phase, 'SYNCHRONIZATION');
  t.is(after(s, ack(1, 2, 0)).role.phase, 'BROADCAST');
  t.deepEqual(asks(after(withObserver(), ack(4, 2, 0), closed(1)), timeout), [
    'DisconnectAll',
    'Leave',
    'LookForLeader 2 1.1',
  ]);
});

test('HandleObserverInfo: refused to who does not lead; a voter that has missed becoming one is heard', (t) => {
  t.is(refusal(server(3), observerInfo(4)), 'Leading');
  t.deepEqual(asks(leading(), observerInfo(2)), ['to 2: LEADERINFO 2']);
  const info = { acceptedEpoch: 1, sid: 4, protocolVersion: 0x10000, configVersion: zeroZxid };
  t.deepEqual(asks(leading(), from(4, { type: 'FOLLOWERINFO', ...info })), ['to 4: LEADERINFO 2']);
});

test('Elected: whoever has no vote is not followed, and does not lead', (t) => {
  t.is(refusal(server(1), elected(4)), 'Votes');
  t.is(refusal(server(4), elected(4)), 'Votes');
});

test('Propose: observers hear of a transaction when it is committed, by INFORM', (t) => {
  const s = after(withObserver(), proposed(2, 1));
  t.deepEqual(asks(withObserver(), proposed(2, 1)), ['Append 2.1', 'to 1: PROPOSAL 2.1']);
  t.deepEqual(asks(after(s, ack(1, 2, 1)), logSynced(2, 1)), ['Deliver 2.1', 'to 1: COMMIT 2.1', 'to 4: INFORM 2.1']);
});

test('HandleAckEpoch: what is outstanding is not sent to an observer', (t) => {
  const s = after(leading(), proposed(2, 1), observerInfo(4));
  t.deepEqual(asks(s, ackEpoch(4)), ['to 4: DIFF 1.1', 'to 4: NEWLEADER 2']);
  t.deepEqual(learnersOf(after(s, ackEpoch(4))), ['1 synced', '4 syncing']);
});

test('HandleInform: an observer that serves applies at once, appends, and acknowledges nothing', (t) => {
  const s = observing();
  t.deepEqual(asks(s, inform(2, 1)), ['Append 2.1', 'Deliver 2.1']);
  t.deepEqual(after(s, inform(2, 1)).delivered, zxid(2, 1));
  t.deepEqual(step(after(s, inform(2, 1)), logSynced(2, 1)).effects, []);
});

test('HandleInform: before UPTODATE it is a proposal that is committed', (t) => {
  const s = after(joining(), proposal(1, 2), commit(1, 2), inform(2, 1));
  t.deepEqual([s.role.sync.pending.length, s.role.sync.commits], [2, 2]);
  const logged = after(s, newLeader(), logSynced(2, 1), epochSaved);
  t.deepEqual(logOf(logged), ['1.1', '1.2', '2.1']);
  t.deepEqual(after(logged, inform(2, 2), upToDate).delivered, zxid(2, 2));
});

test('HandleInform: refused of others, of a follower, too early, and behind what is not committed', (t) => {
  t.deepEqual(handleInform(observing(), 2, { type: 'INFORM', txn: txn(2, 1) }, 2), { refused: 'FromLeader' });
  t.is(refusal(following(), inform(2, 1)), 'FromObserver');
  t.is(refusal(after(server(4), elected(3)), inform(2, 1)), 'Expected');
  t.is(refusal(after(joining(), proposal(1, 2)), inform(2, 1)), 'AllCommitted');
});
