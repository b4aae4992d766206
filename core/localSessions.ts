/** When sessions that only this server knows have been silent for too long, and when it serves without a quorum. */
import { hasKey } from './data/hamt.js';
import type { ServerState } from './serverState.js';
import { expire, isTracked, newExpiry, touch, track } from './service/expiry.js';
import type { Expiry } from './service/expiry.js';
import type { ServiceState, Touched } from './service/state.js';
import type { SessionId } from './service/txn.js';

/**
 * Takes signs of life, and the time.
 * @param locals null: there were no such sessions
 * @returns those that are to end
 */
export const ageLocals = (
  locals: Expiry | null,
  { serving }: ServiceState,
  touched: readonly Touched[],
  nowMs: number,
): { readonly locals: Expiry | null; readonly expired: readonly SessionId[] } => {
  if (serving === null || (serving.locals.size === 0 && locals === null)) return { locals: null, expired: [] };
  let expiry = locals ?? newExpiry(serving.tickTimeMs, nowMs);
  for (const { session, timeoutMs } of touched) {
    if (!hasKey(serving.locals, session)) continue;
    expiry = isTracked(expiry, session)
      ? touch(expiry, session, timeoutMs, nowMs)
      : track(expiry, session, timeoutMs, null, nowMs);
  }
  const aged = expire(expiry, nowMs);
  return { locals: aged.expiry, expired: aged.expired };
};

/** How long a server has had no quorum before it serves those who only want to read, milliseconds. */
const leastMs = 2000;

/** @see QuorumPeer, ReadOnlyZooKeeperServer: two seconds, or a tick if that is longer */
export const isReadOnlyDue = (
  s: Pick<ServerState, 'config' | 'election' | 'service' | 'serving' | 'timing'>,
  nowMs: number,
): boolean =>
  s.config.rules?.readOnlyMode === true &&
  !s.serving &&
  s.service.serving === null &&
  s.election.role === 'LOOKING' &&
  nowMs - s.timing.roleSinceMs >= Math.max(leastMs, s.config.tickTimeMs);
