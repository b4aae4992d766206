/** Full states of servers that serve, as plain data, and which variable of spec/MCService.tla shows which field. */
import { itemsOf } from '../../core/data/fifo.js';
import { entriesOf } from '../../core/data/hamt.js';
import type { Hamt, Key } from '../../core/data/hamt.js';
import { namesIn } from '../../core/data/nameSet.js';
import { openAcl } from '../../core/service/acl.js';
import type { TxnResult } from '../../core/service/apply.js';
import type { Outstanding } from '../../core/service/check.js';
import type { LeaderState } from '../../core/service/leader.js';
import type { ServiceState } from '../../core/service/service.js';
import { defaultRules } from '../../core/service/rules.js';
import type { Conn, Serving } from '../../core/service/state.js';
import type { Znode } from '../../core/service/tree.js';
import type { Watches } from '../../core/service/watch.js';
import { remembered } from './serviceView.js';
import type { ServiceWorld } from './serviceWorld.js';
import type { Setting } from './serviceSetting.js';

const plain = (v: unknown): unknown => {
  if (v instanceof Uint8Array) return Array.from(v);
  if (Array.isArray(v)) return v.map(plain);
  if (typeof v !== 'object' || v === null) return v;
  return Object.fromEntries(Object.entries(v).map(([name, field]) => [name, plain(field)]));
};

const plainItem = remembered((v: object): unknown => plain(v));

const pairs = <K extends Key, V>(map: Hamt<K, V>, value: (v: V) => unknown): readonly unknown[] =>
  [...entriesOf(map)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, value(v)]);

const znode = remembered((n: Znode) => ({
  owner: n.owner,
  czxid: n.czxid,
  mzxid: n.mzxid,
  pzxid: n.pzxid,
  version: n.version,
  cversion: n.cversion,
  path: n.path,
  rest: plain([n.data, n.acl, n.ctimeMs, n.mtimeMs, n.aversion, namesIn(n.children)]),
}));

const connKey = remembered((c: Conn) => ({
  phase: c.phase,
  session: c.session,
  queue: itemsOf(c.queue).map(plainItem),
  results: pairs(c.results, plainItem as (v: TxnResult) => unknown),
  nextSeq: c.nextSeq,
  held: itemsOf(c.held).map(plainItem),
  constants: plain([c.conn, c.address, c.timeoutMs, c.readOnly ?? null, c.identities]),
}));

const watchTables = remembered((w: Watches) =>
  (['data', 'child'] as const).map((name) => ({
    byPath: pairs(w[name].byPath, (conns) => pairs(conns, (bits) => bits)),
    byConn: pairs(w[name].byConn, namesIn),
  })),
);

const database = (modelled: readonly string[]) =>
  remembered((d: ServiceState['database']) => {
    const nodes = [...entriesOf(d.tree.nodes)].sort(([a], [b]) => (a < b ? -1 : 1));
    const own = nodes.filter(([path]) => modelled.includes(path));
    return {
      nodes: own.map(([, n]) => znode(n)),
      around: nodes.filter((n) => !own.includes(n)).map(([, n]) => plain(znode(n))),
      ephemerals: pairs(d.tree.ephemerals, namesIn),
      sessions: pairs(d.sessions, (ms) => ms),
      zxid: d.zxid,
    };
  });

const service = (modelled: readonly string[]) => {
  const databaseKey = database(modelled);
  return remembered((s: ServiceState) => ({
    database: databaseKey(s.database),
    conns: pairs(s.conns, connKey).map((pair) => (pair as readonly unknown[])[1]),
    attached: pairs(s.attached, (k) => k),
    forwarded: pairs(s.forwarded, (queue) => itemsOf(queue)),
    syncs: itemsOf(s.syncs),
    watches: { tables: watchTables(s.watches), recursive: s.watches.recursive },
    touched: pairs(s.touched, (ms) => ms),
    nextSession: s.serving?.nextSession ?? null,
    constants: s.serving === null ? null : constantsOf(s.serving),
  }));
};

/** A list that is null is the open one: the leader knows either spelling, by where it has a node from. */
const outstanding = remembered(({ zxid, facts }: Outstanding) =>
  plain({ zxid, facts: facts && { ...facts, acl: facts.acl ?? openAcl } }),
);

const leaderKey = remembered((l: LeaderState) => ({
  sessions: pairs(l.expiry.sessions, (t) => t),
  buckets: pairs(l.expiry.buckets, (members) => pairs(members, () => null)),
  nextMs: l.expiry.nextMs,
  outstanding: pairs(l.outstanding, outstanding),
  accepted: itemsOf(l.accepted).map(plainItem),
  creations: pairs(l.creations, (paths) => pairs(paths, (n) => n)),
  reaper: plain(l.reaper),
}));

const messages = (queues: readonly (readonly object[])[]): unknown => queues.map((queue) => queue.map(plainItem));

export const keyOf = (setting: Setting): ((w: ServiceWorld) => unknown) => {
  const serviceKey = service(setting.paths);
  return ({ servers, leading, waiting, log, world }) => ({
    servers: servers.map(serviceKey),
    leading: leaderKey(leading),
    waiting,
    log: log.map(plainItem),
    world: {
      budget: world.budget,
      at: world.at,
      clients: world.clients.map(plainItem),
      up: messages(world.up),
      down: messages(world.down),
      toLeader: messages(world.toLeader),
      toServer: messages(world.toServer),
    },
  });
};

const nodeFields = Object.fromEntries(
  ['owner', 'czxid', 'mzxid', 'pzxid', 'version', 'cversion', 'path'].map((f) => [
    `servers[].database.nodes[].${f}`,
    'server',
  ]),
);

export const shown: Readonly<Record<string, string>> = {
  ...nodeFields,
  'servers[].database.sessions': 'server',
  'servers[].database.zxid': 'server',
  'servers[].attached': 'server',
  'servers[].forwarded': 'server',
  'servers[].syncs': 'server',
  'servers[].touched': 'server',
  'servers[].nextSession': 'server',
  'servers[].conns[].phase': 'conn',
  'servers[].conns[].session': 'conn',
  'servers[].conns[].queue': 'conn',
  'servers[].conns[].results': 'conn',
  'servers[].conns[].nextSeq': 'conn',
  'servers[].conns[].held': 'conn',
  'servers[].watches.tables': 'conn',
  'leading.sessions': 'leader',
  waiting: 'leader',
  log: 'log',
  'world.budget': 'budget',
  'world.at': 'at',
  'world.clients': 'client',
  'world.up': 'up',
  'world.down': 'down',
  'world.toLeader': 'toLeader',
  'world.toServer': 'toServer',
};

/** The rules hold functions: that they are the default ones says all of them. No session of a model is local. */
const constantsOf = (serving: Serving): object => ({
  ...serving,
  nextSession: null,
  rules: serving.rules === defaultRules,
  locals: [...entriesOf(serving.locals)],
});

export const hidden: Readonly<Record<string, string>> = {
  'servers[].database.nodes[].rest': 'data, lists, times and names of children: what the log says of the node',
  'servers[].database.around': 'the root and nodes of the system: what the log says of them',
  'servers[].database.ephemerals': 'the same nodes by their owner',
  'servers[].conns[].constants': 'the same for every connection of a model, but for its number',
  'servers[].watches.recursive': 'how many recursive watches the tables hold',
  'servers[].constants': 'the same for every server of a model',
  'leading.buckets': 'the same sessions by their deadline',
  'leading.nextMs': 'the tick after those that the budget counts',
  'leading.outstanding': 'what of the log the leader has not applied',
  'leading.accepted': 'what of the log the leader has not applied',
  'leading.creations': 'what of the log the leader has not applied',
  'leading.reaper': 'the same for every state of a model: no leader of a model reaps',
};
