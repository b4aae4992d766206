import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../src/cli.js';
import { runCli } from '../src/cli.js';
import type { Tlc, TlcMissing } from '../src/index.js';
import { CheckResult, findTlc, GraphResult, readTrace, SimulateResult } from '../src/index.js';
import { progressLine, ticker } from '../src/report.js';
import { doors, entries, fileOf, folder, mainFile, runs, spec, stillRuns, theTlc } from './helper.js';

mkdirSync(runs);
process.env['TMPDIR'] = runs;
await theTlc();

type Told = { readonly exit: number; readonly out: string; readonly err: string };

/** Runs a command line in this process. */
const cli = async (argv: readonly string[], more: Partial<Io> = {}): Promise<Told> => {
  let out = '';
  let err = '';
  const io: Io = {
    out: (s) => {
      out += typeof s === 'string' ? s : Buffer.from(s).toString();
      return Promise.resolve();
    },
    err: (s) => {
      err += s;
    },
    stdin: () => Promise.resolve(''),
    terminal: false,
    width: 80,
    signal: new AbortController().signal,
    findTlc: () => findTlc(),
    ...more,
  };
  const exit = await runCli(argv, io);
  return { exit, out, err };
};
let logs = 0;
const log = (): string => join(folder, `c${++logs}.log`);
/** `check` of Doors with this configuration; JSON unless said otherwise. */
const checkDoors = (config: string, ...more: readonly string[]): Promise<Told> =>
  cli(['check', spec('Doors'), '--config', doors(config), '--short', '--log', log(), ...more]);
const errorOf = (told: Told): { code: string; exit: number; message: string; hint: string } =>
  (JSON.parse(told.out) as { error: { code: string; exit: number; message: string; hint: string } }).error;

test.after.always('no run leaves a folder behind', (t) => {
  t.deepEqual(entries(runs), []);
});

const violations: readonly (readonly [number, string, string, readonly string[]])[] = [
  [11, 'Deadlock', 'INVARIANT TypeOK', []],
  [12, 'InvariantViolated', 'INVARIANT NeverBoth', []],
  [13, 'TemporalPropertyViolated', 'PROPERTY AllOpenInTheEnd', ['--no-deadlock']],
  [14, 'ActionPropertyViolated', 'PROPERTY NeverMoves', ['--no-deadlock']],
  [3, 'ConfigError', 'INVARIANT NoSuch', []],
  [3, 'EvaluationError', 'INVARIANT Nonsense', []],
  [22, 'NothingChecked', '', ['--no-deadlock']],
];
for (const [exit, code, config, flags] of violations) {
  test.serial(`check: exit ${exit}, ${code}`, async (t) => {
    const told = await checkDoors(config, '--json', ...flags);
    t.is(told.exit, exit, told.err);
    t.like(errorOf(told), { code, exit });
    const { result } = JSON.parse(told.out) as { result: unknown };
    t.true(E.isRight(CheckResult.decode(result)));
  });
}

test.serial('check: exit 0, JSON is a CheckResult; people get lines', async (t) => {
  const told = await checkDoors('INVARIANT TypeOK', '--no-deadlock', '--json');
  t.is(told.exit, 0);
  t.like(CheckResult.decode(JSON.parse(told.out)), { right: { stats: { distinct: 15 } } });
  t.is(told.err, '');
  const lines = await checkDoors('INVARIANT TypeOK', '--no-deadlock');
  t.regex(lines.out, /states {2}15 distinct, 15 generated, 0 left, depth 4/);
  t.regex(lines.out, /\nok\n$/);
});

test.serial('check: people see the steps, and the trace is kept', async (t) => {
  const file = join(folder, 'kept.ndjson');
  const told = await checkDoors('INVARIANT NeverBoth', '--trace', file);
  t.is(told.exit, 12);
  t.regex(told.out, /step 3 {2}Open_[ab] {2}line \d+/);
  t.regex(told.err, /InvariantViolated: invariant NeverBoth is violated/);
  const trace = readTrace(readFileSync(file, 'utf8'));
  t.like(trace, { right: { head: { shows: 'invariant NeverBoth is violated' } } });
});

test.serial('check: exit 10 and 3, a false assumption and a spec that does not parse', async (t) => {
  const wrong = await cli(['check', spec('Wrong'), '--config', doors(''), '--short', '--log', log(), '--json']);
  t.is(wrong.exit, 10);
  t.is(errorOf(wrong).code, 'AssumptionFalse');
  const config = fileOf('INIT Init\nNEXT Next\n');
  const broken = await cli(['check', spec('Broken'), '--config', config, '--short', '--log', log(), '--json']);
  t.is(broken.exit, 3);
  t.is(errorOf(broken).code, 'ParseError');
});

test.serial('check: exit 69, out of time and out of memory', async (t) => {
  const endless = (next: string, ...more: readonly string[]): Promise<Told> => {
    const config = fileOf(`INIT Init\nNEXT ${next}\n`);
    return cli(['check', spec('Endless'), '--config', config, '--short', '--log', log(), '--json', ...more]);
  };
  const time = await endless('Count', '--time-limit', '1');
  t.is(time.exit, 69);
  t.is(errorOf(time).code, 'TimeLimit');
  const heap = await endless('Grow', '--heap', '32m');
  t.is(heap.exit, 69);
  t.regex(errorOf(heap).hint, /needs more heap: --heap/);
});

test.serial('check: exit 30, no Java', async (t) => {
  const find = (): ReturnType<typeof findTlc> => findTlc({ env: { PATH: '' } });
  const told = await cli(['check', spec('Doors'), '--json'], { findTlc: find });
  t.is(told.exit, 30);
  t.is(errorOf(told).code, 'TlcMissing');
});

test.serial('exit 2: what is no command line', async (t) => {
  const lines = [
    [], ['frobnicate'], ['check'], ['check', 'a', 'b'], ['check', 'a', '--nope'], ['check', 'a', '--workers', 'none'],
    ['check', 'a', '--time-limit', '0'], ['simulate', 'a', '--depth', '1.5'], ['graph', 'a', '--via', 'post'],
    ['graph', spec('Doors'), '--out', '-', '--json'], ['trace'], ['check', spec('NoSuch')],
    ['check', spec('Doors'), '--config', doors(''), '--heap', 'lots'],
  ]; // prettier-ignore
  for (const argv of lines) {
    const told = await cli(argv.includes('--json') ? argv : [...argv, '--json']);
    t.is(told.exit, 2, argv.join(' '));
    t.is(errorOf(told).code, 'Usage');
  }
  const plain = await cli(['check']);
  t.is(plain.out, '');
  t.regex(plain.err, /^Usage: missing required argument 'spec'/);
});

test.serial('exit 0: each command has --help', async (t) => {
  for (const verb of ['check', 'simulate', 'graph', 'trace']) {
    const told = await cli([verb, '--help']);
    t.is(told.exit, 0);
    t.true(told.out.startsWith(`Usage: tla-checker ${verb} [options]`) && told.out.includes('--json'));
  }
});

test.serial('exit 70: a mistake of ours is said so, with its stack', async (t) => {
  const findTlcThrows = (): never => {
    throw new Error('planted');
  };
  const told = await cli(['check', spec('Doors'), '--json'], { findTlc: findTlcThrows });
  t.is(told.exit, 70);
  t.like(errorOf(told), { code: 'Bug', message: 'planted' });
  t.regex(told.err, /cli\.test/);
  const crash: Tlc = { ...(await theTlc()), java: fileOf('#!/bin/sh\nexit 1\n', '.sh', 0o755) };
  const find = () => () => Promise.resolve(E.right<TlcMissing, Tlc>(crash));
  const crashed = await cli(['check', spec('Doors'), '--config', doors(''), '--log', log(), '--json'], {
    findTlc: find,
  });
  t.is(crashed.exit, 70);
  t.is(errorOf(crashed).code, 'Crashed');
});

test.serial('simulate: JSON is a SimulateResult, behaviours become files', async (t) => {
  const out = join(folder, 'sim');
  const args = ['--config', doors('INVARIANT TypeOK'), '--no-deadlock', '--short', '--log', log(), '--json'];
  const told = await cli(['simulate', spec('Doors'), ...args, '--traces', '3', '--depth', '4', '--out', out]);
  t.is(told.exit, 0, told.out);
  t.like(SimulateResult.decode(JSON.parse(told.out)), { right: { traces: 3 } });
  t.deepEqual(entries(out), ['00001.ndjson', '00002.ndjson', '00003.ndjson']);
  t.true(E.isRight(readTrace(readFileSync(join(out, '00001.ndjson'), 'utf8'))));
});

test.serial('graph: counts by action, the dot file, and exit 3 where a constraint hides edges', async (t) => {
  const out = join(folder, 'doors.dot');
  const args = ['graph', spec('Doors'), '--no-deadlock', '--short', '--log', log()];
  const told = await cli([...args, '--config', doors(''), '--json', '--out', out]);
  t.is(told.exit, 0);
  t.like(GraphResult.decode(JSON.parse(told.out)), { right: { states: 15, edges: 14 } });
  const dot = readFileSync(out, 'utf8');
  t.is(dot.match(/ -> /g)?.length, 14);
  const piped = await cli([...args, '--config', doors(''), '--out', '-']);
  t.is(piped.out.match(/ -> /g)?.length, 14);
  t.regex(piped.err, /edges {3}Open_a {2}4/);
  const hidden = await cli([...args, '--config', doors('CONSTRAINT Small'), '--json']);
  t.is(hidden.exit, 3);
  t.like(errorOf(hidden), { code: 'EdgesHidden' });
  t.regex(errorOf(hidden).hint, /CONSTRAINT Small/);
});

test.serial('trace: every form to every form; exit 21 and 22', async (t) => {
  const source = '{"from":"a","shows":"b"}\n{"action":"Init","args":{},"state":{"x":{"#set":[1]}}}\n';
  for (const to of ['ndjson', 'itf', 'tlc', 'module']) {
    const told = await cli(['trace', '-', '--to', to], { stdin: () => Promise.resolve(source) });
    t.is(told.exit, 0);
    const back = readTrace(told.out);
    t.like(back, { right: { steps: [{ state: { x: { set: [1] } } }] } });
  }
  const shown = await cli(['trace', fileOf(source, '.ndjson')]);
  t.is(shown.out, 'from    a\nshows   b\nstep 1  Init\n  x = {1}\n');
  const bad = await cli(['trace', fileOf(`${source}{`, '.ndjson'), '--json']);
  t.is(bad.exit, 21);
  t.regex(errorOf(bad).message, /line 3/);
  t.is((await cli(['trace', join(folder, 'none')])).exit, 21);
  t.is((await cli(['trace', fileOf('{"from":"a","shows":"b"}\n')])).exit, 22);
});

test.serial('Ctrl-C: exit 130, and TLC is gone', async (t) => {
  const file = log();
  const config = fileOf('INIT Init\nNEXT Count\n');
  const args = ['check', spec('Endless'), '--config', config, '--short', '--log', file, '--json'];
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const out = text(child.stdout);
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)));
  while (!existsSync(file) || !readFileSync(file, 'utf8').includes('STARTMSG 2190')) await sleep(50);
  t.true(stillRuns(file));
  child.kill('SIGINT');
  t.is(await ended, 130);
  t.is((JSON.parse(await out) as { error: { code: string } }).error.code, 'Interrupted');
  t.false(stillRuns(file));
});

test.serial('killed outright: TLC does not outlive us, and its folder goes too', async (t) => {
  const file = log();
  const config = fileOf('INIT Init\nNEXT Count\n');
  const args = ['check', spec('Endless'), '--config', config, '--short', '--log', file];
  const child = spawn(process.execPath, [mainFile, ...args], { stdio: 'ignore' });
  while (!existsSync(file) || !readFileSync(file, 'utf8').includes('STARTMSG 2190')) await sleep(50);
  t.is(entries(runs).length, 1);
  child.kill('SIGKILL');
  while (stillRuns(file) || entries(runs).length > 0) await sleep(50); // hangs if nobody cleans up
  t.pass();
});

test('progress: a bar that redraws itself on a terminal, plain lines elsewhere', async (t) => {
  const p = { generated: 12345, distinct: 2000, queue: 500, depth: 7, wallSeconds: 1 };
  t.is(
    progressLine(p, 12, 84),
    `[${'#'.repeat(18)}${'.'.repeat(6)}] depth 7  2,000 distinct  12,345 generated  queue 500  12.0 s`,
  );
  let drawn = '';
  const bar = ticker((s) => (drawn += s), true, 84);
  bar.progress(p);
  while (!drawn.includes('2,000 distinct')) await sleep(20);
  bar.stop();
  t.true(drawn.startsWith('\r') && !drawn.includes('\n') && drawn.endsWith('\r\u001b[K'));
  let plain = '';
  const quiet = ticker((s) => (plain += s), false, 84);
  quiet.stop();
  t.is(plain, '');
});
