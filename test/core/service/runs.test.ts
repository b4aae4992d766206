/** Properties of whole runs: clients come, ask, leave and attach again; the leader commits when the run says so. */
import test from 'ava';
import fc from 'fast-check';
import { sessionPassword } from '../../../core/service/password.js';
import type { ClientRequest } from '../../../core/service/request.js';
import { freshService, serviceStep, serviceStepAll } from '../../../core/service/service.js';
import type { ServiceEffect, ServiceEvent, ServiceState } from '../../../core/service/service.js';
import {
  answerRevalidation,
  ask,
  bytes,
  commit,
  connectRequest,
  create,
  send,
  shown,
  shownEphemerals,
  startSolo,
} from './support.js';
import type { Solo } from './support.js';

type Move = { readonly what: number; readonly place: number; readonly pick: number };
const anyRun = fc.array(fc.record<Move>({ what: fc.nat(11), place: fc.nat(2), pick: fc.nat(11) }), { maxLength: 80 });

const paths = ['/a', '/b', '/a/c'];

const requestOf = (pick: number): ClientRequest => {
  const path = paths[pick % 3] as string;
  switch (pick) {
    case 0:
    case 1:
    case 2:
      return create(path, pick === 1 ? 1 : 0);
    case 3:
      return { op: 'delete', path, version: -1 };
    case 4:
      return { op: 'setData', path, data: bytes('x'), version: -1 };
    case 5:
      return { op: 'getData', path, watch: true };
    case 6:
      return { op: 'sync', path };
    case 7:
      return { op: 'ping' };
    case 8:
      return { op: 'getChildren', path: '/', watch: true };
    case 9:
      return { op: 'auth', scheme: 'digest', auth: bytes('u:p') };
    case 10:
      return { op: 'exists', path, watch: true };
    default:
      return { op: 'multi', parts: [create(path, 2), { op: 'delete', path: '/b', version: -1 }] };
  }
};

type Run = {
  readonly solo: Solo;
  readonly effects: readonly ServiceEffect[];
  /** xids of the answers that each connection may expect, in order. */
  readonly asked: ReadonlyMap<number, readonly number[]>;
};

const play = (moves: readonly Move[]): Run => {
  const solo = startSolo();
  const effects: ServiceEffect[] = [];
  const asked = new Map<number, number[]>();
  const at = new Map<number, number>(); // place → connection
  const sessions = new Map<number, string>(); // place → its last session
  let conns = 0;
  const note = (more: readonly ServiceEffect[]): void => {
    for (const e of more) {
      effects.push(e);
      for (const [place, conn] of at) {
        if (e.type === 'Respond' && e.conn === conn && e.response.timeoutMs > 0)
          sessions.set(place, e.response.session);
        if (e.type === 'CloseClient' && e.conn === conn) at.delete(place);
      }
    }
  };
  for (const { what, place, pick } of moves) {
    const conn = at.get(place);
    if (conn === undefined || what === 1) {
      conns += 1; // with what 1, beside the living connection of the same session
      const session = pick < 8 ? sessions.get(place) : undefined;
      at.set(place, conns);
      asked.set(conns, []);
      note(send(solo, { type: 'ClientConnected', conn: conns, address: '::1' }));
      const from = session === undefined ? {} : { session, password: sessionPassword(session) };
      note(send(solo, { type: 'ConnectReceived', conn: conns, request: connectRequest(from) }));
    } else if (what === 0) {
      at.delete(place);
      note(send(solo, { type: 'ClientClosed', conn }));
    } else if (what === 2) note(answerRevalidation(solo));
    else if (what <= 4) note(commit(solo, 1 + (pick % 3)));
    else {
      const request = requestOf(pick);
      const xid = (asked.get(conn)?.length ?? 0) + 1;
      asked.get(conn)?.push(request.op === 'ping' ? -2 : xid);
      note(ask(solo, conn, xid, request));
    }
  }
  note(commit(solo));
  note(answerRevalidation(solo));
  note(commit(solo)); // what waited for the session
  return { solo, effects, asked };
};

/** Whether every connection was answered in the order of its requests, and all of them when it is still there. */
const isInOrder = ({ effects, asked, solo }: Run): boolean =>
  [...asked].every(([conn, xids]) => {
    const answered = effects.flatMap((e) => (e.type === 'Reply' && e.conn === conn ? [e.reply.xid] : []));
    const closed = effects.some((e) => e.type === 'CloseClient' && e.conn === conn);
    const left = solo.events.some((e) => e.type === 'ClientClosed' && e.conn === conn);
    const ended = closed || left;
    return answered.every((xid, i) => xid === xids[i]) && (ended || answered.length === xids.length);
  });

test('a connection’s replies come in the order of its requests, and all of them come', (t) => {
  let answers = 0;
  fc.assert(
    fc.property(anyRun, (moves) => {
      const run = play(moves);
      answers += run.effects.filter((e) => e.type === 'Reply').length;
      return isInOrder(run) && run.solo.state.syncs.size === 0 && run.solo.state.forwarded.size === 0;
    }),
    { numRuns: 300 },
  );
  t.true(answers > 100, `${String(answers)} answers`);
});

test('the law of replies finds two that are exchanged, and one that is lost', (t) => {
  const run = play([
    { what: 1, place: 0, pick: 9 },
    { what: 3, place: 0, pick: 0 },
    { what: 5, place: 0, pick: 0 },
    { what: 5, place: 0, pick: 5 },
  ]);
  t.true(isInOrder(run));
  t.is(run.effects.filter((e) => e.type === 'Reply').length, 2);
  t.false(isInOrder({ ...run, effects: [...run.effects].reverse() }));
  t.false(isInOrder({ ...run, effects: run.effects.slice(0, -1) }));
});

test('zxids in the replies to a connection never fall', (t) => {
  fc.assert(
    fc.property(anyRun, (moves) => {
      const { effects, asked } = play(moves);
      return [...asked.keys()].every((conn) => {
        const counters = effects.flatMap((e) =>
          e.type === 'Reply' && e.conn === conn && e.reply.zxid?.epoch === 1 ? [e.reply.zxid.counter] : [],
        );
        return counters.every((c, i) => i === 0 || c >= (counters[i - 1] as number));
      });
    }),
    { numRuns: 200 },
  );
  t.pass();
});

const visible = (state: ServiceState): unknown => [
  shown(state.database.tree),
  shownEphemerals(state.database.tree),
  state.database.zxid,
  state.database.sessions.size,
  state.conns.size,
  state.attached.size,
  state.forwarded.size,
  state.syncs.size,
  state.touched.size,
  state.watches.data.byPath.size,
  state.watches.child.byPath.size,
];

const fold = (
  from: ServiceState,
  events: readonly ServiceEvent[],
): { state: ServiceState; effects: ServiceEffect[] } => {
  let state = from;
  const effects: ServiceEffect[] = [];
  for (const event of events) {
    const next = serviceStep(state, event);
    state = next.state;
    effects.push(...next.effects);
  }
  return { state, effects };
};

test('a batch is the fold of its steps, and leaves the states before it as they were', (t) => {
  fc.assert(
    fc.property(anyRun, fc.integer({ min: 1, max: 20 }), (moves, size) => {
      const { events } = play(moves).solo;
      let batched = freshService();
      let single = freshService();
      for (let i = 0; i < events.length; i += size) {
        const batch = events.slice(i, i + size);
        const before = visible(batched);
        const all = serviceStepAll(batched, batch);
        const one = fold(single, batch);
        t.deepEqual(all.effects, one.effects);
        t.deepEqual(visible(all.state), visible(one.state));
        t.deepEqual(visible(batched), before);
        batched = all.state;
        single = one.state;
      }
    }),
    { numRuns: 60 },
  );
});
