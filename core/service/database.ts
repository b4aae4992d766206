/**
 * What a server has applied: tree, session table and the zxid up to which they go; and its way to and from snapshots.
 * A snapshot is a reference to one version of it, exact at its zxid, and is walked when someone iterates it.
 */
import { emptyHamt, entriesOf, getKey, hasKey, newOwner, setKey } from '../data/hamt.js';
import type { Hamt, Owner } from '../data/hamt.js';
import { addName, namesFrom, namesIn, noNames } from '../data/nameSet.js';
import type { NameSet } from '../data/nameSet.js';
import { zeroZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { nameOf, parentOf } from './path.js';
import { countUse, statsNodes, subtreeOfStats, writeUse } from './quota.js';
import type { Snapshot, SnapshotNode } from './snapshot.js';
import {
  configNode,
  configPath,
  freshTree,
  nodeAt,
  replaceData,
  sharedAcl,
  withChildren,
  withEphemeral,
} from './tree.js';
import type { Tree, Znode } from './tree.js';
import type { SessionId } from './txn.js';

export type Database = {
  readonly tree: Tree;
  /** Negotiated timeout of every session, milliseconds. */
  readonly sessions: Hamt<SessionId, number>;
  /** Last transaction applied. */
  readonly zxid: Zxid;
};

/** The database of a server that never applied anything. */
export const freshDatabase = (): Database => ({ tree: freshTree(), sessions: emptyHamt(), zxid: zeroZxid });

/** A node of the snapshot comes before its parent, or there is no root. */
export type SnapshotRefusal = { readonly refused: 'OrphanNode'; readonly path: string };

/** The snapshot of a database: nothing is copied; sessions and nodes are read off as they are iterated. */
export const toSnapshot = (database: Database): Snapshot => ({
  sessions: {
    *[Symbol.iterator]() {
      for (const [session, timeoutMs] of entriesOf(database.sessions)) yield { session, timeoutMs };
    },
  },
  nodes: { [Symbol.iterator]: () => preOrder(database.tree) },
});

function* preOrder(tree: Tree): Generator<SnapshotNode> {
  const stack: string[] = ['/'];
  for (let path = stack.pop(); path !== undefined; path = stack.pop()) {
    const node = nodeAt(tree, path);
    if (node === undefined) continue;
    yield path === '/' ? stored(node, '') : stored(node, path);
    const prefix = path === '/' ? '/' : `${path}/`;
    const names = namesIn(node.children);
    for (let i = names.length - 1; i >= 0; i--) stack.push(prefix + (names[i] as string));
  }
}

const stored = (n: Znode, path: string): SnapshotNode => ({
  path,
  data: n.data,
  acl: n.acl,
  czxid: n.czxid,
  mzxid: n.mzxid,
  ctimeMs: n.ctimeMs,
  mtimeMs: n.mtimeMs,
  version: n.version,
  cversion: n.cversion,
  aversion: n.aversion,
  owner: n.owner,
  pzxid: n.pzxid,
});

/** What quotas say of use may lag behind the nodes of a fuzzy snapshot of Apache's. */
const recounted = (loaded: Tree, owner: Owner): Tree => {
  let tree = loaded;
  for (const path of statsNodes(loaded))
    tree = replaceData(tree, path, writeUse(countUse(tree, subtreeOfStats(path) ?? '')), owner);
  return tree;
};

/** A node whose children are still being read. */
type Open = { readonly node: Znode; readonly names: string[] };

type Building = {
  nodes: Hamt<string, Znode>;
  ephemerals: Hamt<SessionId, NameSet>;
  readonly open: Open[];
  readonly owner: Owner;
};

/**
 * The database that a snapshot holds. Built in place and sealed: nobody sees a part of it.
 * @param zxid the last transaction that the snapshot is known to hold in full
 */
export const fromSnapshot = (snapshot: Snapshot, zxid: Zxid): { readonly database: Database } | SnapshotRefusal => {
  const owner = newOwner();
  const build: Building = { nodes: emptyHamt(), ephemerals: emptyHamt(), open: [], owner };
  for (const from of snapshot.nodes) {
    const refused = addFrom(build, from);
    if (refused !== null) return refused;
  }
  while (build.open.length > 0) close(build);
  if (!hasKey(build.nodes, '/')) return { refused: 'OrphanNode', path: '' };
  ensureConfig(build);
  let sessions = emptyHamt<SessionId, number>();
  for (const { session, timeoutMs } of snapshot.sessions) sessions = setKey(sessions, session, timeoutMs, owner);
  const tree = recounted({ nodes: build.nodes, ephemerals: build.ephemerals }, owner);
  return { database: { tree, sessions, zxid } };
};

const addFrom = (build: Building, from: SnapshotNode): SnapshotRefusal | null => {
  const { open, owner } = build;
  const path = from.path === '' ? '/' : from.path;
  let near: Znode | undefined;
  if (path !== '/') {
    const parent = parentOf(path);
    // Depth first, a parent is the innermost open node but for those that are done; in any other order it is closed.
    while (open.length > 0 && !isWithin(path, (open.at(-1) as Open).node.path)) close(build);
    const innermost = open.at(-1);
    if (innermost?.node.path === parent) innermost.names.push(nameOf(path));
    else if (!addToClosed(build, parent, nameOf(path))) return { refused: 'OrphanNode', path };
    near = innermost?.node;
  }
  const node = read(from, path, near);
  open.push({ node, names: [] });
  build.ephemerals = withEphemeral(build.ephemerals, node, owner);
  return null;
};

const isWithin = (path: string, above: string): boolean =>
  above === '/' || (path.startsWith(above) && path.charCodeAt(above.length) === 0x2f);

const close = (build: Building): void => {
  const { node, names } = build.open.pop() as Open;
  const whole = withChildren(node, namesFrom(names, build.owner), node.cversion, node.pzxid);
  build.nodes = setKey(build.nodes, node.path, whole, build.owner);
};

const addToClosed = (build: Building, parent: string, name: string): boolean => {
  const node = getKey(build.nodes, parent);
  if (node === undefined) return false;
  const children = addName(node.children, name, build.owner);
  build.nodes = setKey(build.nodes, parent, withChildren(node, children, node.cversion, node.pzxid), build.owner);
  return true;
};

const read = (from: SnapshotNode, path: string, near: Znode | undefined): Znode => ({
  path,
  data: from.data,
  acl: near === undefined ? from.acl : sharedAcl(from.acl, near),
  czxid: from.czxid,
  mzxid: from.mzxid,
  ctimeMs: from.ctimeMs,
  mtimeMs: from.mtimeMs,
  version: from.version,
  cversion: from.cversion,
  aversion: from.aversion,
  owner: from.owner,
  pzxid: from.pzxid,
  children: noNames,
});

/** Snapshots of 3.4 and older have no configuration node; later servers add it on loading. */
const ensureConfig = (build: Building): void => {
  if (hasKey(build.nodes, configPath)) return;
  if (addToClosed(build, parentOf(configPath), nameOf(configPath)))
    build.nodes = setKey(build.nodes, configPath, configNode, build.owner);
};
