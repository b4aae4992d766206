/**
 * The mirror of spec/MCService.tla: servers that run core/service, one of them with the leader's part, and the clients
 * around them. What a server's effects lead to is what core/server.ts makes of them.
 */
import type { ServerId } from '../../core/data/quorum.js';
import { windowOf } from '../../core/data/window.js';
import type { ReplicationState } from '../../core/replication/state.js';
import { askSync, noSyncs, releaseSyncs } from '../../core/replication/clientSync.js';
import * as leader from '../../core/service/leader.js';
import type { WriteToPrepare } from '../../core/service/leader.js';
import { freshService, serviceStep, takeTouched } from '../../core/service/service.js';
import type { ServiceEffect, ServiceEvent, ServiceState } from '../../core/service/service.js';
import type { ForwardedRequest } from '../../core/service/request.js';
import type { SessionId, Txn } from '../../core/service/txn.js';
import type { MakeMirror, Mirror } from '../mirror.js';
import { mirrorMaker } from '../mirror.js';
import type { World } from '../world/clients.js';
import * as world from '../world/clients.js';
import { hidden, keyOf, shown } from './serviceKey.js';
import { serviceInvariants } from './serviceInvariants.js';
import type { Setting } from './serviceSetting.js';
import { readSetting, sessionId, tickMs, zxidOf } from './serviceSetting.js';
import { viewOf } from './serviceView.js';
import type { ServiceWorld } from './serviceWorld.js';

export const serviceMirror: MakeMirror = mirrorMaker(
  readSetting,
  (setting, init) => initOf(setting, init),
  (setting, init) => mirrorOf(setting, init),
);

export const mirrorOf = (setting: Setting, init: ServiceWorld): Mirror<ServiceWorld> => ({
  init: [init],
  step: (w, action, args) => attempt(setting, w, action, args),
  view: viewOf(setting),
  key: keyOf(setting),
  shown,
  hidden,
  invariants: serviceInvariants,
});

/** A state in the making: lives within one step. */
type Draft = { -readonly [F in keyof ServiceWorld]: ServiceWorld[F] } & { readonly setting: Setting };

/** Null where the world does not offer the event: servers refuse none. */
const attempt = (setting: Setting, w: ServiceWorld, action: string, args: readonly number[]): ServiceWorld | null => {
  const around = aroundClients(setting, w, action, args);
  if (around !== undefined) return around;
  const d: Draft = { ...w, setting };
  const [i = setting.leader, k = 0] = args;
  if (!serverStep(d, action, i, k - 1)) return null;
  const { servers, leading, waiting, log, world } = d;
  return { servers, leading, waiting, log, world };
};

/** What clients and the network do; undefined: another action. */
const aroundClients = (
  setting: Setting,
  w: ServiceWorld,
  action: string,
  args: readonly number[],
): ServiceWorld | null | undefined => {
  const [a = 0, b = 0] = args;
  const moved = (next: World | null): ServiceWorld | null => next && { ...w, world: next };
  switch (action) {
    case 'Connect': {
      if (setting.allowed[a - 1]?.includes(b) !== true) return null;
      const next = world.connect(w.world, setting.owners, a - 1, b, setting.timeout * tickMs);
      if (next === null) return null;
      const d: Draft = { ...w, world: next, setting };
      serve(d, b, { type: 'ClientConnected', conn: a, address: '127.0.0.1' });
      return { ...w, servers: d.servers, world: d.world };
    }
    case 'Send':
      return moved(world.send(w.world, a - 1, setting.program[a - 1] ?? [], setting.limits));
    case 'Receive':
      return moved(world.receive(w.world, a - 1));
    case 'Cut':
      return moved(world.cut(w.world, setting.owners, a - 1, b));
    default:
      return undefined;
  }
};

/** One step of server i (and connection k, an index); false where there is none. */
const serverStep = (d: Draft, action: string, i: ServerId, k: number): boolean => {
  const { setting } = d;
  const at = setting.servers.indexOf(i);
  switch (action) {
    case 'ConnectReceived':
    case 'RequestReceived':
    case 'ClientClosed':
      return readClient(d, action, i, k);
    case 'Applied':
      if (i === setting.leader) return commit(d);
      return fromLeader(d, at, 'commit') !== null && apply(d, i);
    case 'Synced':
      if (fromLeader(d, at, 'sync') === null) return false;
      serve(d, i, { type: 'Synced' });
      return true;
    case 'Revalidated': {
      const said = fromLeader(d, at, 'revalidated');
      if (said?.type !== 'revalidated') return false;
      serve(d, i, { type: 'Revalidated', session: said.session, valid: said.valid });
      return true;
    }
    case 'TakeTouched': {
      const { state, touched } = takeTouched(d.servers[at] as ServiceState);
      if (i === setting.leader || touched.length === 0) return false;
      d.servers = d.servers.with(at, state);
      toLeader(d, at, { type: 'touched', touched });
      return true;
    }
    case 'ExpireSessions':
      return i === setting.leader && expireSessions(d);
    default:
      return leaderReads(d, action, at);
  }
};

const readClient = (d: Draft, action: string, i: ServerId, k: number): boolean => {
  const [message, ...rest] = d.world.up[k] ?? [];
  if (message === undefined || d.world.at[k] !== i) return false;
  const conn = k + 1;
  const took = { ...d.world, up: d.world.up.with(k, rest) };
  if (action === 'ConnectReceived' && message.type === 'connect') {
    d.world = took;
    serve(d, i, { type: 'ConnectReceived', conn, request: message.request });
    return true;
  }
  if (action === 'RequestReceived' && message.type === 'request') {
    d.world = took;
    serve(d, i, { type: 'RequestReceived', conn, xid: message.xid, request: message.request });
    return true;
  }
  if (action !== 'ClientClosed' || message.type !== 'end') return false;
  d.world = world.hangUp(took, k);
  serve(d, i, { type: 'ClientClosed', conn });
  return true;
};

/** The packet that server `at` reads from the leader, if it is of this type. */
const fromLeader = (d: Draft, at: number, type: world.ToServer['type']): world.ToServer | null => {
  const [packet, ...rest] = d.world.toServer[at] ?? [];
  if (packet?.type !== type) return null;
  d.world = { ...d.world, toServer: d.world.toServer.with(at, rest) };
  return packet;
};

const toLeader = (d: Draft, at: number, packet: world.ToLeader): void => {
  const queue = d.world.toLeader[at] ?? [];
  d.world = { ...d.world, toLeader: d.world.toLeader.with(at, [...queue, packet]) };
};

const toServer = (d: Draft, id: ServerId, packet: world.ToServer): void => {
  const at = d.setting.servers.indexOf(id);
  const queue = d.world.toServer[at] ?? [];
  d.world = { ...d.world, toServer: d.world.toServer.with(at, [...queue, packet]) };
};

/** One event at server i, and what its effects lead to. */
const serve = (d: Draft, i: ServerId, event: ServiceEvent): void => {
  const at = d.setting.servers.indexOf(i);
  const step = serviceStep(d.servers[at] as ServiceState, event);
  d.servers = d.servers.with(at, step.state);
  for (const effect of step.effects) perform(d, i, at, effect);
};

const perform = (d: Draft, i: ServerId, at: number, effect: ServiceEffect): void => {
  const { owners } = d.setting;
  switch (effect.type) {
    case 'Respond':
      d.world = world.tell(d.world, owners, effect.conn - 1, { type: 'respond', response: effect.response });
      return;
    case 'Reply':
      d.world = world.tell(d.world, owners, effect.conn - 1, { type: 'reply', reply: effect.reply });
      return;
    case 'Event':
      d.world = world.tell(d.world, owners, effect.conn - 1, { type: 'event', event: effect.event });
      return;
    case 'CloseClient':
      d.world = world.hangUp(world.tell(d.world, owners, effect.conn - 1, { type: 'end' }), effect.conn - 1);
      return;
    case 'Audit': // no rules of a model ask for it
      return;
    case 'Forward':
      if (i === d.setting.leader) return lead(d, effect.request, i);
      return toLeader(d, at, { type: 'request', request: effect.request });
    case 'Revalidate': {
      const { session, timeoutMs } = effect;
      if (i === d.setting.leader) return revalidate(d, session, timeoutMs, i);
      return toLeader(d, at, { type: 'revalidate', session, timeoutMs });
    }
    case 'Audit':
      return;
  }
};

// The leader's part.

const leaderAt = (d: Draft): number => d.setting.servers.indexOf(d.setting.leader);

const applied = (d: Draft): ServiceState['database'] => (d.servers[leaderAt(d)] as ServiceState).database;

const nowMs = ({ setting, world: { budget } }: Draft): number => (setting.ticks - budget.ticks) * tickMs;

const leaderReads = (d: Draft, action: string, at: number): boolean => {
  const [packet, ...rest] = d.world.toLeader[at] ?? [];
  if (packet === undefined) return false;
  const origin = d.setting.servers[at] as ServerId;
  const took = { ...d.world, toLeader: d.world.toLeader.with(at, rest) };
  if (packet.type === 'request') {
    if ((action === 'Prepare') !== leader.isWrite(packet.request)) return false;
    if (action !== 'Prepare' && action !== 'AskSync') return false;
    d.world = took;
    lead(d, packet.request, origin);
    return true;
  }
  if (action === 'Revalidate' && packet.type === 'revalidate') {
    d.world = took;
    revalidate(d, packet.session, packet.timeoutMs, origin);
    return true;
  }
  if (action !== 'TouchSessions' || packet.type !== 'touched') return false;
  d.world = took;
  d.leading = leader.touchSessions(d.leading, packet.touched, nowMs(d));
  return true;
};

const lead = (d: Draft, request: ForwardedRequest, origin: ServerId): void => {
  if (leader.isWrite(request)) return propose(d, request, origin);
  d.waiting = askSync(d.waiting, replicationOf(d), origin);
  answerSyncs(d);
};

/** Of Replication syncs ask only up to where the log goes and what is delivered; the rest is whatever it may be. */
const replicationOf = (d: Draft): ReplicationState => {
  const base = zxidOf(d.log.length);
  const disk = { acceptedEpoch: 1, currentEpoch: 1, saving: 'none', base, log: windowOf<Txn>([]), synced: base };
  return { disk, delivered: applied(d).zxid } as unknown as ReplicationState;
};

const answerSyncs = (d: Draft): void => {
  const { waiting, released } = releaseSyncs(d.waiting, replicationOf(d));
  d.waiting = waiting;
  for (const to of released)
    if (to === d.setting.leader) serve(d, to, { type: 'Synced' });
    else toServer(d, to, { type: 'sync' });
};

const propose = (d: Draft, write: WriteToPrepare, origin: ServerId): void => {
  const stamp = { origin, zxid: zxidOf(d.log.length + 1), timeMs: 0, nowMs: nowMs(d) };
  const prepared = leader.prepare(d.leading, applied(d), write, stamp);
  d.leading = prepared.leader;
  d.log = [...d.log, prepared.txn];
};

const revalidate = (d: Draft, session: SessionId, timeoutMs: number, origin: ServerId): void => {
  const judged = leader.revalidate(d.leading, session, timeoutMs, origin, nowMs(d));
  d.leading = judged.leader;
  const { valid } = judged;
  if (origin === d.setting.leader) serve(d, origin, { type: 'Revalidated', session, valid });
  else toServer(d, origin, { type: 'revalidated', session, valid });
};

const apply = (d: Draft, i: ServerId): boolean => {
  const { zxid } = (d.servers[d.setting.servers.indexOf(i)] as ServiceState).database;
  const txn = d.log[zxid.epoch === 0 ? 0 : zxid.counter];
  if (txn === undefined) return false;
  serve(d, i, { type: 'Applied', txn });
  return true;
};

/** That the leader applies a transaction stands for its commit. */
const commit = (d: Draft): boolean => {
  const { zxid } = applied(d);
  const txn = d.log[zxid.epoch === 0 ? 0 : zxid.counter];
  if (txn === undefined) return false;
  for (const id of d.setting.servers) if (id !== d.setting.leader) toServer(d, id, { type: 'commit' });
  apply(d, d.setting.leader);
  d.leading = leader.settle(d.leading, txn);
  answerSyncs(d);
  return true;
};

const expireSessions = (d: Draft): boolean => {
  const { budget } = d.world;
  if (budget.ticks === 0) return false;
  d.world = { ...d.world, budget: { ...budget, ticks: budget.ticks - 1 } };
  const at = leaderAt(d);
  const { state, touched } = takeTouched(d.servers[at] as ServiceState);
  d.servers = d.servers.with(at, state);
  const expired = leader.expireSessions(leader.touchSessions(d.leading, touched, nowMs(d)), nowMs(d));
  d.leading = expired.leader;
  for (const request of expired.requests) propose(d, request, d.setting.leader);
  return true;
};

// Where models begin: reached by steps of the core.

const initOf = (setting: Setting, name: string): ServiceWorld | null => {
  const fresh = freshWorld(setting);
  if (name === 'MCInit') return fresh;
  return name === 'Attached' ? attachAll(setting, fresh) : null;
};

const freshWorld = (setting: Setting): ServiceWorld => {
  const timeoutMs = setting.timeout * tickMs;
  const events = (i: ServerId): readonly ServiceEvent[] => [
    ...setting.history.map((txn): ServiceEvent => ({ type: 'Applied', txn: timed(txn, timeoutMs) })),
    {
      type: 'StartServing',
      firstSession: sessionId(10 * i + 1),
      tickTimeMs: tickMs,
      minSessionTimeoutMs: timeoutMs,
      maxSessionTimeoutMs: timeoutMs,
      zxid: zxidOf(0),
    },
  ];
  const servers = setting.servers.map((i) =>
    events(i).reduce((s, event) => serviceStep(s, event).state, freshService()),
  );
  const { database } = servers[setting.servers.indexOf(setting.leader)] as ServiceState;
  const conns = setting.owners;
  return {
    servers,
    leading: leader.lead(database, tickMs, 0),
    waiting: noSyncs,
    log: setting.history.map((txn) => timed(txn, timeoutMs)),
    world: {
      budget: { cuts: setting.cuts, ticks: setting.ticks, sent: setting.program.map(() => 0) },
      clients: setting.known.map((session) => world.stranger(session)),
      at: conns.map(() => 0),
      up: conns.map(() => []),
      down: conns.map(() => []),
      toLeader: servers.map(() => []),
      toServer: servers.map(() => []),
    },
  };
};

const timed = (txn: Txn, timeoutMs: number): Txn =>
  txn.record.type === 'createSession' ? { ...txn, record: { type: 'createSession', timeoutMs } } : txn;

/** Each client connects, over the connection of its number, to its home. */
const attachAll = (setting: Setting, from: ServiceWorld): ServiceWorld | null => {
  const open = { ...setting, allowed: setting.owners.map(() => setting.servers) };
  let w: ServiceWorld | null = from;
  for (const [c, home] of setting.home.entries()) {
    const script: readonly (readonly [string, ...number[]])[] = [
      ['Connect', c + 1, home],
      ['ConnectReceived', home, c + 1],
      ...(home === setting.leader
        ? []
        : ([
            ['Revalidate', home],
            ['Revalidated', home],
          ] as const)),
      ['Receive', c + 1],
    ];
    for (const [action, ...args] of script) w = w && attempt(open, w, action, args);
  }
  return w;
};
