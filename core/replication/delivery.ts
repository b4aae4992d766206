/** Applying what is committed, and forgetting what learners will hardly ask for. */
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { activatedAll } from '../ensemble.js';
import { windowAt, windowDrop, windowSize, windowSlice } from '../data/window.js';
import type { Txn } from '../service/txn.js';
import { countUpTo } from './state.js';
import type { DiskState, ReplicationEffect, ReplicationState } from './state.js';

/** Applies all logged transactions up to and including `zxid`; nothing when they are applied already. */
export const delivered = (
  s: ReplicationState,
  zxid: Zxid,
): { readonly state: ReplicationState; readonly effects: readonly ReplicationEffect[] } => {
  if (compareZxid(zxid, s.delivered) <= 0) return { state: s, effects: [] };
  const from = countUpTo(s.disk.log, s.delivered);
  const to = countUpTo(s.disk.log, zxid);
  const txns = windowSlice(s.disk.log, from, to);
  const state: ReplicationState = {
    self: s.self,
    ensemble: activatedAll(s.ensemble, txns),
    limits: s.limits,
    role: s.role,
    disk: trimmed(s.disk, to, s.limits.keep),
    delivered: zxid,
    wantsSnapshot: s.wantsSnapshot,
  };
  return { state, effects: [{ type: 'Deliver', txns }] };
};

/** Drops applied entries once there are twice as many as are to be kept, so that the cost of dropping spreads. */
const trimmed = (d: DiskState, applied: number, keep: number): DiskState => {
  const surplus = applied - keep;
  if (surplus < keep || surplus <= 0) return d;
  return {
    acceptedEpoch: d.acceptedEpoch,
    currentEpoch: d.currentEpoch,
    saving: d.saving,
    base: (windowAt(d.log, surplus - 1) as Txn).zxid,
    log: windowDrop(d.log, surplus),
    synced: d.synced,
  };
};

/** How many entries of the window are not applied yet. */
export const undeliveredCount = (s: ReplicationState): number =>
  windowSize(s.disk.log) - countUpTo(s.disk.log, s.delivered);
