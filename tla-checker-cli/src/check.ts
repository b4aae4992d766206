/** Model checking and simulation: one run of TLC, judged. */
import * as E from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { TlcConfig } from './config.js';
import { readConfig } from './config.js';
import type { TlcError } from './error.js';
import type { Checked, CheckResult, Outcome, SimulateResult } from './result.js';
import type { Extra, Ran, RunOptions } from './run.js';
import { runTlc } from './run.js';
import type { Tlc } from './tlc.js';
import type { Trace } from './trace.js';
import { readTrace } from './trace.js';

export type CheckOptions = RunOptions & {
  /** Count states by action (TLC's own coverage; costs time). */
  readonly coverage?: boolean;
};

export type SimulateOptions = RunOptions & {
  /** Behaviours to generate, default 100. */
  readonly traces?: number;
  /** Longest behaviour in states, default 100. */
  readonly depth?: number;
  /** Decimal, 64 bits; default: TLC picks one and the result names it. */
  readonly seed?: string;
  /** Takes each behaviour after the run; TLC names no actions here. */
  readonly onTrace?: (trace: Trace) => void;
};

/** What is known before TLC starts. */
export type Prepared = { readonly spec: string; readonly config: string; readonly cfg: TlcConfig };

/** Reads the configuration and looks at the options, so that a typing error never costs a run. */
export const prepare = async (options: RunOptions): Promise<E.Either<TlcError, Prepared>> => {
  const usage = (message: string): E.Either<TlcError, never> => E.left({ type: 'Usage', message });
  for (const [name, size] of [
    ['heap', options.heap],
    ['stack', options.stack],
  ] as const) {
    if (size !== undefined && !/^[1-9]\d*[kmgKMG]?$/.test(size))
      return usage(`${name} ${size}: a size as in 512m or 4g`);
  }
  const { workers, timeLimit } = options;
  if (typeof workers === 'number' && !(Number.isInteger(workers) && workers > 0))
    return usage(`workers ${workers}: at least 1`);
  if (timeLimit !== undefined && !(timeLimit > 0)) return usage(`time limit ${timeLimit}: more than 0 seconds`);
  const spec = resolve(options.spec.endsWith('.tla') ? options.spec : `${options.spec}.tla`);
  const config = resolve(options.config ?? spec.replace(/\.tla$/, '.cfg'));
  try {
    await readFile(spec);
    return E.right({ spec, config, cfg: readConfig(await readFile(config, 'utf8')) });
  } catch (e) {
    return usage(
      `cannot read ${e instanceof Error ? e.message.replace(/^ENOENT: no such file or directory, open /, '') : ''}`,
    );
  }
};

const checkedBy = (cfg: TlcConfig, options: RunOptions): Checked => ({
  invariants: cfg.invariants,
  properties: cfg.properties,
  deadlock: cfg.deadlock && options.deadlock !== false,
  reductions: cfg.reductions.map((r) => `${r.kind} ${r.name}`),
});

/** Whether anything at all was checked: nothing checked is no success. */
export const checksSomething = (c: Checked): boolean =>
  c.deadlock || c.invariants.length > 0 || c.properties.length > 0;

/** @param complete TLC must have said that it found no error */
export const judge = (ran: Ran, complete: boolean): E.Either<TlcError, Outcome> => {
  const { collected: c, exitCode, exitSignal, log } = ran;
  if (c.exhausted !== undefined && exitCode !== 0) {
    return E.left({ type: 'MemoryLimit', what: c.exhausted, stats: c.stats, log });
  }
  if (c.badOption !== undefined) return E.left({ type: 'Crashed', message: c.badOption, log });
  if (c.outcome !== undefined) return E.right(c.outcome);
  if (exitCode === 0 && c.finished && (c.success || !complete)) return E.right({ type: 'ok' });
  const how = exitSignal === null ? `with exit code ${exitCode}` : `killed by ${exitSignal}`;
  const why = (ran.stderr.trim() || c.printed.join('\n').trim()).split('\n')[0]?.slice(0, 300) ?? '';
  return E.left({ type: 'Crashed', message: `TLC ended ${how}${why === '' ? '' : `: ${why}`}`, log });
};

/** Explores every reachable state, or up to the first violation. */
export const check = (tlc: Tlc, options: CheckOptions): TaskEither<TlcError, CheckResult> =>
  checkWith(tlc, options, { flags: () => [] });

export const checkWith =
  (tlc: Tlc, options: CheckOptions, extra: Extra): TaskEither<TlcError, CheckResult> =>
  async () => {
    const prepared = await prepare(options);
    if (E.isLeft(prepared)) return prepared;
    const coverage = options.coverage === true ? ['-coverage', '1'] : [];
    const ran = await runTlc(tlc, withPaths(options, prepared.right), {
      ...extra,
      flags: (folder) => [...coverage, ...extra.flags(folder)],
    });
    if (E.isLeft(ran)) return ran;
    const outcome = judge(ran.right, true);
    if (E.isLeft(outcome)) return outcome;
    const c = ran.right.collected;
    return E.right({
      ...common(tlc, options, prepared.right, ran.right, outcome.right),
      actions: c.actions,
      collision: c.collision,
    });
  };

/** Random behaviours. `ok` says only that none of these violated anything. */
export const simulate =
  (tlc: Tlc, options: SimulateOptions): TaskEither<TlcError, SimulateResult> =>
  async () => {
    const prepared = await prepare(options);
    if (E.isLeft(prepared)) return prepared;
    const seed = options.seed;
    if (seed !== undefined && !/^-?\d+$/.test(seed))
      return E.left({ type: 'Usage', message: `seed ${seed}: an integer` });
    let traces = 0;
    let unreadable: string | null = null;
    const takeTraces = async (folder: string): Promise<void> => {
      for (const file of await filesOfTraces(folder)) {
        const trace = readTrace(await readFile(join(folder, file), 'utf8'));
        if (E.isLeft(trace)) {
          unreadable ??= `${file}, line ${trace.left.line}: ${trace.left.message}`;
          continue;
        }
        traces++;
        const head = { from: `TLC -simulate ${basename(prepared.right.spec)}`, shows: 'a random behaviour' };
        options.onTrace?.({ head, steps: trace.right.steps, loop: null });
      }
    };
    const ran = await runTlc(tlc, withPaths(options, prepared.right), {
      flags: (folder) => {
        const file = options.onTrace === undefined ? [] : [`file=${join(folder, 't')}`];
        const what = ['-simulate', [...file, `num=${options.traces ?? 100}`].join(',')];
        return [...what, '-depth', String(options.depth ?? 100), ...(seed === undefined ? [] : ['-seed', seed])];
      },
      before: (folder) => Promise.resolve(() => (options.onTrace === undefined ? done() : takeTraces(folder))),
    });
    if (E.isLeft(ran)) return ran;
    const outcome = judge(ran.right, false);
    if (E.isLeft(outcome)) return outcome;
    const result = common(tlc, options, prepared.right, ran.right, outcome.right);
    return E.right({ ...result, unreadable: result.unreadable ?? unreadable, traces, seed: ran.right.collected.seed });
  };

const done = (): Promise<void> => Promise.resolve();

/** `t_<worker>_<number>`, in the order in which they were made by each worker. */
const filesOfTraces = async (folder: string): Promise<readonly string[]> => {
  const key = (f: string): number => Number(f.split('_')[1]) * 1e9 + Number(f.split('_')[2]);
  return (await readdir(folder)).filter((f) => /^t_\d+_\d+$/.test(f)).sort((a, b) => key(a) - key(b));
};

/** TLC runs in the spec's folder: relative paths must have become absolute before. */
const withPaths = <O extends RunOptions>(options: O, p: Prepared): O => ({
  ...options,
  spec: join(dirname(p.spec), basename(p.spec)),
  config: p.config,
});

const common = (
  tlc: Tlc,
  options: RunOptions,
  p: Prepared,
  ran: Ran,
  outcome: Outcome,
): Omit<SimulateResult, 'traces' | 'seed'> => ({
  tlc: tlc.id,
  spec: p.spec,
  config: p.config,
  checked: checkedBy(p.cfg, options),
  outcome,
  stats: ran.collected.stats,
  counterexample: ran.collected.counterexample,
  unreadable: ran.collected.unreadable,
  printed: ran.collected.printed,
  warnings: ran.collected.warnings,
  cost: ran.cost,
  log: ran.log,
});
