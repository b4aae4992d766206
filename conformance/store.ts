/** Numbers the states of a graph: a table from 128-bit hashes to 0, 1, 2, ... in typed arrays, 24 to 48 bytes a state. */
import type { Hash } from 'tla-checker-cli';

export type HashTable = {
  readonly size: () => number;
  /** The number of the hash, or -1. */
  readonly find: (h: Hash) => number;
  /** The number of the hash, which is `size()` before the call when it is new. */
  readonly add: (h: Hash) => number;
  /** The hash with this number, below `size()`. */
  readonly at: (n: number) => Hash;
};

export const hashTable = (): HashTable => {
  let words = new Uint32Array(4 * 1024);
  let slots = new Int32Array(2048).fill(-1);
  let size = 0;

  // The words are hashes already: two of them say where to look first.
  const slotOf = (h: Hash): number => {
    const mask = slots.length - 1;
    let slot = (h[0] ^ Math.imul(h[2], 0x9e3779b1)) & mask;
    for (;;) {
      const n = slots[slot] as number;
      if (n < 0) return slot;
      const at = n * 4;
      if (words[at] === h[0] && words[at + 1] === h[1] && words[at + 2] === h[2] && words[at + 3] === h[3]) return slot;
      slot = (slot + 1) & mask;
    }
  };
  const at = (n: number): Hash => [
    words[n * 4] as number,
    words[n * 4 + 1] as number,
    words[n * 4 + 2] as number,
    words[n * 4 + 3] as number,
  ];
  const grow = (): void => {
    const more = new Uint32Array(words.length * 2);
    more.set(words);
    words = more;
    slots = new Int32Array(slots.length * 2).fill(-1);
    for (let n = 0; n < size; n++) slots[slotOf(at(n))] = n;
  };

  return {
    size: () => size,
    find: (h) => slots[slotOf(h)] as number,
    at,
    add: (h) => {
      const slot = slotOf(h);
      const known = slots[slot] as number;
      if (known >= 0) return known;
      slots[slot] = size;
      words.set(h, size * 4);
      size++;
      if (size * 4 === words.length) grow();
      return size - 1;
    },
  };
};

/** Numbers tuples of int32, all of one length: equal exactly where every word is. */
export type TupleTable = {
  readonly size: () => number;
  /** The number of the tuple, which is `size()` before the call when it is new. */
  readonly add: (tuple: Int32Array) => number;
  /** Word `k` of the tuple with this number. */
  readonly word: (n: number, k: number) => number;
};

export const tupleTable = (length: number): TupleTable => {
  let words = new Int32Array(length * 1024);
  let slots = new Int32Array(4096).fill(-1);
  let size = 0;

  const first = (of: Int32Array, at: number): number => {
    let h = length;
    for (let k = 0; k < length; k++) {
      h = Math.imul(h ^ (of[at + k] as number), 0x9e3779b1);
      h ^= h >>> 15;
    }
    return h & (slots.length - 1);
  };
  const same = (n: number, tuple: Int32Array): boolean => {
    const at = n * length;
    for (let k = 0; k < length; k++) if (words[at + k] !== tuple[k]) return false;
    return true;
  };
  const grow = (): void => {
    const more = new Int32Array(words.length * 2);
    more.set(words);
    words = more;
    slots = new Int32Array(slots.length * 2).fill(-1);
    for (let n = 0; n < size; n++) {
      let slot = first(words, n * length);
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = n;
    }
  };

  return {
    size: () => size,
    word: (n, k) => words[n * length + k] as number,
    add: (tuple) => {
      let slot = first(tuple, 0);
      for (let n = slots[slot] as number; n >= 0; n = slots[slot] as number) {
        if (same(n, tuple)) return n;
        slot = (slot + 1) & (slots.length - 1);
      }
      slots[slot] = size;
      words.set(tuple, size * length);
      size++;
      if (size * length === words.length) grow();
      return size - 1;
    },
  };
};

/** A list of int32 that grows. */
export type IntList = {
  readonly length: () => number;
  readonly push: (n: number) => void;
  readonly at: (i: number) => number;
  readonly set: (i: number, n: number) => void;
};

export const intList = (): IntList => {
  let items = new Int32Array(1024);
  let length = 0;
  return {
    length: () => length,
    push: (n) => {
      if (length === items.length) {
        const more = new Int32Array(items.length * 2);
        more.set(items);
        items = more;
      }
      items[length++] = n;
    },
    at: (i) => items[i] as number,
    set: (i, n) => {
      items[i] = n;
    },
  };
};
