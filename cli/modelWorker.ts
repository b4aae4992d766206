/**
 * A process that checks models, one after another: TLC alone, or TLC and the comparison with the core. Models run beside
 * each other in processes, since searching the core keeps a thread busy for seconds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { check } from 'tla-checker-cli';
import type { CheckResult, Tlc, TlcError } from 'tla-checker-cli';
import { checkModel } from '../conformance/check.js';
import type { ModelReport, Phase } from '../conformance/check.js';
import { generate, writeGenerated } from '../conformance/generate.js';
import type { Model } from '../conformance/models.js';
import { tlcPort } from '../conformance/tlc.js';
import { mirrors } from './modelFile.js';

export type Limits = { readonly heap?: string; readonly timeLimit: number };

export type Job = {
  /** TLC's verdict alone, or everything that models.json asks for. */
  readonly what: 'check' | 'conform';
  readonly model: Model;
  readonly specDirectory: string;
  readonly tlc: Tlc;
  readonly limits: Limits;
  /** Where graphs of TLC are kept and found again; null: TLC is asked. */
  readonly dumps: string | null;
};

export type Done =
  | { readonly type: 'checked'; readonly result: E.Either<TlcError, CheckResult> }
  | { readonly type: 'report'; readonly report: ModelReport }
  /** Our own mistake, or a process that was killed. */
  | { readonly type: 'died'; readonly why: string };

export type FromWorker = { readonly type: 'progress'; readonly phase: Phase; readonly states: number } | Done;

/** TLC compiled in haste costs half the CPU at 9,000 states, as much at 35,000, and 1.4 times as much at 98,000. */
const shortStates = 30_000;

/** Models that must fail mostly do so soon. */
const isShort = ({ distinct, result }: Model): boolean =>
  distinct === undefined ? result !== 'ok' : distinct <= shortStates;

const run = async (job: Job, tell: (message: FromWorker) => void): Promise<Done> => {
  const { model, tlc, specDirectory, dumps } = job;
  const limits = { ...job.limits, short: isShort(model) };
  const onProgress = (phase: Phase, states: number): void => tell({ type: 'progress', phase, states });
  if (job.what === 'conform') {
    const report = await checkModel(model, {
      tlc: tlcPort(tlc, limits),
      specDirectories: [specDirectory],
      mirrors,
      onProgress,
      ...(dumps === null ? {} : { dumps }),
    });
    return { type: 'report', report };
  }
  const generated = generate(model);
  if (E.isLeft(generated)) return { type: 'checked', result: E.left({ type: 'Usage', message: generated.left }) };
  const scratch = await mkdtemp(join(tmpdir(), 'zabkeeper-model-'));
  try {
    const result = await check(tlc, {
      ...limits,
      spec: await writeGenerated(generated.right, scratch),
      libraries: [specDirectory],
      workers: 1,
      onProgress: (p) => onProgress('tlc', p.distinct),
    })();
    return { type: 'checked', result };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

// TLC is killed when this process exits; a parent that is gone wants no result.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
process.on('disconnect', () => process.exit(130));
process.on('message', (job) => {
  if (job === 'end') process.exit(0);
  const tell = (message: FromWorker): void => void process.send?.(message);
  run(job as Job, tell).then(tell, (e: unknown) =>
    tell({ type: 'died', why: e instanceof Error ? (e.stack ?? e.message) : String(e) }),
  );
});
