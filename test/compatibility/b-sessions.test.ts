/** Group B of the table of features, first half: sessions. */
import { errorCode } from '../../core/service/error.js';
import {
  create,
  done,
  errOf,
  eventsOf,
  eventually,
  exists,
  flags,
  getData,
  kind,
  row,
  setData,
  sleep,
  sync,
  textOf,
} from './frame.js';
import type { Client } from './frame.js';

const gone = (client: Client, path: string): Promise<true> =>
  eventually(`${path} goes`, async () => ((await errOf(client, exists(path))) === errorCode.noNode ? true : null));

row('B1', 'a session has an id and a password, and its end takes its ephemerals at once', async (r) => {
  const { t, path, client } = r;
  const [c, other] = [await client(0), await client(1)];
  t.regex(c.session.session, /^[0-9a-f]{16}$/);
  t.not(c.session.session, '0000000000000000');
  t.is(c.session.password.length, 16);
  await done(c, create(path, null, flags.ephemeral));
  await done(other, sync('/'));
  t.is(await errOf(other, exists(path)), errorCode.ok);
  const { zxid } = await done(c, { op: 'closeSession' });
  await c.ended;
  await done(other, sync('/'));
  t.is(await errOf(other, exists(path)), errorCode.noNode);
  t.truthy(zxid);
});

row(
  'B2',
  'timeouts are drawn to between 2 and 20 ticks, or what is set',
  async ({ t, servers, clientOf }) => {
    const plain = await servers({ size: 1, tickTime: 500 });
    const set = await servers({
      size: 1,
      tickTime: 500,
      settings: ['minSessionTimeout=700', 'maxSessionTimeout=3000'],
    });
    const negotiated = async (port: number, timeoutMs: number): Promise<number> =>
      (await clientOf(port, { timeoutMs })).session.timeoutMs;
    for (const asked of [1, 0, -5]) t.is(await negotiated(plain.portOf(1), asked), 1000);
    t.is(await negotiated(plain.portOf(1), 4321), 4321);
    t.is(await negotiated(plain.portOf(1), 100_000_000), 10_000);
    t.is(await negotiated(set.portOf(1), 1), 700);
    t.is(await negotiated(set.portOf(1), 100_000_000), 3000);
  },
  { alone: true },
);

row('B3', 'a session is attached again on the same and on another server, and keeps what it has', async (r) => {
  const { t, path, client } = r;
  const first = await client(0);
  const { session, password } = first.session;
  await done(first, create(path, null, flags.ephemeral));
  first.cut();
  for (const nth of [0, 1, 2]) {
    const again = await client(nth, { session, password });
    t.is(again.session.session, session);
    t.deepEqual(Buffer.from(again.session.password), Buffer.from(password));
    await done(again, sync('/'));
    t.is(await errOf(again, exists(path)), errorCode.ok);
    t.is(await errOf(again, setData(path, String(nth))), errorCode.ok);
    again.cut();
  }
  const refused = { message: /the session is not valid/ };
  await t.throwsAsync(client(0, { session, password: Buffer.alloc(16, 9) }), refused);
  await t.throwsAsync(client(1, { session: '0123456789abcdef', password }), refused);
});

row(
  'B4',
  'a silent session expires after its timeout, and a tick later at most',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const tickTime = 500;
    const one = await servers({ size: 1, tickTime });
    const [c, other] = [await clientOf(one.portOf(1), { timeoutMs: 1500 }), await clientOf(one.portOf(1))];
    await done(c, create(path, null, flags.ephemeral));
    const { session, password } = c.session;
    const silent = performance.now();
    await sleep(1300);
    t.is(await errOf(other, exists(path)), errorCode.ok, 'before its timeout');
    await gone(other, path);
    const took = performance.now() - silent;
    t.true(took > 1450, `after ${took} ms`);
    await c.ended;
    await t.throwsAsync(clientOf(one.portOf(1), { session, password }), { message: /not valid/ });
  },
  { alone: true },
);

row(
  'B5',
  'pings keep a session that says nothing else',
  async ({ t, path, servers, clientOf }) => {
    const three = await servers({ size: 3, tickTime: 300 });
    const leader = await three.leader();
    const follower = three.members.find((m) => m.id !== leader)?.id ?? 1;
    const idle = await clientOf(three.portOf(follower), { timeoutMs: 1000 });
    const silent = await clientOf(three.portOf(follower), { timeoutMs: 1000 });
    await done(idle, create(path, null, flags.ephemeral));
    await done(silent, create(`${path}-silent`, null, flags.ephemeral));
    const end = performance.now() + 3500;
    while (performance.now() < end) {
      t.is((await done(idle, { op: 'ping' })).xid, -2);
      await sleep(250);
    }
    t.is(await errOf(idle, exists(path)), errorCode.ok);
    t.is(await errOf(idle, exists(`${path}-silent`)), errorCode.noNode);
    t.false(silent.isOpen());
  },
  { alone: true },
);

row('B6', 'after a move the old connection still reads, and its first write ends it', async ({ t, path, client }) => {
  const old = await client(0);
  const { session, password } = old.session;
  await done(old, create(path, 'a'));
  const moved = await client(1, { session, password });
  t.is(await errOf(moved, setData(path, 'b')), errorCode.ok);
  t.is(await errOf(old, getData(path)), errorCode.ok);
  await t.throwsAsync(old.call(setData(path, 'c')));
  t.false(old.isOpen());
  await done(moved, sync(path));
  t.is(textOf(await done(moved, getData(path))), 'b');
});

row('B7', 'a client that has seen more than a server is sent away', async ({ t, client }) => {
  const c = await client();
  const { zxid } = await done(c, sync('/'));
  const seen = zxid ?? { epoch: 0, counter: 0 };
  const ahead = { epoch: seen.epoch + 1, counter: 0 };
  await t.throwsAsync(client(0, { lastZxidSeen: ahead }), { message: /ended|ECONNRESET/ });
  t.true((await client(0, { lastZxidSeen: seen })).isOpen());
  t.true((await client(0, { lastZxidSeen: { epoch: 0xffffffff, counter: 0xffffffff } })).isOpen(), 'a negative one');
});

row('B7', 'a server that lags behind takes the client once it has caught up', async ({ t, path, client }) => {
  const writer = await client(0);
  for (let i = 0; i < 20; i++) {
    const { zxid } = await done(writer, i === 0 ? create(path) : setData(path, String(i)));
    const reader = await eventually('the other server has it', () =>
      client(1, { lastZxidSeen: zxid ?? { epoch: 0, counter: 0 } }).catch(() => null),
    );
    t.is(textOf(await done(reader, getData(path))), i === 0 ? null : String(i));
    reader.cut();
  }
});

row(
  'B8',
  'stopped servers are left for others, with session, ephemerals and watches',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3 });
    const leader = await three.leader();
    const here = three.members.find((m) => m.id !== leader)?.id ?? 1;
    const there = three.members.find((m) => m.id !== leader && m.id !== here)?.id ?? 1;
    const before = await clientOf(three.portOf(here));
    const { session, password } = before.session;
    await done(before, create(path));
    const { zxid } = await done(before, create(`${path}/mine`, null, flags.ephemeral));
    await three.kill(here);
    await before.ended;
    const after = await clientOf(three.portOf(there), { session, password, lastZxidSeen: zxid ?? undefined! });
    const lists = { exist: [], child: [], persistent: [], persistentRecursive: [] };
    await done(after, { op: 'setWatches', relativeZxid: zxid!, data: [`${path}/mine`], ...lists });
    t.is(await errOf(after, setData(`${path}/mine`, 'x')), errorCode.ok);
    t.deepEqual(eventsOf(after), [`3 ${path}/mine`]);
    t.is(kind, three.kind);
  },
  { alone: true },
);
