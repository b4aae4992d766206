/** The table that `zabkeeper check` ends with: one row a model, beside what models.json says of it. */
import { explain } from 'tla-checker-cli';
import * as E from 'fp-ts/lib/Either.js';
import type { Model } from '../conformance/models.js';
import type { Done } from './modelWorker.js';
import { count, table } from './table.js';
import { verdictOf } from './verdict.js';

const heads = ['module', 'model', 'tier', 'expected', 'found', 'states', 'generated', 'depth', 'CPU-s'];
const figures = 5;

/** @param done of each model, null where it was stopped; found reads `NONE` and why where TLC gave no verdict */
export const verdictTable = (models: readonly Model[], done: readonly (Done | null)[]): readonly string[] => {
  const rows = models.map((m, i): readonly string[] => [m.module, m.name, m.tier, m.result, ...foundOf(m, done[i])]);
  const widths = heads.map((_, i) => Math.max(...[heads, ...rows].map((row) => row[i]?.length ?? 0)));
  const aligned = [heads, ...rows].map((row) =>
    row.map((cell, i) => (i < figures ? cell : cell.padStart(widths[i] ?? 0))),
  );
  return table(aligned);
};

const foundOf = (model: Model, done: Done | null | undefined): readonly string[] => {
  if (done?.type === 'died') return ['NONE: a process died'];
  if (done?.type !== 'checked') return ['NONE'];
  if (E.isLeft(done.result)) return [`NONE: ${explain(done.result.left).message}`];
  const { found, asExpected, sizes, result } = verdictOf(model, done.result.right);
  const { distinct, generated, depth } = result.stats;
  const wrong = !asExpected ? ' (FAIL)' : sizes.length > 0 ? ' (FAIL: sizes)' : '';
  return [
    `${found}${wrong}`,
    count(distinct),
    count(generated),
    String(depth ?? '-'),
    result.cost.cpuSeconds?.toFixed(1) ?? '-',
  ];
};
