/**
 * Discovery: a server that leads gathers a quorum, fixes a new epoch, and learns that nobody in the quorum is ahead.
 * Mirrors spec/Discovery.tla: every action there is the function of the same name here.
 */
import type { ServerId } from '../data/quorum.js';
import { compareZxid, zeroZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { leftWith, seen } from '../ensemble.js';
import { withVersion } from '../configuration.js';
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
  isBacked,
  mayLead,
  observes,
  votes,
  withDisk,
  withEnsemble,
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
  if (!(leader === s.self ? votes(s, leader) : mayLead(s, leader))) return { refused: 'Votes' };
  const begun = withEnsemble(s, leftWith(s.ensemble, null));
  const role: RoleState = { phase: 'DISCOVERY', leader, newEpoch: 0, learners: [], sync: s.role.sync };
  if (leader !== s.self) {
    const effects: ReplicationEffect[] = [
      { type: 'Connect', to: leader },
      {
        type: 'Send',
        to: leader,
        packet: {
          type: observes(s, s.self) ? 'OBSERVERINFO' : 'FOLLOWERINFO',
          acceptedEpoch: s.disk.acceptedEpoch,
          sid: s.self,
          protocolVersion,
          configVersion: s.ensemble.active.version,
        },
      },
    ];
    return { state: withRole(begun, role), effects };
  }
  const fixed = epochFixed(begun, role);
  return { state: fixed.state, effects: [{ type: 'Listen' }, ...fixed.effects] };
};

/** A quorum fixes the epoch: one above all that were heard of. */
const epochFixed = (
  s: ReplicationState,
  role: RoleState,
): { readonly state: ReplicationState; readonly effects: readonly ReplicationEffect[] } => {
  const heard = isBacked(s, s.ensemble.deciding, role.learners, (l) => l.stage === 'info');
  if (role.newEpoch !== 0 || !heard) return { state: withRole(s, role), effects: [] };
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
    state: named(withRoleAndDisk(s, fixed, withEpochs(s.disk, 'accepted', epoch, s.disk.currentEpoch)), epoch),
    effects: [{ type: 'SaveEpoch', file: 'accepted', epoch }],
  };
};

/** The first configuration of all, which no transaction has made, gets the zxid of its first leader's epoch. */
const named = (s: ReplicationState, epoch: number): ReplicationState => {
  const { ensemble } = s;
  const { version } = ensemble.lastSeen;
  if (!ensemble.dynamic || version.epoch > 0 || version.counter > 0) return s;
  return withEnsemble(s, seen(ensemble, withVersion(ensemble.lastSeen, { epoch, counter: 0 })));
};

/** A leader hears from a server that follows; whether its word counts is for the configurations to say. */
export const handleFollowerInfo = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'FOLLOWERINFO'>,
): ReplicationStep => introduced(s, from, packet.acceptedEpoch, false);

/** A learner has introduced itself; its connection takes the place of an older one and of what it acknowledged. */
export const introduced = (
  s: ReplicationState,
  from: ServerId,
  acceptedEpoch: number,
  observer: boolean,
): ReplicationStep => {
  if (!leads(s)) return { refused: 'Leading' };
  const { role } = s;
  if (role.newEpoch !== 0 && s.disk.saving !== 'accepted') {
    // A promise above the leader's epoch is remembered: see promisedAbove in broadcast.ts.
    const zxid: Zxid = acceptedEpoch > role.newEpoch ? { epoch: acceptedEpoch, counter: 0 } : zeroZxid;
    const learners = withLearner(role.learners, { sid: from, stage: 'epoch', observer, zxid });
    return { state: withRole(s, withLearners(role, learners)), effects: [leaderInfo(from, role.newEpoch)] };
  }
  const learner: Learner = { sid: from, stage: 'info', observer, zxid: { epoch: acceptedEpoch, counter: 0 } };
  return epochFixed(s, withLearners(role, withLearner(role.learners, learner)));
};

const leaderInfo = (to: ServerId, epoch: number): ReplicationEffect => ({
  type: 'Send',
  to,
  packet: { type: 'LEADERINFO', epoch, protocolVersion },
});

/** No leader has a history that could be continued there, so it sends a snapshot; facts in docs/protocol/replication.md. */
const unknownZxid: Zxid = { epoch: 0x7fffffff, counter: 0 };

const ackEpoch = (s: ReplicationState, to: ServerId, currentEpoch: number): ReplicationEffect => ({
  type: 'Send',
  to,
  packet: { type: 'ACKEPOCH', currentEpoch, zxid: s.wantsSnapshot ? unknownZxid : lastZxid(s) },
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
  const known = learnerOf(s.role, from);
  if (known?.stage !== 'epoch') return { refused: 'Expected' };
  const { role, disk } = s;
  const { observer } = known;
  if (role.phase !== 'DISCOVERY') {
    const learners = withLearner(role.learners, { sid: from, stage: 'syncing', observer, zxid: zeroZxid });
    return { state: withRole(s, withLearners(role, learners)), effects: syncPackets(s, known, packet.zxid) };
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
  const learner: Learner = { sid: from, stage: counts ? 'ackepoch' : 'waiting', observer, zxid: packet.zxid };
  const acked = withLearners(role, withLearner(role.learners, learner));
  return open ? epochAcknowledged(withRole(s, acked)) : { state: withRole(s, acked), effects: [] };
};

/** A quorum has promised the epoch: the leader takes it as its own, durably. */
const epochAcknowledged = (s: ReplicationState): ReplicationStep => {
  if (!isBacked(s, s.ensemble.deciding, s.role.learners, (l) => l.stage === 'ackepoch'))
    return { state: s, effects: [] };
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
    return { sid: l.sid, stage: 'epoch', observer: l.observer, zxid: zeroZxid };
  });
  const step = epochAcknowledged(withRole(s, withLearners(s.role, learners)));
  return 'refused' in step ? step : { state: step.state, effects: [...effects, ...step.effects] };
};

/** The leader's epoch is durable: whoever has promised it is synchronised. */
const currentSaved = (s: ReplicationState): ReplicationStep => {
  const effects: ReplicationEffect[] = [];
  const learners = s.role.learners.map((l): Learner => {
    if (l.stage !== 'ackepoch' && l.stage !== 'waiting') return l;
    effects.push(...syncPackets(s, l, l.zxid));
    return { sid: l.sid, stage: 'syncing', observer: l.observer, zxid: zeroZxid };
  });
  const step = established(withRole(s, withPhase(withLearners(s.role, learners), 'SYNCHRONIZATION')));
  return 'refused' in step ? step : { state: step.state, effects: [...effects, ...step.effects] };
};
