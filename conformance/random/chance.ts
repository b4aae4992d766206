/** Chance and time of a run: both follow from its seed alone. */

export type Chance = {
  /** A natural below `n`, which is at least 1. */
  readonly below: (n: number) => number;
  /** True so many times in a hundred. */
  readonly percent: (p: number) => boolean;
  readonly pick: <A>(of: readonly A[]) => A;
};

const scrambled = (n: number): number => {
  let x = Math.imul(n ^ (n >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
};

/** A counter, scrambled: short, and good enough to choose latencies and faults. */
export const chanceOf = (seed: number): Chance => {
  let state = scrambled(seed | 0);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    return scrambled(state);
  };
  const below = (n: number): number => next() % n;
  return { below, percent: (p) => below(100) < p, pick: (of) => of[below(of.length)] as (typeof of)[number] };
};

export type Timeline = {
  /** Virtual milliseconds since the run began. */
  readonly now: () => number;
  /** Calls `run` once so much time has passed; what is due at the same time runs in the order of the calls. */
  readonly after: (ms: number, run: () => void) => void;
  /** Lets time pass up to `ms`, or until `until` is true after something ran. */
  readonly advance: (ms: number, until: () => boolean) => void;
};

type Due = { readonly at: number; readonly order: number; readonly run: () => void };

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export const timeline = (): Timeline => {
  const heap: Due[] = [];
  let now = 0;
  let order = 0;
  const push = (due: Due): void => {
    let at = heap.push(due) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(due, heap[above] as Due)) break;
      heap[at] = heap[above] as Due;
      at = above;
    }
    heap[at] = due;
  };
  const pop = (): void => {
    const last = heap.pop() as Due;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as Due, heap[below] as Due)) below++;
      if (!before(heap[below] as Due, last)) break;
      heap[at] = heap[below] as Due;
      at = below;
    }
    heap[at] = last;
  };
  return {
    now: () => now,
    after: (ms, run) => push({ at: now + ms, order: order++, run }),
    advance: (ms, until) => {
      for (let due = heap[0]; due !== undefined && due.at <= ms; due = heap[0]) {
        pop();
        now = due.at;
        due.run();
        if (until()) return;
      }
      now = ms;
    },
  };
};
