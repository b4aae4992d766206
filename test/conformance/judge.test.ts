import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { judge } from '../../conformance/judge.js';
import { dotText } from '../fixtures/dot.js';

/** 0 to 3 in a row; TLC says of 2 and 3 that they break Small. */
const text = dotText({
  states: [0, 1, 2, 3].map((n) => ({ id: String(n + 10), initial: n === 0, state: { n } })),
  edges: [
    ...[0, 1, 2].map((n) => ({ from: String(n + 10), to: String(n + 11), label: 'Add__' })),
    ...[2, 3].map((n) => ({ from: String(n + 10), to: String(n + 10), label: 'Violates__Small' })),
  ],
});

const open = (dot: string) =>
  async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from(dot));
  };

const judged = async (below: number, names = ['Small'], dot = text) => {
  const r = await judge(open(dot), names, { Small: (s) => Number(s['n']) < below });
  if (E.isLeft(r)) throw new Error(JSON.stringify(r.left));
  return r.right;
};

test('the same verdict on every state is agreement', async (t) => {
  t.deepEqual(await judged(2), {
    agree: true,
    states: 4,
    missing: [],
    invariants: { Small: { tlc: 2, ours: 2, onlyTlc: 0, onlyOurs: 0, example: null } },
  });
});

test('one state judged differently is disagreement, with the state', async (t) => {
  const lax = await judged(3);
  t.false(lax.agree);
  t.deepEqual(lax.invariants['Small'], { tlc: 2, ours: 1, onlyTlc: 1, onlyOurs: 0, example: { n: 2 } });
  const strict = await judged(1);
  t.deepEqual(strict.invariants['Small'], { tlc: 2, ours: 3, onlyTlc: 0, onlyOurs: 1, example: { n: 1 } });
});

test('no state, no invariant or no function is no agreement', async (t) => {
  t.false((await judged(2, ['Small'], dotText({ states: [], edges: [] }))).agree);
  t.false((await judged(2, [])).agree);
  const missing = await judged(2, ['Small', 'Other']);
  t.false(missing.agree);
  t.deepEqual(missing.missing, ['Other']);
});

test('a dump that was cut off is no evidence', async (t) => {
  t.true(E.isLeft(await judge(open(text.slice(0, -3)), ['Small'], { Small: () => true })));
});
