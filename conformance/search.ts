/**
 * Breadth-first search over a mirror: every binding of the model at every state. States are numbered in the order in
 * which they are found, so a smaller number is never deeper. A state has one number by all that it is (fullStates.ts) and
 * one by its view, which is how TLC knows it: the two must be the same, or the view hides something.
 */
import { canonicalText, hashState } from 'tla-checker-cli';
import type { Binding } from './generate.js';
import type { Mirror, TlaState } from './mirror.js';
import { statesByHash, statesByPieces, statesByText } from './fullStates.js';
import { fieldCheck } from './plain.js';
import { forgetting } from './remembered.js';
import type { IntList } from './store.js';
import { hashTable, intList } from './store.js';

/**
 * How states are told apart. `hash`: views by 128-bit hashes, full states by their pieces where the mirror has them, else
 * by hashes too. `exact`: both by their whole canonical text, nothing remembered of any step, and beside it the hashes
 * and the pieces, which must tell the same states apart; costs time and memory.
 */
export type Identity = 'hash' | 'exact';

/** What makes a search worthless, whatever TLC says. `state` and `other` number the states concerned. */
export type SearchFinding =
  | { readonly type: 'NoStates' }
  | { readonly type: 'TooManyStates'; readonly limit: number }
  | { readonly type: 'ViewHides'; readonly state: number; readonly from: number; readonly binding: number }
  | { readonly type: 'KeyIncomplete'; readonly state: number; readonly other: number }
  | { readonly type: 'HashesCollide' }
  | { readonly type: 'FieldUnlisted'; readonly path: string }
  | { readonly type: 'ChangedInPlace'; readonly state: number }
  | { readonly type: 'Threw'; readonly state: number; readonly binding: number; readonly error: string }
  | { readonly type: 'InvariantFails'; readonly name: string; readonly state: number; readonly states: number };

export type Search = {
  readonly bindings: readonly Binding[];
  readonly states: number;
  readonly initial: number;
  /** States below this number have all their edges; less than `states` only when the search was stopped. */
  readonly expanded: number;
  /** Longest shortest path from Init, counted in states. */
  readonly depth: number;
  /** The number of a state, or -1. */
  readonly find: (view: TlaState) => number;
  readonly findHash: (hash: readonly [number, number, number, number]) => number;
  /** Edges of state n are `edgeBinding` and `edgeTo` at firstEdge.at(n) up to firstEdge.at(n + 1), bindings ascending. */
  readonly firstEdge: IntList;
  readonly edgeBinding: IntList;
  readonly edgeTo: IntList;
  /** How state n was first reached: from which state, by which binding; -1 for an initial state. */
  readonly parent: IntList;
  readonly parentBinding: IntList;
  readonly findings: readonly SearchFinding[];
  /** How many edges show each of the mirror's rows. */
  readonly rows: Readonly<Record<string, number>>;
};

export type SearchOptions = {
  readonly identity: Identity;
  /** The search stops above this many states: a mirror that is wrong may have no end. */
  readonly maxStates: number;
  readonly onProgress?: (states: number, expanded: number) => void;
};

type Views = {
  readonly size: () => number;
  readonly add: (view: TlaState) => number;
  readonly find: (view: TlaState) => number;
};

/** Numbers by canonical text, and beside it by hash: the two must agree on every state that is ever seen. */
const viewsByText = (onCollision: () => void): Views => {
  const texts = new Map<string, number>();
  const hashes = hashTable();
  const text = (view: TlaState): string => canonicalText({ record: view });
  return {
    size: () => texts.size,
    find: (view) => texts.get(text(view)) ?? -1,
    add: (view) => {
      const exact = text(view);
      const known = texts.get(exact) ?? texts.size;
      texts.set(exact, known);
      if (hashes.add(hashState(view)) !== known) onCollision();
      return known;
    },
  };
};

const viewsByHash = (): Views & { readonly table: ReturnType<typeof hashTable> } => {
  const table = hashTable();
  return {
    table,
    size: table.size,
    add: (view) => table.add(hashState(view)),
    find: (view) => table.find(hashState(view)),
  };
};

const errorText = (e: unknown): string => (e instanceof Error ? (e.stack ?? e.message) : String(e));

export const search = <W>(mirror: Mirror<W>, bindings: readonly Binding[], options: SearchOptions): Search =>
  options.identity === 'exact'
    ? forgetting(() => explore(mirror, bindings, options))
    : explore(mirror, bindings, options);

const explore = <W>(mirror: Mirror<W>, bindings: readonly Binding[], options: SearchOptions): Search => {
  const exact = options.identity === 'exact';
  const findings: SearchFinding[] = [];
  const report = (finding: SearchFinding): void => {
    if (!findings.some((f) => f.type === finding.type)) findings.push(finding);
  };
  const hashed = viewsByHash();
  const views = exact ? viewsByText(() => report({ type: 'HashesCollide' })) : hashed;
  const byPieces = !exact && mirror.pieces !== undefined;
  const full = exact
    ? statesByText(mirror, (state, other) => report({ type: 'KeyIncomplete', state, other }))
    : mirror.pieces === undefined
      ? statesByHash(mirror)
      : statesByPieces(mirror.pieces);
  const fields = fieldCheck([...Object.keys(mirror.shown), ...Object.keys(mirror.hidden ?? {})]);
  const invariants = Object.entries(mirror.invariants ?? {});
  const broken = new Map<string, { state: number; states: number }>();
  const rows = Object.entries(mirror.rows ?? {});
  const reached: Record<string, number> = Object.fromEntries(rows.map(([name]) => [name, 0]));
  const steps = bindings.map(({ action, args }) =>
    exact || mirror.bind === undefined ? (w: W) => mirror.step(w, action, args) : mirror.bind(action, args),
  );
  const firstEdge = intList();
  const edgeBinding = intList();
  const edgeTo = intList();
  const parent = intList();
  const parentBinding = intList();

  /** Numbers the world by all that it is, and sees that its view has the same number; a new one waits to be expanded. */
  const meet = (w: W, from: number, binding: number): number => {
    const before = full.size();
    const state = full.add(w);
    // The view depends on the pieces alone, so one view for each full state tells everything.
    if (byPieces && state < before) return state;
    const view = mirror.view(byPieces ? full.world(state) : w);
    const seen = views.add(view);
    if (seen !== state) {
      if (seen < before) report({ type: 'ViewHides', state: seen, from, binding });
      else report({ type: 'KeyIncomplete', state: seen, other: state });
      return Math.min(seen, state);
    }
    if (state < before) return state;
    if (full.fresh()) fields.see(mirror.key(w));
    parent.push(from);
    parentBinding.push(binding);
    for (const [name, holds] of invariants) {
      if (holds(view)) continue;
      const known = broken.get(name);
      if (known === undefined) broken.set(name, { state, states: 1 });
      else known.states++;
    }
    return state;
  };

  try {
    for (const w of mirror.init) meet(w, -1, -1);
  } catch (e) {
    report({ type: 'Threw', state: -1, binding: -1, error: errorText(e) });
  }
  const initial = parent.length();
  if (initial === 0) report({ type: 'NoStates' });
  let expanded = 0;
  let depth = initial === 0 ? 0 : 1;
  let levelEnd = initial;
  while (expanded < parent.length() && findings.length === 0) {
    if (parent.length() > options.maxStates) {
      report({ type: 'TooManyStates', limit: options.maxStates });
      break;
    }
    if (expanded === levelEnd) {
      depth++;
      levelEnd = parent.length();
    }
    firstEdge.push(edgeTo.length());
    expand(full.world(expanded), expanded);
    if (findings.length > 0) break;
    if (!full.done(expanded)) report({ type: 'ChangedInPlace', state: expanded });
    expanded++;
    if (expanded % 5000 === 0) options.onProgress?.(parent.length(), expanded);
  }
  firstEdge.push(edgeTo.length());
  const spoilt = full.spoilt();
  if (spoilt >= 0) report({ type: 'ChangedInPlace', state: spoilt });
  for (const path of fields.unlisted()) findings.push({ type: 'FieldUnlisted', path });
  for (const [name, { state, states }] of broken) findings.push({ type: 'InvariantFails', name, state, states });

  function expand(w: W, state: number): void {
    for (let b = 0; b < bindings.length && findings.length === 0; b++) {
      try {
        const next = (steps[b] as (w: W) => W | null)(w);
        if (next === null) continue;
        const { action, args } = bindings[b] as Binding;
        for (const [name, shows] of rows)
          if (shows(w, action, args, next)) reached[name] = (reached[name] as number) + 1;
        const to = next === w ? state : meet(next, state, b);
        if (findings.length > 0) return;
        edgeBinding.push(b);
        edgeTo.push(to);
      } catch (e) {
        report({ type: 'Threw', state, binding: b, error: errorText(e) });
      }
    }
  }

  return {
    bindings,
    states: parent.length(),
    initial,
    expanded,
    depth,
    find: (view) => {
      const n = views.find(view);
      return n < parent.length() ? n : -1;
    },
    findHash: (hash) => {
      const n = exact ? -1 : hashed.table.find(hash);
      return n < parent.length() ? n : -1;
    },
    firstEdge,
    edgeBinding,
    edgeTo,
    parent,
    parentBinding,
    findings,
    rows: reached,
  };
};

/** The shortest way to a state: numbers of states from an initial one, and the binding taken at each but the last. */
export type Path = { readonly states: readonly number[]; readonly bindings: readonly number[] };

export const pathTo = (found: Search, state: number): Path => {
  const states = [state];
  const bindings: number[] = [];
  for (let n = state; found.parent.at(n) >= 0; n = found.parent.at(n)) {
    states.push(found.parent.at(n));
    bindings.push(found.parentBinding.at(n));
  }
  return { states: states.reverse(), bindings: bindings.reverse() };
};

/** Makes the world of a state again, by replaying the way to it; null if the mirror does not repeat itself. */
export const worldAt = <W>(mirror: Mirror<W>, found: Search, state: number): W | null => {
  const path = pathTo(found, state);
  let w: W | null = mirror.init.find((i) => found.find(mirror.view(i)) === path.states[0]) ?? null;
  for (const b of path.bindings) {
    const { action, args } = found.bindings[b] as Binding;
    if (w === null) return null;
    w = mirror.step(w, action, args);
  }
  return w;
};
