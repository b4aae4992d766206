/**
 * The election port: one connection a pair of servers, opened by the larger id, over which notifications pass. Which
 * vote is better is the core's business; here is only who connects, who keeps, and what is sent again.
 * @see QuorumCnxManager in ZooKeeper
 */
import type { Socket } from 'node:net';
import * as E from 'fp-ts/lib/Either.js';
import type { ServerId } from '../../core/data/quorum.js';
import {
  decodeInitialMessage,
  decodeNotification,
  encodeInitialMessage,
  encodeNotification,
} from '../../wire/election.js';
import type { ElectionAddress, InitialMessage, WireNotification } from '../../wire/election.js';
import { explain } from '../../wire/error.js';
import { maxElectionFrameBytes } from '../../wire/frame.js';
import { createInbox, takeFrame } from './inbox.js';
import type { Inbox } from './inbox.js';
import { plainLinks } from './linkSecurity.js';
import type { LinkSecurity } from './linkSecurity.js';
import { listen } from './listen.js';
import type { Bind } from './listen.js';
import { formatAddress, guessProtocol, limitedLog, plainAddress } from './log.js';
import type { Log } from './log.js';
import { askProof, giveProof } from './saslQuorum.js';
import { isServerId } from './serverId.js';
import { dial, openDoor } from './tls.js';

export type ElectionPeer = { readonly sid: ServerId; readonly host: string; readonly electionPort: number };

export type ElectionOptions = {
  readonly self: ServerId;
  /** Every server of the configuration; an entry of our own id is the address that others are told. */
  readonly peers: readonly ElectionPeer[];
  readonly bind: Bind;
  /** One notification of another server, in the order of its connection. */
  readonly onNotification: (from: ServerId, notification: WireNotification) => void;
  readonly onListening?: (port: number) => void;
  /** The port could not be had: such a server can take part in nothing. */
  readonly onFailed?: (error: Error) => void;
  readonly log: Log;
  readonly security?: LinkSecurity;
  /** Time for a connection to open, milliseconds (`zookeeper.cnxTimeout`). */
  readonly connectTimeoutMs?: number;
  /** Time for a new connection to say who it is, milliseconds: tickTime * syncLimit. */
  readonly handshakeTimeoutMs?: number;
  /** A notification that waits for a connection asks for one again after this many milliseconds. */
  readonly retryMs?: number;
};

export type ElectionPort = {
  /** Sends to another server; replaces a notification that still waits for it. Never to ourselves. */
  readonly notify: (to: ServerId, notification: WireNotification) => void;
  /** Takes a new list of servers; connections to servers that left it are closed. */
  readonly setPeers: (peers: readonly ElectionPeer[]) => void;
  readonly connected: () => readonly ServerId[];
  readonly port: () => number;
  readonly close: () => void;
};

/** Version, id, length and at most 2048 bytes of addresses. */
const maxInitialBytes = 20 + 2048;
/** Connections that have not said who they are, and servers outside the configuration: both bounded, both cheap. */
const maxUnnamed = 256;
const maxStrangers = 64;
const keepAliveMs = 60_000;

type Peer = {
  readonly sid: ServerId;
  host: string;
  port: number;
  /** Of the configuration; a stranger is forgotten with its connection. */
  member: boolean;
  socket: Socket | null;
  /** A connection of ours that is not open yet, or that only asks to be called back. */
  attempt: Socket | null;
  /** The newest frame that no socket took yet, and the last one that some socket took. */
  waiting: Buffer | null;
  last: Buffer | null;
  retry: NodeJS.Timeout | null;
};

export const startElection = (options: ElectionOptions): ElectionPort => {
  const { self, onNotification, connectTimeoutMs = 5000, handshakeTimeoutMs = 10_000, retryMs = 1000 } = options;
  const { security = plainLinks } = options;
  const { callTls, quorumSasl } = security;
  const log = limitedLog(options.log, 20, () => performance.now());
  const peers = new Map<ServerId, Peer>();
  const unnamed = new Set<Socket>();
  let own: { readonly host: string; readonly port: number } | null = null;
  let closed = false;

  const notify = (to: ServerId, notification: WireNotification): void => {
    const peer = peers.get(to);
    if (closed || peer === undefined || to === self) return;
    peer.waiting = encodeNotification(notification);
    if (peer.socket === null) open(peer);
    else drain(peer);
  };

  /** A socket that still holds bytes takes none: what waits can then be replaced by something newer. */
  const drain = (peer: Peer): void => {
    if (peer.socket === null || peer.waiting === null || peer.socket.writableLength > 0) return;
    peer.last = peer.waiting;
    peer.waiting = null;
    peer.socket.write(peer.last);
  };

  const open = (peer: Peer, { host, port }: ElectionAddress = peer): void => {
    if (closed || peer.attempt !== null || peer.socket !== null) return;
    const { socket, opened } = dial(host, port, callTls);
    const patience = setTimeout(
      () => socket.destroy(new Error(`no answer in ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    peer.attempt = socket;
    socket.on('error', (error) => {
      log('info', `election: server ${peer.sid} at ${formatAddress(host, port)}: ${error.message}`);
    });
    const proved = (rest: Buffer): void => {
      if (self > peer.sid) {
        clearTimeout(patience);
        peer.attempt = null;
        const inbox = createInbox();
        inbox.add(rest);
        keep(peer, socket, inbox);
      } else {
        // It only serves to make the larger one call back; what the larger one says here, nobody hears.
        socket.resume();
        socket.end();
      }
    };
    socket.once(opened, () => {
      socket.write(encodeInitialMessage(initialMessage()));
      const login = quorumSasl?.login ?? null;
      if (login === null) return proved(Buffer.alloc(0));
      const { first, proof } = giveProof(login);
      socket.write(first);
      const read = (chunk: Buffer): void => {
        const step = proof(chunk);
        if (step.say !== null) socket.write(step.say);
        if (step.state === 'failed') return void socket.destroy(new Error(step.reason));
        if (step.state === 'more') return;
        socket.off('data', read);
        proved(step.rest);
      };
      socket.on('data', read);
    });
    socket.once('close', () => {
      clearTimeout(patience);
      if (peer.attempt === socket) peer.attempt = null;
      if (peer.member || peer.socket !== null) retryLater(peer);
      else peers.delete(peer.sid);
    });
  };

  const retryLater = (peer: Peer): void => {
    if (closed || peer.retry !== null || peer.socket !== null || peer.waiting === null) return;
    peer.retry = setTimeout(() => {
      peer.retry = null;
      if (peer.waiting !== null) open(peer);
    }, retryMs);
  };

  /** From here on this is the connection of the pair; an older one is closed first. */
  const keep = (peer: Peer, socket: Socket, inbox: Inbox): void => {
    letGo(peer);
    peer.socket = socket;
    socket.setKeepAlive(true, keepAliveMs);
    socket.on('data', (chunk) => {
      if (peer.socket !== socket) return;
      inbox.add(chunk);
      readFrames(peer, socket, inbox);
    });
    socket.on('drain', () => drain(peer));
    socket.once('close', () => {
      if (peer.socket !== socket) return;
      peer.socket = null;
      if (peer.member) retryLater(peer);
      else peers.delete(peer.sid);
    });
    // What was sent last may have been lost with the old connection, or with the other server's old process.
    peer.waiting ??= peer.last;
    drain(peer);
    readFrames(peer, socket, inbox);
  };

  const letGo = (peer: Peer): void => {
    const { socket, attempt, retry } = peer;
    peer.socket = peer.attempt = peer.retry = null;
    if (retry !== null) clearTimeout(retry);
    socket?.destroy();
    attempt?.destroy();
  };

  const readFrames = (peer: Peer, socket: Socket, inbox: Inbox): void => {
    while (peer.socket === socket) {
      const payload = takeFrame(inbox, 1, maxElectionFrameBytes);
      if (payload.type === 'more') return;
      if (payload.type === 'bad') {
        log('warn', `election: server ${peer.sid}: closed: ${explain(payload.error)}`);
        socket.destroy();
        return;
      }
      const decoded = decodeNotification(payload.bytes);
      // As in ZooKeeper the connection outlives what it cannot read: other versions may say more than we know.
      if (E.isLeft(decoded))
        log('warn', `election: server ${peer.sid}: dropped a notification: ${explain(decoded.left)}`);
      else onNotification(peer.sid, decoded.right);
    }
  };

  const accept = (socket: Socket): void => {
    const remote = formatAddress(plainAddress(socket.remoteAddress), socket.remotePort ?? 0);
    // The oldest goes: a server says who it is at once, and must get in while others hold silent connections.
    const [oldest] = unnamed;
    if (oldest !== undefined && unnamed.size >= maxUnnamed) {
      const from = formatAddress(plainAddress(oldest.remoteAddress), oldest.remotePort ?? 0);
      log('warn', `election: ${from} closed: it is the oldest of ${maxUnnamed} that have not said yet who they are`);
      unnamed.delete(oldest);
      oldest.destroy();
    }
    const inbox = createInbox();
    const refuse = (reason: string): void => {
      log('warn', `election: ${remote} closed: ${reason}`);
      socket.destroy();
    };
    const patience = setTimeout(() => refuse(`no initial message in ${handshakeTimeoutMs} ms`), handshakeTimeoutMs);
    const forget = (): void => {
      clearTimeout(patience);
      unnamed.delete(socket);
    };
    unnamed.add(socket);
    socket.on('error', (error) => log('info', `election: ${remote}: ${error.message}`));
    socket.once('close', forget);
    const read = (chunk: Buffer): void => {
      inbox.add(chunk);
      const bytes = inbox.peek(Math.min(inbox.length(), maxInitialBytes)) ?? Buffer.alloc(0);
      const initial = decodeInitialMessage(bytes);
      if (initial.type === 'more') return;
      if (initial.type === 'bad') return refuse(explain(initial.error) + guessProtocol(bytes));
      socket.off('data', read);
      inbox.skip(initial.end);
      const known = (): void => {
        forget();
        named(socket, inbox, initial.message, bytes, refuse);
      };
      if (quorumSasl === null) return known();
      const proof = askProof(quorumSasl);
      const prove = (more: Buffer): void => {
        const step = proof(more);
        if (step.say !== null) socket.write(step.say);
        if (step.state === 'failed') return refuse(step.reason);
        if (step.state === 'more') return;
        socket.off('data', prove);
        inbox.add(step.rest);
        known();
      };
      socket.on('data', prove);
      const early = inbox.take(inbox.length()) ?? Buffer.alloc(0);
      if (early.length > 0) prove(Buffer.from(early));
    };
    socket.on('data', read);
  };

  /** The rule of the pair: a smaller id is called back, a larger one is kept. */
  const named = (
    socket: Socket,
    inbox: Inbox,
    initial: InitialMessage,
    first: Buffer,
    refuse: (reason: string) => void,
  ): void => {
    const { sid } = initial;
    if (sid === self) return refuse(`it says that it is server ${sid}, as we are`);
    if (!isServerId(sid)) return refuse(`${sid} is no server id${guessProtocol(first)}`);
    const peer = peers.get(sid) ?? stranger(initial);
    if (peer === null) return refuse(`server ${sid} is not in the configuration and cannot be called back`);
    if (sid > self) return keep(peer, socket, inbox);
    socket.destroy();
    if (peer.attempt !== null) return;
    letGo(peer);
    const [address] = initial.addresses.filter((a) => a.host !== '0.0.0.0' && a.host !== '::');
    // For this once: what anybody may send must not replace what is configured.
    open(peer, address);
  };

  /** A server that the configuration does not know (an observer, say, or one that is to join) is heard all the same. */
  const stranger = ({ sid, addresses }: InitialMessage): Peer | null => {
    const [address] = addresses;
    const strangers = [...peers.values()].filter((p) => !p.member).length;
    if (strangers >= maxStrangers || (address === undefined && sid < self)) return null;
    const peer = newPeer(sid, address?.host ?? '', address?.port ?? 0, false);
    peers.set(sid, peer);
    return peer;
  };

  const setPeers = (next: readonly ElectionPeer[]): void => {
    const mine = next.find((p) => p.sid === self);
    if (mine !== undefined) own = { host: mine.host, port: mine.electionPort };
    for (const peer of [...peers.values()]) {
      if (!peer.member || next.some((p) => p.sid === peer.sid)) continue;
      peers.delete(peer.sid);
      peer.waiting = null;
      letGo(peer);
    }
    for (const { sid, host, electionPort } of next) {
      if (sid === self) continue;
      const peer = peers.get(sid);
      if (peer === undefined) peers.set(sid, newPeer(sid, host, electionPort, true));
      else {
        peer.host = host;
        peer.port = electionPort;
        peer.member = true;
      }
    }
  };

  const initialMessage = (): InitialMessage => ({
    form: 'single',
    sid: self,
    addresses: [own ?? { host: options.bind.host ?? '0.0.0.0', port: listener.port() }],
  });

  setPeers(options.peers);
  const door = openDoor({
    name: 'election',
    tls: security.acceptTls,
    plainToo: security.plainServers,
    onSocket: accept,
    log,
  });
  const listener = listen({
    name: 'election',
    bind: options.bind,
    onSocket: door.admit,
    onListening: options.onListening,
    onFailed: (error) => {
      log('error', `election port: ${error.message}`);
      options.onFailed?.(error);
    },
    log,
  });

  return {
    notify,
    setPeers,
    connected: () => [...peers.values()].filter((p) => p.socket !== null).map((p) => p.sid),
    port: listener.port,
    close: () => {
      closed = true;
      listener.close();
      door.close();
      for (const socket of unnamed) socket.destroy();
      for (const peer of peers.values()) letGo(peer);
    },
  };
};

const newPeer = (sid: ServerId, host: string, port: number, member: boolean): Peer => ({
  sid,
  host,
  port,
  member,
  socket: null,
  attempt: null,
  waiting: null,
  last: null,
  retry: null,
});
