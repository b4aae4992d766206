/**
 * Watches: who wants to hear of which path. Two tables, as in ZooKeeper: `data` (getData, exists) and `child`
 * (getChildren). A watch belongs to a connection and ends with it.
 * Source: WatchManager, DataTree (createNode, deleteNode, setData, setWatches).
 */
import { emptyHamt, forEachEntry, getKey, removeKey, setKey } from '../data/hamt.js';
import type { Hamt, Owner } from '../data/hamt.js';
import { addName, namesIn, noNames, removeName, sizeOfNames } from '../data/nameSet.js';
import type { NameSet } from '../data/nameSet.js';
import type { Change } from './apply.js';
import { parentOf } from './path.js';
import type { WatchEventType } from './request.js';
import type { Acl } from './txn.js';

/** Bits, since the modes of one connection on one path add up. A recursive one also hears of all descendants. */
export const watchMode = { oneShot: 1, persistent: 2, recursive: 4 } as const;

export const eventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

type Table = {
  /** path → connection → modes. */
  readonly byPath: Hamt<string, Hamt<number, number>>;
  readonly byConn: Hamt<number, NameSet>;
};

export type WatchTable = 'data' | 'child';

export type Watches = {
  readonly data: Table;
  readonly child: Table;
  /** Number of recursive watches; while there is none, nobody asks for ancestors. */
  readonly recursive: number;
};

/** An event for a connection, if it may read `acl` (null: openAcl). */
export type Heard = {
  readonly conn: number;
  readonly type: WatchEventType;
  readonly path: string;
  readonly acl: readonly Acl[] | null;
};

const emptyTable: Table = { byPath: emptyHamt(), byConn: emptyHamt() };

export const noWatches: Watches = { data: emptyTable, child: emptyTable, recursive: 0 };

const withTable = (w: Watches, name: WatchTable, table: Table, recursive: number): Watches =>
  name === 'data' ? { data: table, child: w.child, recursive } : { data: w.data, child: table, recursive };

/** Adds modes of one connection on one path; setting a watch twice is setting it once. */
export const addWatch = (
  watches: Watches,
  name: WatchTable,
  conn: number,
  path: string,
  mode: number,
  owner: Owner | null = null,
): Watches => {
  const { byPath, byConn } = watches[name];
  const conns = getKey(byPath, path) ?? emptyHamt<number, number>();
  const before = getKey(conns, conn) ?? 0;
  if ((before | mode) === before) return watches;
  const table = {
    byPath: setKey(byPath, path, setKey(conns, conn, before | mode, owner), owner),
    byConn: setKey(byConn, conn, addName(getKey(byConn, conn) ?? noNames, path, owner), owner),
  };
  return withTable(watches, name, table, watches.recursive + newlyRecursive(before, before | mode));
};

/** A persistent watch hears in both tables, a recursive one never of changed children (AddWatchMode 0 and 1). */
export const addPersistentWatch = (
  watches: Watches,
  conn: number,
  path: string,
  recursive: boolean,
  owner: Owner | null = null,
): Watches =>
  recursive
    ? addWatch(watches, 'data', conn, path, watchMode.recursive, owner)
    : addWatch(
        addWatch(watches, 'data', conn, path, watchMode.persistent, owner),
        'child',
        conn,
        path,
        watchMode.persistent,
        owner,
      );

/** Takes modes away; those that are not set do not matter. */
export const removeWatch = (
  watches: Watches,
  name: WatchTable,
  conn: number,
  path: string,
  mode: number,
  owner: Owner | null = null,
): Watches => {
  const { byPath, byConn } = watches[name];
  const conns = getKey(byPath, path);
  const before = conns === undefined ? 0 : (getKey(conns, conn) ?? 0);
  const after = before & ~mode;
  if (conns === undefined || after === before) return watches;
  const recursive = watches.recursive + newlyRecursive(before, after);
  if (after !== 0) {
    const left = setKey(byPath, path, setKey(conns, conn, after, owner), owner);
    return withTable(watches, name, { byPath: left, byConn }, recursive);
  }
  const others = removeKey(conns, conn, owner);
  const paths = removeName(getKey(byConn, conn) ?? noNames, path, owner);
  const table = {
    byPath: others.size === 0 ? removeKey(byPath, path, owner) : setKey(byPath, path, others, owner),
    byConn: sizeOfNames(paths) === 0 ? removeKey(byConn, conn, owner) : setKey(byConn, conn, paths, owner),
  };
  return withTable(watches, name, table, recursive);
};

const newlyRecursive = (before: number, after: number): number =>
  ((after & watchMode.recursive) - (before & watchMode.recursive)) / watchMode.recursive;

/** All watches of a connection end with it. */
export const removeConnection = (watches: Watches, conn: number, owner: Owner | null = null): Watches => {
  let left = watches;
  for (const name of ['data', 'child'] as const)
    for (const path of namesIn(getKey(watches[name].byConn, conn) ?? noNames))
      left = removeWatch(left, name, conn, path, allModes, owner);
  return left;
};

const allModes = watchMode.oneShot | watchMode.persistent | watchMode.recursive;

/** The modes of a connection on a path; 0: none. */
export const modesOf = (watches: Watches, name: WatchTable, conn: number, path: string): number =>
  getKey(getKey(watches[name].byPath, path) ?? emptyHamt<number, number>(), conn) ?? 0;

/** Those who hear of a change, in the order in which events go out, at each place by connection; one-shot watches among them are used up. */
export const fire = (
  watches: Watches,
  change: Change,
  owner: Owner | null = null,
): { readonly watches: Watches; readonly heard: readonly Heard[] } => {
  if (watches.data.byPath.size === 0 && watches.child.byPath.size === 0) return { watches, heard: [] };
  const { path, acl, parentAcl } = change;
  const round: Round = { watches, heard: [], owner };
  switch (change.type) {
    case 'created':
      fireAt(round, 'data', path, eventType.created, acl, 0);
      break;
    case 'deleted': {
      fireAt(round, 'data', path, eventType.deleted, acl, 0);
      // Who just heard it from the data table does not hear it again.
      fireAt(round, 'child', path, eventType.deleted, acl, round.heard.length);
      break;
    }
    case 'dataChanged':
      fireAt(round, 'data', path, eventType.dataChanged, acl, 0);
      return round;
  }
  fireAt(round, 'child', parentOf(path), eventType.childrenChanged, parentAcl, 0);
  return round;
};

type Round = { watches: Watches; readonly heard: Heard[]; readonly owner: Owner | null };

/** @param silent the first so many of `heard` are not told again */
const fireAt = (
  round: Round,
  name: WatchTable,
  path: string,
  type: WatchEventType,
  acl: readonly Acl[] | null,
  silent: number,
): void => {
  const { watches, heard, owner } = round;
  const told = new Set<number>();
  for (let i = 0; i < silent; i++) told.add((heard[i] as Heard).conn);
  const telling: number[] = [];
  const tell = (conn: number): void => {
    if (told.has(conn)) return;
    told.add(conn);
    telling.push(conn);
  };
  const used: number[] = [];
  const conns = getKey(watches[name].byPath, path);
  if (conns !== undefined)
    forEachEntry(conns, (conn, modes) => {
      tell(conn);
      if ((modes & watchMode.oneShot) !== 0) used.push(conn);
    });
  if (name === 'data' && watches.recursive > 0)
    for (let at = path; at !== '/';) {
      at = parentOf(at);
      const above = getKey(watches.data.byPath, at);
      if (above !== undefined)
        forEachEntry(above, (conn, modes) => {
          if ((modes & watchMode.recursive) !== 0) tell(conn);
        });
    }
  for (const conn of telling.sort((a, b) => a - b)) heard.push({ conn, type, path, acl });
  for (const conn of used) round.watches = removeWatch(round.watches, name, conn, path, watchMode.oneShot, owner);
};
