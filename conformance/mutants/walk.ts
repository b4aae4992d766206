/**
 * TLC's graph of one model in memory, walked again and again: a mirror goes through it breadth first beside TLC, every
 * binding at every state, and stops where the two part. Equality itself is graph.ts' affair; this is for copies of the
 * core that are expected to part early.
 */
import * as E from 'fp-ts/lib/Either.js';
import { hashState, readDot } from 'tla-checker-cli';
import { statesByPieces } from '../fullStates.js';
import type { Binding } from '../generate.js';
import type { Dump } from '../graph.js';
import type { Mirror } from '../mirror.js';
import { hashTable, intList } from '../store.js';

export type TlcGraph = {
  readonly bindings: readonly Binding[];
  readonly states: number;
  readonly initial: ReadonlySet<number>;
  /** Number of the state with this hash, or -1. */
  readonly find: (hash: readonly [number, number, number, number]) => number;
  /** Where the step of this binding leads from a state, or -1. */
  readonly target: (state: number, binding: number) => number;
};

/** Reads a dump. Left where it is no complete graph of the model. */
export const readGraph = async (bindings: readonly Binding[], dump: Dump): Promise<E.Either<string, TlcGraph>> => {
  const bindingOf = new Map(bindings.map((b, i) => [b.label, i]));
  const numbers = new Map<string, number>();
  const hashes = hashTable();
  const hashed = intList(); // state's number by the number of its hash
  const initial = new Set<number>();
  const from = intList();
  const binding = intList();
  const to = intList();
  const unknown = new Set<string>();
  const number = (fingerprint: string): number => {
    const known = numbers.get(fingerprint) ?? numbers.size;
    if (known === numbers.size) numbers.set(fingerprint, known);
    return known;
  };
  const read = await readDot(dump.open(), {
    onStateHash: (fingerprint, first, hash) => {
      const state = number(fingerprint);
      if (hashes.add(hash) === hashed.length()) hashed.push(state);
      if (first) initial.add(state);
    },
    onEdge: (a, b, label) => {
      const taken = bindingOf.get(label);
      if (taken === undefined) unknown.add(label);
      from.push(number(a));
      binding.push(taken ?? 0);
      to.push(number(b));
    },
  });
  if (E.isLeft(read)) return E.left(`the dump cannot be read: ${JSON.stringify(read.left)}`);
  if (unknown.size > 0) return E.left(`the dump has labels that the model lacks: ${[...unknown].join(', ')}`);
  if (initial.size === 0 || hashes.size() !== numbers.size) return E.left('the dump lacks states');
  if (from.length() !== dump.generated - initial.size) return E.left('the dump lacks edges');
  const targets = new Int32Array(numbers.size * bindings.length).fill(-1);
  for (let e = 0; e < from.length(); e++) {
    const at = from.at(e) * bindings.length + binding.at(e);
    if (targets[at] !== -1 && targets[at] !== to.at(e)) return E.left('a label leads from one state to two');
    targets[at] = to.at(e);
  }
  return E.right({
    bindings,
    states: numbers.size,
    initial,
    find: (hash) => {
      const n = hashes.find(hash);
      return n < 0 ? -1 : hashed.at(n);
    },
    target: (state, b) => targets[state * bindings.length + b] as number,
  });
};

/** Where a mirror parts from TLC; `depth` counts the states up to there. */
export type Parting = {
  readonly what: 'initial states differ' | 'no such step' | 'a step too many' | 'another target' | 'it threw';
  readonly depth: number;
  readonly label: string;
};

/** Where a world stands in TLC's graph, -1 nowhere; looked up once for all worlds of the same pieces, which are one. */
const finder = <W>(mirror: Mirror<W>, graph: TlcGraph): ((w: W) => readonly [W, number]) => {
  const find = (w: W): number => graph.find(hashState(mirror.view(w)));
  if (mirror.pieces === undefined) return (w) => [w, find(w)];
  const full = statesByPieces(mirror.pieces);
  const found = intList();
  return (w) => {
    const n = full.add(w);
    const same = full.world(n);
    if (n === found.length()) found.push(find(same));
    return [same, found.at(n)];
  };
};

/** The first place where the mirror's graph is not TLC's; null when they are the same. */
export const firstParting = <W>(mirror: Mirror<W>, graph: TlcGraph): Parting | null => {
  const { bindings } = graph;
  const seen = new Uint8Array(graph.states);
  const inGraph = finder(mirror, graph);
  let level: (readonly [W, number])[] = [];
  for (const first of mirror.init) {
    const [w, state] = inGraph(first);
    if (!graph.initial.has(state)) return { what: 'initial states differ', depth: 1, label: 'Init' };
    if (seen[state] === 0) level.push([w, state]);
    seen[state] = 1;
  }
  if (level.length !== graph.initial.size) return { what: 'initial states differ', depth: 1, label: 'Init' };
  for (let depth = 1; level.length > 0; depth++) {
    const next: (readonly [W, number])[] = [];
    for (const [w, state] of level) {
      for (let b = 0; b < bindings.length; b++) {
        const { action, args, label } = bindings[b] as Binding;
        const expected = graph.target(state, b);
        let taken: W | null;
        let reached = -1;
        try {
          taken = mirror.step(w, action, args);
          if (taken !== null) [taken, reached] = taken === w ? [w, state] : inGraph(taken);
        } catch {
          return { what: 'it threw', depth, label };
        }
        if (taken === null && expected < 0) continue;
        if (taken === null) return { what: 'no such step', depth, label };
        if (expected < 0) return { what: 'a step too many', depth, label };
        if (reached !== expected) return { what: 'another target', depth, label };
        if (seen[expected] === 1) continue;
        seen[expected] = 1;
        next.push([taken, expected]);
      }
    }
    level = next;
  }
  return null;
};
