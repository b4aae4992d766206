/** Every exit code of docs/cli.md that needs no TLC, in text and in JSON; those that need it are in tlc.test.ts. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { stateToItf } from 'tla-checker-cli';
import { exits } from '../../cli/failure.js';
import { loadModels, mirrorOf } from '../../cli/modelFile.js';
import { disagreement, readKept } from '../../cli/traceReplay.js';
import { bindingsOf } from '../../conformance/generate.js';
import { errorOf, folder, ports, run, start } from './binary.js';

/** A configuration of one server alone. */
const alone = async (t: ExecutionContext): Promise<{ readonly file: string; readonly port: number }> => {
  const dir = folder(t);
  const [port = 0] = await ports(1);
  const file = join(dir, 'zoo.cfg');
  writeFileSync(
    file,
    `dataDir=${join(dir, 'data')}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`,
  );
  return { file, port };
};

test('the page of the commands gives every exit code', (t) => {
  const page = readFileSync('docs/cli.md', 'utf8');
  const listed = [...page.matchAll(/^\| (\d+) \|/gm)].map((m) => Number(m[1]));
  t.deepEqual(
    listed.toSorted((a, b) => a - b),
    Object.values(exits).toSorted((a, b) => a - b),
  );
});

test('0: help and version of every command', async (t) => {
  const help = await run(['--help']);
  t.is(help.code, 0);
  const commands = [...help.stdout.matchAll(/^ {2}(\w+) \[options\]/gm)].map((m) => m[1] ?? '');
  const alone = ['check', 'cleanup', 'conform', 'doctor', 'ensemble', 'init', 'serve', 'start', 'status', 'stop'];
  t.deepEqual(commands.toSorted(), alone);
  for (const group of ['config', 'snapshot', 'txnlog']) {
    const { code, stdout } = await run([group, '--help']);
    t.is(code, 0, group);
    for (const [, name = ''] of stdout.matchAll(/^ {2}(\w+) \[options\]/gm))
      t.regex((await run([group, name, '--help'])).stdout, /--json/, `${group} ${name}`);
  }
  for (const command of commands) {
    const { code, stdout } = await run([command, '--help']);
    t.is(code, 0, command);
    t.regex(stdout, /--json/, command);
  }
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  t.is((await run(['--version'])).stdout, `${version}\n`);
});

test('0: SIGTERM stops a server cleanly', async (t) => {
  const { file } = await alone(t);
  const server = start(['serve', file]);
  await server.says(/LEADING BROADCAST/);
  server.child.kill('SIGTERM');
  const { code, stdout, stderr } = await server.ended;
  t.is(code, 0, stderr);
  t.is(stdout, '');
  t.regex(stderr, /SIGTERM: stopping\n$/);
});

test('130: Ctrl-C', async (t) => {
  const { file } = await alone(t);
  const server = start(['serve', file, '--json']);
  await server.says(/LEADING BROADCAST/);
  server.child.kill('SIGINT');
  const { code, stdout, stderr } = await server.ended;
  t.is(code, 130);
  t.like(errorOf(stdout), { code: 'Interrupted', exit: 130 });
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.true(lines.every((l) => ['info', 'warn', 'error'].includes(String(l['level'])) && typeof l['text'] === 'string'));
});

test('1: the port is taken', async (t) => {
  const { file, port } = await alone(t);
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { code, stdout } = await run(['serve', file, '--json']);
  t.is(code, 1);
  const error = errorOf(stdout);
  t.is(error.code, 'PortInUse');
  t.regex(String(error['message']), new RegExp(`:${port}`));
});

test('1: another server uses the directory', async (t) => {
  const { file } = await alone(t);
  const first = start(['serve', file]);
  t.teardown(() => first.child.kill());
  await first.says(/LEADING BROADCAST/);
  const { code, stdout, stderr } = await run(['serve', file, '--json']);
  t.is(code, 1, stderr);
  const error = errorOf(stdout);
  t.is(error.code, 'DataInUse');
  t.regex(String(error['message']), new RegExp(`process ${first.child.pid}`));
});

test('1: a history that cannot be served', async (t) => {
  const { file } = await alone(t);
  const data = join(file, '..', 'data', 'version-2');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'log.500000001'), 'no log at all');
  writeFileSync(join(data, 'currentEpoch'), '5');
  writeFileSync(join(data, 'acceptedEpoch'), '3');
  const { code, stdout } = await run(['serve', file, '--json']);
  t.is(code, 1);
  t.is(errorOf(stdout).code, 'HistoryRefused');
});

test('2: a wrong command line', async (t) => {
  for (const args of [
    [],
    ['serv'],
    ['serve'],
    ['serve', 'a', 'b'],
    ['serve', 'x.cfg', '--colour'],
    ['ensemble', '--nodes', 'x'],
  ]) {
    const plain = await run(args);
    t.is(plain.code, 2, args.join(' '));
    t.is(plain.stdout, '');
    t.regex(plain.stderr, /zabkeeper: /);
    const told = await run([...args, '--json']);
    t.is(told.code, 2, args.join(' '));
    t.like(errorOf(told.stdout), { code: 'Usage', exit: 2 });
    t.is(told.stderr, '');
  }
});

test('3: a configuration that cannot be used, with the places of all errors', async (t) => {
  const file = join(folder(t), 'zoo.cfg');
  writeFileSync(file, 'tickTime=x\nclientPort=2181\nserver.1=localhost:2888\n');
  const plain = await run(['serve', file]);
  t.is(plain.code, 3);
  t.regex(plain.stderr, /zoo\.cfg:1:10: error: tickTime: /);
  t.regex(plain.stderr, /zoo\.cfg:3:\d+: error: server\.1: /);
  const told = await run(['serve', file, '--json']);
  t.is(told.code, 3);
  const error = errorOf(told.stdout);
  t.like(error, { code: 'BadConfig', exit: 3 });
  t.true((error['errors'] as { line: number }[]).some((e) => e.line === 3));
  t.is((await run(['serve', join(file, 'missing')])).code, 3);
});

test('3: a remembered ensemble that cannot be read', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'ensemble.json'), '{"nodes": [{"id": 1, "client": 0, "quorum": 2, "election": 3}]}');
  const { code, stdout } = await run(['ensemble', '--data', dir, '--json']);
  t.is(code, 3);
  t.like(errorOf(stdout), { code: 'BadConfig', exit: 3 });
});

/** A run of the core's own, two steps long, as a trace file. */
const ownRun = (): { readonly lines: readonly string[]; readonly model: string } => {
  const file = loadModels();
  if (E.isLeft(file)) throw new Error(file.left.message);
  const model = [...file.right.models.values()].find((m) => m.compare === 'election');
  const mirror = model === undefined ? null : mirrorOf(file.right, model)?.(model);
  if (model === undefined || mirror === null || mirror === undefined || E.isLeft(mirror)) throw new Error('no model');
  const { init, step, view } = mirror.right;
  let [world] = init;
  const steps = [{ action: 'Init', args: {}, state: stateToItf(view(world)) }];
  while (steps.length < 3) {
    const at: unknown = world;
    const binding = bindingsOf(model).find((b) => {
      const next = step(at, b.action, b.args);
      return next !== null && next !== at;
    });
    if (binding === undefined) throw new Error('no step');
    world = step(at, binding.action, binding.args);
    const args = Object.fromEntries(binding.args.map((n, i) => [`a${i}`, n]));
    steps.push({ action: binding.action, args, state: stateToItf(view(world)) });
  }
  const head = { from: 'a walk over the core', shows: 'two steps', model: model.name };
  return { lines: [head, ...steps].map((line) => JSON.stringify(line)), model: model.name };
};

const keep = (t: ExecutionContext, lines: readonly string[]): string => {
  const path = join(folder(t), 'trace.ndjson');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
};

test('0 and 20: a run of the core is followed; with a step left out it is not', async (t) => {
  const { lines } = ownRun();
  const followed = await run(['conform', '--trace', keep(t, lines)]);
  t.is(followed.code, 0, followed.stderr);
  t.regex(followed.stdout, /follows all 2 steps/);
  const [head = '', first = '', , last = ''] = lines;
  const { code, stdout } = await run(['conform', '--trace', keep(t, [head, first, last]), '--json']);
  t.is(code, 20);
  const error = errorOf(stdout);
  t.like(error, { code: 'Divergence', exit: 20, step: 1, steps: 1 });
  t.true((error['places'] as readonly unknown[]).length > 0);
});

test('kept traces that have changed what they show are found', (t) => {
  const file = loadModels();
  if (E.isLeft(file)) return t.fail(file.left.message);
  const { lines } = ownRun();
  const [head = '', first = '', second = '', last = ''] = lines;
  const verdict = (...kept: readonly string[]): string | null => {
    const read = readKept(file.right, keep(t, kept), []);
    return E.isLeft(read) ? read.left.message : disagreement(read.right);
  };
  const { action } = JSON.parse(last) as { action: string };
  const parting = (step: number): string =>
    JSON.stringify({ ...(JSON.parse(head) as object), parts: { step, action } });
  t.is(verdict(...lines), null);
  t.is(verdict(parting(1), first, last), null);
  t.regex(verdict(head, first, last) ?? '', /should follow/);
  t.regex(verdict(parting(2), first, last) ?? '', /should part at step 2/);
  t.regex(verdict(parting(2), first, second, last) ?? '', /the core follows it/);
});

test('21: a trace that cannot be read', async (t) => {
  const { lines } = ownRun();
  const [head = '', first = '', second = ''] = lines;
  const wrong: readonly (readonly [readonly string[], number | null])[] = [
    [['no trace'], 1],
    [[head, first, second.replace('"action"', '"acted"')], 3],
    [[head.replace(/"model":"\w+"/, '"model":"Nowhere"'), first, second], 1],
  ];
  for (const [kept, line] of wrong) {
    const { code, stdout } = await run(['conform', '--trace', keep(t, kept), '--json']);
    t.is(code, 21, stdout);
    t.like(errorOf(stdout), { code: 'TraceUnreadable', exit: 21, line });
  }
  t.is((await run(['conform', '--trace', 'no/such/file'])).code, 21);
});

test('22: nothing was checked', async (t) => {
  const [head = '', first = ''] = ownRun().lines;
  const fixture = ['--models', 'test/cli/fixtures/models.json'];
  const models = join(folder(t), 'models.json');
  writeFileSync(models, '{}');
  for (const args of [
    ['conform', '--trace', keep(t, [head])],
    ['conform', '--trace', keep(t, [head, first])],
    ['conform', ...fixture],
    ['conform', 'Counting', ...fixture],
    ['conform', '--models', models],
    ['check', '--models', models],
  ]) {
    const { code, stdout } = await run([...args, '--json']);
    t.is(code, 22, `${args.join(' ')}: ${stdout}`);
    t.like(errorOf(stdout), { code: 'NothingChecked', exit: 22 });
  }
});

test('2 and 3: models that are not there, or a file that is none', async (t) => {
  const unknown = await run(['check', 'NoSuchModel', '--json']);
  t.is(unknown.code, 2);
  t.is(errorOf(unknown.stdout).code, 'UnknownModel');
  t.is((await run(['check', '--bug', 'ZOOKEEPER-0'])).code, 2);
  const models = join(folder(t), 'models.json');
  writeFileSync(models, '{"A": {"module": "M", "results": "ok"}}');
  const bad = await run(['check', '--models', models, '--json']);
  t.is(bad.code, 3);
  t.is(errorOf(bad.stdout).code, 'BadModels');
});

test('30: no Java', async (t) => {
  const env = { PATH: folder(t), HOME: folder(t) };
  for (const args of [['check'], ['conform'], ['doctor']]) {
    const plain = await run(args, { env });
    t.is(plain.code, 30, plain.stdout + plain.stderr);
    t.regex(plain.stderr, /install Java/);
    const { code, stdout } = await run([...args, '--json'], { env });
    t.is(code, 30);
    t.like(errorOf(stdout), { code: 'ToolMissing', exit: 30 });
  }
});

test('start without Java names each model that is not checked, and serves', async (t) => {
  const env = { PATH: folder(t), HOME: folder(t) };
  const [base = 0] = await ports(3);
  const options = ['--nodes', '1', '--data', folder(t), '--base-port', String(base)];
  const running = start(['start', ...options], { env });
  t.teardown(() => running.child.kill());
  await running.says(/^NOT CHECKED Replication\w+$/m);
  await running.says(/ready in/);
  running.child.kill('SIGTERM');
  t.is((await running.ended).code, 0);
});

test('70: a mistake of our own leaves a report', async (t) => {
  const { file } = await alone(t);
  const broken =
    "const set = setInterval; globalThis.setInterval = (f, ms) => set(() => { throw new Error('planted'); }, ms);";
  const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(broken)}`];
  const { code, stdout } = await run(['serve', file, '--json'], { nodeArgs });
  t.is(code, 70);
  const error = errorOf(stdout);
  t.is(error.code, 'Bug');
  t.regex(readFileSync(String(error['report']), 'utf8'), /planted/);
});
