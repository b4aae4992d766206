/** Disks that fail under a server with real limits of the system: it stops, says why, and nothing acknowledged is lost. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { createEnsemble, eventually, zabkeeper } from '../system/ensemble.js';
import type { Ensemble, Member } from '../system/ensemble.js';
import { brokenPromises, startLoad } from '../system/load.js';

type Failing = { readonly ensemble: Ensemble; readonly victim: Member; readonly heal: () => void };

/** The last of the servers may write no file longer than so many kilobytes, until it is healed. */
const limited = async (t: ExecutionContext, kilobytes: number, settings: readonly string[]): Promise<Failing> => {
  let isLimited = true;
  const ensemble = await createEnsemble({
    size: 3,
    settings,
    command: (member) => {
      const { file, args } = zabkeeper(member);
      if (!isLimited || member.id !== 3) return { file, args };
      // POSIX counts blocks of 512 bytes.
      const script = `ulimit -f ${2 * kilobytes} && exec "$0" "$@"`;
      return { file: '/bin/sh', args: ['-c', script, file, ...args] };
    },
  });
  t.teardown(ensemble.stop);
  const victim = ensemble.members[2];
  if (victim === undefined) throw new Error('there is no third server');
  ensemble.start();
  await ensemble.waitServing();
  return { ensemble, victim, heal: () => (isLimited = false) };
};

const portsOf = ({ members }: Ensemble): readonly number[] => members.map((m) => m.clientPort);
const logOf = ({ dir }: Member): string => fs.readFileSync(join(dir, 'server.log'), 'utf8');

/** Load until the victim has stopped, then some more without it; everything must be there when it is back. */
const outlives = async (t: ExecutionContext, { ensemble, victim, heal }: Failing, says: RegExp): Promise<void> => {
  const load = await startLoad({ ports: portsOf(ensemble), name: 'load' });
  await eventually('the server stops', () => (ensemble.isRunning(victim.id) ? null : true));
  await load.acknowledged(200);
  await load.stop();
  t.regex(logOf(victim), says);
  heal();
  ensemble.start(victim.id);
  await ensemble.waitServing();
  t.deepEqual((await brokenPromises(portsOf(ensemble), load.promised)).slice(0, 5), []);
};

test('a log that cannot grow: the server stops, the others go on, nothing acknowledged is lost', async (t) => {
  const failing = await limited(t, 300, ['preAllocSize=64']);
  await outlives(
    t,
    failing,
    /stopped: the disk failed \(log in \S+\/3\): EFBIG: file too large, write\n {2}raise the limit/,
  );
});

test('a snapshot that cannot be written: the server stops, the others go on, nothing acknowledged is lost', async (t) => {
  const failing = await limited(t, 100, ['preAllocSize=16', 'snapCount=150']);
  await outlives(t, failing, /stopped: the disk failed \(snapshot in \S+\/3\): EFBIG: file too large, write\n/);
  const names = fs.readdirSync(join(failing.victim.dir, 'version-2'));
  t.deepEqual(
    names.filter((name) => name.endsWith('.tmp')),
    [],
    'what was left of it goes at the next start',
  );
});

test('the data directory is removed under a server: it acknowledges nothing more and stops', async (t) => {
  const ensemble = await createEnsemble({ size: 3 });
  t.teardown(ensemble.stop);
  ensemble.start();
  await ensemble.waitServing();
  const victim = ensemble.members[2];
  if (victim === undefined) return t.fail('there is no third server');
  const load = await startLoad({ ports: portsOf(ensemble), name: 'load' });
  await load.acknowledged(100);
  fs.rmSync(join(victim.dir, 'version-2'), { recursive: true });
  await eventually('the server stops', () => (ensemble.isRunning(victim.id) ? null : true));
  await load.acknowledged(100);
  await load.stop();
  t.regex(logOf(victim), /stopped: the disk failed \(\w+ in \S+\/3\): .*\n {2}find out who removed files/);
  ensemble.start(victim.id);
  await ensemble.waitServing();
  t.deepEqual((await brokenPromises(portsOf(ensemble), load.promised)).slice(0, 5), []);
});
