/**
 * What a server's files mean: its history and its epochs, or why it must not take part. Restart of spec/ReplicationState.tla.
 * The files come decoded; nothing is written here. What a crash of this server can leave is always recovered; damage
 * beyond that is refused, since a voter that has lost what it acknowledged can undo what a quorum has decided.
 */
import { compareZxid, formatZxid, sameZxid, zeroZxid } from './data/zxid.js';
import type { Zxid } from './data/zxid.js';
import type { Snapshot } from './service/snapshot.js';
import type { Txn } from './service/txn.js';
import { absurd } from './step.js';

/** An epoch as its file has it; null: no file. */
export type EpochFile = number | null | { readonly unreadable: string };

export type SnapshotFile = {
  readonly file: string;
  /** From the file's name: every transaction up to it is in the snapshot. */
  readonly zxid: Zxid;
  readonly load: () => { readonly snapshot: Snapshot } | { readonly unreadable: string };
};

export type LoggedTxn = { readonly txn: Txn; readonly offset: number };

/** How a log file ends; see wire/log.ts. */
export type LogFileEnd =
  | { readonly type: 'clean' | 'padding' }
  | { readonly type: 'torn'; readonly at: number; readonly reason: string }
  | { readonly type: 'damaged'; readonly at: number; readonly validAt: number; readonly reason: string }
  | { readonly type: 'undecodable'; readonly at: number; readonly reason: string };

export type LoadedLog =
  { readonly entries: readonly LoggedTxn[]; readonly end: LogFileEnd } | { readonly unreadable: string };

export type LogFile = {
  readonly file: string;
  /** From the file's name: its first transaction. */
  readonly first: Zxid;
  readonly load: () => LoadedLog;
};

export type DiskFiles = {
  readonly acceptedEpoch: EpochFile;
  readonly currentEpoch: EpochFile;
  /** The epoch whose writing a crash cut short before the rename. */
  readonly currentEpochTmp: EpochFile;
  /** Newest first. */
  readonly snapshots: readonly SnapshotFile[];
  /** Oldest first. */
  readonly logs: readonly LogFile[];
};

export type Recovered = {
  /** Zxid of the snapshot. */
  readonly base: Zxid;
  /** null: a new server without any history, which needs its first snapshot before anything else. */
  readonly snapshot: { readonly file: string; readonly snapshot: Snapshot } | null;
  /** The transactions after `base`, committed or not, without a gap. */
  readonly log: readonly Txn[];
  readonly lastZxid: Zxid;
  readonly acceptedEpoch: number;
  readonly currentEpoch: number;
  /** Epochs whose file is missing or behind: to be on disk before the server takes part. */
  readonly save: readonly { readonly name: 'acceptedEpoch' | 'currentEpoch'; readonly epoch: number }[];
  /** Unfinished writes: to be cut off the files before anything is written behind them. */
  readonly cuts: readonly { readonly file: string; readonly at: number }[];
  readonly warnings: readonly string[];
};

export type Refusal =
  | { readonly type: 'EpochUnreadable'; readonly file: string; readonly text: string }
  /** `file` shows that there was a history. */
  | { readonly type: 'NoSnapshot'; readonly file: string }
  | {
      readonly type: 'SnapshotsUnreadable';
      readonly failures: readonly { readonly file: string; readonly reason: string }[];
    }
  /** A damaged snapshot held more than what the other files still give, up to `last`. */
  | { readonly type: 'SnapshotLost'; readonly file: string; readonly reason: string; readonly last: Zxid }
  | { readonly type: 'LogUnreadable'; readonly file: string; readonly reason: string }
  | {
      readonly type: 'LogDamaged';
      readonly file: string;
      readonly offset: number;
      readonly validAt: number;
      readonly reason: string;
    }
  | { readonly type: 'LogUndecodable'; readonly file: string; readonly offset: number; readonly reason: string }
  /** `found` follows `after`, but is not its successor. */
  | {
      readonly type: 'LogHole' | 'LogDisorder';
      readonly file: string;
      readonly offset: number;
      readonly after: Zxid;
      readonly found: Zxid;
    }
  | { readonly type: 'AcceptedBelowCurrent'; readonly acceptedEpoch: number; readonly currentEpoch: number };

export type Recovery = { readonly ok: Recovered } | { readonly refused: Refusal };

/**
 * Whether a snapshot stays on the disk when the history is cut after `cut`: one above would bring back what was cut
 * (ZOOKEEPER-4837).
 */
export const outlivesCut = (snapshot: Zxid, cut: Zxid): boolean => compareZxid(snapshot, cut) <= 0;

/** The newest snapshot that loads, the log that continues it, and the epochs that fit both. */
export const recover = (files: DiskFiles): Recovery => {
  for (const name of ['acceptedEpoch', 'currentEpoch'] as const) {
    const epoch = files[name];
    if (typeof epoch === 'object' && epoch !== null) {
      return { refused: { type: 'EpochUnreadable', file: name, text: epoch.unreadable } };
    }
  }
  if (files.snapshots.length === 0) return recoverNothing(files);
  const failures: { file: string; zxid: Zxid; reason: string }[] = [];
  for (const { file, zxid, load } of files.snapshots) {
    const loaded = load();
    if ('unreadable' in loaded) {
      failures.push({ file, zxid, reason: loaded.unreadable });
      continue;
    }
    const replayed = replay(zxid, files.logs);
    if ('refused' in replayed) return replayed;
    const lost = failures.find((f) => compareZxid(f.zxid, replayed.lastZxid) > 0);
    if (lost !== undefined) {
      return { refused: { type: 'SnapshotLost', file: lost.file, reason: lost.reason, last: replayed.lastZxid } };
    }
    const warnings = failures.map((f) => `${f.file} cannot be loaded (${f.reason}); ${file} and the log replace it`);
    return withEpochs(files, zxid, { file, snapshot: loaded.snapshot }, replayed, warnings);
  }
  return { refused: { type: 'SnapshotsUnreadable', failures: failures.map(({ file, reason }) => ({ file, reason })) } };
};

/** No snapshot: right for a new server only, as its first snapshot is older than anything else that it writes. */
const recoverNothing = (files: DiskFiles): Recovery => {
  const cuts: { file: string; at: number }[] = [];
  for (const { file, load } of files.logs) {
    const log = load();
    if ('unreadable' in log || log.entries.length > 0) return { refused: { type: 'NoSnapshot', file } };
    if (log.end.type === 'damaged' || log.end.type === 'undecodable') return { refused: { type: 'NoSnapshot', file } };
    if (log.end.type === 'torn') cuts.push({ file, at: log.end.at });
  }
  for (const name of ['acceptedEpoch', 'currentEpoch'] as const) {
    if (files[name] !== null && files[name] !== 0) return { refused: { type: 'NoSnapshot', file: name } };
  }
  return withEpochs(files, zeroZxid, null, { log: [], lastZxid: zeroZxid, cuts, warnings: [] }, []);
};

type Replayed = Pick<Recovered, 'log' | 'lastZxid' | 'cuts' | 'warnings'>;

/** The entries after `base`: from the newest file that can hold it, and all later ones. */
const replay = (base: Zxid, logs: readonly LogFile[]): Replayed | { readonly refused: Refusal } => {
  const log: Txn[] = [];
  const cuts: { file: string; at: number }[] = [];
  const warnings: string[] = [];
  const first = logs.findLastIndex((l) => compareZxid(l.first, base) <= 0);
  let below: Zxid | null = null;
  for (const { file, load } of logs.slice(Math.max(0, first))) {
    const loaded = load();
    if ('unreadable' in loaded) return { refused: { type: 'LogUnreadable', file, reason: loaded.unreadable } };
    for (const { txn, offset } of loaded.entries) {
      if (compareZxid(txn.zxid, base) <= 0) {
        below = txn.zxid;
        continue;
      }
      const after = log.at(-1)?.zxid ?? base;
      if (follows(after, txn.zxid)) log.push(txn);
      else if (!isRepeated(log, txn)) {
        const type = compareZxid(txn.zxid, after) > 0 ? 'LogHole' : 'LogDisorder';
        return { refused: { type, file, offset, after, found: txn.zxid } };
      }
    }
    const bad = badEnd(file, loaded.end);
    if (bad !== null) return { refused: bad };
    if (loaded.end.type === 'torn') {
      cuts.push({ file, at: loaded.end.at });
      warnings.push(
        `${file} ends in an unfinished write at offset ${loaded.end.at} (${loaded.end.reason}); it is cut there`,
      );
    }
  }
  // A leader's snapshot may bear the zxid (epoch, 0), which no transaction has.
  if (below !== null && log[0] !== undefined && base.counter > 0 && !sameZxid(below, base)) {
    warnings.push(
      `the log goes from ${formatZxid(below)} to ${formatZxid(log[0].zxid)}; what lies between is in the snapshot ` +
        `${formatZxid(base)} alone`,
    );
  }
  return { log, lastZxid: log.at(-1)?.zxid ?? base, cuts, warnings };
};

/** The next of the same epoch, or the first of a later one: how far the epoch before went only its leader knew. */
const follows = (after: Zxid, zxid: Zxid): boolean =>
  zxid.epoch === after.epoch ? zxid.counter === after.counter + 1 : zxid.epoch > after.epoch && zxid.counter === 1;

/** Apache's servers may log an entry a second time: the same one changes nothing, another one is another history. */
const isRepeated = (log: readonly Txn[], txn: Txn): boolean => {
  const same = log.findLast((t) => compareZxid(t.zxid, txn.zxid) <= 0);
  return (
    same !== undefined &&
    sameZxid(same.zxid, txn.zxid) &&
    same.session === txn.session &&
    same.cxid === txn.cxid &&
    same.timeMs === txn.timeMs &&
    same.record.type === txn.record.type
  );
};

const badEnd = (file: string, end: LogFileEnd): Refusal | null => {
  switch (end.type) {
    case 'clean':
    case 'padding':
    case 'torn':
      return null;
    case 'damaged':
      return { type: 'LogDamaged', file, offset: end.at, validAt: end.validAt, reason: end.reason };
    case 'undecodable':
      return { type: 'LogUndecodable', file, offset: end.at, reason: end.reason };
    default:
      return absurd(end);
  }
};

/**
 * A learner has its leader's history in the log before it writes currentEpoch, so a crash between the two leaves an
 * epoch behind its log: it is raised (ZOOKEEPER-1653, 4269; where Apache refuses to start: docs/divergence.md).
 */
const withEpochs = (
  files: DiskFiles,
  base: Zxid,
  snapshot: Recovered['snapshot'],
  { log, lastZxid, cuts, warnings }: Replayed,
  earlier: readonly string[],
): Recovery => {
  const accepted = files.acceptedEpoch as number | null;
  const current = files.currentEpoch as number | null;
  const tmp = typeof files.currentEpochTmp === 'number' ? files.currentEpochTmp : 0;
  const reached = lastZxid.epoch;
  const acceptedEpoch = accepted ?? reached;
  const currentEpoch = current === null ? reached : current < reached ? Math.max(tmp, reached) : current;
  if (acceptedEpoch < currentEpoch) return { refused: { type: 'AcceptedBelowCurrent', acceptedEpoch, currentEpoch } };
  const raised =
    current === null || current === currentEpoch
      ? []
      : [`currentEpoch is ${current}, but the log has reached epoch ${reached}: it becomes ${currentEpoch}`];
  const save: Recovered['save'][number][] = [];
  if (accepted !== acceptedEpoch) save.push({ name: 'acceptedEpoch', epoch: acceptedEpoch });
  if (current !== currentEpoch) save.push({ name: 'currentEpoch', epoch: currentEpoch });
  const all = [...earlier, ...warnings, ...raised];
  return { ok: { base, snapshot, log, lastZxid, acceptedEpoch, currentEpoch, save, cuts, warnings: all } };
};

/** What is wrong, where, and what a person can do, in one line. */
export const explainRefusal = (r: Refusal): string => {
  const rejoin = 'to let the other servers bring it back, empty the data directories but for myid';
  switch (r.type) {
    case 'EpochUnreadable':
      return `${r.file} holds ${JSON.stringify(r.text)}, not an epoch; ${rejoin}`;
    case 'NoSnapshot':
      return `there is no snapshot, but ${r.file} shows a history; restore the snapshots, or, ${rejoin}`;
    case 'SnapshotsUnreadable':
      return `no snapshot can be loaded: ${r.failures.map((f) => `${f.file} (${f.reason})`).join(', ')}; ${rejoin}`;
    case 'SnapshotLost':
      return `${r.file} cannot be loaded (${r.reason}), and the other files end at ${formatZxid(r.last)}; ${rejoin}`;
    case 'LogUnreadable':
      return `${r.file} cannot be read as a log (${r.reason}); ${rejoin}`;
    case 'LogDamaged':
      return (
        `${r.file} is damaged at offset ${r.offset} (${r.reason}), with a valid entry behind it at offset ${r.validAt}: ` +
        `what was acknowledged would be lost; ${rejoin}`
      );
    case 'LogUndecodable':
      return `${r.file} has an entry at offset ${r.offset} that is not known here (${r.reason}); it was written by another version`;
    case 'LogHole':
      return (
        `${r.file} goes on at offset ${r.offset} with ${formatZxid(r.found)}, but what comes before ends at ` +
        `${formatZxid(r.after)}; ${rejoin}`
      );
    case 'LogDisorder':
      return (
        `${r.file} has ${formatZxid(r.found)} at offset ${r.offset}, which is behind ${formatZxid(r.after)} already: ` +
        `two histories are mixed; ${rejoin}`
      );
    case 'AcceptedBelowCurrent':
      return `acceptedEpoch ${r.acceptedEpoch} is below currentEpoch ${r.currentEpoch}; ${rejoin}`;
    default:
      return absurd(r);
  }
};
