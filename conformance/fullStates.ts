/**
 * Numbers full states: every world that a search comes upon, by all that it is. Equality is that of `Mirror.key`; the
 * three ways to it differ in cost and in what they rest on.
 */
import assert from 'node:assert/strict';
import type { Mirror, Pieces } from './mirror.js';
import { hashPlain, plainText } from './plain.js';
import type { TupleTable } from './store.js';
import { hashTable, tupleTable } from './store.js';

export type FullStates<W> = {
  readonly size: () => number;
  /** The number of the world, which is `size()` before the call when it is new. */
  readonly add: (w: W) => number;
  /** The world with this number; it can be asked for until `done`. */
  readonly world: (n: number) => W;
  /** The world with this number has been expanded. False: that has changed it. */
  readonly done: (n: number) => boolean;
  /** Whether the world added last holds anything that no world before it held: its fields may be new ones. */
  readonly fresh: () => boolean;
  /** A state whose pieces are no longer what they were, or -1. */
  readonly spoilt: () => number;
};

/** By the hash of the whole key. */
export const statesByHash = <W>(mirror: Mirror<W>): FullStates<W> => {
  const table = hashTable();
  const waiting: (W | undefined)[] = [];
  return {
    size: table.size,
    add: (w) => {
      const n = table.add(hashPlain(mirror.key(w)));
      if (n === waiting.length) waiting.push(w);
      return n;
    },
    world: (n) => waiting[n] as W,
    done: (n) => {
      const same = table.find(hashPlain(mirror.key(waiting[n] as W))) === n;
      waiting[n] = undefined;
      return same;
    },
    fresh: () => true,
    spoilt: () => -1,
  };
};

/**
 * By the text of the whole key: nothing rests on a hash. Where the mirror has pieces, they are numbered beside it.
 * @param onPart two worlds that are one by their key and two by their pieces, or the other way round
 */
export const statesByText = <W>(mirror: Mirror<W>, onPart: (state: number, other: number) => void): FullStates<W> => {
  const texts = new Map<string, number>();
  const waiting: (W | undefined)[] = [];
  const pieces = mirror.pieces === undefined ? null : statesByPieces(mirror.pieces);
  return {
    size: () => texts.size,
    add: (w) => {
      const text = plainText(mirror.key(w));
      const n = texts.get(text) ?? texts.size;
      const other = pieces?.add(w) ?? n;
      if (other !== n) onPart(n, other);
      if (n === texts.size) {
        texts.set(text, n);
        waiting.push(w);
      }
      return n;
    },
    world: (n) => waiting[n] as W,
    done: (n) => {
      const same = texts.get(plainText(mirror.key(waiting[n] as W))) === n;
      waiting[n] = undefined;
      return same;
    },
    fresh: () => true,
    spoilt: () => pieces?.spoilt() ?? -1,
  };
};

/** The pieces in one place: each content once. */
type Place = {
  readonly byText: Map<string, number>;
  readonly byReference: WeakMap<object, number>;
  readonly byValue: Map<unknown, number>;
  readonly pieces: unknown[];
  readonly texts: string[];
};

/**
 * By the numbers of the pieces, which are numbered by their texts: exact, and cheap where a step makes few new pieces.
 * Worlds that are handed out are put together of the first piece with each content, so that what is remembered of a
 * piece (remembered.ts) is found again.
 */
export const statesByPieces = <W>(pieces: Pieces<W>): FullStates<W> => {
  let places: readonly Place[] = [];
  let last: readonly unknown[] = [];
  let tuple = new Int32Array(0);
  let table: TupleTable | undefined;
  let fresh = false;

  const numberOf = (place: Place, piece: unknown, k: number): number => {
    const isObject = typeof piece === 'object' && piece !== null;
    const known = isObject ? place.byReference.get(piece) : place.byValue.get(piece);
    if (known !== undefined) return known;
    const text = plainText(pieces.key(piece, k));
    const n = place.byText.get(text) ?? place.pieces.length;
    if (n === place.pieces.length) {
      fresh = true;
      place.byText.set(text, n);
      place.pieces.push(piece);
      place.texts.push(text);
    }
    if (isObject) place.byReference.set(piece, n);
    else place.byValue.set(piece, n);
    return n;
  };
  const begin = (length: number): TupleTable => {
    places = Array.from({ length }, () => ({
      byText: new Map<string, number>(),
      byReference: new WeakMap<object, number>(),
      byValue: new Map<unknown, number>(),
      pieces: [],
      texts: [],
    }));
    tuple = new Int32Array(length);
    return tupleTable(length);
  };

  return {
    size: () => table?.size() ?? 0,
    add: (w) => {
      const taken = pieces.take(w);
      table ??= begin(taken.length);
      assert.equal(taken.length, places.length, 'a world with another number of pieces');
      fresh = false;
      for (let k = 0; k < taken.length; k++)
        // Most pieces are those of the world before.
        if (taken[k] !== last[k]) tuple[k] = numberOf(places[k] as Place, taken[k], k);
      last = taken;
      return table.add(tuple);
    },
    world: (n) => pieces.make(places.map((place, k) => place.pieces[(table as TupleTable).word(n, k)])),
    done: () => true,
    fresh: () => fresh,
    spoilt: () => {
      for (const [k, place] of places.entries()) {
        const at = place.pieces.findIndex((piece, i) => plainText(pieces.key(piece, k)) !== place.texts[i]);
        if (at < 0) continue;
        for (let n = 0; n < (table?.size() ?? 0); n++) if (table?.word(n, k) === at) return n;
      }
      return -1;
    },
  };
};
