/** What the commands on files of a server share: reading them, and how their values are shown. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { formatZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import { readSnapshotFile } from '../shell/storage/files.js';
import { snapshotZxid } from '../shell/storage/names.js';
import type { SnapshotFile } from '../wire/snapshot.js';
import type { Failure } from './failure.js';
import { fail } from './failure.js';

export const unreadable = (path: string, why: string): Failure => ({
  code: 'Unreadable',
  exit: 21,
  message: `${path} cannot be read: ${why}`,
  hint: '',
  details: { path },
});

export const readBytes = (path: string): E.Either<Failure, Buffer> => {
  try {
    return E.right(readFileSync(path));
  } catch (e) {
    return fail(unreadable(path, e instanceof Error ? e.message : String(e)));
  }
};

export type NamedSnapshot = SnapshotFile & {
  /** By the name of the file, else by what it says itself; null: neither tells. */
  readonly zxid: Zxid | null;
};

/** A snapshot file, compressed or not, as its name says. */
export const readSnapshot = (path: string): E.Either<Failure, NamedSnapshot> => {
  const bytes = readBytes(path);
  if (E.isLeft(bytes)) return bytes;
  const named = snapshotZxid(basename(path));
  const compression =
    named?.compression ?? (path.endsWith('.gz') ? 'gz' : path.endsWith('.snappy') ? 'snappy' : 'none');
  const file = readSnapshotFile(bytes.right, compression);
  if (E.isLeft(file)) return fail(unreadable(path, file.left));
  const { snapshot, digest, lastZxid } = file.right;
  return E.right({ snapshot, digest, lastZxid, zxid: named?.zxid ?? lastZxid });
};

/** A 64-bit id without zeros in front. */
export const shortHex = (digits: string): string => `0x${digits.replace(/^0+(?=.)/, '')}`;

export const zxidText = (zxid: Zxid | null): string | null => (zxid === null ? null : formatZxid(zxid));

/** Zxid from text, `0x` or not; null: it is none. */
export const parseZxid = (text: string): Zxid | null => {
  const hex = /^(?:0x)?([0-9a-f]{1,16})$/i.exec(text)?.[1];
  if (hex === undefined) return null;
  const digits = hex.padStart(16, '0');
  return { epoch: parseInt(digits.slice(0, 8), 16), counter: parseInt(digits.slice(8), 16) };
};

/** Bytes that are text as text, others as base64. */
export const shownData = (data: Uint8Array | null): string | null => {
  if (data === null) return null;
  const text = Buffer.from(data).toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(data) && /^[\P{C}\n\t]*$/u.test(text);
  return isText ? text : `base64:${Buffer.from(data).toString('base64')}`;
};

export const printLines = (lines: Iterable<string>): void => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
