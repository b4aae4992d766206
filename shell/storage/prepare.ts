/** What happens to the files of a server before it takes part. */
import * as E from 'fp-ts/lib/Either.js';
import { zeroZxid } from '../../core/data/zxid.js';
import { explainRefusal, recover } from '../../core/recovery.js';
import type { Recovered, Refusal } from '../../core/recovery.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import { logHeaderBytes } from '../../wire/log.js';
import { encodeSnapshot } from '../../wire/snapshot.js';
import { replaceFileNow } from './disk.js';
import type { Disk } from './disk.js';
import { readFiles } from './files.js';
import type { Dirs } from './files.js';
import { isUnfinishedSnapshot, logZxid, replacingZxid, snapshotName, snapshotZxid } from './names.js';
import { resumeReplacement } from './replace.js';

/** Why storage cannot be opened. */
export type OpenError =
  | { readonly type: 'Locked'; readonly message: string }
  | { readonly type: 'Misplaced'; readonly message: string }
  | { readonly type: 'Refused'; readonly refusal: Refusal; readonly message: string }
  | { readonly type: 'Failed'; readonly message: string };

/**
 * Recovers, and makes the files say the same: interrupted replacements are finished, unfinished writes cut off, missing
 * epochs written, a new server's first snapshot made; what counts is synced. Throws as disks do.
 * @returns Left, with nothing changed but a replacement finished, when the server must not take part
 */
export const prepareFiles = (disk: Disk, dirs: Dirs, firstSnapshot: () => Snapshot): E.Either<OpenError, Recovered> => {
  const misplaced = misplacedFile(disk, dirs);
  if (misplaced !== null) return E.left({ type: 'Misplaced', message: misplaced });
  resumeReplacement(disk, dirs);
  const files = readFiles(disk, dirs);
  const recovery = recover(files);
  if ('refused' in recovery) {
    return E.left({ type: 'Refused', refusal: recovery.refused, message: explainRefusal(recovery.refused) });
  }
  const recovered = recovery.ok;
  for (const name of disk.list(dirs.data).filter(isUnfinishedSnapshot)) disk.remove(`${dirs.data}/${name}`);
  // A lost first snapshot would leave a log that nothing can be said about; Apache does not sync its own.
  if (recovered.snapshot === null) {
    replaceFileNow(disk, dirs.data, snapshotName(zeroZxid), encodeSnapshot(firstSnapshot()));
  } else syncFile(disk, `${dirs.data}/${recovered.snapshot.file}`);
  const emptied = recovered.cuts.filter((c) => c.at <= logHeaderBytes).map((c) => c.file);
  for (const file of emptied) disk.remove(`${dirs.log}/${file}`);
  for (const { file } of files.logs) {
    if (emptied.includes(file)) continue;
    syncFile(disk, `${dirs.log}/${file}`, recovered.cuts.find((c) => c.file === file)?.at);
  }
  for (const dir of new Set([dirs.data, dirs.log])) disk.syncDirNow(dir);
  for (const { name, epoch } of recovered.save) {
    replaceFileNow(disk, dirs.data, name, [Buffer.from(String(epoch))]);
  }
  return E.right(recovered);
};

/** With two directories each kind of file has its own: one in the wrong place would silently not count. */
const misplacedFile = (disk: Disk, dirs: Dirs): string | null => {
  if (dirs.data === dirs.log) return null;
  const log = disk.list(dirs.data).find((name) => logZxid(name) !== null);
  if (log !== undefined) return `${log} is a log in ${dirs.data}; move the logs to ${dirs.log}`;
  const snapshot = disk.list(dirs.log).find((name) => snapshotZxid(name) !== null || replacingZxid(name) !== null);
  return snapshot === undefined ? null : `${snapshot} is a snapshot in ${dirs.log}; move the snapshots to ${dirs.data}`;
};

const syncFile = (disk: Disk, path: string, cutAt?: number): void => {
  const file = disk.open(path, 'existing');
  if (cutAt !== undefined) file.truncate(cutAt);
  file.syncNow();
  file.close();
};
