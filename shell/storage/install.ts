/**
 * Puts the tree of a snapshot in place of a stopped server's whole history. What was there before is kept beside it,
 * complete: whoever starts a server on that directory has the old state back.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid, formatZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import { encodeSnapshot, endsSealed } from '../../wire/snapshot.js';
import type { SnapshotFile } from '../../wire/snapshot.js';
import type { Disk, Lock } from './disk.js';
import { snapshotName, versionDir } from './names.js';
import { replaceHistory } from './replace.js';

/** The last transaction that a snapshot file can be seen to hold: what it says itself, or the newest of its znodes. */
export const zxidOfSnapshot = ({ snapshot, lastZxid }: SnapshotFile): Zxid => {
  let last: Zxid = lastZxid ?? { epoch: 0, counter: 0 };
  for (const node of snapshot.nodes)
    for (const zxid of [node.czxid, node.mzxid, node.pzxid]) if (compareZxid(zxid, last) > 0) last = zxid;
  return last;
};

export type Installed = { readonly zxid: Zxid; readonly keptIn: string };

/**
 * @param dataDir    holds version-2 with snapshots and epochs, `dataLogDir` the one with logs; nobody else may use them
 * @returns Left: what failed, in one sentence; the old history is in place then
 */
export const installSnapshot = async (
  disk: Disk,
  { dataDir, dataLogDir }: { readonly dataDir: string; readonly dataLogDir: string },
  zxid: Zxid,
  snapshot: Snapshot,
  stamp: string,
): Promise<E.Either<string, Installed>> => {
  const dirs = { data: `${dataDir}/${versionDir}`, log: `${dataLogDir}/${versionDir}` };
  const locks: Lock[] = [];
  try {
    for (const dir of new Set([dirs.data, dirs.log])) {
      disk.makeDir(dir);
      const lock = disk.lock(dir);
      if (E.isLeft(lock)) return lock;
      locks.push(lock.right);
    }
    const keptIn = keep(dirs, join(dataDir, `before-restore-${stamp}`));
    const tmp = `${snapshotName(zxid)}.tmp`;
    const file = disk.open(`${dirs.data}/${tmp}`, 'create');
    let at = 0;
    let last: Buffer = Buffer.alloc(0);
    for (const chunk of encodeSnapshot(snapshot)) {
      file.write(chunk, at);
      at += chunk.length;
      if (chunk.length > 0) last = chunk;
    }
    if (!endsSealed(last)) return E.left('the snapshot could not be written whole');
    file.syncNow();
    file.close();
    await new Promise<void>((resolve, reject) => {
      replaceHistory(disk, dirs, tmp, zxid, (error) => (error === null ? resolve() : reject(error)));
    });
    return E.right({ zxid, keptIn });
  } catch (error) {
    return E.left(
      `${formatZxid(zxid)} could not be installed: ${error instanceof Error ? error.message : String(error)}`,
    );
  } finally {
    for (const lock of locks) lock.release();
  }
};

/** Second names of all files of a history, durable before the first names go. */
const keep = (dirs: { readonly data: string; readonly log: string }, dir: string): string => {
  const target = join(dir, versionDir);
  fs.mkdirSync(target, { recursive: true });
  for (const from of new Set([dirs.data, dirs.log]))
    for (const name of fs.readdirSync(from)) {
      if (!/^(log|snapshot)\.[0-9a-f]+(\.gz|\.snappy)?$|Epoch$/.test(name)) continue;
      // Epoch files are replaced, logs and snapshots removed: neither changes what the second name shows.
      link(join(from, name), join(target, name));
    }
  for (const made of [target, dir]) syncDir(made);
  return dir;
};

/** A file system without second names for files gets a copy. */
const link = (from: string, to: string): void => {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    fs.copyFileSync(from, to);
    const fd = fs.openSync(to, 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  }
};

const syncDir = (dir: string): void => {
  const fd = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
};
