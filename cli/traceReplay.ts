/** `zabkeeper conform --trace`: one kept run on the shipping core, up to the step at which it parts from it. */
import { readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import { readTrace } from 'tla-checker-cli';
import type { Trace } from 'tla-checker-cli';
import type { Model } from '../conformance/models.js';
import { replayText } from '../conformance/replay.js';
import type { Replay } from '../conformance/replay.js';
import { replayTrace } from './counterexample.js';
import { instanceNamed } from './instance.js';
import type { Failure, Outcome } from './failure.js';
import { fail, ok } from './failure.js';
import { loadModels, mirrorOf } from './modelFile.js';
import type { ModelFile } from './modelFile.js';

export type TraceFlags = { readonly trace: string; readonly models?: string; readonly json: boolean };

/** @param names the model, where the trace does not name its own */
export const conformTrace = (names: readonly string[], options: TraceFlags): Outcome => {
  const file = loadModels(options.models);
  if (E.isLeft(file)) return file;
  const read = readKept(file.right, options.trace, names);
  if (E.isLeft(read)) return read;
  const { trace, model, replay } = read.right;
  if (replay.type === 'Replayed') {
    const told = { ok: true, model: model.name, steps: replay.steps };
    const text = `${options.trace}: the core follows all ${replay.steps} steps of ${model.name}`;
    process.stdout.write(`${options.json ? JSON.stringify(told) : text}\n`);
    return ok;
  }
  return fail(parting(trace, model, replay, options.trace));
};

export type Kept = {
  readonly trace: Trace;
  readonly model: Model;
  readonly replay: Exclude<Replay, { type: 'Empty' }>;
};

/** Reads a trace and replays it. Left: it cannot be read, or there is nothing to replay it on. */
export const readKept = (file: ModelFile, path: string, names: readonly string[]): E.Either<Failure, Kept> => {
  const unreadable = (message: string, hint: string, line: number | null): E.Either<Failure, never> =>
    fail({ code: 'TraceUnreadable', exit: 21, message: `${path}: ${message}`, hint, details: { line } });
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (e) {
    return unreadable(e instanceof Error ? e.message : String(e), 'name a file, or - for standard input', null);
  }
  const trace = readTrace(text);
  if (E.isLeft(trace)) {
    const { type, line, message } = trace.left;
    if (type === 'TraceEmpty') return fail(empty(path));
    return unreadable(`line ${line}: ${message}`, 'traces are kept by zabkeeper check', line);
  }
  const [name = trace.right.head['model']] = names;
  if (names.length > 1 || typeof name !== 'string') {
    const message = names.length > 1 ? 'one trace, one model' : `${path} does not name its model`;
    return fail({ code: 'Usage', exit: 2, message, hint: 'zabkeeper conform MODEL --trace FILE' });
  }
  const model = file.models.get(name) ?? instanceNamed(file, name);
  if (model === null)
    return unreadable(`its model ${name} is not in ${file.shown}`, 'name one: zabkeeper conform MODEL --trace FILE', 1);
  if (mirrorOf(file, model) === null) {
    const message = `nothing was replayed: no core mirrors ${model.module}, the module of ${name}`;
    return fail({ code: 'NothingChecked', exit: 22, message, hint: '' });
  }
  const replay = replayTrace(file, model, trace.right);
  if (replay === null) {
    const message = `the core cannot be set up for model ${name}`;
    return fail({ code: 'BadModels', exit: 3, message, hint: `see ${name} in ${file.shown}` });
  }
  return replay.type === 'Empty' ? fail(empty(path)) : E.right({ trace: trace.right, model, replay });
};

const empty = (path: string): Failure => ({
  code: 'NothingChecked',
  exit: 22,
  message: `nothing was replayed: ${path} has no step`,
  hint: '',
});

const parting = (
  trace: Trace,
  model: Model,
  replay: Exclude<Kept['replay'], { type: 'Replayed' }>,
  path: string,
): Failure => ({
  code: 'Divergence',
  exit: 20,
  message: `${path}: the shipping core parts from this run of ${model.name}\n${replayText(replay)}`,
  hint: bugHint(trace),
  details: {
    model: model.name,
    // From 1, as the steps are numbered where they are shown; 0: the first state.
    step: 'step' in replay ? replay.step + 1 : 0,
    steps: trace.steps.length - 1,
    ...('action' in replay ? { action: replay.action } : {}),
    ...('guard' in replay ? { guard: replay.guard, enabled: replay.enabled } : {}),
    ...('args' in replay ? { args: replay.args } : {}),
    places: 'places' in replay ? replay.places : 'nearest' in replay ? replay.nearest : [],
  },
});

const bugHint = ({ head }: Trace): string => {
  const bugs = head['bugs'];
  return Array.isArray(bugs) && bugs.length > 0
    ? `as it should: the run needs ${bugs.join(', ')}, which the core does not have`
    : '';
};

/**
 * Whether a kept trace still shows what it was kept for: the core parts from it at the step that its head names, or
 * follows it to its end. Null: it does; else what differs.
 */
export const disagreement = ({ trace, replay }: Kept): string | null => {
  const expected = trace.head['parts'] as { readonly step?: unknown; readonly action?: unknown } | undefined;
  if (replay.type === 'Replayed')
    return expected === undefined ? null : `the core follows it, and should part at step ${String(expected.step)}`;
  const step = 'step' in replay ? replay.step + 1 : 0;
  const action = 'action' in replay ? replay.action : '';
  return expected !== undefined && expected.step === step && expected.action === action
    ? null
    : `${expected === undefined ? 'the core should follow it' : `it should part at step ${String(expected.step)}`}: ${replayText(replay)}`;
};
