/**
 * Rules of dynamic reconfiguration that need no state: what a quorum is, which configurations decide, what a request
 * makes of a configuration, who leads afterwards. The helpers of spec/Membership.tla have the same names there.
 */
import type { ServerId } from './data/quorum.js';
import { isQuorum } from './data/quorum.js';
import type { Zxid } from './data/zxid.js';
import { compareZxid, sameZxid } from './data/zxid.js';

/** Voters that decide together (`group.N`, `weight.N`). A weight is a natural number. */
export type Group = { readonly members: readonly { readonly server: ServerId; readonly weight: number }[] };

/**
 * Who takes part. A version names one configuration: it is the zxid of the reconfig that made it, (0, 0) before the
 * first one. Voters and observers ascend and have nobody in common.
 */
export type Config = {
  readonly version: Zxid;
  readonly voters: readonly ServerId[];
  readonly observers: readonly ServerId[];
  /** Null: each voter counts the same (ZooKeeper's QuorumMaj), else QuorumHierarchical. */
  readonly groups: readonly Group[] | null;
};

/** Whether `members`, of whom those that do not vote count for nothing, are a quorum of one configuration. */
export const isQuorumOf = (config: Config, members: readonly ServerId[]): boolean => {
  if (config.groups === null)
    return isQuorum(config.voters.length, config.voters.filter((v) => members.includes(v)).length);
  // Groups without weight have no say, and do not count among the groups.
  const groups = config.groups.filter((g) => weightOf(g, null) > 0);
  const won = groups.filter((g) => 2 * weightOf(g, members) > weightOf(g, null));
  return 2 * won.length > groups.length;
};

/** Of the servers in `members`, or of all when that is null. */
const weightOf = (group: Group, members: readonly ServerId[] | null): number =>
  group.members.reduce((sum, m) => (members === null || members.includes(m.server) ? sum + m.weight : sum), 0);

/** Whether `members` are a quorum of each of these configurations. */
export const quorumOfAll = (configs: readonly Config[], members: readonly ServerId[]): boolean =>
  configs.every((c) => isQuorumOf(c, members));

/**
 * The configurations whose quorums decide for a server that knows `active` and has seen `lastSeen`: both, while a
 * reconfig is pending (spec `Deciding`).
 */
export const deciding = (active: Config, lastSeen: Config): readonly Config[] =>
  mayActivate(active, lastSeen) ? [active, lastSeen] : [active];

/** Whether a committed configuration takes the place of the active one: only ever a newer one does. */
export const mayActivate = (active: Config, committed: Config): boolean =>
  compareZxid(committed.version, active.version) > 0;

export const newest = (a: Config, b: Config): Config => (mayActivate(a, b) ? b : a);

/** A server that is in neither list follows as a voter does, and its word does not count. */
export const observes = (server: ServerId, config: Config): boolean => config.observers.includes(server);

export type Member = { readonly server: ServerId; readonly role: 'voter' | 'observer' };

export type ReconfigRequest = {
  /** The version that the request is meant for; null (ZooKeeper: -1) stands for any. */
  readonly from: Zxid | null;
  readonly change:
    | { readonly type: 'incremental'; readonly joining: readonly Member[]; readonly leaving: readonly ServerId[] }
    | { readonly type: 'whole'; readonly members: readonly Member[]; readonly groups: readonly Group[] | null };
};

/** ZooKeeper's errors of a reconfig, in the order in which it looks for them. */
export type ReconfigError = 'RECONFIGINPROGRESS' | 'BADVERSION' | 'BADARGUMENTS' | 'NEWCONFIGNOQUORUM';

/**
 * What a request makes of the last seen configuration. Of members named twice the last one counts, and a server that
 * both leaves and joins has joined.
 * @param version   zxid of the reconfig
 * @param minVoters fewer voters are refused: 2, or 1 where `standaloneEnabled=false`
 * @returns `BADARGUMENTS` with too few voters, or where a request by parts meets groups, which it cannot tell apart
 */
export const nextConfig = (
  current: Config,
  request: ReconfigRequest,
  version: Zxid,
  minVoters: number,
): { readonly ok: Config } | { readonly error: 'BADARGUMENTS' } => {
  const { change } = request;
  if (change.type === 'incremental' && current.groups !== null) return { error: 'BADARGUMENTS' };
  const roles = new Map<ServerId, Member['role']>();
  if (change.type === 'incremental') {
    for (const server of current.voters) roles.set(server, 'voter');
    for (const server of current.observers) roles.set(server, 'observer');
    for (const server of change.leaving) roles.delete(server);
  }
  for (const { server, role } of change.type === 'whole' ? change.members : change.joining) roles.set(server, role);
  const those = (role: Member['role']): readonly ServerId[] =>
    [...roles.entries()].flatMap(([server, r]) => (r === role ? [server] : [])).sort((a, b) => a - b);
  const voters = those('voter');
  if (voters.length < minVoters) return { error: 'BADARGUMENTS' };
  const groups = change.type === 'whole' ? change.groups : null;
  return { ok: { version, voters, observers: those('observer'), groups } };
};

/** Whether a request was made for the configuration that a leader saw last (ZooKeeper: BADVERSION). */
export const sameVersion = (lastSeen: Config, from: Zxid | null): boolean =>
  from === null || sameZxid(from, lastSeen.version);

/** Up to where a server has acknowledged the leader's proposals. */
export type Acked = { readonly server: ServerId; readonly zxid: Zxid };

/**
 * Who is to lead when a reconfig is committed: the present leader, if it votes in the new configuration, else the one of
 * those that have acknowledged the reconfig that has acknowledged most behind it; of equals the one with the smallest id.
 * @param acked what each synchronised learner has acknowledged
 */
export const designatedLeader = (leader: ServerId, next: Config, acked: readonly Acked[]): ServerId => {
  if (next.voters.includes(leader)) return leader;
  const candidates = acked.filter(
    (a) => a.server !== leader && next.voters.includes(a.server) && compareZxid(a.zxid, next.version) >= 0,
  );
  const best = [...candidates].sort((a, b) => compareZxid(b.zxid, a.zxid) || a.server - b.server)[0];
  return best?.server ?? leader;
};
