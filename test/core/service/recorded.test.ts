/** Recordings of Apache's servers: their logs lead us to their trees, and their clients get the same answers here. */
import { crc32 } from 'node:zlib';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { entriesOf } from '../../../core/data/hamt.js';
import { applyTxn } from '../../../core/service/apply.js';
import { freshDatabase, fromSnapshot, toSnapshot } from '../../../core/service/database.js';
import type { Database } from '../../../core/service/database.js';
import type { Reply, ReplyBody, WatchEvent } from '../../../core/service/request.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { ServiceRules } from '../../../core/service/rules.js';
import type { Tree, Znode } from '../../../core/service/tree.js';
import type { Txn, TxnRecord } from '../../../core/service/txn.js';
import { decodeRequest } from '../../../wire/client.js';
import { scanLog } from '../../../wire/log.js';
import { decodeReply, decodeReplyHead, decodeWatchEvent } from '../../../wire/reply.js';
import { decodeSnapshot } from '../../../wire/snapshot.js';
import { vectorBytes, vectorJson } from '../../wire/vectors.js';
import { ask, attach, commit, send, session, shown, shownEphemerals, startSolo, zxid } from './support.js';
import type { Solo } from './support.js';

const right = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

const databaseIn = (file: string, counter: number): Database => {
  const loaded = fromSnapshot(right(decodeSnapshot(vectorBytes(file))).snapshot, { epoch: 0, counter });
  if ('refused' in loaded) throw new Error(loaded.path);
  return loaded.database;
};

const txnsIn = (file: string): readonly Txn[] => right(scanLog(vectorBytes(file))).entries.map((e) => e.txn);

/** ZooKeeper's digest of a tree, version 2, as in disk-formats section 4. */
const digestOf = (tree: Tree): string => {
  let sum = 0n;
  for (const [path, node] of entriesOf(tree.nodes)) if (!path.startsWith('/zookeeper/')) sum += digestOfNode(node);
  return BigInt.asUintN(64, sum).toString(16).padStart(16, '0');
};

const digestOfNode = (n: Znode): bigint => {
  const stat = Buffer.alloc(60);
  let at = 0;
  for (const z of [n.czxid, n.mzxid, n.pzxid]) {
    stat.writeUInt32BE(z.epoch, at);
    at = stat.writeUInt32BE(z.counter, at + 4);
  }
  for (const ms of [n.ctimeMs, n.mtimeMs]) at = stat.writeBigInt64BE(BigInt(ms), at);
  for (const version of [n.version, n.cversion, n.aversion]) at = stat.writeInt32BE(version, at);
  stat.writeBigUInt64BE(BigInt(`0x${n.owner}`), at);
  const path = Buffer.from(n.path === '/' ? '' : n.path);
  return BigInt(crc32(Buffer.concat([path, n.data ?? Buffer.alloc(0), stat])));
};

/** The first transaction after which our tree has another digest than Apache's; null: none. */
const firstDifference = (from: Database, txns: readonly Txn[]): Txn | null => {
  let database = from;
  for (const txn of txns) {
    database = applyTxn(database, txn).database;
    if (txn.digest !== null && txn.digest.tree !== digestOf(database.tree)) return txn;
  }
  return null;
};

test('a recorded log leads to the recorded snapshot, with the digest of each transaction on the way', (t) => {
  t.is(digestOf(freshDatabase().tree), '0000000051c6d660');
  t.deepEqual(shown(databaseIn('disk/standard/snapshot.0', 0).tree), shown(freshDatabase().tree));
  const txns = txnsIn('disk/standard/log.1');
  t.is(txns.length, 22);
  t.true(txns.filter((txn) => txn.digest !== null).length > 15);
  t.is(firstDifference(freshDatabase(), txns), null);
  const ours = txns.reduce((d, txn) => applyTxn(d, txn).database, freshDatabase());
  const theirs = databaseIn('disk/standard/snapshot.16', 0x16);
  t.deepEqual(shown(ours.tree), shown(theirs.tree));
  t.deepEqual(shownEphemerals(ours.tree), shownEphemerals(theirs.tree));
  t.deepEqual([...toSnapshot(ours).sessions].sort(), [...toSnapshot(theirs).sessions].sort());
  t.deepEqual(ours.zxid, theirs.zxid);
});

test('the digest finds one transaction that is applied otherwise', (t) => {
  const txns = txnsIn('disk/standard/log.1');
  const set = txns.findIndex((txn) => txn.record.type === 'setData');
  const tampered = txns.map((txn, i) => {
    if (i !== set || txn.record.type !== 'setData') return txn;
    return { ...txn, record: { ...txn.record, version: txn.record.version + 1 } };
  });
  t.is(firstDifference(freshDatabase(), tampered), tampered[set] as Txn);
});

test('a recorded log over the snapshot of its end changes nothing', (t) => {
  const theirs = databaseIn('disk/standard/snapshot.16', 0x16);
  const again = txnsIn('disk/standard/log.1').reduce((d, txn) => applyTxn(d, txn).database, theirs);
  t.deepEqual(shown(again.tree), shown(theirs.tree));
  t.deepEqual(shownEphemerals(again.tree), shownEphemerals(theirs.tree));
});

test('a log whose closeSession has no body loses the ephemeral nodes all the same', (t) => {
  const txns = txnsIn('disk/close-session-without-body/log.1');
  const ours = txns.reduce((d, txn) => applyTxn(d, txn).database, freshDatabase());
  const theirs = databaseIn('disk/close-session-without-body/snapshot.16', 0x16);
  t.deepEqual(shown(ours.tree), shown(theirs.tree));
});

// Conversations of clients with Apache's server, held again with ours.

type Frame = {
  readonly name: string;
  readonly direction: string;
  readonly hex: string;
  readonly decoded: { readonly body?: unknown };
};

type Talk = { readonly asked: number; readonly differences: readonly string[] };

const payload = (frame: Frame): Buffer => Buffer.from(frame.hex.slice(8), 'hex');

const dataOf = (body: ReplyBody): { readonly data?: string | null } =>
  body.type === 'dataStat' ? { data: body.data === null ? null : Buffer.from(body.data).toString('hex') } : {};

/** What does not depend on the recording server's clock, ids and hash order. */
const comparable = (reply: Reply): unknown =>
  JSON.parse(
    JSON.stringify(
      { ...reply, zxid: reply.zxid?.counter ?? -1, body: { ...reply.body, ...dataOf(reply.body) } },
      (key: string, value: unknown) => {
        if (key === 'ctimeMs' || key === 'mtimeMs') return undefined;
        if (key.endsWith('zxid') && typeof value === 'object') return (value as { counter: number }).counter;
        if (key === 'ephemeralOwner') return value !== session(0);
        if (key === 'children') return [...(value as string[])].sort();
        if (key === 'identities')
          return (value as { scheme: string }[]).toSorted((a, b) => (a.scheme < b.scheme ? -1 : 1));
        return value;
      },
    ),
  );

/** The one change of the recording that we do not offer to clients, done as the transaction that it became. */
const elsewhere = (frame: Frame): TxnRecord | null =>
  frame.name.startsWith('deleteContainer.')
    ? { type: 'deleteContainer', path: payload(frame).toString('utf8', 12) }
    : null;

const writes: ReadonlySet<string> = new Set([
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'setACL',
  'multi',
  'closeSession',
]);

/** Holds the part of a recording between two frames; one client asks, and others only move the zxid. */
const hold = (file: string, from: string, to: string | null, rules: Partial<ServiceRules> = {}): Talk => {
  const { frames } = vectorJson<{ readonly frames: readonly Frame[] }>(`client/${file}.json`);
  const start = frames.findIndex((f) => f.name === from);
  const part = frames.slice(start, to === null ? undefined : frames.findIndex((f) => f.name === to));
  const solo = startSolo({ ...defaultRules, extendedTypes: true, ...rules });
  const differences: string[] = [];
  const events: WatchEvent[] = [];
  let asked = 0;
  attach(solo, 1);
  for (const [i, frame] of part.entries()) {
    if (frame.direction !== 'client->server') continue;
    const { xid, request } = right(decodeRequest(payload(frame)));
    const answer = part
      .slice(i)
      .find((f) => f.direction !== frame.direction && right(decodeReplyHead(payload(f))).xid === xid);
    if (answer === undefined) {
      differences.push(`${frame.name} has no answer`);
      continue;
    }
    const expected = right(decodeReply(request.op, payload(answer)));
    const at = expected.zxid?.counter ?? 0;
    const isOffered = request.op !== 'unknown';
    if (at > 0) raise(solo, isOffered && !writes.has(request.op) ? at : at - 1);
    if (!isOffered) {
      const record = elsewhere(frame);
      if (record !== null && expected.err === 0) apply(solo, at, record);
      continue;
    }
    asked += 1;
    const effects = [...ask(solo, 1, xid, request), ...commit(solo)];
    for (const e of effects) if (e.type === 'Event') events.push(e.event);
    const [reply, ...more] = effects.flatMap((e) => (e.type === 'Reply' ? [e.reply] : []));
    const ours = JSON.stringify(reply === undefined ? null : comparable(reply));
    const theirs = JSON.stringify(comparable(expected));
    if (ours !== theirs || more.length > 0) differences.push(`${frame.name}\n  ours   ${ours}\n  theirs ${theirs}`);
  }
  const heard = part.filter((f) => f.direction !== 'client->server' && right(decodeReplyHead(payload(f))).xid === -1);
  const theirs = heard.map((f) => shownEvent(right(decodeWatchEvent(payload(f))))).join();
  const ours = events.map(shownEvent).join();
  if (ours !== theirs) differences.push(`events\n  ours   ${ours}\n  theirs ${theirs}`);
  return { asked, differences };
};

const shownEvent = (e: WatchEvent): string => `${e.type} ${e.path} ${e.zxid?.counter ?? -1}`;

const apply = (solo: Solo, counter: number, record: TxnRecord): void => {
  const txn = { session: session(9), cxid: 0, zxid: zxid(counter), timeMs: 0, record, digest: null };
  send(solo, { type: 'Applied', txn });
  solo.counter = counter;
};

/** Transactions of others, between those of this client. */
const raise = (solo: Solo, counter: number): void => {
  if (counter > solo.counter) apply(solo, counter, { type: 'error', err: -101 });
};

for (const [file, from, to, asks, rules] of [
  ['ops-basic', 'create.persistent.request', 'check.standalone_rejected.request', 27],
  ['multi', 'multi.success.request', 'multiRead.request', 3],
  ['kazoo-session', 'auth.request', null, 38],
  ['java-session', 'auth.request', null, 40],
  ['node-session', 'auth.request', null, 11],
  ['go-session', 'auth.request', null, 16],
  ['local-session', 'create.ephemeral_on_local_session.request', null, 2, { localSessions: 'on' }],
  ['disabled-features', 'createTTL.unimplemented.request', null, 1, { extendedTypes: false }],
  ['multi', 'multiRead.exists_not_allowed.request', 'multi.container_ttl.request', 1],
] as const)
  test(`the answers and events of the recording ${file}, from ${from} on, are ours`, (t) => {
    const { asked, differences } = hold(file, from, to, rules);
    t.deepEqual(differences, []);
    t.is(asked, asks);
  });
