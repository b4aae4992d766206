/**
 * `zabkeeper start`: what the project is, in one command. TLC checks some models of the protocol, the shipping core is
 * compared with their whole graphs, then an ensemble of that core serves.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Model, Models } from '../conformance/models.js';
import { hasCore, judgeReports, reportLines } from './conform.js';
import { ensemble } from './ensemble.js';
import type { EnsembleOptions } from './ensemble.js';
import type { Outcome } from './failure.js';
import { fail, interrupted, ok } from './failure.js';
import { loadModels } from './modelFile.js';
import type { ModelFile } from './modelFile.js';
import type { Job } from './modelWorker.js';
import { readLimits } from './options.js';
import { defaultParallel, runJobs } from './pool.js';
import { startProgress } from './progress.js';
import { onInterrupt } from './signals.js';
import { needTlc } from './tools.js';

export type StartOptions = EnsembleOptions & { readonly check: boolean };

/** States that TLC and the search go through in some seconds. */
const statesWithin = 12_000;

/** The smaller compared models of every module, the smallest first, so that each module has at least one. */
export const fewModels = (models: Models): readonly Model[] => {
  const sized = [...models.values()]
    .filter((m) => m.tier === 'tiny' && m.compare !== undefined && m.distinct !== undefined)
    .toSorted((a, b) => (a.distinct ?? 0) - (b.distinct ?? 0));
  const kept: Model[] = [];
  let states = 0;
  for (const m of sized) {
    states += m.distinct ?? 0;
    if (states <= statesWithin || !kept.some((k) => k.module === m.module)) kept.push(m);
  }
  return kept;
};

export const start = async (options: StartOptions): Promise<Outcome> => {
  const say = (line: string): void => void (options.json ? null : process.stdout.write(`${line}\n`));
  const file = loadModels();
  if (E.isLeft(file)) return file;
  const models = fewModels(file.right.models);
  const checked = options.check ? await compareFew(file.right, models, options.json, say) : ok;
  if (E.isLeft(checked)) return checked;
  if (!options.check) for (const m of models) say(`NOT CHECKED ${m.name}: --no-check`);
  return ensemble(options);
};

const compareFew = async (
  file: ModelFile,
  models: readonly Model[],
  json: boolean,
  say: (line: string) => void,
): Promise<Outcome> => {
  const limits = readLimits({ json });
  if (E.isLeft(limits)) return limits;
  const tlc = await needTlc();
  if (E.isLeft(tlc)) {
    // Servers need no Java; that nothing was compared must be seen all the same.
    for (const m of models) say(`NOT CHECKED ${m.name}`);
    const note = `${tlc.left.message}; ${tlc.left.hint}`;
    say(`The models are not checked: ${note}. The ensemble starts all the same.`);
    if (json) process.stderr.write(`${JSON.stringify({ level: 'warn', text: `models not checked: ${note}` })}\n`);
    return ok;
  }
  const total = [...file.models.values()].filter((m) => m.tier === 'tiny' && hasCore(m)).length;
  say(`TLC checks ${models.length} models, and the core is compared with their whole graphs (npm test: all ${total})`);
  const sizes = new Map(models.map((m) => [m.name, m.distinct ?? 0]));
  const progress = startProgress({ quiet: json, say, states: sizes, what: 'conform' });
  const stop = onInterrupt();
  const { specDirectory } = file;
  const job = (model: Model): Job => ({
    what: 'conform',
    model,
    specDirectory,
    tlc: tlc.right,
    limits: limits.right,
    dumps: null,
  });
  const done = await runJobs(models.map(job), {
    parallel: defaultParallel(),
    signal: stop.signal,
    onStart: progress.onStart,
    onProgress: progress.onProgress,
    onDone: (name, d) => progress.finish(name, reportLines(name, d, false)),
  });
  progress.close();
  stop.done();
  return stop.signal.aborted ? fail(interrupted) : judgeReports(done);
};
