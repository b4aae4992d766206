/**
 * One run of storage over the twin of a disk, told by numbers: what a server asks, what its disk gets done, and crashes.
 * It keeps what every answer has promised, and gives the first promise that a restart finds broken.
 */
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid, formatZxid, sameZxid, zeroZxid } from '../../../core/data/zxid.js';
import type { Zxid } from '../../../core/data/zxid.js';
import type { Recovered } from '../../../core/recovery.js';
import type { Disk } from '../../../shell/storage/disk.js';
import { openMemoryDisk } from '../../../shell/storage/memoryDisk.js';
import type { Choose, Crash, Forgets } from '../../../shell/storage/memoryDisk.js';
import { openStorage } from '../../../shell/storage/storage.js';
import type { EpochName, Opened, OpenError, Storage } from '../../../shell/storage/storage.js';
import { idsOf, snapshotOf, txnOf } from './histories.js';
import type { Entry } from './histories.js';

export type Round = {
  /** What happens, each number a choice among the asks. */
  readonly steps: readonly number[];
  /** The disk operation in which the machine stops; beyond their number: after the last step. */
  readonly stop: number;
  /** The same while the server starts again. */
  readonly stopInOpen: number;
  readonly crash: Crash;
  readonly crashInOpen: Crash;
};

export type Run = {
  readonly seed: number;
  readonly isSplit: boolean;
  readonly preAllocBytes: number;
  readonly rounds: readonly Round[];
};

/** A faulty disk for a mutant: what it forgets, and what else is wrong with it. */
export type Faults = { readonly forgets?: Forgets; readonly wrap?: (disk: Disk) => Disk };

/** How often each thing was seen: a run that checks nothing must not pass for one that does. */
export type Tally = Map<string, number>;

const chooser = (seed: number): Choose => {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * n);
  };
};

type Epochs = { acked: number; asked: { readonly epoch: number; needs: number }[] };

/** What was promised. */
type Promises = {
  /** Everything asked for, oldest first, and how much of it an answer has covered. */
  history: Entry[];
  acked: number;
  /** While a snapshot replaces the history: what was before. */
  before: { readonly history: Entry[]; readonly acked: number; length: number } | null;
  readonly acceptedEpoch: Epochs;
  readonly currentEpoch: Epochs;
};

/** @returns null, or the promise that was broken */
export const runStorage = (
  { seed, isSplit, preAllocBytes, rounds }: Run,
  faults: Faults,
  tally: Tally,
): string | null => {
  const choose = chooser(seed);
  const twin = openMemoryDisk(faults.forgets);
  const disk = faults.wrap?.(twin.disk) ?? twin.disk;
  let nextId = 1;
  let broken: string | null = null;
  const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);
  const p: Promises = {
    history: [],
    acked: 0,
    before: null,
    acceptedEpoch: { acked: 0, asked: [] },
    currentEpoch: { acked: 0, asked: [] },
  };
  const lastZxid = (): Zxid => p.history.at(-1)?.zxid ?? zeroZxid;
  let highest = 0;
  let needsEpoch = false;
  const over = (): { value: boolean } => ({ value: false });
  let isOver = over();

  const open = (): E.Either<OpenError, Opened> => {
    const mine = (isOver = over());
    return openStorage(disk, {
      dataDir: '/data',
      dataLogDir: isSplit ? '/log' : '/data',
      preAllocBytes,
      firstSnapshot: () => snapshotOf([]),
      onLogSynced: (last) => {
        if (mine.value) return;
        const at = p.history.findIndex((e) => sameZxid(e.zxid, last)) + 1;
        if (at === 0 && !sameZxid(last, zeroZxid)) broken ??= `${formatZxid(last)} was answered, but never asked for`;
        p.acked = Math.max(p.acked, at);
        count('synced');
      },
      onFailed: () => {
        mine.value = true;
      },
    });
  };

  const append = (storage: Storage, n: number): void => {
    if (needsEpoch && p.acceptedEpoch.acked <= highest) return saveEpoch(storage, 'acceptedEpoch');
    for (let i = 0; i < n; i += 1) {
      const last = lastZxid();
      const epoch = needsEpoch || p.acceptedEpoch.acked > highest ? p.acceptedEpoch.acked : last.epoch;
      const zxid = epoch === last.epoch ? { epoch, counter: last.counter + 1 } : { epoch, counter: 1 };
      needsEpoch = false;
      highest = Math.max(highest, epoch);
      const entry = { zxid, id: nextId++ };
      p.history.push(entry);
      storage.append([txnOf(entry)]);
    }
  };

  const saveEpoch = (storage: Storage, name: EpochName): void => {
    const own = p[name];
    const last = own.asked.at(-1)?.epoch ?? own.acked;
    const epoch = name === 'acceptedEpoch' ? last + 1 : p.acceptedEpoch.acked;
    if (epoch <= last) return;
    const ask = { epoch, needs: name === 'currentEpoch' ? p.history.length : 0 };
    own.asked.push(ask);
    storage.saveEpoch(name, epoch, () => {
      own.acked = epoch;
      own.asked.splice(0, own.asked.indexOf(ask) + 1);
      if (name === 'currentEpoch' && p.acked < ask.needs) broken ??= `currentEpoch ${epoch} before the log`;
      count(name);
    });
  };

  const saveSnapshot = (storage: Storage, pick: number): void => {
    if (p.before !== null) return;
    const held = p.history.slice(0, pick % (p.history.length + 1));
    storage.saveSnapshot(held.at(-1)?.zxid ?? zeroZxid, snapshotOf(held), { replacesLog: false }, (outcome) =>
      count(`snapshot ${outcome}`),
    );
  };

  const replace = (storage: Storage, pick: number): void => {
    if (p.before !== null) return;
    p.before = { history: p.history, acked: p.acked, length: 0 };
    const kept = p.history.slice(0, pick % (p.history.length + 1));
    if (p.acceptedEpoch.acked > highest) {
      highest = p.acceptedEpoch.acked;
      for (let i = 1; i <= 1 + (pick % 3); i += 1) kept.push({ zxid: { epoch: highest, counter: i }, id: nextId++ });
    } else needsEpoch = true;
    const length = kept.length;
    p.before.length = length;
    p.history = kept;
    p.acked = 0;
    for (const ask of p.currentEpoch.asked) ask.needs = 0;
    storage.saveSnapshot(lastZxid(), snapshotOf(kept.slice()), { replacesLog: true }, (outcome) => {
      count(`replaced ${outcome}`);
      p.before = null;
      p.acked = Math.max(p.acked, length);
    });
  };

  const truncate = (storage: Storage, pick: number): void => {
    if (p.before !== null || p.history.length === 0) return;
    const length = pick % (p.history.length + 1);
    const zxid = p.history[length - 1]?.zxid ?? zeroZxid;
    const whole = { history: p.history.slice(), acked: p.acked };
    p.acked = Math.min(p.acked, length);
    const cut = storage.truncate(zxid);
    if (twin.hasStopped()) return;
    if (E.isLeft(cut)) {
      count('truncate refused');
      p.acked = whole.history.length; // it has synced all the same
      return;
    }
    if (!sameZxid(cut.right, zxid)) broken ??= `cut at ${formatZxid(cut.right)}, not ${formatZxid(zxid)}`;
    count('truncated');
    p.history.length = length;
    p.acked = length;
    needsEpoch = true;
    for (const ask of p.currentEpoch.asked) ask.needs = Math.min(ask.needs, length);
  };

  const step = (storage: Storage, n: number): void => {
    const pick = Math.floor(n / 20);
    switch (n % 20) {
      case 0:
      case 1:
      case 2:
        append(storage, 1 + (pick % 3));
        return storage.sync();
      case 3:
        return append(storage, 1 + (pick % 9));
      case 4:
        return storage.sync();
      case 5:
        return twin.settle();
      case 6:
      case 7:
        return saveEpoch(storage, 'acceptedEpoch');
      case 8:
        return saveEpoch(storage, 'currentEpoch');
      case 9:
      case 10:
        return saveSnapshot(storage, pick);
      case 11:
        return replace(storage, pick);
      case 12:
        return truncate(storage, pick);
      case 13:
        if (p.before === null) storage.purge(3);
        return;
      default:
        if (twin.pending() > 0) twin.happen(pick % twin.pending());
    }
  };

  /** Whether what was recovered keeps every promise. */
  const check = (r: Recovered): string | null => {
    const ids = idsOf(r.snapshot?.snapshot, r.log);
    const isPrefix = (history: readonly Entry[], atLeast: number): boolean =>
      ids.length >= atLeast && ids.length <= history.length && ids.every((id, i) => history[i]?.id === id);
    const kept = isPrefix(p.history, Math.max(p.acked, p.before?.length ?? 0));
    if (!kept && (p.before === null || !isPrefix(p.before.history, p.before.acked))) {
      const asked = p.history.map((e) => e.id).join(' ');
      return `recovered ${ids.join(' ')}; asked ${asked}, of which ${p.acked} acknowledged; before: ${p.before?.history.map((e) => e.id).join(' ') ?? '-'}`; // prettier-ignore
    }
    const { acceptedEpoch, currentEpoch } = r;
    const isOf = (own: Epochs, epoch: number): boolean =>
      epoch === own.acked || own.asked.some((ask) => ask.epoch === epoch);
    if (!isOf(p.acceptedEpoch, acceptedEpoch)) return `acceptedEpoch ${acceptedEpoch}, acknowledged ${p.acceptedEpoch.acked}`; // prettier-ignore
    if (currentEpoch < p.currentEpoch.acked) return `currentEpoch ${currentEpoch} < ${p.currentEpoch.acked}`;
    if (!isOf(p.currentEpoch, currentEpoch) && currentEpoch !== r.lastZxid.epoch) return `currentEpoch ${currentEpoch}`;
    const ask = p.currentEpoch.asked.find((a) => a.epoch === currentEpoch && currentEpoch > r.lastZxid.epoch);
    if (ask !== undefined && ids.length < ask.needs) return `currentEpoch ${currentEpoch} without its log`;
    if (!sameZxid(r.lastZxid, ids.length === 0 ? zeroZxid : r.lastZxid)) return 'lastZxid of an empty history';
    return null;
  };

  let opened = open();
  for (const round of rounds) {
    if (E.isLeft(opened)) return `refused: ${opened.left.message}`;
    const { storage } = opened.right;
    twin.stopAfter(round.stop);
    for (const n of round.steps) {
      step(storage, n);
      if (broken !== null) return broken;
      if (twin.hasStopped()) break;
    }
    count(twin.hasStopped() ? 'stopped inside' : 'stopped after');
    isOver.value = true;
    twin.crash(round.crash, choose);
    twin.stopAfter(round.stopInOpen);
    opened = open();
    if (twin.hasStopped()) {
      count('stopped in open');
      twin.crash(round.crashInOpen, choose);
      opened = open();
    }
    if (E.isLeft(opened)) {
      const isLegal =
        [round.crash, round.crashInOpen].includes('pages') &&
        opened.left.type === 'Refused' &&
        isDamage(opened.left.refusal.type);
      if (!isLegal) return `refused: ${opened.left.message}`;
      count('pages refused');
      return null;
    }
    const { recovered } = opened.right;
    const wrong = check(recovered);
    if (wrong !== null) return wrong;
    count('recovered');
    adopt(recovered);
  }
  return null;

  /** What was recovered is durable: it is the promise that the next crash is held to. */
  function adopt(r: Recovered): void {
    const ids = idsOf(r.snapshot?.snapshot, r.log);
    const all = [...p.history, ...(p.before?.history ?? [])];
    p.history = ids.flatMap((id) => all.find((e) => e.id === id) ?? []);
    p.acked = ids.length;
    p.before = null;
    p.acceptedEpoch.acked = r.acceptedEpoch;
    p.acceptedEpoch.asked = [];
    p.currentEpoch.acked = r.currentEpoch;
    p.currentEpoch.asked = [];
    needsEpoch = compareZxid(lastZxid(), zeroZxid) > 0;
  }
};

const isDamage = (type: string): boolean => ['LogDamaged', 'LogUnreadable', 'LogHole'].includes(type);
