/**
 * Runs TLC once as a process of its own: own process group, own folders, a time limit, and no way to outlive us.
 * Two runs at a time would otherwise share TLC's metadata and the modules that it unpacks into the JVM's temporary folder.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Collected } from './collect.js';
import { collector } from './collect.js';
import type { TlcError } from './error.js';
import type { Cost, Progress, Stats } from './result.js';
import type { Tlc } from './tlc.js';
import { cacheFolder } from './tlc.js';

/** What every run may be told. */
export type RunOptions = {
  /** Path of the module, with or without `.tla`. */
  readonly spec: string;
  /** Path of the configuration; default: the module's, with `.cfg`. */
  readonly config?: string;
  /** More folders with modules (TLA-Library). */
  readonly libraries?: readonly string[];
  /** More jars or folders for the class path, behind TLC's own jar. */
  readonly classPath?: readonly string[];
  /** Of the JVM, as in `4g`; default: the JVM's own. */
  readonly heap?: string;
  /** Of each thread, default `64m`. */
  readonly stack?: string;
  /** Threads, default 1: with one, the same run gives the same counterexample. */
  readonly workers?: number | 'auto';
  /** false: do not look for deadlocks, whatever the configuration says. */
  readonly deadlock?: boolean;
  /** Seconds after which TLC is killed, default 600. */
  readonly timeLimit?: number;
  /** Compile less (-XX:TieredStopAtLevel=1): faster for runs of a few seconds, slower for long ones. */
  readonly short?: boolean;
  /** More flags for the JVM. */
  readonly jvm?: readonly string[];
  /** The file that keeps TLC's output; default: a new one under the cache folder. */
  readonly log?: string;
  readonly onProgress?: (progress: Progress) => void;
  /** Kills TLC. */
  readonly signal?: AbortSignal;
};

/** A finished run, not yet judged. */
export type Ran = {
  readonly collected: Collected;
  readonly exitCode: number | null;
  readonly exitSignal: string | null;
  readonly cost: Cost;
  readonly log: string;
  readonly stderr: string;
};

/** What a run may do beside reading TLC's output. */
export type Extra = {
  /** TLC's options, given the run's own folder, which is removed afterwards. */
  readonly flags: (folder: string) => readonly string[];
  /** Before the start; what it gives is called as soon as TLC has ended. */
  readonly before?: (folder: string, kill: () => void) => Promise<() => Promise<void>>;
};

/** Runs TLC to its end, whichever. Left when it did not end by itself. */
export const runTlc = async (tlc: Tlc, options: RunOptions, extra: Extra): Promise<E.Either<TlcError, Ran>> => {
  const log = options.log === undefined ? await newLog(options.spec) : resolve(options.log);
  if (options.signal?.aborted === true) return E.left({ type: 'Interrupted', log });
  let folder: string | undefined;
  try {
    await mkdir(dirname(log), { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'tla-checker-'));
    await mkdir(join(folder, 'meta'));
    await mkdir(join(folder, 'tmp'));
    return await runIn(folder, log, tlc, options, extra);
  } catch (e) {
    return E.left({ type: 'Crashed', message: `TLC could not be started: ${String(e)}`, log });
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
};

const runIn = async (
  folder: string,
  log: string,
  tlc: Tlc,
  options: RunOptions,
  extra: Extra,
): Promise<E.Either<TlcError, Ran>> => {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const out = createWriteStream(log);
  const closed = new Promise<void>((done) => out.once('close', () => done()));
  await once(out, 'open');
  out.on('error', () => kill());
  const collect = collector((stats) => options.onProgress?.(progress(stats, seconds())));
  let stopped: 'time' | 'signal' | undefined;
  let child: ChildProcess | undefined;
  const kill = (): void => killGroup(child);
  const stop = (why: 'time' | 'signal') => () => {
    stopped ??= why;
    kill();
  };
  const after = extra.before === undefined ? undefined : await extra.before(folder, kill);
  const limit = options.timeLimit ?? 600;
  const onSignal = stop('signal');
  const usage = usageOf();
  let timer: NodeJS.Timeout | undefined;
  let guard: ChildProcess | undefined;
  try {
    const args = [...jvmFlags(tlc, options, folder), 'tlc2.TLC', ...tlcFlags(tlc, options, folder, extra)];
    const cwd = dirname(resolve(options.spec));
    // detached: a group of its own, which one kill ends and which the terminal's Ctrl-C does not reach twice
    child = spawn(tlc.java, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    guard = guardOf(child.pid, folder);
    process.once('exit', kill);
    timer = setTimeout(stop('time'), Math.min(limit * 1000, 0x7fffffff));
    options.signal?.addEventListener('abort', onSignal, { once: true });
    if (options.signal?.aborted === true) onSignal();
    let stderr = '';
    const ended = endOf(child, usage);
    const reading = Promise.all([
      drain(child.stdout as Readable, out, (text) => {
        collect.write(text);
        if (text.includes('STARTMSG 2186:')) usage.sample(child?.pid);
      }),
      drain(child.stderr as Readable, out, (text) => {
        collect.writeError(text);
        stderr = (stderr + text).slice(-4000);
      }),
    ]);
    const [exitCode, exitSignal] = await ended;
    await after?.();
    // a pipe that someone else still holds open must not hold us
    const patience = setTimeout(() => {
      child?.stdout?.destroy();
      child?.stderr?.destroy();
    }, 5000);
    await reading.finally(() => clearTimeout(patience));
    const collected = collect.close();
    if (stopped === 'time') return E.left({ type: 'TimeLimit', seconds: limit, stats: collected.stats, log });
    if (stopped === 'signal') return E.left({ type: 'Interrupted', log });
    const cost = { wallSeconds: seconds(), cpuSeconds: usage.cpuSeconds(), peakBytes: usage.peakBytes() };
    return E.right({ collected, exitCode, exitSignal, cost, log, stderr });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onSignal);
    process.removeListener('exit', kill);
    kill();
    guard?.kill('SIGKILL');
    out.end();
    await closed;
  }
};

const progress = (s: Stats, wallSeconds: number): Progress => ({
  generated: s.generated,
  distinct: s.distinct,
  queue: s.queue,
  depth: s.depth,
  wallSeconds,
});

const jvmFlags = (tlc: Tlc, o: RunOptions, folder: string): readonly string[] => [
  '-XX:+UseParallelGC',
  // a JVM without memory may thrash for hours; so it stops at once and says why
  '-XX:+ExitOnOutOfMemoryError',
  '-Dfile.encoding=UTF-8',
  `-Xss${o.stack ?? '64m'}`,
  ...(o.heap === undefined ? [] : [`-Xmx${o.heap}`]),
  ...(o.short === true ? ['-XX:TieredStopAtLevel=1'] : []),
  `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
  ...((o.libraries ?? []).length === 0
    ? []
    : [`-DTLA-Library=${(o.libraries ?? []).map((l) => resolve(l)).join(delimiter)}`]),
  ...(o.jvm ?? []),
  '-cp',
  [tlc.jar, ...(o.classPath ?? [])].join(delimiter),
];

const tlcFlags = (tlc: Tlc, o: RunOptions, folder: string, extra: Extra): readonly string[] => [
  '-tool',
  // newer ones write a module beside the spec for each violation unless told not to
  ...(tlc.flags.has('noGenerateSpecTE') ? ['-noGenerateSpecTE'] : []),
  '-metadir',
  join(folder, 'meta'),
  '-workers',
  String(o.workers ?? 1),
  ...(o.deadlock === false ? ['-deadlock'] : []),
  ...(o.config === undefined ? [] : ['-config', resolve(o.config)]),
  ...extra.flags(folder),
  basename(o.spec).replace(/\.tla$/, ''),
];

const killGroup = (child: ChildProcess | undefined): void => {
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
};

/**
 * Outlives us if we are killed in a way that runs no handler: its input then ends, it ends TLC's group and removes the
 * folder. Without `sh` there is no such guard, and TLC runs on to its end.
 */
const guardOf = (pid: number | undefined, folder: string): ChildProcess | undefined => {
  if (pid === undefined) return undefined;
  const script = 'read -r _; kill -s KILL -- "-$1"; rm -rf -- "$2"';
  const guard = spawn('sh', ['-c', script, 'sh', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => undefined);
  guard.stdin?.on('error', () => undefined);
  guard.unref();
  (guard.stdin as Socket | null)?.unref();
  return guard;
};

/** Resolves when the process is gone; rejects when it never ran. */
const endOf = (child: ChildProcess, usage: Usage): Promise<[number | null, string | null]> =>
  new Promise((done, failed) => {
    const sampling = setInterval(() => usage.sample(child.pid), 500);
    child.once('error', (e) => {
      clearInterval(sampling);
      failed(e);
    });
    child.once('exit', (code, signal) => {
      clearInterval(sampling);
      done([code, signal]);
    });
  });

/** Every chunk goes to the reader and to the log; a slow disk slows TLC instead of filling memory. */
const drain = async (from: Readable, log: NodeJS.WritableStream, take: (text: string) => void): Promise<void> => {
  const decoder = new StringDecoder('utf8');
  try {
    for await (const chunk of from) {
      take(decoder.write(chunk as Buffer));
      if (!log.write(chunk as Buffer)) await once(log, 'drain');
    }
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw e;
  }
};

type Usage = {
  readonly sample: (pid: number | undefined) => void;
  readonly cpuSeconds: () => number | null;
  readonly peakBytes: () => number | null;
};

/** Node has no figures of ended children: read them from /proc (Linux) twice a second and at TLC's last word. */
const usageOf = (): Usage => {
  let cpu: number | null = null;
  let peak: number | null = null;
  return {
    sample: (pid) => {
      try {
        // past the command's name, which may hold blanks: fields 14 and 15 of proc(5), in 1/100 s
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        if (kilobytes === undefined) return; // ended, and not yet collected
        cpu = (Number(fields[11]) + Number(fields[12])) / 100;
        peak = Number(kilobytes) * 1024;
      } catch {
        // gone, or not Linux: the last sample stands
      }
    },
    cpuSeconds: () => cpu,
    peakBytes: () => peak,
  };
};

let logs = 0;
const keptLogs = 100;

/** A new file under the cache folder; of the older ones only some stay. */
const newLog = async (spec: string): Promise<string> => {
  const folder = join(cacheFolder(), 'logs');
  try {
    await mkdir(folder, { recursive: true });
    const files = (await readdir(folder)).filter((f) => f.endsWith('.log'));
    if (files.length >= keptLogs) {
      const aged = await Promise.all(files.map(async (f) => ({ f, at: (await stat(join(folder, f))).mtimeMs })));
      aged.sort((a, b) => a.at - b.at);
      for (const { f } of aged.slice(0, files.length - keptLogs + 1)) await rm(join(folder, f), { force: true });
    }
  } catch {
    // a log that another process removed first
  }
  const name = basename(spec).replace(/\.tla$/, '');
  return join(folder, `${name}-${new Date().toISOString().replace(/[:.]/g, '')}-${process.pid}-${++logs}.log`);
};
