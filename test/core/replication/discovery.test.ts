import test from 'ava';
import { maxCounter, zeroZxid } from '../../../core/data/zxid.js';
import { plainConfiguration } from '../../../core/configuration.js';
import { staticEnsemble } from '../../../core/ensemble.js';
import { restart } from '../../../core/replication/state.js';
import {
  ackEpoch,
  after,
  asks,
  closed,
  diff,
  elected,
  epochSaved,
  followerInfo,
  leaderInfo,
  leading,
  learnersOf,
  logSynced,
  newLeader,
  promised,
  proposed,
  refusal,
  server,
  step,
  timeout,
  told,
  txn,
  txns,
  zxid,
} from './support.js';

const five = { voters: [1, 2, 3, 4, 5] };

/** Leader 3 that has fixed epoch 2 durably and told learner 1. */
const informed = after(server(3), elected(3), followerInfo(1), epochSaved);

test('Elected: a follower connects and says which epoch it has accepted', (t) => {
  const s = server(1, { accepted: 4, current: 2 });
  t.deepEqual(asks(s, elected(3)), ['Connect 3', 'to 3: FOLLOWERINFO 4']);
  const { role } = step(s, elected(3)).state;
  t.deepEqual([role.phase, role.leader], ['DISCOVERY', 3]);
});

test('Elected: a leader of several waits for learners', (t) => {
  t.deepEqual(asks(server(3), elected(3)), ['Listen']);
  t.is(step(server(3), elected(3)).state.role.newEpoch, 0);
});

test('Elected: a server alone is a quorum and fixes its epoch at once', (t) => {
  t.deepEqual(asks(server(1, { voters: [1] }), elected(1)), ['Listen', 'SaveEpoch accepted 2']);
});

test('Elected: a server that has a role is refused', (t) => {
  t.is(refusal(leading(), elected(3)), 'Looking');
  t.is(refusal(promised(), elected(3)), 'Looking');
});

test('Elected: a server whose disk has not answered is refused', (t) => {
  const saving = after(server(1), elected(3), leaderInfo(2), closed(3));
  t.is(refusal(saving, elected(3)), 'Quiescent');
  const unsynced = after(leading(), proposed(2, 1), closed(1), timeout);
  t.is(refusal(unsynced, elected(3)), 'Quiescent');
  t.is(refusal(after(unsynced, logSynced(2, 1)), elected(3)), null);
});

test('HandleFollowerInfo: a quorum fixes the epoch one above all that were accepted', (t) => {
  const s = after(server(3), elected(3));
  t.deepEqual(asks(s, followerInfo(1, 1)), ['SaveEpoch accepted 2']);
  t.deepEqual(asks(s, followerInfo(1, 7)), ['SaveEpoch accepted 8']);
  const { state } = step(after(server(3, { accepted: 9 }), elected(3)), followerInfo(1, 7));
  t.deepEqual([state.role.newEpoch, state.disk.acceptedEpoch, state.disk.currentEpoch], [10, 10, 9]);
});

test('HandleFollowerInfo: less than a quorum fixes nothing, and a voter counts once', (t) => {
  const s = after(server(3, five), elected(3), followerInfo(1), followerInfo(1));
  t.is(s.role.newEpoch, 0);
  t.deepEqual(learnersOf(s), ['1 info']);
  t.deepEqual(asks(s, followerInfo(2)), ['SaveEpoch accepted 2']);
});

test('HandleFollowerInfo: nobody is told an epoch that the leader has not saved', (t) => {
  const s = after(server(3), elected(3), followerInfo(1));
  t.deepEqual(asks(s, followerInfo(2)), []);
  t.deepEqual(asks(after(s, followerInfo(2)), epochSaved), ['to 1: LEADERINFO 2', 'to 2: LEADERINFO 2']);
});

test('HandleFollowerInfo: whoever comes later is told the epoch that stands', (t) => {
  t.deepEqual(asks(informed, followerInfo(2, 9)), ['to 2: LEADERINFO 2']);
  t.deepEqual(asks(leading(), followerInfo(2)), ['to 2: LEADERINFO 2']);
});

test('HandleFollowerInfo: a new connection takes the place of the old one and of what it acknowledged', (t) => {
  t.deepEqual(learnersOf(leading()), ['1 synced']);
  const again = after(leading(), followerInfo(1));
  t.deepEqual(learnersOf(again), ['1 epoch']);
  t.deepEqual(again.role.learners[0]?.zxid, zxid(0, 0));
});

test('HandleFollowerInfo: refused to who does not lead; one that does not vote is heard, and does not count', (t) => {
  t.is(refusal(server(3), followerInfo(1)), 'Leading');
  t.is(refusal(promised(), followerInfo(2)), 'Leading');
  t.is(after(server(3), elected(3), followerInfo(9)).role.newEpoch, 0);
  t.is(after(server(3), elected(3), followerInfo(1)).role.newEpoch, 2);
});

test('HandleLeaderInfo: a higher epoch is saved before it is acknowledged', (t) => {
  const s = after(server(1), elected(3));
  t.deepEqual(asks(s, leaderInfo(2)), ['SaveEpoch accepted 2']);
  t.is(after(s, leaderInfo(2)).role.phase, 'DISCOVERY');
  t.deepEqual(asks(after(s, leaderInfo(2)), epochSaved), ['to 3: ACKEPOCH 1 1.1']);
});

test('HandleLeaderInfo: an epoch that was promised before is acknowledged with -1', (t) => {
  const s = after(server(1, { accepted: 2, current: 1 }), elected(3));
  t.deepEqual(asks(s, leaderInfo(2)), ['to 3: ACKEPOCH -1 1.1']);
  t.is(after(s, leaderInfo(2)).role.phase, 'SYNCHRONIZATION');
});

test('HandleLeaderInfo: a leader of a lower epoch is left', (t) => {
  const s = after(server(1, { accepted: 3, current: 1 }), elected(3));
  t.deepEqual(asks(s, leaderInfo(2)), ['DisconnectAll', 'Leave', 'LookForLeader 1 1.1']);
  t.is(after(s, leaderInfo(2)).disk.acceptedEpoch, 3);
});

test('HandleLeaderInfo: refused from others than the leader, twice, and while the disk is at work', (t) => {
  t.is(refusal(server(1), leaderInfo(2)), 'FromLeader');
  t.is(refusal(after(server(1), elected(2)), leaderInfo(2)), 'FromLeader');
  t.is(refusal(promised(), leaderInfo(2)), 'Expected');
  t.is(refusal(after(server(1), elected(3), leaderInfo(2)), leaderInfo(2)), 'Expected');
});

test('HandleAckEpoch: a quorum gives the leader its epoch, durably, before anybody is synchronised', (t) => {
  t.deepEqual(asks(informed, ackEpoch(1)), ['SaveEpoch current 2']);
  const s = after(informed, ackEpoch(1));
  t.is(s.role.phase, 'DISCOVERY');
  t.deepEqual(asks(s, epochSaved), ['to 1: DIFF 1.1', 'to 1: NEWLEADER 2']);
});

test('HandleAckEpoch: less than a quorum waits', (t) => {
  const s = after(server(3, five), elected(3), followerInfo(1), followerInfo(2), epochSaved, ackEpoch(1));
  t.deepEqual(learnersOf(s), ['1 ackepoch', '2 epoch']);
  t.deepEqual(asks(s, ackEpoch(2)), ['SaveEpoch current 2']);
});

test('HandleAckEpoch: an answer of -1 does not count, but the learner is synchronised with the others', (t) => {
  const s = after(informed, followerInfo(2), ackEpoch(1, -1));
  t.deepEqual(learnersOf(s), ['1 waiting', '2 epoch']);
  t.is(s.disk.saving, 'none');
  t.deepEqual(asks(after(s, ackEpoch(2)), epochSaved), [
    'to 1: DIFF 1.1',
    'to 1: NEWLEADER 2',
    'to 2: DIFF 1.1',
    'to 2: NEWLEADER 2',
  ]);
});

test('HandleAckEpoch: a learner that is ahead of the leader is sent away', (t) => {
  for (const ahead of [ackEpoch(1, 1, zxid(1, 2)), ackEpoch(1, 2, zxid(0, 0))]) {
    t.deepEqual(asks(informed, ahead), ['Disconnect 1']);
    t.deepEqual(learnersOf(after(informed, ahead)), []);
  }
  t.deepEqual(asks(informed, ackEpoch(1, 0, zxid(1, 2))), ['SaveEpoch current 2']); // a longer log of an older epoch
});

test('HandleAckEpoch: while the epoch of a complete quorum is being saved, others wait, ahead or not', (t) => {
  const s = after(informed, followerInfo(2), ackEpoch(1));
  t.deepEqual(asks(s, ackEpoch(2, 1, zxid(1, 2))), []);
  const both = after(s, ackEpoch(2, 1, zxid(1, 2)));
  t.deepEqual(learnersOf(both), ['1 ackepoch', '2 ackepoch']);
  t.deepEqual(asks(both, epochSaved).slice(2), ['to 2: TRUNC 1.1', 'to 2: NEWLEADER 2']);
});

test('HandleAckEpoch: once the quorum stands nobody is sent away for being ahead', (t) => {
  const s = after(informed, followerInfo(2), ackEpoch(1), epochSaved);
  t.deepEqual(asks(s, ackEpoch(2, 1, zxid(1, 2))), ['to 2: TRUNC 1.1', 'to 2: NEWLEADER 2']);
});

test('HandleAckEpoch: refused to who does not lead, and before LEADERINFO or twice', (t) => {
  t.is(refusal(promised(), ackEpoch(2)), 'Leading');
  t.is(refusal(informed, ackEpoch(2)), 'Expected');
  t.is(refusal(after(informed, ackEpoch(1)), ackEpoch(1)), 'Expected');
  t.is(refusal(after(server(3), elected(3), followerInfo(1)), ackEpoch(1)), 'Expected');
});

test('EpochSaved: a server alone goes from its promise to its epoch and serves', (t) => {
  const s = after(server(1, { voters: [1] }), elected(1));
  t.deepEqual(asks(s, epochSaved), ['SaveEpoch current 2']);
  t.deepEqual(asks(after(s, epochSaved), epochSaved), ['Deliver 1.1', 'Serve 2']);
});

test('EpochSaved: who left the role meanwhile looks for a leader, and tells nobody', (t) => {
  const s = after(server(1), elected(3), leaderInfo(2), closed(3));
  t.deepEqual(asks(s, epochSaved), ['LookForLeader 1 1.1']);
  t.is(after(s, epochSaved).disk.acceptedEpoch, 2); // the promise stands
});

test('EpochSaved: a follower acknowledges NEWLEADER only now', (t) => {
  const s = after(promised(), diff(1, 1), newLeader());
  t.deepEqual(asks(s, epochSaved), ['to 3: ACK 2.0']);
});

test('EpochSaved: refused when nothing was asked', (t) => {
  t.is(refusal(server(1), epochSaved), 'Saving');
  t.is(refusal(leading(), epochSaved), 'Saving');
});

test('Restart: a server begins with what its files say, nothing applied beyond the snapshot', (t) => {
  const s = server(1, { base: zxid(1, 2), log: [txn(1, 3), txn(1, 4)], accepted: 3, current: 2 });
  t.deepEqual([s.role.phase, s.delivered, s.disk.synced], ['LOOKING', zxid(1, 2), zxid(1, 4)]);
  const begun = restart(
    1,
    staticEnsemble(plainConfiguration([1])),
    { keep: 500, maxCounter },
    { base: zeroZxid, log: txns(1, 2), acceptedEpoch: 3, currentEpoch: 2 },
  );
  t.deepEqual(told(begun.effects), ['LookForLeader 2 1.2']);
});
