/**
 * A snapshot that takes the place of the whole history before it (after SNAP). Were it only added, an older log could be
 * replayed over it at the next start, and bring back what the leader has not (ZOOKEEPER-2832; docs/divergence.md).
 *
 * The step from the old history to the new one is one rename, to `snapshot.<zxid>.replacing`: before it is durable
 * nothing old is touched, after it the rest only remains to be done, by whoever opens the directory next.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Disk } from './disk.js';
import { listLogs, listSnapshots } from './files.js';
import type { Dirs } from './files.js';
import { replacingName, replacingZxid, snapshotName } from './names.js';

/** Gives a synced file the place of everything that is there; `done` when that is durable. Throws as disks do. */
export const replaceHistory = (
  disk: Disk,
  dirs: Dirs,
  tmp: string,
  zxid: Zxid,
  done: (error: Error | null) => void,
): void => {
  disk.rename(`${dirs.data}/${tmp}`, `${dirs.data}/${replacingName(zxid)}`);
  disk.syncDir(dirs.data, (error) => {
    if (error !== null) return done(error);
    const completed = E.tryCatch(() => completeReplacement(disk, dirs, zxid), E.toError);
    done(E.isLeft(completed) ? completed.left : null);
  });
};

/** Finishes a replacement that a crash has interrupted; null when there was none. */
export const resumeReplacement = (disk: Disk, dirs: Dirs): Zxid | null => {
  const zxid = disk.list(dirs.data).map(replacingZxid).find((z) => z !== null) ?? null; // prettier-ignore
  if (zxid === null) return null;
  // A process that was killed behind its rename has left it in memory only.
  disk.syncDirNow(dirs.data);
  completeReplacement(disk, dirs, zxid);
  return zxid;
};

const completeReplacement = (disk: Disk, dirs: Dirs, zxid: Zxid): void => {
  for (const { name } of listLogs(disk, dirs)) disk.remove(`${dirs.log}/${name}`);
  for (const { name } of listSnapshots(disk, dirs)) disk.remove(`${dirs.data}/${name}`);
  disk.syncDirNow(dirs.log);
  if (dirs.data !== dirs.log) disk.syncDirNow(dirs.data);
  disk.rename(`${dirs.data}/${replacingName(zxid)}`, `${dirs.data}/${snapshotName(zxid)}`);
  disk.syncDirNow(dirs.data);
};
