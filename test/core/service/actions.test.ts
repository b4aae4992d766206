/** One story for each action of spec/Service.tla, over servers that lead themselves or are told what a leader says. */
import test from 'ava';
import { askSync, noSyncs, releaseSyncs } from '../../../core/replication/clientSync.js';
import { errorCode } from '../../../core/service/error.js';
import { expireSessions, lead, prepare, revalidate, settle, touchSessions } from '../../../core/service/leader.js';
import { sessionPassword } from '../../../core/service/password.js';
import type { ClientRequest } from '../../../core/service/request.js';
import { freshService, serviceStep, takeTouched } from '../../../core/service/service.js';
import type { ServiceEvent, ServiceState } from '../../../core/service/service.js';
import { ack, after, leading, proposed } from '../replication/support.js';
import { ask, attach, commit, connectRequest, create, send, session, startSolo, told, txn, zxid } from './support.js';

const read = (path: string, watch = false): ClientRequest => ({ op: 'exists', path, watch });

/** A server that follows, with session 1 in its table. */
const follower = (): ServiceState =>
  (
    [
      { type: 'Applied', txn: txn(1, { type: 'createSession', timeoutMs: 6000 }) },
      {
        type: 'StartServing',
        firstSession: session(0x21),
        tickTimeMs: 2000,
        minSessionTimeoutMs: 4000,
        maxSessionTimeoutMs: 40000,
      },
      { type: 'ClientConnected', conn: 1, address: '127.0.0.1' },
    ] as const satisfies readonly ServiceEvent[]
  ).reduce((state: ServiceState, event) => serviceStep(state, event).state, freshService());

const goOn: ServiceEvent = {
  type: 'ConnectReceived',
  conn: 1,
  request: connectRequest({ session: session(1), password: sessionPassword(session(1)), lastZxidSeen: zxid(1) }),
};

test('ConnectReceived: a server asks the leader about a session, and nobody about a client that is ahead of it', (t) => {
  const asked = serviceStep(follower(), goOn);
  t.deepEqual(asked.effects, [{ type: 'Revalidate', session: session(1), timeoutMs: 6000 }]);
  const ahead = connectRequest({ session: session(1), password: sessionPassword(session(1)), lastZxidSeen: zxid(2) });
  const refused = serviceStep(follower(), { type: 'ConnectReceived', conn: 1, request: ahead });
  t.deepEqual(told(refused.effects), ['1: close, client is ahead']);
});

test('RequestReceived: a read waits behind a write and shows it', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  t.deepEqual(told(ask(solo, 1, 1, create('/a'))), []);
  t.deepEqual(told(ask(solo, 1, 2, read('/a'))), []);
  t.deepEqual(told(commit(solo)), ['1: reply 1 err 0 at 2', '1: reply 2 err 0 at 2']);
});

test('ClientClosed: the watches of a connection end with it, the answers to it find nobody', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, read('/a', true));
  ask(solo, 1, 2, create('/a'));
  send(solo, { type: 'ClientClosed', conn: 1 });
  t.deepEqual(told(commit(solo)), []);
  t.is(solo.state.forwarded.size, 0);
});

test('Applied: database, then events, then the answer to the author', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, read('/a', true));
  ask(solo, 1, 2, create('/a'));
  t.deepEqual(told(commit(solo)), ['1: event 1 /a at 2', '1: reply 2 err 0 at 2']);
});

test('Synced: the oldest sync is answered, in its place among the answers', (t) => {
  const solo = startSolo();
  attach(solo, 1);
  ask(solo, 1, 1, create('/a'));
  ask(solo, 1, 2, { op: 'sync', path: '/a' });
  const early = serviceStep(solo.state, { type: 'Synced' });
  t.deepEqual(told(early.effects), []); // the write before it is not answered yet
  t.deepEqual(told(commit(solo)), ['1: reply 1 err 0 at 2', '1: reply 2 err 0 at 2']);
  t.deepEqual(serviceStep(solo.state, { type: 'Synced' }).effects, []); // no sync waits
});

test('Revalidated: the session goes on here, or the client hears that it is over', (t) => {
  const { state } = serviceStep(follower(), goOn);
  const on = serviceStep(state, { type: 'Revalidated', session: session(1), valid: true });
  t.deepEqual(told(on.effects), [`1: session ${session(1)} for 6000`]);
  const off = serviceStep(state, { type: 'Revalidated', session: session(1), valid: false });
  t.deepEqual(told(off.effects), [`1: session ${session(0)} for 0`, '1: close, session not valid']);
});

const write = (request: Parameters<typeof prepare>[2]['request'], from = session(1)) => ({
  session: from,
  cxid: 1,
  request,
  identities: [],
});
const stamp = (counter: number, origin = 1) => ({ origin, zxid: zxid(counter), timeMs: 0, nowMs: 0 });

test('Prepare: checks see what was accepted before; a session writes where it lives, and not behind its end', (t) => {
  const { database } = follower();
  let leader = lead(database, 2000, 0);
  const accept = (request: Parameters<typeof prepare>[2]['request'], counter: number, origin = 1) => {
    const done = prepare(leader, database, write(request), stamp(counter, origin));
    leader = done.leader;
    return done.txn.record;
  };
  t.like(accept(create('/a', 1), 2), { type: 'create', ephemeral: true });
  t.deepEqual(accept(create('/a'), 3), { type: 'error', err: errorCode.nodeExists });
  t.deepEqual(accept(create('/b'), 4, 2), { type: 'error', err: errorCode.sessionMoved });
  t.deepEqual(accept({ op: 'closeSession' }, 5), { type: 'closeSession', paths: ['/a'] });
  t.deepEqual(accept(create('/b', 1), 6), { type: 'error', err: errorCode.sessionExpired });
});

test('AskSync: a sync is answered once all that was accepted before it is applied', (t) => {
  const idle = leading();
  const two = after(idle, proposed(2, 1), proposed(2, 2), ack(1, 2, 2));
  const waiting = askSync(noSyncs, two, 2);
  t.deepEqual(releaseSyncs(waiting, two), { waiting, released: [] });
  t.deepEqual(releaseSyncs(askSync(noSyncs, idle, 2), idle).released, [2]);
});

test('Revalidate: a living session lives at who asked last; one that ends does not', (t) => {
  const { database } = follower();
  const moved = revalidate(lead(database, 2000, 0), session(1), 6000, 2, 0);
  t.true(moved.valid);
  const at1 = prepare(moved.leader, database, write(create('/a')), stamp(2, 1)).txn.record;
  t.deepEqual(at1, { type: 'error', err: errorCode.sessionMoved });
  const closing = prepare(moved.leader, database, write({ op: 'closeSession' }), stamp(2, 2));
  t.false(revalidate(closing.leader, session(1), 6000, 1, 0).valid);
  const gone = settle(closing.leader, closing.txn);
  t.false(revalidate(gone, session(1), 6000, 1, 0).valid);
});

test('TakeTouched: the sessions heard of are told once', (t) => {
  const solo = startSolo();
  const { session: id } = attach(solo, 1);
  const first = takeTouched(solo.state);
  t.deepEqual(first.touched, [{ session: id, timeoutMs: 6000 }]);
  t.deepEqual(takeTouched(first.state).touched, []);
  solo.state = first.state;
  ask(solo, 1, -2, { op: 'ping' });
  t.deepEqual(takeTouched(solo.state).touched, [{ session: id, timeoutMs: 6000 }]);
});

test('TouchSessions: a session that was heard of lives on', (t) => {
  const leader = lead(follower().database, 2000, 0);
  const heard = touchSessions(leader, [{ session: session(1), timeoutMs: 6000 }], 5000);
  const due = (state: typeof leader): number => expireSessions(state, 8000).requests.length;
  t.deepEqual([due(leader), due(heard)], [1, 0]);
});

test('ExpireSessions: a session of which nothing was heard in time is closed by a transaction, once', (t) => {
  const leader = lead(follower().database, 2000, 0);
  t.deepEqual(expireSessions(leader, 0).requests, []);
  const { leader: expired, requests } = expireSessions(leader, 8000);
  t.like(requests, [{ session: session(1), cxid: 0, request: { op: 'closeSession' } }]);
  t.deepEqual(expireSessions(expired, 80000).requests, []);
});
