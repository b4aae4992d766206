import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { ServerId } from '../../../core/data/quorum.js';
import type { Zxid } from '../../../core/data/zxid.js';
import type { Packet } from '../../../core/replication/packet.js';
import type { Snapshot, SnapshotNode } from '../../../core/service/snapshot.js';
import type { Txn } from '../../../core/service/txn.js';
import { startQuorum } from '../../../shell/net/quorum.js';
import type { QuorumOptions, QuorumPort } from '../../../shell/net/quorum.js';
import { encodePacket } from '../../../wire/quorum.js';
import { encodeSnapStream, feedPackets, openPackets } from '../../../wire/quorumStream.js';
import { dial, freePort, rawServer, recording, settle, until } from './peer.js';

type Heard = readonly [ServerId, Packet] | readonly ['closed', ServerId];
type Node = { readonly quorum: QuorumPort; readonly heard: Heard[]; readonly lines: string[] };

const start = (t: ExecutionContext, self: ServerId, more: Partial<QuorumOptions> = {}): Node => {
  const heard: Heard[] = [];
  const lines: string[] = [];
  const quorum = startQuorum({
    self,
    peers: [],
    bind: { host: '127.0.0.1', port: 0 },
    onPacket: (from, packet) => heard.push([from, packet]),
    onClosed: (peer) => heard.push(['closed', peer]),
    log: (_, line) => lines.push(line),
    initTimeoutMs: 20_000,
    ...more,
  });
  t.teardown(quorum.close);
  return { quorum, heard, lines };
};

const listening = async (t: ExecutionContext, self: ServerId, more: Partial<QuorumOptions> = {}): Promise<Node> => {
  const node = start(t, self, more);
  node.quorum.listen();
  await until(() => node.quorum.port() > 0, 'the port is bound');
  return node;
};

const info = (sid: ServerId, acceptedEpoch = 1): Packet => ({
  type: 'FOLLOWERINFO',
  acceptedEpoch,
  sid,
  protocolVersion: 0x10000,
  configVersion: { epoch: 0, counter: 0 },
});
const zxid = (counter: number): Zxid => ({ epoch: 1, counter });
const ack = (counter: number): Packet => ({ type: 'ACK', zxid: zxid(counter) });
const commit = (counter: number): Packet => ({ type: 'COMMIT', zxid: zxid(counter) });
const to = (port: number, sid: ServerId) => ({ peers: [{ sid, host: '127.0.0.1', quorumPort: port }] });

const snapshotOf = (count: number, dataBytes = 100): Snapshot & { readonly nodes: readonly SnapshotNode[] } => ({
  sessions: [{ session: '0100000a740a0000', timeoutMs: 4000 }],
  nodes: Array.from({ length: count }, (_, i) => ({
    path: i === 0 ? '' : `/n${i}`,
    data: Buffer.alloc(dataBytes, i),
    acl: null,
    czxid: zxid(i),
    mzxid: zxid(i),
    ctimeMs: i,
    mtimeMs: i,
    version: 0,
    cversion: 0,
    aversion: 0,
    owner: '0000000000000000',
    pzxid: zxid(i),
  })),
});

test('a learner that connects before its leader listens is let in, and nothing it sent is lost', async (t) => {
  const port = await freePort();
  const leader = start(t, 3, { bind: { host: '127.0.0.1', port } });
  const learner = start(t, 1, to(port, 3));
  learner.quorum.connect(3);
  learner.quorum.send(3, info(1));
  await until(() => learner.lines.some((l) => l.includes('trying again')), 'the first try was refused');
  leader.quorum.listen();
  await until(() => leader.heard.length === 1, 'the learner is there');
  leader.quorum.send(1, { type: 'LEADERINFO', epoch: 2, protocolVersion: 0x10000 });
  leader.quorum.send(1, { type: 'PING', zxid: zxid(4), touched: null });
  await until(() => learner.heard.length === 2, 'the answer is there');
  learner.quorum.send(3, { type: 'PING', zxid: zxid(4), touched: [{ session: '0100000a740a0000', timeoutMs: 4000 }] });
  await until(() => leader.heard.length === 2, 'the ping is there');
  t.deepEqual(leader.heard, [
    [1, info(1)],
    [1, { type: 'PING', zxid: zxid(4), touched: [{ session: '0100000a740a0000', timeoutMs: 4000 }] }],
  ]);
  t.deepEqual(learner.heard, [
    [3, { type: 'LEADERINFO', epoch: 2, protocolVersion: 0x10000 }],
    [3, { type: 'PING', zxid: zxid(4), touched: null }],
  ]);
  leader.quorum.close();
  await until(() => learner.heard.length === 3, 'the end is noticed');
  t.deepEqual(learner.heard[2], ['closed', 3]);
});

test('connect: after five refused tries the learner is told, once', async (t) => {
  const learner = start(t, 1, to(await freePort(), 3));
  learner.quorum.connect(3);
  await until(() => learner.heard.length > 0, 'it gave up');
  await settle();
  t.deepEqual(learner.heard, [['closed', 3]]);
  t.is(learner.lines.filter((l) => l.includes('trying again')).length, 4);
});

test('connect: no try starts beyond the budget, and an unknown server is told of in a turn of its own', async (t) => {
  const learner = start(t, 1, { ...to(await freePort(), 3), connectTimeoutMs: 150 });
  learner.quorum.connect(3);
  learner.quorum.connect(7);
  t.deepEqual(learner.heard, []);
  await until(() => learner.heard.length === 2, 'both failed');
  t.deepEqual(learner.heard.toSorted(), [
    ['closed', 3],
    ['closed', 7],
  ]);
  t.true(learner.lines.filter((l) => l.includes('trying again')).length <= 1);
});

test('stopListening: newcomers are refused, learners that are in stay', async (t) => {
  const leader = await listening(t, 3);
  const port = leader.quorum.port();
  const one = await dial(t, port);
  one.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  const unnamed = await dial(t, port);
  leader.quorum.stopListening();
  t.is((await unnamed.ended).length, 0);
  await t.throwsAsync(dial(t, port));
  one.send(encodePacket(ack(1)));
  await until(() => leader.heard.length === 2, 'it is still heard');
  t.deepEqual(leader.heard[1], [1, ack(1)]);
  leader.quorum.listen();
  await until(() => leader.quorum.port() > 0, 'it listens again');
  const two = await dial(t, leader.quorum.port());
  two.send(encodePacket(info(2)));
  await until(() => leader.heard.length === 3, 'the port serves again');
});

test('garbage: each kind closes its own connection with a reason, and nobody else is disturbed', async (t) => {
  const leader = await listening(t, 3, { initTimeoutMs: 400 });
  const good = await dial(t, leader.quorum.port());
  good.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'a good learner is in');
  leader.quorum.setReadTimeout(1, 60_000);
  const shortInfo = Buffer.from('0000000b000000010000000000000004000000' + '01ffffffff', 'hex');
  const cases: readonly [Buffer | string, RegExp][] = [
    ['GET / HTTP/1.1\r\nHost: zk\r\n\r\n', /looks like HTTP/],
    [Buffer.from('16030100a5010000a1030300000000000000000000', 'hex'), /looks like TLS/],
    [encodePacket(ack(1)), /began with ACK/],
    [shortInfo, /the bytes end/],
    [encodePacket(info(3)), /server 3, as we are/],
    [encodePacket(info(300)), /300 is no server id/],
    ['', /no first packet in 400 ms/],
  ];
  for (const [bytes, reason] of cases) {
    const bad = await dial(t, leader.quorum.port());
    bad.send(bytes);
    t.is((await bad.ended).length, 0);
    t.regex(leader.lines.at(-1) ?? '', reason);
  }
  good.send(encodePacket(ack(5)));
  await until(() => leader.heard.length === 2, 'the good one is still heard');
  t.deepEqual(leader.heard[1], [1, ack(5)]);
  good.send(Buffer.from('000000630000000100000005ffffffffffffffff', 'hex'));
  await good.ended;
  t.deepEqual(leader.heard[2], ['closed', 1], 'garbage of a learner that is in ends its link, and the core is told');
  t.regex(leader.lines.at(-1) ?? '', /unknown packet type 99/);
});

test('a newer connection of a learner replaces the older, whose leftovers are never delivered', async (t) => {
  const leader = await listening(t, 3);
  const older = await dial(t, leader.quorum.port());
  older.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  leader.quorum.pauseReads(true);
  older.send(encodePacket(ack(77)));
  await settle();
  const newer = await dial(t, leader.quorum.port());
  newer.send(Buffer.concat([encodePacket(info(1, 2)), encodePacket(ack(8))]));
  await older.ended;
  leader.quorum.pauseReads(false);
  newer.send(encodePacket(ack(9)));
  await until(() => leader.heard.length === 5, 'the newer one is heard');
  await settle();
  t.deepEqual(leader.heard, [
    [1, info(1)],
    ['closed', 1],
    [1, info(1, 2)],
    [1, ack(8)],
    [1, ack(9)],
  ]);
  leader.quorum.send(1, commit(9));
  t.deepEqual(await newer.read(20), encodePacket(commit(9)));
});

test('SNAP: the stream is followed by the packets that were sent behind it, in order', async (t) => {
  const leader = await listening(t, 3);
  const learner = start(t, 1, to(leader.quorum.port(), 3));
  learner.quorum.connect(3);
  learner.quorum.send(3, info(1));
  await until(() => leader.heard.length === 1, 'the learner is in');
  const snapshot = snapshotOf(5_000);
  leader.quorum.send(1, { type: 'SNAP', zxid: zxid(5_000), snapshot });
  for (let i = 1; i <= 100; i += 1) leader.quorum.send(1, commit(i));
  t.true((leader.quorum.links()[0]?.queuedBytes ?? 0) < 100_000, 'the stream is not made all at once');
  await until(() => learner.heard.length >= 51, 'the snapshot is there');
  leader.quorum.send(1, { type: 'UPTODATE' });
  await until(() => learner.heard.length === 102, 'all is there');
  const [first, ...rest] = learner.heard;
  t.true(first?.[0] === 3 && first[1].type === 'SNAP');
  if (first?.[0] === 3 && first[1].type === 'SNAP') {
    t.deepEqual([...first[1].snapshot.nodes], snapshot.nodes);
    t.deepEqual([...first[1].snapshot.sessions], [...snapshot.sessions]);
  }
  t.deepEqual(rest, [...Array.from({ length: 100 }, (_, i) => [3, commit(i + 1)] as const), [3, { type: 'UPTODATE' }]]);
});

test('SNAP: a learner that reads slowly gets every byte, and the leader holds little of the stream', async (t) => {
  const leader = await listening(t, 3);
  const learner = await dial(t, leader.quorum.port());
  learner.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  const snapshot = snapshotOf(20_000, 1000);
  const sent: Packet = { type: 'SNAP', zxid: zxid(1), snapshot };
  learner.socket.pause();
  leader.quorum.send(1, sent);
  leader.quorum.send(1, commit(1));
  const queued = (): number => leader.quorum.links()[0]?.queuedBytes ?? 0;
  await until(() => queued() > 200_000, 'the kernel takes no more');
  for (let i = 0; i < 4; i += 1) {
    await settle();
    t.true(queued() < 512 * 1024, `${queued()} bytes are held`);
  }
  learner.socket.resume();
  const expected = Buffer.concat([encodePacket(sent), ...encodeSnapStream(snapshot), encodePacket(commit(1))]);
  t.true((await learner.read(expected.length)).equals(expected));
});

test('a learner that does not read is disconnected at the bound, with a reason', async (t) => {
  const maxQueuedBytes = 1024 * 1024;
  const leader = await listening(t, 3, { maxQueuedBytes });
  const [slow, good] = [await dial(t, leader.quorum.port()), await dial(t, leader.quorum.port())];
  slow.send(encodePacket(info(1)));
  good.send(encodePacket(info(2)));
  await until(() => leader.heard.length === 2, 'both are in');
  slow.socket.pause();
  const packet: Packet = { type: 'NEWLEADER', epoch: 1, config: 'x'.repeat(100_000) };
  let most = 0;
  let sent = 0;
  while (leader.heard.length === 2 && sent < 1000) {
    for (const sid of [1, 2]) leader.quorum.send(sid, packet);
    sent += 1;
    most = Math.max(most, leader.quorum.links().find((l) => l.peer === 1)?.queuedBytes ?? 0);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.deepEqual(leader.heard[2], ['closed', 1]);
  t.true(most > maxQueuedBytes / 2 && most <= maxQueuedBytes, `at most ${most} bytes were held`);
  t.regex(leader.lines.at(-1) ?? '', /server 1 .* does not read: \d+ bytes wait for it, at most 1048576 may/);
  const one = encodePacket(packet);
  const all = await good.read(one.length * sent);
  for (let i = 0; i < sent; i += 1) t.true(all.subarray(i * one.length, (i + 1) * one.length).equals(one));
  t.deepEqual(
    leader.quorum.links().map((l) => [l.peer, l.queuedBytes]),
    [[2, 0]],
  );
});

test('setReadTimeout: silence ends a link, but not while we ourselves do not read', async (t) => {
  const leader = await listening(t, 3, { initTimeoutMs: 400 });
  const one = await dial(t, leader.quorum.port());
  one.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  leader.quorum.setReadTimeout(1, 100);
  leader.quorum.pauseReads(true);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.is(leader.heard.length, 1);
  leader.quorum.pauseReads(false);
  await until(() => leader.heard.length === 2, 'the link ended');
  t.deepEqual(leader.heard[1], ['closed', 1]);
  t.regex(leader.lines.at(-1) ?? '', /no byte in 100 ms/);
  await one.ended;
});

test('pauseReads: nothing is delivered until reading goes on', async (t) => {
  const leader = await listening(t, 3);
  const one = await dial(t, leader.quorum.port());
  one.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  leader.quorum.pauseReads(true);
  one.send(encodePacket(ack(1)));
  await settle();
  t.is(leader.heard.length, 1);
  leader.quorum.pauseReads(false);
  await until(() => leader.heard.length === 2, 'it is delivered');
});

test('disconnect: what was sent before still arrives, and nothing of the link is reported', async (t) => {
  const leader = await listening(t, 3);
  const one = await dial(t, leader.quorum.port());
  one.send(encodePacket(info(1)));
  await until(() => leader.heard.length === 1, 'the learner is in');
  leader.quorum.send(1, commit(1));
  leader.quorum.disconnect(1);
  leader.quorum.send(1, commit(2));
  one.send(encodePacket(ack(1)));
  t.deepEqual(await one.ended, encodePacket(commit(1)));
  await settle();
  t.deepEqual(leader.heard, [[1, info(1)]]);
});

for (const name of ['09-follower-join-snap', '03-broadcast-client-on-leader', '04-forwarding-client-on-follower']) {
  test(`replay: ${name}, both directions through a leader's and a learner's port, seven bytes a segment`, async (t) => {
    let packets = 0;
    for (const c of recording(name).connections.filter((each) => each.port === 'quorum')) {
      const hex = (from: string): string[] => c.messages.filter((m) => m.from === from).map((m) => m.hex);
      const opened = ['FOLLOWERINFO', 'OBSERVERINFO'].includes(String(c.messages[0]?.fields['name']));
      // Recordings that begin in the middle of a connection are given the beginning that their port expects.
      const sid = c.initiatorSid ?? 1;
      const toLeader = [...(opened ? [] : [encodePacket(info(sid)).toString('hex')]), ...hex('initiator')];
      const toLearner = hex('acceptor');

      const leader = await listening(t, c.acceptorSid);
      const raw = await rawServer(t);
      const learner = start(t, sid, to(raw.port, c.acceptorSid));
      learner.quorum.connect(c.acceptorSid);
      for (const [peer, messages, node, direction] of [
        [await dial(t, leader.quorum.port()), toLeader, leader, 'fromLearner'],
        [await raw.accept(), toLearner, learner, 'fromLeader'],
      ] as const) {
        const bytes = Buffer.from(messages.join(''), 'hex');
        for (let i = 0; i < bytes.length; i += 7) peer.send(bytes.subarray(i, i + 7));
        const whole = feedPackets(openPackets(direction), bytes);
        t.is(whole.error, null);
        await until(() => node.heard.length >= whole.packets.length, 'all was heard');
        t.deepEqual(
          node.heard.map(([, packet]) => packet),
          [...whole.packets],
        );
        packets += whole.packets.length;
      }
    }
    t.true(packets > 10, `${packets} packets`);
  });
}

test('packets around one transaction have the same bytes for every learner, and others keep their own', async (t) => {
  const leader = await listening(t, 3);
  const learners = await Promise.all([1, 2].map(async () => dial(t, leader.quorum.port())));
  for (const [i, learner] of learners.entries()) {
    learner.send(encodePacket(info(i + 1)));
    await until(() => leader.heard.length === i + 1, 'the learner is in');
  }
  const txn = (counter: number): Txn => ({
    session: '0100000000000001',
    cxid: counter,
    zxid: zxid(counter),
    timeMs: 0,
    record: { type: 'error', err: -counter },
    digest: null,
  });
  const [one, two] = [txn(1), txn(2)];
  // Made anew for each learner, as the core makes them; the order leaves equal ones beside each other, and unequal.
  const packets: readonly (() => Packet)[] = [
    () => ({ type: 'PROPOSAL', txn: one }),
    () => ({ type: 'PROPOSAL', txn: two }),
    () => ({ type: 'INFORM', txn: two }),
    () => ({ type: 'COMMIT', zxid: one.zxid }),
    () => ({ type: 'COMMIT', zxid: two.zxid }),
  ];
  for (const packet of packets) for (const sid of [1, 2]) leader.quorum.send(sid, packet());
  const expected = Buffer.concat(packets.map((packet) => encodePacket(packet())));
  for (const learner of learners) t.deepEqual(await learner.read(expected.length), expected);
});
