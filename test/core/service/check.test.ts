import test from 'ava';
import { sequenceSuffix } from '../../../core/service/check.js';
import type { CreateRequest, MultiPart, Reply, WriteRequest } from '../../../core/service/request.js';
import { setKey } from '../../../core/data/hamt.js';
import { nodeAt, withChildren } from '../../../core/service/tree.js';
import type { Solo } from './support.js';
import {
  answerTo,
  anyone,
  ask,
  attach,
  bytes,
  commit,
  create,
  propose,
  readOnly,
  session,
  startSolo,
} from './support.js';

const ready = (...paths: readonly string[]): Solo => {
  const solo = startSolo();
  attach(solo, 1);
  for (const path of paths) answerTo(solo, 1, create(path));
  return solo;
};

const errOf = (solo: Solo, request: WriteRequest): number => answerTo(solo, 1, request).err;
const pathOf = (reply: Reply): string | null => (reply.body.type === 'path' ? reply.body.path : `err ${reply.err}`);

test('create: the first failing check gives the error', (t) => {
  const solo = ready('/ex');
  const noAcl = (path: string): CreateRequest => create(path, 0, '', []);
  t.is(errOf(solo, { ...create('/a'), path: null }), -5);
  t.is(errOf(solo, create('/a', 7)), -8);
  t.is(errOf(solo, create('/a', -1)), -8);
  t.is(errOf(solo, noAcl('/no/a')), -114);
  t.is(errOf(solo, noAcl('/ex')), -114);
  t.is(errOf(solo, create('/a', 0, '', null)), -114);
  t.is(errOf(solo, create('noslash', 0, '', [])), -8);
  t.is(errOf(solo, create('/a\0', 0, '', [])), -8);
  t.is(errOf(solo, create('/no/a')), -101);
  t.is(errOf(solo, create('/ex//y')), -101); // the parent /ex/ is looked up before the rules of paths
  t.is(errOf(solo, create('/ex/')), -8);
  t.is(errOf(solo, create('/')), -110);
  t.is(errOf(solo, create('/ex')), -110);
  t.is(errOf(solo, create('/zookeeper/config/x')), -102);
  t.is(errOf(solo, create('/zookeeper/quota/x')), 0);
  t.is(errOf(solo, create('/zookeeper/quota/zookeeper_limits')), -8);
  t.is(errOf(solo, create('/e', 1)), 0);
  t.is(errOf(solo, create('/e/x')), -108);
  t.is(errOf(solo, create('/four', 4)), 0); // opcode 1 with the flag of containers makes a plain node
});

test('create: without extended types TTL nodes are refused, and the connection stays', (t) => {
  const solo = ready();
  t.is(errOf(solo, create('/a', 5)), -6);
  t.is(errOf(solo, { ...create('/a', 6), op: 'createTTL', ttl: 0 }), -6);
  t.is(errOf(solo, { ...create('/a', 0), op: 'createTTL', ttl: -1 }), -8);
  t.is(errOf(solo, { ...create('/a', 5), op: 'createContainer' }), -6);
  t.is(errOf(solo, create('/a')), 0);
});

test('create: the sequence number counts all children ever created, failed and deleted ones aside', (t) => {
  const solo = ready('/q', '/q/a', '/q/b');
  t.is(errOf(solo, { op: 'delete', path: '/q/a', version: -1 }), 0);
  t.is(pathOf(answerTo(solo, 1, create('/q/s-', 2))), '/q/s-0000000002');
  t.is(pathOf(answerTo(solo, 1, create('/q/e-', 3))), '/q/e-0000000003');
  t.is(errOf(solo, create('/q/b')), -110);
  t.is(pathOf(answerTo(solo, 1, create('/q/', 2))), '/q/0000000004');
  t.is(sequenceSuffix(2147483647), '2147483647');
  t.is(sequenceSuffix((2147483647 + 1) | 0), '-2147483648');
  t.is(sequenceSuffix(-5), '-000000005');
});

test('create: behind 2^31-1 the sequence goes on at -2^31, settled or not, and pzxid rises with it', (t) => {
  const solo = ready('/q');
  const { tree } = solo.state.database;
  const q = nodeAt(tree, '/q');
  if (q === undefined) return t.fail();
  const nodes = setKey(tree.nodes, '/q', withChildren(q, q.children, 0x7ffffffe, q.pzxid));
  solo.state = { ...solo.state, database: { ...solo.state.database, tree: { ...tree, nodes } } };
  const next = (): string | null => pathOf(answerTo(solo, 1, create('/q/', 2)));
  t.deepEqual([next(), next(), next()], ['/q/2147483646', '/q/2147483647', '/q/-2147483648']);
  t.is(nodeAt(solo.state.database.tree, '/q')?.pzxid.counter, solo.counter);
  ask(solo, 1, 1, create('/q/', 2));
  ask(solo, 1, 2, create('/q/', 2));
  const paths = commit(solo).flatMap((e) => (e.type === 'Reply' ? [pathOf(e.reply)] : []));
  t.deepEqual(paths, ['/q/-2147483647', '/q/-2147483646']);
});

test('create: outstanding creations count too, within a multi and before it', (t) => {
  const solo = ready('/q');
  ask(solo, 1, 1, create('/q/x', 2));
  ask(solo, 1, 2, { op: 'multi', parts: [create('/q/y', 2), create('/q/y', 2)] });
  ask(solo, 1, 3, create('/q/x0000000000'));
  const replies = commit(solo).flatMap((e) => (e.type === 'Reply' ? [e.reply] : []));
  t.is(pathOf(replies[0] as Reply), '/q/x0000000000');
  t.deepEqual(replies[1]?.body, {
    type: 'multi',
    results: ['/q/y0000000001', '/q/y0000000002'].map((path) => ({ op: 'create', path })),
  });
  t.is(replies[2]?.err, -110);
});

test('delete: order of checks', (t) => {
  const solo = ready('/ex', '/ex/c');
  const del = (path: string | null, version = -1): number => errOf(solo, { op: 'delete', path, version });
  t.is(del(null), -5);
  for (const special of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) t.is(del(special), -8);
  t.is(del('x'), -8);
  t.is(del('/ex/'), -101);
  t.is(del('/no/x'), -101);
  t.is(del('/no'), -101);
  t.is(del('/ex', 5), -103); // not empty, too
  t.is(del('/ex', -2), -103);
  t.is(del('/ex'), -111);
  t.is(del('/ex/c', 0), 0);
  t.is(del('/ex'), 0);
});

test('delete and create need the permission on the parent, setData and setACL on the node', (t) => {
  const solo = ready('/p');
  answerTo(solo, 1, create('/p/c'));
  t.is(errOf(solo, { op: 'setACL', path: '/p', acl: readOnly, version: 0 }), 0);
  t.is(errOf(solo, create('/p/d')), -102);
  t.is(errOf(solo, { op: 'delete', path: '/p/none', version: -1 }), -102);
  t.is(errOf(solo, { op: 'delete', path: '/p/c', version: -1 }), -102);
  t.is(errOf(solo, { op: 'setData', path: '/p', data: null, version: 9 }), -102);
  t.is(errOf(solo, { op: 'setACL', path: '/p', acl: anyone, version: 9 }), -102);
  t.is(errOf(solo, { op: 'setData', path: '/p/c', data: null, version: -1 }), 0); // nothing is inherited
});

test('setData and setACL: order of checks and absolute versions', (t) => {
  const solo = ready('/ex');
  const set = (path: string | null, version = -1): Reply =>
    answerTo(solo, 1, { op: 'setData', path, data: bytes('x'), version });
  t.is(set(null).err, -5);
  t.is(set('').err, -8);
  t.is(set('/ex/').err, -8);
  t.is(set('/no').err, -101);
  t.is(set('/ex', 1).err, -103);
  t.is(set('/ex', -2).err, -103);
  t.like(set('/ex', 0).body, { stat: { version: 1, dataLength: 1 } });
  t.is(set('/').err, 0);
  t.is(set('/zookeeper').err, 0);
  t.is(set('/zookeeper/config').err, -102);
  const setAcl = (path: string | null, acl = anyone, version = -1): Reply =>
    answerTo(solo, 1, { op: 'setACL', path, acl, version });
  t.is(setAcl(null).err, -5);
  t.is(setAcl('/ex/', []).err, -8);
  t.is(setAcl('/no', []).err, -114);
  t.is(setAcl('/no').err, -101);
  t.is(setAcl('/ex', anyone, 1).err, -103);
  t.like(setAcl('/ex', anyone, 0).body, { stat: { version: 1, aversion: 1 } });
});

test('multi: parts see those before them; a failure undoes all and names the place', (t) => {
  const solo = ready('/a');
  const multi = (...parts: readonly MultiPart[]): Reply => answerTo(solo, 1, { op: 'multi', parts });
  const fine = multi(
    create('/m'),
    { op: 'setData', path: '/m', data: bytes('1'), version: 0 },
    { op: 'check', path: '/m', version: 1 },
    { op: 'delete', path: '/m', version: 1 },
    { op: 'delete', path: '/a', version: -1 },
  );
  t.is(fine.err, 0);
  t.true(fine.body.type === 'multi' && fine.body.results.every((r) => r.op !== 'error'));
  const failed = multi(
    create('/b'),
    { op: 'check', path: '/b', version: 7 },
    { op: 'delete', path: '/nope', version: -1 },
  );
  t.is(failed.err, 0);
  t.deepEqual(failed.body, { type: 'multi', results: [0, -103, -2].map((err) => ({ op: 'error', err })) });
  t.is(errOf(solo, create('/b')), 0);
  t.deepEqual(multi(), {
    xid: 1,
    zxid: { epoch: 1, counter: solo.counter },
    err: 0,
    body: { type: 'multi', results: [] },
  });
  t.is(solo.leader.outstanding.size, 0);
});

test('multi: a failed one leaves nothing outstanding for the requests behind it', (t) => {
  const solo = ready('/q');
  ask(solo, 1, 1, {
    op: 'multi',
    parts: [create('/q/s', 2), create('/e', 1), { op: 'delete', path: '/no', version: -1 }],
  });
  ask(solo, 1, 2, create('/q/s', 2));
  ask(solo, 1, 3, create('/e'));
  const replies = commit(solo).flatMap((e) => (e.type === 'Reply' ? [e.reply] : []));
  t.is(pathOf(replies[1] as Reply), '/q/s0000000000');
  t.is(pathOf(replies[2] as Reply), '/e');
});

test('a failed request takes a zxid like any other; one that cannot be read is refused here and takes none', (t) => {
  const solo = ready();
  const before = solo.counter;
  t.is(errOf(solo, { op: 'delete', path: '/no', version: -1 }), -101);
  t.is(answerTo(solo, 1, { op: 'multi', parts: [] }).zxid?.counter, before + 2);
});

test('a write that cannot be read is answered in its turn by the server that it came to, and goes no further', (t) => {
  const solo = ready('/m');
  const before = solo.counter;
  ask(solo, 1, 1, create('/m/a'));
  ask(solo, 1, 2, { op: 'invalid', err: -5 });
  const replies = commit(solo).flatMap((e) => (e.type === 'Reply' ? [[e.reply.xid, e.reply.err]] : []));
  t.deepEqual(replies, [
    [1, 0],
    [2, -5],
  ]);
  t.is(solo.counter, before + 1); // of the create alone
});

test('checks run against all that is accepted, and forget it once it is applied', (t) => {
  const solo = ready('/p');
  ask(solo, 1, 1, create('/p/c'));
  ask(solo, 1, 2, { op: 'delete', path: '/p', version: -1 });
  ask(solo, 1, 3, { op: 'delete', path: '/p/c', version: -1 });
  ask(solo, 1, 4, { op: 'delete', path: '/p', version: -1 });
  ask(solo, 1, 5, create('/p/c'));
  const errs = (count: number): readonly number[] =>
    commit(solo, count).flatMap((e) => (e.type === 'Reply' ? [e.reply.err] : []));
  t.deepEqual(errs(2), [0, -111]);
  t.is(solo.leader.outstanding.size, 3); // the root, /p and /p/c
  t.deepEqual(errs(3), [0, 0, -101]);
  t.is(solo.leader.outstanding.size, 0);
});

test('closeSession: names the ephemeral nodes, outstanding ones too, and ends the session for writes', (t) => {
  const solo = ready();
  const own = attach(solo, 2).session;
  answerTo(solo, 2, create('/e1', 1));
  answerTo(solo, 2, create('/e2', 1));
  ask(solo, 2, 3, create('/e3', 1));
  ask(solo, 2, 4, { op: 'delete', path: '/e1', version: -1 });
  ask(solo, 2, 5, create('/e4', 1));
  ask(solo, 2, 6, { op: 'delete', path: '/e4', version: -1 });
  ask(solo, 1, 1, create('/e4'));
  const close = propose(solo, { session: own, cxid: 0, request: { op: 'closeSession' }, identities: [] }, 1);
  t.deepEqual(close.record, { type: 'closeSession', paths: ['/e2', '/e3'] });
  const late = propose(solo, { session: own, cxid: 9, request: create('/late'), identities: [] }, 1);
  t.deepEqual(late.record, { type: 'error', err: -112 });
  commit(solo);
  t.is(solo.leader.creations.size, 0);
  t.is(solo.leader.expiry.sessions.size, 1);
});

test('closeSession: an ephemeral node that is created again while its first creation is applied is not forgotten', (t) => {
  const solo = ready();
  const own = attach(solo, 2).session;
  ask(solo, 2, 1, create('/e', 1));
  ask(solo, 2, 2, { op: 'delete', path: '/e', version: -1 });
  ask(solo, 2, 3, create('/e', 1));
  commit(solo, 2);
  const close = propose(solo, { session: own, cxid: 0, request: { op: 'closeSession' }, identities: [] }, 1);
  t.deepEqual(close.record, { type: 'closeSession', paths: ['/e'] });
});

test('a parent may be deleted behind the closeSession that empties it', (t) => {
  const solo = ready('/p');
  const own = attach(solo, 2).session;
  answerTo(solo, 2, create('/p/e', 1));
  propose(solo, { session: own, cxid: 0, request: { op: 'closeSession' }, identities: [] }, 1);
  ask(solo, 1, 2, { op: 'delete', path: '/p', version: -1 });
  t.true(commit(solo).some((e) => e.type === 'Reply' && e.conn === 1 && e.reply.err === 0));
});

test('a write from a server where the session does not live is SESSIONMOVED, in a multi too', (t) => {
  const solo = ready();
  const own = attach(solo, 2).session;
  const from = (origin: number, request: WriteRequest) =>
    propose(solo, { session: own, cxid: 1, request, identities: [] }, origin).record;
  t.deepEqual(from(2, create('/x')), { type: 'error', err: -118 });
  t.deepEqual(from(2, { op: 'multi', parts: [create('/x'), create('/y')] }), {
    type: 'multi',
    parts: [
      { type: 'error', err: -118 },
      { type: 'error', err: -2 },
    ],
  });
  t.is(from(1, create('/x')).type, 'create');
  t.deepEqual(propose(solo, { session: session(77), cxid: 1, request: create('/x'), identities: [] }, 1).record, {
    type: 'error',
    err: -112,
  });
});
