/**
 * Snapshots, one at a time, in slices between turns of the loop: to a file of another name, synced, then renamed. A
 * snapshot under its own name is therefore always whole.
 */
import { compareZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import { encodeSnapshot, endsSealed } from '../../wire/snapshot.js';
import type { Disk, DiskFile } from './disk.js';
import { snapshotName } from './names.js';
import type { Compression } from './names.js';
import { packer } from './pack.js';

/** Overtaken: the history was cut below it, or replaced, before it was written. */
export type SnapshotOutcome = 'Saved' | 'Overtaken';

export type SnapshotAsk = {
  readonly zxid: Zxid;
  readonly snapshot: Snapshot;
  /** Whether what must be durable before this snapshot is so; asked again whenever `pump` is called. */
  readonly mayPlace: () => boolean;
  /** Gives the synced file its place; the default is its own name. Answers when that is durable. */
  readonly place: ((tmp: string, done: () => void) => void) | null;
  readonly done: (outcome: SnapshotOutcome) => void;
};

export type SnapshotWriter = {
  readonly save: (ask: SnapshotAsk) => void;
  /** Gives up what is asked for or being written and lies above `zxid`; null: everything. */
  readonly overtake: (zxid: Zxid | null) => void;
  readonly pump: () => void;
};

/** About a millisecond of encoding. */
const sliceBytes = 65536;
const sealBytes = 13;

type Job = SnapshotAsk & {
  readonly file: DiskFile;
  readonly tmp: string;
  readonly pack: (slice: Buffer) => Buffer;
  isOver: boolean;
  isSynced: boolean;
};

export const openSnapshotWriter = (
  disk: Disk,
  dir: string,
  fail: (what: string, error: unknown) => void,
  compression: Compression = 'none',
): SnapshotWriter => {
  const asks: SnapshotAsk[] = [];
  let job: Job | null = null;

  const start = (): void => {
    const ask = job === null ? asks.shift() : undefined;
    if (ask === undefined) return;
    const { zxid, snapshot, mayPlace, place, done } = ask;
    guarded(() => {
      const tmp = `${snapshotName(zxid)}.tmp`;
      const file = disk.open(`${dir}/${tmp}`, 'create');
      // One that is to replace the history waits under a name that says nothing of compression.
      const pack = packer(place === null ? compression : 'none');
      const own: Job = { zxid, snapshot, mayPlace, place, done, tmp, file, pack, isOver: false, isSynced: false };
      job = own;
      slice(own, encodeSnapshot(snapshot, sliceBytes), 0, false);
    });
  };

  const guarded = (f: () => void): void => {
    try {
      f();
    } catch (error) {
      fail('snapshot', error);
    }
  };

  const slice = (own: Job, chunks: Iterator<Buffer>, at: number, sealed: boolean): void => {
    if (own.isOver) return finish(own, 'Overtaken');
    const step = chunks.next();
    if (step.done === true) {
      if (!sealed) return fail('snapshot', new Error(`the tree of ${own.tmp} changed while it was written`));
      own.file.sync((error) => {
        if (error !== null) return fail('snapshot', error);
        own.isSynced = true;
        guarded(() => put(own));
      });
      return;
    }
    const chunk = step.value;
    const packed = own.pack(chunk);
    own.file.write(packed, at);
    const end = at + packed.length;
    const isSeal = chunk.length === 0 ? sealed : chunk.length === sealBytes && endsSealed(chunk);
    disk.later(() => guarded(() => slice(own, chunks, end, isSeal)));
  };

  const put = (own: Job): void => {
    if (own.isOver) return finish(own, 'Overtaken');
    if (!own.mayPlace()) return;
    own.isSynced = false; // its turn has come, once
    own.file.close();
    const saved = (): void => {
      job = null;
      own.done(own.isOver ? 'Overtaken' : 'Saved');
      start();
    };
    if (own.place !== null) return own.place(own.tmp, saved);
    disk.rename(`${dir}/${own.tmp}`, `${dir}/${snapshotName(own.zxid, compression)}`);
    disk.syncDir(dir, (error) => (error === null ? saved() : fail('snapshot', error)));
  };

  const finish = (own: Job, outcome: SnapshotOutcome): void => {
    own.file.close();
    disk.remove(`${dir}/${own.tmp}`);
    job = null;
    own.done(outcome);
    start();
  };

  return {
    save: (ask) => {
      asks.push(ask);
      start();
    },
    overtake: (zxid) => {
      const isAbove = (ask: SnapshotAsk): boolean => zxid === null || compareZxid(ask.zxid, zxid) > 0;
      if (job !== null && isAbove(job)) job.isOver = true;
      const over = asks.filter(isAbove);
      for (const ask of over) {
        asks.splice(asks.indexOf(ask), 1);
        disk.later(() => ask.done('Overtaken'));
      }
    },
    pump: () => {
      const own = job;
      if (own?.isSynced === true) guarded(() => put(own));
    },
  };
};
