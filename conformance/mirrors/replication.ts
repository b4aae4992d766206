/**
 * The shipping replication core as a transition system with the labels of spec/MCReplication.tla: every server is a
 * core state made by core steps only, between them is conformance/world/replication.ts.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import { windowSlice, windowSize } from '../../core/data/window.js';
import { recover } from '../../core/recovery.js';
import type { DiskFiles } from '../../core/recovery.js';
import { nextZxid } from '../../core/replication/broadcast.js';
import type { Packet } from '../../core/replication/packet.js';
import { replicationStep } from '../../core/replication/replication.js';
import { noRole, restart } from '../../core/replication/state.js';
import type { ReplicationEvent, ReplicationState } from '../../core/replication/state.js';
import { noSession } from '../../core/service/txn.js';
import type { Txn } from '../../core/service/txn.js';
import { anyMirror, constantValue } from '../mirror.js';
import type { MakeMirror, Mirror, TlaState } from '../mirror.js';
import type { Model } from '../models.js';
import {
  answered,
  broken,
  crashed,
  cut,
  historyOf,
  logSynced,
  mayFollow,
  perform,
  placeOf,
  received,
  snapshotOf,
  waiting,
  withPlace,
  writeEpochFile,
} from '../world/replication.js';
import type { History, Place, Rules, World } from '../world/replication.js';
import { invariants } from './replicationInvariants.js';
import { rows } from './replicationRows.js';

type Budget = readonly [txns: number, crashes: number, cuts: number, elections: number];
const [txns, crashes, cuts, elections] = [0, 1, 2, 3];

/** All that there is: core states (null while down), the world, what is left to happen, the history variable. */
type W = {
  readonly servers: readonly (ReplicationState | null)[];
  readonly world: World;
  readonly budget: Budget;
  readonly order: History;
};

const keepAll = 1_000_000;

/** A transaction of which only the zxid matters. */
const txnOf = (zxid: Zxid): Txn => ({
  session: noSession,
  cxid: 0,
  zxid,
  timeMs: 0,
  record: { type: 'error', err: 0 },
  digest: null,
});

/** The packets by the actions that take them. */
const handles: Readonly<Record<string, Packet['type']>> = {
  HandleFollowerInfo: 'FOLLOWERINFO',
  HandleLeaderInfo: 'LEADERINFO',
  HandleAckEpoch: 'ACKEPOCH',
  HandleDiff: 'DIFF',
  HandleTrunc: 'TRUNC',
  HandleSnap: 'SNAP',
  HandleNewLeader: 'NEWLEADER',
  HandleUpToDate: 'UPTODATE',
  HandleProposal: 'PROPOSAL',
  HandleAck: 'ACK',
  HandleCommit: 'COMMIT',
};

type Outcome = W | { readonly refused: string } | null;

/** Hands server `i` an event and does what it asks; null when it is down. */
const told = (w: W, i: ServerId, event: ReplicationEvent): Outcome => {
  const server = w.servers[i - 1];
  if (server === null || server === undefined) return null;
  const step = replicationStep(server, event);
  if ('refused' in step) return step;
  let world = w.world;
  for (const effect of step.effects) world = perform(world, i, effect);
  return { ...w, servers: w.servers.map((s, n) => (n === i - 1 ? step.state : s)), world };
};

const toldAll = (w: W, event: (i: ServerId) => ReplicationEvent, servers: readonly ServerId[]): Outcome =>
  servers.reduce<Outcome>((o, i) => (o === null || 'refused' in o ? o : told(o, i, event(i))), w);

const spend = (w: W, what: number): W | null => {
  const left = w.budget[what] as number;
  if (left === 0) return null;
  return { ...w, budget: w.budget.map((b, n) => (n === what ? left - 1 : b)) as unknown as Budget };
};

const longest = (w: W): W => {
  const best = w.world.places.reduce<History>((h, p) => (p.serving && p.tree.length > h.length ? p.tree : h), w.order);
  return best === w.order ? w : { ...w, order: best };
};

const attempt = (w: W, action: string, args: readonly number[]): Outcome => {
  const [i = 0, j = 0] = args;
  const { world } = w;
  const place = placeOf(world, i);
  const type = handles[action];
  if (type !== undefined) {
    const packet = waiting(world, i, j)[0];
    if (packet === undefined || packet === 'EOF' || packet.type !== type) return null;
    return told({ ...w, world: received(world, i, j) }, i, { type: 'Packet', from: j, packet });
  }
  switch (action) {
    case 'Elected': {
      if (!mayFollow(world, i, j)) return null;
      const paid = i === j ? spend(w, elections) : w;
      return (
        paid && told({ ...paid, world: withPlace(world, i, { asking: null, told: j }) }, i, { type: action, leader: j })
      );
    }
    case 'EpochSaved':
      if (place.disk.asked === null || place.disk.asked.file === 'snapshot' || !place.disk.asked.written) return null;
      return told({ ...w, world: answered(world, i) }, i, { type: action });
    case 'SnapshotSaved':
      if (place.disk.asked?.file !== 'snapshot') return null;
      return told({ ...w, world: answered(world, i) }, i, { type: action });
    case 'LogSynced': {
      const next = logSynced(world, i, j);
      if (next === null) return null;
      const { entries, durable } = placeOf(next, i).disk;
      return told({ ...w, world: next }, i, { type: action, zxid: (entries[durable - 1] as Txn).zxid });
    }
    case 'Propose': {
      const paid = spend(w, txns);
      const server = w.servers[i - 1];
      const zxid = server ? nextZxid(server) : null;
      return paid && zxid && told(paid, i, { type: action, txn: txnOf(zxid) });
    }
    case 'NoticeClose':
      if (waiting(world, i, j)[0] !== 'EOF') return null;
      return told({ ...w, world: received(world, i, j) }, i, { type: action, peer: j });
    case 'LeaderTimeout':
      return told(w, i, { type: action });
    case 'WriteEpochFile':
      if (place.disk.asked === null || place.disk.asked.file === 'snapshot' || place.disk.asked.written) return null;
      return { ...w, world: writeEpochFile(world, i) };
    case 'Crash': {
      const paid = place.up ? spend(w, crashes) : null;
      const stopped = crashed(world, i, j);
      if (paid === null || stopped === null) return null;
      const end = broken(stopped, i, (c) => c.leader === i || c.learner === i);
      const servers = w.servers.map((s, n) => (n === i - 1 ? null : s));
      return toldAll({ ...paid, servers, world: end.world }, () => ({ type: 'NoticeClose', peer: i }), end.told);
    }
    case 'Break': {
      const paid = spend(w, cuts);
      const end = cut(world, i, j);
      if (paid === null || end === null) return null;
      return toldAll({ ...paid, world: end.world }, (s) => ({ type: 'NoticeClose', peer: s === i ? j : i }), end.told);
    }
    case 'Restart':
      return place.up ? null : started(w, i);
    default:
      return null;
  }
};

/** Server `i` starts from its files: what they mean is for core/recovery.ts to say. */
const started = (w: W, i: ServerId): Outcome => {
  const { disk } = placeOf(w.world, i);
  const recovery = recover(filesOf(disk));
  if ('refused' in recovery) return { refused: recovery.refused.type };
  const voters = w.world.places.map((_, n) => n + 1);
  const begun = restart(i, voters, keepAll, recovery.ok);
  let world = withPlace(w.world, i, { up: true, tree: disk.base });
  for (const effect of begun.effects) world = perform(world, i, effect);
  return { ...w, servers: w.servers.map((s, n) => (n === i - 1 ? begun.state : s)), world };
};

const filesOf = (disk: Place['disk']): DiskFiles => {
  const snapshot = { snapshot: snapshotOf(disk.base) };
  const entries = disk.entries.map((txn, offset) => ({ txn, offset }));
  const first = disk.entries[0]?.zxid;
  return {
    acceptedEpoch: disk.accepted,
    currentEpoch: disk.current,
    currentEpochTmp: null,
    snapshots: [{ file: 'snapshot', zxid: disk.base.at(-1) ?? zeroZxid, load: () => snapshot }],
    logs: first === undefined ? [] : [{ file: 'log', first, load: () => ({ entries, end: { type: 'clean' } }) }],
  };
};

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

const view = (w: W): TlaState => {
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

const key = (w: W): unknown => ({
  servers: w.servers.map((s) =>
    s === null
      ? {}
      : {
          role: { ...s.role, sync: { ...s.role.sync, pending: s.role.sync.pending.map((t) => t.zxid) } },
          disk: { ...s.disk, log: logOf(s) },
          delivered: s.delivered,
          fixed: { self: s.self, voters: s.voters, keep: s.keep },
        },
  ),
  places: w.world.places.map((p) => ({ ...p, disk: { ...p.disk, entries: p.disk.entries.map((t) => t.zxid) } })),
  connections: [...w.world.connections].sort((a, b) => a.learner - b.learner || a.leader - b.leader),
  budget: w.budget,
  order: w.order,
});

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
  'places[].disk.base': 'base',
  'places[].tree': 'delivered',
  'connections[].up': 'net',
  'connections[].down': 'net',
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

const numbers = (model: Model): E.Either<string, Record<string, unknown>> => {
  const out: Record<string, unknown> = {};
  for (const name of [
    'Server',
    'InitialLog',
    'EpochWrites',
    'LateNotice',
    'Txns',
    'Crashes',
    'Cuts',
    'Elections',
    'AnyElection',
  ]) {
    const value = constantValue(model, name);
    if (E.isLeft(value)) return value;
    out[name] = value.right;
  }
  return E.right(out);
};

/** Every server has the same log, nobody leads: the spec's Init. */
const atFirst = (n: number, log: History, rules: Rules, budget: Budget): E.Either<string, W> => {
  const epoch = log.at(-1)?.epoch ?? 0;
  const place: Place = {
    up: false,
    disk: { accepted: epoch, current: epoch, asked: null, base: [], entries: log.map(txnOf), durable: log.length },
    tree: [],
    serving: false,
    listening: false,
    asking: null,
    told: null,
  };
  let w: W = {
    servers: Array.from({ length: n }, () => null),
    world: { rules, places: Array.from({ length: n }, () => place), connections: [] },
    budget,
    order: log,
  };
  for (let i = 1; i <= n; i++) {
    const next = started(w, i);
    if (next === null || 'refused' in next) return E.left(`server ${i} does not start: ${next?.refused ?? 'it is up'}`);
    w = next;
  }
  return E.right(w);
};

/**
 * The named state Established: the highest server leads, all follow and serve. It is reached here as anywhere, by core
 * steps, from Init and with a budget for one election; the steps are those of traces/established.ndjson.
 */
const establishedFrom = (w: W, budget: Budget): E.Either<string, W> => {
  const n = w.servers.length;
  let state: W = { ...w, budget: [0, 0, 0, 1] };
  const others = Array.from({ length: n - 1 }, (_, k) => k + 1);
  const all = [...others, n];
  const labels: (readonly [string, ...number[]])[] = [
    ['Elected', n, n],
    ...others.map((i) => ['Elected', i, n] as const),
    ...others.map((i) => ['HandleFollowerInfo', n, i] as const),
  ];
  const drain = (): void => {
    for (let progress = true; progress;) {
      progress = false;
      for (const action of [...Object.keys(handles), 'WriteEpochFile', 'EpochSaved'])
        for (const i of all)
          for (const j of all) {
            const next = attempt(state, action, [i, j]);
            if (next === null || 'refused' in next) continue;
            state = longest(next);
            progress = true;
          }
    }
  };
  for (const [action, ...args] of labels) {
    const next = attempt(state, action, args);
    if (next === null || 'refused' in next)
      return E.left(`Established cannot be reached: ${action}(${args.join(', ')})`);
    state = longest(next);
  }
  drain();
  return E.right({ ...state, budget });
};

export const replicationMirror: MakeMirror = (model) => {
  const read = numbers(model);
  if (E.isLeft(read)) return read;
  const c = read.right;
  const n = (c['Server'] as { set: readonly number[] }).set.length;
  const log = (c['InitialLog'] as readonly (readonly [number, number])[]).map(([epoch, counter]) => ({
    epoch,
    counter,
  }));
  const rules: Rules = {
    eagerEpochs: c['EpochWrites'] === 'eager',
    lateNotice: c['LateNotice'] === true,
    anyElection: c['AnyElection'] === true,
  };
  const budget: Budget = [c['Txns'], c['Crashes'], c['Cuts'], c['Elections']] as unknown as Budget;
  const first = atFirst(n, log, rules, budget);
  if (E.isLeft(first)) return first;
  const init = model.init === 'Established' ? establishedFrom(first.right, budget) : first;
  if (E.isLeft(init)) return init;
  const mirror: Mirror<W> = {
    init: [init.right],
    step: (w, action, args) => {
      const next = attempt(w, action, args);
      return next === null || 'refused' in next ? null : longest(next);
    },
    refusal: (w, action, args) => {
      const next = attempt(w, action, args);
      return next !== null && 'refused' in next ? next.refused : null;
    },
    view,
    key,
    shown,
    hidden,
    rows: Object.fromEntries(
      Object.entries(rows).map(([name, shows]) => [
        name,
        (before: W, action: string, args: readonly number[], after: W) =>
          shows(before.world, action, args, after.world, before.order),
      ]),
    ),
    invariants,
  };
  return E.right(anyMirror(mirror));
};
