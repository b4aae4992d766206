/** Runs without end, each by its number: what simulations and hunts for mutants work through. */
import { chanceOf } from './chance.js';
import { calm } from './run.js';
import type { Options, Outcome, RunSeed } from './run.js';
import { harmsFor } from './story.js';

const sizes = [3, 5, 3, 1, 4, 3, 2];

/** The seed and options of run `n`: every fifth without faults, all with small logs, so that snapshots are sent. */
export const nthRun = (n: number): { readonly seed: number; readonly options: Options } => {
  const chance = chanceOf(Math.imul(n, 0x9e3779b1));
  const servers = sizes[n % sizes.length] as number;
  const isCalm = n % 5 === 1;
  const story = Array.from({ length: isCalm ? 20 : 50 }, () =>
    isCalm || chance.percent(30) ? 0 : chance.below(harmsFor(servers)),
  );
  const options: Options = {
    servers,
    clients: 1 + (n % 4),
    story,
    snapCount: 5 + chance.below(30),
    commitLogCount: 2 + chance.below(10),
    disk: calm.disk,
    twins: calm.twins,
  };
  return { seed: n, options };
};

/** The first of these runs that breaks an invariant; null: none does. */
export const firstFailure = (runSeed: RunSeed, from: number, to: number): Outcome | null => {
  for (let n = from; n < to; n++) {
    const { seed, options } = nthRun(n);
    const outcome = runSeed(seed, options);
    if (outcome.violation !== null) return outcome;
  }
  return null;
};
