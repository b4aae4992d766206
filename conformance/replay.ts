/** Replays one run on a mirror: TLC's traces and counterexamples, kept in traces/, without Java. */
import { canonicalText } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { Place } from './difference.js';
import { differingPlaces } from './difference.js';
import type { Binding } from './generate.js';
import { labelOf } from './generate.js';
import type { Mirror } from './mirror.js';
import type { ModelAction } from './models.js';

/** One step of a run: the action, its arguments, and the state that it leads to. */
export type ReplayStep = {
  readonly action: string;
  /** In the order of the model's table, or by name as in a trace file. */
  readonly args: readonly number[] | Readonly<Record<string, TlaValue>>;
  readonly state: TlaState;
};

/** Where the run and the core part. `step` counts from 0; a state that comes before any step is step -1. */
export type Replay =
  | { readonly type: 'Replayed'; readonly steps: number }
  /** Nothing was replayed, which shows nothing. */
  | { readonly type: 'Empty' }
  | { readonly type: 'NoSuchStart'; readonly nearest: readonly Place[] }
  | { readonly type: 'UnknownAction'; readonly step: number; readonly action: string; readonly why: string }
  | {
      readonly type: 'Refused';
      readonly step: number;
      readonly action: string;
      readonly args: readonly number[];
      /** The guard that the mirror names; null where the world did not offer the event. */
      readonly guard: string | null;
      readonly before: TlaState;
      /** What the step would have changed. */
      readonly places: readonly Place[];
      /** Labels of the steps that the core does have there. */
      readonly enabled: readonly string[];
    }
  | {
      readonly type: 'Parted';
      readonly step: number;
      readonly action: string;
      readonly args: readonly number[];
      readonly before: TlaState;
      readonly places: readonly Place[];
    };

/**
 * @param start the state before the first step; the mirror must have it among its initial ones
 * @param actions the model's table: which parameters an action has
 * @param bindings what is tried to say which steps the core does have, where it refuses one
 */
export const replay = <W>(
  mirror: Mirror<W>,
  actions: Readonly<Record<string, ModelAction>>,
  bindings: readonly Binding[],
  start: TlaState,
  steps: readonly ReplayStep[],
): Replay => {
  const wanted = textOf(start);
  const initial = mirror.init.find((w) => textOf(mirror.view(w)) === wanted);
  if (initial === undefined) {
    const places = mirror.init.map((w) => differingPlaces(start, mirror.view(w)));
    return { type: 'NoSuchStart', nearest: places.sort((a, b) => a.length - b.length)[0] ?? [] };
  }
  if (steps.length === 0) return { type: 'Empty' };
  let w: W = initial;
  for (const [step, { action, args: named, state }] of steps.entries()) {
    const args = argumentsOf(actions[action], named);
    if (typeof args === 'string') return { type: 'UnknownAction', step, action, why: args };
    const before = mirror.view(w);
    const next = mirror.step(w, action, args);
    if (next === null) {
      const at = w;
      return {
        type: 'Refused',
        step,
        action,
        args,
        guard: mirror.refusal?.(at, action, args) ?? null,
        before,
        places: differingPlaces(state, before),
        enabled: bindings.filter((b) => mirror.step(at, b.action, b.args) !== null).map((b) => b.label),
      };
    }
    const places = differingPlaces(state, mirror.view(next));
    if (places.length > 0) return { type: 'Parted', step, action, args, before, places };
    w = next;
  }
  return { type: 'Replayed', steps: steps.length };
};

const textOf = (state: TlaState): string => canonicalText({ record: state });

/** Arguments by name stand in the order of their names' first appearance in the trace: that of the operator. */
const argumentsOf = (
  action: ModelAction | undefined,
  args: readonly number[] | Readonly<Record<string, TlaValue>>,
): readonly number[] | string => {
  if (action === undefined) return 'the model has no such action';
  const values: readonly TlaValue[] = isList(args) ? args : Object.values(args);
  if (values.length !== action.params.length)
    return `${values.length} arguments for ${action.params.length} parameters`;
  const numbers = values.filter((v): v is number => typeof v === 'number');
  return numbers.length === values.length ? numbers : 'an argument that is no integer';
};

const isList = (args: readonly number[] | Readonly<Record<string, TlaValue>>): args is readonly number[] =>
  Array.isArray(args);

/** A finding as one paragraph for a person. */
export const replayText = (r: Replay): string => {
  const lines = (places: readonly Place[]): string =>
    places.map((p) => `\n    ${p.at}: trace ${p.tlc ?? '(nothing)'}, core ${p.core ?? '(nothing)'}`).join('');
  switch (r.type) {
    case 'Replayed':
      return `replayed ${r.steps} steps`;
    case 'Empty':
      return 'the trace has no step: nothing was replayed';
    case 'NoSuchStart':
      return `the core has no such initial state; the nearest differs in${lines(r.nearest)}`;
    case 'UnknownAction':
      return `step ${r.step + 1}, ${r.action}: ${r.why}`;
    case 'Refused':
      return (
        `step ${r.step + 1}, ${labelOf(r.action, r.args)}: the core has no such step` +
        `${r.guard === null ? '' : ` (guard ${r.guard})`}; it would change${lines(r.places)}` +
        `\n  it does have: ${r.enabled.join(', ') || 'none'}`
      );
    case 'Parted':
      return `step ${r.step + 1}, ${labelOf(r.action, r.args)}: the core gets elsewhere${lines(r.places)}`;
  }
};
