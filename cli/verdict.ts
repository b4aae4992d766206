/** What TLC found of a model, beside what models.json says of it. */
import type { CheckResult, Outcome } from 'tla-checker-cli';
import type { Model } from '../conformance/models.js';
import type { Exit } from './failure.js';

export type Verdict = {
  readonly model: Model;
  readonly result: CheckResult;
  /** In the words of models.json; `parse error` and its like beside them. */
  readonly found: string;
  readonly asExpected: boolean;
  /** Sizes that differ from those of models.json, in sentences. */
  readonly sizes: readonly string[];
};

export const verdictOf = (model: Model, result: CheckResult): Verdict => {
  const found = foundOf(model, result.outcome);
  const asExpected = found === model.result;
  return { model, result, found, asExpected, sizes: asExpected ? wrongSizes(model, result) : [] };
};

/**
 * The property of the model that an outcome speaks of. TLC 2.18 names no temporal property, and of one that is a
 * conjunction only the place of a part: it is the one that the model has, if it has one.
 */
const propertyOf = (model: Model, name: string | null): string | null =>
  name !== null && model.properties.includes(name)
    ? name
    : model.properties.length === 1
      ? (model.properties[0] ?? name)
      : name;

const foundOf = (model: Model, o: Outcome): string => {
  if (o.type !== 'temporal property' && o.type !== 'action property') return wordsOf(o);
  const name = propertyOf(model, o.name);
  return name === null ? 'property' : `property ${name}`;
};

const wordsOf = (o: Outcome): string => (o.type === 'invariant' ? `invariant ${o.name}` : o.type);

const wrongSizes = (model: Model, { stats }: CheckResult): readonly string[] =>
  (['distinct', 'generated', 'depth'] as const).flatMap((name) => {
    const wanted = model[name];
    const found = stats[name] ?? 0;
    return wanted === undefined || wanted === found ? [] : [`${name}: models.json has ${wanted}, TLC ${found}`];
  });

/** TLC's own exit code for a violation, 14 for an action property, which TLC does not tell apart; null: none. */
export const violationExit = (o: Outcome): { readonly code: string; readonly exit: Exit } | null => {
  switch (o.type) {
    case 'assumption':
      return { code: 'AssumptionFailed', exit: 10 };
    case 'deadlock':
      return { code: 'Deadlock', exit: 11 };
    case 'invariant':
      return { code: 'InvariantViolated', exit: 12 };
    case 'temporal property':
      return { code: 'PropertyViolated', exit: 13 };
    case 'action property':
      return { code: 'ActionPropertyViolated', exit: 14 };
    default:
      return null;
  }
};

export const messageOf = (o: Outcome): string => ('message' in o ? o.message : '');
