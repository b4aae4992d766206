/**
 * Random programs of client operations. Several sessions work on a handful of paths, so that they meet; half of what they
 * say is wrong in some way, since errors and their order are as much of the protocol as answers are.
 */
import fc from 'fast-check';
import type { ClientRequest, CreateRequest, MultiPart } from '../../core/service/request.js';
import type { Acl } from '../../core/service/txn.js';
import { openAcl } from '../system/client.js';

/** Sessions of a program, by number. */
export const sessions = 3;

/** Stands for the program's own root in paths: every program has one, so that none sees another's nodes. */
export const rootMark = '§';

export type Step =
  | { readonly do: 'ask'; readonly session: number; readonly requests: readonly ClientRequest[]; readonly xid?: number }
  /** The frame of a request with so many bytes cut off its end, or added to it. */
  | { readonly do: 'bend'; readonly session: number; readonly request: ClientRequest; readonly by: number }
  /** Cuts the connection and attaches the session again, to the next server. */
  | { readonly do: 'move'; readonly session: number; readonly password: 'right' | 'wrong' }
  /** Closes the session and opens another. */
  | { readonly do: 'renew'; readonly session: number };

export type Program = readonly Step[];

const often = <A>(...weighted: readonly (readonly [weight: number, value: A])[]): fc.Arbitrary<A> =>
  fc.oneof(...weighted.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));

const top = `/${rootMark}`;
const goodPaths = [top, '/a', '/a/b', '/a/b/c', '/b', '/b/c'].map((p) => (p === top ? p : top + p));
const quotaRoot = `/zookeeper/quota${top}`;
const badPaths = [
  ...['', '/', 'relative', '//', `${top}/`, `${top}//a`, `${top}/a/`, `${top}/.`, `${top}/../b`, `${top}/a/./b`],
  ...[`${top}/\u0000`, `${top}/\u001f`, `${top}/\u0085`, `${top}/\ud83d\ude00`, `${top}/\uffff`, `${top}/none/x`],
  ...[`${top}/..a`, `${top}/a b`, `${top}/\u00e9`, '/zookeeper', '/zookeeper/quota', '/zookeeper/config', quotaRoot],
];
const path: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...goodPaths) },
  { weight: 2, arbitrary: fc.constantFrom(...badPaths) },
);
/** The wire has a length of -1 for no string at all. */
const anyPath: fc.Arbitrary<string | null> = fc.oneof(
  { weight: 40, arbitrary: path },
  { weight: 1, arbitrary: fc.constant(null) },
);

/** What all programs share may be read, and created or deleted in vain; its data and ACLs stay. */
const ownPath: fc.Arbitrary<string | null> = anyPath.map((p) =>
  p === null || p === '' || (p.startsWith('/') && !p.startsWith(top) && p !== quotaRoot) ? 'relative' : p,
);

const quotaPaths = ['/a', '/b'].flatMap((p) =>
  ['', '/zookeeper_limits', '/zookeeper_stats'].map((name) => quotaRoot + p + name),
);
const limits = [
  ...['count=3,bytes=10', 'count=-1,bytes=-1', 'count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=2'],
  ...['count=1,bytes=1=;byteHardLimit=20;countHardLimit=3', 'nonsense', 'count=x'],
];

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const data: fc.Arbitrary<Uint8Array | null> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 6, arbitrary: fc.constantFrom('', 'a', 'abc', 'abcdefgh').map(bytes) },
);

const digestId = 'u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=';
const anyAcl: fc.Arbitrary<Acl> = fc.record({
  perms: often([4, 31], [2, 1], [1, 2], [1, 4], [1, 8], [1, 16], [1, 0], [1, 255], [1, -1]),
  scheme: often<string>([5, 'world'], [3, 'digest'], [2, 'ip'], [2, 'auth'], [1, 'super'], [1, 'x509'], [1, 'none']),
  id: fc.constantFrom('anyone', digestId, 'v:x', 'a:', ':b', '127.0.0.1', '10.0.0.0/8', '127.0.0.1/33', 'host', ''),
});
const own: readonly Acl[] = [{ perms: 31, scheme: 'auth', id: '' }];
const ofUser: readonly Acl[] = [{ perms: 31, scheme: 'digest', id: digestId }];
/** For all but one of the five permissions, and for one alone. */
const partly = [1, 2, 4, 8, 16].flatMap((bit): (readonly Acl[])[] =>
  [31 ^ bit, bit].map((perms) => [{ perms, scheme: 'world', id: 'anyone' }]),
);
const acl: fc.Arbitrary<readonly Acl[] | null> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<readonly Acl[]>(openAcl) },
  { weight: 2, arbitrary: fc.constantFrom(own, ofUser) },
  { weight: 3, arbitrary: fc.constantFrom(...partly) },
  { weight: 2, arbitrary: fc.array(anyAcl, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const version = often([6, -1], [4, 0], [3, 1], [1, 2], [1, -2], [1, 7], [1, 0x7fffffff]);
const flags = often([8, 0], [4, 1], [4, 2], [2, 3], [1, 4], [1, 5], [1, 6], [1, 7], [1, -1]);
const watch = fc.boolean();

/** A container with the flag of an ephemeral node is one on its way in Apache's leader: docs/divergence.md. */
const plainContainer = (c: CreateRequest): CreateRequest =>
  c.op === 'createContainer' && (c.flags === 1 || c.flags === 3) ? { ...c, flags: c.flags - 1 } : c;

const anyCreate: fc.Arbitrary<CreateRequest> = fc.record({
  op: often<CreateRequest['op']>([4, 'create'], [3, 'create2'], [1, 'createContainer']),
  path: anyPath,
  data,
  acl,
  flags,
});
const create = anyCreate.map(plainContainer);
/** Flags below those of a TTL node stop Apache's server: docs/divergence.md. */
const createTtl = fc.record({
  op: fc.constant('createTTL' as const),
  path: anyPath,
  data,
  acl,
  flags: often([3, 5], [3, 6], [1, 7], [1, -1]),
  ttl: often([4, 3_600_000], [1, 0], [1, -1], [1, 0xffffffffff], [1, 0x10000000000]),
});
const remove = fc.record({ op: fc.constant('delete' as const), path: anyPath, version });
const setData = fc.record({ op: fc.constant('setData' as const), path: ownPath, data, version });
const check = fc.record({ op: fc.constant('check' as const), path: anyPath, version });
const setAcl = fc.record({ op: fc.constant('setACL' as const), path: ownPath, acl, version });
/** In a multi, a create without an ACL ends the writes of Apache's ensembles: docs/divergence.md. */
const partOf: fc.Arbitrary<MultiPart> = create.map((c) => ({ ...c, acl: c.acl ?? [] }));
const part: fc.Arbitrary<MultiPart> = fc.oneof(
  { weight: 4, arbitrary: partOf },
  { weight: 2, arbitrary: remove },
  { weight: 3, arbitrary: setData },
  { weight: 2, arbitrary: check },
  { weight: 1, arbitrary: createTtl },
);
const multi = fc.record({ op: fc.constant('multi' as const), parts: fc.array(part, { maxLength: 5 }) });

const setQuota: fc.Arbitrary<ClientRequest> = fc.oneof(
  fc.record({
    op: fc.constant('create' as const),
    path: fc.constantFrom(quotaRoot, ...quotaPaths),
    data: fc.constantFrom(...limits).map(bytes),
    acl: fc.constant(openAcl),
    flags: fc.constant(0),
  }),
  fc.record({
    op: fc.constant('setData' as const),
    path: fc.constantFrom(...quotaPaths),
    data: fc.constantFrom(...limits).map(bytes),
    version: fc.constant(-1),
  }),
  fc.record({ op: fc.constant('delete' as const), path: fc.constantFrom(...quotaPaths), version: fc.constant(-1) }),
  fc.record({
    op: fc.constant('getData' as const),
    path: fc.constantFrom(...quotaPaths.filter((p) => p.endsWith('stats'))),
    watch: fc.constant(false),
  }),
);

const readOps = ['exists', 'getData', 'getChildren', 'getChildren2'] as const;
const read: fc.Arbitrary<ClientRequest> = fc.record({ op: fc.constantFrom(...readOps), path: anyPath, watch });
const otherRead: fc.Arbitrary<ClientRequest> = fc.oneof(
  fc.record({ op: fc.constant('getACL' as const), path: anyPath }),
  fc.record({ op: fc.constant('getAllChildrenNumber' as const), path: fc.constantFrom(...goodPaths, 'x', '') }),
  fc.record({
    op: fc.constant('getEphemerals' as const),
    prefix: fc.constantFrom(null, '', '/', top, `${top}/a`, `${top}/a/`, ' ', 'x'),
  }),
  fc.record({ op: fc.constant('sync' as const), path: anyPath }),
  fc.constantFrom<ClientRequest>({ op: 'whoAmI' }, { op: 'ping' }),
  fc.record({
    op: fc.constant('multiRead' as const),
    parts: fc.array(
      fc.record({ op: fc.constantFrom('getData' as const, 'getChildren' as const), path: anyPath, watch }),
      {
        maxLength: 3,
      },
    ),
  }),
);
const texts = fc.array(path, { maxLength: 3 });
const setWatches: fc.Arbitrary<ClientRequest> = fc.record({
  op: fc.constantFrom('setWatches' as const, 'setWatches2' as const),
  relativeZxid: fc.constantFrom({ epoch: 0, counter: 0 }, { epoch: 0x7fffffff, counter: 0 }),
  data: texts,
  exist: texts,
  child: texts,
  persistent: texts,
  persistentRecursive: texts,
});
/** A watch on no path at all is taken by Apache's server: docs/divergence.md. */
const watching: fc.Arbitrary<ClientRequest> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('addWatch' as const),
      path,
      mode: often([4, 0], [4, 1], [1, 2], [1, -1]),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom('checkWatches' as const, 'removeWatches' as const),
      path,
      kind: fc.constantFrom(0, 1, 2, 3, 4, 5, 6),
    }),
  },
  { weight: 1, arbitrary: setWatches },
);
const auth: fc.Arbitrary<ClientRequest> = fc.record({
  op: fc.constant('auth' as const),
  scheme: often<string | null>([12, 'digest'], [2, 'ip'], [1, 'world'], [1, 'none'], [1, 'super']),
  auth: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('u:p', 'v:q', 'super:secret', 'u:p:q', 'nocolon').map(bytes) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
});
const odd: fc.Arbitrary<ClientRequest> = fc.constantFrom<ClientRequest>(
  ...[0, 10, 13, 23, 99, 999, -1, -7].map((opcode) => ({ op: 'unknown' as const, opcode })),
);

/** Apache's server answers an auth packet at once, even before requests that came before it: docs/divergence.md. */
const alone: fc.Arbitrary<ClientRequest> = fc.oneof({ weight: 3, arbitrary: auth }, { weight: 1, arbitrary: odd });
const request: fc.Arbitrary<ClientRequest> = fc.oneof(
  { weight: 12, arbitrary: create },
  { weight: 2, arbitrary: createTtl },
  { weight: 5, arbitrary: remove },
  { weight: 7, arbitrary: setData },
  { weight: 3, arbitrary: setAcl },
  { weight: 6, arbitrary: multi },
  { weight: 12, arbitrary: read },
  { weight: 7, arbitrary: otherRead },
  { weight: 7, arbitrary: watching },
  { weight: 5, arbitrary: setQuota },
);

/** Apache's leader checks what comes behind a setACL by the old ACL, until it is applied: docs/divergence.md. */
const settled = (requests: readonly ClientRequest[]): readonly ClientRequest[] =>
  requests.map((r, i) =>
    r.op === 'setACL' && i < requests.length - 1 ? { op: 'exists', path: r.path, watch: false } : r,
  );

const session = fc.nat({ max: sessions - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      session,
      requests: fc.tuple(fc.oneof({ weight: 14, arbitrary: request }, { weight: 1, arbitrary: alone })),
      xid: often([8, 1], [1, 0], [1, -8], [1, -4], [1, -77]),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      session,
      requests: fc.array(request, { minLength: 2, maxLength: 6 }).map(settled),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('bend' as const),
      session,
      request: fc.oneof(read, otherRead, watching),
      by: fc.constantFrom(-1, -3, -5, 1, 4, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      session,
      password: often([5, 'right' as const], [1, 'wrong' as const]),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew' as const), session }) },
);

/** A program makes its root first: most of its paths are below. */
export const anyProgram = (length: number): fc.Arbitrary<Program> =>
  fc.array(step, { minLength: 1, maxLength: length, size: 'max' });

/** How many operations a program asks for. */
export const operationsOf = (program: Program): number =>
  program.reduce((n, s) => n + (s.do === 'ask' ? s.requests.length : 1), 0);

const shown = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;

/** One line a step. */
export const formatProgram = (program: Program): string =>
  program.map((s) => JSON.stringify(s, (_, value: unknown) => shown(value))).join('\n');
