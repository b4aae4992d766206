import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Story } from './cluster.js';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..', '..');

const work = mkdtempSync(join(tmpdir(), 'zabkeeper-pack-'));
test.after.always(() => rmSync(work, { recursive: true, force: true }));

/** The files of the package as a registry would get them, unpacked. */
const packed = join(work, 'package');
test.before(() => {
  const npm = ['pack', '--silent', '--ignore-scripts', '--offline', '--pack-destination', work];
  const name = execFileSync('npm', npm, { cwd: root, encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', join(work, name), '-C', work]);
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

test('as packed, with its production dependencies alone, the binary serves as far as its configuration lets it', (t) => {
  const folder = join(work, 'installed');
  cpSync(packed, folder, { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  mkdirSync(join(folder, 'node_modules'));
  for (const name of Object.keys(dependencies))
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  const serve = (): { status: number | null; stdout: string } => {
    const args = [join(folder, 'dist', 'cli', 'main.js'), 'serve', join(work, 'no.cfg'), '--json'];
    return spawnSync(process.execPath, args, { encoding: 'utf8' });
  };
  const { status, stdout } = serve();
  t.is(status, 3, stdout);
  t.is((JSON.parse(stdout) as { error: { code: string } }).error.code, 'BadConfig');
  rmSync(join(folder, 'node_modules', 'fp-ts'));
  t.not(serve().status, 3, 'a missing dependency goes unseen');
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
    files.filter((f) => /\.(jar|tgz)$|^(core|shell|wire|test|node_modules|dist\/test|data)\//.test(f)),
    [],
  );
});
