import { createHash } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { base64, sha1 } from '../../../core/data/sha1.js';

test('sha1, base64: they are the platform’s own, at every length around a block', (t) => {
  const anyBytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      t.is(base64(sha1(bytes)), createHash('sha1').update(bytes).digest('base64'));
      t.is(base64(bytes), Buffer.from(bytes).toString('base64'));
    }),
  );
  for (let n = 50; n < 70; n++)
    t.is(base64(sha1(new Uint8Array(n))), createHash('sha1').update(new Uint8Array(n)).digest('base64'));
});
