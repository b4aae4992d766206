import test from 'ava';
import {
  finalizeWaitMs,
  halfTicked,
  isSilent,
  notificationHeard,
  peerHeard,
  resent,
  roleChanged,
  startTiming,
} from '../../core/timing.js';
import type { Timing } from '../../core/timing.js';

const times = (n: number, f: (t: Timing) => Timing, t: Timing): Timing => (n === 0 ? t : times(n - 1, f, f(t)));

test('Timing: a decision waits for silence, and each notification begins the wait anew', (t) => {
  const first = notificationHeard(startTiming(1000), true, finalizeWaitMs, 1010);
  t.is(first.decideAtMs, 1010 + 200);
  t.is(notificationHeard(first, true, finalizeWaitMs, 1100).decideAtMs, 1300);
  t.is(notificationHeard(first, false, finalizeWaitMs, 1100).decideAtMs, null);
});

test('Timing: resending waits 200 ms, then twice as long each time, at most a minute', (t) => {
  t.is(startTiming(0).resendAtMs, 200);
  const second = resent(startTiming(0), 200);
  t.deepEqual([second.resendAtMs, second.resendDelayMs], [600, 400]);
  t.is(times(20, (s) => resent(s, 0), startTiming(0)).resendDelayMs, 60_000);
  t.is(notificationHeard(second, false, 200, 1000).resendAtMs, 1400); // what is heard puts it off
});

test('Timing: a new role begins with the first delay and with nobody heard of', (t) => {
  const old = resent(peerHeard(notificationHeard(startTiming(0), true, 200, 50), 2, 60), 400);
  const { decideAtMs, resendAtMs, resendDelayMs, roleSinceMs, heard } = roleChanged(old, 5000);
  t.deepEqual([decideAtMs, resendAtMs, resendDelayMs, roleSinceMs, heard.size], [null, 5200, 200, 5000, 0]);
});

test('Timing: half ticks keep their beat, and missed ones are not made up for', (t) => {
  const s = halfTicked(startTiming(0), 2000, 30);
  t.deepEqual([s.halfTickAtMs, s.halfTicks], [1000, 1]);
  const paused = halfTicked(s, 2000, 60_000);
  t.deepEqual([paused.halfTickAtMs, paused.halfTicks], [60_000, 2]);
});

test('Timing: a peer is silent when more than the limit has passed since it was heard of', (t) => {
  const s = peerHeard(startTiming(0), 2, 500);
  t.false(isSilent(s, 2, 100, 600));
  t.true(isSilent(s, 2, 100, 601));
});

test('Timing: a peer that was never heard of is timed from the beginning of the role', (t) => {
  const s = roleChanged(startTiming(0), 400);
  t.false(isSilent(s, 7, 100, 500));
  t.true(isSilent(s, 7, 100, 501));
});

test('Timing: hearing a peer again in the same moment changes nothing, and old values stay what they were', (t) => {
  const s = peerHeard(startTiming(0), 2, 500);
  t.is(peerHeard(s, 2, 500), s);
  const later = peerHeard(s, 2, 600);
  t.is(s.heard.get(2), 500);
  t.is(later.heard.get(2), 600);
});
