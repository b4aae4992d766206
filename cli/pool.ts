/** Runs models beside each other, some at a time, in processes that take one after another. */
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
    let worker: Worker | null = null;
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal?.aborted === true) break;
      const [at, job] = next;
      const started = performance.now();
      options.onStart?.(job.model.name);
      worker = worker === null || worker.gone() ? startWorker() : worker;
      const done = await worker.run(job, options);
      results[at] = done;
      if (done !== null) options.onDone?.(job.model.name, done, performance.now() - started);
    }
    await worker?.end();
  };
  const lanes = Array.from({ length: Math.max(1, options.parallel) }, lane);
  await Promise.all([...lanes, ...(options.later ?? []).map((begin) => begin.then(lane))]);
  return results;
};

/** A process that takes one job after another; one that dies is not used again. */
type Worker = {
  /** null where the signal has stopped it. */
  readonly run: (job: Job, watched: Pick<PoolOptions, 'onProgress' | 'signal'>) => Promise<Done | null>;
  readonly gone: () => boolean;
  readonly end: () => Promise<void>;
};

const startWorker = (): Worker => {
  const child = fork(workerScript, {
    execArgv: [`--max-old-space-size=${workerHeap}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    // Ctrl-C reaches the parent alone, which stops its workers.
    detached: true,
  });
  let stderr = '';
  let why: string | null = null;
  let take: (message: FromWorker) => void = () => undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4000);
  });
  child.on('message', (message) => take(message as FromWorker));
  const closed = new Promise<string>((resolve) => {
    const end = (text: string): void => resolve((why = text));
    child.on('error', (e) => end(`${stderr}${e.message}`));
    child.on('close', (code, how) => end(`ended with ${how ?? code ?? '?'}: ${stderr.trim()}`));
  });
  const run: Worker['run'] = async (job, { onProgress, signal }) => {
    const stop = (): void => void child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    const told = new Promise<Done>((resolve) => {
      take = (message) => {
        if (message.type === 'progress') onProgress?.(job.model.name, message.phase, message.states);
        else resolve(message);
      };
    });
    // It may be gone already, which `closed` tells.
    child.send(job, () => undefined);
    const done = await Promise.race([told, closed.then((text): Done => ({ type: 'died', why: text }))]);
    signal?.removeEventListener('abort', stop);
    return signal?.aborted === true ? null : done;
  };
  const end = async (): Promise<void> => {
    // Not `disconnect`: of a channel that we close ourselves Node tells no `close`.
    child.send('end', () => undefined);
    await closed;
  };
  return { run, gone: () => why !== null, end };
};
