/**
 * The leader's session clock. A session stands in the bucket of the tick at which it would expire; touching moves it,
 * and a tick empties one bucket: neither depends on how many sessions there are.
 * Source: SessionTrackerImpl, ExpiryQueue. Times are the leader's monotonic milliseconds.
 */
import type { ServerId } from '../data/quorum.js';
import { emptyHamt, forEachEntry, getKey, hasKey, keysOf, removeKey, setKey } from '../data/hamt.js';
import type { Hamt } from '../data/hamt.js';
import { errorCode } from './error.js';
import type { SessionId } from './txn.js';

type Tracked = {
  readonly timeoutMs: number;
  /** Server at which the session lives; null until a request or a revalidation says. */
  readonly owner: ServerId | null;
  /** Its closeSession is on the way: it takes no more writes. */
  readonly closing: boolean;
  /** Time of its bucket; -1: in none. */
  readonly expiresAt: number;
};

export type Expiry = {
  readonly tickMs: number;
  readonly sessions: Hamt<SessionId, Tracked>;
  readonly buckets: Hamt<number, Hamt<SessionId, true>>;
  /** The first bucket that has not been emptied. */
  readonly nextMs: number;
};

export const newExpiry = (tickMs: number, nowMs: number): Expiry => ({
  tickMs,
  sessions: emptyHamt(),
  buckets: emptyHamt(),
  nextMs: bucketOf(tickMs, nowMs),
});

/** The first tick after `ms`. */
const bucketOf = (tickMs: number, ms: number): number => Math.floor(ms / tickMs + 1) * tickMs;

/** Begins to time a session: it was created, at `owner`, or is in the table of a new leader. */
export const track = (
  expiry: Expiry,
  session: SessionId,
  timeoutMs: number,
  owner: ServerId | null,
  nowMs: number,
): Expiry => {
  const expiresAt = bucketOf(expiry.tickMs, nowMs + timeoutMs);
  return moved(expiry, session, { timeoutMs, owner, closing: false, expiresAt });
};

/** A sign of life of a session; unknown and closing sessions are left alone. */
export const touch = (expiry: Expiry, session: SessionId, timeoutMs: number, nowMs: number): Expiry => {
  const old = getKey(expiry.sessions, session);
  const expiresAt = bucketOf(expiry.tickMs, nowMs + timeoutMs);
  if (old === undefined || old.closing || old.expiresAt === expiresAt) return expiry;
  return moved(expiry, session, { timeoutMs, owner: old.owner, closing: false, expiresAt });
};

/** Marks a session whose closeSession is on its way; it is not timed any more. */
export const beginClosing = (expiry: Expiry, session: SessionId): Expiry => {
  const old = getKey(expiry.sessions, session);
  if (old === undefined) return expiry;
  return moved(expiry, session, { timeoutMs: old.timeoutMs, owner: old.owner, closing: true, expiresAt: -1 });
};

/** A session whose closing was applied; one that was created anew meanwhile stays. */
export const forget = (expiry: Expiry, session: SessionId): Expiry => {
  const old = getKey(expiry.sessions, session);
  if (old === undefined || !old.closing) return expiry;
  const { tickMs, buckets, nextMs } = expiry; // a closing session is in no bucket
  return { tickMs, sessions: removeKey(expiry.sessions, session), buckets, nextMs };
};

export const isLive = (expiry: Expiry, session: SessionId): boolean =>
  getKey(expiry.sessions, session)?.closing === false;

/** Whether it is timed, or its end is on its way. */
export const isTracked = (expiry: Expiry, session: SessionId): boolean => hasKey(expiry.sessions, session);

/** The session lives at `owner` from now on: it was created or revalidated there. */
export const setOwner = (expiry: Expiry, session: SessionId, owner: ServerId): Expiry => {
  const old = getKey(expiry.sessions, session);
  if (old === undefined || old.owner === owner) return expiry;
  return moved(expiry, session, { timeoutMs: old.timeoutMs, owner, closing: old.closing, expiresAt: old.expiresAt });
};

/**
 * Whether a session may write through a server. The first server that asks after a change of leader becomes the owner.
 * @returns `err`: SESSIONEXPIRED (unknown or closing), SESSIONMOVED (it lives elsewhere) or 0
 */
export const checkSession = (
  expiry: Expiry,
  session: SessionId,
  origin: ServerId,
): { readonly expiry: Expiry; readonly err: number } => {
  const known = getKey(expiry.sessions, session);
  if (known === undefined || known.closing) return { expiry, err: errorCode.sessionExpired };
  if (known.owner === null) return { expiry: setOwner(expiry, session, origin), err: errorCode.ok };
  return { expiry, err: known.owner === origin ? errorCode.ok : errorCode.sessionMoved };
};

/** Empties the buckets up to now. The sessions found are closing; the caller proposes a closeSession for each. */
export const expire = (
  expiry: Expiry,
  nowMs: number,
): { readonly expiry: Expiry; readonly expired: readonly SessionId[] } => {
  if (nowMs < expiry.nextMs) return { expiry, expired: [] };
  const expired: SessionId[] = [];
  let { buckets, sessions } = expiry;
  for (const at of dueBuckets(expiry, nowMs)) {
    forEachEntry(getKey(buckets, at) ?? emptyHamt<SessionId, true>(), (session) => {
      expired.push(session);
      const { timeoutMs, owner } = getKey(sessions, session) as Tracked;
      sessions = setKey(sessions, session, { timeoutMs, owner, closing: true, expiresAt: -1 });
    });
    buckets = removeKey(buckets, at);
  }
  const nextMs = bucketOf(expiry.tickMs, nowMs);
  return { expiry: { tickMs: expiry.tickMs, sessions, buckets, nextMs }, expired: expired.sort() };
};

/** The buckets between the last call and now; after a long pause there are more ticks than buckets. */
const dueBuckets = ({ tickMs, buckets, nextMs }: Expiry, nowMs: number): readonly number[] => {
  if ((nowMs - nextMs) / tickMs > buckets.size) {
    return keysOf(buckets)
      .filter((at) => at <= nowMs)
      .sort((a, b) => a - b);
  }
  const due: number[] = [];
  for (let at = nextMs; at <= nowMs; at += tickMs) if (hasKey(buckets, at)) due.push(at);
  return due;
};

const moved = (expiry: Expiry, session: SessionId, to: Tracked): Expiry => {
  const old = getKey(expiry.sessions, session);
  let { buckets } = expiry;
  if (old?.expiresAt !== to.expiresAt) {
    if (old !== undefined) buckets = withoutMember(buckets, old.expiresAt, session);
    if (to.expiresAt >= 0) {
      const members = getKey(buckets, to.expiresAt) ?? emptyHamt<SessionId, true>();
      buckets = setKey(buckets, to.expiresAt, setKey(members, session, true));
    }
  }
  const sessions = setKey(expiry.sessions, session, to);
  return { tickMs: expiry.tickMs, sessions, buckets, nextMs: expiry.nextMs };
};

const withoutMember = (
  buckets: Hamt<number, Hamt<SessionId, true>>,
  at: number,
  session: SessionId,
): Hamt<number, Hamt<SessionId, true>> => {
  const members = getKey(buckets, at);
  if (members === undefined) return buckets;
  const left = removeKey(members, session);
  return left.size === 0 ? removeKey(buckets, at) : setKey(buckets, at, left);
};
