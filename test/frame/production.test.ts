/** What is installed beside the server at run time: nothing native, nothing that runs at installation, free licences. */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

type Locked = {
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly license?: string;
};
type Lock = { readonly packages: Readonly<Record<string, Locked>> };

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const lockFile = readJson(join(root, 'package-lock.json')) as Lock;

/** Folders of what a production install brings, without the workspace itself. */
const production = ({ packages }: Lock): readonly string[] =>
  Object.keys(packages).filter(
    (p) => p.startsWith('node_modules/') && packages[p]?.dev !== true && packages[p]?.link !== true,
  );

const withInstallScript = (lock: Lock): readonly string[] =>
  production(lock).filter((p) => lock.packages[p]?.hasInstallScript === true);

const free = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'];
const notFree = (lock: Lock): readonly string[] =>
  production(lock).filter((p) => !free.includes(lock.packages[p]?.license ?? ''));

/** Signs of native code in a file list and in a package.json. */
const nativeFiles = (files: readonly string[]): readonly string[] =>
  files.filter((f) => /(^|\/)binding\.gyp$|\.(node|so|dylib|dll|wasm)$/.test(f));
const installScripts = (manifest: { readonly scripts?: Readonly<Record<string, string>> }): readonly string[] =>
  ['preinstall', 'install', 'postinstall'].filter((s) => manifest.scripts?.[s] !== undefined);

test('package-lock.json: no production dependency has an install script, and all licences are free', (t) => {
  t.true(production(lockFile).includes('node_modules/fp-ts'));
  t.deepEqual(withInstallScript(lockFile), []);
  t.deepEqual(notFree(lockFile), []);
});

test('node_modules: no production dependency carries native code or runs anything when it is installed', (t) => {
  for (const folder of production(lockFile)) {
    const path = join(root, folder);
    t.deepEqual(nativeFiles(readdirSync(path, { recursive: true, encoding: 'utf8' })), [], folder);
    t.deepEqual(installScripts(readJson(join(path, 'package.json')) as object), [], folder);
  }
});

test('what this project publishes runs nothing when it is installed', (t) => {
  for (const folder of ['.', 'tla-checker-cli'])
    t.deepEqual(installScripts(readJson(join(root, folder, 'package.json')) as object), [], folder);
});

test('native code, install scripts and other licences are seen', (t) => {
  const lock: Lock = {
    packages: {
      '': {},
      'node_modules/a': { hasInstallScript: true, license: 'MIT' },
      'node_modules/b': { hasInstallScript: true, dev: true, license: 'SSPL-1.0' },
      'node_modules/c': { license: 'SSPL-1.0' },
      'node_modules/d': {},
    },
  };
  t.deepEqual(withInstallScript(lock), ['node_modules/a']);
  t.deepEqual(notFree(lock), ['node_modules/c', 'node_modules/d']);
  t.deepEqual(nativeFiles(['index.js', 'build/Release/zk.node', 'binding.gyp']), [
    'build/Release/zk.node',
    'binding.gyp',
  ]);
  t.deepEqual(installScripts({ scripts: { test: 'ava', postinstall: 'node-gyp rebuild' } }), ['postinstall']);
});
