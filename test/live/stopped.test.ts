/** Servers that stand still for longer than anybody waits for them, then go on as if nothing had been. */
import test from 'ava';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually, sleep, startEnsemble } from '../system/ensemble.js';
import type { Ensemble } from '../system/ensemble.js';
import { brokenPromises, startLoad } from '../system/load.js';
import { askServed } from '../system/words.js';

const portOf = (ensemble: Ensemble, id: number): number => ensemble.members.find((m) => m.id === id)?.clientPort ?? 0;

/** Keeps a session alive over one connection. */
const pinged = (client: Client): (() => void) => {
  const timer = setInterval(() => void client.call({ op: 'ping' }).catch(() => undefined), 300);
  return () => clearInterval(timer);
};
const ephemeral = (path: string) => ({ op: 'create', path, data: null, acl: openAcl, flags: 1 }) as const;

test('the leader stands still: another leads, and the old one, when it goes on, acknowledges nothing as a leader', async (t) => {
  const ensemble = await startEnsemble({ size: 3 });
  const old = await ensemble.leader();
  t.teardown(async () => {
    if (ensemble.isRunning(old)) process.kill(ensemble.pid(old), 'SIGCONT');
    await ensemble.stop();
  });
  const others = ensemble.members.map((m) => m.id).filter((id) => id !== old);
  const load = await startLoad({ ports: others.map((id) => portOf(ensemble, id)), name: 'load' });
  const stranded = await connectClient(portOf(ensemble, old), { timeoutMs: 4000 });
  t.is((await stranded.call(ephemeral('/stranded'))).err, 0);
  await load.acknowledged(100);

  process.kill(ensemble.pid(old), 'SIGSTOP');
  const attempts = [1, 2, 3].map((n) =>
    stranded.call({ ...ephemeral(`/late-${n}`), flags: 0 }).then(
      ({ err }) => err,
      () => 'no answer',
    ),
  );
  // Nobody waits longer than syncLimit; a session ends after its timeout with the new leader.
  await load.acknowledged(100);
  const watcher = await connectClient(portOf(ensemble, others[0] ?? 0));
  const stopPings = pinged(watcher);
  const isThere = async (path: string): Promise<boolean> =>
    (await watcher.call({ op: 'exists', path, watch: false })).body.type === 'stat';
  t.is((await watcher.call(ephemeral('/watcher'))).err, 0);
  await eventually('the session that is with nobody ends', async () => ((await isThere('/stranded')) ? null : true));
  t.true(await isThere('/watcher'));

  process.kill(ensemble.pid(old), 'SIGCONT');
  t.deepEqual(await Promise.all(attempts), ['no answer', 'no answer', 'no answer']);
  await eventually('it follows', async () =>
    (await askServed(portOf(ensemble, old)))?.mode === 'follower' ? true : null,
  );
  await load.acknowledged(100);
  await load.stop();
  await ensemble.level();
  for (const n of [1, 2, 3]) t.false(await isThere(`/late-${n}`));
  t.true(await isThere('/watcher'));
  t.true(watcher.isOpen(), 'a client of another server was disturbed');
  stopPings();
  t.deepEqual(
    (
      await brokenPromises(
        ensemble.members.map((m) => m.clientPort),
        load.promised,
      )
    ).slice(0, 5),
    [],
  );
});

test('a follower stands still: the others go on at once, and it catches up', async (t) => {
  const ensemble = await startEnsemble({ size: 3 });
  const leader = await ensemble.leader();
  const [still = 0, awake = 0] = ensemble.members.map((m) => m.id).filter((id) => id !== leader);
  t.teardown(async () => {
    if (ensemble.isRunning(still)) process.kill(ensemble.pid(still), 'SIGCONT');
    await ensemble.stop();
  });
  const load = await startLoad({ ports: [leader, awake].map((id) => portOf(ensemble, id)), name: 'load' });
  const watcher = await connectClient(portOf(ensemble, awake));
  const stopPings = pinged(watcher);
  await load.acknowledged(100);
  process.kill(ensemble.pid(still), 'SIGSTOP');
  await load.acknowledged(100);
  await sleep(4000);
  await load.acknowledged(100);
  process.kill(ensemble.pid(still), 'SIGCONT');
  await load.acknowledged(100);
  await load.stop();
  await ensemble.level();
  t.is(await ensemble.leader(), leader);
  t.true(watcher.isOpen(), 'a client of another server was disturbed');
  stopPings();
  t.deepEqual(
    (
      await brokenPromises(
        ensemble.members.map((m) => m.clientPort),
        load.promised,
      )
    ).slice(0, 5),
    [],
  );
});
