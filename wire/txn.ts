/**
 * Transactions as the log and the quorum port carry them: TxnHeader (32 bytes), the record of its type, and a digest of
 * the tree (12 bytes) that may be missing. There is no length inside: the bytes end where their container says.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Acl, Txn, TxnRecord } from '../core/service/txn.js';
import { absurd } from '../core/step.js';
import type { WireError } from './error.js';
import {
  encoded,
  fail,
  openReader,
  readBoolean,
  readBuffer,
  readCount,
  readInt,
  readLong,
  readSession,
  readText,
  readTexts,
  readZxid,
  setInt,
  writeBoolean,
  writeBuffer,
  writeInt,
  writeLong,
  writeSession,
  writeString,
  writeTexts,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { openAcl, readAcls, writeAcls } from './records.js';

const digestBytes = 12;

/** Type numbers of transactions (ZooDefs.OpCode). */
export const txnTypes = {
  closeSession: -11,
  createSession: -10,
  error: -1,
  create: 1,
  delete: 2,
  setData: 5,
  setACL: 7,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
} as const satisfies Record<TxnRecord['type'], number>;

/** The bytes of transactions that were decoded or encoded before: a leader encodes once, a follower logs what it got. */
const known = new WeakMap<Txn, Buffer>();

/**
 * The bytes of a transaction: those it was decoded from, if it was. Do not change them.
 * @see TxnHeader, zookeeper.jute; disk-formats 2.4
 */
export const encodeTxn = (txn: Txn): Buffer => {
  const before = known.get(txn);
  if (before !== undefined) return before;
  const bytes = encoded(writeTxn, txn);
  known.set(txn, bytes);
  return bytes;
};

/**
 * Decodes `bytes[at, end)`, and keeps a copy of them for encodeTxn.
 * @returns Left `Truncated`, `BadLength`, `BadValue` or `UnknownType`; bytes behind the digest are ignored
 */
export const decodeTxn = (bytes: Buffer, at = 0, end = bytes.length): E.Either<WireError, Txn> => {
  const txn = replayTxn(bytes, at, end);
  if (E.isRight(txn)) known.set(txn.right, Buffer.from(bytes.subarray(at, end)));
  return txn;
};

/** decodeTxn without the copy: for a log that is replayed and forgotten. */
export const replayTxn = (bytes: Buffer, at = 0, end = bytes.length): E.Either<WireError, Txn> => {
  const r = openReader(bytes, at, end);
  const session = readSession(r);
  const cxid = readInt(r);
  const zxid = readZxid(r);
  const timeMs = readLong(r, 'time');
  const type = readInt(r);
  const record = readRecord(r, type);
  const digest = r.at < r.end ? readDigest(r) : null;
  return r.error === null ? E.right({ session, cxid, zxid, timeMs, record, digest }) : E.left(r.error);
};

const readDigest = (r: Reader): NonNullable<Txn['digest']> => {
  const version = readInt(r);
  return { version, tree: readSession(r) };
};

const readRecord = (r: Reader, type: number): TxnRecord => {
  switch (type) {
    case txnTypes.create:
    case txnTypes.create2:
      return readCreate(r, type === txnTypes.create ? 'create' : 'create2');
    case txnTypes.createContainer: {
      const path = readText(r, 'path');
      const data = readBuffer(r, 'data');
      const acl = readTxnAcls(r);
      return { type: 'createContainer', path, data, acl, parentCVersion: readInt(r) };
    }
    case txnTypes.createTTL: {
      const path = readText(r, 'path');
      const data = readBuffer(r, 'data');
      const acl = readTxnAcls(r);
      const parentCVersion = readInt(r);
      return { type: 'createTTL', path, data, acl, parentCVersion, ttl: readLong(r, 'ttl') };
    }
    case txnTypes.delete:
    case txnTypes.deleteContainer:
      return { type: type === txnTypes.delete ? 'delete' : 'deleteContainer', path: readText(r, 'path') };
    case txnTypes.setData:
    case txnTypes.reconfig: {
      const path = readText(r, 'path');
      const data = readBuffer(r, 'data');
      return { type: type === txnTypes.setData ? 'setData' : 'reconfig', path, data, version: readInt(r) };
    }
    case txnTypes.setACL: {
      const path = readText(r, 'path');
      const acl = readTxnAcls(r);
      return { type: 'setACL', path, acl, version: readInt(r) };
    }
    case txnTypes.check: {
      const path = readText(r, 'path');
      return { type: 'check', path, version: readInt(r) };
    }
    case txnTypes.error:
      return { type: 'error', err: readInt(r) };
    case txnTypes.createSession:
      return { type: 'createSession', timeoutMs: readInt(r) };
    case txnTypes.closeSession:
      return { type: 'closeSession', paths: readClosedPaths(r) };
    case txnTypes.multi:
      return { type: 'multi', parts: readParts(r) };
    default:
      fail(r, { type: 'UnknownType', what: 'transaction', number: type });
      return { type: 'error', err: 0 };
  }
};

/** Null means world:anyone:31, as in the cache of ACLs of a tree. */
const readTxnAcls = (r: Reader): readonly Acl[] => readAcls(r) ?? openAcl;

/** CreateTxn, or CreateTxnV0 (3.3 and older) when the record ends before parentCVersion. */
const readCreate = (r: Reader, type: 'create' | 'create2'): TxnRecord => {
  const path = readText(r, 'path');
  const data = readBuffer(r, 'data');
  const acl = readTxnAcls(r);
  const ephemeral = readBoolean(r);
  const parentCVersion = r.at === r.end ? -1 : readInt(r);
  return { type, path, data, acl, ephemeral, parentCVersion };
};

/**
 * The body may be absent (zookeeper.closeSessionTxn.enabled=false, 3.5 and older), with or without a digest behind.
 * Twelve bytes that start with 2 are such a digest: as a body they would hold two paths of no length.
 */
const readClosedPaths = (r: Reader): readonly string[] | null => {
  const left = r.end - r.at;
  if (r.error !== null || left === 0) return null;
  if (left === digestBytes && r.bytes.readInt32BE(r.at) === 2) return null;
  return readTexts(r, 'paths2Delete');
};

/** `vector<Txn>`, each int type, buffer record. A multi inside a multi does not exist: refused, which bounds the depth. */
const readParts = (r: Reader): readonly TxnRecord[] => {
  const count = readCount(r, 'txns', 8);
  if (count < 0) fail(r, { type: 'BadLength', field: 'txns', length: -1 });
  const parts: TxnRecord[] = [];
  for (let i = 0; i < count && r.error === null; i += 1) {
    const type = readInt(r);
    const length = readInt(r);
    if (length < 0) fail(r, { type: 'BadLength', field: 'txns', length });
    else if (type === txnTypes.multi) fail(r, { type: 'UnknownType', what: 'part of a multi', number: type });
    else if (r.at + length > r.end) fail(r, { type: 'Truncated', need: r.at + length, have: r.end });
    else {
      const part = openReader(r.bytes, r.at, r.at + length);
      parts.push(readRecord(part, type));
      r.at += length;
      if (part.error !== null) fail(r, part.error);
    }
  }
  return parts;
};

const writeTxn = (w: Writer, txn: Txn): void => {
  writeSession(w, txn.session);
  writeInt(w, txn.cxid);
  writeZxid(w, txn.zxid);
  writeLong(w, txn.timeMs);
  writeInt(w, txnTypes[txn.record.type]);
  writeRecord(w, txn.record);
  if (txn.digest === null) return;
  writeInt(w, txn.digest.version);
  writeSession(w, txn.digest.tree);
};

const writeRecord = (w: Writer, record: TxnRecord): void => {
  switch (record.type) {
    case 'create':
    case 'create2':
      writeString(w, record.path);
      writeBuffer(w, record.data);
      writeAcls(w, record.acl);
      writeBoolean(w, record.ephemeral);
      return writeInt(w, record.parentCVersion);
    case 'createContainer':
    case 'createTTL':
      writeString(w, record.path);
      writeBuffer(w, record.data);
      writeAcls(w, record.acl);
      writeInt(w, record.parentCVersion);
      return record.type === 'createTTL' ? writeLong(w, record.ttl) : undefined;
    case 'delete':
    case 'deleteContainer':
      return writeString(w, record.path);
    case 'setData':
    case 'reconfig':
      writeString(w, record.path);
      writeBuffer(w, record.data);
      return writeInt(w, record.version);
    case 'setACL':
      writeString(w, record.path);
      writeAcls(w, record.acl);
      return writeInt(w, record.version);
    case 'check':
      writeString(w, record.path);
      return writeInt(w, record.version);
    case 'error':
      return writeInt(w, record.err);
    case 'createSession':
      return writeInt(w, record.timeoutMs);
    case 'closeSession':
      return record.paths === null ? undefined : writeTexts(w, record.paths);
    case 'multi':
      writeInt(w, record.parts.length);
      for (const part of record.parts) writePart(w, part);
      return;
    default:
      return absurd(record);
  }
};

const writePart = (w: Writer, part: TxnRecord): void => {
  writeInt(w, txnTypes[part.type]);
  const lengthAt = w.at;
  writeInt(w, 0);
  writeRecord(w, part);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};
