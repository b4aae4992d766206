/**
 * The shipping replication core as a transition system with the labels of spec/MCReplication.tla: every server is a
 * core state made by core steps only, between them is conformance/world/replication.ts.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { recover } from '../../core/recovery.js';
import type { DiskFiles } from '../../core/recovery.js';
import { nextZxid } from '../../core/replication/broadcast.js';
import type { Packet } from '../../core/replication/packet.js';
import { replicationStep } from '../../core/replication/replication.js';
import { staticEnsemble } from '../../core/ensemble.js';
import { restart } from '../../core/replication/state.js';
import type { ReplicationEffect, ReplicationEvent, ReplicationState } from '../../core/replication/state.js';
import { noSession } from '../../core/service/txn.js';
import type { Txn } from '../../core/service/txn.js';
import { anyMirror } from '../mirror.js';
import type { MakeMirror, Mirror } from '../mirror.js';
import { plainText } from '../plain.js';
import { oneOfEach, remembered, remembered2 } from '../remembered.js';
import {
  answered,
  broken,
  crashed,
  cut,
  elected,
  lastOf,
  logSynced,
  perform,
  placeOf,
  placeSnapshot,
  received,
  snapshotOf,
  takeSnapshot,
  waiting,
  woken,
  writeEpochFile,
} from '../world/replication.js';
import type { Place } from '../world/replication.js';
import { mayFollow } from './electionOracle.js';
import { invariantsOf } from './replicationInvariants.js';
import { rows } from './replicationRows.js';
import { initOf } from './replicationInit.js';
import { firstPromise, settingOf } from './replicationSetting.js';
import type { Budget, Setting, W } from './replicationSetting.js';
import * as syncs from './replicationSync.js';
import { fieldsOf, key, piecesOf, view } from './replicationView.js';

const [txns, crashes, cuts, elections, snaps, asks] = [0, 1, 2, 3, 4, 5];

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
  HandleObserverInfo: 'OBSERVERINFO',
  HandleInform: 'INFORM',
};

/** What waits at server `i` from `j`. */
const headType = (world: W['world'], i: ServerId, j: ServerId): Packet['type'] | null => {
  const packet = waiting(world, i, j)[0];
  return packet === undefined || packet === 'EOF' ? null : packet.type;
};

type Outcome = W | { readonly refused: string } | null;

/** Hands server `i` an event and does what it asks; null when it is down. */
const told = (w: W, i: ServerId, event: ReplicationEvent): Outcome => {
  const server = w.servers[i - 1];
  if (server === null || server === undefined) return null;
  const step = stepped(server, event);
  if ('refused' in step) return step;
  let world = w.world;
  for (const effect of step.effects) world = perform(world, i, effect);
  return { ...w, servers: w.servers.with(i - 1, step.state), world };
};

/** The core's own step; a packet that it sends again is the same object again, and so is the event that brings it. */
const stepped = remembered2((server: ReplicationState, event: ReplicationEvent) => {
  const step = replicationStep(server, event);
  if ('refused' in step) return step;
  const effects = step.effects.map((e) =>
    oneEffect(e.type === 'Send' ? { type: e.type, to: e.to, packet: onePacket(e.packet) } : e),
  );
  return { state: step.state, effects };
});

const oneZxid = oneOfEach((z: Zxid) => `${z.epoch} ${z.counter}`);
const onePacket = oneOfEach((p: Packet) => plainText(p));
const oneEffect = oneOfEach((e: ReplicationEffect) => plainText(e));

const packetFrom = remembered2((packet: Packet, from: ServerId): ReplicationEvent => ({
  type: 'Packet',
  from,
  packet,
}));
const electedOf = remembered2((_: ReplicationState, leader: ServerId): ReplicationEvent => ({
  type: 'Elected',
  leader,
}));
const closeOf = remembered2((_: ReplicationState, peer: ServerId): ReplicationEvent => ({ type: 'NoticeClose', peer }));
const syncedUpTo = remembered((zxid: Zxid): ReplicationEvent => ({ type: 'LogSynced', zxid }));
const nextProposal = remembered((s: ReplicationState): ReplicationEvent | null => {
  const zxid = nextZxid(s);
  return zxid === null ? null : { type: 'Propose', txn: txnOf(zxid) };
});
const plainEvents = {
  EpochSaved: { type: 'EpochSaved' },
  SnapshotSaved: { type: 'SnapshotSaved' },
  LeaderTimeout: { type: 'LeaderTimeout' },
  Resign: { type: 'Resign' },
} as const;

/** Server `i` notices that its connection with `peer` has ended. */
const closed = (w: W, i: ServerId, peer: ServerId): Outcome => {
  const server = w.servers[i - 1];
  return server ? told(w, i, closeOf(server, peer)) : null;
};

const spend = (w: W, what: number): W | null => {
  const left = w.budget[what] as number;
  if (left === 0) return null;
  return { ...w, budget: lessOf(w.budget, what) };
};

const lessOf = remembered2(
  (budget: Budget, what: number) => budget.map((b, n) => (n === what ? b - 1 : b)) as unknown as Budget,
);

const longest = (w: W): W => {
  let best = w.order;
  for (const p of w.world.places) if (p.serving && p.tree.length > best.length) best = p.tree;
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
    return told({ ...w, world: received(world, i, j) }, i, packetFrom(packet, j));
  }
  switch (action) {
    case 'Elected': {
      if (!mayFollow(world, i, j)) return null;
      const paid = i === j ? spend(w, elections) : w;
      const server = w.servers[i - 1];
      if (!paid || !server) return null;
      return told({ ...paid, world: elected(world, i, j) }, i, electedOf(server, j));
    }
    case 'EpochSaved':
      if (place.disk.asked === null || place.disk.asked.file === 'snapshot' || !place.disk.asked.written) return null;
      return told({ ...w, world: answered(world, i) }, i, plainEvents[action]);
    case 'SnapshotSaved':
      if (place.disk.asked?.file !== 'snapshot') return null;
      return told({ ...w, world: answered(world, i) }, i, plainEvents[action]);
    case 'LogSynced': {
      const next = logSynced(world, i, j);
      if (next === null) return null;
      const { entries, durable } = placeOf(next, i).disk;
      return told({ ...w, world: next }, i, syncedUpTo((entries[durable - 1] as Txn).zxid));
    }
    case 'Propose': {
      const paid = spend(w, txns);
      const server = w.servers[i - 1];
      const event = server ? nextProposal(server) : null;
      return paid && event && told(paid, i, event);
    }
    case 'NoticeClose':
      if (waiting(world, i, j)[0] !== 'EOF') return null;
      return closed({ ...w, world: received(world, i, j) }, i, j);
    case 'LeaderTimeout':
    case 'Resign':
      return told(w, i, plainEvents[action]);
    case 'WriteEpochFile':
      if (place.disk.asked === null || place.disk.asked.file === 'snapshot' || place.disk.asked.written) return null;
      return { ...w, world: writeEpochFile(world, i) };
    case 'Crash': {
      const paid = place.up ? spend(w, crashes) : null;
      const stopped = crashed(world, i, j);
      if (paid === null || stopped === null) return null;
      const end = broken(stopped, i);
      const left: W = { ...paid, servers: w.servers.with(i - 1, null), world: end.world };
      return end.told.reduce<Outcome>((o, s) => (o === null || 'refused' in o ? o : closed(o, s, i)), left);
    }
    case 'Break': {
      const paid = spend(w, cuts);
      const end = cut(world, i, j);
      if (paid === null || end === null) return null;
      const left: W = { ...paid, world: end.world };
      return end.told.reduce<Outcome>(
        (o, s) => (o === null || 'refused' in o ? o : closed(o, s, s === i ? j : i)),
        left,
      );
    }
    case 'TakeSnapshot': {
      const paid = spend(w, snaps);
      const next = takeSnapshot(world, i);
      return paid && next && { ...paid, world: next };
    }
    case 'PlaceSnapshot': {
      const next = placeSnapshot(world, i);
      return next && { ...w, world: next };
    }
    case 'RequestSync': {
      const paid = spend(w, asks);
      return paid && syncing(paid, syncs.requestSync(w, i, w.order.length));
    }
    case 'AskSync': {
      const paid = i === j ? spend(w, asks) : w;
      return paid && syncing(paid, syncs.takeSync(w, i, j, w.order.length));
    }
    case 'ReleaseSyncs':
      return syncing(w, syncs.answerSyncs(w, i));
    case 'Synced':
      return syncing(w, syncs.synced(w, i, j));
    case 'Restart':
      return place.up ? null : started(w, i);
    default:
      return null;
  }
};

const syncing = (w: W, next: syncs.Part | null): W | null => next && { ...w, world: next.world, syncs: next.syncs };

/** The actions of spec/ClientSync.tla; every other one leaves syncs to syncs.afterStep. */
const ofSyncs = new Set(['RequestSync', 'AskSync', 'ReleaseSyncs', 'Synced']);

/** Server `i` starts from its files: what they mean is for core/recovery.ts to say. */
const started = (w: W, i: ServerId): Outcome => {
  const { disk } = placeOf(w.world, i);
  const recovery = recover(filesOf(disk));
  if ('refused' in recovery) return { refused: recovery.refused.type };
  const begun = restart(i, staticEnsemble(w.setting.configuration), w.setting.limits, recovery.ok);
  let world = woken(w.world, i, oneZxid(recovery.ok.base));
  for (const effect of begun.effects) world = perform(world, i, oneEffect(effect));
  return { ...w, servers: w.servers.map((s, n) => (n === i - 1 ? begun.state : s)), world };
};

const filesOf = (disk: Place['disk']): DiskFiles => {
  const entries = [...disk.old, ...disk.entries].map((txn, offset) => ({ txn, offset }));
  const first = entries[0]?.txn.zxid;
  return {
    acceptedEpoch: disk.accepted,
    currentEpoch: disk.current,
    currentEpochTmp: null,
    snapshots: disk.snapshots
      .toReversed()
      .map((s) => ({ file: 'snapshot', zxid: lastOf(s), load: () => ({ snapshot: snapshotOf(s) }) })),
    logs: first === undefined ? [] : [{ file: 'log', first, load: () => ({ entries, end: { type: 'clean' } }) }],
  };
};

/** Every server has the same log, nobody leads: the spec's Init. */
const atFirst = (setting: Setting): E.Either<string, W> => {
  const { initialLog: log, rules, budget } = setting;
  const n = setting.servers.length;
  const epoch = log.at(-1)?.epoch ?? 0;
  const placeAt = (i: ServerId): Place => ({
    up: false,
    disk: {
      accepted: firstPromise(setting, i),
      current: epoch,
      asked: null,
      base: [],
      entries: log.map(txnOf),
      durable: log.length,
      snapshots: [[]],
      begun: null,
      old: [],
    },
    loaded: [],
    tree: [],
    serving: false,
    listening: false,
    asking: null,
    told: null,
  });
  let w: W = {
    setting,
    servers: Array.from({ length: n }, () => null),
    world: {
      rules,
      places: Array.from({ length: n }, (_, k) => placeAt(k + 1)),
      connections: Array.from({ length: n * n }, () => null),
    },
    syncs: syncs.firstSyncs(n),
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

const stepOf = (w: W, action: string, args: readonly number[]): W | null => {
  const next = attempt(w, action, args);
  if (next === null || 'refused' in next) return null;
  const later = longest(next);
  return later.setting.hasSyncs && !ofSyncs.has(action) ? { ...later, syncs: syncs.afterStep(later) } : later;
};

export const replicationMirror: MakeMirror = (model) => {
  const setting = settingOf(model);
  if (E.isLeft(setting)) return setting;
  const first = atFirst(setting.right);
  if (E.isLeft(first)) return first;
  const init = initOf(model.init, first.right, { step: stepOf, packets: Object.keys(handles) });
  if (E.isLeft(init)) return init;
  const mirror: Mirror<W> = {
    init: [init.right],
    step: stepOf,
    bind: (action, args) => {
      const type = handles[action];
      const [i = 0, j = 0] = args;
      // Most bindings take a packet that is not there.
      return type === undefined
        ? (w) => stepOf(w, action, args)
        : (w) => (headType(w.world, i, j) === type ? stepOf(w, action, args) : null);
    },
    refusal: (w, action, args) => {
      const next = attempt(w, action, args);
      return next !== null && 'refused' in next ? next.refused : null;
    },
    view,
    key,
    pieces: piecesOf(setting.right),
    ...fieldsOf(setting.right),
    rows: Object.fromEntries(
      Object.entries(rows).map(([name, shows]) => [
        name,
        (before: W, action: string, args: readonly number[], after: W) =>
          shows(before.world, action, args, after.world, before.order),
      ]),
    ),
    invariants: invariantsOf(setting.right.configuration),
  };
  return E.right(anyMirror(mirror));
};
