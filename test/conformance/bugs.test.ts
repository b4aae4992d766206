/** Historic bugs: with its patch the core is the spec with that bug, state by state; as it ships it is not. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { dumpOfFile } from '../../conformance/dumps.js';
import { generate, writeGenerated } from '../../conformance/generate.js';
import { compareGraphs } from '../../conformance/graph.js';
import { textsOf } from '../../conformance/modelFiles.js';
import { decodeParts } from '../../conformance/models.js';
import type { Model, Models } from '../../conformance/models.js';
import { patched, readSources } from '../../conformance/mutants/sources.js';
import type { Loaded, Sources } from '../../conformance/mutants/sources.js';
import { findTlcPort } from '../../conformance/tlc.js';
import type { TlcPort } from '../../conformance/tlc.js';
import { openCopies } from './copies.js';
import type { Copies } from './copies.js';

const root = process.cwd();
const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(Array.isArray(e.left) ? e.left.join('\n') : String(e.left));
  return e.right;
};

const own = await readFile('conformance/mutants/bugs.json', 'utf8');
const models: Models = right(decodeParts([...right(textsOf('spec/models.json')), own]));
const small = Object.keys(JSON.parse(own) as object).map((name) => models.get(name) as Model);
const bugOf = (model: Model): string => /"(.+)"/.exec(String(model.constants['Bugs']))?.[1] ?? 'none';

let copies: Copies;
let sources: Sources;
let shipping: Loaded;
let tlc: TlcPort;

test.before(async () => {
  copies = await openCopies(root, 'zabkeeper-bugs');
  sources = await readSources(root);
  shipping = await copies.copyOf(sources);
  tlc = right(await findTlcPort({ short: true }));
});

test.after.always(() => copies.remove());

test('each historic bug that has a page has a patch and a model that compares it', async (t) => {
  const { bugs } = JSON.parse(await readFile('docs/bugs/bugs.json', 'utf8')) as { bugs: { bug: string }[] };
  const others: Models = right(
    decodeParts([...right(textsOf('spec/models.json')), await readFile('conformance/mutants/models.json', 'utf8')]),
  );
  const compared = new Set([...small, ...others.values()].filter((m) => m.compare !== undefined).map(bugOf));
  for (const { bug } of bugs) t.true(compared.has(bug), bug);
  t.true(small.length >= 14);
});

for (const model of small) {
  const bug = bugOf(model);
  test.serial(
    `${bug}, ${model.name}: with its patch the core is the spec with that bug, without it is not`,
    async (t) => {
      const generated = right(generate({ ...model, invariants: [], properties: [] }));
      const path = join(copies.folder, model.name, 'graph.dot');
      const module = await writeGenerated(generated, join(copies.folder, model.name));
      const outcome = right(await tlc.run({ module, libraries: [join(root, 'spec')], dump: path }));
      const dump = dumpOfFile(path, outcome.generated);
      const compared = (copy: Loaded): ReturnType<typeof compareGraphs> => {
        const mirror = right(copy.mirrors[model.compare ?? '']?.(model) ?? E.left('no mirror'));
        return compareGraphs({ ...mirror, invariants: {} }, generated.bindings, dump, { maxStates: 20_000 });
      };
      const patch = await readFile(join('conformance/mutants', `${bug}.patch`), 'utf8');
      const sick = await compared(await copies.copyOf(right(patched(sources, patch))));
      t.deepEqual(sick.findings, []);
      t.true(sick.equal);
      const well = await compared(shipping);
      t.false(well.equal);
      t.true(well.differences.length > 0);
    },
  );
}
