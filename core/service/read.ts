/**
 * Reads: what a request learns from the database of the server that it is asked of, and which watch it leaves.
 * The order of checks is ZooKeeper's. Paths are not checked: one that breaks the rules simply has no node.
 * Source: FinalRequestProcessor, DataTree.setWatches.
 */
import { namesIn } from '../data/nameSet.js';
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { allows, perm, redacted } from './acl.js';
import { noBody } from './apply.js';
import { errorCode } from './error.js';
import type { Identity, ReadRequest, ReplyBody, WatchEventType } from './request.js';
import type { Tree } from './tree.js';
import { aclOf, nodeAt, statOf } from './tree.js';
import { eventType, watchMode } from './watch.js';
import type { WatchTable } from './watch.js';

/** Reads of one node. */
export type NodeRead = Extract<ReadRequest, { readonly path: string | null }>;

export type ReadResult = {
  readonly err: number;
  readonly body: ReplyBody;
  /** The table in which a watch is to be set on the path. */
  readonly watch: WatchTable | null;
};

const failed = (err: number): ReadResult => ({ err, body: noBody, watch: null });

export const readNode = (tree: Tree, identities: readonly Identity[], request: NodeRead): ReadResult => {
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
  if (!allows(node.acl, wanted, identities)) return failed(errorCode.noAuth);
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
      const acl = allows(node.acl, perm.admin, identities) ? aclOf(node) : redacted(aclOf(node));
      return { err: 0, body: { type: 'aclStat', acl, stat }, watch: null };
    }
  }
};

export type SetWatches = Extract<ReadRequest, { readonly op: 'setWatches' | 'setWatches2' }>;

export type Restored = {
  /** Changes that the client missed; their watches are not set again. */
  readonly events: readonly { readonly type: WatchEventType; readonly path: string }[];
  readonly set: readonly { readonly table: WatchTable; readonly path: string; readonly mode: number }[];
};

/** What a client's watches of its last connection come to here: fired for what it missed, or set. */
export const restoreWatches = (tree: Tree, request: SetWatches): Restored => {
  const events: { type: WatchEventType; path: string }[] = [];
  const set: { table: WatchTable; path: string; mode: number }[] = [];
  const missed = (at: Zxid): boolean => compareZxid(at, request.relativeZxid) > 0;
  for (const path of request.data) {
    const node = nodeAt(tree, path);
    if (node === undefined) events.push({ type: eventType.deleted, path });
    else if (missed(node.mzxid)) events.push({ type: eventType.dataChanged, path });
    else set.push({ table: 'data', path, mode: watchMode.oneShot });
  }
  for (const path of request.exist) {
    if (nodeAt(tree, path) !== undefined) events.push({ type: eventType.created, path });
    else set.push({ table: 'data', path, mode: watchMode.oneShot });
  }
  for (const path of request.child) {
    const node = nodeAt(tree, path);
    if (node === undefined) events.push({ type: eventType.deleted, path });
    else if (missed(node.pzxid)) events.push({ type: eventType.childrenChanged, path });
    else set.push({ table: 'child', path, mode: watchMode.oneShot });
  }
  for (const path of request.persistent)
    for (const table of ['data', 'child'] as const) set.push({ table, path, mode: watchMode.persistent });
  for (const path of request.persistentRecursive) set.push({ table: 'data', path, mode: watchMode.recursive });
  return { events, set };
};
