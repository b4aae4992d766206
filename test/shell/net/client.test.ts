import test from 'ava';
import type { ExecutionContext } from 'ava';
import { readFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import type { ClientRequest, ConnectRequest, Reply } from '../../../core/service/request.js';
import { startClientPort } from '../../../shell/net/client.js';
import type { ClientLimits, ClientPort } from '../../../shell/net/clientPort.js';
import { createMetrics } from '../../../shell/metrics.js';
import type { Metrics } from '../../../shell/metrics.js';
import { encodeConnectRequest, encodeConnectResponse, encodeRequest } from '../../../wire/client.js';
import { encodeReply, encodeWatchEvent } from '../../../wire/reply.js';
import { dial, settle, until } from './peer.js';
import type { RawPeer } from './peer.js';

type Event =
  | readonly ['connected', number, string]
  | readonly ['connect', number, ConnectRequest]
  | readonly ['request', number, number, ClientRequest]
  | readonly ['closed', number];
type Port = {
  readonly clients: ClientPort;
  readonly events: Event[];
  readonly lines: string[];
  readonly metrics: Metrics;
};

const start = async (
  t: ExecutionContext,
  limits: Partial<ClientLimits> = {},
  onWord: (word: string, reply: (text: string) => void) => void = () => undefined,
): Promise<Port> => {
  const events: Event[] = [];
  const lines: string[] = [];
  const metrics = createMetrics();
  const clients = startClientPort({
    bind: { host: '127.0.0.1', port: 0 },
    onConnected: (conn, address) => events.push(['connected', conn, address]),
    onConnect: (conn, request) => events.push(['connect', conn, request]),
    onRequest: (conn, xid, request) => events.push(['request', conn, xid, request]),
    onClosed: (conn) => events.push(['closed', conn]),
    onFourLetterWord: onWord,
    log: (_, line) => lines.push(line),
    limits,
    metrics,
  });
  t.teardown(clients.close);
  await until(() => clients.port() > 0, 'the port is bound');
  return { clients, events, lines, metrics };
};

const connectRequest: ConnectRequest = {
  protocolVersion: 0,
  lastZxidSeen: { epoch: 0, counter: 0 },
  timeoutMs: 6000,
  session: '0000000000000000',
  password: Buffer.alloc(16),
  readOnly: false,
};
const ping: ClientRequest = { op: 'ping' };
const pong = (xid: number): Reply => ({ xid, zxid: { epoch: 1, counter: 1 }, err: 0, body: { type: 'none' } });

/** A client whose connect record has arrived; its id at the port. */
const joined = async (t: ExecutionContext, port: Port): Promise<{ readonly peer: RawPeer; readonly id: number }> => {
  const before = port.events.length;
  const peer = await dial(t, port.clients.port());
  peer.send(encodeConnectRequest(connectRequest));
  await until(() => port.events.length === before + 2, 'the connect record is there');
  return { peer, id: port.events[before]?.[1] ?? 0 };
};
const requests = (port: Port): readonly Event[] => port.events.filter(([type]) => type === 'request');

test('a session from connect record to close: events in order, answers as written', async (t) => {
  const port = await start(t);
  const peer = await dial(t, port.clients.port());
  // All without waiting, as the Java client does.
  peer.send(
    Buffer.concat([
      encodeConnectRequest(connectRequest),
      encodeRequest({ xid: 1, request: { op: 'getData', path: '/a', watch: true } }),
      encodeRequest({ xid: -2, request: ping }),
    ]),
  );
  await until(() => port.events.length === 4, 'everything is there');
  const [, id] = port.events[0] ?? ['connected', 0];
  t.deepEqual(port.events, [
    ['connected', id, '127.0.0.1'],
    ['connect', id, connectRequest],
    ['request', id, 1, { op: 'getData', path: '/a', watch: true }],
    ['request', id, -2, ping],
  ]);
  t.is(port.metrics.outstanding, 2);
  const response = { timeoutMs: 6000, session: '0100000a740a0000', password: Buffer.alloc(16, 7), readOnly: false };
  const watch = { type: 3, path: '/a', zxid: { epoch: 1, counter: 2 } } as const;
  port.clients.respond(id, response);
  port.clients.reply(id, pong(1));
  port.clients.event(id, watch);
  port.clients.reply(id, pong(-2));
  const expected = Buffer.concat([
    encodeConnectResponse(response),
    encodeReply(pong(1)),
    encodeWatchEvent(watch),
    encodeReply(pong(-2)),
  ]);
  t.deepEqual(await peer.read(expected.length), expected);
  t.is(port.metrics.outstanding, 0);
  t.is(port.metrics.latencyMs.count, 2);
  const [status] = port.clients.stats();
  t.like(status, { address: '127.0.0.1', reading: true, queued: 0 });
  t.like(status?.traffic, { received: 3, sent: 4, lastOp: 'PING', lastCxid: 1, latencies: 2 });
  peer.close();
  await until(() => port.events.length === 5, 'the end is noticed');
  t.deepEqual(port.events[4], ['closed', id]);
  t.is(port.metrics.connections, 0);
});

test('closeClient: what was written before arrives, then the end, and nothing more is reported', async (t) => {
  const port = await start(t);
  const { peer, id } = await joined(t, port);
  peer.send(encodeRequest({ xid: 1, request: { op: 'closeSession' } }));
  await until(() => requests(port).length === 1, 'it wants to go');
  const large: Reply = {
    ...pong(1),
    body: { type: 'children', children: Array.from({ length: 50_000 }, (_, i) => `child-${i}`) },
  };
  port.clients.reply(id, large);
  port.clients.closeClient(id);
  port.clients.reply(id, pong(2));
  peer.send(encodeRequest({ xid: 2, request: ping }));
  t.true((await peer.ended).equals(encodeReply(large)));
  await settle();
  t.is(requests(port).length, 1);
  t.false(port.events.some(([type]) => type === 'closed'));
});

test('two clients of which one sends garbage: it is closed with a reason, the other goes on', async (t) => {
  const port = await start(t, { sessionlessMs: 300 });
  const good = await joined(t, port);
  const frame = (length: number, ...rest: number[]): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length, 0);
    return Buffer.concat([bytes, Buffer.from(rest)]);
  };
  const cases: readonly [Buffer | string, RegExp][] = [
    ['GET / HTTP/1.1\r\nHost: zk\r\n\r\n', /jute\.maxbuffer is 1048575.*looks like HTTP/],
    [Buffer.from('16030100a5010000a1030300', 'hex'), /looks like TLS/],
    ['abcd', /frame is 1633837924 bytes long, at most 1048575/],
    [frame(-1), /impossible length -1/],
    [frame(1048576), /frame is 1048576 bytes long, at most 1048575/],
    [frame(3, 1, 2, 3), /connect record: the bytes end/],
    [Buffer.concat([encodeConnectRequest(connectRequest), frame(5, 0, 0, 0, 1, 0)]), /request header/],
    ['', /no connect record in 300 ms/],
  ];
  for (const [bytes, reason] of cases) {
    const bad = await dial(t, port.clients.port());
    bad.send(bytes);
    t.is((await bad.ended).length, 0);
    t.regex(port.lines.at(-1) ?? '', reason);
    t.regex(port.lines.at(-1) ?? '', /^client 127\.0\.0\.1:\d+ closed: /);
  }
  t.is(port.metrics.connectionsDropped, cases.length);
  good.peer.send(encodeRequest({ xid: 9, request: ping }));
  await until(() => requests(port).length === 1, 'the good one is still heard');
  t.deepEqual(requests(port), [['request', good.id, 9, ping]]);
  t.deepEqual(
    port.events.filter(([type]) => type === 'closed').length,
    1,
    'only what had sent a connect record is reported',
  );
});

test('a record that cannot be decoded is a request like any other: the connection stays', async (t) => {
  const port = await start(t);
  const { peer, id } = await joined(t, port);
  peer.send(Buffer.from('000000090000000700000003ff', 'hex'));
  await until(() => requests(port).length === 1, 'it is there');
  t.deepEqual(requests(port), [['request', id, 7, { op: 'unreadable', err: -5 }]]);
});

test('maxClientCnxns: excess is closed before any byte, and a place that is left is taken again', async (t) => {
  const port = await start(t, { maxClientCnxns: 2 });
  const first = await joined(t, port);
  await joined(t, port);
  const third = await dial(t, port.clients.port());
  t.is((await third.ended).length, 0);
  t.regex(port.lines.at(-1) ?? '', /refused: there are maxClientCnxns \(2\) connections of that address already/);
  t.is(port.metrics.connectionsRejected, 1);
  first.peer.close();
  await until(() => port.metrics.connections === 1, 'one is gone');
  await joined(t, port);
  t.is(port.metrics.connections, 2);
});

test('a frame of jute.maxbuffer bytes is served, and a value in it does not hold the rest of its chunk', async (t) => {
  const port = await start(t);
  const { peer } = await joined(t, port);
  const room =
    1048575 - encodeRequest({ xid: 1, request: { op: 'setData', path: '/a', data: null, version: 0 } }).length;
  const data = Buffer.alloc(room + 4, 1);
  const largest = encodeRequest({ xid: 1, request: { op: 'setData', path: '/a', data, version: 0 } });
  t.is(largest.readInt32BE(0), 1048575);
  peer.send(largest);
  peer.send(encodeRequest({ xid: 2, request: { op: 'setData', path: '/a', data: Buffer.alloc(5000, 2), version: 0 } }));
  await until(() => requests(port).length === 2, 'both are there');
  const [first, second] = requests(port).map((e) => (e[0] === 'request' && e[3].op === 'setData' ? e[3].data : null));
  t.true(data.equals(first ?? Buffer.alloc(0)));
  t.is(second?.buffer.byteLength, 5000);
});

test('four-letter words: answered and closed, also when they come byte by byte or with a line end', async (t) => {
  const words: string[] = [];
  const port = await start(t, {}, (word, reply) => {
    words.push(word);
    reply(`you said ${word}\n`);
  });
  const at = (): Promise<RawPeer> => dial(t, port.clients.port());
  const [whole, pieces] = [await at(), await at()];
  whole.send('stat\n');
  t.is((await whole.ended).toString(), 'you said stat\n');
  for (const byte of 'mntr') {
    pieces.send(byte);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.is((await pieces.ended).toString(), 'you said mntr\n');
  t.deepEqual(words, ['stat', 'mntr']);
  t.deepEqual(port.events, [], 'the core hears nothing of them');
  const { peer, id } = await joined(t, port);
  // Once there is a session, the same four bytes are a length.
  peer.send('ruok');
  await peer.ended;
  t.deepEqual(port.events.at(-1), ['closed', id]);
});

test('a client that does not read: its output is bounded, others go on', async (t) => {
  const maxOutputBytes = 1024 * 1024;
  const port = await start(t, { maxOutputBytes });
  const slow = await joined(t, port);
  const good = await joined(t, port);
  slow.peer.socket.pause();
  // Nobody asks for events, so nothing else holds them back.
  const event = { type: 3, path: `/${'p'.repeat(20_000)}`, zxid: null } as const;
  const bytes = encodeWatchEvent(event).length;
  slow.peer.send(encodeRequest({ xid: 1, request: ping }));
  await until(() => requests(port).length === 1, 'it asks');
  // Far more than the kernel takes, over many turns.
  for (let i = 0; i < 5000 && port.metrics.connections === 2; i += 1) {
    port.clients.event(slow.id, event);
    if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => port.events.some(([type]) => type === 'closed'), 'the slow one is closed');
  t.deepEqual(
    port.events.filter(([type]) => type === 'closed'),
    [['closed', slow.id]],
  );
  const line = port.lines.find((l) => l.includes('it does not read')) ?? '';
  const held = Number(/(\d+) bytes wait for it, at most 1048576 may/.exec(line)?.[1]);
  t.true(held > maxOutputBytes && held <= maxOutputBytes + bytes, line);
  good.peer.send(encodeRequest({ xid: 3, request: ping }));
  await until(() => requests(port).length === 2, 'the good one is heard');
  port.clients.reply(good.id, pong(3));
  t.deepEqual(await good.peer.read(20), encodeReply(pong(3)));
});

test('a client that reads again is read again', async (t) => {
  const port = await start(t);
  const { peer, id } = await joined(t, port);
  peer.socket.pause();
  const reply: Reply = { ...pong(1), body: { type: 'path', path: 'p'.repeat(1_000_000) } };
  const one = encodeReply(reply).length;
  for (let i = 0; i < 30; i += 1) port.clients.reply(id, reply);
  await settle();
  peer.send(encodeRequest({ xid: 5, request: ping }));
  await settle();
  t.is(requests(port).length, 0);
  t.is(port.clients.stats()[0]?.reading, false);
  peer.socket.resume();
  await peer.read(30 * one);
  await until(() => requests(port).length === 1, 'its request is read');
  t.is(port.clients.stats()[0]?.reading, true);
});

test('maxOutstanding: above it, a connection that waits for a reply is not read; one that waits for none is', async (t) => {
  const port = await start(t, { maxOutstanding: 3 });
  const [busy, idle] = [await joined(t, port), await joined(t, port)];
  for (let xid = 1; xid <= 10; xid += 1) busy.peer.send(encodeRequest({ xid, request: ping }));
  await until(() => requests(port).length === 4, 'the limit is passed');
  await settle();
  t.is(requests(port).length, 4);
  idle.peer.send(Buffer.concat([11, 12].map((xid) => encodeRequest({ xid, request: ping }))));
  await until(() => requests(port).length === 5, 'the other one has its first request read');
  await settle();
  t.is(requests(port).length, 5);
  // Each answer makes room; in the end everything was read, in order.
  const answered = new Set<Event>();
  while (answered.size < 12) {
    await until(() => requests(port).length > answered.size, 'more is read');
    const next = requests(port).find((e) => !answered.has(e));
    if (next?.[0] !== 'request') break;
    answered.add(next);
    port.clients.reply(next[1], pong(next[2]));
    t.true(port.metrics.outstanding <= 5);
  }
  const xidsOf = (id: number) => requests(port).flatMap((e) => (e[0] === 'request' && e[1] === id ? [e[2]] : []));
  t.deepEqual(xidsOf(busy.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.deepEqual(xidsOf(idle.id), [11, 12]);
  t.is(port.metrics.outstanding, 0);
});

test('maxOutstanding: requests of a connection that is gone count no more', async (t) => {
  const port = await start(t, { maxOutstanding: 2 });
  const [gone, other] = [await joined(t, port), await joined(t, port)];
  for (let xid = 1; xid <= 5; xid += 1) gone.peer.send(encodeRequest({ xid, request: ping }));
  await until(() => requests(port).length === 3, 'the limit is passed');
  other.peer.send(Buffer.concat([6, 7].map((xid) => encodeRequest({ xid, request: ping }))));
  await until(() => requests(port).length === 4, 'the other one has its first request read');
  port.clients.closeClient(gone.id);
  await until(() => requests(port).length === 5, 'the other one is read on');
  t.is(port.metrics.outstanding, 2);
});

test('maxOutstandingBytes: large requests count by their size', async (t) => {
  const port = await start(t, { maxOutstandingBytes: 100_000 });
  const { peer, id } = await joined(t, port);
  const request: ClientRequest = { op: 'setData', path: '/a', data: Buffer.alloc(60_000), version: -1 };
  for (let xid = 1; xid <= 4; xid += 1) peer.send(encodeRequest({ xid, request }));
  await until(() => requests(port).length === 2, 'two are read');
  await settle();
  t.is(requests(port).length, 2);
  port.clients.reply(id, pong(1));
  await until(() => requests(port).length === 3, 'an answer makes room for one');
});

test('pause and resume: nothing is delivered in between, not even of what was read already', async (t) => {
  const port = await start(t);
  const { peer, id } = await joined(t, port);
  port.clients.pause(id);
  peer.send(Buffer.concat([1, 2].map((xid) => encodeRequest({ xid, request: ping }))));
  await settle();
  t.is(requests(port).length, 0);
  port.clients.resume(id);
  await until(() => requests(port).length === 2, 'both are delivered');
});

test('a connection that is reset is reported as closed', async (t) => {
  const port = await start(t);
  const { peer, id } = await joined(t, port);
  peer.socket.resetAndDestroy();
  await until(() => port.events.at(-1)?.[0] === 'closed', 'the end is noticed');
  t.deepEqual(port.events.at(-1), ['closed', id]);
});

test('replay: recorded sessions of four clients arrive as one connect record and their requests', async (t) => {
  type Frames = { frames: { name: string; direction: string; hex: string; decoded: { header?: { xid: number } } }[] };
  for (const name of ['kazoo', 'java', 'node', 'go']) {
    const { frames } = JSON.parse(readFileSync(`test/vectors/client/${name}-session.json`, 'utf8')) as Frames;
    const sent = frames.filter((f) => /^(c|client|request)/i.test(f.direction));
    t.true(sent.length > 5, `${name}: directions ${[...new Set(frames.map((f) => f.direction))].join()}`);
    const port = await start(t);
    const socket = tcpConnect({ host: '127.0.0.1', port: port.clients.port() });
    t.teardown(() => socket.destroy());
    socket.write(Buffer.from(sent.map((f) => f.hex).join(''), 'hex'));
    await until(() => requests(port).length === sent.length - 1, `${name}: all requests are there`);
    t.deepEqual(
      port.events.slice(0, 2).map(([type]) => type),
      ['connected', 'connect'],
    );
    t.deepEqual(
      requests(port).map((e) => e[2]),
      sent.slice(1).map((f) => Buffer.from(f.hex, 'hex').readInt32BE(4)),
    );
    t.deepEqual(port.lines, []);
  }
});

test('a request that takes long is told of with its session, and counted; a quick one is not', async (t) => {
  const port = await start(t, { requestWarningMs: 40 });
  const { peer, id } = await joined(t, port);
  const session = '0100000a740a0000';
  port.clients.respond(id, { timeoutMs: 6000, session, password: Buffer.alloc(16), readOnly: false });
  const ask = async (xid: number, waitMs: number): Promise<void> => {
    const before = requests(port).length;
    peer.send(encodeRequest({ xid, request: { op: 'getData', path: '/app/a', watch: false } }));
    await until(() => requests(port).length > before, 'the request is there');
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    port.clients.reply(id, pong(xid));
  };
  await ask(7, 60);
  t.is(port.metrics.counters.requests_slow_count, 1);
  t.regex(port.lines.join('\n'), /^getData of client 127\.0\.0\.1:\d+ took \d+ ms$/m);
  t.is(port.metrics.summaries.readlatency.count, 1);
  t.is(port.metrics.summaries.updatelatency.count, 0);
  t.like(port.clients.stats()[0]?.traffic, { session, lastOp: 'GETD', lastCxid: 7, lastZxid: '0x100000001' });
  port.clients.resetStats();
  t.like(port.clients.stats()[0]?.traffic, { received: 0, sent: 0, maxLatencyMs: 0, lastCxid: 7 });
});
