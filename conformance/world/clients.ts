/**
 * Clients and their connections, and the packets between the leader and the other servers: what lies around servers that
 * serve. A client is what every ZooKeeper client is: it numbers its requests, notes the zxid of the last answer, keeps
 * its watches and sets them again on its next connection. Of servers the world knows nothing but what they sent.
 * Mirrors the last part of spec/Service.tla and the budget of spec/MCService.tla. All lists are by index.
 */
import { openAcl } from '../../core/service/acl.js';
import { errorCode } from '../../core/service/error.js';
import { sessionPassword } from '../../core/service/password.js';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type {
  ClientRequest,
  ConnectRequest,
  ConnectResponse,
  ForwardedRequest,
  ReadRequest,
  Reply,
  WatchEvent,
} from '../../core/service/request.js';
import type { Touched } from '../../core/service/leader.js';
import type { SessionId } from '../../core/service/txn.js';
import { noSession } from '../../core/service/txn.js';
import { eventType } from '../../core/service/watch.js';

export type SetWatches = Extract<ReadRequest, { readonly op: 'setWatches' | 'setWatches2' }>;

/** What a client sends; `end`: it has left. */
export type Up =
  | { readonly type: 'connect'; readonly request: ConnectRequest }
  | { readonly type: 'request'; readonly xid: number; readonly request: ClientRequest }
  | { readonly type: 'end' };

/** What a server sends; `end`: it has closed. */
export type Down =
  | { readonly type: 'respond'; readonly response: ConnectResponse }
  | { readonly type: 'reply'; readonly reply: Reply }
  | { readonly type: 'event'; readonly event: WatchEvent }
  | { readonly type: 'end' };

export type ToLeader =
  | { readonly type: 'request'; readonly request: ForwardedRequest }
  | { readonly type: 'revalidate'; readonly session: SessionId; readonly timeoutMs: number }
  | { readonly type: 'touched'; readonly touched: readonly Touched[] };

export type ToServer =
  | { readonly type: 'commit' }
  | { readonly type: 'sync' }
  | { readonly type: 'revalidated'; readonly session: SessionId; readonly valid: boolean };

export type Client = {
  /** Index of its connection, or -1. */
  readonly conn: number;
  /** It has read that it is connected. */
  readonly ready: boolean;
  readonly session: SessionId;
  /** Its session has ended, as far as it knows. */
  readonly over: boolean;
  /** Zxid of the last answer; zeroZxid before. */
  readonly seen: Zxid;
  /** Number of its next request. */
  readonly xid: number;
  /** Not answered on this connection, oldest first. */
  readonly waits: readonly { readonly xid: number; readonly request: ClientRequest }[];
  /** Paths, ascending, by the list of setWatches in which they go. */
  readonly watches: Pick<SetWatches, WatchList>;
};

export type WatchList = 'data' | 'exist' | 'child' | 'persistent' | 'persistentRecursive';

export type World = {
  readonly budget: { readonly cuts: number; readonly ticks: number; readonly sent: readonly number[] };
  readonly clients: readonly Client[];
  /** By connection: the server it goes to; 0 before, -1 once that server has no end of it. */
  readonly at: readonly ServerId[];
  readonly up: readonly (readonly Up[])[];
  readonly down: readonly (readonly Down[])[];
  /** By server. */
  readonly toLeader: readonly (readonly ToLeader[])[];
  readonly toServer: readonly (readonly ToServer[])[];
};

const noWatches: Client['watches'] = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] };

export const stranger = (session: SessionId): Client => ({
  conn: -1,
  ready: false,
  session,
  over: false,
  seen: zeroZxid,
  xid: 1,
  waits: [],
  watches: noWatches,
});

/** A request of a program: op, path and flag as in the constants of MCService. */
export type Asked = { readonly op: string; readonly path: string; readonly flag: boolean };

const setWatches = (seen: Zxid, watches: Client['watches']): SetWatches => ({
  op: 'setWatches2',
  relativeZxid: seen,
  ...watches,
});

/** The packet of a request; null: there is no such operation. */
const packetOf = (me: Client, { op, path, flag }: Asked): { xid: number; request: ClientRequest } | null => {
  const { xid } = me;
  const data = Uint8Array.of(xid); // tells one write's data from another's
  switch (op) {
    case 'create':
      return { xid, request: { op, path, data, acl: openAcl, flags: flag ? 1 : 0 } };
    case 'delete':
      return { xid, request: { op, path, version: -1 } };
    case 'setData':
      return { xid, request: { op, path, data, version: -1 } };
    case 'exists':
    case 'getData':
    case 'getChildren':
      return { xid, request: { op, path, watch: flag } };
    case 'sync':
      return { xid, request: { op, path } };
    case 'closeSession':
      return { xid, request: { op } };
    case 'ping':
      return { xid: -2, request: { op } };
    case 'watch': {
      const list: WatchList = flag ? 'persistentRecursive' : 'persistent';
      return { xid: -8, request: setWatches(me.seen, { ...noWatches, [list]: [path] }) };
    }
    default:
      return null;
  }
};

/** Who owns a connection; connections are used in their order. */
export type Owners = readonly number[];

/** Client of connection k opens it to a server and sends what it has to say first; null where it does not. */
export const connect = (w: World, owners: Owners, k: number, to: ServerId, timeoutMs: number): World | null => {
  const c = owners[k] as number;
  const me = w.clients[c];
  const isNext = owners.every((owner, l) => l >= k || owner !== c || w.at[l] !== 0);
  if (me === undefined || w.at[k] !== 0 || !isNext || me.conn !== -1 || me.over) return null;
  const request: ConnectRequest = {
    protocolVersion: 0,
    lastZxidSeen: me.seen,
    timeoutMs,
    session: me.session,
    password: me.session === noSession ? null : sessionPassword(me.session),
    readOnly: undefined,
  };
  const again = me.session !== noSession && Object.values(me.watches).some((paths) => paths.length > 0);
  const waits = again ? [{ xid: -8, request: setWatches(me.seen, me.watches) }] : [];
  const first: readonly Up[] = [{ type: 'connect', request }, ...waits.map((m): Up => ({ type: 'request', ...m }))];
  const clients = w.clients.with(c, { ...me, conn: k, waits });
  return { ...w, clients, at: w.at.with(k, to), up: w.up.with(k, first) };
};

export type Limits = { readonly maxWaits: number; readonly eager: boolean };

/** The client sends its next request; null where it does not. A server that has closed reads it no more. */
export const send = (w: World, c: number, program: readonly Asked[], limits: Limits): World | null => {
  const me = w.clients[c];
  const asked = program[w.budget.sent[c] ?? 0];
  if (me === undefined || asked === undefined || me.conn === -1 || me.over) return null;
  if (me.waits.length >= limits.maxWaits || !(me.ready || limits.eager)) return null;
  if (me.waits.some((m) => m.request.op === 'closeSession')) return null;
  const packet = packetOf(me, asked);
  if (packet === null) return null;
  const xid = packet.xid > 0 ? me.xid + 1 : me.xid;
  const clients = w.clients.with(c, { ...me, xid, waits: [...me.waits, packet] });
  const open = (w.at[me.conn] as number) > 0;
  const up = open ? w.up.with(me.conn, [...(w.up[me.conn] ?? []), { type: 'request', ...packet }]) : w.up;
  const sent = w.budget.sent.with(c, (w.budget.sent[c] ?? 0) + 1);
  return { ...w, clients, up, budget: { ...w.budget, sent } };
};

/** The client reads what is next on its connection; null when nothing is. */
export const receive = (w: World, c: number): World | null => {
  const me = w.clients[c];
  const [message, ...rest] = w.down[me?.conn ?? -1] ?? [];
  if (me === undefined || message === undefined) return null;
  return { ...w, clients: w.clients.with(c, heeding(me, message)), down: w.down.with(me.conn, rest) };
};

/** The connection ends: the first n that the client has sent still arrive, of the answers nothing more. */
export const cut = (w: World, owners: Owners, k: number, n: number): World | null => {
  const c = owners[k] as number;
  const me = w.clients[c];
  const sent = w.up[k] ?? [];
  if (me === undefined || me.conn !== k || n > sent.length || w.budget.cuts === 0) return null;
  const up = (w.at[k] as number) > 0 ? [...sent.slice(0, n), { type: 'end' } as const] : [];
  return {
    ...w,
    budget: { ...w.budget, cuts: w.budget.cuts - 1 },
    clients: w.clients.with(c, offline(me)),
    up: w.up.with(k, up),
    down: w.down.with(k, []),
  };
};

const offline = (me: Client): Client => ({ ...me, conn: -1, ready: false, waits: [] });

const heeding = (me: Client, message: Down): Client => {
  switch (message.type) {
    case 'respond': {
      const { session } = message.response;
      return session === noSession ? { ...me, over: true } : { ...me, session, ready: true };
    }
    case 'end':
      return offline(me);
    case 'event':
      return spent(me, message.event);
    case 'reply': {
      const { xid, zxid, err } = message.reply;
      const n = me.waits.findIndex((m) => m.xid === xid);
      const answered = me.waits[n];
      const known = { ...me, seen: zxid ?? me.seen, waits: me.waits.filter((_, at) => at !== n) };
      return answered === undefined ? known : noted(known, answered.request, err);
    }
  }
};

const added = (me: Client, list: WatchList, paths: readonly string[]): Client => ({
  ...me,
  watches: { ...me.watches, [list]: [...new Set([...me.watches[list], ...paths])].sort() },
});

/** What the client notes of its watches when it reads an answer. */
const noted = (me: Client, request: ClientRequest, err: number): Client => {
  switch (request.op) {
    case 'setWatches2':
      return added(added(me, 'persistent', request.persistent), 'persistentRecursive', request.persistentRecursive);
    case 'closeSession':
      return { ...me, over: true };
    case 'exists':
      if (!request.watch) return me;
      return added(me, err === errorCode.ok ? 'data' : 'exist', [request.path ?? '']);
    case 'getData':
    case 'getChildren':
      if (!request.watch || err !== errorCode.ok) return me;
      return added(me, request.op === 'getData' ? 'data' : 'child', [request.path ?? '']);
    default:
      return me;
  }
};

/** One-shot watches are used up by the event that they gave. */
const spent = (me: Client, { type, path }: WatchEvent): Client => {
  const lists: readonly WatchList[] =
    type === eventType.deleted
      ? ['data', 'exist', 'child']
      : type === eventType.childrenChanged
        ? ['child']
        : ['data', 'exist'];
  let { watches } = me;
  for (const list of lists) watches = { ...watches, [list]: watches[list].filter((p) => p !== path) };
  return { ...me, watches };
};

/** A server sends to a client; one that has left reads nothing more. */
export const tell = (w: World, owners: Owners, k: number, message: Down): World =>
  w.clients[owners[k] ?? -1]?.conn === k ? { ...w, down: w.down.with(k, [...(w.down[k] ?? []), message]) } : w;

/** A server's end of a connection is gone, and with it what it has not read. */
export const hangUp = (w: World, k: number): World => ({ ...w, at: w.at.with(k, -1), up: w.up.with(k, []) });
