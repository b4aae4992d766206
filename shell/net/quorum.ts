/**
 * The quorum port: packets between a leader and its learners. A leader listens, a learner connects; either way a peer
 * has one link, packets leave and arrive in order, and what waits for a peer is bounded.
 * @see Leader, LearnerHandler and Learner in ZooKeeper
 */
import type { Socket } from 'node:net';
import type { ServerId } from '../../core/data/quorum.js';
import type { Packet } from '../../core/replication/packet.js';
import { explain } from '../../wire/error.js';
import type { WireError } from '../../wire/error.js';
import { encodePacket } from '../../wire/quorum.js';
import type { Limits } from '../../wire/quorum.js';
import { encodeSnapStream, feedPackets, openPackets } from '../../wire/quorumStream.js';
import type { PacketDecoder } from '../../wire/quorumStream.js';
import { plainLinks } from './linkSecurity.js';
import type { LinkSecurity } from './linkSecurity.js';
import { listen } from './listen.js';
import type { Bind, Listener } from './listen.js';
import { formatAddress, guessProtocol, limitedLog, plainAddress } from './log.js';
import type { Log } from './log.js';
import { createOutlets } from './outlet.js';
import type { Outlets } from './outlet.js';
import { attach, createLink, enqueue, isSending, queuedBytes } from './quorumLink.js';
import type { Link } from './quorumLink.js';
import { askProof, giveProof } from './saslQuorum.js';
import { isServerId } from './serverId.js';
import { dial, openDoor } from './tls.js';

export type QuorumPeer = { readonly sid: ServerId; readonly host: string; readonly quorumPort: number };

export type QuorumOptions = {
  readonly self: ServerId;
  readonly peers: readonly QuorumPeer[];
  readonly bind: Bind;
  /** A link gives its packets in order; the first of a learner is FOLLOWERINFO or OBSERVERINFO. */
  readonly onPacket: (from: ServerId, packet: Packet) => void;
  /**
   * The link to this peer ended or could not be had; nothing of it comes afterwards. Also called, first, when a newer
   * link of the same learner takes its place. Not called for what `disconnect`, `connect` and `close` end.
   */
  readonly onClosed: (peer: ServerId) => void;
  readonly onListening?: (port: number) => void;
  readonly onFailed?: (error: Error) => void;
  readonly log: Log;
  /** tickTime * initLimit, milliseconds: until a learner has said who it is, and for each link until told otherwise. */
  readonly initTimeoutMs: number;
  /** Budget of `connect` for all its tries, milliseconds; initTimeoutMs when not given. */
  readonly connectTimeoutMs?: number;
  /** Bytes that may wait for one peer; a peer that lets more pile up is disconnected. */
  readonly maxQueuedBytes?: number;
  /** What is accepted of a peer. */
  readonly limits?: Limits;
  readonly security?: LinkSecurity;
  readonly outlets?: Outlets;
};

export type LinkStatus = {
  readonly peer: ServerId;
  readonly address: string;
  readonly queuedBytes: number;
  readonly received: number;
  readonly sent: number;
};

export type QuorumPort = {
  /** Leader: accepts learners. */
  readonly listen: () => void;
  /** Accepts no more; learners that have a link keep it. */
  readonly stopListening: () => void;
  /** Learner: opens the link to the leader; what is sent meanwhile waits for it. */
  readonly connect: (to: ServerId) => void;
  /** Queues behind what was sent before, a snapshot in progress included. Without a link: dropped. */
  readonly send: (to: ServerId, packet: Packet) => void;
  /** Closes behind what the connection was given; what waits behind a snapshot or for the connection is dropped. */
  readonly disconnect: (peer: ServerId) => void;
  /** Milliseconds without a byte from this peer after which the link ends. */
  readonly setReadTimeout: (peer: ServerId, ms: number) => void;
  /** While paused nothing is read, and nobody's silence is held against him. */
  readonly pauseReads: (paused: boolean) => void;
  readonly setPeers: (peers: readonly QuorumPeer[]) => void;
  readonly links: () => readonly LinkStatus[];
  readonly port: () => number;
  readonly close: () => void;
};

/** As Learner.connectToLeader has them. */
const connectTries = 5;
const connectDelayMs = 100;
const maxUnnamed = 256;
/** A first packet has 45 bytes; whoever sends this much without one is no learner. */
const maxFirstBytes = 4096;
const closeGraceMs = 1000;
const defaultQueuedBytes = 128 * 1024 * 1024;

export const startQuorum = (options: QuorumOptions): QuorumPort => {
  const { self, initTimeoutMs, connectTimeoutMs = initTimeoutMs, maxQueuedBytes = defaultQueuedBytes } = options;
  const now = (): number => performance.now();
  const log = limitedLog(options.log, 20, now);
  const { outlets = createOutlets(), security = plainLinks } = options;
  const { callTls, quorumSasl } = security;
  const links = new Map<ServerId, Link>();
  const unnamed = new Set<Socket>();
  let peers = options.peers;
  let listener: Listener | null = null;
  let paused = false;

  const accept = (socket: Socket): void => {
    const remote = formatAddress(plainAddress(socket.remoteAddress), socket.remotePort ?? 0);
    const decoder = openPackets('fromLearner', options.limits);
    let bytes = 0;
    let link: Link | null = null;
    let proof = quorumSasl === null ? null : askProof(quorumSasl);
    const refuse = (reason: string): void => {
      log('warn', `quorum: ${remote} closed: ${reason}`);
      socket.destroy();
    };
    const patience = setTimeout(() => refuse(`no first packet in ${initTimeoutMs} ms`), initTimeoutMs);
    const forget = (): void => {
      clearTimeout(patience);
      unnamed.delete(socket);
    };
    // The oldest goes: a learner says who it is at once, and must get in while others hold silent connections.
    const [oldest] = unnamed;
    if (oldest !== undefined && unnamed.size >= maxUnnamed) {
      const from = formatAddress(plainAddress(oldest.remoteAddress), oldest.remotePort ?? 0);
      log('warn', `quorum: ${from} closed: it is the oldest of ${maxUnnamed} that have not said yet who they are`);
      unnamed.delete(oldest);
      oldest.destroy();
    }
    unnamed.add(socket);
    socket.on('error', (error) => log('info', `quorum: ${remote}: ${error.message}`));
    socket.once('close', () => (link === null ? forget() : end(link, 'it closed the connection')));
    socket.on('data', (chunk: Buffer) => {
      if (link !== null) return receive(link, chunk);
      if (proof !== null) {
        const step = proof(chunk);
        if (step.say !== null) socket.write(step.say);
        if (step.state === 'failed') return refuse(step.reason);
        if (step.state === 'more') return;
        proof = null;
        chunk = step.rest;
      }
      bytes += chunk.length;
      const { packets, error } = feedPackets(decoder, chunk);
      const [first] = packets;
      if (first === undefined) {
        if (error !== null) refuse(explain(error) + guessProtocol(chunk));
        else if (bytes > maxFirstBytes) refuse(`${bytes} bytes and no first packet`);
        return;
      }
      if (first.type !== 'FOLLOWERINFO' && first.type !== 'OBSERVERINFO') return refuse(`it began with ${first.type}`);
      if (!isServerId(first.sid)) return refuse(`${first.sid} is no server id`);
      if (first.sid === self) return refuse(`it says that it is server ${self}, as we are`);
      forget();
      link = newLink(first.sid, remote, decoder, initTimeoutMs);
      replace(link);
      attach(link, socket, outlets.open(socket));
      deliver(link, packets, error);
    });
  };

  const door = openDoor({
    name: 'quorum',
    tls: security.acceptTls,
    plainToo: security.plainServers,
    onSocket: accept,
    log,
  });

  const newLink = (sid: ServerId, address: string, decoder: PacketDecoder, timeoutMs: number): Link =>
    createLink(sid, address, decoder, timeoutMs, now());

  /** The link becomes the one of its peer; an older one ends first, so that nothing of it comes later. */
  const replace = (link: Link): void => {
    const older = links.get(link.sid);
    if (older !== undefined) end(older, `server ${link.sid} has a newer connection`);
    links.set(link.sid, link);
  };

  const receive = (link: Link, chunk: Buffer): void => {
    if (!link.open) return;
    link.heardAt = now();
    const { packets, error } = feedPackets(link.decoder, chunk);
    deliver(link, packets, error);
  };

  const deliver = (link: Link, packets: readonly Packet[], error: WireError | null): void => {
    for (const packet of packets) {
      if (!link.open) return;
      link.received += 1;
      options.onPacket(link.sid, packet);
    }
    if (error !== null && link.open) end(link, `what it sent cannot be read: ${explain(error)}`);
    else if (paused && link.open) link.socket?.pause();
  };

  /** The end that the core is told of. */
  const end = (link: Link, reason: string): void => {
    if (!link.open) return;
    log('info', `quorum: link to server ${link.sid} at ${link.address} ended: ${reason}`);
    forgetLink(link);
    link.socket?.destroy();
    options.onClosed(link.sid);
  };

  const forgetLink = (link: Link): void => {
    link.open = false;
    link.queue = [];
    link.head = 0;
    if (link.timer !== null) clearTimeout(link.timer);
    if (links.get(link.sid) === link) links.delete(link.sid);
  };

  /** The end that was asked for. */
  const letGo = (link: Link): void => {
    forgetLink(link);
    if (link.outlet === null) link.socket?.destroy();
    else {
      link.outlet.finish(closeGraceMs);
      link.socket?.resume();
    }
  };

  const connect = (to: ServerId): void => {
    const older = links.get(to);
    if (older !== undefined) letGo(older);
    const peer = peers.find((p) => p.sid === to);
    const address = peer === undefined ? '?' : formatAddress(peer.host, peer.quorumPort);
    const link = newLink(to, address, openPackets('fromLeader', options.limits), initTimeoutMs);
    links.set(to, link);
    if (peer !== undefined) attempt(link, peer, connectTries, now() + connectTimeoutMs);
    // Told in a turn of its own, as every other failure is.
    else link.timer = setTimeout(() => end(link, 'it is not in the configuration'), 0);
  };

  const attempt = (link: Link, peer: QuorumPeer, tries: number, deadline: number): void => {
    link.timer = null;
    const { socket, opened } = dial(peer.host, peer.quorumPort, callTls);
    if (options.bind.keepAlive === true) socket.setKeepAlive(true);
    const left = Math.max(1, deadline - now());
    const patience = setTimeout(() => socket.destroy(new Error(`no answer in ${connectTimeoutMs} ms`)), left);
    let failure = 'it closed the connection';
    link.socket = socket;
    socket.on('error', (error) => (failure = error.message));
    const attached = (): void => {
      clearTimeout(patience);
      link.heardAt = now();
      if (link.open) attach(link, socket, outlets.open(socket));
      if (paused) socket.pause();
    };
    const login = quorumSasl?.login ?? null;
    let proof = login === null ? null : giveProof(login);
    socket.on('data', (chunk) => {
      if (proof === null) return receive(link, chunk);
      const step = proof.proof(chunk);
      if (step.say !== null) socket.write(step.say);
      if (step.state === 'failed') return void socket.destroy(new Error(step.reason));
      if (step.state === 'more') return;
      proof = null;
      attached();
      if (step.rest.length > 0) receive(link, step.rest);
    });
    socket.once(opened, () => {
      if (proof === null) attached();
      else socket.write(proof.first);
    });
    socket.once('close', () => {
      clearTimeout(patience);
      if (!link.open) return;
      const again = link.outlet === null && tries > 1 && now() + connectDelayMs < deadline;
      if (!again) return end(link, failure);
      log('info', `quorum: server ${link.sid} at ${link.address}: ${failure}, trying again`);
      link.timer = setTimeout(() => attempt(link, peer, tries - 1, deadline), connectDelayMs);
    });
  };

  /** One packet goes to many learners; its bytes are made once. */
  let last: { readonly packet: Packet; readonly bytes: Buffer } | null = null;

  const send = (to: ServerId, packet: Packet): void => {
    const link = links.get(to);
    if (link === undefined) return;
    if (last === null || !saysTheSame(last.packet, packet)) last = { packet, bytes: encodePacket(packet) };
    link.sent += 1;
    enqueue(link, last.bytes);
    if (packet.type === 'SNAP') {
      last = null; // holds the whole tree
      enqueue(link, encodeSnapStream(packet.snapshot));
    }
    const queued = queuedBytes(link);
    if (queued > maxQueuedBytes) {
      end(link, `it does not read: ${queued} bytes wait for it, at most ${maxQueuedBytes} may`);
    }
  };

  /** Coarse, and fair: time in which this process itself stood still counts for nobody. */
  const checkMs = Math.max(10, Math.min(250, initTimeoutMs / 8));
  let checkedAt = now();
  const checkSilence = (): void => {
    const at = now();
    const stood = at - checkedAt - checkMs;
    checkedAt = at;
    for (const link of [...links.values()]) {
      if (stood > checkMs) link.heardAt += stood;
      if (link.outlet === null) continue;
      if (paused || isSending(link)) link.heardAt = Math.max(link.heardAt, paused ? at : link.progressAt);
      if (at - link.heardAt > link.timeoutMs) end(link, `no byte in ${link.timeoutMs} ms`);
    }
  };
  const clock = setInterval(checkSilence, checkMs);
  clock.unref();

  const stopListening = (): void => {
    listener?.close();
    listener = null;
    door.close();
    for (const socket of unnamed) socket.destroy();
  };

  return {
    listen: () => {
      listener ??= listen({
        name: 'quorum',
        bind: options.bind,
        onSocket: door.admit,
        onListening: options.onListening,
        onFailed: (error) => {
          options.log('error', `quorum port: ${error.message}`);
          options.onFailed?.(error);
        },
        log: options.log,
      });
    },
    stopListening,
    connect,
    send,
    disconnect: (peer) => {
      const link = links.get(peer);
      if (link === undefined) return;
      const silent = Math.round(now() - link.heardAt);
      log('info', `quorum: link to server ${peer} at ${link.address} is given up; its last word came ${silent} ms ago`);
      letGo(link);
    },
    setReadTimeout: (peer, ms) => {
      const link = links.get(peer);
      if (link !== undefined) link.timeoutMs = ms;
    },
    pauseReads: (pause) => {
      paused = pause;
      for (const link of links.values()) {
        if (link.outlet === null) continue;
        if (pause) link.socket?.pause();
        else {
          link.heardAt = now();
          link.socket?.resume();
        }
      }
    },
    setPeers: (next) => (peers = next),
    links: () =>
      [...links.values()].map((l) => ({
        peer: l.sid,
        address: l.address,
        queuedBytes: queuedBytes(l),
        received: l.received,
        sent: l.sent,
      })),
    port: () => listener?.port() ?? 0,
    close: () => {
      stopListening();
      clearInterval(clock);
      for (const link of [...links.values()]) letGo(link);
    },
  };
};

/** What a leader sends to all its learners is a packet each around one transaction. */
const saysTheSame = (a: Packet, b: Packet): boolean => {
  switch (a.type) {
    case 'PROPOSAL':
    case 'INFORM':
      return b.type === a.type && a.txn === b.txn;
    case 'COMMIT':
      return b.type === 'COMMIT' && a.zxid === b.zxid;
    default:
      return a === b;
  }
};
