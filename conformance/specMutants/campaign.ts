/** Mutants of some modules, one after another or a few at a time, with what became of each kept at once. */
import { createHash } from 'node:crypto';
import type { Model } from '../models.js';
import type { Fate, HuntOptions, Row } from './hunt.js';
import { hunt, rowsOf } from './hunt.js';
import type { SpecMutant } from './mutate.js';
import type { Entry, ModuleResults, Results } from './results.js';
import { entryOf, isSettled, standing, withEntry, writeResults } from './results.js';
import type { Library } from './scope.js';
import { modelsOf, mutantsFor } from './scope.js';

export type CampaignOptions = HuntOptions & {
  readonly library: Library;
  /** Those that may be run: of the tiers that were asked for. */
  readonly models: readonly Model[];
  readonly modules: readonly string[];
  /** Only these mutants, by id; all when absent. */
  readonly only?: ReadonlySet<string>;
  /** So many mutants of each module; all when absent. */
  readonly sample?: number;
  readonly seed: number;
  readonly jobs: number;
  /** CPU seconds beyond which a model is too large for one mutant. */
  readonly rowSeconds: number;
  readonly out: string;
  readonly command: string;
  readonly tell: (event: CampaignEvent) => void;
};

export type CampaignEvent =
  | { readonly type: 'wrong'; readonly model: string; readonly why: string }
  | { readonly type: 'mutant'; readonly done: number; readonly of: number; readonly entry: Entry };

/** The same mutants for the same seed, also when others are added. */
export const sampleOf = (mutants: readonly SpecMutant[], n: number, seed: number): readonly SpecMutant[] => {
  const draw = (m: SpecMutant): string => createHash('sha256').update(`${seed} ${m.id}`).digest('hex');
  const chosen = new Set(
    [...mutants]
      .map((m) => [draw(m), m] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, n)
      .map(([, m]) => m),
  );
  return mutants.filter((m) => chosen.has(m));
};

/** @returns the results, with those of earlier runs that still stand; how many mutants were run now */
export const campaign = async (
  before: Results,
  options: CampaignOptions,
): Promise<{ readonly results: Results; readonly ran: number }> => {
  let results: Results = { ...before, command: options.command };
  let ran = 0;
  for (const name of options.modules) {
    const models = modelsOf(options.library, options.models, name);
    const all = mutantsFor(options.library, models, name);
    const known = results.modules[name];
    const kept = all.flatMap((m) => standing(known?.entries ?? [], m, models) ?? []);
    const entryFor = new Map(kept.map((e) => [e.id, e]));
    const wanted = options.sample === undefined ? all : sampleOf(all, options.sample, options.seed);
    const chosen = wanted.filter((m) => options.only?.has(m.id) !== false);
    const open = chosen.filter((m) => !isSettled(entryFor.get(m.id), known?.budget ?? 0, options.budget));
    let module: ModuleResults = {
      mutants: all.length,
      budget: options.budget,
      rows: known?.rows ?? [],
      entries: kept,
    };
    const keep = (): void => {
      results = { ...results, modules: { ...results.modules, [name]: module } };
      writeResults(options.out, results);
    };
    if (open.length > 0) {
      const rows = rowsOf(models, options.rowSeconds);
      module = { ...module, rows: rows.map((r) => r.model.name) };
      const onFate = (mutant: SpecMutant, fate: Fate): void => {
        const entry = entryOf(mutant, models, fate);
        module = withEntry(module, entry);
        keep();
        ran++;
        options.tell({ type: 'mutant', done: module.entries.length, of: all.length, entry });
      };
      if (rows.length > 0) await eachOf(open, rows, options, onFate);
    }
    const place = new Map(all.map((m, at) => [m.id, at]));
    const entries = [...module.entries].sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
    module = { ...module, entries };
    keep();
    if (options.signal?.aborted === true) break;
  }
  return { results, ran };
};

const eachOf = async (
  mutants: readonly SpecMutant[],
  rows: readonly Row[],
  options: CampaignOptions,
  onFate: (mutant: SpecMutant, fate: Fate) => void,
): Promise<void> => {
  const waiting = [...mutants];
  const isOver = (): boolean => options.signal?.aborted === true;
  const onWrong = (model: string, why: string): void => options.tell({ type: 'wrong', model, why });
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (isOver()) return;
      const fate = await hunt(next, rows, { ...options, onWrong });
      // A run that was interrupted says nothing of its last mutant.
      if (!isOver()) onFate(next, fate);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, worker));
};
