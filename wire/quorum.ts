/**
 * The quorum port: QuorumPackets. A packet has no length in front; its fields follow each other in the stream:
 * int type, int64 zxid, buffer data, vector<Id> authinfo. Behind SNAP comes the snapshot itself (wire/quorumStream.ts).
 */
import * as E from 'fp-ts/lib/Either.js';
import { sameZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import type { Packet, Touched } from '../core/replication/packet.js';
import type { ForwardedRequest, Identity } from '../core/service/request.js';
import { absurd } from '../core/step.js';
import type { WireError } from './error.js';
import {
  encoded,
  fail,
  has,
  openReader,
  readBoolean,
  readInt,
  readLong,
  readSession,
  readString,
  readZxid,
  setInt,
  writeBoolean,
  writeBytes,
  writeInt,
  writeLong,
  writeSession,
  writeString,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { readIdentities } from './records.js';
import { opcodeOf, opcodes, readForwarded, writeRequest } from './request.js';
import { decodeTxn, encodeTxn } from './txn.js';

/** PING and REVALIDATE carry other data to the leader than from it. */
export type Direction = 'fromLearner' | 'fromLeader';

/** What is accepted from a peer, in bytes: memory that somebody else's numbers may claim. */
export type Limits = {
  /** Longest string or buffer. */
  readonly fieldBytes: number;
  /** Longest packet, and longest record of a snapshot. */
  readonly packetBytes: number;
  /** Longest snapshot behind SNAP. */
  readonly snapshotBytes: number;
};

/** As Apache's: jute.maxbuffer (1048575) and as much again of jute.maxbuffer.extrasize for a field. */
export const defaultLimits: Limits = { fieldBytes: 2097150, packetBytes: 8388608, snapshotBytes: 2 ** 36 };

/** Limits under which requests of that size travel between servers; never below the default. */
export const limitsFor = (maxBufferBytes: number): Limits => ({
  fieldBytes: Math.max(defaultLimits.fieldBytes, 2 * maxBufferBytes),
  packetBytes: Math.max(defaultLimits.packetBytes, 4 * maxBufferBytes),
  snapshotBytes: defaultLimits.snapshotBytes,
});

/** Type numbers (Leader.java). */
export const packetTypes = {
  REQUEST: 1,
  PROPOSAL: 2,
  ACK: 3,
  COMMIT: 4,
  PING: 5,
  REVALIDATE: 6,
  SYNC: 7,
  INFORM: 8,
  COMMITANDACTIVATE: 9,
  NEWLEADER: 10,
  FOLLOWERINFO: 11,
  UPTODATE: 12,
  DIFF: 13,
  TRUNC: 14,
  SNAP: 15,
  OBSERVERINFO: 16,
  LEADERINFO: 17,
  ACKEPOCH: 18,
  INFORMANDACTIVATE: 19,
} as const satisfies Record<Exclude<Packet['type'], 'REVALIDATED'>, number>;

export type PacketStep =
  | { readonly type: 'packet'; readonly packet: Packet; readonly end: number }
  /** A SNAP: its snapshot starts at `end`. */
  | { readonly type: 'snap'; readonly zxid: Zxid; readonly end: number }
  /** The buffer must reach offset `need` before this is asked again. */
  | { readonly type: 'more'; readonly need: number }
  | { readonly type: 'bad'; readonly error: WireError };

const bad = (error: WireError): PacketStep => ({ type: 'bad', error });

/**
 * Reads the packet at `at` of a stream.
 * @returns bad `UnknownType`, `TooLong`, or what is wrong with the data of the packet
 * @see zookeeper.jute, class QuorumPacket; quorum-protocol 3.1
 */
export const decodePacket = (
  bytes: Buffer,
  at: number,
  from: Direction,
  limits: Limits = defaultLimits,
): PacketStep => {
  const r = openReader(bytes, at, bytes.length, limits.fieldBytes);
  const type = readInt(r);
  const zxid = readZxid(r);
  const length = readInt(r);
  const start = r.at;
  if (length < -1) fail(r, { type: 'BadLength', field: 'data', length });
  else if (length > limits.fieldBytes) {
    fail(r, { type: 'TooLong', field: 'data', length, limit: limits.fieldBytes });
  } else if (length > 0 && has(r, length)) r.at += length;
  const identities = readIdentities(r);
  if (r.error?.type === 'Truncated') {
    const size = r.error.need - at;
    const limit = limits.packetBytes;
    return size > limit
      ? bad({ type: 'TooLong', field: 'packet', length: size, limit })
      : { type: 'more', need: r.error.need };
  }
  if (r.error !== null) return bad(r.error);
  if (type === packetTypes.SNAP) return { type: 'snap', zxid, end: r.at };
  const data = length < 0 ? null : openReader(bytes, start, start + length);
  const packet = readPacket(type, zxid, data, identities, from);
  return E.isLeft(packet) ? bad(packet.left) : { type: 'packet', packet: packet.right, end: r.at };
};

/** Data of a packet that has none: whoever reads it fails. */
const noData = (data: Reader | null): Reader => {
  if (data !== null) return data;
  const r = openReader(Buffer.alloc(0));
  fail(r, { type: 'BadLength', field: 'data', length: -1 });
  return r;
};

const readPacket = (
  type: number,
  zxid: Zxid,
  data: Reader | null,
  identities: readonly Identity[],
  from: Direction,
): E.Either<WireError, Packet> => {
  switch (type) {
    case packetTypes.PROPOSAL:
    case packetTypes.INFORM:
    case packetTypes.INFORMANDACTIVATE:
      return readTxnPacket(type, zxid, noData(data));
    case packetTypes.ACK:
      return E.right({ type: 'ACK', zxid });
    case packetTypes.COMMIT:
      return E.right({ type: 'COMMIT', zxid });
    case packetTypes.DIFF:
      return E.right({ type: 'DIFF', zxid });
    case packetTypes.TRUNC:
      return E.right({ type: 'TRUNC', zxid });
    case packetTypes.UPTODATE:
      return E.right({ type: 'UPTODATE' });
    case packetTypes.SYNC:
      return E.right({ type: 'SYNC' });
    case packetTypes.NEWLEADER: {
      const config = data === null ? null : data.bytes.toString('utf8', data.at, data.end);
      return E.right({ type: 'NEWLEADER', epoch: zxid.epoch, config });
    }
    case packetTypes.PING:
      return readPing(zxid, data, from);
    default: {
      const r = noData(data);
      const packet = readDataPacket(type, zxid, r, identities, from);
      if (packet === null) return E.left({ type: 'UnknownType', what: 'packet', number: type });
      return r.error === null ? E.right(packet) : E.left(r.error);
    }
  }
};

/** Packets with a fixed layout of data; null for an unknown type. */
const readDataPacket = (
  type: number,
  zxid: Zxid,
  r: Reader,
  identities: readonly Identity[],
  from: Direction,
): Packet | null => {
  switch (type) {
    case packetTypes.REQUEST:
      return { type: 'REQUEST', request: readForwardedRequest(r, identities) };
    case packetTypes.FOLLOWERINFO:
    case packetTypes.OBSERVERINFO:
      return readLearnerInfo(type === packetTypes.FOLLOWERINFO ? 'FOLLOWERINFO' : 'OBSERVERINFO', zxid.epoch, r);
    case packetTypes.LEADERINFO:
      return { type: 'LEADERINFO', epoch: zxid.epoch, protocolVersion: readInt(r) };
    case packetTypes.ACKEPOCH:
      return { type: 'ACKEPOCH', currentEpoch: readInt(r), zxid };
    case packetTypes.COMMITANDACTIVATE:
      return { type: 'COMMITANDACTIVATE', zxid, leader: readLong(r, 'leader') };
    case packetTypes.REVALIDATE: {
      const session = readSession(r);
      if (from === 'fromLeader') return { type: 'REVALIDATED', session, valid: readBoolean(r) };
      return { type: 'REVALIDATE', session, timeoutMs: readInt(r) };
    }
    default:
      return null;
  }
};

/**
 * LearnerInfo: int64 serverid, int protocolVersion, int64 configVersion. Servers before 3.5 leave out the end of it:
 * 8 bytes stand for version 1, 12 have no configuration.
 */
const readLearnerInfo = (type: 'FOLLOWERINFO' | 'OBSERVERINFO', acceptedEpoch: number, r: Reader): Packet => {
  const sid = readLong(r, 'sid');
  const protocolVersion = r.error === null && r.at === r.end ? 1 : readInt(r);
  const configVersion = r.error === null && r.at === r.end ? { epoch: 0, counter: 0 } : readZxid(r);
  return { type, acceptedEpoch, sid, protocolVersion, configVersion };
};

/** The transaction behind the header; INFORMANDACTIVATE has the designated leader in front. */
const readTxnPacket = (type: number, zxid: Zxid, r: Reader): E.Either<WireError, Packet> => {
  const leader = type === packetTypes.INFORMANDACTIVATE ? readLong(r, 'leader') : 0;
  if (r.error !== null) return E.left(r.error);
  const txn = decodeTxn(r.bytes, r.at, r.end);
  if (E.isLeft(txn)) return txn;
  if (!sameZxid(txn.right.zxid, zxid)) {
    return E.left({ type: 'BadValue', field: 'zxid of packet', value: `${zxid.epoch}:${zxid.counter}` });
  }
  if (type === packetTypes.PROPOSAL) return E.right({ type: 'PROPOSAL', txn: txn.right });
  if (type === packetTypes.INFORM) return E.right({ type: 'INFORM', txn: txn.right });
  return E.right({ type: 'INFORMANDACTIVATE', txn: txn.right, leader });
};

const touchedBytes = 12;

const readPing = (zxid: Zxid, data: Reader | null, from: Direction): E.Either<WireError, Packet> => {
  if (from === 'fromLeader') return E.right({ type: 'PING', zxid, touched: null });
  const touched: Touched[] = [];
  while (data !== null && data.error === null && data.at < data.end) {
    if (!has(data, touchedBytes)) break;
    const session = readSession(data);
    touched.push({ session, timeoutMs: readInt(data) });
  }
  const error = data?.error ?? null;
  return error === null ? E.right({ type: 'PING', zxid, touched }) : E.left(error);
};

/** ZooKeeper's UNIMPLEMENTED. */
const unimplemented = -6;

/** int64 session, int cxid, int opcode, the client's record. What is forwarded but not offered fails with UNIMPLEMENTED. */
const readForwardedRequest = (r: Reader, identities: readonly Identity[]): ForwardedRequest => {
  const session = readSession(r);
  const cxid = readInt(r);
  const opcode = readInt(r);
  const record = openReader(r.bytes, r.at, r.end);
  if (opcode === opcodes.sync)
    return { session, cxid, request: { op: 'sync', path: readString(record, 'path') }, identities };
  const request = readForwarded(record, opcode) ?? { op: 'invalid', err: unimplemented };
  return { session, cxid, request, identities };
};

/** Appends a packet; of SNAP only the packet itself, without its snapshot. */
export const writePacket = (w: Writer, p: Packet): void => {
  switch (p.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO':
      start(w, packetTypes[p.type], p.acceptedEpoch, 0, 20);
      writeLong(w, p.sid);
      writeInt(w, p.protocolVersion);
      writeZxid(w, p.configVersion);
      return writeInt(w, noIdentities);
    case 'LEADERINFO':
      start(w, packetTypes.LEADERINFO, p.epoch, 0, 4);
      writeInt(w, p.protocolVersion);
      return writeInt(w, noIdentities);
    case 'ACKEPOCH':
      start(w, packetTypes.ACKEPOCH, p.zxid.epoch, p.zxid.counter, 4);
      writeInt(w, p.currentEpoch);
      return writeInt(w, noIdentities);
    case 'DIFF':
    case 'TRUNC':
    case 'SNAP':
    case 'COMMIT':
    case 'ACK':
      return bare(w, packetTypes[p.type], p.zxid.epoch, p.zxid.counter);
    case 'UPTODATE':
      return bare(w, packetTypes.UPTODATE, -1, -1);
    case 'SYNC':
      return bare(w, packetTypes.SYNC, 0, 0);
    case 'PROPOSAL':
    case 'INFORM':
    case 'INFORMANDACTIVATE':
      return writeTxnPacket(w, p);
    case 'COMMITANDACTIVATE':
      start(w, packetTypes.COMMITANDACTIVATE, p.zxid.epoch, p.zxid.counter, 8);
      writeLong(w, p.leader);
      return writeInt(w, noIdentities);
    case 'NEWLEADER':
      writeInt(w, packetTypes.NEWLEADER);
      writeInt(w, p.epoch);
      writeInt(w, 0);
      writeString(w, p.config);
      return writeInt(w, noIdentities);
    case 'PING':
      start(
        w,
        packetTypes.PING,
        p.zxid.epoch,
        p.zxid.counter,
        p.touched === null ? -1 : p.touched.length * touchedBytes,
      );
      for (const { session, timeoutMs } of p.touched ?? []) {
        writeSession(w, session);
        writeInt(w, timeoutMs);
      }
      return writeInt(w, noIdentities);
    case 'REQUEST':
      return writeForwardedRequest(w, p.request);
    case 'REVALIDATE':
      start(w, packetTypes.REVALIDATE, -1, -1, 12);
      writeSession(w, p.session);
      writeInt(w, p.timeoutMs);
      return writeInt(w, noIdentities);
    case 'REVALIDATED':
      start(w, packetTypes.REVALIDATE, -1, -1, 9);
      writeSession(w, p.session);
      writeBoolean(w, p.valid);
      return writeInt(w, noIdentities);
    default:
      return absurd(p);
  }
};

/** A packet in a buffer of its own; of SNAP only the packet itself. */
export const encodePacket = (packet: Packet): Buffer => encoded(writePacket, packet);

/** Null, where Apache's servers put it: on everything but a client's request. */
const noIdentities = -1;

const start = (w: Writer, type: number, epoch: number, counter: number, dataBytes: number): void => {
  writeInt(w, type);
  writeInt(w, epoch);
  writeInt(w, counter);
  writeInt(w, dataBytes);
};

const bare = (w: Writer, type: number, epoch: number, counter: number): void => {
  start(w, type, epoch, counter, -1);
  writeInt(w, noIdentities);
};

const writeTxnPacket = (
  w: Writer,
  p: Extract<Packet, { readonly type: 'PROPOSAL' | 'INFORM' | 'INFORMANDACTIVATE' }>,
): void => {
  const bytes = encodeTxn(p.txn);
  const leaderBytes = p.type === 'INFORMANDACTIVATE' ? 8 : 0;
  start(w, packetTypes[p.type], p.txn.zxid.epoch, p.txn.zxid.counter, leaderBytes + bytes.length);
  if (p.type === 'INFORMANDACTIVATE') writeLong(w, p.leader);
  writeBytes(w, bytes);
  writeInt(w, noIdentities);
};

const writeForwardedRequest = (w: Writer, f: ForwardedRequest): void => {
  writeInt(w, packetTypes.REQUEST);
  writeZxid(w, null);
  const lengthAt = w.at;
  writeInt(w, 0);
  writeSession(w, f.session);
  writeInt(w, f.cxid);
  writeInt(w, opcodeOf(f.request));
  writeRequest(w, f.request);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
  writeInt(w, f.identities.length === 0 ? noIdentities : f.identities.length);
  for (const { scheme, id } of f.identities) {
    writeString(w, scheme);
    writeString(w, id);
  }
};
