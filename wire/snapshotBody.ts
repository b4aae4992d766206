/**
 * The body of a snapshot: sessions, the cache of ACLs, the tree; the same in files and in the stream behind SNAP.
 * It is read record by record, so that a stream can stop anywhere.
 */
import type { Snapshot, SnapshotNode } from '../core/service/snapshot.js';
import type { Acl, SessionId } from '../core/service/txn.js';
import {
  fail,
  openWriter,
  readBuffer,
  readInt,
  readLong,
  readSession,
  readText,
  readZxid,
  writeBuffer,
  writeInt,
  writeLong,
  writeSession,
  writeString,
  writeZxid,
  written,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { readAcls, writeAcls } from './records.js';

export type Session = { readonly session: SessionId; readonly timeoutMs: number };

/** A snapshot in memory; `sessions` in the order of the file. */
export type WholeSnapshot = { readonly sessions: readonly Session[]; readonly nodes: readonly SnapshotNode[] };

/** A body that is being read. */
export type BodyReader = {
  part: 'sessionCount' | 'sessions' | 'aclCount' | 'acls' | 'nodes' | 'done';
  /** Sessions or ACLs that are still to come. */
  left: number;
  readonly sessions: Session[];
  readonly acls: Map<number, readonly Acl[]>;
  readonly nodes: SnapshotNode[];
};

export const openBody = (): BodyReader => ({
  part: 'sessionCount',
  left: 0,
  sessions: [],
  acls: new Map(),
  nodes: [],
});

/** Key of world:anyone:31 where no cache entry is needed. */
const openAclKey = -1;
/** Ends the tree where the next path would stand. */
const endOfTree = '/';

/**
 * Reads on until the body is done or the reader fails.
 * @returns offset behind the last whole record; after `Truncated` reading goes on there once more bytes have come
 */
export const readBody = (body: BodyReader, r: Reader): number => {
  let whole = r.at;
  while (body.part !== 'done') {
    readBodyRecord(body, r);
    if (r.error !== null) return whole;
    whole = r.at;
  }
  return whole;
};

const readBodyRecord = (body: BodyReader, r: Reader): void => {
  switch (body.part) {
    case 'sessionCount':
      return startList(body, r, 'sessions');
    case 'aclCount':
      return startList(body, r, 'acls');
    case 'sessions': {
      if (body.left === 0) return void (body.part = 'aclCount');
      const session = readSession(r);
      const timeoutMs = readInt(r);
      if (r.error !== null) return;
      body.sessions.push({ session, timeoutMs });
      body.left -= 1;
      return;
    }
    case 'acls': {
      if (body.left === 0) return void (body.part = 'nodes');
      const key = readLong(r, 'aclKey');
      const acl = readAcls(r);
      if (r.error !== null) return;
      body.acls.set(key, acl ?? []);
      body.left -= 1;
      return;
    }
    case 'nodes': {
      const node = readNode(body, r);
      if (r.error !== null) return;
      if (node === null) body.part = 'done';
      else body.nodes.push(node);
      return;
    }
    case 'done':
  }
};

const startList = (body: BodyReader, r: Reader, part: 'sessions' | 'acls'): void => {
  const count = readInt(r);
  if (count < 0) fail(r, { type: 'BadLength', field: part, length: count });
  if (r.error !== null) return;
  body.part = part;
  body.left = count;
};

/** One node: ustring path, buffer data, long aclKey, StatPersisted (60 bytes); null at the end of the tree. */
const readNode = (body: BodyReader, r: Reader): SnapshotNode | null => {
  const path = readText(r, 'path');
  if (path === endOfTree) return null;
  if (path !== '' && !path.startsWith('/')) fail(r, { type: 'BadValue', field: 'path', value: path });
  const data = readBuffer(r, 'data');
  const key = readLong(r, 'aclKey');
  const czxid = readZxid(r);
  const mzxid = readZxid(r);
  const ctimeMs = readLong(r, 'ctime');
  const mtimeMs = readLong(r, 'mtime');
  const version = readInt(r);
  const cversion = readInt(r);
  const aversion = readInt(r);
  const owner = readSession(r);
  const pzxid = readZxid(r);
  const acl = key === openAclKey ? null : body.acls.get(key);
  if (acl === undefined) {
    fail(r, { type: 'BadValue', field: 'aclKey', value: String(key) });
    return null;
  }
  return { path, data, acl, czxid, mzxid, ctimeMs, mtimeMs, version, cversion, aversion, owner, pzxid };
};

/** Numbers for lists of ACLs in the order in which they are met; equal lists get one number. */
type AclKeys = {
  readonly byText: Map<string, number>;
  readonly lists: (readonly Acl[])[];
  /** Neighbours mostly share one list. */
  last: readonly Acl[] | null;
  lastKey: number;
};

const aclText = (acl: readonly Acl[]): string =>
  acl.map((a) => `${a.perms}:${a.scheme.length}:${a.scheme}${a.id}`).join('\n');

/** Keys start at 1, as those of Apache's cache do. */
const aclKey = (keys: AclKeys, acl: readonly Acl[] | null): number => {
  if (acl === null) return openAclKey;
  if (acl === keys.last) return keys.lastKey;
  const text = aclText(acl);
  const before = keys.byText.get(text);
  const key = before ?? keys.lists.length + 1;
  if (before === undefined) {
    keys.byText.set(text, key);
    keys.lists.push(acl);
  }
  keys.last = acl;
  keys.lastKey = key;
  return key;
};

/** Nodes between two places where the first walk lets others run. */
const walkSlice = 4096;

/**
 * The bytes of a body in chunks of about `chunkBytes`, each in memory of its own. The tree is walked twice, since the
 * ACLs stand before it: `nodes` must give the same sequence each time. An empty chunk is a place to pause.
 * @returns whether both walks saw the same number of nodes; if not, the bytes must not be sealed
 */
export function* encodeBody(snapshot: Snapshot, chunkBytes: number): Generator<Buffer, boolean> {
  const keys: AclKeys = { byText: new Map(), lists: [], last: null, lastKey: 0 };
  let counted = 0;
  for (const node of snapshot.nodes) {
    aclKey(keys, node.acl);
    counted += 1;
    if (counted % walkSlice === 0) yield Buffer.alloc(0);
  }
  let w = openWriter(chunkBytes);
  const sessions = [...snapshot.sessions];
  writeInt(w, sessions.length);
  for (const { session, timeoutMs } of sessions) {
    writeSession(w, session);
    writeInt(w, timeoutMs);
  }
  writeInt(w, keys.lists.length);
  for (const [i, acl] of keys.lists.entries()) {
    writeLong(w, i + 1);
    writeAcls(w, acl);
  }
  let wrote = 0;
  for (const node of snapshot.nodes) {
    writeNode(w, node, aclKey(keys, node.acl));
    wrote += 1;
    if (w.at < chunkBytes) continue;
    yield written(w);
    w = openWriter(chunkBytes);
  }
  const same = wrote === counted;
  if (same) writeString(w, endOfTree);
  yield written(w);
  return same;
}

const writeNode = (w: Writer, node: SnapshotNode, key: number): void => {
  writeString(w, node.path);
  writeBuffer(w, node.data);
  writeLong(w, key);
  writeZxid(w, node.czxid);
  writeZxid(w, node.mzxid);
  writeLong(w, node.ctimeMs);
  writeLong(w, node.mtimeMs);
  writeInt(w, node.version);
  writeInt(w, node.cversion);
  writeInt(w, node.aversion);
  writeSession(w, node.owner);
  writeZxid(w, node.pzxid);
};
