/**
 * Snapshot files, uncompressed: header, body, and seals; a seal is the Adler-32 of everything before it and the string
 * "/". Apache may write a digest and the last zxid behind the first seal, each with a seal of its own; here neither is
 * written, which its readers take as absent.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Zxid } from '../core/data/zxid.js';
import type { Snapshot } from '../core/service/snapshot.js';
import { adler32, adlerStart } from './adler32.js';
import type { WireError } from './error.js';
import { fail, openReader, openWriter, readInt, readSession, readText, readZxid, writeInt, written } from './jute.js';
import { writeString } from './jute.js';
import type { Reader } from './jute.js';
import { encodeBody, openBody, readBody } from './snapshotBody.js';
import type { WholeSnapshot } from './snapshotBody.js';

/** `ZKSN`, version 2, dbid -1. */
const header = Buffer.from('5a4b534e00000002ffffffffffffffff', 'hex');
const magicBytes = 4;

/** Digest of the tree after `zxid`; zxid 0 stands for none. */
export type SnapshotDigest = { readonly zxid: Zxid; readonly version: number; readonly tree: string };

export type SnapshotFile = {
  readonly snapshot: WholeSnapshot;
  readonly digest: SnapshotDigest | null;
  /** Last zxid applied when Apache had finished writing; the name of the file counts, not this. */
  readonly lastZxid: Zxid | null;
};

const digestBytes = 20;
const lastZxidBytes = 8;
const sealBytes = 13;

/**
 * The bytes of a snapshot file in chunks of about `chunkBytes`. An empty chunk is a place to let others run.
 * `snapshot.nodes` is walked twice; if the walks differ the file is left without its seal, so that nobody loads it.
 */
export function* encodeSnapshot(snapshot: Snapshot, chunkBytes = 65536): Generator<Buffer> {
  let sum = adler32(header);
  yield Buffer.from(header);
  const body = encodeBody(snapshot, chunkBytes);
  for (;;) {
    const step = body.next();
    if (step.done === true) {
      if (!step.value) return;
      const w = openWriter(sealBytes);
      writeInt(w, 0);
      writeInt(w, sum);
      writeString(w, '/');
      yield written(w);
      return;
    }
    sum = adler32(step.value, 0, step.value.length, sum);
    yield step.value;
  }
}

/** Whether a file could be a whole snapshot, by its last five bytes: how Apache chooses what to try. */
export const endsSealed = (tail: Buffer): boolean =>
  tail.length >= 5 && tail.subarray(tail.length - 5).equals(Buffer.from([0, 0, 0, 1, 0x2f]));

/**
 * Reads a whole snapshot file and checks every seal.
 * @returns Left for any damage: a snapshot is used whole or not at all
 */
export const decodeSnapshot = (bytes: Buffer): E.Either<WireError, SnapshotFile> => {
  const r = openReader(bytes);
  const magic = readInt(r);
  readInt(r);
  readZxid(r);
  if (r.error === null && magic !== header.readInt32BE(0)) {
    const expected = header.toString('hex', 0, magicBytes);
    return E.left({ type: 'BadMagic', expected, found: bytes.toString('hex', 0, magicBytes) });
  }
  const body = openBody();
  readBody(body, r);
  const sum = readSeal(r, 0, adlerStart);
  const tail = r.end - r.at;
  const hasDigest = tail === digestBytes + sealBytes || tail === digestBytes + lastZxidBytes + 2 * sealBytes;
  const hasLast = tail === lastZxidBytes + sealBytes || tail === digestBytes + lastZxidBytes + 2 * sealBytes;
  if (tail !== 0 && !hasDigest && !hasLast) fail(r, { type: 'BadLength', field: 'snapshot tail', length: tail });
  const digestAt = r.at - sealBytes;
  const digest = hasDigest ? { zxid: readZxid(r), version: readInt(r), tree: readSession(r) } : null;
  const digestSum = hasDigest ? readSeal(r, digestAt, sum) : sum;
  const lastAt = r.at - sealBytes;
  const lastZxid = hasLast ? readZxid(r) : null;
  if (hasLast) readSeal(r, lastAt, digestSum);
  if (r.error !== null) return E.left(r.error);
  return E.right({ snapshot: { sessions: body.sessions, nodes: body.nodes }, digest, lastZxid });
};

/**
 * Reads a seal and checks it.
 * @param from where the bytes start that `sum` does not cover yet
 * @returns the checksum of everything before this seal
 */
const readSeal = (r: Reader, from: number, sum: number): number => {
  const at = r.at;
  const high = readInt(r) >>> 0;
  const stored = high * 0x100000000 + (readInt(r) >>> 0);
  const path = readText(r, 'seal');
  if (r.error !== null) return 0;
  const computed = adler32(r.bytes, from, at, sum);
  if (stored !== computed) fail(r, { type: 'BadChecksum', at, stored, computed });
  else if (path !== '/') fail(r, { type: 'BadValue', field: 'seal', value: path });
  return computed;
};
