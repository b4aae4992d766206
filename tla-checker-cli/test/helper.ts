/** What the tests that run TLC share: folders of their own, configurations, the specs of test/specs. */
import * as E from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tlc } from '../src/index.js';
import { findTlc } from '../src/index.js';

const here = dirname(fileURLToPath(import.meta.url));

/** The module of test/specs; the tests themselves run from dist. */
export const spec = (name: string): string => join(here, '..', '..', 'test', 'specs', `${name}.tla`);

export const mainFile = join(here, '..', 'src', 'main.js');

/** A folder for one test file; TLC's own folders are made inside and must be gone at the end. */
export const folder = mkdtempSync(join(tmpdir(), 'tla-checker-test-'));
export const runs = join(folder, 'runs');
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** Writes a file and gives its path. */
export const fileOf = (text: string | Uint8Array, end = '.cfg', mode = 0o644): string => {
  const path = join(folder, `f${++files}${end}`);
  writeFileSync(path, text, { mode });
  return path;
};

/** A configuration of Doors. */
export const doors = (more: string, limit = 3): string =>
  fileOf(`SPECIFICATION Spec\nCONSTANTS a = a\nb = b\nLimit = ${limit}\n${more}\n`);

export const right = async <A>(task: TaskEither<unknown, A>): Promise<A> => {
  const e = await task();
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left));
  return e.right;
};

export const left = async <Err>(task: TaskEither<Err, unknown>): Promise<Err> => {
  const e = await task();
  if (E.isRight(e)) throw new Error('a result where an error was expected');
  return e.left;
};

export const theTlc = (): Promise<Tlc> => right(findTlc());

/** The process that a log of TLC speaks of: is it still there? */
export const stillRuns = (log: string): boolean => {
  const pid = /\[pid: (\d+)\]/.exec(readFileSync(log, 'utf8'))?.[1];
  if (pid === undefined) throw new Error(`no pid in ${log}`);
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
};

export const entries = (path: string): readonly string[] => readdirSync(path);
