/**
 * The bytes of a whole tree, without stopping the server for it: a small tree is counted at once, a large one in slices
 * between turns, over one version of it, and until that is done the last figure is shown.
 */
export type Sizer = {
  /** @param sizes of the nodes, one after the other */
  readonly sizeOf: (nodes: number, sizes: () => Iterable<number>) => number;
};

/** Nodes that are counted at once, and in one slice: under a millisecond. */
const sliceNodes = 2000;
/** A large tree is counted again at most so often, milliseconds. */
const everyMs = 10_000;

export const createSizer = (now: () => number = () => performance.now()): Sizer => {
  let last = 0;
  let countedAt = -Infinity;
  let isCounting = false;

  const slice = (sizes: Iterator<number>, sum: number): void => {
    let bytes = sum;
    for (let i = 0; i < sliceNodes; i += 1) {
      const next = sizes.next();
      if (next.done === true) {
        last = bytes;
        isCounting = false;
        return;
      }
      bytes += next.value;
    }
    setImmediate(() => slice(sizes, bytes)).unref();
  };

  return {
    sizeOf: (nodes, sizes) => {
      const isSmall = nodes <= sliceNodes;
      if (isSmall) {
        last = 0;
        for (const bytes of sizes()) last += bytes;
      } else if (!isCounting && now() - countedAt > everyMs) {
        isCounting = true;
        countedAt = now();
        slice(sizes()[Symbol.iterator](), 0);
      }
      return last;
    },
  };
};
