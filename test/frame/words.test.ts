/** What the documents say of files, models and commands is so. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import test from 'ava';
import { makeProgram } from '../../cli/program.js';
import { readModels } from '../../conformance/modelFiles.js';
import type { Models } from '../../conformance/models.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.md'))
    .map((f) => `docs/${f}`),
];

const models = (): Models => {
  const decoded = readModels(join(root, 'spec/models.json'));
  if (E.isLeft(decoded)) throw new Error(decoded.left.join('\n'));
  return decoded.right;
};

/** The table of compared models, as README.md must have it. */
const tableOf = (all: Models): string => {
  const compared = [...all.values()].filter((m) => m.compare !== undefined);
  const edgesOf = (m: (typeof compared)[number]): number => Object.values(m.edges ?? {}).reduce((a, b) => a + b, 0);
  const shown = (n: number): string => n.toLocaleString('en-US');
  const rows = compared.map((m) => {
    const name = m.tier === 'ci' ? `\`${m.name}\` (ci)` : `\`${m.name}\``;
    return `| ${name} | ${shown(m.distinct ?? 0)} | ${shown(edgesOf(m))} | ${m.depth} | ${m.why} |`;
  });
  const states = compared.reduce((sum, m) => sum + (m.distinct ?? 0), 0);
  const edges = compared.reduce((sum, m) => sum + edgesOf(m), 0);
  return [
    '| model | states | labelled edges | depth | what it covers |',
    '|---|---:|---:|---:|---|',
    ...rows,
    `| **${compared.length} models** | **${shown(states)}** | **${shown(edges)}** | | |`,
  ].join('\n');
};

/** Links to files of the project that are not there. */
const brokenLinks = (file: string, words: string): readonly string[] =>
  [...words.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((m) => m[1] ?? '')
    .filter((link) => !/^(https?:|#)/.test(link))
    .filter((link) => !existsSync(join(root, dirname(file), link.replace(/#.*$/, ''))));

/** Files and folders in backquotes, from the root, that are not there. */
const namedAndMissing = (words: string): readonly string[] =>
  [...words.matchAll(/`((?:core|wire|shell|conformance|cli|spec|test|docs|scripts)\/[\w./-]*)`/g)]
    .map((m) => m[1] ?? '')
    .filter((path) => !existsSync(join(root, path)));

test('README: the table of compared models is that of spec/models.json', (t) => {
  const table = tableOf(models());
  t.true(text('README.md').includes(table), `README.md must have\n${table}`);
  const [first] = [...models().values()].filter((m) => m.compare !== undefined);
  if (first === undefined) return t.fail('no compared model');
  const other = new Map(models()).set(first.name, { ...first, distinct: (first.distinct ?? 0) + 1 });
  t.false(text('README.md').includes(tableOf(other)), 'another size goes unseen');
});

test('documents: each link and each named file is there', (t) => {
  t.true(documents.length > 10);
  for (const file of documents) {
    t.deepEqual(brokenLinks(file, text(file)), [], file);
    t.deepEqual(namedAndMissing(text(file)), [], file);
  }
  t.deepEqual(brokenLinks('docs/a.md', '[a](nowhere.md#x) [b](cli.md#exit-codes)'), ['nowhere.md#x']);
  t.deepEqual(namedAndMissing('`core/nothing.ts` and `core/server.ts`'), ['core/nothing.ts']);
});

test('documents: the commands are those of the binary, all of them', (t) => {
  const program = makeProgram({ version: '0', json: false, ended: () => undefined });
  const known = program.commands.map((c) => c.name());
  for (const name of known) {
    t.true(text('README.md').includes(`\`${name}\``), `README.md does not name ${name}`);
    t.regex(text('docs/cli.md'), new RegExp(`^\\| \`${name}[ \`]`, 'm'));
  }
  for (const file of documents)
    for (const [, name = ''] of text(file).matchAll(/npx zabkeeper ([a-z]+)/g))
      t.true(known.includes(name), `${file}: ${name}`);
});

test('decisions: numbered without a gap, each with context, decision and consequences', (t) => {
  const names = documents.filter((f) => f.startsWith('docs/decisions/')).toSorted();
  names.forEach((file, i) => {
    const number = String(i + 1).padStart(4, '0');
    t.true(file.startsWith(`docs/decisions/${number}-`), file);
    t.regex(text(file), new RegExp(`^# ${number} `));
    for (const part of ['Context', 'Decision', 'Consequences']) t.true(text(file).includes(`**${part}.**`), file);
  });
});
