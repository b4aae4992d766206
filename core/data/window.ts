/**
 * A sequence that grows at its end and shrinks at both, with cheap old versions: versions share one backing array, and
 * an append writes into it in place where no other version has written yet. No version ever sees another's entries.
 */
export type Window<A> = { readonly items: A[]; readonly from: number; readonly to: number };

export const windowOf = <A>(items: readonly A[]): Window<A> => ({ items: items.slice(), from: 0, to: items.length });

export const windowSize = <A>(w: Window<A>): number => w.to - w.from;

/** The entry at `index`, 0 the oldest; undefined outside. */
export const windowAt = <A>(w: Window<A>, index: number): A | undefined =>
  index >= 0 && w.from + index < w.to ? w.items[w.from + index] : undefined;

export const windowLast = <A>(w: Window<A>): A | undefined => (w.to > w.from ? w.items[w.to - 1] : undefined);

/** Amortised O(1) an entry when `w` is the newest version, O(size) when another version went on from the same place. */
export const windowPush = <A>(w: Window<A>, added: readonly A[]): Window<A> => {
  if (added.length === 0) return w;
  const items = w.to === w.items.length ? w.items : w.items.slice(w.from, w.to);
  const from = items === w.items ? w.from : 0;
  const to = items === w.items ? w.to : w.to - w.from;
  for (const a of added) items.push(a);
  return { items, from, to: to + added.length };
};

/** The oldest `count` entries. */
export const windowTake = <A>(w: Window<A>, count: number): Window<A> => ({
  items: w.items,
  from: w.from,
  to: Math.min(w.to, w.from + count),
});

/** All but the oldest `count` entries; the memory of what is dropped is given back once it outweighs the rest. */
export const windowDrop = <A>(w: Window<A>, count: number): Window<A> => {
  const from = Math.min(w.to, w.from + count);
  return from * 2 > w.to
    ? { items: w.items.slice(from, w.to), from: 0, to: w.to - from }
    : { items: w.items, from, to: w.to };
};

/** Entries `start` to before `end` as an array of their own. */
export const windowSlice = <A>(w: Window<A>, start: number, end: number): readonly A[] =>
  w.items.slice(w.from + start, Math.min(w.to, w.from + end));

/** The number of leading entries for which `holds` is true; it must be true of a prefix only. O(log size). */
export const windowCountWhile = <A>(w: Window<A>, holds: (a: A) => boolean): number => {
  let low = w.from;
  let high = w.to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(w.items[middle] as A)) low = middle + 1;
    else high = middle;
  }
  return low - w.from;
};
