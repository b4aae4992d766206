/** Group C of the table of features: watches. Events are `type path`: 1 created, 2 deleted, 3 changed, 4 children. */
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest } from '../../core/service/request.js';
import {
  create,
  done,
  errOf,
  eventsOf,
  eventually,
  exists,
  getChildren,
  getData,
  openAcl,
  remove,
  row,
  setData,
  superAuth,
  superDigest,
  sync,
} from './frame.js';
import type { Client } from './frame.js';

const ping: ClientRequest = { op: 'ping' };
const setWatchesXid = -8;
/** What has arrived once this server has applied all that is committed. */
const heard = async (client: Client): Promise<readonly string[]> => {
  await done(client, sync('/'));
  await done(client, ping);
  return eventsOf(client);
};

const persistent = 0;
const recursive = 1;
const addWatch = (path: string, mode: number): ClientRequest => ({ op: 'addWatch', path, mode });

row('C1', 'a data watch hears of one change, or of the deletion', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  for (const name of ['', '/set', '/gone']) await done(writer, create(path + name));
  await done(watcher, sync('/'));
  for (const name of ['/set', '/gone']) await done(watcher, getData(path + name, true));
  await done(writer, setData(`${path}/set`, 'x'));
  await done(writer, remove(`${path}/gone`));
  t.deepEqual(await heard(watcher), [`3 ${path}/set`, `2 ${path}/gone`]);
});

row('C2', 'an exists watch hears of a later creation too', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  t.is(await errOf(watcher, exists(path, true)), errorCode.noNode);
  await done(writer, create(path));
  t.deepEqual(await heard(watcher), [`1 ${path}`]);
  await done(watcher, exists(path, true));
  await done(writer, remove(path));
  t.deepEqual(await heard(watcher), [`1 ${path}`, `2 ${path}`]);
});

row('C3', 'a child watch hears of a child that comes or goes, and of the deletion', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  await done(writer, create(path));
  const wanted: string[] = [];
  const steps = [create(`${path}/a`), remove(`${path}/a`), remove(path)];
  for (const [i, step] of steps.entries()) {
    await done(watcher, sync('/'));
    await done(watcher, getChildren(path, true));
    await done(writer, step);
    wanted.push(`${i === 2 ? 2 : 4} ${path}`);
    t.deepEqual(await heard(watcher), wanted);
  }
});

row('C3', 'one connection that watches data and children hears of the deletion once', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  for (const request of [getData(path, true), getChildren(path, true), exists(path, true)]) await done(c, request);
  await done(c, remove(path));
  t.deepEqual(await heard(c), [`2 ${path}`]);
});

row('C4', 'a watch is used up by its event', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await done(c, getData(path, true));
  await done(c, exists(path, true));
  for (const text of ['a', 'b', 'c']) await done(c, setData(path, text));
  t.deepEqual(await heard(c), [`3 ${path}`]);
  await done(c, getData(path, true));
  await done(c, setData(path, 'd'));
  t.deepEqual(await heard(c), [`3 ${path}`, `3 ${path}`]);
});

row('C5', 'a persistent watch goes on hearing of the node and of its children list', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  await done(watcher, addWatch(path, persistent));
  const below = `${path}/a`;
  for (const request of [create(path), setData(path, '1'), setData(path, '2'), create(below), setData(below, 'x')])
    await done(writer, request);
  for (const request of [create(`${below}/deep`), remove(`${below}/deep`), remove(below), remove(path)])
    await done(writer, request);
  t.deepEqual(
    await heard(watcher),
    [1, 3, 3, 4, 4, 2].map((type) => `${type} ${path}`),
  );
});

row('C6', 'a persistent recursive watch hears of the whole subtree', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  await done(watcher, addWatch(path, recursive));
  const below = `${path}/a`;
  for (const request of [create(path), create(below), create(`${below}/b`), setData(`${below}/b`, '1')])
    await done(writer, request);
  for (const request of [remove(`${below}/b`), remove(below), create(`${path}z`), remove(path)])
    await done(writer, request);
  const events = [`1 ${path}`, `1 ${below}`, `1 ${below}/b`, `3 ${below}/b`, `2 ${below}/b`, `2 ${below}`, `2 ${path}`];
  t.deepEqual(await heard(watcher), events);
});

row('C6', 'modes on one path add up', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await done(c, addWatch(path, recursive));
  await done(c, addWatch(path, persistent));
  await done(c, create(`${path}/a`));
  t.deepEqual(await heard(c), [`1 ${path}/a`, `4 ${path}`]);
  t.is(await errOf(c, addWatch(path, 7)), errorCode.marshallingError);
});

row('C7', 'a watch that is removed is silent; one that is not there is NOWATCHER', async ({ t, path, client }) => {
  const c = await client();
  const kinds = { children: 1, data: 2, any: 3, persistent: 4, recursive: 5 };
  const ask = (op: 'checkWatches' | 'removeWatches', kind: number) => errOf(c, { op, path, kind });
  await done(c, create(path));
  for (const kind of Object.values(kinds)) t.is(await ask('checkWatches', kind), errorCode.noWatcher);
  await done(c, getData(path, true));
  await done(c, getChildren(path, true));
  await done(c, addWatch(path, recursive));
  t.is(await ask('checkWatches', kinds.data), errorCode.ok);
  t.is(await ask('checkWatches', kinds.persistent), errorCode.noWatcher);
  t.is(await ask('removeWatches', kinds.data), errorCode.ok);
  t.is(await ask('removeWatches', kinds.data), errorCode.noWatcher);
  t.is(await ask('removeWatches', kinds.recursive), errorCode.ok);
  await done(c, setData(path, 'x'));
  t.deepEqual(await heard(c), []);
  t.is(await ask('removeWatches', kinds.any), errorCode.ok);
  await done(c, create(`${path}/a`));
  t.deepEqual(await heard(c), []);
  t.is(await ask('removeWatches', 9), errorCode.marshallingError);
});

row('C8', 'an event comes before the change can be read, and before the reply to it', async ({ t, path, client }) => {
  const [watcher, writer] = [await client(0), await client(1)];
  await done(writer, create(path, '0'));
  await done(watcher, sync('/'));
  for (let i = 1; i <= 20; i++) {
    await done(watcher, getData(path, true));
    const write = writer.call(setData(path, String(i)));
    for (let changed = false; !changed;) {
      const { body } = await done(watcher, getData(path));
      changed = body.type === 'dataStat' && body.stat.version === i;
      if (changed) t.is(watcher.events.length, i);
    }
    await write;
  }
  await done(writer, getData(path, true));
  const own = writer.arrived.length;
  await done(writer, setData(path, 'own'));
  t.deepEqual(
    writer.arrived.slice(own).map((a) => ('event' in a ? 'event' : 'reply')),
    ['event', 'reply'],
  );
});

row('C9', "an event has its transaction's zxid, of a multi the same for all parts", async ({ t, path, client }) => {
  const c = await client();
  await done(c, addWatch(path, recursive));
  const made = await done(c, create(path));
  const { acl } = create(path);
  const parts = ['a', 'b'].map(
    (name) => ({ op: 'create', path: `${path}/${name}`, data: null, acl, flags: 0 }) as const,
  );
  const both = await done(c, { op: 'multi', parts });
  t.deepEqual(
    c.events.map((e) => [e.path, e.zxid]),
    [
      [path, made.zxid],
      [`${path}/a`, both.zxid],
      [`${path}/b`, both.zxid],
    ],
  );
});

row('C10', 'setWatches2 on the next connection tells what was missed and sets the rest', async (r) => {
  const { t, path, client } = r;
  const [before, writer] = [await client(0), await client(1)];
  const { session, password } = before.session;
  for (const name of ['', '/set', '/same', '/gone', '/list', '/pers']) await done(writer, create(path + name));
  const seen = (await done(before, sync('/'))).zxid ?? { epoch: 0, counter: 0 };
  before.cut();
  for (const request of [setData(`${path}/set`, 'x'), remove(`${path}/gone`), create(`${path}/list/a`)])
    await done(writer, request);
  await done(writer, create(`${path}/later`));
  const after = await client(2, { session, password, lastZxidSeen: seen });
  await done(after, sync('/'));
  const restored: ClientRequest = {
    op: 'setWatches2',
    relativeZxid: seen,
    data: [`${path}/set`, `${path}/same`, `${path}/gone`],
    exist: [`${path}/later`, `${path}/never`],
    child: [`${path}/list`, `${path}/same`],
    persistent: [`${path}/pers`],
    persistentRecursive: [`${path}/rec`],
  };
  const reply = await after.call(restored, setWatchesXid);
  t.deepEqual([reply.xid, reply.err], [setWatchesXid, 0]);
  const missed = [`3 ${path}/set`, `2 ${path}/gone`, `1 ${path}/later`, `4 ${path}/list`];
  t.deepEqual(eventsOf(after), missed);
  t.true(after.events.every((e) => e.zxid === null));
  const changes = [setData(`${path}/same`, 'y'), create(`${path}/never`), create(`${path}/pers/a`)];
  for (const request of [...changes, create(`${path}/rec`), create(`${path}/set/quiet`), setData(`${path}/set`, 'z')])
    await done(writer, request);
  t.deepEqual((await heard(after)).slice(missed.length), [
    `3 ${path}/same`,
    `1 ${path}/never`,
    `4 ${path}/pers`,
    `1 ${path}/rec`,
  ]);
});

row('C11', 'an event is only for who may read its node, and a filtered watch is used up', async (r) => {
  const { t, path, client } = r;
  const [watcher, owner] = [await client(0), await client(1)];
  await done(owner, { op: 'auth', scheme: 'digest', auth: Buffer.from('u:p') });
  const own = [{ perms: 31, scheme: 'auth', id: '' }];
  await done(watcher, addWatch(path, recursive));
  await done(owner, create(path));
  await done(owner, { ...create(`${path}/secret`), acl: own });
  await done(watcher, sync('/'));
  t.is(await errOf(watcher, getData(`${path}/secret`)), errorCode.noAuth);
  t.is(await errOf(watcher, exists(`${path}/secret`, true)), errorCode.noAuth);
  t.is(await errOf(watcher, exists(`${path}/once`, true)), errorCode.noNode);
  await done(owner, { ...create(`${path}/once`), acl: own });
  await done(owner, { op: 'setACL', path: `${path}/once`, acl: openAcl, version: -1 });
  await done(owner, setData(`${path}/secret`, 'x'));
  await done(owner, remove(`${path}/secret`));
  t.deepEqual(await heard(watcher), [`1 ${path}`]);
});

row(
  'C12',
  'a data watch on /zookeeper/config fires',
  async ({ t, servers, clientOf }) => {
    const lines = ['reconfigEnabled=true', `DigestAuthenticationProvider.superDigest=${superDigest}`];
    const three = await servers({ size: 3, settings: lines });
    const c = await clientOf(three.portOf(1));
    await done(c, { op: 'auth', scheme: 'digest', auth: superAuth });
    await done(c, getData('/zookeeper/config', true));
    // Nobody joins and nobody leaves: a new version of the same members.
    await done(c, { op: 'reconfig', joining: null, leaving: null, members: null, version: null });
    t.deepEqual(await heard(c), ['3 /zookeeper/config']);
    await eventually('all have it', () => three.level().then(() => true));
  },
  { alone: true, slow: true },
);
