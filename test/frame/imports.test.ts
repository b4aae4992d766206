/**
 * The walls between the folders hold: a violation of each rule of .dependency-cruiser.cjs, of the TypeScript projects and
 * of eslint.config.js is planted where nobody sees it, and found.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ESLint } from 'eslint';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');

// --- dependency-cruiser ------------------------------------------------------------------------------------------------

const rules = (
  createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
    forbidden: readonly { readonly name: string }[];
  }
).forbidden.map((r) => r.name);

/** A file a rule, and the import in it that only this rule forbids. */
const violations: Readonly<Record<string, readonly [file: string, text: string]>> = {
  'no-circular': ['core/round.ts', "import { about } from './about.js';\nexport const round = about;\n"],
  'not-resolvable': ['cli/lost.ts', "import '../shell/nowhere.js';\n"],
  'core-imports-core': ['core/wall.ts', "import 'node:fs';\n"],
  'wire-imports-core': ['wire/wall.ts', "import '../shell/port.js';\n"],
  'shell-imports': ['shell/wall.ts', "import '../conformance/judge.js';\n"],
  'shell-sees-little-of-core': ['shell/rule.ts', "import { better } from '../core/vote.js';\nbetter(1);\n"],
  'conformance-imports': ['conformance/wall.ts', "import '../shell/port.js';\n"],
  'nobody-imports-cli': ['bench/wall.ts', "import '../cli/main.js';\n"],
  'nobody-imports-test': ['cli/wall.ts', "import '../test/help.js';\n"],
  'checker-stands-alone': ['tla-checker-cli/src/wall.ts', "import '../../core/vote.js';\n"],
};

/** What the rules allow, each in the direction in which the folders may see each other. */
const allowed: Readonly<Record<string, string>> = {
  'core/vote.ts': 'export const better = (a: number): number => a;\nexport type Vote = number;\n',
  'core/server.ts': "import { better } from './vote.js';\nexport const serve = better;\n",
  'core/about.ts': "import { round } from './round.js';\nexport const about: unknown = round;\n",
  'wire/codec.ts':
    "import * as E from 'fp-ts/lib/Either.js';\nimport { better } from '../core/vote.js';\nE.left(better(1));\n",
  'shell/port.ts':
    "import 'node:net';\nimport '../wire/codec.js';\nimport { serve } from '../core/server.js';\n" +
    "import type { Vote } from '../core/vote.js';\nexport const port: Vote = serve(1);\n",
  'tla-checker-cli/src/index.ts': 'export const run = 1;\n',
  'conformance/judge.ts':
    "import '../core/vote.js';\nimport '../wire/codec.js';\nimport '../tla-checker-cli/src/index.js';\nimport 'node:fs';\n",
  'cli/main.ts': "import '../shell/port.js';\nimport '../conformance/judge.js';\n",
  'test/help.ts': "import '../cli/main.js';\nimport '../shell/port.js';\n",
  'node_modules/fp-ts/package.json': '{ "name": "fp-ts", "version": "2.0.0" }\n',
  'node_modules/fp-ts/lib/Either.js': 'export const left = (e) => e;\n',
};

const cruise = (files: Readonly<Record<string, string>>): readonly { rule: string; from: string }[] => {
  const folder = mkdtempSync(join(tmpdir(), 'zabkeeper-imports-'));
  try {
    for (const config of ['.dependency-cruiser.cjs', 'tsconfig.base.json'])
      cpSync(join(root, config), join(folder, config));
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const main = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
    const tops = [...new Set(Object.keys(files).map((f) => f.split('/')[0] ?? ''))].filter((f) => f !== 'node_modules');
    const args = [main, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...tops];
    // Its exit code is the number of errors.
    const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    const { summary } = JSON.parse(stdout) as {
      summary: { violations: readonly { rule: { name: string }; from: string }[] };
    };
    return summary.violations.map((v) => ({ rule: v.rule.name, from: v.from }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test('dependency-cruiser: each rule finds what it forbids, in that file alone', (t) => {
  t.deepEqual(Object.keys(violations).toSorted(), rules.toSorted(), 'a rule without a planted violation');
  const files = { ...allowed, ...Object.fromEntries(Object.values(violations)) };
  const found = cruise(files);
  for (const [rule, [file]] of Object.entries(violations)) {
    const by = found.filter((v) => v.rule === rule).map((v) => v.from);
    // Either file of a circle may be named.
    t.true(
      by.includes(file) || (rule === 'no-circular' && by.includes('core/about.ts')),
      `${rule} has not seen ${file}`,
    );
  }
  const planted = new Set(Object.values(violations).map(([file]) => file)).add('core/about.ts');
  t.deepEqual(
    found.filter((v) => !planted.has(v.from)),
    [],
  );
});

test('dependency-cruiser: what the folders may import passes', (t) => {
  t.deepEqual(cruise({ ...allowed, 'core/about.ts': "import { better } from './vote.js';\nbetter(1);\n" }), []);
});

// --- TypeScript --------------------------------------------------------------------------------------------------------

/** Files that are on disk, parsed once for all programs. */
const parsedFiles = new Map<string, ts.SourceFile | undefined>();

/** Codes of what the project of `folder` says to files that only the compiler sees. */
const compile = (folder: string, planted: Readonly<Record<string, string>>, rootFile: string): readonly number[] => {
  const path = (file: string): string => join(root, file);
  const texts = new Map(Object.entries(planted).map(([file, text]) => [path(file), text]));
  const configPath = path(`${folder}/tsconfig.json`);
  const parsed = ts.getParsedCommandLineOfConfigFile(configPath, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (d) => {
      throw new Error(ts.flattenDiagnosticMessageText(d.messageText, '\n'));
    },
  });
  if (parsed === undefined) throw new Error(`${configPath} cannot be read`);
  const host = ts.createCompilerHost(parsed.options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists(name);
  host.readFile = (name) => texts.get(name) ?? readFile(name);
  host.getSourceFile = (name, languageVersion, ...rest) => {
    const text = texts.get(name);
    if (text !== undefined) return ts.createSourceFile(name, text, languageVersion, true);
    if (!parsedFiles.has(name)) parsedFiles.set(name, getSourceFile(name, languageVersion, ...rest));
    return parsedFiles.get(name);
  };
  const program = ts.createProgram({
    rootNames: [...parsed.fileNames, path(rootFile)],
    options: parsed.options,
    projectReferences: parsed.projectReferences ?? [],
    host,
  });
  const file = program.getSourceFile(path(rootFile));
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ].map((d) => d.code);
};

const noName = 2304;
/** A module or a name of Node without Node's types. */
const noNode = 2591;
const noDomName = 2584;
const outsideRoot = 6059;
const notListed = 6307;

test('TypeScript: the core compiles without any platform, and does not see the folders above it', (t) => {
  const core = (text: string): readonly number[] => compile('core', { 'core/planted.ts': text }, 'core/planted.ts');
  t.deepEqual(core("import { sameVote } from './vote.js';\nexport const same = sameVote;\n"), []);
  t.deepEqual(core("import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n"), [noNode]);
  t.deepEqual(core('export const id = setTimeout(() => 0, 1);\n'), [noName]);
  t.deepEqual(core('console.log(1);\nexport {};\n'), [noDomName]);
  t.deepEqual(core('export const pid: number = process.pid;\n'), [noNode]);
});

test('TypeScript: no project sees one that it has no reference to', (t) => {
  const port = { 'shell/planted.ts': 'export const port = 1;\n' };
  for (const folder of ['core', 'wire', 'conformance']) {
    const file = `${folder}/planted.ts`;
    const codes = compile(
      folder,
      { ...port, [file]: "import { port } from '../shell/planted.js';\nport.toFixed();\n" },
      file,
    );
    t.true(codes.includes(outsideRoot) || codes.includes(notListed), `${folder} sees shell: ${codes.join(' ')}`);
  }
  const wire = "import { sameVote } from '../core/vote.js';\nexport const same = sameVote;\n";
  t.deepEqual(compile('wire', { 'wire/planted.ts': wire }, 'wire/planted.ts'), []);
});

// --- eslint ------------------------------------------------------------------------------------------------------------

/** A snippet for each selector that core may not contain, and those that core/server.ts may not contain besides. */
const snippets: Readonly<Record<string, string>> = {
  "MemberExpression[object.name='Date']": 'export const at = Date.now();',
  "NewExpression[callee.name='Date']": 'export const at = new Date();',
  "MemberExpression[object.name='Math'][property.name='random']": 'export const chance = Math.random();',
  ThrowStatement: 'export const fail = (): never => {\n  throw 1;\n};',
  ClassDeclaration: 'export class Server {}',
  ClassExpression: 'export const Server = class {};',
  AwaitExpression: 'await Promise.resolve();\nexport {};',
  'FunctionDeclaration[async=true]': 'export async function later(): Promise<void> {}',
  'ArrowFunctionExpression[async=true]': 'export const later = async (): Promise<void> => undefined;',
  "MemberExpression[object.name='globalThis']": 'export const all: unknown = globalThis.Array;',
};
const routing: readonly (readonly [selector: RegExp, text: string])[] = [
  [/^BinaryExpression/, 'export const f = (a: { epoch: number }): boolean => a.epoch > 1;'],
  [/^CallExpression/, "import { isQuorum } from './data/quorum.js';\nexport const f = (): boolean => isQuorum(3, 2);"],
];

type Forbidden = { readonly selector: string; readonly message: string };

const eslint = new ESLint({ cwd: root });
const forbiddenIn = async (file: string): Promise<readonly Forbidden[]> => {
  const config = (await eslint.calculateConfigForFile(join(root, file))) as {
    rules: Record<string, readonly [unknown, ...Forbidden[]] | undefined>;
  };
  return config.rules['no-restricted-syntax']?.slice(1) as readonly Forbidden[];
};
/** The text in the place of a file that is there, so that typed rules know its project. */
const lint = async (file: string, text: string): Promise<readonly string[]> => {
  const [result] = await eslint.lintText(`${text}\n`, { filePath: join(root, file) });
  return (result?.messages ?? []).map((m) =>
    m.ruleId === 'no-restricted-syntax' ? m.message : (m.ruleId ?? m.message),
  );
};

test('eslint: what the core may not contain is found, in core/server.ts too', async (t) => {
  for (const file of ['core/step.ts', 'core/server.ts']) {
    const forbidden = await forbiddenIn(file);
    t.true(forbidden.length >= Object.keys(snippets).length);
    for (const { selector, message } of forbidden) {
      const text = snippets[selector] ?? routing.find(([s]) => s.test(selector))?.[1];
      if (text === undefined) t.fail(`no snippet for ${selector}`);
      else t.true((await lint(file, text)).includes(message), `${file}: ${text}`);
    }
  }
  for (const [, text] of routing) t.deepEqual(await lint('core/step.ts', text), []);
  t.deepEqual(await lint('shell/loop.ts', 'export const at = Date.now();'), []);
});

test('eslint: imports of fp-ts that fail at run time, promises that nobody awaits, a switch that misses a case', async (t) => {
  const file = 'shell/loop.ts';
  const imported = (from: string): Promise<readonly string[]> =>
    lint(file, `import * as E from '${from}';\nexport const left = E;`);
  t.deepEqual(await imported('fp-ts/Either'), ['no-restricted-imports']);
  t.deepEqual(await imported('fp-ts'), ['no-restricted-imports']);
  t.deepEqual(await imported('fp-ts/lib/Either.js'), []);
  const drop = 'export const go = (wait: () => Promise<void>): void => {\n  wait();\n};';
  t.deepEqual(await lint(file, drop), ['@typescript-eslint/no-floating-promises']);
  const miss =
    "export const f = (a: 'x' | 'y'): number => {\n  switch (a) {\n    case 'x':\n      return 1;\n  }\n  return 2;\n};";
  t.deepEqual(await lint(file, miss), ['@typescript-eslint/switch-exhaustiveness-check']);
});

// --- .gitignore --------------------------------------------------------------------------------------------------------

test('.gitignore: what is built, installed, fetched or stored is not kept, and sources are', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'zabkeeper-ignored-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('git', ['init', '--quiet', folder]);
  cpSync(join(root, '.gitignore'), join(folder, '.gitignore'));
  const ignored = [
    'dist/a.js',
    'tla-checker-cli/dist/a.js',
    'node_modules/a.js',
    'spec/tla2tools.jar',
    'data/a',
    '.cache/a',
    'a.tgz',
  ];
  const kept = [
    'core/data/zxid.ts',
    'spec/Election.tla',
    'traces/a.ndjson',
    'test/vectors/disk/standard/log.1',
    'README.md',
  ];
  const { stdout } = spawnSync('git', ['check-ignore', ...ignored, ...kept], { cwd: folder, encoding: 'utf8' });
  t.deepEqual(stdout.trim().split('\n'), ignored);
});
