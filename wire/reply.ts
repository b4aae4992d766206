/** What a server sends to its clients: replies, and watch events under xid -1. */
import * as E from 'fp-ts/lib/Either.js';
import type { ClientRequest, MultiResult, Reply, ReplyBody, WatchEvent } from '../core/service/request.js';
import { absurd } from '../core/step.js';
import type { WireError } from './error.js';
import {
  encoded,
  fail,
  openReader,
  readBoolean,
  readBuffer,
  readInt,
  readString,
  readText,
  readTexts,
  readZxidOrNull,
  setInt,
  writeBuffer,
  writeInt,
  writeString,
  writeTexts,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { readAcls, readIdentities, readStat, writeAcls, writeIdentities, writeStat } from './records.js';
import { endOfMulti, opcodes, writeMultiHeader } from './request.js';

/** Replies that belong to no request of the client's own numbering. */
export const xids = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** Appends a reply as a frame, its length in front: ReplyHeader {int xid, int64 zxid, int err}, then the record. */
export const writeReply = (w: Writer, reply: Reply): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, reply.xid);
  writeZxid(w, reply.zxid);
  writeInt(w, reply.err);
  writeReplyBody(w, reply.body);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};

/** A reply as a frame of its own. */
export const encodeReply = (reply: Reply): Buffer => encoded(writeReply, reply);

const writeReplyBody = (w: Writer, body: ReplyBody): void => {
  switch (body.type) {
    case 'none':
      return;
    case 'path':
      return writeString(w, body.path);
    case 'pathStat':
      writeString(w, body.path);
      return writeStat(w, body.stat);
    case 'stat':
      return writeStat(w, body.stat);
    case 'dataStat':
      writeBuffer(w, body.data);
      return writeStat(w, body.stat);
    case 'children':
      return writeTexts(w, body.children);
    case 'childrenStat':
      writeTexts(w, body.children);
      return writeStat(w, body.stat);
    case 'aclStat':
      writeAcls(w, body.acl);
      return writeStat(w, body.stat);
    case 'multi':
      for (const result of body.results) writeMultiResult(w, result);
      return writeMultiHeader(w, endOfMulti, true, -1);
    case 'count':
      return writeInt(w, body.count);
    case 'identities':
      return writeIdentities(w, body.identities);
    case 'token':
      return writeBuffer(w, body.token);
    case 'done':
      return writeInt(w, 0);
    default:
      return absurd(body);
  }
};

/** Containers and TTL nodes made in a multi answer as create2, as Apache's do. */
const writeMultiResult = (w: Writer, result: MultiResult): void => {
  switch (result.op) {
    case 'error':
      writeMultiHeader(w, endOfMulti, false, result.err);
      return writeInt(w, result.err);
    case 'create':
      writeMultiHeader(w, opcodes.create, false, 0);
      return writeString(w, result.path);
    case 'create2':
      writeMultiHeader(w, opcodes.create2, false, 0);
      writeString(w, result.path);
      return writeStat(w, result.stat);
    case 'setData':
      writeMultiHeader(w, opcodes.setData, false, 0);
      return writeStat(w, result.stat);
    case 'getData':
      writeMultiHeader(w, opcodes.getData, false, 0);
      writeBuffer(w, result.data);
      return writeStat(w, result.stat);
    case 'getChildren':
      writeMultiHeader(w, opcodes.getChildren, false, 0);
      return writeTexts(w, result.children);
    case 'delete':
    case 'check':
      return writeMultiHeader(w, opcodes[result.op], false, 0);
    default:
      return absurd(result);
  }
};

/** The header of a frame from the server, to find the request that it answers. */
export type ReplyHead = { readonly xid: number; readonly zxid: Reply['zxid']; readonly err: number };

const readHead = (r: Reader): ReplyHead => {
  const xid = readInt(r);
  const zxid = readZxidOrNull(r);
  return { xid, zxid, err: readInt(r) };
};

/** Reads the header of the frame payload `bytes[at, end)`. */
export const decodeReplyHead = (bytes: Buffer, at = 0, end = bytes.length): E.Either<WireError, ReplyHead> => {
  const r = openReader(bytes, at, end);
  const head = readHead(r);
  return r.error === null ? E.right(head) : E.left(r.error);
};

/**
 * Reads the reply to a request of kind `op`. With an error there is no record, but for SASL.
 * @param bytes frame payload `bytes[at, end)`, without its length
 * @returns Left `Truncated`, `BadLength`, `BadValue`; `UnknownType` for a result in a multi that cannot be
 */
export const decodeReply = (
  op: ClientRequest['op'],
  bytes: Buffer,
  at = 0,
  end = bytes.length,
): E.Either<WireError, Reply> => {
  const r = openReader(bytes, at, end);
  const { xid, zxid, err } = readHead(r);
  const hasBody = err === 0 || op === 'sasl'; // a failed exchange is answered with an empty token behind the error
  const body: ReplyBody = hasBody && r.error === null ? readReplyBody(r, op) : { type: 'none' };
  return r.error === null ? E.right({ xid, zxid, err, body }) : E.left(r.error);
};

const readReplyBody = (r: Reader, op: ClientRequest['op']): ReplyBody => {
  switch (op) {
    case 'create':
    case 'sync':
      return { type: 'path', path: readString(r, 'path') };
    case 'create2':
    case 'createContainer':
    case 'createTTL': {
      const path = readText(r, 'path');
      return { type: 'pathStat', path, stat: readStat(r) };
    }
    case 'exists':
    case 'setData':
    case 'setACL':
      return { type: 'stat', stat: readStat(r) };
    case 'getData':
    case 'reconfig': {
      const data = readBuffer(r, 'data');
      return { type: 'dataStat', data, stat: readStat(r) };
    }
    case 'getACL': {
      const acl = readAcls(r) ?? [];
      return { type: 'aclStat', acl, stat: readStat(r) };
    }
    case 'getChildren':
    case 'getEphemerals':
      return { type: 'children', children: readTexts(r, 'children') };
    case 'getChildren2': {
      const children = readTexts(r, 'children');
      return { type: 'childrenStat', children, stat: readStat(r) };
    }
    case 'multi':
    case 'multiRead':
      return { type: 'multi', results: readMultiResults(r) };
    case 'getAllChildrenNumber':
      return { type: 'count', count: readInt(r) };
    case 'whoAmI':
      return { type: 'identities', identities: readIdentities(r) };
    case 'sasl':
      return { type: 'token', token: readBuffer(r, 'token') };
    case 'addWatch':
      readInt(r);
      return { type: 'done' };
    case 'delete':
    case 'deleteContainer':
    case 'ping':
    case 'auth':
    case 'checkWatches':
    case 'removeWatches':
    case 'setWatches':
    case 'setWatches2':
    case 'closeSession':
    case 'createSession':
    case 'invalid':
    case 'unreadable':
    case 'unknown':
      return { type: 'none' };
    default:
      return absurd(op);
  }
};

const readMultiResults = (r: Reader): readonly MultiResult[] => {
  const results: MultiResult[] = [];
  while (r.error === null) {
    const type = readInt(r);
    const done = readBoolean(r);
    readInt(r);
    if (done || r.error !== null) break;
    const result = readMultiResult(r, type);
    if (result === null) fail(r, { type: 'UnknownType', what: 'result in a multi', number: type });
    else results.push(result);
  }
  return results;
};

const readMultiResult = (r: Reader, type: number): MultiResult | null => {
  switch (type) {
    case endOfMulti:
      return { op: 'error', err: readInt(r) };
    case opcodes.create:
      return { op: 'create', path: readText(r, 'path') };
    case opcodes.create2: {
      const path = readText(r, 'path');
      return { op: 'create2', path, stat: readStat(r) };
    }
    case opcodes.setData:
      return { op: 'setData', stat: readStat(r) };
    case opcodes.getData: {
      const data = readBuffer(r, 'data');
      return { op: 'getData', data, stat: readStat(r) };
    }
    case opcodes.getChildren:
      return { op: 'getChildren', children: readTexts(r, 'children') };
    case opcodes.delete:
      return { op: 'delete' };
    case opcodes.check:
      return { op: 'check' };
    default:
      return null;
  }
};

/** KeeperState SyncConnected: the only state that a server sends. */
const syncConnected = 3;

/** Appends an event as a frame: ReplyHeader under xid -1, then WatcherEvent {int type, int state, ustring path}. */
export const writeWatchEvent = (w: Writer, event: WatchEvent): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, xids.event);
  writeZxid(w, event.zxid);
  writeInt(w, 0);
  writeInt(w, event.type);
  writeInt(w, syncConnected);
  writeString(w, event.path);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};

/** A watch event as a frame of its own. */
export const encodeWatchEvent = (event: WatchEvent): Buffer => encoded(writeWatchEvent, event);

/**
 * Reads a watch event from the frame payload `bytes[at, end)`, whose xid is -1.
 * @returns Left `BadValue` for a type other than 1 to 4
 */
export const decodeWatchEvent = (bytes: Buffer, at = 0, end = bytes.length): E.Either<WireError, WatchEvent> => {
  const r = openReader(bytes, at, end);
  const { zxid } = readHead(r);
  const type = readInt(r);
  readInt(r);
  const path = readText(r, 'path');
  if (r.error !== null) return E.left(r.error);
  if (type === 1 || type === 2 || type === 3 || type === 4) return E.right({ type, path, zxid });
  return E.left({ type: 'BadValue', field: 'event type', value: String(type) });
};
