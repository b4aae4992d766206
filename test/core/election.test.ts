import test from 'ava';
import { readFileSync } from 'node:fs';
import { plainConfiguration } from '../../core/configuration.js';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import {
  canDecide,
  decide,
  electionStep,
  handleNotification,
  initialElection,
  nobody,
  resendNotifications,
  startElection,
  untrusted,
  updateVoteEpoch,
} from '../../core/election.js';
import type { ElectionEffect, ElectionState, ElectionStep } from '../../core/election.js';
import { unchanged } from '../../core/step.js';
import type { Notification, Role, Vote } from '../../core/vote.js';

const zxid = (epoch: number, counter: number): Zxid => ({ epoch, counter });

/** Server n has the log up to <<1, n>>. */
const voteFor = (leader: ServerId, epoch = 1): Vote => ({ leader, zxid: zxid(1, leader), epoch });

const note = (state: Role, vote: Vote, round = 1): Notification => ({ state, vote, round });

const taken = (step: ElectionStep): { readonly state: ElectionState; readonly effects: readonly ElectionEffect[] } => {
  if ('refused' in step) throw new Error(`refused by ${step.refused}`);
  return step;
};

const started = (self: ServerId, voters: readonly ServerId[] = [1, 2, 3], log = zxid(1, self)): ElectionState =>
  taken(startElection(initialElection(self, [plainConfiguration(voters)]), 1, log)).state;

const heard = (state: ElectionState, ...said: readonly (readonly [ServerId, Notification])[]): ElectionState =>
  said.reduce((s, [from, n]) => taken(handleNotification(s, from, n)).state, state);

const toAll = (ids: readonly ServerId[], notification: Notification): readonly ElectionEffect[] =>
  ids.map((to) => ({ type: 'Notify', to, notification }));

/** Server 1 of three, which follows 3 since round 1. */
const following = taken(decide(heard(started(1), [3, note('LOOKING', voteFor(3))]))).state;

test('StartElection: a server votes for itself in a new round and tells the other voters', (t) => {
  const { state, effects } = taken(startElection(initialElection(2, [plainConfiguration([3, 1, 2])]), 1, zxid(1, 2)));
  t.is(state.round, 1);
  t.deepEqual(state.proposal, voteFor(2));
  t.deepEqual(state.vote, voteFor(2));
  t.deepEqual(state.received, [{ from: 2, notification: note('LOOKING', voteFor(2)) }]);
  t.deepEqual(effects, toAll([1, 3], note('LOOKING', voteFor(2))));
});

test('StartElection: who gives up a role keeps its old vote until the next one is settled', (t) => {
  const { state } = taken(startElection(following, 2, zxid(2, 5)));
  t.is(state.round, 2);
  t.deepEqual(state.initial, { leader: 1, zxid: zxid(2, 5), epoch: 2 });
  t.deepEqual(state.vote, voteFor(3));
});

test('StartElection: a server that looks already is refused', (t) => {
  t.deepEqual(startElection(started(1), 1, zxid(1, 1)), { refused: 'Idle' });
});

test('StartElection: an observer asks all voters and votes for nobody', (t) => {
  const { state, effects } = taken(startElection(initialElection(4, [plainConfiguration([1, 2])]), 1, zxid(1, 9)));
  t.deepEqual(state.initial, nobody);
  t.deepEqual(state.received, []);
  t.deepEqual(effects, toAll([1, 2], note('LOOKING', nobody)));
});

test('HandleNotification: nothing is taken before the first election', (t) => {
  const early = handleNotification(initialElection(1, [plainConfiguration([1, 2, 3])]), 2, note('LOOKING', voteFor(2)));
  t.deepEqual(early, { refused: 'Started' });
});

test('HandleNotification: a better vote is taken over and passed on', (t) => {
  const { state, effects } = taken(handleNotification(started(2), 3, note('LOOKING', voteFor(3))));
  t.deepEqual(state.proposal, voteFor(3));
  t.deepEqual(effects, toAll([1, 3], note('LOOKING', voteFor(3))));
  t.deepEqual(
    state.received.map((h) => h.from),
    [2, 3],
  );
});

test('HandleNotification: epoch counts before zxid, and zxid before the id', (t) => {
  const newer = { leader: 1, zxid: zxid(0, 1), epoch: 2 };
  t.deepEqual(heard(started(3), [1, note('LOOKING', newer)]).proposal, newer);
  const longer = { leader: 1, zxid: zxid(1, 9), epoch: 1 };
  t.deepEqual(heard(started(3), [1, note('LOOKING', longer)]).proposal, longer);
  const twin = { leader: 1, zxid: zxid(1, 3), epoch: 1 };
  t.deepEqual(heard(started(3), [1, note('LOOKING', twin)]).proposal, voteFor(3));
});

test('HandleNotification: an equal or worse vote is noted and nobody is told', (t) => {
  const first = heard(started(2), [3, note('LOOKING', voteFor(3))]);
  const { state, effects } = taken(handleNotification(first, 1, note('LOOKING', voteFor(3))));
  t.deepEqual(effects, []);
  t.is(state.received.length, 3);
  t.deepEqual(taken(handleNotification(first, 1, note('LOOKING', voteFor(1)))).effects, []);
});

test('HandleNotification: a newer round is entered with the better of its vote and the own first one', (t) => {
  const first = heard(started(2), [3, note('LOOKING', voteFor(3))]);
  const { state, effects } = taken(handleNotification(first, 1, note('LOOKING', voteFor(1), 4)));
  t.is(state.round, 4);
  t.deepEqual(state.proposal, voteFor(2)); // not that for 3, which was of round 1
  t.deepEqual(
    state.received.map((h) => h.from),
    [1, 2],
  );
  t.deepEqual(effects, toAll([1, 3], note('LOOKING', voteFor(2), 4)));
});

test('HandleNotification: a vote of an older round is answered with the own one and not counted', (t) => {
  const second = heard(started(2), [1, note('LOOKING', voteFor(1), 2)]);
  const late = handleNotification(second, 3, note('LOOKING', voteFor(3), 1));
  t.deepEqual(late, { state: second, effects: toAll([3], note('LOOKING', voteFor(2), 2)) });
  t.is(taken(late).state, second);
});

test('HandleNotification: a vote for a server that is no voter changes nothing', (t) => {
  const state = started(1);
  t.is(taken(handleNotification(state, 2, note('LOOKING', voteFor(9)))).state, state);
  t.deepEqual(handleNotification(state, 2, note('LEADING', voteFor(9))), unchanged(state));
  t.deepEqual(handleNotification(state, 2, note('LOOKING', nobody)), unchanged(state));
});

test('HandleNotification: votes of and for a server whose log cannot be trusted are not counted', (t) => {
  const state = started(1);
  const bad = note('LOOKING', { leader: 2, zxid: untrusted, epoch: 1 });
  t.deepEqual(handleNotification(state, 2, bad), unchanged(state));
  const mute = started(1, [1, 2, 3], untrusted);
  t.deepEqual(handleNotification(mute, 2, note('LOOKING', voteFor(2))), unchanged(mute));
});

test('HandleNotification: a settled server answers those that look, with its vote and its round', (t) => {
  const asked = handleNotification(following, 2, note('LOOKING', voteFor(2), 7));
  t.deepEqual(asked, { state: following, effects: toAll([2], note('FOLLOWING', voteFor(3))) });
  t.deepEqual(handleNotification(following, 3, note('LEADING', voteFor(3))), unchanged(following));
});

test('HandleNotification: servers that have no vote are told the standing one, whatever the state', (t) => {
  t.deepEqual(taken(handleNotification(following, 9, note('LOOKING', nobody))).effects, [
    { type: 'Notify', to: 9, notification: note('FOLLOWING', voteFor(3)) },
  ]);
  const looking = heard(started(1), [3, note('LOOKING', voteFor(3))]);
  const told = handleNotification(looking, 9, note('OBSERVING', voteFor(3)));
  t.deepEqual(told, { state: looking, effects: toAll([9], note('LOOKING', voteFor(1))) });
});

test('HandleNotification: a quorum that has settled in this round ends the election', (t) => {
  const one = heard(started(1), [2, note('FOLLOWING', voteFor(3))]);
  t.is(one.role, 'LOOKING');
  const { state, effects } = taken(handleNotification(one, 3, note('LEADING', voteFor(3))));
  t.is(state.role, 'FOLLOWING');
  t.deepEqual([state.received, state.outOfElection], [[], []]);
  t.deepEqual(effects, [{ type: 'Decided', leader: 3, vote: voteFor(3), round: 1 }]);
});

test('HandleNotification: followers alone convince nobody, their leader may be gone', (t) => {
  const state = heard(
    started(1, [1, 2, 3, 4, 5]),
    [2, note('FOLLOWING', voteFor(5))],
    [3, note('FOLLOWING', voteFor(5))],
    [4, note('FOLLOWING', voteFor(5))],
    [5, note('FOLLOWING', voteFor(5))],
  );
  t.is(state.role, 'LOOKING');
});

test('HandleNotification: settled servers of other rounds count together, and their round is taken over', (t) => {
  const late = taken(startElection(following, 1, zxid(1, 1))).state;
  const old = { leader: 3, zxid: zxid(0, 7), epoch: 1 };
  const { state } = taken(
    handleNotification(heard(late, [2, note('FOLLOWING', old, 9)]), 3, note('LEADING', voteFor(3), 5)),
  );
  t.is(state.role, 'FOLLOWING');
  t.is(state.round, 5);
});

test('HandleNotification: settled servers that name different epochs do not count together', (t) => {
  const state = heard(started(1), [2, note('FOLLOWING', voteFor(3), 4)], [3, note('LEADING', voteFor(3, 2), 4)]);
  t.is(state.role, 'LOOKING');
});

test('HandleNotification: a server is led to lead by followers of its own round only', (t) => {
  const five = started(3, [1, 2, 3, 4, 5]);
  const say = (round: number): ElectionState =>
    heard(
      five,
      [1, note('FOLLOWING', voteFor(3), round)],
      [2, note('FOLLOWING', voteFor(3), round)],
      [4, note('FOLLOWING', voteFor(3), round)],
    );
  t.is(say(1).role, 'LEADING');
  t.is(say(2).role, 'LOOKING');
});

test('HandleNotification: who observes drops everything', (t) => {
  const asking = started(4, [1, 2]);
  const observing = heard(asking, [1, note('FOLLOWING', voteFor(2))], [2, note('LEADING', voteFor(2))]);
  t.is(observing.role, 'OBSERVING');
  t.is(taken(handleNotification(observing, 1, note('LOOKING', voteFor(1), 9))).state, observing);
  t.deepEqual(taken(handleNotification(observing, 1, note('LOOKING', voteFor(1), 9))).effects, []);
});

test('HandleNotification: what an observer says of its leader is not counted', (t) => {
  const state = started(1);
  t.deepEqual(handleNotification(state, 2, note('OBSERVING', voteFor(3))), unchanged(state));
});

test('Decide: a quorum of equal votes in one round makes a leader or a follower', (t) => {
  const elected = heard(started(3), [1, note('LOOKING', voteFor(3))]);
  t.true(canDecide(elected));
  const { state, effects } = taken(decide(elected));
  t.is(state.role, 'LEADING');
  t.deepEqual(effects, [{ type: 'Decided', leader: 3, vote: voteFor(3), round: 1 }]);
  t.is(following.role, 'FOLLOWING');
});

test('Decide: less than a quorum decides nothing', (t) => {
  const four = heard(started(3, [1, 2, 3, 4]), [1, note('LOOKING', voteFor(3))]);
  t.false(canDecide(four)); // two of four
  t.deepEqual(decide(four), { refused: 'Agreed' });
  t.true(canDecide(heard(four, [2, note('LOOKING', voteFor(3))])));
  t.false(canDecide(heard(four, [2, note('LOOKING', voteFor(2))])));
});

test('Decide: votes for one server with different zxids are different votes', (t) => {
  const grown = { leader: 3, zxid: zxid(1, 2), epoch: 1 };
  t.false(canDecide(heard(started(3), [1, note('LOOKING', grown)])));
});

test('Decide: a settled or a fresh server is refused', (t) => {
  t.deepEqual(decide(following), { refused: 'Agreed' });
  t.deepEqual(decide(initialElection(1, [plainConfiguration([1])])), { refused: 'Agreed' });
});

test('Decide: the only voter elects itself at once', (t) => {
  const alone = started(1, [1]);
  t.true(canDecide(alone));
  t.is(taken(decide(alone)).state.role, 'LEADING');
});

test('ResendNotifications: the proposal is told again, and only while looking', (t) => {
  const state = heard(started(2), [3, note('LOOKING', voteFor(3))]);
  t.deepEqual(resendNotifications(state), { state, effects: toAll([1, 3], note('LOOKING', voteFor(3))) });
  t.deepEqual(resendNotifications(following), { refused: 'Looking' });
});

test('UpdateVoteEpoch: the settled vote names the new epoch', (t) => {
  const { state, effects } = taken(updateVoteEpoch(following, 2));
  t.deepEqual(state.vote, voteFor(3, 2));
  t.deepEqual(effects, []);
  t.deepEqual(updateVoteEpoch(state, 2), unchanged(state));
  t.deepEqual(updateVoteEpoch(started(1), 2), { refused: 'Settled' });
});

test('Election: every event is stepped by the function of its name', (t) => {
  const n = note('LOOKING', voteFor(3));
  const s = started(1);
  t.deepEqual(electionStep(s, { type: 'StartElection', epoch: 1, zxid: zxid(1, 1) }), { refused: 'Idle' });
  t.deepEqual(electionStep(s, { type: 'HandleNotification', from: 3, notification: n }), handleNotification(s, 3, n));
  t.deepEqual(electionStep(s, { type: 'Decide' }), decide(s));
  t.deepEqual(electionStep(s, { type: 'ResendNotifications' }), resendNotifications(s));
  t.deepEqual(electionStep(following, { type: 'UpdateVoteEpoch', epoch: 2 }), updateVoteEpoch(following, 2));
});

test('Election: the page has a heading for each action, with the line of the spec and the function of the core', (t) => {
  const spec = readFileSync('spec/Election.tla', 'utf8').split('\n');
  const core = readFileSync('core/election.ts', 'utf8');
  const page = readFileSync('docs/protocol/election.md', 'utf8').split(/^### /m).slice(1);
  const actions = [...readFileSync('spec/MCElection.tla', 'utf8').matchAll(/^MC(\w+)\(/gm)].map((m) => m[1] ?? '');
  t.true(actions.length > 0);
  t.deepEqual(page.map((p) => p.split('\n')[0]).sort(), actions.sort());
  for (const section of page) {
    const name = section.split('\n')[0] ?? '';
    const line = Number(/\(\.\.\/\.\.\/spec\/Election\.tla#L(\d+)\)/.exec(section)?.[1]);
    t.regex(spec[line - 1] ?? '', new RegExp(`^${name}\\(`), name);
    const mirrored = /`(\w+)` in \[core\/election\.ts\]/.exec(section)?.[1];
    if (mirrored === undefined) t.regex(section, /conformance\/world\/notifications\.ts/, name);
    else t.true(core.includes(`export const ${mirrored} =`) && mirrored.toLowerCase() === name.toLowerCase(), name);
  }
});
