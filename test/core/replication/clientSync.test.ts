import test from 'ava';
import { askSync, heldSyncs, noSyncs, releaseBehind, releaseSyncs } from '../../../core/replication/clientSync.js';
import { ack, after, leading, logSynced, proposed, zxid } from './support.js';

const idle = leading();
const two = after(idle, proposed(2, 1), proposed(2, 2), ack(1, 2, 2));
const one = after(two, logSynced(2, 1));
const done = after(one, logSynced(2, 2));

test('ReleaseSyncs: with nothing outstanding it is released at once', (t) => {
  t.deepEqual(releaseSyncs(askSync(noSyncs, idle, 2), idle), { waiting: [], released: [2] });
});

test('AskSync: it waits until all that was proposed before it is applied', (t) => {
  const waiting = askSync(noSyncs, two, 1);
  t.deepEqual(releaseSyncs(waiting, two), { waiting, released: [] });
  t.deepEqual(releaseSyncs(waiting, one), { waiting, released: [] });
  t.deepEqual(releaseSyncs(waiting, done), { waiting: [], released: [1] });
});

test('AskSync: what is proposed after it does not hold it up', (t) => {
  const early = askSync(noSyncs, after(idle, proposed(2, 1)), 1);
  t.deepEqual(releaseSyncs(early, one).released, [1]);
});

test('ReleaseSyncs: answers keep the order in which they were asked for, those of several servers too', (t) => {
  const first = askSync(askSync(noSyncs, after(idle, proposed(2, 1)), 3), after(idle, proposed(2, 1)), 1);
  const waiting = askSync(askSync(first, two, 2), two, 1);
  const half = releaseSyncs(waiting, one);
  t.deepEqual(half.released, [3, 1]);
  t.deepEqual(releaseSyncs(half.waiting, done).released, [2, 1]);
});

test('ReleaseSyncs: with none released the list stays the same by reference', (t) => {
  const waiting = askSync(noSyncs, two, 1);
  t.is(releaseSyncs(waiting, two).waiting, waiting);
});

test('Sync: one of a learner whose connection has ended is not answered to a client of the next', (t) => {
  const early = askSync(askSync(noSyncs, two, 1), two, two.self);
  t.is(heldSyncs(early, two), early);
  const gone = after(two, { type: 'NoticeClose', peer: 1 });
  t.deepEqual(heldSyncs(early, gone), [{ origin: two.self, after: { epoch: 2, counter: 2 } }]);
  t.deepEqual(heldSyncs(early, after(gone, { type: 'LeaderTimeout' })), []);
});

test('ReleaseSyncs: within a turn a sync is answered behind the transaction that it waited for, before the next', (t) => {
  const first = askSync(noSyncs, after(idle, proposed(2, 1)), 1);
  const waiting = askSync(askSync(first, two, 1), two, 2);
  const behind = releaseBehind(waiting, 1, zxid(2, 1));
  t.is(behind.count, 1);
  t.deepEqual(behind.waiting, waiting.slice(1));
  t.deepEqual(releaseBehind(behind.waiting, 1, zxid(2, 2)), { waiting: waiting.slice(2), count: 1 });
  t.is(releaseBehind(waiting, 3, zxid(2, 2)).waiting, waiting);
});
