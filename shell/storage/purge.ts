/** Removes snapshots and logs that no restart needs any more. */
import { compareZxid } from '../../core/data/zxid.js';
import type { Disk } from './disk.js';
import { listLogs, listSnapshots, looksWhole } from './files.js';
import type { Dirs } from './files.js';

/**
 * Keeps the newest `retain` snapshots that look whole, and the logs from the one that the oldest of them is continued by.
 * @returns the names of the removed files
 * @see org.apache.zookeeper.server.PurgeTxnLog
 */
export const purgeFiles = (disk: Disk, dirs: Dirs, retain: number): readonly string[] => {
  // What others are removed for must not be a name that a crash could still take back.
  disk.syncDirNow(dirs.data);
  const snapshots = listSnapshots(disk, dirs);
  const oldest = snapshots.filter((s) => looksWhole(disk, dirs, s)).slice(0, Math.max(1, retain)).at(-1); // prettier-ignore
  if (oldest === undefined) return [];
  const logs = listLogs(disk, dirs);
  const first = logs.findLastIndex((l) => compareZxid(l.zxid, oldest.zxid) <= 0);
  const goneLogs = logs.slice(0, Math.max(0, first)).map((l) => l.name);
  const goneSnapshots = snapshots.filter((s) => compareZxid(s.zxid, oldest.zxid) < 0).map((s) => s.name);
  for (const name of goneSnapshots) disk.remove(`${dirs.data}/${name}`);
  for (const name of goneLogs) disk.remove(`${dirs.log}/${name}`);
  return [...goneSnapshots, ...goneLogs];
};
