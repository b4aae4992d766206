import test from 'ava';
import { follow, lead, learnConfig, membershipStep, restart } from '../../core/membership.js';
import { emptyDisk, reconfigErrors } from '../../core/membershipState.js';
import type { Entry, MembershipEvent, MembershipState } from '../../core/membershipState.js';
import {
  zxid,
  configOf,
  taken,
  fresh,
  elector,
  given,
  from,
  send,
  acked,
  leave,
  join,
  three,
  leading,
  serving,
  txn,
  reconfig,
} from './membershipSupport.js';

test('Lead: a quorum of both configurations, none of whom ranks higher, and a vote of its own', (t) => {
  const s = fresh(3, three);
  t.deepEqual(lead(s, [elector(3)]), { refused: 'Backed' });
  t.deepEqual(lead(s, [elector(1), elector(2)]), { refused: 'BestOfElectors' });
  t.deepEqual(lead(s, [elector(3), elector(1, 0, 0, zxid(1, 1))]), { refused: 'BestOfElectors' });
  t.deepEqual(lead(s, [elector(3), elector(1, 1, 1)]), { refused: 'BestOfElectors' });
  t.deepEqual(lead(fresh(4, three), [elector(4), elector(1)]), { refused: 'Voting' });
  const next = taken(lead(s, [elector(3), elector(1, 4)])).state;
  t.is(next.disk.acceptedEpoch, 5);
  t.is(next.disk.currentEpoch, 5);
  t.deepEqual(lead(next, [elector(3), elector(1)]), { refused: 'Looking' });
  const pending = restart(3, 2, { ...s.disk, lastSeen: configOf([3, 4, 5], [], zxid(1, 1)) });
  t.deepEqual(lead(pending, [elector(1), elector(3)]), { refused: 'Backed' });
  t.is(taken(lead(pending, [elector(1), elector(3), elector(5)])).state.role.phase, 'SYNCHRONIZATION');
});

test('Lead: a server alone is established at once', (t) => {
  const alone = taken(lead(fresh(3, configOf([3])), [elector(3)])).state;
  t.is(alone.role.phase, 'BROADCAST');
});

test('Follow: a learner promises the epoch and says whether it observes; a lower epoch is refused', (t) => {
  const step = taken(follow(fresh(1, three), 3, 2));
  t.is(step.state.disk.acceptedEpoch, 2);
  t.deepEqual(step.effects, [{ type: 'Connect', to: 3, packet: { type: 'FOLLOWERINFO' } }]);
  t.deepEqual(follow(restart(1, 2, step.state.disk), 3, 1), { refused: 'EpochNotBelow' });
  t.deepEqual(follow(step.state, 3, 2), { refused: 'Looking' });
  const watching = taken(follow(fresh(4, configOf([1, 2, 3], [4])), 3, 2));
  t.deepEqual(watching.effects, [{ type: 'Connect', to: 3, packet: { type: 'OBSERVERINFO' } }]);
  const outside = taken(follow(fresh(9, three), 3, 2));
  t.deepEqual(outside.effects, [{ type: 'Connect', to: 3, packet: { type: 'FOLLOWERINFO' } }]);
});

test('LearnConfig: only a newer configuration is taken for active, and only by a server that looks', (t) => {
  const next = configOf([1, 2], [], zxid(1, 1));
  const s = taken(learnConfig(fresh(3, three), next)).state;
  t.is(s.disk.config, next);
  t.is(s.disk.lastSeen, next);
  t.deepEqual(learnConfig(s, next), { refused: 'NewerConfig' });
  t.deepEqual(learnConfig(s, three), { refused: 'NewerConfig' });
  t.deepEqual(learnConfig(serving(1, three), next), { refused: 'Looking' });
});

test('HandleInfo: before it is established a leader sends all that it has, with the last seen configuration', (t) => {
  const pending = configOf([1, 3], [], zxid(1, 1));
  const s = restart(3, 2, { ...emptyDisk(three), log: [reconfig(1, [1, 3])], lastSeen: pending });
  const l = taken(lead(s, [elector(3), elector(1)])).state;
  const { effects } = given(l, from(1, { type: 'FOLLOWERINFO' }));
  t.deepEqual(effects, [send(1, { type: 'NEWLEADER', history: [reconfig(1, [1, 3])], config: pending })]);
  t.deepEqual(membershipStep(s, from(1, { type: 'FOLLOWERINFO' })), { refused: 'Leading' });
});

test('HandleInfo: then what is committed, the active configuration, and to all but observers what is outstanding', (t) => {
  const config = configOf([1, 2, 3], [5]);
  const l = given(leading(config, 1), { type: 'Propose' }, leave(2)).state;
  const follower = given(l, from(2, { type: 'FOLLOWERINFO' }));
  t.deepEqual(follower.effects, [
    send(2, { type: 'NEWLEADER', history: [], config }),
    send(2, { type: 'PROPOSAL', entry: txn(1) }),
    send(2, { type: 'PROPOSAL', entry: reconfig(2, [1, 3], [5]) }),
  ]);
  const watching = given(l, from(5, { type: 'OBSERVERINFO' }));
  t.deepEqual(watching.effects, [send(5, { type: 'NEWLEADER', history: [], config })]);
});

test('HandleNewLeader: the leader’s history takes the place of the own one', (t) => {
  const tail = restart(1, 2, { ...emptyDisk(three), acceptedEpoch: 1, currentEpoch: 1, log: [reconfig(1, [1, 3])] });
  const s = taken(follow(tail, 3, 2)).state;
  const next = given(s, from(3, { type: 'NEWLEADER', history: [txn(1)], config: three }));
  t.deepEqual(next.state.disk.log, [txn(1)]);
  t.is(next.state.disk.lastSeen, three);
  t.is(next.state.disk.currentEpoch, 2);
  t.deepEqual(next.effects, [send(3, { type: 'ACK', zxid: zxid(2, 0) })]);
  t.deepEqual(membershipStep(s, from(2, { type: 'NEWLEADER', history: [], config: three })), { refused: 'FromLeader' });
});

test('HandleUpToDate: what the history says is active; a server with another part in it leaves', (t) => {
  const s = taken(follow(fresh(1, three), 3, 1)).state;
  const stays = reconfig(1, [1, 3], [2]);
  const sent = (entry: Entry): readonly MembershipEvent[] => [
    from(3, { type: 'NEWLEADER', history: [entry], config: entry.config ?? three }),
    from(3, { type: 'UPTODATE' }),
  ];
  const next = given(s, ...sent(stays)).state;
  t.is(next.role.phase, 'BROADCAST');
  t.deepEqual(next.disk.config, stays.config);
  const moved = given(s, ...sent(reconfig(1, [2, 3], [1])));
  t.is(moved.state.role.phase, 'LOOKING');
  t.deepEqual(moved.effects, [{ type: 'Leave', designated: null }]);
  t.deepEqual(membershipStep(fresh(1, three), from(3, { type: 'UPTODATE' })), { refused: 'FromLeader' });
});

test('HandleUpToDate: a proposal that came meanwhile is seen, and not active', (t) => {
  const s = taken(follow(fresh(1, three), 3, 1)).state;
  const next = given(
    s,
    from(3, { type: 'NEWLEADER', history: [], config: three }),
    from(3, { type: 'PROPOSAL', entry: reconfig(1, [1, 3]) }),
    from(3, { type: 'UPTODATE' }),
  ).state;
  t.is(next.disk.config, three);
  t.deepEqual(next.disk.lastSeen, reconfig(1, [1, 3]).config);
});

test('Propose: only an established leader proposes; all but observers are told', (t) => {
  const { state, effects } = given(leading(configOf([1, 2, 3], [5]), 1, 2, 5), { type: 'Propose' });
  t.deepEqual(effects, [send(1, { type: 'PROPOSAL', entry: txn(1) }), send(2, { type: 'PROPOSAL', entry: txn(1) })]);
  t.is(state.role.delivered, 0);
  t.deepEqual(membershipStep(serving(1, three), { type: 'Propose' }), { refused: 'Established' });
});

test('ProposeReconfig: it is seen at once and active when both quorums have it', (t) => {
  const l = given(leading(three, 1, 2, 4), join(4)).state;
  const next = reconfig(1, [1, 2, 3, 4]);
  t.deepEqual(l.disk.lastSeen, next.config);
  t.is(l.disk.config, three);
  const one = given(l, acked(1, zxid(1, 1))).state;
  t.is(one.disk.config, three); // two of the three old voters, and two of the four new ones
  const both = given(one, acked(4, zxid(1, 1)));
  t.deepEqual(both.state.disk.config, next.config);
  t.deepEqual(
    both.effects,
    [1, 2, 4].map((to) => send(to, { type: 'COMMITANDACTIVATE', zxid: zxid(1, 1), designated: 3 })),
  );
});

test('ProposeReconfig: what was proposed while it is pending needs both quorums too, what comes later does not', (t) => {
  const l = given(leading(three, 1, 2, 4), join(4), { type: 'Propose' }).state;
  t.deepEqual(
    l.role.needs.map((cs) => cs.length),
    [2, 2],
  );
  const done = given(l, acked(1, zxid(1, 1)), acked(4, zxid(1, 1)), { type: 'Propose' }).state;
  t.deepEqual(
    done.role.needs.map((cs) => cs.length),
    [2, 1],
  );
});

test('ProposeReconfig: the refusals, and what a client is told of them', (t) => {
  const l = leading(three, 1, 2);
  const refusal = (s: MembershipState, event: MembershipEvent): string => {
    const step = membershipStep(s, event);
    return 'refused' in step ? step.refused : 'taken';
  };
  t.is(refusal(serving(1, three), leave(1)), 'Established');
  t.is(refusal(given(l, leave(1)).state, leave(2)), 'NoneInFlight');
  const stale: MembershipEvent = {
    type: 'ProposeReconfig',
    request: { from: zxid(1, 9), change: { type: 'incremental', joining: [], leaving: [1] } },
  };
  t.is(refusal(l, stale), 'SameVersion');
  t.is(refusal(l, leave(1, 2)), 'EnoughVoters');
  // Nobody knows servers 7 to 9; an observer is no voter that is synced.
  const many: MembershipEvent = {
    type: 'ProposeReconfig',
    request: {
      from: null,
      change: { type: 'whole', members: [7, 8, 9].map((server) => ({ server, role: 'voter' })), groups: null },
    },
  };
  t.is(refusal(l, many), 'NewQuorumSynced');
  t.is(refusal(leading(configOf([3], [4]), 4), join(4)), 'NewQuorumSynced');
  t.is(refusal(leading(configOf([3]), 4), join(4)), 'taken');
  // The order in which ZooKeeper looks for them.
  t.is(refusal(given(l, leave(1)).state, stale), 'NoneInFlight');
  t.deepEqual(reconfigErrors, {
    NoneInFlight: 'RECONFIGINPROGRESS',
    SameVersion: 'BADVERSION',
    EnoughVoters: 'BADARGUMENTS',
    NewQuorumSynced: 'NEWCONFIGNOQUORUM',
  });
});
