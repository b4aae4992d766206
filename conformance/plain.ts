/** Full states as plain data: an order-free 128-bit hash, a canonical text, and the check that every field is accounted for. */
import assert from 'node:assert/strict';
import type { Hash } from 'tla-checker-cli';

// The words of the hash computed last: a search hashes millions of values, and none may cost an allocation.
let w0 = 0;
let w1 = 0;
let w2 = 0;
let w3 = 0;

const scramble = (word: number): number => {
  let x = word ^ (word >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
};

const spread = (a: number, b: number, kind: number): void => {
  w0 = scramble((Math.imul(a, 0x9e3779b1) + b + kind) | 0);
  w1 = scramble(Math.imul(b, 0x85ebca77) ^ w0 ^ a);
  w2 = scramble((w0 ^ Math.imul(w1, 0xc2b2ae3d)) + kind);
  w3 = scramble((w1 + Math.imul(w2, 0x27d4eb2f)) | 0);
};

/** Mixes the four words of a name or of what came before with the words computed last; the order of the two matters. */
const under = (k0: number, k1: number, k2: number, k3: number): void => {
  const a = scramble((Math.imul(k0, 0x9e3779b1) + Math.imul(w0, 0x85ebca77) + k2) | 0);
  const b = scramble((Math.imul(k1, 0xc2b2ae3d) + Math.imul(w1, 0x27d4eb2f) + w3) ^ a);
  const c = scramble((Math.imul(k2, 0x165667b1) + Math.imul(w2, 0x9e3779b1) + b) ^ w0);
  const d = scramble((Math.imul(k3, 0x85ebca77) + Math.imul(w3, 0xc2b2ae3d) + c) ^ w1);
  w0 = (a + d) | 0;
  w1 = b;
  w2 = c;
  w3 = d;
};

const stringHashes = new Map<string, Int32Array>();

const hashString = (s: string): void => {
  const known = stringHashes.get(s);
  if (known !== undefined) {
    w0 = known[0] as number;
    w1 = known[1] as number;
    w2 = known[2] as number;
    w3 = known[3] as number;
    return;
  }
  let a = 0x811c9dc5 | 0;
  let b = 0;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    a = Math.imul(a ^ c, 0x01000193);
    b = (Math.imul(b ^ (b >>> 15), 0x2c1b3c6d) + c + 1) | 0;
  }
  spread(a, b, 3);
  // Names of fields and roles are few; contents may be many, and need no place here.
  if (stringHashes.size < 10_000) stringHashes.set(s, Int32Array.of(w0, w1, w2, w3));
};

const visit = (v: unknown): void => {
  if (typeof v === 'number') {
    if ((v | 0) === v) spread(v, 0, 1);
    else spread(v | 0, Math.floor(v / 0x1_0000_0000) | 0, Number.isSafeInteger(v) ? 1 : notPlain(v));
  } else if (typeof v === 'string') hashString(v);
  else if (typeof v === 'boolean') spread(v ? 1 : 0, 0, 2);
  else if (v === null) spread(0, 0, 4);
  else if (v === undefined) spread(1, 0, 4);
  else if (Array.isArray(v)) visitArray(v);
  else if (isPlainObject(v)) visitObject(v);
  else notPlain(v);
};

const notPlain = (v: unknown): never => assert.fail(`a key holds what is no plain data: ${String(v)}`);

const isPlainObject = (v: unknown): v is Readonly<Record<string, unknown>> => {
  if (typeof v !== 'object' || v === null) return false;
  const proto: unknown = Object.getPrototypeOf(v);
  return proto === Object.prototype || proto === null;
};

const visitArray = (items: readonly unknown[]): void => {
  spread(items.length, 0, 5);
  for (const item of items) {
    const k0 = w0;
    const k1 = w1;
    const k2 = w2;
    const k3 = w3;
    visit(item);
    under(k0, k1, k2, k3);
  }
};

const visitObject = (record: Readonly<Record<string, unknown>>): void => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (const name in record) {
    hashString(name);
    const k0 = w0;
    const k1 = w1;
    const k2 = w2;
    const k3 = w3;
    visit(record[name]);
    under(k0, k1, k2, k3);
    s0 = (s0 + w0) | 0;
    s1 = (s1 + w1) | 0;
    s2 = (s2 + w2) | 0;
    s3 = (s3 + w3) | 0;
  }
  spread(6, 0, 6);
  under(s0, s1, s2, s3);
};

/** The hash of plain data: numbers that are integers, strings, booleans, null, undefined, arrays and plain objects. */
export const hashPlain = (v: unknown): Hash => {
  visit(v);
  return [w0 >>> 0, w1 >>> 0, w2 >>> 0, w3 >>> 0];
};

/** The one text of plain data, fields sorted. */
export const plainText = (v: unknown): string => {
  if (typeof v === 'number') return Number.isFinite(v) ? String(v) : 'null';
  if (typeof v === 'string') return JSON.stringify(v);
  if (typeof v === 'boolean' || v === null || v === undefined) return String(v);
  let text = '';
  if (Array.isArray(v)) {
    for (const item of v) text += `${text === '' ? '' : ','}${plainText(item)}`;
    return `[${text}]`;
  }
  if (!isPlainObject(v)) return notPlain(v);
  for (const k of Object.keys(v).sort()) text += `${text === '' ? '' : ','}${JSON.stringify(k)}:${plainText(v[k])}`;
  return `{${text}}`;
};

/** The innermost places where two pieces of plain data differ, as `servers[0].round: 1, then 2`. */
export const differingFields = (at: string, a: unknown, b: unknown): readonly string[] => {
  const left = plainText(a);
  const right = plainText(b);
  if (left === right) return [];
  if (Array.isArray(a) && Array.isArray(b) && a.length === b.length)
    return a.flatMap((item, i) => differingFields(`${at}[${i}]`, item, b[i]));
  if (isPlainObject(a) && isPlainObject(b))
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((k) =>
      differingFields(at === '' ? k : `${at}.${k}`, a[k], b[k]),
    );
  return [`${at}: ${left}, then ${right}`];
};

/** Which fields of full states are accounted for: see `Mirror.shown`. */
export type FieldCheck = {
  /** Notes the fields of one full state. */
  readonly see: (key: unknown) => void;
  /** Paths that were seen and that nobody lists. */
  readonly unlisted: () => readonly string[];
};

type Trie = { readonly below: Map<string, Trie>; listed: boolean };

const trie = (): Trie => ({ below: new Map(), listed: false });

const numeric = /^\d+$/;

export const fieldCheck = (listed: readonly string[]): FieldCheck => {
  const root = trie();
  const unlisted = new Set<string>();
  for (const path of listed) {
    let at = root;
    for (const part of path.replaceAll('[]', '.[]').split('.').filter(Boolean)) {
      let next = at.below.get(part);
      if (next === undefined) at.below.set(part, (next = trie()));
      at = next;
    }
    at.listed = true;
  }
  const see = (v: unknown, at: Trie | undefined, path: string): void => {
    if (at?.listed === true) return;
    if (Array.isArray(v)) for (const item of v) see(item, at?.below.get('[]'), `${path}[]`);
    else if (isPlainObject(v)) {
      for (const name in v) {
        if (numeric.test(name)) see(v[name], at?.below.get('[]'), `${path}[]`);
        else see(v[name], at?.below.get(name), path === '' ? name : `${path}.${name}`);
      }
    } else unlisted.add(path === '' ? '(the state itself)' : path);
  };
  return { see: (key) => see(key, root, ''), unlisted: () => [...unlisted].sort() };
};
