/**
 * Simulated clients. Each keeps a session over whatever servers it finds, writes, reads and watches, and holds what it is
 * told against what a client may rely on; what was acknowledged it remembers to the end of the run.
 */
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid, formatZxid, zeroZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { ServerEffect, ServerEvent } from '../../core/server.js';
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest, Reply, WatchEvent } from '../../core/service/request.js';
import { noSession } from '../../core/service/txn.js';
import type { SessionId } from '../../core/service/txn.js';
import type { Chance, Timeline } from './chance.js';

export type ClientPorts = {
  readonly time: Timeline;
  readonly chance: Chance;
  readonly servers: readonly ServerId[];
  readonly isUp: (sid: ServerId) => boolean;
  readonly tell: (sid: ServerId, event: ServerEvent) => void;
  readonly latencyMs: () => number;
  readonly onFault: (name: string, detail: string) => void;
  /** A client has waited in vain and leaves. */
  readonly onSilence: (detail: string) => void;
};

/** A write whose answer said that it is done. */
export type Acknowledged = { readonly session: SessionId; readonly cxid: number; readonly path: string | null };

export type Clients = {
  /** What a server asks of its client port. */
  readonly perform: (from: ServerId, effect: ServerEffect) => void;
  /** The server is gone, and with it its connections. */
  readonly serverGone: (sid: ServerId) => void;
  /** Client `n` leaves its server without a word. */
  readonly dropConnection: (n: number) => void;
  /** From now on each client writes once more and then only waits. */
  readonly finish: () => void;
  /** Since `finish` every client has had a write acknowledged, and nothing is outstanding. */
  readonly isDone: () => boolean;
  readonly acknowledged: () => readonly Acknowledged[];
  readonly count: () => { readonly replies: number; readonly events: number; readonly sessions: number };
};

type Pending = { readonly xid: number; readonly request: ClientRequest };

type Client = {
  readonly n: number;
  conn: number | null;
  server: ServerId;
  phase: 'away' | 'connecting' | 'attached';
  session: SessionId;
  password: Uint8Array;
  xid: number;
  pending: Pending[];
  /** The highest zxid of an answer. */
  seen: Zxid;
  heardAt: number;
  /** Paths with a watch of this connection that has not fired. */
  readonly watched: { readonly data: Set<string>; readonly child: Set<string> };
  /** In the last phase: not asked yet, asked, acknowledged. */
  last: 'open' | 'asked' | 'done';
};

const anyone = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const timeoutMs = 1500;
const mostPending = 4;
const paths = ['/a', '/b', '/a/x', '/a/y', '/b/x'];
const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

export const clientsOf = (ports: ClientPorts, many: number): Clients => {
  const { time, chance, onFault } = ports;
  const acknowledged: Acknowledged[] = [];
  const count = { replies: 0, events: 0, sessions: 0 };
  let connections = 0;
  let finishing = false;
  /** When the last message of each connection and direction arrives: messages keep their order. */
  const due = new Map<string, number>();

  const inOrder = (line: string, run: () => void): void => {
    const at = Math.max(due.get(line) ?? 0, time.now() + ports.latencyMs());
    due.set(line, at);
    time.after(at - time.now(), run);
  };

  const clients = Array.from({ length: many }, (_, n): Client => ({
    n,
    conn: null,
    server: 0,
    phase: 'away',
    session: noSession,
    password: new Uint8Array(16),
    xid: 0,
    pending: [],
    seen: zeroZxid,
    heardAt: 0,
    watched: { data: new Set(), child: new Set() },
    last: 'open',
  }));

  const connect = (c: Client): void => {
    const server = chance.pick(ports.servers);
    if (!ports.isUp(server)) return;
    const conn = ++connections;
    Object.assign(c, { conn, server, phase: 'connecting', pending: [], heardAt: time.now() });
    c.watched.data.clear();
    c.watched.child.clear();
    const request = {
      protocolVersion: 0,
      lastZxidSeen: c.seen,
      timeoutMs,
      session: c.session,
      password: c.password,
      readOnly: false,
    };
    send(c, { type: 'ClientConnected', conn, address: '::1' });
    send(c, { type: 'ConnectReceived', conn, request });
  };

  const send = ({ conn, server }: Client, event: ServerEvent): void =>
    inOrder(`${conn}>`, () => {
      if (ports.isUp(server)) ports.tell(server, event);
    });

  const leave = (c: Client): void => {
    if (c.conn !== null) send(c, { type: 'ClientClosed', conn: c.conn });
    lose(c);
  };

  /** What was not answered may have happened or not. */
  const lose = (c: Client): void => {
    c.conn = null;
    c.phase = 'away';
    c.pending = [];
    if (c.last === 'asked') c.last = 'open';
  };

  const ask = (c: Client, request: ClientRequest): void => {
    if (c.conn === null) return;
    const xid = request.op === 'ping' ? -2 : ++c.xid;
    c.pending.push({ xid, request });
    send(c, { type: 'RequestReceived', conn: c.conn, xid, request });
  };

  const ownPath = (c: Client): string => `/w-${c.n}-${c.session}-${c.xid + 1}`;

  const something = (c: Client): ClientRequest => {
    const path = chance.pick(paths);
    const data = bytes(`${c.n}-${c.xid}`);
    const create = (flags: number, at = path): ClientRequest => ({ op: 'create', path: at, data, acl: anyone, flags });
    switch (chance.below(16)) {
      case 0:
      case 1:
      case 2:
        return create(0, ownPath(c));
      case 3:
        return create(1);
      case 4:
        return create(2);
      case 5:
        return { op: 'delete', path, version: -1 };
      case 6:
      case 7:
        return { op: 'setData', path, data, version: -1 };
      case 8:
      case 9:
        return { op: 'getData', path, watch: true };
      case 10:
        return { op: 'getChildren', path, watch: true };
      case 11:
        return { op: 'sync', path: '/' };
      case 12:
        return chance.percent(20) ? { op: 'closeSession' } : { op: 'exists', path, watch: true };
      case 13: {
        const first = { op: 'create' as const, path: '/b/z', data, acl: anyone, flags: 2 };
        return { op: 'multi', parts: [first, { op: 'setData', path, data, version: -1 }] };
      }
      default:
        return create(0);
    }
  };

  /** What a client does of its own accord, every few milliseconds. */
  const turn = (c: Client): void => {
    time.after(2 + chance.below(25), () => turn(c));
    if (c.phase === 'away') return chance.percent(30) ? connect(c) : undefined;
    if (time.now() - c.heardAt > timeoutMs) {
      ports.onSilence(`client ${c.n} waits for ${c.pending.map((p) => p.request.op).join(', ')} of server ${c.server}`);
      return leave(c);
    }
    if (c.phase !== 'attached' || c.pending.some((p) => p.request.op === 'closeSession')) return;
    if (finishing && c.last === 'open' && c.pending.length === 0) {
      c.last = 'asked';
      ask(c, { op: 'create', path: ownPath(c), data: null, acl: anyone, flags: 0 });
    } else if (finishing || c.pending.length >= mostPending || chance.percent(15)) {
      if (c.pending.length === 0) ask(c, { op: 'ping' });
    } else ask(c, something(c));
  };
  for (const c of clients) turn(c);

  const find = (conn: number): Client | undefined => clients.find((c) => c.conn === conn);

  const responded = (c: Client, session: SessionId, password: Uint8Array): void => {
    c.heardAt = time.now();
    if (session === noSession) {
      // Expired: the next one is a new one.
      c.session = noSession;
      return;
    }
    if (c.session !== noSession && c.session !== session) onFault('SessionKept', `client ${c.n} got another session`);
    if (c.session === noSession) count.sessions++;
    c.session = session;
    c.password = password;
    c.phase = 'attached';
  };

  const replied = (c: Client, reply: Reply): void => {
    count.replies++;
    c.heardAt = time.now();
    const asked = c.pending.shift();
    if (asked === undefined || asked.xid !== reply.xid)
      return onFault(
        'RepliesInOrder',
        `client ${c.n} waits for ${asked?.xid ?? 'nothing'} and is answered ${reply.xid}`,
      );
    if (reply.zxid !== null) seen(c, reply.zxid);
    const { request } = asked;
    arm(c, request, reply.err);
    if (reply.err !== 0) return;
    const path =
      request.op === 'create' && request.flags === 0 && request.path?.startsWith('/w-') ? request.path : null;
    if (isWrite(request)) acknowledged.push({ session: c.session, cxid: asked.xid, path });
    if (path !== null && c.last === 'asked') c.last = 'done';
    if (request.op === 'closeSession') c.session = noSession;
  };

  /** What a client has seen never goes back, whichever server it is at. */
  const seen = (c: Client, zxid: Zxid): void => {
    if (compareZxid(zxid, c.seen) < 0)
      onFault('SeenNeverGoesBack', `client ${c.n} is told ${formatZxid(zxid)} after ${formatZxid(c.seen)}`);
    c.seen = zxid;
  };

  const arm = ({ watched }: Client, request: ClientRequest, err: number): void => {
    if (!('watch' in request) || !request.watch || request.path === null) return;
    if (request.op === 'getChildren') {
      if (err === 0) watched.child.add(request.path);
    } else if (err === 0 || (request.op === 'exists' && err === errorCode.noNode)) watched.data.add(request.path);
  };

  const notified = (c: Client, { type, path }: WatchEvent): void => {
    count.events++;
    c.heardAt = time.now();
    const data = type !== 4 && c.watched.data.delete(path);
    const child = (type === 4 || type === 2) && c.watched.child.delete(path);
    if (!data && !child) onFault('WatchesFireOnce', `client ${c.n} set no watch on ${path} for event ${type}`);
  };

  const closed = (conn: number): void => {
    const c = find(conn);
    if (c !== undefined) lose(c);
  };

  return {
    perform: (_from, effect) => {
      switch (effect.type) {
        case 'Respond':
          return inOrder(`${effect.conn}<`, () => {
            const c = find(effect.conn);
            if (c !== undefined) responded(c, effect.response.session, effect.response.password);
          });
        case 'Reply':
          return inOrder(`${effect.conn}<`, () => {
            const c = find(effect.conn);
            if (c !== undefined) replied(c, effect.reply);
          });
        case 'Event':
          return inOrder(`${effect.conn}<`, () => {
            const c = find(effect.conn);
            if (c !== undefined) notified(c, effect.event);
          });
        case 'CloseClient':
          return inOrder(`${effect.conn}<`, () => closed(effect.conn));
        default:
      }
    },
    serverGone: (sid) => {
      for (const c of clients) {
        const { conn } = c;
        if (c.server === sid && conn !== null) time.after(ports.latencyMs(), () => closed(conn));
      }
    },
    dropConnection: (n) => {
      const c = clients[n % Math.max(1, many)];
      if (c !== undefined) leave(c);
    },
    finish: () => {
      finishing = true;
    },
    isDone: () => clients.every((c) => c.last === 'done' && c.pending.length === 0),
    acknowledged: () => acknowledged,
    count: () => count,
  };
};

const isWrite = ({ op }: ClientRequest): boolean =>
  ['create', 'delete', 'setData', 'multi', 'closeSession'].includes(op);
