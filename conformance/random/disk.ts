/**
 * The disk of a simulated server: log, snapshots, epoch files. What it is asked for it does later, and a part of it at a
 * time; what is not done at a crash is lost, all of it or some. Its files are what recovery is given.
 */
import { compareZxid, zeroZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { DiskFiles, LogFile, Recovered, SnapshotFile } from '../../core/recovery.js';
import type { Snapshot, SnapshotNode } from '../../core/service/snapshot.js';
import type { SessionId, Txn } from '../../core/service/txn.js';
import type { Chance, Timeline } from './chance.js';

/** A snapshot walked to its end: it shares nothing with the tree that it was taken of. */
export type WholeSnapshot = {
  readonly sessions: readonly { readonly session: SessionId; readonly timeoutMs: number }[];
  readonly nodes: readonly SnapshotNode[];
};

export const wholeSnapshot = (s: Snapshot): WholeSnapshot => ({ sessions: [...s.sessions], nodes: [...s.nodes] });

/** For comparing: two snapshots of the same state give the same text. */
export const snapshotText = (s: Snapshot): string => {
  // In which order a map gives its entries depends on the order in which they came.
  const sorted = (all: Iterable<unknown>): readonly string[] => [...all].map((x) => JSON.stringify(x)).sort();
  return JSON.stringify([sorted(s.sessions), sorted(s.nodes)]);
};

/** `forgets`: at a crash the last entries that an fsync has covered may be gone too, as no disk may do it. */
export type Honesty = 'honest' | 'forgets';

export type DiskPorts = {
  readonly time: Timeline;
  readonly chance: Chance;
  readonly honesty: Honesty;
  /** Milliseconds until a write is done, now. */
  readonly delayMs: () => number;
  readonly onLogSynced: (zxid: Zxid) => void;
  readonly onEpochSaved: () => void;
  readonly onSnapshotSaved: () => void;
  readonly onFault: (name: string, detail: string) => void;
};

type Ask =
  | { readonly type: 'accepted' | 'current'; readonly epoch: number }
  | { readonly type: 'replace'; readonly zxid: Zxid; readonly snapshot: Snapshot; readonly text: string }
  | {
      readonly type: 'beside';
      readonly zxid: Zxid;
      readonly snapshot: Snapshot;
      readonly text: string;
      readonly after: number;
    };

/** What the invariants read. */
export type Disk = {
  /** Last zxid of the snapshot that last took the place of the log: `entries` continue it, purged ones included. */
  readonly base: () => Zxid;
  readonly entries: () => readonly Txn[];
  /** How many of the entries are there for good. */
  readonly durable: () => number;
  /** Grows whenever entries were taken away: by a cut, a crash or a replacement. */
  readonly cuts: () => number;
  readonly epochs: () => { readonly accepted: number; readonly current: number };

  readonly append: (txns: readonly Txn[]) => void;
  readonly sync: () => void;
  readonly truncate: (zxid: Zxid) => void;
  readonly saveEpoch: (file: 'accepted' | 'current', epoch: number) => void;
  readonly replaceBy: (zxid: Zxid, snapshot: Snapshot) => void;
  readonly snapshotBeside: (zxid: Zxid, snapshot: Snapshot) => void;
  readonly crash: () => void;
  readonly files: () => DiskFiles;
  /** What a server does to its files before it takes part. */
  readonly prepare: (recovered: Recovered, first: () => Snapshot) => void;
};

export const diskOf = (ports: DiskPorts): Disk => {
  const { time, chance, honesty } = ports;
  const epochFile: { accepted: number | null; current: number | null; currentTmp: DiskFiles['currentEpochTmp'] } = {
    accepted: null,
    current: null,
    currentTmp: null,
  };
  let base = zeroZxid;
  let entries: Txn[] = [];
  let durable = 0;
  let cuts = 0;
  /** Index in `entries` of the first of each log file that is still there. */
  let fileStarts: number[] = [];
  let snapshots: { readonly zxid: Zxid; readonly data: WholeSnapshot }[] = [];
  let asks: Ask[] = [];
  let life = 0;
  let syncing = false;
  let rollNext = true;
  let tornAt = false;

  /** Later, if the server has not crashed meanwhile. */
  const later = (run: () => void): void => {
    const lived = life;
    time.after(ports.delayMs(), () => {
      if (life === lived) run();
    });
  };

  const sync = (): void => {
    if (syncing || durable === entries.length) return;
    syncing = true;
    const asked = cuts;
    // Often all at once, sometimes entry by entry.
    const upTo = chance.percent(70) ? entries.length : durable + 1 + chance.below(entries.length - durable);
    later(() => {
      syncing = false;
      if (asked === cuts) {
        durable = upTo;
        ports.onLogSynced((entries[upTo - 1] as Txn).zxid);
        pump();
      }
      sync();
    });
  };

  const append = (txns: readonly Txn[]): void => {
    if (txns.length === 0) return;
    if (rollNext) fileStarts.push(entries.length);
    rollNext = false;
    entries.push(...txns);
  };

  const truncateTo = (count: number): void => {
    entries = entries.slice(0, count);
    durable = Math.min(durable, count);
    fileStarts = fileStarts.filter((start) => start < count);
    cuts++;
    rollNext = true;
  };

  const truncate = (zxid: Zxid): void => {
    snapshots = snapshots.filter((s) => compareZxid(s.zxid, zxid) <= 0);
    asks = asks.filter((a) => a.type !== 'beside' || compareZxid(a.zxid, zxid) <= 0);
    truncateTo(entries.filter((t) => compareZxid(t.zxid, zxid) <= 0).length);
    durable = entries.length;
    if (snapshots.length === 0) ports.onFault('Recovery', 'a cut leaves no snapshot below it');
  };

  const replace = (zxid: Zxid, data: WholeSnapshot): void => {
    base = zxid;
    truncateTo(0);
    fileStarts = [];
    snapshots = [{ zxid, data }];
    asks = asks.filter((a) => a.type !== 'beside');
  };

  /** One ask at a time, in order; a snapshot beside the log waits until the log reaches it. */
  let busy = false;
  const pump = (): void => {
    const ask = asks[0];
    if (busy || ask === undefined || (ask.type === 'beside' && durable < ask.after)) return;
    busy = true;
    later(() => {
      busy = false;
      if (asks[0] !== ask) return pump();
      asks.shift();
      done(ask);
      pump();
    });
  };

  const done = (ask: Ask): void => {
    switch (ask.type) {
      case 'accepted':
      case 'current':
        epochFile[ask.type] = ask.epoch;
        epochFile.currentTmp = null;
        return ports.onEpochSaved();
      case 'replace':
        replace(ask.zxid, walked(ask));
        return ports.onSnapshotSaved();
      case 'beside':
        snapshots = [{ zxid: ask.zxid, data: walked(ask) }, ...snapshots];
        return purge();
    }
  };

  /** The server has gone on since: the snapshot must be what it was. */
  const walked = ({ snapshot, text }: { readonly snapshot: Snapshot; readonly text: string }): WholeSnapshot => {
    const data = wholeSnapshot(snapshot);
    if (snapshotText(data) !== text) ports.onFault('SnapshotStands', 'a snapshot changed while it was written');
    return data;
  };

  const purge = (): void => {
    if (!chance.percent(50)) return;
    snapshots = snapshots.slice(0, 1 + chance.below(3));
    const oldest = snapshots.at(-1)?.zxid ?? zeroZxid;
    const needed = fileStarts.findLastIndex((start) => compareZxid((entries[start] as Txn).zxid, oldest) <= 0);
    fileStarts = fileStarts.slice(Math.max(0, needed));
  };

  const ask = (a: Ask): void => {
    asks.push(a);
    pump();
  };

  return {
    base: () => base,
    entries: () => entries,
    durable: () => durable,
    cuts: () => cuts,
    epochs: () => ({ accepted: epochFile.accepted ?? 0, current: epochFile.current ?? 0 }),
    append,
    sync,
    truncate,
    saveEpoch: (type, epoch) => ask({ type, epoch }),
    replaceBy: (zxid, snapshot) => ask({ type: 'replace', zxid, snapshot, text: snapshotText(snapshot) }),
    snapshotBeside: (zxid, snapshot) => {
      rollNext = true;
      ask({ type: 'beside', zxid, snapshot, text: snapshotText(snapshot), after: entries.length });
    },
    crash: () => {
      life++;
      const [asked] = asks;
      // A rename is there or not; the epoch may stand in the file that was to be renamed.
      if (asked !== undefined && chance.percent(30)) {
        if (asked.type === 'replace') replace(asked.zxid, walked(asked));
        else if (asked.type !== 'beside') epochFile[asked.type] = asked.epoch;
      } else if (asked?.type === 'current')
        epochFile.currentTmp = chance.pick([null, asked.epoch, { unreadable: '' }] as const);
      asks = [];
      busy = false;
      syncing = false;
      const lost = honesty === 'forgets' ? chance.below(durable + 1) : 0;
      const kept = durable - lost + chance.below(entries.length - durable + lost + 1);
      tornAt = kept < entries.length && chance.percent(50);
      truncateTo(kept);
      durable = kept;
    },
    files: () => ({
      acceptedEpoch: epochFile.accepted,
      currentEpoch: epochFile.current,
      currentEpochTmp: epochFile.currentTmp,
      snapshots: snapshots.map((s, i): SnapshotFile => ({
        file: `snapshot.${i}`,
        zxid: s.zxid,
        load: () => ({ snapshot: s.data }),
      })),
      logs: fileStarts.map((start, i): LogFile => {
        const isLast = i === fileStarts.length - 1;
        const own = entries.slice(start, fileStarts[i + 1]);
        return {
          file: `log.${i}`,
          first: (own[0] as Txn).zxid,
          load: () => ({
            entries: own.map((txn, offset) => ({ txn, offset })),
            end: isLast && tornAt ? { type: 'torn', at: own.length, reason: 'cut short' } : { type: 'clean' },
          }),
        };
      }),
    }),
    prepare: (recovered, first) => {
      if (recovered.snapshot === null) snapshots = [{ zxid: zeroZxid, data: wholeSnapshot(first()) }];
      for (const { name, epoch } of recovered.save)
        epochFile[name === 'acceptedEpoch' ? 'accepted' : 'current'] = epoch;
      epochFile.currentTmp = null;
      tornAt = false;
    },
  };
};
