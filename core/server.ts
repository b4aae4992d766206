/**
 * One server: election, replication and service held together. An event goes to the part it belongs to; what a part
 * asks of another goes there at once; the rest are effects for the shell. Only routing and times stand here: every
 * rule of the protocol is in the parts (a lint rule sees to it).
 */
import {
  canDecide,
  electionStep,
  follows,
  initialElection,
  isOnlyVoter,
  isOtherRound,
  withDeciding,
} from './election.js';
import type { ElectionEvent } from './election.js';
import { readConfiguration } from './configuration.js';
import type { ServerId } from './data/quorum.js';
import { newOwner } from './data/hamt.js';
import type { Owner } from './data/hamt.js';
import { maxCounter, zeroZxid } from './data/zxid.js';
import { ageLocals, isReadOnlyDue } from './localSessions.js';
import type { Zxid } from './data/zxid.js';
import { configurationIn, startEnsemble } from './ensemble.js';
import type { Ensemble } from './ensemble.js';
import type { Recovered } from './recovery.js';
import { isOutpromised, nextZxid } from './replication/broadcast.js';
import { askSync, heldSyncs, noSyncs, releaseBehind, releaseSyncs } from './replication/clientSync.js';
import type { Packet } from './replication/packet.js';
import { replicationStep } from './replication/replication.js';
import { askForSnapshot, forwardingTo, leads, restart } from './replication/state.js';
import type { ReplicationEffect, ReplicationEvent } from './replication/state.js';
import type { SnapshotRefusal } from './service/database.js';
import * as service from './service/service.js';
import type { ServiceEffect, ServiceEvent } from './service/service.js';
import * as leader from './service/leader.js';
import type { Reconfiguring } from './service/reconfig.js';
import type { WriteToPrepare } from './service/leader.js';
import type { ForwardedRequest } from './service/request.js';
import { defaultRules } from './service/rules.js';
import { firstSessionId } from './service/sessionId.js';
import type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState, ServerStep } from './serverState.js';
import { absurd } from './step.js';
import * as timing from './timing.js';

export { defaultRules } from './service/rules.js';
export type { ServiceRules } from './service/rules.js';
export { statusOf } from './status.js';
export type { Status } from './status.js';
export type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState, ServerStep } from './serverState.js';

/** The state of a server without any history, as its first snapshot. */
export const firstSnapshot = (): ReturnType<typeof service.snapshotOf> => service.snapshotOf(service.freshService());

/** A server in the making: lives within one batch. */
type Draft = { -readonly [F in keyof ServerState]: ServerState[F] } & {
  readonly clock: Clock;
  readonly effects: ServerEffect[];
  owner: Owner;
};

/**
 * A server as it starts from its files; it begins to look for a leader at once.
 * @returns refused: the snapshot does not hold together (a znode without its parent)
 */
export const startServer = (
  config: ServerConfig,
  recovered: Pick<Recovered, 'base' | 'log' | 'acceptedEpoch' | 'currentEpoch' | 'snapshot'>,
  clock: Clock,
): ServerStep | SnapshotRefusal => {
  const restored =
    recovered.snapshot === null
      ? { state: service.freshService() }
      : service.restore(recovered.snapshot.snapshot, recovered.base);
  if ('refused' in restored) return restored;
  const { configuration, reconfig } = config;
  // What the history tells of configurations has been seen; what of it is active only the files say.
  const told = [
    reconfig?.lastSeen ?? null,
    service.configurationOf(restored.state),
    ...recovered.log.map(configurationIn),
  ];
  const seen = told.filter((c) => c !== null);
  const ensemble = startEnsemble(configuration, reconfig !== undefined, seen);
  const limits = { keep: config.commitLogCount, maxCounter: maxCounter };
  const begun = restart(config.self, ensemble, limits, recovered);
  const d = draft(
    {
      config,
      election: initialElection(config.self, ensemble.deciding),
      replication: begun.state,
      service: restored.state,
      leading: null,
      syncs: noSyncs,
      timing: timing.startTiming(clock.nowMs),
      serving: false,
      locals: null,
      sinceSnapshot: recovered.log.length,
    },
    clock,
  );
  showConfiguration(d);
  for (const effect of begun.effects) performReplication(d, effect);
  return finished(d);
};

/** Events of one turn, in order. Total; the old state is not to be used any more (its tree may share the new one's). */
export const serverStep = (state: ServerState, events: readonly ServerEvent[], clock: Clock): ServerStep => {
  const d = draft(state, clock);
  for (const event of events) dispatch(d, event);
  return finished(d);
};

const draft = (s: ServerState, clock: Clock): Draft => ({
  config: s.config,
  election: s.election,
  replication: s.replication,
  service: s.service,
  leading: s.leading,
  syncs: s.syncs,
  timing: s.timing,
  serving: s.serving,
  locals: s.locals,
  sinceSnapshot: s.sinceSnapshot,
  clock,
  effects: [],
  owner: newOwner(),
});

const finished = (d: Draft): ServerStep => ({
  state: {
    config: d.config,
    election: d.election,
    replication: d.replication,
    service: d.service,
    leading: d.leading,
    syncs: d.syncs,
    timing: d.timing,
    serving: d.serving,
    locals: d.locals,
    sinceSnapshot: d.sinceSnapshot,
  },
  effects: d.effects,
});

const dispatch = (d: Draft, event: ServerEvent): void => {
  switch (event.type) {
    case 'Tick':
      return tick(d);
    case 'NotificationReceived':
      learnConfig(d, event.config ?? null);
      return elect(d, { type: 'HandleNotification', from: event.from, notification: event.notification });
    case 'PacketReceived':
      return receive(d, event.from, event.packet);
    case 'PeerClosed':
      return replicate(d, { type: 'NoticeClose', peer: event.peer });
    case 'LogSynced':
    case 'EpochSaved':
    case 'SnapshotSaved':
      return replicate(d, event);
    case 'ClientConnected':
    case 'ConnectReceived':
    case 'RequestReceived':
    case 'ClientClosed':
      return serve(d, event);
    default:
      return absurd(event);
  }
};

/** Election: a decision is taken once a quorum has agreed and nothing was heard for a while. */
const elect = (d: Draft, event: ElectionEvent): void => {
  const step = electionStep(d.election, event);
  // One that looks already may have its quorum at once, in a configuration that it has just learned.
  if ('refused' in step) return event.type === 'StartElection' ? awaitSilence(d) : undefined;
  if (isOtherRound(step.state, d.election)) d.timing = timing.roundBegun(d.timing, d.clock.nowMs);
  d.election = step.state;
  // Who has no vote may go on asking: that is no reason to wait for more votes.
  const isVoice = event.type !== 'HandleNotification' || d.election.voters.includes(event.from);
  if (event.type !== 'ResendNotifications' && isVoice) awaitSilence(d);
  for (const effect of step.effects) {
    if (effect.type === 'Notify') d.effects.push(effect);
    else replicate(d, { type: 'Elected', leader: effect.leader });
  }
};

/** What a quorum agrees on is decided once nothing was heard for a while; by a server alone at once. */
const awaitSilence = (d: Draft): void => {
  const waitMs = isOnlyVoter(d.election) ? 0 : timing.finalizeWaitMs;
  d.timing = timing.notificationHeard(d.timing, canDecide(d.election), waitMs, d.clock.nowMs);
};

/** Replication: what it refuses of a peer ends the connection with that peer. */
const replicate = (d: Draft, event: ReplicationEvent): void => {
  const step = replicationStep(d.replication, event);
  if ('refused' in step) return refuse(d, event, step.refused);
  const before = d.replication.ensemble;
  d.replication = step.state;
  if (before.deciding !== step.state.ensemble.deciding) configure(d, step.state.ensemble);
  for (const effect of step.effects) performReplication(d, effect);
  if (d.syncs.length > 0) answerSyncs(d);
  if (step.state.ensemble.retired) replicate(d, { type: 'StepDown' });
};

/** Other configurations are active, or seen, from here on: the election and the shell go by them. */
const configure = (d: Draft, { active, lastSeen, deciding }: Ensemble): void => {
  d.election = withDeciding(d.election, deciding);
  d.effects.push({ type: 'Configure', active, lastSeen });
};

/** In /zookeeper/config stands what this server goes by, also where no transaction has written it. */
const showConfiguration = (d: Draft): void => {
  const { members, text } = d.replication.ensemble.active;
  if (members.length > 0) d.service = service.showConfiguration(d.service, text);
};

/** A server that looks hears of another's active configuration. */
const learnConfig = (d: Draft, text: string | null): void => {
  const { ensemble, role } = d.replication;
  if (text === null || !ensemble.dynamic || role.leader !== null || text === ensemble.active.text) return;
  const config = readConfiguration(text);
  if (config !== null) replicate(d, { type: 'LearnConfig', config });
};

const refuse = (d: Draft, event: ReplicationEvent, guard: string): void => {
  switch (event.type) {
    case 'Packet':
      d.effects.push({ type: 'Refused', what: event.packet.type, guard, peer: event.from });
      if (guard === 'KeepsBase') d.replication = askForSnapshot(d.replication);
      return dropPeer(d, event.from);
    // A connection that this end has given up, a quorum that is there, an answer to what was cut or left meanwhile.
    case 'NoticeClose':
    case 'LeaderTimeout':
    case 'LogSynced':
      return;
    default:
      d.effects.push({ type: 'Refused', what: event.type, guard, peer: null });
  }
};

/** Closes the connection with a peer from this end: for replication it has ended. */
const dropPeer = (d: Draft, peer: ServerId): void => {
  d.effects.push({ type: 'Disconnect', peer });
  replicate(d, { type: 'NoticeClose', peer });
};

const performReplication = (d: Draft, effect: ReplicationEffect): void => {
  switch (effect.type) {
    case 'LookForLeader':
      d.timing = timing.roleChanged(d.timing, d.clock.nowMs);
      if (effect.designated === null)
        return elect(d, { type: 'StartElection', epoch: effect.epoch, zxid: effect.zxid });
      d.election = follows(d.election, effect.designated, effect.zxid);
      return replicate(d, { type: 'Elected', leader: effect.designated });
    case 'SendSnapshot':
      d.effects.push({
        type: 'Send',
        to: effect.to,
        packet: { type: 'SNAP', zxid: effect.zxid, snapshot: snapshotNow(d) },
      });
      return;
    case 'Restore': {
      const restored = service.restore(effect.snapshot, effect.zxid);
      if ('refused' in restored) d.effects.push({ type: 'Refused', what: 'SNAP', guard: restored.refused, peer: null });
      else d.service = restored.state;
      return showConfiguration(d);
    }
    case 'Deliver':
      for (const txn of effect.txns) {
        serve(d, { type: 'Applied', txn });
        if (d.leading !== null) d.leading = leader.settle(d.leading, txn);
        passSyncs(d, d.config.self, txn.zxid);
      }
      return countForSnapshot(d, effect.txns.length);
    case 'Serve':
      return startServing(d, effect.epoch);
    case 'Leave':
      d.serving = false;
      d.leading = null;
      d.syncs = noSyncs;
      d.timing = timing.roleChanged(d.timing, d.clock.nowMs);
      return serve(d, { type: 'StopServing' });
    case 'Listen':
    case 'Connect':
      d.timing = timing.roleChanged(d.timing, d.clock.nowMs);
      d.effects.push(effect);
      return;
    case 'Send':
      d.effects.push(effect);
      if (effect.packet.type === 'COMMIT' || effect.packet.type === 'COMMITANDACTIVATE')
        passSyncs(d, effect.to, effect.packet.zxid);
      else if (effect.packet.type === 'INFORM' || effect.packet.type === 'INFORMANDACTIVATE')
        passSyncs(d, effect.to, effect.packet.txn.zxid);
      return;
    case 'Disconnect':
    case 'DisconnectAll':
    case 'SaveEpoch':
    case 'SaveSnapshot':
    case 'Append':
    case 'Truncate':
      d.effects.push(effect);
      return;
    default:
      return absurd(effect);
  }
};

/** The tree as it is now. It must not change under the snapshot: the batch goes on with a new owner. */
const snapshotNow = (d: Draft): ReturnType<typeof service.snapshotOf> => {
  const snapshot = service.snapshotOf(d.service);
  d.owner = newOwner();
  return snapshot;
};

const countForSnapshot = (d: Draft, applied: number): void => {
  d.sinceSnapshot += applied;
  if (d.sinceSnapshot < d.config.snapCount || !d.serving) return;
  d.sinceSnapshot = 0;
  d.effects.push({ type: 'TakeSnapshot', zxid: d.replication.delivered, snapshot: snapshotNow(d) });
};

const startServing = (d: Draft, epoch: number): void => {
  const { config, clock } = d;
  d.serving = true;
  elect(d, { type: 'UpdateVoteEpoch', epoch });
  showConfiguration(d);
  if (leads(d.replication)) d.leading = leader.lead(d.service.database, config.tickTimeMs, clock.nowMs, config.rules);
  // It leads, and takes no clients (leaderServes=no).
  if (d.leading !== null && config.leaderServes === false) return;
  serve(d, serviceFor(d, { epoch, counter: 0 }, false));
};

const serviceFor = ({ config, clock }: Draft, zxid: Zxid, readOnly: boolean): ServiceEvent => ({
  type: 'StartServing',
  firstSession: firstSessionId(config.self, clock.wallMs),
  tickTimeMs: config.tickTimeMs,
  minSessionTimeoutMs: config.minSessionTimeoutMs,
  maxSessionTimeoutMs: config.maxSessionTimeoutMs,
  zxid,
  rules: config.rules ?? defaultRules,
  readOnly,
});

const serve = (d: Draft, event: ServiceEvent): void => {
  const step = service.serviceStep(d.service, event, d.owner);
  d.service = step.state;
  for (const effect of step.effects) performService(d, effect);
};

const performService = (d: Draft, effect: ServiceEffect): void => {
  switch (effect.type) {
    case 'Forward':
      return forward(d, effect.request);
    case 'Revalidate':
      return revalidate(d, effect.session, effect.timeoutMs);
    case 'Respond':
    case 'Reply':
    case 'Event':
    case 'CloseClient':
    case 'Audit':
      d.effects.push(effect);
      return;
    default:
      return absurd(effect);
  }
};

/** A write or a sync of an own client goes to the leader. */
const forward = (d: Draft, request: ForwardedRequest): void => {
  if (d.leading !== null) return lead(d, request, d.config.self);
  const to = d.replication.role.leader;
  if (to !== null) d.effects.push({ type: 'Send', to, packet: { type: 'REQUEST', request } });
};

/** The leader takes a request of a client of `origin`. */
const lead = (d: Draft, request: ForwardedRequest, origin: ServerId): void => {
  if (leader.isWrite(request)) return propose(d, request, origin);
  d.syncs = askSync(d.syncs, d.replication, origin);
  answerSyncs(d);
};

const propose = (d: Draft, write: WriteToPrepare, origin: ServerId): void => {
  if (d.leading === null) return;
  const zxid = nextZxid(d.replication);
  if (zxid === null) return replicate(d, { type: 'Resign' });
  const { nowMs, wallMs } = d.clock;
  const isReconfig = write.request.op === 'reconfig';
  const stamp = { origin, zxid, timeMs: wallMs, nowMs, ...(isReconfig ? { reconfig: reconfiguring(d) } : {}) };
  const prepared = leader.prepare(d.leading, d.service.database, write, stamp, d.config.rules);
  d.leading = prepared.leader;
  replicate(d, { type: 'Propose', txn: prepared.txn });
};

/** What a reconfig is checked against. Observers get no proposals, so they do not count as synchronised. */
const reconfiguring = ({ config, replication }: Draft): Reconfiguring => {
  if (config.reconfig === undefined) return 'disabled';
  const { active, lastSeen } = replication.ensemble;
  if (active.members.length === 0) return 'standalone';
  const synced = replication.role.learners.flatMap((l) => (l.stage === 'synced' && !l.observer ? [l.sid] : []));
  return { active, lastSeen, synced: [config.self, ...synced], minVoters: config.reconfig.minVoters };
};

const answerSyncs = (d: Draft): void => {
  const { waiting, released } = releaseSyncs(heldSyncs(d.syncs, d.replication), d.replication);
  d.syncs = waiting;
  for (const to of released) answerSync(d, to);
};

/** Between two transactions of one turn: what a server is told stands in the order in which it was asked. */
const passSyncs = (d: Draft, to: ServerId, zxid: Zxid): void => {
  const { waiting, count } = releaseBehind(d.syncs, to, zxid);
  d.syncs = waiting;
  for (let i = 0; i < count; i++) answerSync(d, to);
};

const answerSync = (d: Draft, to: ServerId): void => {
  if (d.config.self === to) serve(d, { type: 'Synced' });
  else d.effects.push({ type: 'Send', to, packet: { type: 'SYNC' } });
};

const revalidate = (d: Draft, session: string, timeoutMs: number): void => {
  if (d.leading !== null)
    return serve(d, { type: 'Revalidated', session, valid: judge(d, session, timeoutMs, d.config.self) });
  const to = d.replication.role.leader;
  if (to !== null) d.effects.push({ type: 'Send', to, packet: { type: 'REVALIDATE', session, timeoutMs } });
};

const judge = (d: Draft, session: string, timeoutMs: number, origin: ServerId): boolean => {
  if (d.leading === null) return false;
  const judged = leader.revalidate(d.leading, session, timeoutMs, origin, d.clock.nowMs);
  d.leading = judged.leader;
  return judged.valid;
};

/** A packet of the quorum port: replication's, or one between the services of two servers. */
const receive = (d: Draft, from: ServerId, packet: Packet): void => {
  d.timing = timing.peerHeard(d.timing, from, d.clock.nowMs);
  switch (packet.type) {
    case 'PING':
      return ping(d, from, packet);
    case 'REQUEST':
      return d.leading === null ? undefined : lead(d, packet.request, from);
    case 'REVALIDATE': {
      const valid = judge(d, packet.session, packet.timeoutMs, from);
      d.effects.push({ type: 'Send', to: from, packet: { type: 'REVALIDATED', session: packet.session, valid } });
      return;
    }
    case 'REVALIDATED':
      return serve(d, { type: 'Revalidated', session: packet.session, valid: packet.valid });
    case 'SYNC':
      return serve(d, { type: 'Synced' });
    case 'FOLLOWERINFO':
      replicate(d, { type: 'Packet', from, packet });
      return isOutpromised(d.replication) ? replicate(d, { type: 'Resign' }) : undefined;
    default:
      return replicate(d, { type: 'Packet', from, packet });
  }
};

/** A learner answers with the sessions it has heard of; before it serves it does not answer (quorum-port rule). */
const ping = (d: Draft, from: ServerId, packet: Extract<Packet, { type: 'PING' }>): void => {
  if (d.leading !== null) {
    d.leading = leader.touchSessions(d.leading, packet.touched ?? [], d.clock.nowMs);
  } else if (d.serving) {
    d.effects.push({ type: 'Send', to: from, packet: { type: 'PING', zxid: packet.zxid, touched: takeTouched(d) } });
  }
};

/** Sessions heard of; those that only this server knows are timed here. */
const takeTouched = (d: Draft): readonly service.Touched[] => {
  const { state, touched } = service.takeTouched(d.service);
  d.service = state;
  const { locals, expired } = ageLocals(d.locals, state, touched, d.clock.nowMs);
  d.locals = locals;
  for (const session of expired) serve(d, { type: 'LocalExpired', session });
  return touched;
};

/** What is due. */
const tick = (d: Draft): void => {
  const { nowMs } = d.clock;
  if (d.timing.decideAtMs !== null && nowMs >= d.timing.decideAtMs) elect(d, { type: 'Decide' });
  if (d.election.role === 'LOOKING' && nowMs >= d.timing.resendAtMs) {
    d.timing = timing.resent(d.timing, nowMs);
    elect(d, { type: 'ResendNotifications' });
  }
  if (nowMs < d.timing.halfTickAtMs) return;
  d.timing = timing.halfTicked(d.timing, d.config.tickTimeMs, nowMs);
  dropSilent(d);
  if (isReadOnlyDue(d, nowMs)) serve(d, serviceFor(d, zeroZxid, true));
  if (d.service.serving?.readOnly === true) takeTouched(d);
  if (d.leading === null) return;
  for (const to of forwardingTo(d.replication))
    d.effects.push({ type: 'Send', to, packet: { type: 'PING', zxid: d.replication.delivered, touched: null } });
  const expired = leader.expireSessions(leader.touchSessions(d.leading, takeTouched(d), nowMs), nowMs);
  d.leading = expired.leader;
  for (const request of expired.requests) propose(d, request, d.config.self);
  reap(d);
};

/** Containers and TTL nodes whose time has come. */
const reap = (d: Draft): void => {
  if (d.leading === null) return;
  const reaped = leader.reapNodes(d.leading, d.service.database, d.clock, d.config.rules);
  d.leading = reaped.leader;
  for (const request of reaped.requests) propose(d, request, d.config.self);
};

/** Peers that were not heard of in time are dropped; a leader without a quorum resigns. */
const dropSilent = (d: Draft): void => {
  const { config, replication, clock } = d;
  const { role } = replication;
  if (role.leader === null) return;
  const initMs = config.initLimitTicks * config.tickTimeMs;
  const syncMs = config.syncLimitTicks * config.tickTimeMs;
  if (!leads(replication)) {
    if (timing.isSilent(d.timing, role.leader, d.serving ? syncMs : initMs, clock.nowMs)) dropPeer(d, role.leader);
    return;
  }
  for (const { sid, stage } of role.learners)
    if (timing.isSilent(d.timing, sid, stage === 'synced' && d.serving ? syncMs : initMs, clock.nowMs))
      dropPeer(d, sid);
  const late = clock.nowMs - d.timing.roleSinceMs > initMs;
  if (!d.serving && late) return giveUp(d);
  if (d.serving && d.timing.halfTicks % 2 === 0) replicate(d, { type: 'LeaderTimeout' });
};

/** A leader that is not established in time drops all learners, and then has no quorum. */
const giveUp = (d: Draft): void => {
  for (const { sid } of d.replication.role.learners) dropPeer(d, sid);
  replicate(d, { type: 'LeaderTimeout' });
};
