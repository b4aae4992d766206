/**
 * Results of pure functions kept by reference. States of a core share most of their parts, so a search asks the same
 * question about the same record again and again. What is kept is lost with its argument; `forgetting` runs without.
 */

let keeps = true;

/** Runs with nothing kept and nothing taken from what was kept: every answer is worked out. */
export const forgetting = <A>(run: () => A): A => {
  const before = keeps;
  keeps = false;
  try {
    return run();
  } finally {
    keeps = before;
  }
};

/** `make`, which must depend on its argument alone, and never changes it; asked once for each record. */
export const remembered = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, { readonly made: V }>();
  return (key) => {
    if (!keeps) return make(key);
    const found = known.get(key);
    if (found !== undefined) return found.made;
    const made = make(key);
    known.set(key, { made });
    return made;
  };
};

/** The same for two arguments; the second may be any value, and is told apart as a Map does. */
export const remembered2 = <K extends object, L, V>(make: (key: K, more: L) => V): ((key: K, more: L) => V) => {
  const known = new WeakMap<K, Map<L, V>>();
  return (key, more) => {
    if (!keeps) return make(key, more);
    let row = known.get(key);
    if (row === undefined) known.set(key, (row = new Map()));
    const found = row.get(more);
    if (found !== undefined) return found;
    const made = make(key, more);
    row.set(more, made);
    return made;
  };
};

/** Gives equal values one object, the first: then what is remembered of it is found again. `text` must tell all of it. */
export const oneOfEach = <A extends object>(text: (a: A) => string): ((a: A) => A) => {
  const first = new Map<string, A>();
  return remembered((a: A) => {
    if (!keeps) return a;
    const name = text(a);
    const known = first.get(name);
    if (known === undefined) first.set(name, a);
    return known ?? a;
  });
};
