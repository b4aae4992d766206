import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { ServerId } from '../../../core/data/quorum.js';
import { startElection } from '../../../shell/net/election.js';
import type { ElectionOptions, ElectionPeer, ElectionPort } from '../../../shell/net/election.js';
import { encodeNotification } from '../../../wire/election.js';
import type { WireNotification } from '../../../wire/election.js';
import { dial, freePort, rawServer, recording, settle, until } from './peer.js';

const vote = (leader: ServerId, round: number): WireNotification => ({
  notification: { state: 'LOOKING', vote: { leader, zxid: { epoch: 1, counter: 7 }, epoch: 1 }, round },
  version: 2,
  config: 'version=0',
});

type Node = { readonly port: ElectionPort; readonly heard: [ServerId, WireNotification][]; readonly lines: string[] };

const start = async (
  t: ExecutionContext,
  self: ServerId,
  peers: readonly ElectionPeer[] = [],
  more: Partial<ElectionOptions> = {},
): Promise<Node> => {
  const heard: Node['heard'] = [];
  const lines: string[] = [];
  const port = startElection({
    self,
    peers,
    bind: { host: '127.0.0.1', port: 0 },
    onNotification: (from, n) => heard.push([from, n]),
    log: (_, line) => lines.push(line),
    retryMs: 50,
    ...more,
  });
  t.teardown(port.close);
  await until(() => port.port() > 0, 'the port is bound');
  return { port, heard, lines };
};

const at = (sid: ServerId, port: number): ElectionPeer => ({ sid, host: '127.0.0.1', electionPort: port });

/** The initial message of a raw peer: protocol version -65536, id, `127.0.0.1:port`. */
const initial = (sid: ServerId, port: number): Buffer => {
  const address = Buffer.from(`127.0.0.1:${port}`);
  const head = Buffer.alloc(20);
  head.writeBigInt64BE(-65536n, 0);
  head.writeBigInt64BE(BigInt(sid), 8);
  head.writeInt32BE(address.length, 16);
  return Buffer.concat([head, address]);
};

test('three servers: each hears the others, over one connection a pair', async (t) => {
  const nodes = [await start(t, 1), await start(t, 2), await start(t, 3)];
  const peers = nodes.map((n, i) => at(i + 1, n.port.port()));
  for (const n of nodes) n.port.setPeers(peers);
  nodes.forEach((n, i) => {
    for (const to of [1, 2, 3]) n.port.notify(to, vote(i + 1, 1));
  });
  await until(() => nodes.every((n) => new Set(n.heard.map(([from]) => from)).size === 2), 'everybody was heard');
  nodes.forEach((n, i) => {
    for (const [from, heard] of n.heard) t.deepEqual(heard, vote(from, 1));
    t.false(
      n.heard.some(([from]) => from === i + 1),
      'nobody hears itself',
    );
    t.deepEqual(n.port.connected().length, 2);
  });
});

test('pair: the larger id connects, says who it is, and keeps the connection', async (t) => {
  const one = await rawServer(t);
  const two = await start(t, 2, [at(1, one.port), at(2, 4242)]);
  two.port.notify(1, vote(2, 1));
  const peer = await one.accept();
  t.deepEqual(await peer.read(initial(2, 4242).length), initial(2, 4242));
  t.deepEqual(Buffer.concat([Buffer.alloc(0), await peer.readFrame()]), encodeNotification(vote(2, 1)).subarray(4));
  peer.send(encodeNotification(vote(1, 9)));
  await until(() => two.heard.length === 1, 'the answer came over the same connection');
  t.deepEqual(two.heard, [[1, vote(1, 9)]]);
});

test('pair: the smaller id connects only to be called back', async (t) => {
  const three = await rawServer(t);
  const two = await start(t, 2, [at(3, three.port)]);
  two.port.notify(3, vote(2, 1));
  const call = await three.accept();
  t.deepEqual(await call.ended, initial(2, two.port.port()), 'no notification passes on the call');
  const back = await dial(t, two.port.port());
  back.send(initial(3, three.port));
  t.deepEqual(await back.readFrame(), encodeNotification(vote(2, 1)).subarray(4));
});

test('pair: a smaller id that connects is closed and called back where its message says', async (t) => {
  const elsewhere = await rawServer(t);
  const two = await start(t, 2, [at(1, await freePort())]);
  const call = await dial(t, two.port.port());
  call.send(initial(1, elsewhere.port));
  t.is((await call.ended).length, 0);
  const back = await elsewhere.accept();
  t.deepEqual(await back.read(initial(2, two.port.port()).length), initial(2, two.port.port()));
  back.send(encodeNotification(vote(1, 1)));
  await until(() => two.heard.length === 1, 'the smaller one is heard');
});

test('pair: a newer connection of the larger id closes the older', async (t) => {
  const two = await start(t, 2, [at(3, await freePort())]);
  const older = await dial(t, two.port.port());
  older.send(initial(3, 1));
  await until(() => two.port.connected().includes(3), 'the first connection is kept');
  const newer = await dial(t, two.port.port());
  newer.send(initial(3, 1));
  await older.ended;
  newer.send(encodeNotification(vote(3, 1)));
  await until(() => two.heard.length === 1, 'the newer one is heard');
  t.deepEqual(two.port.connected(), [3]);
});

test('queue: the newest notification replaces one that waits', async (t) => {
  const port = await freePort();
  const two = await start(t, 2, [at(1, port)]);
  for (const round of [1, 2, 3]) two.port.notify(1, vote(2, round));
  await settle();
  const one = await rawServer(t, port);
  const peer = await one.accept();
  await peer.read(initial(2, two.port.port()).length);
  t.deepEqual(await peer.readFrame(), encodeNotification(vote(2, 3)).subarray(4));
  two.port.close();
  t.is((await peer.ended).length, 0, 'and nothing else');
});

test('queue: on a new connection the last notification is sent again first', async (t) => {
  const two = await start(t, 2, [at(3, await freePort())]);
  const first = await dial(t, two.port.port());
  first.send(initial(3, 1));
  await until(() => two.port.connected().includes(3), 'it is connected');
  two.port.notify(3, vote(2, 1));
  two.port.notify(3, vote(2, 2));
  await first.readFrame();
  await first.readFrame();
  first.close();
  await until(() => !two.port.connected().includes(3), 'the end was seen');
  const second = await dial(t, two.port.port());
  second.send(initial(3, 1));
  t.deepEqual(await second.readFrame(), encodeNotification(vote(2, 2)).subarray(4));
  two.port.notify(3, vote(2, 3));
  t.deepEqual(await second.readFrame(), encodeNotification(vote(2, 3)).subarray(4));
});

test('retry: an attempt that was refused is made again while something waits', async (t) => {
  const port = await freePort();
  const two = await start(t, 2, [at(1, port)]);
  two.port.notify(1, vote(2, 1));
  await until(() => two.lines.some((l) => l.includes('ECONNREFUSED')), 'the refusal is in the log');
  const one = await rawServer(t, port);
  t.truthy(await one.accept());
});

test('garbage: each kind closes its own connection with a reason, and nobody else is disturbed', async (t) => {
  const two = await start(t, 2, [at(3, await freePort())], { handshakeTimeoutMs: 200 });
  const good = await dial(t, two.port.port());
  good.send(initial(3, 1));
  await until(() => two.port.connected().includes(3), 'a good peer is there');
  const badVersion = initial(3, 1);
  badVersion.writeBigInt64BE(-1n, 0);
  const badLength = initial(3, 1);
  badLength.writeInt32BE(2049, 16);
  const cases: readonly [Buffer | string, RegExp][] = [
    ['GET / HTTP/1.1\r\nHost: zk\r\n\r\n', /looks like HTTP/],
    [Buffer.from('16030100a5010000a10303', 'hex'), /looks like TLS/],
    [badVersion, /initial message/],
    [badLength, /length 2049/],
    [initial(2, 1), /server 2, as we are/],
    [initial(300, 1), /300 is no server id/],
    ['', /no initial message in 200 ms/],
  ];
  for (const [bytes, reason] of cases) {
    const bad = await dial(t, two.port.port());
    bad.send(bytes);
    t.is((await bad.ended).length, 0);
    t.true(
      two.lines.some((l) => reason.test(l)),
      `${String(reason)} in ${two.lines.join('\n')}`,
    );
  }
  good.send(encodeNotification(vote(3, 5)));
  await until(() => two.heard.length === 1, 'the good one is still heard');
  t.deepEqual(two.heard, [[3, vote(3, 5)]]);
});

test('garbage: a frame of 0 or of more than 512 KiB closes the connection, one of 512 KiB does not', async (t) => {
  const two = await start(t, 2, [at(3, await freePort())]);
  for (const length of [0, -1, 524289]) {
    const bad = await dial(t, two.port.port());
    bad.send(initial(3, 1));
    const head = Buffer.alloc(4);
    head.writeInt32BE(length, 0);
    bad.send(head);
    await bad.ended;
    t.regex(two.lines.at(-1) ?? '', length <= 0 ? /impossible length/ : /at most 524288/);
  }
  const good = await dial(t, two.port.port());
  const config = 'x'.repeat(524288 - 44);
  good.send(initial(3, 1));
  good.send(encodeNotification({ ...vote(3, 1), config }));
  await until(() => two.heard.length === 1, 'the largest frame is heard');
  t.is(two.heard[0]?.[1].config?.length, config.length);
});

test('garbage: a notification that cannot be read is dropped and the connection stays', async (t) => {
  const two = await start(t, 2, [at(3, await freePort())]);
  const peer = await dial(t, two.port.port());
  peer.send(initial(3, 1));
  peer.send(Buffer.from('000000080000000000000003', 'hex'));
  peer.send(encodeNotification(vote(3, 4)));
  await until(() => two.heard.length === 1, 'the next one is heard');
  t.true(two.lines.some((l) => l.includes('dropped a notification')));
});

test('strangers: a server outside the configuration is heard and answered, and forgotten with its connection', async (t) => {
  const two = await start(t, 2);
  const peer = await dial(t, two.port.port());
  peer.send(initial(9, 1));
  peer.send(encodeNotification(vote(9, 1)));
  await until(() => two.heard.length === 1, 'it is heard');
  two.port.notify(9, vote(3, 2));
  t.deepEqual(await peer.readFrame(), encodeNotification(vote(3, 2)).subarray(4));
  peer.close();
  await until(() => two.port.connected().length === 0, 'it is forgotten');
  const again = await dial(t, two.port.port());
  again.send(initial(9, 1));
  await until(() => two.port.connected().length === 1, 'it is back');
  await settle();
  again.close();
  t.is((await again.ended).length, 0, 'nothing of before is sent to it');
});

test('replay: what servers of ZooKeeper 3.9 sent in an election arrives as sent, byte by byte', async (t) => {
  let notifications = 0;
  for (const c of recording('01-election-cold-start').connections) {
    if (c.port !== 'election' || c.initiatorSid === null || c.initiatorSid < c.acceptorSid) continue;
    const sent = c.messages.filter((m) => m.from === 'initiator');
    const node = await start(t, c.acceptorSid, [at(c.initiatorSid, await freePort())]);
    const peer = await dial(t, node.port.port());
    for (const byte of Buffer.from(sent.map((m) => m.hex).join(''), 'hex')) peer.send(Buffer.of(byte));
    const expected = sent.filter((m) => m.fields['kind'] === 'notification');
    await until(() => node.heard.length === expected.length, 'all were heard');
    t.deepEqual(
      node.heard.map(([from, n]) => [from, encodeNotification(n).toString('hex')]),
      expected.map((m) => [c.initiatorSid, m.hex]),
    );
    notifications += expected.length;
  }
  t.true(notifications > 0);
});
