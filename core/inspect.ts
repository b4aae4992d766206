/**
 * What a server holds, for people and monitoring: read off the state between two turns, nothing of it changed. Costs grow
 * with what is listed; whoever walks the tree does it in slices over one version of it, as a snapshot does.
 */
import { entriesOf, forEachEntry, getKey, keysOf } from './data/hamt.js';
import { namesIn, sizeOfNames } from './data/nameSet.js';
import type { Acl, SessionId, Txn, TxnRecord } from './service/txn.js';
import type { Identity } from './service/request.js';
import type { ServerState } from './serverState.js';
import { allows } from './service/acl.js';
import {
  bytesOf,
  limitsPath,
  quotaOver,
  readLimits,
  readUse,
  statsNodes,
  statsPath,
  subtreeOfStats,
} from './service/quota.js';
import type { Limits, Use } from './service/quota.js';
import type { Snapshot } from './service/snapshot.js';
import { snapshotOf } from './service/service.js';
import { containerOwner, nodeAt } from './service/tree.js';

/** The state as a snapshot; stays as it is while the server goes on. */
export const snapshotOfServer = (s: ServerState): Snapshot => snapshotOf(s.service);

/** Sessions with their timeouts, milliseconds. */
export const sessionsIn = (s: ServerState): ReadonlyMap<SessionId, number> =>
  new Map(entriesOf(s.service.database.sessions));

/** When which sessions expire unless they are heard of, monotonic milliseconds; null: this server does not lead. */
export const expiriesIn = (
  s: ServerState,
): readonly (readonly [atMs: number, sessions: readonly SessionId[]])[] | null => {
  if (s.leading === null) return null;
  const { buckets } = s.leading.expiry;
  return [...entriesOf(buckets)]
    .map(([atMs, sessions]) => [atMs, keysOf(sessions).toSorted()] as const)
    .toSorted(([a], [b]) => a - b);
};

/** Paths of the ephemeral nodes of each session. */
export const ephemeralsIn = (s: ServerState): ReadonlyMap<SessionId, readonly string[]> => {
  const found = new Map<SessionId, readonly string[]>();
  forEachEntry(s.service.database.tree.ephemerals, (owner, paths) => {
    if (owner !== containerOwner && sizeOfNames(paths) > 0) found.set(owner, namesIn(paths));
  });
  return found;
};

/** A connection as the core knows it. */
export type ConnView = { readonly session: SessionId; readonly timeoutMs: number; readonly address: string };

export const connectionsIn = (s: ServerState): ReadonlyMap<number, ConnView> => {
  const found = new Map<number, ConnView>();
  forEachEntry(s.service.conns, (conn, { session, timeoutMs, address }) =>
    found.set(conn, { session, timeoutMs, address }),
  );
  return found;
};

/** What each connection watches, in either table, a path once. */
export const watchesIn = (s: ServerState): ReadonlyMap<number, readonly string[]> => {
  const found = new Map<number, readonly string[]>();
  const { data, child } = s.service.watches;
  forEachEntry(data.byConn, (conn, paths) => found.set(conn, namesIn(paths)));
  forEachEntry(child.byConn, (conn, paths) =>
    found.set(conn, [...new Set([...(found.get(conn) ?? []), ...namesIn(paths)])]),
  );
  return found;
};

/** Watches as monitoring counts them: one for each connection and path, in each table. */
export const watchCountOf = (s: ServerState): number => {
  let count = 0;
  for (const { byConn } of [s.service.watches.data, s.service.watches.child])
    forEachEntry(byConn, (_, paths) => (count += sizeOfNames(paths)));
  return count;
};

export const znodeCountOf = (s: ServerState): number => s.service.database.tree.nodes.size;

/** Bytes of path and data of every node, one after the other. */
export function* nodeSizesIn(s: ServerState): Generator<number> {
  for (const [path, node] of entriesOf(s.service.database.tree.nodes)) yield path.length + bytesOf(node);
}

export type QuotaView = { readonly path: string; readonly limits: Limits; readonly use: Use };

/** Every quota with what is used of it. */
export const quotasIn = (s: ServerState): readonly QuotaView[] => {
  const { tree } = s.service.database;
  return statsNodes(tree).flatMap((stats) => {
    const path = subtreeOfStats(stats) ?? '';
    const limits = nodeAt(tree, limitsPath(path));
    const use = readUse(nodeAt(tree, stats)?.data ?? null);
    return limits === undefined || use === null ? [] : [{ path, limits: readLimits(limits.data), use }];
  });
};

/** The quota over what a transaction writes, with its use as it is applied already. */
export const quotaOfTxn = (s: ServerState, txn: Txn): QuotaView | null => {
  const path = writtenPath(txn.record);
  if (path === null) return null;
  const { tree } = s.service.database;
  const over = quotaOver(tree, path);
  const use = over === null ? null : readUse(nodeAt(tree, statsPath(over))?.data ?? null);
  if (over === null || use === null) return null;
  return { path: over, limits: readLimits(nodeAt(tree, limitsPath(over))?.data ?? null), use };
};

const writtenPath = (record: TxnRecord): string | null => {
  switch (record.type) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
    case 'setData':
      return record.path;
    default:
      return null;
  }
};

/** Whether these identities may do everything with the root: what the admin server asks of those who take or give a tree. */
export const ownsRoot = (s: ServerState, identities: readonly Identity[]): boolean => {
  const acl: readonly Acl[] | null = nodeAt(s.service.database.tree, '/')?.acl ?? null;
  return [1, 2, 4, 8, 16].every((perm) => allows(acl, perm, identities));
};

/** Sessions that this server times; null: it does not lead. */
export const timeoutOf = (s: ServerState, session: SessionId): number | undefined =>
  getKey(s.service.database.sessions, session);
