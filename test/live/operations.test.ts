/** Operations that change what lives how long, and watches that stay, on three servers. */
import test from 'ava';
import { connectClient, openAcl } from '../system/client.js';
import { eventually, startEnsemble } from '../system/ensemble.js';

const settings = [
  'extendedTypesEnabled=true',
  'enforceQuota=true',
  'znode.container.checkIntervalMs=200',
  'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
];

test('a follower’s clients: watches that stay, containers and TTL nodes that go, the super user, a hard quota', async (t) => {
  const ensemble = await startEnsemble({ size: 3, settings });
  t.teardown(ensemble.stop);
  const leader = await ensemble.leader();
  const portOf = (id: number): number => ensemble.members.find((m) => m.id === id)?.clientPort ?? 0;
  const follower = ensemble.members.map((m) => m.id).find((id) => id !== leader) ?? 0;
  const watcher = await connectClient(portOf(follower));
  const writer = await connectClient(portOf(leader));
  const node = { data: Buffer.from('x'), acl: openAcl, flags: 0 } as const;

  t.is((await watcher.call({ op: 'addWatch', path: '/w', mode: 1 })).err, 0);
  t.is((await writer.call({ op: 'create', path: '/w', ...node })).err, 0);
  t.is((await writer.call({ op: 'createContainer', path: '/w/c', ...node, flags: 4 })).err, 0);
  t.is((await writer.call({ op: 'create', path: '/w/c/x', ...node })).err, 0);
  t.is((await watcher.call({ op: 'createTTL', path: '/w/t', ...node, flags: 5, ttl: 300 })).err, 0);
  t.is((await writer.call({ op: 'delete', path: '/w/c/x', version: -1 })).err, 0);
  // The leader reaps both; the watch of a follower's client tells of it.
  const gone = (path: string): true | null =>
    watcher.events.some((e) => e.type === 2 && e.path === path) ? true : null;
  await eventually('the container goes', () => gone('/w/c'));
  await eventually('the TTL node goes', () => gone('/w/t'));
  t.deepEqual(
    watcher.events.filter((e) => e.type === 1).map((e) => e.path),
    ['/w', '/w/c', '/w/c/x', '/w/t'],
  );
  t.is((await watcher.call({ op: 'removeWatches', path: '/w', kind: 5 })).err, 0);
  t.is((await watcher.call({ op: 'checkWatches', path: '/w', kind: 3 })).err, -121);

  const shut = [{ perms: 31, scheme: 'digest', id: 'nobody:x' }];
  t.is((await writer.call({ op: 'create', path: '/shut', ...node, acl: shut })).err, 0);
  t.is((await watcher.call({ op: 'sync', path: '/shut' })).err, 0);
  t.is((await watcher.call({ op: 'setData', path: '/shut', data: null, version: -1 })).err, -102);
  t.is((await watcher.call({ op: 'auth', scheme: 'digest', auth: Buffer.from('super:secret') })).err, 0);
  t.is((await watcher.call({ op: 'setData', path: '/shut', data: null, version: -1 })).err, 0);

  const limits = Buffer.from('count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2');
  for (const [path, data] of [
    ['/zookeeper/quota/w', null],
    ['/zookeeper/quota/w/zookeeper_limits', limits],
    ['/zookeeper/quota/w/zookeeper_stats', null],
  ] as const)
    t.is((await writer.call({ op: 'create', path, ...node, data })).err, 0);
  t.is((await watcher.call({ op: 'create', path: '/w/1', ...node })).err, 0);
  t.is((await watcher.call({ op: 'create', path: '/w/2', ...node })).err, -125);
  const use = await watcher.call({ op: 'getData', path: '/zookeeper/quota/w/zookeeper_stats', watch: false });
  t.is(use.body.type === 'dataStat' ? Buffer.from(use.body.data ?? []).toString() : '', 'count=2,bytes=2');
  t.is((await watcher.call({ op: 'reconfig', joining: null, leaving: '1', members: null, version: null })).err, -123);
  t.true(watcher.isOpen());
});
