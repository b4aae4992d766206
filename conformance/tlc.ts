/** TLC as the checks see it: one run, and what it found in the words of models.json. */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import * as E from 'fp-ts/lib/Either.js';
import { check, dumpGraph, explain, findTlc } from 'tla-checker-cli';
import type { CheckResult, GraphError, Outcome, RunOptions, TlaState, Tlc } from 'tla-checker-cli';

export type TlcRequest = {
  /** Path of the root module; its configuration stands beside it under the same name. */
  readonly module: string;
  /** Directories in which other modules are looked for. */
  readonly libraries: readonly string[];
  /** Where the state graph is written, with labels of actions; null: nowhere. */
  readonly dump: string | null;
  readonly onProgress?: (distinct: number) => void;
};

/** A state of a counterexample and the label of the step that led to it; `Init` for the first. */
export type TlcStep = { readonly label: string; readonly state: TlaState };

export type TlcOutcome = {
  /** `ok`, `invariant NAME`, `property NAME` (or `property`, where TLC names none), `deadlock` or `assumption`. */
  readonly result: string;
  readonly generated: number;
  readonly distinct: number;
  /** Counted in states. */
  readonly depth: number;
  readonly counterexample: readonly TlcStep[];
  readonly wallMs: number;
  /** CPU milliseconds of TLC's process; null where the system does not tell. */
  readonly cpuMs: number | null;
};

export type TlcPort = {
  /** Version and hash of the jar. */
  readonly identity: string;
  /** Left: TLC gave no verdict, with the reason. */
  readonly run: (request: TlcRequest) => Promise<E.Either<string, TlcOutcome>>;
};

/** What every run is told: memory and time of TLC, and whether its runs are short (`tla-checker-cli` says more). */
export type TlcLimits = Pick<RunOptions, 'heap' | 'timeLimit' | 'short' | 'signal'>;

/** Finds TLC; Left says what is missing and what to do about it. */
export const findTlcPort = async (limits: TlcLimits = {}): Promise<E.Either<string, TlcPort>> => {
  const found = await findTlc()();
  return E.isLeft(found) ? E.left(`${found.left.message}; ${found.left.hint}`) : E.right(tlcPort(found.right, limits));
};

/** One worker always: with more, depth and counterexamples differ from run to run. */
export const tlcPort = (tlc: Tlc, limits: TlcLimits): TlcPort => ({
  identity: `${tlc.id.version} ${tlc.id.sha256}`,
  run: async ({ module, libraries, dump, onProgress }) => {
    const options: RunOptions = {
      ...limits,
      spec: module,
      libraries,
      workers: 1,
      ...(onProgress === undefined ? {} : { onProgress: (p: { distinct: number }) => onProgress(p.distinct) }),
    };
    if (dump === null) {
      const ran = await check(tlc, options)();
      return E.isLeft(ran) ? E.left(explained(ran.left)) : outcomeOf(ran.right);
    }
    const file = createWriteStream(dump);
    // A file whose disk is full fails while it is written to, and is waited for at the end.
    const written = finished(file).then(
      () => null,
      (e: unknown) => String(e),
    );
    // One listener for all waits: those of a graph are thousands.
    let go = (): void => undefined;
    file.on('drain', () => go()).on('close', () => go());
    const tap = (chunk: Uint8Array): void | Promise<void> =>
      file.write(chunk) || file.destroyed
        ? undefined
        : new Promise((done) => {
            go = done;
          });
    const ran = await dumpGraph(tlc, { ...options, tap }, {})();
    file.end();
    const failed = await written;
    if (failed !== null) return E.left(`the graph cannot be written: ${failed}`);
    return E.isLeft(ran) ? E.left(explained(ran.left)) : outcomeOf(ran.right.check);
  },
});

const explained = (e: GraphError): string => {
  const { message, hint } = explain(e);
  return hint === '' ? message : `${message}; ${hint}`;
};

const outcomeOf = ({ outcome, stats, counterexample, cost }: CheckResult): E.Either<string, TlcOutcome> => {
  const result = resultOf(outcome);
  if (result === null) return E.left('message' in outcome ? `${outcome.type}: ${outcome.message}` : outcome.type);
  return E.right({
    result,
    generated: stats.generated,
    distinct: stats.distinct,
    depth: stats.depth ?? 0,
    counterexample: (counterexample?.steps ?? []).map((s) => ({ label: s.action, state: s.state })),
    wallMs: Math.round(cost.wallSeconds * 1000),
    cpuMs: cost.cpuSeconds === null ? null : Math.round(cost.cpuSeconds * 1000),
  });
};

/** What TLC found, in the words of `result` in models.json; null: it gave no verdict. */
export const resultOf = (outcome: Outcome): string | null => {
  switch (outcome.type) {
    case 'ok':
    case 'deadlock':
    case 'assumption':
      return outcome.type;
    case 'invariant':
      return `invariant ${outcome.name}`;
    case 'action property':
    case 'temporal property':
      return outcome.name === null ? 'property' : `property ${outcome.name}`;
    case 'parse error':
    case 'config error':
    case 'evaluation error':
      return null;
  }
};
