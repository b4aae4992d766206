/**
 * What a run of TLC gives, as io-ts codecs: `CheckResult.encode` makes JSON (values in ITF), `CheckResult.decode` reads
 * and checks it. Absent figures are null, so that a reader of the JSON sees which ones exist.
 */
import * as t from 'io-ts';
import { TlaStateCodec } from './itf.js';

const nullable = <C extends t.Mixed>(codec: C): t.UnionC<[C, t.NullC]> => t.union([codec, t.null]);

/** Which TLC ran: named in every result, since results are only as good as the tool. */
export const TlcId = t.readonly(
  t.strict({
    /** Of the jar when it is a known one, else what TLC says of itself. */
    version: t.string,
    /** Of the jar, lower-case hexadecimal. */
    sha256: t.string,
    /** Whether the jar is one of those that this package was tested with. */
    known: t.boolean,
  }),
  'TlcId',
);
export type TlcId = t.TypeOf<typeof TlcId>;

/** Why TLC stopped. `ok` only when TLC itself said that it found no error. */
export const Outcome = t.union(
  [
    t.strict({ type: t.literal('ok') }),
    t.strict({ type: t.literal('assumption'), message: t.string }),
    t.strict({ type: t.literal('deadlock') }),
    t.strict({ type: t.literal('invariant'), name: t.string }),
    t.strict({ type: t.literal('action property'), name: t.string }),
    /** TLC 2.18 does not say which of several temporal properties failed: then null. */
    t.strict({ type: t.literal('temporal property'), name: nullable(t.string) }),
    /** The spec does not parse; `location` as SANY gives it. */
    t.strict({ type: t.literal('parse error'), message: t.string, location: nullable(t.string) }),
    t.strict({ type: t.literal('config error'), message: t.string }),
    /** TLC could not evaluate an expression, or the spec's own Assert failed. */
    t.strict({ type: t.literal('evaluation error'), message: t.string }),
  ],
  'Outcome',
);
export type Outcome = t.TypeOf<typeof Outcome>;

/** Counts so far or at the end. `generated` counts initial states too; `depth` is null where TLC gave none. */
export const Stats = t.readonly(
  t.strict({
    generated: t.number,
    distinct: t.number,
    queue: t.number,
    depth: nullable(t.number),
    initial: t.readonly(t.strict({ generated: t.number, distinct: t.number })),
  }),
  'Stats',
);
export type Stats = t.TypeOf<typeof Stats>;

/** One step: what happened and the state after it. The first step of a behaviour is `Init`. */
export const TraceStep = t.readonly(
  t.strict({
    /** '' where the source does not tell. */
    action: t.string,
    /** TLC tells no arguments: then empty. */
    args: TlaStateCodec,
    /** As in `line 5, col 7 to line 5, col 25 of module D`. */
    location: nullable(t.string),
    state: TlaStateCodec,
  }),
  'TraceStep',
);
export type TraceStep = t.TypeOf<typeof TraceStep>;

/** A behaviour that goes on for ever: after the last step, `action` leads back to step `to` (from 0). */
export const Loop = t.readonly(t.strict({ to: t.number, action: t.string }), 'Loop');
export type Loop = t.TypeOf<typeof Loop>;

export const Counterexample = t.readonly(
  t.strict({ steps: t.readonlyArray(TraceStep), loop: nullable(Loop) }),
  'Counterexample',
);
export type Counterexample = t.TypeOf<typeof Counterexample>;

/** Coverage of one action: states that it led to, new ones and all. */
export const ActionCount = t.readonly(
  t.strict({ action: t.string, location: t.string, distinct: t.number, generated: t.number }),
  'ActionCount',
);
export type ActionCount = t.TypeOf<typeof ActionCount>;

/** Seconds; CPU and peak memory (bytes) of TLC alone, null where the platform does not tell. */
export const Cost = t.readonly(
  t.strict({ wallSeconds: t.number, cpuSeconds: nullable(t.number), peakBytes: nullable(t.number) }),
  'Cost',
);
export type Cost = t.TypeOf<typeof Cost>;

/** What the configuration asks TLC to check. */
export const Checked = t.readonly(
  t.strict({
    invariants: t.readonlyArray(t.string),
    properties: t.readonlyArray(t.string),
    deadlock: t.boolean,
    /** `CONSTRAINT Bound`, `SYMMETRY Perms`, ...: each makes TLC's graph another one than the spec's. */
    reductions: t.readonlyArray(t.string),
  }),
  'Checked',
);
export type Checked = t.TypeOf<typeof Checked>;

const common = {
  tlc: TlcId,
  /** Absolute paths. */
  spec: t.string,
  config: t.string,
  checked: Checked,
  outcome: Outcome,
  stats: Stats,
  counterexample: nullable(Counterexample),
  /** Why a printed counterexample could not be read, if so. */
  unreadable: nullable(t.string),
  /** What the spec printed itself: the first 1,000 lines. */
  printed: t.readonlyArray(t.string),
  warnings: t.readonlyArray(t.string),
  cost: Cost,
  /** The file that keeps TLC's own output. */
  log: t.string,
};

export const CheckResult = t.readonly(
  t.strict({
    ...common,
    /** Empty without the option `coverage`. */
    actions: t.readonlyArray(ActionCount),
    /** Probability that TLC missed a state because two had one fingerprint: from theory, and from those it saw. */
    collision: nullable(t.readonly(t.strict({ optimistic: t.number, actual: nullable(t.number) }))),
  }),
  'CheckResult',
);
export type CheckResult = t.TypeOf<typeof CheckResult>;

export const SimulateResult = t.readonly(
  t.strict({
    ...common,
    /** Behaviours handed to `onTrace`; 0 when nobody asked for them. */
    traces: t.number,
    /** Gives the same behaviours again with the same options and one worker. */
    seed: nullable(t.string),
  }),
  'SimulateResult',
);
export type SimulateResult = t.TypeOf<typeof SimulateResult>;

export const GraphResult = t.readonly(
  t.strict({
    check: CheckResult,
    states: t.number,
    initial: t.number,
    edges: t.number,
    /** Stuttering steps that TLC adds to the dump when it checks liveness; not among `edges`. */
    stutters: t.number,
    bytes: t.number,
    /** Edges by label. */
    labels: t.readonly(t.record(t.string, t.number)),
    /** generated - initial - edges: above 0 when a CONSTRAINT hid edges from the dump. */
    hidden: t.number,
    via: t.keyof({ fifo: null, file: null }),
  }),
  'GraphResult',
);
export type GraphResult = t.TypeOf<typeof GraphResult>;

/** Told now and then while TLC runs. TLC itself reports once a minute; a graph run counts on its own. */
export type Progress = Omit<Stats, 'initial'> & { readonly wallSeconds: number };
