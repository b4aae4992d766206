/**
 * Fast leader election. Servers that look for a leader tell each other whom they would have, adopt the better vote, and
 * settle once a quorum says the same in the same round; settled servers answer those that still look.
 * Mirrors spec/Election.tla: every action of a server there is the function of the same name here.
 */
import type { ServerId } from './data/quorum.js';
import type { Zxid } from './data/zxid.js';
import { sameZxid } from './data/zxid.js';
import type { Config } from './membershipRules.js';
import { isWeightless, quorumOfAllWhere } from './membershipRules.js';
import type { Step } from './step.js';
import { absurd, unchanged } from './step.js';
import type { Notification, Role, Vote } from './vote.js';
import { compareVote } from './vote.js';

/** What voter `from` said last. */
export type Heard = { readonly from: ServerId; readonly notification: Notification };

/** What one server knows; a field is the spec variable of that name at `self`. */
export type ElectionState = {
  readonly self: ServerId;
  /** Who is told, and heard: the voters of all that decides. Ascending. */
  readonly voters: readonly ServerId[];
  /**
   * The configurations whose quorums decide, the active one first; two while a reconfig is pending. A server that does
   * votes in none of them observes.
   */
  readonly deciding: readonly Config[];
  readonly role: Role;
  /** Logical clock (ZooKeeper: electionEpoch); 0 until the server first looks for a leader. */
  readonly round: number;
  /** The vote that the present or last election was begun with. */
  readonly initial: Vote;
  /** The best vote of this round. */
  readonly proposal: Vote;
  /** The vote that was settled on last; before that, the first initial vote. */
  readonly vote: Vote;
  /** This round's votes by sender, the own one included (ZooKeeper: recvset). Ascending. */
  readonly received: readonly Heard[];
  /** What settled servers said, in whatever round (ZooKeeper: outofelection). Ascending. */
  readonly outOfElection: readonly Heard[];
};

export type ElectionEvent =
  /** Look for a leader, at start or after a role failed: `epoch` is currentEpoch, `zxid` the last logged one. */
  | { readonly type: 'StartElection'; readonly epoch: number; readonly zxid: Zxid }
  | { readonly type: 'HandleNotification'; readonly from: ServerId; readonly notification: Notification }
  /** Nothing better was heard for as long as the shell waits (ZooKeeper: 200 ms) since `canDecide` became true. */
  | { readonly type: 'Decide' }
  /** Nothing at all was heard for a while. */
  | { readonly type: 'ResendNotifications' }
  /** The synchronisation of `epoch` is finished on this server. */
  | { readonly type: 'UpdateVoteEpoch'; readonly epoch: number };

export type ElectionEffect =
  /** Takes the place of a notification to the same server that still waits to be sent. */
  | { readonly type: 'Notify'; readonly to: ServerId; readonly notification: Notification }
  /** The election is over: lead if `leader` is this server, else follow or observe it. */
  | { readonly type: 'Decided'; readonly leader: ServerId; readonly vote: Vote; readonly round: number };

/** Guards by which an event is refused; the spec has a definition of the same name. */
export type ElectionGuard = 'Idle' | 'Started' | 'Looking' | 'Agreed' | 'Settled';

export type ElectionStep = Step<ElectionState, ElectionEffect, ElectionGuard>;

/** The vote of one who has none to give: -2^63 in all three fields of ZooKeeper's notification (spec `Nobody`). */
export const nobody: Vote = { leader: -(2 ** 63), zxid: { epoch: 2 ** 31, counter: 0 }, epoch: -(2 ** 63) };

/** -1: the zxid of a server whose log cannot be trusted; it neither votes nor heeds votes (spec `Untrusted`). */
export const untrusted: Zxid = { epoch: 0xffffffff, counter: 0xffffffff };

/**
 * A server that has just been started and has not looked for a leader yet (spec `Init`).
 * @param deciding the configurations whose quorums decide, the active one first
 */
export const initialElection = (self: ServerId, deciding: readonly Config[]): ElectionState => ({
  self,
  voters: votersOf(deciding),
  deciding,
  role: 'LOOKING',
  round: 0,
  initial: nobody,
  proposal: nobody,
  vote: nobody,
  received: [],
  outOfElection: [],
});

const votersOf = (deciding: readonly Config[]): readonly ServerId[] =>
  [...new Set(deciding.flatMap((c) => c.voters))].sort((a, b) => a - b);

/** Other configurations decide from here on; where the voters differ, what was heard before is forgotten. */
export const withDeciding = (state: ElectionState, deciding: readonly Config[]): ElectionState => {
  const voters = votersOf(deciding);
  const { self, round, initial, proposal, vote, received, outOfElection } = state;
  const isSame = voters.length === state.voters.length && voters.every((v, i) => v === state.voters[i]);
  const role = state.role === 'LOOKING' ? 'LOOKING' : settledRole(self, voters, vote);
  if (isSame) return { self, voters, deciding, role, round, initial, proposal, vote, received, outOfElection };
  // Round 0: one that looks begins anew.
  const from = role === 'LOOKING' ? 0 : round;
  return { self, voters, deciding, role, round: from, initial, proposal, vote, received: [], outOfElection: [] };
};

/** Who has no vote is silent: what it said would count nowhere. */
const settledRole = (self: ServerId, voters: readonly ServerId[], vote: Vote): Role =>
  !voters.includes(self) ? 'OBSERVING' : vote.leader === self ? 'LEADING' : 'FOLLOWING';

/**
 * Without an election: a reconfig has named the leader (Leader.getDesignatedLeader, QuorumPeer.processReconfig).
 * @param zxid the last one that was logged here
 */
export const follows = (state: ElectionState, leader: ServerId, zxid: Zxid): ElectionState =>
  settled(state, { leader, zxid, epoch: state.vote.epoch }, state.round);

/** Whether one of these states is of a round that the other is not of. */
export const isOtherRound = (a: ElectionState, b: ElectionState): boolean => a.round !== b.round;

/** Whether nobody else has a vote: then there is nobody to wait for. */
export const isOnlyVoter = ({ self, voters }: ElectionState): boolean => voters.length === 1 && voters[0] === self;

export const electionStep = (state: ElectionState, event: ElectionEvent): ElectionStep => {
  switch (event.type) {
    case 'StartElection':
      return startElection(state, event.epoch, event.zxid);
    case 'HandleNotification':
      return handleNotification(state, event.from, event.notification);
    case 'Decide':
      return decide(state);
    case 'ResendNotifications':
      return resendNotifications(state);
    case 'UpdateVoteEpoch':
      return updateVoteEpoch(state, event.epoch);
    default:
      return absurd(event);
  }
};

/** A new round, in which the server votes for itself first. */
export const startElection = (state: ElectionState, epoch: number, zxid: Zxid): ElectionStep => {
  if (isLooking(state)) return { refused: 'Idle' };
  const { self, voters, deciding } = state;
  const own: Vote = isCandidate(state) ? { leader: self, zxid, epoch } : nobody;
  const next: ElectionState = {
    self,
    voters,
    deciding,
    role: 'LOOKING',
    round: state.round + 1,
    initial: own,
    proposal: own,
    // The old vote stands until the next one is settled; only observers are told of it.
    vote: state.round === 0 ? own : state.vote,
    received: [],
    outOfElection: [],
  };
  return propose(next, own, next.round, []);
};

/** Whom it comes from, what both servers do and the round decide between an answer, a vote to weigh, and silence. */
export const handleNotification = (state: ElectionState, from: ServerId, n: Notification): ElectionStep => {
  if (state.role === 'LOOKING' && state.round === 0) return { refused: 'Started' };
  // Its word counts nowhere; voters would answer it, and the answers would never end.
  if (state.role === 'OBSERVING') return unchanged(state);
  if (!state.voters.includes(from)) return answer(state, from, standing(state));
  if (state.role === 'LOOKING') return weigh(state, from, n);
  return n.state === 'LOOKING' ? answer(state, from, standing(state)) : unchanged(state);
};

/**
 * Whether Decide would be taken: a quorum, itself included, has said in this round what this server proposes (spec
 * `Agreed`; only a server that looks has heard anything). The shell waits for silence while this is true, then decides.
 */
export const canDecide = (state: ElectionState): boolean =>
  convinces(state, state.received, looking(state.proposal, state.round));

export const decide = (state: ElectionState): ElectionStep =>
  canDecide(state) ? settle(state, state.proposal, state.round) : { refused: 'Agreed' };

export const resendNotifications = (state: ElectionState): ElectionStep => {
  if (!isLooking(state)) return { refused: 'Looking' };
  return { state, effects: tellAll(state, looking(state.proposal, state.round)) };
};

/**
 * All members of an ensemble must name the same epoch beside their leader, or a server that comes later never sees a
 * quorum of equal votes (ZOOKEEPER-1732).
 */
export const updateVoteEpoch = (state: ElectionState, epoch: number): ElectionStep => {
  if (state.role === 'LOOKING') return { refused: 'Settled' };
  const { leader, zxid } = state.vote;
  if (state.vote.epoch === epoch) return unchanged(state);
  const next: ElectionState = {
    self: state.self,
    voters: state.voters,
    deciding: state.deciding,
    role: state.role,
    round: state.round,
    initial: state.initial,
    proposal: state.proposal,
    vote: { leader, zxid, epoch },
    received: state.received,
    outOfElection: state.outOfElection,
  };
  return { state: next, effects: [] };
};

/** Whether its word counts: also where only the pending configuration has it as a voter. */
const votes = ({ self, voters }: ElectionState): boolean => voters.includes(self);

/** Who votes in the active configuration may stand: others are perhaps not known to all that must agree. */
const isCandidate = ({ self, deciding }: ElectionState): boolean => deciding[0]?.voters.includes(self) ?? false;

const isLooking = (state: ElectionState): boolean => state.role === 'LOOKING' && state.round > 0;

const looking = (vote: Vote, round: number): Notification => ({ state: 'LOOKING', vote, round });

/** What is answered to those that look when this server does not, and to servers that have no vote. */
const standing = (s: ElectionState): Notification => ({ state: s.role, vote: s.vote, round: s.round });

const answer = (state: ElectionState, to: ServerId, notification: Notification): ElectionStep => ({
  state,
  effects: [{ type: 'Notify', to, notification }],
});

/** Not to itself: its own vote is counted at once, in `propose` and `consider`. */
const tellAll = ({ self, voters }: ElectionState, notification: Notification): readonly ElectionEffect[] =>
  voters.filter((to) => to !== self).map((to) => ({ type: 'Notify', to, notification }));

/** A looking server that is handed a notification from a voter. */
const weigh = (state: ElectionState, from: ServerId, n: Notification): ElectionStep => {
  if (n.state === 'LOOKING' && n.round < state.round) return answer(state, from, looking(state.proposal, state.round));
  // One that is to vote, and does not know it yet, has no candidate; it may be in a later round all the same.
  const isUndecided = state.deciding.length > 1 && n.state === 'LOOKING' && n.vote.leader === nobody.leader;
  if (!isUndecided && !state.voters.includes(n.vote.leader)) return unchanged(state);
  switch (n.state) {
    case 'LOOKING': {
      const deaf = sameZxid(n.vote.zxid, untrusted) || (votes(state) && sameZxid(state.initial.zxid, untrusted));
      return deaf ? unchanged(state) : consider(state, from, n);
    }
    case 'OBSERVING':
      return unchanged(state);
    case 'FOLLOWING':
    case 'LEADING':
      return believe(state, from, n);
    default:
      return absurd(n.state);
  }
};

/** The vote of a looking peer, of this round or of a newer one, which this server then enters. */
const consider = (state: ElectionState, from: ServerId, n: Notification): ElectionStep => {
  const newer = n.round > state.round;
  // In a new round all votes start afresh, one's own included.
  const mine = newer ? state.initial : state.proposal;
  const heard = put(newer ? [] : state.received, from, n);
  // Strict: equal votes would otherwise be exchanged for ever.
  const better = isEligible(state, n.vote.leader) && compareVote(n.vote, mine) > 0;
  if (newer || better) return propose(state, better ? n.vote : mine, n.round, heard);
  return { state: withHeard(state, heard, state.outOfElection), effects: [] };
};

/** Where servers have weights, whoever weighs nothing wins no comparison (spec/Quorums.tla `WeighedBetter`). */
const isEligible = ({ deciding }: ElectionState, leader: ServerId): boolean =>
  deciding[0] === undefined || !isWeightless(deciding[0], leader);

/** Takes a vote up as this server's own in a round, and tells everybody. */
const propose = (state: ElectionState, vote: Vote, round: number, heard: readonly Heard[]): ElectionStep => {
  const own = looking(vote, round);
  const next: ElectionState = {
    self: state.self,
    voters: state.voters,
    deciding: state.deciding,
    role: state.role,
    round,
    initial: state.initial,
    proposal: vote,
    vote: state.vote,
    received: votes(state) ? put(heard, state.self, own) : heard,
    outOfElection: state.outOfElection,
  };
  return { state: next, effects: tellAll(next, own) };
};

/** The word of a settled peer: enough of them end the election, be it in this round or in another one. */
const believe = (state: ElectionState, from: ServerId, n: Notification): ElectionStep => {
  const inRound = n.round === state.round;
  const heard = inRound ? put(state.received, from, n) : state.received;
  const others = put(state.outOfElection, from, n);
  if ((inRound && ends(state, heard, n)) || ends(state, others, n)) return settle(state, n.vote, n.round);
  return { state: withHeard(state, heard, others), effects: [] };
};

const ends = (state: ElectionState, said: readonly Heard[], n: Notification): boolean =>
  convinces(state, said, n) && leaderOK(state, said, n);

const convinces = (state: ElectionState, said: readonly Heard[], n: Notification): boolean =>
  quorumOfAllWhere(state.deciding, (voter) => said.some((h) => h.from === voter && sameOpinion(h.notification, n)));

/**
 * A leader that others name must have said itself that it leads: it may have crashed or left since. One that others
 * name leader believes it only of the round that it is in.
 */
const leaderOK = (state: ElectionState, said: readonly Heard[], n: Notification): boolean =>
  n.vote.leader === state.self
    ? n.round === state.round
    : said.some((h) => h.from === n.vote.leader && h.notification.state === 'LEADING');

/**
 * Spec `SameVote`. Settled servers need only agree on leader and epoch: they may have settled in different rounds, and
 * the zxids of their votes are never brought up to date (ZOOKEEPER-1514, ZOOKEEPER-1732). Rounds are not compared: what
 * counts together with the vote of one who looks is all of one round.
 */
const sameOpinion = (a: Notification, b: Notification): boolean =>
  a.vote.leader === b.vote.leader &&
  a.vote.epoch === b.vote.epoch &&
  ((a.state !== 'LOOKING' && b.state !== 'LOOKING') || sameZxid(a.vote.zxid, b.vote.zxid));

/** Ends the election. What was heard is forgotten: the next one starts empty. */
const settle = (state: ElectionState, vote: Vote, round: number): ElectionStep => ({
  state: settled(state, vote, round),
  effects: [{ type: 'Decided', leader: vote.leader, vote, round }],
});

const settled = (state: ElectionState, vote: Vote, round: number): ElectionState => {
  const { self, voters, deciding, initial } = state;
  const role = settledRole(self, voters, vote);
  return { self, voters, deciding, role, round, initial, proposal: vote, vote, received: [], outOfElection: [] };
};

const withHeard = (s: ElectionState, received: readonly Heard[], outOfElection: readonly Heard[]): ElectionState => ({
  self: s.self,
  voters: s.voters,
  deciding: s.deciding,
  role: s.role,
  round: s.round,
  initial: s.initial,
  proposal: s.proposal,
  vote: s.vote,
  received,
  outOfElection,
});

const put = (heard: readonly Heard[], from: ServerId, notification: Notification): readonly Heard[] =>
  [...heard.filter((h) => h.from !== from), { from, notification }].sort((a, b) => a.from - b.from);
