/** Where downloaded clients are kept between runs. Each is put there whole or not at all. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cacheDir = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'zabkeeper', 'system-tests');

/**
 * A directory of the cache, filled by `fill` when it is not there yet.
 * @param name changes with what is in it: names and versions
 */
export const cached = (name: string, fill: (dir: string) => void): string => {
  const dir = join(cacheDir(), name);
  if (fs.existsSync(dir)) return dir;
  fs.mkdirSync(cacheDir(), { recursive: true });
  const fresh = fs.mkdtempSync(`${dir}.`);
  try {
    fill(fresh);
    fs.renameSync(fresh, dir);
  } catch (e) {
    fs.rmSync(fresh, { recursive: true, force: true });
    // Another process may have been faster.
    if (!fs.existsSync(dir)) throw e;
  }
  return dir;
};

/** Runs a command to its end; throws with what it said when it fails or is missing. */
export const run = (file: string, args: readonly string[], cwd?: string): string => {
  const { status, stdout, stderr, error } = spawnSync(file, args, { cwd, encoding: 'utf8', timeout: 600_000 });
  if (status === 0) return stdout;
  const why = error === undefined ? `code ${status}` : error.message;
  throw new Error(`${file} ${args.join(' ')}: ${why}\n${stdout}\n${stderr}`);
};
