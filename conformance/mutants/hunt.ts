/** Whether anything notices a mutant: the graph of its model, or the random runs. */
import * as E from 'fp-ts/lib/Either.js';
import type { Model } from '../models.js';
import { firstFailure } from '../random/many.js';
import type { Loaded } from './sources.js';
import type { Mutant } from './table.js';
import { firstParting } from './walk.js';
import type { TlcGraph } from './walk.js';

/** So many random runs at most: a mutant that survives them all has survived. */
export const mostRuns = 120;

/** How a copy of the core with this mutant was found out; null: it was not. */
export const foundOut = (
  mutant: Pick<Mutant, 'caughtBy' | 'firstRun'>,
  copy: Loaded,
  graphs: ReadonlyMap<string, { readonly model: Model; readonly graph: TlcGraph }>,
): string | null => {
  if (mutant.caughtBy === 'random') {
    const first = mutant.firstRun ?? 0;
    const failure = firstFailure(copy.runSeed, first, first + mostRuns)?.violation ?? null;
    return failure === null ? null : `${failure.name}: ${failure.detail}`;
  }
  const known = graphs.get(mutant.caughtBy);
  if (known === undefined) return null;
  const mirror = copy.mirrors[known.model.compare ?? '']?.(known.model) ?? E.left('there is no such mirror');
  if (E.isLeft(mirror)) return `no initial state: ${mirror.left}`;
  const parting = firstParting(mirror.right, known.graph);
  return parting === null ? null : `${parting.what}: ${parting.label}, ${parting.depth} states from Init`;
};
