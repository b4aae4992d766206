/**
 * An order-free 128-bit hash of TLA+ values with the equalities of `canonicalText`: a set is the sum of its mixed
 * members; sequences, records and functions are all the sum of their mixed (key, value) pairs, a sequence over 1..n.
 * Not cryptographic: it tells apart what a model checker makes, not what an adversary makes.
 * The words travel in module variables (`r0`..`r3`): a graph has millions of values and none may cost an allocation.
 */
import type { TlaState, TlaValue } from './value.js';
import { isArray } from './value.js';

/** Four unsigned 32-bit words. */
export type Hash = readonly [number, number, number, number];

export let r0 = 0;
export let r1 = 0;
export let r2 = 0;
export let r3 = 0;

/** The hash that was computed last. */
export const lastHash = (): Hash => [r0 >>> 0, r1 >>> 0, r2 >>> 0, r3 >>> 0];

/** 32 hexadecimal digits: a key for a Map, a name in a report. */
export const hashText = (h: Hash): string => h.map((w) => w.toString(16).padStart(8, '0')).join('');

/** The hash of a value; equal for equal `canonicalText`. */
export const hashValue = (v: TlaValue): Hash => {
  visit(v);
  return lastHash();
};

/** The hash of a state: that of the record of all its variables. */
export const hashState = (s: TlaState): Hash => {
  visitRecord(s);
  return lastHash();
};

// Kinds; a changed constant changes every hash, so none may be kept on disk.
const kindInt = 0x1b873593;
const kindString = 0x2545f491;
const kindBoolean = 0x3c6ef372;
const kindModel = 0x4cf5ad43;
const kindSet = 0x52dce729;
const kindFunction = 0x6a09e667;

/** The finalizer of MurmurHash3 (public domain): every bit of the result depends on every bit of the word. */
const scramble = (word: number): number => {
  let x = word ^ (word >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
};

/** Spreads two words over four; no two pairs give the same four. */
const spread = (a: number, b: number, kind: number): void => {
  r0 = scramble((Math.imul(a, 0x9e3779b1) + b + kind) | 0);
  r1 = scramble(Math.imul(b, 0x85ebca77) ^ r0);
  r2 = scramble((r0 ^ Math.imul(r1, 0xc2b2ae3d)) + kind);
  r3 = scramble((r1 + Math.imul(r2, 0x27d4eb2f)) | 0);
};

export const hashInteger = (n: number): void => spread(n | 0, Math.floor(n / 0x1_0000_0000) | 0, kindInt);

export const hashBoolean = (b: boolean): void => spread(b ? 1 : 2, 0, kindBoolean);

// Bytes of a string arrive one by one, from a JavaScript string or from a file.
let sa = 0;
let sb = 0;

export const beginText = (): void => {
  sa = 0x811c9dc5 | 0;
  sb = 0;
};

export const addByte = (c: number): void => {
  sa = Math.imul(sa ^ c, 0x01000193);
  sb = (Math.imul(sb ^ (sb >>> 15), 0x2c1b3c6d) + c + 1) | 0;
};

export const endString = (): void => spread(sa, sb, kindString);

export const endModel = (): void => spread(sa, sb, kindModel);

const utf8 = new TextEncoder();

const addText = (s: string): void => {
  beginText();
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c >= 128) {
      beginText();
      for (const byte of utf8.encode(s)) addByte(byte);
      return;
    }
    addByte(c);
  }
};

// Sums in the making: the members of the sets that are open, four words each.
let members = new Int32Array(4096);
let used = 0;

/** Opens a set: what `closeSet` takes. */
export const openSet = (): number => used;

/** Forgets every open set, after input that broke off in the middle of one. */
export const dropSets = (): void => {
  used = 0;
};

/** The hash computed last becomes a member. */
export const addMember = (): void => {
  if (used + 4 > members.length) {
    const more = new Int32Array(members.length * 2);
    more.set(members);
    members = more;
  }
  members[used] = r0;
  members[used + 1] = r1;
  members[used + 2] = r2;
  members[used + 3] = r3;
  used += 4;
};

/** Ends the set opened at `base`: members that repeat count once. */
export const closeSet = (base: number): void => {
  const seen = used - base > 4 * 16 ? new Set<string>() : undefined;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = base; i < used; i += 4) {
    if (seen === undefined ? repeats(base, i) : seenBefore(seen, i)) continue;
    mixPair(kindSet, kindSet, kindSet, kindSet, word(i), word(i + 1), word(i + 2), word(i + 3));
    s0 = (s0 + r0) | 0;
    s1 = (s1 + r1) | 0;
    s2 = (s2 + r2) | 0;
    s3 = (s3 + r3) | 0;
  }
  used = base;
  mixPair(kindSet, 0, 0, 0, s0, s1, s2, s3);
};

const word = (i: number): number => members[i] as number;

const repeats = (base: number, i: number): boolean => {
  for (let j = base; j < i; j += 4) {
    if (
      word(j) === word(i) &&
      word(j + 1) === word(i + 1) &&
      word(j + 2) === word(i + 2) &&
      word(j + 3) === word(i + 3)
    )
      return true;
  }
  return false;
};

const seenBefore = (seen: Set<string>, i: number): boolean => {
  const before = seen.size;
  seen.add(`${word(i)},${word(i + 1)},${word(i + 2)},${word(i + 3)}`);
  return seen.size === before;
};

/** Mixes a key's four words with the value's four words; the order of the two matters. */
export const mixPair = (
  k0: number,
  k1: number,
  k2: number,
  k3: number,
  v0: number,
  v1: number,
  v2: number,
  v3: number,
): void => {
  // for a fixed key no two values meet, and for a fixed value no two keys do
  const a = scramble((Math.imul(k0, 0x9e3779b1) + Math.imul(v0, 0x85ebca77)) | 0);
  const b = scramble((Math.imul(k1, 0xc2b2ae3d) + Math.imul(v1, 0x27d4eb2f)) ^ a);
  const c = scramble((Math.imul(k2, 0x165667b1) + Math.imul(v2, 0x9e3779b1)) ^ b);
  r3 = scramble((Math.imul(k3, 0x85ebca77) + Math.imul(v3, 0xc2b2ae3d)) ^ c);
  r0 = (a + r3) | 0;
  r1 = (b + Math.imul(r3, 0x27d4eb2f)) | 0;
  r2 = c ^ Math.imul(r3, 0x165667b1);
};

/** Ends a sequence, record or function whose mixed pairs sum up to these words. */
export const closeFunction = (s0: number, s1: number, s2: number, s3: number): void =>
  mixPair(kindFunction, 0, 0, 0, s0, s1, s2, s3);

const kept = new WeakMap<object, Int32Array>();
let anyKept = false;

/**
 * Hashes a value once for all: from now on it costs a look-up by reference wherever it stands in a larger one. For
 * states that share their parts; the value must not change afterwards.
 */
export const keepHash = <V extends TlaValue>(v: V): V => {
  if (typeof v !== 'object' || kept.has(v)) return v;
  visit(v);
  kept.set(v, Int32Array.of(r0, r1, r2, r3));
  anyKept = true;
  return v;
};

const takeKept = (v: object): boolean => {
  const words = kept.get(v);
  if (words === undefined) return false;
  r0 = words[0] as number;
  r1 = words[1] as number;
  r2 = words[2] as number;
  r3 = words[3] as number;
  return true;
};

const visit = (v: TlaValue): void => {
  if (typeof v === 'number') hashInteger(v);
  else if (typeof v === 'string') {
    addText(v);
    endString();
  } else if (typeof v === 'boolean') hashBoolean(v);
  else if (anyKept && takeKept(v)) return;
  else if (isArray(v)) visitSequence(v);
  else if ('model' in v) {
    addText(v.model);
    endModel();
  } else if ('set' in v) {
    const base = openSet();
    for (const member of v.set) {
      visit(member);
      addMember();
    }
    closeSet(base);
  } else if ('record' in v) visitRecord(v.record);
  else visitFunction(v.fcn);
};

const visitSequence = (items: readonly TlaValue[]): void => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < items.length; i++) {
    visit(items[i] as TlaValue);
    mixAtIndex(i + 1);
    s0 = (s0 + r0) | 0;
    s1 = (s1 + r1) | 0;
    s2 = (s2 + r2) | 0;
    s3 = (s3 + r3) | 0;
  }
  closeFunction(s0, s1, s2, s3);
};

/** Pairs the hash computed last with the index that it has in a sequence, from 1. */
export const mixAtIndex = (index: number): void => {
  const v0 = r0;
  const v1 = r1;
  const v2 = r2;
  const v3 = r3;
  hashInteger(index);
  mixPair(r0, r1, r2, r3, v0, v1, v2, v3);
};

const visitRecord = (record: Readonly<Record<string, TlaValue>>): void => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (const name of Object.keys(record)) {
    addText(name);
    endString();
    visitUnder(record[name] as TlaValue);
    s0 = (s0 + r0) | 0;
    s1 = (s1 + r1) | 0;
    s2 = (s2 + r2) | 0;
    s3 = (s3 + r3) | 0;
  }
  closeFunction(s0, s1, s2, s3);
};

const visitFunction = (fcn: readonly (readonly [TlaValue, TlaValue])[]): void => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (const [key, value] of fcn) {
    visit(key);
    visitUnder(value);
    s0 = (s0 + r0) | 0;
    s1 = (s1 + r1) | 0;
    s2 = (s2 + r2) | 0;
    s3 = (s3 + r3) | 0;
  }
  closeFunction(s0, s1, s2, s3);
};

/** Pairs the key hashed last with this value. */
const visitUnder = (value: TlaValue): void => {
  const k0 = r0;
  const k1 = r1;
  const k2 = r2;
  const k3 = r3;
  visit(value);
  mixPair(k0, k1, k2, k3, r0, r1, r2, r3);
};
