/** How fast connections may come, and which requests wait. */
import test from 'ava';
import { openAdmission } from '../../../shell/net/connectionThrottle.js';
import { createRequestThrottle } from '../../../shell/net/requestThrottle.js';
import type { ClientFrame } from '../../../wire/client.js';

const noSession = '0000000000000000';
const session = '0100000000000001';
const weights = { newSession: 3, newLocal: 1, renewed: 2 };
const bucket = {
  tokens: 10,
  fillTimeMs: 100,
  fillCount: 2,
  freezeMs: null,
  dropIncrease: 0.5,
  dropDecrease: 0.25,
  decreaseRatio: 0.5,
  weights,
};

test('connections take tokens by their kind, and time brings new ones, never more than fit', (t) => {
  let now = 0;
  const { admit } = openAdmission(
    bucket,
    () => now,
    () => 1,
  );
  t.deepEqual([admit(noSession), admit(noSession), admit(noSession), admit(noSession)], [true, true, true, false]);
  now = 99;
  t.false(admit(session));
  now = 100; // two more: three in all
  t.deepEqual([admit(session), admit(session)], [true, false]);
  now = 100_000;
  const found = Array.from({ length: 6 }, () => admit(session));
  t.deepEqual(found, [true, true, true, true, true, false]);
});

test('while tokens are few the chance of a drop rises, and falls again', (t) => {
  let [now, chance] = [0, 0.4];
  const { admit } = openAdmission(
    { ...bucket, freezeMs: 10, fillTimeMs: 1_000_000 },
    () => now,
    () => chance,
  );
  for (let i = 0; i < 3; i++) t.true(admit(session)); // four of ten are left: few
  now = 10;
  t.false(admit(session)); // by chance: 0.4 is below 0.5
  chance = 0.6;
  t.true(admit(session));
  now = 20;
  chance = 0.9;
  t.false(admit(session)); // still few: certain now
  now = 5_000_000; // ten more, and not few any more
  t.true(admit(session)); // 0.9 is not below 0.75
  chance = 0.7;
  t.false(admit(session)); // and 0.7 is
});

const frame = (xid: number, op: 'whoAmI' | 'ping' = 'whoAmI'): ClientFrame => ({ xid, request: { op } });

test('requests beyond the limit wait in their order, and those of who leaves are dropped', (t) => {
  const passed: string[] = [];
  const throttle = createRequestThrottle<string>({
    maxInProgress: 2,
    maxWaitMs: 0,
    now: () => 0,
    pass: (client, { xid }) => passed.push(`${client}${xid}`),
    onRefused: () => t.fail(),
  });
  for (const [client, xid] of [['a', 1], ['a', 2], ['b', 1], ['a', 3], ['c', 1]] as const) throttle.take(client, frame(xid)); // prettier-ignore
  t.deepEqual(passed, ['a1', 'a2']);
  throttle.done('a');
  t.deepEqual(passed, ['a1', 'a2', 'b1']);
  throttle.forget('a'); // one of its own in progress, one that waits
  t.deepEqual(passed, ['a1', 'a2', 'b1', 'c1']);
  throttle.done('b');
  throttle.done('b'); // nothing of it is in progress any more
  throttle.take('d', frame(1));
  throttle.take('d', frame(2));
  t.deepEqual(passed.slice(4), ['d1']);
});

test('what has waited too long is refused where it stands; pings are not', (t) => {
  let now = 0;
  let refused = 0;
  const passed: unknown[] = [];
  const throttle = createRequestThrottle<string>({
    maxInProgress: 1,
    maxWaitMs: 10,
    now: () => now,
    pass: (_, { request }) => passed.push(request),
    onRefused: () => (refused += 1),
  });
  throttle.take('a', frame(1));
  throttle.take('a', frame(2));
  throttle.take('a', frame(3, 'ping'));
  throttle.take('a', frame(4));
  now = 11;
  throttle.done('a');
  throttle.done('a');
  now = 5;
  throttle.done('a');
  t.deepEqual(passed, [{ op: 'whoAmI' }, { op: 'unreadable', err: -127 }, { op: 'ping' }, { op: 'whoAmI' }]);
  t.is(refused, 1);
});
