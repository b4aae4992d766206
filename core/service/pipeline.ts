/**
 * Requests of a connection: answered in their order. Writes and syncs go out at once, one behind the other; a read
 * waits until all before it is answered and is evaluated there, so that a client sees its own writes.
 * Source: CommitProcessor, FinalRequestProcessor.
 */
import { first, pop, push } from '../data/fifo.js';
import { emptyHamt, getKey, removeKey, setKey } from '../data/hamt.js';
import { zeroZxid } from '../data/zxid.js';
import { allows, perm } from './acl.js';
import { noBody } from './apply.js';
import type { TxnResult } from './apply.js';
import { auditSubject, auditedRefusal } from './audit.js';
import {
  closeClient,
  forward,
  heardOf,
  replyZxid,
  store,
  withHeld,
  withIdentities,
  withQueue,
  withSession,
} from './connection.js';
import { refused } from './auth.js';
import { errorCode } from './error.js';
import { forgetLocal, isLocal, makesEphemeral, needsQuorum } from './local.js';
import { parentOf } from './path.js';
import { answerQuery, readNode } from './read.js';
import { answerWatch, restoreWatches } from './watching.js';
import type { SetWatches } from './watching.js';
import type {
  ClientRequest,
  Identity,
  ReadRequest,
  ReplyBody,
  SaslAnswer,
  SyncRequest,
  WriteRequest,
} from './request.js';
import type { ServiceRules } from './rules.js';
import { defaultRules, rightsOf, withProven } from './rules.js';
import type { Conn, DeferredRead, Draft, Entry } from './state.js';
import { nodeAt } from './tree.js';
import { addWatch, watchMode } from './watch.js';

/** The xid of every answer to a ping, whatever the client sent. */
const pingXid = -2;

export const requestReceived = (d: Draft, conn: number, xid: number, request: ClientRequest): void => {
  const c = getKey(d.conns, conn);
  if (c === undefined) return;
  switch (c.phase) {
    case 'connected':
      return closeClient(d, c, 'out of protocol');
    case 'creating':
    case 'validating':
      return store(d, withHeld(c, push(c.held, { xid, request })));
    case 'closing':
      return;
    case 'attached':
      heardOf(d, c.session, c.timeoutMs);
      return take(d, c, xid, request);
  }
};

const take = (d: Draft, c: Conn, xid: number, request: ClientRequest): void => {
  if (!mayAsk(rulesOf(d), c, request)) return sendAway(d, c, xid);
  if (d.serving?.readOnly === true && needsQuorum(request))
    return takeRead(d, c, xid, { op: 'unreadable', err: errorCode.notReadOnly });
  switch (request.op) {
    case 'auth':
      return takeAuth(d, c, xid, request);
    case 'sasl':
      return takeSasl(d, c, xid, request.answer);
    case 'createSession': // the servers' own: a client's is as good as an unknown operation
      return takeRead(d, c, xid, { op: 'unknown', opcode: -10 });
    case 'deleteContainer': // the leader's own
      return takeRead(d, c, xid, { op: 'unknown', opcode: 20 });
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'getEphemerals':
    case 'whoAmI':
    case 'multiRead':
    case 'ping':
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'setWatches2':
    case 'unreadable':
    case 'unknown':
      return takeRead(d, c, xid, request);
    // Answered here, and takes no zxid: a leader of Apache's does not survive it (docs/divergence.md).
    case 'invalid':
      return takeRead(d, c, xid, { op: 'unreadable', err: request.err });
    default:
      return isLocal(d, c.session) ? takeOfLocal(d, c, xid, request) : takeForwarded(d, c, xid, request);
  }
};

/** A session that only this server knows ends here; before its first ephemeral node it becomes everybody's. */
const takeOfLocal = (d: Draft, c: Conn, xid: number, request: WriteRequest | SyncRequest): void => {
  const { conn, session, timeoutMs } = c;
  if (request.op === 'closeSession') {
    const closing = withSession(c, 'closing', session, timeoutMs, c.readOnly);
    store(d, closing);
    return takeRead(d, closing, xid, { op: 'closeSession' });
  }
  if (rulesOf(d).localSessions === 'upgraded' && makesEphemeral(request)) {
    forgetLocal(d, session);
    const upgrade = { session, cxid: 0, request: { op: 'createSession', timeoutMs }, identities: [] } as const;
    forward(d, upgrade, { conn, seq: -1, cxid: 0, op: 'createSession' });
  }
  takeForwarded(d, c, xid, request);
};

const takeForwarded = (d: Draft, c: Conn, xid: number, request: WriteRequest | SyncRequest): void => {
  const { conn, session, identities, nextSeq: seq } = c;
  const audited = rulesOf(d).audit && request.op !== 'sync' ? auditSubject(rulesOf(d), c, request) : null;
  if (request.op !== 'sync' && isForbidden(d, c, request)) {
    if (audited !== null) for (const entry of auditedRefusal(audited)) d.effects.push({ type: 'Audit', entry });
    return takeRead(d, c, xid, { op: 'unreadable', err: errorCode.noAuth });
  }
  const queued = withQueue(c, push(c.queue, { kind: 'forwarded', seq, xid, op: request.op }), c.results, seq + 1);
  const { timeoutMs, readOnly } = c;
  store(d, request.op === 'closeSession' ? withSession(queued, 'closing', session, timeoutMs, readOnly) : queued);
  const forwarded = { session, cxid: xid, request, identities };
  if (request.op === 'sync') {
    d.syncs = push(d.syncs, { conn, seq, path: request.path });
    d.effects.push({ type: 'Forward', request: forwarded });
  } else {
    const waiting = { conn, seq, cxid: xid, op: request.op };
    forward(d, forwarded, audited === null ? waiting : { ...waiting, audit: audited });
  }
};

/** Until a connection has an identity of a required scheme, it may only prove who it is. */
const mayAsk = ({ auth }: ServiceRules, c: Conn, { op }: ClientRequest): boolean =>
  auth.required.length === 0 ||
  op === 'auth' ||
  op === 'sasl' ||
  c.identities.some((who) => auth.required.includes(who.scheme));

const sendAway = (d: Draft, c: Conn, xid: number): void => {
  const said = { xid, zxid: zeroZxid, err: errorCode.sessionClosedRequireAuth, body: noBody };
  d.effects.push({ type: 'Reply', conn: c.conn, reply: said });
  closeClient(d, c, 'authentication required');
};

/** The identity holds for all that the client sends behind the packet, so it counts before the answer goes out. */
const takeAuth = (d: Draft, c: Conn, xid: number, request: Extract<ReadRequest, { readonly op: 'auth' }>): void => {
  const provider = rulesOf(d).auth.providers.get(request.scheme ?? '');
  const outcome = provider === undefined ? refused : provider.handleAuthentication(request.auth, c);
  if (outcome.type === 'closed') return closeClient(d, c, 'another ensemble');
  const isProved = outcome.type === 'proved';
  const err = isProved ? errorCode.ok : errorCode.authFailed;
  queueOrAnswer(d, isProved ? proving(d, c, outcome.identities) : c, { kind: 'auth', xid, err, body: noBody });
};

/** An exchange that fails ends the connection, unless the rules let it go on as nobody. */
const takeSasl = (
  d: Draft,
  c: Conn,
  xid: number,
  answer: SaslAnswer = { token: null, user: null, failed: false },
): void => {
  const { required, keepSaslFailed } = rulesOf(d).auth;
  const { token, user, failed } = answer;
  const isRequired = required.includes('sasl');
  const kept = !failed || (keepSaslFailed && !isRequired);
  const err = kept ? errorCode.ok : isRequired ? errorCode.sessionClosedRequireAuth : errorCode.authFailed;
  const next = user === null || failed ? c : proving(d, c, [{ scheme: 'sasl', id: user }]);
  queueOrAnswer(d, next, { kind: 'auth', xid, err, body: { type: 'token', token: failed ? null : token } });
};

const proving = (d: Draft, c: Conn, identities: readonly Identity[]): Conn => {
  const known = withProven(rulesOf(d), c.identities, identities);
  return known === c.identities ? c : withIdentities(c, known);
};

/**
 * Whether the database here forbids the write. Behind a write of its own that is not answered yet, a connection is not
 * held up by what that one may change.
 */
const isForbidden = (d: Draft, c: Conn, request: WriteRequest): boolean => {
  const { auth } = rulesOf(d);
  if (!auth.eagerCheck || c.queue.size > 0) return false;
  const needed = neededBy(request);
  const node = needed === null ? undefined : nodeAt(d.database.tree, needed.path);
  if (needed === null || node === undefined) return false;
  return !allows(node.acl, needed.perm, rightsOf(rulesOf(d), c.identities), auth.providers);
};

/** The permission that a write asks for, and on which node; null where the leader alone can say. */
const neededBy = (request: WriteRequest): { readonly path: string; readonly perm: number } | null => {
  if (!('path' in request) || request.path === null || !request.path.startsWith('/')) return null;
  switch (request.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return { path: parentOf(request.path), perm: perm.create };
    case 'delete':
      return { path: parentOf(request.path), perm: perm.delete };
    case 'setData':
      return { path: request.path, perm: perm.write };
    case 'setACL':
      return { path: request.path, perm: perm.admin };
    default:
      return null;
  }
};

const takeRead = (d: Draft, c: Conn, xid: number, request: DeferredRead): void => {
  if (c.queue.size === 0) answerRead(d, c, xid, request, c.identities);
  else queueOrAnswer(d, c, { kind: 'read', xid, request, identities: c.identities });
};

const queueOrAnswer = (d: Draft, c: Conn, entry: Exclude<Entry, { readonly kind: 'forwarded' }>): void => {
  store(d, c.queue.size === 0 ? c : withQueue(c, push(c.queue, entry), c.results, c.nextSeq));
  if (c.queue.size === 0) answer(d, c, entry);
};

/** A forwarded request is done: it is answered when all before it are, and with it the reads that waited behind it. */
export const complete = (d: Draft, conn: number, seq: number, result: TxnResult): void => {
  const c = getKey(d.conns, conn);
  if (c === undefined) return; // the client left; the place in the session's queue is free all the same
  const results = setKey(c.results, seq, result, d.owner);
  flush(d, withQueue(c, c.queue, results, c.nextSeq));
};

const flush = (d: Draft, c: Conn): void => {
  let { queue, results } = c;
  for (let entry = first(queue); entry !== undefined; entry = first(queue)) {
    let isOpen: boolean;
    if (entry.kind === 'forwarded') {
      const result = getKey(results, entry.seq);
      if (result === undefined) break;
      results = results.size === 1 ? emptyHamt() : removeKey(results, entry.seq, d.owner);
      isOpen = answerForwarded(d, c, entry, result);
    } else isOpen = answer(d, c, entry);
    if (!isOpen) return;
    queue = pop(queue);
  }
  store(d, withQueue(c, queue, results, c.nextSeq));
};

const reply = (d: Draft, c: Conn, xid: number, err: number, body: ReplyBody): void => {
  const said = { xid, zxid: replyZxid(d), err, body: err === errorCode.ok ? body : noBody };
  d.effects.push({ type: 'Reply', conn: c.conn, reply: said });
};

/** @returns whether the connection goes on */
const answerForwarded = (
  d: Draft,
  c: Conn,
  entry: Extract<Entry, { readonly kind: 'forwarded' }>,
  { err, body }: TxnResult,
): boolean => {
  if (err === errorCode.sessionMoved || hasMoved(body)) {
    closeClient(d, c, 'session moved');
    return false;
  }
  reply(d, c, entry.xid, err, body);
  if (entry.op !== 'closeSession') return true;
  closeClient(d, c, 'session closed');
  return false;
};

const hasMoved = (body: ReplyBody): boolean =>
  body.type === 'multi' && body.results.some((r) => r.op === 'error' && r.err === errorCode.sessionMoved);

/** @returns whether the connection goes on */
const answer = (d: Draft, c: Conn, entry: Exclude<Entry, { readonly kind: 'forwarded' }>): boolean => {
  if (entry.kind === 'read') return answerRead(d, c, entry.xid, entry.request, entry.identities);
  d.effects.push({
    type: 'Reply',
    conn: c.conn,
    reply: { xid: entry.xid, zxid: zeroZxid, err: entry.err, body: entry.body },
  });
  if (entry.err === errorCode.ok) return true;
  closeClient(d, c, 'authentication failed');
  return false;
};

export const rulesOf = (d: Draft): ServiceRules => d.serving?.rules ?? defaultRules;

/** @returns whether the connection goes on */
const answerRead = (
  d: Draft,
  c: Conn,
  xid: number,
  request: DeferredRead,
  identities: readonly Identity[],
): boolean => {
  switch (request.op) {
    case 'ping':
      reply(d, c, pingXid, errorCode.ok, noBody);
      return true;
    case 'unreadable':
      reply(d, c, xid, request.err, noBody);
      return true;
    case 'closeSession':
      reply(d, c, xid, errorCode.ok, noBody);
      forgetLocal(d, c.session);
      closeClient(d, c, 'session closed');
      return false;
    case 'unknown': {
      const said = { xid, zxid: null, err: errorCode.unimplemented, body: noBody };
      d.effects.push({ type: 'Reply', conn: c.conn, reply: said });
      closeClient(d, c, 'unknown operation');
      return false;
    }
    case 'setWatches':
    case 'setWatches2':
      answerSetWatches(d, c, xid, request);
      return true;
    case 'addWatch':
    case 'checkWatches':
    case 'removeWatches': {
      const { watches, err, body } = answerWatch(d.watches, c.conn, request, d.owner);
      d.watches = watches;
      reply(d, c, xid, err, body);
      return true;
    }
    case 'getEphemerals':
    case 'whoAmI':
    case 'multiRead': {
      const who = request.op === 'whoAmI' ? identities : rightsOf(rulesOf(d), identities);
      const { err, body } = answerQuery(d.database.tree, c.session, who, request, rulesOf(d).auth.providers);
      reply(d, c, xid, err, body);
      return true;
    }
    default: {
      const rules = rulesOf(d);
      const { err, body, watch } = readNode(
        d.database.tree,
        rightsOf(rules, identities),
        request,
        rules.auth.providers,
      );
      if (watch !== null && request.path !== null)
        d.watches = addWatch(d.watches, watch, c.conn, request.path, watchMode.oneShot, d.owner);
      reply(d, c, xid, err, body);
      return true;
    }
  }
};

/** What the client missed goes out before the answer. */
const answerSetWatches = (d: Draft, c: Conn, xid: number, request: SetWatches): void => {
  const { events, set } = restoreWatches(d.database.tree, request);
  for (const { type, path } of events)
    d.effects.push({ type: 'Event', conn: c.conn, event: { type, path, zxid: null } });
  for (const { table, path, mode } of set) d.watches = addWatch(d.watches, table, c.conn, path, mode, d.owner);
  reply(d, c, xid, errorCode.ok, noBody);
};
