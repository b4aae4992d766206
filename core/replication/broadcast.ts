/**
 * Broadcast: the leader numbers transactions, a quorum logs them, everybody applies them in order.
 * Mirrors spec/Broadcast.tla: every action there is the function of the same name here.
 */
import type { ServerId } from '../data/quorum.js';
import { compareZxid, sameZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { windowAt, windowSize, windowSlice } from '../data/window.js';
import type { Txn } from '../service/txn.js';
import { activated, configurationIn, judged, needsOf, proposed, sawAll, settled } from '../ensemble.js';
import type { Configuration } from '../configuration.js';
import { designatedLeader } from '../membershipRules.js';
import { unchanged } from '../step.js';
import { delivered } from './delivery.js';
import type { Packet, PacketOf } from './packet.js';
import {
  appended,
  countUpTo,
  follows,
  lastLogged,
  leads,
  learnerOf,
  leave,
  lookForLeader,
  quiescent,
  isBacked,
  observes,
  votes,
  withDisk,
  withEnsemble,
  withEpochs,
  withLearner,
  withLearners,
  withRole,
  withSync,
  withSynced,
} from './state.js';
import type { Learner, ReplicationEffect, ReplicationState, ReplicationStep, Sync } from './state.js';
import { established, logged } from './synchronization.js';

/**
 * The zxid that the next transaction of this leader must carry; null when the server does not lead an established
 * epoch, or when its counter is used up (a new epoch is needed then).
 */
export const nextZxid = (s: ReplicationState): Zxid | null => {
  if (!leads(s) || s.role.phase !== 'BROADCAST') return null;
  const last = lastLogged(s.disk);
  const epoch = s.role.newEpoch;
  const counter = last.epoch === epoch ? last.counter : 0;
  return counter >= s.limits.maxCounter ? null : { epoch, counter: counter + 1 };
};

const forwarding = (l: Learner): boolean => l.stage === 'syncing' || l.stage === 'synced';

/** A client's write reaches the leader: it is appended, and goes to every follower. */
export const propose = (s: ReplicationState, txn: Txn): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  if (s.role.phase !== 'BROADCAST') return { refused: 'Serving' };
  const next = nextZxid(s);
  if (next === null || !sameZxid(next, txn.zxid)) return { refused: 'NextZxid' };
  const effects: ReplicationEffect[] = [{ type: 'Append', txns: [txn] }];
  for (const l of s.role.learners)
    if (forwarding(l) && !l.observer) effects.push({ type: 'Send', to: l.sid, packet: { type: 'PROPOSAL', txn } });
  return { state: withEnsemble(withDisk(s, appended(s.disk, [txn])), proposed(s.ensemble, txn)), effects };
};

/** A follower gets a proposal: to be logged at once when it serves, after UPTODATE otherwise. */
export const handleProposal = (s: ReplicationState, from: ServerId, packet: PacketOf<'PROPOSAL'>): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  const { txn } = packet;
  const ensemble = sawAll(s.ensemble, [txn]);
  if (s.role.phase === 'BROADCAST') {
    const state = withEnsemble(withDisk(s, appended(s.disk, [txn])), ensemble);
    return { state, effects: [{ type: 'Append', txns: [txn] }] };
  }
  const { sync } = s.role;
  if (s.role.phase !== 'SYNCHRONIZATION' || sync.mode === 'none') return { refused: 'Expected' };
  const next: Sync = {
    mode: sync.mode,
    stage: sync.stage,
    pending: [...sync.pending, txn],
    commits: sync.commits,
    snap: sync.snap,
  };
  return { state: withEnsemble(withRole(s, withSync(s.role, next)), ensemble), effects: [] };
};

/** The disk has the log up to `zxid`: a follower acknowledges each new entry, a leader counts itself, an observer is silent. */
export const logSynced = (s: ReplicationState, zxid: Zxid): ReplicationStep => {
  const { disk, role } = s;
  if (compareZxid(zxid, disk.synced) <= 0 || compareZxid(zxid, lastLogged(disk)) > 0) return { refused: 'Unsynced' };
  const state = withDisk(s, withSynced(disk, zxid));
  if (leads(s)) return role.phase === 'BROADCAST' ? committed(state) : { state, effects: [] };
  if (!follows(s)) return { state, effects: lookForLeader(state) };
  if (role.phase === 'BROADCAST') {
    if (observes(s, s.self)) return { state, effects: [] };
    const leader = role.leader as ServerId;
    const effects = windowSlice(disk.log, countUpTo(disk.log, disk.synced), countUpTo(disk.log, zxid)).map(
      (txn): ReplicationEffect => ({ type: 'Send', to: leader, packet: { type: 'ACK', zxid: txn.zxid } }),
    );
    return { state, effects };
  }
  return role.sync.stage === 'logging' && quiescent(state.disk) ? logged(state) : { state, effects: [] };
};

/** A learner acknowledges NEWLEADER, UPTODATE (of no consequence) or a proposal. */
export const handleAck = (s: ReplicationState, from: ServerId, packet: PacketOf<'ACK'>): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  const learner = learnerOf(s.role, from);
  const { zxid } = packet;
  if (learner?.stage === 'syncing') {
    if (!sameZxid(zxid, { epoch: s.role.newEpoch, counter: 0 })) return { refused: 'Expected' };
    const learners = withLearner(s.role.learners, {
      sid: from,
      stage: 'synced',
      observer: learner.observer,
      zxid: learner.zxid,
    });
    const synced = withRole(s, withLearners(s.role, learners));
    if (s.role.phase !== 'BROADCAST') return established(synced);
    return { state: synced, effects: [{ type: 'Send', to: from, packet: { type: 'UPTODATE' } }] };
  }
  if (learner?.stage !== 'synced') return { refused: 'Expected' };
  if (zxid.counter === 0) return unchanged(s);
  const learners = withLearner(s.role.learners, { sid: from, stage: 'synced', observer: learner.observer, zxid });
  return committed(withRole(s, withLearners(s.role, learners)));
};

/**
 * A leader commits and applies, in order, what a quorum has on disk, and tells everybody it forwards to.
 * @see spec `CommittedLength`, `Commit`
 */
const committed = (s: ReplicationState): ReplicationStep => {
  if (s.role.phase !== 'BROADCAST') return { state: s, effects: [] };
  const { log } = s.disk;
  const start = countUpTo(log, s.delivered);
  let { ensemble } = s;
  let end = start;
  // One that has lost its vote commits no more: who is designated goes on from there.
  while (end < windowSize(log) && !ensemble.retired) {
    const txn = windowAt(log, end) as Txn;
    if (!isAcknowledged(s, needsOf(ensemble, txn.zxid), txn.zxid)) break;
    end++;
    const made = ensemble.dynamic ? configurationIn(txn) : null;
    if (made !== null) ensemble = judged(activated(ensemble, made), s.self);
  }
  if (end === start) return { state: s, effects: [] };
  const txns = windowSlice(log, start, end);
  const step = delivered(s, (txns.at(-1) as Txn).zxid);
  const effects = [...step.effects];
  for (const l of s.role.learners)
    if (forwarding(l)) for (const txn of txns) effects.push({ type: 'Send', to: l.sid, packet: news(s, l, txn) });
  const zxid = (txns.at(-1) as Txn).zxid;
  return { state: withEnsemble(step.state, settled(ensemble, zxid)), effects };
};

/** Whether quorums of these configurations have a transaction on disk. */
const isAcknowledged = (s: ReplicationState, configs: readonly Configuration[], zxid: Zxid): boolean =>
  isBacked(
    s,
    configs,
    s.role.learners,
    (l) => l.stage === 'synced' && compareZxid(l.zxid, zxid) >= 0,
    compareZxid(s.disk.synced, zxid) >= 0,
  );

/** What a learner is told of a commit. */
const news = (s: ReplicationState, to: Learner, txn: Txn): Packet => {
  const made = s.ensemble.dynamic ? configurationIn(txn) : null;
  if (made === null) return to.observer ? { type: 'INFORM', txn } : { type: 'COMMIT', zxid: txn.zxid };
  const synced = s.role.learners.filter((l) => l.stage === 'synced' && !l.observer);
  const acked = synced.map((l) => ({ server: l.sid, zxid: l.zxid }));
  const leader = designatedLeader(s.self, made, acked);
  return to.observer
    ? { type: 'INFORMANDACTIVATE', txn, leader }
    : { type: 'COMMITANDACTIVATE', zxid: txn.zxid, leader };
};

/** A follower is told that its next transaction is committed. */
export const handleCommit = (s: ReplicationState, from: ServerId, packet: PacketOf<'COMMIT'>): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  if (s.role.phase === 'BROADCAST') {
    const next = windowAt(s.disk.log, countUpTo(s.disk.log, s.delivered));
    if (next === undefined || !sameZxid(next.zxid, packet.zxid)) return { refused: 'NextCommitted' };
    return delivered(s, packet.zxid);
  }
  const { sync } = s.role;
  if (s.role.phase !== 'SYNCHRONIZATION') return { refused: 'Expected' };
  const next = sync.pending[sync.commits];
  if (next === undefined || !sameZxid(next.zxid, packet.zxid)) return { refused: 'NextCommitted' };
  const counted: Sync = {
    mode: sync.mode,
    stage: sync.stage,
    pending: sync.pending,
    commits: sync.commits + 1,
    snap: sync.snap,
  };
  return { state: withRole(s, withSync(s.role, counted)), effects: [] };
};

/** The connection with `peer` has ended. A leader forgets the learner and what it acknowledged; a follower leaves. */
export const noticeClose = (s: ReplicationState, peer: ServerId): ReplicationStep => {
  if (leads(s)) {
    if (learnerOf(s.role, peer) === undefined) return { refused: 'Peer' };
    const learners = s.role.learners.filter((l) => l.sid !== peer);
    return { state: withRole(s, withLearners(s.role, learners)), effects: [] };
  }
  return s.role.leader === peer ? leave(s) : { refused: 'Peer' };
};

/** A leader has waited long enough for a quorum that it does not have. */
export const leaderTimeout = (s: ReplicationState): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  if (isBacked(s, s.ensemble.deciding, s.role.learners, () => true)) return { refused: 'QuorumMissing' };
  return leave(s);
};

/** The highest epoch, if above this leader's, that a voter which stands before it has accepted; 0: none. */
const promisedAbove = (s: ReplicationState): number => {
  let highest = 0;
  for (const l of s.role.learners)
    if (l.stage === 'epoch' && votes(s, l.sid) && l.zxid.epoch > highest) highest = l.zxid.epoch;
  return highest > s.role.newEpoch ? highest : 0;
};

/**
 * Whether an established leader must make room for a new epoch because a voter has accepted a higher one, from somebody
 * who never came to lead: that voter refuses the leader whenever it comes (docs/divergence.md).
 */
export const isOutpromised = (s: ReplicationState): boolean =>
  leads(s) && s.role.phase === 'BROADCAST' && promisedAbove(s) > 0;

/**
 * Only a new epoch goes on: the leader has given its last counter (ZOOKEEPER-1277), or its epoch is too low for a voter.
 * It accepts what that voter has accepted, so that no epoch which it takes part in is too low again.
 */
export const resign = (s: ReplicationState): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  if (s.role.phase !== 'BROADCAST') return { refused: 'Serving' };
  const epoch = promisedAbove(s);
  if (epoch === 0) return nextZxid(s) === null ? leave(s) : { refused: 'EpochSpent' };
  const step = leave(withDisk(s, withEpochs(s.disk, 'accepted', epoch, s.disk.currentEpoch)));
  return 'refused' in step
    ? step
    : { state: step.state, effects: [...step.effects, { type: 'SaveEpoch', file: 'accepted', epoch }] };
};
