import test from 'ava';
import fc from 'fast-check';
import { fieldCheck, hashPlain, plainText } from '../../conformance/plain.js';
import { hashTable, intList } from '../../conformance/store.js';

const word = fc.integer({ min: 0, max: 0xffff_ffff });
// Few different words, so that hashes share slots and parts of each other.
const closeWord = fc.oneof(fc.integer({ min: 0, max: 2 }), word);
const hash = fc.tuple(closeWord, closeWord, closeWord, closeWord);

test('a hash table numbers hashes in the order of their coming, like a Map', (t) => {
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 200 }), (hashes) => {
      const table = hashTable();
      const model = new Map<string, number>();
      return hashes.every((h) => {
        const before = table.find(h);
        const known = model.get(h.join());
        const n = known ?? model.size;
        model.set(h.join(), n);
        return (
          before === (known ?? -1) &&
          table.add(h) === n &&
          table.size() === model.size &&
          table.at(n).join() === h.join()
        );
      });
    }),
  );
  t.pass();
});

test('a hash table finds everything again after it has grown', (t) => {
  const table = hashTable();
  const count = 20_000;
  for (let n = 0; n < count; n++) table.add([n, n % 7, Math.imul(n, 0x9e3779b1) >>> 0, 5]);
  t.is(table.size(), count);
  for (let n = 0; n < count; n++) t.is(table.find([n, n % 7, Math.imul(n, 0x9e3779b1) >>> 0, 5]), n);
  t.is(table.find([0, 0, 0, 6]), -1);
});

test('a list keeps what was pushed', (t) => {
  const list = intList();
  for (let n = 0; n < 5000; n++) list.push(-n);
  list.set(7, 99);
  t.is(list.length(), 5000);
  t.deepEqual([list.at(7), list.at(4999)], [99, -4999]);
});

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: -3, max: 3 }),
    fc.maxSafeInteger(),
    fc.constantFrom('', 'a', 'b', '1', 'leader'),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '1'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('plain data has the same hash exactly if it has the same text', (t) => {
  fc.assert(
    fc.property(
      plain,
      plain,
      (a, b) => (hashPlain(a).join() === hashPlain(b).join()) === (plainText(a) === plainText(b)),
    ),
    { numRuns: 3000 },
  );
  t.is(hashPlain({ a: 1, b: 2 }).join(), hashPlain({ b: 2, a: 1 }).join());
  t.not(hashPlain([1, 2]).join(), hashPlain([2, 1]).join());
  t.not(hashPlain({ a: { b: 1 } }).join(), hashPlain({ b: { a: 1 } }).join());
});

test('what is no plain data is not taken for an empty object', (t) => {
  for (const bad of [new Map([[1, 2]]), new Set(), 1.5, NaN, () => 1, 10n]) {
    t.throws(() => hashPlain({ deep: [bad] }), { message: /no plain data/ });
  }
  t.throws(() => plainText({ deep: [new Map()] }), { message: /no plain data/ });
});

test('a field that nobody lists is found, however deep', (t) => {
  const check = fieldCheck(['servers[].round', 'world.wire', 'byId[].zxid']);
  check.see({
    servers: [{ round: 1 }, { round: { n: 2 } }],
    world: { wire: [[[{ any: 1 }]]] },
    byId: { 3: { zxid: 1 } },
  });
  t.deepEqual(check.unlisted(), []);
  check.see({ servers: [{ round: 1, extra: { deep: 1 } }], world: { wire: [], budget: 1 }, byId: { 3: { epoch: 1 } } });
  t.deepEqual(check.unlisted(), ['byId[].epoch', 'servers[].extra.deep', 'world.budget']);
});
