/**
 * Keeps a random behaviour of a model that is too large to go through: TLC simulates until the invariant that the model
 * is to break is broken, and the way there is written to traces/MODEL.ndjson. `npm test` replays it on the core.
 *
 *   node scripts/keepTrace.mjs MODEL [SEED [DEPTH]]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const [name, seed = '1', depth = '400'] = process.argv.slice(2);
if (name === undefined || !prepare()) {
  console.error('usage: node scripts/keepTrace.mjs MODEL [SEED [DEPTH]]');
  process.exit(2);
}
process.chdir(root);
const { loadModels } = await import('../dist/cli/modelFile.js');
const { keptTrace } = await import('../dist/cli/counterexample.js');
const { generate, writeGenerated } = await import('../dist/conformance/generate.js');
const { findTlc, simulate, writeTrace } = await import('tla-checker-cli');

const right = (either, explain) => {
  if (either._tag === 'Right') return either.right;
  console.error(explain(either.left));
  process.exit(1);
};
const file = right(loadModels(), (e) => e.message);
const model = file.models.get(name) ?? right({ _tag: 'Left', left: `no model ${name}` }, (e) => e);
const tlc = right(await findTlc()(), (e) => `${e.message}; ${e.hint}`);
const folder = mkdtempSync(join(tmpdir(), 'zabkeeper-keep-'));
try {
  const module = await writeGenerated(
    right(generate(model), (e) => e),
    folder,
  );
  const libraries = [join(root, 'spec')];
  const options = { spec: module, libraries, traces: 1_000_000, depth: Number(depth), seed, timeLimit: 300 };
  const { outcome, counterexample } = right(await simulate(tlc, options)(), (e) => JSON.stringify(e));
  const found = outcome.type === 'invariant' ? counterexample : null;
  if (found === null) right({ _tag: 'Left', left: `TLC broke no invariant: ${outcome.type}` }, (e) => e);
  const shows = `${model.name}: ${model.why}`;
  const trace = keptTrace(file, model, found, `scripts/keepTrace.mjs ${name} ${seed} ${depth}`, shows);
  const path = join('traces', `${name}.ndjson`);
  writeFileSync(path, writeTrace(trace, 'ndjson'));
  console.log(`${path}: ${trace.steps.length - 1} steps${'parts' in trace.head ? ', from which the core parts' : ''}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
