/** What stays in memory for learners: at least `keep` applied transactions, at most twice as many. */
import test from 'ava';
import fc from 'fast-check';
import { compareZxid } from '../../../core/data/zxid.js';
import { windowAt, windowSize } from '../../../core/data/window.js';
import { delivered, undeliveredCount } from '../../../core/replication/delivery.js';
import { countUpTo, lastLogged } from '../../../core/replication/state.js';
import type { ReplicationState } from '../../../core/replication/state.js';
import {
  ack,
  ackEpoch,
  after,
  asks,
  commit,
  followerInfo,
  following,
  leading,
  logOf,
  logSynced,
  proposal,
  proposed,
  server,
  told,
  txns,
  zxid,
} from './support.js';

const fed = (keep: number, upTo: number): ReplicationState => {
  let s = following({ keep, log: [] });
  for (let n = 1; n <= upTo; n++) s = after(s, proposal(2, n), commit(2, n));
  return s;
};

test('Delivery: applied entries are dropped once there are twice as many as are kept', (t) => {
  t.deepEqual(logOf(fed(2, 3)), ['2.1', '2.2', '2.3']);
  const s = fed(2, 4);
  t.deepEqual([logOf(s), s.disk.base], [['2.3', '2.4'], zxid(2, 2)]);
});

test('Delivery: what is not applied is never dropped', (t) => {
  let s = following({ keep: 1, log: [] });
  for (let n = 1; n <= 6; n++) s = after(s, proposal(2, n));
  t.is(undeliveredCount(s), 6);
  s = after(s, commit(2, 1), commit(2, 2));
  t.deepEqual(logOf(s), ['2.2', '2.3', '2.4', '2.5', '2.6']);
  t.is(undeliveredCount(s), 4);
});

test('Delivery: with nothing to keep all that is applied goes', (t) => {
  t.deepEqual(logOf(fed(0, 3)), []);
  t.deepEqual(lastLogged(fed(0, 3).disk), zxid(2, 3));
});

test('Delivery: the same zxid a second time changes nothing', (t) => {
  const s = fed(2, 3);
  t.deepEqual(delivered(s, zxid(2, 3)), { state: s, effects: [] });
  t.deepEqual(told(delivered(server(1, { log: txns(1, 3) }), zxid(1, 2)).effects), ['Deliver 1.1 1.2']);
});

test('Delivery: a learner below what a leader kept gets everything, one within it a DIFF', (t) => {
  let s = leading({ keep: 2, log: [] });
  for (let n = 1; n <= 4; n++) s = after(s, proposed(2, n), logSynced(2, n), ack(1, 2, n));
  t.deepEqual(logOf(s), ['2.3', '2.4']);
  const joining = after(s, followerInfo(2));
  t.is(asks(joining, ackEpoch(2, -1, zxid(2, 2)))[0], 'to 2: SNAP 2.4');
  t.is(asks(joining, ackEpoch(2, -1, zxid(2, 3)))[0], 'to 2: DIFF 2.4');
});

/** A leader's or follower's window after any mixture of proposals and commits. */
const holds = (kept: (s: ReplicationState, keep: number) => boolean): fc.IProperty<[number, boolean[]]> =>
  fc.property(fc.nat({ max: 4 }), fc.array(fc.boolean(), { maxLength: 40 }), (keep, choices) => {
    let s = following({ keep, log: [] });
    let logged = 0;
    let applied = 0;
    return choices.every((propose) => {
      if (propose) s = after(s, proposal(2, ++logged));
      else if (applied < logged) s = after(s, commit(2, ++applied));
      return undeliveredCount(s) === logged - applied && s.delivered.counter === applied && kept(s, keep);
    });
  });

/** The window holds what is not applied and between `keep` and twice `keep` of what is. */
const withinBounds = (s: ReplicationState, keep: number): boolean => {
  const applied = countUpTo(s.disk.log, s.delivered);
  const first = windowAt(s.disk.log, 0);
  return (
    windowSize(s.disk.log) === applied + undeliveredCount(s) &&
    applied >= Math.min(keep, s.delivered.counter) &&
    applied <= Math.max(0, 2 * keep - 1) &&
    (first === undefined || compareZxid(s.disk.base, first.zxid) < 0)
  );
};

test('Delivery: no run drops what is not applied, nor keeps fewer or more than it is told', (t) => {
  t.notThrows(() => fc.assert(holds(withinBounds), { numRuns: 200 }));
});

test('Delivery: that law sees a window that never shrinks', (t) => {
  t.true(
    fc.check(
      holds((s, keep) => s.delivered.counter <= 2 * keep),
      { numRuns: 200 },
    ).failed,
  );
});
