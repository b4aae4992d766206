/**
 * Connections and their sessions: connecting, attaching, ending.
 * Source: ZooKeeperServer.processConnectRequest, reopenSession and finishSessionInit; LearnerZooKeeperServer.
 */
import { emptyFifo, first, itemsOf, pop, push } from '../data/fifo.js';
import { emptyHamt, getKey, removeKey, setKey } from '../data/hamt.js';
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { ipIdentity } from './auth.js';
import { isLocal, keepLocal, makesLocals, withServing } from './local.js';
import { sessionPassword } from './password.js';
import type { ClientRequest, ConnectRequest, ForwardedRequest, Identity } from './request.js';
import { withProven } from './rules.js';
import { nextSessionId } from './sessionId.js';
import type { CloseReason, Conn, Draft, Entry, Forwarded, Phase, Serving } from './state.js';
import type { SessionId } from './txn.js';
import { noSession } from './txn.js';
import { removeConnection } from './watch.js';

export const clientConnected = (d: Draft, conn: number, address: string, proved: readonly Identity[] = []): void => {
  if (d.serving === null) {
    d.effects.push({ type: 'CloseClient', conn, reason: 'not serving' });
    return;
  }
  d.conns = setKey(
    d.conns,
    conn,
    {
      conn,
      address,
      phase: 'connected',
      session: noSession,
      timeoutMs: 0,
      readOnly: undefined,
      identities: withProven(d.serving.rules, [ipIdentity(address)], proved),
      queue: emptyFifo<Entry>(),
      results: emptyHamt(),
      nextSeq: 0,
      held: emptyFifo(),
    },
    d.owner,
  );
};

export const clientClosed = (d: Draft, conn: number): void => {
  const c = getKey(d.conns, conn);
  if (c !== undefined) forgetConn(d, c);
};

export const connectReceived = (d: Draft, conn: number, request: ConnectRequest): void => {
  const c = getKey(d.conns, conn);
  const { serving } = d;
  if (c === undefined || serving === null) return;
  if (c.phase !== 'connected') return closeClient(d, c, 'out of protocol');
  if (serving.readOnly && request.readOnly !== true) return closeClient(d, c, 'read-only');
  if (isAhead(request.lastZxidSeen, replyZxid(d))) return closeClient(d, c, 'client is ahead');
  const timeoutMs = Math.min(Math.max(request.timeoutMs, serving.minSessionTimeoutMs), serving.maxSessionTimeoutMs);
  if (request.session === noSession) return createSession(d, c, serving, timeoutMs, request.readOnly);
  if (!samePassword(request.password, sessionPassword(request.session)))
    return reject(d, withSession(c, 'connected', noSession, 0, request.readOnly));
  // Only now: whoever does not know the password cannot cut the session's living connection (docs/divergence.md).
  const old = getKey(d.conns, getKey(d.attached, request.session) ?? -1);
  if (old !== undefined) closeClient(d, old, 'attached elsewhere');
  if (isLocal(d, request.session)) {
    keepLocal(d, request.session, timeoutMs);
    return begin(d, c, request.session, timeoutMs, request.readOnly);
  }
  // Without a quorum nobody can say whether it still lives: another server may.
  if (serving.readOnly)
    return getKey(d.database.sessions, request.session) === undefined
      ? reject(d, withSession(c, 'connected', noSession, 0, request.readOnly))
      : closeClient(d, c, 'read-only');
  store(d, withSession(c, 'validating', request.session, timeoutMs, request.readOnly));
  d.attached = setKey(d.attached, request.session, conn, d.owner);
  d.effects.push({ type: 'Revalidate', session: request.session, timeoutMs });
};

/** Zxids are signed on the wire: one with the top bit set is negative, so behind everything. */
const isAhead = (seen: Zxid, zxid: Zxid): boolean => seen.epoch < 0x80000000 && compareZxid(seen, zxid) > 0;

const samePassword = (given: Uint8Array | null, expected: Uint8Array): boolean => {
  if (given === null || given.length !== expected.length) return false;
  let difference = 0; // the same work wherever they differ
  for (let i = 0; i < expected.length; i++) difference |= (given[i] as number) ^ (expected[i] as number);
  return difference === 0;
};

const createSession = (d: Draft, c: Conn, serving: Serving, timeoutMs: number, readOnly: boolean | undefined): void => {
  const session = serving.nextSession;
  d.serving = withServing(serving, nextSessionId(session), serving.locals);
  if (makesLocals(serving)) {
    keepLocal(d, session, timeoutMs);
    return begin(d, c, session, timeoutMs, readOnly);
  }
  store(d, withSession(c, 'creating', session, timeoutMs, readOnly));
  d.attached = setKey(d.attached, session, c.conn, d.owner);
  forward(
    d,
    { session, cxid: 0, request: { op: 'createSession', timeoutMs }, identities: [] },
    { conn: c.conn, seq: -1, cxid: 0, op: 'createSession' },
  );
};

/** The session needs no word of the leader. */
const begin = (d: Draft, c: Conn, session: SessionId, timeoutMs: number, readOnly: boolean | undefined): void => {
  d.attached = setKey(d.attached, session, c.conn, d.owner);
  store(d, withSession(c, 'validating', session, timeoutMs, readOnly));
  established(d, c.conn, 'validating', true);
};

/** The session of a waiting connection is there (or not). @returns requests that arrived meanwhile */
export const established = (
  d: Draft,
  conn: number,
  from: Phase,
  valid: boolean,
): readonly { readonly xid: number; readonly request: ClientRequest }[] => {
  const c = getKey(d.conns, conn);
  if (c === undefined || c.phase !== from) return [];
  if (!valid) {
    reject(d, c);
    return [];
  }
  const { session, timeoutMs, readOnly } = c;
  store(d, withHeld(withSession(c, 'attached', session, timeoutMs, readOnly), emptyFifo()));
  heardOf(d, session, timeoutMs);
  const password = sessionPassword(session);
  const response = { timeoutMs, session, password, readOnly: shownReadOnly(d, readOnly) };
  d.effects.push({ type: 'Respond', conn, response });
  return itemsOf(c.held);
};

/** Who left the byte out is not told either. */
const shownReadOnly = (d: Draft, asked: boolean | undefined): boolean | undefined =>
  asked === undefined ? undefined : d.serving?.readOnly === true;

/** The answer that a client reads as "session expired", and the end of the connection. */
const reject = (d: Draft, c: Conn): void => {
  const readOnly = shownReadOnly(d, c.readOnly);
  const response = { timeoutMs: 0, session: noSession, password: new Uint8Array(16), readOnly };
  d.effects.push({ type: 'Respond', conn: c.conn, response });
  closeClient(d, c, 'session not valid');
};

/** A sign of life, to be told to the leader with the next PING. */
export const heardOf = (d: Draft, session: SessionId, timeoutMs: number): void => {
  d.touched = setKey(d.touched, session, timeoutMs, d.owner);
};

/** Asks for the end of a connection; the state forgets it at once. */
export const closeClient = (d: Draft, c: Conn, reason: CloseReason): void => {
  d.effects.push({ type: 'CloseClient', conn: c.conn, reason });
  forgetConn(d, c);
};

/** What was forwarded for the connection stays in its session's queue, so that the answers still find their places. */
const forgetConn = (d: Draft, c: Conn): void => {
  d.conns = removeKey(d.conns, c.conn, d.owner);
  d.watches = removeConnection(d.watches, c.conn, d.owner);
  if (getKey(d.attached, c.session) === c.conn) d.attached = removeKey(d.attached, c.session, d.owner);
};

/** The zxid of replies: the last transaction applied, or where the leader's epoch begins. */
export const replyZxid = (d: Draft): Zxid => {
  const { serving, database } = d;
  return serving !== null && compareZxid(serving.zxid, database.zxid) > 0 ? serving.zxid : database.zxid;
};

export const forward = (d: Draft, request: ForwardedRequest, waiting: Forwarded): void => {
  const queue = getKey(d.forwarded, request.session) ?? emptyFifo<Forwarded>();
  d.forwarded = setKey(d.forwarded, request.session, push(queue, waiting), d.owner);
  d.effects.push({ type: 'Forward', request });
};

/** Takes the oldest forwarded request of a session if this answers it. */
export const takeForwarded = (
  d: Draft,
  session: SessionId,
  isAnswered: (oldest: Forwarded) => boolean,
): Forwarded | null => {
  const queue = getKey(d.forwarded, session);
  const oldest = queue === undefined ? undefined : first(queue);
  if (queue === undefined || oldest === undefined || !isAnswered(oldest)) return null;
  d.forwarded =
    queue.size === 1 ? removeKey(d.forwarded, session, d.owner) : setKey(d.forwarded, session, pop(queue), d.owner);
  return oldest;
};

export const store = (d: Draft, c: Conn): void => {
  d.conns = setKey(d.conns, c.conn, c, d.owner);
};

export const withSession = (
  c: Conn,
  phase: Phase,
  session: SessionId,
  timeoutMs: number,
  readOnly: boolean | undefined,
): Conn => ({
  conn: c.conn,
  address: c.address,
  phase,
  session,
  timeoutMs,
  readOnly,
  identities: c.identities,
  queue: c.queue,
  results: c.results,
  nextSeq: c.nextSeq,
  held: c.held,
});

export const withHeld = (c: Conn, held: Conn['held']): Conn => ({
  conn: c.conn,
  address: c.address,
  phase: c.phase,
  session: c.session,
  timeoutMs: c.timeoutMs,
  readOnly: c.readOnly,
  identities: c.identities,
  queue: c.queue,
  results: c.results,
  nextSeq: c.nextSeq,
  held,
});

export const withIdentities = (c: Conn, identities: Conn['identities']): Conn => ({
  conn: c.conn,
  address: c.address,
  phase: c.phase,
  session: c.session,
  timeoutMs: c.timeoutMs,
  readOnly: c.readOnly,
  identities,
  queue: c.queue,
  results: c.results,
  nextSeq: c.nextSeq,
  held: c.held,
});

export const withQueue = (c: Conn, queue: Conn['queue'], results: Conn['results'], nextSeq: number): Conn => ({
  conn: c.conn,
  address: c.address,
  phase: c.phase,
  session: c.session,
  timeoutMs: c.timeoutMs,
  readOnly: c.readOnly,
  identities: c.identities,
  queue,
  results,
  nextSeq,
  held: c.held,
});
