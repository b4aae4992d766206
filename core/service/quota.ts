/**
 * Quotas: limits and use of a subtree, kept as text in nodes below /zookeeper/quota. Use is counted as transactions are
 * applied, in the stats node and without a trace in its Stat, so every server has it and snapshots carry it.
 * Source: Quotas, StatsTrack, DataTree.updateQuotaStat, ZooKeeperServer.checkQuota.
 */
import { namesIn, sizeOfNames } from '../data/nameSet.js';
import { parentOf } from './path.js';
import type { Tree, Znode } from './tree.js';
import { nodeAt } from './tree.js';

const quotaRoot = '/zookeeper/quota';
const limitsName = '/zookeeper_limits';
const statsName = '/zookeeper_stats';

/** Nodes of a subtree, its root among them, and bytes of their data. */
export type Use = { readonly count: number; readonly bytes: number };

/** null: no limit. */
export type Limits = {
  readonly count: number | null;
  readonly bytes: number | null;
  readonly hardCount: number | null;
  readonly hardBytes: number | null;
};

export const limitsPath = (subtree: string): string => quotaRoot + subtree + limitsName;
export const statsPath = (subtree: string): string => quotaRoot + subtree + statsName;

/** The subtree whose stats node has this path; null: it is none of a subtree. */
export const subtreeOfStats = (path: string): string | null =>
  path.startsWith(`${quotaRoot}/`) && path.endsWith(statsName) && path.length > quotaRoot.length + statsName.length
    ? path.slice(quotaRoot.length, -statsName.length)
    : null;

/** The deepest subtree with limits that holds this path; null: there is none. Nodes of the system have none. */
export const quotaOver = (tree: Tree, path: string): string | null => {
  const root = nodeAt(tree, quotaRoot);
  if (root === undefined || sizeOfNames(root.children) === 0) return null;
  if (path === '/zookeeper' || path.startsWith('/zookeeper/')) return null;
  for (let at = path; at !== '/'; at = parentOf(at)) if (nodeAt(tree, limitsPath(at)) !== undefined) return at;
  return null;
};

/** Pairs of `count=…,bytes=…`, with `=` and `;` in between where newer clients write hard limits. */
const numbersIn = (data: Uint8Array | null): ReadonlyMap<string, number> => {
  const numbers = new Map<string, number>();
  let text = '';
  for (const byte of data ?? []) text += String.fromCharCode(byte);
  for (const pair of text.split(/[,;]/)) {
    const match = /^\s*(\w+)=(-?\d{1,15})=?\s*$/.exec(pair);
    if (match !== null) numbers.set(match[1] as string, Number(match[2]));
  }
  return numbers;
};

export const readLimits = (data: Uint8Array | null): Limits => {
  const numbers = numbersIn(data);
  const limit = (name: string): number | null => {
    const value = numbers.get(name) ?? -1;
    return value < 0 ? null : value;
  };
  const hardCount = limit('countHardLimit');
  return { count: limit('count'), bytes: limit('bytes'), hardCount, hardBytes: limit('byteHardLimit') };
};

/** null: what stands there, a client may have written it, says nothing. */
export const readUse = (data: Uint8Array | null): Use | null => {
  const numbers = numbersIn(data);
  const count = numbers.get('count');
  const bytes = numbers.get('bytes');
  return count === undefined || bytes === undefined ? null : { count, bytes };
};

export const writeUse = ({ count, bytes }: Use): Uint8Array =>
  Uint8Array.from(`count=${count},bytes=${bytes}`, (c) => c.charCodeAt(0));

export const bytesOf = (node: Znode): number => node.data?.length ?? 0;

/** Counts a subtree from its nodes. */
export const countUse = (tree: Tree, subtree: string): Use => {
  let count = 0;
  let bytes = 0;
  const open = [subtree];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const node = nodeAt(tree, path);
    if (node === undefined) continue;
    count += 1;
    bytes += bytesOf(node);
    for (const name of namesIn(node.children)) open.push(`${path}/${name}`);
  }
  return { count, bytes };
};

/** All stats nodes, for a server that loads: what they say may be older than the nodes that it counted. */
export const statsNodes = (tree: Tree): readonly string[] => {
  const found: string[] = [];
  const open = [quotaRoot];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (subtreeOfStats(path) !== null) found.push(path);
    for (const name of namesIn(nodeAt(tree, path)?.children ?? [])) open.push(`${path}/${name}`);
  }
  return found;
};
