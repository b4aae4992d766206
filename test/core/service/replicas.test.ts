/** Properties of transactions: what a leader decides, and that all who apply it come to the same. */
import test from 'ava';
import fc from 'fast-check';
import { newOwner } from '../../../core/data/hamt.js';
import { applyTxn } from '../../../core/service/apply.js';
import { freshDatabase, fromSnapshot, toSnapshot } from '../../../core/service/database.js';
import type { Database } from '../../../core/service/database.js';
import { lead, prepare, settle } from '../../../core/service/leader.js';
import type { MultiPart, WriteRequest } from '../../../core/service/request.js';
import type { Txn, TxnRecord } from '../../../core/service/txn.js';
import { anyone, create, readOnly, session, shown, shownEphemerals, zxid } from './support.js';

type Ask = { readonly author: number; readonly request: WriteRequest; readonly lag: number };

const anyPath = fc.constantFrom('/a', '/b', '/a/x', '/a/y', '/b/x', '/a/x/z');
const anyVersion = fc.constantFrom(-1, -1, 0, 1);
const anyCreate = fc.tuple(anyPath, fc.nat(3)).map(([path, flags]) => create(path, flags));
const anyDelete = fc.record({ op: fc.constant('delete' as const), path: anyPath, version: anyVersion });
const anySet = fc.record({
  op: fc.constant('setData' as const),
  path: anyPath,
  data: fc.constant(new Uint8Array([7])),
  version: anyVersion,
});
const anyCheck = fc.record({ op: fc.constant('check' as const), path: anyPath, version: anyVersion });
const anyPart = fc.oneof(anyCreate, anyDelete, anySet, anyCheck);
const anyRequest: fc.Arbitrary<WriteRequest> = fc.oneof(
  { weight: 12, arbitrary: anyCreate },
  { weight: 8, arbitrary: anyDelete },
  { weight: 4, arbitrary: anySet },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyPath, fc.boolean())
      .map(([path, open]) => ({ op: 'setACL' as const, path, acl: open ? anyone : readOnly, version: -1 })),
  },
  { weight: 4, arbitrary: fc.array(anyPart, { maxLength: 4 }).map((parts) => ({ op: 'multi' as const, parts })) },
  { weight: 1, arbitrary: fc.constant({ op: 'closeSession' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'createSession' as const, timeoutMs: 5000 }) },
);
const anyRun = fc.array(
  fc.record<Ask>({ author: fc.integer({ min: 1, max: 3 }), request: anyRequest, lag: fc.nat(6) }),
  {
    maxLength: 60,
    size: 'max',
  },
);

/** Prepares all requests on a leader that applies its transactions up to `lag` behind; three sessions are open. */
const decide = (run: readonly Ask[]): { readonly txns: readonly Txn[]; readonly database: Database } => {
  let database = freshDatabase();
  let leader = lead(database, 2000, 0);
  const txns: Txn[] = [];
  let appliedTo = 0;
  const all: readonly Ask[] = [
    ...[1, 2, 3].map((author): Ask => ({ author, request: { op: 'createSession', timeoutMs: 5000 }, lag: 0 })),
    ...run,
  ];
  const catchUp = (lag: number): void => {
    for (; appliedTo < txns.length - lag; appliedTo++) {
      const txn = txns[appliedTo] as Txn;
      database = applyTxn(database, txn).database;
      leader = settle(leader, txn);
    }
  };
  for (const [i, { author, request, lag }] of all.entries()) {
    const write = { session: session(author), cxid: i, request, identities: [] };
    const stamp = { origin: 1, zxid: zxid(i + 1), timeMs: i, nowMs: 0 };
    const prepared = prepare(leader, database, write, stamp);
    leader = prepared.leader;
    txns.push(prepared.txn);
    catchUp(lag);
  }
  catchUp(0);
  return { txns, database };
};

const applyAll = (database: Database, txns: readonly Txn[]): Database =>
  txns.reduce((d, txn) => applyTxn(d, txn).database, database);

const visible = (d: Database): unknown => [
  shown(d.tree),
  shownEphemerals(d.tree),
  [...toSnapshot(d).sessions].sort((a, b) => (a.session < b.session ? -1 : 1)),
  d.zxid,
];

test('prepare: all replicas that apply the transactions have equal trees, one by way of a snapshot', (t) => {
  fc.assert(
    fc.property(anyRun, fc.nat(60), (run, cut) => {
      const { txns, database } = decide(run);
      let batched = freshDatabase();
      const owner = newOwner();
      for (const txn of txns.slice(0, cut)) batched = applyTxn(batched, txn, owner).database;
      const loaded = fromSnapshot(toSnapshot(batched), batched.zxid);
      if ('refused' in loaded) return t.fail();
      t.deepEqual(visible(applyAll(loaded.database, txns.slice(cut))), visible(database));
      t.deepEqual(visible(applyAll(freshDatabase(), txns)), visible(database));
    }),
    { numRuns: 100 },
  );
});

/** A model of the rules that knows nothing of transactions, zxids or what is outstanding. */
type Model = Map<string, { version: number; created: number; owner: number; open: boolean }>;

const parentIn = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';
const childrenIn = (model: Model, path: string): number =>
  [...model.keys()].filter((p) => p !== '/' && parentIn(p) === path).length;

/** Carries out one request and gives its error. */
const modelled = (model: Model, open: Set<number>, author: number, request: WriteRequest | MultiPart): number => {
  if (request.op === 'createSession') {
    open.add(author);
    return 0;
  }
  if (request.op === 'closeSession') {
    open.delete(author);
    for (const [path, node] of model) if (node.owner === author) model.delete(path);
    return 0;
  }
  if (request.op === 'multi' || request.op === 'invalid' || request.op === 'createTTL') return -999;
  if (request.op === 'deleteContainer' || request.op === 'reconfig') return -999;
  if (!open.has(author)) return -112;
  const path = request.path ?? '';
  const parent = model.get(parentIn(path));
  const node = model.get(path);
  switch (request.op) {
    case 'delete':
      if (parent === undefined) return -101;
      if (!parent.open) return -102;
      if (node === undefined) return -101;
      if (request.version !== -1 && request.version !== node.version) return -103;
      if (childrenIn(model, path) > 0) return -111;
      model.delete(path);
      return 0;
    case 'setData':
    case 'setACL':
    case 'check':
      if (node === undefined) return -101;
      if (!node.open && request.op !== 'check') return -102;
      if (request.op !== 'setACL' && request.version !== -1 && request.version !== node.version) return -103;
      if (request.op === 'setData') node.version += 1;
      if (request.op === 'setACL') node.open = request.acl === anyone;
      return 0;
    default: {
      if (parent === undefined) return -101;
      if (!parent.open) return -102;
      const full = request.flags >= 2 ? path + String(parent.created).padStart(10, '0') : path;
      if (model.has(full)) return -110;
      if (parent.owner > 0) return -108;
      parent.created += 1;
      model.set(full, { version: 0, created: 0, owner: request.flags % 2 === 1 ? author : 0, open: true });
      return 0;
    }
  }
};

const copied = (model: Model): Model => new Map([...model].map(([path, node]) => [path, { ...node }]));

/** Whether the transactions say of each request what the model says, and leave the model's nodes behind. */
const agreesWithModel = (run: readonly Ask[], txns: readonly Txn[], database: Database): boolean => {
  let model: Model = new Map([['/', { version: 0, created: 0, owner: 0, open: true }]]);
  const open = new Set([1, 2, 3]);
  const errsOk = run.every(({ author, request }, i) => {
    const record = txns[i + 3]?.record as TxnRecord;
    if (request.op !== 'multi') return errOf(record) === modelled(model, open, author, request);
    const before = copied(model);
    const errs: number[] = [];
    for (const part of request.parts) errs.push(errs.some((e) => e !== 0) ? -2 : modelled(model, open, author, part));
    if (errs.some((e) => e !== 0)) model = before;
    return record.type === 'multi' && record.parts.map(errOf).join() === errs.join();
  });
  const nodes = [...toSnapshot(database).nodes].filter((n) => !n.path.startsWith('/zookeeper'));
  return (
    errsOk &&
    nodes.length === model.size &&
    nodes.every((n) => {
      const node = model.get(n.path || '/');
      return node?.version === n.version && node.created === n.cversion;
    })
  );
};

const errOf = (record: TxnRecord): number => (record.type === 'error' ? record.err : 0);

test('prepare: the decisions are those of a simple model that does one request after the other', (t) => {
  fc.assert(
    fc.property(anyRun, (run) => {
      const { txns, database } = decide(run);
      return agreesWithModel(run, txns, database);
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('the runs meet every error that the model knows', (t) => {
  const errs = new Set<number>();
  for (const run of fc.sample(anyRun, { seed: 7, numRuns: 100 }))
    for (const { record } of decide(run).txns) errs.add(errOf(record));
  t.deepEqual(
    [...errs].sort((a, b) => b - a),
    [0, -101, -102, -103, -108, -110, -111, -112],
  );
});

test('the model finds a decision made without what is outstanding, and a lost transaction', (t) => {
  const run: readonly Ask[] = [
    { author: 1, request: create('/a'), lag: 1 },
    { author: 1, request: create('/a'), lag: 0 },
  ];
  const { txns, database } = decide(run);
  t.true(agreesWithModel(run, txns, database));
  const blind = txns.map((txn, i) => (i === 4 ? { ...txn, record: (txns[3] as Txn).record } : txn));
  t.false(agreesWithModel(run, blind, applyAll(freshDatabase(), blind)));
  t.false(agreesWithModel(run, txns, applyAll(freshDatabase(), txns.slice(0, 3))));
});

/** Whether applying the last of the transactions again changes nothing. */
const bearsRepetition = (txns: readonly Txn[], from: number): boolean => {
  const once = applyAll(freshDatabase(), txns);
  const twice = applyAll(once, txns.slice(from));
  return JSON.stringify(visible(twice)) === JSON.stringify(visible(once));
};

test('applyTxn: to apply the last transactions twice is to apply them once', (t) => {
  fc.assert(
    fc.property(anyRun, fc.nat(60), (run, from) => bearsRepetition(decide(run).txns, from)),
    { numRuns: 300 },
  );
  t.pass();
});

test('the law of repetition finds a transaction that is not absolute', (t) => {
  const { txns } = decide([{ author: 1, request: create('/a'), lag: 0 }]);
  const relative = txns.map((txn) =>
    txn.record.type === 'create' ? { ...txn, record: { ...txn.record, parentCVersion: -1 } } : txn,
  );
  t.true(bearsRepetition(txns, 3));
  t.false(bearsRepetition(relative, 3));
});
