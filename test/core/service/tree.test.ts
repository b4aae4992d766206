import test from 'ava';
import { getKey } from '../../../core/data/hamt.js';
import { applyTxn } from '../../../core/service/apply.js';
import { freshDatabase, fromSnapshot, toSnapshot } from '../../../core/service/database.js';
import type { Database } from '../../../core/service/database.js';
import {
  containerOwner,
  ephemeralsOf,
  isEphemeral,
  nodeAt,
  reapableOf,
  sessionsWithEphemerals,
  statOf,
  ttlOwner,
} from '../../../core/service/tree.js';
import type { TxnRecord } from '../../../core/service/txn.js';
import { noSession } from '../../../core/service/txn.js';
import { bytes, created, readOnly, session, shown, txn, zxid } from './support.js';

const after = (records: readonly TxnRecord[], from = freshDatabase()): Database =>
  records.reduce((database, record, i) => applyTxn(database, txn(i + 1, record)).database, from);

const statAt = (database: Database, path: string) => {
  const node = nodeAt(database.tree, path);
  return node === undefined ? null : statOf(node);
};

test('tree: a fresh server shows cversion -1 at the root and -2 at /zookeeper', (t) => {
  const fresh = freshDatabase();
  t.is(statAt(fresh, '/')?.cversion, -1);
  t.is(statAt(fresh, '')?.cversion, -1);
  t.is(statAt(fresh, '/zookeeper')?.cversion, -2);
  t.is(statAt(fresh, '/zookeeper/config')?.aversion, -1);
  t.is(statAt(after([created('/a', 1)]), '/')?.cversion, 0);
});

test('tree: Stat changes as the table of the protocol says', (t) => {
  const one = after([created('/a', 1)]);
  t.like(statAt(one, '/a'), { czxid: zxid(1), mzxid: zxid(1), pzxid: zxid(1), ctimeMs: 100, mtimeMs: 100, version: 0 });
  const records: readonly TxnRecord[] = [
    created('/a', 1),
    { type: 'setData', path: '/a', data: bytes('xyz'), version: 1 },
    created('/a/b', 1),
    { type: 'setACL', path: '/a', acl: readOnly, version: 1 },
    { type: 'setData', path: '/a/b', data: null, version: 1 },
    created('/a/b/c', 1),
    { type: 'delete', path: '/a/b/c' },
    created('/a/d', 2),
    { type: 'delete', path: '/a/d' },
  ];
  t.deepEqual(statAt(after(records), '/a'), {
    czxid: zxid(1),
    mzxid: zxid(2),
    ctimeMs: 100,
    mtimeMs: 200,
    version: 1,
    cversion: 3, // two creations, one deletion
    aversion: 1,
    ephemeralOwner: noSession,
    dataLength: 3,
    numChildren: 1,
    pzxid: zxid(9),
  });
  t.is(statAt(after(records), '/a/b')?.dataLength, 0);
});

test('tree: containers and TTL nodes keep their marks, which clients never see', (t) => {
  const database = after([
    { type: 'createContainer', path: '/c', data: null, acl: readOnly, parentCVersion: 1 },
    { type: 'createTTL', path: '/t', data: null, acl: readOnly, parentCVersion: 2, ttl: 3600000 },
  ]);
  t.is(nodeAt(database.tree, '/c')?.owner, containerOwner);
  t.is(nodeAt(database.tree, '/t')?.owner, 'ff0000000036ee80');
  t.is(statAt(database, '/c')?.ephemeralOwner, noSession);
  t.is(statAt(database, '/t')?.ephemeralOwner, noSession);
  t.is(ttlOwner(0xffffffffff), 'ff0000ffffffffff');
  t.false(isEphemeral(containerOwner) || isEphemeral(ttlOwner(1)) || isEphemeral(noSession));
  t.deepEqual(reapableOf(database.tree), ['/c', '/t']);
  t.deepEqual(sessionsWithEphemerals(database.tree), []);
});

test('tree: creating what exists keeps the node, takes the ACL and raises the parent', (t) => {
  const one = after([created('/a', 1), { type: 'setData', path: '/a', data: bytes('new'), version: 1 }]);
  const again = applyTxn(one, txn(3, created('/a', 7, false, readOnly)));
  t.is(again.result.err, -110);
  t.is(again.changes.length, 0);
  const node = nodeAt(again.database.tree, '/a');
  t.deepEqual(node?.data, bytes('new'));
  t.deepEqual(node?.acl, readOnly);
  t.is(node?.version, 1);
  t.like(nodeAt(again.database.tree, '/'), { cversion: 7, pzxid: zxid(3) });
  for (const count of [2, 7]) {
    const lower = applyTxn(again.database, txn(4, created('/a', count)));
    t.like(nodeAt(lower.database.tree, '/'), { cversion: 7, pzxid: zxid(3) });
  }
});

test('tree: -1 as the parent count, the form of old logs, is one more', (t) => {
  t.is(nodeAt(after([created('/a', -1), created('/b', -1)]).tree, '/')?.cversion, 2);
});

test('tree: what is not there is an error and no exception', (t) => {
  const fresh = freshDatabase();
  const errOf = (record: TxnRecord): number => applyTxn(fresh, txn(5, record)).result.err;
  t.is(errOf(created('/no/a', 1)), -101);
  t.is(errOf({ type: 'delete', path: '/no/a' }), -101);
  t.is(errOf({ type: 'setData', path: '/no', data: null, version: 1 }), -101);
  t.is(errOf({ type: 'setACL', path: '/no', acl: readOnly, version: 1 }), -101);
  t.is(errOf({ type: 'delete', path: '/' }), -101);
  t.is(errOf(created('/', 1)), -110);
  t.is(errOf(created('nothing', 1)), -8);
  const gone = applyTxn(fresh, txn(5, { type: 'delete', path: '/no' }));
  t.is(gone.result.err, -101);
  t.deepEqual(nodeAt(gone.database.tree, '/')?.pzxid, zxid(5));
});

test('tree: closing a session deletes the listed nodes, then those that still belong to it', (t) => {
  const open = after([
    { type: 'createSession', timeoutMs: 4000 },
    created('/a', 1, true),
    created('/b', 2, true),
    created('/c', 3),
  ]);
  t.deepEqual(ephemeralsOf(open.tree, session(1)), ['/a', '/b']);
  t.is(getKey(open.sessions, session(1)), 4000);
  const closed = applyTxn(open, txn(5, { type: 'closeSession', paths: ['/b'] }));
  t.deepEqual(
    closed.changes.map((c) => `${c.type} ${c.path}`),
    ['deleted /b', 'deleted /a'],
  );
  t.is(closed.database.tree.ephemerals.size, 0);
  t.is(closed.database.sessions.size, 0);
  t.is(statAt(closed.database, '/a'), null);
  t.not(statAt(closed.database, '/c'), null);
  const withoutBody = applyTxn(open, txn(5, { type: 'closeSession', paths: null }));
  t.deepEqual(shown(withoutBody.database.tree), shown(closed.database.tree));
});

test('tree: a multi is all or nothing and tells each part its result', (t) => {
  const one = after([created('/a', 1)]);
  const fine = applyTxn(
    one,
    txn(2, {
      type: 'multi',
      parts: [
        { type: 'create2', path: '/b', data: bytes('1'), acl: readOnly, ephemeral: false, parentCVersion: 2 },
        { type: 'setData', path: '/b', data: bytes('22'), version: 1 },
        { type: 'check', path: '/a', version: 1 },
        { type: 'delete', path: '/a' },
        created('/d', 3),
      ],
    }),
  );
  t.is(fine.result.err, 0);
  const body = fine.result.body;
  t.is(body.type, 'multi');
  if (body.type !== 'multi') return;
  t.deepEqual(
    body.results.map((r) => r.op),
    ['create2', 'setData', 'check', 'delete', 'create'],
  );
  // Each Stat is that of its own moment.
  t.like(body.results[0], { path: '/b', stat: { version: 0, dataLength: 1 } });
  t.like(body.results[1], { stat: { version: 1, dataLength: 2 } });
  t.deepEqual(
    fine.changes.map((c) => `${c.type} ${c.path}`),
    ['created /b', 'dataChanged /b', 'deleted /a', 'created /d'],
  );

  const failed = applyTxn(
    one,
    txn(2, {
      type: 'multi',
      parts: [created('/b', 2), { type: 'error', err: -103 }, { type: 'error', err: -2 }],
    }),
  );
  t.is(failed.result.err, 0);
  t.deepEqual(failed.result.body, {
    type: 'multi',
    results: [0, -103, -2].map((err) => ({ op: 'error', err })),
  });
  t.is(failed.database.tree, one.tree);
  t.deepEqual(failed.database.zxid, zxid(2));
});

test('tree: a snapshot is exact, pre-order and untouched by what comes later', (t) => {
  const records: TxnRecord[] = [{ type: 'createSession', timeoutMs: 4000 }, created('/a', 1), created('/b', 2, true)];
  for (let i = 0; i < 100; i++) records.push(created(`/a/${i}`, i + 1, false, i % 2 === 0 ? readOnly : undefined));
  records.push(created('/a/7/x', 1));
  const database = after(records);
  const snapshot = toSnapshot(database);
  const before = [...snapshot.nodes];
  applyTxn(database, txn(999, { type: 'delete', path: '/a/5' }));
  t.deepEqual([...snapshot.nodes], before);
  t.is(before.length, 107);
  t.is(before[0]?.path, '');
  const seen = new Set<string>();
  for (const { path } of before) {
    t.true(path === '' || seen.has(path.slice(0, path.lastIndexOf('/'))), path);
    seen.add(path);
  }
  const loaded = fromSnapshot(snapshot, database.zxid);
  if ('refused' in loaded) return t.fail();
  t.deepEqual(shown(loaded.database.tree), shown(database.tree));
  t.deepEqual(ephemeralsOf(loaded.database.tree, session(1)), ['/b']);
  t.deepEqual([...toSnapshot(loaded.database).sessions], [{ session: session(1), timeoutMs: 4000 }]);
});

test('tree: a snapshot may come in any order that has parents first, and nothing else', (t) => {
  const database = after([created('/a', 1), created('/a/b', 1), created('/c', 2), created('/a/b/d', 1)]);
  const nodes = [...toSnapshot(database).nodes];
  const byDepth = [...nodes].sort((x, y) => x.path.split('/').length - y.path.split('/').length);
  const loaded = fromSnapshot({ sessions: [], nodes: byDepth }, database.zxid);
  if ('refused' in loaded) return t.fail(loaded.path);
  t.deepEqual(shown(loaded.database.tree), shown(database.tree));
  t.deepEqual(fromSnapshot({ sessions: [], nodes: nodes.filter((n) => n.path !== '/a') }, zxid(1)), {
    refused: 'OrphanNode',
    path: '/a/b',
  });
  t.deepEqual(fromSnapshot({ sessions: [], nodes: [] }, zxid(1)), { refused: 'OrphanNode', path: '' });
  const old = fromSnapshot({ sessions: [], nodes: nodes.filter((n) => n.path !== '/zookeeper/config') }, zxid(4));
  if ('refused' in old) return t.fail(old.path);
  t.deepEqual(shown(old.database.tree), shown(database.tree));
});
