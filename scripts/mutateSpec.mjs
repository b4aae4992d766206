/**
 * `node scripts/mutateSpec.mjs [MODULE | MODULE:LINE:OPERATOR]...`: mutants of spec/, one at a time, against the models that they concern. What
 * became of each stands in spec/mutation.json; a run goes on where the last one stopped. docs/mutation.md says more.
 *
 * --sample N --seed S  so many of each module, the same ones for the same seed
 * --budget SECONDS     CPU time of TLC for one mutant (25)
 * --row SECONDS        models that take longer without a mutant, about, are left out (5)
 * --jobs N             so many at a time (1)
 * --tier TIER          also models of this tier, beside tiny
 * --models FILE        another models.json, with its modules beside it
 * --out FILE           instead of spec/mutation.json
 * --conjuncts          only asks which conditions of actions are never false in a compared model
 * --list               only names the mutants
 * --table              only prints the table of docs/mutation.md
 * --json               one line of JSON for each mutant
 *
 * Exit codes: 0 done; 1 a mutant was noticed by nothing at all; 2 the command line is wrong; 3 models.json or the results
 * cannot be used; 22 nothing was run and nothing is known; 30 TLC or the build is missing; 130 interrupted, with all results kept.
 */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findTlc } from 'tla-checker-cli';
import { root } from './prepare.mjs';

const load = (name) => import(new URL(`../dist/conformance/${name}.js`, import.meta.url).href);

const protocol = [
  'Voting',
  'Paxos',
  'Zab',
  'Election',
  'Membership',
  ...['ReplicationState', 'Discovery', 'Synchronization', 'Observation', 'Broadcast', 'Replication'],
  ...['ServiceData', 'ServiceSteps', 'Service'],
];

const fail = (exit, message) => {
  console.error(message);
  process.exit(exit);
};

const string = { type: 'string' };
const flag = { type: 'boolean', default: false };
const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        ...{ sample: string, seed: { ...string, default: '1' }, budget: { ...string, default: '25' } },
        ...{ row: { ...string, default: '5' }, jobs: { ...string, default: '1' }, tier: string },
        ...{ models: string, out: string, list: flag, table: flag, json: flag, conjuncts: flag },
      },
    });
  } catch (e) {
    return fail(2, e.message);
  }
};

const { values, positionals } = read();
const count = (name) => {
  const n = Number(values[name]);
  return Number.isFinite(n) && n > 0 ? n : fail(2, `--${name} ${values[name]}: a number above 0`);
};
if (!existsSync(join(root, 'dist', 'conformance', 'specMutants', 'campaign.js'))) fail(30, 'not built: npm run build');
const { readModels } = await load('modelFiles');
const { neverFalse } = await load('specMutants/conjuncts');
const { readResults, tableOf, figuresOf, writeResults } = await load('specMutants/results');
const { campaign, sampleOf } = await load('specMutants/campaign');
const { libraryOf, modelsOf, mutantsFor } = await load('specMutants/scope');
const file = resolve(values.models ?? join(root, 'spec', 'models.json'));
const spec = dirname(file);
const out = resolve(values.out ?? join(root, 'spec', 'mutation.json'));
const right = (either) => (either._tag === 'Right' ? either.right : fail(3, either.left.join('\n')));
const before = right(readResults(out));
if (values.table) {
  console.log(tableOf(before));
  process.exit(0);
}
const library = libraryOf(spec);
const tiers = new Set(['tiny', values.tier]);
const models = [...right(readModels(file)).values()].filter((m) => tiers.has(m.tier));
const named = [...new Set(positionals.map((name) => name.split(':')[0]))];
const modules = named.length > 0 ? named : protocol.filter((name) => library(name) !== null);
const single = positionals.filter((name) => name.includes(':'));
const only = single.length === 0 ? {} : { only: new Set(single) };
for (const name of modules)
  if (modelsOf(library, models, name).length === 0) fail(2, `${name}: no module of a model in ${relative('.', file)}`);
const sample = values.sample === undefined ? {} : { sample: count('sample') };
const seed = Number(values.seed);
if (values.list) {
  for (const name of modules) {
    const all = mutantsFor(library, modelsOf(library, models, name), name);
    for (const m of sample.sample === undefined ? all : sampleOf(all, sample.sample, seed))
      console.log(values.json ? JSON.stringify(m) : `${m.id}  ${m.definition}: ${m.was}  ->  ${m.becomes}`);
  }
  process.exit(0);
}
const tlc = await findTlc()();
if (tlc._tag === 'Left') fail(30, `${tlc.left.message}; ${tlc.left.hint}`);
const command = `node scripts/mutateSpec.mjs ${process.argv.slice(2).join(' ')}`.trim();
if (values.conjuncts) {
  const compared = models.filter((m) => m.compare !== undefined && (m.generated ?? 0) <= count('row') * 15_000);
  let { conjuncts = {} } = before;
  for (const name of modules) {
    const tell = (model) => values.json || console.error(`${name}: ${model}`);
    const found = right(await neverFalse(tlc.right, library, spec, compared, name, tell));
    if (found.rows.length === 0) continue;
    conjuncts = { ...conjuncts, [name]: found };
    writeResults(out, { ...before, command: before.command, conjuncts });
    if (values.json) console.log(JSON.stringify({ module: name, ...found }));
    else {
      console.log(
        `${name}: ${found.conjuncts} conditions, ${found.never.length} never false in ${found.rows.join(' ')}`,
      );
      for (const { action, text } of found.never) console.log(`  ${action}: ${text}`);
    }
  }
  process.exit(Object.keys(conjuncts).length > 0 ? 0 : 22);
}
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());
const tell = (event) => {
  if (values.json) console.log(JSON.stringify(event));
  else if (event.type === 'wrong') console.error(`without ${event.model}, which fails by itself: ${event.why}`);
  else {
    const { id, definition, verdict, by = '', what = '', was, becomes } = event.entry;
    console.log(`${event.done}/${event.of} ${id} ${definition}: ${was} -> ${becomes}: ${verdict} ${by} ${what}`.trim());
  }
};
const { results } = await campaign(before, {
  ...{ tlc: tlc.right, spec, library, models, modules, ...only, ...sample, seed, out, tell, signal: stop.signal },
  ...{ budget: count('budget'), jobs: count('jobs'), rowSeconds: count('row') },
  command,
});
const figures = modules.flatMap((name) =>
  results.modules[name] === undefined ? [] : figuresOf(results.modules[name]),
);
if (!values.json) console.log(tableOf(results));
if (stop.signal.aborted) process.exitCode = 130;
else if (!figures.some((f) => f.run > 0)) process.exitCode = 22;
else if (figures.some((f) => f.survived > 0)) process.exitCode = 1;
