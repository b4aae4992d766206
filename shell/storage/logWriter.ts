/**
 * The write-ahead log: what the turns bring is gathered in memory and goes out as one write and one fdatasync, one at a
 * time. So at a crash at most the last write is unfinished, and no file is begun before its predecessor is safe: what a
 * crash leaves has no holes, and nothing of it but the end can be damaged.
 */
import type { Zxid } from '../../core/data/zxid.js';
import type { Txn } from '../../core/service/txn.js';
import { openWriter, written } from '../../wire/jute.js';
import type { Writer } from '../../wire/jute.js';
import { logHeaderBytes, paddedSize, writeLogEntry, writeLogHeader } from '../../wire/log.js';
import type { Disk, DiskFile } from './disk.js';
import { logName } from './names.js';

export type LogWriterOptions = {
  readonly disk: Disk;
  /** version-2 of dataLogDir. */
  readonly dir: string;
  /** Bytes by which a file grows ahead of the writing; 0: not at all. */
  readonly preAllocBytes: number;
  /** Everything up to `last` is durable. */
  readonly onSynced: (last: Zxid) => void;
  /** One sync took so long, milliseconds. */
  readonly onSyncTime?: (ms: number) => void;
  /** Size at which a file ends, bytes; null: `roll` alone ends one. */
  readonly logLimitBytes: number | null;
  /** Bytes after which a snapshot is due, once until the next `roll`; null: never. */
  readonly snapLimitBytes: number | null;
  readonly onSnapshotDue: () => void;
  /** false: what is written counts as durable. */
  readonly forceSync: boolean;
  /** `covered` has moved. */
  readonly onCovered: () => void;
  /** The disk failed: nothing is answered from then on. */
  readonly fail: (what: string, error: unknown) => void;
};

export type LogWriter = {
  readonly append: (txns: readonly Txn[]) => void;
  /** Makes all that was appended durable; answered by onSynced. */
  readonly sync: () => void;
  /** The next append starts a file. */
  readonly roll: () => void;
  /** Numbers of the last append that was asked for, and of the last that is durable or was discarded. */
  readonly appended: () => number;
  readonly covered: () => number;
  /** Writes and syncs what was appended, before it returns; nothing is reported. Ends the present file. */
  readonly finishNow: () => void;
  /** What was appended and is not durable is forgotten; ends the present file, and holds what comes until `release`. */
  readonly discardAndHold: () => void;
  readonly release: () => void;
  /** The history ends at `last` now, durably; reported in a later turn when somebody waits for it. */
  readonly restartAt: (last: Zxid, isAwaited: boolean) => void;
};

/** Entries of one file that wait to be written. */
type Segment = {
  /** The first entry, when it starts a file. */
  readonly starts: Zxid | null;
  readonly writer: Writer;
  last: Zxid;
  seq: number;
};

type OpenFile = { readonly file: DiskFile; position: number; size: number };

const keptWriterBytes = 1 << 22;
/** Between two looks whether the file is still where it was, milliseconds. */
const lookMs = 50;

export const openLogWriter = (options: LogWriterOptions): LogWriter => {
  const { disk, dir, preAllocBytes, onSynced, onCovered, onSyncTime, fail } = options;
  const { logLimitBytes, snapLimitBytes, forceSync } = options;
  let sinceRoll = 0;
  const segments: Segment[] = [];
  const spare: Writer[] = [];
  let current: OpenFile | null = null;
  let rollNext = true;
  let held = false;
  let asked = false;
  let appended = 0;
  let covered = 0;
  let lastSynced: Zxid | null = null;
  let lookedAt = -Infinity;
  /** The write whose sync runs in a thread; `void` once its answer no longer counts. */
  let flight: { file: DiskFile; isVoid: boolean; closeAfter: boolean } | null = null;

  const segmentFor = (txn: Txn): Segment => {
    const open = segments.at(-1);
    if (open !== undefined && !rollNext) return open;
    const writer = spare.pop() ?? openWriter(65536);
    writer.at = 0;
    if (rollNext) writeLogHeader(writer);
    const segment = { starts: rollNext ? txn.zxid : null, writer, last: txn.zxid, seq: 0 };
    rollNext = false;
    segments.push(segment);
    return segment;
  };

  const append = (txns: readonly Txn[]): void => {
    if (txns.length === 0) return;
    appended += 1;
    for (const txn of txns) {
      const segment = segmentFor(txn);
      writeLogEntry(segment.writer, txn);
      segment.last = txn.zxid;
      segment.seq = appended;
    }
  };

  const closeCurrent = (): void => {
    if (current === null) return;
    // A file is not closed under a sync that a thread is still at.
    if (flight !== null && flight.file === current.file) flight.closeAfter = true;
    else current.file.close();
    current = null;
  };

  /** Hands a segment to the page cache. */
  const write = (segment: Segment): OpenFile => {
    if (segment.starts !== null) {
      closeCurrent();
      const file = disk.open(`${dir}/${logName(segment.starts)}`, 'create');
      current = { file, position: 0, size: paddedSize(logHeaderBytes, logHeaderBytes, preAllocBytes) };
      if (current.size > logHeaderBytes) file.write(zero, current.size - 1);
    }
    const open = current as OpenFile | null;
    if (open === null) throw new Error('a log entry has no file to go to');
    const bytes = written(segment.writer);
    const end = open.position + bytes.length;
    let size = paddedSize(open.position, open.size, preAllocBytes);
    if (end > size) size = paddedSize(end, size, preAllocBytes);
    if (size > open.size) open.file.write(zero, size - 1);
    open.file.write(bytes, open.position);
    open.size = Math.max(size, end);
    open.position = end;
    measure(open.position, bytes.length);
    if (spare.length < 2 && segment.writer.bytes.length <= keptWriterBytes) spare.push(segment.writer);
    return open;
  };

  /** Ends a file that is long enough, and tells once when a snapshot is due. */
  const measure = (position: number, written: number): void => {
    if (logLimitBytes !== null && position >= logLimitBytes && segments.length === 0) rollNext = true;
    const before = sinceRoll;
    sinceRoll += written;
    if (snapLimitBytes !== null && before < snapLimitBytes && sinceRoll >= snapLimitBytes)
      disk.later(options.onSnapshotDue);
  };

  /** What is gone is gone with all that was acknowledged before, so to look now and then loses nothing more. */
  const isLookedAt = (): boolean => {
    const now = performance.now();
    if (now - lookedAt < lookMs) return false;
    lookedAt = now;
    return true;
  };

  const pump = (): void => {
    if (flight !== null || held || !asked) return;
    const segment = segments.shift();
    if (segment === undefined) {
      asked = false;
      return;
    }
    guarded(() => {
      const { file } = write(segment);
      const own = { file, isVoid: false, closeAfter: false };
      flight = own;
      const finish = (error: Error | null): void => {
        if (error !== null) return fail('log', error);
        // Somebody else's work: a replaced or shortened history has made its own flight void.
        if (!own.isVoid && isLookedAt() && file.isRemoved())
          return fail('log', new Error('the file that is written has been removed'));
        if (own.closeAfter) file.close();
        flight = null;
        if (!own.isVoid) {
          covered = segment.seq;
          lastSynced = segment.last;
          onSynced(segment.last);
          onCovered();
        }
        pump();
      };
      const since = performance.now();
      const sync = forceSync ? file.sync : (done: (error: null) => void): void => disk.later(() => done(null));
      sync((error) => {
        onSyncTime?.(performance.now() - since);
        if (error !== null || segment.starts === null || own.isVoid) return finish(error);
        // The name of a new file is as much needed as its bytes.
        guarded(() => disk.syncDir(dir, finish));
      });
    });
  };

  const guarded = (f: () => void): void => {
    try {
      f();
    } catch (error) {
      fail('log', error);
    }
  };

  const answer = (last: Zxid): void =>
    disk.later(() => {
      if (last === lastSynced) onSynced(last);
    });

  const sync = (): void => {
    if (covered === appended && lastSynced !== null) return answer(lastSynced); // nothing to do, but it is awaited
    asked = true;
    pump();
  };

  const endFile = (): void => {
    closeCurrent();
    if (flight !== null) flight.isVoid = true;
    asked = false;
    rollNext = true;
    covered = appended;
  };

  const finishNow = (): void => {
    const before = current as OpenFile | null;
    if (flight !== null && before !== null) before.file.syncNow();
    if (flight !== null) disk.syncDirNow(dir);
    for (let segment = segments.shift(); segment !== undefined; segment = segments.shift()) {
      write(segment).file.syncNow();
      if (segment.starts !== null) disk.syncDirNow(dir);
    }
    endFile();
  };

  return {
    append,
    sync,
    roll: () => {
      sinceRoll = 0;
      rollNext = true;
    },
    appended: () => appended,
    covered: () => covered,
    finishNow,
    discardAndHold: () => {
      segments.length = 0;
      endFile();
      lastSynced = null;
      held = true;
    },
    release: () => {
      held = false;
      pump();
    },
    restartAt: (last, isAwaited) => {
      lastSynced = last;
      if (isAwaited) answer(last);
    },
  };
};

const zero = Buffer.alloc(1);
