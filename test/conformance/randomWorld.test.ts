/** What random runs rest on: clients that see through servers, disks and networks that do harm of the allowed kinds only. */
import test from 'ava';
import fc from 'fast-check';
import type { ServerEffect, ServerEvent, ServerState, ServerStep } from '../../core/server.js';
import { firstSnapshot, serverStep, startServer } from '../../core/server.js';
import type { Packet } from '../../core/replication/packet.js';
import { plainConfiguration } from '../../core/configuration.js';
import { recover } from '../../core/recovery.js';
import { noSession } from '../../core/service/txn.js';
import type { Txn } from '../../core/service/txn.js';
import { chanceOf, timeline } from '../../conformance/random/chance.js';
import { clientsOf } from '../../conformance/random/clients.js';
import { diskOf } from '../../conformance/random/disk.js';
import type { Honesty } from '../../conformance/random/disk.js';
import { networkOf } from '../../conformance/random/network.js';
import { plainText, startTwin } from '../../conformance/random/twin.js';

const zxid = (counter: number) => ({ epoch: 1, counter });
const txn = (counter: number): Txn => ({
  session: noSession,
  cxid: 0,
  zxid: zxid(counter),
  timeMs: 0,
  record: { type: 'error', err: -1 },
  digest: null,
});

test('what is due runs in the order of time, then of the calls', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (delays) => {
      const time = timeline();
      const ran: (readonly [number, number])[] = [];
      delays.forEach((ms, i) => time.after(ms, () => ran.push([ms, i])));
      time.advance(100, () => false);
      const expected = delays.map((ms, i) => [ms, i] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      return plainText(ran) === plainText(expected) && time.now() === 100;
    }),
  );
  t.pass();
});

/** One client and the requests that its server was sent. */
const oneClient = () => {
  const time = timeline();
  const sent: Extract<ServerEvent, { type: 'RequestReceived' }>[] = [];
  const faults: string[] = [];
  let conn = 0;
  let asked = noSession;
  const clients = clientsOf(
    {
      time,
      chance: chanceOf(5),
      servers: [1],
      isUp: () => true,
      tell: (_sid, event) => {
        if (event.type === 'ConnectReceived') {
          ({ conn } = event);
          asked = event.request.session;
        }
        if (event.type === 'RequestReceived') sent.push(event);
      },
      latencyMs: () => 1,
      onFault: (name) => faults.push(name),
      onSilence: () => faults.push('silence'),
    },
    1,
  );
  const does = (effect: ServerEffect): void => {
    clients.perform(1, effect);
    time.advance(time.now() + 2, () => false);
  };
  const until = (done: () => boolean): void => time.advance(time.now() + 1000, done);
  const attach = (wanted = '0100000000000001'): void => {
    until(() => conn > 0);
    const session = wanted === noSession ? '0100000000000001' : wanted;
    const response = { timeoutMs: 1500, session, password: new Uint8Array(16), readOnly: false };
    does({ type: 'Respond', conn, response });
  };
  const answer = (counter: number, wrong = 0): void => {
    until(() => sent.length > 0);
    // Proofs are answered with zxid 0, which says nothing about the server.
    for (; sent[0]?.request.op === 'auth'; until(() => sent.length > 0)) {
      const xid = sent.shift()?.xid ?? 0;
      does({ type: 'Reply', conn, reply: { xid, zxid: zxid(0), err: 0, body: { type: 'none' } } });
    }
    const xid = (sent.shift()?.xid ?? 0) + wrong;
    does({ type: 'Reply', conn, reply: { xid, zxid: zxid(counter), err: -101, body: { type: 'none' } } });
  };
  return {
    faults,
    attach,
    answer,
    does,
    until,
    conn: () => conn,
    asked: () => asked,
    wait: () => time.advance(time.now() + 4000, () => false),
  };
};

test('a client that is answered in order, by a server that never goes back, finds no fault', (t) => {
  const c = oneClient();
  c.attach();
  for (const counter of [1, 2, 2, 3]) c.answer(counter);
  t.deepEqual(c.faults, []);
});

test('RepliesInOrder: an answer to something else', (t) => {
  const c = oneClient();
  c.attach();
  c.answer(1);
  c.answer(1, 1);
  t.deepEqual(c.faults, ['RepliesInOrder']);
});

test('SeenNeverGoesBack: a server that is behind what the client was told', (t) => {
  const c = oneClient();
  c.attach();
  c.answer(2);
  c.answer(1);
  t.deepEqual(c.faults, ['SeenNeverGoesBack']);
});

test('WatchesFireOnce: an event that nobody waits for', (t) => {
  const c = oneClient();
  c.attach();
  c.does({ type: 'Event', conn: c.conn(), event: { type: 3, path: '/nobody', zxid: zxid(1) } });
  t.deepEqual(c.faults, ['WatchesFireOnce']);
});

test('SessionKept and silence: another session than before, and no answer at all', (t) => {
  const c = oneClient();
  c.attach();
  c.attach('0200000000000002');
  t.deepEqual(c.faults, ['SessionKept']);
  c.wait();
  t.true(c.faults.includes('silence'));
});

test('PasswordGuards: a session for one who does not know its password', (t) => {
  const c = oneClient();
  c.attach();
  // It tries with a wrong password now and then; this server does not look.
  for (let i = 0; i < 100 && c.faults.length === 0; i += 1) {
    const before = c.conn();
    c.does({ type: 'CloseClient', conn: before, reason: 'not serving' });
    c.until(() => c.conn() > before);
    c.attach(c.asked());
  }
  t.deepEqual([...new Set(c.faults)], ['PasswordGuards']);
});

/** A disk after some appends and a crash at some time. */
const crashed = (seed: number, honesty: Honesty, batches: readonly number[], ms: number) => {
  const time = timeline();
  let synced = 0;
  const disk = diskOf({
    time,
    chance: chanceOf(seed),
    honesty,
    delayMs: () => 3,
    onLogSynced: ({ counter }) => (synced = counter),
    onEpochSaved: () => undefined,
    onSnapshotSaved: () => undefined,
    onFault: () => undefined,
  });
  const fresh = recover(disk.files());
  if ('refused' in fresh) throw new Error(fresh.refused.type);
  disk.prepare(fresh.ok, firstSnapshot);
  for (const file of ['accepted', 'current'] as const) disk.saveEpoch(file, 1);
  time.advance(10, () => false);
  let counter = 0;
  for (const many of batches) {
    disk.append(Array.from({ length: many }, () => txn(++counter)));
    disk.sync();
    time.advance(time.now() + 2, () => false);
  }
  time.advance(time.now() + ms, () => false);
  disk.crash();
  return { recovered: recover(disk.files()), synced, appended: counter };
};

const anyCrash = fc.tuple(fc.nat(), fc.array(fc.nat(4), { maxLength: 8 }), fc.nat(12));

test('after a crash a disk has what it said is synced, and any part of the rest', (t) => {
  const kept = new Set<string>();
  fc.assert(
    fc.property(anyCrash, ([seed, batches, ms]) => {
      const { recovered, synced, appended } = crashed(seed, 'honest', batches, ms);
      if ('refused' in recovered) return false;
      const has = recovered.ok.log.length;
      kept.add(has === synced ? 'no more' : has === appended ? 'all' : 'some');
      return synced <= has && has <= appended && recovered.ok.log.every((x, i) => x.zxid.counter === i + 1);
    }),
    { numRuns: 300 },
  );
  t.deepEqual([...kept].sort(), ['all', 'no more', 'some']);
});

test('a disk that forgets loses what it said is synced', (t) => {
  const found = fc.sample(anyCrash, { numRuns: 100, seed: 1 }).some(([seed, batches, ms]) => {
    const { recovered, synced } = crashed(seed, 'forgets', batches, ms);
    return 'ok' in recovered && recovered.ok.log.length < synced;
  });
  t.true(found);
});

const ack = (counter: number): Packet => ({ type: 'ACK', zxid: zxid(counter) });

test('a connection delivers in order and without gaps; behind a break comes its end, once', (t) => {
  let cutShort = 0;
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 12 }),
      fc.option(fc.nat(30)),
      fc.option(fc.nat(30)),
      (seed, many, breakAt, cutAt) => {
        const time = timeline();
        const chance = chanceOf(seed);
        const got: number[] = [];
        const closed: number[] = [];
        const net = networkOf(time, chance, {
          isUp: () => true,
          onPacket: (_to, _from, packet) => got.push(packet.type === 'ACK' ? packet.zxid.counter : -1),
          onClosed: (at) => closed.push(at),
          latencyMs: () => 1 + chance.below(20),
        });
        net.listen(2);
        net.connect(1, 2);
        for (let n = 1; n <= many; n++) time.after(n * 2, () => net.send(1, 2, ack(n)));
        if (cutAt !== null) time.after(cutAt, () => net.cut(1, 2));
        if (breakAt !== null) time.after(breakAt, () => net.sever(1, 2));
        time.after(400, net.heal);
        time.advance(2000, () => false);
        const inOrder = got.every((counter, i) => counter === i + 1);
        if (closed.length === 0) return inOrder && got.length === many;
        if (got.length < many) cutShort++;
        return inOrder && closed.filter((at) => at === 1).length === 1 && closed.length <= 2;
      },
    ),
    { numRuns: 300 },
  );
  t.true(cutShort > 0, 'no packet was ever lost');
});

test('FoldIsBatch: a twin sees a batch that loses an effect, and a state that is not its own', (t) => {
  const config = {
    self: 1,
    configuration: plainConfiguration([1]),
    tickTimeMs: 100,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    minSessionTimeoutMs: 200,
    maxSessionTimeoutMs: 2000,
    commitLogCount: 5,
    snapCount: 100,
  };
  const fresh = recover({ acceptedEpoch: null, currentEpoch: null, currentEpochTmp: null, snapshots: [], logs: [] });
  if ('refused' in fresh) return t.fail(fresh.refused.type);
  const recovered = fresh.ok;
  const at = (nowMs: number) => ({ nowMs, wallMs: nowMs });
  /** Eight batches of a server that elects itself, as a twin judges what `change` makes of them. */
  const judged = (change: (step: ServerStep, n: number) => ServerStep): readonly (string | null)[] => {
    const begun = startServer(config, recovered, at(0));
    const twin = startTwin(config, recovered, at(0));
    if ('refused' in begun || twin === null) return ['it does not start'];
    let { state }: { state: ServerState } = begun;
    return Array.from({ length: 8 }, (_, n) => {
      const batch: ServerEvent[] = n === 0 ? [{ type: 'Tick' }] : [{ type: 'EpochSaved' }, { type: 'Tick' }];
      const step = serverStep(state, batch, at(n * 30));
      ({ state } = step);
      return twin.follow(batch, at(n * 30), change(step, n));
    });
  };
  t.deepEqual(
    judged((step) => step),
    Array.from({ length: 8 }, () => null),
  );
  t.regex(
    judged(({ state, effects }) => ({ state, effects: effects.slice(1) })).find((s) => s !== null) ?? '',
    /effects/,
  );
  const other = judged(({ state, effects }, n) => ({
    state: n === 7 ? { ...state, sinceSnapshot: 9 } : state,
    effects,
  }));
  t.regex(other[7] ?? '', /state/);
});
