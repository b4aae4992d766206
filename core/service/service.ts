/**
 * A server as its clients see it, whatever its role: connections, sessions, requests and watches over the database that
 * committed transactions make. Writes leave as Forward effects and come back as Applied events.
 */
import { emptyFifo, first, pop } from '../data/fifo.js';
import { emptyHamt, forEachEntry, getKey, newOwner } from '../data/hamt.js';
import type { Owner } from '../data/hamt.js';
import type { Configuration } from '../configuration.js';
import { zeroZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { configurationAt } from '../ensemble.js';
import { absurd } from '../step.js';
import { allows, perm } from './acl.js';
import { applyTxn } from './apply.js';
import type { Change } from './apply.js';
import { auditedDeletions, auditedResult } from './audit.js';
import type { AuditEntry } from './audit.js';
import {
  clientClosed,
  clientConnected,
  closeClient,
  connectReceived,
  established,
  takeForwarded,
} from './connection.js';
import { freshDatabase, fromSnapshot, toSnapshot } from './database.js';
import type { SnapshotRefusal } from './database.js';
import { errorCode } from './error.js';
import { forgetLocal, isLocal } from './local.js';
import { complete, requestReceived, rulesOf } from './pipeline.js';
import type { ClientRequest } from './request.js';
import type { Snapshot } from './snapshot.js';
import { defaultRules, rightsOf } from './rules.js';
import { serviceOf } from './state.js';
import type { Draft, Forwarded, ServiceEvent, ServiceState, ServiceStep, Touched } from './state.js';
import { configPath, nodeAt, showConfig } from './tree.js';
import type { SessionId, Txn } from './txn.js';
import { fire, noWatches } from './watch.js';

export type { ServiceEffect, ServiceEvent, ServiceState, ServiceStep, Touched } from './state.js';

/** A server that never applied anything and does not serve. */
export const freshService = (): ServiceState => serviceOf(freshDatabase());

/** A server that holds the state of a snapshot, complete up to `zxid`, and does not serve. */
export const restore = (snapshot: Snapshot, zxid: Zxid): { readonly state: ServiceState } | SnapshotRefusal => {
  const loaded = fromSnapshot(snapshot, zxid);
  return 'refused' in loaded ? loaded : { state: serviceOf(loaded.database) };
};

/**
 * The database as a snapshot at `state.database.zxid`: a reference, walked as it is iterated. Within a batch that has
 * an owner, it ends the batch: later events need a new owner.
 */
export const snapshotOf = (state: ServiceState): Snapshot => toSnapshot(state.database);

/** How many requests of a connection are not answered yet; the shell stops reading when there are too many. */
export const outstanding = (state: ServiceState, conn: number): number => {
  const c = getKey(state.conns, conn);
  return c === undefined ? 0 : c.queue.size + c.held.size;
};

/** The configuration in /zookeeper/config; null when it holds none. */
export const configurationOf = ({ database }: ServiceState): Configuration | null =>
  configurationAt(nodeAt(database.tree, configPath)?.data ?? null);

/**
 * Shows the configuration under which this server serves, without a transaction: the one of the files has none, and so
 * all servers of an epoch show the same (ZooKeeperServer.initConfigInZKDatabase).
 */
export const showConfiguration = (state: ServiceState, text: string): ServiceState => {
  const { database } = state;
  const tree = showConfig(
    database.tree,
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
  );
  if (tree === database.tree) return state;
  const d = open(state, null);
  d.database = { tree, sessions: database.sessions, zxid: database.zxid };
  return close(d, state);
};

/** The sessions heard of since the last call, for the leader. */
export const takeTouched = (
  state: ServiceState,
): { readonly state: ServiceState; readonly touched: readonly Touched[] } => {
  if (state.touched.size === 0) return { state, touched: [] };
  const touched: Touched[] = [];
  forEachEntry(state.touched, (session, timeoutMs) => touched.push({ session, timeoutMs }));
  const d = open(state, null);
  d.touched = emptyHamt();
  return { state: close(d, state), touched };
};

/**
 * One event. Total: an event about a connection that is gone changes nothing.
 * @param owner of the batch of steps that this one belongs to (core/data/hamt.ts); without it every state stays valid
 */
export const serviceStep = (state: ServiceState, event: ServiceEvent, owner: Owner | null = null): ServiceStep => {
  const d = open(state, owner);
  dispatch(d, event);
  return { state: close(d, state), effects: d.effects };
};

/** The fold of `serviceStep` over a batch, with one owner: nobody sees the states between. */
export const serviceStepAll = (state: ServiceState, events: readonly ServiceEvent[]): ServiceStep => {
  const d = open(state, newOwner());
  for (const event of events) dispatch(d, event);
  return { state: close(d, state), effects: d.effects };
};

const open = (s: ServiceState, owner: Owner | null): Draft => ({
  serving: s.serving,
  database: s.database,
  conns: s.conns,
  attached: s.attached,
  forwarded: s.forwarded,
  syncs: s.syncs,
  watches: s.watches,
  touched: s.touched,
  effects: [],
  owner,
});

/** The same state, by reference, when nothing changed. */
const close = (d: Draft, s: ServiceState): ServiceState => {
  const { serving, database, conns, attached, forwarded, syncs, watches, touched } = d;
  const isSame =
    serving === s.serving &&
    database === s.database &&
    conns === s.conns &&
    attached === s.attached &&
    forwarded === s.forwarded &&
    syncs === s.syncs &&
    watches === s.watches &&
    touched === s.touched;
  return isSame ? s : { serving, database, conns, attached, forwarded, syncs, watches, touched };
};

const dispatch = (d: Draft, event: ServiceEvent): void => {
  switch (event.type) {
    case 'StartServing':
      return startServing(d, event);
    case 'StopServing':
      return stopServing(d);
    case 'ClientConnected':
      return clientConnected(d, event.conn, event.address, event.proved);
    case 'ConnectReceived':
      return connectReceived(d, event.conn, event.request);
    case 'RequestReceived':
      return requestReceived(d, event.conn, event.xid, event.request);
    case 'ClientClosed':
      return clientClosed(d, event.conn);
    case 'Applied':
      return applied(d, event.txn);
    case 'Synced':
      return synced(d);
    case 'LocalExpired':
      return localExpired(d, event.session);
    case 'Revalidated':
      return revalidated(d, event.session, event.valid);
    default:
      absurd(event);
  }
};

const startServing = (d: Draft, event: Extract<ServiceEvent, { readonly type: 'StartServing' }>): void => {
  stopServing(d);
  d.serving = {
    nextSession: event.firstSession,
    tickTimeMs: event.tickTimeMs,
    minSessionTimeoutMs: event.minSessionTimeoutMs,
    maxSessionTimeoutMs: event.maxSessionTimeoutMs,
    zxid: event.zxid ?? zeroZxid,
    rules: event.rules ?? defaultRules,
    readOnly: event.readOnly ?? false,
    locals: emptyHamt(),
  };
};

/** All connections end; what was forwarded is forgotten: another leader may or may not have it. */
const stopServing = (d: Draft): void => {
  forEachEntry(d.conns, (conn) => d.effects.push({ type: 'CloseClient', conn, reason: 'not serving' }));
  d.serving = null;
  d.conns = emptyHamt();
  d.attached = emptyHamt();
  d.forwarded = emptyHamt();
  d.syncs = emptyFifo();
  d.watches = noWatches;
  d.touched = emptyHamt();
};

/** Database, then watch events, then the author's answer: a client hears of a change before it sees it. */
export const applied = (d: Draft, txn: Txn): void => {
  const { database, result, changes } = applyTxn(d.database, txn, d.owner);
  d.database = database;
  for (const change of changes) notify(d, change, txn.zxid);
  const author = takeForwarded(d, txn.session, (oldest) => isAuthor(oldest, txn));
  if (author?.op === 'createSession')
    receiveHeld(d, author.conn, established(d, author.conn, 'creating', result.err === errorCode.ok));
  else if (author !== null) complete(d, author.conn, author.seq, result);
  if (d.serving?.rules.audit === true) {
    if (author?.audit !== undefined) tellAudit(d, auditedResult(author.audit, txn, result));
    tellAudit(d, auditedDeletions(txn, changes));
  }
  if (txn.record.type === 'closeSession') endSession(d, txn.session);
};

const tellAudit = (d: Draft, entries: readonly AuditEntry[]): void => {
  for (const entry of entries) d.effects.push({ type: 'Audit', entry });
};

/** Session and cxid alone would let another server's request of a client that starts its xids anew pass for ours. */
const isAuthor = (oldest: Forwarded, { cxid, record }: Txn): boolean =>
  oldest.cxid === cxid && (record.type === 'error' || record.type === oldest.op);

const notify = (d: Draft, change: Change, zxid: Zxid): void => {
  const { watches, heard } = fire(d.watches, change, d.owner);
  d.watches = watches;
  for (const { conn, type, path, acl } of heard) {
    const c = getKey(d.conns, conn);
    const rules = rulesOf(d);
    if (c !== undefined && allows(acl, perm.read, rightsOf(rules, c.identities), rules.auth.providers))
      d.effects.push({ type: 'Event', conn, event: { type, path, zxid } });
  }
};

/** A session that was closed by another hand than its connection's here: expired, or closed elsewhere. */
const endSession = (d: Draft, session: SessionId): void => {
  const c = getKey(d.conns, getKey(d.attached, session) ?? -1);
  // A validating connection learns it from the leader's answer.
  if (c !== undefined && c.phase !== 'validating') closeClient(d, c, 'session closed');
};

const localExpired = (d: Draft, session: SessionId): void => {
  if (!isLocal(d, session)) return;
  forgetLocal(d, session);
  endSession(d, session);
};

export const synced = (d: Draft): void => {
  const sync = first(d.syncs);
  if (sync === undefined) return;
  d.syncs = pop(d.syncs);
  complete(d, sync.conn, sync.seq, { err: errorCode.ok, body: { type: 'path', path: sync.path } });
};

export const revalidated = (d: Draft, session: SessionId, valid: boolean): void => {
  const conn = getKey(d.attached, session);
  if (conn !== undefined) receiveHeld(d, conn, established(d, conn, 'validating', valid));
};

const receiveHeld = (
  d: Draft,
  conn: number,
  held: readonly { readonly xid: number; readonly request: ClientRequest }[],
): void => {
  for (const { xid, request } of held) requestReceived(d, conn, xid, request);
};
