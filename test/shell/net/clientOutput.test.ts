import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Reply, Stat } from '../../../core/service/request.js';
import { openClientOutput } from '../../../shell/net/clientOutput.js';
import type { ClientOutput } from '../../../shell/net/clientOutput.js';
import { createOutlets } from '../../../shell/net/outlet.js';
import { encodeReply, encodeWatchEvent } from '../../../wire/reply.js';
import { rawPeer, settle, until } from './peer.js';
import type { RawPeer } from './peer.js';

type Pair = { readonly output: ClientOutput; readonly peer: RawPeer; readonly server: Socket; readonly sent: number[] };

/** A connection of loopback: our end writes, the other does not read until it is told. */
const pair = async (t: ExecutionContext): Promise<Pair> => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const peer = rawPeer(connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port }));
  const [server] = await accepted;
  peer.socket.pause();
  t.teardown(() => {
    peer.close();
    server.destroy();
    listener.close();
  });
  const sent: number[] = [];
  const output = openClientOutput(createOutlets().open(server), (bytes) => sent.push(bytes));
  server.on('drain', output.advance);
  server.on('error', () => undefined);
  return { output, peer, server, sent };
};

const zxid = { epoch: 1, counter: 1 };
const data = Buffer.alloc(1_000_000, 7);
const stat: Stat = {
  czxid: zxid,
  mzxid: zxid,
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: '0000000000000000',
  dataLength: data.length,
  numChildren: 0,
  pzxid: zxid,
};
const big = (xid: number): Reply => ({ xid, zxid, err: 0, body: { type: 'dataStat', data, stat } });
const event = encodeWatchEvent({ type: 3, path: '/behind', zxid: null });

test('replies wait as what they are: who asked for 400 MB costs little until he reads, and gets all, in order', async (t) => {
  const { output, peer, sent } = await pair(t);
  const one = encodeReply(big(1)).length;
  const count = 400;
  for (let xid = 1; xid <= count; xid += 1) output.put(big(xid));
  output.put(event);
  await settle();
  // What the kernel takes into its own buffers, and a little more.
  t.true(sent.length > 0 && sent.length < 20, `${sent.length} replies have become bytes`);
  t.true(output.isBehind());
  t.true(output.pending() < 3 * one, `${output.pending()}`);
  output.finish(10_000);
  peer.socket.resume();
  for (let xid = 1; xid <= count; xid += 1) {
    const head = await peer.read(20);
    if (head.readInt32BE(4) !== xid) return t.fail(`reply ${head.readInt32BE(4)} in the place of ${xid}`);
    await peer.read(one - 20);
  }
  t.deepEqual(await peer.ended, event);
  t.is(sent.length, count + 1);
});

test('bytes behind replies are counted, and gone when they are forgotten', async (t) => {
  const { output } = await pair(t);
  for (let xid = 1; xid <= 50; xid += 1) output.put(big(xid));
  await settle();
  const before = output.pending();
  for (let i = 0; i < 100; i += 1) output.put(event);
  t.is(output.pending(), before + 100 * event.length);
  output.forget();
  t.is(output.pending(), before);
  t.false(output.isBehind());
});

test('who takes nothing of what waits for him is let go when he is to go', async (t) => {
  const { output, server } = await pair(t);
  for (let xid = 1; xid <= 50; xid += 1) output.put(big(xid));
  await settle();
  t.false(server.destroyed);
  output.finish(50);
  await until(() => server.destroyed, 'the socket is closed');
  t.true(output.isBehind());
});
