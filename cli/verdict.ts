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
  const { outcome } = result;
  return {
    model,
    result,
    found: foundOf(model, outcome),
    asExpected: isExpected(model.result, outcome),
    sizes: isExpected(model.result, outcome) ? wrongSizes(model, result) : [],
  };
};

/** TLC 2.18 does not name a temporal property: it is the one that the model has, if it has one. */
const foundOf = (model: Model, o: Outcome): string =>
  wordsOf(o) === 'property' && model.properties.length === 1 ? `property ${model.properties[0]}` : wordsOf(o);

const wordsOf = (o: Outcome): string => {
  switch (o.type) {
    case 'invariant':
      return `invariant ${o.name}`;
    case 'action property':
    case 'temporal property':
      return o.name === null ? 'property' : `property ${o.name}`;
    default:
      return o.type;
  }
};

const isExpected = (expected: string, o: Outcome): boolean => {
  // TLC does not name every property that it finds violated; a failing model has one.
  if (o.type === 'temporal property' && o.name === null) return expected.startsWith('property ');
  return wordsOf(o) === expected;
};

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
