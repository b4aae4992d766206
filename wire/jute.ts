/**
 * Jute, ZooKeeper's serialisation: big endian, no tags, no padding. A reader is a cursor with a sticky error: after the
 * first failure every read gives a zero value at once, and whoever opened the reader asks `error` when the record is
 * complete. That keeps one Either a message in place of one a field (style.md has the costs). Nothing here throws.
 *
 * int64 comes in three forms: a zxid as two unsigned halves, a session as 16 hexadecimal digits, and numbers (times,
 * server ids) as a double, refused when a double cannot hold them.
 */
import type { Zxid } from '../core/data/zxid.js';
import type { SessionId } from '../core/service/txn.js';
import type { WireError } from './error.js';

export type Reader = {
  readonly bytes: Buffer;
  /** Offset of the next byte. */
  at: number;
  /** Offset behind the last byte that may be read. */
  end: number;
  /** Longest string or buffer that is accepted, in bytes. */
  readonly limit: number;
  error: WireError | null;
};

/** A cursor over `bytes[at, end)`; a stream, whose end is not there yet, gives a limit of its own. */
export const openReader = (bytes: Buffer, at = 0, end = bytes.length, limit = 0x7fffffff): Reader => ({
  bytes,
  at,
  end,
  limit,
  error: null,
});

/** Notes the first failure and stops the reader. */
export const fail = (r: Reader, error: WireError): void => {
  if (r.error === null) r.error = error;
  r.end = r.at;
};

/** Whether `n` more bytes are there; otherwise the reader fails with Truncated. */
export const has = (r: Reader, n: number): boolean => {
  if (r.at + n <= r.end) return true;
  fail(r, { type: 'Truncated', need: r.at + n, have: r.end });
  return false;
};

export const readBoolean = (r: Reader): boolean => has(r, 1) && r.bytes[r.at++] !== 0;

export const readInt = (r: Reader): number => {
  if (!has(r, 4)) return 0;
  const value = r.bytes.readInt32BE(r.at);
  r.at += 4;
  return value;
};

const readUnsigned = (r: Reader): number => readInt(r) >>> 0;

/** int64 as its halves; -1 is (0xffffffff, 0xffffffff). */
export const readZxid = (r: Reader): Zxid => {
  if (!has(r, 8)) return { epoch: 0, counter: 0 };
  const epoch = readUnsigned(r);
  return { epoch, counter: readUnsigned(r) };
};

/** A zxid where -1 stands for none. */
export const readZxidOrNull = (r: Reader): Zxid | null => {
  const zxid = readZxid(r);
  return zxid.epoch === 0xffffffff && zxid.counter === 0xffffffff ? null : zxid;
};

/** int64 as 16 lower-case hexadecimal digits. */
export const readSession = (r: Reader): SessionId => {
  if (!has(r, 8)) return '0000000000000000';
  const text = r.bytes.toString('hex', r.at, r.at + 8);
  r.at += 8;
  return text;
};

/** int64 as a number; BadValue when a double cannot hold it exactly. -2^63, the vote of an observer, fits. */
export const readLong = (r: Reader, field: string): number => {
  if (!has(r, 8)) return 0;
  const high = readInt(r);
  const low = readUnsigned(r);
  const value = high * 0x100000000 + low;
  if (Math.floor(value / 0x100000000) === high && value - high * 0x100000000 === low) return value;
  fail(r, { type: 'BadValue', field, value: `0x${r.bytes.toString('hex', r.at - 8, r.at)}` });
  return 0;
};

/** int64 as a number, drawn to the nearest of -(2^53-1) and 2^53-1 when it lies beyond: for values that a rule bounds anyway. */
export const readSaturated = (r: Reader): number => {
  if (!has(r, 8)) return 0;
  const value = readInt(r) * 0x100000000 + readUnsigned(r);
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
};

/** The length of a ustring or buffer; -1 is null. Its bytes are known to be there. */
const readLength = (r: Reader, field: string): number => {
  const length = readInt(r);
  if (length < -1) fail(r, { type: 'BadLength', field, length });
  else if (length > r.limit) fail(r, { type: 'TooLong', field, length, limit: r.limit });
  else if (length > 0) has(r, length);
  return r.error === null ? length : -1;
};

export const readString = (r: Reader, field: string): string | null => {
  const length = readLength(r, field);
  if (length <= 0) return length < 0 ? null : '';
  const text = r.bytes.toString('utf8', r.at, r.at + length);
  r.at += length;
  return text;
};

/** A string that must not be null. */
export const readText = (r: Reader, field: string): string => {
  const text = readString(r, field);
  if (text !== null) return text;
  fail(r, { type: 'BadLength', field, length: -1 });
  return '';
};

/** A copy of the bytes, for values that live on: a view would keep the whole chunk of the socket alive. */
export const readBuffer = (r: Reader, field: string): Buffer | null => {
  const length = readLength(r, field);
  if (length < 0) return null;
  const value = copyValue(r.bytes, r.at, r.at + length);
  r.at += length;
  return value;
};

/**
 * The count of a vector; -1 (null) when the reader has failed.
 * @param least least size of an element in bytes: a count that cannot fit is Truncated before anything is built
 */
export const readCount = (r: Reader, field: string, least: number): number => {
  const count = readInt(r);
  if (count < -1) fail(r, { type: 'BadLength', field, length: count });
  else if (count > 0) has(r, count * least);
  return r.error === null ? count : -1;
};

/** A vector of strings, none of them null, itself not null. */
export const readTexts = (r: Reader, field: string): readonly string[] => {
  const count = readCount(r, field, 4);
  if (count < 0) fail(r, { type: 'BadLength', field, length: -1 });
  const texts: string[] = [];
  for (let i = 0; i < count && r.error === null; i += 1) texts.push(readText(r, field));
  return texts;
};

/** Values share pages of their own: in Node's common pool one small value would hold short-lived frames alive. */
const pageBytes = 16384;
const page = { bytes: Buffer.allocUnsafeSlow(0), at: 0 };

/** `bytes[from, to)` in memory of its own. */
export const copyValue = (bytes: Buffer, from: number, to: number): Buffer => {
  const length = to - from;
  if (length > pageBytes / 4) {
    const own = Buffer.allocUnsafeSlow(length);
    bytes.copy(own, 0, from, to);
    return own;
  }
  if (page.at + length > page.bytes.length) {
    page.bytes = Buffer.allocUnsafeSlow(pageBytes);
    page.at = 0;
  }
  bytes.copy(page.bytes, page.at, from, to);
  const value = page.bytes.subarray(page.at, page.at + length);
  page.at += length;
  return value;
};

/** Bytes in the making: grows by doubling, and is reused by setting `at` back to 0. */
export type Writer = { bytes: Buffer; at: number };

export const openWriter = (capacity = 1024): Writer => ({ bytes: Buffer.allocUnsafeSlow(capacity), at: 0 });

/** What was written, as a view: valid until the writer is used again. */
export const written = (w: Writer): Buffer => w.bytes.subarray(0, w.at);

/** Room for `n` more bytes. */
export const reserve = (w: Writer, n: number): void => {
  if (w.at + n <= w.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(w.bytes.length * 2, w.at + n));
  w.bytes.copy(larger, 0, 0, w.at);
  w.bytes = larger;
};

/** One writer serves all whole-message encoders; one that calls another goes on behind what is there. */
const scratch = openWriter(4096);
const scratchLimit = 1 << 20;

/** Encodes one message into a buffer of exactly its size. */
export const encoded = <A>(write: (w: Writer, a: A) => void, a: A): Buffer => {
  const start = scratch.at;
  write(scratch, a);
  const result = Buffer.allocUnsafe(scratch.at - start);
  scratch.bytes.copy(result, 0, start, scratch.at);
  scratch.at = start;
  if (start === 0 && scratch.bytes.length > scratchLimit) scratch.bytes = Buffer.allocUnsafeSlow(4096); // a huge message
  return result;
};

export const writeByte = (w: Writer, value: number): void => {
  reserve(w, 1);
  w.bytes[w.at++] = value;
};

export const writeBoolean = (w: Writer, value: boolean): void => writeByte(w, value ? 1 : 0);

/** Sets four bytes that were reserved before: lengths that are known only at the end. */
export const setInt = (bytes: Buffer, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};

export const writeInt = (w: Writer, value: number): void => {
  reserve(w, 4);
  setInt(w.bytes, w.at, value);
  w.at += 4;
};

export const writeZxid = (w: Writer, zxid: Zxid | null): void => {
  writeInt(w, zxid === null ? -1 : zxid.epoch);
  writeInt(w, zxid === null ? -1 : zxid.counter);
};

export const writeLong = (w: Writer, value: number): void => {
  const high = Math.floor(value / 0x100000000);
  writeInt(w, high);
  writeInt(w, value - high * 0x100000000);
};

const digit = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57);

export const writeSession = (w: Writer, session: SessionId): void => {
  reserve(w, 8);
  for (let i = 0; i < 16; i += 2) {
    w.bytes[w.at++] = (digit(session.charCodeAt(i)) << 4) | digit(session.charCodeAt(i + 1));
  }
};

export const writeString = (w: Writer, text: string | null): void => {
  if (text === null) return writeInt(w, -1);
  const length = text.length;
  reserve(w, 4 + length * 3);
  const start = w.at + 4;
  const bytes = w.bytes;
  // Paths and schemes are short and plain; for those a call out of JavaScript costs more than this loop.
  let i = 0;
  if (length <= 32) {
    for (; i < length; i += 1) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      bytes[start + i] = code;
    }
  }
  const size = i === length ? length : bytes.write(text, start, 'utf8');
  setInt(bytes, w.at, size);
  w.at = start + size;
};

export const writeBuffer = (w: Writer, value: Uint8Array | null): void => {
  if (value === null) return writeInt(w, -1);
  writeInt(w, value.length);
  writeBytes(w, value);
};

export const writeBytes = (w: Writer, value: Uint8Array): void => {
  reserve(w, value.length);
  w.bytes.set(value, w.at);
  w.at += value.length;
};

export const writeTexts = (w: Writer, texts: readonly string[]): void => {
  writeInt(w, texts.length);
  for (const text of texts) writeString(w, text);
};
