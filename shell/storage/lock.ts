/**
 * One server a directory: a file `zabkeeper.lock` that names its process, made by link(2), which either makes it whole
 * or fails. Node has no flock, so a lock that outlives its process is recognised by what it names: a process is the
 * same only with the same id, the same start and the same boot.
 */
import * as fs from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { Lock } from './disk.js';

export const lockName = 'zabkeeper.lock';

type Holder = {
  readonly pid: number;
  /** Clock ticks after boot (field 22 of /proc/<pid>/stat); '' where there is no /proc. */
  readonly start: string;
  readonly boot: string;
  readonly host: string;
};

/** @returns Left: who has the directory and what to do; Right: the lock, taken over from a dead process if need be */
export const lockDirectory = (dir: string): E.Either<string, Lock> => {
  const path = join(dir, lockName);
  const own = textOf({ pid: process.pid, start: startOf(process.pid) ?? '', boot: bootId(), host: hostname() });
  if (linkNew(dir, path, own)) return E.right({ release: releaseOf(path, own), warning: null });
  const found = readIfThere(path);
  const holder = found === null ? null : holderOf(found);
  const refuse = (who: string): E.Either<string, Lock> =>
    E.left(`${dir} is in use by ${who}; stop it, or remove ${path} if it is sure that no server uses the directory`);
  if (found === null || holder === null) return refuse('a server whose lock cannot be read');
  const name = `process ${holder.pid} on ${holder.host}`;
  if (holder.host !== hostname() || isAlive(holder)) return refuse(name);
  // Whoever renames it has it; a lock that somebody else has renewed since it was read is put back.
  const aside = join(dir, `${lockName}.${process.pid}`);
  try {
    fs.renameSync(path, aside);
  } catch {
    return refuse('a server that starts at the same time');
  }
  const stale = readIfThere(aside) === found;
  if (!stale) fs.linkSync(aside, path);
  fs.rmSync(aside);
  if (!stale || !linkNew(dir, path, own)) return refuse('a server that starts at the same time');
  return E.right({ release: releaseOf(path, own), warning: `${path} was left by ${name}, which is gone; taken over` });
};

/** The process that uses a directory; null: none does, or it runs elsewhere. */
export const holderOfDirectory = (dir: string): number | null => {
  const text = readIfThere(join(dir, lockName));
  const holder = text === null ? null : holderOf(text);
  return holder !== null && holder.host === hostname() && isAlive(holder) ? holder.pid : null;
};

const linkNew = (dir: string, path: string, text: string): boolean => {
  const tmp = join(dir, `${lockName}.${process.pid}.new`);
  fs.writeFileSync(tmp, text);
  try {
    fs.linkSync(tmp, path);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw e;
  } finally {
    fs.rmSync(tmp);
  }
};

const releaseOf = (path: string, own: string) => (): void => {
  if (readIfThere(path) === own) fs.rmSync(path, { force: true });
};

const readIfThere = (path: string): string | null => {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

const textOf = (h: Holder): string => `pid ${h.pid}\nstart ${h.start}\nboot ${h.boot}\nhost ${h.host}\n`;

const holderOf = (text: string): Holder | null => {
  const [, pid, start, boot, host] = /^pid (\d+)\nstart (\d*)\nboot (\S*)\nhost (.*)\n$/.exec(text) ?? [];
  return pid === undefined || start === undefined || boot === undefined || host === undefined
    ? null
    : { pid: Number(pid), start, boot, host };
};

const isAlive = (holder: Holder): boolean => {
  if (holder.boot !== bootId()) return false;
  const start = startOf(holder.pid);
  if (start !== null) return start === holder.start;
  if (startOf(process.pid) !== null) return false; // there is a /proc, and it has no such process
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (e) {
    return (e as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** null: no such process, or a system without /proc. */
const startOf = (pid: number): string | null => {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The name of the program stands in brackets and may hold anything; field 3 is the first behind it.
  return stat === null ? null : (stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null);
};

const bootId = (): string => readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
