/** `zabkeeper conform`: TLC's whole state graph against the one that the shipping core spans. */
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { ModelReport } from '../conformance/check.js';
import type { Model } from '../conformance/models.js';
import { reportText } from '../conformance/report.js';
import type { Failure, Outcome } from './failure.js';
import { fail, interrupted, ok } from './failure.js';
import { nothing, statesOf } from './check.js';
import { choose, loadModels } from './modelFile.js';
import type { ModelFile } from './modelFile.js';
import type { Done, Job } from './modelWorker.js';
import { readLimits, readParallel } from './options.js';
import type { RunFlags } from './options.js';
import { packageRoot } from './place.js';
import { runJobs } from './pool.js';
import { startProgress } from './progress.js';
import { onInterrupt } from './signals.js';
import { isBudget, needTlc } from './tools.js';

export type ConformOptions = RunFlags & { readonly fresh?: boolean; readonly actions?: boolean };

/** Graphs that TLC gave before; what was found in them is never kept. */
export const keptGraphs = join(packageRoot, '.cache', 'graphs');

export const hasCore = (m: Model): boolean =>
  m.compare !== undefined || m.replay !== undefined || m.parts !== undefined || m.judge !== undefined;

export const conform = async (names: readonly string[], options: ConformOptions): Promise<Outcome> => {
  const file = loadModels(options.models);
  if (E.isLeft(file)) return file;
  const chosen = choose(file.right, { names, all: options.all === true });
  if (E.isLeft(chosen)) return chosen;
  const models = chosen.right.filter(hasCore);
  if (models.length === 0) return fail(notCompared(file.right, chosen.right));
  const limits = readLimits(options);
  if (E.isLeft(limits)) return limits;
  const parallel = readParallel(options);
  if (E.isLeft(parallel)) return parallel;
  const tlc = await needTlc();
  if (E.isLeft(tlc)) return tlc;

  const say = (line: string): void => void (options.json ? null : process.stdout.write(`${line}\n`));
  for (const model of names.length === 0 ? [] : chosen.right.filter((m) => !hasCore(m)))
    say(`not compared: ${model.name} has no core beside it`);
  const progress = startProgress({ quiet: options.json, say, states: statesOf(models), what: 'conform' });
  const stop = onInterrupt();
  const jobs = models.map((model): Job => {
    const dumps = options.fresh === true ? null : keptGraphs;
    const { specDirectory } = file.right;
    return { what: 'conform', model, specDirectory, tlc: tlc.right, limits: limits.right, dumps };
  });
  const done = await runJobs(jobs, {
    parallel: parallel.right,
    signal: stop.signal,
    onStart: progress.onStart,
    onProgress: progress.onProgress,
    onDone: (name, d) => progress.finish(name, reportLines(name, d, options.actions === true)),
  });
  progress.close();
  stop.done();
  if (stop.signal.aborted) return fail(interrupted);
  const judged = judgeReports(done);
  if (E.isLeft(judged)) return judged;
  const reports = reportsOf(done);
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: true, models: reports })}\n`);
  else say(`${reports.length} ${reports.length === 1 ? 'model' : 'models'}: spec and core are the same`);
  return ok;
};

const notCompared = (file: ModelFile, chosen: readonly Model[]): Failure =>
  chosen.length === 0
    ? nothing(file)
    : {
        code: 'NothingChecked',
        exit: 22,
        message: `nothing was compared: ${chosen.map((m) => m.name).join(', ')} name no core`,
        hint: `models with one: ${
          [...file.models.values()]
            .filter(hasCore)
            .map((m) => m.name)
            .join(' ') || 'none'
        }`,
      };

/** The report of one model without the line that counts them. */
export const reportLines = (name: string, done: Done, actions: boolean): readonly string[] => {
  if (done.type === 'report') return reportText([done.report], { actions }).trimEnd().split('\n').slice(0, -1);
  return [`BUG  ${name}  ${done.type === 'died' ? done.why : ''}`];
};

/** The worst of what was found: a difference first. */
export const judgeReports = (done: readonly (Done | null)[]): Outcome => {
  const reports = reportsOf(done);
  const details = { models: reports };
  for (const d of done)
    if (d?.type === 'died') return fail({ code: 'Bug', exit: 70, message: d.why, hint: '', details });
  const bad = reports.filter((r) => !r.ok);
  const worst = bad.find(parts) ?? bad.find((r) => r.problems.some(isBudget)) ?? bad[0];
  return worst === undefined ? ok : fail({ ...failureOf(worst), details });
};

const reportsOf = (done: readonly (Done | null)[]): readonly ModelReport[] =>
  done.flatMap((d) => (d?.type === 'report' ? [d.report] : []));

/** Spec and core say different things. */
export const parts = (r: ModelReport): boolean =>
  r.comparison?.equal === false || r.judgement?.agree === false || (r.replay !== null && r.replay.type !== 'Replayed');

export const failureOf = (r: ModelReport): Failure => {
  const why = `${r.model}: ${r.problems.join('; ')}`;
  if (parts(r)) {
    const hint = 'the shortest run to the difference stands above, and under models[].comparison in JSON';
    return { code: 'Divergence', exit: 20, message: why, hint };
  }
  const budget = r.problems.find(isBudget);
  if (budget !== undefined)
    return {
      code: 'BudgetSpent',
      exit: 69,
      message: `${r.model}: ${budget}`,
      hint: 'allow more: --time-limit, --heap',
    };
  const code = r.found === null ? 'NoVerdict' : r.found === r.expected ? 'SizesDiffer' : 'OtherVerdict';
  const hint =
    code === 'SizesDiffer'
      ? 'correct spec/models.json if the spec was meant to change'
      : `zabkeeper check ${r.model} says more`;
  return { code, exit: 1, message: why, hint };
};
