/** What one server of spec/Membership.tla knows, what it is told and what it asks for. */
import type { ServerId } from './data/quorum.js';
import type { Zxid } from './data/zxid.js';
import { sameZxid, zeroZxid } from './data/zxid.js';
import type { Config, ReconfigError, ReconfigRequest } from './membershipRules.js';
import { newest } from './membershipRules.js';
import type { Step } from './step.js';

/** `config` is null in an ordinary transaction. */
export type Entry = { readonly zxid: Zxid; readonly config: Config | null };

export type MembershipPacket =
  /** From a learner, its first: whether it is an observer by the configuration that it knows. */
  | { readonly type: 'FOLLOWERINFO' }
  | { readonly type: 'OBSERVERINFO' }
  /** The history to take over, and the configuration that goes with it. */
  | { readonly type: 'NEWLEADER'; readonly history: readonly Entry[]; readonly config: Config }
  | { readonly type: 'UPTODATE' }
  | { readonly type: 'PROPOSAL'; readonly entry: Entry }
  /** Counter 0: the epoch's history is taken over. */
  | { readonly type: 'ACK'; readonly zxid: Zxid }
  | { readonly type: 'COMMIT'; readonly zxid: Zxid }
  | { readonly type: 'COMMITANDACTIVATE'; readonly zxid: Zxid; readonly designated: ServerId }
  | { readonly type: 'INFORM'; readonly entry: Entry }
  | { readonly type: 'INFORMANDACTIVATE'; readonly entry: Entry; readonly designated: ServerId };

/** What outlives a crash; a field is the spec variable of that name at `self`. */
export type MembershipDisk = {
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly log: readonly Entry[];
  readonly config: Config;
  readonly lastSeen: Config;
};

/** What a leader knows of a learner: up to `zxid` it has the leader's log, once it is synced. */
export type MembershipLearner = {
  readonly server: ServerId;
  readonly stage: 'syncing' | 'synced';
  readonly observer: boolean;
  readonly zxid: Zxid;
};

export type MembershipRole = {
  readonly phase: 'LOOKING' | 'SYNCHRONIZATION' | 'BROADCAST';
  /** This server itself when it leads; null while it looks. */
  readonly leader: ServerId | null;
  /** How many entries of the log are applied as committed. */
  readonly delivered: number;
  /** Ascending. */
  readonly learners: readonly MembershipLearner[];
  /** For each entry behind those delivered, the configurations whose quorums it needs. */
  readonly needs: readonly (readonly Config[])[];
  /** It leads still, and may not commit any more: it does not vote in the active configuration. */
  readonly retired: boolean;
};

export type MembershipState = {
  readonly self: ServerId;
  readonly minVoters: number;
  readonly disk: MembershipDisk;
  readonly role: MembershipRole;
};

/** An elector, as it stands when it promises. */
export type Elector = {
  readonly server: ServerId;
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  readonly zxid: Zxid;
};

export type MembershipEvent =
  /** These servers, this one among them, would have this one lead (the world's `Elect`). */
  | { readonly type: 'Lead'; readonly electors: readonly Elector[] }
  | { readonly type: 'Follow'; readonly leader: ServerId; readonly epoch: number }
  /** Another server's active configuration, heard in an election. */
  | { readonly type: 'LearnConfig'; readonly config: Config }
  | { readonly type: 'Packet'; readonly from: ServerId; readonly packet: MembershipPacket }
  | { readonly type: 'Propose' }
  | { readonly type: 'ProposeReconfig'; readonly request: ReconfigRequest }
  | { readonly type: 'NoticeClose'; readonly peer: ServerId }
  | { readonly type: 'LeaderTimeout' }
  | { readonly type: 'StepDown' };

export type MembershipEffect =
  | { readonly type: 'Connect'; readonly to: ServerId; readonly packet: MembershipPacket }
  | { readonly type: 'Send'; readonly to: ServerId; readonly packet: MembershipPacket }
  /** Close all connections and look for a leader: for `designated` first, where one was named. */
  | { readonly type: 'Leave'; readonly designated: ServerId | null };

/** Guards by which an event is refused; the spec has a definition of the same name. */
export type MembershipGuard =
  | 'Looking'
  | 'Leading'
  | 'Established'
  | 'FromLeader'
  | 'Voting'
  | 'BestOfElectors'
  | 'Backed'
  | 'EpochNotBelow'
  | 'NewerConfig'
  | 'NoneInFlight'
  | 'SameVersion'
  | 'EnoughVoters'
  | 'NewQuorumSynced'
  | 'NextCommitted'
  | 'QuorumMissing'
  | 'Retired';

/** What a client is told of a reconfig that was refused. */
export const reconfigErrors: Readonly<Partial<Record<MembershipGuard, ReconfigError>>> = {
  NoneInFlight: 'RECONFIGINPROGRESS',
  SameVersion: 'BADVERSION',
  EnoughVoters: 'BADARGUMENTS',
  NewQuorumSynced: 'NEWCONFIGNOQUORUM',
};

export type MembershipStep = Step<MembershipState, MembershipEffect, MembershipGuard>;

export const looking: MembershipRole = {
  phase: 'LOOKING',
  leader: null,
  delivered: 0,
  learners: [],
  needs: [],
  retired: false,
};

/** A server that starts from what its disk gives (spec `Restart`, and `Init` with an empty disk). */
export const restart = (self: ServerId, minVoters: number, disk: MembershipDisk): MembershipState => ({
  self,
  minVoters,
  disk,
  role: looking,
});

/** The disk of a server that has never run and knows only the first configuration. */
export const emptyDisk = (config: Config): MembershipDisk => ({
  acceptedEpoch: 0,
  currentEpoch: 0,
  log: [],
  config,
  lastSeen: config,
});

export const leads = (s: MembershipState): boolean => s.role.leader === s.self;
export const follows = (s: MembershipState, from: ServerId): boolean => s.role.leader === from && from !== s.self;
export const isEstablished = (s: MembershipState): boolean => leads(s) && s.role.phase === 'BROADCAST';

export const lastZxid = (log: readonly Entry[]): Zxid => log.at(-1)?.zxid ?? zeroZxid;

export const nextZxid = (s: MembershipState): Zxid => {
  const last = lastZxid(s.disk.log);
  const epoch = s.disk.currentEpoch;
  return { epoch, counter: last.epoch === epoch ? last.counter + 1 : 1 };
};

/** The configuration after these entries are applied. */
export const after = (config: Config, entries: readonly Entry[]): Config =>
  entries.reduce((c, e) => (e.config === null ? c : newest(c, e.config)), config);

/** The entry that is committed next, if it is this one. */
export const nextCommitted = (s: MembershipState, zxid: Zxid): Entry | null => {
  const entry = s.disk.log[s.role.delivered];
  return entry !== undefined && sameZxid(entry.zxid, zxid) ? entry : null;
};

export const put = (learners: readonly MembershipLearner[], l: MembershipLearner): readonly MembershipLearner[] =>
  [...learners.filter((x) => x.server !== l.server), l].sort((a, b) => a.server - b.server);

export const withDisk = (s: MembershipState, disk: MembershipDisk): MembershipState => ({
  self: s.self,
  minVoters: s.minVoters,
  disk,
  role: s.role,
});

export const withConfig = (s: MembershipState, config: Config): MembershipState => {
  const { acceptedEpoch, currentEpoch, log, lastSeen } = s.disk;
  return config === s.disk.config ? s : withDisk(s, { acceptedEpoch, currentEpoch, log, config, lastSeen });
};

export const withRole = (s: MembershipState, role: MembershipRole): MembershipState => ({
  self: s.self,
  minVoters: s.minVoters,
  disk: s.disk,
  role,
});

export const withLearners = (r: MembershipRole, learners: readonly MembershipLearner[]): MembershipRole => ({
  phase: r.phase,
  leader: r.leader,
  delivered: r.delivered,
  learners,
  needs: r.needs,
  retired: r.retired,
});

export const withDelivered = (r: MembershipRole, delivered: number): MembershipRole => ({
  phase: r.phase,
  leader: r.leader,
  delivered,
  learners: r.learners,
  needs: r.needs,
  retired: r.retired,
});

export const appended = (s: MembershipState, entry: Entry): MembershipState => {
  const { acceptedEpoch, currentEpoch, log, config, lastSeen } = s.disk;
  const disk = { acceptedEpoch, currentEpoch, log: [...log, entry], config, lastSeen: after(lastSeen, [entry]) };
  return withDisk(s, disk);
};
