/** check and conform with TLC itself: every verdict's exit code, and spec and core that are made to part. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { findTlc, readNdjson } from 'tla-checker-cli';
import { errorOf, folder, run, start } from './binary.js';

const counting = ['--models', 'test/cli/fixtures/models.json'];

test.before('TLC is here', async (t) => {
  const found = await findTlc()();
  if (E.isLeft(found)) return t.fail(`${found.left.message}; ${found.left.hint}`);
  t.pass();
});

/** The spec with one of its texts replaced, in a folder of its own. */
const seeded = (t: ExecutionContext, module: string, find: string, replace: string): string => {
  const dir = folder(t);
  cpSync('spec', dir, { recursive: true });
  const text = readFileSync(join(dir, module), 'utf8');
  t.is(text.split(find).length, 2, `${find} stands in ${module} once`);
  writeFileSync(
    join(dir, module),
    text.replace(find, () => replace),
  );
  return join(dir, 'models.json');
};

test('0: every model gives what it should, those that must fail included', async (t) => {
  const { code, stdout } = await run(['check', ...counting, '--json']);
  t.is(code, 0, stdout);
  const { ok, models } = JSON.parse(stdout) as { ok: boolean; models: { model: string; ok: boolean }[] };
  t.true(ok);
  t.is(models.length, 8);
  t.true(models.every((m) => m.ok));
});

for (const [exit, model, code] of [
  [10, 'CountingNowhere', 'AssumptionFailed'],
  [11, 'CountingStuck', 'Deadlock'],
  [12, 'CountingEnds', 'InvariantViolated'],
  [13, 'CountingLazy', 'PropertyViolated'],
  [14, 'CountingAgain', 'ActionPropertyViolated'],
  [14, 'CountingBack', 'ActionPropertyViolated'],
] as const)
  test(`${exit}: ${code}, of ${model}, a model that is asked for by name`, async (t) => {
    const out = join(folder(t), 'kept.ndjson');
    const ran = await run(['check', model, ...counting, '--out', out, '--json']);
    t.is(ran.code, exit, ran.stdout);
    t.like(errorOf(ran.stdout), { code, exit });
  });

test('12: of several violations each keeps its run, in a file of its own', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'kept.ndjson');
  const names = ['CountingEnds', 'CountingStuck'];
  const ran = await run(['check', ...names, ...counting, '--out', out, '--json']);
  t.is(ran.code, 12, ran.stdout);
  const error = errorOf(ran.stdout) as unknown as { traces: readonly string[]; message: string; hint: string };
  t.is(error.traces.length, 2);
  for (const [i, name] of names.entries()) {
    t.regex(error.traces[i] ?? '', new RegExp(`kept-${name}\\.ndjson$`));
    t.true(error.message.includes(name) && error.hint.includes(`kept-${name}.ndjson`), error.hint);
    const kept = readNdjson(readFileSync(join(dir, `kept-${name}.ndjson`), 'utf8'));
    if (E.isLeft(kept)) return t.fail(kept.left.message);
    t.like(kept.right.head, { model: name });
  }
});

test('12: a historic bug is switched on; the run is shown by its changes and kept', async (t) => {
  const out = join(folder(t), 'kept.ndjson');
  const ran = await run(['check', 'Counting', '--bug', 'Overrun', ...counting, '--out', out]);
  t.is(ran.code, 12, ran.stderr);
  t.regex(ran.stdout, /VIOLATED {2}invariant Bounded after 2 steps/);
  t.regex(
    ran.stdout,
    /step 2 {2}Increase\(2\) {4}test\/cli\/fixtures\/Counter\.tla:\d+\n {3}n {2}2 → 4\n {3}1 other variable unchanged/,
  );
  // The shorter of the absolute path and the one from here.
  t.regex(ran.stderr, /conform --trace \S*kept\.ndjson --models/);
  const kept = readNdjson(readFileSync(out, 'utf8'));
  if (E.isLeft(kept)) return t.fail(kept.left.message);
  t.like(kept.right.head, { model: 'Counting', bugs: ['Overrun'] });
  t.deepEqual(kept.right.steps.map((s) => [s.action, s.args, s.state['n']]), [
    ['Init', {}, 0],
    ['Increase', { step: 2 }, 2],
    ['Increase', { step: 2 }, 4],
  ]); // prettier-ignore
});

test('1: sizes that are not those of models.json', async (t) => {
  const dir = folder(t);
  cpSync('test/cli/fixtures', dir, { recursive: true });
  const path = join(dir, 'models.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"distinct": 4', '"distinct": 5'));
  const ran = await run(['check', 'Counting', '--models', path, '--json']);
  t.is(ran.code, 1, ran.stdout);
  t.is(errorOf(ran.stdout).code, 'SizesDiffer');
});

test('1: a spec that TLC cannot read', async (t) => {
  const dir = folder(t);
  cpSync('test/cli/fixtures', dir, { recursive: true });
  const path = join(dir, 'Counter.tla');
  writeFileSync(path, readFileSync(path, 'utf8').replace('n = 0 /\\ steps = 0', 'n = 0 /\\ stepz = 0'));
  const ran = await run(['check', 'Counting', '--models', join(dir, 'models.json'), '--json']);
  t.is(ran.code, 1, ran.stdout);
  t.like(errorOf(ran.stdout), { code: 'NoVerdict' });
});

test('69: the time is up', async (t) => {
  const ran = await run(['check', 'CountingLong', ...counting, '--time-limit', '3', '--json']);
  t.is(ran.code, 69, ran.stdout);
  t.like(errorOf(ran.stdout), { code: 'BudgetSpent', exit: 69 });
});

/** Processes of TLC that read modules from a directory. */
const tlcsOf = (dir: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(join('/proc', pid, 'cmdline'), 'utf8');
        return command.includes(dir) && command.includes('tlc2.TLC');
      } catch {
        return false; // it has ended meanwhile
      }
    });

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 50));
};

test('130: Ctrl-C ends TLC too', async (t) => {
  const dir = folder(t);
  cpSync('test/cli/fixtures', dir, { recursive: true });
  const running = start(['check', 'CountingLong', '--models', join(dir, 'models.json'), '--json']);
  await until(() => tlcsOf(dir).length === 1);
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  t.is(code, 130);
  t.like(errorOf(stdout), { code: 'Interrupted', exit: 130 });
  t.deepEqual(tlcsOf(dir), []);
});

test('20: a spec that is changed parts from the core, with the shortest run to the difference', async (t) => {
  // Of two votes the one with fewer transactions counts as better.
  const models = seeded(t, 'Election.tla', 'THEN v.zxid[2] > w.zxid[2]', 'THEN v.zxid[2] < w.zxid[2]');
  const same = await run(['conform', 'ElectionUntrusted', '--fresh']);
  t.is(same.code, 0, same.stdout);
  t.regex(same.stdout, /ElectionUntrusted .* graph equal/);
  const parted = await run(['conform', 'ElectionUntrusted', '--models', models, '--fresh']);
  t.is(parted.code, 20, parted.stdout + parted.stderr);
  t.regex(parted.stdout, /graph differs/);
  t.regex(parted.stdout, /after Init, /);
});

test('20: a run that needs a bug parts from the core at the faulty step', async (t) => {
  const out = join(folder(t), 'kept.ndjson');
  const violated = await run(['check', '--bug', 'HalfVote', '--out', out]);
  t.is(violated.code, 12, violated.stdout);
  const { code, stdout } = await run(['conform', '--trace', out, '--json']);
  t.is(code, 20, stdout);
  const error = errorOf(stdout);
  t.like(error, { code: 'Divergence', action: 'HandleNotification' });
  const kept = readNdjson(readFileSync(out, 'utf8'));
  if (E.isLeft(kept)) return t.fail(kept.left.message);
  t.deepEqual(kept.right.head['parts'], { step: error['step'], action: error['action'] } as object);
});
