/**
 * Whole servers (core/server.ts) on one timeline: events wait in an inbox, a turn hands the core a batch of them and does
 * what it asks, as shell/server.ts does. A server may stop at any point of that, and starts again from its files.
 */
import type { ServerId } from '../../core/data/quorum.js';
import { plainConfiguration } from '../../core/configuration.js';
import { formatZxid, sameZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import { explainRefusal, recover } from '../../core/recovery.js';
import { firstSnapshot, serverStep, startServer } from '../../core/server.js';
import type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState } from '../../core/server.js';
import type { Notification } from '../../core/vote.js';
import * as notifications from '../world/notifications.js';
import type { Chance, Timeline } from './chance.js';
import { diskOf, snapshotText, wholeSnapshot } from './disk.js';
import type { Disk, Honesty } from './disk.js';
import { networkOf } from './network.js';
import type { Network } from './network.js';
import type { Twin } from './twin.js';
import { startTwin } from './twin.js';

export type ClusterOptions = {
  readonly servers: number;
  readonly honesty: Honesty;
  readonly snapCount: number;
  readonly commitLogCount: number;
  /** Every server has a twin that is told the same events one by one: it must do the same. */
  readonly twins: boolean;
};

export type ClusterPorts = {
  readonly time: Timeline;
  readonly chance: Chance;
  /** An effect for the client port. */
  readonly toClients: (from: ServerId, effect: ServerEffect) => void;
  readonly onGone: (sid: ServerId) => void;
  readonly onTurn: (sid: ServerId) => void;
  readonly onStart: (sid: ServerId) => void;
  /** A server has taken a snapshot of its tree, to keep it or to send it. */
  readonly onSnapshot: (sid: ServerId, zxid: Zxid, text: string) => void;
  readonly onFault: (name: string, detail: string) => void;
  readonly onRefused: (what: string, guard: string, sid: ServerId, peer: ServerId | null) => void;
};

export type Server = {
  readonly sid: ServerId;
  readonly disk: Disk;
  state: ServerState | null;
};

/** What a server is asking of its disk when it stops: anything, to save currentEpoch, or to replace or cut its log. */
export type Doom = 'any' | 'epoch' | 'history';

export type Cluster = {
  readonly servers: readonly Server[];
  readonly network: Network;
  readonly tell: (sid: ServerId, event: ServerEvent) => void;
  readonly crash: (sid: ServerId) => void;
  /** The server stops in its next turn that asks its disk for such a thing, somewhere between two effects. */
  readonly crashInTurn: (sid: ServerId, doom: Doom) => void;
  readonly restart: (sid: ServerId) => void;
  /** No turn of the server for so long: its clock has gone on when it wakes. */
  readonly pause: (sid: ServerId, ms: number) => void;
  /** Writes of the server's disk take that much longer, in milliseconds. */
  readonly slowDisk: (sid: ServerId, ms: number) => void;
  /** Their notifications in flight are lost; each sends its last one again. */
  readonly severElection: (a: ServerId, b: ServerId) => void;
  readonly heal: () => void;
  readonly turns: () => number;
  /** How often each effect was carried out, packets by their own names. */
  readonly done: () => Readonly<Record<string, number>>;
};

export const tickTimeMs = 100;

type Node = Server & {
  readonly config: ServerConfig;
  /** The server's own idea of the time. */
  readonly skewMs: number;
  inbox: ServerEvent[];
  awake: boolean;
  pausedUntil: number;
  diskMs: number;
  doomed: Doom | null;
  life: number;
  twin: Twin | null;
};

/** Mostly a millisecond or two, sometimes long enough to overtake whatever else goes on. */
export const latencyMs = (chance: Chance): number =>
  chance.percent(85) ? 1 + chance.below(4) : chance.percent(80) ? chance.below(40) : chance.below(300);

const unbounded: notifications.Budget = { starts: 0, resends: 0, updates: 0, breaks: 0, crashes: 0 };
const limits = { maxWire: Infinity, maxFlight: Infinity, reconnects: true };

export const clusterOf = (options: ClusterOptions, ports: ClusterPorts): Cluster => {
  const { time, chance } = ports;
  const ids = Array.from({ length: options.servers }, (_, i) => i + 1);
  let election = notifications.emptyWorld<Notification>(ids.length, limits, unbounded);
  let turns = 0;
  const done: Record<string, number> = {};

  const nodeOf = (sid: ServerId): Node => nodes[sid - 1] as Node;
  const isUp = (sid: ServerId): boolean => nodeOf(sid).state !== null;

  const nodes: readonly Node[] = ids.map((sid): Node => {
    const tellLater = (event: ServerEvent): void => tell(sid, event);
    const disk = diskOf({
      time,
      chance,
      honesty: options.honesty,
      delayMs: () => 1 + chance.below(6) + chance.below(1 + nodeOf(sid).diskMs),
      onLogSynced: (zxid) => tellLater({ type: 'LogSynced', zxid }),
      onEpochSaved: () => tellLater({ type: 'EpochSaved' }),
      onSnapshotSaved: () => tellLater({ type: 'SnapshotSaved' }),
      onFault: ports.onFault,
    });
    const config = {
      self: sid,
      configuration: plainConfiguration(ids),
      tickTimeMs,
      initLimitTicks: 10,
      syncLimitTicks: 5,
      minSessionTimeoutMs: 2 * tickTimeMs,
      maxSessionTimeoutMs: 20 * tickTimeMs,
      commitLogCount: options.commitLogCount,
      snapCount: options.snapCount,
    };
    const skewMs = chance.below(100_000);
    const state = null;
    return {
      sid,
      disk,
      config,
      skewMs,
      state,
      inbox: [],
      awake: false,
      pausedUntil: 0,
      diskMs: 0,
      doomed: null,
      life: 0,
      twin: null,
    };
  });

  const tell = (sid: ServerId, event: ServerEvent): void => {
    const node = nodeOf(sid);
    if (node.state === null) return;
    node.inbox.push(event);
    wake(node);
  };

  const wake = (node: Node): void => {
    if (node.awake) return;
    node.awake = true;
    const { life } = node;
    time.after(Math.max(node.pausedUntil - time.now(), chance.below(3)), () => {
      if (node.life !== life) return;
      node.awake = false;
      if (node.pausedUntil > time.now()) return wake(node);
      turn(node);
    });
  };

  const clock = (node: Node): Clock => ({
    nowMs: time.now() + node.skewMs,
    wallMs: 1_700_000_000_000 + time.now() + 2 * node.skewMs,
  });

  const turn = (node: Node): void => {
    if (node.state === null) return;
    turns++;
    const many = chance.percent(80) ? node.inbox.length : 1 + chance.below(node.inbox.length);
    const batch = node.inbox.splice(0, many);
    const now = clock(node);
    const step = serverStep(node.state, batch, now);
    node.state = step.state;
    const parted = node.twin?.follow(batch, now, step) ?? null;
    if (parted !== null) ports.onFault('FoldIsBatch', `server ${node.sid}: ${parted}`);
    if (performAll(node, step.effects)) {
      ports.onTurn(node.sid);
      for (const effect of step.effects) snapshotTaken(node.sid, effect);
    }
    if (node.inbox.length > 0) wake(node);
  };

  const snapshotTaken = (sid: ServerId, effect: ServerEffect): void => {
    const taken = effect.type === 'Send' ? effect.packet : effect;
    if (taken.type === 'SNAP' || taken.type === 'TakeSnapshot')
      ports.onSnapshot(sid, taken.zxid, snapshotText(taken.snapshot));
  };

  /** @returns whether the server lived through it */
  const performAll = (node: Node, effects: readonly ServerEffect[]): boolean => {
    const { doomed } = node;
    const dies = doomed !== null && effects.some(meets[doomed]);
    const many = dies ? chance.below(effects.length + 1) : effects.length;
    for (const effect of effects.slice(0, many)) perform(node, effect);
    if (dies) crash(node.sid);
    else node.disk.sync();
    return !dies;
  };

  const perform = ({ sid, disk }: Node, effect: ServerEffect): void => {
    const what = effect.type === 'Send' ? effect.packet.type : effect.type;
    done[what] = (done[what] ?? 0) + 1;
    switch (effect.type) {
      case 'Notify':
        election = notifications.send(election, sid - 1, effect.to - 1, effect.notification);
        return carry(sid, effect.to);
      case 'Listen':
        return network.listen(sid);
      case 'Connect':
        return network.connect(sid, effect.to);
      case 'Send':
        return network.send(sid, effect.to, checkedOnArrival(effect.packet));
      case 'Disconnect':
        return network.disconnect(sid, effect.peer);
      case 'DisconnectAll':
        return network.disconnectAll(sid);
      case 'SaveEpoch':
        return disk.saveEpoch(effect.file, effect.epoch);
      case 'SaveSnapshot':
        return disk.replaceBy(effect.zxid, effect.snapshot);
      case 'TakeSnapshot':
        return disk.snapshotBeside(effect.zxid, effect.snapshot);
      case 'Append':
        return disk.append(effect.txns);
      case 'Truncate':
        return disk.truncate(effect.zxid);
      case 'Respond':
      case 'Reply':
      case 'Event':
      case 'CloseClient':
        return ports.toClients(sid, effect);
      case 'Refused':
        return ports.onRefused(effect.what, effect.guard, sid, effect.peer);
      case 'Configure':
        return ports.onFault('StaticEnsemble', `server ${sid} goes by ${effect.active.text}`);
      case 'Audit':
        return;
    }
  };

  type Packet = Extract<ServerEffect, { readonly type: 'Send' }>['packet'];

  /** A snapshot is read when it arrives: by then its server has gone on, and it must not show. */
  const checkedOnArrival = (packet: Packet): Packet => {
    if (packet.type !== 'SNAP') return packet;
    sentSnapshots.set(packet, snapshotText(packet.snapshot));
    return packet;
  };
  const sentSnapshots = new WeakMap<Packet, string>();
  const arrived = (packet: Packet): Packet => {
    if (packet.type !== 'SNAP') return packet;
    if (snapshotText(packet.snapshot) !== sentSnapshots.get(packet))
      ports.onFault('SnapshotStands', 'a snapshot changed while it was on its way');
    return { type: 'SNAP', zxid: packet.zxid, snapshot: wholeSnapshot(packet.snapshot) };
  };

  const network = networkOf(time, chance, {
    isUp,
    onPacket: (to, from, packet) => tell(to, { type: 'PacketReceived', from, packet: arrived(packet) }),
    onClosed: (at, peer) => tell(at, { type: 'PeerClosed', peer }),
    latencyMs: () => latencyMs(chance),
  });

  /** Moves what waits between two election ports on: from the slot to the wire, from the wire to the reader. */
  const carry = (from: ServerId, to: ServerId): void =>
    time.after(latencyMs(chance), () => {
      if (network.isCut(from, to)) return;
      const sent = isUp(to) ? notifications.transmit(election, from - 1, to - 1) : null;
      if (sent !== null) {
        election = sent;
        return carry(from, to);
      }
      const read = notifications.receive(election, from - 1, to - 1);
      if (read === null) return;
      election = read.world;
      tell(to, { type: 'NotificationReceived', from, notification: read.message });
      carry(from, to);
    });
  const carryAll = (which: (from: ServerId, to: ServerId) => boolean): void => {
    for (const from of ids) for (const to of ids) if (from !== to && which(from, to)) carry(from, to);
  };

  const crash = (sid: ServerId): void => {
    const node = nodeOf(sid);
    if (node.state === null) return;
    Object.assign(node, { state: null, inbox: [], awake: false, doomed: null, twin: null, life: node.life + 1 });
    node.disk.crash();
    network.crash(sid);
    election = notifications.stop(election, sid - 1) ?? election;
    carryAll((from) => from === sid);
    ports.onGone(sid);
  };

  const restart = (sid: ServerId): void => {
    const node = nodeOf(sid);
    if (node.state !== null) return;
    const found = recover(node.disk.files());
    if ('refused' in found) return ports.onFault('Recovery', `server ${sid}: ${explainRefusal(found.refused)}`);
    const recovered = found.ok;
    const last = node.disk.entries().at(-1)?.zxid ?? node.disk.base();
    if (!sameZxid(recovered.lastZxid, last))
      ports.onFault('Recovery', `server ${sid} recovers ${formatZxid(recovered.lastZxid)} of ${formatZxid(last)}`);
    node.disk.prepare(recovered, firstSnapshot);
    const begun = startServer(node.config, recovered, clock(node));
    if ('refused' in begun) return ports.onFault('Recovery', `server ${sid}: ${begun.path} has no parent`);
    node.state = begun.state;
    if (options.twins) node.twin = startTwin(node.config, recovered, clock(node));
    performAll(node, begun.effects);
    carryAll((_from, to) => to === sid);
    ports.onStart(sid);
    tick(node, node.life);
  };

  const tick = (node: Node, life: number): void =>
    time.after(20 + chance.below(30), () => {
      if (node.life !== life) return;
      if (!node.inbox.some((e) => e.type === 'Tick')) tell(node.sid, { type: 'Tick' });
      tick(node, life);
    });

  return {
    servers: nodes,
    network,
    tell,
    crash,
    crashInTurn: (sid, doom) => {
      nodeOf(sid).doomed = doom;
    },
    restart,
    pause: (sid, ms) => {
      nodeOf(sid).pausedUntil = time.now() + ms;
    },
    slowDisk: (sid, ms) => {
      nodeOf(sid).diskMs = ms;
    },
    severElection: (a, b) => {
      election = notifications.breakConnection(election, Math.min(a, b) - 1, Math.max(a, b) - 1) ?? election;
      carryAll((from, to) => (from === a && to === b) || (from === b && to === a));
    },
    heal: () => {
      network.heal();
      carryAll(() => true);
      for (const node of nodes) Object.assign(node, { diskMs: 0, pausedUntil: 0, doomed: null });
    },
    turns: () => turns,
    done: () => done,
  };
};

const meets: Readonly<Record<Doom, (e: ServerEffect) => boolean>> = {
  any: ({ type }) =>
    ['SaveEpoch', 'SaveSnapshot', 'TakeSnapshot', 'Append', 'Truncate'].some((asked) => asked === type),
  epoch: (e) => e.type === 'SaveEpoch' && e.file === 'current',
  history: ({ type }) => type === 'SaveSnapshot' || type === 'Truncate',
};
