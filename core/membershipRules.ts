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

/** Whether the servers for which `has` is true, of whom those that do not vote count for nothing, are a quorum. */
export const isQuorumWhere = (config: Config, has: (server: ServerId) => boolean): boolean => {
  if (config.groups !== null) return winsGroups(config.groups, has);
  let members = 0;
  for (const voter of config.voters) if (has(voter)) members++;
  return isQuorum(config.voters.length, members);
};

/** More than half of the groups, each by more than half of its weight; those without weight have no say. */
const winsGroups = (groups: readonly Group[], has: (server: ServerId) => boolean): boolean => {
  let sayers = 0;
  let won = 0;
  for (const { members } of groups) {
    let weight = 0;
    let gained = 0;
    for (const m of members) {
      weight += m.weight;
      if (has(m.server)) gained += m.weight;
    }
    if (weight > 0) sayers++;
    if (2 * gained > weight) won++;
  }
  return 2 * won > sayers;
};

/** Whether `members`, of whom those that do not vote count for nothing, are a quorum of one configuration. */
export const isQuorumOf = (config: Config, members: readonly ServerId[]): boolean =>
  isQuorumWhere(config, (server) => members.includes(server));

/** Whether they are a quorum of each of these configurations. */
export const quorumOfAllWhere = (configs: readonly Config[], has: (server: ServerId) => boolean): boolean => {
  for (const config of configs) if (!isQuorumWhere(config, has)) return false;
  return true;
};

/** Whether `members` are a quorum of each of these configurations. */
export const quorumOfAll = (configs: readonly Config[], members: readonly ServerId[]): boolean =>
  quorumOfAllWhere(configs, (server) => members.includes(server));

/** Who weighs nothing where servers have weights cannot lead (spec/Quorums.tla `Weightless`). */
export const isWeightless = ({ groups }: Config, server: ServerId): boolean =>
  groups !== null && !groups.some((g) => g.members.some((m) => m.server === server && m.weight > 0));

/**
 * The configurations whose quorums decide for a server that knows `active` and has seen `lastSeen`: both, while a
 * reconfig is pending (spec `Deciding`).
 */
export const deciding = <C extends Config>(active: C, lastSeen: C): readonly C[] =>
  mayActivate(active, lastSeen) ? [active, lastSeen] : [active];

/** Whether a committed configuration takes the place of the active one: only ever a newer one does. */
export const mayActivate = (active: Config, committed: Config): boolean =>
  compareZxid(committed.version, active.version) > 0;

export const newest = <C extends Config>(a: C, b: C): C => (mayActivate(a, b) ? b : a);

/** A server that is in neither list follows as a voter does, and its word does not count. */
export const observes = (server: ServerId, config: Config): boolean => config.observers.includes(server);

/** Whether a server has another part to play, for which it leaves and comes back as what it is then. */
export const changesPart = (server: ServerId, before: Config, after: Config): boolean =>
  observes(server, before) !== observes(server, after);

/** A leader that does not vote in the active configuration may commit no more. */
export const retires = (leader: ServerId, active: Config): boolean => !active.voters.includes(leader);

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

/** Why a leader takes no reconfig now, or not this one. */
export const reconfigRefusal = (
  active: Config,
  lastSeen: Config,
  from: Zxid | null,
): { readonly refused: 'NoneInFlight' | 'SameVersion' } | null => {
  if (!sameZxid(lastSeen.version, active.version)) return { refused: 'NoneInFlight' };
  if (!sameVersion(lastSeen, from)) return { refused: 'SameVersion' };
  return null;
};

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
