import { isDeepStrictEqual } from 'node:util';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import type { SnapshotNode } from '../../core/service/snapshot.js';
import type { Acl } from '../../core/service/txn.js';
import { decodeSnapshot, encodeSnapshot, endsSealed } from '../../wire/snapshot.js';
import type { SnapshotFile } from '../../wire/snapshot.js';
import { anySnapshot } from './arbitraries.js';
import { bytesOf, flatAcls, hexBytes, hexSession, hexZxid, vectorBytes, vectorFiles, vectorJson } from './vectors.js';
import type { Json } from './vectors.js';

type Recorded = {
  readonly sessions: readonly { readonly sessionId: string; readonly timeoutMs: number }[];
  readonly aclCache: readonly { readonly key: string; readonly acl: readonly Acl[] }[];
  readonly nodes: readonly {
    readonly path: string;
    readonly data: Json;
    readonly aclKey: string;
    readonly stat: Json;
  }[];
  readonly digest?: {
    readonly offset: number;
    readonly zxid: string;
    readonly version: number;
    readonly treeDigest: string;
  };
  readonly lastProcessedZxid?: { readonly zxid: string };
};

const decoded = (bytes: Buffer): SnapshotFile | null => {
  const file = decodeSnapshot(bytes);
  return E.isRight(file) ? file.right : null;
};

const shownNode = (n: SnapshotNode): Json => ({
  path: n.path,
  data: hexBytes(n.data),
  acl: n.acl === null ? null : flatAcls(n.acl),
  stat: {
    czxid: hexZxid(n.czxid),
    mzxid: hexZxid(n.mzxid),
    ctime: String(n.ctimeMs),
    mtime: String(n.mtimeMs),
    version: n.version,
    cversion: n.cversion,
    aversion: n.aversion,
    ephemeralOwner: hexSession(n.owner),
    pzxid: hexZxid(n.pzxid),
  },
});

const expectedNodes = (recorded: Recorded): Json => {
  const acls = new Map(recorded.aclCache.map((entry) => [entry.key, entry.acl]));
  return recorded.nodes.map((n) => {
    const acl = n.aclKey === '-1' ? null : flatAcls(acls.get(n.aclKey) ?? []);
    return { path: n.path, data: bytesOf(n.data), acl, stat: n.stat };
  });
};

const files = vectorFiles('disk', '').filter((name) => /\/snapshot\.[0-9a-f]+(\.gz)?$/.test(name));
const plain = (name: string): Buffer => (name.endsWith('.gz') ? gunzipSync(vectorBytes(name)) : vectorBytes(name));
const encoded = (file: SnapshotFile): Buffer => Buffer.concat([...encodeSnapshot(file.snapshot)]);

for (const name of files) {
  test(`${name}: holds the sessions, nodes and seals that were recorded`, (t) => {
    const bytes = plain(name);
    const recorded = vectorJson<Recorded>(`${name}.json`);
    const file = decoded(bytes);
    t.truthy(file);
    if (file === null) return;
    t.deepEqual(
      file.snapshot.sessions.map((s) => ({ sessionId: hexSession(s.session), timeoutMs: s.timeoutMs })),
      [...recorded.sessions],
    );
    t.deepEqual(file.snapshot.nodes.map(shownNode), expectedNodes(recorded) as Json[]);
    const { digest, lastZxid } = file;
    t.deepEqual(
      digest && { zxid: hexZxid(digest.zxid), version: digest.version, treeDigest: hexSession(digest.tree) },
      recorded.digest === undefined
        ? null
        : {
            zxid: recorded.digest.zxid,
            version: recorded.digest.version,
            treeDigest: recorded.digest.treeDigest,
          },
    );
    t.is(lastZxid && hexZxid(lastZxid), recorded.lastProcessedZxid?.zxid ?? null);
    // Only the numbering of the ACL cache and the tail differ in what we write.
    const again = encoded(file);
    t.true(endsSealed(again));
    t.deepEqual(decoded(again), { snapshot: file.snapshot, digest: null, lastZxid: null });
  });
}

test('snapshots: those that Apache compressed with snappy are refused: Node has no decoder for it', (t) => {
  const names = vectorFiles('disk', '.snappy');
  t.is(names.length, 2);
  t.is(files.length + names.length, vectorFiles('disk', '').filter((n) => /\/snapshot\..*(?<!json)$/.test(n)).length);
  for (const name of names)
    t.like(decodeSnapshot(vectorBytes(name)), { left: { type: 'BadMagic', found: '82534e41' } });
});

test('snapshots: without ACLs to number, the bytes are those of Apache up to the first seal', (t) => {
  // This cache has key 1 in first place, in the order in which the nodes ask for it.
  const bytes = vectorBytes('disk/standard/snapshot.0');
  const file = decoded(bytes);
  t.truthy(file);
  if (file === null) return;
  const again = encoded(file);
  t.is(again.compare(bytes.subarray(0, again.length)), 0);
});

test('snapshots: decode gives back what encode was given, in chunks of any size', (t) => {
  fc.assert(
    fc.property(anySnapshot, fc.integer({ min: 1, max: 600 }), (snapshot, chunkBytes) => {
      const file = decoded(Buffer.concat([...encodeSnapshot(snapshot, chunkBytes)]));
      return isDeepStrictEqual(file, { snapshot, digest: null, lastZxid: null });
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('snapshots: equal ACLs are stored once', (t) => {
  const [node] = decoded(vectorBytes('disk/standard/snapshot.0'))?.snapshot.nodes ?? [];
  if (node === undefined) return t.fail('no node');
  const named = (path: string): SnapshotNode => ({ ...node, path, acl: [{ perms: 1, scheme: 'ip', id: '10.0.0.1' }] });
  const size = (nodes: readonly SnapshotNode[]): number =>
    Buffer.concat([...encodeSnapshot({ sessions: [], nodes })]).length;
  const one = size([node, named('/a')]);
  t.is(size([node, named('/a'), named('/b')]) - one, 4 + 2 + 4 + 8 + 60);
});

test('snapshots: every truncation, and every changed byte, is an error', (t) => {
  const bytes = vectorBytes('disk/standard/snapshot.16');
  const seal1 = 1288; // seal 1 ends here and seal 2 at 1321: a file without the parts behind is whole
  for (let cut = 0; cut < bytes.length; cut += 1) {
    t.is(decoded(bytes.subarray(0, cut)) !== null, cut === seal1 || cut === seal1 + 33, `cut at ${cut}`);
  }
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    t.true(E.isLeft(decodeSnapshot(changed)), `byte ${at}`);
  }
});

test('snapshots: what is wrong is named', (t) => {
  const bytes = Buffer.from(vectorBytes('disk/standard/snapshot.16'));
  t.like(decodeSnapshot(Buffer.from(vectorBytes('disk/standard/log.1'))), {
    left: { type: 'BadMagic', found: '5a4b4c47' },
  });
  bytes[1280] = (bytes[1280] ?? 0) ^ 1;
  t.like(decodeSnapshot(bytes), { left: { type: 'BadChecksum', at: 1275 } });
  t.like(decodeSnapshot(Buffer.concat([vectorBytes('disk/standard/snapshot.16'), Buffer.from([0])])), {
    left: { type: 'BadLength', field: 'snapshot tail', length: 55 },
  });
});

test('snapshots: a tree that is not the same when walked again leaves the file without its seal', (t) => {
  const nodes = decoded(vectorBytes('disk/standard/snapshot.16'))?.snapshot.nodes ?? [];
  const once = nodes[Symbol.iterator]();
  const bytes = Buffer.concat([...encodeSnapshot({ sessions: [], nodes: once })]);
  t.false(endsSealed(bytes));
  t.true(E.isLeft(decodeSnapshot(bytes)));
  t.true(endsSealed(Buffer.concat([...encodeSnapshot({ sessions: [], nodes })])));
});

test('snapshots: random bytes never throw', (t) => {
  const header = vectorBytes('disk/standard/snapshot.16').subarray(0, 16);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (b) => E.isLeft(decodeSnapshot(Buffer.concat([header, b])))),
    { numRuns: 1000 },
  );
  t.pass();
});
