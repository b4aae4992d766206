import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { bindingsOf, generate, labelOf } from '../../conformance/generate.js';
import { decodeModels } from '../../conformance/models.js';
import type { Model } from '../../conformance/models.js';

const modelOf = (entry: object): Model => {
  const r = decodeModels(JSON.stringify({ 'Foo-1': { module: 'MCFoo', result: 'ok', ...entry } }));
  const model = E.isRight(r) ? r.right.get('Foo-1') : undefined;
  if (model === undefined) throw new Error(E.isLeft(r) ? r.left.join() : 'no model');
  return model;
};

const foo = modelOf({
  constants: { Server: '{1, 2}', Nil: { model: true }, Fast: true, Max: -3 },
  domains: { Server: [1, 2], Epoch: [-1, 0] },
  actions: { Go: { params: ['Server', 'Epoch'], operator: 'MCGo' }, Stop: { params: [] } },
  invariants: ['TypeOK'],
  properties: ['Refines'],
});

test('every binding is an operator whose body is a conjunction, and Next is all of them', (t) => {
  const g = generate(foo);
  if (E.isLeft(g)) return t.fail(g.left);
  t.is(g.right.module, 'Generated_Foo_1');
  t.deepEqual(
    g.right.bindings.map((b) => b.label),
    ['Go__1_m1', 'Go__1_0', 'Go__2_m1', 'Go__2_0', 'Stop__'],
  );
  t.true(g.right.tla.includes('\nGo__1_m1 == TRUE /\\ MCGo(1, -1)\n'));
  t.true(g.right.tla.includes('\nStop__ == TRUE /\\ Stop\n'));
  t.is(g.right.tla.match(/ {4}\\\/ /g)?.length, 5);
  t.true(g.right.tla.includes('Given__Fast == TRUE\n') && g.right.tla.includes('Given__Max == -3\n'));
  for (const line of ['Server <- Given__Server', 'Nil = Nil', 'INIT Init', 'INVARIANT TypeOK', 'PROPERTY Refines'])
    t.true(g.right.cfg.includes(line), line);
  t.true(g.right.cfg.includes('CHECK_DEADLOCK FALSE'));
});

test('verdicts: an invariant becomes a step that changes nothing, and is no longer checked', (t) => {
  const g = generate(foo, ['TypeOK']);
  if (E.isLeft(g)) return t.fail(g.left);
  t.true(g.right.tla.includes('Violates__TypeOK == TRUE /\\ ~TypeOK /\\ UNCHANGED vars'));
  t.true(g.right.tla.includes('\\/ Violates__TypeOK'));
  t.false(g.right.cfg.includes('INVARIANT'));
  t.is(g.right.bindings.length, 5);
});

test('a view is refused where the dump is to be the graph, and stands in the configuration elsewhere', (t) => {
  const viewed: Model = { ...foo, distorted: { view: 'Small' } };
  const g = generate(viewed);
  t.true(E.isRight(g) && g.right.cfg.includes('VIEW Small'));
  t.true(E.isLeft(generate(viewed, ['TypeOK'])));
  const compared = generate({ ...viewed, compare: 'foo' });
  t.true(E.isLeft(compared) && compared.left.includes('view'));
});

test('fairness asks for a specification, next stands for itself', (t) => {
  const live = generate({ ...foo, fairness: 'WF_vars(Next)', vars: '<<a, b>>' });
  t.true(E.isRight(live) && live.right.cfg.includes('SPECIFICATION GeneratedSpec'));
  t.true(E.isRight(live) && live.right.tla.includes('Init /\\ [][GeneratedNext]_<<a, b>> /\\ (WF_vars(Next))'));
  const plain = generate(modelOf({ next: 'Next' }));
  t.true(E.isRight(plain) && plain.right.tla.includes('GeneratedNext == Next\n'));
});

test('no two bindings have the same label', (t) => {
  const args = fc.array(fc.integer({ min: -200, max: 200 }), { maxLength: 3 });
  fc.assert(
    fc.property(
      args,
      args,
      (a, b) => (labelOf('Go', a) === labelOf('Go', b)) === (a.join() === b.join() && a.length === b.length),
    ),
  );
  const labels = bindingsOf(foo).map((b) => b.label);
  t.is(new Set(labels).size, labels.length);
});
