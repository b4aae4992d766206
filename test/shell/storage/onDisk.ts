/** Directories in the twin of a disk, made from bytes. */
import * as E from 'fp-ts/lib/Either.js';
import type { Zxid } from '../../../core/data/zxid.js';
import { openWriter, written } from '../../../wire/jute.js';
import { writeLogEntry, writeLogHeader } from '../../../wire/log.js';
import { encodeSnapshot } from '../../../wire/snapshot.js';
import { openMemoryDisk } from '../../../shell/storage/memoryDisk.js';
import { logName, snapshotName } from '../../../shell/storage/names.js';
import { openStorage } from '../../../shell/storage/storage.js';
import type { Opened, OpenError, StorageOptions } from '../../../shell/storage/storage.js';
import type { Disk } from '../../../shell/storage/disk.js';
import { idsOf, snapshotOf, txnOf } from './histories.js';
import type { Entry } from './histories.js';

export const dir = '/data/version-2';

/** The bytes of a log, and where each entry starts; the last number is its end. */
export const logBytes = (entries: readonly Entry[]): { readonly bytes: Buffer; readonly starts: readonly number[] } => {
  const w = openWriter();
  writeLogHeader(w);
  const starts: number[] = [];
  for (const entry of entries) {
    starts.push(w.at);
    writeLogEntry(w, txnOf(entry));
  }
  return { bytes: Buffer.from(written(w)), starts: [...starts, w.at] };
};

export const snapshotBytes = (history: readonly Entry[]): Buffer => Buffer.concat([...encodeSnapshot(snapshotOf(history))].map((b) => Buffer.from(b))); // prettier-ignore

export const aLog = (entries: readonly Entry[]): readonly [string, Buffer] => [
  logName(entries[0]?.zxid ?? { epoch: 0, counter: 0 }),
  logBytes(entries).bytes,
];

export const aSnapshot = (zxid: Zxid, history: readonly Entry[]): readonly [string, Buffer] => [
  snapshotName(zxid),
  snapshotBytes(history),
];

/** A twin that holds these files, durably. */
export const diskWith = (...files: readonly (readonly [name: string, bytes: Buffer | string])[]): Disk => {
  const { disk } = openMemoryDisk();
  disk.makeDir(dir);
  for (const [name, bytes] of files) disk.open(`${dir}/${name}`, 'create').write(Buffer.from(bytes), 0);
  return disk;
};

export const open = (disk: Disk, options: Partial<StorageOptions> = {}): E.Either<OpenError, Opened> =>
  openStorage(disk, {
    dataDir: options.dataDir ?? '/data',
    dataLogDir: options.dataLogDir ?? '/data',
    preAllocBytes: options.preAllocBytes ?? 0,
    firstSnapshot: options.firstSnapshot ?? (() => snapshotOf([])),
    onLogSynced: options.onLogSynced ?? (() => undefined),
    onFailed: options.onFailed ?? (() => undefined),
  });

/** What the files give: the ids that were recovered, and the warnings; or the refusal. */
export const recovered = (
  disk: Disk,
): { ids: readonly number[]; warnings: readonly string[] } | { refused: string } => {
  const opened = open(disk);
  if (E.isLeft(opened)) return { refused: opened.left.message };
  opened.right.storage.close();
  const { snapshot, log } = opened.right.recovered;
  return { ids: idsOf(snapshot?.snapshot, log), warnings: opened.right.warnings };
};
