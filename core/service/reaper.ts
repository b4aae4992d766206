/**
 * The leader's reaper: containers whose last child is gone and TTL nodes that were left alone for long enough. It looks
 * through them now and then, and asks for what it found bit by bit.
 * Source: ContainerManager. The times of a reaper are the leader's monotonic milliseconds; ages are of the wall clock,
 * as mtime is.
 */
import type { View } from './check.js';
import { hasOutstanding } from './check.js';
import { sizeOfNames } from '../data/nameSet.js';
import type { ReapingRules } from './rules.js';
import type { Tree } from './tree.js';
import { containerOwner, nodeAt, reapableOf, ttlOf } from './tree.js';

export type Reaper = {
  /** When the next look begins. */
  readonly lookAtMs: number;
  /** When the next of those found may go. */
  readonly nextAtMs: number;
  /** Found by the last look, from `at` on still to go. */
  readonly found: readonly string[];
  readonly at: number;
};

export const newReaper = (rules: ReapingRules, nowMs: number): Reaper => ({
  lookAtMs: nowMs + rules.checkIntervalMs,
  nextAtMs: nowMs,
  found: [],
  at: 0,
});

const msPerMinute = 60_000;

/** Paths whose time has come, at most as many as the rules allow by now. */
export const reap = (
  reaper: Reaper,
  view: View,
  rules: ReapingRules,
  nowMs: number,
  wallMs: number,
): { readonly reaper: Reaper; readonly paths: readonly string[] } => {
  let { lookAtMs, nextAtMs, found, at } = reaper;
  if (at === found.length && nowMs < lookAtMs) return { reaper, paths: [] };
  if (at === found.length) {
    found = reapableOf(view.tree).filter((path) => isDue(view.tree, path, rules, wallMs));
    at = 0;
    lookAtMs = nowMs + rules.checkIntervalMs;
    nextAtMs = nowMs;
  }
  const paths: string[] = [];
  for (; at < found.length && nextAtMs <= nowMs; at += 1, nextAtMs += msPerMinute / rules.maxPerMinute) {
    const path = found[at] as string;
    // Whatever is on its way to the node or to its children: the next look sees what came of it.
    if (!hasOutstanding(view, path) && isDue(view.tree, path, rules, wallMs)) paths.push(path);
  }
  return {
    reaper: at === found.length ? { lookAtMs, nextAtMs, found: [], at: 0 } : { lookAtMs, nextAtMs, found, at },
    paths,
  };
};

const isDue = (tree: Tree, path: string, rules: ReapingRules, wallMs: number): boolean => {
  const node = nodeAt(tree, path);
  if (node === undefined || sizeOfNames(node.children) > 0) return false;
  const ageMs = wallMs - node.mtimeMs;
  if (node.owner !== containerOwner) return ageMs > (ttlOf(node.owner) ?? Infinity);
  // One that never had a child may be waiting for its first.
  return node.cversion !== 0 || (rules.maxNeverUsedMs > 0 && ageMs > rules.maxNeverUsedMs);
};
