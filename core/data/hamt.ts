/**
 * Persistent map (hash array mapped trie, entries before subtrees in each node). A change copies one path and shares
 * the rest, so a version is a reference and stays what it was.
 *
 * A batch may pass an `Owner`: nodes made with it are then changed in place by later calls with the same owner. Whoever
 * passes one promises that no version from before its last call is read again, and drops it at the end of the batch;
 * versions from before the batch are safe in any case. Without an owner every call is plainly persistent.
 */
export type Key = string | number;

/** Identity of one batch; only ever compared by reference. */
export type Owner = { readonly batch: true };

export const newOwner = (): Owner => ({ batch: true });

export type Hamt<K extends Key, V> = {
  /** Number of entries in this node and below. */
  readonly size: number;
  readonly owner: Owner | null;
  /** Bit i: slot i holds an entry. */
  readonly dataMap: number;
  /** Bit i: slot i holds a subtree. */
  readonly nodeMap: number;
  /** key, value, key, value, ...; then the subtrees, the one of the highest bit first. Below 32 bits of hash: entries. */
  readonly slots: readonly (K | V | Hamt<K, V>)[];
};

type Slots<K extends Key, V> = (K | V | Hamt<K, V>)[];
type Mutable<K extends Key, V> = { -readonly [F in keyof Hamt<K, V>]: F extends 'slots' ? Slots<K, V> : Hamt<K, V>[F] };

const emptyNode: Hamt<never, never> = { size: 0, owner: null, dataMap: 0, nodeMap: 0, slots: [] };

export const emptyHamt = <K extends Key, V>(): Hamt<K, V> => emptyNode as unknown as Hamt<K, V>;

const deepest = 30; // last shift that still has bits of the hash; below it nodes are plain lists of entries

const hashOf = (key: Key): number => {
  let h: number;
  if (typeof key === 'number') h = Math.imul((key | 0) ^ ((key / 0x100000000) | 0), 0x9e3779b1);
  else {
    h = 0x811c9dc5;
    for (let i = 0; i < key.length; i++) h = Math.imul(h ^ key.charCodeAt(i), 0x01000193);
  }
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return h ^ (h >>> 13);
};

const bitAt = (hash: number, shift: number): number => 1 << ((hash >>> shift) & 31);

const bits = (map: number): number => {
  let n = map - ((map >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/** Index of the key of the entry under `bit`. */
const entryAt = (dataMap: number, bit: number): number => 2 * bits(dataMap & (bit - 1));

/** Index of the subtree under `bit`. */
const childAt = (length: number, nodeMap: number, bit: number): number => length - 1 - bits(nodeMap & (bit - 1));

export const getKey = <K extends Key, V>(map: Hamt<K, V>, key: K): V | undefined => {
  const hash = hashOf(key);
  let node = map;
  for (let shift = 0; shift <= deepest; shift += 5) {
    const bit = bitAt(hash, shift);
    if ((node.dataMap & bit) !== 0) {
      const at = entryAt(node.dataMap, bit);
      return node.slots[at] === key ? (node.slots[at + 1] as V) : undefined;
    }
    if ((node.nodeMap & bit) === 0) return undefined;
    node = node.slots[childAt(node.slots.length, node.nodeMap, bit)] as Hamt<K, V>;
  }
  for (let i = 0; i < node.slots.length; i += 2) if (node.slots[i] === key) return node.slots[i + 1] as V;
  return undefined;
};

export const hasKey = <K extends Key, V>(map: Hamt<K, V>, key: K): boolean => getKey(map, key) !== undefined;

/** The map with `key` at `value`; the same map when it was there already (values are compared by reference). */
export const setKey = <K extends Key, V>(map: Hamt<K, V>, key: K, value: V, owner: Owner | null = null): Hamt<K, V> =>
  put(map, 0, hashOf(key), key, value, owner);

/** The map without `key`; the same map when it was not there. */
export const removeKey = <K extends Key, V>(map: Hamt<K, V>, key: K, owner: Owner | null = null): Hamt<K, V> =>
  drop(map, 0, hashOf(key), key, owner);

/** Entries in an order that depends on nothing but the keys (save for keys of equal hashes). */
export function* entriesOf<K extends Key, V>(map: Hamt<K, V>): Generator<readonly [K, V]> {
  const stack: Hamt<K, V>[] = [map];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const subtrees = bits(node.nodeMap);
    const end = node.slots.length - subtrees;
    for (let i = 0; i < end; i += 2) yield [node.slots[i] as K, node.slots[i + 1] as V];
    for (let i = end; i < node.slots.length; i++) stack.push(node.slots[i] as Hamt<K, V>);
  }
}

export const keysOf = <K extends Key, V>(map: Hamt<K, V>): K[] => {
  const keys: K[] = [];
  forEachEntry(map, (key) => keys.push(key));
  return keys;
};

/** Calls `visit` for every entry; cheaper than `entriesOf`. */
export const forEachEntry = <K extends Key, V>(map: Hamt<K, V>, visit: (key: K, value: V) => void): void => {
  const end = map.slots.length - bits(map.nodeMap);
  for (let i = 0; i < end; i += 2) visit(map.slots[i] as K, map.slots[i + 1] as V);
  for (let i = end; i < map.slots.length; i++) forEachEntry(map.slots[i] as Hamt<K, V>, visit);
};

const make = <K extends Key, V>(
  size: number,
  owner: Owner | null,
  dataMap: number,
  nodeMap: number,
  slots: Slots<K, V>,
): Hamt<K, V> => ({ size, owner, dataMap, nodeMap, slots });

/** The node itself when this batch made it, else a copy that belongs to the batch. */
const editable = <K extends Key, V>(node: Hamt<K, V>, owner: Owner | null): Mutable<K, V> =>
  (owner !== null && node.owner === owner
    ? node
    : make(node.size, owner, node.dataMap, node.nodeMap, node.slots.slice())) as Mutable<K, V>;

const put = <K extends Key, V>(
  node: Hamt<K, V>,
  shift: number,
  hash: number,
  key: K,
  value: V,
  owner: Owner | null,
): Hamt<K, V> => {
  if (shift > deepest) return putListed(node, key, value, owner);
  const bit = bitAt(hash, shift);
  if ((node.nodeMap & bit) !== 0) {
    const at = childAt(node.slots.length, node.nodeMap, bit);
    const child = node.slots[at] as Hamt<K, V>;
    const before = child.size; // read first: the child may be changed in place
    const next = put(child, shift + 5, hash, key, value, owner);
    if (next === child && next.size === before) return node;
    const copy = editable(node, owner);
    copy.slots[at] = next;
    copy.size += next.size - before;
    return copy;
  }
  const at = entryAt(node.dataMap, bit);
  if ((node.dataMap & bit) === 0) {
    const copy = editable(node, owner);
    copy.slots.splice(at, 0, key, value);
    copy.dataMap |= bit;
    copy.size += 1;
    return copy;
  }
  const there = node.slots[at] as K;
  if (there === key) {
    if (node.slots[at + 1] === value) return node;
    const copy = editable(node, owner);
    copy.slots[at + 1] = value;
    return copy;
  }
  const pair = both(shift + 5, there, node.slots[at + 1] as V, key, value, hash, owner);
  const copy = editable(node, owner);
  copy.slots.splice(at, 2);
  copy.slots.splice(copy.slots.length - bits(node.nodeMap & (bit - 1)), 0, pair);
  copy.dataMap &= ~bit;
  copy.nodeMap |= bit;
  copy.size += 1;
  return copy;
};

/** A subtree of two entries whose hashes agree above `shift`. */
const both = <K extends Key, V>(
  shift: number,
  k1: K,
  v1: V,
  k2: K,
  v2: V,
  hash2: number,
  owner: Owner | null,
): Hamt<K, V> => {
  if (shift > deepest) return make<K, V>(2, owner, 0, 0, [k1, v1, k2, v2]);
  const b1 = bitAt(hashOf(k1), shift);
  const b2 = bitAt(hash2, shift);
  if (b1 === b2) return make<K, V>(2, owner, 0, b1, [both(shift + 5, k1, v1, k2, v2, hash2, owner)]);
  return make<K, V>(2, owner, b1 | b2, 0, b1 >>> 0 < b2 >>> 0 ? [k1, v1, k2, v2] : [k2, v2, k1, v1]);
};

const putListed = <K extends Key, V>(node: Hamt<K, V>, key: K, value: V, owner: Owner | null): Hamt<K, V> => {
  for (let i = 0; i < node.slots.length; i += 2) {
    if (node.slots[i] !== key) continue;
    if (node.slots[i + 1] === value) return node;
    const copy = editable(node, owner);
    copy.slots[i + 1] = value;
    return copy;
  }
  const copy = editable(node, owner);
  copy.slots.push(key, value);
  copy.size += 1;
  return copy;
};

const drop = <K extends Key, V>(
  node: Hamt<K, V>,
  shift: number,
  hash: number,
  key: K,
  owner: Owner | null,
): Hamt<K, V> => {
  if (shift > deepest) {
    const listed = node.slots.findIndex((slot, i) => i % 2 === 0 && slot === key);
    return listed < 0 ? node : without(node, listed, 0, owner);
  }
  const bit = bitAt(hash, shift);
  if ((node.dataMap & bit) !== 0) {
    const at = entryAt(node.dataMap, bit);
    return node.slots[at] === key ? without(node, at, bit, owner) : node;
  }
  if ((node.nodeMap & bit) === 0) return node;
  const at = childAt(node.slots.length, node.nodeMap, bit);
  const child = node.slots[at] as Hamt<K, V>;
  const before = child.size;
  const next = drop(child, shift + 5, hash, key, owner);
  if (next.size === before) return node;
  const copy = editable(node, owner);
  copy.size -= 1;
  if (next.size > 1) {
    copy.slots[at] = next;
    return copy;
  }
  // One entry is left below: it moves up, so that equal maps have equal shapes.
  copy.slots.splice(at, 1);
  copy.slots.splice(entryAt(node.dataMap, bit), 0, next.slots[0] as K, next.slots[1] as V);
  copy.nodeMap &= ~bit;
  copy.dataMap |= bit;
  return copy;
};

const without = <K extends Key, V>(node: Hamt<K, V>, at: number, bit: number, owner: Owner | null): Hamt<K, V> => {
  const copy = editable(node, owner);
  copy.slots.splice(at, 2);
  copy.dataMap &= ~bit;
  copy.size -= 1;
  return copy;
};
