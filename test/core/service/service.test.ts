import test from 'ava';
import { sessionPassword } from '../../../core/service/password.js';
import type { ClientRequest } from '../../../core/service/request.js';
import {
  freshService,
  outstanding,
  restore,
  serviceStep,
  snapshotOf,
  takeTouched,
} from '../../../core/service/service.js';
import type { ServiceEvent } from '../../../core/service/service.js';
import { noSession } from '../../../core/service/txn.js';
import {
  answerRevalidation,
  answerTo,
  ask,
  attach,
  bytes,
  commit,
  connectRequest,
  create,
  propose,
  send,
  session,
  shown,
  shownEphemerals,
  startSolo,
  told,
  zxid,
} from './support.js';
import type { Solo } from './support.js';

const firstId = '0100000a740a0000';
const read = (path: string): ClientRequest => ({ op: 'exists', path, watch: false });
const connect = (solo: Solo, conn: number, from: Parameters<typeof connectRequest>[0]) => {
  send(solo, { type: 'ClientConnected', conn, address: '127.0.0.1' });
  return send(solo, { type: 'ConnectReceived', conn, request: connectRequest(from) });
};
const reattach = (solo: Solo, conn: number, id: string, from: Parameters<typeof connectRequest>[0] = {}) =>
  connect(solo, conn, { session: id, password: sessionPassword(id), ...from });

test('ConnectReceived: a new session is answered when its transaction is applied', (t) => {
  const solo = startSolo();
  t.deepEqual(connect(solo, 1, { timeoutMs: 6000 }), []);
  t.like(solo.pending[0], { txn: { session: firstId, cxid: 0, record: { type: 'createSession', timeoutMs: 6000 } } });
  const [response] = commit(solo);
  t.deepEqual(response, {
    type: 'Respond',
    conn: 1,
    response: { timeoutMs: 6000, session: firstId, password: sessionPassword(firstId), readOnly: false },
  });
  t.is(attach(solo, 2).session, '0100000a740a0001');
});

test('ConnectReceived: timeouts are clamped, the readOnly byte is mirrored', (t) => {
  const solo = startSolo();
  const given = [1, 0, -5, 1e8, 5000].map((timeoutMs, i) => attach(solo, i, timeoutMs).timeoutMs);
  t.deepEqual(given, [4000, 4000, 4000, 40000, 5000]);
  connect(solo, 9, { readOnly: undefined });
  t.like(commit(solo)[0], { response: { readOnly: undefined } });
});

test('ConnectReceived: a client that has seen more is closed without a reply; a negative zxid is fine', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  t.deepEqual(told(connect(solo, 2, { lastZxidSeen: zxid(2) })), ['2: close, client is ahead']);
  t.deepEqual(told(connect(solo, 3, { lastZxidSeen: zxid(1) })), []);
  t.deepEqual(told(connect(solo, 4, { lastZxidSeen: zxid(0xffffffff, 0xffffffff) })), []);
});

test('ConnectReceived: what a leader of this epoch showed is not ahead', (t) => {
  let state = freshService();
  const step = (event: ServiceEvent): readonly string[] => {
    const next = serviceStep(state, event);
    state = next.state;
    return told(next.effects);
  };
  const start = { type: 'StartServing', firstSession: firstId, tickTimeMs: 2000, minSessionTimeoutMs: 4000 } as const;
  step({ ...start, maxSessionTimeoutMs: 40000, zxid: zxid(0, 3) });
  step({ type: 'ClientConnected', conn: 1, address: '::1' });
  t.deepEqual(step({ type: 'ConnectReceived', conn: 1, request: connectRequest({ lastZxidSeen: zxid(0, 3) }) }), [
    'Forward',
  ]);
});

test('ConnectReceived: a session goes on at a new connection, once the leader says so', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  send(solo, { type: 'ClientClosed', conn: 1 });
  t.deepEqual(reattach(solo, 2, own, { timeoutMs: 10000 }), []);
  t.deepEqual(solo.asked, [own]);
  t.deepEqual(ask(solo, 2, 5, read('/')), []); // waits
  t.is(outstanding(solo.state, 2), 1);
  t.deepEqual(told(answerRevalidation(solo)), [`2: session ${own} for 10000`, '2: reply 5 err 0 at 1']);
  t.is(outstanding(solo.state, 2), 0);
});

test('ConnectReceived: an unknown session or a wrong password reads as expired', (t) => {
  const solo = startSolo();
  const expired = { timeoutMs: 0, session: noSession, password: new Uint8Array(16), readOnly: false };
  t.deepEqual(reattach(solo, 1, session(5)), []);
  ask(solo, 1, 1, read('/'));
  t.deepEqual(answerRevalidation(solo), [
    { type: 'Respond', conn: 1, response: expired },
    { type: 'CloseClient', conn: 1, reason: 'session not valid' },
  ]);
  const { session: own } = attach(solo, 2);
  for (const password of [null, new Uint8Array(16), new Uint8Array(3)])
    t.deepEqual(told(connect(solo, 3, { session: own, password })), [
      `3: session ${noSession} for 0`,
      '3: close, session not valid',
    ]);
  t.is(answerTo(solo, 2, read('/')).err, 0); // the living connection was not cut
});

test('ConnectReceived: the older connection of a session at this server is closed', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  ask(solo, 1, 3, create('/a'));
  t.deepEqual(told(reattach(solo, 2, own)), ['1: close, attached elsewhere']);
  answerRevalidation(solo);
  ask(solo, 2, 3, create('/b'));
  ask(solo, 2, 4, read('/a'));
  // The transaction of the old connection answers nobody; the new one's request with the same xid waits for its own.
  t.deepEqual(told(commit(solo, 1)), []);
  t.deepEqual(told(commit(solo, 1)), ['2: reply 3 err 0 at 3', '2: reply 4 err 0 at 3']);
  t.deepEqual(told(send(solo, { type: 'ClientClosed', conn: 1 })), []);
  t.is(answerTo(solo, 2, read('/')).err, 0);
});

test('ConnectReceived: the second of two waiting connections gets the answer', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  reattach(solo, 2, own);
  t.deepEqual(told(reattach(solo, 3, own)), ['2: close, attached elsewhere']);
  t.deepEqual(told(answerRevalidation(solo)), [`3: session ${own} for 6000`]);
});

test('ConnectReceived: a second one, or a request before the first, is out of protocol', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  t.deepEqual(told(send(solo, { type: 'ConnectReceived', conn: 1, request: connectRequest() })), [
    '1: close, out of protocol',
  ]);
  send(solo, { type: 'ClientConnected', conn: 2, address: '' });
  t.deepEqual(told(ask(solo, 2, 1, read('/'))), ['2: close, out of protocol']);
  const gone = serviceStep(solo.state, { type: 'RequestReceived', conn: 2, xid: 1, request: read('/') });
  t.is(gone.state, solo.state);
  t.deepEqual(gone.effects, []);
});

test('RequestReceived: replies keep the order of requests; a read behind a write sees it', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, read('/a'));
  ask(solo, 1, 2, create('/a'));
  ask(solo, 1, 3, { op: 'getChildren', path: '/', watch: false });
  ask(solo, 1, 4, { op: 'sync', path: '/x' });
  ask(solo, 1, 77, { op: 'ping' });
  ask(solo, 1, 5, { op: 'delete', path: '/a', version: -1 });
  ask(solo, 1, 6, read('/a'));
  ask(solo, 1, 7, { op: 'unreadable', err: -5 });
  t.is(outstanding(solo.state, 1), 7);
  t.deepEqual(told(commit(solo, 1)), ['1: reply 2 err 0 at 2', '1: reply 3 err 0 at 2']);
  const synced = commit(solo, 1);
  t.deepEqual(told(synced), ['1: reply 4 err 0 at 2', '1: reply -2 err 0 at 2']);
  t.like(synced[0], { reply: { body: { type: 'path', path: '/x' } } });
  t.deepEqual(told(commit(solo)), ['1: reply 5 err 0 at 3', '1: reply 6 err -101 at 3', '1: reply 7 err -5 at 3']);
  t.is(outstanding(solo.state, 1), 0);
  t.is(solo.state.forwarded.size, 0);
});

test('RequestReceived: a write that is applied before an earlier sync is answered waits for it', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, { op: 'sync', path: null });
  ask(solo, 1, 2, create('/a'));
  const [sync, write] = solo.pending.splice(0);
  solo.pending.push(write as (typeof solo.pending)[0], sync as (typeof solo.pending)[0]);
  t.deepEqual(told(commit(solo, 1)), []);
  t.deepEqual(told(commit(solo, 1)), ['1: reply 1 err 0 at 2', '1: reply 2 err 0 at 2']);
});

test('RequestReceived: auth counts from its arrival, its answer carries zxid 0 and keeps its place', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, create('/a'));
  ask(solo, 1, -4, { op: 'auth', scheme: 'digest', auth: bytes('u:p') });
  ask(solo, 1, 2, create('/mine', 0, '', [{ perms: 31, scheme: 'auth', id: '' }]));
  ask(solo, 1, 3, read('/mine'));
  t.deepEqual(told(commit(solo)), [
    '1: reply 1 err 0 at 2',
    '1: reply -4 err 0 at 0',
    '1: reply 2 err 0 at 3',
    '1: reply 3 err 0 at 3',
  ]);
  t.deepEqual(told(ask(solo, 1, -4, { op: 'auth', scheme: 'sasl', auth: null })), [
    '1: reply -4 err -115 at 0',
    '1: close, authentication failed',
  ]);
  t.is(solo.state.conns.size, 0);
});

test('RequestReceived: a read that waits is judged by the identities of its arrival', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, -4, { op: 'auth', scheme: 'digest', auth: bytes('u:p') });
  answerTo(solo, 1, create('/mine', 0, '', [{ perms: 31, scheme: 'auth', id: '' }]));
  attach(solo, 2);
  ask(solo, 2, 1, create('/b'));
  ask(solo, 2, 2, read('/mine'));
  ask(solo, 2, -4, { op: 'auth', scheme: 'digest', auth: bytes('u:p') });
  ask(solo, 2, 3, read('/mine'));
  t.deepEqual(
    commit(solo).map((e) => (e.type === 'Reply' ? e.reply.err : 1)),
    [0, -102, 0, 0],
  );
});

test('RequestReceived: an unknown operation is refused in its place with zxid -1, then closed', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, create('/a'));
  ask(solo, 1, 2, { op: 'unknown', opcode: 999 });
  ask(solo, 1, 3, read('/'));
  t.deepEqual(told(commit(solo)), [
    '1: reply 1 err 0 at 2',
    '1: reply 2 err -6 at none',
    '1: close, unknown operation',
  ]);
  attach(solo, 2);
  t.deepEqual(told(ask(solo, 2, 1, { op: 'createSession', timeoutMs: 1 })), [
    '2: reply 1 err -6 at none',
    '2: close, unknown operation',
  ]);
});

test('RequestReceived: closeSession is answered, then closed; what follows it is dropped', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  answerTo(solo, 1, create('/e', 1));
  ask(solo, 1, 8, { op: 'closeSession' });
  ask(solo, 1, 9, create('/no'));
  t.deepEqual(told(commit(solo)), ['1: reply 8 err 0 at 3', '1: close, session closed']);
  t.is(solo.state.database.sessions.size, 0);
  t.is(solo.state.forwarded.size, 0);
  attach(solo, 2);
  t.is(answerTo(solo, 2, read('/e')).err, -101);
  t.is(answerTo(solo, 2, read('/no')).err, -101);
});

test('RequestReceived: the empty path reads the root, a bad one is NONODE, a null one MARSHALLINGERROR', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  for (const op of ['exists', 'getData', 'getChildren', 'getChildren2', 'getACL'] as const) {
    t.is(answerTo(solo, 1, { op, path: '', watch: false }).err, 0);
    t.is(answerTo(solo, 1, { op, path: 'bad//', watch: false }).err, -101);
    t.is(answerTo(solo, 1, { op, path: null, watch: false }).err, -5);
  }
  t.is(answerTo(solo, 1, { op: 'getData', path: '/\0', watch: false }).err, -101);
  t.is(answerTo(solo, 1, { op: 'exists', path: '/\0', watch: false }).err, -8);
  t.deepEqual(answerTo(solo, 1, { op: 'sync', path: null }).body, { type: 'path', path: null });
});

test('Applied: SESSIONMOVED closes the connection without a reply, from a multi too', (t) => {
  for (const request of [create('/a'), { op: 'multi', parts: [create('/a')] } as const]) {
    const solo = startSolo();
    const { session: own } = attach(solo, 1);
    const parts = [{ type: 'error', err: -118 }] as const;
    ask(solo, 1, 4, request);
    solo.pending.length = 0;
    const record = request.op === 'multi' ? ({ type: 'multi', parts } as const) : parts[0];
    const txn = { session: own, cxid: 4, zxid: zxid(9), timeMs: 1, record, digest: null };
    t.deepEqual(told(send(solo, { type: 'Applied', txn })), ['1: close, session moved']);
  }
});

test('Applied: a transaction of another server’s client is not mistaken for an answer', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  ask(solo, 1, 1, create('/a'));
  const record = { type: 'setData', path: '/', data: null, version: 1 } as const;
  const foreign = { session: own, cxid: 1, zxid: zxid(2), timeMs: 1, record, digest: null };
  t.deepEqual(told(send(solo, { type: 'Applied', txn: foreign })), []);
  const other = { ...foreign, cxid: 9, zxid: zxid(3), record: { type: 'error', err: -101 } as const };
  t.deepEqual(told(send(solo, { type: 'Applied', txn: other })), []);
  t.is(outstanding(solo.state, 1), 1);
});

test('Applied: a session closed by another hand loses its connection here, a waiting one hears it from the leader', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  const close = { session: own, cxid: 0, request: { op: 'closeSession' }, identities: [] } as const;
  propose(solo, close, 1);
  t.deepEqual(told(commit(solo)), ['1: close, session closed']);
  const { session: other } = attach(solo, 2);
  propose(solo, { ...close, session: other }, 1);
  t.deepEqual(told(reattach(solo, 3, other)), ['2: close, attached elsewhere']);
  t.deepEqual(told(commit(solo)), []);
  t.deepEqual(told(answerRevalidation(solo)), [`3: session ${noSession} for 0`, '3: close, session not valid']);
});

test('ClientClosed: what the client left behind is applied and answers nobody', (t) => {
  const solo = startSolo();
  const { session: own } = attach(solo, 1);
  ask(solo, 1, 1, create('/a'));
  ask(solo, 1, 2, { op: 'sync', path: '/' });
  send(solo, { type: 'ClientClosed', conn: 1 });
  t.deepEqual(told(commit(solo)), []);
  t.is(solo.state.forwarded.size + solo.state.syncs.size + solo.state.conns.size + solo.state.attached.size, 0);
  t.is(solo.state.database.sessions.size, 1, own); // the session lives on until it expires
});

test('StopServing: all connections end, new ones are refused, and nothing is left waiting', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  attach(solo, 2);
  ask(solo, 1, 1, create('/a'));
  answerTo(solo, 2, { op: 'exists', path: '/w', watch: true });
  const database = solo.state.database;
  t.deepEqual([...told(send(solo, { type: 'StopServing' }))].sort(), [
    '1: close, not serving',
    '2: close, not serving',
  ]);
  t.deepEqual({ ...solo.state, database: null }, { ...freshService(), database: null });
  t.is(solo.state.database, database);
  t.deepEqual(told(send(solo, { type: 'ClientConnected', conn: 3, address: '' })), ['3: close, not serving']);
});

test('takeTouched: the sessions heard of since the last call, with their timeouts', (t) => {
  const solo = startSolo();
  const a = attach(solo, 1, 5000).session;
  const b = attach(solo, 2, 8000).session;
  const first = takeTouched(solo.state);
  t.deepEqual(
    [...first.touched].sort((x, y) => (x.session < y.session ? -1 : 1)),
    [
      { session: a, timeoutMs: 5000 },
      { session: b, timeoutMs: 8000 },
    ],
  );
  solo.state = first.state;
  t.is(takeTouched(solo.state).state, solo.state);
  ask(solo, 2, -2, { op: 'ping' });
  t.deepEqual(takeTouched(solo.state).touched, [{ session: b, timeoutMs: 8000 }]);
});

test('restore: a server goes on from a snapshot of another', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  for (const path of ['/a', '/a/b']) answerTo(solo, 1, create(path));
  answerTo(solo, 1, create('/a/e', 1));
  const restored = restore(snapshotOf(solo.state), solo.state.database.zxid);
  if ('refused' in restored) return t.fail();
  t.deepEqual(shown(restored.state.database.tree), shown(solo.state.database.tree));
  t.deepEqual(shownEphemerals(restored.state.database.tree), shownEphemerals(solo.state.database.tree));
  t.deepEqual(restored.state.database.zxid, solo.state.database.zxid);
  t.is(restored.state.serving, null);
  t.true('refused' in restore({ sessions: [], nodes: [] }, zxid(1)));
});
