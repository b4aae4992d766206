/**
 * How fast connections may come: a bucket of tokens that fills with time, and a chance of being refused that rises while
 * the bucket is low and falls while it is not, so that a storm of clients is thinned out before the bucket is empty.
 * Source: BlueThrottle in ZooKeeper.
 */
import type { SessionId } from '../../core/service/txn.js';
import type { ConnectionThrottle } from '../configLimits.js';

/** Of a client that begins. */
const noSession: SessionId = '0000000000000000';

export type Admission = {
  /** Whether a connection that asks for this session may come now. */
  readonly admit: (session: SessionId) => boolean;
};

/**
 * @param now    monotonic milliseconds
 * @param chance a number from 0 to 1, below which something of that chance happens
 */
export const openAdmission = (t: ConnectionThrottle, now: () => number, chance: () => number): Admission => {
  let { tokens } = t;
  let filledMs = now();
  let changedMs = filledMs;
  let drop = 0;

  const fill = (at: number): void => {
    const times = Math.floor((at - filledMs) / t.fillTimeMs);
    if (times <= 0) return;
    tokens = Math.min(t.tokens, tokens + times * t.fillCount);
    filledMs += times * t.fillTimeMs;
  };
  const adapt = (at: number, weight: number): void => {
    if (t.freezeMs === null || at - changedMs < t.freezeMs) return;
    const isLow = tokens < weight || tokens < t.tokens * t.decreaseRatio;
    if (!isLow && drop === 0) return;
    changedMs = at;
    drop = isLow ? Math.min(1, drop + t.dropIncrease) : Math.max(0, drop - t.dropDecrease);
  };
  return {
    admit: (session) => {
      const weight = session === noSession ? t.weights.newSession : t.weights.renewed;
      const at = now();
      fill(at);
      adapt(at, weight);
      if (drop > 0 && chance() < drop) return false;
      if (tokens < weight) return false;
      tokens -= weight;
      return true;
    },
  };
};
