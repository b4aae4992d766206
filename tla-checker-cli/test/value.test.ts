import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { fromItf, stateFromItf, stateToItf, TlaStateCodec, TlaValueCodec, toItf } from '../src/itf.js';
import { hashState, hashText, hashValue } from '../src/hash.js';
import type { TlaValue } from '../src/value.js';
import { canonicalText, maxDepth, parse, parseState, print, printState, sameValue } from '../src/value.js';
import { anyChoices, anyState, anyValue, disguised, written, writtenState } from './arbitrary.js';

const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left));
  return e.right;
};
const read = (text: string): TlaValue => right(parse(text));
const key = (v: TlaValue): string => hashText(hashValue(v));

test('parse: every form that TLC prints', (t) => {
  t.deepEqual(read('[ i |-> 1..3,\n  w |-> (-3 :> <<>> @@ 7 :> "v"),\n  l |-> << >> ]'), {
    record: {
      i: { set: [1, 2, 3] },
      w: {
        fcn: [
          [-3, []],
          [7, 'v'],
        ],
      },
      l: [],
    },
  });
  t.deepEqual(read('<<TRUE, FALSE, s1, "q\\"u\\\\o\\nt\\te", -12, {}>>'), [
    true,
    false,
    { model: 's1' },
    'q"u\\o\nt\te',
    -12,
    { set: [] },
  ]);
  t.deepEqual(right(parseState('x = 0')), { x: 0 });
  t.deepEqual(right(parseState('/\\ x = 0\n/\\ y = {a}\n')), { x: 0, y: { set: [{ model: 'a' }] } });
});

test('parse: an error names the place and what was expected there', (t) => {
  const errors = ['', '[a |-> 1', '{1, }', '"open', '<<1', '(1 :> 2 @@ )', '1 2', '[a |-> 1, a |-> 2]', '"\\q"', '-'];
  for (const text of errors) t.true(E.isLeft(parse(text)), text);
  t.deepEqual(parse('{1,\n  [a |- 2]}'), E.left({ type: 'ParseError', at: 9, line: 2, column: 6, expected: "'|->'" }));
  t.true(E.isLeft(parse('SUBSET {1}')));
  t.true(E.isLeft(parse('1..100000000')));
  t.true(E.isLeft(parse('12345678901234567890')));
  t.true(E.isLeft(parse('{'.repeat(100_000))));
  t.true(E.isRight(parse('{'.repeat(maxDepth) + '}'.repeat(maxDepth))));
});

test('parse: no text makes it throw, and a cut value is never a value of another meaning', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'[]{}<>()"\\/|->:@=.,1a \n') }), (s) => {
      parse(s);
      parseState(s);
    }),
  );
  fc.assert(
    fc.property(anyValue, anyChoices, fc.nat(), (v, pick, n) => {
      const text = written([v], pick);
      return E.isLeft(parse(text.slice(0, n % text.length)));
    }),
  );
  t.pass();
});

test('print: parse reads it back', (t) => {
  fc.assert(fc.property(anyValue, (v) => sameValue(read(print(v)), v)));
  fc.assert(fc.property(anyState, (s) => sameValue({ record: right(parseState(printState(s))) }, { record: s })));
  t.pass();
});

test('parse: line breaks, orders and forms do not matter', (t) => {
  fc.assert(
    fc.property(anyValue, anyChoices, (v, pick) => {
      t.is(canonicalText(read(written(disguised(v, pick), pick))), canonicalText(v));
    }),
  );
  fc.assert(
    fc.property(anyState, anyChoices, (s, pick) => {
      t.is(canonicalText({ record: right(parseState(writtenState(s, pick))) }), canonicalText({ record: s }));
    }),
  );
  t.pass();
});

test('canonicalText: one text a value', (t) => {
  t.is(canonicalText(read('{10, 9, -1, 9, "a", b}')), '{-1, 9, 10, "a", b}');
  t.is(canonicalText(read('(2 :> b @@ 1 :> a)')), '<<a, b>>');
  t.is(canonicalText(read('("b" :> 1 @@ "a" :> 2)')), '[a |-> 2, b |-> 1]');
  t.is(canonicalText({ record: {} }), '<<>>');
  t.is(canonicalText(read('(0 :> a @@ 1 :> b)')), '(0 :> a @@ 1 :> b)');
  t.not(canonicalText({ model: 'a' }), canonicalText('a'));
  t.is(canonicalText({ record: { 'a b': 1 } }), '("a b" :> 1)');
});

test('canonicalText: equal texts are equal hashes, for any two values', (t) => {
  const pair = fc.tuple(anyValue, anyValue, anyChoices);
  let equal = 0;
  fc.assert(
    fc.property(pair, ([a, b, pick]) => {
      if (sameValue(a, b)) equal++;
      t.is(canonicalText(a) === canonicalText(b), key(a) === key(b));
      const c = disguised(a, pick);
      t.is(canonicalText(c), canonicalText(a));
      t.is(key(c), key(a));
    }),
    { numRuns: 3000 },
  );
  t.true(equal > 0, 'some of the pairs were equal');
});

test('hashValue: small differences are seen', (t) => {
  const values = [
    '0', '1', '-1', '"1"', '""', 'a', '"a"', 'TRUE', 'FALSE', '"TRUE"', '{}', '<<>>', '{{}}', '<<{}>>', '{<<>>}',
    '<<1, 2>>', '<<2, 1>>', '{1, 2}', '{1}', '<<1>>', '<<<<1>>>>', '{{1}, {2}}', '{{1, 2}}', '{{1}, {1, 2}}',
    '[a |-> 1, b |-> 2]', '[a |-> 2, b |-> 1]', '[a |-> b, b |-> a]', '(0 :> 1)', '(1 :> 0 @@ 0 :> 1)', '(a :> b)',
    '(b :> a)', '{<<1, 2>>, <<3, 4>>}', '{<<1, 4>>, <<3, 2>>}', '4294967296', '4294967297', '-4294967296',
  ]; // prettier-ignore
  t.is(new Set(values.map((v) => key(read(v)))).size, values.length);
  t.is(new Set(values.map((v) => canonicalText(read(v)))).size, values.length);
});

test('hashValue: 200,000 near neighbours have 200,000 hashes, also in 64 of the 128 bits', (t) => {
  const whole = new Set<string>();
  const half = new Set<string>();
  for (let n = 0; n < 200_000; n++) {
    const h = hashValue({ set: [[n % 100, Math.floor(n / 100) % 50], { set: [Math.floor(n / 5000)] }] });
    whole.add(hashText(h));
    half.add(`${h[0]},${h[1]}`);
  }
  t.is(whole.size, 200_000);
  t.is(half.size, 200_000);
});

test('hashValue: large sets forget repeated members too', (t) => {
  const set = Array.from({ length: 500 }, (_, n) => n);
  t.is(key({ set }), key({ set: [...set, ...set.toReversed()] }));
  t.not(key({ set }), key({ set: [...set, 500] }));
});

test('hashState: the hash of the record of all variables', (t) => {
  fc.assert(fc.property(anyState, (s) => hashText(hashState(s)) === key({ record: s })));
  t.pass();
});

test('ITF: reads back what it writes, with numbers and with #bigint', (t) => {
  fc.assert(
    fc.property(anyValue, fc.boolean(), (v, bigint) => {
      const json: unknown = JSON.parse(JSON.stringify(toItf(v, { bigint })));
      return canonicalText(right(fromItf(json))) === canonicalText(v);
    }),
  );
  fc.assert(
    fc.property(anyState, (s) =>
      sameValue({ record: right(stateFromItf({ '#meta': {}, ...stateToItf(s) })) }, { record: s }),
    ),
  );
  t.deepEqual(right(fromItf({ '#tup': [{ '#bigint': '-7' }, { '#set': [] }, { '#map': [[1, 'a']] }] })), [
    -7,
    { set: [] },
    { fcn: [[1, 'a']] },
  ]);
});

test('ITF: what is no value is refused with its path', (t) => {
  const path = (json: unknown): string =>
    E.getOrElse(() => '')(E.swap(E.map(() => '')(E.mapLeft((e: { path: string }) => e.path)(fromItf(json)))));
  t.is(path(null), '$');
  t.is(path([1, 1.5]), '$[1]');
  t.is(path({ a: { '#set': [1, null] } }), '$.a.#set[1]');
  t.is(path({ '#bigint': 'x' }), '$.#bigint');
  t.is(path({ '#map': [[1]] }), '$.#map');
  t.is(path({ '#unserializable': '…' }), '$.#unserializable');
});

test('io-ts codecs: values inside, ITF outside', (t) => {
  const v: TlaValue = { set: [{ model: 's1' }, [1, true]] };
  t.true(TlaValueCodec.is(v));
  t.false(TlaValueCodec.is(undefined));
  t.false(TlaValueCodec.is({ set: [1.5] }));
  t.deepEqual(TlaValueCodec.decode(TlaValueCodec.encode(v)), E.right(v));
  t.deepEqual(TlaStateCodec.decode(TlaStateCodec.encode({ x: v })), E.right({ x: v }));
  t.true(E.isLeft(TlaStateCodec.decode({ x: null })));
});
