/** Group H of the table of features: clients of others, and what people build with them. */
import { installKazoo } from '../system/kazoo.js';
import { source } from '../system/source.js';
import { runProgram } from '../system/told.js';
import type { Outcome } from '../system/told.js';
import { runSession, steps } from '../system/session.js';
import * as clients from '../system/clients.js';
import { create, done, errOf, exists, row, setData } from './frame.js';
import type { Servers } from './frame.js';

/** Runs one section of recipes.py; what it asks for is done to these servers. */
const recipe = (servers: Servers, section: string): Promise<Outcome> =>
  runProgram({
    file: 'python3',
    args: [source('compatibility/recipes.py'), servers.connectString(), section],
    env: { PYTHONPATH: installKazoo(), PYTHONDONTWRITEBYTECODE: '1' },
    onAsk: async (what) => {
      const [verb, ...ids] = what.split(' ');
      if (verb === 'stop') await servers.kill(...ids.map(Number));
      else if (verb === 'start') {
        servers.start(...ids.map(Number));
        await servers.waitServing();
      } else throw new Error(`nobody knows how to ${what}`);
    },
  });

const told = (id: string, title: string, section: string): void =>
  row(
    id,
    title,
    async ({ t, servers }) => {
      const three = await servers({ size: 3, settings: ['maxClientCnxns=0'] });
      const { code, held, said } = await recipe(three, section);
      t.deepEqual([code, held], [0, [section]], said);
    },
    { alone: true, slow: true },
  );

told('B9', 'a client below a path sees paths without it, in answers and events', 'chroot');
told('B10', 'a client that is given other servers goes there with its session', 'hosts');
told('H4', 'a client hears that it is connected, suspended and lost', 'states');
told('H5', 'after a reconnect watches are set and identities proved again', 'rewatch');
told('H6', 'names, configuration and group membership', 'names');
told('H7', 'barrier and double barrier', 'barriers');
told('H8', 'queue, priority queue, and a queue that each item leaves once', 'queues');
told('H9', 'lock, and shared lock', 'locks');
told('H10', 'two-phase commit', 'commit');
told('H11', 'leader election', 'election');

row('H3', 'a client that leaves the byte of read-only mode out is answered without it', async ({ t, path, client }) => {
  const c = await client(0, { readOnly: undefined! });
  t.is(c.session.readOnly, undefined);
  await done(c, create(path));
  t.is(await errOf(c, setData(path, 'x')), 0);
  t.is(await errOf(c, exists(path)), 0);
});

const session = (id: string, name: 'java' | 'c' | 'node' | 'go', title: string): void =>
  row(
    id,
    title,
    async ({ t }) => {
      const { code, held, said } = await runSession(clients[name]());
      t.is(code, 0, said);
      t.deepEqual(
        steps.filter((step) => !held.includes(step)),
        [],
      );
    },
    { alone: true, slow: true, oursOnly: true },
  );

session('H1', 'java', 'the Java client 3.9.4: its session, watches, ephemerals, failover');
session('H2', 'c', 'the C client 3.8, multi-threaded: the same');
session('H3', 'node', 'node-zookeeper-client: the same');
session('H3', 'go', 'go-zookeeper: the same');
