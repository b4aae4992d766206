/**
 * The equality of two labelled graphs: the one that TLC dumped, read once as a stream, and the one that a mirror spans.
 * Both start in Init and know each state by its variables, so every edge of TLC's is one step of the core with the same
 * source, label and target, and there is no other step.
 */
import * as E from 'fp-ts/lib/Either.js';
import { readDot } from 'tla-checker-cli';
import type { DotError, TlaState } from 'tla-checker-cli';
import { explain, storiesOf } from './explain.js';
import type { Candidate, Difference, Story } from './explain.js';
import type { Binding } from './generate.js';
import type { Mirror } from './mirror.js';
import type { Identity, Search, SearchFinding } from './search.js';
import { search } from './search.js';

/** TLC's dump, which can be read again where a difference must be shown, and what TLC said about it. */
export type Dump = {
  readonly open: () => AsyncIterable<Uint8Array>;
  /** States generated, initial ones included: what TLC prints at the end. */
  readonly generated: number;
};

/** Edges of one action on both sides, and those that lead to another state. */
export type ActionCount = {
  readonly tlc: number;
  readonly core: number;
  readonly changingTlc: number;
  readonly changingCore: number;
};

/** A reason why the graphs do not count as equal. */
export type Finding =
  | SearchFinding
  | { readonly type: 'NothingInDump' }
  | { readonly type: 'DumpUnreadable'; readonly error: DotError }
  | { readonly type: 'DumpIncomplete'; readonly edges: number; readonly expected: number }
  | { readonly type: 'LabelUnknown'; readonly label: string }
  | { readonly type: 'EdgeToNowhere'; readonly edges: number }
  | { readonly type: 'StatesMerged'; readonly fingerprints: number; readonly states: number }
  | { readonly type: 'InitialStatesDiffer'; readonly states: number }
  | { readonly type: 'StatesOnlyInTlc' | 'StatesOnlyInCore'; readonly states: number }
  | { readonly type: 'EdgesOnlyInTlc' | 'EdgesOnlyInCore'; readonly edges: number }
  | { readonly type: 'Nondeterministic'; readonly label: string; readonly edges: number }
  | { readonly type: 'ActionIdle'; readonly action: string }
  | { readonly type: 'RowNotReached'; readonly row: string };

export type Comparison = {
  readonly equal: boolean;
  readonly tlc: { readonly states: number; readonly edges: number; readonly initial: number };
  readonly core: {
    readonly states: number;
    readonly edges: number;
    readonly initial: number;
    readonly depth: number;
    readonly complete: boolean;
  };
  readonly actions: Readonly<Record<string, ActionCount>>;
  /** Edges that TLC wrote more than once, since two disjuncts of the action give the same step. No fault by itself. */
  readonly repeated: number;
  /** How many edges show each situation that the mirror knows of. */
  readonly rows: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** The differences that are nearest to Init, nearest first. */
  readonly differences: readonly Difference[];
  /** The ways to what the search itself found fault with. */
  readonly stories: readonly Story[];
  readonly cpuMs: { readonly search: number; readonly compare: number };
};

export type CompareOptions = {
  readonly identity?: Identity;
  /** States at which the search gives up; TLC's number and some, or a wrong mirror may run for ever. */
  readonly maxStates: number;
  /** Situations that must be reached. */
  readonly rows?: readonly string[];
  /** How many differences are explained: 3 when absent. */
  readonly maxDifferences?: number;
  readonly onProgress?: (phase: 'search' | 'compare', states: number) => void;
};

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export const compareGraphs = async <W>(
  mirror: Mirror<W>,
  bindings: readonly Binding[],
  dump: Dump,
  options: CompareOptions,
): Promise<Comparison> => {
  const { onProgress } = options;
  const started = cpuMs();
  const core = search(mirror, bindings, {
    identity: options.identity ?? 'hash',
    maxStates: options.maxStates,
    ...(onProgress === undefined ? {} : { onProgress: (n: number) => onProgress('search', n) }),
  });
  const searched = cpuMs();
  const tlc = await matchDump(core, dump, options);
  const differences =
    tlc.candidates.length === 0
      ? []
      : await explain(mirror, core, dump.open, tlc.candidates.slice(0, options.maxDifferences ?? 3));
  const findings = [...core.findings, ...tlc.findings, ...idle(tlc.actions), ...unreached(core, options.rows ?? [])];
  return {
    equal: findings.length === 0,
    tlc: { states: tlc.states, edges: tlc.edges, initial: tlc.initial },
    core: {
      states: core.states,
      edges: core.edgeTo.length(),
      initial: core.initial,
      depth: core.depth,
      complete: core.expanded === core.states,
    },
    actions: tlc.actions,
    rows: core.rows,
    repeated: tlc.repeated,
    findings,
    differences,
    stories: storiesOf(mirror, core),
    cpuMs: { search: Math.round(searched - started), compare: Math.round(cpuMs() - searched) },
  };
};

const idle = (actions: Readonly<Record<string, ActionCount>>): readonly Finding[] =>
  Object.entries(actions)
    .filter(([, n]) => n.changingTlc === 0 || n.changingCore === 0)
    .map(([action]) => ({ type: 'ActionIdle', action }));

const unreached = (core: Search, rows: readonly string[]): readonly Finding[] =>
  rows.filter((row) => (core.rows[row] ?? 0) === 0).map((row) => ({ type: 'RowNotReached', row }));

type Match = {
  readonly states: number;
  readonly edges: number;
  readonly initial: number;
  readonly actions: Readonly<Record<string, ActionCount>>;
  readonly repeated: number;
  readonly findings: readonly Finding[];
  readonly candidates: readonly Candidate[];
};

/** More differences than this are counted, not kept. */
const maxKept = 100_000;

const matchDump = async (core: Search, dump: Dump, options: CompareOptions): Promise<Match> => {
  const exact = options.identity === 'exact';
  const bindingOf = new Map(core.bindings.map((b, i) => [b.label, i]));
  const nodes = new Map<string, number>(); // fingerprint -> number of the core's state, or -1
  const inTlc = new Uint8Array(core.states); // 1: in the dump, 2: there as an initial state
  const edgeSeen = new Uint8Array(core.edgeTo.length());
  const counts = core.bindings.map(() => ({ tlc: 0, core: 0, changingTlc: 0, changingCore: 0 }));
  const foreign = new Map<string, string>(); // source, label -> target, of edges that the core lacks
  const candidates: Candidate[] = [];
  const early: { readonly from: string; readonly to: string; readonly binding: number }[] = [];
  const unknownLabels = new Set<string>();
  const forked = new Map<string, number>();
  const onlyTlc = { states: 0, edges: 0 };
  let initial = 0;
  let repeated = 0;
  let merged = 0;
  let initialDiffer = 0;

  const keep = (candidate: Candidate): void => {
    if (candidates.length < maxKept) candidates.push(candidate);
  };
  const state = (fingerprint: string, first: boolean, n: number): void => {
    if (nodes.has(fingerprint)) return;
    nodes.set(fingerprint, n);
    if (nodes.size % 20_000 === 0) options.onProgress?.('compare', nodes.size);
    if (first) initial++;
    if (n < 0) onlyTlc.states++;
    else if (inTlc[n] !== 0) merged++;
    else inTlc[n] = first ? 2 : 1;
    // The core's numbers below `initial` are its initial states.
    if (!first || (n >= 0 && n < core.initial)) return;
    initialDiffer++;
    keep({ from: -1, binding: -1, fingerprint, core: -1 });
  };
  const resolved = (from: number, fromPrint: string, binding: number, to: number, toPrint: string): void => {
    const count = counts[binding] as { tlc: number; changingTlc: number };
    count.tlc++;
    if (fromPrint !== toPrint) count.changingTlc++;
    if (from < 0 || from >= core.expanded) {
      if (from < 0) onlyTlc.edges++;
      fork(fromPrint, binding, toPrint);
      return;
    }
    const edge = edgeOf(core, from, binding);
    if (edge >= 0 && core.edgeTo.at(edge) === to) {
      if (edgeSeen[edge] === 1) repeated++;
      edgeSeen[edge] = 1;
      if (foreign.has(`${fromPrint} ${binding}`)) countFork(binding);
      return;
    }
    if (edge >= 0 && edgeSeen[edge] === 1) countFork(binding);
    else fork(fromPrint, binding, toPrint);
    onlyTlc.edges++;
    keep({ from, binding, fingerprint: toPrint, core: edge < 0 ? -1 : core.edgeTo.at(edge) });
  };
  const countFork = (binding: number): void => {
    const { label } = core.bindings[binding] as Binding;
    forked.set(label, (forked.get(label) ?? 0) + 1);
  };
  const fork = (from: string, binding: number, to: string): void => {
    const known = foreign.get(`${from} ${binding}`);
    if (known === undefined && foreign.size < maxKept) foreign.set(`${from} ${binding}`, to);
    else if (known === to) repeated++;
    else if (known !== undefined) countFork(binding);
  };
  const edge = (from: string, to: string, label: string): void => {
    const binding = bindingOf.get(label);
    if (binding === undefined) {
      unknownLabels.add(label);
    } else {
      const a = nodes.get(from);
      const b = nodes.get(to);
      if (a === undefined || b === undefined) early.push({ from, to, binding });
      else resolved(a, from, binding, b, to);
    }
  };

  const onEdge = edge;
  const read = await readDot(
    dump.open(),
    exact
      ? { onEdge, onState: (print, first, s: TlaState) => state(print, first, core.find(s)) }
      : { onEdge, onStateHash: (print, first, hash) => state(print, first, core.findHash(hash)) },
  );
  let nowhere = 0;
  for (const { from, to, binding } of early) {
    const a = nodes.get(from);
    const b = nodes.get(to);
    if (a === undefined || b === undefined) nowhere++;
    else resolved(a, from, binding, b, to);
  }

  const onlyCore = { states: 0, edges: 0 };
  for (let n = 0; n < core.states; n++) {
    if (inTlc[n] === 0) onlyCore.states++;
    if (n < core.initial && inTlc[n] !== 2) {
      initialDiffer++;
      keep({ from: -1, binding: -1, fingerprint: null, core: n });
    }
    if (n >= core.expanded) continue;
    for (let e = core.firstEdge.at(n); e < core.firstEdge.at(n + 1); e++) {
      const binding = core.edgeBinding.at(e);
      const count = counts[binding] as { core: number; changingCore: number };
      count.core++;
      if (core.edgeTo.at(e) !== n) count.changingCore++;
      if (edgeSeen[e] === 1) continue;
      onlyCore.edges++;
      if (inTlc[n] !== 0) keep({ from: n, binding, fingerprint: null, core: core.edgeTo.at(e) });
    }
  }
  const findings: Finding[] = [];
  if (E.isLeft(read)) findings.push({ type: 'DumpUnreadable', error: read.left });
  const edges = E.isLeft(read) ? 0 : read.right.edges;
  if (nodes.size === 0) findings.push({ type: 'NothingInDump' });
  if (E.isRight(read) && edges !== dump.generated - initial)
    findings.push({ type: 'DumpIncomplete', edges, expected: dump.generated - initial });
  for (const label of unknownLabels) findings.push({ type: 'LabelUnknown', label });
  if (nowhere > 0) findings.push({ type: 'EdgeToNowhere', edges: nowhere });
  if (merged > 0) findings.push({ type: 'StatesMerged', fingerprints: nodes.size, states: nodes.size - merged });
  if (initialDiffer > 0) findings.push({ type: 'InitialStatesDiffer', states: initialDiffer });
  if (onlyTlc.states > 0) findings.push({ type: 'StatesOnlyInTlc', states: onlyTlc.states });
  if (onlyCore.states > 0) findings.push({ type: 'StatesOnlyInCore', states: onlyCore.states });
  if (onlyTlc.edges > 0) findings.push({ type: 'EdgesOnlyInTlc', edges: onlyTlc.edges });
  if (onlyCore.edges > 0) findings.push({ type: 'EdgesOnlyInCore', edges: onlyCore.edges });
  for (const [label, n] of forked) findings.push({ type: 'Nondeterministic', label, edges: n });
  return {
    states: nodes.size,
    edges,
    initial,
    actions: byAction(core.bindings, counts),
    repeated,
    findings,
    candidates: nearest(candidates),
  };
};

/** Index of the edge of state n with this binding, or -1. */
const edgeOf = (core: Search, n: number, binding: number): number => {
  for (let e = core.firstEdge.at(n); e < core.firstEdge.at(n + 1); e++)
    if (core.edgeBinding.at(e) === binding) return e;
  return -1;
};

const byAction = (
  bindings: readonly Binding[],
  counts: readonly ActionCount[],
): Readonly<Record<string, ActionCount>> => {
  const actions: Record<string, ActionCount> = {};
  bindings.forEach(({ action }, i) => {
    const a = actions[action] ?? { tlc: 0, core: 0, changingTlc: 0, changingCore: 0 };
    const b = counts[i] as ActionCount;
    actions[action] = {
      tlc: a.tlc + b.tlc,
      core: a.core + b.core,
      changingTlc: a.changingTlc + b.changingTlc,
      changingCore: a.changingCore + b.changingCore,
    };
  });
  return actions;
};

/** States are numbered breadth first, so the smallest source is nearest; one candidate for a source and binding. */
const nearest = (candidates: readonly Candidate[]): readonly Candidate[] => {
  const best = new Map<string, Candidate>();
  for (const c of [...candidates].sort((a, b) => a.from - b.from || a.binding - b.binding)) {
    const key = c.from < 0 ? `${c.fingerprint ?? ''}/${c.core}` : `${c.from} ${c.binding}`;
    const known = best.get(key);
    if (known === undefined || (known.fingerprint === null && c.fingerprint !== null)) best.set(key, c);
  }
  return [...best.values()];
};
