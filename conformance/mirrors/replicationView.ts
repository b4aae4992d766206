/**
 * What the spec sees of a replication that core steps have made: every variable of spec/MCReplication.tla from core
 * states and the world, and what of them is shown where.
 */
import type { TlaValue } from 'tla-checker-cli';
import type { Zxid } from '../../core/data/zxid.js';
import { windowSlice, windowSize } from '../../core/data/window.js';
import type { Packet } from '../../core/replication/packet.js';
import { noRole } from '../../core/replication/state.js';
import type { ReplicationState } from '../../core/replication/state.js';
import type { TlaState } from '../mirror.js';
import { historyOf, waiting } from '../world/replication.js';
import type { History, Place } from '../world/replication.js';
import type { W } from './replicationSetting.js';

const zxidValue = (z: Zxid): TlaValue => [z.epoch, z.counter];
const historyValue = (h: History): TlaValue => h.map(zxidValue);
const plain = (type: string, z: Zxid): TlaValue => ({ record: { type, zxid: zxidValue(z) } });
const epochZxid = (epoch: number): Zxid => ({ epoch, counter: 0 });

const packetValue = (p: Packet | 'EOF'): TlaValue => {
  if (p === 'EOF') return plain('EOF', epochZxid(0));
  switch (p.type) {
    case 'FOLLOWERINFO':
      return plain(p.type, epochZxid(p.acceptedEpoch));
    case 'LEADERINFO':
    case 'NEWLEADER':
      return plain(p.type, epochZxid(p.epoch));
    case 'ACKEPOCH':
      return { record: { type: p.type, zxid: zxidValue(p.zxid), epoch: p.currentEpoch } };
    case 'SNAP':
      return { record: { type: p.type, zxid: zxidValue(p.zxid), history: historyValue(historyOf(p.snapshot)) } };
    case 'PROPOSAL':
      return plain(p.type, p.txn.zxid);
    case 'DIFF':
    case 'TRUNC':
    case 'ACK':
    case 'COMMIT':
      return plain(p.type, p.zxid);
    case 'UPTODATE':
      return plain(p.type, epochZxid(0));
    default:
      return `a packet that the spec does not have: ${p.type}`;
  }
};

const logOf = (s: ReplicationState): readonly Zxid[] =>
  windowSlice(s.disk.log, 0, windowSize(s.disk.log)).map((t) => t.zxid);

export const view = (w: W): TlaState => {
  const n = w.servers.length;
  const ids = Array.from({ length: n }, (_, k) => k + 1);
  const each = (up: (s: ReplicationState, p: Place) => TlaValue, down: (p: Place) => TlaValue): TlaValue =>
    w.servers.map((s, k) => {
      const p = w.world.places[k] as Place;
      return s === null ? down(p) : up(s, p);
    });
  const logValue = (p: Place, after: readonly Zxid[]): TlaValue => historyValue([...p.disk.base, ...after]);
  const noLearner: TlaValue = { record: { stage: 'none', zxid: [0, 0] } };
  const syncValue = (s: ReplicationState['role']['sync']): TlaValue => ({
    record: {
      mode: s.mode,
      stage: s.stage,
      pending: s.pending.map((t) => zxidValue(t.zxid)),
      commits: s.commits,
      snap: s.snap === null ? [] : historyValue(historyOf(s.snap.snapshot)),
    },
  });
  return {
    phase: each(
      (s) => s.role.phase,
      () => 'DOWN',
    ),
    leader: each(
      (s) => s.role.leader ?? 0,
      () => 0,
    ),
    acceptedEpoch: each(
      (s) => s.disk.acceptedEpoch,
      (p) => p.disk.accepted,
    ),
    currentEpoch: each(
      (s) => s.disk.currentEpoch,
      (p) => p.disk.current,
    ),
    epochFile: w.world.places.map((p) => [p.disk.accepted, p.disk.current]),
    saving: each(
      (s) => s.disk.saving,
      () => 'none',
    ),
    log: each(
      (s, p) => logValue(p, logOf(s)),
      (p) =>
        logValue(
          p,
          p.disk.entries.map((t) => t.zxid),
        ),
    ),
    synced: each(
      (s, p) =>
        p.disk.base.length +
        logOf(s).filter((z) => (z.epoch - s.disk.synced.epoch || z.counter - s.disk.synced.counter) <= 0).length,
      (p) => p.disk.base.length + p.disk.durable,
    ),
    base: w.world.places.map((p) => p.disk.base.length),
    delivered: w.world.places.map((p) => historyValue(p.tree)),
    newEpoch: each(
      (s) => s.role.newEpoch,
      () => 0,
    ),
    learners: each(
      (s) =>
        ids.map((j) => {
          const l = s.role.learners.find((x) => x.sid === j);
          return l === undefined ? noLearner : { record: { stage: l.stage, zxid: zxidValue(l.zxid) } };
        }),
      () => ids.map(() => noLearner),
    ),
    sync: each(
      (s) => syncValue(s.role.sync),
      () => syncValue(noRole.sync),
    ),
    net: ids.map((from) => ids.map((to) => waiting(w.world, to, from).map(packetValue))),
    budget: [...w.budget],
    order: historyValue(w.order),
  };
};

export const key = (w: W): unknown => ({
  servers: w.servers.map((s) =>
    s === null
      ? {}
      : {
          role: { ...s.role, sync: { ...s.role.sync, pending: s.role.sync.pending.map((t) => t.zxid) } },
          disk: { ...s.disk, log: logOf(s) },
          delivered: s.delivered,
          fixed: { self: s.self, voters: s.voters, limits: s.limits },
        },
  ),
  places: w.world.places.map((p) => ({ ...p, disk: { ...p.disk, entries: p.disk.entries.map((t) => t.zxid) } })),
  connections: [...w.world.connections].sort((a, b) => a.learner - b.learner || a.leader - b.leader),
  budget: w.budget,
  order: w.order,
});

export const shown: Readonly<Record<string, string>> = {
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
  'places[].disk.base': 'base',
  'places[].tree': 'delivered',
  'connections[].up': 'net',
  'connections[].down': 'net',
  budget: 'budget',
  order: 'order',
};

export const hidden: Readonly<Record<string, string>> = {
  'servers[].fixed': 'constants of the model',
  'servers[].disk.base': 'the last zxid of the snapshot, which base counts',
  'servers[].delivered': 'the last zxid of what was applied, which delivered lists',
  'places[].up': 'phase is DOWN',
  'places[].serving': 'phase is BROADCAST',
  'places[].listening': 'leader is the server itself',
  'places[].told': 'leader, as the environment said it',
  'places[].asking': 'LOOKING and quiescent, with currentEpoch and the last zxid of log',
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
