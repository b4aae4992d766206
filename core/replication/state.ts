/**
 * What one server knows of discovery, synchronisation and broadcast, and what it can be told and can ask.
 * Mirrors spec/ReplicationState.tla; names in brackets are the spec's variables.
 */
import type { ServerId } from '../data/quorum.js';
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { windowCountWhile, windowLast, windowOf, windowPush, windowSize, windowSlice } from '../data/window.js';
import type { Window } from '../data/window.js';
import type { Config } from '../membershipRules.js';
import { observes as observesIn, quorumOfAllWhere } from '../membershipRules.js';
import type { Configuration } from '../configuration.js';
import type { Ensemble } from '../ensemble.js';
import { leftWith } from '../ensemble.js';
import type { Snapshot } from '../service/snapshot.js';
import type { Txn } from '../service/txn.js';
import type { Step } from '../step.js';
import type { Packet } from './packet.js';

export type Phase = 'LOOKING' | 'DISCOVERY' | 'SYNCHRONIZATION' | 'BROADCAST';

/**
 * Where a leader stands with one learner: FOLLOWERINFO came (info), LEADERINFO went out (epoch), ACKEPOCH came and
 * counts (ackepoch) or does not (waiting), packets up to NEWLEADER went out (syncing), its ACK came (synced).
 */
export type LearnerStage = 'info' | 'epoch' | 'waiting' | 'ackepoch' | 'syncing' | 'synced';

export type Learner = {
  readonly sid: ServerId;
  readonly stage: LearnerStage;
  /** By its own word: it gets INFORM, and no proposals. Whether its word counts is for the configurations to say. */
  readonly observer: boolean;
  /**
   * info: (acceptedEpoch, 0). epoch: the same where it is above the leader's epoch. waiting, ackepoch: its last logged
   * zxid. synced: the highest that it acknowledged.
   */
  readonly zxid: Zxid;
};

/** Where a follower stands in its synchronisation. */
export type Sync = {
  readonly mode: 'none' | 'DIFF' | 'SNAP';
  /** Until NEWLEADER, until its ACK, until UPTODATE. */
  readonly stage: 'packets' | 'logging' | 'acked';
  /** Proposals that are not logged yet. */
  readonly pending: readonly Txn[];
  /** How many of `pending` are committed. */
  readonly commits: number;
  readonly snap: { readonly zxid: Zxid; readonly snapshot: Snapshot } | null;
};

/** What ends with the role: a server that goes back to LOOKING has `noRole`. */
export type RoleState = {
  readonly phase: Phase;
  /** Whom this server follows, itself when it leads, null when it is LOOKING. */
  readonly leader: ServerId | null;
  /** A leader's epoch once it is fixed, 0 before. */
  readonly newEpoch: number;
  /** A leader's learners, by ascending sid. */
  readonly learners: readonly Learner[];
  readonly sync: Sync;
};

/** What this server has, or has asked its disk to have. */
export type DiskState = {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  /** What the disk has been asked to save and has not answered yet. */
  readonly saving: 'none' | 'accepted' | 'current' | 'snapshot';
  /** The log in memory begins after this zxid; what is before is in a snapshot or was dropped. */
  readonly base: Zxid;
  readonly log: Window<Txn>;
  /** The last zxid that an fsync has covered. */
  readonly synced: Zxid;
};

export type Limits = {
  /** How many delivered transactions stay in memory for learners (commitLogCount). */
  readonly keep: number;
  /** The last counter that an epoch's leader may give [MaxCounter]. */
  readonly maxCounter: number;
};

export type ReplicationState = {
  readonly self: ServerId;
  /** Who votes and who observes; constant where configurations do not change [Observer]. */
  readonly ensemble: Ensemble;
  readonly limits: Limits;
  readonly role: RoleState;
  readonly disk: DiskState;
  /** The last zxid applied to the tree [delivered]. */
  readonly delivered: Zxid;
  /** A leader has cut what this server's snapshot holds: see `askForSnapshot`. */
  readonly wantsSnapshot: boolean;
};

export type ReplicationEvent =
  | { readonly type: 'Elected'; readonly leader: ServerId }
  | { readonly type: 'Packet'; readonly from: ServerId; readonly packet: Packet }
  | { readonly type: 'EpochSaved' }
  | { readonly type: 'SnapshotSaved' }
  /** Everything up to `zxid` is on the disk for good. */
  | { readonly type: 'LogSynced'; readonly zxid: Zxid }
  /** A transaction with the zxid that `nextZxid` gives. */
  | { readonly type: 'Propose'; readonly txn: Txn }
  /** The connection with `peer` has ended: nothing more will be read from it. */
  | { readonly type: 'NoticeClose'; readonly peer: ServerId }
  | { readonly type: 'LeaderTimeout' }
  | { readonly type: 'Resign' }
  /** Another server's active configuration, heard in an election (spec/Membership.tla, as the next). */
  | { readonly type: 'LearnConfig'; readonly config: Configuration }
  /** A leader that votes no more gives up. */
  | { readonly type: 'StepDown' };

export type ReplicationEffect =
  /** Nothing of this server is on its way to the disk any more: it may stand for election with these credentials. */
  | {
      readonly type: 'LookForLeader';
      readonly epoch: number;
      readonly zxid: Zxid;
      /** Whom the last leader has named as the next one, if it has. */
      readonly designated: ServerId | null;
    }
  /** Accept learners. */
  | { readonly type: 'Listen' }
  /** Open a connection to the leader; what is sent before it stands waits. */
  | { readonly type: 'Connect'; readonly to: ServerId }
  | { readonly type: 'Send'; readonly to: ServerId; readonly packet: Packet }
  /** Send SNAP with the tree as it is now; its last transaction is `zxid`. */
  | { readonly type: 'SendSnapshot'; readonly to: ServerId; readonly zxid: Zxid }
  /** Close the connection with `peer`; what was sent still arrives. */
  | { readonly type: 'Disconnect'; readonly peer: ServerId }
  /** Close all connections and stop listening. */
  | { readonly type: 'DisconnectAll' }
  /** Rename an epoch file into place, durably; answered by EpochSaved. */
  | { readonly type: 'SaveEpoch'; readonly file: 'accepted' | 'current'; readonly epoch: number }
  /** Put this snapshot, durably, in place of the log; answered by SnapshotSaved. */
  | { readonly type: 'SaveSnapshot'; readonly zxid: Zxid; readonly snapshot: Snapshot }
  /** Append to the log and fsync; answered by LogSynced, also for a part of it. */
  | { readonly type: 'Append'; readonly txns: readonly Txn[] }
  /** Cut the log after `zxid`; on disk for good before the next event. */
  | { readonly type: 'Truncate'; readonly zxid: Zxid }
  /** The tree is this snapshot's. */
  | { readonly type: 'Restore'; readonly zxid: Zxid; readonly snapshot: Snapshot }
  /** Apply committed transactions to the tree, in order. */
  | { readonly type: 'Deliver'; readonly txns: readonly Txn[] }
  /** This server serves from now on; `epoch` is its leader's. */
  | { readonly type: 'Serve'; readonly epoch: number }
  /** This server has left its role and serves no longer. */
  | { readonly type: 'Leave' };

/** Guards by which an event is refused; spec/Replication.tla has a definition of the same name for each. */
export type ReplicationGuard =
  | 'Looking'
  | 'Quiescent'
  | 'Leading'
  | 'Serving'
  | 'Votes'
  | 'FromObserver'
  | 'FromLeader'
  | 'Expected'
  | 'KeepsBase'
  | 'NextCommitted'
  | 'AllCommitted'
  | 'NextZxid'
  | 'Saving'
  | 'Unsynced'
  | 'Peer'
  | 'QuorumMissing'
  | 'EpochSpent';

export type ReplicationStep = Step<ReplicationState, ReplicationEffect, ReplicationGuard>;

export const noSync: Sync = { mode: 'none', stage: 'packets', pending: [], commits: 0, snap: null };

export const noRole: RoleState = { phase: 'LOOKING', leader: null, newEpoch: 0, learners: [], sync: noSync };

/**
 * A server as it starts: LOOKING, with what its files say (core/recovery.ts).
 * @param recovered.base zxid of the snapshot that the tree holds
 * @param recovered.log  transactions of the log after it, all of them durable
 * @see spec `Restart`
 */
export const restart = (
  self: ServerId,
  ensemble: Ensemble,
  limits: Limits,
  recovered: {
    readonly base: Zxid;
    readonly log: readonly Txn[];
    readonly acceptedEpoch: number;
    readonly currentEpoch: number;
  },
): { readonly state: ReplicationState; readonly effects: readonly ReplicationEffect[] } => {
  const state: ReplicationState = {
    self,
    ensemble,
    limits,
    role: noRole,
    disk: {
      acceptedEpoch: recovered.acceptedEpoch,
      currentEpoch: recovered.currentEpoch,
      saving: 'none',
      base: recovered.base,
      log: windowOf(recovered.log),
      synced: recovered.log.at(-1)?.zxid ?? recovered.base,
    },
    delivered: recovered.base,
    wantsSnapshot: false,
  };
  return { state, effects: lookForLeader(state) };
};

export const leads = (s: ReplicationState): boolean => s.role.leader === s.self;

export const follows = (s: ReplicationState): boolean => s.role.leader !== null && s.role.leader !== s.self;

/** Whether server `sid` has a vote in the active configuration. */
export const votes = (s: ReplicationState, sid: ServerId): boolean => s.ensemble.active.voters.includes(sid);

/** One that neither votes nor observes follows as a voter does, and its word does not count. */
export const observes = (s: ReplicationState, sid: ServerId): boolean => observesIn(sid, s.ensemble.active);

/** Whether `sid` votes in a configuration that decides now or may soon. */
export const mayLead = (s: ReplicationState, sid: ServerId): boolean =>
  s.ensemble.deciding.some((c) => c.voters.includes(sid));

/** The zxid of the last entry of a log. */
export const lastLogged = (disk: DiskState): Zxid => windowLast(disk.log)?.zxid ?? disk.base;

/** What this server says of its history in votes and in ACKEPOCH: the last transaction that it has logged. */
export const lastZxid = (s: ReplicationState): Zxid => lastLogged(s.disk);

/** Nothing is on its way to the disk: only then does a server look for a leader (ZOOKEEPER-4712). */
export const quiescent = (disk: DiskState): boolean =>
  disk.saving === 'none' && compareZxid(disk.synced, lastLogged(disk)) >= 0;

/** The request for an election, once the disk is quiescent. */
export const lookForLeader = (s: ReplicationState): readonly ReplicationEffect[] =>
  quiescent(s.disk)
    ? [{ type: 'LookForLeader', epoch: s.disk.currentEpoch, zxid: lastZxid(s), designated: s.ensemble.designated }]
    : [];

/** How many entries of the window are at or below `zxid`. */
export const countUpTo = (log: Window<Txn>, zxid: Zxid): number =>
  windowCountWhile(log, (t) => compareZxid(t.zxid, zxid) <= 0);

/** Entries above `zxid`, oldest first. */
export const entriesAfter = (log: Window<Txn>, zxid: Zxid): readonly Txn[] =>
  windowSlice(log, countUpTo(log, zxid), windowSize(log));

export const withRole = (s: ReplicationState, role: RoleState): ReplicationState => ({
  self: s.self,
  ensemble: s.ensemble,
  limits: s.limits,
  role,
  disk: s.disk,
  delivered: s.delivered,
  wantsSnapshot: s.wantsSnapshot,
});

export const withEnsemble = (s: ReplicationState, ensemble: Ensemble): ReplicationState =>
  ensemble === s.ensemble
    ? s
    : {
        self: s.self,
        ensemble,
        limits: s.limits,
        role: s.role,
        disk: s.disk,
        delivered: s.delivered,
        wantsSnapshot: s.wantsSnapshot,
      };

/**
 * The next leader is to send a snapshot: one has cut the history below what this server's snapshot holds, which can only
 * be a snapshot of an Apache server with an uncommitted tail (docs/divergence.md). Over once a snapshot has come.
 */
export const askForSnapshot = (s: ReplicationState): ReplicationState => withWish(s, true);

export const withWish = (s: ReplicationState, wantsSnapshot: boolean): ReplicationState =>
  wantsSnapshot === s.wantsSnapshot
    ? s
    : {
        self: s.self,
        ensemble: s.ensemble,
        limits: s.limits,
        role: s.role,
        disk: s.disk,
        delivered: s.delivered,
        wantsSnapshot,
      };

export const withDisk = (s: ReplicationState, disk: DiskState): ReplicationState => ({
  self: s.self,
  ensemble: s.ensemble,
  limits: s.limits,
  role: s.role,
  disk,
  delivered: s.delivered,
  wantsSnapshot: s.wantsSnapshot,
});

export const withRoleAndDisk = (s: ReplicationState, role: RoleState, disk: DiskState): ReplicationState => ({
  self: s.self,
  ensemble: s.ensemble,
  limits: s.limits,
  role,
  disk,
  delivered: s.delivered,
  wantsSnapshot: s.wantsSnapshot,
});

export const withPhase = (r: RoleState, phase: Phase): RoleState => ({
  phase,
  leader: r.leader,
  newEpoch: r.newEpoch,
  learners: r.learners,
  sync: r.sync,
});

export const withLearners = (r: RoleState, learners: readonly Learner[]): RoleState => ({
  phase: r.phase,
  leader: r.leader,
  newEpoch: r.newEpoch,
  learners,
  sync: r.sync,
});

export const withSync = (r: RoleState, sync: Sync): RoleState => ({
  phase: r.phase,
  leader: r.leader,
  newEpoch: r.newEpoch,
  learners: r.learners,
  sync,
});

/** The disk with more entries asked to be logged. */
export const appended = (d: DiskState, txns: readonly Txn[]): DiskState =>
  txns.length === 0
    ? d
    : {
        acceptedEpoch: d.acceptedEpoch,
        currentEpoch: d.currentEpoch,
        saving: d.saving,
        base: d.base,
        log: windowPush(d.log, txns),
        synced: d.synced,
      };

export const withSynced = (d: DiskState, synced: Zxid): DiskState => ({
  acceptedEpoch: d.acceptedEpoch,
  currentEpoch: d.currentEpoch,
  saving: d.saving,
  base: d.base,
  log: d.log,
  synced,
});

export const withSaving = (d: DiskState, saving: DiskState['saving']): DiskState => ({
  acceptedEpoch: d.acceptedEpoch,
  currentEpoch: d.currentEpoch,
  saving,
  base: d.base,
  log: d.log,
  synced: d.synced,
});

export const withEpochs = (
  d: DiskState,
  saving: 'accepted' | 'current',
  acceptedEpoch: number,
  currentEpoch: number,
): DiskState => ({ acceptedEpoch, currentEpoch, saving, base: d.base, log: d.log, synced: d.synced });

/** The learner `sid`, or undefined when the leader knows none. */
export const learnerOf = (r: RoleState, sid: ServerId): Learner | undefined => r.learners.find((l) => l.sid === sid);

/** The learners that this leader forwards to: they are pinged as well. */
export const forwardingTo = (s: ReplicationState): readonly ServerId[] =>
  s.role.learners.flatMap((l) => (l.stage === 'syncing' || l.stage === 'synced' ? [l.sid] : []));

/** The learners with `learner` among them, by ascending sid. */
export const withLearner = (learners: readonly Learner[], learner: Learner): readonly Learner[] =>
  [...learners.filter((l) => l.sid !== learner.sid), learner].sort((a, b) => a.sid - b.sid);

/** Whether the leader, and the learners of which `counts` is true, are a quorum of each of these configurations. */
export const isBacked = (
  s: ReplicationState,
  configs: readonly Config[],
  learners: readonly Learner[],
  counts: (l: Learner) => boolean,
  countsSelf = true,
): boolean =>
  quorumOfAllWhere(configs, (sid) => (sid === s.self ? countsSelf : learners.some((l) => l.sid === sid && counts(l))));

/**
 * Back to LOOKING: connections close, what was received and not logged is forgotten. A snapshot that is being written
 * is kept until the disk has answered.
 */
export const leave = (s: ReplicationState, designated: ServerId | null = null): ReplicationStep => {
  const sync: Sync =
    s.disk.saving === 'snapshot'
      ? { mode: 'none', stage: 'packets', pending: [], commits: 0, snap: s.role.sync.snap }
      : noSync;
  const role: RoleState = { phase: 'LOOKING', leader: null, newEpoch: 0, learners: [], sync };
  const effects: ReplicationEffect[] = [{ type: 'DisconnectAll' }, { type: 'Leave' }];
  const left = withEnsemble(s, leftWith(s.ensemble, designated));
  effects.push(...lookForLeader(left));
  return { state: withRole(left, role), effects };
};
