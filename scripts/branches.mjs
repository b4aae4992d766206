/**
 * Which branches of core/ were executed: reads what V8 writes to NODE_V8_COVERAGE, merges the processes of each side,
 * and compares two sides. A branch is where a V8 range begins (a function, an arm, the rest behind an early return).
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The files that count, below dist/core. */
const counted = /^(?:election|server|timing|recovery|(?:replication|service)\/\w+)\.js$/;

/** Longest part of a line that a listed branch shows on either side of its mark. */
const shownLength = 90;
const mark = ' ▸ ';
const passedBy = '(passed by)';

/**
 * @param directory what a run has left of NODE_V8_COVERAGE
 * @param root the folder that has core/ and dist/core/
 * @returns file (`replication/broadcast.js`) to its recordings, each the functions of one process; and the files that
 *   could not be read, which a process leaves that is killed while it writes
 */
export const readSide = (directory, root) => {
  const files = new Map();
  const unreadable = [];
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.json')) : [];
  const folder = join(root, 'dist', 'core');
  for (const name of names) {
    let scripts;
    try {
      scripts = JSON.parse(readFileSync(join(directory, name), 'utf8')).result ?? [];
    } catch {
      unreadable.push(name);
      continue;
    }
    for (const { url, functions } of scripts) {
      if (!url.startsWith('file://')) continue;
      const path = fileURLToPath(url);
      if (!path.startsWith(`${folder}/`)) continue;
      const file = path.slice(folder.length + 1);
      if (!counted.test(file)) continue;
      if (!files.has(file)) files.set(file, []);
      files.get(file).push(functions);
    }
  }
  return { files, unreadable };
};

const rangesOf = (functions) =>
  functions
    .flatMap((f) => f.ranges)
    .map((r) => ({ start: r.startOffset, end: r.endOffset, count: r.count }))
    .sort((a, b) => a.start - b.start || b.end - a.end);

/** A byte for each character of a script: 1 where any of the processes was. The inner range decides. */
const reachedIn = (recordings, length) => {
  const all = new Uint8Array(length);
  for (const functions of recordings) {
    const one = new Uint8Array(length);
    for (const { start, end, count } of rangesOf(functions)) one.fill(count > 0 ? 1 : 0, start, end);
    for (let at = 0; at < length; at += 1) all[at] |= one[at];
  }
  return all;
};

/** Ranges by where they begin, the smallest of each: V8 joins neighbours that one process ran equally often. */
const rangeStarts = (recordings) => {
  const starts = new Map();
  for (const functions of recordings) {
    for (const { functionName, ranges } of functions) {
      ranges.forEach(({ startOffset: start, endOffset: end }, i) => {
        if (start === 0) return; // the module itself
        const known = starts.get(start);
        const name = i === 0 ? functionName : (known?.name ?? null);
        starts.set(start, { start, end: Math.min(end, known?.end ?? Infinity), name });
      });
    }
  }
  return [...starts.values()].sort((a, b) => a.start - b.start || b.end - a.end);
};

const collapse = (text) => text.replace(/\s+/g, ' ').trim();

/** What stands before an arm: on its line, else the end of the line above, which mostly is its condition. */
const contextOf = (before, shown) => {
  if (/^(?:case |default:)/.test(shown)) return '';
  return collapse(
    before
      .replace(/[\s;{}]+$/, '')
      .split('\n')
      .at(-1),
  ).slice(-shownLength);
};

/** The line in the source, for people; function and words of the built text, for the list. */
const describe = (text, map, starts, { start, end, name }) => {
  const skipped = /^[\s;})]*/.exec(text.slice(start, end))[0].length;
  const at = skipped < end - start ? start + skipped : start;
  const before = text.slice(0, at);
  const lines = before.split('\n');
  const entry = map.findEntry(lines.length - 1, lines.at(-1).length);
  const owner = starts.filter((s) => s.name !== null && s.name !== '' && s.start <= start && s.end >= end).at(-1);
  const lineEnd = text.indexOf('\n', at);
  const words = collapse(text.slice(at, Math.min(end, lineEnd < 0 ? end : lineEnd))).slice(0, shownLength);
  // A loop that ends without a return has a range of its own, and no words.
  const shown = /\w/.test(words) ? words : passedBy;
  const isNamed = name !== null && name !== '';
  return {
    line: entry.originalLine === undefined ? lines.length : entry.originalLine + 1,
    function: owner?.name ?? '(module)',
    // A function with a name is its own description.
    block: isNamed ? null : [contextOf(before, shown), shown].filter((part) => part !== '').join(mark),
  };
};

const isIn = (inner, outer) => inner !== outer && outer.start <= inner.start && inner.end <= outer.end;

const branchesOfFile = (root, file, live, conformance) => {
  const path = join(root, 'dist', 'core', file);
  const text = readFileSync(path, 'utf8');
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  const reachedLive = reachedIn(live, text.length);
  const reachedByConformance = reachedIn(conformance, text.length);
  const liveOnly = (at) => reachedLive[at] === 1 && reachedByConformance[at] === 0;
  const starts = rangeStarts([...live, ...conformance]);
  const known = new Set(starts.map((s) => s.start));
  // What follows an arm has no range of its own where it ran as often as what encloses it.
  const behind = [];
  for (let at = 1; at < text.length; at += 1) {
    if (!liveOnly(at) || liveOnly(at - 1) || known.has(at)) continue;
    let end = at;
    while (end < text.length && liveOnly(end)) end += 1;
    if (/\w/.test(text.slice(at, end))) behind.push({ start: at, end, name: null });
  }
  const all = [...starts, ...behind];
  const missed = all.filter((s) => liveOnly(s.start));
  const branches = all.map((s) => ({
    file: file.replace(/\.js$/, '.ts'),
    ...describe(text, map, starts, s),
    live: reachedLive[s.start] === 1,
    conformance: reachedByConformance[s.start] === 1,
    // What lies within a branch that conformance misses goes with it.
    within: missed.some((outer) => isIn(s, outer)),
  }));
  return { text: collapse(text), branches };
};

/** @returns by file of core: its built text on one line, and its branches in order */
export const compareSides = (root, live, conformance) =>
  new Map(
    [...new Set([...live.files.keys(), ...conformance.files.keys()])]
      .sort()
      .map((file) => [
        file.replace(/\.js$/, '.ts'),
        branchesOfFile(root, file, live.files.get(file) ?? [], conformance.files.get(file) ?? []),
      ]),
  );

/** An entry of the list with this block stands for all branches of its function. */
const anyBlock = '*';

const sameBranch = (entry, b) =>
  entry.file === b.file &&
  entry.function === b.function &&
  (entry.block === anyBlock || (entry.block ?? null) === b.block);

/** Why an entry says nothing any more; null: it may stay. That live runs did not get there this time is no reason. */
const staleBecause = (entry, files, used) => {
  const file = files.get(entry.file);
  if (file === undefined) return 'no such file was run';
  if (used.has(entry)) return null;
  const same = file.branches.filter((b) => sameBranch(entry, b));
  if (same.length > 0 && same.every((b) => b.conformance))
    return entry.varies === true ? null : 'conformance reaches it';
  const there = file.branches.some((b) => b.function === entry.function);
  // A branch shows only where a process ran it otherwise than what is around it; its words show always.
  const words = entry.block === anyBlock ? '' : (entry.block ?? '');
  if (there && words.split(mark).every((part) => part === passedBy || file.text.includes(part))) return null;
  return 'no such branch';
};

/**
 * @param files what compareSides has given
 * @param list entries { file, function, block?, reason, varies? } of conformance/coverage.json; the block `*` stands
 *   for all of its function; `varies`: random runs reach the branch at times, so it may be reached and need not be
 * @returns `unlisted`: branches reached live and not by conformance, without an entry; `listed`: those with one;
 *   `stale`: entries that no longer apply, each with `why`
 */
export const judge = (files, list) => {
  const missed = [...files.values()].flatMap((f) => f.branches.filter((b) => b.live && !b.conformance && !b.within));
  const entryOf = (b) => list.find((entry) => sameBranch(entry, b));
  const used = new Set(missed.map(entryOf).filter((entry) => entry !== undefined));
  return {
    unlisted: missed.filter((b) => entryOf(b) === undefined),
    listed: missed.flatMap((b) => (entryOf(b) === undefined ? [] : [{ ...b, reason: entryOf(b).reason }])),
    stale: list.flatMap((entry) => {
      const why = staleBecause(entry, files, used);
      return why === null ? [] : [{ ...entry, why }];
    }),
  };
};

/** Branches of each file and of all, counted. */
export const table = (files) => {
  const row = (file, branches) => ({
    file,
    branches: branches.length,
    live: branches.filter((b) => b.live).length,
    conformance: branches.filter((b) => b.conformance).length,
    both: branches.filter((b) => b.live && b.conformance).length,
    neither: branches.filter((b) => !b.live && !b.conformance).length,
    liveOnly: branches.filter((b) => b.live && !b.conformance).length,
  });
  const rows = [...files].map(([file, { branches }]) => row(file, branches)).filter((r) => r.branches > 0);
  return [...rows, row('all', [...files.values()].flatMap((f) => f.branches))]; // prettier-ignore
};
