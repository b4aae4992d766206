/**
 * Requests about watches: added to stay, looked for, taken away, and set again on a new connection.
 * Source: DataTree.addWatch, containsWatcher, removeWatch and setWatches; FinalRequestProcessor.
 */
import type { Owner } from '../data/hamt.js';
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { noBody } from './apply.js';
import { errorCode } from './error.js';
import type { ReadRequest, ReplyBody, WatchEventType } from './request.js';
import type { Tree } from './tree.js';
import { nodeAt } from './tree.js';
import { addPersistentWatch, eventType, modesOf, removeWatch, watchMode } from './watch.js';
import type { Watches, WatchTable } from './watch.js';

export type WatchRequest = Extract<ReadRequest, { readonly op: 'addWatch' | 'checkWatches' | 'removeWatches' }>;

const addMode = { persistent: 0, recursive: 1 } as const;

type Place = { readonly table: WatchTable; readonly modes: number };

const { oneShot, persistent, recursive } = watchMode;

/** Where watches of each kind of checkWatches and removeWatches stand. */
const placesOf: Readonly<Record<number, readonly Place[]>> = {
  1: [{ table: 'child', modes: oneShot }],
  2: [{ table: 'data', modes: oneShot }],
  3: [
    { table: 'data', modes: oneShot | persistent | recursive },
    { table: 'child', modes: oneShot | persistent },
  ],
  4: [
    { table: 'data', modes: persistent },
    { table: 'child', modes: persistent },
  ],
  5: [{ table: 'data', modes: recursive }],
};

type Answer = { readonly watches: Watches; readonly err: number; readonly body: ReplyBody };

/** Neither the path nor its ACL is checked: who may not read hears nothing. An unknown mode or kind is MARSHALLINGERROR. */
export const answerWatch = (
  watches: Watches,
  conn: number,
  request: WatchRequest,
  owner: Owner | null = null,
): Answer => {
  const { path } = request;
  const refused = (err: number): Answer => ({ watches, err, body: noBody });
  if (request.op === 'addWatch') {
    const { mode } = request;
    if (path === null) return refused(errorCode.marshallingError);
    if (mode !== addMode.persistent && mode !== addMode.recursive) return refused(errorCode.marshallingError);
    const added = addPersistentWatch(watches, conn, path, mode === addMode.recursive, owner);
    return { watches: added, err: errorCode.ok, body: { type: 'done' } };
  }
  const places = placesOf[request.kind];
  if (places === undefined) return refused(errorCode.marshallingError);
  if (path === null) return refused(errorCode.noWatcher);
  const found = places.filter(({ table, modes }) => (modesOf(watches, table, conn, path) & modes) !== 0);
  if (found.length === 0) return refused(errorCode.noWatcher);
  let left = watches;
  if (request.op === 'removeWatches')
    for (const { table, modes } of found) left = removeWatch(left, table, conn, path, modes, owner);
  return { watches: left, err: errorCode.ok, body: noBody };
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
