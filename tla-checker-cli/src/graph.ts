/** TLC's whole state graph, read while TLC writes it. */
import * as E from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { execFile, spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { CheckOptions } from './check.js';
import { checkWith } from './check.js';
import type { DotError, DotHandler, DotSummary } from './dot.js';
import { readDot } from './dot.js';
import type { GraphError } from './error.js';
import type { GraphResult } from './result.js';
import type { Tlc } from './tlc.js';

export type GraphOptions = CheckOptions & {
  /** `fifo` (the default where there is mkfifo): nothing of the graph touches the disk. `file`: TLC writes it first. */
  readonly via?: 'fifo' | 'file';
  /** Gets the dump's bytes as they are, before they are read. */
  readonly tap?: (chunk: Uint8Array) => void | Promise<void>;
};

/**
 * Explores the whole graph and tells the handler each state and each step. A slow handler slows TLC down.
 * TLC may have stopped at a violation: look at `check.outcome`; then, and if `hidden` is not 0, the graph is not whole.
 */
export const dumpGraph =
  (tlc: Tlc, options: GraphOptions, handler: DotHandler): TaskEither<GraphError, GraphResult> =>
  async () => {
    const labels = new Map<string, number>();
    let soFar: DotSummary = { states: 0, initial: 0, edges: 0, stutters: 0, bytes: 0 };
    const counted = countingHandler(handler, labels, options, (d) => {
      soFar = d;
    });
    let via: 'fifo' | 'file' = 'file';
    let dot: Promise<E.Either<DotError, DotSummary>> | undefined;

    const ran = await checkWith(tlc, options, {
      flags: (folder) => ['-dump', 'dot,actionlabels', join(folder, 'graph')],
      before: async (folder, kill) => {
        const path = join(folder, 'graph.dot');
        const fifo = options.via === 'file' ? undefined : await openFifo(path);
        if (fifo === undefined) {
          return async () => {
            dot = readDot(tapped(createReadStream(path), options.tap), counted);
            await settled(dot);
          };
        }
        via = 'fifo';
        dot = readDot(tapped(fifo.stream, options.tap), counted);
        // nobody reads any more: TLC would only wait
        dot.then((d) => (E.isLeft(d) ? kill() : undefined), kill);
        return async () => {
          fifo.end();
          await settled(dot as Promise<unknown>);
        };
      },
    })();

    const read = dot === undefined ? undefined : await dot; // throws what a handler threw
    if (read === undefined) return E.isLeft(ran) ? ran : whole(ran.right, soFar, labels, via);
    if (E.isRight(read)) return E.isLeft(ran) ? ran : whole(ran.right, read.right, labels, via);
    // malformed: that made us kill TLC, so it is the cause, not TLC's end
    if (!brokeOff(read.left)) return read;
    if (E.isLeft(ran)) return ran;
    // after an error TLC leaves the dump as it is
    return ran.right.outcome.type === 'ok' ? read : whole(ran.right, soFar, labels, via);
  };

/** Ended early, or never begun: TLC stopped before. */
const brokeOff = (e: DotError): boolean =>
  e.type === 'DotTruncated' || (e.type === 'DotUnreadable' && e.at === 0 && e.cause.includes('ENOENT'));

const whole = (
  check: GraphResult['check'],
  d: DotSummary,
  labels: ReadonlyMap<string, number>,
  via: 'fifo' | 'file',
): E.Either<never, GraphResult> =>
  E.right({
    check,
    states: d.states,
    initial: d.initial,
    edges: d.edges,
    stutters: d.stutters,
    bytes: d.bytes,
    labels: Object.fromEntries(labels),
    hidden: check.stats.generated - check.stats.initial.generated - d.edges,
    via,
  });

/** Counts labels, and tells progress between TLC's own reports, which come once a minute. */
const countingHandler = (
  handler: DotHandler,
  labels: Map<string, number>,
  options: GraphOptions,
  keep: (d: DotSummary) => void,
): DotHandler => {
  const started = performance.now();
  let told = started;
  return {
    ...handler,
    onEdge: (from, to, label) => {
      labels.set(label, (labels.get(label) ?? 0) + 1);
      handler.onEdge?.(from, to, label);
    },
    onChunk: (soFar) => {
      handler.onChunk?.(soFar);
      keep(soFar);
      const now = performance.now();
      if (options.onProgress === undefined || now - told < 500) return;
      told = now;
      options.onProgress({
        generated: soFar.edges + soFar.initial,
        distinct: soFar.states,
        queue: 0,
        depth: null,
        wallSeconds: (now - started) / 1000,
      });
    },
  };
};

const settled = async (p: Promise<unknown>): Promise<void> => {
  await p.catch(() => undefined);
};

async function* tapped(
  source: AsyncIterable<Uint8Array>,
  tap: GraphOptions['tap'],
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    if (tap !== undefined) await tap(chunk);
    yield chunk;
  }
}

type Fifo = { readonly stream: AsyncIterable<Uint8Array>; readonly end: () => void };

/**
 * Makes a FIFO that `cat` reads for us: reading it ourselves would block a thread of Node's pool, or need a descriptor
 * that Node does not manage. One end stays open here for writing until `end`: a TLC that stops before it opens its
 * dump would otherwise leave the reader waiting for ever.
 * @returns undefined where there are no FIFOs
 */
const openFifo = async (path: string): Promise<Fifo | undefined> => {
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
  } catch {
    return undefined;
  }
  const keeper = openSync(path, 'r+');
  const reading = openSync(path, 'r');
  const cat = spawn('cat', { stdio: [reading, 'pipe', 'ignore'] });
  closeSync(reading);
  const failed = new Promise<never>((_, reject) => cat.once('error', reject));
  failed.catch(() => undefined);
  return { stream: orFailure(cat.stdout as Readable, failed), end: () => closeSync(keeper) };
};

/** The stream, or the reason why there is none. */
async function* orFailure(stream: Readable, failed: Promise<never>): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  try {
    for (;;) {
      const next = await Promise.race([chunks.next(), failed]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    stream.destroy();
  }
}
