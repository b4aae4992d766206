/**
 * Reads: what a request learns from the database of the server that it is asked of, and which watch it leaves.
 * The order of checks is ZooKeeper's. Paths are not checked: one that breaks the rules simply has no node.
 * Source: FinalRequestProcessor, DataTree.
 */
import { namesIn } from '../data/nameSet.js';
import { allows, perm, redacted } from './acl.js';
import { defaultProviders, userNameOf } from './auth.js';
import type { AuthProviders } from './auth.js';
import { noBody } from './apply.js';
import { errorCode } from './error.js';
import type { Identity, MultiResult, ReadPart, ReadRequest, ReplyBody } from './request.js';
import type { Tree, Znode } from './tree.js';
import { aclOf, ephemeralsOf, nodeAt, statOf } from './tree.js';
import type { SessionId } from './txn.js';
import type { WatchTable } from './watch.js';

/** Reads of one node. */
export type NodeRead = Extract<
  ReadRequest,
  { readonly op: 'exists' | 'getData' | 'getChildren' | 'getChildren2' | 'getACL' | 'getAllChildrenNumber' }
>;

export type ReadResult = {
  readonly err: number;
  readonly body: ReplyBody;
  /** The table in which a watch is to be set on the path. */
  readonly watch: WatchTable | null;
};

const failed = (err: number): ReadResult => ({ err, body: noBody, watch: null });

export const readNode = (
  tree: Tree,
  identities: readonly Identity[],
  request: NodeRead,
  providers: AuthProviders = defaultProviders,
): ReadResult => {
  const { path } = request;
  if (path === null) return failed(errorCode.marshallingError);
  if (request.op === 'exists' && path.includes('\0')) return failed(errorCode.badArguments);
  const node = nodeAt(tree, path);
  if (node === undefined) {
    // Only exists can wait for a node that is not there.
    const watch = request.op === 'exists' && request.watch ? 'data' : null;
    return { err: errorCode.noNode, body: noBody, watch };
  }
  const wanted = request.op === 'getACL' ? perm.read | perm.admin : perm.read;
  if (!allows(node.acl, wanted, identities, providers)) return failed(errorCode.noAuth);
  const stat = statOf(node);
  switch (request.op) {
    case 'exists':
      return { err: 0, body: { type: 'stat', stat }, watch: request.watch ? 'data' : null };
    case 'getData':
      return { err: 0, body: { type: 'dataStat', data: node.data, stat }, watch: request.watch ? 'data' : null };
    case 'getChildren': {
      const children = namesIn(node.children);
      return { err: 0, body: { type: 'children', children }, watch: request.watch ? 'child' : null };
    }
    case 'getChildren2': {
      const children = namesIn(node.children);
      return { err: 0, body: { type: 'childrenStat', children, stat }, watch: request.watch ? 'child' : null };
    }
    case 'getACL': {
      const acl = allows(node.acl, perm.admin, identities, providers) ? aclOf(node) : redacted(aclOf(node));
      return { err: 0, body: { type: 'aclStat', acl, stat }, watch: null };
    }
    case 'getAllChildrenNumber':
      return { err: 0, body: { type: 'count', count: descendantsOf(tree, node) }, watch: null };
  }
};

/** All nodes below this one; of the root those of the system too. */
const descendantsOf = (tree: Tree, node: Znode): number => {
  if (node.path === '/') return tree.nodes.size - 1;
  let count = 0;
  const open: Znode[] = [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const name of namesIn(next.children)) {
      const child = nodeAt(tree, `${next.path}/${name}`);
      if (child === undefined) continue;
      count += 1;
      open.push(child);
    }
  }
  return count;
};

/** Reads that are not about one node. */
export type Query = Extract<ReadRequest, { readonly op: 'getEphemerals' | 'whoAmI' | 'multiRead' }>;

export const answerQuery = (
  tree: Tree,
  session: SessionId,
  identities: readonly Identity[],
  request: Query,
  providers: AuthProviders = defaultProviders,
): { readonly err: number; readonly body: ReplyBody } => {
  switch (request.op) {
    case 'getEphemerals': {
      // A plain prefix of the text, not of components: /ep finds /eph too.
      const prefix = request.prefix?.trim() ?? '';
      const children = ephemeralsOf(tree, session).filter((path) => path.startsWith(prefix));
      return { err: errorCode.ok, body: { type: 'children', children } };
    }
    case 'whoAmI':
      return {
        err: errorCode.ok,
        body: { type: 'identities', identities: identities.map((who) => shownIdentity(providers, who)) },
      };
    case 'multiRead': {
      if (request.parts.some(({ path }) => path === null)) return { err: errorCode.marshallingError, body: noBody };
      const results = request.parts.map((part) => readPart(tree, identities, part, providers));
      return { err: errorCode.ok, body: { type: 'multi', results } };
    }
  }
};

const shownIdentity = (providers: AuthProviders, who: Identity): Identity => ({
  scheme: who.scheme,
  id: userNameOf(providers, who),
});

/** Each part succeeds or fails by itself. */
const readPart = (
  tree: Tree,
  identities: readonly Identity[],
  part: ReadPart,
  providers: AuthProviders,
): MultiResult => {
  const { err, body } = readNode(tree, identities, part, providers);
  if (body.type === 'dataStat') return { op: 'getData', data: body.data, stat: body.stat };
  if (body.type === 'children') return { op: 'getChildren', children: body.children };
  return { op: 'error', err };
};
