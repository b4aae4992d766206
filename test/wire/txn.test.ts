import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import type { Txn, TxnRecord } from '../../core/service/txn.js';
import { decodeTxn, encodeTxn, replayTxn } from '../../wire/txn.js';
import { anyTxn } from './arbitraries.js';

const txn = (record: TxnRecord, digest: Txn['digest'] = null): Txn => ({
  session: '0100000ed3ba0000',
  cxid: 7,
  zxid: { epoch: 3, counter: 9 },
  timeMs: 1795252895634,
  record,
  digest,
});
const digest = { version: 2, tree: '0000000051c6d660' };
const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }];
const header = '0100000ed3ba0000' + '00000007' + '0000000300000009' + '000001a1fd693f92';

const decoded = (bytes: Buffer): Txn | null => {
  const result = decodeTxn(bytes);
  return E.isRight(result) ? result.right : null;
};

test('transactions: decode gives back what encode was given', (t) => {
  fc.assert(
    fc.property(anyTxn, (a) => {
      const result = replayTxn(encodeTxn(a));
      return E.isRight(result) && isDeepStrictEqual(result.right, a);
    }),
    { numRuns: 400 },
  );
  t.pass();
});

test('transactions: a truncation is an error, or the same transaction without its digest', (t) => {
  fc.assert(
    fc.property(anyTxn, (a) => {
      const bytes = encodeTxn(a);
      for (let cut = 0; cut < bytes.length; cut += 1) {
        const result = replayTxn(bytes, 0, cut);
        if (E.isLeft(result)) continue;
        // What the format cannot tell from a whole: no digest, the old form of create, closeSession without a body.
        const { record } = result.right;
        const old = (record.type === 'create' || record.type === 'create2') && record.parentCVersion === -1;
        const bare = record.type === 'closeSession' && record.paths === null;
        if (!old && !bare && !isDeepStrictEqual(result.right, { ...a, digest: null })) return false;
      }
      return true;
    }),
    { numRuns: 100 },
  );
  t.pass();
});

test('transactions: a lost byte, a number too many in the table or a changed field does not go unnoticed', (t) => {
  const good = encodeTxn(txn({ type: 'setData', path: '/a', data: Buffer.from('x'), version: 4 }, digest));
  t.true(E.isLeft(decodeTxn(good.subarray(0, good.length - 1))));
  const unknown = Buffer.from(good);
  unknown.writeInt32BE(99, 28);
  t.deepEqual(decodeTxn(unknown), E.left({ type: 'UnknownType', what: 'transaction', number: 99 }));
  for (let at = 0; at < good.length; at += 1) {
    const changed = Buffer.from(good);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.notDeepEqual(decoded(changed), decoded(good), `byte ${at}`);
  }
});

test('transactions: random bytes never throw', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(1, 2, 5, 7, 13, 14, 15, 16, 19, 20, 21, -1, -10, -11),
      (b, type) => {
        const bytes = Buffer.concat([Buffer.alloc(28), Buffer.alloc(4), b]);
        bytes.writeInt32BE(type, 28);
        return replayTxn(bytes)._tag !== undefined && replayTxn(Buffer.from(b))._tag !== undefined;
      },
    ),
    { numRuns: 1000 },
  );
  t.pass();
});

test('transactions: a multi inside a multi is refused', (t) => {
  const inner = Buffer.from('00000000', 'hex');
  const part = Buffer.concat([Buffer.from('000000010000000e00000004', 'hex'), inner]);
  const bytes = Buffer.concat([Buffer.from(`${header}0000000e`, 'hex'), part]);
  t.deepEqual(decodeTxn(bytes), E.left({ type: 'UnknownType', what: 'part of a multi', number: 14 }));
});

test('CreateTxnV0: a record that ends before parentCVersion has it as -1', (t) => {
  const body = '000000022f61' + '00000001ff' + '000000010000001f00000005776f726c6400000006616e796f6e65' + '01';
  t.deepEqual(
    decoded(Buffer.from(`${header}00000001${body}`, 'hex')),
    txn({ type: 'create', path: '/a', data: Buffer.from([255]), acl, ephemeral: true, parentCVersion: -1 }),
  );
});

test('closeSession: the body may be absent, with and without a digest behind', (t) => {
  const bare = txn({ type: 'closeSession', paths: null });
  const sealed = txn({ type: 'closeSession', paths: null }, digest);
  const empty = txn({ type: 'closeSession', paths: [] }, digest);
  t.is(encodeTxn(bare).toString('hex'), `${header}fffffff5`);
  t.is(encodeTxn(sealed).toString('hex'), `${header}fffffff5000000020000000051c6d660`);
  for (const a of [bare, sealed, empty]) t.deepEqual(decoded(encodeTxn(a)), a);
});

test('encodeTxn: bytes are made once, and those of a decoded transaction are kept as they came', (t) => {
  const made = txn({ type: 'delete', path: '/a' });
  t.is(encodeTxn(made), encodeTxn(made));
  // A byte behind the digest is ignored; a follower still logs what its leader sent.
  const received = Buffer.concat([encodeTxn(txn({ type: 'error', err: -101 }, digest)), Buffer.from([1])]);
  const got = decoded(received);
  t.not(got, null);
  if (got === null) return;
  const before = received.toString('hex');
  received.fill(0); // the socket's chunk is used again
  t.is(encodeTxn(got).toString('hex'), before);
  t.is(encodeTxn({ ...got }).toString('hex'), before.slice(0, -2));
});
