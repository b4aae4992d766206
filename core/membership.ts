/**
 * Dynamic reconfiguration: the voters are changed by a transaction of their own log. From its proposal on, that
 * transaction and all behind it need a quorum of the old and one of the new configuration; committed, it is active.
 * Mirrors spec/Membership.tla: every action of a server there is the function of the same name here. An append is
 * durable here at once, and a whole synchronisation one packet: core/replication has those steps one by one.
 */
import type { ServerId } from './data/quorum.js';
import type { Zxid } from './data/zxid.js';
import { compareZxid } from './data/zxid.js';
import type { Config, ReconfigRequest } from './membershipRules.js';
import {
  changesPart,
  deciding,
  designatedLeader,
  isQuorumOf,
  mayActivate,
  newest,
  nextConfig,
  observes,
  quorumOfAll,
  reconfigRefusal,
  retires,
} from './membershipRules.js';
import type {
  Entry,
  MembershipPacket,
  MembershipDisk,
  MembershipLearner,
  MembershipRole,
  MembershipState,
  Elector,
  MembershipEvent,
  MembershipEffect,
  MembershipStep,
} from './membershipState.js';
import {
  looking,
  leads,
  follows,
  isEstablished,
  lastZxid,
  nextZxid,
  after,
  nextCommitted,
  put,
  withDisk,
  withConfig,
  withRole,
  withLearners,
  withDelivered,
  appended,
} from './membershipState.js';
import { absurd } from './step.js';

export { restart } from './membershipState.js';

export const membershipStep = (state: MembershipState, event: MembershipEvent): MembershipStep => {
  switch (event.type) {
    case 'Lead':
      return lead(state, event.electors);
    case 'Follow':
      return follow(state, event.leader, event.epoch);
    case 'LearnConfig':
      return learnConfig(state, event.config);
    case 'Packet':
      return handlePacket(state, event.from, event.packet);
    case 'Propose':
      return propose(state);
    case 'ProposeReconfig':
      return proposeReconfig(state, event.request);
    case 'NoticeClose':
      return noticeClose(state, event.peer);
    case 'LeaderTimeout':
      return leaderTimeout(state);
    case 'StepDown':
      return stepDown(state);
    default:
      return absurd(event);
  }
};

const handlePacket = (s: MembershipState, from: ServerId, packet: MembershipPacket): MembershipStep => {
  switch (packet.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO':
      return handleInfo(s, from, packet.type === 'OBSERVERINFO');
    case 'ACK':
      return handleAck(s, from, packet.zxid);
    case 'NEWLEADER':
      return handleNewLeader(s, from, packet.history, packet.config);
    case 'UPTODATE':
      return handleUpToDate(s, from);
    case 'PROPOSAL':
      return handleProposal(s, from, packet.entry);
    case 'COMMIT':
      return handleCommit(s, from, packet.zxid);
    case 'COMMITANDACTIVATE':
      return handleCommitAndActivate(s, from, packet.zxid, packet.designated);
    case 'INFORM':
      return handleInform(s, from, packet.entry, from);
    case 'INFORMANDACTIVATE':
      return handleInform(s, from, packet.entry, packet.designated);
    default:
      return absurd(packet);
  }
};

/**
 * Becomes the leader of an epoch above all that its electors have promised. They must be a quorum of the active and of
 * the last seen configuration, and none may rank above it. A server alone is established at once.
 */
export const lead = (s: MembershipState, electors: readonly Elector[]): MembershipStep => {
  const { disk, self } = s;
  if (s.role.phase !== 'LOOKING') return { refused: 'Looking' };
  if (!disk.config.voters.includes(self)) return { refused: 'Voting' };
  const own = { currentEpoch: disk.currentEpoch, zxid: lastZxid(disk.log) };
  const ranksAbove = (e: Elector): boolean => (e.currentEpoch - own.currentEpoch || compareZxid(e.zxid, own.zxid)) > 0;
  const among = electors.some((e) => e.server === self);
  if (!among || electors.some(ranksAbove)) return { refused: 'BestOfElectors' };
  const ids = electors.map((e) => e.server);
  if (!quorumOfAll(deciding(disk.config, disk.lastSeen), ids)) return { refused: 'Backed' };
  const epoch = 1 + Math.max(...electors.map((e) => e.acceptedEpoch));
  const leading: MembershipState = {
    self,
    minVoters: s.minVoters,
    disk: { acceptedEpoch: epoch, currentEpoch: epoch, log: disk.log, config: disk.config, lastSeen: disk.lastSeen },
    role: { phase: 'SYNCHRONIZATION', leader: self, delivered: 0, learners: [], needs: [], retired: false },
  };
  return { state: quorumSynced(leading) ? established(leading) : leading, effects: [] };
};

/** Connects to a leader, and promises its epoch. */
export const follow = (s: MembershipState, leader: ServerId, epoch: number): MembershipStep => {
  if (s.role.phase !== 'LOOKING') return { refused: 'Looking' };
  if (epoch < s.disk.acceptedEpoch) return { refused: 'EpochNotBelow' };
  const { currentEpoch, log, config, lastSeen } = s.disk;
  const disk = { acceptedEpoch: epoch, currentEpoch, log, config, lastSeen };
  const packet = { type: observes(s.self, config) ? 'OBSERVERINFO' : 'FOLLOWERINFO' } as const;
  const role: MembershipRole = { ...looking, phase: 'SYNCHRONIZATION', leader };
  return {
    state: { self: s.self, minVoters: s.minVoters, disk, role },
    effects: [{ type: 'Connect', to: leader, packet }],
  };
};

/** Takes over a newer configuration that is active elsewhere: this server has missed its commit. */
export const learnConfig = (s: MembershipState, config: Config): MembershipStep => {
  if (s.role.phase !== 'LOOKING') return { refused: 'Looking' };
  if (!mayActivate(s.disk.config, config)) return { refused: 'NewerConfig' };
  const { acceptedEpoch, currentEpoch, log, lastSeen } = s.disk;
  const disk = { acceptedEpoch, currentEpoch, log, config, lastSeen: newest(lastSeen, config) };
  return { state: withDisk(s, disk), effects: [] };
};

/**
 * Sends a learner the history: all of the log, or, once this leader is established, what is committed, and the
 * outstanding proposals behind it. An observer is told of those when they are committed. The configuration is the
 * committed one then, not the last seen: see docs/divergence.md.
 */
export const handleInfo = (s: MembershipState, from: ServerId, observer: boolean): MembershipStep => {
  if (!leads(s)) return { refused: 'Leading' };
  const { log } = s.disk;
  const done = s.role.phase === 'BROADCAST';
  const history = done ? log.slice(0, s.role.delivered) : log;
  const learner = { server: from, stage: 'syncing', observer, zxid: lastZxid(history) } as const;
  const rest = observer ? [] : log.slice(history.length);
  const packets: readonly MembershipPacket[] = [
    { type: 'NEWLEADER', history, config: done ? s.disk.config : s.disk.lastSeen },
    ...rest.map((entry) => ({ type: 'PROPOSAL', entry }) as const),
  ];
  return {
    state: withRole(s, withLearners(s.role, put(s.role.learners, learner))),
    effects: packets.map((packet) => ({ type: 'Send', to: from, packet })),
  };
};

/** Takes the leader's history over, in place of what this server has, and its epoch. */
export const handleNewLeader = (
  s: MembershipState,
  from: ServerId,
  history: readonly Entry[],
  config: Config,
): MembershipStep => {
  if (!follows(s, from)) return { refused: 'FromLeader' };
  const epoch = s.disk.acceptedEpoch;
  const disk: MembershipDisk = {
    acceptedEpoch: epoch,
    currentEpoch: epoch,
    log: history,
    config: s.disk.config,
    lastSeen: newest(s.disk.config, config),
  };
  const role = withDelivered(s.role, history.length);
  return { state: withRole(withDisk(s, disk), role), effects: [ack(from, { epoch, counter: 0 })] };
};

/** The leader is established: what its history says is active. A server that has another part in it comes back as that. */
export const handleUpToDate = (s: MembershipState, from: ServerId): MembershipStep => {
  if (!follows(s, from)) return { refused: 'FromLeader' };
  const config = after(s.disk.config, s.disk.log.slice(0, s.role.delivered));
  const next = withConfig(s, config);
  if (changesPart(s.self, s.disk.config, config)) return leave(next, null);
  const { leader, delivered, learners, needs, retired } = s.role;
  return { state: withRole(next, { phase: 'BROADCAST', leader, delivered, learners, needs, retired }), effects: [] };
};

export const propose = (s: MembershipState): MembershipStep =>
  isEstablished(s) ? proposed(s, { zxid: nextZxid(s), config: null }) : { refused: 'Established' };

/** A client's reconfig. `reconfigErrors` says what to answer where it is refused. */
export const proposeReconfig = (s: MembershipState, request: ReconfigRequest): MembershipStep => {
  const { config, lastSeen } = s.disk;
  if (!isEstablished(s)) return { refused: 'Established' };
  const early = reconfigRefusal(config, lastSeen, request.from);
  if (early !== null) return early;
  const zxid = nextZxid(s);
  const next = nextConfig(lastSeen, request, zxid, s.minVoters);
  if ('error' in next) return { refused: 'EnoughVoters' };
  // Observers get no proposals: an observer counts only once it votes.
  const synced = s.role.learners.filter((l) => l.stage === 'synced' && !l.observer).map((l) => l.server);
  if (!isQuorumOf(next.ok, [s.self, ...synced])) return { refused: 'NewQuorumSynced' };
  return proposed(s, { zxid, config: next.ok });
};

/** A reconfig is seen from here on, though it may be cut off yet. */
export const handleProposal = (s: MembershipState, from: ServerId, entry: Entry): MembershipStep =>
  follows(s, from) ? { state: appended(s, entry), effects: [ack(from, entry.zxid)] } : { refused: 'FromLeader' };

/** A learner has taken the history over, which may make this server an established leader, or has logged a proposal. */
export const handleAck = (s: MembershipState, from: ServerId, zxid: Zxid): MembershipStep => {
  const before = s.role.learners.find((l) => l.server === from);
  if (!leads(s) || before === undefined) return { refused: 'Leading' };
  const first = zxid.counter === 0;
  const learner = {
    server: from,
    stage: 'synced',
    observer: before.observer,
    zxid: first ? before.zxid : zxid,
  } as const;
  const next = withRole(s, withLearners(s.role, put(s.role.learners, learner)));
  if (!first) return commit(next, []);
  if (s.role.phase === 'BROADCAST') return { state: next, effects: [upToDate(from)] };
  if (!quorumSynced(next)) return { state: next, effects: [] };
  const synced = next.role.learners.filter((l) => l.stage === 'synced');
  return { state: established(next), effects: synced.map((l) => upToDate(l.server)) };
};

export const handleCommit = (s: MembershipState, from: ServerId, zxid: Zxid): MembershipStep => {
  if (!follows(s, from)) return { refused: 'FromLeader' };
  if (nextCommitted(s, zxid) === null) return { refused: 'NextCommitted' };
  return { state: withRole(s, withDelivered(s.role, s.role.delivered + 1)), effects: [] };
};

export const handleCommitAndActivate = (
  s: MembershipState,
  from: ServerId,
  zxid: Zxid,
  designated: ServerId,
): MembershipStep => {
  if (!follows(s, from)) return { refused: 'FromLeader' };
  const entry = nextCommitted(s, zxid);
  return entry === null ? { refused: 'NextCommitted' } : activated(s, entry, designated);
};

/** An observer is told of an entry, reconfig or not, once it is committed. */
export const handleInform = (s: MembershipState, from: ServerId, entry: Entry, designated: ServerId): MembershipStep =>
  follows(s, from) ? activated(appended(s, entry), entry, designated) : { refused: 'FromLeader' };

/** A leader forgets the learner and what it acknowledged; a learner looks for a leader. */
export const noticeClose = (s: MembershipState, peer: ServerId): MembershipStep => {
  if (!leads(s)) return follows(s, peer) ? leave(s, null) : { refused: 'FromLeader' };
  const learners = s.role.learners.filter((l) => l.server !== peer);
  return { state: withRole(s, withLearners(s.role, learners)), effects: [] };
};

/** A leader has waited long enough for a quorum, be it of the configuration that is pending (ZOOKEEPER-1699). */
export const leaderTimeout = (s: MembershipState): MembershipStep => {
  if (!leads(s)) return { refused: 'Leading' };
  const connected = [s.self, ...s.role.learners.map((l) => l.server)];
  if (quorumOfAll(deciding(s.disk.config, s.disk.lastSeen), connected)) return { refused: 'QuorumMissing' };
  return leave(s, null);
};

/** A leader that does not vote any more gives up; what it has sent still arrives. */
export const stepDown = (s: MembershipState): MembershipStep => {
  if (!leads(s)) return { refused: 'Leading' };
  return s.role.retired ? leave(s, null) : { refused: 'Retired' };
};

const ack = (to: ServerId, zxid: Zxid): MembershipEffect => ({ type: 'Send', to, packet: { type: 'ACK', zxid } });
const upToDate = (to: ServerId): MembershipEffect => ({ type: 'Send', to, packet: { type: 'UPTODATE' } });

const quorumSynced = (s: MembershipState): boolean => {
  const synced = s.role.learners.filter((l) => l.stage === 'synced').map((l) => l.server);
  return quorumOfAll(deciding(s.disk.config, s.disk.lastSeen), [s.self, ...synced]);
};

/** All that the leader has is committed, and the configuration that it saw last is active: perhaps without its vote. */
const established = (s: MembershipState): MembershipState => {
  const config = s.disk.lastSeen;
  return withRole(withConfig(s, config), {
    phase: 'BROADCAST',
    leader: s.self,
    delivered: s.disk.log.length,
    learners: s.role.learners,
    needs: [],
    retired: retires(s.self, config),
  });
};

/** Logs an entry on the leader and sends it to all but observers. */
const proposed = (s: MembershipState, entry: Entry): MembershipStep => {
  const next = appended(s, entry);
  const { phase, leader, delivered, learners, needs, retired } = s.role;
  const own = deciding(next.disk.config, next.disk.lastSeen);
  const sent = learners
    .filter((l) => !l.observer)
    .map((l): MembershipEffect => ({ type: 'Send', to: l.server, packet: { type: 'PROPOSAL', entry } }));
  return commit(withRole(next, { phase, leader, delivered, learners, needs: [...needs, own], retired }), sent);
};

/** Commits, in order, what has all its quorums, up to a reconfig by which this leader loses its vote. */
const commit = (s: MembershipState, sent: readonly MembershipEffect[]): MembershipStep => {
  const { phase, leader, learners } = s.role;
  const synced = learners.filter((l) => l.stage === 'synced');
  const effects = [...sent];
  let { delivered, needs, retired } = s.role;
  let { config } = s.disk;
  while (!retired) {
    const entry = s.disk.log[delivered];
    const [own, ...rest] = needs;
    if (entry === undefined || own === undefined) break;
    const ackers = synced.filter((l) => compareZxid(l.zxid, entry.zxid) >= 0).map((l) => l.server);
    if (!quorumOfAll(own, [s.self, ...ackers])) break;
    effects.push(...learners.map((l): MembershipEffect => news(s.self, entry, l, synced)));
    if (entry.config !== null) {
      config = newest(config, entry.config);
      retired = retires(s.self, entry.config);
    }
    delivered++;
    needs = rest;
  }
  return { state: withRole(withConfig(s, config), { phase, leader, delivered, learners, needs, retired }), effects };
};

/** What a learner is told of a commit. */
const news = (
  self: ServerId,
  entry: Entry,
  to: MembershipLearner,
  synced: readonly MembershipLearner[],
): MembershipEffect => {
  const { zxid, config } = entry;
  const send = (packet: MembershipPacket): MembershipEffect => ({ type: 'Send', to: to.server, packet });
  if (config === null) return send(to.observer ? { type: 'INFORM', entry } : { type: 'COMMIT', zxid });
  const designated = designatedLeader(self, config, synced);
  return send(
    to.observer ? { type: 'INFORMANDACTIVATE', entry, designated } : { type: 'COMMITANDACTIVATE', zxid, designated },
  );
};

/** A learner applies an entry. It leaves where a reconfig gives it another part or another leader. */
const activated = (s: MembershipState, entry: Entry, designated: ServerId): MembershipStep => {
  const config = after(s.disk.config, [entry]);
  const next = withConfig(s, config);
  if (designated !== s.role.leader) return leave(next, designated);
  if (changesPart(s.self, s.disk.config, config)) return leave(next, designated);
  return { state: withRole(next, withDelivered(s.role, s.role.delivered + 1)), effects: [] };
};

const leave = (s: MembershipState, designated: ServerId | null): MembershipStep => ({
  state: withRole(s, looking),
  effects: [{ type: 'Leave', designated }],
});
