import test from 'ava';
import fc from 'fast-check';
import { emptyHamt, entriesOf, getKey, keysOf, newOwner, removeKey, setKey } from '../../../core/data/hamt.js';
import type { Hamt, Key, Owner } from '../../../core/data/hamt.js';

type Op = { readonly key: Key; readonly value: number | null };

/** Few keys, so that they meet often; the numbers 1, 2^32 and 2^33+3 fold to one hash and share a list. */
const anyKey: fc.Arbitrary<Key> = fc.oneof(
  fc.constantFrom<Key>(1, 0x100000000, 0x200000003, 2, 0x300000001),
  fc.nat(40),
  fc.string({ maxLength: 2 }),
  fc.nat(300).map((n) => `/path/${n}`),
);
const anyOps = fc.array(fc.record<Op>({ key: anyKey, value: fc.option(fc.nat(9)) }), { maxLength: 200 });

const applied = (map: Hamt<Key, number>, { key, value }: Op, owner: Owner | null): Hamt<Key, number> =>
  value === null ? removeKey(map, key, owner) : setKey(map, key, value, owner);

const appliedTo = (model: Map<Key, number>, { key, value }: Op): void => {
  if (value === null) model.delete(key);
  else model.set(key, value);
};

const agrees = (map: Hamt<Key, number>, model: ReadonlyMap<Key, number>): boolean =>
  map.size === model.size &&
  [...model].every(([key, value]) => getKey(map, key) === value) &&
  [...entriesOf(map)].every(([key, value]) => model.get(key) === value) &&
  keysOf(map).length === model.size;

/** Runs batches of operations, keeps the version after each, and says whether all of them are still what they were. */
const versionsHold = (batches: readonly (readonly Op[])[], ownerOf: (batch: number) => Owner | null): boolean => {
  const model = new Map<Key, number>();
  const versions: { readonly map: Hamt<Key, number>; readonly model: ReadonlyMap<Key, number> }[] = [];
  let map = emptyHamt<Key, number>();
  for (const [i, ops] of batches.entries()) {
    const owner = ownerOf(i);
    for (const op of ops) {
      map = applied(map, op, owner);
      appliedTo(model, op);
    }
    versions.push({ map, model: new Map(model) });
  }
  return versions.every((v) => agrees(v.map, v.model));
};

test('hamt: it is the map that its operations say, after each of them', (t) => {
  fc.assert(
    fc.property(anyOps, (ops) => {
      const model = new Map<Key, number>();
      let map = emptyHamt<Key, number>();
      return ops.every((op) => {
        map = applied(map, op, null);
        appliedTo(model, op);
        return agrees(map, model) && getKey(map, 'absent') === undefined;
      });
    }),
  );
  t.pass();
});

test('hamt: no version changes, whether batches have an owner or not', (t) => {
  const anyBatches = fc.array(anyOps, { maxLength: 6 });
  fc.assert(fc.property(anyBatches, (batches) => versionsHold(batches, () => null)));
  fc.assert(fc.property(anyBatches, (batches) => versionsHold(batches, () => newOwner())));
  t.pass();
});

test('hamt: the law of versions finds an owner that outlives its batch', (t) => {
  const leaked = newOwner();
  const run = fc.check(
    fc.property(fc.array(anyOps, { maxLength: 6 }), (batches) => versionsHold(batches, () => leaked)),
  );
  t.true(run.failed);
});

test('hamt: equal content has equal shape, so that removal leaves no trace', (t) => {
  const keys = Array.from({ length: 500 }, (_, i) => `/node-${i}`);
  const all = keys.reduce((map, key) => setKey(map, key, 1), emptyHamt<string, number>());
  const half = keys.filter((_, i) => i % 2 === 1).reduce((map, key) => removeKey(map, key), all);
  const direct = keys
    .filter((_, i) => i % 2 === 0)
    .reduce((map, key) => setKey(map, key, 1), emptyHamt<string, number>());
  t.deepEqual(half, direct);
  t.deepEqual(
    keys.reduce((map, key) => removeKey(map, key), all),
    emptyHamt(),
  );
});

test('hamt: what changes nothing gives the same map', (t) => {
  const map = setKey(emptyHamt<string, number>(), 'a', 1);
  t.is(setKey(map, 'a', 1), map);
  t.is(removeKey(map, 'b'), map);
});
