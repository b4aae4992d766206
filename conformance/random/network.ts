/**
 * Quorum connections between simulated servers, as the quorum port has them (shell/net/quorum.ts): a learner connects,
 * each direction delivers in order, what was sent before an end still arrives. The world delays, breaks and cuts.
 */
import type { ServerId } from '../../core/data/quorum.js';
import type { Packet } from '../../core/replication/packet.js';
import type { Chance, Timeline } from './chance.js';

export type NetworkPorts = {
  readonly isUp: (sid: ServerId) => boolean;
  readonly onPacket: (to: ServerId, from: ServerId, packet: Packet) => void;
  readonly onClosed: (at: ServerId, peer: ServerId) => void;
  readonly latencyMs: () => number;
};

export type Network = {
  readonly listen: (sid: ServerId) => void;
  readonly connect: (learner: ServerId, leader: ServerId) => void;
  readonly send: (from: ServerId, to: ServerId, packet: Packet) => void;
  /** Closes behind what was sent; nothing is told of it at this end. */
  readonly disconnect: (at: ServerId, peer: ServerId) => void;
  readonly disconnectAll: (at: ServerId) => void;
  /** The server is gone; some of what it sent may be too. */
  readonly crash: (sid: ServerId) => void;
  /** Connections between two servers end; the first few packets of each direction still arrive. */
  readonly sever: (a: ServerId, b: ServerId) => void;
  /** Nothing arrives from `from` at `to` until `heal`. */
  readonly cut: (from: ServerId, to: ServerId) => void;
  readonly heal: () => void;
  readonly isCut: (from: ServerId, to: ServerId) => boolean;
};

type Item = { readonly packet: Packet | 'EOF'; dueMs: number };

/** One direction of a connection. */
type Line = { readonly from: ServerId; readonly to: ServerId; queue: Item[]; ended: boolean };

type Connection = {
  readonly learner: ServerId;
  readonly leader: ServerId;
  /** Whether each end is open; the leader's from when the connection is established. */
  readonly open: Set<ServerId>;
  established: boolean;
  /** The leader has read who it is. */
  named: boolean;
  readonly pending: Packet[];
  readonly up: Line;
  readonly down: Line;
};

const connectTries = 5;
const connectDelayMs = 100;

export const networkOf = (time: Timeline, chance: Chance, ports: NetworkPorts): Network => {
  let connections: Connection[] = [];
  const listening = new Set<ServerId>();
  const cuts = new Set<string>();
  const isCut = (from: ServerId, to: ServerId): boolean => cuts.has(`${from}>${to}`);

  const linkOf = (at: ServerId, peer: ServerId): Connection | undefined =>
    connections.find(
      (c) =>
        c.open.has(at) &&
        ((c.learner === at && c.leader === peer) || (c.leader === at && c.learner === peer && c.named)),
    );
  const outOf = (c: Connection, at: ServerId): Line => (c.learner === at ? c.up : c.down);

  const put = (c: Connection, line: Line, packet: Packet | 'EOF'): void => {
    if (line.ended) return;
    line.ended = packet === 'EOF';
    const last = line.queue.at(-1)?.dueMs ?? 0;
    const dueMs = Math.max(last, time.now() + ports.latencyMs());
    line.queue.push({ packet, dueMs });
    time.after(dueMs - time.now(), () => arrive(c, line));
  };

  const arrive = (c: Connection, line: Line): void => {
    for (let head = line.queue[0]; head !== undefined && head.dueMs <= time.now(); head = line.queue[0]) {
      if (isCut(line.from, line.to)) return;
      line.queue.shift();
      if (!c.open.has(line.to)) continue;
      if (head.packet === 'EOF') end(c, line.to);
      else take(c, line, head.packet);
    }
  };

  const take = (c: Connection, { from, to }: Line, packet: Packet): void => {
    if (to === c.leader && !c.named) {
      const older = linkOf(to, from);
      if (older !== undefined) end(older, to);
      c.named = true;
    }
    ports.onPacket(to, from, packet);
  };

  /** The end at `at` closes for a reason from outside: the server is told. */
  const end = (c: Connection, at: ServerId): void => {
    const told = at === c.learner || c.named;
    close(c, at);
    if (told) ports.onClosed(at, at === c.learner ? c.leader : c.learner);
  };

  const close = (c: Connection, at: ServerId): void => {
    if (!c.open.delete(at)) return;
    if (c.established) put(c, outOf(c, at), 'EOF');
    if (c.open.size === 0) connections = connections.filter((other) => other !== c);
  };

  const attempt = (c: Connection, tries: number): void =>
    time.after(ports.latencyMs(), () => {
      const { learner, leader } = c;
      if (!c.open.has(learner)) return;
      const heard = !isCut(learner, leader) && !isCut(leader, learner);
      if (ports.isUp(leader) && listening.has(leader) && heard) {
        c.established = true;
        c.open.add(leader);
        for (const packet of c.pending) put(c, c.up, packet);
      } else if (tries > 1) time.after(connectDelayMs, () => attempt(c, tries - 1));
      else end(c, learner);
    });

  /** Of what is on its way some is lost, and the end comes behind the rest. */
  const lose = (c: Connection, line: Line): void => {
    const kept = chance.below(line.queue.length + 1);
    if (kept < line.queue.length) {
      line.queue = line.queue.slice(0, kept);
      line.ended = false;
    }
    put(c, line, 'EOF');
  };

  const disconnectAll = (at: ServerId): void => {
    listening.delete(at);
    for (const c of [...connections]) close(c, at);
  };

  return {
    listen: (sid) => void listening.add(sid),
    connect: (learner, leader) => {
      const older = linkOf(learner, leader);
      if (older !== undefined) close(older, learner);
      const line = (from: ServerId, to: ServerId): Line => ({ from, to, queue: [], ended: false });
      const c: Connection = {
        learner,
        leader,
        open: new Set([learner]),
        established: false,
        named: false,
        pending: [],
        up: line(learner, leader),
        down: line(leader, learner),
      };
      connections.push(c);
      attempt(c, connectTries);
    },
    send: (from, to, packet) => {
      const c = linkOf(from, to);
      if (c === undefined) return;
      if (c.established) put(c, outOf(c, from), packet);
      else c.pending.push(packet);
    },
    disconnect: (at, peer) => {
      const c = linkOf(at, peer);
      if (c !== undefined) close(c, at);
    },
    disconnectAll,
    crash: (sid) => {
      for (const c of connections) if (c.established && c.open.has(sid)) lose(c, outOf(c, sid));
      disconnectAll(sid);
    },
    sever: (a, b) => {
      for (const c of connections) {
        if (!c.established || ![c.learner, c.leader].every((sid) => sid === a || sid === b)) continue;
        lose(c, c.up);
        lose(c, c.down);
      }
    },
    cut: (from, to) => void cuts.add(`${from}>${to}`),
    heal: () => {
      cuts.clear();
      for (const c of connections)
        for (const line of [c.up, c.down]) if (line.queue.length > 0) time.after(1, () => arrive(c, line));
    },
    isCut,
  };
};
