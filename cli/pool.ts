/** Runs models beside each other, each in a process of its own, some at a time. */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Phase } from '../conformance/check.js';
import type { Done, FromWorker, Job } from './modelWorker.js';

export type Watcher = {
  readonly onStart?: (model: string) => void;
  readonly onProgress?: (model: string, phase: Phase, states: number) => void;
  readonly onDone?: (model: string, done: Done, wallMs: number) => void;
};

export type PoolOptions = Watcher & {
  readonly parallel: number;
  /** More at a time from when these resolve. */
  readonly later?: readonly Promise<unknown>[];
  /** Stops what runs and starts nothing more. */
  readonly signal?: AbortSignal;
};

/** TLC and the search of the core use one core each; more than two at a time mostly costs memory. */
export const defaultParallel = (): number => Math.min(2, availableParallelism());

const workerScript = fileURLToPath(new URL('./modelWorker.js', import.meta.url));
/** Megabytes; the graphs of half a million states fit. */
const workerHeap = 6144;

/** Results in the order of the jobs; null for those that the signal has stopped. */
export const runJobs = async (jobs: readonly Job[], options: PoolOptions): Promise<readonly (Done | null)[]> => {
  const results: (Done | null)[] = jobs.map(() => null);
  const waiting = [...jobs.entries()];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal?.aborted === true) return;
      const [at, job] = next;
      const started = performance.now();
      options.onStart?.(job.model.name);
      const done = await runOne(job, options);
      results[at] = done;
      if (done !== null) options.onDone?.(job.model.name, done, performance.now() - started);
    }
  };
  const lanes = Array.from({ length: Math.max(1, options.parallel) }, lane);
  await Promise.all([...lanes, ...(options.later ?? []).map((begin) => begin.then(lane))]);
  return results;
};

const runOne = (job: Job, { onProgress, signal }: PoolOptions): Promise<Done | null> =>
  new Promise((resolve) => {
    const child = fork(workerScript, {
      execArgv: [`--max-old-space-size=${workerHeap}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      // Ctrl-C reaches the parent alone, which stops its workers.
      detached: true,
    });
    let stderr = '';
    let done: Done | null = null;
    const stop = (): void => void child.kill('SIGTERM');
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    child.on('message', (message) => {
      const told = message as FromWorker;
      if (told.type === 'progress') onProgress?.(job.model.name, told.phase, told.states);
      else done = told;
    });
    child.on('error', (e) => {
      stderr += e.message;
      resolve({ type: 'died', why: stderr });
    });
    child.on('close', (code, how) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted === true) return resolve(null);
      resolve(done ?? { type: 'died', why: `ended with ${how ?? code ?? '?'}: ${stderr.trim()}` });
    });
    signal?.addEventListener('abort', stop, { once: true });
    child.send(job);
  });
