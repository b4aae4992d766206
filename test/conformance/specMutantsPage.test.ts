/** What is published of mutation, in docs/mutation.md, is what was found, and each thing that nothing noticed has its reason. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { figuresOf, readResults, tableOf } from '../../conformance/specMutants/results.js';

test('docs/mutation.md says what spec/mutation.json says, and explains every survivor', async (t) => {
  const results = readResults(join('spec', 'mutation.json'));
  if (E.isLeft(results)) return t.fail(results.left.join('\n'));
  const page = await readFile(join('docs', 'mutation.md'), 'utf8');
  const modules = Object.entries(results.right.modules);
  t.true(modules.some(([, m]) => figuresOf(m).run > 0));
  t.true(page.includes(tableOf(results.right)), 'paste what `node scripts/mutateSpec.mjs --table` prints');
  for (const [name, { entries }] of modules)
    for (const e of entries.filter((each) => each.verdict === 'survived'))
      t.regex(page, beginsRow(`| ${name} \`${e.definition}\` | \`${cell(e.was)}\` → \`${cell(e.becomes)}\` |`), e.id);
  const conjuncts = Object.entries(results.right.conjuncts ?? {});
  t.true(conjuncts.some(([, c]) => c.conjuncts > 0));
  for (const [name, { never }] of conjuncts)
    for (const n of never) t.regex(page, beginsRow(`| ${name} \`${n.action}\` | \`${cell(n.text)}\` |`));
  return undefined;
});

test('scripts/mutateSpec.mjs names mutants, and says by its exit code what is wrong', (t) => {
  const run = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
    spawnSync(process.execPath, ['scripts/mutateSpec.mjs', ...args], { encoding: 'utf8' });
  const models = ['--models', join('test', 'fixtures', 'specMutants', 'models.json')];
  const listed = run('Ledger', '--list', ...models);
  t.is(listed.status, 0);
  t.regex(listed.stdout, /^Ledger:\d+:DropConjunct {2}Write: written\[i\] < 1 {2}-> {2}TRUE$/m);
  t.is(run('Nowhere', '--list', ...models).status, 2);
  t.is(run('--budget', 'none').status, 2);
  t.is(run('--models', 'nowhere.json').status, 3);
  t.is(run('--table').stdout.trim().split('\n').length, 2 + Object.keys(modulesOf()).length + 1);
});

const modulesOf = (): object => {
  const results = readResults(join('spec', 'mutation.json'));
  return E.isRight(results) ? results.right.modules : {};
};

/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A row with this beginning, and words behind it. */
const beginsRow = (text: string): RegExp => new RegExp(`${text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')} \\w.* \\|\n`);
