/**
 * Persistent set of names (children of a znode, ephemerals of a session). Most are small: up to 32 names are a sorted
 * array, more a persistent map. Versions never change, save inside a batch with an owner (see hamt.ts).
 */
import { emptyHamt, hasKey, keysOf, removeKey, setKey } from './hamt.js';
import type { Hamt, Owner } from './hamt.js';

export type NameSet = readonly string[] | Hamt<string, true>;

const most = 32; // names in an array: beyond, copying costs more than hashing
const few = 16; // below this a map becomes an array again; apart from `most`, so that a set does not flap between them

export const noNames: NameSet = [];

const isArray = (set: NameSet): set is readonly string[] => Array.isArray(set);

export const sizeOfNames = (set: NameSet): number => (isArray(set) ? set.length : set.size);

export const hasName = (set: NameSet, name: string): boolean =>
  isArray(set) ? set[placeOf(set, name)] === name : hasKey(set, name);

export const addName = (set: NameSet, name: string, owner: Owner | null = null): NameSet => {
  if (!isArray(set)) return setKey(set, name, true, owner);
  const at = placeOf(set, name);
  if (set[at] === name) return set;
  const names = set.slice();
  names.splice(at, 0, name);
  return names.length > most ? asMap(names, owner) : names;
};

export const removeName = (set: NameSet, name: string, owner: Owner | null = null): NameSet => {
  if (!isArray(set)) {
    const less = removeKey(set, name, owner);
    return less.size < few ? sorted(keysOf(less)) : less;
  }
  const at = placeOf(set, name);
  if (set[at] !== name) return set;
  const names = set.slice();
  names.splice(at, 1);
  return names;
};

/** The set of these names, each given once. */
export const namesFrom = (names: readonly string[], owner: Owner | null = null): NameSet =>
  names.length === 0 ? noNames : names.length > most ? asMap(names, owner) : sorted(names.slice());

/** All names: sorted in a small set, in the map's own order in a large one. */
export const namesIn = (set: NameSet): readonly string[] => (isArray(set) ? set : keysOf(set));

const asMap = (names: readonly string[], owner: Owner | null): Hamt<string, true> => {
  const own: Owner = owner ?? { batch: true };
  let map = emptyHamt<string, true>();
  for (const name of names) map = setKey(map, name, true, own);
  return map;
};

const sorted = (names: string[]): readonly string[] => names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

/** Index of the first name that is not below `name`. */
const placeOf = (names: readonly string[], name: string): number => {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] as string) < name) low = middle + 1;
    else high = middle;
  }
  return low;
};
