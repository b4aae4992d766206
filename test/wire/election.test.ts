import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { formatConfiguration, parseConfiguration } from '../../wire/config.js';
import type { Configuration, Member } from '../../wire/config.js';
import {
  decodeInitialMessage,
  decodeNotification,
  encodeInitialMessage,
  encodeNotification,
} from '../../wire/election.js';
import type { InitialMessage, WireNotification } from '../../wire/election.js';
import { anyText, anyZxid } from './arbitraries.js';
import { electionMessages, newLeaderConfigs, seenElection } from './quorumRecordings.js';

/** What a vote of an observer holds: Long.MIN_VALUE. */
const least = -(2 ** 63);

test('recordings: every initial message and notification is what was recorded, and is encoded to the same bytes', (t) => {
  const counts = new Map<string, number>();
  for (const { where, message } of electionMessages) {
    const seen = seenElection(message);
    t.deepEqual(seen, { fields: message.fields, hex: message.hex }, where);
    counts.set(message.fields.kind, (counts.get(message.fields.kind) ?? 0) + 1);
  }
  t.deepEqual(counts, new Map([['initial', 89], ['notification', 221]])); // prettier-ignore
});

test('recordings: a message with any one bit changed no longer agrees', (t) => {
  for (const { where, message } of electionMessages.slice(0, 60)) {
    const bytes = Buffer.from(message.hex, 'hex');
    for (let at = 0; at < bytes.length; at += 1) {
      bytes[at] = (bytes[at] ?? 0) ^ 2;
      const hex = bytes.toString('hex');
      if (isDeepStrictEqual(seenElection({ ...message, hex }), { fields: message.fields, hex }))
        t.fail(`${where}, ${at}`);
      bytes[at] = (bytes[at] ?? 0) ^ 2;
    }
  }
  t.pass();
});

const anySid = fc.oneof(fc.integer({ min: 0, max: 254 }), fc.constant(least));
const anyRound = fc.oneof(fc.maxSafeNat(), fc.constant(least));
const anyNotification: fc.Arbitrary<WireNotification> = fc
  .record({
    state: fc.constantFrom('LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'),
    leader: anySid,
    zxid: anyZxid,
    round: anyRound,
    epoch: anyRound,
    version: fc.constantFrom(0, 1, 2),
    text: anyText,
  })
  .map(({ state, leader, zxid, round, epoch, version, text }) => ({
    notification: { state, vote: { leader, zxid, epoch }, round },
    version,
    config: version === 2 ? text : null,
  }));

test('notifications: decode gives back what encode was given; votes of observers too', (t) => {
  fc.assert(
    fc.property(anyNotification, (n) => isDeepStrictEqual(decodeNotification(encodeNotification(n), 4), E.right(n))),
    { numRuns: 400 },
  );
  t.pass();
});

/** state 0, leader 2, zxid (3, 4), round 5, peer epoch 6 */
const front = '00000000' + '0000000000000002' + '0000000300000004' + '0000000000000005';
const read = (hex: string): E.Either<unknown, WireNotification> => decodeNotification(Buffer.from(hex, 'hex'));
const vote = (epoch: number): WireNotification['notification'] => ({
  state: 'LOOKING',
  vote: { leader: 2, zxid: { epoch: 3, counter: 4 }, epoch },
  round: 5,
});

test('notifications: each size is read by the rules of its age', (t) => {
  const epoch = '0000000000000006';
  t.deepEqual(read(front), E.right({ notification: vote(3), version: 0, config: null }));
  t.deepEqual(read(`${front}${epoch}00000001`), E.right({ notification: vote(6), version: 0, config: null }));
  t.deepEqual(read(`${front}${epoch}0000000100000000`), E.right({ notification: vote(6), version: 1, config: null }));
  t.deepEqual(read(`${front}${epoch}000000020000000161`), E.right({ notification: vote(6), version: 2, config: 'a' }));
  t.like(read(`${front}${epoch}000000020000000261`), { left: { type: 'BadLength', field: 'config', length: 2 } });
  t.like(read(`${front}${epoch}00000002ffffffff61`), { left: { type: 'BadLength', field: 'config', length: -1 } });
  t.like(read(`00000004${front.slice(8)}`), { left: { type: 'BadValue', field: 'state', value: '4' } });
  t.like(read(`00000000${'7fffffffffffffff'}${front.slice(24)}`), { left: { type: 'BadValue', field: 'leader' } });
  const whole = Buffer.from(`${front}${epoch}000000020000000161`, 'hex');
  for (let cut = 0; cut < whole.length; cut += 1) {
    // 28 and 40 bytes are messages of their own; 40 with version 2 still counts as without.
    t.is(E.isRight(decodeNotification(whole, 0, cut)), cut === 28 || cut === 40, String(cut));
  }
});

const anyHost = fc.constantFrom('127.0.0.1', 'zk-1.example', '::1', 'fe80::1', 'localhost');
const anyPort = fc.integer({ min: 0, max: 65535 });
const anyAddress = fc.record({ host: anyHost, port: anyPort }, { noNullPrototype: true });
const anyInitial: fc.Arbitrary<InitialMessage> = fc.oneof(
  fc.record(
    { form: fc.constant('old' as const), sid: fc.maxSafeNat(), addresses: fc.constant([]) },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      form: fc.constantFrom('single' as const, 'multi' as const),
      sid: fc.maxSafeInteger(),
      addresses: fc.array(anyAddress, { minLength: 1, maxLength: 4 }),
    },
    { noNullPrototype: true },
  ),
);

test('initial message: decode gives back what encode was given, and wants more while it is cut short', (t) => {
  fc.assert(
    fc.property(anyInitial, fc.uint8Array({ maxLength: 5 }), (message, after) => {
      const bytes = encodeInitialMessage(message);
      for (let cut = 0; cut < bytes.length; cut += 1) {
        const step = decodeInitialMessage(bytes.subarray(0, cut));
        if (step.type !== 'more' || step.need <= cut || step.need > bytes.length) return false;
      }
      const step = decodeInitialMessage(Buffer.concat([bytes, after]));
      return isDeepStrictEqual(step, { type: 'initial', message, end: bytes.length });
    }),
  );
  t.pass();
});

test('initial message: other versions, lengths and addresses are refused', (t) => {
  const of = (version: string, length: string, text: string): unknown =>
    decodeInitialMessage(
      Buffer.from(`ffffffffffff${version}0000000000000003${length}${Buffer.from(text).toString('hex')}`, 'hex'),
    );
  t.like(of('0000', '00000003', 'h:1'), { type: 'initial', message: { form: 'single', sid: 3 } });
  t.like(of('0002', '00000003', 'h:1'), { type: 'bad', error: { type: 'BadValue' } });
  t.like(of('0000', '00000000', ''), { type: 'bad', error: { type: 'BadLength', length: 0 } });
  t.like(of('0000', '00000801', ''), { type: 'bad', error: { type: 'BadLength', length: 2049 } });
  t.like(of('0000', '00000800', ''), { type: 'more' });
  for (const text of ['h', 'h:', 'h:70000', 'h:1:2', '::1:5', '[::1:5', 'h:1|']) {
    t.like(of('0000', text.length.toString(16).padStart(8, '0'), text), { type: 'bad' }, text);
  }
});

test('election port: random bytes never throw', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (b) => {
      const bytes = Buffer.from(b);
      const initial = Buffer.concat([Buffer.from('ffffffffffff0000', 'hex'), bytes]);
      return (
        decodeNotification(bytes)._tag !== undefined &&
        decodeInitialMessage(bytes).type !== undefined &&
        decodeInitialMessage(initial).type !== undefined
      );
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

const anyMember: fc.Arbitrary<Member> = fc.record(
  {
    sid: fc.integer({ min: 0, max: 254 }),
    addresses: fc.array(
      fc.record({ host: anyHost, quorumPort: anyPort, electionPort: anyPort }, { noNullPrototype: true }),
      { minLength: 1, maxLength: 3 },
    ),
    role: fc.constantFrom('participant', 'observer'),
    client: fc.option(
      fc.record({ host: fc.option(anyHost, { nil: null }), port: anyPort }, { noNullPrototype: true }),
      { nil: null },
    ),
  },
  { noNullPrototype: true },
);
const anySids = fc.array(fc.nat(254), { minLength: 1, maxLength: 4 });
const anyConfiguration: fc.Arbitrary<Configuration> = fc.record(
  {
    members: fc.array(anyMember, { maxLength: 4 }),
    groups: fc.array(fc.record({ group: fc.nat(9), sids: anySids }, { noNullPrototype: true }), { maxLength: 2 }),
    weights: fc.array(fc.record({ sid: fc.nat(254), weight: fc.nat(9) }, { noNullPrototype: true }), { maxLength: 2 }),
    version: anyZxid,
  },
  { noNullPrototype: true },
);

test('configuration text: the recorded ones are read and written letter by letter', (t) => {
  const texts = new Set(newLeaderConfigs);
  for (const { message } of electionMessages) {
    const config = message.fields['config'];
    if (typeof config === 'string') texts.add(config);
  }
  t.true(texts.size > 10);
  for (const text of texts) {
    const parsed = parseConfiguration(text);
    t.true(E.isRight(parsed), text);
    if (E.isRight(parsed)) t.is(formatConfiguration(parsed.right), text);
  }
});

test('configuration text: parse gives back what format was given', (t) => {
  fc.assert(
    fc.property(anyConfiguration, (c) => isDeepStrictEqual(parseConfiguration(formatConfiguration(c)), E.right(c))),
  );
  t.pass();
});

test('configuration text: the looser forms of files are read, and what is wrong is named', (t) => {
  const member = (text: string): unknown => parseConfiguration(`server.1=${text}`);
  t.like(member('h:1:2'), { right: { members: [{ role: 'participant', client: null }] } });
  t.like(member('h:1:2:OBSERVER;2181'), {
    right: { members: [{ role: 'observer', client: { host: null, port: 2181 } }] },
  });
  t.like(member('[::1]:1:2|b:3:4;[::2]:5'), {
    right: { members: [{ addresses: [{ host: '::1' }, { host: 'b' }], client: { host: '::2', port: 5 } }] },
  });
  for (const text of [
    '',
    'h',
    'h:1',
    ':1:2',
    'h:1:2:leader',
    'h:1:99999',
    'h:1:2;',
    'h:1:2;a:b',
    'h:1:2;1;2',
    'h:1:2|',
  ]) {
    t.like(member(text), { left: { type: 'BadValue', field: 'server.1' } }, text);
  }
  t.like(parseConfiguration('version=0x1'), { left: { field: 'version' } });
  t.like(parseConfiguration('nonsense'), { left: { field: 'configuration line', value: 'nonsense' } });
  t.like(parseConfiguration('group.1=1:x'), { left: { field: 'group.1' } });
  t.like(parseConfiguration('weight.1='), { left: { field: 'weight.1' } });
});
