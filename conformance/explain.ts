/** Tells a difference between TLC and the core as a story: the shortest run from Init, the step, and both outcomes. */
import { readDot } from 'tla-checker-cli';
import type { TlaState } from 'tla-checker-cli';
import type { Place } from './difference.js';
import { differingPlaces } from './difference.js';
import type { Binding } from './generate.js';
import { labelOf } from './generate.js';
import type { Mirror } from './mirror.js';
import { differingFields } from './plain.js';
import type { Search, SearchFinding } from './search.js';
import { pathTo, worldAt } from './search.js';

/** A difference as numbers: at state `from` (-1: Init itself) with this binding TLC and the core go to these states. */
export type Candidate = {
  readonly from: number;
  readonly binding: number;
  /** TLC's fingerprint of its target; null where TLC has no such step. */
  readonly fingerprint: string | null;
  /** The core's number of its target; -1 where the core has no such step. */
  readonly core: number;
};

export type TraceStep = {
  readonly action: string;
  readonly args: readonly number[];
  readonly state: TlaState;
};

export type Difference = {
  /** `Init` when the initial states differ. */
  readonly action: string;
  readonly args: readonly number[];
  /** From an initial state, whose action is `Init`, to the state in which the two part; empty when Init differs. */
  readonly trace: readonly TraceStep[];
  /** Where TLC and the core get to; null where one has no such step. */
  readonly tlc: TlaState | null;
  readonly core: TlaState | null;
  /** The guard that the core names where it has no such step and TLC has. */
  readonly refusal: string | null;
  /** Where the two targets differ, or, where only one has the step, what the step changes. */
  readonly places: readonly Place[];
};

/** Reads the dump once more for the states that the core never reached. */
export const explain = async <W>(
  mirror: Mirror<W>,
  core: Search,
  open: () => AsyncIterable<Uint8Array>,
  candidates: readonly Candidate[],
): Promise<readonly Difference[]> => {
  const wanted = new Set(candidates.flatMap((c) => (c.fingerprint === null ? [] : [c.fingerprint])));
  const states = new Map<string, TlaState>();
  if (wanted.size > 0) {
    await readDot(open(), {
      onState: (fingerprint, _initial, state) => {
        if (wanted.has(fingerprint)) states.set(fingerprint, state);
      },
    });
  }
  return candidates.map((c) => difference(mirror, core, c, c.fingerprint === null ? null : states.get(c.fingerprint)));
};

const viewAt = <W>(mirror: Mirror<W>, core: Search, state: number): TlaState | null => {
  const w = state < 0 ? null : worldAt(mirror, core, state);
  return w === null ? null : mirror.view(w);
};

const difference = <W>(
  mirror: Mirror<W>,
  core: Search,
  candidate: Candidate,
  reached: TlaState | null | undefined,
): Difference => {
  const { from, binding } = candidate;
  const { action, args } = core.bindings[binding] ?? { action: 'Init', args: [] };
  const before = from < 0 ? null : worldAt(mirror, core, from);
  const tlc = reached ?? null;
  const target = viewAt(mirror, core, candidate.core);
  const source = before === null ? {} : mirror.view(before);
  return {
    action,
    args,
    trace: from < 0 ? [] : traceTo(mirror, core, from),
    tlc,
    core: target,
    refusal: target === null && before !== null ? (mirror.refusal?.(before, action, args) ?? null) : null,
    places: differingPlaces(tlc ?? source, target ?? source),
  };
};

/** How the search came upon a finding of its own: the shortest run to the state, and what is odd there. */
export type Story = {
  readonly finding: SearchFinding['type'];
  readonly trace: readonly TraceStep[];
  readonly notes: readonly string[];
};

export const storiesOf = <W>(mirror: Mirror<W>, core: Search): readonly Story[] =>
  core.findings.flatMap((f) => {
    if (!('state' in f) || f.state < 0) return [];
    const trace = traceTo(mirror, core, f.state);
    const story = (notes: readonly string[]): readonly Story[] => [{ finding: f.type, trace, notes }];
    if (f.type === 'Threw') return story([`then ${core.bindings[f.binding]?.label ?? 'its view or key'}`]);
    if (f.type !== 'ViewHides') return story([]);
    const first = worldAt(mirror, core, f.state);
    const { label, action, args } = core.bindings[f.binding] as Binding;
    const before = f.from < 0 ? null : worldAt(mirror, core, f.from);
    const again = before === null ? null : mirror.step(before, action, args);
    if (first === null || again === null) return story([]);
    const way = traceTo(mirror, core, f.from).map((s) => (s.action === 'Init' ? 'Init' : labelOf(s.action, s.args)));
    return story([
      `and again by ${[...way, label].join(', ')}`,
      ...differingFields('', mirror.key(first), mirror.key(again)),
    ]);
  });

/** The shortest run to a state, with the states on the way. */
export const traceTo = <W>(mirror: Mirror<W>, core: Search, state: number): readonly TraceStep[] => {
  const path = pathTo(core, state);
  return path.states.map((n, i) => {
    const taken = i === 0 ? undefined : (core.bindings[path.bindings[i - 1] as number] as Binding);
    const view = viewAt(mirror, core, n) ?? {};
    return taken === undefined
      ? { action: 'Init', args: [], state: view }
      : { action: taken.action, args: taken.args, state: view };
  });
};
