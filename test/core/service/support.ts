import { lead, isWrite, prepare, revalidate, settle } from '../../../core/service/leader.js';
import type { LeaderState } from '../../../core/service/leader.js';
import type {
  ClientRequest,
  ConnectRequest,
  ConnectResponse,
  CreateRequest,
  Reply,
} from '../../../core/service/request.js';
import { defaultRules } from '../../../core/service/rules.js';
import type { ServiceRules } from '../../../core/service/rules.js';
import { freshService, serviceStep } from '../../../core/service/service.js';
import type { ServiceEffect, ServiceEvent, ServiceState } from '../../../core/service/service.js';
import { statOf } from '../../../core/service/tree.js';
import type { Tree } from '../../../core/service/tree.js';
import { entriesOf } from '../../../core/data/hamt.js';
import { namesIn } from '../../../core/data/nameSet.js';
import { zeroZxid } from '../../../core/data/zxid.js';
import type { Zxid } from '../../../core/data/zxid.js';
import type { Acl, SessionId, Txn, TxnRecord } from '../../../core/service/txn.js';
import { noSession } from '../../../core/service/txn.js';

export const anyone: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];
export const readOnly: readonly Acl[] = [{ perms: 1, scheme: 'world', id: 'anyone' }];

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export const zxid = (counter: number, epoch = 1): Zxid => ({ epoch, counter });

export const session = (n: number): SessionId => n.toString(16).padStart(16, '0');

export const txn = (counter: number, record: TxnRecord, author: SessionId = session(1), cxid = counter): Txn => ({
  session: author,
  cxid,
  zxid: zxid(counter),
  timeMs: counter * 100,
  record,
  digest: null,
});

export const create = (
  path: string,
  flags = 0,
  data: string | null = '',
  acl: readonly Acl[] | null = anyone,
): CreateRequest => ({
  op: 'create',
  path,
  data: data === null ? null : bytes(data),
  acl,
  flags,
});

export const created = (path: string, parentCVersion: number, ephemeral = false, acl = anyone): TxnRecord => ({
  type: 'create',
  path,
  data: bytes(''),
  acl,
  ephemeral,
  parentCVersion,
});

/** A tree as plain values, in the order of paths. */
export const shown = (tree: Tree): unknown =>
  [...entriesOf(tree.nodes)]
    .map(([path, node]) => ({
      path,
      stat: statOf(node),
      created: node.cversion,
      owner: node.owner,
      acl: node.acl,
      data: node.data === null ? null : Buffer.from(node.data).toString(),
      children: [...namesIn(node.children)].sort(),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));

export const shownEphemerals = (tree: Tree): unknown =>
  [...entriesOf(tree.ephemerals)].map(([s, paths]) => [s, [...namesIn(paths)].sort()]).sort();

export const connectRequest = (from: Partial<ConnectRequest> = {}): ConnectRequest => ({
  protocolVersion: 0,
  lastZxidSeen: zeroZxid,
  timeoutMs: 6000,
  session: noSession,
  password: new Uint8Array(16),
  readOnly: false,
  ...from,
});

type Pending = { readonly txn: Txn } | { readonly sync: true };

/** One server that leads itself; what it proposes is committed when the test says so. */
export type Solo = {
  readonly rules: ServiceRules;
  state: ServiceState;
  leader: LeaderState;
  nowMs: number;
  counter: number;
  /** Proposed transactions and syncs behind them, oldest first. */
  readonly pending: Pending[];
  /** Sessions that wait for Revalidated. */
  readonly asked: SessionId[];
  /** Every event so far. */
  readonly events: ServiceEvent[];
};

export const tickMs = 2000;

export const startSolo = (rules = defaultRules): Solo => {
  const solo: Solo = {
    rules,
    state: freshService(),
    leader: lead(freshService().database, tickMs, 0, rules),
    nowMs: 0,
    counter: 0,
    pending: [],
    asked: [],
    events: [],
  };
  send(solo, {
    type: 'StartServing',
    firstSession: '0100000a740a0000',
    tickTimeMs: tickMs,
    minSessionTimeoutMs: 2 * tickMs,
    maxSessionTimeoutMs: 20 * tickMs,
    rules,
  });
  return solo;
};

/** Steps one event; what is forwarded is prepared and waits for `commit`. @returns the effects for clients */
export const send = (solo: Solo, event: ServiceEvent): readonly ServiceEffect[] => {
  solo.events.push(event);
  const { state, effects } = serviceStep(solo.state, event);
  solo.state = state;
  for (const effect of effects) {
    if (effect.type === 'Revalidate') solo.asked.push(effect.session);
    if (effect.type !== 'Forward') continue;
    if (isWrite(effect.request)) propose(solo, effect.request, 1);
    else solo.pending.push({ sync: true });
  }
  return effects.filter((e) => e.type !== 'Forward' && e.type !== 'Revalidate');
};

export const propose = (solo: Solo, write: Parameters<typeof prepare>[2], origin: number): Txn => {
  solo.counter += 1;
  const stamp = { origin, zxid: zxid(solo.counter), timeMs: solo.counter * 100, nowMs: solo.nowMs };
  const prepared = prepare(solo.leader, solo.state.database, write, stamp, solo.rules);
  solo.leader = prepared.leader;
  solo.pending.push({ txn: prepared.txn });
  return prepared.txn;
};

/** Commits the oldest proposals. */
export const commit = (solo: Solo, count = solo.pending.length): readonly ServiceEffect[] =>
  solo.pending.splice(0, count).flatMap((pending) => {
    if ('sync' in pending) return send(solo, { type: 'Synced' });
    const effects = send(solo, { type: 'Applied', txn: pending.txn });
    solo.leader = settle(solo.leader, pending.txn);
    return effects;
  });

export const answerRevalidation = (solo: Solo): readonly ServiceEffect[] =>
  solo.asked.splice(0).flatMap((asked) => {
    const { leader, valid } = revalidate(solo.leader, asked, 6000, 1, solo.nowMs);
    solo.leader = leader;
    return send(solo, { type: 'Revalidated', session: asked, valid });
  });

/** A connection with a new session of its own. */
export const attach = (solo: Solo, conn: number, timeoutMs = 6000): ConnectResponse => {
  send(solo, { type: 'ClientConnected', conn, address: '127.0.0.1' });
  const effects = send(solo, { type: 'ConnectReceived', conn, request: connectRequest({ timeoutMs }) });
  const response = [...effects, ...commit(solo)].find((e) => e.type === 'Respond');
  if (response?.type !== 'Respond') throw new Error('no response');
  return response.response;
};

export const ask = (solo: Solo, conn: number, xid: number, request: ClientRequest): readonly ServiceEffect[] =>
  send(solo, { type: 'RequestReceived', conn, xid, request });

/** Asks, commits all, and gives the replies of that connection. */
export const replies = (solo: Solo, conn: number, xid: number, request: ClientRequest): readonly Reply[] =>
  [...ask(solo, conn, xid, request), ...commit(solo)].flatMap((e) =>
    e.type === 'Reply' && e.conn === conn ? [e.reply] : [],
  );

/** The one reply to a request. */
export const answerTo = (solo: Solo, conn: number, request: ClientRequest, xid = 1): Reply => {
  const [reply, ...others] = replies(solo, conn, xid, request);
  if (reply === undefined || others.length > 0) throw new Error(`${String(others.length)} more replies`);
  return reply;
};

/** A short form of effects: `conn: what`. */
export const told = (effects: readonly ServiceEffect[]): readonly string[] =>
  effects.map((e) => {
    switch (e.type) {
      case 'Reply':
        return `${e.conn}: reply ${e.reply.xid} err ${e.reply.err} at ${e.reply.zxid?.counter ?? 'none'}`;
      case 'Event':
        return `${e.conn}: event ${e.event.type} ${e.event.path} at ${e.event.zxid?.counter ?? 'none'}`;
      case 'CloseClient':
        return `${e.conn}: close, ${e.reason}`;
      case 'Respond':
        return `${e.conn}: session ${e.response.session} for ${e.response.timeoutMs}`;
      default:
        return e.type;
    }
  });
