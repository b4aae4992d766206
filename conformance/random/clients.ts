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
import { anyone, proof, somethingToAsk } from './asks.js';
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
  /** It says nothing before, not even that it lives. */
  asleepUntil: number;
  /** Paths with a watch of this session that has not fired; `exist`: set while there was no such node. */
  readonly watched: { readonly data: Set<string>; readonly exist: Set<string>; readonly child: Set<string> };
  /** The password that was sent last is not its own. */
  isImpostor: boolean;
  /** In the last phase: not asked yet, asked, acknowledged. */
  last: 'open' | 'asked' | 'done';
};

const timeoutMs = 1500;
const mostPending = 4;
const wrongPassword = new Uint8Array(16).fill(1);

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
    asleepUntil: 0,
    watched: { data: new Set(), exist: new Set(), child: new Set() },
    isImpostor: false,
    last: 'open',
  }));

  const connect = (c: Client): void => {
    const server = chance.pick(ports.servers);
    if (!ports.isUp(server)) return;
    const conn = ++connections;
    // One that never comes back: its session expires, and with it what was its own.
    if (chance.percent(4)) forget(c);
    const isImpostor = !finishing && c.session !== noSession && chance.percent(5);
    Object.assign(c, { conn, server, phase: 'connecting', pending: [], heardAt: time.now(), isImpostor });
    // One that has forgotten what it saw may be served by a server that is behind.
    if (chance.percent(5)) c.seen = zeroZxid;
    const request = {
      protocolVersion: 0,
      lastZxidSeen: c.seen,
      timeoutMs,
      session: c.session,
      password: isImpostor ? wrongPassword : c.password,
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
    const xid = fixedXids[request.op] ?? ++c.xid;
    c.pending.push({ xid, request });
    send(c, { type: 'RequestReceived', conn: c.conn, xid, request });
  };

  const ownPath = (c: Client): string => `/w-${c.n}-${c.session}-${c.xid + 1}`;

  /** What a client does of its own accord, every few milliseconds. */
  const turn = (c: Client): void => {
    time.after(2 + chance.below(25), () => turn(c));
    if (c.asleepUntil > time.now()) {
      c.heardAt = time.now();
      return;
    }
    if (c.phase === 'away') return chance.percent(30) ? connect(c) : undefined;
    if (time.now() - c.heardAt > timeoutMs) {
      ports.onSilence(`client ${c.n} waits for ${c.pending.map((p) => p.request.op).join(', ')} of server ${c.server}`);
      return leave(c);
    }
    if (c.phase !== 'attached' || c.pending.some((p) => p.request.op === 'closeSession')) return;
    // Longer than its session lasts: the server closes the connection.
    if (!finishing && chance.below(400) === 0) {
      c.asleepUntil = time.now() + 3 * timeoutMs;
      return;
    }
    if (finishing && c.last === 'open' && c.pending.length === 0) {
      c.last = 'asked';
      ask(c, { op: 'create', path: ownPath(c), data: null, acl: anyone, flags: 0 });
    } else if (finishing || c.pending.length >= mostPending || chance.percent(15)) {
      if (c.pending.length === 0) ask(c, { op: 'ping' });
    } else ask(c, somethingToAsk(chance, { n: c.n, xid: c.xid, own: ownPath(c) }));
  };
  for (const c of clients) turn(c);

  const find = (conn: number): Client | undefined => clients.find((c) => c.conn === conn);

  const responded = (c: Client, session: SessionId, password: Uint8Array): void => {
    c.heardAt = time.now();
    if (session === noSession) {
      // Expired: the next one is a new one. One that did not know the password has lost nothing.
      if (!c.isImpostor) forget(c);
      return;
    }
    if (c.isImpostor) onFault('PasswordGuards', `client ${c.n} got a session with a password that is not its own`);
    if (c.session !== noSession && c.session !== session) onFault('SessionKept', `client ${c.n} got another session`);
    if (c.session === noSession) count.sessions++;
    c.session = session;
    c.password = password;
    c.phase = 'attached';
    if (chance.percent(25)) ask(c, proof(chance));
    setWatchesAgain(c);
  };

  /** As clients do on a new connection: what fired meanwhile is told, the rest is set. */
  const setWatchesAgain = (c: Client): void => {
    const { data, exist, child } = c.watched;
    if (data.size + exist.size + child.size === 0) return;
    const watches = { data: [...data], exist: [...exist], child: [...child], persistent: [], persistentRecursive: [] };
    ask(c, { op: 'setWatches', relativeZxid: c.seen, ...watches });
  };

  /** The session is over, and its watches with it. */
  const forget = (c: Client): void => {
    c.session = noSession;
    for (const paths of [c.watched.data, c.watched.exist, c.watched.child]) paths.clear();
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
    const { request } = asked;
    // An answer to a proof has zxid 0, as Apache's has.
    if (reply.zxid !== null && request.op !== 'auth') seen(c, reply.zxid);
    arm(c, request, reply.err);
    if (reply.err !== 0) return;
    const path =
      request.op === 'create' && request.flags === 0 && request.path?.startsWith('/w-') ? request.path : null;
    if (isWrite(request)) acknowledged.push({ session: c.session, cxid: asked.xid, path });
    if (path !== null && c.last === 'asked') c.last = 'done';
    if (request.op === 'closeSession') forget(c);
  };

  /** What a client has seen never goes back, whichever server it is at. */
  const seen = (c: Client, zxid: Zxid): void => {
    if (compareZxid(zxid, c.seen) < 0)
      onFault('SeenNeverGoesBack', `client ${c.n} is told ${formatZxid(zxid)} after ${formatZxid(c.seen)}`);
    c.seen = zxid;
  };

  const arm = ({ watched }: Client, request: ClientRequest, err: number): void => {
    if (!('watch' in request) || !request.watch || request.path === null) return;
    if (err === 0) {
      const isOfChildren = request.op === 'getChildren' || request.op === 'getChildren2';
      (isOfChildren ? watched.child : watched.data).add(request.path);
    } else if (request.op === 'exists' && err === errorCode.noNode) watched.exist.add(request.path);
  };

  const notified = (c: Client, { type, path }: WatchEvent): void => {
    count.events++;
    c.heardAt = time.now();
    const { data, exist, child } = c.watched;
    const isData = type !== 4 && [data, exist].map((paths) => paths.delete(path)).includes(true);
    // A deletion is told once for both; what was missed, once for each.
    const isOfBoth = type === 2 && !(isData && c.pending[0]?.request.op === 'setWatches');
    const isChild = (type === 4 || isOfBoth) && child.delete(path);
    if (!isData && !isChild) onFault('WatchesFireOnce', `client ${c.n} set no watch on ${path} for event ${type}`);
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

/** Requests that have a number of their own. */
const fixedXids: Readonly<Partial<Record<ClientRequest['op'], number>>> = { ping: -2, auth: -4, setWatches: -8 };

const isWrite = ({ op }: ClientRequest): boolean =>
  ['create', 'delete', 'setData', 'setACL', 'multi', 'closeSession'].includes(op);
