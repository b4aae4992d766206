/**
 * Values as JSON in the notation of ITF (Apalache's ADR-015): `{"#set": []}`, `{"#map": [[k, v]]}`, `{"#tup": []}`,
 * `{"#bigint": "12"}`, plain arrays for sequences, plain objects for records.
 * Ours beyond it: `{"#model": "s1"}` for a model value of TLC, which ITF would make a string and so confuse with one.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Errors } from 'io-ts';
import * as t from 'io-ts';
import type { TlaState, TlaValue } from './value.js';
import { isArray, maxDepth, putField } from './value.js';

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where JSON stops being an ITF value: `path` as in `$.vote.#map[0]`. */
export type ItfError = { readonly type: 'ItfError'; readonly path: string; readonly message: string };

/** Integers are written as JSON numbers, or all of them as `#bigint` as Apalache does. */
export type ItfOptions = { readonly bigint?: boolean };

/** Encodes a value. A record or function whose names start with `#` becomes a `#map`. */
export const toItf = (v: TlaValue, options: ItfOptions = {}): Json => {
  if (typeof v === 'number') return options.bigint === true ? { '#bigint': String(v + 0) } : v + 0;
  if (typeof v !== 'object') return v;
  if (isArray(v)) return v.map((w) => toItf(w, options));
  if ('model' in v) return { '#model': v.model };
  if ('set' in v) return { '#set': v.set.map((w) => toItf(w, options)) };
  if ('fcn' in v) return { '#map': v.fcn.map(([k, w]) => [toItf(k, options), toItf(w, options)]) };
  const entries = Object.entries(v.record);
  if (entries.some(([k]) => k.startsWith('#'))) {
    return { '#map': entries.map(([k, w]) => [k, toItf(w, options)]) };
  }
  const out: Record<string, Json> = {};
  for (const [k, w] of entries) putField(out, k, toItf(w, options));
  return out;
};

/** Decodes a value; `#tup` and arrays both become arrays. Never throws. */
export const fromItf = (json: unknown): E.Either<ItfError, TlaValue> => {
  const error: ItfError[] = [];
  const v = decode(json, '$', 0, error);
  return v === undefined ? E.left(error[0] as ItfError) : E.right(v);
};

const decode = (json: unknown, path: string, depth: number, errors: ItfError[]): TlaValue | undefined => {
  const fail = (message: string): undefined => {
    errors.push({ type: 'ItfError', path, message });
    return undefined;
  };
  if (depth > maxDepth) return fail(`nesting of more than ${maxDepth}`);
  if (typeof json === 'string' || typeof json === 'boolean') return json;
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json + 0 : fail('not a safe integer');
  if (Array.isArray(json)) return decodeAll(json, path, depth, errors);
  if (typeof json !== 'object' || json === null) return fail(json === null ? 'null' : `a ${typeof json}`);
  const tag = Object.keys(json).find((k) => k.startsWith('#') && k !== '#meta');
  if (tag !== undefined) return decodeTagged(tag, (json as Record<string, unknown>)[tag], path, depth, errors);
  const record: Record<string, TlaValue> = {};
  for (const [k, w] of Object.entries(json)) {
    if (k === '#meta') continue;
    const v = decode(w, `${path}.${k}`, depth + 1, errors);
    if (v === undefined) return undefined;
    putField(record, k, v);
  }
  return { record };
};

const decodeTagged = (
  tag: string,
  body: unknown,
  path: string,
  depth: number,
  errors: ItfError[],
): TlaValue | undefined => {
  const at = `${path}.${tag}`;
  const fail = (message: string): undefined => {
    errors.push({ type: 'ItfError', path: at, message });
    return undefined;
  };
  if (tag === '#bigint') {
    const n = typeof body === 'string' && /^-?\d+$/.test(body) ? Number(body) : NaN;
    return Number.isSafeInteger(n) ? n + 0 : fail('not a decimal string of a safe integer');
  }
  if (tag === '#model') return typeof body === 'string' && body !== '' ? { model: body } : fail('not a name');
  if (!Array.isArray(body)) return fail('not an array');
  if (tag === '#tup') return decodeAll(body, at, depth, errors);
  if (tag === '#set') {
    const set = decodeAll(body, at, depth, errors);
    return set && { set };
  }
  if (tag !== '#map') return fail('unknown tag');
  const fcn: (readonly [TlaValue, TlaValue])[] = [];
  for (const [n, pair] of body.entries()) {
    if (!Array.isArray(pair) || pair.length !== 2) return fail(`entry ${n} is not a pair`);
    const k = decode(pair[0], `${at}[${n}][0]`, depth + 1, errors);
    const v = decode(pair[1], `${at}[${n}][1]`, depth + 1, errors);
    if (k === undefined || v === undefined) return undefined;
    fcn.push([k, v]);
  }
  return { fcn };
};

const decodeAll = (
  items: readonly unknown[],
  path: string,
  depth: number,
  errors: ItfError[],
): readonly TlaValue[] | undefined => {
  const out: TlaValue[] = [];
  for (const [n, item] of items.entries()) {
    const v = decode(item, `${path}[${n}]`, depth + 1, errors);
    if (v === undefined) return undefined;
    out.push(v);
  }
  return out;
};

/** All variables of a state, each in ITF. */
export const stateToItf = (s: TlaState, options: ItfOptions = {}): { readonly [name: string]: Json } => {
  const out: Record<string, Json> = {};
  for (const [name, v] of Object.entries(s)) putField(out, name, toItf(v, options));
  return out;
};

/** Decodes a state; `#meta` is passed over. */
export const stateFromItf = (json: unknown): E.Either<ItfError, TlaState> => {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return E.left({ type: 'ItfError', path: '$', message: 'a state is an object' });
  }
  const state: Record<string, TlaValue> = {};
  const errors: ItfError[] = [];
  for (const [name, w] of Object.entries(json)) {
    if (name === '#meta') continue;
    const v = decode(w, `$.${name}`, 0, errors);
    if (v === undefined) return E.left(errors[0] as ItfError);
    putField(state, name, v);
  }
  return E.right(state);
};

const isValue = (u: unknown): u is TlaValue => E.isRight(fromItf(stateless(u)));

/** In memory a value is itself; only its JSON is ITF. */
const stateless = (u: unknown): unknown => {
  try {
    return toItf(u as TlaValue);
  } catch {
    return undefined;
  }
};

const codec = <A>(
  name: string,
  is: (u: unknown) => u is A,
  read: (u: unknown) => E.Either<ItfError, A>,
  write: (a: A) => Json,
): t.Type<A, Json> =>
  new t.Type<A, Json>(
    name,
    is,
    (u, c) =>
      E.mapLeft((e: ItfError): Errors => [{ value: u, context: c, message: `${e.path}: ${e.message}` }])(read(u)),
    write,
  );

/** io-ts codec of a value: ITF outside, `TlaValue` inside. */
export const TlaValueCodec: t.Type<TlaValue, Json> = codec('TlaValue', isValue, fromItf, (v) => toItf(v));

/** io-ts codec of a state: an object of ITF values outside. */
export const TlaStateCodec: t.Type<TlaState, Json> = codec(
  'TlaState',
  (u): u is TlaState => typeof u === 'object' && u !== null && Object.values(u).every(isValue),
  stateFromItf,
  (s) => stateToItf(s),
);
