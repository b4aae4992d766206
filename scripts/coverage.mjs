/**
 * `node scripts/coverage.mjs LIVE CONFORMANCE`: which branches of core/ real servers have reached under kills, and which
 * the conformance runs have. Both are directories of NODE_V8_COVERAGE. A branch reached live and not by conformance must
 * be in conformance/coverage.json with its reason; an entry there that no longer applies is an error too.
 * Without directories (`npm run coverage`) both sides are run first.
 * --json: the same for machines. --root FOLDER: another project than this one.
 * Exit codes: 0 as it should be; 1 a branch is missing in the list, or an entry is stale; 2 nothing to compare.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareSides, judge, readSide, table } from './branches.mjs';
import { comparing, recordingTo } from './compared.mjs';
import { prepare, root as ownRoot } from './prepare.mjs';

/** Small models of both modules: each is searched in full. */
const models = [
  'ElectionFour',
  'ElectionJoin',
  'ElectionObserver',
  'ReplicationQuiet',
  'ReplicationLateNotice',
  'ReplicationAlone',
];

const fail = (message) => {
  console.error(message);
  process.exit(2);
};

const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, root: { type: 'string', default: ownRoot } },
    });
  } catch (e) {
    return fail(`${e.message}; usage: coverage.mjs [LIVE CONFORMANCE] [--json] [--root FOLDER]`);
  }
};

const run = (directory, args) => {
  console.error(`node ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, args, {
    cwd: ownRoot,
    env: recordingTo(directory),
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('it failed: no coverage is shown of runs that fail');
};

/** Runs both sides; gives their directories. */
const collect = (scratch) => {
  if (!prepare()) process.exit(2);
  const directories = [join(scratch, 'live'), join(scratch, 'conformance')];
  const [live, conformance] = directories;
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
  run(live, [ava, 'dist/test/live/**/*.test.js']);
  run(conformance, [ava, ...comparing]);
  run(conformance, ['dist/cli/main.js', 'conform', ...models]);
  for (const name of readdirSync(join(ownRoot, 'traces')).filter((n) => n.endsWith('.ndjson')))
    spawnSync(process.execPath, ['dist/cli/main.js', 'conform', '--trace', join('traces', name)], {
      cwd: ownRoot,
      env: recordingTo(conformance),
      stdio: 'ignore',
    });
  return directories;
};

/** The entries that are allowed, each with its reason. */
const readList = (root) => {
  const path = join(root, 'conformance', 'coverage.json');
  let list;
  try {
    list = JSON.parse(readFileSync(path, 'utf8'));
  } catch (e) {
    return fail(`${path}: ${e.message}`);
  }
  if (!Array.isArray(list)) return fail(`${path}: not a list`);
  for (const entry of list) {
    const texts = [entry?.file, entry?.function, entry?.reason, entry?.block ?? ' '];
    if (!texts.every((text) => typeof text === 'string' && text !== ''))
      return fail(`${path}: an entry is { file, function, block?, reason, varies? }, not ${JSON.stringify(entry)}`);
  }
  return list;
};

const show = (rows, { unlisted, listed, stale }) => {
  const heads = ['branches', 'live', 'conformance', 'both', 'neither', 'liveOnly'];
  const cells = [['file', ...heads.slice(0, -1), 'live only'], ...rows.map((r) => [r.file, ...heads.map((h) => r[h])])];
  const widths = cells[0].map((_, at) => Math.max(...cells.map((line) => String(line[at]).length)));
  for (const line of cells)
    console.log(line.map((c, at) => (at === 0 ? c.padEnd(widths[0]) : String(c).padStart(widths[at]))).join('  '));
  const place = (b) => `core/${b.file}:${b.line} ${b.function}${b.block === null ? '' : `: ${b.block}`}`;
  for (const b of listed) console.log(`listed   ${place(b)} (${b.reason})`);
  for (const b of unlisted) {
    const { file, function: name, block } = b;
    console.log(`UNLISTED ${place(b)}`);
    console.log(
      `         ${JSON.stringify({ file, function: name, ...(block === null ? {} : { block }), reason: '' })}`,
    );
  }
  for (const e of stale) console.log(`STALE    ${e.file} ${e.function}${e.block ? `: ${e.block}` : ''}: ${e.why}`);
  if (unlisted.length > 0)
    console.log('UNLISTED: reached live, not by conformance. Let conformance reach it, or say why not in the list.');
};

const { values, positionals } = read();
if (positionals.length !== 0 && positionals.length !== 2) fail('two directories, or none');
const root = resolve(values.root);
const scratch = mkdtempSync(join(tmpdir(), 'zabkeeper-coverage-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const [live, conformance] = (positionals.length === 0 ? collect(scratch) : positionals).map((directory) => {
  const side = readSide(directory, root);
  for (const name of side.unreadable) console.error(`${directory}: ${name} was not written to its end`);
  if (side.files.size === 0) fail(`nothing of core/ was recorded in ${directory}`);
  return side;
});
const files = compareSides(root, live, conformance);
const rows = table(files);
const verdict = judge(files, readList(root));
if (values.json) console.log(JSON.stringify({ table: rows, ...verdict }, null, 2));
else show(rows, verdict);
process.exitCode = verdict.unlisted.length + verdict.stale.length > 0 ? 1 : 0;
