import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import type { Txn } from '../../core/service/txn.js';
import { openWriter, written } from '../../wire/jute.js';
import type { LogScan } from '../../wire/log.js';
import { logHeaderBytes, paddedSize, scanLog, writeLogEntry, writeLogHeader } from '../../wire/log.js';
import { encodeTxn } from '../../wire/txn.js';
import { anyTxn } from './arbitraries.js';
import { comparable, shownTxn } from './shownTxn.js';
import { vectorBytes, vectorFiles, vectorJson } from './vectors.js';
import type { Json } from './vectors.js';

type Recorded = {
  readonly endOfEntries: number;
  readonly entries: readonly { readonly offset?: number; readonly [key: string]: Json }[];
};

const scanned = (bytes: Buffer): LogScan | null => {
  const scan = scanLog(bytes);
  return E.isRight(scan) ? scan.right : null;
};

const fileOf = (txns: readonly Txn[]): Buffer => {
  const w = openWriter(64);
  writeLogHeader(w);
  for (const txn of txns) writeLogEntry(w, txn);
  return Buffer.from(written(w));
};

const logs = vectorFiles('disk', '').filter((name) => /\/log\.[0-9a-f]+$/.test(name));

for (const name of logs) {
  test(`${name}: every entry is what was recorded, and the file is rewritten byte for byte`, (t) => {
    const bytes = vectorBytes(name);
    const recorded = vectorJson<Recorded>(`${name}.json`);
    const scan = scanned(bytes);
    t.truthy(scan);
    if (scan === null) return;
    // Of the longest file only some entries are beside it in words.
    t.true(recorded.entries.length > 0);
    for (const expected of recorded.entries) {
      if (expected.offset === undefined) continue; // says how many are left out
      const entry = scan.entries.find((e) => e.offset === expected.offset);
      t.truthy(entry, `entry at ${expected.offset}`);
      if (entry !== undefined) t.deepEqual(comparable(shownTxn(entry.txn)), comparable(expected));
    }
    t.is(scan.end.at, recorded.endOfEntries);
    t.is(scan.end.type, recorded.endOfEntries === bytes.length ? 'clean' : 'padding');
    t.is(fileOf(scan.entries.map((e) => e.txn)).compare(bytes.subarray(0, scan.end.at)), 0);
  });
}

test('log files: a changed byte in a recorded entry shows', (t) => {
  const bytes = vectorBytes('disk/standard/log.1');
  const whole = scanned(bytes)?.entries.length ?? 0;
  const [first] = scanned(bytes)?.entries ?? [];
  t.true(whole > 10);
  for (let at = first?.offset ?? 0; at < (first?.end ?? 0); at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    const end = scanned(changed)?.end;
    t.is(end?.type, 'damaged', `byte ${at}`);
    if (end?.type === 'damaged') t.deepEqual([end.at, end.validAt], [logHeaderBytes, first?.end]);
  }
});

test('log files: what a crash cut short is torn, at every length of the last entry', (t) => {
  const bytes = vectorBytes('disk/standard/log.1');
  const scan = scanned(bytes);
  const last = scan?.entries.at(-1);
  const count = (scan?.entries.length ?? 0) - 1;
  t.truthy(last);
  if (last === undefined) return;
  for (let cut = last.offset + 1; cut < last.end; cut += 1) {
    // The file may simply end there, or go on with the zeros of a preallocated file.
    for (const file of [bytes.subarray(0, cut), Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(5000)])]) {
      const got = scanned(file);
      t.is(got?.entries.length, count);
      t.is(got?.end.at, last.offset);
      // The first bytes of a checksum are zeros: nothing tells them from padding.
      t.is(got?.end.type, cut < last.offset + 5 ? 'padding' : 'torn', String(cut));
    }
  }
});

test('log files: a hole of zeros before a valid entry is damage and not padding', (t) => {
  const bytes = Buffer.from(vectorBytes('disk/standard/log.1'));
  const [, second, third] = scanned(bytes)?.entries ?? [];
  if (second === undefined || third === undefined) return t.fail('too few entries');
  bytes.fill(0, second.offset, second.end);
  t.like(scanned(bytes), { end: { type: 'damaged', at: second.offset, validAt: third.offset } });
});

test('log files: entries left from before, with older zxids, are not taken for later ones', (t) => {
  const txn = (counter: number): Txn => ({
    session: '0000000000000001',
    cxid: 1,
    zxid: { epoch: 1, counter },
    timeMs: 0,
    record: { type: 'error', err: -101 },
    digest: null,
  });
  const old = fileOf([txn(1), txn(2)]).subarray(logHeaderBytes);
  const junk = Buffer.from('ffeeddcc', 'hex');
  t.like(scanned(Buffer.concat([fileOf([txn(5)]), junk, old])), { end: { type: 'torn' } });
  t.like(scanned(Buffer.concat([fileOf([txn(1)]), junk, old])), { end: { type: 'damaged' } });
});

test('log files: bytes that are intact but no known transaction are reported as such', (t) => {
  const txn: Txn = {
    session: '0000000000000001',
    cxid: 1,
    zxid: { epoch: 1, counter: 1 },
    timeMs: 0,
    record: { type: 'error', err: 77 },
    digest: null,
  };
  encodeTxn(txn).writeInt32BE(77, 28);
  const scan = scanned(fileOf([txn]));
  t.deepEqual(scan?.end, {
    type: 'undecodable',
    at: logHeaderBytes,
    why: { type: 'UnknownType', what: 'transaction', number: 77 },
  });
});

test('log files: another file is no log; one that ends in its header is torn at the start', (t) => {
  t.deepEqual(
    scanLog(Buffer.from('5a4b534e00000002', 'hex')),
    E.left({ type: 'BadMagic', expected: '5a4b4c47', found: '5a4b534e' }),
  );
  for (let cut = 0; cut < logHeaderBytes; cut += 1) {
    t.like(scanned(fileOf([]).subarray(0, cut)), { entries: [], end: { type: 'torn', at: 0 } });
  }
  t.like(scanned(fileOf([])), { entries: [], end: { type: 'clean', at: logHeaderBytes } });
});

test('log files: any transactions are read back, whatever garbage follows', (t) => {
  fc.assert(
    fc.property(fc.array(anyTxn, { maxLength: 5 }), fc.uint8Array({ maxLength: 60 }), (txns, tail) => {
      const file = fileOf(txns);
      const scan = scanned(Buffer.concat([file, tail]));
      return scan?.entries.length === txns.length && scan.end.at === file.length;
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('padding: files grow as those of Apache do', (t) => {
  const mib = 1024 * 1024;
  t.is(paddedSize(16, 16, 64 * mib), 67108880); // a fresh file with the default of 64 MiB
  t.is(paddedSize(16, 16, 65536), 65552);
  t.is(paddedSize(61455, 65552, 65536), 65552);
  t.is(paddedSize(61456, 65552, 65536), 131088);
  t.is(paddedSize(200000, 65552, 65536), 262144); // one entry jumped beyond the end: the next multiple
  t.is(paddedSize(16, 16, 0), 16);
});
