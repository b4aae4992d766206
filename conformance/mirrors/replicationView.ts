/**
 * What the spec sees of a replication that core steps have made: every variable of spec/MCReplication.tla from core
 * states and the world, and what of them is shown where.
 */
import { keepHash } from 'tla-checker-cli';
import type { TlaValue } from 'tla-checker-cli';
import type { Zxid } from '../../core/data/zxid.js';
import { windowSlice, windowSize } from '../../core/data/window.js';
import type { Packet } from '../../core/replication/packet.js';
import { noRole } from '../../core/replication/state.js';
import type { ReplicationState } from '../../core/replication/state.js';
import type { Mirror, Pieces, TlaState } from '../mirror.js';
import { remembered, remembered2 } from '../remembered.js';
import type { Queue } from '../world/connection.js';
import { historyOf, waiting } from '../world/replication.js';
import type { History, Place } from '../world/replication.js';
import type { Setting, W } from './replicationSetting.js';
import type { Syncs } from './replicationSync.js';

const zxidValue = (z: Zxid): TlaValue => [z.epoch, z.counter];
const historyValue = (h: History): TlaValue => h.map(zxidValue);
const plain = (type: string, z: Zxid): TlaValue => ({ record: { type, zxid: zxidValue(z) } });
const epochZxid = (epoch: number): Zxid => ({ epoch, counter: 0 });

const packetValue = (p: Packet | 'EOF'): TlaValue => {
  if (p === 'EOF') return plain('EOF', epochZxid(0));
  switch (p.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO':
      return plain(p.type, epochZxid(p.acceptedEpoch));
    case 'LEADERINFO':
    case 'NEWLEADER':
      return plain(p.type, epochZxid(p.epoch));
    case 'ACKEPOCH':
      return { record: { type: p.type, zxid: zxidValue(p.zxid), epoch: p.currentEpoch } };
    case 'SNAP':
      return { record: { type: p.type, zxid: zxidValue(p.zxid), history: historyValue(historyOf(p.snapshot)) } };
    case 'PROPOSAL':
    case 'INFORM':
      return plain(p.type, p.txn.zxid);
    case 'DIFF':
    case 'TRUNC':
    case 'ACK':
    case 'COMMIT':
      return plain(p.type, p.zxid);
    case 'UPTODATE':
    case 'REQUEST':
    case 'SYNC':
      return plain(p.type, epochZxid(0));
    default:
      return `a packet that the spec does not have: ${p.type}`;
  }
};

const logOf = (s: ReplicationState): readonly Zxid[] =>
  windowSlice(s.disk.log, 0, windowSize(s.disk.log)).map((t) => t.zxid);

const logValue = (before: History, after: readonly Zxid[]): TlaValue => historyValue([...before, ...after]);

const noLearner: TlaValue = keepHash({ record: { stage: 'none', zxid: [0, 0] } });

const syncValue = (s: ReplicationState['role']['sync']): TlaValue => ({
  record: {
    mode: s.mode,
    stage: s.stage,
    pending: s.pending.map((t) => zxidValue(t.zxid)),
    commits: s.commits,
    snap: s.snap === null ? [] : historyValue(historyOf(s.snap.snapshot)),
  },
});

/** What is seen of one server; a table of learners has a line for each of `servers`. */
type Seen = Readonly<
  Record<
    | 'phase'
    | 'leader'
    | 'acceptedEpoch'
    | 'currentEpoch'
    | 'epochFile'
    | 'saving'
    | 'log'
    | 'synced'
    | 'base'
    | 'delivered'
    | 'newEpoch'
    | 'learners'
    | 'sync',
    TlaValue
  >
>;

const snapshotsValue = remembered((disk: Place['disk']): TlaValue =>
  keepHash({
    record: {
      whole: disk.snapshots.map(historyValue),
      begun: disk.begun === null ? [] : [historyValue(disk.begun)],
      old: disk.old.map((t) => zxidValue(t.zxid)),
    },
  }),
);

const seen = (s: ReplicationState | null, p: Place, servers: number): Seen => {
  const onDisk = {
    epochFile: keepHash([p.disk.accepted, p.disk.current]),
    base: p.loaded.length,
    delivered: keepHash(historyValue(p.tree)),
  };
  const ids = Array.from({ length: servers }, (_, k) => k + 1);
  if (s === null)
    return {
      ...onDisk,
      phase: 'DOWN',
      leader: 0,
      acceptedEpoch: p.disk.accepted,
      currentEpoch: p.disk.current,
      saving: 'none',
      log: keepHash(
        logValue(
          p.disk.base,
          p.disk.entries.map((t) => t.zxid),
        ),
      ),
      synced: p.disk.base.length + p.disk.durable,
      newEpoch: 0,
      learners: keepHash(ids.map(() => noLearner)),
      sync: keepHash(syncValue(noRole.sync)),
    };
  return {
    ...onDisk,
    phase: s.role.phase,
    leader: s.role.leader ?? 0,
    acceptedEpoch: s.disk.acceptedEpoch,
    currentEpoch: s.disk.currentEpoch,
    saving: s.disk.saving,
    log: keepHash(logValue(p.loaded, logOf(s))),
    synced:
      p.loaded.length +
      logOf(s).filter((z) => (z.epoch - s.disk.synced.epoch || z.counter - s.disk.synced.counter) <= 0).length,
    newEpoch: s.role.newEpoch,
    learners: keepHash(
      ids.map((j) => {
        const l = s.role.learners.find((x) => x.sid === j);
        return l === undefined ? noLearner : { record: { stage: l.stage, zxid: zxidValue(l.zxid) } };
      }),
    ),
    sync: keepHash(syncValue(s.role.sync)),
  };
};

// By how many servers there are: what is remembered depends on its arguments alone.
const seenIn = remembered2((p: Place, servers: number) => ({
  down: seen(null, p, servers),
  up: remembered((s: ReplicationState) => seen(s, p, servers)),
}));

const queueValue = remembered((q: Queue<Packet>): TlaValue => keepHash(q.map(packetValue)));
const orderValue = remembered((h: History): TlaValue => keepHash(historyValue(h)));

const waitingValue = remembered((waiting: Syncs['waiting']): TlaValue =>
  keepHash(waiting.map((w) => w.map(({ origin, after }) => ({ record: { origin, after: zxidValue(after) } })))),
);
const askedValue = remembered((asked: Syncs['asked']): TlaValue =>
  keepHash(asked.map((a) => a.map(({ led, seen: any }) => ({ record: { led, seen: any } })))),
);
const behindValue = remembered((behind: Syncs['behind']): TlaValue => keepHash({ set: behind }));

export const view = ({ setting, servers, world, syncs, budget, order }: W): TlaState => {
  const views = servers.map((s, k) => {
    const known = seenIn(world.places[k] as Place, servers.length);
    return s === null ? known.down : known.up(s);
  });
  return {
    phase: views.map((v) => v.phase),
    leader: views.map((v) => v.leader),
    acceptedEpoch: views.map((v) => v.acceptedEpoch),
    currentEpoch: views.map((v) => v.currentEpoch),
    epochFile: views.map((v) => v.epochFile),
    saving: views.map((v) => v.saving),
    log: views.map((v) => v.log),
    synced: views.map((v) => v.synced),
    base: views.map((v) => v.base),
    delivered: views.map((v) => v.delivered),
    newEpoch: views.map((v) => v.newEpoch),
    learners: views.map((v) => v.learners),
    sync: views.map((v) => v.sync),
    net: servers.map((_, from) => servers.map((_, to) => queueValue(waiting(world, to + 1, from + 1)))),
    budget: budget.slice(0, 4),
    order: orderValue(order),
    ...(setting.hasSnapshots ? { snapshots: world.places.map((p) => snapshotsValue(p.disk)), takes: budget[4] } : {}),
    ...(setting.hasSyncs
      ? {
          syncs: waitingValue(syncs.waiting),
          requests: budget[5],
          asked: askedValue(syncs.asked),
          behind: behindValue(syncs.behind),
        }
      : {}),
  };
};

const keyOfServer = (s: ReplicationState | null): unknown =>
  s === null
    ? {}
    : {
        role: { ...s.role, sync: { ...s.role.sync, pending: s.role.sync.pending.map((t) => t.zxid) } },
        disk: { ...s.disk, log: logOf(s) },
        delivered: s.delivered,
        fixed: { self: s.self, ensemble: s.ensemble, limits: s.limits, wantsSnapshot: s.wantsSnapshot },
      };

const keyOfPlace = (p: Place): unknown => ({
  ...p,
  disk: { ...p.disk, entries: p.disk.entries.map((t) => t.zxid), old: p.disk.old.map((t) => t.zxid) },
});

export const key = (w: W): unknown => ({
  servers: w.servers.map(keyOfServer),
  places: w.world.places.map(keyOfPlace),
  connections: w.world.connections.filter((c) => c !== null),
  syncs: w.syncs,
  budget: w.budget,
  order: w.order,
});

/** Servers, places, connections, syncs, budget, order. */
export const piecesOf = (setting: Setting): Pieces<W> => {
  const n = setting.servers.length;
  return {
    take: (w) => [...w.servers, ...w.world.places, ...w.world.connections, w.syncs, w.budget, w.order],
    make: (pieces) => ({
      setting,
      servers: pieces.slice(0, n) as W['servers'],
      world: {
        rules: setting.rules,
        places: pieces.slice(n, 2 * n) as W['world']['places'],
        connections: pieces.slice(2 * n, -3) as W['world']['connections'],
      },
      syncs: pieces.at(-3) as Syncs,
      budget: pieces.at(-2) as W['budget'],
      order: pieces.at(-1) as W['order'],
    }),
    key: (piece, place) =>
      place < n ? keyOfServer(piece as ReplicationState | null) : place < 2 * n ? keyOfPlace(piece as Place) : piece,
  };
};

const shown: Readonly<Record<string, string>> = {
  'servers[].role.phase': 'phase',
  'servers[].role.leader': 'leader',
  'servers[].role.newEpoch': 'newEpoch',
  'servers[].role.learners': 'learners',
  'servers[].role.sync': 'sync',
  'servers[].disk.acceptedEpoch': 'acceptedEpoch',
  'servers[].disk.currentEpoch': 'currentEpoch',
  'servers[].disk.saving': 'saving',
  'servers[].disk.log': 'log',
  'servers[].disk.synced': 'synced',
  'places[].disk.accepted': 'epochFile',
  'places[].disk.current': 'epochFile',
  'places[].loaded': 'base',
  'places[].tree': 'delivered',
  'connections[].up': 'net',
  'connections[].down': 'net',
  'syncs.waiting': 'syncs',
  'syncs.asked': 'asked',
  'syncs.behind': 'behind',
  budget: 'budget',
  order: 'order',
};

const hidden: Readonly<Record<string, string>> = {
  'servers[].fixed': 'constants of the model',
  'servers[].disk.base': 'the last zxid of the snapshot, which base counts',
  'servers[].delivered': 'the last zxid of what was applied, which delivered lists',
  'places[].up': 'phase is DOWN',
  'places[].serving': 'phase is BROADCAST',
  'places[].listening': 'leader is the server itself',
  'places[].told': 'leader, as the environment said it',
  'places[].asking': 'LOOKING and quiescent, with currentEpoch and the last zxid of log',
  'places[].disk.base': 'what the oldest snapshot holds',
  'places[].disk.entries': 'the log, as the disk has it',
  'places[].disk.durable': 'synced, as the disk has it',
  'places[].disk.asked': 'saving, and whether epochFile has it',
  'connections[].learner': 'where in net it stands',
  'connections[].leader': 'where in net it stands',
  'connections[].openAtLearner': 'leader of the learner',
  'connections[].openAtLeader': 'learners of the leader, or FOLLOWERINFO in net',
  'connections[].taken': 'no FOLLOWERINFO in net',
  'connections[].stale': 'learners of the leader beside FOLLOWERINFO in net',
};

const snapshotFields: Readonly<Record<string, readonly [variable: string, otherwise: string]>> = {
  'places[].disk.snapshots': ['snapshots', 'the one that base counts'],
  'places[].disk.begun': ['snapshots', 'none'],
  'places[].disk.old': ['snapshots', 'none'],
};

/** What is seen where, and what is not; without spec/Snapshots.tla a disk has the snapshot of the last SNAP only. */
export const fieldsOf = ({ hasSnapshots }: Setting): Pick<Mirror<W>, 'shown' | 'hidden'> => {
  const own = Object.fromEntries(Object.entries(snapshotFields).map(([k, v]) => [k, v[hasSnapshots ? 0 : 1]]));
  return hasSnapshots ? { shown: { ...shown, ...own }, hidden } : { shown, hidden: { ...hidden, ...own } };
};
