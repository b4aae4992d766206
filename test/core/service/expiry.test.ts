import test from 'ava';
import fc from 'fast-check';
import {
  beginClosing,
  checkSession,
  expire,
  forget,
  isLive,
  newExpiry,
  setOwner,
  touch,
  track,
} from '../../../core/service/expiry.js';
import type { Expiry } from '../../../core/service/expiry.js';
import { expireSessions, lead, revalidate, touchSessions } from '../../../core/service/leader.js';
import { applyTxn } from '../../../core/service/apply.js';
import { freshDatabase } from '../../../core/service/database.js';
import { answerTo, attach, commit, create, created, propose, session, startSolo, told, txn } from './support.js';

const tick = 2000;

/** Runs a clock in steps over a silent session and gives the time at which it is found expired. */
const deathOf = (expiry: Expiry, fromMs: number, stepMs: number): number => {
  let at = fromMs;
  for (let e = expiry; ; at += stepMs) {
    const next = expire(e, at);
    if (next.expired.length > 0) return at;
    e = next.expiry;
  }
};

test('expiry: a silent session dies later than its timeout, by one tick at most', (t) => {
  fc.assert(
    fc.property(fc.nat(100000), fc.integer({ min: 1, max: 40000 }), (nowMs, timeoutMs) => {
      const expiry = track(newExpiry(tick, nowMs), session(1), timeoutMs, 1, nowMs);
      const bucket = Math.floor((nowMs + timeoutMs) / tick + 1) * tick;
      return (
        expire(expiry, bucket - 1).expired.length === 0 &&
        expire(expiry, bucket).expired.length === 1 &&
        bucket > nowMs + timeoutMs &&
        bucket <= nowMs + timeoutMs + tick
      );
    }),
  );
  t.is(deathOf(track(newExpiry(tick, 900), session(1), 4000, 1, 900), 900, 100), 6000); // measured on Apache: 5.1 s
});

test('expiry: a touch moves the session, an unknown or closing one stays away', (t) => {
  const one = track(newExpiry(tick, 0), session(1), 4000, 1, 0);
  t.is(touch(one, session(1), 4000, 100), one); // the same bucket
  t.is(touch(one, session(2), 4000, 100), one);
  t.is(deathOf(touch(one, session(1), 4000, 3000), 0, 500), 8000);
  const closing = beginClosing(one, session(1));
  t.is(touch(closing, session(1), 4000, 100), closing);
  t.false(isLive(closing, session(1)));
  t.deepEqual(expire(closing, 1e9).expired, []);
  t.is(closing.buckets.size, 0);
  t.is(forget(closing, session(1)).sessions.size, 0);
  t.is(forget(one, session(1)), one); // created anew since it closed
});

test('expiry: what expires is closing, once, in order of ids; also after a long pause', (t) => {
  let expiry = newExpiry(tick, 0);
  for (const n of [3, 1, 2]) expiry = track(expiry, session(n), 4000 * n, 1, 0);
  const some = expire(expiry, 9000);
  t.deepEqual(some.expired, [session(1)]);
  const rest = expire(some.expiry, 1e12);
  t.deepEqual(rest.expired, [session(2), session(3)]);
  t.is(rest.expiry.buckets.size, 0);
  t.is(checkSession(rest.expiry, session(2), 1).err, -112);
  t.deepEqual(expire(rest.expiry, 2e12).expired, []);
});

test('expiry: it is the model that looks at every session', (t) => {
  const anyStep = fc.record({
    n: fc.nat(5),
    ms: fc.nat(3000),
    timeoutMs: fc.integer({ min: 1, max: 9000 }),
    what: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const model = new Map<string, number>();
      let expiry = newExpiry(tick, 0);
      let nowMs = 0;
      return steps.every(({ n, ms, timeoutMs, what }) => {
        nowMs += ms;
        const dueAt = Math.floor((nowMs + timeoutMs) / tick + 1) * tick;
        if (what === 0) {
          expiry = track(expiry, session(n), timeoutMs, 1, nowMs);
          model.set(session(n), dueAt);
        } else if (what === 1) {
          expiry = touch(expiry, session(n), timeoutMs, nowMs);
          if (model.has(session(n))) model.set(session(n), dueAt);
        } else if (what === 2) {
          expiry = forget(beginClosing(expiry, session(n)), session(n));
          model.delete(session(n));
        }
        const found = expire(expiry, nowMs);
        expiry = found.expiry;
        const due = [...model].filter(([, at]) => at <= nowMs).map(([s]) => s);
        for (const s of due) model.delete(s);
        return found.expired.join() === due.sort().join();
      });
    }),
  );
  t.pass();
});

test('owners: the first server that asks after a change of leader, then whoever revalidates', (t) => {
  const none = track(newExpiry(tick, 0), session(1), 4000, null, 0);
  const first = checkSession(none, session(1), 2);
  t.is(first.err, 0);
  t.is(checkSession(first.expiry, session(1), 3).err, -118);
  const moved = setOwner(first.expiry, session(1), 3);
  t.is(checkSession(moved, session(1), 2).err, -118);
  t.is(checkSession(moved, session(1), 3).err, 0);
  t.is(checkSession(moved, session(9), 3).err, -112);
});

test('a new leader restarts all timers, and closes sessions that only ephemeral nodes know', (t) => {
  let database = freshDatabase();
  database = applyTxn(database, txn(1, { type: 'createSession', timeoutMs: 4000 }, session(1))).database;
  database = applyTxn(database, txn(2, created('/left', 1, true), session(9))).database;
  const leader = lead(database, tick, 100_000);
  const soon = expireSessions(leader, 102_000);
  t.deepEqual(soon.requests, [{ session: session(9), cxid: 0, request: { op: 'closeSession' }, identities: [] }]);
  t.deepEqual(expireSessions(soon.leader, 105_999).requests, []);
  t.deepEqual(
    expireSessions(soon.leader, 106_000).requests.map((r) => r.session),
    [session(1)],
  );
});

test('revalidate: only a live session, which is touched and lives there from now on', (t) => {
  const solo = startSolo();
  const own = attach(solo, 1).session;
  const there = revalidate(solo.leader, own, 30000, 2, 0);
  t.true(there.valid);
  t.is(checkSession(there.leader.expiry, own, 1).err, -118);
  t.is(checkSession(there.leader.expiry, own, 2).err, 0);
  t.deepEqual(expireSessions(there.leader, 31999).requests, []);
  t.false(revalidate(solo.leader, session(5), 4000, 2, 0).valid);
  const closing = expireSessions(solo.leader, 1e6).leader;
  t.false(revalidate(closing, own, 4000, 2, 0).valid);
});

test('an expired session loses its nodes and its connection by a closeSession with cxid 0', (t) => {
  const solo = startSolo();
  const own = attach(solo, 1, 4000).session;
  attach(solo, 2, 40000);
  answerTo(solo, 1, create('/e', 1));
  solo.leader = touchSessions(solo.leader, [{ session: own, timeoutMs: 4000 }], 3000);
  t.deepEqual(expireSessions(solo.leader, 7999).requests, []);
  const due = expireSessions(solo.leader, 8000);
  solo.leader = due.leader;
  t.is(due.requests.length, 1);
  for (const request of due.requests) t.like(propose(solo, request, 1), { cxid: 0, record: { paths: ['/e'] } });
  t.deepEqual(told(commit(solo)), ['1: close, session closed']);
  t.is(answerTo(solo, 2, { op: 'exists', path: '/e', watch: false }).err, -101);
});
