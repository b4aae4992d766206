/** Random messages of every kind, for laws of the codecs. */
import fc from 'fast-check';
import type { Packet } from '../../core/replication/packet.js';
import type {
  ClientRequest,
  ForwardedRequest,
  MultiPart,
  MultiResult,
  Reply,
  ReplyBody,
  Stat,
} from '../../core/service/request.js';
import type { SnapshotNode } from '../../core/service/snapshot.js';
import type { Acl, Txn, TxnRecord } from '../../core/service/txn.js';
import type { WholeSnapshot } from '../../wire/snapshotBody.js';

export const anyText = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 40 }));
export const anyBytes = fc.uint8Array({ maxLength: 64 }).map((b) => Buffer.from(b));
export const anyInt = fc.integer();
const half = fc.integer({ min: 0, max: 0xffffffff });
export const anyZxid = fc.record({ epoch: half, counter: half }, { noNullPrototype: true });
const shortOf = <A>(arb: fc.Arbitrary<A>): fc.Arbitrary<A[]> => fc.array(arb, { maxLength: 4 });
const orNull = <A>(arb: fc.Arbitrary<A>): fc.Arbitrary<A | null> => fc.option(arb, { nil: null });
export const anySession = fc
  .tuple(half, half)
  .map(([a, b]) => a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0'));
export const anySid = fc.integer({ min: 0, max: 254 });
const anySafe = fc.maxSafeInteger();

const make = <A>(model: { [K in keyof A]: fc.Arbitrary<A[K]> }): fc.Arbitrary<A> =>
  fc.record(model as never, { noNullPrototype: true }) as fc.Arbitrary<A>;
const just = <const A>(a: A): fc.Arbitrary<A> => fc.constant(a);

export const anyAcl: fc.Arbitrary<Acl> = fc.oneof(
  make<Acl>({ perms: anyInt, scheme: anyText, id: anyText }),
  just({ perms: 31, scheme: 'world', id: 'anyone' } as Acl),
);
const anyAcls = shortOf(anyAcl);

type Part = Exclude<TxnRecord, { type: 'multi' | 'closeSession' }>;
const anyPart: fc.Arbitrary<TxnRecord> = fc.oneof<fc.Arbitrary<Part>[]>(
  make({
    type: fc.constantFrom('create' as const, 'create2' as const),
    path: anyText,
    data: orNull(anyBytes),
    acl: anyAcls,
    ephemeral: fc.boolean(),
    parentCVersion: anyInt,
  }),
  make({
    type: just('createContainer'),
    path: anyText,
    data: orNull(anyBytes),
    acl: anyAcls,
    parentCVersion: anyInt,
  }),
  make({
    type: just('createTTL'),
    path: anyText,
    data: orNull(anyBytes),
    acl: anyAcls,
    parentCVersion: anyInt,
    ttl: anySafe,
  }),
  make({ type: fc.constantFrom('delete' as const, 'deleteContainer' as const), path: anyText }),
  make({
    type: fc.constantFrom('setData' as const, 'reconfig' as const),
    path: anyText,
    data: orNull(anyBytes),
    version: anyInt,
  }),
  make({ type: just('setACL'), path: anyText, acl: anyAcls, version: anyInt }),
  make({ type: just('check'), path: anyText, version: anyInt }),
  make({ type: just('error'), err: anyInt }),
  make({ type: just('createSession'), timeoutMs: anyInt }),
);
export const anyRecord: fc.Arbitrary<TxnRecord> = fc.oneof(
  { arbitrary: anyPart, weight: 6 },
  {
    arbitrary: make<TxnRecord & { type: 'closeSession' }>({
      type: just('closeSession'),
      // Two empty paths and no digest would be the bytes of no body and a digest; paths are never empty.
      paths: orNull(shortOf(anyText.map((text) => `/${text}`))),
    }),
    weight: 1,
  },
  { arbitrary: make<TxnRecord & { type: 'multi' }>({ type: just('multi'), parts: shortOf(anyPart) }), weight: 2 },
);
/** Digests are of version 2 as in every 3.9: with it a missing body of closeSession can be told from a digest. */
export const anyTxn: fc.Arbitrary<Txn> = make({
  session: anySession,
  cxid: anyInt,
  zxid: anyZxid,
  timeMs: anySafe,
  record: anyRecord,
  digest: orNull(make({ version: just(2), tree: anySession })),
});

const anyNode: fc.Arbitrary<SnapshotNode> = make({
  path: anyText.map((t) => `/${t}x`),
  data: orNull(anyBytes),
  acl: orNull(anyAcls),
  czxid: anyZxid,
  mzxid: anyZxid,
  ctimeMs: anySafe,
  mtimeMs: anySafe,
  version: anyInt,
  cversion: anyInt,
  aversion: anyInt,
  owner: anySession,
  pzxid: anyZxid,
});
export const anySnapshot: fc.Arbitrary<WholeSnapshot> = make({
  sessions: shortOf(make({ session: anySession, timeoutMs: anyInt })),
  nodes: fc.array(anyNode, { maxLength: 12 }),
});

const anyMultiPart: fc.Arbitrary<MultiPart> = fc.oneof<fc.Arbitrary<MultiPart>[]>(
  make({
    op: fc.constantFrom('create' as const, 'create2' as const, 'createContainer' as const),
    path: orNull(anyText),
    data: orNull(anyBytes),
    acl: orNull(anyAcls),
    flags: anyInt,
  }),
  make({
    op: just('createTTL'),
    path: orNull(anyText),
    data: orNull(anyBytes),
    acl: orNull(anyAcls),
    flags: anyInt,
    ttl: anySafe,
  }),
  make({ op: just('delete'), path: orNull(anyText), version: anyInt }),
  make({ op: just('setData'), path: orNull(anyText), data: orNull(anyBytes), version: anyInt }),
);
const anyCheck: fc.Arbitrary<MultiPart> = make({ op: just('check'), path: orNull(anyText), version: anyInt });
const anyWrite = fc.oneof(
  anyMultiPart as fc.Arbitrary<Exclude<MultiPart, { op: 'check' }>>,
  make<ClientRequest & { op: 'setACL' }>({
    op: just('setACL'),
    path: orNull(anyText),
    acl: orNull(anyAcls),
    version: anyInt,
  }),
  make<ClientRequest & { op: 'multi' }>({ op: just('multi'), parts: shortOf(fc.oneof(anyMultiPart, anyCheck)) }),
  just({ op: 'closeSession' } as const),
  just({ op: 'invalid', err: -5 } as const),
);
const anySync: fc.Arbitrary<ClientRequest & { op: 'sync' }> = make({ op: just('sync'), path: orNull(anyText) });
const anyTexts = shortOf(anyText);
export const anyClientRequest: fc.Arbitrary<ClientRequest> = fc.oneof<fc.Arbitrary<ClientRequest>[]>(
  anyWrite,
  anySync,
  make({
    op: fc.constantFrom('exists' as const, 'getData' as const, 'getChildren' as const, 'getChildren2' as const),
    path: orNull(anyText),
    watch: fc.boolean(),
  }) as fc.Arbitrary<ClientRequest>,
  make({
    op: fc.constantFrom('getACL' as const, 'getAllChildrenNumber' as const),
    path: orNull(anyText),
  }) as fc.Arbitrary<ClientRequest>,
  make({ op: just('getEphemerals'), prefix: orNull(anyText) }),
  make({ op: just('whoAmI') }),
  make({
    op: just('multiRead'),
    parts: shortOf(
      make({
        op: fc.constantFrom('getData' as const, 'getChildren' as const),
        path: orNull(anyText),
        watch: fc.boolean(),
      }),
    ),
  }),
  make({ op: just('addWatch'), path: orNull(anyText), mode: anyInt }),
  make({
    op: fc.constantFrom('checkWatches' as const, 'removeWatches' as const),
    path: orNull(anyText),
    kind: anyInt,
  }) as fc.Arbitrary<ClientRequest>,
  make({
    op: just('reconfig'),
    joining: orNull(anyText),
    leaving: orNull(anyText),
    members: orNull(anyText),
    version: orNull(anyZxid.filter((z) => z.epoch !== 0xffffffff || z.counter !== 0xffffffff)),
  }),
  just({ op: 'ping' } as const),
  make({
    op: just('setWatches'),
    relativeZxid: anyZxid,
    data: anyTexts,
    exist: anyTexts,
    child: anyTexts,
    persistent: just([] as string[]),
    persistentRecursive: just([] as string[]),
  }),
  make({
    op: just('setWatches2'),
    relativeZxid: anyZxid,
    data: anyTexts,
    exist: anyTexts,
    child: anyTexts,
    persistent: anyTexts,
    persistentRecursive: anyTexts,
  }),
  make({ op: just('auth'), scheme: orNull(anyText), auth: orNull(anyBytes) }),
  make({ op: just('sasl'), token: orNull(anyBytes) }),
  just({ op: 'unreadable', err: -5 } as const),
  make({
    op: just('unknown'),
    opcode: fc.constantFrom(0, -1, -10, 10, 13, 20, 99, 999),
  }),
);
export const anyForwarded: fc.Arbitrary<ForwardedRequest> = make({
  session: anySession,
  cxid: anyInt,
  request: fc.oneof<fc.Arbitrary<ForwardedRequest['request']>[]>(
    anyWrite,
    anySync,
    make({ op: just('createSession'), timeoutMs: anyInt }),
  ),
  identities: shortOf(make({ scheme: anyText, id: anyText })),
});

export const anyStat: fc.Arbitrary<Stat> = make({
  czxid: anyZxid,
  mzxid: anyZxid,
  ctimeMs: anySafe,
  mtimeMs: anySafe,
  version: anyInt,
  cversion: anyInt,
  aversion: anyInt,
  ephemeralOwner: anySession,
  dataLength: anyInt,
  numChildren: anyInt,
  pzxid: anyZxid,
});
const anyResult: fc.Arbitrary<MultiResult> = fc.oneof<fc.Arbitrary<MultiResult>[]>(
  make({ op: just('create'), path: anyText }),
  make({ op: just('create2'), path: anyText, stat: anyStat }),
  make({ op: fc.constantFrom('delete' as const, 'check' as const) }) as fc.Arbitrary<MultiResult>,
  make({ op: just('setData'), stat: anyStat }),
  make({ op: just('getData'), data: orNull(anyBytes), stat: anyStat }),
  make({ op: just('getChildren'), children: anyTexts }),
  make({ op: just('error'), err: anyInt }),
);
/** A body with a request that has such an answer. */
const anyBody: fc.Arbitrary<readonly [ClientRequest['op'], ReplyBody]> = fc.oneof<
  fc.Arbitrary<readonly [ClientRequest['op'], ReplyBody]>[]
>(
  fc.tuple(
    fc.constantFrom('delete', 'ping', 'auth', 'setWatches', 'setWatches2', 'removeWatches', 'closeSession', 'unknown'),
    just({ type: 'none' }),
  ),
  fc.tuple(fc.constantFrom('create', 'sync'), make({ type: just('path'), path: orNull(anyText) })),
  fc.tuple(
    fc.constantFrom('create2', 'createContainer', 'createTTL'),
    make({ type: just('pathStat'), path: anyText, stat: anyStat }),
  ),
  fc.tuple(fc.constantFrom('exists', 'setData', 'setACL'), make({ type: just('stat'), stat: anyStat })),
  fc.tuple(
    fc.constantFrom('getData', 'reconfig'),
    make({ type: just('dataStat'), data: orNull(anyBytes), stat: anyStat }),
  ),
  fc.tuple(fc.constantFrom('getChildren', 'getEphemerals'), make({ type: just('children'), children: anyTexts })),
  fc.tuple(just('getChildren2'), make({ type: just('childrenStat'), children: anyTexts, stat: anyStat })),
  fc.tuple(just('getACL'), make({ type: just('aclStat'), acl: anyAcls, stat: anyStat })),
  fc.tuple(fc.constantFrom('multi', 'multiRead'), make({ type: just('multi'), results: shortOf(anyResult) })),
  fc.tuple(just('getAllChildrenNumber'), make({ type: just('count'), count: anyInt })),
  fc.tuple(
    just('whoAmI'),
    make({ type: just('identities'), identities: shortOf(make({ scheme: anyText, id: anyText })) }),
  ),
  fc.tuple(just('addWatch'), just({ type: 'done' })),
  fc.tuple(just('sasl'), make({ type: just('token'), token: orNull(anyBytes) })),
);
/** -1 as a zxid stands for none. */
const anyZxidOrNone = orNull(anyZxid.filter((z) => z.epoch !== 0xffffffff || z.counter !== 0xffffffff));
export const anyReply: fc.Arbitrary<readonly [ClientRequest['op'], Reply]> = fc
  .tuple(anyInt, anyZxidOrNone, fc.oneof(just(0), anyInt), anyBody)
  .map(([xid, zxid, err, [op, body]]) => [
    op,
    { xid, zxid, err, body: err === 0 || op === 'sasl' ? body : { type: 'none' } },
  ]);
export const anyWatchEvent = fc.record(
  { type: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const), path: anyText, zxid: anyZxidOrNone },
  { noNullPrototype: true },
);

const anyProtocol = fc.constantFrom(0x10000, 1, 0);
const anyEpoch = half;
/** Packets and the direction in which they go. */
const fromLearner: fc.Arbitrary<Packet> = fc.oneof<fc.Arbitrary<Packet>[]>(
  make({
    type: fc.constantFrom('FOLLOWERINFO' as const, 'OBSERVERINFO' as const),
    acceptedEpoch: anyEpoch,
    sid: anySid,
    protocolVersion: anyProtocol,
    configVersion: anyZxid,
  }),
  make({ type: just('ACKEPOCH'), currentEpoch: anyInt, zxid: anyZxid }),
  make({ type: just('ACK'), zxid: anyZxid }),
  make({
    type: just('PING'),
    zxid: anyZxid,
    touched: shortOf(make({ session: anySession, timeoutMs: anyInt })),
  }),
  make({ type: just('REQUEST'), request: anyForwarded }),
  make({ type: just('REVALIDATE'), session: anySession, timeoutMs: anyInt }),
);
const fromLeader: fc.Arbitrary<Packet> = fc.oneof<fc.Arbitrary<Packet>[]>(
  make({ type: just('LEADERINFO'), epoch: anyEpoch, protocolVersion: anyProtocol }),
  make({
    type: fc.constantFrom('DIFF' as const, 'TRUNC' as const, 'COMMIT' as const),
    zxid: anyZxid,
  }) as fc.Arbitrary<Packet>,
  make({ type: fc.constantFrom('PROPOSAL' as const, 'INFORM' as const), txn: anyTxn }) as fc.Arbitrary<Packet>,
  make({ type: just('COMMITANDACTIVATE'), zxid: anyZxid, leader: anySid }),
  make({ type: just('INFORMANDACTIVATE'), txn: anyTxn, leader: anySid }),
  make({ type: just('NEWLEADER'), epoch: anyEpoch, config: orNull(anyText) }),
  make({ type: fc.constantFrom('UPTODATE' as const, 'SYNC' as const) }) as fc.Arbitrary<Packet>,
  make({ type: just('PING'), zxid: anyZxid, touched: just(null) }),
  make({ type: just('REVALIDATED'), session: anySession, valid: fc.boolean() }),
  make({ type: just('SNAP'), zxid: anyZxid, snapshot: anySnapshot }),
);
export const anyStream = fc.oneof(
  fc.tuple(just('fromLearner'), fc.array(fromLearner, { maxLength: 6 })),
  fc.tuple(just('fromLeader'), fc.array(fromLeader, { maxLength: 6 })),
);
