import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { connectClient, openAcl } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';
import { askServed } from '../system/words.js';
import type { Story } from './cluster.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

const work = mkdtempSync(join(tmpdir(), 'zabkeeper-pack-'));
test.after.always(() => rmSync(work, { recursive: true, force: true }));

/** The files of the package as a registry would get them, unpacked. */
const packed = join(work, 'package');
let archive = '';
test.before(() => {
  const npm = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', work];
  const name = execFileSync('npm', npm, { cwd: root, encoding: 'utf8' }).trim();
  archive = join(work, name);
  execFileSync('tar', ['-xzf', archive, '-C', work]);
});

const runBare = (folder: string): { readonly code: number | null; readonly out: string; readonly err: string } => {
  const args = ['--experimental-vm-modules', '--no-warnings', join(here, 'bare.js'), folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
};

/** A copy of the package's core in which `file` is changed. */
const planted = (name: string, file: string, change: (text: string) => string): string => {
  const folder = join(work, name);
  cpSync(join(packed, 'dist', 'core'), join(folder, 'dist', 'core'), { recursive: true });
  cpSync(join(packed, 'package.json'), join(folder, 'package.json'));
  const path = join(folder, 'dist', 'core', file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing was changed in ${file}`);
  writeFileSync(path, after);
  return folder;
};

type Told = { readonly story: Story; readonly platform: readonly string[]; readonly modules: number };

test('as packed the core runs on the bare language: three servers elect, serve, and commit a create', (t) => {
  const { code, out, err } = runBare(packed);
  t.is(code, 0, err);
  const { story, platform, modules } = JSON.parse(out) as Told;
  t.deepEqual(platform, [], 'the context has something of a platform');
  t.true(modules > 20, `only ${modules} modules were loaded`);
  t.deepEqual(story.refused, []);
  const { servers } = story;
  t.deepEqual(servers.map((s) => s.role).toSorted(), ['FOLLOWING', 'FOLLOWING', 'LEADING']);
  t.is(new Set(servers.map((s) => s.leader)).size, 1);
  t.true(servers.every((s) => s.phase === 'BROADCAST' && s.serving));
  t.is(story.sessions, 3);
  t.deepEqual(story.created, { err: 0, body: '/made' });
  // Three sessions, then the create.
  t.deepEqual(new Set(servers.map((s) => s.zxid)), new Set(['1:4']));
  for (const { read } of servers) t.deepEqual(read, { err: 0, data: '122 97 98' });
});

test('a core that reaches for a platform is seen', (t) => {
  const imports = runBare(planted('imports', 'vote.js', (text) => `import 'node:fs';\n${text}`));
  t.not(imports.code, 0);
  t.regex(imports.err, /vote\.js imports node:fs/);

  const dependency = runBare(planted('dependency', 'vote.js', (text) => `import 'fp-ts/lib/Either.js';\n${text}`));
  t.not(dependency.code, 0);
  t.regex(dependency.err, /vote\.js imports fp-ts/);

  const timer = runBare(planted('timer', 'vote.js', (text) => `${text}\nsetTimeout(() => 0, 0);\n`));
  t.not(timer.code, 0);
  t.regex(timer.err, /setTimeout is not defined/);
});

test('a core that elects nobody is seen', (t) => {
  const { code, out, err } = runBare(
    planted('quorum', 'data/quorum.js', (text) => text.replace('members > Math', 'members > voters + Math')),
  );
  t.is(code, 0, err);
  const { story } = JSON.parse(out) as Told;
  t.false(story.servers.some((s) => s.serving));
  t.is(story.created, null);
});

type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** The package where `npm install` puts it, in a folder that has nothing else. */
const installed = join(work, 'somewhere');
const ours = join(installed, 'node_modules', 'zabkeeper');
test.before(() => {
  mkdirSync(installed);
  const npm = ['install', '--offline', '--no-audit', '--no-fund', '--silent', archive];
  execFileSync('npm', npm, { cwd: installed, stdio: ['ignore', 'ignore', 'inherit'] });
});

const zabkeeper = (args: readonly string[]): Ran =>
  spawnSync(process.execPath, [join(ours, 'dist', 'cli', 'main.js'), ...args], { cwd: installed, encoding: 'utf8' });

const findingsOf = (stdout: string): readonly string[] => {
  type Findings = { readonly findings: readonly { readonly name: string }[] };
  const told = JSON.parse(stdout) as Findings & { readonly error?: Findings };
  return (told.error ?? told).findings.map((f) => f.name);
};

test.serial('installed from its archive alone, without a network, it finds its tools and its spec', (t) => {
  // Whether the machine has Java and TLC is not the package's affair: with and without them it tells of both.
  const doctor = zabkeeper(['doctor', '--json']);
  t.true(doctor.status === 0 || doctor.status === 30, doctor.stdout + doctor.stderr);
  const names = findingsOf(doctor.stdout);
  for (const name of ['Node', 'Java', 'TLC', 'Spec']) t.true(names.includes(name), doctor.stdout);
  for (const command of ['check', 'conform']) {
    const help = zabkeeper([command, '--help']);
    t.is(help.status, 0, help.stderr);
    t.regex(help.stdout, new RegExp(`^Usage: zabkeeper ${command} `));
    const none = zabkeeper([command, 'NoSuchModel', '--json']);
    t.is(none.status, 2, none.stdout + none.stderr);
  }
  t.is(
    execFileSync('npx', ['--no', '--', 'zabkeeper', '--version'], { cwd: installed, encoding: 'utf8' }).trim(),
    '0.1.0',
  );
});

test.serial('installed, it serves', async (t) => {
  const [port = 0] = await freePorts(1);
  const file = join(installed, 'zoo.cfg');
  writeFileSync(
    file,
    `dataDir=${join(installed, 'data')}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`,
  );
  const child = spawn(process.execPath, [join(ours, 'dist', 'cli', 'main.js'), 'serve', file], {
    cwd: installed,
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  t.is((await eventually('it serves', () => askServed(port))).mode, 'standalone');
  const client = await connectClient(port);
  t.is((await client.call({ op: 'create', path: '/made', data: null, acl: openAcl, flags: 0 })).err, 0);
  client.cut();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

test.serial('a dependency that the archive lacks is seen', (t) => {
  const serve = (): number | null => zabkeeper(['serve', join(work, 'no.cfg'), '--json']).status;
  t.is(serve(), 3);
  rmSync(join(ours, 'node_modules', 'fp-ts'), { recursive: true });
  t.not(serve(), 3);
});

test('the package holds what runs, its words and its licence, and no tests, sources or jars', (t) => {
  const files = readdirSync(packed, { recursive: true, encoding: 'utf8' });
  for (const needed of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'spec/Replication.tla',
    'spec/models.json',
    'spec/models/election.json',
    'dist/cli/main.js',
    'dist/core/index.js',
    'dist/core/index.d.ts',
    'dist/shell/server.js',
  ])
    t.true(files.includes(needed), `${needed} is missing`);
  t.deepEqual(
    files.filter((f) =>
      /\.(jar|tgz)$|^(core|shell|wire|test|node_modules\/(?!(commander|fp-ts|io-ts|tla-checker-cli)(\/|$))|dist\/test|data)\//.test(
        f,
      ),
    ),
    [],
  );
});
