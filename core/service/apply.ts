/**
 * Applying a committed transaction: the new database, what its author is told, and what watchers may want to know.
 * Total: an error of a single change is a result, never an exception, so that any history can be replayed.
 * Source: DataTree.processTxn, FinalRequestProcessor.
 */
import type { Owner } from '../data/hamt.js';
import { removeKey, setKey } from '../data/hamt.js';
import { compareZxid } from '../data/zxid.js';
import { absurd } from '../step.js';
import type { Database } from './database.js';
import { errorCode } from './error.js';
import { parentOf } from './path.js';
import { bytesOf, countUse, quotaOver, readUse, statsPath, subtreeOfStats, writeUse } from './quota.js';
import type { MultiResult, ReplyBody } from './request.js';
import type { TreeChange, Tree, Znode } from './tree.js';
import {
  containerOwner,
  createNode,
  deleteNode,
  ephemeralsOf,
  newZnode,
  nodeAt,
  replaceData,
  setNodeAcl,
  setNodeData,
  statOf,
  ttlOwner,
} from './tree.js';
import type { Acl, CreateContainerTxn, CreateTTLTxn, CreateTxn, Txn, TxnRecord } from './txn.js';
import { noSession } from './txn.js';

/** A change that watches may be waiting for, with the lists (just before a delete) that say who may hear of it. */
export type Change = {
  readonly type: 'created' | 'deleted' | 'dataChanged';
  readonly path: string;
  /** null: openAcl. */
  readonly acl: readonly Acl[] | null;
  /** As `acl`; null too where the parent's watchers hear nothing. */
  readonly parentAcl: readonly Acl[] | null;
};

/** The answer to the author; the body is `none` when `err` is not 0. */
export type TxnResult = { readonly err: number; readonly body: ReplyBody };

export type Applied = {
  readonly database: Database;
  readonly result: TxnResult;
  /** In the order in which watches fire. */
  readonly changes: readonly Change[];
};

/** A transaction in progress; lives within one call of applyTxn. */
type Work = {
  tree: Tree;
  readonly txn: Txn;
  readonly owner: Owner | null;
  readonly changes: Change[];
};

export const noBody: ReplyBody = { type: 'none' };

/** Result of a change whose answer is a header alone. */
const done: TxnResult = { err: errorCode.ok, body: noBody };

const failed = (err: number): TxnResult => ({ err, body: noBody });

/** @param owner of the batch that this application belongs to (core/data/hamt.ts) */
export const applyTxn = (database: Database, txn: Txn, owner: Owner | null = null): Applied => {
  const work: Work = { tree: database.tree, txn, owner, changes: [] };
  const result = txn.record.type === 'multi' ? applyMulti(work, txn.record.parts) : applyRecord(work, txn.record);
  let { sessions } = database;
  if (txn.record.type === 'createSession') sessions = setKey(sessions, txn.session, txn.record.timeoutMs, owner);
  else if (txn.record.type === 'closeSession') sessions = removeKey(sessions, txn.session, owner);
  const zxid = compareZxid(txn.zxid, database.zxid) > 0 ? txn.zxid : database.zxid;
  return { database: { tree: work.tree, sessions, zxid }, result, changes: work.changes };
};

const applyRecord = (work: Work, record: TxnRecord): TxnResult => {
  const { txn, owner } = work;
  switch (record.type) {
    case 'create':
    case 'create2':
      return applyCreate(work, record, record.ephemeral ? txn.session : noSession);
    case 'createContainer':
      return applyCreate(work, record, containerOwner);
    case 'createTTL':
      return applyCreate(work, record, ttlOwner(record.ttl));
    case 'delete':
    case 'deleteContainer':
      return applyDelete(work, record.path);
    case 'setData':
      return applySetData(work, record.path, record.data, record.version);
    case 'reconfig': {
      const { err } = applySetData(work, record.path, record.data, record.version);
      const node = nodeAt(work.tree, record.path);
      if (err !== errorCode.ok || node === undefined) return failed(err);
      return { err, body: { type: 'dataStat', data: node.data, stat: statOf(node) } };
    }
    case 'setACL': {
      const { err } = take(work, setNodeAcl(work.tree, record.path, record.acl, record.version, owner));
      return err === errorCode.ok ? statResult(nodeAt(work.tree, record.path)) : failed(err);
    }
    case 'closeSession':
      return applyCloseSession(work, record.paths);
    case 'error':
      return failed(record.err);
    case 'check':
    case 'createSession':
      return done;
    case 'multi':
      return failed(errorCode.marshallingError); // a multi within a multi: no server writes one
    default:
      return absurd(record);
  }
};

/** All parts or none: a part of type `error` says that the checks failed, and which part did. */
const applyMulti = (work: Work, parts: readonly TxnRecord[]): TxnResult => {
  const fails = parts.some((part) => part.type === 'error');
  const results = parts.map((part): MultiResult => {
    if (fails) return { op: 'error', err: part.type === 'error' ? part.err : errorCode.ok };
    return multiResult(part, applyRecord(work, part));
  });
  return { err: errorCode.ok, body: { type: 'multi', results } };
};

const multiResult = (part: TxnRecord, { err, body }: TxnResult): MultiResult => {
  if (err !== errorCode.ok) return { op: 'error', err };
  if (body.type === 'path') return { op: 'create', path: body.path ?? '' };
  if (body.type === 'pathStat') return { op: 'create2', path: body.path, stat: body.stat };
  if (body.type === 'stat') return { op: 'setData', stat: body.stat };
  return part.type === 'check' ? { op: 'check' } : { op: 'delete' };
};

const take = (work: Work, change: TreeChange): TreeChange => {
  work.tree = change.tree;
  return change;
};

const statResult = (node: Znode | undefined): TxnResult =>
  node === undefined ? failed(errorCode.noNode) : { err: errorCode.ok, body: { type: 'stat', stat: statOf(node) } };

const applyCreate = (
  work: Work,
  record: CreateTxn | CreateContainerTxn | CreateTTLTxn,
  nodeOwner: string,
): TxnResult => {
  const { path } = record;
  const node = newZnode(path, record.data, record.acl, nodeOwner, work.txn.zxid, work.txn.timeMs);
  const { err } = take(work, createNode(work.tree, node, record.parentCVersion, work.owner));
  if (err !== errorCode.ok) return failed(err);
  const created = nodeAt(work.tree, path) ?? node;
  const counted = subtreeOfStats(path);
  if (counted !== null) recount(work, counted);
  else use(work, path, 1, bytesOf(node));
  note(work, 'created', created);
  return record.type === 'create'
    ? { err, body: { type: 'path', path } }
    : { err, body: { type: 'pathStat', path, stat: statOf(created) } };
};

const applyDelete = (work: Work, path: string): TxnResult => {
  const node = nodeAt(work.tree, path);
  const { err } = take(work, deleteNode(work.tree, path, work.txn.zxid, work.owner));
  if (err !== errorCode.ok) return failed(err);
  if (node !== undefined) {
    use(work, path, -1, -bytesOf(node));
    note(work, 'deleted', node);
  }
  return done;
};

const applySetData = (work: Work, path: string, data: Uint8Array | null, version: number): TxnResult => {
  const { zxid, timeMs } = work.txn;
  const before = nodeAt(work.tree, path);
  const { err } = take(work, setNodeData(work.tree, path, data, version, zxid, timeMs, work.owner));
  const node = nodeAt(work.tree, path);
  if (err !== errorCode.ok || node === undefined) return failed(err);
  if (before !== undefined) use(work, path, 0, bytesOf(node) - bytesOf(before));
  note(work, 'dataChanged', node);
  return statResult(node);
};

/** Deletes the listed nodes, then any other that still belongs to the session. */
const applyCloseSession = (work: Work, paths: readonly string[] | null): TxnResult => {
  for (const path of paths ?? []) applyDelete(work, path);
  for (const path of ephemeralsOf(work.tree, work.txn.session)) applyDelete(work, path);
  return done;
};

/** The stats of a subtree are what its nodes are, whatever its creator wrote. */
const recount = (work: Work, subtree: string): void => {
  work.tree = replaceData(work.tree, statsPath(subtree), writeUse(countUse(work.tree, subtree)), work.owner);
};

/** Counts a change in the deepest quota above it. */
const use = (work: Work, path: string, count: number, bytes: number): void => {
  if (count === 0 && bytes === 0) return;
  const subtree = quotaOver(work.tree, path);
  const stats = subtree === null ? undefined : nodeAt(work.tree, statsPath(subtree));
  if (subtree === null || stats === undefined) return;
  const before = readUse(stats.data);
  if (before === null) return recount(work, subtree);
  const after = { count: before.count + count, bytes: before.bytes + bytes };
  work.tree = replaceData(work.tree, stats.path, writeUse(after), work.owner);
};

const note = (work: Work, type: Change['type'], node: Znode): void => {
  const parentAcl = type === 'dataChanged' ? null : (nodeAt(work.tree, parentOf(node.path))?.acl ?? null);
  work.changes.push({ type, path: node.path, acl: node.acl, parentAcl });
};
