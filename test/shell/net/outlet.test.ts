import test from 'ava';
import fc from 'fast-check';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { createInbox, takeFrame } from '../../../shell/net/inbox.js';
import { limitedLog } from '../../../shell/net/log.js';
import { createOutlets } from '../../../shell/net/outlet.js';

/** A socket that takes writes at once or holds them back, and counts the times that the kernel would be called. */
const sink = (slow: boolean) => {
  const taken: Buffer[] = [];
  const held: (() => void)[] = [];
  let calls = 0;
  const take = (chunks: readonly Buffer[], done: () => void): void => {
    calls += 1;
    if (!slow) taken.push(...chunks.map((c) => Buffer.from(c)));
    // A slow kernel copies late: whoever changes the bytes before is found out.
    else held.push(() => taken.push(...chunks.map((c) => Buffer.from(c))));
    if (!slow) return done();
    held.push(done);
  };
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => take([chunk], done),
    writev: (chunks, done) =>
      take(
        chunks.map((c) => c.chunk as Buffer),
        done,
      ),
  });
  const release = (): void => {
    while (held.length > 0) held.splice(0).forEach((go) => go());
  };
  return { socket: stream as unknown as Socket, bytes: () => Buffer.concat(taken), calls: () => calls, release };
};

test('outlet: one write a turn, however many pieces', (t) => {
  const { socket, bytes, calls } = sink(false);
  const outlets = createOutlets();
  const outlet = outlets.open(socket);
  for (let turn = 1; turn <= 3; turn += 1) {
    for (let i = 0; i < 1000; i += 1) outlet.put(Buffer.from([i]));
    outlet.put(Buffer.alloc(100_000, 9));
    outlets.flush();
    t.is(calls(), turn);
  }
  t.is(bytes().length, 3 * 101_000);
  t.is(outlet.pending(), 0);
});

test('outlet: without a flush the turn ends with one', async (t) => {
  const { socket, bytes, calls } = sink(false);
  const outlet = createOutlets().open(socket);
  outlet.put(Buffer.from('a'));
  outlet.put(Buffer.from('b'));
  t.is(calls(), 0);
  await new Promise((resolve) => setImmediate(resolve));
  t.is(bytes().toString(), 'ab');
  t.is(calls(), 1);
});

test('outlet: what comes out is what went in, whatever the sizes, the turns and the kernel', (t) => {
  const size = fc.oneof(fc.nat(40), fc.integer({ min: 400, max: 5000 }), fc.integer({ min: 15_000, max: 40_000 }));
  fc.assert(
    fc.property(fc.array(fc.array(size, { maxLength: 12 }), { maxLength: 8 }), fc.boolean(), (turns, slow) => {
      const { socket, bytes, release } = sink(slow);
      const outlets = createOutlets();
      const outlet = outlets.open(socket);
      const expected: Buffer[] = [];
      let mark = 0;
      for (const [i, sizes] of turns.entries()) {
        for (const n of sizes) {
          const piece = Buffer.alloc(n, (mark += 1));
          expected.push(piece);
          outlet.put(piece);
        }
        outlets.flush();
        if (i % 3 === 2) release();
      }
      if (slow && outlet.pending() !== Buffer.concat(expected).length - bytes().length) return false;
      release();
      return bytes().equals(Buffer.concat(expected)) && outlet.pending() === 0;
    }),
  );
  t.pass();
});

test('inbox: takes and peeks see the stream, however it was cut', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(9)), fc.array(fc.nat(25)), (cuts, takes) => {
      const stream = Buffer.from(Array.from({ length: cuts.reduce((a, b) => a + b, 0) }, (_, i) => i % 251));
      const inbox = createInbox();
      let added = 0;
      let taken = 0;
      for (const n of cuts) inbox.add(stream.subarray(added, (added += n)));
      for (const n of takes) {
        const peeked = inbox.peek(n);
        const bytes = inbox.take(n);
        const expected = taken + n <= added ? stream.subarray(taken, taken + n) : null;
        if (expected === null ? bytes !== null || peeked !== null : !expected.equals(bytes ?? Buffer.of(1)))
          return false;
        taken += bytes?.length ?? 0;
      }
      return inbox.length() === added - taken;
    }),
  );
  t.pass();
});

test('inbox: small pieces that follow unfinished messages are gathered, and the stream stays what it was', (t) => {
  const step = fc.record({ piece: fc.integer({ min: 1, max: 700 }), again: fc.nat(60), take: fc.nat(30_000) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const byteAt = (i: number): number => (i * 31 + (i >> 8)) % 251;
      const inbox = createInbox();
      let added = 0;
      let taken = 0;
      return steps.every(({ piece, again, take }) => {
        for (let i = 0; i <= again; i += 1) {
          const from = added;
          inbox.add(Buffer.from(Array.from({ length: piece }, (_, k) => byteAt(from + k))));
          added += piece;
        }
        const bytes = inbox.take(take);
        if (bytes === null) return take > added - taken;
        const isRight = bytes.length === take && bytes.every((b, k) => b === byteAt(taken + k));
        taken += take;
        return isRight && inbox.length() === added - taken;
      });
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('inbox: a frame is taken when it is whole, and bad as soon as its length is known', (t) => {
  const inbox = createInbox();
  inbox.add(Buffer.from('00000003aabb', 'hex'));
  t.deepEqual(takeFrame(inbox, 0, 10), { type: 'more' });
  inbox.add(Buffer.from('cc00000000', 'hex'));
  const frame = takeFrame(inbox, 0, 10);
  t.is(frame.type === 'frame' ? frame.bytes.toString('hex') : '', 'aabbcc');
  const empty = takeFrame(inbox, 0, 10);
  t.is(empty.type === 'frame' ? empty.bytes.length : -1, 0);
  inbox.add(Buffer.from('0000000b', 'hex'));
  t.deepEqual(takeFrame(inbox, 0, 10), {
    type: 'bad',
    error: { type: 'TooLong', field: 'frame', length: 11, limit: 10 },
  });
});

test('limitedLog: a flood leaves some lines and a count', (t) => {
  const lines: string[] = [];
  let now = 0;
  const log = limitedLog(
    (_, line) => lines.push(line),
    3,
    () => now,
  );
  for (let i = 0; i < 10; i += 1) log('info', `line ${i}`);
  now = 1000;
  log('info', 'later');
  t.deepEqual(lines, ['line 0', 'line 1', 'line 2', '7 more lines of this kind were left out', 'later']);
});
