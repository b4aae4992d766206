/** Packed snapshots are unpacked to what they were. */
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { packer } from '../../../shell/storage/pack.js';
import { readSnappyStream } from '../../../shell/storage/snappy.js';

/** Slices that repeat themselves and each other, as trees of znodes do. */
const slices = fc.array(
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(3000))
    .map(([part, times]) => Buffer.concat(Array.from({ length: times }, (_, i) => Buffer.from([...part, i & 7])))),
  { minLength: 1, maxLength: 4 },
);

test('gz and snappy: slices come back in their order, whatever they hold', (t) => {
  fc.assert(
    fc.property(slices, (parts) => {
      const whole = Buffer.concat(parts);
      const gz = packer('gz');
      const snappy = packer('snappy');
      const unpacked = readSnappyStream(Buffer.concat(parts.map(snappy)));
      return (
        whole.equals(Buffer.concat(parts.map(packer('none')))) &&
        (whole.length === 0 || gunzipSync(Buffer.concat(parts.map(gz))).equals(whole)) &&
        E.isRight(unpacked) &&
        unpacked.right.equals(whole)
      );
    }),
    { numRuns: 60 },
  );
  t.pass();
});

test('snappy: what repeats takes less room, and a damaged block is noticed', (t) => {
  const plain = Buffer.from('/app/config/server-0000000001'.repeat(1000));
  const packed = packer('snappy')(plain);
  t.true(packed.length < plain.length / 8, `${packed.length} of ${plain.length}`);
  t.deepEqual(readSnappyStream(packed), E.right(plain));
  t.true(E.isLeft(readSnappyStream(packed.subarray(0, -1))));
  const longer = Buffer.from(packed);
  longer[20] = 0xff;
  t.notDeepEqual(readSnappyStream(longer), E.right(plain));
});
