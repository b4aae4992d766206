/**
 * Records of requests, as clients send them and as learners forward them to the leader: opcode and bytes to a
 * ClientRequest and back. Operations that are not offered are `unknown` with their opcode.
 */
import type {
  ClientRequest,
  CreateRequest,
  CreateTTLRequest,
  MultiPart,
  ReadPart,
  ReadRequest,
  Watched,
  WriteRequest,
} from '../core/service/request.js';
import { absurd } from '../core/step.js';
import {
  fail,
  readBoolean,
  readBuffer,
  readInt,
  readSaturated,
  readString,
  readTexts,
  readZxid,
  readZxidOrNull,
  writeBoolean,
  writeBuffer,
  writeInt,
  writeLong,
  writeString,
  writeTexts,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { readAcls, writeAcls } from './records.js';

/** Operation numbers (ZooDefs.OpCode) of what is offered. */
export const opcodes = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  sasl: 102,
  setWatches: 101,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
} as const;

/** ZooKeeper's MARSHALLINGERROR: a record that cannot be decoded; the connection stays. */
export const marshallingError = -5;

/** Type number at the end of a multi, and of a failed part in its answer. */
export const endOfMulti = -1;

/**
 * Reads the record of a client's request. Bytes behind it are ignored.
 * @returns `invalid` (a write) or `unreadable` (anything else) with MARSHALLINGERROR when the record cannot be decoded
 * @see client-protocol sections 1, 3 and 5; zookeeper.jute, module org.apache.zookeeper.proto
 */
export const readClientRequest = (r: Reader, opcode: number): ClientRequest => {
  switch (opcode) {
    case opcodes.exists:
      return readable(r, readWatched(r, 'exists'));
    case opcodes.getData:
      return readable(r, readWatched(r, 'getData'));
    case opcodes.getChildren:
      return readable(r, readWatched(r, 'getChildren'));
    case opcodes.getChildren2:
      return readable(r, readWatched(r, 'getChildren2'));
    case opcodes.getACL:
      return readable(r, { op: 'getACL', path: readString(r, 'path') });
    case opcodes.getAllChildrenNumber:
      return readable(r, { op: 'getAllChildrenNumber', path: readString(r, 'path') });
    case opcodes.getEphemerals:
      return readable(r, { op: 'getEphemerals', prefix: readString(r, 'prefixPath') });
    case opcodes.whoAmI:
      return { op: 'whoAmI' };
    case opcodes.multiRead:
      return readable(r, readMultiRead(r));
    case opcodes.addWatch: {
      const path = readString(r, 'path');
      return readable(r, { op: 'addWatch', path, mode: readInt(r) });
    }
    case opcodes.checkWatches:
    case opcodes.removeWatches: {
      const path = readString(r, 'path');
      const op = opcode === opcodes.checkWatches ? 'checkWatches' : 'removeWatches';
      return readable(r, { op, path, kind: readInt(r) });
    }
    case opcodes.sync:
      return readable(r, { op: 'sync', path: readString(r, 'path') });
    case opcodes.ping:
      return { op: 'ping' };
    case opcodes.sasl:
      return readable(r, { op: 'sasl', token: readBuffer(r, 'token') });
    case opcodes.auth:
      return readable(r, readAuth(r));
    case opcodes.setWatches:
    case opcodes.setWatches2:
      return readable(r, readSetWatches(r, opcode === opcodes.setWatches ? 'setWatches' : 'setWatches2'));
    case opcodes.closeSession:
      return { op: 'closeSession' };
    default:
      return readWrite(r, opcode) ?? { op: 'unknown', opcode };
  }
};

const readable = (r: Reader, request: ClientRequest): ClientRequest =>
  r.error === null ? request : { op: 'unreadable', err: marshallingError };

/**
 * Reads the record of a write that clients may send.
 * @returns null for any other opcode
 */
const readWrite = (r: Reader, opcode: number): WriteRequest | null => {
  const request = readAnyWrite(r, opcode);
  return request !== null && r.error !== null ? { op: 'invalid', err: marshallingError } : request;
};

const readAnyWrite = (r: Reader, opcode: number): WriteRequest | null => {
  switch (opcode) {
    case opcodes.multi:
      return readMulti(r);
    case opcodes.setACL:
      return readSetAcl(r);
    case opcodes.reconfig:
      return readReconfig(r);
    default: {
      const part = readPart(r, opcode);
      return part?.op === 'check' ? null : part; // a check stands only inside a multi
    }
  }
};

/**
 * Reads the record of a request that a learner forwards: a write, a sync, or a session's begin and end.
 * @returns null for an opcode that is not forwarded or not offered
 */
export const readForwarded = (r: Reader, opcode: number): WriteRequest | null => {
  if (opcode === opcodes.closeSession) return { op: 'closeSession' };
  if (opcode !== opcodes.createSession) return readWrite(r, opcode);
  const timeoutMs = readInt(r);
  return r.error === null ? { op: 'createSession', timeoutMs } : { op: 'invalid', err: marshallingError };
};

const readWatched = <Op extends string>(r: Reader, op: Op): { readonly op: Op } & Watched => {
  const path = readString(r, 'path');
  return { op, path, watch: readBoolean(r) };
};

/** AuthPacket: int type (ignored), ustring scheme, buffer auth. */
const readAuth = (r: Reader): ReadRequest => {
  readInt(r);
  const scheme = readString(r, 'scheme');
  return { op: 'auth', scheme, auth: readBuffer(r, 'auth') };
};

const readSetWatches = (r: Reader, op: 'setWatches' | 'setWatches2'): ReadRequest => {
  const relativeZxid = readZxid(r);
  const data = readTexts(r, 'dataWatches');
  const exist = readTexts(r, 'existWatches');
  const child = readTexts(r, 'childWatches');
  const persistent = op === 'setWatches' ? [] : readTexts(r, 'persistentWatches');
  const persistentRecursive = op === 'setWatches' ? [] : readTexts(r, 'persistentRecursiveWatches');
  return { op, relativeZxid, data, exist, child, persistent, persistentRecursive };
};

/** ReconfigRequest: ustring joiningServers, leavingServers, newMembers, int64 curConfigId. */
const readReconfig = (r: Reader): WriteRequest => {
  const joining = readString(r, 'joiningServers');
  const leaving = readString(r, 'leavingServers');
  const members = readString(r, 'newMembers');
  return { op: 'reconfig', joining, leaving, members, version: readZxidOrNull(r) };
};

const readSetAcl = (r: Reader): WriteRequest => {
  const path = readString(r, 'path');
  const acl = readAcls(r);
  return { op: 'setACL', path, acl, version: readInt(r) };
};

/** Reads one of the records that may stand in a multi; null for any other opcode. */
const readPart = (r: Reader, opcode: number): MultiPart | null => {
  switch (opcode) {
    case opcodes.create:
      return readCreate(r, 'create');
    case opcodes.create2:
      return readCreate(r, 'create2');
    case opcodes.createContainer:
      return readCreate(r, 'createContainer');
    case opcodes.createTTL:
      return readCreateTtl(r);
    case opcodes.delete:
    case opcodes.check: {
      const path = readString(r, 'path');
      return { op: opcode === opcodes.delete ? 'delete' : 'check', path, version: readInt(r) };
    }
    case opcodes.setData: {
      const path = readString(r, 'path');
      const data = readBuffer(r, 'data');
      return { op: 'setData', path, data, version: readInt(r) };
    }
    default:
      return null;
  }
};

const readCreate = (r: Reader, op: CreateRequest['op']): CreateRequest => {
  const path = readString(r, 'path');
  const data = readBuffer(r, 'data');
  const acl = readAcls(r);
  return { op, path, data, acl, flags: readInt(r) };
};

/** The ttl is drawn into what a double holds; everything beyond 0xffffffffff is refused by the rules anyway. */
const readCreateTtl = (r: Reader): CreateTTLRequest => {
  const path = readString(r, 'path');
  const data = readBuffer(r, 'data');
  const acl = readAcls(r);
  const flags = readInt(r);
  return { op: 'createTTL', path, data, acl, flags, ttl: readSaturated(r) };
};

const readMulti = (r: Reader): WriteRequest => ({ op: 'multi', parts: readParts(r, readPart) });

const readMultiRead = (r: Reader): ReadRequest => ({ op: 'multiRead', parts: readParts(r, readReadPart) });

const readReadPart = (r: Reader, opcode: number): ReadPart | null => {
  if (opcode === opcodes.getData) return readWatched(r, 'getData');
  return opcode === opcodes.getChildren ? readWatched(r, 'getChildren') : null;
};

/** Pairs of MultiHeader {int type, boolean done, int err} and record, ended by a header that is done. */
const readParts = <Part>(r: Reader, read: (r: Reader, type: number) => Part | null): readonly Part[] => {
  const parts: Part[] = [];
  while (r.error === null) {
    const type = readInt(r);
    const done = readBoolean(r);
    readInt(r);
    if (done || r.error !== null) break;
    const part = read(r, type);
    if (part === null) fail(r, { type: 'UnknownType', what: 'part of a multi', number: type });
    else parts.push(part);
  }
  return parts;
};

/** Opcode under which a request travels; for those that could not be decoded, one of the same kind. */
export const opcodeOf = (request: ClientRequest): number => {
  switch (request.op) {
    case 'invalid':
      return opcodes.create;
    case 'unreadable':
      return opcodes.exists;
    case 'unknown':
      return request.opcode;
    default:
      return opcodes[request.op];
  }
};

/**
 * Writes the record of a request. `invalid` and `unreadable` have an empty record under the opcode of opcodeOf, which
 * nobody can decode: the reader finds MARSHALLINGERROR again (their only error in what clients and learners send).
 */
export const writeRequest = (w: Writer, request: ClientRequest): void => {
  switch (request.op) {
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      writeString(w, request.path);
      return writeBoolean(w, request.watch);
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'sync':
    case 'deleteContainer':
      return writeString(w, request.path);
    case 'getEphemerals':
      return writeString(w, request.prefix);
    case 'addWatch':
      writeString(w, request.path);
      return writeInt(w, request.mode);
    case 'checkWatches':
    case 'removeWatches':
      writeString(w, request.path);
      return writeInt(w, request.kind);
    case 'multiRead':
      for (const { op, path, watch } of request.parts) {
        writeMultiHeader(w, opcodes[op], false, -1);
        writeString(w, path);
        writeBoolean(w, watch);
      }
      return writeMultiHeader(w, endOfMulti, true, -1);
    case 'reconfig':
      writeString(w, request.joining);
      writeString(w, request.leaving);
      writeString(w, request.members);
      return writeZxid(w, request.version);
    case 'sasl':
      return writeBuffer(w, request.token);
    case 'auth':
      writeInt(w, 0);
      writeString(w, request.scheme);
      return writeBuffer(w, request.auth);
    case 'setWatches':
    case 'setWatches2':
      writeZxid(w, request.relativeZxid);
      writeTexts(w, request.data);
      writeTexts(w, request.exist);
      writeTexts(w, request.child);
      if (request.op === 'setWatches') return;
      writeTexts(w, request.persistent);
      return writeTexts(w, request.persistentRecursive);
    case 'createSession':
      return writeInt(w, request.timeoutMs);
    case 'setACL':
      writeString(w, request.path);
      writeAcls(w, request.acl);
      return writeInt(w, request.version);
    case 'multi':
      for (const part of request.parts) {
        writeMultiHeader(w, opcodes[part.op], false, -1);
        writePart(w, part);
      }
      return writeMultiHeader(w, endOfMulti, true, -1);
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
    case 'invalid':
    case 'unreadable':
    case 'unknown':
      return;
    default:
      return writePart(w, request);
  }
};

export const writeMultiHeader = (w: Writer, type: number, done: boolean, err: number): void => {
  writeInt(w, type);
  writeBoolean(w, done);
  writeInt(w, err);
};

const writePart = (w: Writer, part: MultiPart): void => {
  writeString(w, part.path);
  switch (part.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      writeBuffer(w, part.data);
      writeAcls(w, part.acl);
      writeInt(w, part.flags);
      return part.op === 'createTTL' ? writeLong(w, part.ttl) : undefined;
    case 'delete':
    case 'check':
      return writeInt(w, part.version);
    case 'setData':
      writeBuffer(w, part.data);
      return writeInt(w, part.version);
    default:
      return absurd(part);
  }
};
