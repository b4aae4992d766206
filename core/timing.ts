/**
 * When things are due: silence before a decision, resent notifications, ticks, peers that are not heard of. Time is the
 * monotonic clock of the events, in milliseconds; rules that compare zxids or epochs are elsewhere.
 * Source: FastLeaderElection (finalizeWait, notification intervals), Leader and LearnerHandler (tickTime, limits).
 */
import type { ServerId } from './data/quorum.js';

/** How long nothing better may be heard before an election is decided. */
export const finalizeWaitMs = 200;
const resendFirstMs = 200;
const resendMostMs = 60_000;

export type Timing = {
  /** When the proposal that a quorum agrees on is decided; null while none does. */
  readonly decideAtMs: number | null;
  readonly resendAtMs: number;
  readonly resendDelayMs: number;
  /** Half ticks: a leader pings at each, looks for its quorum at every second one. */
  readonly halfTickAtMs: number;
  readonly halfTicks: number;
  /** Since when this server has had its present role, or looked for one. */
  readonly roleSinceMs: number;
  /** When each peer of a quorum connection was last heard of. */
  readonly heard: ReadonlyMap<ServerId, number>;
};

export const startTiming = (nowMs: number): Timing => ({
  decideAtMs: null,
  resendAtMs: nowMs + resendFirstMs,
  resendDelayMs: resendFirstMs,
  halfTickAtMs: nowMs,
  halfTicks: 0,
  roleSinceMs: nowMs,
  heard: new Map(),
});

/** An election begins or a role ends: nobody has been heard of yet. */
export const roleChanged = (t: Timing, nowMs: number): Timing => ({
  decideAtMs: null,
  resendAtMs: nowMs + resendFirstMs,
  resendDelayMs: resendFirstMs,
  halfTickAtMs: t.halfTickAtMs,
  halfTicks: t.halfTicks,
  roleSinceMs: nowMs,
  heard: new Map(),
});

/** A new round: whoever leads in it is asked for soon, however long the rounds before have lasted. */
export const roundBegun = (t: Timing, nowMs: number): Timing => ({
  decideAtMs: t.decideAtMs,
  resendAtMs: nowMs + resendFirstMs,
  resendDelayMs: resendFirstMs,
  halfTickAtMs: t.halfTickAtMs,
  halfTicks: t.halfTicks,
  roleSinceMs: t.roleSinceMs,
  heard: t.heard,
});

/** A notification came: the silence that must precede a decision begins anew. */
export const notificationHeard = (t: Timing, canDecide: boolean, waitMs: number, nowMs: number): Timing => ({
  decideAtMs: canDecide ? nowMs + waitMs : null,
  resendAtMs: nowMs + t.resendDelayMs,
  resendDelayMs: t.resendDelayMs,
  halfTickAtMs: t.halfTickAtMs,
  halfTicks: t.halfTicks,
  roleSinceMs: t.roleSinceMs,
  heard: t.heard,
});

/** Nothing came for a while: the next time the wait is twice as long. */
export const resent = (t: Timing, nowMs: number): Timing => {
  const resendDelayMs = Math.min(2 * t.resendDelayMs, resendMostMs);
  return {
    decideAtMs: t.decideAtMs,
    resendAtMs: nowMs + resendDelayMs,
    resendDelayMs,
    halfTickAtMs: t.halfTickAtMs,
    halfTicks: t.halfTicks,
    roleSinceMs: t.roleSinceMs,
    heard: t.heard,
  };
};

/** The half tick that was due is done; after a pause the missed ones are not made up for. */
export const halfTicked = (t: Timing, tickTimeMs: number, nowMs: number): Timing => ({
  decideAtMs: t.decideAtMs,
  resendAtMs: t.resendAtMs,
  resendDelayMs: t.resendDelayMs,
  halfTickAtMs: Math.max(t.halfTickAtMs + tickTimeMs / 2, nowMs),
  halfTicks: t.halfTicks + 1,
  roleSinceMs: t.roleSinceMs,
  heard: t.heard,
});

export const peerHeard = (t: Timing, peer: ServerId, nowMs: number): Timing => {
  if (t.heard.get(peer) === nowMs) return t;
  const heard = new Map(t.heard);
  heard.set(peer, nowMs);
  return {
    decideAtMs: t.decideAtMs,
    resendAtMs: t.resendAtMs,
    resendDelayMs: t.resendDelayMs,
    halfTickAtMs: t.halfTickAtMs,
    halfTicks: t.halfTicks,
    roleSinceMs: t.roleSinceMs,
    heard,
  };
};

/** Whether `peer` has been silent for longer than `limitMs`; what counts at first is since when the role is held. */
export const isSilent = (t: Timing, peer: ServerId, limitMs: number, nowMs: number): boolean =>
  nowMs - (t.heard.get(peer) ?? t.roleSinceMs) > limitMs;
