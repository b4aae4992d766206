/** Group B of the table of features, second half: how many clients and requests a server takes. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { errorCode } from '../../core/service/error.js';
import { askServed, create, done, errOf, eventually, exists, getData, row, setData, sleep, textOf } from './frame.js';
import type { Client } from './frame.js';

const throttledOp = -127;

const opened = async (open: () => Promise<Client>, n: number): Promise<readonly boolean[]> => {
  const found: boolean[] = [];
  for (let i = 0; i < n; i++)
    found.push(
      await open().then(
        () => true,
        () => false,
      ),
    );
  return found;
};

row(
  'B12',
  'maxClientCnxns closes the excess connection of an address',
  async ({ t, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: ['maxClientCnxns=3'] });
    t.deepEqual(await opened(() => clientOf(one.portOf(1)), 4), [true, true, true, false]);
  },
  { alone: true },
);

row(
  'B12',
  'maxCnxns closes the excess connection of all',
  async ({ t, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: ['maxClientCnxns=0', 'maxCnxns=4'] });
    const open = () => clientOf(one.portOf(1));
    // A word that was asked may not be gone yet.
    const first = await eventually('a client', () => open().catch(() => null));
    t.deepEqual(await opened(open, 4), [true, true, true, false]);
    first.cut();
    await eventually('its place is free', () => open().catch(() => null));
    t.deepEqual(await opened(open, 1), [false]);
  },
  { alone: true },
);

row(
  'B13',
  'a burst of connections beyond the bucket is refused',
  async ({ t, servers, clientOf }) => {
    const settings = ['connection_throttle_tokens=3', 'connection_throttle_fill_time=60000'];
    const one = await servers({ size: 1, settings });
    t.deepEqual(await opened(() => clientOf(one.portOf(1)), 5), [true, true, true, false, false]);
  },
  { alone: true },
);

row(
  'B14',
  'requests beyond request_throttle_max_requests wait, and are answered in order',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const one = await servers({ size: 1, settings: ['request_throttle_max_requests=2'] });
    const c = await clientOf(one.portOf(1));
    await done(c, create(path));
    const replies = await Promise.all(
      Array.from({ length: 60 }, (_, i) => c.call(i % 2 === 0 ? setData(path, String(i)) : getData(path))),
    );
    t.true(replies.every(({ err }) => err === 0));
    for (const [i, reply] of replies.entries()) if (i % 2 === 1) t.is(textOf(reply), String(i - 1));
  },
  { alone: true },
);

row(
  'B14',
  'what has waited longer than throttled_op_wait_time is refused in its place',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const settings = ['request_throttle_max_requests=1', 'throttled_op_wait_time=1', 'request_throttle_stall_time=50'];
    const one = await servers({ size: 1, settings });
    const c = await clientOf(one.portOf(1));
    await done(c, create(path));
    const requests = Array.from({ length: 300 }, (_, i) => create(`${path}/${i}`));
    const replies = await Promise.all(requests.map((request) => c.call(request)));
    const errors = replies.map(({ err }) => err);
    t.true(errors.includes(throttledOp));
    t.true(errors.every((err) => err === 0 || err === throttledOp));
    t.deepEqual(
      replies.map(({ xid }) => xid),
      replies.map((_, i) => (replies[0]?.xid ?? 0) + i),
    );
    for (const i of [errors.indexOf(0), errors.indexOf(throttledOp)])
      t.is(await errOf(c, exists(`${path}/${i}`)), errors[i] === 0 ? 0 : errorCode.noNode);
    t.is(await errOf(c, { op: 'closeSession' }), errorCode.ok);
  },
  { alone: true },
);

/** Sends pipelined reads without ever reading, until the server takes no more; bytes that it took. */
const flood = (socket: Socket, frame: Buffer, most: number): Promise<number> =>
  new Promise((resolve) => {
    let sent = 0;
    const block = Buffer.concat(Array.from({ length: 1000 }, () => frame));
    const more = (): void => {
      if (sent >= most) return resolve(sent);
      sent += block.length;
      const quiet = setTimeout(() => resolve(sent), 3000);
      socket.write(block, () => {
        clearTimeout(quiet);
        more();
      });
    };
    more();
  });

row(
  'B15',
  'a client that floods and does not read is not read any more, others are served',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const one = await servers({ size: 1, settings: ['globalOutstandingLimit=50', 'maxSessionTimeout=60000'] });
    const other = await clientOf(one.portOf(1));
    await done(other, create(path, 'x'.repeat(1000)));
    const socket = connect({ host: '127.0.0.1', port: one.portOf(1) });
    t.teardown(() => socket.destroy());
    const hello = Buffer.alloc(49);
    hello.writeInt32BE(45, 0);
    hello.writeInt32BE(40_000, 16);
    hello.writeInt32BE(16, 28);
    socket.write(hello);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const get = Buffer.alloc(4 + 8 + 4 + Buffer.byteLength(path) + 1);
    get.writeInt32BE(get.length - 4, 0);
    get.writeInt32BE(1, 4);
    get.writeInt32BE(4, 8);
    get.writeInt32BE(Buffer.byteLength(path), 12);
    get.write(path, 16);
    const most = 200 * 1024 * 1024;
    const taken = await flood(socket, get, most);
    t.true(taken < most / 2, `${taken} bytes of requests were taken`);
    for (let i = 0; i < 20; i++) t.is(await errOf(other, getData(path)), errorCode.ok);
  },
  { alone: true },
);

row(
  'B15',
  'a client that reads gets every answer of a flood',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: ['globalOutstandingLimit=10'] });
    const clients = await Promise.all([1, 2, 3].map(() => clientOf(one.portOf(1))));
    await Promise.all(
      clients.map(async (c, n) => {
        await done(c, create(`${path}-${n}`));
        const replies = await Promise.all(
          Array.from({ length: 500 }, (_, i) => c.call(setData(`${path}-${n}`, String(i)))),
        );
        t.true(replies.every(({ err }) => err === 0));
      }),
    );
  },
  { alone: true },
);

row(
  'B16',
  'a large request over the budget ends its connection',
  async ({ t, path, servers, clientOf }) => {
    const settings = ['largeRequestThreshold=1000', 'largeRequestMaxBytes=5000'];
    const one = await servers({ size: 1, settings });
    const c = await clientOf(one.portOf(1));
    await done(c, create(path));
    t.is(await errOf(c, setData(path, 'x'.repeat(3000))), errorCode.ok);
    t.is(await errOf(c, setData(path, 'x'.repeat(3000))), errorCode.ok, 'the budget is free again');
    await t.throwsAsync(c.call(setData(path, 'x'.repeat(6000))));
    const again = await clientOf(one.portOf(1));
    t.is(textOf(await done(again, getData(path)))?.length, 3000);
  },
  { alone: true },
);

row(
  'B19',
  'listen address, backlog and keep-alive are as they are set',
  async ({ t, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: ['clientPortListenBacklog=7', 'clientTcpKeepAlive=true'] });
    t.true((await clientOf(one.portOf(1))).isOpen());
    // The frame has every server listen on this address alone.
    const other = connect({ host: '127.0.0.2', port: one.portOf(1) });
    const refused = await new Promise<string>((resolve) => {
      other.once('error', (e: NodeJS.ErrnoException) => resolve(e.code ?? ''));
      other.once('connect', () => resolve('connected'));
    });
    other.destroy();
    t.is(refused, 'ECONNREFUSED');
    await sleep(10);
    t.truthy(await askServed(one.portOf(1)));
  },
  { alone: true },
);
