/** Group A of the table of features, first half: znodes and their Stat. */
import { errorCode } from '../../core/service/error.js';
import {
  childrenOf,
  container,
  create,
  done,
  errOf,
  eventually,
  exists,
  flags,
  getChildren,
  getData,
  pathOf,
  remove,
  row,
  setData,
  statOf,
  sync,
  textOf,
} from './frame.js';
import type { Client } from './frame.js';

/** Resolves when the node is gone for this client. */
const gone = (client: Client, path: string): Promise<true> =>
  eventually(`${path} goes`, async () => ((await errOf(client, exists(path))) === errorCode.noNode ? true : null));

row(
  'A1',
  'a persistent node is there after all servers were stopped and started again',
  async ({ t, path, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const before = await clientOf(three.portOf(1));
    t.is(pathOf(await done(before, { ...create(path, 'kept'), op: 'create' })), path);
    t.is(textOf(await done(before, getData(path))), 'kept');
    await three.level();
    await three.kill();
    three.start();
    await three.waitServing();
    for (const { clientPort } of three.members)
      t.is(textOf(await done(await clientOf(clientPort), getData(path))), 'kept');
  },
  { alone: true },
);

row('A2', 'no data and empty data are told apart', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await done(c, create(`${path}/empty`, ''));
  const [none, empty] = [await done(c, getData(path)), await done(c, getData(`${path}/empty`))];
  t.is(textOf(none), null);
  t.is(textOf(empty), '');
  t.deepEqual([statOf(none).dataLength, statOf(empty).dataLength], [0, 0]);
});

row('A3', 'create2 answers with the Stat of the new node', async ({ t, path, client }) => {
  const c = await client();
  const made = await done(c, create(path, 'four'));
  t.deepEqual(statOf(made), statOf(await done(c, exists(path))));
  t.is(statOf(made).dataLength, 4);
});

row('A4', 'an ephemeral node has its owner, outlives a reconnect and goes with the session', async (r) => {
  const { t, path, client } = r;
  const [owner, other] = [await client(0), await client(1)];
  const { session, password } = owner.session;
  t.is(statOf(await done(owner, create(path, null, flags.ephemeral))).ephemeralOwner, session);
  await done(other, sync('/'));
  owner.cut();
  const again = await client(2, { session, password });
  t.is(await errOf(other, exists(path)), errorCode.ok);
  await done(again, { op: 'closeSession' });
  await gone(other, path);
  const short = await client(0, { timeoutMs: 700 });
  await done(short, create(`${path}-short`, null, flags.ephemeral));
  short.cut();
  await gone(other, `${path}-short`);
});

row('A5', 'an ephemeral node has no children', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path, null, flags.ephemeral));
  t.is(await errOf(c, create(`${path}/child`)), errorCode.noChildrenForEphemerals);
});

row('A6', "sequential names count the parent's creates, deletes or not", async ({ t, path, client }) => {
  const c = await client();
  for (const name of ['', '/a', '/b']) await done(c, create(path + name));
  await done(c, remove(`${path}/a`));
  const next = async (prefix: string): Promise<string> =>
    pathOf(await done(c, create(`${path}/${prefix}`, null, flags.sequential))).slice(path.length);
  t.is(await next('s'), '/s0000000002');
  t.is(await next('s'), '/s0000000003');
  await done(c, remove(`${path}/s0000000003`));
  t.is(await next('other-'), '/other-0000000004');
  t.is(await next(''), '/0000000005');
});

row('A7', 'an ephemeral sequential node is both', async ({ t, path, client }) => {
  const [c, other] = [await client(0), await client(1)];
  await done(c, create(path));
  const made = await done(c, create(`${path}/n-`, null, flags.ephemeralSequential));
  t.is(pathOf(made), `${path}/n-0000000000`);
  t.is(statOf(made).ephemeralOwner, c.session.session);
  await done(c, { op: 'closeSession' });
  await gone(other, `${path}/n-0000000000`);
});

row('A8', 'a container goes after its last child, one that never had any stays', async ({ t, path, client }) => {
  const c = await client();
  t.is(statOf(await done(c, container(path))).ephemeralOwner, '0000000000000000');
  await done(c, container(`${path}-unused`));
  await done(c, create(`${path}/child`));
  await done(c, remove(`${path}/child`));
  await gone(c, path);
  t.is(await errOf(c, exists(`${path}-unused`)), errorCode.ok);
});

const withTtl = (path: string, ttl: number, mode: number = flags.ttl) =>
  ({ op: 'createTTL', path, data: null, acl: create(path).acl, flags: mode, ttl }) as const;

row('A9', 'a TTL node goes when it is childless and unchanged for so long', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  t.is(statOf(await done(c, withTtl(`${path}/short`, 200))).ephemeralOwner, '0000000000000000');
  await done(c, withTtl(`${path}/held`, 200));
  await done(c, create(`${path}/held/child`));
  const sequential = await done(c, withTtl(`${path}/n-`, 3_600_000, flags.ttlSequential));
  t.regex(pathOf(sequential), /\/n-\d{10}$/);
  await gone(c, `${path}/short`);
  for (const left of [`${path}/held`, pathOf(sequential)]) t.is(await errOf(c, exists(left)), errorCode.ok);
  t.is(await errOf(c, withTtl(`${path}/bad`, 0)), errorCode.badArguments);
  t.is(await errOf(c, withTtl(`${path}/bad`, 0x10000000000)), errorCode.badArguments);
});

row(
  'A9',
  'without extended types a TTL node is refused and the connection goes on',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1 });
    const c = await clientOf(one.portOf(1));
    t.is(await errOf(c, withTtl(path, 1000)), errorCode.unimplemented);
    t.is(await errOf(c, create(path)), errorCode.ok);
  },
  { alone: true },
);

row('A10', 'setData needs the right version, or -1', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path, 'a'));
  t.is(statOf(await done(c, setData(path, 'b', 0))).version, 1);
  t.is(await errOf(c, setData(path, 'c', 0)), errorCode.badVersion);
  t.is(await errOf(c, setData(path, 'c', -2)), errorCode.badVersion);
  t.is(statOf(await done(c, setData(path, 'd'))).version, 2);
  t.is(textOf(await done(c, getData(path))), 'd');
  t.is(await errOf(c, setData(`${path}-none`, '')), errorCode.noNode);
});

row('A11', 'delete needs the right version and no children', async ({ t, path, client }) => {
  const c = await client();
  await done(c, create(path));
  await done(c, create(`${path}/child`));
  t.is(await errOf(c, remove(path)), errorCode.notEmpty);
  t.is(await errOf(c, remove(path, 5)), errorCode.badVersion);
  t.is(await errOf(c, remove(`${path}/child`, 0)), errorCode.ok);
  t.is(await errOf(c, remove(`${path}/child`)), errorCode.noNode);
  t.is(await errOf(c, remove(path)), errorCode.ok);
});

row('A12', 'exists gives the Stat, or NONODE', async ({ t, path, client }) => {
  const c = await client();
  t.is(await errOf(c, exists(path)), errorCode.noNode);
  await done(c, create(path, 'abc'));
  t.is(statOf(await done(c, exists(path))).dataLength, 3);
});

row('A13', 'getChildren gives names, getChildren2 the Stat too', async ({ t, path, client }) => {
  const c = await client();
  for (const name of ['', '/b', '/a', '/a/below']) await done(c, create(path + name));
  t.deepEqual(childrenOf(await done(c, getChildren(path))), ['a', 'b']);
  const both = await done(c, { op: 'getChildren2', path, watch: false });
  t.deepEqual(childrenOf(both), ['a', 'b']);
  t.deepEqual(statOf(both), statOf(await done(c, exists(path))));
});

row('A14', 'getAllChildrenNumber counts all descendants', async ({ t, path, client }) => {
  const c = await client();
  for (const name of ['', '/a', '/b', '/a/x', '/a/x/y']) await done(c, create(path + name));
  await done(c, create(`${path}z`));
  const { body } = await done(c, { op: 'getAllChildrenNumber', path });
  t.deepEqual(body, { type: 'count', count: 4 });
});

row('A15', "getEphemerals lists this session's by string prefix", async ({ t, path, client }) => {
  const [c, other] = [await client(0), await client(1)];
  for (const name of ['', 'x', 'y']) await done(c, create(path + name, null, flags.ephemeral));
  await done(other, create(`${path}z`, null, flags.ephemeral));
  const of = async (prefix: string): Promise<readonly string[]> =>
    childrenOf(await done(c, { op: 'getEphemerals', prefix }));
  t.deepEqual(await of('/'), [path, `${path}x`, `${path}y`]);
  t.deepEqual(await of(`${path}x`), [`${path}x`]);
  t.deepEqual(await of('/nothing'), []);
});

row('A16', 'each change moves its fields of the Stat, and no other', async ({ t, path, client }) => {
  const c = await client();
  const seen = async () => statOf(await done(c, exists(path)));
  const made = await done(c, create(path, 'a'));
  const first = await seen();
  t.deepEqual([first.czxid, first.mzxid, first.pzxid], [made.zxid, made.zxid, made.zxid]);
  t.deepEqual([first.version, first.cversion, first.aversion, first.ctimeMs], [0, 0, 0, first.mtimeMs]);
  const set = await done(c, setData(path, 'bc'));
  const second = await seen();
  t.deepEqual({ ...second, mtimeMs: 0 }, { ...first, mzxid: set.zxid, version: 1, dataLength: 2, mtimeMs: 0 });
  await done(c, { op: 'setACL', path, acl: create(path).acl, version: -1 });
  const third = await seen();
  t.deepEqual(third, { ...second, aversion: 1 });
  const child = await done(c, create(`${path}/child`));
  const fourth = await seen();
  t.deepEqual(fourth, { ...third, pzxid: child.zxid, cversion: 1, numChildren: 1 });
  for (const request of [setData(`${path}/child`, 'x'), create(`${path}/child/below`), remove(`${path}/child/below`)])
    await done(c, request);
  t.deepEqual(await seen(), fourth);
  const removed = await done(c, remove(`${path}/child`));
  t.deepEqual(await seen(), { ...fourth, pzxid: removed.zxid, cversion: 2, numChildren: 0 });
});
