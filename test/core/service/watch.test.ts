import test from 'ava';
import fc from 'fast-check';
import type { Change } from '../../../core/service/apply.js';
import type { Acl } from '../../../core/service/txn.js';
import {
  addPersistentWatch,
  addWatch,
  fire,
  modesOf,
  noWatches,
  removeConnection,
  removeWatch,
  watchMode,
} from '../../../core/service/watch.js';
import type { Watches } from '../../../core/service/watch.js';
import { answerTo, ask, attach, commit, create, readOnly, send, startSolo, told, zxid } from './support.js';

const change = (type: Change['type'], path: string, acl: readonly Acl[] | null = null): Change => ({
  type,
  path,
  acl,
  parentAcl: null,
});

const heardOf = (watches: Watches, ...changes: readonly Change[]): readonly string[] => {
  let w = watches;
  return changes.flatMap((c) => {
    const fired = fire(w, c);
    w = fired.watches;
    return fired.heard.map((h) => `${h.conn}: ${h.type} ${h.path}`);
  });
};

const once = (table: 'data' | 'child', ...pairs: readonly (readonly [number, string])[]): Watches =>
  pairs.reduce((w, [conn, path]) => addWatch(w, table, conn, path, watchMode.oneShot), noWatches);

test('watch: one-shot watches hear once, whatever they were set by, and twice set is once', (t) => {
  const data = once('data', [1, '/a'], [1, '/a'], [2, '/a']);
  t.deepEqual(heardOf(data, change('dataChanged', '/a'), change('dataChanged', '/a')), ['1: 3 /a', '2: 3 /a']);
  t.deepEqual(heardOf(data, change('created', '/a')), ['1: 1 /a', '2: 1 /a']);
  t.deepEqual(heardOf(data, change('dataChanged', '/b'), change('created', '/a/b')), []);
  const child = once('child', [1, '/a'], [2, '/']);
  t.deepEqual(heardOf(child, change('created', '/a/b'), change('deleted', '/a/b')), ['1: 4 /a']);
  t.deepEqual(heardOf(child, change('dataChanged', '/a')), []);
  t.deepEqual(heardOf(child, change('created', '/x')), ['2: 4 /']);
});

test('watch: a deletion is heard once by each connection, then by the parent’s watchers', (t) => {
  let w = once('data', [1, '/p/a']);
  w = addWatch(w, 'child', 1, '/p/a', watchMode.oneShot);
  w = addWatch(w, 'child', 2, '/p/a', watchMode.oneShot);
  w = addWatch(w, 'child', 1, '/p', watchMode.oneShot);
  t.deepEqual(heardOf(w, change('deleted', '/p/a')), ['1: 2 /p/a', '2: 2 /p/a', '1: 4 /p']);
  const after = fire(w, change('deleted', '/p/a')).watches;
  t.deepEqual(after, noWatches);
});

test('watch: persistent watches stay, recursive ones hear of descendants and never of changed children', (t) => {
  const persistent = addPersistentWatch(noWatches, 1, '/w', false);
  const life = [
    change('created', '/w'),
    change('created', '/w/k'),
    change('dataChanged', '/w/k'),
    change('dataChanged', '/w'),
    change('deleted', '/w/k'),
    change('deleted', '/w'),
  ];
  t.deepEqual(heardOf(persistent, ...life), ['1: 1 /w', '1: 4 /w', '1: 3 /w', '1: 4 /w', '1: 2 /w']);
  const recursive = addPersistentWatch(noWatches, 1, '/w', true);
  t.deepEqual(heardOf(recursive, ...life), ['1: 1 /w', '1: 1 /w/k', '1: 3 /w/k', '1: 3 /w', '1: 2 /w/k', '1: 2 /w']);
  // Both on one path, as recorded: created child, then changed children.
  const both = addPersistentWatch(recursive, 1, '/w', false);
  t.deepEqual(heardOf(both, change('created', '/w/k')), ['1: 1 /w/k', '1: 4 /w']);
  // A recursive watch and an exists on one path: a single event.
  const exists = addWatch(recursive, 'data', 1, '/w', watchMode.oneShot);
  t.deepEqual(heardOf(exists, change('created', '/w'), change('dataChanged', '/w')), ['1: 1 /w', '1: 3 /w']);
  t.deepEqual(heardOf(addPersistentWatch(noWatches, 1, '/', true), change('created', '/x/y')), ['1: 1 /x/y']);
});

test('watch: modes are taken away one by one, and all with the connection', (t) => {
  let w = addPersistentWatch(addPersistentWatch(noWatches, 1, '/w', false), 1, '/w', true);
  w = addWatch(w, 'data', 1, '/w', watchMode.oneShot);
  t.is(modesOf(w, 'data', 1, '/w'), 7);
  w = removeWatch(w, 'data', 1, '/w', watchMode.persistent);
  t.is(modesOf(w, 'data', 1, '/w'), 5);
  t.is(modesOf(w, 'child', 1, '/w'), watchMode.persistent);
  t.is(w.recursive, 1);
  t.is(removeWatch(w, 'data', 2, '/w', 7), w);
  t.deepEqual(removeConnection(w, 1), noWatches);
});

test('watch: nothing of any run of watches is left when its connections are gone', (t) => {
  const anyStep = fc.record({
    conn: fc.nat(2),
    path: fc.constantFrom('/', '/a', '/a/b', '/c'),
    what: fc.constantFrom('data', 'child', 'persistent', 'recursive', 'created', 'deleted', 'dataChanged', 'gone'),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      let w = noWatches;
      for (const { conn, path, what } of steps) {
        if (what === 'data' || what === 'child') w = addWatch(w, what, conn, path, watchMode.oneShot);
        else if (what === 'persistent' || what === 'recursive')
          w = addPersistentWatch(w, conn, path, what === 'recursive');
        else if (what === 'gone') w = removeConnection(w, conn);
        else w = fire(w, change(what, path)).watches;
      }
      t.deepEqual(
        [0, 1, 2].reduce((left, conn) => removeConnection(left, conn), w),
        noWatches,
      );
    }),
  );
});

test('events come before the reply to the write on the writer’s connection, with the zxid of the change', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  answerTo(solo, 1, create('/a'));
  for (const conn of [1, 2]) {
    answerTo(solo, conn, { op: 'getData', path: '/a', watch: true });
    answerTo(solo, conn, { op: 'getChildren', path: '/a', watch: true });
    answerTo(solo, conn, { op: 'getChildren2', path: '/', watch: true });
    t.is(answerTo(solo, conn, { op: 'exists', path: '/n', watch: true }).err, -101);
  }
  ask(solo, 1, 7, { op: 'multi', parts: [create('/n'), { op: 'setData', path: '/a', data: null, version: -1 }] });
  ask(solo, 1, 8, { op: 'delete', path: '/a', version: -1 });
  const at = solo.counter;
  t.deepEqual(told(commit(solo)), [
    `1: event 1 /n at ${at - 1}`,
    `2: event 1 /n at ${at - 1}`,
    `1: event 4 / at ${at - 1}`,
    `2: event 4 / at ${at - 1}`,
    `1: event 3 /a at ${at - 1}`,
    `2: event 3 /a at ${at - 1}`,
    `1: reply 7 err 0 at ${at - 1}`,
    `1: event 2 /a at ${at}`,
    `2: event 2 /a at ${at}`,
    `1: reply 8 err 0 at ${at}`,
  ]);
  t.deepEqual(solo.state.watches, noWatches);
});

test('a read that fails sets no watch, exists of a missing node aside', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  answerTo(solo, 1, create('/shut', 0, '', [{ perms: 2, scheme: 'world', id: 'anyone' }]));
  for (const path of ['/no', '/shut'])
    for (const op of ['getData', 'getChildren', 'getChildren2'] as const)
      t.not(answerTo(solo, 1, { op, path, watch: true }).err, 0);
  t.is(answerTo(solo, 1, { op: 'exists', path: '/shut', watch: true }).err, -102);
  t.is(answerTo(solo, 1, { op: 'exists', path: '/n\0', watch: true }).err, -8);
  t.deepEqual(solo.state.watches, noWatches);
});

test('a watch whose connection may not read is used up in silence', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  answerTo(solo, 2, { op: 'exists', path: '/s', watch: true });
  answerTo(solo, 2, { op: 'getChildren', path: '/', watch: true });
  const unreadable = [{ perms: 30, scheme: 'world', id: 'anyone' }];
  ask(solo, 1, 1, create('/s', 0, '', unreadable));
  t.deepEqual(told(commit(solo)), [`2: event 4 / at ${solo.counter}`, `1: reply 1 err 0 at ${solo.counter}`]);
  t.deepEqual(solo.state.watches, noWatches);
});

test('setWatches: what was missed fires before the reply, the rest is set again', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  for (const path of ['/w', '/w/old', '/same', '/later']) answerTo(solo, 1, create(path));
  const rel = solo.counter;
  answerTo(solo, 1, { op: 'setData', path: '/w', data: null, version: -1 });
  answerTo(solo, 1, { op: 'delete', path: '/w/old', version: -1 });
  const request = {
    op: 'setWatches2',
    relativeZxid: zxid(rel),
    data: ['/w', '/gone', '/same'],
    exist: ['/w', '/none'],
    child: ['/w', '/gone', '/same'],
    persistent: ['/w', '/none'],
    persistentRecursive: ['/r'],
  } as const;
  t.deepEqual(told(ask(solo, 1, -8, request)), [
    '1: event 3 /w at none',
    '1: event 2 /gone at none',
    '1: event 1 /w at none',
    '1: event 4 /w at none',
    '1: event 2 /gone at none',
    `1: reply -8 err 0 at ${solo.counter}`,
  ]);
  const { watches } = solo.state;
  const modes = (path: string) => [modesOf(watches, 'data', 1, path), modesOf(watches, 'child', 1, path)];
  t.deepEqual(modes('/w'), [2, 2]); // persistent; what fired is not set
  t.deepEqual(modes('/same'), [1, 1]);
  t.deepEqual(modes('/none'), [3, 2]);
  t.deepEqual(modes('/r'), [4, 0]);
  t.deepEqual(modes('/gone'), [0, 0]);
  send(solo, { type: 'ClientClosed', conn: 1 });
  t.deepEqual(solo.state.watches, noWatches);
});

test('an ACL just before the deletion says who hears of it', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  answerTo(solo, 1, create('/d', 0, '', readOnly));
  answerTo(solo, 2, { op: 'exists', path: '/d', watch: true });
  ask(solo, 1, 1, { op: 'delete', path: '/d', version: -1 });
  t.deepEqual(told(commit(solo)), [`2: event 2 /d at ${solo.counter}`, `1: reply 1 err 0 at ${solo.counter}`]);
});
