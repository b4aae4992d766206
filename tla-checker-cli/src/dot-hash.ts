/**
 * The hash of a state straight from the bytes of its label in a dot dump, without making a value. Same grammar as
 * value.ts and same result as `hashState`; dot escapes are read on the way (`\\` is `\`, `\"` is `"`, `\n` a line end).
 */
import type { Hash } from './hash.js';
import * as h from './hash.js';
import { isWord, maxDepth, maxInterval } from './value.js';

let b: Buffer = Buffer.alloc(0);
let i = 0;
let end = 0;

/**
 * @param from first byte of the label, behind its quote
 * @param to   its closing quote
 * @returns the hash, or the offset in `bytes` at which the label is no state
 */
export const readStateHash = (bytes: Buffer, from: number, to: number): Hash | number => {
  b = bytes;
  i = from;
  end = to;
  const ok = state();
  b = empty;
  if (ok) return h.lastHash();
  h.dropSets();
  return i;
};

const empty = Buffer.alloc(0);

const quote = 34;
const backslash = 92;
const slash = 47;

const byte = (at: number): number => (at < end ? (b[at] as number) : -1);

/** Passes blanks and escaped line ends; the next byte, or -1. */
const next = (): number => {
  for (;;) {
    const c = byte(i);
    if (c === 32 || c === 9 || c === 13) i++;
    else if (c === backslash && byte(i + 1) === 110) i += 2;
    else return c;
  }
};

/** Takes one or two bytes behind blanks; `d` of 0 asks for one. */
const take = (c: number, d: number): boolean => {
  if (next() !== c || (d !== 0 && byte(i + 1) !== d)) return false;
  i += d === 0 ? 1 : 2;
  return true;
};

/** `/\`, which a label shows as `/\\`. */
const takeAnd = (): boolean => {
  if (next() !== slash || byte(i + 1) !== backslash || byte(i + 2) !== backslash) return false;
  i += 3;
  return true;
};

const state = (): boolean => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const list = takeAnd();
  do {
    if (!name() || !take(61, 0)) return false;
    if (!pairWithLast(0)) return false;
    s0 = (s0 + h.r0) | 0;
    s1 = (s1 + h.r1) | 0;
    s2 = (s2 + h.r2) | 0;
    s3 = (s3 + h.r3) | 0;
  } while (list && takeAnd());
  if (next() !== -1) return false;
  h.closeFunction(s0, s1, s2, s3);
  return true;
};

/** A variable or a field: hashed as the string that it stands for. */
const name = (): boolean => {
  next();
  const from = i;
  h.beginText();
  while (isWord(byte(i))) h.addByte(byte(i++));
  h.endString();
  return i > from;
};

/** Reads a value and mixes it with the key that was hashed last. */
const pairWithLast = (depth: number): boolean => {
  const k0 = h.r0;
  const k1 = h.r1;
  const k2 = h.r2;
  const k3 = h.r3;
  if (!value(depth)) return false;
  h.mixPair(k0, k1, k2, k3, h.r0, h.r1, h.r2, h.r3);
  return true;
};

const value = (depth: number): boolean => {
  if (depth > maxDepth) return false;
  switch (next()) {
    case backslash:
      return byte(i + 1) === quote && text();
    case 123: // {
      i++;
      return set(depth);
    case 91: // [
      i++;
      return record(depth);
    case 60: // <
      return byte(i + 1) === 60 && sequence(depth);
    case 40: // (
      i++;
      return fcn(depth);
    case 45: // -
      return number();
    default:
      return word();
  }
};

const word = (): boolean => {
  const from = i;
  let digits = true;
  h.beginText();
  for (let c = byte(i); isWord(c); c = byte(++i)) {
    if (c < 48 || c > 57) digits = false;
    h.addByte(c);
  }
  if (i === from) return false;
  if (digits) {
    i = from;
    return number();
  }
  if (is('TRUE', from)) h.hashBoolean(true);
  else if (is('FALSE', from)) h.hashBoolean(false);
  else if (is('SUBSET', from) || is('UNION', from)) {
    i = from;
    return false;
  } else h.endModel();
  return true;
};

const is = (w: string, from: number): boolean => {
  if (i - from !== w.length) return false;
  for (let k = 0; k < w.length; k++) if (b[from + k] !== w.charCodeAt(k)) return false;
  return true;
};

let n = 0;

const integer = (): boolean => {
  const from = i;
  const negative = byte(i) === 45;
  if (negative) i++;
  const first = i;
  n = 0;
  for (let c = byte(i); c >= 48 && c <= 57; c = byte(++i)) n = n * 10 + (c - 48);
  if (i === first || isWord(byte(i)) || !Number.isSafeInteger(n)) {
    i = from;
    return false;
  }
  if (negative) n = -n;
  return true;
};

const number = (): boolean => {
  const from = i;
  if (!integer()) return false;
  if (byte(i) !== 46 || byte(i + 1) !== 46) {
    h.hashInteger(n);
    return true;
  }
  const low = n;
  i += 2;
  if (!integer()) return false;
  const high = n;
  if (high - low >= maxInterval) {
    i = from;
    return false;
  }
  const base = h.openSet();
  for (let k = low; k <= high; k++) {
    h.hashInteger(k);
    h.addMember();
  }
  h.closeSet(base);
  return true;
};

/** A string: `\"`, then characters of which a backslash is written `\\`, then `\"`. */
const text = (): boolean => {
  const from = i;
  i += 2;
  h.beginText();
  while (i < end) {
    const c = b[i] as number;
    if (c !== backslash) {
      h.addByte(c);
      i++;
    } else if (byte(i + 1) === quote) {
      i += 2;
      h.endString();
      return true;
    } else if (byte(i + 1) === backslash) {
      if (!escaped()) return false;
    } else if (byte(i + 1) === 110) {
      h.addByte(10);
      i += 2;
    } else return false;
  }
  i = from;
  return false;
};

/** Behind `\\`, the backslash of TLA+: what it escapes, itself perhaps escaped for dot. */
const escaped = (): boolean => {
  const c = byte(i + 2);
  if (c === backslash) {
    const d = byte(i + 3);
    if (d !== quote && d !== backslash) return false;
    h.addByte(d);
    i += 4;
    return true;
  }
  const meant = c === 110 ? 10 : c === 116 ? 9 : c === 114 ? 13 : c === 102 ? 12 : -1;
  if (meant < 0) return false;
  h.addByte(meant);
  i += 3;
  return true;
};

const set = (depth: number): boolean => {
  const base = h.openSet();
  if (!take(125, 0)) {
    do {
      if (!value(depth + 1)) return false;
      h.addMember();
    } while (take(44, 0));
    if (!take(125, 0)) return false;
  }
  h.closeSet(base);
  return true;
};

const sequence = (depth: number): boolean => {
  i += 2;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  if (!take(62, 62)) {
    let index = 0;
    do {
      if (!value(depth + 1)) return false;
      h.mixAtIndex(++index);
      s0 = (s0 + h.r0) | 0;
      s1 = (s1 + h.r1) | 0;
      s2 = (s2 + h.r2) | 0;
      s3 = (s3 + h.r3) | 0;
    } while (take(44, 0));
    if (!take(62, 62)) return false;
  }
  h.closeFunction(s0, s1, s2, s3);
  return true;
};

const record = (depth: number): boolean => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  do {
    if (!name() || !take(124, 45) || byte(i++) !== 62) return false;
    if (!pairWithLast(depth + 1)) return false;
    s0 = (s0 + h.r0) | 0;
    s1 = (s1 + h.r1) | 0;
    s2 = (s2 + h.r2) | 0;
    s3 = (s3 + h.r3) | 0;
  } while (take(44, 0));
  if (!take(93, 0)) return false;
  h.closeFunction(s0, s1, s2, s3);
  return true;
};

const fcn = (depth: number): boolean => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  do {
    if (!value(depth + 1) || !take(58, 62) || !pairWithLast(depth + 1)) return false;
    s0 = (s0 + h.r0) | 0;
    s1 = (s1 + h.r1) | 0;
    s2 = (s2 + h.r2) | 0;
    s3 = (s3 + h.r3) | 0;
  } while (take(64, 64));
  if (!take(41, 0)) return false;
  h.closeFunction(s0, s1, s2, s3);
  return true;
};
