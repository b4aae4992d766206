import test from 'ava';
import fc from 'fast-check';
import { explain } from '../../wire/error.js';
import type { WireError } from '../../wire/error.js';
import * as jute from '../../wire/jute.js';
import { readAcls, writeAcls } from '../../wire/records.js';

const bytesOf = <A>(write: (w: jute.Writer, a: A) => void, a: A): Buffer => jute.encoded(write, a);
const reader = (hex: string): jute.Reader => jute.openReader(Buffer.from(hex, 'hex'));

test('int64 as a number: exact where a double is, refused where it is not', (t) => {
  for (const value of [0, 1, -1, 2 ** 32, -(2 ** 32) - 5, 2 ** 53 - 1, 1 - 2 ** 53, -(2 ** 63), 2 ** 62]) {
    const r = jute.openReader(bytesOf(jute.writeLong, value));
    t.is(jute.readLong(r, 'n'), value);
    t.is(r.error, null);
  }
  for (const hex of ['7fffffffffffffff', '0020000000000001', '8000000000000001', 'ffdfffffffffffff']) {
    const r = reader(hex);
    jute.readLong(r, 'sid');
    t.deepEqual(r.error, { type: 'BadValue', field: 'sid', value: `0x${hex}` });
  }
});

test('int64 drawn to the range of safe integers: only what lies beyond changes', (t) => {
  t.is(jute.readSaturated(reader('7fffffffffffffff')), Number.MAX_SAFE_INTEGER);
  t.is(jute.readSaturated(reader('8000000000000000')), -Number.MAX_SAFE_INTEGER);
  t.is(jute.readSaturated(reader('ffffffffffffffff')), -1);
  t.is(jute.readSaturated(reader('000000ffffffffff')), 0xffffffffff);
});

test('a reader keeps its first error, and reads nothing more', (t) => {
  const r = reader('00000001ff');
  t.is(jute.readString(r, 'path'), '\ufffd');
  t.is(jute.readInt(r), 0);
  t.deepEqual(r.error, { type: 'Truncated', need: 9, have: 5 });
  jute.fail(r, { type: 'BadLength', field: 'later', length: -7 });
  t.deepEqual(r.error, { type: 'Truncated', need: 9, have: 5 });
  const negative = reader('fffffffe00');
  t.is(jute.readBuffer(negative, 'data'), null);
  t.deepEqual(negative.error, { type: 'BadLength', field: 'data', length: -2 });
  t.false(jute.readBoolean(negative));
});

test('null, empty and full are kept apart', (t) => {
  t.deepEqual(jute.readBuffer(reader('ffffffff'), 'data'), null);
  t.deepEqual(jute.readBuffer(reader('00000000'), 'data'), Buffer.alloc(0));
  t.is(jute.readString(reader('ffffffff'), 'path'), null);
  t.is(jute.readString(reader('00000000'), 'path'), '');
  t.is(readAcls(reader('ffffffff')), null);
  t.deepEqual(readAcls(reader('00000000')), []);
});

test('a count that cannot fit fails before anything is built', (t) => {
  const r = reader('7fffffff00000000');
  t.deepEqual(jute.readTexts(r, 'paths'), []);
  t.deepEqual(r.error, { type: 'Truncated', need: 4 + 0x7fffffff * 4, have: 8 });
});

test('strings: what is written is what Node would write, plain or not, short or long', (t) => {
  const text = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }));
  fc.assert(
    fc.property(text, (s) => {
      const bytes = bytesOf(jute.writeString, s);
      const expected = Buffer.from(s, 'utf8');
      const same = bytes.subarray(4).equals(expected) && bytes.readInt32BE(0) === expected.length;
      return same && jute.readString(jute.openReader(bytes), 's') === s;
    }),
  );
  t.pass();
});

test('values read from a chunk are copies', (t) => {
  for (const size of [3, 4097, 20000]) {
    const chunk = Buffer.alloc(4 + size, 7);
    chunk.writeInt32BE(size, 0);
    const value = jute.readBuffer(jute.openReader(chunk), 'data');
    chunk.fill(0);
    t.deepEqual(value, Buffer.alloc(size, 7), String(size));
  }
});

test('writers grow, and an encoder may call another', (t) => {
  const w = jute.openWriter(1);
  for (let i = 0; i < 1000; i += 1) jute.writeInt(w, i);
  t.is(jute.written(w).length, 4000);
  t.is(jute.written(w).readInt32BE(3996), 999);
  const outer = bytesOf((o, n: number) => {
    jute.writeInt(o, n);
    const inner = bytesOf(jute.writeBytes, Buffer.alloc(10000, 1));
    jute.writeBytes(o, inner);
    jute.writeInt(o, n);
  }, 5);
  t.is(outer.length, 10008);
  t.is(outer.readInt32BE(0), 5);
  t.is(outer.readInt32BE(10004), 5);
  t.true(outer.subarray(4, 10004).every((b) => b === 1));
});

test('sessions: every 64 bits are written and read digit by digit', (t) => {
  for (const session of ['0000000000000000', 'ffffffffffffffff', '0123456789abcdef', '8000000000000000']) {
    const bytes = bytesOf(jute.writeSession, session);
    t.is(bytes.toString('hex'), session);
    t.is(jute.readSession(jute.openReader(bytes)), session);
  }
});

test('the open ACL is one shared list', (t) => {
  const bytes = bytesOf(writeAcls, [{ perms: 31, scheme: 'world', id: 'anyone' }]);
  t.is(readAcls(jute.openReader(bytes)), readAcls(jute.openReader(bytes)));
  bytes[7] = 1;
  t.deepEqual(readAcls(jute.openReader(bytes)), [{ perms: 1, scheme: 'world', id: 'anyone' }]);
});

test('explain: every error is told with its values', (t) => {
  const errors: readonly WireError[] = [
    { type: 'Truncated', need: 91, have: 82 },
    { type: 'BadLength', field: 'paths', length: -91 },
    { type: 'TooLong', field: 'data', length: 91, limit: 82 },
    { type: 'BadMagic', expected: '91', found: '82' },
    { type: 'BadChecksum', at: 73, stored: 91, computed: 82 },
    { type: 'BadValue', field: 'state', value: '91' },
    { type: 'UnknownType', what: 'packet', number: 91 },
  ];
  for (const error of errors) t.regex(explain(error), /91/);
  t.is(
    explain({ type: 'BadChecksum', at: 73, stored: 91, computed: 82 }),
    'checksum at offset 73: stored 91, computed 82',
  );
});
