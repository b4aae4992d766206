import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { readModels } from '../../conformance/modelFiles.js';
import { decodeModels, decodeParts, partsOf } from '../../conformance/models.js';
import type { Model } from '../../conformance/models.js';

const decoded = (entries: unknown): E.Either<readonly string[], ReadonlyMap<string, Model>> =>
  decodeModels(JSON.stringify(entries));

const findings = (entries: unknown): readonly string[] => {
  const r = decoded(entries);
  return E.isLeft(r) ? r.left : [];
};

const base = {
  module: 'MCFoo',
  constants: { Server: '{1, 2}', Nil: { model: true }, Max: 3 },
  domains: { Server: [1, 2], Epoch: [-1, 0] },
  actions: { Go: { params: ['Server', 'Epoch'], operator: 'MCGo' }, Stop: { params: [] } },
  invariants: ['TypeOK'],
  result: 'ok',
};

test('a model gets its defaults', (t) => {
  const r = decoded({ Foo: base });
  t.true(E.isRight(r));
  const m = E.isRight(r) ? r.right.get('Foo') : undefined;
  t.is(m?.init, 'Init');
  t.is(m?.vars, 'vars');
  t.is(m?.tier, 'tiny');
  t.is(m?.compare, undefined);
  t.deepEqual(m?.constants, { Server: '{1, 2}', Nil: { model: true }, Max: 3 });
});

test('extends: tables are merged, null takes an entry away, and what TLC finds is never inherited', (t) => {
  const r = decoded({
    Foo: { ...base, init: 'MCInit', distinct: 5, compare: 'foo', tier: 'ci' },
    Bar: {
      extends: 'Foo',
      constants: { Max: 4 },
      actions: { Stop: null },
      invariants: ['NeverDone'],
      result: 'invariant NeverDone',
      why: 'it can be done',
    },
  });
  t.true(E.isRight(r), E.isLeft(r) ? r.left.join('\n') : '');
  const m = E.isRight(r) ? r.right.get('Bar') : undefined;
  t.is(m?.init, 'MCInit');
  t.is(m?.tier, 'ci');
  t.is(m?.distinct, undefined);
  t.is(m?.compare, undefined);
  t.deepEqual(m?.constants, { Server: '{1, 2}', Nil: { model: true }, Max: 4 });
  t.deepEqual(Object.keys(m?.actions ?? {}), ['Go']);
  t.deepEqual(m?.invariants, ['NeverDone']);
});

test('every mistake is named with its model', (t) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ ...base, constraints: 'X' }, /Foo: unknown field constraints/],
    [{ ...base, result: 'fine' }, /Invalid value "fine"/],
    [{ ...base, module: undefined }, /Foo: no module/],
    [{ ...base, actions: {} }, /Foo: neither actions nor next/],
    [{ ...base, next: 'Next' }, /Foo: both actions and next/],
    [{ ...base, actions: { Go: { params: ['Nobody'] } } }, /Foo: action Go: no domain Nobody/],
    [{ ...base, actions: { Go__1: { params: [] } } }, /two underscores/],
    [{ ...base, domains: { Server: [1, 1], Epoch: [0] } }, /domain Server: empty, or a value stands in it twice/],
    [{ ...base, result: 'invariant Other', why: 'x' }, /Foo: expects invariant Other, which it lacks/],
    [{ ...base, result: 'invariant TypeOK' }, /a model meant to fail says why/],
    [{ ...base, result: 'invariant TypeOK', why: 'x', compare: 'foo' }, /its result must be ok/],
    [{ ...base, extends: 'Nowhere' }, /extends Nowhere, which is not in the file/],
    [{ ...base, extends: 'Foo' }, /extends itself/],
  ];
  for (const [entry, expected] of cases) t.regex(findings({ Foo: entry }).join('\n'), expected);
  t.true(E.isLeft(decodeModels('{')));
});

test('a compared model may have nothing that makes TLC print another graph', (t) => {
  for (const field of ['constraint', 'actionConstraint', 'view', 'symmetry']) {
    const entry = { ...base, [field]: 'Op' };
    t.deepEqual(findings({ Foo: entry }), [], field);
    t.regex(findings({ Foo: { ...entry, compare: 'foo' } }).join(), new RegExp(`may have no ${field}`));
  }
});

test('the fixture and spec/models.json are well formed', (t) => {
  for (const path of ['test/fixtures/models.json', 'spec/models.json']) {
    const r = readModels(path);
    t.deepEqual(E.isLeft(r) ? r.left : [], [], path);
  }
});

test('spec/models.json: what holds has its sizes, and npm test runs something of every module', (t) => {
  const r = readModels('spec/models.json');
  if (E.isLeft(r)) return t.fail(r.left.join('\n'));
  const models = [...r.right.values()].filter((m) => m.tier === 'tiny' || m.tier === 'ci');
  const sized = (m: Model): boolean => [m.distinct, m.generated, m.depth].every((n) => n !== undefined && n > 0);
  const named = (ms: readonly Model[]): readonly string[] => ms.map((m) => m.name);
  t.deepEqual(named(models.filter((m) => m.result === 'ok' && !sized(m))), [], 'without sizes');
  t.deepEqual(named(models.filter((m) => m.compare !== undefined && m.edges === undefined)), [], 'without edges');
  const tiny = models.filter((m) => m.tier === 'tiny');
  const within = new Set(tiny.map((m) => m.module));
  t.deepEqual([...new Set(models.map((m) => m.module))].filter((module) => !within.has(module)).toSorted(), []);
  t.true(tiny.some((m) => m.result !== 'ok'));
});

test('models spread over files are one table: extends reaches across, a name stands in one file only', (t) => {
  const foo = JSON.stringify({ Foo: base });
  const bar = JSON.stringify({ Bar: { extends: 'Foo', result: 'ok', constants: { Max: 7 } } });
  const both = decodeParts([foo, bar]);
  t.is(E.isRight(both) ? both.right.get('Bar')?.constants['Max'] : both.left.join(), 7);
  const twice = decodeParts([foo, foo]);
  t.regex(E.isLeft(twice) ? twice.left.join() : '', /Foo: two models of this name/);
  t.deepEqual(partsOf('{ "include": ["a.json"] }'), E.right(['a.json']));
  t.deepEqual(partsOf(foo), E.right(null));
  t.true(E.isLeft(partsOf('{ "include": [1] }')));
});

test('a part that cannot be read is named', (t) => {
  const r = readModels('test/fixtures/nothing.json');
  t.regex(E.isLeft(r) ? r.left.join() : '', /cannot be read: .*nothing\.json/);
});
