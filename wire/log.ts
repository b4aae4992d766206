/**
 * Transaction log files: a header of 16 bytes, then entries of int64 Adler-32, int32 length, payload, one byte 0x42;
 * the payload is the transaction as wire/txn.ts has it. Behind the entries lie the zeros of a preallocated file.
 */
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import type { Txn } from '../core/service/txn.js';
import { adler32 } from './adler32.js';
import type { WireError } from './error.js';
import { writeByte, writeBytes, writeInt } from './jute.js';
import type { Writer } from './jute.js';
import { encodeTxn, replayTxn } from './txn.js';

/** `ZKLG`, version 2, dbid 0. */
const header = Buffer.from('5a4b4c47000000020000000000000000', 'hex');
const magicBytes = 4;
const frontBytes = 12;
const txnHeaderBytes = 32;
const endOfEntry = 0x42;

export const logHeaderBytes = header.length;

/** The first 16 bytes of a log file. */
export const writeLogHeader = (w: Writer): void => writeBytes(w, header);

/** Appends one entry. */
export const writeLogEntry = (w: Writer, txn: Txn): void => {
  const payload = encodeTxn(txn);
  writeInt(w, 0);
  writeInt(w, adler32(payload));
  writeInt(w, payload.length);
  writeBytes(w, payload);
  writeByte(w, endOfEntry);
};

/** Bytes that are looked ahead for: with fewer left before the end of the file it is extended. */
const paddingMargin = 4096;

/**
 * The size that a file must have before the entry at `position` is written, so that most syncs change no metadata.
 * @param position      where the next entry goes
 * @param size          present size of the file
 * @param preAllocBytes 0 disables padding
 * @see FilePadding.calculateFileSizeWithPadding
 */
export const paddedSize = (position: number, size: number, preAllocBytes: number): number => {
  if (preAllocBytes <= 0 || position + paddingMargin < size) return size;
  if (position <= size) return size + preAllocBytes;
  const beyond = position + preAllocBytes;
  return beyond - (beyond % preAllocBytes);
};

export type LogEntry = {
  readonly zxid: Zxid;
  readonly txn: Txn;
  /** Where the entry starts and ends in the file: cutting at `end` keeps it. */
  readonly offset: number;
  readonly end: number;
};

export type LogEnd =
  /** The file ends right behind an entry, or its header. */
  | { readonly type: 'clean'; readonly at: number }
  /** Only zeros follow. */
  | { readonly type: 'padding'; readonly at: number }
  /** Something that is no entry, and nothing valid behind it: a write that a crash cut short. May be cut at `at`. */
  | { readonly type: 'torn'; readonly at: number; readonly why: WireError }
  /** No entry at `at`, but one at `validAt`: cutting would lose what was acknowledged. */
  | { readonly type: 'damaged'; readonly at: number; readonly validAt: number; readonly why: WireError }
  /** The bytes at `at` are as they were written (the checksum holds), but no transaction that is known here. */
  | { readonly type: 'undecodable'; readonly at: number; readonly why: WireError };

export type LogScan = { readonly entries: readonly LogEntry[]; readonly end: LogEnd };

/**
 * Reads a whole log file.
 * @returns Left `BadMagic` when it is no log; a file that ends inside its header is torn at 0
 */
export const scanLog = (bytes: Buffer): E.Either<WireError, LogScan> => {
  const noMagic = checkHeader(bytes);
  if (noMagic !== null) return E.left(noMagic);
  const entries: LogEntry[] = [];
  if (bytes.length < logHeaderBytes) {
    const why: WireError = { type: 'Truncated', need: logHeaderBytes, have: bytes.length };
    return E.right({ entries, end: { type: 'torn', at: 0, why } });
  }
  for (let at = logHeaderBytes; ;) {
    const step = readLogEntry(bytes, at, entries.at(-1)?.zxid ?? null);
    if (step.type !== 'entry') return E.right({ entries, end: step });
    entries.push(step.entry);
    at = step.entry.end;
  }
};

/** A file that a crash left without its whole header is the beginning of one; anything else is another file. */
const checkHeader = (bytes: Buffer): WireError | null => {
  const n = Math.min(magicBytes, bytes.length);
  if (bytes.compare(header, 0, n, 0, n) === 0) return null;
  return { type: 'BadMagic', expected: header.toString('hex', 0, magicBytes), found: bytes.toString('hex', 0, n) };
};

/**
 * One step of scanLog, for readers that keep no list.
 * @param previous zxid of the entry before: what lies below it is not taken for a later entry
 */
export const readLogEntry = (
  bytes: Buffer,
  at: number,
  previous: Zxid | null,
): { readonly type: 'entry'; readonly entry: LogEntry } | LogEnd => {
  if (at === bytes.length) return { type: 'clean', at };
  const why = checkEntry(bytes, at);
  if (why === null) {
    const end = entryEnd(bytes, at);
    const txn = replayTxn(bytes, at + frontBytes, end - 1);
    if (E.isLeft(txn)) return { type: 'undecodable', at, why: txn.left };
    return { type: 'entry', entry: { zxid: txn.right.zxid, txn: txn.right, offset: at, end } };
  }
  if (isZero(bytes, at)) return { type: 'padding', at };
  const validAt = findEntry(bytes, at + 1, previous);
  return validAt < 0 ? { type: 'torn', at, why } : { type: 'damaged', at, validAt, why };
};

const entryEnd = (bytes: Buffer, at: number): number => at + frontBytes + bytes.readInt32BE(at + 8) + 1;

/** What keeps the bytes at `at` from being an entry; null when nothing does. */
const checkEntry = (bytes: Buffer, at: number): WireError | null => {
  const have = bytes.length;
  if (have < at + frontBytes) return { type: 'Truncated', need: at + frontBytes, have };
  const length = bytes.readInt32BE(at + 8);
  if (length <= 0) return { type: 'BadLength', field: 'entry', length };
  const end = at + frontBytes + length + 1;
  if (have < end) return { type: 'Truncated', need: end, have };
  const last = bytes[end - 1] ?? 0;
  if (last !== endOfEntry) return { type: 'BadValue', field: 'end of entry', value: `0x${last.toString(16)}` };
  const stored = bytes.readUInt32BE(at) * 0x100000000 + bytes.readUInt32BE(at + 4);
  const computed = adler32(bytes, at + frontBytes, end - 1);
  return stored === computed ? null : { type: 'BadChecksum', at, stored, computed };
};

const isZero = (bytes: Buffer, from: number): boolean => {
  for (let i = from; i < bytes.length; i += 1) if (bytes[i] !== 0) return false;
  return true;
};

/**
 * The first valid entry at or behind `from`, -1 when there is none. Every offset is tried: where the length itself is
 * damaged the next entry may start anywhere. The cheap conditions come first, the checksum last.
 */
const findEntry = (bytes: Buffer, from: number, previous: Zxid | null): number => {
  const last = bytes.length - frontBytes - txnHeaderBytes - 1;
  for (let at = from; at <= last; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) continue;
    const length = bytes.readInt32BE(at + 8);
    if (length < txnHeaderBytes || bytes[at + frontBytes + length] !== endOfEntry) continue;
    const zxidAt = at + frontBytes + 12;
    const zxid = { epoch: bytes.readUInt32BE(zxidAt), counter: bytes.readUInt32BE(zxidAt + 4) };
    if (previous !== null && compareZxid(zxid, previous) <= 0) continue;
    if (checkEntry(bytes, at) === null) return at;
  }
  return -1;
};
