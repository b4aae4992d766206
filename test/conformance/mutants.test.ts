/** Mutants of the core, each of which must be found out, and patches that make it the spec's with a historic bug. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import ts from 'typescript';
import { dumpOfFile } from '../../conformance/dumps.js';
import { generate, writeGenerated } from '../../conformance/generate.js';
import type { Binding } from '../../conformance/generate.js';
import type { Comparison, Dump } from '../../conformance/graph.js';
import { compareGraphs } from '../../conformance/graph.js';
import type { Mirror } from '../../conformance/mirror.js';
import { textsOf } from '../../conformance/modelFiles.js';
import { decodeParts } from '../../conformance/models.js';
import type { Model, Models } from '../../conformance/models.js';
import { foundOut } from '../../conformance/mutants/hunt.js';
import { load, patched, readSources, replaced } from '../../conformance/mutants/sources.js';
import type { Loaded, Sources } from '../../conformance/mutants/sources.js';
import { mutants } from '../../conformance/mutants/table.js';
import { firstParting, readGraph } from '../../conformance/mutants/walk.js';
import type { TlcGraph } from '../../conformance/mutants/walk.js';
import { findTlcPort } from '../../conformance/tlc.js';

const root = process.cwd();
const patches: Readonly<Record<string, readonly string[]>> = {
  'ZOOKEEPER-4646': ['AckBeforeSync'],
  'ZOOKEEPER-2845': ['OldVote', 'OldVoteTwo'],
  StickyAck: ['StickyAck'],
  'ZOOKEEPER-710': ['ServiceAnswersMoved'],
  'ZOOKEEPER-1208': ['ServiceWritesBehindEnd'],
};

type Known = {
  readonly model: Model;
  readonly graph: TlcGraph;
  readonly dump: Dump;
  readonly bindings: readonly Binding[];
};

let folder: string;
let sources: Sources;
const graphs = new Map<string, Known>();
let copies = 0;

const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(Array.isArray(e.left) ? e.left.join('\n') : String(e.left));
  return e.right;
};

/** Modules that no mutant has touched are transpiled once. */
const transpiled = new Map<string, string>();
const transpile = (text: string): string => {
  const known =
    transpiled.get(text) ??
    ts.transpileModule(text, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    }).outputText;
  transpiled.set(text, known);
  return known;
};

const copyOf = (of: Sources): Promise<Loaded> =>
  load(of, { root, folder: join(folder, `copy-${copies++}`), transpile });

const mirrorOf = (copy: Loaded, model: Model): Mirror<unknown> => {
  const mirror = right(copy.mirrors[model.compare ?? '']?.(model) ?? E.left('no mirror'));
  // A model with a bug breaks invariants, as it should.
  return model.constants['Bugs'] === '{}' ? mirror : { ...mirror, invariants: {} };
};

const compared = (copy: Loaded, { model, bindings, dump, graph }: Known): Promise<Comparison> =>
  compareGraphs(mirrorOf(copy, model), bindings, dump, { maxStates: 2 * graph.states });

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zabkeeper-mutants-'));
  sources = await readSources(root);
  const own = await readFile('conformance/mutants/models.json', 'utf8');
  const models: Models = right(decodeParts([...right(textsOf('spec/models.json')), own]));
  const tlc = right(await findTlcPort({ short: true }));
  const wanted = new Set([...mutants.map((m) => m.caughtBy), ...Object.values(patches).flat()]);
  wanted.delete('random');
  for (const name of wanted) {
    const model = right(E.fromNullable(`no model ${name}`)(models.get(name)));
    const generated = right(generate({ ...model, invariants: [], properties: [] }));
    const own = join(folder, name);
    await mkdir(own);
    const path = join(own, 'graph.dot');
    const module = await writeGenerated(generated, own);
    const outcome = right(await tlc.run({ module, libraries: [join(root, 'spec')], dump: path }));
    const dump = dumpOfFile(path, outcome.generated);
    const graph = right(await readGraph(generated.bindings, dump));
    graphs.set(name, { model, graph, dump, bindings: generated.bindings });
  }
});

test.after.always(() => rm(folder, { recursive: true, force: true }));

test('there are mutants of every part, and some that sizes alone do not show', (t) => {
  for (const part of [
    'service',
    'election',
    'discovery',
    'synchronization',
    'broadcast',
    'persistence',
    'paxos',
    'membership',
  ])
    t.true(mutants.filter((m) => m.where === part).length >= 2, part);
  t.true(mutants.filter((m) => m.sameSizes === true).length >= 2);
  t.true(mutants.some((m) => m.operator === 'quorum' && m.caughtBy === 'FourVoters'));
  t.is(new Set(mutants.map((m) => m.id)).size, mutants.length);
});

test.serial(
  'without a mutant every graph is equal, by comparison and by walk, and random runs find nothing',
  async (t) => {
    const copy = await copyOf(sources);
    for (const [name, known] of graphs) {
      if (known.model.constants['Bugs'] !== '{}') continue;
      const { equal, findings } = await compared(copy, known);
      t.deepEqual(findings, [], name);
      t.true(equal, name);
      if (known.graph.states < 5000) t.is(firstParting(mirrorOf(copy, known.model), known.graph), null, name);
    }
    t.is(foundOut({ caughtBy: 'random' }, copy, graphs), null);
  },
);

for (const mutant of mutants) {
  test.serial(`mutant found by ${mutant.caughtBy}: ${mutant.id}`, async (t) => {
    const copy = await copyOf(right(replaced(sources, mutant)));
    const how = foundOut(mutant, copy, graphs);
    t.not(how, null);
    t.log(how);
    if (mutant.sameSizes !== true) return;
    const { equal, tlc, core } = await compared(copy, graphs.get(mutant.caughtBy) as Known);
    t.false(equal);
    t.deepEqual([core.states, core.edges, core.initial], [tlc.states, tlc.edges, tlc.initial]);
  });
}

for (const [bug, name] of Object.entries(patches).flatMap(([b, names]) => names.map((n) => [b, n] as const))) {
  test.serial(`${bug}, ${name}: with its patch the core is the spec with that bug, without it is not`, async (t) => {
    const patch = await readFile(join('conformance/mutants', `${bug}.patch`), 'utf8');
    const known = graphs.get(name) as Known;
    t.regex(String(known.model.constants['Bugs']), new RegExp(bug));
    const sick = await compared(await copyOf(right(patched(sources, patch))), known);
    t.deepEqual(sick.findings, []);
    t.true(sick.equal);
    const shipping = await compared(await copyOf(sources), known);
    t.false(shipping.equal);
    t.true(shipping.differences.length > 0);
  });
}

test.serial('a change that changes nothing is not found out', async (t) => {
  const edit = { file: 'core/vote.ts', find: 'a.leader - b.leader', replace: '-(b.leader - a.leader)' };
  const copy = await copyOf(right(replaced(sources, edit)));
  t.is(foundOut({ caughtBy: 'ElectionFour' }, copy, graphs), null);
});

test('a text that stands nowhere or twice, and a patch that does not fit, are refused', (t) => {
  const few = new Map([['core/a.ts', 'one\ntwo\none\n']]);
  t.true(E.isLeft(replaced(few, { file: 'core/b.ts', find: 'one', replace: '1' })));
  t.true(E.isLeft(replaced(few, { file: 'core/a.ts', find: 'one', replace: '1' })));
  t.true(E.isLeft(replaced(few, { file: 'core/a.ts', find: 'three', replace: '3' })));
  t.true(E.isLeft(replaced(few, { file: 'core/a.ts', find: 'two', replace: 'two' })));
  t.is(right(replaced(few, { file: 'core/a.ts', find: 'two', replace: '$&' })).get('core/a.ts'), 'one\n$&\none\n');
  const patch = (old: string): string =>
    `why\n\n--- a/core/a.ts\n+++ b/core/a.ts\n@@ -1,2 +1,2 @@\n one\n-${old}\n+2\n`;
  t.is(right(patched(few, patch('two'))).get('core/a.ts'), 'one\n2\none\n');
  t.true(E.isLeft(patched(few, patch('three'))));
  t.true(E.isLeft(patched(few, 'nothing')));
});
