import test from 'ava';
import fc from 'fast-check';
import type { Crash } from '../../../shell/storage/memoryDisk.js';
import type { Disk } from '../../../shell/storage/disk.js';
import { runStorage } from './run.js';
import type { Faults, Run, Tally } from './run.js';

const round = (crashes: readonly Crash[]) =>
  fc.record({
    steps: fc.array(fc.nat(4000), { maxLength: 30 }),
    stop: fc.oneof(fc.constant(100_000), fc.nat(120)),
    stopInOpen: fc.oneof(fc.constant(100_000), fc.nat(20)),
    crash: fc.constantFrom(...crashes),
    crashInOpen: fc.constantFrom(...crashes),
  });

const anyRun = (...crashes: readonly Crash[]): fc.Arbitrary<Run> =>
  fc.record({
    seed: fc.nat(0x7fffffff),
    isSplit: fc.boolean(),
    preAllocBytes: fc.constantFrom(0, 300, 5000),
    rounds: fc.array(round(crashes), { minLength: 1, maxLength: 4 }),
  });

const check = (runs: number, faults: Faults, tally: Tally, ...crashes: readonly Crash[]) =>
  fc.check(
    fc.property(anyRun(...crashes), (run) => {
      const broken = runStorage(run, faults, tally);
      if (broken !== null) throw new Error(broken);
    }),
    { numRuns: runs, seed: 20261121 },
  );

const explain = (result: fc.RunDetails<[Run]>): string =>
  result.failed ? `${String(result.errorInstance)} ${JSON.stringify(result.counterexample)}` : 'ok';

test('whatever a crash leaves, a restart has all that was acknowledged, and a prefix of what was asked', (t) => {
  const tally: Tally = new Map();
  const result = check(1500, {}, tally, 'kill', 'prefix');
  t.is(explain(result), 'ok');
  const seen = [
    ...['synced', 'acceptedEpoch', 'currentEpoch', 'snapshot Saved', 'snapshot Overtaken', 'replaced Saved'],
    ...['truncated', 'truncate refused', 'stopped inside', 'stopped after', 'stopped in open', 'recovered'],
  ];
  for (const what of seen) t.true((tally.get(what) ?? 0) > 5, `${what}: ${tally.get(what) ?? 0}`);
});

test('a crash that loses pages out of order is recovered as well, or refused; it is never taken for the whole', (t) => {
  const tally: Tally = new Map();
  t.is(explain(check(800, {}, tally, 'pages')), 'ok');
  t.true((tally.get('pages refused') ?? 0) > 0);
  t.true((tally.get('recovered') ?? 0) > 500);
});

/** A disk or a storage with one thing left out. The property must notice each. */
const mutants: Readonly<Record<string, Faults>> = {
  'no fdatasync at all': { forgets: { sync: () => true } },
  'no fdatasync of the log': { forgets: { sync: (path) => path.includes('/log.') } },
  'no fdatasync of snapshots': { forgets: { sync: (path) => path.includes('/snapshot.') } },
  'no fdatasync of epochs': { forgets: { sync: (path) => path.includes('Epoch') } },
  'no fsync of directories': { forgets: { syncDir: true } },
  'old logs stay beside a snapshot that replaces them (ZOOKEEPER-2832)': { wrap: (disk) => without(disk, '/log.') },
  'newer snapshots stay when the log is cut (ZOOKEEPER-4837)': { wrap: (disk) => without(disk, '/snapshot.') },
};

/** Never removes files whose path has the text in it. */
const without = (disk: Disk, text: string): Disk => ({
  ...disk,
  remove: (path) => {
    if (!path.includes(text) || path.endsWith('.tmp')) disk.remove(path);
  },
});

for (const [name, faults] of Object.entries(mutants)) {
  test(`the property finds: ${name}`, (t) => {
    const result = check(2000, faults, new Map(), 'kill', 'prefix');
    t.true(result.failed, name);
    t.log(`run ${result.numRuns}: ${String(result.errorInstance).slice(0, 160)}`);
  });
}

/** Numbers of run.ts for a story told by hand: `pick` chooses the length that is kept, or how much is added. */
const appendAndSync = (n: number): readonly number[] => [20 * (n - 1), 5];
const rollBySnapshot = [9, 5];
const newEpoch = [6, 5];
const cutTo = (length: number): number => 12 + 20 * length;
const replaceKeeping = (length: number): number => 11 + 20 * length;

const never = 100_000;

/** The story, stopped in every operation of the disk, with some choices of what survives; the same in the restart. */
const everyStop = (
  steps: readonly number[],
  operations: number,
  inOpen: number,
  faults: Faults = {},
): string | null => {
  for (let stop = 0; stop < operations; stop += 1) {
    for (let seed = 0; seed < 12; seed += 1) {
      for (let stopInOpen = 0; stopInOpen <= inOpen; stopInOpen += 1) {
        const round = {
          steps,
          stop,
          stopInOpen: stopInOpen === inOpen ? never : stopInOpen,
          crash: seed % 3 === 0 ? ('kill' as const) : ('prefix' as const),
          crashInOpen: 'prefix' as const,
        };
        const run: Run = { seed: seed + 100 * stop, isSplit: seed % 2 === 0, preAllocBytes: 0, rounds: [round] };
        const broken = runStorage(run, faults, new Map());
        if (broken !== null) return `${broken} ${JSON.stringify(run)}`;
      }
    }
  }
  return null;
};

const cutStory = [
  ...appendAndSync(3),
  ...rollBySnapshot,
  ...appendAndSync(2),
  ...rollBySnapshot,
  ...appendAndSync(2),
  ...rollBySnapshot,
  ...appendAndSync(3),
  ...[9 + 20 * 9, 5],
  cutTo(2),
];

const replaceStory = [
  ...appendAndSync(3),
  ...rollBySnapshot,
  ...appendAndSync(2),
  ...newEpoch,
  ...[replaceKeeping(1), 5],
  ...appendAndSync(2),
];

test('a cut through four logs leaves no hole, wherever it is stopped', (t) => {
  t.is(everyStop(cutStory, 70, 0), null);
});

test('a cut removes newer snapshots first, then logs from the newest, each removal durable before the next', (t) => {
  const done: string[] = [];
  const watched = (disk: Disk): Disk => ({
    ...disk,
    remove: (path) => {
      done.push(path);
      disk.remove(path);
    },
    syncDirNow: (dir) => {
      done.push(`sync ${dir}`);
      disk.syncDirNow(dir);
    },
  });
  const rounds = [
    { steps: cutStory, stop: never, stopInOpen: never, crash: 'kill' as const, crashInOpen: 'kill' as const },
  ];
  t.is(runStorage({ seed: 0, isSplit: true, preAllocBytes: 0, rounds }, { wrap: watched }, new Map()), null);
  const from = done.indexOf('/data/version-2/snapshot.9');
  const log = ['/log/version-2/log.8', '/log/version-2/log.6', '/log/version-2/log.4'];
  const removals = log.flatMap((path) => [path, 'sync /log/version-2']);
  t.deepEqual(done.slice(from, from + 8), ['/data/version-2/snapshot.9', 'sync /data/version-2', ...removals]);
});

test('a snapshot that replaces the history leaves the old one or the new one, wherever it and the restart are stopped', (t) => {
  t.is(everyStop(replaceStory, 60, 12), null);
  // Finishing what a killed process began, without making its rename durable first.
  const once = (disk: Disk): Disk => {
    let synced = 0;
    return {
      ...disk,
      syncDirNow: (dir) => {
        if (disk.list(dir).some((n) => n.endsWith('.replacing')) && synced++ % 3 === 0) return;
        disk.syncDirNow(dir);
      },
    };
  };
  t.regex(everyStop(replaceStory, 60, 12, { wrap: once }) ?? '', /refused|recovered/);
});
