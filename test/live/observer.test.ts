/** An observer among three voters: it serves clients, follows what is written elsewhere, and counts for nothing. */
import test from 'ava';
import type { Reply } from '../../core/service/request.js';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually, startEnsemble } from '../system/ensemble.js';
import { installKazoo, runKazoo } from '../system/kazoo.js';
import { brokenPromises, startLoad } from '../system/load.js';

const observer = 4;

test.before(() => void installKazoo());

test('kazoo on an observer: data, ACL, multi, watches, locks, ephemerals', async (t) => {
  const ensemble = await startEnsemble({ size: 4, observers: 1 });
  t.teardown(ensemble.stop);
  const sections = ['modes', 'read_write', 'acls', 'multi', 'watches', 'ephemeral', 'lock'] as const;
  const ran = await runKazoo(ensemble.connectString(observer), sections);
  t.is(ran.code, 0, ran.said);
  t.is(ran.held.length, sections.length, ran.said);
});

const connected = (port: number): Promise<Client> =>
  eventually('a client is served', () => connectClient(port).catch(() => null));

const create = (client: Client, path: string): Promise<Reply> =>
  client.call({ op: 'create', path, data: Buffer.from(path), acl: openAcl, flags: 0 });
const exists = async (client: Client, path: string): Promise<number> =>
  (await client.call({ op: 'exists', path, watch: false })).err;

test('an observer serves reads and writes, through the death of a leader and its own', async (t) => {
  const ensemble = await startEnsemble({ size: 4, observers: 1 });
  t.teardown(ensemble.stop);
  const portOf = (id: number): number => ensemble.members[id - 1]?.clientPort ?? 0;
  t.is((await ensemble.served(observer))?.mode, 'observer');
  t.not(await ensemble.leader(), observer);

  const here = await connected(portOf(observer));
  const there = await connected(portOf(1));
  t.is((await create(here, '/of-the-observer')).err, 0);
  t.is(await exists(here, '/of-the-observer'), 0);
  await there.call({ op: 'sync', path: '/' });
  t.is(await exists(there, '/of-the-observer'), 0);
  t.is((await create(there, '/of-a-voter')).err, 0);
  t.is((await here.call({ op: 'sync', path: '/' })).err, 0);
  t.is(await exists(here, '/of-a-voter'), 0);

  const load = await startLoad({ ports: [portOf(observer)], name: 'observed' });
  await load.acknowledged(300);
  const leader = await ensemble.leader();
  await ensemble.kill(leader);
  await load.acknowledged(300);
  ensemble.start(leader);
  await ensemble.kill(observer);
  ensemble.start(observer);
  await load.acknowledged(300);
  await load.stop();
  await ensemble.waitServing();
  const ports = ensemble.members.map((m) => m.clientPort);
  t.deepEqual((await brokenPromises(ports, load.promised)).slice(0, 5), []);
});

test('two of three voters make a quorum without the observer, and one with it makes none', async (t) => {
  const ensemble = await startEnsemble({ size: 4, observers: 1 });
  t.teardown(ensemble.stop);
  const leader = await ensemble.leader();
  const [first = 0, second = 0] = [1, 2, 3].filter((id) => id !== leader);
  await ensemble.kill(first, observer);
  const client = await connected(ensemble.members[leader - 1]?.clientPort ?? 0);
  t.is((await create(client, '/two')).err, 0);
  ensemble.start(observer);
  await ensemble.waitServing(observer);
  await ensemble.kill(second);
  await eventually('the leader has given up', async () => (client.isOpen() ? null : true));
  // A client may lose its connection before that, on a busy machine.
  await eventually('the leader serves nobody', async () => ((await ensemble.served(leader)) === null ? true : null));
  ensemble.start(second);
  await ensemble.waitServing(leader, second, observer);
  t.is(await exists(await connected(ensemble.members[observer - 1]?.clientPort ?? 0), '/two'), 0);
});
