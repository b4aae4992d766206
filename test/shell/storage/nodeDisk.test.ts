import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { Zxid } from '../../../core/data/zxid.js';
import { scanLog } from '../../../wire/log.js';
import type { Disk } from '../../../shell/storage/disk.js';
import { lockDirectory, lockName } from '../../../shell/storage/lock.js';
import { nodeDisk } from '../../../shell/storage/nodeDisk.js';
import type { Opened, StorageOptions } from '../../../shell/storage/storage.js';
import { entries, idsOf, snapshotOf, txnOf, z } from './histories.js';
import { open } from './onDisk.js';

const newDir = (t: ExecutionContext): string => {
  const dir = mkdtempSync(join(tmpdir(), 'zk-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const opened = (
  t: ExecutionContext,
  dataDir: string,
  options: Partial<StorageOptions> = {},
  disk = nodeDisk,
): Opened => {
  const result = open(disk, { dataDir, dataLogDir: dataDir, ...options });
  if (E.isRight(result)) return result.right;
  t.fail(result.left.message);
  return undefined as never;
};

/** Resolves when the last of `zxid` or more is durable. */
const synced = () => {
  let waiting: { readonly counter: number; readonly resolve: () => void } | null = null;
  const seen: Zxid[] = [];
  return {
    seen,
    onLogSynced: (last: Zxid): void => {
      seen.push(last);
      if (waiting !== null && last.counter >= waiting.counter) waiting.resolve();
    },
    upTo: (counter: number): Promise<void> => new Promise((resolve) => (waiting = { counter, resolve })),
  };
};

test('transactions of turns that pass during one fdatasync go with the next', async (t) => {
  const dir = newDir(t);
  let syncs = 0;
  const counting: Disk = {
    ...nodeDisk,
    open: (path, how) => {
      const file = nodeDisk.open(path, how);
      const sync: typeof file.sync = (done) => {
        syncs += 1;
        file.sync(done);
      };
      return { ...file, sync };
    },
  };
  const answers = synced();
  const { storage } = opened(t, dir, { preAllocBytes: 65_536, onLogSynced: answers.onLogSynced }, counting);
  const all = answers.upTo(1000);
  for (const entry of entries(0, 1, 1000)) {
    storage.append([txnOf(entry)]);
    storage.sync();
  }
  t.deepEqual(answers.seen, []);
  await all;
  t.is(syncs, 2);
  t.deepEqual(answers.seen, [z(0, 1), z(0, 1000)]);
  const bytes = readFileSync(join(dir, 'version-2', 'log.1'));
  t.is(bytes.length, 2 * 65_536); // one write went beyond the first 16 + 65536
  const scan = scanLog(bytes);
  t.deepEqual(E.isRight(scan) && [scan.right.entries.length, scan.right.end.type], [1000, 'padding']);
  storage.close();
  const again = opened(t, dir);
  t.deepEqual(again.recovered.log.map((x) => x.cxid), entries(0, 1, 1000).map((e) => e.id)); // prettier-ignore
  again.storage.close();
});

test('a fresh log has the size that Apache gives it, and a snapshot starts a new one', async (t) => {
  const dir = newDir(t);
  const version = join(dir, 'version-2');
  const answers = synced();
  const { storage } = opened(t, dir, { preAllocBytes: 67_108_864, onLogSynced: answers.onLogSynced });
  storage.append([txnOf({ zxid: z(0, 1), id: 1 })]);
  storage.sync();
  await answers.upTo(1);
  t.is(statSync(join(version, 'log.1')).size, 67_108_880);
  const outcome = await new Promise((resolve) => {
    storage.saveSnapshot(z(0, 1), snapshotOf(entries(0, 1, 1)), { replacesLog: false }, resolve);
  });
  t.is(outcome, 'Saved');
  storage.append([txnOf({ zxid: z(0, 2), id: 2 })]);
  storage.sync();
  await answers.upTo(2);
  storage.close();
  const files = ['acceptedEpoch', 'currentEpoch', 'log.1', 'log.2', 'snapshot.0', 'snapshot.1'];
  t.deepEqual(readdirSync(version).sort(), files);
  const { recovered, storage: again } = opened(t, dir);
  t.deepEqual([recovered.base, idsOf(recovered.snapshot?.snapshot, recovered.log)], [z(0, 1), [1, 2]]);
  again.close();
});

test('a snapshot that replaces the log leaves nothing else, and what comes after it is logged anew', async (t) => {
  const dir = newDir(t);
  const answers = synced();
  const { storage } = opened(t, dir, { onLogSynced: answers.onLogSynced });
  storage.append(entries(0, 1, 5).map(txnOf));
  storage.sync();
  await answers.upTo(5);
  await new Promise<void>((resolve) => storage.saveEpoch('acceptedEpoch', 1, resolve));
  const order: string[] = [];
  const held = entries(0, 1, 3);
  const saved = new Promise<void>((resolve) => {
    storage.saveSnapshot(z(0, 3), snapshotOf(held), { replacesLog: true }, (outcome) => {
      order.push(outcome);
      resolve();
    });
  });
  storage.append(entries(1, 1, 2, 21).map(txnOf));
  storage.sync();
  const epoch = new Promise<void>((resolve) => storage.saveEpoch('currentEpoch', 1, resolve));
  await saved;
  t.deepEqual(order, ['Saved']);
  await epoch;
  t.deepEqual(answers.seen.at(-1), z(1, 2)); // the epoch has waited for what was logged before it
  storage.close();
  t.deepEqual(
    readdirSync(join(dir, 'version-2')).filter((n) => /^(log|snapshot)/.test(n)),
    ['log.100000001', 'snapshot.3'],
  );
  const { recovered, storage: again } = opened(t, dir, {});
  t.deepEqual(idsOf(recovered.snapshot?.snapshot, recovered.log), [1, 2, 3, 21, 22]);
  t.is(recovered.currentEpoch, 1);
  again.close();
});

test('a purge leaves three snapshots and what continues the oldest of them', async (t) => {
  const dir = newDir(t);
  const { storage } = opened(t, dir);
  for (let i = 1; i <= 6; i += 1) {
    storage.append([txnOf({ zxid: z(0, i), id: i })]);
    await new Promise((resolve) => {
      storage.saveSnapshot(z(0, i), snapshotOf(entries(0, 1, i)), { replacesLog: false }, resolve);
    });
  }
  t.deepEqual(storage.purge(3), ['snapshot.3', 'snapshot.2', 'snapshot.1', 'snapshot.0', 'log.1', 'log.2', 'log.3']);
  t.deepEqual(storage.purge(3), []);
  storage.close();
  const { recovered, storage: again } = opened(t, dir);
  t.deepEqual(idsOf(recovered.snapshot?.snapshot, recovered.log), [1, 2, 3, 4, 5, 6]);
  again.close();
});

test('a log whose file somebody removes: nothing is called durable any more', async (t) => {
  const dir = newDir(t);
  const told: unknown[] = [];
  const answers = synced();
  await new Promise<void>((resolve) => {
    const onFailed = (what: string, error: unknown): void => {
      told.push([what, String(error)]);
      resolve();
    };
    const { storage } = opened(t, dir, { onFailed, onLogSynced: answers.onLogSynced });
    storage.append([txnOf({ zxid: z(0, 1), id: 1 })]);
    storage.sync();
    void answers.upTo(1).then(async () => {
      await new Promise((later) => setTimeout(later, 100)); // it looks now and then
      rmSync(join(dir, 'version-2'), { recursive: true });
      storage.append([txnOf({ zxid: z(0, 2), id: 2 })]);
      storage.sync();
    });
  });
  t.deepEqual(answers.seen, [z(0, 1)]);
  t.deepEqual(told, [['log', 'Error: the file that is written has been removed']]);
});

test('a disk that fails is told once, and nothing is answered after it', async (t) => {
  const dir = newDir(t);
  const failing: Disk = {
    ...nodeDisk,
    open: (path, how) => {
      const file = nodeDisk.open(path, how);
      const isLog = path.includes('/log.');
      const sync: typeof file.sync = (done) => (isLog ? setImmediate(() => done(new Error('EIO'))) : file.sync(done));
      return { ...file, sync };
    },
  };
  const told: unknown[] = [];
  const failed = new Promise<void>((resolve) => {
    const onFailed = (what: string, error: unknown): void => {
      told.push([what, String(error)]);
      resolve();
    };
    const { storage } = opened(t, dir, { onFailed, onLogSynced: () => told.push('synced') }, failing);
    storage.append([txnOf({ zxid: z(0, 1), id: 1 })]);
    storage.sync();
    storage.saveEpoch('currentEpoch', 3, () => told.push('saved'));
  });
  await failed;
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.deepEqual(told, [['log', 'Error: EIO']]);
});

test('files of the one kind in the directory of the other are not overlooked', (t) => {
  const data = newDir(t);
  const logs = newDir(t);
  for (const dir of [data, logs]) mkdirSync(join(dir, 'version-2'));
  writeFileSync(join(data, 'version-2', 'log.1'), '');
  const misplaced = open(nodeDisk, { dataDir: data, dataLogDir: logs });
  t.regex(E.isLeft(misplaced) ? misplaced.left.message : '', /log\.1 is a log in .*; move the logs to/);
  const turned = open(nodeDisk, { dataDir: logs, dataLogDir: data });
  if (E.isRight(turned)) turned.right.storage.close();
  t.true(E.isRight(turned)); // the refused start has let go of its locks
});

const child = fileURLToPath(new URL('./child.js', import.meta.url));

const start = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

const firstLine = async (process: ChildProcess): Promise<string> => {
  const [data] = (await once(process.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return data.toString().trim();
};

const kill = async (process: ChildProcess): Promise<void> => {
  const gone = once(process, 'exit');
  process.kill('SIGKILL');
  await gone;
};

test('two servers do not use one directory; a lock whose process is dead is taken over', async (t) => {
  const dir = newDir(t);
  const other = start('lock', dir);
  t.is(await firstLine(other), 'locked');
  const refused = lockDirectory(dir);
  t.regex(E.isLeft(refused) ? refused.left : '', new RegExp(`in use by process ${other.pid} on ${hostname()}`));
  await kill(other);
  const taken = lockDirectory(dir);
  t.regex(E.isRight(taken) ? (taken.right.warning ?? '') : '', /which is gone; taken over/);
  t.true(E.isLeft(lockDirectory(dir))); // by this very process
  if (E.isRight(taken)) taken.right.release();
  t.deepEqual(readdirSync(dir), []);
  const fresh = lockDirectory(dir);
  t.is(E.isRight(fresh) && fresh.right.warning, null);
});

test('a lock of another machine is not taken over, one of an earlier process with the same id is', (t) => {
  const dir = newDir(t);
  const mine = lockDirectory(dir);
  const text = readFileSync(join(dir, lockName), 'utf8');
  if (E.isRight(mine)) mine.right.release();
  const lockedWith = (lock: string): boolean => {
    writeFileSync(join(dir, lockName), lock);
    return E.isLeft(lockDirectory(dir));
  };
  t.true(lockedWith(text));
  t.true(lockedWith(text.replace(/host .*/, 'host elsewhere').replace(/pid \d+/, 'pid 999999999')));
  t.true(lockedWith('garbage'));
  t.false(lockedWith(text.replace(/start \d+/, 'start 1')));
  t.false(lockedWith(text.replace(/boot \S+/, 'boot another')));
});

test('a server that is killed has everything it answered when it comes back', async (t) => {
  for (let round = 1; round <= 3; round += 1) {
    const dir = newDir(t);
    const server = start('write', dir);
    let answered = 0;
    for await (const data of server.stdout as NodeJS.ReadableStream) {
      answered = Number(data.toString().trim().split('\n').at(-1));
      if (answered > 20 * round) break;
    }
    await kill(server);
    const { recovered, storage, warnings } = opened(t, dir);
    storage.close();
    t.true(recovered.lastZxid.counter >= answered);
    t.deepEqual(recovered.log.map((x) => x.zxid.counter), recovered.log.map((_, i) => i + 1)); // prettier-ignore
    t.regex(warnings.join(), /taken over/);
  }
});
