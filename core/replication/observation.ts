/**
 * Observers: learners that do not vote. They are synchronised like followers, count for no quorum, acknowledge no
 * transaction, and hear of it by INFORM once it is committed.
 * Mirrors spec/Observation.tla: every action there is the function of the same name here.
 */
import type { ServerId } from '../data/quorum.js';
import { delivered } from './delivery.js';
import { introduced } from './discovery.js';
import type { PacketOf } from './packet.js';
import { sawAll } from '../ensemble.js';
import { changesPart } from '../membershipRules.js';
import { appended, follows, leave, observes, withDisk, withEnsemble, withRole, withSync } from './state.js';
import type { ReplicationEffect, ReplicationState, ReplicationStep, Sync } from './state.js';

/** A leader hears from an observer. Its promise raises the epoch, as a voter's does, but is not waited for. */
export const handleObserverInfo = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'OBSERVERINFO'>,
): ReplicationStep => introduced(s, from, packet.acceptedEpoch, true);

/**
 * An observer hears of a transaction that is committed: it applies it at once, and has it logged. With a reconfig it
 * leaves where it has another part to play, or another server leads then.
 * @param designated who leads from here on
 */
export const handleInform = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'INFORM' | 'INFORMANDACTIVATE'>,
  designated: ServerId,
): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  if (!observes(s, s.self)) return { refused: 'FromObserver' };
  const { txn } = packet;
  if (s.role.phase === 'BROADCAST') {
    const logged = withEnsemble(withDisk(s, appended(s.disk, [txn])), sawAll(s.ensemble, [txn]));
    const { state, effects } = delivered(logged, txn.zxid);
    const applied: readonly ReplicationEffect[] = [{ type: 'Append', txns: [txn] }, ...effects];
    if (designated === from && !changesPart(s.self, s.ensemble.active, state.ensemble.active))
      return { state, effects: applied };
    const left = leave(state, designated);
    return 'refused' in left ? left : { state: left.state, effects: [...applied, ...left.effects] };
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
  return { state: withEnsemble(withRole(s, withSync(s.role, next)), sawAll(s.ensemble, [txn])), effects: [] };
};
