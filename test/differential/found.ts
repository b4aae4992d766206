/** Two servers of ours side by side, one of them perhaps with a bug. */
import type { ExecutionContext } from 'ava';
import { createServers } from '../compatibility/servers.js';
import { explain, search } from './compare.js';
import type { Divergence } from './compare.js';
import { mutated } from './mutants.js';
import type { Mutant } from './mutants.js';
import { settings } from './settings.js';
import type { Side } from './side.js';

export const sideOf = async (t: ExecutionContext, name: string, main?: string): Promise<Side> => {
  const wanted = { kind: 'ours', size: 1, tickTime: 2000, settings } as const;
  const servers = await createServers(main === undefined ? wanted : { ...wanted, main });
  t.teardown(servers.stop);
  servers.start();
  await servers.waitServing();
  return { name, ports: servers.members.map((m) => m.clientPort) };
};

export const searched = (a: Side, b: Side, operations: number): Promise<Divergence | null> =>
  search(a, b, { operations, seed: 1, length: 40 }, () => undefined);

/** Fails unless the bug is found, by as few steps as tell the story. */
export const isFound = async (t: ExecutionContext, mutant: Mutant): Promise<void> => {
  const copy = mutated(mutant);
  t.teardown(copy.remove);
  const [ours, theirs] = [await sideOf(t, 'ours'), await sideOf(t, 'mutant', copy.main)];
  const found = await searched(ours, theirs, 20_000);
  t.truthy(found);
  t.true((found?.program.length ?? 99) <= 6, found === null ? '' : explain(found));
  t.notDeepEqual(found?.ours, found?.theirs);
};
