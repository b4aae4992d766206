/**
 * Cuts the history after a zxid (TRUNC), durably, in an order that leaves at any crash a history that goes to the zxid
 * or beyond it without a hole: snapshots above it first, as one of them would bring back what was cut (ZOOKEEPER-4837),
 * then logs from the newest to the oldest.
 */
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid, formatZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import { explainRefusal, outlivesCut, recover } from '../../core/recovery.js';
import type { LoadedLog, LogFile, Recovery } from '../../core/recovery.js';
import type { Disk } from './disk.js';
import { listSnapshots, looksWhole, readFiles } from './files.js';
import type { Dirs, ListedSnapshot } from './files.js';

const nothing = { sessions: [], nodes: [] };

/**
 * Keeps what is at or below `zxid`. Throws as disks do.
 * @returns the last zxid that is kept, below `zxid` when that is no entry; Left, and nothing is changed, when the
 *          files do not give the history up to there
 */
export const truncateHistory = (disk: Disk, dirs: Dirs, zxid: Zxid): E.Either<string, Zxid> => {
  const files = readFiles(disk, dirs);
  const listed = listSnapshots(disk, dirs);
  const snapshots = listed.filter((s) => outlivesCut(s.zxid, zxid) && looksWhole(disk, dirs, s));
  const kept = historyUpTo(zxid, snapshots, files.logs);
  if ('refused' in kept) return E.left(explainRefusal(kept.refused));
  if (kept.ok.snapshot === null) return E.left(`no snapshot is at or below ${formatZxid(zxid)}`);
  const { base, lastZxid } = kept.ok;
  if (compareZxid(lastZxid, zxid) < 0) {
    // Nothing is missing if the log steps over `zxid` without a hole.
    const next = firstAbove(zxid, files.logs);
    const beyond = next === null ? null : historyUpTo(next, snapshots, files.logs);
    if (beyond === null || 'refused' in beyond) {
      return E.left(`the files give the history up to ${formatZxid(lastZxid)} only, not to ${formatZxid(zxid)}`);
    }
  }
  const newer = listed.filter((s) => !outlivesCut(s.zxid, zxid));
  for (const { name } of newer) disk.remove(`${dirs.data}/${name}`);
  if (newer.length > 0) disk.syncDirNow(dirs.data);
  for (const log of files.logs.toReversed()) applyCut(disk, dirs, log, cutOf(zxid, log, base));
  return E.right(lastZxid);
};

/** Recovery from these snapshots and what the logs have at or below `zxid`. */
const historyUpTo = (zxid: Zxid, snapshots: readonly ListedSnapshot[], logs: readonly LogFile[]): Recovery =>
  recover({
    acceptedEpoch: null,
    currentEpoch: null,
    currentEpochTmp: null,
    // Loading millions of nodes to know that they are there would stop the server for seconds.
    snapshots: snapshots.map((s) => ({ file: s.name, zxid: s.zxid, load: () => ({ snapshot: nothing }) })),
    logs: logs
      .filter((l) => compareZxid(l.first, zxid) <= 0)
      .map((l) => ({ file: l.file, first: l.first, load: () => upTo(zxid, l.load()) })),
  });

/** The first entry above `zxid`; null: none. */
const firstAbove = (zxid: Zxid, logs: readonly LogFile[]): Zxid | null => {
  for (const log of logs.slice(
    Math.max(
      0,
      logs.findLastIndex((l) => compareZxid(l.first, zxid) <= 0),
    ),
  )) {
    const loaded = log.load();
    const entry = 'entries' in loaded ? loaded.entries.find((e) => compareZxid(e.txn.zxid, zxid) > 0) : undefined;
    if (entry !== undefined) return entry.txn.zxid;
  }
  return null;
};

type Cut = { readonly type: 'none' } | { readonly type: 'remove' } | { readonly type: 'at'; readonly at: number };

const cutOf = (zxid: Zxid, log: LogFile, base: Zxid): Cut => {
  if (compareZxid(log.first, zxid) > 0) return { type: 'remove' };
  if (compareZxid(zxid, base) < 0) return { type: 'none' };
  const loaded = log.load();
  if ('unreadable' in loaded) return { type: 'none' };
  const i = loaded.entries.findIndex((e) => compareZxid(e.txn.zxid, zxid) > 0);
  const entry = loaded.entries[i];
  return entry === undefined ? { type: 'none' } : i === 0 ? { type: 'remove' } : { type: 'at', at: entry.offset };
};

const applyCut = (disk: Disk, dirs: Dirs, { file: name }: LogFile, cut: Cut): void => {
  if (cut.type === 'none') return;
  const path = `${dirs.log}/${name}`;
  if (cut.type === 'remove') {
    disk.remove(path);
    // Each for itself: were the older one gone and this one still there, the history would have a hole.
    disk.syncDirNow(dirs.log);
    return;
  }
  const file = disk.open(path, 'existing');
  file.truncate(cut.at);
  file.syncNow();
  file.close();
};

const upTo = (zxid: Zxid, log: LoadedLog): LoadedLog => {
  if ('unreadable' in log) return log;
  const entries = log.entries.filter((e) => compareZxid(e.txn.zxid, zxid) <= 0);
  return entries.length === log.entries.length ? log : { entries, end: { type: 'clean' } };
};
