/** The keys of zoo.cfg by what becomes of them, and the key that was probably meant by one that nobody knows. */
import { families, ignoredKeys, missingKeys, readKeys } from './configTable.js';
import type { KeyRow } from './configTable.js';

export type SupportedKey = keyof typeof readKeys;

/**
 * Keys that change who forms a quorum, or that promise a protection: a server that ignores them is another server than
 * the one that was asked for, so they stop the start where others only warn. The predicate says for which values.
 */
export const unsafeToIgnore: readonly {
  readonly key: RegExp;
  readonly when: (value: string) => boolean;
  readonly why: string;
}[] = [
  { key: /^oraclePath$/, when: () => true, why: 'the oracle would decide with one of two servers' },
  {
    key: /^db\.autocreate$/,
    when: (value) => value.toLowerCase() === 'false',
    why: 'a server that has lost its disk would have a say',
  },
];

/** What becomes of a key; `name` is how the tables call it, null: nobody knows it. */
export type KeyState =
  | { readonly type: 'read'; readonly name: SupportedKey }
  /** Of a family that is read. */
  | { readonly type: 'listed'; readonly name: string }
  | { readonly type: 'ignored'; readonly name: string; readonly about: string }
  | { readonly type: 'missing'; readonly name: string; readonly about: string }
  | { readonly type: 'unknown'; readonly name: null; readonly meant: string | null };

const rowOf = (table: Readonly<Record<string, KeyRow>>, key: string): KeyRow | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Keys as they may be written: a property of Apache's JVM, `zookeeper.X`, is the key X. */
export const keyState = (written: string): KeyState => {
  for (const name of written.startsWith('zookeeper.') ? [written, written.slice(10)] : [written]) {
    if (Object.hasOwn(readKeys, name)) return { type: 'read', name: name as SupportedKey };
    const ignored = rowOf(ignoredKeys, name) ?? rowOf(missingKeys, name);
    if (ignored !== undefined)
      return { type: Object.hasOwn(ignoredKeys, name) ? 'ignored' : 'missing', name, about: ignored[1] };
    const family = families.find((f) => f.key.test(name));
    if (family?.state === 'read') return { type: 'listed', name };
    if (family !== undefined) return { type: family.state, name, about: family.about };
  }
  return { type: 'unknown', name: null, meant: nearest(written.replace(/^zookeeper\./, ''), everyKey) };
};

export const everyKey: readonly string[] = [readKeys, ignoredKeys, missingKeys].flatMap((table) => Object.keys(table));

/** Restricted edit distance: insertions, deletions, substitutions and swaps of neighbours. */
export const editDistance = (a: string, b: string): number => {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
};

/** The candidate that `word` was probably meant to be: at most a third of it is wrong, case apart; else null. */
export const nearest = (word: string, candidates: readonly string[]): string | null => {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
};
