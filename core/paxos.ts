/**
 * Single-decree Paxos: processes that propose, accept and learn agree on one value, once. A process may have any of the
 * three roles. Mirrors spec/Paxos.tla: every action of a process there is the function of the same name here.
 *
 * Whoever runs it keeps three promises. What a `Save...` effect asks for is durable before its `...Saved` event; a
 * process that stops begins anew with `startPaxos` and its files, which may or may not hold what was asked last; and
 * messages come from whom they say. They may be lost, repeated and reordered at will.
 */
import type { ProcessId, Quorums } from './paxosQuorum.js';
import { isQuorumOf } from './paxosQuorum.js';
import type { Step } from './step.js';
import { absurd, unchanged } from './step.js';

/** Opaque; compared for equality alone. */
export type PaxosValue = string;

/** Ballots are counted from 1. */
export type PaxosVote = { readonly ballot: number; readonly value: PaxosValue };

/** Who takes part: the same for all processes, and for ever. */
export type PaxosConfig = {
  /** Ascending. */
  readonly acceptors: readonly ProcessId[];
  /** Ascending. */
  readonly learners: readonly ProcessId[];
  /** In the order in which they own ballots: the first one owns ballot 1, and so on in turn. */
  readonly proposers: readonly ProcessId[];
  readonly quorums: Quorums;
};

/** What a process must not forget. */
export type PaxosFiles = {
  /** The highest ballot that it has begun; 0 before. */
  readonly ballot: number;
  /** It does not vote below this ballot. */
  readonly promised: number;
  /** Its last vote. */
  readonly vote: PaxosVote | null;
};

export type PaxosMessage =
  /** Do not vote below this ballot any more, and say what you voted for last. */
  | { readonly type: '1a'; readonly ballot: number }
  /** Promised; `vote` is the last one. */
  | { readonly type: '1b'; readonly ballot: number; readonly vote: PaxosVote | null }
  /** Vote for this value in this ballot. */
  | { readonly type: '2a'; readonly ballot: number; readonly value: PaxosValue }
  /** Voted. */
  | { readonly type: '2b'; readonly ballot: number; readonly value: PaxosValue };

/** What the disk was asked to keep and has not answered for. */
export type PaxosAsked =
  | { readonly file: 'ballot'; readonly ballot: number; readonly value: PaxosValue }
  | { readonly file: 'promise'; readonly ballot: number }
  | { readonly file: 'vote'; readonly vote: PaxosVote };

/** Where a proposer stands in its ballot until it has asked for votes. */
export type PaxosAttempt = {
  /** To be chosen if no other value may have been. */
  readonly value: PaxosValue;
  /** Acceptors that have promised, ascending. */
  readonly answered: readonly ProcessId[];
  /** The vote of the highest ballot among their last ones. */
  readonly best: PaxosVote | null;
};

/** What one process knows; a field is the spec variable of that name at `self`. */
export type PaxosState = {
  readonly self: ProcessId;
  readonly config: PaxosConfig;
  /** What the disk is known to hold: `ballot`, `promised` and `vote` of the spec. */
  readonly files: PaxosFiles;
  readonly asked: PaxosAsked | null;
  readonly attempt: PaxosAttempt | null;
  /** Of each acceptor the vote of the highest ballot that was heard of, until a value is learned. Ascending. */
  readonly heard: readonly PaxosHeard[];
  readonly learned: PaxosValue | null;
};

export type PaxosHeard = { readonly from: ProcessId; readonly vote: PaxosVote };

export type PaxosEvent =
  /** Begin this ballot, to have this value chosen by it unless another may have been. */
  | { readonly type: 'Prepare'; readonly ballot: number; readonly value: PaxosValue }
  | { readonly type: 'BallotSaved' }
  | { readonly type: 'Handle1a'; readonly ballot: number }
  | { readonly type: 'PromiseSaved' }
  | { readonly type: 'Handle1b'; readonly from: ProcessId; readonly ballot: number; readonly vote: PaxosVote | null }
  | { readonly type: 'Handle2a'; readonly ballot: number; readonly value: PaxosValue }
  | { readonly type: 'VoteSaved' }
  | { readonly type: 'Handle2b'; readonly from: ProcessId; readonly ballot: number; readonly value: PaxosValue };

export type PaxosEffect =
  /** To each of these, this process perhaps among them. It may be sent again at any time. */
  | { readonly type: 'Send'; readonly to: readonly ProcessId[]; readonly message: PaxosMessage }
  | { readonly type: 'SaveBallot'; readonly ballot: number }
  | { readonly type: 'SavePromise'; readonly ballot: number }
  /** The vote, and the promise not to vote below its ballot. */
  | { readonly type: 'SaveVote'; readonly vote: PaxosVote }
  /** This value is chosen, and no other ever will be. */
  | { readonly type: 'Learned'; readonly value: PaxosValue };

/** Guards by which an event is refused; the spec has a definition of the same name. */
export type PaxosGuard = 'Owns' | 'Higher' | 'Idle' | 'Asked' | 'IsAcceptor' | 'IsLearner' | 'FromAcceptor';

export type PaxosStep = Step<PaxosState, PaxosEffect, PaxosGuard>;

export const noPaxosFiles: PaxosFiles = { ballot: 0, promised: 0, vote: null };

/** A process that has just been started, for the first time or again (spec `Init` and `Crash`). */
export const startPaxos = (self: ProcessId, config: PaxosConfig, files: PaxosFiles = noPaxosFiles): PaxosState => ({
  self,
  config,
  files,
  asked: null,
  attempt: null,
  heard: [],
  learned: null,
});

/** Whose ballot it is, if the ballots are dealt out in turn. At least one process proposes. */
export const ownerOf = ({ proposers }: PaxosConfig, ballot: number): ProcessId | undefined =>
  proposers[(ballot - 1) % proposers.length];

/** The event that a message is to the process that it is sent to. */
export const paxosEventOf = (from: ProcessId, message: PaxosMessage): PaxosEvent => {
  switch (message.type) {
    case '1a':
      return { type: 'Handle1a', ballot: message.ballot };
    case '1b':
      return { type: 'Handle1b', from, ballot: message.ballot, vote: message.vote };
    case '2a':
      return { type: 'Handle2a', ballot: message.ballot, value: message.value };
    case '2b':
      return { type: 'Handle2b', from, ballot: message.ballot, value: message.value };
    default:
      return absurd(message);
  }
};

export const paxosStep = (state: PaxosState, event: PaxosEvent): PaxosStep => {
  switch (event.type) {
    case 'Prepare':
      return prepare(state, event.ballot, event.value);
    case 'BallotSaved':
      return ballotSaved(state);
    case 'Handle1a':
      return handle1a(state, event.ballot);
    case 'PromiseSaved':
      return promiseSaved(state);
    case 'Handle1b':
      return handle1b(state, event.from, event.ballot, event.vote);
    case 'Handle2a':
      return handle2a(state, event.ballot, event.value);
    case 'VoteSaved':
      return voteSaved(state);
    case 'Handle2b':
      return handle2b(state, event.from, event.ballot, event.value);
    default:
      return absurd(event);
  }
};

/** Before anybody hears of a ballot its owner makes sure never to begin it again. */
export const prepare = (state: PaxosState, ballot: number, value: PaxosValue): PaxosStep => {
  if (ownerOf(state.config, ballot) !== state.self) return { refused: 'Owns' };
  if (state.asked !== null) return { refused: 'Idle' };
  if (ballot <= state.files.ballot) return { refused: 'Higher' };
  return asking(state, { file: 'ballot', ballot, value }, { type: 'SaveBallot', ballot });
};

/** The ballot begins: promises are asked for. What this process tried in a lower one is given up. */
export const ballotSaved = (state: PaxosState): PaxosStep => {
  const { asked, files } = state;
  if (asked?.file !== 'ballot') return { refused: 'Asked' };
  const { ballot, value } = asked;
  const next: PaxosState = {
    self: state.self,
    config: state.config,
    files: { ballot, promised: files.promised, vote: files.vote },
    asked: null,
    attempt: { value, answered: [], best: null },
    heard: state.heard,
    learned: state.learned,
  };
  return { state: next, effects: [{ type: 'Send', to: state.config.acceptors, message: { type: '1a', ballot } }] };
};

/** A promise is saved before it is given; one that was given before is given again, in case the answer was lost. */
export const handle1a = (state: PaxosState, ballot: number): PaxosStep => {
  if (!state.config.acceptors.includes(state.self)) return { refused: 'IsAcceptor' };
  if (state.asked !== null) return { refused: 'Idle' };
  const { promised, vote } = state.files;
  if (ballot > promised) return asking(state, { file: 'promise', ballot }, { type: 'SavePromise', ballot });
  // Once it has voted in this ballot the answer is of no use any more.
  const again = ballot === promised && (vote === null || vote.ballot < ballot);
  return again ? { state, effects: [promise(state, ballot)] } : unchanged(state);
};

export const promiseSaved = (state: PaxosState): PaxosStep => {
  const { asked, files } = state;
  if (asked?.file !== 'promise') return { refused: 'Asked' };
  const next = withFiles(state, { ballot: files.ballot, promised: asked.ballot, vote: files.vote });
  return { state: next, effects: [promise(next, asked.ballot)] };
};

/**
 * With a quorum of promises the owner of the ballot asks for votes: for the value of the highest vote that it was told
 * of, since a lower ballot may have chosen it, else for its own.
 */
export const handle1b = (state: PaxosState, from: ProcessId, ballot: number, vote: PaxosVote | null): PaxosStep => {
  const { config, attempt } = state;
  if (ownerOf(config, ballot) !== state.self) return { refused: 'Owns' };
  if (!config.acceptors.includes(from)) return { refused: 'FromAcceptor' };
  // The ballot is over, or was of a life that has ended.
  if (attempt === null || ballot !== state.files.ballot) return unchanged(state);
  const answered = attempt.answered.includes(from)
    ? attempt.answered
    : [...attempt.answered, from].sort((a, b) => a - b);
  const best = ballotOf(vote) > ballotOf(attempt.best) ? vote : attempt.best;
  if (!isQuorumOf(config.quorums.promises, answered))
    return { state: withAttempt(state, { value: attempt.value, answered, best }), effects: [] };
  const message: PaxosMessage = { type: '2a', ballot, value: best === null ? attempt.value : best.value };
  return { state: withAttempt(state, null), effects: [{ type: 'Send', to: config.acceptors, message }] };
};

/** A vote is saved before it is given; one that was given before is given again, in case the answer was lost. */
export const handle2a = (state: PaxosState, ballot: number, value: PaxosValue): PaxosStep => {
  if (!state.config.acceptors.includes(state.self)) return { refused: 'IsAcceptor' };
  if (state.asked !== null) return { refused: 'Idle' };
  const { promised, vote } = state.files;
  if (ballot < promised) return unchanged(state);
  if (vote?.ballot === ballot) return { state, effects: [voted(state, vote)] };
  const next: PaxosVote = { ballot, value };
  return asking(state, { file: 'vote', vote: next }, { type: 'SaveVote', vote: next });
};

export const voteSaved = (state: PaxosState): PaxosStep => {
  const { asked, files } = state;
  if (asked?.file !== 'vote') return { refused: 'Asked' };
  const { vote } = asked;
  const next = withFiles(state, { ballot: files.ballot, promised: vote.ballot, vote });
  return { state: next, effects: [voted(next, vote)] };
};

/**
 * A quorum of votes in one ballot has chosen their value. Only the highest vote of each acceptor is kept: if an older
 * ballot chose a value, newer ones vote for the same.
 */
export const handle2b = (state: PaxosState, from: ProcessId, ballot: number, value: PaxosValue): PaxosStep => {
  const { config, learned } = state;
  if (!config.learners.includes(state.self)) return { refused: 'IsLearner' };
  if (!config.acceptors.includes(from)) return { refused: 'FromAcceptor' };
  const last = state.heard.find((h) => h.from === from)?.vote ?? null;
  if (learned !== null || ballot <= ballotOf(last)) return unchanged(state);
  const others = state.heard.filter((h) => h.from !== from);
  const heard = [...others, { from, vote: { ballot, value } }].sort((a, b) => a.from - b.from);
  const same = heard.filter((h) => h.vote.ballot === ballot && h.vote.value === value);
  const chosen = isQuorumOf(
    config.quorums.votes,
    same.map((h) => h.from),
  );
  return chosen
    ? { state: withLearned(state, [], value), effects: [{ type: 'Learned', value }] }
    : { state: withLearned(state, heard, null), effects: [] };
};

/** 0 for no vote: below all ballots. */
const ballotOf = (vote: PaxosVote | null): number => (vote === null ? 0 : vote.ballot);

const promise = (state: PaxosState, ballot: number): PaxosEffect => {
  const owner = ownerOf(state.config, ballot);
  return {
    type: 'Send',
    to: owner === undefined ? [] : [owner],
    message: { type: '1b', ballot, vote: state.files.vote },
  };
};

const voted = (state: PaxosState, { ballot, value }: PaxosVote): PaxosEffect => ({
  type: 'Send',
  to: state.config.learners,
  message: { type: '2b', ballot, value },
});

/** One question at a time: until the disk has answered, what needs it is refused. */
const asking = (s: PaxosState, asked: PaxosAsked, effect: PaxosEffect): PaxosStep => ({
  state: {
    self: s.self,
    config: s.config,
    files: s.files,
    asked,
    attempt: s.attempt,
    heard: s.heard,
    learned: s.learned,
  },
  effects: [effect],
});

/** The disk has answered. */
const withFiles = (s: PaxosState, files: PaxosFiles): PaxosState => ({
  self: s.self,
  config: s.config,
  files,
  asked: null,
  attempt: s.attempt,
  heard: s.heard,
  learned: s.learned,
});

const withAttempt = (s: PaxosState, attempt: PaxosAttempt | null): PaxosState => ({
  self: s.self,
  config: s.config,
  files: s.files,
  asked: s.asked,
  attempt,
  heard: s.heard,
  learned: s.learned,
});

const withLearned = (s: PaxosState, heard: readonly PaxosHeard[], learned: PaxosValue | null): PaxosState => ({
  self: s.self,
  config: s.config,
  files: s.files,
  asked: s.asked,
  attempt: s.attempt,
  heard,
  learned,
});
