/** Reads that are not about one node's data: getEphemerals, getAllChildrenNumber, whoAmI, multiRead; and reconfig. */
import test from 'ava';
import type { ReplyBody } from '../../../core/service/request.js';
import type { Solo } from './support.js';
import { answerTo, ask, attach, bytes, commit, create, startSolo, told } from './support.js';

const ready = (...paths: readonly string[]): Solo => {
  const solo = startSolo();
  attach(solo, 1);
  for (const path of paths) answerTo(solo, 1, create(path));
  return solo;
};

const listed = (body: ReplyBody): readonly string[] | string =>
  body.type === 'children' ? [...body.children].sort() : body.type;

test('getEphemerals: those of the session, by a plain prefix of the text', (t) => {
  const solo = ready('/ep', '/p');
  attach(solo, 2);
  for (const path of ['/ep/a', '/eph', '/ephx', '/p/z']) answerTo(solo, 1, create(path, 1));
  answerTo(solo, 2, create('/ep/other', 1));
  const of = (prefix: string | null, conn = 1): readonly string[] | string =>
    listed(answerTo(solo, conn, { op: 'getEphemerals', prefix }).body);
  const all = ['/ep/a', '/eph', '/ephx', '/p/z'];
  for (const prefix of [null, '', '  ', '/']) t.deepEqual(of(prefix), all, String(prefix));
  t.deepEqual(of('/ep'), ['/ep/a', '/eph', '/ephx']);
  t.deepEqual(of('/eph'), ['/eph', '/ephx']);
  t.deepEqual(of('/none'), []);
  t.deepEqual(of('/', 2), ['/ep/other']);
});

test('getAllChildrenNumber: all descendants, those of the system among those of the root', (t) => {
  const solo = ready('/a', '/a/b', '/a/b/c', '/ab');
  const count = (path: string | null): number | string => {
    const { err, body } = answerTo(solo, 1, { op: 'getAllChildrenNumber', path });
    return body.type === 'count' ? body.count : `err ${err}`;
  };
  t.is(count('/a'), 2);
  t.is(count('/a/b/c'), 0);
  t.is(count('/'), 7); // four of ours, /zookeeper and the two below it
  t.is(count(''), 7);
  t.is(count('/zookeeper'), 2);
  t.is(count('/none'), 'err -101');
  t.is(count(null), 'err -5');
  answerTo(solo, 1, { ...create('/shut'), acl: [{ perms: 30, scheme: 'world', id: 'anyone' }] });
  t.is(count('/shut'), 'err -102');
});

test('whoAmI: every identity, of a digest the user alone', (t) => {
  const solo = ready();
  ask(solo, 1, -4, { op: 'auth', scheme: 'digest', auth: bytes('bob:pw') });
  t.deepEqual(answerTo(solo, 1, { op: 'whoAmI' }).body, {
    type: 'identities',
    identities: [
      { scheme: 'ip', id: '127.0.0.1' },
      { scheme: 'digest', id: 'bob' },
    ],
  });
});

test('multiRead: each part succeeds or fails by itself, and leaves no watch', (t) => {
  const solo = ready('/m', '/m/c');
  const { err, body } = answerTo(solo, 1, {
    op: 'multiRead',
    parts: [
      { op: 'getData', path: '/m', watch: true },
      { op: 'getChildren', path: '/m', watch: true },
      { op: 'getData', path: '/none', watch: true },
    ],
  });
  t.is(err, 0);
  t.like(body, {
    type: 'multi',
    results: [
      { op: 'getData', stat: { numChildren: 1 } },
      { op: 'getChildren', children: ['c'] },
      { op: 'error', err: -101 },
    ],
  });
  t.is(answerTo(solo, 1, { op: 'checkWatches', path: '/m', kind: 3 }).err, -121);
  t.deepEqual(answerTo(solo, 1, { op: 'multiRead', parts: [] }).body, { type: 'multi', results: [] });
});

test('multiRead behind a write sees it', (t) => {
  const solo = ready('/m');
  ask(solo, 1, 1, { op: 'setData', path: '/m', data: bytes('new'), version: -1 });
  ask(solo, 1, 2, { op: 'multiRead', parts: [{ op: 'getData', path: '/m', watch: false }] });
  const reply = commit(solo).findLast((e) => e.type === 'Reply');
  t.like(reply, { reply: { xid: 2, body: { results: [{ op: 'getData', stat: { version: 1 } }] } } });
});

test('reconfig where it is not enabled is answered with RECONFIGDISABLED in its turn, and the connection stays', (t) => {
  const solo = ready('/m');
  const before = solo.counter;
  ask(solo, 1, 1, create('/m/a'));
  ask(solo, 1, 2, { op: 'reconfig', joining: null, leaving: '3', members: null, version: null });
  t.deepEqual(
    told(commit(solo)).map((line) => line.replace(/ at .*/, '')),
    ['1: reply 1 err 0', '1: reply 2 err -123'],
  );
  t.is(solo.counter, before + 2);
  t.is(answerTo(solo, 1, { op: 'exists', path: '/m/a', watch: false }).err, 0);
});
