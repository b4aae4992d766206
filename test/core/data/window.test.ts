import test from 'ava';
import fc from 'fast-check';
import {
  windowAt,
  windowCountWhile,
  windowDrop,
  windowLast,
  windowOf,
  windowPush,
  windowSize,
  windowSlice,
  windowTake,
} from '../../../core/data/window.js';
import type { Window } from '../../../core/data/window.js';

const all = <A>(w: Window<A>): readonly A[] => windowSlice(w, 0, windowSize(w));

/** One version is made of an earlier one, any earlier one, by a push, a take or a drop. */
type Change = { readonly from: number; readonly op: 'push' | 'take' | 'drop'; readonly count: number };

const anyChange: fc.Arbitrary<Change> = fc.record({
  from: fc.nat(),
  op: fc.constantFrom('push', 'push', 'take', 'drop'),
  count: fc.nat({ max: 6 }),
});

type Make = {
  readonly push: (w: Window<number>, added: readonly number[]) => Window<number>;
  readonly take: typeof windowTake<number>;
  readonly drop: typeof windowDrop<number>;
};

const ours: Make = { push: windowPush, take: windowTake, drop: windowDrop };

/** All versions of a run beside plain arrays; the entries of each push are new numbers. */
const versionsOf = (
  changes: readonly Change[],
  make: Make,
): readonly { readonly window: Window<number>; readonly plain: readonly number[] }[] => {
  const versions = [{ window: windowOf([-2, -1]), plain: [-2, -1] as readonly number[] }];
  changes.forEach(({ from, op, count }, n) => {
    const { window, plain } = versions[from % versions.length] as (typeof versions)[number];
    const added = Array.from({ length: count }, (_, i) => n * 10 + i);
    if (op === 'push') versions.push({ window: make.push(window, added), plain: [...plain, ...added] });
    else if (op === 'take') versions.push({ window: make.take(window, count), plain: plain.slice(0, count) });
    else versions.push({ window: make.drop(window, count), plain: plain.slice(count) });
  });
  return versions;
};

const keepsApart = (make: Make): fc.IProperty<[Change[]]> =>
  fc.property(fc.array(anyChange, { maxLength: 25 }), (changes) =>
    versionsOf(changes, make).every(({ window, plain }) => JSON.stringify(all(window)) === JSON.stringify(plain)),
  );

test('Window: no version sees entries of another, whichever earlier one it goes on from', (t) => {
  t.notThrows(() => fc.assert(keepsApart(ours), { numRuns: 500 }));
});

test('Window: that law sees a push that writes where another version has written', (t) => {
  const inPlace = (w: Window<number>, added: readonly number[]): Window<number> => {
    w.items.splice(w.to, added.length, ...added);
    return { items: w.items, from: w.from, to: w.to + added.length };
  };
  t.true(fc.check(keepsApart({ ...ours, push: inPlace }), { numRuns: 500 }).failed);
});

test('Window: entries are found by their index and by a slice', (t) => {
  const both = fc.property(
    fc.array(anyChange, { maxLength: 15 }),
    fc.nat({ max: 8 }),
    fc.nat({ max: 8 }),
    (changes, i, j) =>
      versionsOf(changes, ours).every(
        ({ window, plain }) =>
          windowSize(window) === plain.length &&
          windowAt(window, i) === plain[i] &&
          windowAt(window, -1) === undefined &&
          windowLast(window) === plain.at(-1) &&
          JSON.stringify(windowSlice(window, i, j)) === JSON.stringify(plain.slice(i, j)),
      ),
  );
  t.notThrows(() => fc.assert(both, { numRuns: 300 }));
});

test('Window: counting a prefix is what a scan would count', (t) => {
  const counts = fc.property(
    fc.array(fc.nat({ max: 30 })),
    fc.nat({ max: 8 }),
    fc.nat({ max: 31 }),
    (items, cut, limit) => {
      const sorted = items.sort((a, b) => a - b);
      const w = windowDrop(windowOf(sorted), cut);
      return windowCountWhile(w, (n) => n < limit) === sorted.slice(cut).filter((n) => n < limit).length;
    },
  );
  t.notThrows(() => fc.assert(counts, { numRuns: 300 }));
});

test('Window: the newest version is appended to in place, an older one is copied', (t) => {
  const first = windowOf([1]);
  const second = windowPush(first, [2]);
  t.is(second.items, first.items);
  const beside = windowPush(first, [3]);
  t.not(beside.items, first.items);
  t.deepEqual(
    [all(second), all(beside)],
    [
      [1, 2],
      [1, 3],
    ],
  );
  t.is(windowPush(second, []), second);
});

test('Window: memory of what is dropped is given back once it outweighs the rest', (t) => {
  const w = windowOf(Array.from({ length: 10 }, (_, i) => i));
  t.is(windowDrop(w, 5).items, w.items);
  t.is(windowDrop(w, 6).items.length, 4);
  t.deepEqual(all(windowDrop(w, 20)), []);
});
