import test from 'ava';
import fc from 'fast-check';
import { newOwner } from '../../../core/data/hamt.js';
import type { Owner } from '../../../core/data/hamt.js';
import { addName, hasName, namesFrom, namesIn, noNames, removeName, sizeOfNames } from '../../../core/data/nameSet.js';
import type { NameSet } from '../../../core/data/nameSet.js';

type Op = { readonly add: boolean; readonly name: string };

const anyName = fc.nat(90).map((n) => `n${n}`);
/** Long runs of one kind, so that sets grow past the array and shrink back. */
const anyOps = fc
  .array(fc.record({ add: fc.boolean(), names: fc.array(anyName, { maxLength: 60 }) }), { maxLength: 8 })
  .map((runs) => runs.flatMap(({ add, names }) => names.map((name): Op => ({ add, name }))));

const agrees = (set: NameSet, model: ReadonlySet<string>): boolean =>
  sizeOfNames(set) === model.size &&
  namesIn(set).length === model.size &&
  namesIn(set).every((name) => model.has(name)) &&
  [...model].every((name) => hasName(set, name)) &&
  !hasName(set, 'absent');

const holds = (ops: readonly Op[], owner: Owner | null, add: typeof addName): boolean => {
  const model = new Set<string>();
  let set = noNames;
  return ops.every((op) => {
    set = op.add ? add(set, op.name, owner) : removeName(set, op.name, owner);
    if (op.add) model.add(op.name);
    else model.delete(op.name);
    return agrees(set, model) && agrees(namesFrom([...model]), model);
  });
};

test('nameSet: it is the set that its operations say, small and large', (t) => {
  fc.assert(fc.property(anyOps, (ops) => holds(ops, null, addName)));
  fc.assert(fc.property(anyOps, (ops) => holds(ops, newOwner(), addName)));
  t.pass();
});

test('nameSet: the law finds an add that keeps no order', (t) => {
  const appending: typeof addName = (set, name) =>
    Array.isArray(set) && !set.includes(name) ? [...(set as readonly string[]), name] : set;
  t.true(fc.check(fc.property(anyOps, (ops) => holds(ops, null, appending))).failed);
});

test('nameSet: versions of a large set do not change', (t) => {
  const large = namesFrom(Array.from({ length: 100 }, (_, i) => `n${i}`));
  const owner = newOwner();
  const larger = addName(addName(large, 'x', owner), 'y', owner);
  t.is(sizeOfNames(large), 100);
  t.is(sizeOfNames(larger), 102);
  t.false(hasName(large, 'x'));
});
