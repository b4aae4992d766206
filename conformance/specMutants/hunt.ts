/**
 * Does anything notice a mutant? The models that its module concerns are run over a copy of spec/ with the mutant in it,
 * those that have found most for their price first, until one finds what models.json does not expect.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tlc } from 'tla-checker-cli';
import type { Model } from '../models.js';
import type { SpecMutant } from './mutate.js';
import type { RowRun } from './run.js';
import { runRow } from './run.js';

/**
 * - `property`: an invariant, a refinement, liveness, an assumption, or that something is reachable;
 * - `evaluation`: TLC cannot evaluate the mutant somewhere;
 * - `graph`: sizes or the graph itself differ and nothing else does;
 * - `survived`: every model is as before;
 * - `undecided`: as before as far as the budget went;
 * - `invalid`: it does not parse, or leaves open what a variable becomes: no mutant.
 */
export type Verdict = 'property' | 'evaluation' | 'graph' | 'survived' | 'undecided' | 'invalid';

export type Fate = {
  readonly verdict: Verdict;
  /** The model that noticed it; of `graph` the first. */
  readonly by?: string;
  readonly what?: string;
  /** Models that the budget did not reach, of `graph` and `undecided`. */
  readonly left?: number;
  readonly cpuMs: number;
};

/** A model that mutants are run on. */
export type Row = {
  readonly model: Model;
  /** CPU milliseconds that it takes, about. */
  readonly cpuMs: number;
  /** How many mutants it has found so far. */
  kills: number;
  /** What it gives without a mutant, once that was asked for: nothing is held against a mutant before. */
  plain?: Promise<Plain>;
};

export type Plain = {
  /** Why this model shows nothing; null: it gives what models.json says. */
  readonly wrong: string | null;
  readonly digest: string | null;
};

export type HuntOptions = {
  readonly tlc: Tlc;
  readonly spec: string;
  /** CPU seconds for one mutant. */
  readonly budget: number;
  readonly signal?: AbortSignal;
  /** A model gives something else than models.json says without any mutant: it is left out. */
  readonly onWrong?: (model: string, why: string) => void;
};

/** Copies the modules; gives the folder. */
export const copyOfSpec = async (spec: string, change?: SpecMutant): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-spec-'));
  await cp(spec, folder, { recursive: true, filter: (path) => !/\.json$/.test(path) });
  if (change !== undefined) await writeFile(join(folder, `${change.module}.tla`), change.text);
  return folder;
};

/** Models that cost no more than this, as far as models.json tells. */
export const rowsOf = (models: readonly Model[], mostSeconds: number): readonly Row[] =>
  models
    .map((model) => ({ model, cpuMs: 1000 + (model.generated ?? 15_000) / 15, kills: 0 }))
    .filter((row) => row.cpuMs <= mostSeconds * 1000);

/** Runs the model without a mutant, once. */
const plainOf = (row: Row, { tlc, spec, onWrong }: HuntOptions): Promise<Plain> => {
  row.plain ??= (async () => {
    const folder = await copyOfSpec(spec);
    try {
      const run = await runRow(tlc, row.model, folder, { seconds: 600, states: 3_000_000 });
      const strange = strangeness(row.model, run);
      const wrong = run.type === 'Found' ? (strange?.what ?? null) : (strange?.what ?? run.type);
      if (wrong !== null) onWrong?.(row.model.name, wrong);
      return { wrong, digest: run.type === 'Found' ? run.digest : null };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  })();
  return row.plain;
};

type Strange = { readonly verdict: Verdict; readonly what: string };

/** What of a run is not what models.json says. */
const strangeness = (model: Model, run: RowRun): Strange | null => {
  if (run.type === 'Unparsable') return { verdict: 'invalid', what: run.message };
  if (run.type === 'Evaluation')
    return /not completely specified|is either undefined or not an operator/.test(run.message)
      ? { verdict: 'invalid', what: firstLine(run.message) }
      : { verdict: 'evaluation', what: firstLine(run.message) };
  if (run.type === 'TooMany') return { verdict: 'graph', what: `more than ${run.states} states` };
  if (run.type === 'NoVerdict') return null;
  if (!isExpected(model, run.result))
    return { verdict: 'property', what: `${named(model, run.result)}, expected ${model.result}` };
  if (model.result !== 'ok') return null;
  for (const name of ['distinct', 'generated', 'depth'] as const) {
    const wanted = model[name];
    if (wanted !== undefined && wanted !== run[name])
      return { verdict: 'graph', what: `${name} ${run[name]}, expected ${wanted}` };
  }
  return null;
};

const firstLine = (text: string): string => (text.split('\n').find((l) => l.trim() !== '') ?? '').slice(0, 160);

/** TLC names some properties by their place in the text. */
const named = ({ properties }: Model, found: string): string =>
  found.startsWith('property ') && !properties.includes(found.slice(9)) ? `property ${properties.join(' or ')}` : found;

/** TLC names few properties. */
const isExpected = ({ result, properties }: Model, found: string): boolean => {
  const [kind, name] = found.split(' ');
  const unnamed = kind === 'property' && (name === undefined || !properties.includes(name));
  return found === result || (unnamed && result.startsWith('property '));
};

/** Models with the same key have the same graph, whatever is asked of it. */
const graphKey = ({ module, constants, init, next, domains, actions, distorted }: Model): string =>
  JSON.stringify([module, constants, init, next ?? null, domains, actions, distorted]);

/** Refinements find most; what a mutant adds is found by no model that is to fail. */
const worth = ({ kills, cpuMs, model }: Row): number =>
  ((1 + 4 * kills) * (model.result !== 'ok' ? 0.3 : model.properties.length > 0 ? 2 : 1)) / cpuMs;

/** Runs the models on the mutant until one notices, within the budget. */
export const hunt = async (mutant: SpecMutant, rows: readonly Row[], options: HuntOptions): Promise<Fate> => {
  const folder = await copyOfSpec(options.spec, mutant);
  let cpuMs = 0;
  let first: { readonly by: string; readonly what: string } | null = null;
  const same = new Set<string>();
  const waiting = [...rows].sort((a, b) => worth(b) - worth(a));
  let unheard = 0;
  try {
    for (const [at, row] of waiting.entries()) {
      const { model } = row;
      // The graph of another model with these steps is what it was: so is every answer about it.
      if (same.has(graphKey(model))) continue;
      if (cpuMs > options.budget * 1000 || options.signal?.aborted === true) {
        unheard += waiting.slice(at).filter((r) => !same.has(graphKey(r.model))).length;
        break;
      }
      const seconds = Math.max(60, (row.cpuMs / 1000) * 25);
      const run = await runRow(options.tlc, model, folder, { seconds, states: 3 * (model.distinct ?? 200_000) + 2000 });
      // Of a run that was stopped only the clock is known, which runs ahead on a busy machine.
      cpuMs += Math.round(run.type === 'Found' ? run.cpuMs : Math.min(run.cpuMs, 3 * row.cpuMs));
      if (run.type === 'NoVerdict') unheard++;
      let strange = strangeness(model, run);
      if (strange?.verdict === 'invalid') return { verdict: 'invalid', by: model.name, what: strange.what, cpuMs };
      if (strange === null && (run.type !== 'Found' || run.digest === null)) continue;
      const plain = await plainOf(row, options);
      if (plain.wrong !== null) continue;
      if (strange === null && run.type === 'Found') {
        if (run.digest === plain.digest) same.add(graphKey(model));
        else if (model.compare !== undefined)
          strange = { verdict: 'graph', what: 'other states or edges, as many as before' };
      }
      if (strange === null) continue;
      const { verdict, what } = strange;
      if (verdict === 'graph') {
        first ??= { by: model.name, what };
        continue;
      }
      row.kills++;
      return { verdict, by: model.name, what, cpuMs };
    }
    const left = unheard === 0 ? {} : { left: unheard };
    if (first !== null) return { verdict: 'graph', ...first, ...left, cpuMs };
    return { verdict: unheard === 0 ? 'survived' : 'undecided', ...left, cpuMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
