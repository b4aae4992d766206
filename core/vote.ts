/** Votes and notifications of leader election: the data of spec/Election.tla and of the election port. */
import type { ServerId } from './data/quorum.js';
import { compareZxid } from './data/zxid.js';
import type { Zxid } from './data/zxid.js';

export type Role = 'LOOKING' | 'FOLLOWING' | 'LEADING' | 'OBSERVING';

/** Whom a server would have as leader, and that leader's credentials. */
export type Vote = {
  readonly leader: ServerId;
  /** Last logged zxid of the proposed leader. */
  readonly zxid: Zxid;
  /** currentEpoch of the proposed leader (ZooKeeper: peerEpoch). */
  readonly epoch: number;
};

/** What servers tell each other on the election port. */
export type Notification = {
  /** State of the sender. */
  readonly state: Role;
  readonly vote: Vote;
  /** The sender's logical clock (ZooKeeper: electionEpoch). */
  readonly round: number;
};

/**
 * Negative, zero or positive as `a` is below, equal to or above `b`: by epoch, then zxid, then server id.
 * @see spec/Election.tla `Better`; FastLeaderElection.totalOrderPredicate
 */
export const compareVote = (a: Vote, b: Vote): number =>
  a.epoch - b.epoch || compareZxid(a.zxid, b.zxid) || a.leader - b.leader;

export const sameVote = (a: Vote, b: Vote): boolean => compareVote(a, b) === 0;
