import test from 'ava';
import type { ExecutionContext } from 'ava';
import { brokenPromises, startLoad } from '../system/load.js';
import type { Promised } from '../system/load.js';
import type { Forgets } from '../../shell/storage/memoryDisk.js';
import { chooser, createTwins, moments } from './twins.js';
import type { Moment, Twins } from './twins.js';

const twinsOf = async (t: ExecutionContext, seed: number, forgets: Forgets = {}): Promise<Twins> => {
  const twins = await createTwins({ choose: chooser(seed), forgets });
  t.teardown(twins.stop);
  twins.start();
  await twins.waitServing();
  return twins;
};

const merged = (all: readonly Promised[]): Promised => ({
  created: new Map(all.flatMap((p) => [...p.created])),
  versions: new Map(all.flatMap((p) => [...p.versions])),
  unknown: all.flatMap((p) => p.unknown),
});

/** Cuts the power of all servers at each of the moments in turn. Gives what was lost, [] for nothing. */
const cutAll = async (twins: Twins, at: readonly Moment[], writes: number): Promise<readonly string[]> => {
  const promised: Promised[] = [];
  for (const [round, moment] of at.entries()) {
    const load = await startLoad({ ports: twins.ports, name: `round-${round}` });
    promised.push(load.promised);
    await load.acknowledged(writes);
    await twins.powerCut(moment);
    await load.stop();
    twins.start();
    await twins.waitServing();
    const broken = await brokenPromises(twins.ports, merged(promised));
    if (broken.length > 0)
      return [`round ${round}, power cut ${moment} the sync`, ...broken.slice(0, 5), twins.story()];
  }
  return [];
};

test('the power of all servers is cut before, during and after syncs: every acknowledged write is there', async (t) => {
  const twins = await twinsOf(t, 20261121);
  t.deepEqual(await cutAll(twins, [...moments, ...moments], 150), []);
});

test('the leader’s power is cut under load, again and again: every acknowledged write is there', async (t) => {
  const twins = await twinsOf(t, 7);
  const load = await startLoad({ ports: twins.ports, name: 'leader' });
  for (const moment of moments) {
    await load.acknowledged(150);
    const leader = await twins.leader();
    await twins.powerCut(moment, leader);
    await load.acknowledged(150);
    twins.start(leader);
    await twins.waitServing();
  }
  await load.stop();
  t.deepEqual((await brokenPromises(twins.ports, load.promised)).slice(0, 5), [], twins.story());
});

const isLog = (path: string): boolean => path.includes('/log.');

test('it is noticed when servers acknowledge without a sync of their log', async (t) => {
  const twins = await twinsOf(t, 1, { sync: isLog });
  const [what = '', first = ''] = await cutAll(twins, ['before'], 150);
  t.regex(what, /power cut before the sync/);
  t.regex(first, /was acknowledged/);
});
