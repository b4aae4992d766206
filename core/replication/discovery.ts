/**
 * Discovery: a server that leads gathers a quorum, fixes a new epoch, and learns that nobody in the quorum is ahead.
 * Mirrors spec/Discovery.tla: every action there is the function of the same name here.
 */
import { isQuorum } from '../data/quorum.js';
import type { ServerId } from '../data/quorum.js';
import { compareZxid, zeroZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { absurd } from '../step.js';
import type { PacketOf } from './packet.js';
import {
  follows,
  lastZxid,
  leads,
  learnerOf,
  leave,
  lookForLeader,
  quiescent,
  supporters,
  votes,
  withDisk,
  withEpochs,
  withLearner,
  withLearners,
  withPhase,
  withRole,
  withRoleAndDisk,
  withSaving,
} from './state.js';
import type { Learner, ReplicationEffect, ReplicationState, ReplicationStep, RoleState } from './state.js';
import { acknowledged, established, syncPackets } from './synchronization.js';

/** The protocol version in FOLLOWERINFO and LEADERINFO since 3.4: with ACKEPOCH and currentEpoch. */
export const protocolVersion = 0x10000;

/** This server is told who leads. A learner connects and introduces itself; a leader waits for learners. */
export const elected = (s: ReplicationState, leader: ServerId): ReplicationStep => {
  if (s.role.phase !== 'LOOKING') return { refused: 'Looking' };
  if (!quiescent(s.disk)) return { refused: 'Quiescent' };
  if (!votes(s, leader)) return { refused: 'Votes' };
  const role: RoleState = { phase: 'DISCOVERY', leader, newEpoch: 0, learners: [], sync: s.role.sync };
  if (leader !== s.self) {
    const effects: ReplicationEffect[] = [
      { type: 'Connect', to: leader },
      {
        type: 'Send',
        to: leader,
        packet: {
          type: votes(s, s.self) ? 'FOLLOWERINFO' : 'OBSERVERINFO',
          acceptedEpoch: s.disk.acceptedEpoch,
          sid: s.self,
          protocolVersion,
          configVersion: zeroZxid,
        },
      },
    ];
    return { state: withRole(s, role), effects };
  }
  const fixed = epochFixed(s, role);
  return { state: fixed.state, effects: [{ type: 'Listen' }, ...fixed.effects] };
};

/** A quorum fixes the epoch: one above all that were heard of. */
const epochFixed = (
  s: ReplicationState,
  role: RoleState,
): { readonly state: ReplicationState; readonly effects: readonly ReplicationEffect[] } => {
  const heard = supporters(s, role.learners, (l) => l.stage === 'info');
  if (role.newEpoch !== 0 || !isQuorum(s.voters.length, heard)) return { state: withRole(s, role), effects: [] };
  let accepted = s.disk.acceptedEpoch;
  for (const l of role.learners) if (l.stage === 'info' && l.zxid.epoch > accepted) accepted = l.zxid.epoch;
  const epoch = accepted + 1;
  const fixed: RoleState = {
    phase: role.phase,
    leader: role.leader,
    newEpoch: epoch,
    learners: role.learners,
    sync: role.sync,
  };
  return {
    state: withRoleAndDisk(s, fixed, withEpochs(s.disk, 'accepted', epoch, s.disk.currentEpoch)),
    effects: [{ type: 'SaveEpoch', file: 'accepted', epoch }],
  };
};

/** A leader hears from a voter. */
export const handleFollowerInfo = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'FOLLOWERINFO'>,
): ReplicationStep =>
  votes(s, from) || !leads(s) ? introduced(s, from, packet.acceptedEpoch) : { refused: 'FromVoter' };

/** A learner has introduced itself; its connection takes the place of an older one and of what it acknowledged. */
export const introduced = (s: ReplicationState, from: ServerId, acceptedEpoch: number): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  const { role } = s;
  if (role.newEpoch !== 0 && s.disk.saving !== 'accepted') {
    // A promise above the leader's epoch is remembered: see promisedAbove in broadcast.ts.
    const zxid: Zxid = acceptedEpoch > role.newEpoch ? { epoch: acceptedEpoch, counter: 0 } : zeroZxid;
    const learners = withLearner(role.learners, { sid: from, stage: 'epoch', zxid });
    return { state: withRole(s, withLearners(role, learners)), effects: [leaderInfo(from, role.newEpoch)] };
  }
  const learner: Learner = { sid: from, stage: 'info', zxid: { epoch: acceptedEpoch, counter: 0 } };
  return epochFixed(s, withLearners(role, withLearner(role.learners, learner)));
};

const leaderInfo = (to: ServerId, epoch: number): ReplicationEffect => ({
  type: 'Send',
  to,
  packet: { type: 'LEADERINFO', epoch, protocolVersion },
});

const ackEpoch = (s: ReplicationState, to: ServerId, currentEpoch: number): ReplicationEffect => ({
  type: 'Send',
  to,
  packet: { type: 'ACKEPOCH', currentEpoch, zxid: lastZxid(s) },
});

/** A follower is told the new epoch. It promises a higher one durably, and leaves a leader whose epoch is too low. */
export const handleLeaderInfo = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'LEADERINFO'>,
): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  if (s.role.phase !== 'DISCOVERY' || s.disk.saving !== 'none') return { refused: 'Expected' };
  const { epoch } = packet;
  if (epoch < s.disk.acceptedEpoch) return leave(s);
  if (epoch > s.disk.acceptedEpoch)
    return {
      state: withDisk(s, withEpochs(s.disk, 'accepted', epoch, s.disk.currentEpoch)),
      effects: [{ type: 'SaveEpoch', file: 'accepted', epoch }],
    };
  // Promised before: the answer -1 does not count again.
  return { state: withRole(s, withPhase(s.role, 'SYNCHRONIZATION')), effects: [ackEpoch(s, from, -1)] };
};

/** Whether credentials (epoch, zxid) are above (otherEpoch, otherZxid); spec `Newer`. */
const newer = (epoch: number, zxid: Zxid, otherEpoch: number, otherZxid: Zxid): boolean =>
  epoch > otherEpoch || (epoch === otherEpoch && compareZxid(zxid, otherZxid) > 0);

/** A learner has promised the epoch. One that is ahead of the leader is sent away; a quorum ends discovery. */
export const handleAckEpoch = (s: ReplicationState, from: ServerId, packet: PacketOf<'ACKEPOCH'>): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  if (learnerOf(s.role, from)?.stage !== 'epoch') return { refused: 'Expected' };
  const { role, disk } = s;
  if (role.phase !== 'DISCOVERY') {
    const learners = withLearner(role.learners, { sid: from, stage: 'syncing', zxid: zeroZxid });
    return { state: withRole(s, withLearners(role, learners)), effects: syncPackets(s, from, packet.zxid) };
  }
  const open = disk.saving === 'none';
  const counts = packet.currentEpoch !== -1;
  if (open && counts && newer(packet.currentEpoch, packet.zxid, disk.currentEpoch, lastZxid(s)))
    return {
      state: withRole(
        s,
        withLearners(
          role,
          role.learners.filter((l) => l.sid !== from),
        ),
      ),
      effects: [{ type: 'Disconnect', peer: from }],
    };
  const learner: Learner = { sid: from, stage: counts ? 'ackepoch' : 'waiting', zxid: packet.zxid };
  const acked = withLearners(role, withLearner(role.learners, learner));
  return open ? epochAcknowledged(withRole(s, acked)) : { state: withRole(s, acked), effects: [] };
};

/** A quorum has promised the epoch: the leader takes it as its own, durably. */
const epochAcknowledged = (s: ReplicationState): ReplicationStep => {
  const acks = supporters(s, s.role.learners, (l) => l.stage === 'ackepoch');
  if (!isQuorum(s.voters.length, acks)) return { state: s, effects: [] };
  const epoch = s.role.newEpoch;
  return {
    state: withDisk(s, withEpochs(s.disk, 'current', s.disk.acceptedEpoch, epoch)),
    effects: [{ type: 'SaveEpoch', file: 'current', epoch }],
  };
};

/** The disk has this server's epoch files: only now does it say so. */
export const epochSaved = (s: ReplicationState): ReplicationStep => {
  const { saving } = s.disk;
  if (saving !== 'accepted' && saving !== 'current') return { refused: 'Saving' };
  const saved = withDisk(s, withSaving(s.disk, 'none'));
  if (leads(s)) return saving === 'accepted' ? acceptedSaved(saved) : currentSaved(saved);
  if (!follows(s)) return { state: saved, effects: lookForLeader(saved) };
  const leader = s.role.leader as ServerId;
  switch (saving) {
    case 'accepted':
      return {
        state: withRole(saved, withPhase(s.role, 'SYNCHRONIZATION')),
        effects: [ackEpoch(s, leader, s.disk.currentEpoch)],
      };
    case 'current':
      return acknowledged(saved);
    default:
      return absurd(saving);
  }
};

/** The leader's promise is durable: whoever has introduced itself is told the epoch. */
const acceptedSaved = (s: ReplicationState): ReplicationStep => {
  const effects: ReplicationEffect[] = [];
  const learners = s.role.learners.map((l): Learner => {
    if (l.stage !== 'info') return l;
    effects.push(leaderInfo(l.sid, s.role.newEpoch));
    return { sid: l.sid, stage: 'epoch', zxid: zeroZxid };
  });
  const step = epochAcknowledged(withRole(s, withLearners(s.role, learners)));
  return 'refused' in step ? step : { state: step.state, effects: [...effects, ...step.effects] };
};

/** The leader's epoch is durable: whoever has promised it is synchronised. */
const currentSaved = (s: ReplicationState): ReplicationStep => {
  const effects: ReplicationEffect[] = [];
  const learners = s.role.learners.map((l): Learner => {
    if (l.stage !== 'ackepoch' && l.stage !== 'waiting') return l;
    effects.push(...syncPackets(s, l.sid, l.zxid));
    return { sid: l.sid, stage: 'syncing', zxid: zeroZxid };
  });
  const step = established(withRole(s, withPhase(withLearners(s.role, learners), 'SYNCHRONIZATION')));
  return 'refused' in step ? step : { state: step.state, effects: [...effects, ...step.effects] };
};
