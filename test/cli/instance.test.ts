import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { instanceNamed, instanceOf } from '../../cli/instance.js';
import type { Instance, Sizes } from '../../cli/instance.js';
import { loadModels } from '../../cli/modelFile.js';
import { generate } from '../../conformance/generate.js';

const file = (() => {
  const loaded = loadModels();
  if (E.isLeft(loaded)) throw new Error(loaded.left.message);
  return loaded.right;
})();

const made = (family: string, sizes: Sizes, bug?: string): Instance => {
  const instance = instanceOf(file, family, sizes, bug);
  if (E.isLeft(instance)) throw new Error(instance.left.message);
  return instance.right;
};

const refusal = (family: string, sizes: Sizes): string => {
  const instance = instanceOf(file, family, sizes, undefined);
  return E.isLeft(instance) ? `${instance.left.message}; ${instance.left.hint}` : '';
};

test('sizes become constants and domains; every action of the module may happen', (t) => {
  const { model } = made('replication', { servers: 2, observers: 1, txns: 2, crashes: 1 }, 'ZOOKEEPER-2845');
  t.is(model.constants['Server'], '{1, 2, 3}');
  t.is(model.constants['Observer'], '{3}');
  t.is(model.constants['Txns'], 2);
  t.is(model.constants['Elections'], 2);
  t.is(model.constants['Bugs'], '{"ZOOKEEPER-2845"}');
  t.deepEqual(model.domains['Kept'], [0, 1, 2]);
  for (const action of ['Crash', 'HandleTrunc', 'HandleInform', 'Break', 'WriteEpochFile'])
    t.truthy(model.actions[action], action);
  t.is(model.compare, undefined);
  t.true(E.isRight(generate(model)));
});

test('an instance is found again by its name, as kept traces give it', (t) => {
  for (const [family, sizes, bug] of [
    ['replication', { servers: 2, crashes: 1 }, 'ZOOKEEPER-4646'],
    ['replication', {}, undefined],
    ['election', { servers: 4, cuts: 1 }, undefined],
    ['replication', { servers: 2 }, 'ZOOKEEPER-3911'],
    ['zab', { txns: 2 }, undefined],
  ] as const) {
    const { model } = made(family, sizes, bug);
    t.deepEqual(instanceNamed(file, model.name), model, model.name);
  }
  t.is(instanceNamed(file, 'replication-2wheels'), null);
  t.is(instanceNamed(file, 'NoSuchModel'), null);
});

test('the estimate starts from the row that is nearest', (t) => {
  const { estimate } = made('replication', { servers: 3, txns: 1, elections: 1 });
  t.is(estimate?.states, file.models.get('ReplicationQuiet')?.distinct);
  const more = made('replication', { servers: 3, txns: 2, elections: 1 }).estimate;
  t.true((more?.states ?? 0) > (estimate?.states ?? Infinity));
});

test('a size that a family lacks is refused, with those that it has', (t) => {
  t.regex(refusal('zab', { crashes: 1 }), /--crashes: zab has no such size; its sizes: servers txns elections/);
  const bug = instanceOf(file, 'replication', {}, 'ZOOKEEPER-1');
  t.regex(E.isLeft(bug) ? bug.left.hint : '', /its bugs: .*ZOOKEEPER-2845/);
  t.regex(refusal('replication', { servers: 0 }), /--servers must be a number from 1 to 9/);
});
