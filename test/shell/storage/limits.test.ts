/** What zoo.cfg asks of files: when a log file ends, when a snapshot is due, whether anything is synced. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { Disk } from '../../../shell/storage/disk.js';
import { nodeDisk } from '../../../shell/storage/nodeDisk.js';
import { openStorage } from '../../../shell/storage/storage.js';
import type { Storage, StorageOptions } from '../../../shell/storage/storage.js';
import { entries, snapshotOf, txnOf } from './histories.js';

type Run = {
  readonly storage: Storage;
  readonly dir: string;
  readonly append: (from: number, to: number) => Promise<void>;
};

const begin = (t: ExecutionContext, options: Partial<StorageOptions>, disk: Disk = nodeDisk): Run => {
  const dir = mkdtempSync(join(tmpdir(), 'zk-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  let answered: () => void = () => undefined;
  const opened = openStorage(disk, {
    ...{ dataDir: dir, dataLogDir: dir, preAllocBytes: 0, firstSnapshot: () => snapshotOf([]) },
    onLogSynced: () => answered(),
    onFailed: (_, error) => t.fail(String(error)),
    ...options,
  });
  if (E.isLeft(opened)) throw new Error(opened.left.message);
  const { storage } = opened.right;
  t.teardown(() => storage.close());
  const append = async (from: number, to: number): Promise<void> => {
    for (const entry of entries(0, from, to)) {
      const synced = new Promise<void>((resolve) => (answered = resolve));
      storage.append([txnOf(entry)]);
      storage.sync();
      await synced;
    }
  };
  return { storage, dir, append };
};

const logsIn = (dir: string): number =>
  readdirSync(join(dir, 'version-2')).filter((name) => name.startsWith('log.')).length;

test('txnLogSizeLimitInKb: a log file ends where it has grown to the limit, and all are read back', async (t) => {
  const run = begin(t, { logLimitBytes: 400 });
  await run.append(1, 30);
  t.true(logsIn(run.dir) > 3, `${logsIn(run.dir)} files`);
  run.storage.close();
  const again = openStorage(nodeDisk, {
    ...{ dataDir: run.dir, dataLogDir: run.dir, preAllocBytes: 0, firstSnapshot: () => snapshotOf([]) },
    ...{ onLogSynced: () => undefined, onFailed: () => undefined },
  });
  t.is(E.isRight(again) && again.right.recovered.lastZxid.counter, 30);
  if (E.isRight(again)) again.right.storage.close();
  const unlimited = begin(t, {});
  await unlimited.append(1, 30);
  t.is(logsIn(unlimited.dir), 1);
});

test('snapSizeLimitInKb: a snapshot is due once after so much log, and again after the next one', async (t) => {
  let due = 0;
  const run = begin(t, { snapLimitBytes: 600, onSnapshotDue: () => (due += 1) });
  await run.append(1, 30);
  t.is(due, 1);
  await new Promise<void>((resolve) =>
    run.storage.saveSnapshot({ epoch: 0, counter: 30 }, snapshotOf(entries(0, 1, 30)), { replacesLog: false }, () => resolve()),
  ); // prettier-ignore
  await run.append(31, 33);
  t.is(due, 1);
  await run.append(34, 60);
  t.is(due, 2);
});

test('forceSync=no: nothing of the log is synced, and everything is acknowledged', async (t) => {
  const counted = (): { readonly disk: Disk; readonly syncs: () => number } => {
    let syncs = 0;
    const disk: Disk = {
      ...nodeDisk,
      open: (path, how) => {
        const file = nodeDisk.open(path, how);
        const sync: typeof file.sync = (done) => {
          if (path.includes('/log.')) syncs += 1;
          file.sync(done);
        };
        return { ...file, sync };
      },
    };
    return { disk, syncs: () => syncs };
  };
  const [never, always] = [counted(), counted()];
  await begin(t, { forceSync: false }, never.disk).append(1, 5);
  t.is(never.syncs(), 0);
  await begin(t, {}, always.disk).append(1, 5);
  t.is(always.syncs(), 5);
});

test('datadir.autocreate=false: a missing directory is an error, and is not made', (t) => {
  const dir = join(tmpdir(), `zk-missing-${process.pid}`);
  const opened = openStorage(nodeDisk, {
    ...{ dataDir: dir, dataLogDir: dir, preAllocBytes: 0, firstSnapshot: () => snapshotOf([]), createDirs: false },
    ...{ onLogSynced: () => undefined, onFailed: () => undefined },
  });
  t.regex(E.isLeft(opened) ? opened.left.message : '', /does not exist, and datadir\.autocreate is false/);
  t.false(existsSync(dir));
});
