/** node-zookeeper-client; what it prints is read by the test (README.md). Usage: session.mjs CLIENT_DIR HOSTS [owner]. */
import { strict as assert } from 'node:assert';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [clientDir, hosts, role] = process.argv.slice(2);
const zookeeper = createRequire(join(clientDir, 'index.js'))('node-zookeeper-client');
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const patienceMs = 30_000;

const say = (line) => process.stdout.write(`${line}\n`);
const ask = async (what) => {
  say(`ask ${what}`);
  assert.equal((await input.next()).done, false, `nobody did what was asked: ${what}`);
};

/** Things that happen, taken one by one. */
const queue = () => {
  const there = [];
  const takers = [];
  return {
    add: (x) => (takers.length > 0 ? takers.shift()(x) : there.push(x)),
    clear: () => there.splice(0),
    take: (what) =>
      new Promise((resolve, reject) => {
        if (there.length > 0) return resolve(there.shift());
        const timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), patienceMs);
        takers.push((x) => {
          clearTimeout(timer);
          resolve(x);
        });
      }),
  };
};

const open = async (sessionTimeout) => {
  const client = zookeeper.createClient(hosts, { sessionTimeout, spinDelay: 100 });
  const states = queue();
  client.on('state', (state) => states.add(state.name));
  const waitFor = async (name) => {
    for (;;) {
      const state = await states.take(name);
      if (state === name) return;
      assert.notEqual(state, 'EXPIRED');
    }
  };
  client.connect();
  await waitFor('SYNC_CONNECTED');
  const call = (method, ...args) =>
    new Promise((resolve, reject) =>
      client[method](...args, (error, ...results) => (error ? reject(error) : resolve(results))),
    );
  return { client, states, waitFor, call };
};

const { CreateMode, Exception } = zookeeper;

const main = async () => {
  const { client, states, waitFor, call } = await open(5000);
  const events = queue();
  const expect = async (name, path) => {
    const event = await events.take(`${name} ${path}`);
    assert.deepEqual([event.getName(), event.getPath()], [name, path]);
  };
  say('ok connect');
  assert.deepEqual(await call('create', '/s', Buffer.from('one')), ['/s']);
  const [sequential] = await call('create', '/s/q-', CreateMode.PERSISTENT_SEQUENTIAL);
  assert.equal(sequential, '/s/q-0000000000');
  await assert.rejects(call('create', '/s'), (e) => e.getCode() === Exception.NODE_EXISTS);
  say('ok create');
  const [data] = await call('getData', '/s');
  assert.equal(data.toString(), 'one');
  assert.deepEqual((await call('getChildren', '/s'))[0], ['q-0000000000']);
  say('ok read');
  const [stat] = await call('setData', '/s', Buffer.from('two'), 0);
  assert.equal(stat.version, 1);
  await assert.rejects(call('setData', '/s', Buffer.from('no'), 0), (e) => e.getCode() === Exception.BAD_VERSION);
  const multi = client.transaction().create('/s/m', Buffer.from('m')).check('/s', 1).remove('/s/m', 0);
  await new Promise((resolve, reject) => multi.commit((error, results) => (error ? reject(error) : resolve(results))));
  say('ok write');
  await call('getData', '/s', events.add);
  await ask('write /s three');
  await expect('NODE_DATA_CHANGED', '/s');
  say('ok watch');
  await ask('start-owner');
  assert.ok((await call('exists', '/owned', events.add))[0]);
  await ask('kill-owner');
  await expect('NODE_DELETED', '/owned');
  say('ok ephemeral');
  const session = client.getSessionId().toString('hex');
  await call('create', '/s/mine', CreateMode.EPHEMERAL);
  await call('getData', '/s', events.add);
  states.clear();
  await ask('kill-leader');
  await waitFor('DISCONNECTED');
  await waitFor('SYNC_CONNECTED');
  assert.equal(client.getSessionId().toString('hex'), session);
  const [mine] = await call('exists', '/s/mine');
  assert.equal(mine.ephemeralOwner.toString('hex'), session);
  await ask('write /s four');
  await expect('NODE_DATA_CHANGED', '/s');
  client.close();
  await waitFor('DISCONNECTED');
  say('ok failover');
  process.exit(0);
};

const owner = async () => {
  const { call } = await open(1500);
  await call('create', '/owned', CreateMode.EPHEMERAL);
  say('ready');
};

await (role === 'owner' ? owner() : main());
