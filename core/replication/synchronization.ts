/**
 * Synchronisation: a leader brings each learner to its own history; a learner makes it durable before it says so.
 * Mirrors spec/Synchronization.tla: every action there is the function of the same name here.
 */
import type { ServerId } from '../data/quorum.js';
import { compareZxid, sameZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { readConfiguration } from '../configuration.js';
import { activated, judged, takenOver } from '../ensemble.js';
import { changesPart } from '../membershipRules.js';
import { windowAt, windowOf, windowSize, windowSlice, windowTake } from '../data/window.js';
import type { Txn } from '../service/txn.js';
import type { PacketOf } from './packet.js';
import {
  appended,
  countUpTo,
  follows,
  lastLogged,
  lookForLeader,
  quiescent,
  isBacked,
  leave,
  withDisk,
  withEnsemble,
  withEpochs,
  withPhase,
  withRole,
  withRoleAndDisk,
  withSaving,
  withSync,
  noSync,
} from './state.js';
import type { DiskState, Learner, ReplicationEffect, ReplicationState, ReplicationStep, Sync } from './state.js';
import { delivered } from './delivery.js';

/**
 * What a leader sends to a learner whose last logged zxid is `p`: the mode, what it has committed beyond, what is
 * outstanding, NEWLEADER. Before the leader is established all of its log counts as committed.
 * @see spec `SyncPackets`; LearnerHandler.syncFollower, facts in docs/protocol/replication.md
 */
export const syncPackets = (
  s: ReplicationState,
  { sid: to, observer }: Pick<Learner, 'sid' | 'observer'>,
  p: Zxid,
): readonly ReplicationEffect[] => {
  const { log, base } = s.disk;
  const { active, lastSeen } = s.ensemble;
  // Of an established leader what is committed: Apache's names the last seen one (docs/divergence.md).
  const config = (s.role.phase === 'BROADCAST' ? active : lastSeen).text;
  const history = s.role.phase === 'BROADCAST' ? countUpTo(log, s.delivered) : windowSize(log);
  const zxidAt = (index: number): Zxid => windowAt(log, index)?.zxid ?? base;
  const max = history > 0 ? zxidAt(history - 1) : base;
  const min = history > 0 ? zxidAt(0) : max;
  const upTo = Math.min(history, countUpTo(log, p));
  const tail = (mode: ReplicationEffect, from: number): readonly ReplicationEffect[] => [
    mode,
    ...windowSlice(log, from, history).flatMap((txn): ReplicationEffect[] => [
      { type: 'Send', to, packet: { type: 'PROPOSAL', txn } },
      { type: 'Send', to, packet: { type: 'COMMIT', zxid: txn.zxid } },
    ]),
    // An observer hears of what is outstanding once it is committed.
    ...windowSlice(log, observer ? windowSize(log) : history, windowSize(log)).map((txn): ReplicationEffect => ({
      type: 'Send',
      to,
      packet: { type: 'PROPOSAL', txn },
    })),
    { type: 'Send', to, packet: { type: 'NEWLEADER', epoch: s.role.newEpoch, config } },
  ];
  const diff = (from: number): readonly ReplicationEffect[] =>
    tail({ type: 'Send', to, packet: { type: 'DIFF', zxid: max } }, from);
  const trunc = (keep: number): readonly ReplicationEffect[] =>
    tail({ type: 'Send', to, packet: { type: 'TRUNC', zxid: zxidAt(keep - 1) } }, keep);
  const snap = (): readonly ReplicationEffect[] =>
    tail({ type: 'SendSnapshot', to, zxid: s.delivered }, countUpTo(log, s.delivered));

  if (sameZxid(p, max)) return diff(history);
  if (compareZxid(p, max) > 0) return p.counter !== 0 && max.counter !== 0 ? trunc(history) : snap();
  if (compareZxid(p, min) < 0) return snap();
  if (sameZxid(zxidAt(upTo - 1), p)) return diff(upTo);
  if (p.counter === 0) return diff(upTo);
  // p is not in this leader's history: cut it off where that is possible (ZOOKEEPER-1154).
  return zxidAt(upTo).epoch === p.epoch ? trunc(upTo) : snap();
};

const fromLeader = (s: ReplicationState, from: ServerId): boolean => follows(s) && s.role.leader === from;

const expectsMode = (s: ReplicationState): boolean => s.role.phase === 'SYNCHRONIZATION' && s.role.sync.mode === 'none';

const modeChosen = (s: ReplicationState, mode: 'DIFF' | 'SNAP', snap: Sync['snap']): ReplicationState =>
  withRole(s, withSync(s.role, { mode, stage: 'packets', pending: [], commits: 0, snap }));

/** The leader continues where this follower stands. */
export const handleDiff = (s: ReplicationState, from: ServerId): ReplicationStep => {
  if (!fromLeader(s, from)) return { refused: 'FromLeader' };
  if (!expectsMode(s)) return { refused: 'Expected' };
  return { state: modeChosen(s, 'DIFF', null), effects: [] };
};

/** This follower cuts what the leader does not have. The cut is on disk before anything else happens there. */
export const handleTrunc = (s: ReplicationState, from: ServerId, packet: PacketOf<'TRUNC'>): ReplicationStep => {
  if (!fromLeader(s, from)) return { refused: 'FromLeader' };
  if (!expectsMode(s)) return { refused: 'Expected' };
  if (compareZxid(packet.zxid, s.disk.base) < 0) return { refused: 'KeepsBase' };
  const log = windowTake(s.disk.log, countUpTo(s.disk.log, packet.zxid));
  const cut: DiskState = {
    acceptedEpoch: s.disk.acceptedEpoch,
    currentEpoch: s.disk.currentEpoch,
    saving: s.disk.saving,
    base: s.disk.base,
    log,
    synced: windowAt(log, windowSize(log) - 1)?.zxid ?? s.disk.base,
  };
  return {
    state: withDisk(modeChosen(s, 'DIFF', null), cut),
    effects: [{ type: 'Truncate', zxid: packet.zxid }],
  };
};

/** The leader sends everything; this follower holds it in memory until NEWLEADER (ZOOKEEPER-3642). */
export const handleSnap = (s: ReplicationState, from: ServerId, packet: PacketOf<'SNAP'>): ReplicationStep => {
  if (!fromLeader(s, from)) return { refused: 'FromLeader' };
  if (!expectsMode(s)) return { refused: 'Expected' };
  return { state: modeChosen(s, 'SNAP', { zxid: packet.zxid, snapshot: packet.snapshot }), effects: [] };
};

/** This follower has been sent all that the leader had: it makes that durable. */
export const handleNewLeader = (
  state: ReplicationState,
  from: ServerId,
  packet: PacketOf<'NEWLEADER'>,
): ReplicationStep => {
  if (!fromLeader(state, from)) return { refused: 'FromLeader' };
  const { sync } = state.role;
  if (state.role.phase !== 'SYNCHRONIZATION' || sync.mode === 'none' || sync.stage !== 'packets')
    return { refused: 'Expected' };
  const s = configTaken(state, packet.config);
  if (sync.snap === null) return logging(s);
  const asked: Sync = {
    mode: sync.mode,
    stage: 'logging',
    pending: sync.pending,
    commits: sync.commits,
    snap: sync.snap,
  };
  return {
    state: withRoleAndDisk(s, withSync(s.role, asked), withSaving(s.disk, 'snapshot')),
    effects: [{ type: 'SaveSnapshot', zxid: sync.snap.zxid, snapshot: sync.snap.snapshot }],
  };
};

/** The configuration goes with the history: what of it is not committed yet is seen all the same. */
const configTaken = (s: ReplicationState, text: string | null): ReplicationState => {
  if (!s.ensemble.dynamic) return s;
  const { log } = s.disk;
  const { snap, pending } = s.role.sync;
  const logged = snap === null ? windowSlice(log, 0, windowSize(log)) : [];
  const config = text === null ? null : readConfiguration(text);
  return withEnsemble(s, takenOver(s.ensemble, config, [...logged, ...pending]));
};

/** The snapshot is on disk in place of the old log (ZOOKEEPER-2832), whether or not this server still follows. */
export const snapshotSaved = (s: ReplicationState): ReplicationStep => {
  const { snap } = s.role.sync;
  if (s.disk.saving !== 'snapshot' || snap === null) return { refused: 'Saving' };
  const disk: DiskState = {
    acceptedEpoch: s.disk.acceptedEpoch,
    currentEpoch: s.disk.currentEpoch,
    saving: 'none',
    base: snap.zxid,
    log: windowOf<Txn>([]),
    synced: snap.zxid,
  };
  const restored: ReplicationState = {
    self: s.self,
    ensemble: s.ensemble,
    limits: s.limits,
    role: s.role,
    disk,
    delivered: snap.zxid,
    wantsSnapshot: false,
  };
  const restore: ReplicationEffect = { type: 'Restore', zxid: snap.zxid, snapshot: snap.snapshot };
  if (!follows(s)) {
    const state = withRole(restored, withSync(s.role, noSync));
    return { state, effects: [restore, ...lookForLeader(state)] };
  }
  const step = logging(restored);
  return 'refused' in step ? step : { state: step.state, effects: [restore, ...step.effects] };
};

/**
 * The committed proposals are appended, what is logged is made durable, then the epoch, then the acknowledgement, in
 * this order (ZOOKEEPER-3911, 4643, 4646). Proposals that are not committed yet stay pending (ZOOKEEPER-4394).
 */
const logging = (s: ReplicationState): ReplicationStep => {
  const { sync } = s.role;
  const txns = sync.pending.slice(0, sync.commits);
  const rest: Sync = {
    mode: sync.mode,
    stage: 'logging',
    pending: sync.pending.slice(sync.commits),
    commits: 0,
    snap: null,
  };
  const state = withRoleAndDisk(s, withSync(s.role, rest), appended(s.disk, txns));
  const append: readonly ReplicationEffect[] = txns.length === 0 ? [] : [{ type: 'Append', txns }];
  if (!quiescent(state.disk)) return { state, effects: append };
  const step = logged(state);
  return 'refused' in step ? step : { state: step.state, effects: [...append, ...step.effects] };
};

/** All that NEWLEADER asks for is in the log for good: the epoch is next. */
export const logged = (s: ReplicationState): ReplicationStep => {
  const epoch = s.disk.acceptedEpoch;
  if (s.disk.currentEpoch === epoch) return acknowledged(s);
  return {
    state: withDisk(s, withEpochs(s.disk, 'current', epoch, epoch)),
    effects: [{ type: 'SaveEpoch', file: 'current', epoch }],
  };
};

/** Everything that the ACK of NEWLEADER promises is durable: it is sent. */
export const acknowledged = (s: ReplicationState): ReplicationStep => {
  const { sync, leader } = s.role;
  const acked: Sync = {
    mode: sync.mode,
    stage: 'acked',
    pending: sync.pending,
    commits: sync.commits,
    snap: sync.snap,
  };
  return { state: withRole(s, withSync(s.role, acked)), effects: [ackOfEpoch(s, leader as ServerId)] };
};

const ackOfEpoch = (s: ReplicationState, to: ServerId): ReplicationEffect => ({
  type: 'Send',
  to,
  packet: { type: 'ACK', zxid: { epoch: s.disk.currentEpoch, counter: 0 } },
});

/** The leader is established: this follower serves, and logs what came in between. */
export const handleUpToDate = (s: ReplicationState, from: ServerId): ReplicationStep => {
  if (!fromLeader(s, from)) return { refused: 'FromLeader' };
  const { sync } = s.role;
  if (s.role.phase !== 'SYNCHRONIZATION' || sync.stage !== 'acked') return { refused: 'Expected' };
  const upTo = sync.commits > 0 ? (sync.pending[sync.commits - 1] as Txn).zxid : lastLogged(s.disk);
  const role = withPhase(withSync(s.role, noSync), 'BROADCAST');
  const step = delivered(withRoleAndDisk(s, role, appended(s.disk, sync.pending)), upTo);
  const state = withEnsemble(step.state, upToDate(step.state));
  const append: readonly ReplicationEffect[] =
    sync.pending.length === 0 ? [] : [{ type: 'Append', txns: sync.pending }];
  if (changesPart(s.self, s.ensemble.active, state.ensemble.active)) {
    const left = leave(state);
    return 'refused' in left ? left : { state: left.state, effects: [...append, ...step.effects, ...left.effects] };
  }
  const serve: ReplicationEffect = { type: 'Serve', epoch: s.disk.currentEpoch };
  return { state, effects: [ackOfEpoch(s, from), ...append, ...step.effects, serve] };
};

/**
 * What came with NEWLEADER is active where it is committed: all that the leader had before its epoch is, and what is
 * applied here. Apache's leaders name a configuration that is only proposed, too.
 */
const upToDate = ({ ensemble, delivered: applied, disk }: ReplicationState): ReplicationState['ensemble'] => {
  const { version } = ensemble.lastSeen;
  const isCommitted =
    compareZxid(version, { epoch: disk.currentEpoch, counter: 0 }) <= 0 || compareZxid(version, applied) <= 0;
  return isCommitted ? activated(ensemble, ensemble.lastSeen) : ensemble;
};

/** With a quorum synchronised the leader is established: all that it has is committed. */
export const established = (s: ReplicationState): ReplicationStep => {
  if (!isBacked(s, s.ensemble.deciding, s.role.learners, (l) => l.stage === 'synced')) return { state: s, effects: [] };
  const step = delivered(withRole(s, withPhase(s.role, 'BROADCAST')), lastLogged(s.disk));
  const { ensemble } = step.state;
  const state = ensemble.dynamic
    ? withEnsemble(step.state, judged(activated(ensemble, ensemble.lastSeen), s.self))
    : step.state;
  const released = s.role.learners.flatMap((l): ReplicationEffect[] =>
    l.stage === 'synced' ? [{ type: 'Send', to: l.sid, packet: { type: 'UPTODATE' } }] : [],
  );
  return { state, effects: [...step.effects, ...released, { type: 'Serve', epoch: s.role.newEpoch }] };
};
