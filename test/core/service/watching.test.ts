/** addWatch, checkWatches, removeWatches, setWatches2, as clients of a server see them. */
import test from 'ava';
import fc from 'fast-check';
import type { ReadRequest } from '../../../core/service/request.js';
import { noWatches } from '../../../core/service/watch.js';
import type { Solo } from './support.js';
import { answerTo, ask, attach, bytes, commit, create, startSolo, told, zxid } from './support.js';

const kinds = { children: 1, data: 2, any: 3, persistent: 4, recursive: 5 } as const;

const ready = (): Solo => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  answerTo(solo, 2, create('/w'));
  return solo;
};

const add = (solo: Solo, path: string | null, mode: number): number =>
  answerTo(solo, 1, { op: 'addWatch', path, mode }).err;
const check = (solo: Solo, path: string | null, kind: number): number =>
  answerTo(solo, 1, { op: 'checkWatches', path, kind }).err;
const remove = (solo: Solo, path: string, kind: number): number =>
  answerTo(solo, 1, { op: 'removeWatches', path, kind }).err;

/** What connection 1 hears while connection 2 writes. */
const heard = (solo: Solo, ...requests: readonly Parameters<typeof answerTo>[2][]): readonly string[] =>
  requests.flatMap((request) =>
    told([...ask(solo, 2, 9, request), ...commit(solo)])
      .filter((line) => line.startsWith('1: event'))
      .map((line) => line.replace(/^1: event | at .*$/g, '')),
  );

const life = (path: string): readonly Parameters<typeof answerTo>[2][] => [
  create(path),
  { op: 'setData', path, data: bytes('x'), version: -1 },
  { op: 'delete', path, version: -1 },
];

test('addWatch: a persistent watch hears of its node and its children for ever, a recursive one of all below', (t) => {
  const solo = ready();
  t.deepEqual(answerTo(solo, 1, { op: 'addWatch', path: '/w', mode: 0 }).body, { type: 'done' });
  for (const round of [1, 2]) t.deepEqual(heard(solo, ...life('/w/c')), ['4 /w', '4 /w'], String(round));
  t.is(remove(solo, '/w', kinds.persistent), 0);
  t.is(add(solo, '/w', 1), 0);
  for (const round of [1, 2]) t.deepEqual(heard(solo, ...life('/w/c')), ['1 /w/c', '3 /w/c', '2 /w/c'], String(round));
  t.deepEqual(heard(solo, ...life('/wx')), []); // a neighbour with the same beginning
  t.is(add(solo, '/w', 0), 0);
  t.deepEqual(heard(solo, create('/w/c')), ['1 /w/c', '4 /w']);
});

test('addWatch: an unknown mode or a null path is MARSHALLINGERROR; any path will do, whoever may read it', (t) => {
  const solo = ready();
  t.is(add(solo, '/w', 2), -5);
  t.is(add(solo, '/w', -1), -5);
  t.is(add(solo, null, 0), -5);
  t.deepEqual(solo.state.watches, noWatches);
  t.is(add(solo, 'bad//', 0), 0);
  t.is(add(solo, '/not/there', 1), 0);
  answerTo(solo, 2, { ...create('/hidden'), acl: [{ perms: 30, scheme: 'world', id: 'anyone' }] });
  t.is(add(solo, '/hidden', 0), 0);
  t.deepEqual(heard(solo, { op: 'setData', path: '/hidden', data: null, version: -1 }), []);
});

test('checkWatches and removeWatches: each kind finds what it names and nothing else', (t) => {
  const set: readonly (readonly [keyof typeof kinds, (solo: Solo) => void])[] = [
    ['children', (solo) => void answerTo(solo, 1, { op: 'getChildren', path: '/w', watch: true })],
    ['data', (solo) => void answerTo(solo, 1, { op: 'getData', path: '/w', watch: true })],
    ['persistent', (solo) => void add(solo, '/w', 0)],
    ['recursive', (solo) => void add(solo, '/w', 1)],
  ];
  for (const [name, put] of set) {
    const solo = ready();
    put(solo);
    for (const [kind, n] of Object.entries(kinds)) {
      const found = kind === name || kind === 'any';
      t.is(check(solo, '/w', n), found ? 0 : -121, `${kind} looks for ${name}`);
      if (!found) t.is(remove(solo, '/w', n), -121);
    }
    t.is(remove(solo, '/w', kinds[name]), 0);
    t.deepEqual(solo.state.watches, noWatches);
    t.is(check(solo, '/w', kinds.any), -121);
  }
  const solo = ready();
  for (const [, put] of set) put(solo);
  t.is(remove(solo, '/w', kinds.any), 0);
  t.deepEqual(solo.state.watches, noWatches);
  t.is(check(solo, '/w', 0), -5);
  t.is(check(solo, '/w', 6), -5);
  t.is(check(solo, null, 3), -121);
});

test('removeWatches: the watch of another connection stays', (t) => {
  const solo = ready();
  t.is(answerTo(solo, 2, { op: 'addWatch', path: '/w', mode: 0 }).err, 0);
  t.is(remove(solo, '/w', kinds.any), -121);
  t.is(answerTo(solo, 2, { op: 'checkWatches', path: '/w', kind: 4 }).err, 0);
});

test('addWatch and its like behind a write are answered in their order', (t) => {
  const solo = ready();
  ask(solo, 1, 1, create('/w/first'));
  ask(solo, 1, 2, { op: 'addWatch', path: '/w', mode: 0 });
  ask(solo, 1, 3, create('/w/second'));
  const lines = told(commit(solo)).map((line) => line.replace(/ at .*/, ''));
  t.deepEqual(lines, ['1: reply 1 err 0', '1: reply 2 err 0', '1: event 4 /w', '1: reply 3 err 0']);
});

test('setWatches2: all five lists, each by its rule, what was missed in the order of the lists', (t) => {
  const solo = ready();
  for (const path of ['/same', '/changed', '/parent', '/made']) answerTo(solo, 2, create(path));
  const seen = zxid(solo.counter);
  answerTo(solo, 2, { op: 'setData', path: '/changed', data: null, version: -1 });
  answerTo(solo, 2, create('/parent/c'));
  const effects = ask(solo, 1, -8, {
    op: 'setWatches2',
    relativeZxid: seen,
    data: ['/same', '/changed', '/gone'],
    exist: ['/later', '/made'],
    child: ['/same', '/parent', '/gone'],
    persistent: ['/p'],
    persistentRecursive: ['/r'],
  });
  const lines = told(effects).map((line) => line.replace(/ at \d+$/, ''));
  t.deepEqual(lines, [
    '1: event 3 /changed at none',
    '1: event 2 /gone at none',
    '1: event 1 /made at none',
    '1: event 4 /parent at none',
    '1: event 2 /gone at none',
    '1: reply -8 err 0',
  ]);
  const left = (path: string): readonly number[] =>
    Object.values(kinds).filter((kind) => check(solo, path, kind) === 0);
  t.deepEqual(left('/same'), [1, 2, 3]);
  t.deepEqual(left('/later'), [2, 3]);
  t.deepEqual(left('/p'), [3, 4]);
  t.deepEqual(left('/r'), [3, 5]);
  for (const path of ['/changed', '/gone', '/made', '/parent']) t.deepEqual(left(path), []);
});

test('watches: whatever is added and removed, checkWatches says what a set of them would', (t) => {
  const path = fc.constantFrom('/w', '/w/c');
  const step = fc.oneof(
    fc.record({ does: fc.constant('add' as const), path, kind: fc.constantFrom(1, 2, 4, 5) }),
    fc.record({ does: fc.constant('remove' as const), path, kind: fc.constantFrom(1, 2, 3, 4, 5) }),
  );
  const request = (at: string, kind: number): ReadRequest => {
    if (kind === 1) return { op: 'getChildren', path: at, watch: true };
    if (kind === 2) return { op: 'exists', path: at, watch: true };
    return { op: 'addWatch', path: at, mode: kind === 4 ? 0 : 1 };
  };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const solo = ready();
      answerTo(solo, 2, create('/w/c'));
      const model = new Set<string>();
      const kindsAt = (at: string, kind: number): readonly string[] =>
        [...model].filter((m) => m.startsWith(`${at} `) && (kind === 3 || m === `${at} ${kind}`));
      for (const { does, path: at, kind } of steps) {
        if (does === 'add') {
          answerTo(solo, 1, request(at, kind));
          model.add(`${at} ${kind}`);
          continue;
        }
        const known = kindsAt(at, kind);
        if (remove(solo, at, kind) !== (known.length > 0 ? 0 : -121)) return false;
        for (const m of known) model.delete(m);
      }
      return ['/w', '/w/c'].every((at) =>
        [1, 2, 3, 4, 5].every((kind) => check(solo, at, kind) === (kindsAt(at, kind).length > 0 ? 0 : -121)),
      );
    }),
  );
  t.pass();
});
