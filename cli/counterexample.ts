/** A counterexample for people: step by step what changes, unchanged variables folded; and as a trace file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { canonicalText, traceOf } from 'tla-checker-cli';
import type { Counterexample, TlaState, TlaValue, Trace, TraceStep } from 'tla-checker-cli';
import { differingPlaces } from '../conformance/difference.js';
import { bindingsOf } from '../conformance/generate.js';
import type { Model } from '../conformance/models.js';
import { replay } from '../conformance/replay.js';
import type { Replay } from '../conformance/replay.js';
import type { ModelFile } from './modelFile.js';
import { bugsOf, mirrorOf } from './modelFile.js';

/** TLC's label is the name of a generated operator: back to the action and its arguments, named after its domains. */
export const namedSteps = (model: Model, steps: readonly TraceStep[]): readonly TraceStep[] => {
  const byLabel = new Map(bindingsOf(model).map((b) => [b.label, b]));
  return steps.map((step) => {
    const binding = byLabel.get(step.action);
    if (binding === undefined) return { ...step, location: null };
    const names = argumentNames(model.actions[binding.action]?.params ?? []);
    const args: Record<string, TlaValue> = Object.fromEntries(binding.args.map((n, i) => [names[i] ?? '', n]));
    return { action: binding.action, args, location: null, state: step.state };
  });
};

/** `Server`, `Server`, `Kept` → `server1`, `server2`, `kept`. */
const argumentNames = (params: readonly string[]): readonly string[] =>
  params.map((p, i) => {
    const name = `${p.slice(0, 1).toLowerCase()}${p.slice(1)}`;
    const nth = params.slice(0, i + 1).filter((q) => q === p).length;
    return params.filter((q) => q === p).length === 1 ? name : `${name}${nth}`;
  });

export const stepText = ({ action, args }: Pick<TraceStep, 'action' | 'args'>): string => {
  const values = Object.values(args).map(canonicalText);
  return values.length === 0 ? action : `${action}(${values.join(', ')})`;
};

/** Where a model's modules define operators: `spec/Broadcast.tla:51`. */
export type Places = ReadonlyMap<string, string>;

/** The module and what it extends, as far as that stands beside it; other specs use the same names for other things. */
const modulesOf = (directory: string, module: string): ReadonlyMap<string, readonly string[]> => {
  const texts = new Map<string, readonly string[]>();
  const waiting = [module];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const path = join(directory, `${name}.tla`);
    if (texts.has(name) || !existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    texts.set(name, text.split('\n'));
    waiting.push(...(/^EXTENDS\s+(\w+(?:\s*,\s*\w+)*)/m.exec(text)?.[1] ?? '').split(/\s*,\s*/));
  }
  return texts;
};

export const placesOf = (file: ModelFile, model: Pick<Model, 'module'>): Places => {
  const places = new Map<string, string>();
  for (const [name, lines] of modulesOf(file.specDirectory, model.module)) {
    for (const [n, line] of lines.entries()) {
      const operator = /^(\w+)(\([^)]*\))? *==/.exec(line)?.[1];
      // The protocol's module comes before the one that bounds it.
      if (operator !== undefined && !(places.has(operator) && name.startsWith('MC')))
        places.set(operator, `${join(file.shown, '..', `${name}.tla`)}:${n + 1}`);
    }
  }
  return places;
};

const valueWidth = 100;
const cut = (text: string): string => (text.length <= valueWidth ? text : `${text.slice(0, valueWidth - 1)}…`);

export const stateLines = (state: TlaState): readonly string[] =>
  Object.entries(state).map(([name, value]) => `  ${name} = ${cut(canonicalText(value))}`);

/** `step 3  HandleAck(1, 2)    spec/Replication.tla:231`, and below it what it changes; the first state is no step. */
export const counterexampleLines = (c: Counterexample, places: Places): readonly string[] => {
  const lines = c.steps.flatMap((step, i) => {
    const before = c.steps[i - 1];
    const place = places.get(step.action);
    const head = `${i === 0 ? 'start ' : `step ${i}`}  ${stepText(step)}${place === undefined ? '' : `    ${place}`}`;
    return [head, ...(before === undefined ? stateLines(step.state) : changeLines(before.state, step.state))];
  });
  if (c.loop === null) return lines;
  const stutters = c.loop.action === 'Stuttering';
  return [
    ...lines,
    stutters ? 'then nothing happens for ever' : `then back to the state after step ${c.loop.to}, for ever`,
  ];
};

export const changeLines = (before: TlaState, after: TlaState): readonly string[] => {
  const changes = differingPlaces(before, after);
  const changed = new Set(changes.map((c) => /^\w+/.exec(c.at)?.[0]));
  const rest = Object.keys(after).filter((name) => !changed.has(name)).length;
  const width = Math.min(40, Math.max(0, ...changes.map((c) => c.at.length)));
  return [
    ...changes.map((c) => `  ${c.at.padEnd(width)}  ${cut(c.tlc ?? '(nothing)')} → ${cut(c.core ?? '(nothing)')}`),
    `  ${rest} ${changes.length === 0 ? '' : 'other '}${rest === 1 ? 'variable' : 'variables'} unchanged`,
  ];
};

/**
 * The trace as it is kept. Its head names the model and, where there is a core to replay it on, the step at which the
 * shipping core parts from it; none: the core follows it to its end.
 */
export const keptTrace = (file: ModelFile, model: Model, c: Counterexample, from: string, shows: string): Trace => {
  const steps = namedSteps(model, c.steps);
  const trace = traceOf({ steps, loop: c.loop }, from, shows);
  const bugs = bugsOf(model);
  const ran = replayTrace(file, model, trace);
  const parts =
    ran !== null && (ran.type === 'Refused' || ran.type === 'Parted')
      ? { parts: { step: ran.step + 1, action: ran.action } }
      : {};
  return {
    ...trace,
    head: { ...trace.head, model: model.name, ...(bugs.length === 0 ? {} : { bugs: [...bugs] }), ...parts },
  };
};

/** The trace on the shipping core; null where no core mirrors the module. Its first state is no step. */
export const replayTrace = (file: ModelFile, model: Model, trace: Trace): Replay | null => {
  const make = mirrorOf(file, model);
  const mirror = make?.(model);
  if (mirror === undefined || E.isLeft(mirror)) return null;
  const [first, ...rest] = trace.steps;
  if (first === undefined) return { type: 'Empty' };
  return replay(mirror.right, model.actions, bindingsOf(model), first.state, rest);
};
