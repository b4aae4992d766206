/** `zabkeeper check`: what TLC says of the models, beside what models.json says of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { CheckResult, explain, writeTrace } from 'tla-checker-cli';
import type { Tlc } from 'tla-checker-cli';
import { laneLines } from '../conformance/lanes.js';
import type { Model } from '../conformance/models.js';
import { verdictTable } from './checkTable.js';
import { counterexampleLines, keptTrace, namedSteps, placesOf } from './counterexample.js';
import type { Failure, Outcome } from './failure.js';
import { fail, interrupted, ok } from './failure.js';
import type { ModelFile } from './modelFile.js';
import { bare, choose, loadModels, shownPath, withBug } from './modelFile.js';
import type { Done, Job } from './modelWorker.js';
import { familyNames, instanceOf, sizes } from './instance.js';
import type { Instance, Size } from './instance.js';
import { readLimits, readParallel, wholeNumber } from './options.js';
import type { RunFlags } from './options.js';
import { runJobs } from './pool.js';
import { startProgress, timeOf } from './progress.js';
import { onInterrupt } from './signals.js';
import { count, seconds } from './table.js';
import { needTlc, tlcFailure } from './tools.js';
import type { Verdict } from './verdict.js';
import { messageOf, verdictOf, violationExit } from './verdict.js';

export type CheckOptions = RunFlags & { readonly bug?: string; readonly out?: string } & Readonly<
    Partial<Record<Size, string>>
  >;

export const checkModels = async (names: readonly string[], options: CheckOptions): Promise<Outcome> => {
  const file = loadModels(options.models);
  if (E.isLeft(file)) return file;
  const { bug } = options;
  const made = madeToMeasure(file.right, names, options);
  if (E.isLeft(made)) return made;
  const instance = made.right;
  const chosen =
    instance !== null
      ? E.right([instance.model])
      : bug === undefined
        ? choose(file.right, { names, all: options.all === true })
        : withBug(file.right, names, bug);
  if (E.isLeft(chosen)) return chosen;
  if (chosen.right.length === 0) return fail(nothing(file.right));
  const limits = readLimits(options);
  if (E.isLeft(limits)) return limits;
  const parallel = readParallel(options);
  if (E.isLeft(parallel)) return parallel;
  const tlc = await needTlc();
  if (E.isLeft(tlc)) return tlc;

  const say = (line: string): void => void (options.json ? null : process.stdout.write(`${line}\n`));
  say(
    instance === null
      ? `TLC ${tlc.right.id.version}, ${chosen.right.length} of ${file.right.models.size} models of ${file.right.shown}`
      : `TLC ${tlc.right.id.version}, ${instance.model.name}: ${estimateText(instance, timeOf('check', instance.estimate))}`,
  );
  const models = chosen.right;
  const progress = startProgress({ quiet: options.json, say, states: statesOf(models), what: 'check' });
  const stop = onInterrupt();
  const jobs = models.map((model): Job => jobOf(file.right, model, tlc.right, limits.right));
  const done = await runJobs(jobs, {
    parallel: parallel.right,
    signal: stop.signal,
    onStart: progress.onStart,
    onProgress: progress.onProgress,
    onDone: (name, d) => {
      const model = models.find((m) => m.name === name);
      progress.finish(name, model === undefined ? [] : doneLines(model, d));
    },
  });
  progress.close();
  stop.done();
  if (stop.signal.aborted) return fail(interrupted);
  if (models.length > 1) for (const line of ['', ...verdictTable(models, done), '']) say(line);
  return conclude(file.right, models, done, options, names.length > 0 || bug !== undefined, say);
};

/** The instance that a family's name and sizes ask for; null: rows of the file are asked for. */
const madeToMeasure = (
  file: ModelFile,
  names: readonly string[],
  options: CheckOptions,
): E.Either<Failure, Instance | null> => {
  const asked: Partial<Record<Size, number>> = {};
  for (const size of sizes) {
    const n = wholeNumber(`--${size}`, options[size], 0, 9);
    if (E.isLeft(n)) return n;
    if (n.right !== undefined) asked[size] = n.right;
  }
  const [name] = names;
  const isFamily = names.length === 1 && name !== undefined && familyNames.includes(name) && !file.models.has(name);
  if (isFamily) return instanceOf(file, name, asked, options.bug);
  if (Object.keys(asked).length === 0) return E.right(null);
  const message = 'sizes go with the name of a family';
  return fail({
    code: 'Usage',
    exit: 2,
    message,
    hint: `as in: check replication --txns 2; families: ${familyNames.join(' ')}`,
  });
};

const estimateText = ({ estimate }: Instance, perState: number | null): string => {
  if (estimate === null) return 'no run like it is known';
  const time = perState === null ? '' : `, ${seconds(estimate.states * perState)}`;
  return `about ${count(estimate.states)} states${time}, going by ${estimate.from}; --time-limit bounds it`;
};

export const nothing = (file: ModelFile): Failure => ({
  code: 'NothingChecked',
  exit: 22,
  message: `nothing was checked: ${file.shown} has no such model`,
  hint: `its models: ${[...file.models.keys()].join(' ') || 'none'}`,
});

/** How many states TLC will find, where that is known. */
export const statesOf = (models: readonly Model[]): ReadonlyMap<string, number> =>
  new Map(models.flatMap((m) => (m.distinct === undefined ? [] : [[m.name, m.distinct]])));

const jobOf = (file: ModelFile, model: Model, tlc: Tlc, limits: Job['limits']): Job => ({
  what: 'check',
  // Edges are the comparison's business; to count them TLC would have to write its graph.
  model: { ...bare(model), ...(model.distinct === undefined ? {} : { distinct: model.distinct }) },
  specDirectory: file.specDirectory,
  tlc,
  limits,
  dumps: null,
});

/** One line a model; more where something is not as it should be. */
const doneLines = (model: Model, done: Done): readonly string[] => {
  const head = (word: string, rest: string): string => `${word.padEnd(9)} ${model.name.padEnd(28)} ${rest}`;
  if (done.type === 'died') return [head('BUG', done.why)];
  if (done.type === 'report') return [];
  if (E.isLeft(done.result)) return [head('NONE', explain(done.result.left).message)];
  const v = verdictOf(model, done.result.right);
  const { stats, cost } = v.result;
  const sizes = `${count(stats.distinct)} states  ${count(stats.generated)} generated  depth ${stats.depth ?? '-'}  ${seconds(cost.wallSeconds * 1000)}`;
  const steps = stepsOf(v.result);
  const told = v.found === 'ok' ? sizes : `${v.found}${steps}  ${sizes}`;
  if (!v.asExpected) {
    const word = violationExit(v.result.outcome) === null ? 'FAIL' : 'VIOLATED';
    return [head(word, `${told}  (expected ${model.result})`)];
  }
  return [head(v.sizes.length > 0 ? 'FAIL' : 'ok', told), ...v.sizes.map((s) => `          ${s}`)];
};

/** The whole of it: a found violation first, then what TLC could not say, then sizes. */
const conclude = (
  file: ModelFile,
  models: readonly Model[],
  done: readonly (Done | null)[],
  options: CheckOptions,
  asked: boolean,
  say: (line: string) => void,
): Outcome => {
  const verdicts: Verdict[] = [];
  const failures: Failure[] = [];
  for (const [i, model] of models.entries()) {
    const d = done[i];
    if (d === undefined || d === null || d.type === 'report') continue;
    if (d.type === 'died') failures.push({ code: 'Bug', exit: 70, message: `${model.name}: ${d.why}`, hint: '' });
    else if (E.isLeft(d.result)) failures.push(tlcFailure(model.name, d.result.left));
    else verdicts.push(verdictOf(model, d.result.right));
  }
  const rows = verdicts.map(rowOf);
  const withRows = (f: Failure): Failure => ({ ...f, details: { ...f.details, models: rows } });
  const violated = verdicts.filter((v) => violationExit(v.result.outcome) !== null && (asked || !v.asExpected));
  const [broken, ...others] = violated.map((v) =>
    violation(file, v, { ...options, ...outOf(options, v, violated.length) }, say),
  );
  if (broken !== undefined) return fail(withRows(together(broken, others)));
  const [first] = failures;
  if (first !== undefined) return fail(withRows(first));
  const wrong = verdicts.find((v) => !v.asExpected || v.sizes.length > 0);
  if (wrong !== undefined) return fail(withRows(disappointment(wrong)));
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: true, models: rows })}\n`);
  else say(`${models.length} ${models.length === 1 ? 'model gives' : 'models give'} what models.json says`);
  return ok;
};

/** `--out` names one file: with several counterexamples each gets its own, `kept.ndjson` of model M in `kept-M.ndjson`. */
const outOf = ({ out }: CheckOptions, v: Verdict, many: number): { readonly out?: string } =>
  out === undefined || many === 1 ? {} : { out: out.replace(/(\.[^./]*)?$/, (end) => `-${v.model.name}${end}`) };

/** The first violation decides the exit code; where traces are kept is told of each. */
const together = (first: Failure, others: readonly Failure[]): Failure => {
  if (others.length === 0) return first;
  const all = [first, ...others];
  return {
    code: first.code,
    exit: first.exit,
    message: all.map((f) => f.message).join('; '),
    hint: all.map((f) => f.hint).join('\n  '),
    details: { ...first.details, traces: all.map((f) => f.details?.['trace'] ?? null) },
  };
};

const rowOf = (v: Verdict): Record<string, unknown> => {
  const { stats, cost, log } = v.result;
  return {
    model: v.model.name,
    ok: v.asExpected && v.sizes.length === 0,
    expected: v.model.result,
    found: v.found,
    distinct: stats.distinct,
    generated: stats.generated,
    depth: stats.depth,
    wallSeconds: cost.wallSeconds,
    cpuSeconds: cost.cpuSeconds,
    log,
  };
};

/** The first state is no step. */
const stepsOf = ({ counterexample }: CheckResult): string => {
  if (counterexample === null) return '';
  const steps = counterexample.steps.length - 1;
  return ` after ${steps} ${steps === 1 ? 'step' : 'steps'}`;
};

const disappointment = (v: Verdict): Failure => {
  const log = `TLC's output: ${v.result.log}`;
  if (v.asExpected) {
    const message = `${v.model.name}: ${v.sizes.join('; ')}`;
    return { code: 'SizesDiffer', exit: 1, message, hint: 'correct spec/models.json if the spec was meant to change' };
  }
  if (v.found === 'ok') {
    const message = `${v.model.name}: TLC found no violation, expected ${v.model.result}`;
    return { code: 'NotViolated', exit: 1, message, hint: v.model.why ?? '' };
  }
  return {
    code: 'NoVerdict',
    exit: 1,
    message: `${v.model.name}: ${v.found}: ${messageOf(v.result.outcome)}`,
    hint: log,
  };
};

const violation = (file: ModelFile, v: Verdict, options: CheckOptions, say: (line: string) => void): Failure => {
  const { code, exit } = violationExit(v.result.outcome) ?? { code: 'Bug', exit: 70 };
  const { counterexample, log, unreadable } = v.result;
  const message = `${v.model.name}: ${v.found === 'deadlock' || v.found === 'assumption' ? v.found : `${v.found} is violated`}`;
  if (counterexample === null) {
    const hint = `${(unreadable ?? messageOf(v.result.outcome)).trim()} TLC's output: ${log}`.trim();
    return { code, exit, message, hint };
  }
  const steps = namedSteps(v.model, counterexample.steps);
  say(
    `\nVIOLATED  ${v.found}${stepsOf(v.result)}  ${v.model.name}  (${seconds(v.result.cost.wallSeconds * 1000)})    exit ${exit}`,
  );
  const story = laneLines(steps);
  for (const line of story) say(` ${line}`);
  if (story.length > 0) say('');
  for (const line of counterexampleLines({ ...counterexample, steps }, placesOf(file, v.model))) say(` ${line}`);
  const bug = options.bug === undefined || v.model.name.endsWith(options.bug) ? '' : ` --bug ${options.bug}`;
  const trace = keptTrace(file, v.model, counterexample, `zabkeeper check ${v.model.name}${bug}`, message);
  const path = options.out ?? join('traces', `${v.model.name}${bug === '' ? '' : `-${options.bug}`}.ndjson`);
  const kept = keep(path, writeTrace(trace, 'ndjson'));
  const models = options.models === undefined ? '' : ` --models ${options.models}`;
  return {
    code,
    exit,
    message,
    hint: kept === null ? `next: zabkeeper conform --trace ${shownPath(path)}${models}` : kept,
    details: {
      model: v.model.name,
      trace: kept === null ? shownPath(path) : null,
      result: CheckResult.encode({ ...v.result, counterexample: { ...counterexample, steps } }),
    },
  };
};

/** null when it is written, else why not. */
const keep = (path: string, text: string): string | null => {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return null;
  } catch (e) {
    return `the trace could not be kept in ${path}: ${e instanceof Error ? e.message : String(e)}`;
  }
};
