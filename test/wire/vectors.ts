/** Recorded bytes of real clients and servers (test/vectors), and how our values look in the notation beside them. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Zxid } from '../../core/data/zxid.js';
import type { Acl, SessionId } from '../../core/service/txn.js';

const root = new URL('../../../test/vectors/', import.meta.url);

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

export const vectorFiles = (folder: string, ending: string): readonly string[] =>
  readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => `${folder}/${name}`);

export const vectorBytes = (path: string): Buffer => readFileSync(new URL(path, root));

export const vectorJson = <A>(path: string): A => JSON.parse(vectorBytes(path).toString('utf8')) as A;

/** Decimal where a double holds it, as the client vectors have int64. */
const decimal = (high: number, low: number): Json => {
  const value = (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
  return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
    ? Number(value)
    : { int64: String(value) };
};

export const decimalZxid = (z: Zxid | null): Json => (z === null ? -1 : decimal(z.epoch, z.counter));

export const decimalSession = (s: SessionId): Json => decimal(parseInt(s.slice(0, 8), 16), parseInt(s.slice(8), 16));

/** `0x` and no leading zeros, as the quorum and disk vectors have int64. */
export const hexSession = (s: SessionId): string => `0x${s.replace(/^0+(?=.)/, '')}`;

export const hexZxid = (z: Zxid): string =>
  hexSession(z.epoch.toString(16).padStart(8, '0') + z.counter.toString(16).padStart(8, '0'));

export const hexBytes = (data: Uint8Array | null): Json =>
  data === null ? null : { hex: Buffer.from(data).toString('hex') };

/** Data in the disk and quorum vectors is text where it is text: bytes stand for both sides of the comparison. */
export const bytesOf = (data: Json): Json => {
  if (data === null || typeof data !== 'object') return data;
  const { utf8, hex } = data as { utf8?: string; hex?: string };
  return { hex: utf8 === undefined ? (hex ?? '') : Buffer.from(utf8).toString('hex') };
};

/** ACLs with the id nested, as in the records. */
export const nestedAcls = (acl: readonly Acl[] | null): Json =>
  acl === null ? null : acl.map(({ perms, scheme, id }) => ({ perms, id: { scheme, id } }));

export const flatAcls = (acl: readonly Acl[]): Json => acl.map(({ perms, scheme, id }) => ({ perms, scheme, id }));

/** Without the keys that hold undefined: JSON has none. */
export const defined = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;
