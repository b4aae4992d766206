/**
 * Transaction ids. A zxid is 64 bits in ZooKeeper: the epoch in the high half, a counter within the epoch in the low
 * half, both unsigned. The halves stay apart here, so that neither a boxed double nor a BigInt is ever made.
 * Mirrors the zxid pairs <<epoch, counter>> of spec/Replication.tla.
 */
export type Zxid = { readonly epoch: number; readonly counter: number };

/** Before the first transaction: the zxid of an empty history. */
export const zeroZxid: Zxid = { epoch: 0, counter: 0 };

/** The largest counter of a transaction: a leader that would have to give 0xffffffff gives up (ZOOKEEPER-1277). */
export const maxCounter = 0xfffffffe;

/** Negative, zero or positive as `a` is below, equal to or above `b`. */
export const compareZxid = (a: Zxid, b: Zxid): number => a.epoch - b.epoch || a.counter - b.counter;

export const sameZxid = (a: Zxid, b: Zxid): boolean => a.epoch === b.epoch && a.counter === b.counter;

/** The zxid that follows within one epoch. */
export const successor = (z: Zxid): Zxid => ({ epoch: z.epoch, counter: z.counter + 1 });

/** `0x` and lower-case hexadecimal without padding, as ZooKeeper prints zxids and names files (`0x100000002`). */
export const formatZxid = (z: Zxid): string =>
  z.epoch === 0 ? `0x${z.counter.toString(16)}` : `0x${z.epoch.toString(16)}${z.counter.toString(16).padStart(8, '0')}`;
