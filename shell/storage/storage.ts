/**
 * A server's history and epochs on its disk: log, snapshots, epoch files. Everything asked for is answered by a
 * callback of a later turn, once it is durable and never before; asks are answered in their order.
 */
import { strict as assert } from 'node:assert';
import * as E from 'fp-ts/lib/Either.js';
import { formatZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import type { Txn } from '../../core/service/txn.js';
import type { Recovered } from '../../core/recovery.js';
import type { Disk, Lock } from './disk.js';
import { openEpochWriter } from './epochWriter.js';
import type { EpochName } from './epochWriter.js';
import type { Dirs } from './files.js';
import { openLogWriter } from './logWriter.js';
import { versionDir } from './names.js';
import type { Compression } from './names.js';
import { prepareFiles } from './prepare.js';
import type { OpenError } from './prepare.js';
import { purgeFiles } from './purge.js';
import { replaceHistory } from './replace.js';
import { openSnapshotWriter } from './snapshotWriter.js';
import type { SnapshotOutcome } from './snapshotWriter.js';
import { truncateHistory } from './truncate.js';

export type { EpochName } from './epochWriter.js';
export type { OpenError } from './prepare.js';
export type { SnapshotOutcome } from './snapshotWriter.js';

export type StorageOptions = {
  readonly dataDir: string;
  readonly dataLogDir: string;
  /** Bytes by which log files grow ahead of the writing; 0: not at all. */
  readonly preAllocBytes: number;
  /** Size at which a log file ends, bytes; null or absent: only a snapshot ends one. */
  readonly logLimitBytes?: number | null;
  /** Bytes of log after which `onSnapshotDue` is called, once until the next snapshot. */
  readonly snapLimitBytes?: number | null;
  readonly onSnapshotDue?: () => void;
  /** false: the log is written and never synced. */
  readonly forceSync?: boolean;
  /** false: a missing directory is an error. */
  readonly createDirs?: boolean;
  /** Of snapshots beside the log; none without it. */
  readonly compression?: Compression;
  /** The state of a server without history, written as snapshot.0 before anything else. */
  readonly firstSnapshot: () => Snapshot;
  /** Every transaction up to `last` is durable. */
  readonly onLogSynced: (last: Zxid) => void;
  /** One sync of the log took so long, milliseconds. */
  readonly onSyncTime?: (ms: number) => void;
  /** The disk failed. Nothing is answered from then on: what is durable is unknown, only a restart can tell. */
  readonly onFailed: (what: string, error: unknown) => void;
};

export type Storage = {
  /** Adds to the log, in memory until `sync`. */
  readonly append: (txns: readonly Txn[]) => void;
  /** Makes all that was appended durable, by one write and one fdatasync at a time; answered by onLogSynced. */
  readonly sync: () => void;
  /** Replaces an epoch file. A currentEpoch waits for what was appended, and for a replacing snapshot, before it. */
  readonly saveEpoch: (name: EpochName, epoch: number, done: () => void) => void;
  /**
   * Writes a snapshot in slices between turns; the log goes on in a new file.
   * @param replacesLog the snapshot takes the place of the whole history: appended but unsynced transactions are
   *                    forgotten, later ones are durable only after it
   */
  readonly saveSnapshot: (
    zxid: Zxid,
    snapshot: Snapshot,
    options: { readonly replacesLog: boolean },
    done: (outcome: SnapshotOutcome) => void,
  ) => void;
  /**
   * Cuts the history after `zxid`, durably before it returns, and makes everything up to there durable.
   * @returns the last zxid kept, below `zxid` when that is no entry; Left, with nothing cut, when files are missing
   */
  readonly truncate: (zxid: Zxid) => E.Either<string, Zxid>;
  /** Removes files that are older than the newest `retain` snapshots; gives their names. */
  readonly purge: (retain: number) => readonly string[];
  /** Makes what was appended durable, unless told otherwise, and gives the directories free; no callback comes later. */
  readonly close: (flush?: boolean) => void;
};

export type Opened = { readonly storage: Storage; readonly recovered: Recovered; readonly warnings: readonly string[] };

/**
 * Takes the directories, finishes or undoes what a crash has interrupted, and recovers. When it returns, all of what it
 * has recovered is durable: a process that was killed leaves bytes that no fsync has covered.
 */
export const openStorage = (disk: Disk, options: StorageOptions): E.Either<OpenError, Opened> => {
  const dirs: Dirs = { data: `${options.dataDir}/${versionDir}`, log: `${options.dataLogDir}/${versionDir}` };
  const locks: Lock[] = [];
  const release = (): void => {
    for (const lock of locks) lock.release();
  };
  try {
    for (const dir of new Set([dirs.data, dirs.log])) {
      if (options.createDirs === false && disk.size(dir) === null) {
        release();
        return E.left({ type: 'Failed', message: `${dir} does not exist, and datadir.autocreate is false` });
      }
      disk.makeDir(dir);
      const lock = disk.lock(dir);
      if (E.isLeft(lock)) {
        release();
        return E.left({ type: 'Locked', message: lock.left });
      }
      locks.push(lock.right);
    }
    const prepared = prepareFiles(disk, dirs, options.firstSnapshot);
    if (E.isLeft(prepared)) {
      release();
      return prepared;
    }
    const recovered = prepared.right;
    const warnings = [...locks.flatMap((l) => l.warning ?? []), ...recovered.warnings];
    return E.right({ storage: storageOver(disk, dirs, options, recovered.lastZxid, release), recovered, warnings });
  } catch (error) {
    release();
    return E.left({ type: 'Failed', message: `the disk failed: ${String(error)}` });
  }
};

const storageOver = (disk: Disk, dirs: Dirs, options: StorageOptions, lastZxid: Zxid, release: () => void): Storage => {
  const { preAllocBytes, compression = 'none', onLogSynced, onSyncTime, onSnapshotDue, onFailed } = options;
  const { logLimitBytes = null, snapLimitBytes = null, forceSync = true } = options;
  let isOpen = true;
  let isReplacing = false;
  const fail = (what: string, error: unknown): void => {
    if (!isOpen) return;
    isOpen = false;
    onFailed(what, error);
  };
  /** A callback of the server's that is not called after the end. */
  const whileOpen =
    <A>(f: (a: A) => void) =>
    (a: A): void => {
      if (isOpen) f(a);
    };
  const epochs = openEpochWriter(disk, dirs.data, fail);
  const snapshots = openSnapshotWriter(disk, dirs.data, fail, compression);
  const onSynced = whileOpen(onLogSynced);
  const onCovered = (): void => {
    epochs.pump();
    snapshots.pump();
  };
  const log = openLogWriter({
    disk,
    dir: dirs.log,
    preAllocBytes,
    onSynced,
    onCovered,
    fail,
    ...(onSyncTime === undefined ? {} : { onSyncTime }),
    logLimitBytes,
    snapLimitBytes,
    forceSync,
    onSnapshotDue: () => {
      if (isOpen) onSnapshotDue?.();
    },
  });
  log.restartAt(lastZxid, false);

  const replace = (zxid: Zxid) => (tmp: string, done: () => void) =>
    replaceHistory(disk, dirs, tmp, zxid, (error) => {
      if (error !== null) return fail('snapshot', error);
      isReplacing = false;
      log.restartAt(zxid, false);
      done();
      log.release();
      onCovered();
    });

  /** The asks of the server; they do nothing after the end. */
  const ask = (what: string, f: () => void): void => {
    if (!isOpen) return;
    try {
      f();
    } catch (error) {
      fail(what, error);
    }
  };

  return {
    append: (txns) => ask('log', () => log.append(txns)),
    sync: () => ask('log', log.sync),
    saveEpoch: (name, epoch, done) =>
      ask(name, () => {
        const before = log.appended();
        const mayStart = (): boolean =>
          isOpen && (name === 'acceptedEpoch' || (log.covered() >= before && !isReplacing));
        if (log.covered() < before) log.sync();
        epochs.save(name, epoch, mayStart, () => {
          if (isOpen) done();
        });
      }),
    saveSnapshot: (zxid, snapshot, { replacesLog }, done) =>
      ask('snapshot', () => {
        assert(!isReplacing, `a snapshot is asked for while another one replaces the history: ${formatZxid(zxid)}`);
        if (replacesLog) {
          isReplacing = true;
          snapshots.overtake(null);
          log.discardAndHold();
        } else log.roll();
        // A snapshot ahead of its log would leave a hole in it after a crash.
        const before = replacesLog ? 0 : log.appended();
        if (log.covered() < before) log.sync();
        const mayPlace = (): boolean => isOpen && log.covered() >= before;
        const place = replacesLog ? replace(zxid) : null;
        snapshots.save({ zxid, snapshot, mayPlace, place, done: whileOpen(done) });
      }),
    truncate: (zxid) => {
      assert(isOpen && !isReplacing, `cut while a snapshot replaces the history: ${formatZxid(zxid)}`);
      try {
        const isAwaited = log.covered() < log.appended();
        snapshots.overtake(zxid);
        log.finishNow();
        const last = truncateHistory(disk, dirs, zxid);
        if (E.isRight(last)) {
          log.restartAt(last.right, isAwaited);
        }
        disk.later(onCovered);
        return last;
      } catch (error) {
        fail('truncate', error);
        return E.left(`the disk failed: ${String(error)}`);
      }
    },
    purge: (retain) => {
      let names: readonly string[] = [];
      ask('purge', () => (names = purgeFiles(disk, dirs, retain)));
      return names;
    },
    close: (flush = true) => {
      if (flush) ask('log', log.finishNow);
      isOpen = false;
      release();
    },
  };
};
