/**
 * Writes docs/bugs/: a page for each historic bug, from docs/bugs/bugs.json, the models of the spec and the kept traces.
 * What a run shows, step by step and against the shipping core, is computed here; bugs.json holds only what it means.
 *
 *   node scripts/bugPages.mjs            writes the pages
 *   node scripts/bugPages.mjs --check    exit code 1 when a page is not what would be written
 *   ... --out FOLDER                     there instead of docs/bugs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

const check = process.argv.includes('--check');
const out = process.argv.includes('--out') ? process.argv[process.argv.indexOf('--out') + 1] : 'docs/bugs';
process.chdir(root);
if (!existsSync('dist/cli/traceReplay.js') && !prepare()) process.exit(2);
const { loadModels } = await import('../dist/cli/modelFile.js');
const { readKept } = await import('../dist/cli/traceReplay.js');
const { laneLines } = await import('../dist/conformance/lanes.js');

const fail = (why) => {
  console.error(why);
  process.exit(1);
};
const right = (either, explain) => (either._tag === 'Right' ? either.right : fail(explain(either.left)));
const file = right(loadModels(), (e) => e.message);
const { bugs, replaced, starts } = JSON.parse(readFileSync('docs/bugs/bugs.json', 'utf8'));

const traceOf = (name) => `traces/${name}.ndjson`;
const runOf = (name) => {
  const model = file.models.get(name) ?? fail(`no model ${name}`);
  const kept = right(readKept(file, traceOf(name), []), (e) => e.message);
  return { name, model, trace: kept.trace, replay: kept.replay, steps: kept.trace.steps.length - 1 };
};

/** The name of what TLC finds broken: `Durability`. */
const brokenIn = ({ model }) => model.result.split(' ')[1] ?? model.result;

const cut = (text) => (text.length <= 60 ? text : `${text.slice(0, 59)}…`);

/** What the shipping core does at the step where it parts from the run. */
const partingOf = ({ replay }) => {
  if (replay.type === 'Replayed') return 'The core follows this run to its end.';
  const at = `The core as it ships parts from this run at step ${replay.step + 1}, \`${replay.action}\`, marked with >`;
  if (replay.type === 'Refused')
    return replay.guard === null
      ? `${at}: nothing in its world asks for that step there.`
      : `${at}: it refuses the step by \`${replay.guard}\`.`;
  const places = replay.places.slice(0, 3).map((p) => `\`${p.at}\` is ${cut(p.core ?? 'absent')}`);
  return `${at}. After its own step ${places.join(', ')}.`;
};

const marked = (lines, at) =>
  lines.map((line) => (/^ *(\d+) /.exec(line)?.[1] === String(at) ? `>${line.slice(1)}` : line));

const storyOf = (run) => {
  const lines = laneLines(run.trace.steps, { width: 116 });
  const at = 'step' in run.replay ? run.replay.step + 1 : -1;
  const loop = run.trace.loop ?? run.trace.head.loop;
  const end =
    loop === undefined || loop === null
      ? []
      : [
          '',
          loop.action === 'Stuttering' ? 'and nothing happens any more' : `and again from step ${loop.to}, for ever`,
        ];
  return ['```', ...marked(lines, at), ...end, '```'];
};

const count = (n) => n.toLocaleString('en-US');

const section = (title, run) => [
  `## ${title}`,
  '',
  `Model \`${run.name}\`: ${run.model.why.replace(/^[^:]*: /, '')}. TLC finds \`${brokenIn(run)}\` broken after ` +
    `${run.steps} ${run.steps === 1 ? 'step' : 'steps'}${startOf(run)}.`,
  '',
  ...storyOf(run),
  '',
  partingOf(run),
  '',
];

const startOf = ({ model }) => {
  const start = starts[model.init];
  return start === undefined ? '' : ` from \`${model.init}\`, ${start}`;
};

/** The line of the spec where the bug is switched on. */
const lineOf = ({ bug, place }) => {
  const lines = readFileSync(place.file, 'utf8').split('\n');
  const found = lines.filter((line) => line.includes(place.text));
  return found.length === 1
    ? found[0].trim()
    : fail(`${bug}: \`${place.text}\` stands ${found.length} times in ${place.file}`);
};

const titleOf = ({ bug, title }) => `${bug}: ${title}`;
const pageName = ({ bug }) => (bug.startsWith('ZOOKEEPER-') ? `${bug}.md` : 'sticky-ack.md');
const note = '<!-- Written by scripts/bugPages.mjs from docs/bugs/bugs.json and the traces. -->';

const pageOf = (b, [inside, seen]) =>
  [
    `# ${titleOf(b)}`,
    '',
    note,
    '',
    b.what,
    ...(b.note === undefined ? [] : ['', b.note]),
    '',
    ...section(seen === undefined ? 'The run' : 'What breaks first', inside),
    ...(seen === undefined ? [] : section('What a client sees first', seen)),
    '## What prevents it',
    '',
    b.prevents,
    '',
    `The bug is switched on with \`${b.bug}\` in [${b.place.file}](../../${b.place.file}):`,
    '',
    '```tla',
    lineOf(b),
    '```',
    '',
    `[conformance/mutants/${b.bug}.patch](../../conformance/mutants/${b.bug}.patch) makes the core the spec with this bug: ` +
      'their graphs are equal, edge by edge.',
    '',
    `    zabkeeper check ${inside.name}`,
    `    zabkeeper conform --trace ${traceOf(inside.name)}`,
    '',
  ].join('\n');

const cellOf = (run) => (run === undefined ? '' : `\`${brokenIn(run)}\`, ${run.steps}`);
const rowOf = (b, runs) => {
  const measured = runs.map((run) => b.measured?.[run.name]);
  const figure = (n) => measured.map((m) => (m === undefined ? '?' : count(m[n]))).join(' / ');
  return `| [${b.bug}](${pageName(b)}) | ${b.breaks} | ${cellOf(runs[0])} | ${cellOf(runs[1])} | ${figure(0)} | ${figure(1)} |`;
};

const told = bugs.map((b) => ({ b, runs: b.models.map(runOf) }));
const readme = [
  '# Historic bugs of the quorum protocol',
  '',
  note,
  '',
  'Each can be switched on in the spec by its name; TLC then finds the run that shows it, and the core as it ships parts',
  'from that run at the step at fault. The figures are the steps to the first thing that breaks inside and to the first',
  'that a client sees, then the states that TLC had seen by then and the CPU seconds that it took, on the machine where',
  'these pages were made. Which servers may crash, leave or lead is bounded in the models, spec/models/bugs.json; the',
  'properties stand in [spec/MCBugs.tla](../../spec/MCBugs.tla), [spec/MCBugsElection.tla](../../spec/MCBugsElection.tla) and',
  '[spec/MCReplication.tla](../../spec/MCReplication.tla).',
  '',
  '| bug | what breaks | inside, steps | for a client, steps | states | CPU s |',
  '|---|---|---|---|---:|---:|',
  ...told.map(({ b, runs }) => rowOf(b, runs)),
  '',
  ...Object.entries(starts).map(([name, text]) => `\`${name}\` is a state ${text}.`),
  '',
  '## What stands for what',
  '',
  ...replaced.map((line) => `- ${line}`),
  '',
].join('\n');

const pages = [
  [join(out, 'README.md'), readme],
  ...told.map(({ b, runs }) => [join(out, pageName(b)), pageOf(b, runs)]),
];
if (check) {
  const stale = pages.filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
  for (const [path] of stale) console.error(`${path} is not what scripts/bugPages.mjs writes`);
  process.exit(stale.length === 0 ? 0 : 1);
}
for (const [path, text] of pages) writeFileSync(path, text);
console.log(`${pages.length} pages in ${out}`);
