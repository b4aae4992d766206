import ADLER from 'adler-32';
import test from 'ava';
import fc from 'fast-check';
import { adler32 } from '../../wire/adler32.js';

const oracle = (bytes: Uint8Array): number => ADLER.buf(bytes) >>> 0;

test('adler32: equals another implementation on random bytes', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => adler32(bytes) === oracle(bytes)));
  t.is(adler32(Buffer.from('Wikipedia')), 0x11e60398);
});

test('adler32: the sums never leave 32 bits, whatever the length', (t) => {
  for (const size of [5551, 5552, 5553, 5559, 11104, 70000, 1 << 20]) {
    const bytes = Buffer.alloc(size, 255);
    t.is(adler32(bytes), oracle(bytes), String(size));
  }
});

test('adler32: goes on from an earlier checksum', (t) => {
  const bytes = Buffer.from(Array.from({ length: 20000 }, (_, i) => (i * 37) & 255));
  for (const cut of [0, 1, 7, 5552, 19999, 20000]) {
    t.is(adler32(bytes, cut, bytes.length, adler32(bytes, 0, cut)), oracle(bytes), String(cut));
  }
});
