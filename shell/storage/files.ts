/** Lists and decodes the files of a server for core/recovery.ts, which says what they mean. */
import { gunzipSync } from 'node:zlib';
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { DiskFiles, EpochFile, LoadedLog, LogFile, LogFileEnd, SnapshotFile } from '../../core/recovery.js';
import { explain } from '../../wire/error.js';
import { scanLog } from '../../wire/log.js';
import type { LogEnd } from '../../wire/log.js';
import { decodeSnapshot, endsSealed } from '../../wire/snapshot.js';
import type { SnapshotFile as WholeSnapshotFile } from '../../wire/snapshot.js';
import type { Disk } from './disk.js';
import { logZxid, snapshotZxid } from './names.js';
import type { Compression } from './names.js';
import { readSnappyStream } from './snappy.js';

/** The two directories version-2; often one and the same. */
export type Dirs = { readonly data: string; readonly log: string };

/** Everything that recovery looks at; snapshots and logs are read when it asks for them, each at most once. */
export const readFiles = (disk: Disk, dirs: Dirs): DiskFiles => ({
  acceptedEpoch: readEpoch(disk, dirs, 'acceptedEpoch'),
  currentEpoch: readEpoch(disk, dirs, 'currentEpoch'),
  currentEpochTmp: readEpoch(disk, dirs, 'currentEpoch.tmp'),
  snapshots: listSnapshots(disk, dirs).map(({ name, zxid, compression }): SnapshotFile => ({
    file: name,
    zxid,
    load: () => {
      const loaded = loadSnapshot(disk.read(`${dirs.data}/${name}`), compression);
      return E.isLeft(loaded) ? { unreadable: loaded.left } : { snapshot: loaded.right };
    },
  })),
  logs: listLogs(disk, dirs).map(({ name, zxid }): LogFile => {
    let loaded: LoadedLog | null = null;
    return { file: name, first: zxid, load: () => (loaded ??= loadLog(disk.read(`${dirs.log}/${name}`))) };
  }),
});

export type ListedSnapshot = { readonly name: string; readonly zxid: Zxid; readonly compression: Compression };

/** Newest first. */
export const listSnapshots = (disk: Disk, dirs: Dirs): readonly ListedSnapshot[] =>
  disk
    .list(dirs.data)
    .flatMap((name) => {
      const parsed = snapshotZxid(name);
      return parsed === null ? [] : [{ name, zxid: parsed.zxid, compression: parsed.compression }];
    })
    .sort((a, b) => compareZxid(b.zxid, a.zxid));

/** Oldest first. */
export const listLogs = (disk: Disk, dirs: Dirs): readonly { readonly name: string; readonly zxid: Zxid }[] =>
  disk
    .list(dirs.log)
    .flatMap((name) => {
      const zxid = logZxid(name);
      return zxid === null ? [] : [{ name, zxid }];
    })
    .sort((a, b) => compareZxid(a.zxid, b.zxid));

const readEpoch = (disk: Disk, dirs: Dirs, name: string): EpochFile => {
  const text = disk.read(`${dirs.data}/${name}`)?.toString('latin1');
  if (text === undefined) return null;
  return /^\s*\d{1,10}\s*$/.test(text) ? Number(text) : { unreadable: text.slice(0, 40) };
};

const unpack = (bytes: Buffer, compression: Compression): E.Either<string, Buffer> => {
  switch (compression) {
    case 'none':
      return E.right(bytes);
    case 'gz':
      return E.tryCatch(
        () => gunzipSync(bytes),
        (e) => `gzip: ${String(e)}`,
      );
    case 'snappy':
      return readSnappyStream(bytes);
  }
};

const loadSnapshot = (bytes: Buffer | null, compression: Compression) => {
  if (bytes === null) return E.left('it is gone');
  const file = readSnapshotFile(bytes, compression);
  return E.isLeft(file) ? file : E.right(file.right.snapshot);
};

/** The content of one snapshot file; Left: why it has none, in a few words. */
export const readSnapshotFile = (bytes: Buffer, compression: Compression): E.Either<string, WholeSnapshotFile> => {
  const plain = unpack(bytes, compression);
  if (E.isLeft(plain)) return plain;
  const file = decodeSnapshot(plain.right);
  return E.isLeft(file) ? E.left(explain(file.left)) : file;
};

const magic = Buffer.from('ZKLG');

/**
 * A log file as recovery wants it. A file that was being made when the server stopped may have lost its header, or a
 * part of it, to zeros: that is an unfinished write like any other.
 */
const loadLog = (bytes: Buffer | null): LoadedLog => {
  if (bytes === null) return { unreadable: 'it is gone' };
  const scan = scanLog(bytes);
  if (E.isRight(scan)) return { entries: scan.right.entries, end: endOf(scan.right.end) };
  let kept = 0;
  while (kept < magic.length && bytes[kept] === magic[kept]) kept += 1;
  const begun = isZero(bytes, kept);
  return begun
    ? { entries: [], end: { type: 'torn', at: 0, reason: explain(scan.left) } }
    : { unreadable: explain(scan.left) };
};

const isZero = (bytes: Buffer, from: number): boolean => {
  for (let i = from; i < bytes.length; i += 1) if (bytes[i] !== 0) return false;
  return true;
};

const endOf = (end: LogEnd): LogFileEnd => {
  switch (end.type) {
    case 'clean':
    case 'padding':
      return { type: end.type };
    case 'torn':
    case 'undecodable':
      return { type: end.type, at: end.at, reason: explain(end.why) };
    case 'damaged':
      return { type: end.type, at: end.at, validAt: end.validAt, reason: explain(end.why) };
  }
};

const tailBytes = 5;

/** Whether a snapshot looks whole without being read: what Apache goes by when it chooses or purges snapshots. */
export const looksWhole = (disk: Disk, dirs: Dirs, { name, compression }: ListedSnapshot): boolean => {
  const path = `${dirs.data}/${name}`;
  const size = disk.size(path) ?? 0;
  if (size < 2 * tailBytes) return false;
  if (compression === 'none') return endsSealed(disk.read(path, size - tailBytes, tailBytes) ?? Buffer.alloc(0));
  const magic = compression === 'gz' ? '1f8b' : '82534e4150505900';
  return disk.read(path, 0, magic.length / 2)?.toString('hex') === magic;
};
