/** Mutants of the core, each of which must be found out, and patches that make it the spec's with a historic bug. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as E from 'fp-ts/lib/Either.js';
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
import { patched, readSources, replaced } from '../../conformance/mutants/sources.js';
import type { Loaded, Sources } from '../../conformance/mutants/sources.js';
import { mutants } from '../../conformance/mutants/table.js';
import type { Mutant } from '../../conformance/mutants/table.js';
import { firstParting, readGraph } from '../../conformance/mutants/walk.js';
import type { TlcGraph } from '../../conformance/mutants/walk.js';
import { findTlcPort } from '../../conformance/tlc.js';
import type { TlcPort } from '../../conformance/tlc.js';
import { openCopies } from './copies.js';
import type { Copies } from './copies.js';

const root = process.cwd();
const patches: Readonly<Record<string, readonly string[]>> = {
  'ZOOKEEPER-4646': ['AckBeforeSync'],
  'ZOOKEEPER-2845': ['OldVote', 'OldVoteTwo'],
  StickyAck: ['StickyAck'],
  'ZOOKEEPER-2832': ['SnapKeepsLog'],
  'ZOOKEEPER-4837': ['TruncKeepsSnapshots'],
  'ZOOKEEPER-710': ['ServiceAnswersMoved'],
  'ZOOKEEPER-1208': ['ServiceWritesBehindEnd'],
};

type Known = {
  readonly model: Model;
  readonly graph: TlcGraph;
  readonly dump: Dump;
  readonly bindings: readonly Binding[];
};

let copies: Copies;
let sources: Sources;

const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(Array.isArray(e.left) ? e.left.join('\n') : String(e.left));
  return e.right;
};

const mirrorOf = (copy: Loaded, model: Model): Mirror<unknown> => {
  const mirror = right(copy.mirrors[model.compare ?? '']?.(model) ?? E.left('no mirror'));
  // A model with a bug breaks invariants, as it should.
  return model.constants['Bugs'] === '{}' ? mirror : { ...mirror, invariants: {} };
};

const compared = (copy: Loaded, { model, bindings, dump, graph }: Known): Promise<Comparison> =>
  compareGraphs(mirrorOf(copy, model), bindings, dump, { maxStates: 2 * graph.states });

/** The models by the mutants that they find, in the order in which the table first names them. */
const wanted: readonly string[] = [
  ...new Set([...mutants.map((m) => m.caughtBy), ...Object.values(patches).flat()].filter((name) => name !== 'random')),
];

const loaded = async (tlc: TlcPort, models: Models, name: string): Promise<Known> => {
  const model = right(E.fromNullable(`no model ${name}`)(models.get(name)));
  const generated = right(generate({ ...model, invariants: [], properties: [] }));
  const own = join(copies.folder, name);
  const path = join(own, 'graph.dot');
  const module = await writeGenerated(generated, own);
  const outcome = right(await tlc.run({ module, libraries: [join(root, 'spec')], dump: path }));
  const dump = dumpOfFile(path, outcome.generated);
  const graph = right(await readGraph(generated.bindings, dump));
  return { model, graph, dump, bindings: generated.bindings };
};

/** TLC's graphs by the names of their models, as they come; a test waits for its own alone. */
const graphs = new Map<string, Promise<Known>>();
const graphOf = (name: string): Promise<Known> =>
  graphs.get(name) ?? Promise.reject(new Error(`TLC was not asked for ${name}`));

test.before(async () => {
  copies = await openCopies(root, 'zabkeeper-mutants');
  sources = await readSources(root);
  const own = await readFile('conformance/mutants/models.json', 'utf8');
  const models = right(decodeParts([...right(textsOf('spec/models.json')), own]));
  const tlc = right(await findTlcPort({ short: true }));
  // Two at a time: one of them may be read while the other is TLC's.
  const lanes: [Promise<unknown>, Promise<unknown>] = [Promise.resolve(), Promise.resolve()];
  for (const [i, name] of wanted.entries()) {
    const graph = lanes[i % 2]?.then(() => loaded(tlc, models, name)) ?? Promise.reject(new Error('no lane'));
    graphs.set(name, graph);
    // What went wrong is told by the tests that wait for it.
    lanes[i % 2] = graph.catch(() => undefined);
  }
});

test.after.always(async () => {
  await Promise.allSettled(graphs.values());
  await copies.remove();
});

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

/** Whether the mutant is found out; of one that leaves the sizes as they are, that the graphs differ all the same. */
const hunt = async (t: ExecutionContext, mutant: Mutant, known: Known | null): Promise<void> => {
  const copy = await copies.copyOf(right(replaced(sources, mutant)));
  const how = foundOut(mutant, copy, new Map(known === null ? [] : [[mutant.caughtBy, known]]));
  t.not(how, null);
  t.log(how);
  if (mutant.sameSizes !== true || known === null) return;
  const { equal, tlc, core } = await compared(copy, known);
  t.false(equal);
  t.deepEqual([core.states, core.edges, core.initial], [tlc.states, tlc.edges, tlc.initial]);
};

for (const name of wanted) {
  test.serial(`without a mutant the graph is that of ${name}`, async (t) => {
    const known = await graphOf(name);
    // Not what a patch is for.
    if (known.model.constants['Bugs'] !== '{}') return t.true(Object.values(patches).flat().includes(name));
    const mirror = mirrorOf(await copies.copyOf(sources), known.model);
    t.is(firstParting(mirror, known.graph), null);
    if (known.graph.states > 3000) return;
    // The walk itself, held against the comparison.
    const { equal, findings } = await compareGraphs(mirror, known.bindings, known.dump, {
      maxStates: 2 * known.graph.states,
    });
    t.deepEqual(findings, []);
    t.true(equal);
  });
  for (const mutant of mutants.filter((m) => m.caughtBy === name))
    test.serial(`mutant found by ${name}: ${mutant.id}`, async (t) => hunt(t, mutant, await graphOf(name)));
}

test.serial('without a mutant random runs find nothing', async (t) => {
  t.is(foundOut({ caughtBy: 'random' }, await copies.copyOf(sources), new Map()), null);
});

for (const mutant of mutants.filter((m) => m.caughtBy === 'random'))
  test.serial(`mutant found by random runs: ${mutant.id}`, (t) => hunt(t, mutant, null));

for (const [bug, name] of Object.entries(patches).flatMap(([b, names]) => names.map((n) => [b, n] as const))) {
  test.serial(`${bug}, ${name}: with its patch the core is the spec with that bug, without it is not`, async (t) => {
    const patch = await readFile(join('conformance/mutants', `${bug}.patch`), 'utf8');
    const known = await graphOf(name);
    t.regex(String(known.model.constants['Bugs']), new RegExp(bug));
    const sick = await compared(await copies.copyOf(right(patched(sources, patch))), known);
    t.deepEqual(sick.findings, []);
    t.true(sick.equal);
    const shipping = await compared(await copies.copyOf(sources), known);
    t.false(shipping.equal);
    t.true(shipping.differences.length > 0);
  });
}

test.serial('a change that changes nothing is not found out', async (t) => {
  const edit = { file: 'core/vote.ts', find: 'a.leader - b.leader', replace: '-(b.leader - a.leader)' };
  const copy = await copies.copyOf(right(replaced(sources, edit)));
  t.is(foundOut({ caughtBy: 'ElectionFour' }, copy, new Map([['ElectionFour', await graphOf('ElectionFour')]])), null);
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
