/** The table of coverage on a small core of its own, run by real processes: what it shows, and what it must not let pass. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import ts from 'typescript';

const script = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'scripts', 'coverage.mjs');

const source = `export type Side = 'left' | 'right';

export const sideOf = (n: number): Side => {
  if (n < 0) return 'left';
  return 'right';
};

export const widthOf = (n: number): number => {
  const width: number = n > 9 ? 2 : 1;
  return width;
};
`;

type Row = Readonly<Record<string, number | string>>;
type Branch = {
  readonly file: string;
  readonly line: number;
  readonly function: string;
  readonly block: string | null;
};
type Entry = Partial<Record<'file' | 'function' | 'block' | 'reason', string>> & { readonly varies?: boolean };
type Told = {
  readonly table: readonly Row[];
  readonly unlisted: readonly Branch[];
  readonly listed: readonly Branch[];
  readonly stale: readonly { readonly why: string }[];
};
type Project = {
  readonly root: string;
  /** Runs a process of this side over these calls and records it. */
  readonly record: (side: string, calls: string) => void;
  readonly judge: (list: unknown) => { readonly code: number | null; readonly told: Told; readonly text: string };
};

const project = (t: ExecutionContext): Project => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'zabkeeper-coverage-')));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  const { outputText, sourceMapText = '' } = ts.transpileModule(source, {
    fileName: 'election.ts',
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, sourceMap: true },
  });
  write('package.json', '{"type":"module"}');
  write('core/election.ts', source);
  write('dist/core/election.js', outputText);
  write('dist/core/election.js.map', sourceMapText);
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  let calls = 0;
  return {
    root,
    record: (side, body) => {
      const name = `call${(calls += 1)}.js`;
      write(name, `import { sideOf, widthOf } from './dist/core/election.js';\nvoid sideOf, widthOf;\n${body}\n`);
      const { status, stderr } = run([join(root, name)], { NODE_V8_COVERAGE: join(root, 'recorded', side) });
      t.is(status, 0, stderr);
    },
    judge: (list) => {
      write('conformance/coverage.json', JSON.stringify(list));
      const recorded = ['live', 'conformance'].map((side) => join(root, 'recorded', side));
      const args = [script, ...recorded, '--root', root];
      const { status, stdout, stderr } = run([...args, '--json']);
      const told = (stdout === '' ? {} : JSON.parse(stdout)) as Told;
      return { code: status, told, text: stderr + (run(args).stdout ?? '') };
    },
  };
};

const left = { file: 'election.ts', function: 'sideOf', block: "if (n < 0) ▸ return 'left';" };
const wide = { file: 'election.ts', function: 'widthOf', block: 'const width = n > 9 ▸ ? 2' };
const why = { reason: 'it is shown elsewhere' };

test('an arm that only live servers reach fails, at its line, until it is listed with a reason', (t) => {
  const { record, judge } = project(t);
  record('live', 'sideOf(-1); sideOf(1);');
  record('live', 'widthOf(1);');
  record('conformance', 'sideOf(1); widthOf(1);');
  record('conformance', 'widthOf(10);');
  const bare = judge([]);
  t.is(bare.code, 1);
  t.like(bare.told.unlisted, [{ ...left, line: 4 }]);
  t.is(bare.told.unlisted.length, 1);
  t.true(bare.text.includes(`UNLISTED core/election.ts:4 sideOf: ${left.block}`), bare.text);
  const sums = bare.told.table.find((r) => r['file'] === 'all') ?? {};
  t.like(sums, { liveOnly: 1, neither: 0 });
  t.is(Number(sums['live']) - Number(sums['both']), 1);
  // widthOf(10) is reached by conformance alone, which is no fault.
  t.true(Number(sums['conformance']) > Number(sums['both']));
  const listed = judge([{ ...left, ...why }]);
  t.deepEqual([listed.code, listed.told.unlisted, listed.told.stale], [0, [], []]);
  t.like(listed.told.listed, [left]);
});

test('a function that conformance never calls is one entry, whatever lies in it', (t) => {
  const { record, judge } = project(t);
  record('live', 'sideOf(-1); sideOf(1); widthOf(1);');
  record('conformance', 'widthOf(1);');
  t.like(judge([]).told.unlisted, [{ file: 'election.ts', line: 3, function: 'sideOf', block: null }]);
  t.is(judge([]).told.unlisted.length, 1);
  t.is(judge([{ file: 'election.ts', function: 'sideOf', ...why }]).code, 0);
});

test('an entry is stale when conformance reaches its branch, or when there is no such branch', (t) => {
  const { record, judge } = project(t);
  record('live', 'sideOf(-1); sideOf(1); widthOf(10); widthOf(1);');
  record('conformance', 'sideOf(-1); sideOf(1); widthOf(1); widthOf(10);');
  t.is(judge([]).code, 0);
  const whyStale = (entry: Entry): readonly (number | string | null)[] => {
    const { code, told } = judge([{ ...entry, ...why }]);
    return [code, ...told.stale.map((s) => s.why)];
  };
  t.deepEqual(whyStale(left), [1, 'conformance reaches it']);
  t.deepEqual(whyStale({ ...left, varies: true }), [0]);
  t.deepEqual(whyStale({ ...left, block: 'if (n < 7) ▸ return;' }), [1, 'no such branch']);
  t.deepEqual(whyStale({ ...left, function: 'gone' }), [1, 'no such branch']);
  t.deepEqual(whyStale({ ...left, file: 'gone.ts', varies: true }), [1, 'no such file was run']);
});

test('an entry stays when live servers have not come to its branch this time', (t) => {
  const { record, judge } = project(t);
  record('live', 'sideOf(1); widthOf(1);');
  record('conformance', 'sideOf(1); widthOf(1);');
  t.is(judge([left, wide].map((entry) => ({ ...entry, ...why }))).code, 0);
});

test('nothing recorded on one side, or an entry without a reason, is no pass', (t) => {
  const { root, record, judge } = project(t);
  record('live', 'sideOf(-1);');
  t.is(judge([]).code, 2);
  t.true(judge([]).text.includes(`nothing of core/ was recorded in ${join(root, 'recorded', 'conformance')}`));
  record('conformance', 'sideOf(1); widthOf(1);');
  t.is(judge([{ ...left, ...why }]).code, 0);
  for (const list of [[left], [{ ...left, reason: '' }], {}, [null]]) t.is(judge(list).code, 2, JSON.stringify(list));
});
