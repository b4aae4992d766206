/**
 * Observers: learners that do not vote. They are synchronised like followers, count for no quorum, acknowledge no
 * transaction, and hear of it by INFORM once it is committed.
 * Mirrors spec/Observation.tla: every action there is the function of the same name here.
 */
import type { ServerId } from '../data/quorum.js';
import { delivered } from './delivery.js';
import { introduced } from './discovery.js';
import type { PacketOf } from './packet.js';
import { appended, follows, leads, votes, withDisk, withRole, withSync } from './state.js';
import type { ReplicationState, ReplicationStep, Sync } from './state.js';

/** A leader hears from an observer. Its promise raises the epoch, as a voter's does, but is not waited for. */
export const handleObserverInfo = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'OBSERVERINFO'>,
): ReplicationStep =>
  votes(s, from) && leads(s) ? { refused: 'FromObserver' } : introduced(s, from, packet.acceptedEpoch);

/** An observer hears of a transaction that is committed: it applies it at once, and has it logged. */
export const handleInform = (s: ReplicationState, from: ServerId, packet: PacketOf<'INFORM'>): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  if (votes(s, s.self)) return { refused: 'FromObserver' };
  const { txn } = packet;
  if (s.role.phase === 'BROADCAST') {
    const step = delivered(withDisk(s, appended(s.disk, [txn])), txn.zxid);
    return { state: step.state, effects: [{ type: 'Append', txns: [txn] }, ...step.effects] };
  }
  const { sync } = s.role;
  if (s.role.phase !== 'SYNCHRONIZATION' || sync.mode === 'none') return { refused: 'Expected' };
  if (sync.commits !== sync.pending.length) return { refused: 'AllCommitted' };
  const next: Sync = {
    mode: sync.mode,
    stage: sync.stage,
    pending: [...sync.pending, txn],
    commits: sync.commits + 1,
    snap: sync.snap,
  };
  return { state: withRole(s, withSync(s.role, next)), effects: [] };
};
