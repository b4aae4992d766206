/** Requests that cannot be: found by asking Apache's server the same as ours (test/differential). */
import test from 'ava';
import type { CreateRequest, MultiPart, MultiResult } from '../../../core/service/request.js';
import { defaultRules } from '../../../core/service/rules.js';
import { containerOwner, nodeAt } from '../../../core/service/tree.js';
import { answerTo, attach, create, startSolo } from './support.js';
import type { Solo } from './support.js';

const ready = (extendedTypes = true): Solo => {
  const solo = startSolo({ ...defaultRules, extendedTypes });
  attach(solo, 1);
  return solo;
};

const marshallingError = -5;
const badArguments = -8;
const noWatcher = -121;

const resultsOf = (solo: Solo, ...parts: readonly MultiPart[]): readonly MultiResult[] | number => {
  const { err, body } = answerTo(solo, 1, { op: 'multi', parts });
  return body.type === 'multi' ? body.results : err;
};

test('multi: one part that cannot be read spoils the whole, and it takes a zxid', (t) => {
  const solo = ready();
  const parts: readonly MultiPart[] = [
    { ...create('/a'), path: null },
    { op: 'delete', path: null, version: -1 },
    { op: 'setData', path: null, data: null, version: -1 },
    { op: 'check', path: null, version: -1 },
    create('/a', 0, '', null),
    ...[-1, 5, 6, 7].map((flags) => create('/a', flags)),
    ...[-1, 5, 6, 7].map((flags): CreateRequest => ({ ...create('/a', flags), op: 'createContainer' })),
  ];
  for (const part of parts) {
    const before = solo.counter;
    t.is(resultsOf(solo, create('/first'), part), marshallingError, JSON.stringify(part));
    t.is(solo.counter, before + 1);
  }
  t.is(nodeAt(solo.state.database.tree, '/first'), undefined);
});

test('multi: a createTTL with flags that are none fails by itself', (t) => {
  const ttl: MultiPart = { ...create('/a', 7), op: 'createTTL', ttl: 1000 };
  t.deepEqual(resultsOf(ready(), ttl), [{ op: 'error', err: badArguments }]);
});

test('multi: flag 4 makes a container of a create, which alone makes a plain node', (t) => {
  const solo = ready();
  const results = resultsOf(solo, create('/a', 4), { ...create('/b', 4), op: 'create2' });
  t.deepEqual(Array.isArray(results) ? results.map((r: MultiResult) => r.op) : results, ['create2', 'create2']);
  for (const path of ['/a', '/b']) t.is(nodeAt(solo.state.database.tree, path)?.owner, containerOwner);
  t.is(answerTo(solo, 1, create('/c', 4)).err, 0);
  t.not(nodeAt(solo.state.database.tree, '/c')?.owner, containerOwner);
});

test('create: flags are looked at before a path that is not there', (t) => {
  const at = (solo: Solo, flags: number): number => answerTo(solo, 1, { ...create('/a', flags), path: null }).err;
  t.deepEqual([at(ready(), 0), at(ready(), 6), at(ready(), 7)], [marshallingError, badArguments, badArguments]);
  t.is(at(ready(false), 6), -6);
});

test('multiRead: one part without a path spoils the whole', (t) => {
  const parts = ['/', null].map((path) => ({ op: 'getData', path, watch: false }) as const);
  t.is(answerTo(ready(), 1, { op: 'multiRead', parts }).err, marshallingError);
});

test('checkWatches, removeWatches: without a path there is no watch', (t) => {
  const solo = ready();
  for (const op of ['checkWatches', 'removeWatches'] as const) {
    t.is(answerTo(solo, 1, { op, path: null, kind: 3 }).err, noWatcher);
    t.is(answerTo(solo, 1, { op, path: null, kind: 9 }).err, marshallingError);
  }
  t.is(answerTo(solo, 1, { op: 'addWatch', path: null, mode: 0 }).err, marshallingError);
});
