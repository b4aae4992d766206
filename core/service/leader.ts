/**
 * The leader's side of writes: a request becomes a transaction, decided once for all servers. A request that fails its
 * checks becomes an error transaction and takes its zxid all the same.
 * Source: PrepRequestProcessor, LeaderSessionTracker, quorum protocol REQUEST and REVALIDATE.
 */
import type { ServerId } from '../data/quorum.js';
import { emptyFifo, first, pop, push } from '../data/fifo.js';
import type { Fifo } from '../data/fifo.js';
import { emptyHamt, entriesOf, getKey, keysOf, removeKey, setKey } from '../data/hamt.js';
import type { Hamt } from '../data/hamt.js';
import { compareZxid, sameZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import {
  checkDeleteContainer,
  checkWrite,
  containerFlags,
  deletion,
  factsAt,
  isKnownFlags,
  isTtlFlags,
  quotaChanges,
  withFacts,
} from './check.js';
import type { Author, Checked, FactsChange, Outstanding, View } from './check.js';
import type { Database } from './database.js';
import { errorCode } from './error.js';
import {
  beginClosing,
  checkSession,
  expire,
  forget,
  isLive,
  isTracked,
  newExpiry,
  setOwner,
  touch,
  track,
} from './expiry.js';
import type { Expiry } from './expiry.js';
import { checkReconfig } from './reconfig.js';
import type { Reconfiguring } from './reconfig.js';
import { newReaper, reap } from './reaper.js';
import type { Reaper } from './reaper.js';
import type { ForwardedRequest, MultiPart, SyncRequest, WriteRequest } from './request.js';
import { defaultRules } from './rules.js';
import { ephemeralsOf, sessionsWithEphemerals } from './tree.js';
import type { CloseSessionTxn, SessionId, Txn, TxnRecord } from './txn.js';
import { noSession } from './txn.js';

/** What one accepted transaction will change, kept until it is applied here. */
type Accepted = {
  readonly zxid: Zxid;
  readonly paths: readonly string[];
  readonly session: SessionId;
  /** Ephemeral nodes of the session that it creates. */
  readonly ephemerals: readonly string[];
};

export type LeaderState = {
  readonly expiry: Expiry;
  readonly outstanding: Hamt<string, Outstanding>;
  readonly accepted: Fifo<Accepted>;
  /** Session → path → how many outstanding transactions create this ephemeral node. */
  readonly creations: Hamt<SessionId, Hamt<string, number>>;
  readonly reaper: Reaper;
};

/** A request that becomes a transaction: all that is forwarded but sync. */
export type WriteToPrepare = {
  readonly session: SessionId;
  readonly cxid: number;
  readonly request: WriteRequest;
  readonly identities: ForwardedRequest['identities'];
};

export const isWrite = (request: ForwardedRequest): request is ForwardedRequest & { request: WriteRequest } =>
  request.request.op !== ('sync' satisfies SyncRequest['op']);

/** What the leader adds: which server the request came from, its zxid, and the wall and monotonic clocks. */
export type Stamp = {
  readonly origin: ServerId;
  readonly zxid: Zxid;
  readonly timeMs: number;
  readonly nowMs: number;
  /** What a reconfig is checked against; disabled without it. */
  readonly reconfig?: Reconfiguring;
};

/**
 * A server begins to lead, with all that it logged applied. Every session gets its full timeout anew. Ephemeral nodes
 * of sessions that no table knows (they can be left by Apache's fuzzy snapshots) go at the next tick.
 */
export const lead = (database: Database, tickMs: number, nowMs: number, rules = defaultRules): LeaderState => {
  let expiry = newExpiry(tickMs, nowMs);
  for (const [session, timeoutMs] of entriesOf(database.sessions))
    expiry = track(expiry, session, timeoutMs, null, nowMs);
  for (const session of sessionsWithEphemerals(database.tree))
    if (getKey(database.sessions, session) === undefined) expiry = track(expiry, session, 0, null, nowMs);
  const reaper = newReaper(rules.reaping, nowMs);
  return { expiry, outstanding: emptyHamt(), accepted: emptyFifo(), creations: emptyHamt(), reaper };
};

/** Checks a write and makes it a transaction that every server applies alike. */
export const prepare = (
  leader: LeaderState,
  database: Database,
  write: WriteToPrepare,
  stamp: Stamp,
  rules = defaultRules,
): { readonly leader: LeaderState; readonly txn: Txn } => {
  const { session, cxid, request } = write;
  const view: View = { tree: database.tree, outstanding: leader.outstanding, rules };
  const draft: Draft = { leader, view, write, stamp, expiry: leader.expiry, paths: [], ephemerals: [] };
  const record = recordFor(draft, request);
  const txn = { session, cxid, zxid: stamp.zxid, timeMs: stamp.timeMs, record, digest: null };
  return { leader: accept(draft), txn };
};

/** A transaction in the making; lives within one call of prepare. */
type Draft = {
  readonly leader: LeaderState;
  view: View;
  readonly write: WriteToPrepare;
  readonly stamp: Stamp;
  expiry: Expiry;
  paths: string[];
  ephemerals: string[];
};

const recordFor = (draft: Draft, request: WriteRequest): TxnRecord => {
  const { stamp, write } = draft;
  switch (request.op) {
    case 'createSession':
      draft.expiry = track(draft.expiry, write.session, request.timeoutMs, stamp.origin, stamp.nowMs);
      return { type: 'createSession', timeoutMs: request.timeoutMs };
    case 'closeSession':
      return closeSession(draft);
    case 'invalid':
      return { type: 'error', err: request.err };
    case 'multi':
      // ZooKeeper cannot read such a part, so the whole request is one that cannot be read.
      if (request.parts.some(isMalformed)) return { type: 'error', err: errorCode.marshallingError };
      return { type: 'multi', parts: multiParts(draft, request.parts) };
    case 'reconfig': {
      const reconfig = stamp.reconfig ?? 'disabled';
      if (reconfig === 'disabled') return { type: 'error', err: errorCode.reconfigDisabled };
      return single(draft, checkReconfig(draft.view, authorOf(draft), request, reconfig, stamp.zxid));
    }
    case 'deleteContainer':
      return single(draft, checkDeleteContainer(draft.view, request));
    default:
      return single(draft, checkWrite(draft.view, authorOf(draft), request));
  }
};

const authorOf = (draft: Draft): Author => {
  const { session, identities } = draft.write;
  const { expiry, err } = checkSession(draft.expiry, session, draft.stamp.origin);
  draft.expiry = expiry;
  // The server whose client it is knows the session; the leader need not.
  const isLocal = draft.view.rules.localSessions !== 'off' && !isTracked(expiry, session);
  return { session, sessionErr: isLocal ? errorCode.ok : err, identities, isLocal };
};

const single = (draft: Draft, checked: Checked): TxnRecord => {
  if ('err' in checked) return { type: 'error', err: checked.err };
  change(draft, checked.changes);
  if ((checked.record.type === 'create' || checked.record.type === 'create2') && checked.record.ephemeral)
    draft.ephemerals.push(checked.record.path);
  return checked.record;
};

const change = (draft: Draft, made: readonly FactsChange[]): void => {
  const changes = draft.view.rules.enforceQuota ? [...made, ...quotaChanges(draft.view, made)] : made;
  draft.view = withFacts(draft.view, draft.stamp.zxid, changes);
  for (const { path } of changes) draft.paths.push(path);
};

/** Without a path; a create without an ACL, or with flags that name no kind of node that it could make. */
const isMalformed = (part: MultiPart): boolean => {
  if (part.path === null) return true;
  const isCreate = part.op === 'create' || part.op === 'create2' || part.op === 'createContainer';
  return isCreate && (part.acl === null || !isKnownFlags(part.flags) || isTtlFlags(part.flags));
};

/** In a multi the flags of a create say container, too; alone it is a plain node with them. */
const meant = (part: MultiPart): MultiPart =>
  (part.op === 'create' || part.op === 'create2') && part.flags === containerFlags
    ? { op: 'createContainer', path: part.path, data: part.data, acl: part.acl, flags: part.flags }
    : part;

/** Each part sees those before it; once one fails, nothing of the whole remains. */
const multiParts = (draft: Draft, parts: readonly MultiPart[]): readonly TxnRecord[] => {
  if (parts.length === 0) return [];
  const author = authorOf(draft);
  let failed = false;
  const records = parts.map((part): TxnRecord => {
    if (failed) return { type: 'error', err: errorCode.runtimeInconsistency };
    const record = single(draft, checkWrite(draft.view, author, meant(part)));
    failed = record.type === 'error';
    return record;
  });
  if (failed) {
    draft.paths = [];
    draft.ephemerals = [];
  }
  return records;
};

/** The session takes no more writes; its ephemeral nodes, outstanding ones too, are named for all servers. */
const closeSession = (draft: Draft): CloseSessionTxn => {
  const { session } = draft.write;
  const candidates = new Set(ephemeralsOf(draft.view.tree, session));
  for (const path of keysOf(getKey(draft.leader.creations, session) ?? emptyHamt<string, number>()))
    candidates.add(path);
  const paths = [...candidates].filter((path) => factsAt(draft.view, path)?.owner === session).sort();
  for (const path of paths) change(draft, deletion(draft.view, path));
  draft.expiry = beginClosing(draft.expiry, session);
  return { type: 'closeSession', paths };
};

const accept = (draft: Draft): LeaderState => {
  const { leader, write, stamp, paths, ephemerals } = draft;
  const { session } = write;
  if (paths.length === 0) {
    // A request that failed, a multi too, leaves no trace but its zxid.
    const { outstanding, accepted, creations, reaper } = leader;
    return { expiry: draft.expiry, outstanding, accepted, creations, reaper };
  }
  const accepted = push(leader.accepted, { zxid: stamp.zxid, paths, session, ephemerals });
  let { creations } = leader;
  for (const path of ephemerals) creations = counted(creations, session, path, 1);
  return { expiry: draft.expiry, outstanding: draft.view.outstanding, accepted, creations, reaper: leader.reaper };
};

const counted = (
  creations: LeaderState['creations'],
  session: SessionId,
  path: string,
  by: number,
): LeaderState['creations'] => {
  const paths = getKey(creations, session) ?? emptyHamt<string, number>();
  const count = (getKey(paths, path) ?? 0) + by;
  const left = count === 0 ? removeKey(paths, path) : setKey(paths, path, count);
  return left.size === 0 ? removeKey(creations, session) : setKey(creations, session, left);
};

/** A transaction was applied here: what was outstanding up to it is in the database now, a closed session is gone. */
export const settle = (leader: LeaderState, txn: Txn): LeaderState => {
  let { outstanding, accepted, creations } = leader;
  for (
    let next = first(accepted);
    next !== undefined && compareZxid(next.zxid, txn.zxid) <= 0;
    next = first(accepted)
  ) {
    for (const path of next.paths) {
      const latest = getKey(outstanding, path);
      if (latest !== undefined && sameZxid(latest.zxid, next.zxid)) outstanding = removeKey(outstanding, path);
    }
    for (const path of next.ephemerals) creations = counted(creations, next.session, path, -1);
    accepted = pop(accepted);
  }
  const expiry = txn.record.type === 'closeSession' ? forget(leader.expiry, txn.session) : leader.expiry;
  return { expiry, outstanding, accepted, creations, reaper: leader.reaper };
};

export type Touched = { readonly session: SessionId; readonly timeoutMs: number };

/** Sessions heard of by this server or, with its PING, by a learner. */
export const touchSessions = (leader: LeaderState, touched: readonly Touched[], nowMs: number): LeaderState => {
  let { expiry } = leader;
  for (const { session, timeoutMs } of touched) expiry = touch(expiry, session, timeoutMs, nowMs);
  return withExpiry(leader, expiry);
};

/** A client attaches with this session at `origin`: whether it may, and if so it lives there from now on. */
export const revalidate = (
  leader: LeaderState,
  session: SessionId,
  timeoutMs: number,
  origin: ServerId,
  nowMs: number,
): { readonly leader: LeaderState; readonly valid: boolean } => {
  if (!isLive(leader.expiry, session)) return { leader, valid: false };
  const expiry = setOwner(touch(leader.expiry, session, timeoutMs, nowMs), session, origin);
  return { leader: withExpiry(leader, expiry), valid: true };
};

/** Closing requests for the sessions whose time is up; each is to be prepared and proposed. */
export const expireSessions = (
  leader: LeaderState,
  nowMs: number,
): { readonly leader: LeaderState; readonly requests: readonly WriteToPrepare[] } => {
  const { expiry, expired } = expire(leader.expiry, nowMs);
  const requests = expired.map((session): WriteToPrepare => ({
    session,
    cxid: 0,
    request: { op: 'closeSession' },
    identities: [],
  }));
  return { leader: withExpiry(leader, expiry), requests };
};

const withExpiry = (leader: LeaderState, expiry: Expiry): LeaderState => {
  const { outstanding, accepted, creations, reaper } = leader;
  return expiry === leader.expiry ? leader : { expiry, outstanding, accepted, creations, reaper };
};

/** Deletions of containers and TTL nodes whose time has come; each is to be prepared and proposed, at once. */
export const reapNodes = (
  leader: LeaderState,
  { tree }: Database,
  clock: { readonly nowMs: number; readonly wallMs: number },
  rules = defaultRules,
): { readonly leader: LeaderState; readonly requests: readonly WriteToPrepare[] } => {
  const view: View = { tree, outstanding: leader.outstanding, rules };
  const { reaper, paths } = reap(leader.reaper, view, rules.reaping, clock.nowMs, clock.wallMs);
  if (reaper === leader.reaper) return { leader, requests: [] };
  const { expiry, outstanding, accepted, creations } = leader;
  const requests = paths.map((path): WriteToPrepare => ({
    session: noSession,
    cxid: 0,
    request: { op: 'deleteContainer', path },
    identities: [],
  }));
  return { leader: { expiry, outstanding, accepted, creations, reaper }, requests };
};
