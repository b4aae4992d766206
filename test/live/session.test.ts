import test from 'ava';
import { zeroZxid } from '../../core/data/zxid.js';
import type { SetDataRequest, CreateRequest } from '../../core/service/request.js';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually, startEnsemble } from '../system/ensemble.js';
import { anyClient } from '../system/load.js';

const ephemeral = 1;
const create = (path: string, flags = 0): CreateRequest => ({ op: 'create', path, data: null, acl: openAcl, flags });
const set = (path: string, text: string): SetDataRequest => ({
  op: 'setData',
  path,
  data: Buffer.from(text),
  version: -1,
});
const shown = (client: Client): readonly string[] => client.events.map((e) => `${e.type} ${e.path}`).toSorted();

test('a session moves when the leader is killed: what its watches missed is told, its ephemeral goes with it', async (t) => {
  const ensemble = await startEnsemble({ size: 3, tickTime: 500 });
  t.teardown(ensemble.stop);
  const leader = await ensemble.leader();
  const portOf = (id: number): number => ensemble.members.find((m) => m.id === id)?.clientPort ?? 0;
  const others = ensemble.members.map((m) => m.id).filter((id) => id !== leader);
  const before = await connectClient(portOf(leader));
  const { session, password } = before.session;
  for (const request of [create('/w'), create('/quiet'), create('/mine', ephemeral)])
    t.is((await before.call(request)).err, 0);
  await before.call({ op: 'exists', path: '/later', watch: true });
  await before.call({ op: 'getChildren', path: '/w', watch: true });
  await before.call({ op: 'getData', path: '/quiet', watch: true });
  const { zxid: seen } = await before.call({ op: 'getData', path: '/w', watch: true });
  const zxid = seen ?? zeroZxid;
  await ensemble.kill(leader);
  t.deepEqual(shown(before), []);

  // While the session has no connection, others change what it watches.
  const meanwhile = await anyClient(others.map(portOf));
  for (const request of [set('/w', 'x'), create('/w/child'), create('/later')])
    t.is((await meanwhile.call(request)).err, 0);

  const missed = ['1 /later', '3 /w', '4 /w'];
  for (const id of others) {
    const after = await connectClient(portOf(id), { session, password, lastZxidSeen: zxid });
    t.is(after.session.session, session);
    const watches = {
      data: ['/w', '/quiet'],
      exist: ['/later'],
      child: ['/w'],
      persistent: [],
      persistentRecursive: [],
    };
    await after.call({ op: 'setWatches', relativeZxid: zxid, ...watches });
    await eventually('what was missed is told', () => (after.events.length >= missed.length ? true : null));
    t.deepEqual(shown(after), missed);
    const { body } = await after.call({ op: 'exists', path: '/mine', watch: false });
    t.is(body.type === 'stat' ? body.stat.ephemeralOwner : 'gone', session);
    // What was not missed is told when it happens.
    if (!missed.includes('3 /quiet')) {
      await meanwhile.call(set('/quiet', 'x'));
      await eventually('what was set again fires', () => (shown(after).includes('3 /quiet') ? true : null));
      missed.splice(1, 0, '3 /quiet');
    }
    after.cut();
  }
  const last = await connectClient(portOf(others[0] ?? 0), { session, password });
  t.is((await last.call({ op: 'closeSession' })).err, 0);
  await meanwhile.call({ op: 'sync', path: '/' });
  t.is((await meanwhile.call({ op: 'exists', path: '/mine', watch: false })).body.type, 'none');
  await t.throwsAsync(connectClient(portOf(others[0] ?? 0), { session, password }), { message: /not valid/ });
});

test('a session is not given to a client with another password, nor one that never was', async (t) => {
  const ensemble = await startEnsemble({ size: 1 });
  t.teardown(ensemble.stop);
  const port = ensemble.members[0]?.clientPort ?? 0;
  const owner = await connectClient(port);
  t.is((await owner.call(create('/mine', ephemeral))).err, 0);
  const { session, password } = owner.session;
  const wrong = Buffer.from(password);
  wrong[0] = (wrong[0] ?? 0) ^ 1;
  await t.throwsAsync(connectClient(port, { session, password: wrong }), { message: /not valid/ });
  await t.throwsAsync(connectClient(port, { session: '0100000000000001', password }), { message: /not valid/ });
  const again = await connectClient(port, { session, password });
  const { body } = await again.call({ op: 'exists', path: '/mine', watch: false });
  t.is(body.type === 'stat' ? body.stat.ephemeralOwner : 'gone', session);
});
