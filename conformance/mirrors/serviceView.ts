/** What the states of servers that serve show in the terms of spec/MCService.tla. */
import type { TlaState, TlaValue } from 'tla-checker-cli';
import { itemsOf } from '../../core/data/fifo.js';
import { entriesOf, getKey } from '../../core/data/hamt.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { TxnResult } from '../../core/service/apply.js';
import type { LeaderState } from '../../core/service/leader.js';
import type { ClientRequest, ReplyBody, Stat } from '../../core/service/request.js';
import type { ServiceState } from '../../core/service/service.js';
import type { Conn, Entry } from '../../core/service/state.js';
import type { Znode } from '../../core/service/tree.js';
import { nodeAt } from '../../core/service/tree.js';
import type { Txn } from '../../core/service/txn.js';
import { modesOf, watchMode } from '../../core/service/watch.js';
import type { Watches } from '../../core/service/watch.js';
import type { Client, Down, ToLeader, ToServer, Up } from '../world/clients.js';
import type { ServiceWorld } from './serviceWorld.js';
import type { Setting } from './serviceSetting.js';
import { tickMs } from './serviceSetting.js';

const none: TlaValue = { model: 'None' };

const record = (fields: Record<string, TlaValue>): TlaValue => ({ record: fields });

/** A function over 1..n is a sequence to TLC. */
const byIndex = (values: readonly TlaValue[]): TlaValue => ({ fcn: values.map((v, n) => [n + 1, v]) });

const counter = (z: Zxid | null): number => (z === null ? -1 : z.epoch === 0 ? 0 : z.counter);

const number = (session: string): number => parseInt(session, 16);

const nothing: TlaValue = record({ node: none, children: { set: [] } });

/** Values by the object that they show: most of a state is that of the step before. */
export const remembered = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    known.set(key, made);
    return made;
  };
};

const eventNames = ['', 'created', 'deleted', 'dataChanged', 'childrenChanged'] as const;

/** All that depends on the names of paths and sessions of one model. */
const viewer = (setting: Setting) => {
  const { paths, sessions } = setting;
  const pathNumber = (path: string | null): number => paths.indexOf(path ?? '') + 1;
  const pathSet = (list: readonly string[]): TlaValue => ({ set: list.map(pathNumber) });
  const bySession = (value: (session: string) => TlaValue): TlaValue => ({
    fcn: sessions.map((s) => [number(s), value(s)]),
  });

  const node = (n: Znode | undefined): TlaValue =>
    n === undefined
      ? none
      : record({
          owner: number(n.owner),
          czxid: counter(n.czxid),
          mzxid: counter(n.mzxid),
          pzxid: counter(n.pzxid),
          version: n.version,
          cversion: n.cversion,
        });

  /** Stat shows creations and deletions of children together. */
  const nodeOfStat = (stat: Stat): TlaValue =>
    record({
      owner: number(stat.ephemeralOwner),
      czxid: counter(stat.czxid),
      mzxid: counter(stat.mzxid),
      pzxid: counter(stat.pzxid),
      version: stat.version,
      cversion: (stat.cversion + stat.numChildren) / 2,
    });

  const sees = (body: ReplyBody): TlaValue => {
    switch (body.type) {
      case 'stat':
      case 'dataStat':
        return record({ node: nodeOfStat(body.stat), children: { set: [] } });
      case 'children': {
        const known = paths.filter((p) => body.children.includes(p.slice(p.lastIndexOf('/') + 1)));
        return record({ node: none, children: pathSet(known) });
      }
      default:
        return nothing;
    }
  };

  const lists = (w: Client['watches']): Record<string, TlaValue> => ({
    data: pathSet(w.data),
    exist: pathSet(w.exist),
    child: pathSet(w.child),
    persistent: pathSet(w.persistent),
    recursive: pathSet(w.persistentRecursive),
  });

  const requestOf = (r: ClientRequest): TlaValue => {
    switch (r.op) {
      case 'create':
        return record({ op: r.op, path: pathNumber(r.path), flag: r.flags === 1 });
      case 'delete':
      case 'setData':
      case 'sync':
        return record({ op: r.op, path: pathNumber(r.path), flag: false });
      case 'exists':
      case 'getData':
      case 'getChildren':
        return record({ op: r.op, path: pathNumber(r.path), flag: r.watch });
      case 'setWatches2':
        return record({ op: 'setWatches', seen: counter(r.relativeZxid), ...lists(r) });
      case 'createSession':
        return record({ op: r.op });
      default:
        return record({ op: r.op, path: 0, flag: false });
    }
  };

  const sent = (m: { readonly xid: number; readonly request: ClientRequest }): TlaValue =>
    record({ xid: m.xid, request: requestOf(m.request) });

  const entry = (e: Entry): TlaValue => {
    switch (e.kind) {
      case 'forwarded':
        return record({ seq: e.seq, xid: e.xid, op: e.op });
      case 'read':
        return record({ xid: e.xid, read: requestOf(e.request as ClientRequest) });
      case 'auth':
        return record({ xid: e.xid });
    }
  };

  const result = ([seq, { err, body }]: readonly [number, TxnResult]): TlaValue =>
    record({ seq, err, sees: sees(body) });

  const modes = (bits: number): TlaValue => ({
    set: [
      ...((bits & watchMode.oneShot) === 0 ? [] : ['once']),
      ...((bits & watchMode.persistent) === 0 ? [] : ['persistent']),
      ...((bits & watchMode.recursive) === 0 ? [] : ['recursive']),
    ],
  });

  const watchesOf = (w: Watches, conn: number): TlaValue =>
    record({
      data: byIndex(paths.map((p) => modes(modesOf(w, 'data', conn, p)))),
      child: byIndex(paths.map((p) => modes(modesOf(w, 'child', conn, p)))),
    });

  const connection = remembered((c: Conn): Record<string, TlaValue> => ({
    phase: c.phase,
    session: number(c.session),
    queue: itemsOf(c.queue).map(entry),
    results: { set: [...entriesOf(c.results)].map(result) },
    seq: c.nextSeq,
    held: itemsOf(c.held).map(sent),
  }));

  const tree = remembered((nodes: ServiceState['database']['tree']): TlaValue =>
    byIndex(paths.map((p) => node(nodeAt(nodes, p)))),
  );

  const server = remembered((s: ServiceState): TlaValue =>
    record({
      tree: tree(s.database.tree),
      sessions: { set: [...entriesOf(s.database.sessions)].map(([id]) => number(id)) },
      zxid: counter(s.database.zxid),
      attached: bySession((id) => getKey(s.attached, id) ?? 0),
      forwarded: bySession((id) =>
        itemsOf(getKey(s.forwarded, id) ?? { size: 0, front: null, back: null }).map(({ conn, seq, cxid, op }) =>
          record({ conn, seq, cxid, op }),
        ),
      ),
      syncs: itemsOf(s.syncs).map((f) => record({ conn: f.conn, seq: f.seq, path: pathNumber(f.path) })),
      touched: { set: [...entriesOf(s.touched)].map(([id]) => number(id)) },
      next: number(s.serving?.nextSession ?? ''),
    }),
  );

  const txn = remembered((t: Txn): TlaValue => {
    const { record: r } = t;
    return record({
      session: number(t.session),
      cxid: t.cxid,
      type: r.type,
      path: 'path' in r ? pathNumber(r.path) : 0,
      flag: r.type === 'create' && r.ephemeral,
      value: r.type === 'error' ? r.err : r.type === 'setData' ? r.version : 0,
      paths: pathSet(r.type === 'closeSession' ? (r.paths ?? []) : []),
    });
  });

  const up = remembered((m: Up): TlaValue => {
    switch (m.type) {
      case 'connect':
        return record({ type: 'connect', session: number(m.request.session), seen: counter(m.request.lastZxidSeen) });
      case 'request':
        return record({ type: 'request', xid: m.xid, request: requestOf(m.request) });
      case 'end':
        return record({ type: 'end' });
    }
  });

  const down = remembered((m: Down): TlaValue => {
    switch (m.type) {
      case 'respond': {
        const session = number(m.response.session);
        return session === 0 ? record({ type: 'rejected' }) : record({ type: 'connected', session });
      }
      case 'reply': {
        const { xid, zxid, err, body } = m.reply;
        return record({ type: 'reply', xid, zxid: counter(zxid), err, sees: sees(body) });
      }
      case 'event': {
        const { type, path, zxid } = m.event;
        return record({ type: 'event', event: eventNames[type], path: pathNumber(path), zxid: counter(zxid) });
      }
      case 'end':
        return record({ type: 'end' });
    }
  });

  const client = remembered((c: Client): TlaValue =>
    record({
      conn: c.conn + 1,
      ready: c.ready,
      session: number(c.session),
      over: c.over,
      seen: counter(c.seen),
      xid: c.xid,
      waits: c.waits.map(sent),
      ...lists(c.watches),
    }),
  );

  const toLeader = remembered((m: ToLeader): TlaValue => {
    switch (m.type) {
      case 'revalidate':
        return record({ type: m.type, session: number(m.session) });
      case 'touched':
        return record({ type: m.type, sessions: { set: m.touched.map((t) => number(t.session)) } });
      case 'request': {
        const { session, cxid, request } = m.request;
        if (request.op === 'sync') return record({ type: 'sync' });
        return record({ type: 'request', session: number(session), cxid, request: requestOf(request) });
      }
    }
  });

  const toServer = remembered((m: ToServer): TlaValue =>
    m.type === 'revalidated'
      ? record({ type: m.type, session: number(m.session), valid: m.valid })
      : record({ type: m.type }),
  );

  const track = ({ expiry }: LeaderState, now: number): TlaValue =>
    bySession((id) => {
      const t = getKey(expiry.sessions, id);
      if (t === undefined) return none;
      const left = t.closing ? 0 : t.expiresAt / tickMs - now;
      return record({ owner: t.owner ?? 0, closing: t.closing, left });
    });

  return { connection, watchesOf, server, txn, up, down, client, toLeader, toServer, track };
};

/** Which server has an end of a connection, by index; -1: none. */
const serverOf = ({ servers, world: { at } }: ServiceWorld, k: number, setting: Setting): ServiceState | undefined =>
  servers[setting.servers.indexOf(at[k] ?? 0)];

export const viewOf = (setting: Setting): ((w: ServiceWorld) => TlaState) => {
  const show = viewer(setting);
  return (w) => {
    const { budget, clients, at, up, down, toLeader, toServer } = w.world;
    const byServer = (values: readonly TlaValue[]): TlaValue => ({
      fcn: setting.servers.map((id, n) => [id, values[n] ?? none]),
    });
    const ends = setting.owners.map((_, k): TlaValue => {
      const s = serverOf(w, k, setting);
      const c = s === undefined ? undefined : getKey(s.conns, k + 1);
      if (s === undefined || c === undefined) return none;
      return record({ ...show.connection(c), watches: show.watchesOf(s.watches, k + 1) });
    });
    return {
      server: byServer(w.servers.map(show.server)),
      conn: byIndex(ends),
      at: byIndex(at),
      up: byIndex(up.map((queue) => queue.map(show.up))),
      down: byIndex(down.map((queue) => queue.map(show.down))),
      client: byIndex(clients.map(show.client)),
      toLeader: byServer(toLeader.map((queue) => queue.map(show.toLeader))),
      toServer: byServer(toServer.map((queue) => queue.map(show.toServer))),
      leader: record({
        track: show.track(w.leading, setting.ticks - budget.ticks),
        waiting: w.waiting.map(({ origin, after }) => record({ origin, after: counter(after) })),
      }),
      log: w.log.map(show.txn),
      budget: record({ cuts: budget.cuts, ticks: budget.ticks, sent: byIndex(budget.sent) }),
    };
  };
};
