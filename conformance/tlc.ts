/** TLC as the checks see it: one run, and what it found in the words of models.json. */
import type * as E from 'fp-ts/lib/Either.js';
import type { TlaState } from 'tla-checker-cli';

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
