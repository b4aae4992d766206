import test from 'ava';
import type { ServerId } from '../../core/data/quorum.js';
import { lead, membershipStep, restart, stepDown } from '../../core/membership.js';
import { emptyDisk } from '../../core/membershipState.js';
import type { Entry, MembershipEvent, MembershipStep } from '../../core/membershipState.js';
import type { Taken } from './membershipSupport.js';
import {
  zxid,
  configOf,
  taken,
  elector,
  given,
  from,
  send,
  acked,
  leave,
  three,
  leading,
  serving,
  txn,
  reconfig,
  activate,
} from './membershipSupport.js';

test('HandleProposal: a reconfig is logged, acknowledged and seen, and not active', (t) => {
  const entry = reconfig(1, [1, 2]);
  const { state, effects } = given(serving(1, three), from(3, { type: 'PROPOSAL', entry }));
  t.deepEqual(state.disk.log, [entry]);
  t.deepEqual(state.disk.lastSeen, entry.config);
  t.is(state.disk.config, three);
  t.deepEqual(effects, [send(3, { type: 'ACK', zxid: zxid(1, 1) })]);
  t.deepEqual(membershipStep(state, from(2, { type: 'PROPOSAL', entry })), { refused: 'FromLeader' });
});

test('HandleAck: quorums of the active and the last seen configuration establish a leader', (t) => {
  const s = restart(3, 2, {
    ...emptyDisk(three),
    log: [reconfig(1, [3, 4, 5])],
    lastSeen: configOf([3, 4, 5], [], zxid(1, 1)),
  });
  const l = taken(
    lead(
      s,
      [1, 3, 4].map((id) => elector(id)),
    ),
  ).state;
  const joined = (i: ServerId): readonly MembershipEvent[] => [from(i, { type: 'FOLLOWERINFO' }), acked(i, zxid(1, 0))];
  const one = given(l, ...joined(4)).state;
  t.is(one.role.phase, 'SYNCHRONIZATION');
  const { state, effects } = given(one, ...joined(1));
  t.is(state.role.phase, 'BROADCAST');
  t.deepEqual(state.disk.config, state.disk.lastSeen);
  t.is(state.role.delivered, 1);
  t.deepEqual(effects, [send(1, { type: 'UPTODATE' }), send(4, { type: 'UPTODATE' })]);
  t.deepEqual(given(state, ...joined(5)).effects, [send(5, { type: 'UPTODATE' })]);
  t.deepEqual(membershipStep(state, acked(9, zxid(1, 0))), { refused: 'Leading' });
});

test('HandleAck: a leader that does not vote in what it saw last retires when it is established', (t) => {
  const s = restart(3, 2, {
    ...emptyDisk(three),
    log: [reconfig(1, [1, 2])],
    lastSeen: configOf([1, 2], [], zxid(1, 1)),
  });
  const l = taken(
    lead(
      s,
      [1, 2, 3].map((id) => elector(id)),
    ),
  ).state;
  const joined = [1, 2].flatMap((i) => [from(i, { type: 'FOLLOWERINFO' }), acked(i, zxid(1, 0))]);
  t.true(given(l, ...joined).state.role.retired);
});

test('HandleAck: an observer and a server outside do not count', (t) => {
  const l = given(leading(configOf([1, 2, 3], [5]), 1, 4, 5), { type: 'Propose' }).state;
  t.is(given(l, acked(4, zxid(1, 1))).state.role.delivered, 0);
  const done = given(l, acked(1, zxid(1, 1)));
  t.is(done.state.role.delivered, 1);
  t.deepEqual(done.effects, [
    send(1, { type: 'COMMIT', zxid: zxid(1, 1) }),
    send(4, { type: 'COMMIT', zxid: zxid(1, 1) }),
    send(5, { type: 'INFORM', entry: txn(1) }),
  ]);
});

test('HandleAck: a leader that is voted out names who has acknowledged most, and commits no more', (t) => {
  const l = given(leading(three, 1, 2), leave(3), { type: 'Propose' }).state;
  const one = given(l, acked(2, zxid(1, 1)), acked(2, zxid(1, 2))).state;
  t.false(one.role.retired); // of the two new voters only one has it
  const { state, effects } = given(one, acked(1, zxid(1, 1)));
  t.true(state.role.retired);
  t.deepEqual(
    effects,
    [1, 2].map((to) => send(to, { type: 'COMMITANDACTIVATE', zxid: zxid(1, 1), designated: 2 })),
  );
  t.is(given(state, acked(1, zxid(1, 2))).state.role.delivered, 1);
});

test('HandleCommit: the next entry of the log is applied, and no other', (t) => {
  const s = given(serving(1, three), from(3, { type: 'PROPOSAL', entry: txn(1) })).state;
  t.deepEqual(membershipStep(s, from(3, { type: 'COMMIT', zxid: zxid(1, 2) })), { refused: 'NextCommitted' });
  t.deepEqual(membershipStep(s, from(2, { type: 'COMMIT', zxid: zxid(1, 1) })), { refused: 'FromLeader' });
  t.is(given(s, from(3, { type: 'COMMIT', zxid: zxid(1, 1) })).state.role.delivered, 1);
});

test('HandleCommitAndActivate: a follower goes on under the same leader with the new configuration', (t) => {
  const entry = reconfig(1, [1, 3]);
  const s = given(serving(1, three), from(3, { type: 'PROPOSAL', entry })).state;
  const { state, effects } = given(s, activate(1, 3));
  t.deepEqual(state.disk.config, entry.config);
  t.is(state.role.leader, 3);
  t.deepEqual(effects, []);
  t.deepEqual(membershipStep(state, activate(1, 3)), { refused: 'NextCommitted' });
});

test('HandleCommitAndActivate: it leaves for another leader, or as an observer; whoever is voted out stays', (t) => {
  const after = (voters: readonly ServerId[], observers: readonly ServerId[], designated: ServerId): Taken =>
    given(
      serving(1, three),
      from(3, { type: 'PROPOSAL', entry: reconfig(1, voters, observers) }),
      activate(1, designated),
    );
  const handed = after([1, 2], [], 2);
  t.is(handed.state.role.phase, 'LOOKING');
  t.deepEqual(handed.effects, [{ type: 'Leave', designated: 2 }]);
  t.deepEqual(handed.state.disk.config.voters, [1, 2]);
  t.is(after([2, 3], [1], 3).state.role.phase, 'LOOKING');
  t.is(after([2, 3], [], 3).state.role.phase, 'BROADCAST');
});

test('HandleInform: an observer logs and applies at once, and leaves when it is to vote', (t) => {
  const config = configOf([1, 2, 3], [5]);
  const s = serving(5, config);
  const next = given(s, from(3, { type: 'INFORM', entry: txn(1) })).state;
  t.is(next.role.delivered, 1);
  t.deepEqual(next.disk.log, [txn(1)]);
  const inform = (entry: Entry): MembershipEvent => from(3, { type: 'INFORMANDACTIVATE', entry, designated: 3 });
  const kept = given(next, inform(reconfig(2, [1, 3], [5])));
  t.is(kept.state.role.phase, 'BROADCAST');
  const promoted = given(next, inform(reconfig(2, [1, 2, 3, 5])));
  t.is(promoted.state.role.phase, 'LOOKING');
  t.deepEqual(promoted.effects, [{ type: 'Leave', designated: 3 }]);
  t.deepEqual(membershipStep(s, from(1, { type: 'INFORM', entry: txn(1) })), { refused: 'FromLeader' });
});

test('NoticeClose: a leader forgets the learner and its acknowledgements, a learner looks for a leader', (t) => {
  const l = given(leading(three, 1, 2), { type: 'Propose' }).state;
  const gone = given(l, { type: 'NoticeClose', peer: 1 }).state;
  t.deepEqual(
    gone.role.learners.map((x) => x.server),
    [2],
  );
  const s = given(serving(1, three), { type: 'NoticeClose', peer: 3 });
  t.is(s.state.role.phase, 'LOOKING');
  t.deepEqual(membershipStep(s.state, { type: 'NoticeClose', peer: 3 }), { refused: 'FromLeader' });
});

test('LeaderTimeout: a leader stays while both configurations have a quorum connected', (t) => {
  const l = given(leading(three, 1, 2, 4, 5), {
    type: 'ProposeReconfig',
    request: {
      from: null,
      change: { type: 'whole', members: [3, 4, 5].map((server) => ({ server, role: 'voter' })), groups: null },
    },
  }).state;
  const without = (...peers: readonly ServerId[]): MembershipStep =>
    membershipStep(given(l, ...peers.map((peer) => ({ type: 'NoticeClose', peer }) as const)).state, {
      type: 'LeaderTimeout',
    });
  t.deepEqual(without(1, 4), { refused: 'QuorumMissing' });
  t.is(taken(without(1, 2)).state.role.phase, 'LOOKING');
  t.is(taken(without(4, 5)).state.role.phase, 'LOOKING');
  t.deepEqual(membershipStep(serving(1, three), { type: 'LeaderTimeout' }), { refused: 'Leading' });
});

test('StepDown: a leader that does not vote any more gives up', (t) => {
  const l = leading(three, 1, 2);
  t.deepEqual(stepDown(l), { refused: 'Retired' });
  const retired = given(l, leave(3), acked(1, zxid(1, 1)), acked(2, zxid(1, 1))).state;
  t.deepEqual(taken(stepDown(retired)).effects, [{ type: 'Leave', designated: null }]);
  t.deepEqual(stepDown(serving(1, three)), { refused: 'Leading' });
});

test('Restart: the disk is kept, the role is not', (t) => {
  const s = given(serving(1, three), from(3, { type: 'PROPOSAL', entry: reconfig(1, [1, 2]) })).state;
  const again = restart(1, 2, s.disk);
  t.is(again.disk, s.disk);
  t.is(again.role.phase, 'LOOKING');
  t.is(again.role.delivered, 0);
});
