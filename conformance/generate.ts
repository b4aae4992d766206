/**
 * The module and configuration that TLC is given for a model. TLC's labels carry no arguments, so every combination of
 * them gets an operator of its own; its body must be a conjunction, or TLC (2.18) labels the step with the inner name.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { Constant, Model } from './models.js';
import { distortions } from './models.js';

/** An action with its arguments, and the label that TLC gives the step. */
export type Binding = { readonly action: string; readonly args: readonly number[]; readonly label: string };

export type Generated = {
  /** Name of the generated module; `${module}.tla` and `${module}.cfg` are the names of the files. */
  readonly module: string;
  readonly tla: string;
  readonly cfg: string;
  readonly bindings: readonly Binding[];
};

/** What the label of a step says when an invariant is asked for as a step: see `generate`. */
export const verdictAction = 'Violates';

const escaped = (n: number): string => (n < 0 ? `m${-n}` : String(n));

/** `HandleAck__1_2`; a negative argument is written `m1`. Two underscores end the name of the action. */
export const labelOf = (action: string, args: readonly number[]): string => `${action}__${args.map(escaped).join('_')}`;

/** Every action of the model with every combination of its parameters, in the order of the tables. */
export const bindingsOf = (model: Model): readonly Binding[] =>
  Object.entries(model.actions).flatMap(([action, { params }]) =>
    params
      .reduce<readonly (readonly number[])[]>(
        (rows, p) => rows.flatMap((row) => (model.domains[p] ?? []).map((n) => [...row, n])),
        [[]],
      )
      .map((args) => ({ action, args, label: labelOf(action, args) })),
  );

/**
 * @param verdicts names of invariants: instead of checking them, TLC takes a step `Violates__NAME` that changes nothing
 *   in each state that breaks NAME. So the dump says of every state what TLC thinks of it, and TLC goes on.
 * @returns Left for a model whose dump would not be its spec's graph though it is to be compared or judged
 */
export const generate = (model: Model, verdicts: readonly string[] = []): E.Either<string, Generated> => {
  const distorted = distortions.filter((d) => model.distorted[d] !== undefined);
  if ((model.compare !== undefined || verdicts.length > 0) && distorted.length > 0)
    return E.left(`${model.name}: a graph with ${distorted.join(', ')} is not its spec's graph`);
  if (model.actions[verdictAction] !== undefined)
    return E.left(`${model.name}: no action may be called ${verdictAction}`);
  const module = `Generated_${model.name.replace(/[^A-Za-z0-9_]/g, '_')}`;
  const bindings = bindingsOf(model);
  return E.right({
    module,
    tla: moduleText(model, module, bindings, verdicts),
    cfg: cfgText(model, verdicts),
    bindings,
  });
};

/** Writes both files into a directory, which is made if need be; gives the path of the module. */
export const writeGenerated = async (generated: Generated, directory: string): Promise<string> => {
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${generated.module}.tla`);
  await writeFile(path, generated.tla);
  await writeFile(join(directory, `${generated.module}.cfg`), generated.cfg);
  return path;
};

const given = (name: string): string => `Given__${name}`;

const literal = (constant: Constant): string => {
  if (typeof constant === 'boolean') return constant ? 'TRUE' : 'FALSE';
  return String(constant);
};

const isModelValue = (constant: Constant): boolean => typeof constant === 'object' && 'model' in constant;

const operatorOf = (constant: Constant): string | null =>
  typeof constant === 'object' && 'operator' in constant ? constant.operator : null;

const moduleText = (
  model: Model,
  module: string,
  bindings: readonly Binding[],
  verdicts: readonly string[],
): string => {
  const constants = Object.entries(model.constants)
    .filter(([, c]) => !isModelValue(c) && operatorOf(c) === null)
    .map(([name, c]) => `${given(name)} == ${literal(c)}`);
  const steps = bindings.map(({ action, args, label }) => {
    const operator = model.actions[action]?.operator ?? action;
    return `${label} == TRUE /\\ ${operator}${args.length === 0 ? '' : `(${args.join(', ')})`}`;
  });
  const asked = verdicts.map((name) => `${labelOfVerdict(name)} == TRUE /\\ ~${name} /\\ UNCHANGED ${model.vars}`);
  const labels = [...bindings.map((b) => b.label), ...verdicts.map(labelOfVerdict)];
  const next = model.next ?? labels.map((label) => `\n    \\/ ${label}`).join('');
  return [
    `---- MODULE ${module} ----`,
    `EXTENDS Integers, ${model.module}`,
    '',
    ...constants,
    '',
    ...steps,
    ...asked,
    '',
    `GeneratedNext == ${next}`,
    ...(model.fairness === undefined
      ? []
      : [`GeneratedSpec == ${model.init} /\\ [][GeneratedNext]_${model.vars} /\\ (${model.fairness})`]),
    '====',
    '',
  ].join('\n');
};

/** The label of the step that TLC takes in each state that breaks the invariant. */
export const labelOfVerdict = (invariant: string): string => `${verdictAction}__${invariant}`;

const cfgText = (model: Model, verdicts: readonly string[]): string => {
  const judged = verdicts.length > 0;
  const constants = Object.entries(model.constants).map(([name, c]) =>
    isModelValue(c) ? `    ${name} = ${name}` : `    ${name} <- ${operatorOf(c) ?? given(name)}`,
  );
  const { constraint, actionConstraint, view, symmetry } = model.distorted;
  const lines = [
    ...(constants.length === 0 ? [] : ['CONSTANTS', ...constants]),
    ...(model.fairness === undefined || judged
      ? [`INIT ${model.init}`, 'NEXT GeneratedNext']
      : ['SPECIFICATION GeneratedSpec']),
    ...(judged ? [] : model.invariants.map((name) => `INVARIANT ${name}`)),
    ...(judged ? [] : model.properties.map((name) => `PROPERTY ${name}`)),
    ...(constraint === undefined ? [] : [`CONSTRAINT ${constraint}`]),
    ...(actionConstraint === undefined ? [] : [`ACTION_CONSTRAINT ${actionConstraint}`]),
    ...(view === undefined ? [] : [`VIEW ${view}`]),
    ...(symmetry === undefined ? [] : [`SYMMETRY ${symmetry}`]),
    `CHECK_DEADLOCK ${model.result === 'deadlock' ? 'TRUE' : 'FALSE'}`,
  ];
  return `${lines.join('\n')}\n`;
};
