import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createEnsemble, startEnsemble } from '../system/ensemble.js';
import type { Ensemble } from '../system/ensemble.js';
import { brokenPromises, startLoad } from '../system/load.js';
import type { Promised } from '../system/load.js';

const rounds = 3;
const writesBetweenKills = 400;

const ensembleOf = async (t: ExecutionContext, size: number): Promise<Ensemble> => {
  const ensemble = await startEnsemble({ size });
  t.teardown(ensemble.stop);
  return ensemble;
};
const portsOf = (ensemble: Ensemble): readonly number[] => ensemble.members.map((m) => m.clientPort);

/** Loads of all rounds together: what an earlier round was promised must outlive the later ones as well. */
const merged = (all: readonly Promised[]): Promised => ({
  created: new Map(all.flatMap((p) => [...p.created])),
  versions: new Map(all.flatMap((p) => [...p.versions])),
  unknown: all.flatMap((p) => p.unknown),
});

test('all servers are killed at once under load, again and again: every acknowledged write is there', async (t) => {
  const ensemble = await ensembleOf(t, 3);
  const ports = portsOf(ensemble);
  const promised: Promised[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const load = await startLoad({ ports, name: `all-${round}` });
    promised.push(load.promised);
    await load.acknowledged(writesBetweenKills);
    await ensemble.kill();
    await load.stop();
    ensemble.start();
    await ensemble.waitServing();
    t.deepEqual((await brokenPromises(ports, merged(promised))).slice(0, 5), [], `round ${round + 1}`);
  }
  const { created, unknown } = merged(promised);
  t.true(created.size > 0 && unknown.length > 0, 'the kills must hit writes that are under way');
  t.log(`${created.size} znodes acknowledged, ${unknown.length} writes cut off`);
});

test('the leader is killed under load, again and again: every acknowledged write is there, on all servers', async (t) => {
  const ensemble = await ensembleOf(t, 3);
  const ports = portsOf(ensemble);
  const load = await startLoad({ ports, name: 'leader' });
  const killed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await load.acknowledged(writesBetweenKills);
    const leader = await ensemble.leader();
    await ensemble.kill(leader);
    killed.push(leader);
    // The two others go on without it.
    await load.acknowledged(writesBetweenKills);
    ensemble.start(leader);
    await ensemble.waitServing(leader);
  }
  await load.stop();
  await ensemble.waitServing();
  t.deepEqual((await brokenPromises(ports, load.promised)).slice(0, 5), []);
  t.log(`leaders killed: ${killed.join(', ')}; ${load.promised.created.size} znodes acknowledged`);
});

test('the account notices what is lost: the newest entries of the log are cut off behind the server’s back', async (t) => {
  const ensemble = await createEnsemble({ size: 1, settings: ['preAllocSize=64'] });
  t.teardown(ensemble.stop);
  ensemble.start();
  await ensemble.waitServing();
  const ports = portsOf(ensemble);
  const load = await startLoad({ ports, name: 'cut', writers: 1 });
  await load.acknowledged(40);
  await load.stop();
  t.deepEqual(await brokenPromises(ports, load.promised), []);
  await ensemble.kill();
  const dir = join(ensemble.members[0]?.dir ?? '', 'version-2');
  const logs = fs.readdirSync(dir).filter((name) => name.startsWith('log.'));
  t.is(logs.length, 1);
  const path = join(dir, logs[0] ?? '');
  const bytes = fs.readFileSync(path);
  // The file ends in zeros that were allocated ahead.
  let end = bytes.length;
  while (bytes[end - 1] === 0) end -= 1;
  fs.truncateSync(path, Math.floor(end * 0.7));
  ensemble.start();
  await ensemble.waitServing();
  const broken = await brokenPromises(ports, load.promised);
  t.true(
    broken.some((b) => b.endsWith('was acknowledged and is gone')),
    broken.join('\n'),
  );
});
