import test from 'ava';
import { changed, chanceOf, corpus, fuzz } from './fuzz.js';

test('no bytes make a decoder or the service throw', (t) => {
  let asked = 0;
  let decoded = 0;
  const found = fuzz(30_000, 1, (f) => ({ asked, decoded } = f));
  t.is(found === null ? '' : `${found.why}\n${found.hex}`, '');
  // Chance leaves enough of the recordings that requests come through.
  t.true(asked > 3000 && decoded > asked);
});

test('every kind of recording is there, and changes change it', (t) => {
  const samples = corpus();
  const kinds = new Set(samples.map((s) => s.kind));
  t.deepEqual([...kinds].toSorted(), ['election', 'log', 'packet', 'reply', 'request', 'snapshot']);
  const chance = chanceOf(7);
  const [first, second] = samples;
  if (first === undefined || second === undefined) return t.fail();
  const different = Array.from({ length: 100 }, () => changed(first.bytes, second.bytes, chance)).filter(
    (b) => !b.equals(first.bytes),
  );
  t.true(different.length > 80);
});
