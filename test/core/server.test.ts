/** What one whole server does: its parts held together, and what is due. */
import test from 'ava';
import { maxCounter, zeroZxid } from '../../core/data/zxid.js';
import type { Packet } from '../../core/replication/packet.js';
import { appended, withDisk, withSynced } from '../../core/replication/state.js';
import type { ServerEffect } from '../../core/server.js';
import { statusOf } from '../../core/server.js';
import { txn, zxid } from './replication/support.js';
import {
  alone,
  ask,
  attach,
  begin,
  following,
  join,
  leading,
  looking,
  packet,
  pass,
  pong,
  send,
  sentTo,
  typesTo,
} from './serverSupport.js';
import type { Run } from './serverSupport.js';
import { connectRequest, create } from './service/support.js';

const repliesOf = (effects: readonly ServerEffect[]): readonly string[] =>
  effects.flatMap((e) => (e.type === 'Reply' ? [`${e.conn}: ${e.reply.xid} err ${e.reply.err}`] : []));

test('Server: one of one voter elects itself, saves its promise and then its epoch, and serves', (t) => {
  const run = begin(1, [1]);
  const effects = send(run, { type: 'Tick' });
  t.deepEqual(
    effects.map((e) => (e.type === 'SaveEpoch' ? `${e.file} ${e.epoch}` : e.type)),
    ['Listen', 'accepted 1', 'current 1'],
  );
  const { serving, role, phase, leader, epoch } = statusOf(run.state);
  t.deepEqual(
    { serving, role, phase, leader, epoch },
    {
      serving: true,
      role: 'LEADING',
      phase: 'BROADCAST',
      leader: 1,
      epoch: 1,
    },
  );
});

test('Server: it does not serve before the disk has its epochs', (t) => {
  const run = begin(1, [1]);
  run.disk = false;
  send(run, { type: 'Tick' });
  t.false(run.state.serving);
  send(run, { type: 'EpochSaved' });
  t.false(run.state.serving);
  send(run, { type: 'EpochSaved' });
  t.true(run.state.serving);
});

test('Server: a write is answered once it is on disk', (t) => {
  const run = alone();
  attach(run, 7);
  run.disk = false;
  const effects = ask(run, 7, 1, create('/a'));
  t.deepEqual(
    effects.map((e) => e.type),
    ['Append'],
  );
  t.deepEqual(repliesOf(send(run, { type: 'LogSynced', zxid: zxid(1, 2) })), ['7: 1 err 0']);
});

test('Server: three voters wait for 200 ms of silence before they decide', (t) => {
  const run = begin(3, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 1, notification: looking(3) });
  pass(run, 150);
  t.is(statusOf(run.state).phase, 'LOOKING');
  t.deepEqual(
    pass(run, 50).map((e) => e.type),
    ['Listen'],
  );
});

test('Server: a learner is brought in with the configuration, and the leader serves', (t) => {
  const run = begin(3, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 1, notification: looking(3) });
  pass(run, 200);
  const sent = sentTo(join(run, 1), 1);
  t.deepEqual(
    sent.map((p) => p.type),
    ['LEADERINFO', 'DIFF', 'NEWLEADER', 'UPTODATE'],
  );
  t.deepEqual(sent[2], { type: 'NEWLEADER', epoch: 1, config: 'version=0' });
  t.true(run.state.serving);
});

test('Server: what replication refuses of a peer ends the connection with it', (t) => {
  const run = leading();
  t.deepEqual(send(run, packet(1, { type: 'UPTODATE' })), [
    { type: 'Refused', what: 'UPTODATE', guard: 'FromLeader', peer: 1 },
    { type: 'Disconnect', peer: 1 },
  ]);
  t.is(statusOf(run.state).learners, 0);
});

test('Server: a learner that falls silent is dropped, and a leader without its quorum resigns', (t) => {
  const run = leading();
  const quiet = pass(run, 4500, () => send(run, pong(1)));
  t.false(quiet.some((e) => e.type === 'Disconnect'));
  const effects = pass(run, 7000);
  const types = effects.map((e) => e.type);
  t.deepEqual(
    effects.find((e) => e.type === 'Disconnect'),
    { type: 'Disconnect', peer: 1 },
  );
  t.true(types.indexOf('Disconnect') < types.indexOf('DisconnectAll'));
  t.false(run.state.serving);
  t.is(statusOf(run.state).role, 'LOOKING');
});

test('Server: a leader that keeps a quorum goes on when another learner falls silent', (t) => {
  const run = leading();
  join(run, 2);
  const effects = pass(run, 8000, () => send(run, pong(1)));
  t.deepEqual(
    effects.filter((e) => e.type === 'Disconnect'),
    [{ type: 'Disconnect', peer: 2 }],
  );
  t.true(run.state.serving);
});

test('Server: a leader that nobody joins gives up after initLimit', (t) => {
  const run = begin(3, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 1, notification: looking(3) });
  pass(run, 200);
  pass(run, 9000);
  t.is(statusOf(run.state).phase, 'DISCOVERY');
  pass(run, 3000);
  t.is(statusOf(run.state).phase, 'LOOKING');
});

test('Server: a leader whose learners are there but not synchronised gives up after initLimit too', (t) => {
  const run = begin(3, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 1, notification: looking(3) });
  pass(run, 200);
  const info = { acceptedEpoch: 0, sid: 1, protocolVersion: 0x10000, configVersion: zeroZxid };
  send(run, packet(1, { type: 'FOLLOWERINFO', ...info }));
  pass(run, 13_000, () => send(run, pong(1)));
  t.is(statusOf(run.state).phase, 'LOOKING');
});

test('Server: a follower leaves a silent leader and looks again', (t) => {
  const run = following();
  t.true(run.state.serving);
  const effects = pass(run, 7000);
  t.true(effects.some((e) => e.type === 'DisconnectAll'));
  t.true(effects.some((e) => e.type === 'Notify' && e.to === 3 && e.notification.round === 2));
  t.false(run.state.serving);
});

test('Server: a follower answers PING with its sessions once it serves, not before', (t) => {
  const ping = packet(3, { type: 'PING', zxid: zxid(1, 4), touched: null });
  const early = begin(1, [1, 2, 3]);
  send(early, { type: 'NotificationReceived', from: 3, notification: looking(3) });
  pass(early, 200);
  t.deepEqual(sentTo(send(early, ping), 3), []);
  const run = following();
  t.deepEqual(sentTo(send(run, ping), 3), [{ type: 'PING', zxid: zxid(1, 4), touched: [] }]);
});

test('Server: a leader pings all it forwards to twice a tick', (t) => {
  const run = leading();
  pass(run, 1000);
  t.is(typesTo(pass(run, 2000), 1).filter((p) => p === 'PING').length, 4);
});

test('Server: the PING of a learner keeps its sessions alive, silence ends them', (t) => {
  const run = leading();
  const acked = (): void =>
    void send(run, packet(1, { type: 'ACK', zxid: run.state.replication.disk.synced }), pong(1));
  const session = '0100000000000001';
  const request = { op: 'createSession', timeoutMs: 4000 } as const;
  send(run, packet(1, { type: 'REQUEST', request: { session, cxid: 0, request, identities: [] } }));
  acked();
  t.is(statusOf(run.state).sessions, 1);
  const touched = packet(1, { type: 'PING', zxid: zeroZxid, touched: [{ session, timeoutMs: 4000 }] });
  pass(run, 10_000, () => (acked(), send(run, touched)));
  t.is(statusOf(run.state).sessions, 1);
  pass(run, 10_000, acked);
  t.is(statusOf(run.state).sessions, 0);
});

test('Server: a sync of a learner is answered after what was proposed before it is committed', (t) => {
  const run = leading();
  const sync: Packet = {
    type: 'REQUEST',
    request: { session: '0100000000000001', cxid: 5, request: { op: 'sync', path: '/' }, identities: [] },
  };
  t.deepEqual(typesTo(send(run, packet(1, sync)), 1), ['SYNC']); // nothing is outstanding
  const write: Packet = {
    type: 'REQUEST',
    request: {
      session: '0100000000000001',
      cxid: 0,
      request: { op: 'createSession', timeoutMs: 4000 },
      identities: [],
    },
  };
  t.deepEqual(typesTo(send(run, packet(1, write), packet(1, sync)), 1), ['PROPOSAL']);
  t.deepEqual(typesTo(send(run, packet(1, { type: 'ACK', zxid: zxid(1, 1) })), 1), ['COMMIT', 'SYNC']);
});

test('Server: a sync of a client of the leader waits for the commit as well', (t) => {
  const run = leading();
  const acked = (): void => void send(run, packet(1, { type: 'ACK', zxid: run.state.replication.disk.synced }));
  attach(run, 7, acked);
  t.deepEqual(repliesOf([...ask(run, 7, 1, create('/a')), ...ask(run, 7, 2, { op: 'sync', path: '/a' })]), []);
  t.deepEqual(repliesOf(send(run, packet(1, { type: 'ACK', zxid: zxid(1, 2) }))), ['7: 1 err 0', '7: 2 err 0']);
});

test('Server: REVALIDATE is true of a session that lives, and false of any other', (t) => {
  const run = leading();
  const acked = (): void => void send(run, packet(1, { type: 'ACK', zxid: run.state.replication.disk.synced }));
  const session = attach(run, 7, acked);
  const asked = (id: string): readonly Packet[] =>
    sentTo(send(run, packet(1, { type: 'REVALIDATE', session: id, timeoutMs: 6000 })), 1);
  t.deepEqual(asked(session), [{ type: 'REVALIDATED', session, valid: true }]);
  t.deepEqual(asked('0300000000000099'), [{ type: 'REVALIDATED', session: '0300000000000099', valid: false }]);
});

test('Server: a follower sends its clients requests to the leader and answers when they are committed', (t) => {
  const run = following();
  send(run, { type: 'ClientConnected', conn: 7, address: '127.0.0.1' });
  const forwarded = sentTo(send(run, { type: 'ConnectReceived', conn: 7, request: connectRequest() }), 3)[0];
  t.is(forwarded?.type, 'REQUEST');
  const session = forwarded?.type === 'REQUEST' ? forwarded.request.session : '';
  const made = { ...txn(1, 1), session, record: { type: 'createSession', timeoutMs: 6000 } } as const;
  t.deepEqual(typesTo(send(run, packet(3, { type: 'PROPOSAL', txn: made })), 3), ['ACK']);
  const effects = send(run, packet(3, { type: 'COMMIT', zxid: zxid(1, 1) }));
  t.deepEqual(
    effects.map((e) => (e.type === 'Respond' ? e.response.session : e.type)),
    [session],
  );
});

test('Server: a client of the leader keeps its session by asking, and loses it by silence', (t) => {
  const run = alone();
  attach(run, 7);
  pass(run, 20_000, () => ask(run, 7, -2, { op: 'ping' }));
  t.is(statusOf(run.state).sessions, 1);
  const effects = pass(run, 20_000);
  t.is(statusOf(run.state).sessions, 0);
  t.true(effects.some((e) => e.type === 'CloseClient' && e.conn === 7));
});

test('Server: after snapCount transactions a snapshot is taken, which nothing later in the batch changes', (t) => {
  const run = alone(3);
  attach(run, 7); // one transaction, and two writes
  run.disk = false;
  ask(run, 7, 1, create('/a'));
  ask(run, 7, 2, create('/b'));
  ask(run, 7, 3, { op: 'setData', path: '/a', data: new Uint8Array([1]), version: -1 });
  const effects = send(run, { type: 'LogSynced', zxid: zxid(1, 3) }, { type: 'LogSynced', zxid: zxid(1, 4) });
  const taken = effects.flatMap((e) => (e.type === 'TakeSnapshot' ? [e] : []));
  t.deepEqual(
    taken.map((e) => e.zxid),
    [zxid(1, 3)],
  );
  const nodes = [...(taken[0]?.snapshot.nodes ?? [])];
  t.is(nodes.find((n) => n.path === '/a')?.version, 0);
  t.true(nodes.some((n) => n.path === '/b'));
});

/** The leader of this run has given all counters of epoch 1. */
const usedUp = (run: Run): void => {
  const { replication } = run.state;
  const disk = withSynced(appended(replication.disk, [txn(1, maxCounter)]), zxid(1, maxCounter));
  run.state = { ...run.state, replication: { ...withDisk(replication, disk), delivered: zxid(1, maxCounter) } };
};

test('Server: a leader whose counter is used up resigns', (t) => {
  const run = leading();
  usedUp(run);
  const request = { session: '0100000000000001', cxid: 1, request: create('/a'), identities: [] };
  const effects = send(run, packet(1, { type: 'REQUEST', request }));
  t.deepEqual(
    effects.map((e) => e.type),
    ['DisconnectAll', 'Notify', 'Notify'],
  );
  t.false(run.state.serving);
});

test('Server: a leader that a voter refuses for its epoch resigns, and stands for election once it has accepted that', (t) => {
  const run = leading();
  const info = { type: 'FOLLOWERINFO', acceptedEpoch: 7, sid: 2, protocolVersion: 0x10000, configVersion: zeroZxid };
  const types = (effects: readonly ServerEffect[]): readonly string[] =>
    effects.map((e) => (e.type === 'Send' ? e.packet.type : e.type === 'SaveEpoch' ? `${e.file} ${e.epoch}` : e.type));
  t.deepEqual(types(send(run, packet(2, { ...info, type: 'FOLLOWERINFO' }))), [
    'LEADERINFO',
    'DisconnectAll',
    'accepted 7',
    'Notify',
    'Notify',
  ]);
  t.false(run.state.serving);
});

test('Server: a leader that is a quorum alone goes on in the next epoch, and serves clients there', (t) => {
  const run = alone();
  attach(run, 1);
  usedUp(run);
  const effects = ask(run, 1, 1, create('/a'));
  t.deepEqual(
    effects.map((e) => (e.type === 'SaveEpoch' ? `${e.file} ${e.epoch}` : e.type)),
    ['DisconnectAll', 'CloseClient'],
  );
  pass(run, 1000);
  const { serving, role, epoch } = statusOf(run.state);
  t.deepEqual({ serving, role, epoch }, { serving: true, role: 'LEADING', epoch: 2 });
  attach(run, 2);
  t.deepEqual(repliesOf(ask(run, 2, 1, create('/a'))), ['2: 1 err 0']);
  t.deepEqual(run.state.replication.delivered, zxid(2, 2));
});

test('Server: syncs that wait are forgotten with the role', (t) => {
  const run = leading();
  const request = (cxid: number, op: 'sync' | 'create'): Packet => ({
    type: 'REQUEST',
    request: {
      session: '0100000000000001',
      cxid,
      request: op === 'sync' ? { op, path: '/' } : create('/a'),
      identities: [],
    },
  });
  send(run, packet(1, request(1, 'create')), packet(1, request(2, 'sync')));
  t.is(run.state.syncs.length, 1);
  send(run, { type: 'PeerClosed', peer: 1 });
  pass(run, 2000);
  t.is(statusOf(run.state).role, 'LOOKING');
  t.deepEqual(run.state.syncs, []);
});
