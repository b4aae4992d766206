/**
 * Makes a clone ready: installs what package-lock.json names, builds, and removes what was built from files that are
 * gone. Built-ins only, since nothing may be installed yet. Run by itself, or by start.mjs and test.mjs.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** npm, as it was started or as it is found. */
export const npm = (args) => {
  const script = process.env['npm_execpath'];
  const isNpm = script !== undefined && /npm-cli\.[cm]?js$/.test(script);
  return isNpm ? [process.execPath, [script, ...args]] : ['npm', args];
};

const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

const stampOf = (folder) => join(folder, 'node_modules', '.installed-from');

/** The packages of a lock file by their places, as far as they say what was installed. */
const packagesOf = (text) =>
  Object.entries(JSON.parse(text).packages ?? {})
    .filter(([place, p]) => place.startsWith('node_modules/') && p.link !== true)
    .map(([place, p]) => ({ place, optional: p.optional === true, is: `${p.version} ${p.integrity ?? ''}` }));

/** Whether node_modules is what package-lock.json names: by our stamp, else by the lock file that npm leaves inside. */
export const isInstalled = (folder) => {
  const lock = read(join(folder, 'package-lock.json'));
  if (lock === null) return false;
  const stamp = read(stampOf(folder));
  if (stamp !== null) return stamp === hashOf(lock);
  const inside = read(join(folder, 'node_modules', '.package-lock.json'));
  if (inside === null) return false;
  const have = new Map(packagesOf(inside).map((p) => [p.place, p.is]));
  return packagesOf(lock).every((p) => have.get(p.place) === p.is || (p.optional && !have.has(p.place)));
};

const hashOf = (text) => createHash('sha256').update(text).digest('hex');

const stamp = (folder) =>
  writeFileSync(stampOf(folder), hashOf(readFileSync(join(folder, 'package-lock.json'), 'utf8')));

const filesBelow = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        return entry.isDirectory() ? filesBelow(path) : [path];
      })
    : [];

/** Outputs whose source is gone; a removed test would otherwise run for ever. Each pair: built folder, its sources. */
export const staleOutputs = (pairs) =>
  pairs.flatMap(([built, sources]) =>
    filesBelow(built).filter((path) => {
      const source = relative(built, path).replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
      return source.endsWith('.ts') && !existsSync(join(sources, source));
    }),
  );

const run = (what, [file, args]) => {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: 'inherit' });
  if (status === 0) return true;
  console.error(`${what} failed${error === undefined ? '' : `: ${error.message}`}`);
  return false;
};

/** @returns whether all went well; what went wrong has been printed */
export const prepare = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
    return false;
  }
  if (!isInstalled(root)) {
    console.log('installing (npm ci)');
    if (!run('npm ci', npm(['ci', '--no-audit', '--no-fund']))) return false;
  }
  stamp(root);
  const stale = staleOutputs([
    [join(root, 'dist'), root],
    [join(root, 'tla-checker-cli', 'dist'), join(root, 'tla-checker-cli')],
  ]);
  for (const path of stale) rmSync(path);
  console.log('building (tsc -b)');
  if (!run('the build', [process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b']]))
    return false;
  chmodSync(join(root, 'dist', 'cli', 'main.js'), 0o755);
  return true;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = prepare() ? 0 : 1;
