/** The parts of `npm start` and `npm test` that decide: what is installed, what is stale, which tests have failed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { folder } from './binary.js';

type Seen = { readonly ok: boolean; readonly title: string; readonly details: readonly string[] };
type Prepare = {
  readonly isInstalled: (folder: string) => boolean;
  readonly staleOutputs: (pairs: readonly (readonly [string, string])[]) => readonly string[];
};
type Tap = {
  readonly tapReader: (onTest: (seen: Seen) => void) => {
    readonly write: (text: string) => void;
    readonly end: () => void;
  };
};

const script = async <A>(name: string): Promise<A> => (await import(pathToFileURL(join('scripts', name)).href)) as A;

const lock = (version: string): string =>
  JSON.stringify({
    packages: {
      '': { name: 'own' },
      'node_modules/a': { version, integrity: 'x' },
      'node_modules/own': { resolved: 'own', link: true },
      'node_modules/other-platform': { version: '1.0.0', optional: true },
    },
  });

test('npm ci is needed when nothing is installed, or something else than package-lock.json names', async (t) => {
  const { isInstalled } = await script<Prepare>('prepare.mjs');
  const dir = folder(t);
  const inside = join(dir, 'node_modules', '.package-lock.json');
  writeFileSync(join(dir, 'package-lock.json'), lock('1.0.0'));
  t.false(isInstalled(dir));
  mkdirSync(dirname(inside));
  t.false(isInstalled(dir));
  writeFileSync(inside, lock('0.9.0'));
  t.false(isInstalled(dir));
  writeFileSync(inside, JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0', integrity: 'x' } } }));
  t.true(isInstalled(dir));
  writeFileSync(join(dir, 'package-lock.json'), lock('1.0.1'));
  t.false(isInstalled(dir));
});

test('what was built from a file that is gone is stale', async (t) => {
  const { staleOutputs } = await script<Prepare>('prepare.mjs');
  const dir = folder(t);
  const built = join(dir, 'dist');
  mkdirSync(join(built, 'test'), { recursive: true });
  mkdirSync(join(dir, 'test'));
  writeFileSync(join(dir, 'test', 'kept.test.ts'), '');
  for (const name of [
    'kept.test.js',
    'kept.test.d.ts',
    'gone.test.js',
    'gone.test.js.map',
    'gone.test.d.ts',
    'data.json',
  ])
    writeFileSync(join(built, 'test', name), '');
  t.deepEqual(
    staleOutputs([[built, dir]])
      .map((path) => path.slice(built.length + 6))
      .toSorted(),
    ['gone.test.d.ts', 'gone.test.js', 'gone.test.js.map'],
  );
});

test('results of ava are read as it writes them: failures with their reasons, skipped tests as failures', async (t) => {
  const { tapReader } = await script<Tap>('tap.mjs');
  // In the project's own folder, where ava is found; named so that no run of the tests takes it for one.
  const path = join('dist', 'test', 'cli', `planted-${process.pid}.mjs`);
  const body = `import test from 'ava';
    test('holds # here', (t) => t.pass());
    test('breaks', (t) => t.is(1, 2, 'one is not two'));
    test.skip('waits', (t) => t.pass());`;
  writeFileSync(path, body);
  const config = join('dist', 'test', 'cli', `planted-${process.pid}.config.mjs`);
  // The machine may be busy with models.
  writeFileSync(config, `export default { files: ['${path}'], timeout: '5m' };`);
  t.teardown(() => {
    for (const planted of [path, config]) rmSync(planted, { force: true });
  });
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const env = { ...process.env, AVA_PATH: undefined };
  const { stdout, status } = spawnSync(process.execPath, [ava, '--tap', '--config', config], { encoding: 'utf8', env });
  t.is(status, 1, stdout);
  const seen: Seen[] = [];
  const reader = tapReader((s) => seen.push(s));
  for (let at = 0; at < stdout.length; at += 7) reader.write(stdout.slice(at, at + 7));
  reader.end();
  const byTitle = new Map(seen.map((s) => [s.title, s]));
  t.deepEqual([...byTitle.keys()].toSorted(), ['breaks', 'holds # here', 'waits']);
  t.true(byTitle.get('holds # here')?.ok);
  t.false(byTitle.get('breaks')?.ok);
  t.regex(byTitle.get('breaks')?.details.join('\n') ?? '', /one is not two/);
  t.false(byTitle.get('waits')?.ok);
});
