/**
 * The tree of znodes: what a committed transaction does to it. A tree is a value; changes share what they leave alone.
 * Every change is total and may be repeated: transactions are replayed over states that hold part of their effects
 * already (fuzzy snapshots of Apache's servers).
 * Source: org.apache.zookeeper.server.DataTree.
 */
import { emptyHamt, getKey, keysOf, removeKey, setKey } from '../data/hamt.js';
import type { Hamt, Owner } from '../data/hamt.js';
import { addName, namesFrom, namesIn, noNames, removeName, sizeOfNames, hasName } from '../data/nameSet.js';
import type { NameSet } from '../data/nameSet.js';
import { compareZxid, zeroZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { openAcl, sameAcl } from './acl.js';
import { errorCode } from './error.js';
import { nameOf, parentOf } from './path.js';
import type { Stat } from './request.js';
import type { Acl, SessionId } from './txn.js';
import { noSession } from './txn.js';

/** One znode; the fields are those of SnapshotNode, except that the root's path is `/`. */
export type Znode = {
  readonly path: string;
  readonly data: Uint8Array | null;
  /** null: openAcl. */
  readonly acl: readonly Acl[] | null;
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  /** Children ever created; Stat shows `2 * cversion - children`, which counts creations and deletions. */
  readonly cversion: number;
  readonly aversion: number;
  readonly owner: SessionId;
  readonly pzxid: Zxid;
  readonly children: NameSet;
};

export type Tree = {
  readonly nodes: Hamt<string, Znode>;
  /** Paths of each session's ephemeral nodes; under containerOwner those that a leader reaps: containers, TTL nodes. */
  readonly ephemerals: Hamt<SessionId, NameSet>;
};

export type TreeChange = { readonly tree: Tree; readonly err: number };

/** Stored ephemeralOwner of containers. */
export const containerOwner: SessionId = '8000000000000000';

/** Stored ephemeralOwner of a TTL node: ff, 16 bits of zero, 40 bits of milliseconds. */
export const ttlOwner = (ttlMs: number): SessionId => `ff0000${ttlMs.toString(16).padStart(10, '0')}`;

/** The time to live that a stored owner stands for, milliseconds; null: it is none of a TTL node. */
export const ttlOf = (owner: SessionId): number | null =>
  owner.startsWith('ff') ? parseInt(owner.slice(ttlDigitsAt), 16) : null;

const ttlDigitsAt = 6;

/** Whether the owner is a session, rather than nobody, a container's mark or a TTL. */
export const isEphemeral = (owner: SessionId): boolean =>
  owner !== noSession && owner !== containerOwner && !owner.startsWith('ff');

/** The node at a path; the empty path reads the root, as in ZooKeeper. */
export const nodeAt = (tree: Tree, path: string): Znode | undefined => getKey(tree.nodes, path === '' ? '/' : path);

export const aclOf = (node: Znode): readonly Acl[] => node.acl ?? openAcl;

/** Under whom a node is listed in `ephemerals`; null: under nobody. */
export const listedUnder = (owner: SessionId): SessionId | null =>
  owner === noSession ? null : isEphemeral(owner) ? owner : containerOwner;

/** Containers and TTL nodes. */
export const reapableOf = (tree: Tree): readonly string[] => ephemeralsOf(tree, containerOwner);

export const ephemeralsOf = (tree: Tree, session: SessionId): readonly string[] =>
  namesIn(getKey(tree.ephemerals, session) ?? noNames);

export const sessionsWithEphemerals = (tree: Tree): readonly SessionId[] =>
  keysOf(tree.ephemerals).filter((owner) => owner !== containerOwner);

/** Stat as clients see it. */
export const statOf = (node: Znode): Stat => {
  const numChildren = sizeOfNames(node.children);
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctimeMs: node.ctimeMs,
    mtimeMs: node.mtimeMs,
    version: node.version,
    cversion: (2 * node.cversion - numChildren) | 0,
    aversion: node.aversion,
    ephemeralOwner: isEphemeral(node.owner) ? node.owner : noSession,
    dataLength: node.data === null ? 0 : node.data.length,
    numChildren,
    pzxid: node.pzxid,
  };
};

/** @param at zxid and time of the transaction, milliseconds */
export const newZnode = (
  path: string,
  data: Uint8Array | null,
  acl: readonly Acl[] | null,
  owner: SessionId,
  zxid: Zxid,
  timeMs: number,
): Znode => ({
  path,
  data,
  acl,
  czxid: zxid,
  mzxid: zxid,
  ctimeMs: timeMs,
  mtimeMs: timeMs,
  version: 0,
  cversion: 0,
  aversion: 0,
  owner,
  pzxid: zxid,
  children: noNames,
});

const nothing = new Uint8Array(0);

/** The tree of a fresh server. */
export const freshTree = (): Tree => {
  const builtIn = (path: string, children: readonly string[]): Znode =>
    withChildren(newZnode(path, nothing, null, noSession, zeroZxid, 0), namesFrom(children), 0, zeroZxid);
  let nodes = emptyHamt<string, Znode>();
  nodes = setKey(nodes, '/', builtIn('/', ['zookeeper']));
  nodes = setKey(nodes, '/zookeeper', builtIn('/zookeeper', ['config', 'quota']));
  nodes = setKey(nodes, '/zookeeper/quota', builtIn('/zookeeper/quota', []));
  nodes = setKey(nodes, configPath, configNode);
  return { nodes, ephemerals: emptyHamt() };
};

export const configPath = '/zookeeper/config';

/** Readable by all, writable by none; its aversion is -1 on a fresh server of Apache's. */
export const configNode: Znode = {
  path: configPath,
  data: nothing,
  acl: [{ perms: 1, scheme: 'world', id: 'anyone' }],
  czxid: zeroZxid,
  mzxid: zeroZxid,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: -1,
  owner: noSession,
  pzxid: zeroZxid,
  children: noNames,
};

/**
 * Adds a node. One that is there already stays, but takes the transaction's ACL (as in 3.9.4), and the parent's counts
 * are raised all the same.
 * @param parentCVersion the parent's count of children after this create; -1: one more than now
 * @returns NONODE without a parent, NODEEXISTS, BADARGUMENTS for what is no path, or ok
 */
export const createNode = (tree: Tree, node: Znode, parentCVersion: number, owner: Owner | null = null): TreeChange => {
  if (!node.path.startsWith('/')) return { tree, err: errorCode.badArguments }; // no leader proposes it
  const parent = nodeAt(tree, parentOf(node.path));
  if (parent === undefined) return { tree, err: errorCode.noNode };
  const name = nameOf(node.path);
  const count = parentCVersion === -1 ? (parent.cversion + 1) | 0 : parentCVersion;
  // By the sign of the difference, so that the count goes on behind 2^31-1 (docs/divergence.md).
  const raised = ((count - parent.cversion) | 0) > 0;
  // The parent's list decides, not the index: below a node that a replay deletes and creates again, stale nodes remain.
  const exists = name === '' || hasName(parent.children, name);
  let { nodes, ephemerals } = tree;
  const old = getKey(nodes, node.path);
  const acl = sharedAcl(node.acl, parent);
  if (exists) {
    if (old !== undefined && name !== '') nodes = setKey(nodes, node.path, withAcl(old, acl, old.aversion), owner);
  } else {
    if (old !== undefined) ephemerals = withoutEphemeral(ephemerals, old, owner);
    nodes = setKey(nodes, node.path, acl === node.acl ? node : withAcl(node, acl, node.aversion), owner);
    ephemerals = withEphemeral(ephemerals, node, owner);
  }
  if (!exists || raised) {
    const children = exists ? parent.children : addName(parent.children, name, owner);
    const pzxid = raised ? node.czxid : parent.pzxid;
    nodes = setKey(nodes, parent.path, withChildren(parent, children, raised ? count : parent.cversion, pzxid), owner);
  }
  return { tree: { nodes, ephemerals }, err: exists ? errorCode.nodeExists : errorCode.ok };
};

/** Removes a node. The parent's pzxid rises and its list loses the name even when the node is gone already. */
export const deleteNode = (tree: Tree, path: string, zxid: Zxid, owner: Owner | null = null): TreeChange => {
  const parent = nodeAt(tree, parentOf(path));
  const name = nameOf(path);
  if (parent === undefined || name === '') return { tree, err: errorCode.noNode };
  const children = removeName(parent.children, name, owner);
  const pzxid = compareZxid(zxid, parent.pzxid) > 0 ? zxid : parent.pzxid;
  let nodes = setKey(tree.nodes, parent.path, withChildren(parent, children, parent.cversion, pzxid), owner);
  const node = getKey(nodes, path);
  if (node === undefined) return { tree: { nodes, ephemerals: tree.ephemerals }, err: errorCode.noNode };
  nodes = removeKey(nodes, path, owner);
  return { tree: { nodes, ephemerals: withoutEphemeral(tree.ephemerals, node, owner) }, err: errorCode.ok };
};

/** @param version the new version, absolute */
export const setNodeData = (
  tree: Tree,
  path: string,
  data: Uint8Array | null,
  version: number,
  zxid: Zxid,
  timeMs: number,
  owner: Owner | null = null,
): TreeChange => {
  const node = nodeAt(tree, path);
  if (node === undefined) return { tree, err: errorCode.noNode };
  return changed(tree, withData(node, data, version, zxid, timeMs), owner);
};

/** Data that a server writes itself: nothing of the Stat changes but their length. */
export const replaceData = (tree: Tree, path: string, data: Uint8Array, owner: Owner | null = null): Tree => {
  const node = nodeAt(tree, path);
  if (node === undefined) return tree;
  return changed(tree, withData(node, data, node.version, node.mzxid, node.mtimeMs), owner).tree;
};

/** Puts the configuration under which a server serves into its node, of version -1 then, as Apache's servers do. */
export const showConfig = (tree: Tree, data: Uint8Array): Tree => {
  const node = nodeAt(tree, configPath);
  if (node === undefined) return tree;
  const isSame = node.data?.length === data.length && data.every((byte, i) => byte === node.data?.[i]);
  return isSame && node.version === -1
    ? tree
    : changed(tree, withData(node, data, -1, node.mzxid, node.mtimeMs), null).tree;
};

/** @param aversion the new aversion, absolute */
export const setNodeAcl = (
  tree: Tree,
  path: string,
  acl: readonly Acl[],
  aversion: number,
  owner: Owner | null = null,
): TreeChange => {
  const node = nodeAt(tree, path);
  if (node === undefined) return { tree, err: errorCode.noNode };
  return changed(tree, withAcl(node, sharedAcl(acl, node), aversion), owner);
};

const changed = (tree: Tree, node: Znode, owner: Owner | null): TreeChange => ({
  tree: { nodes: setKey(tree.nodes, node.path, node, owner), ephemerals: tree.ephemerals },
  err: errorCode.ok,
});

/** null for the open list; the list of a near node when it says the same, so that equal lists are kept once. */
export const sharedAcl = (acl: readonly Acl[] | null, near: Znode): readonly Acl[] | null => {
  if (acl === null || sameAcl(acl, openAcl)) return null;
  return near.acl !== null && sameAcl(acl, near.acl) ? near.acl : acl;
};

/** Lists a node under its owner; one without an owner is in no list. */
export const withEphemeral = (ephemerals: Tree['ephemerals'], node: Znode, owner: Owner | null): Tree['ephemerals'] => {
  const key = listedUnder(node.owner);
  if (key === null) return ephemerals;
  return setKey(ephemerals, key, addName(getKey(ephemerals, key) ?? noNames, node.path, owner), owner);
};

const withoutEphemeral = (ephemerals: Tree['ephemerals'], node: Znode, owner: Owner | null): Tree['ephemerals'] => {
  const key = listedUnder(node.owner);
  if (key === null) return ephemerals;
  const paths = removeName(getKey(ephemerals, key) ?? noNames, node.path, owner);
  return sizeOfNames(paths) === 0 ? removeKey(ephemerals, key, owner) : setKey(ephemerals, key, paths, owner);
};

const withData = (n: Znode, data: Uint8Array | null, version: number, mzxid: Zxid, mtimeMs: number): Znode => ({
  path: n.path,
  data,
  acl: n.acl,
  czxid: n.czxid,
  mzxid,
  ctimeMs: n.ctimeMs,
  mtimeMs,
  version,
  cversion: n.cversion,
  aversion: n.aversion,
  owner: n.owner,
  pzxid: n.pzxid,
  children: n.children,
});

const withAcl = (n: Znode, acl: readonly Acl[] | null, aversion: number): Znode => ({
  path: n.path,
  data: n.data,
  acl,
  czxid: n.czxid,
  mzxid: n.mzxid,
  ctimeMs: n.ctimeMs,
  mtimeMs: n.mtimeMs,
  version: n.version,
  cversion: n.cversion,
  aversion,
  owner: n.owner,
  pzxid: n.pzxid,
  children: n.children,
});

export const withChildren = (n: Znode, children: NameSet, cversion: number, pzxid: Zxid): Znode => ({
  path: n.path,
  data: n.data,
  acl: n.acl,
  czxid: n.czxid,
  mzxid: n.mzxid,
  ctimeMs: n.ctimeMs,
  mtimeMs: n.mtimeMs,
  version: n.version,
  cversion,
  aversion: n.aversion,
  owner: n.owner,
  pzxid,
  children,
});
