/**
 * The client operation sync at the leader: it takes no zxid, and is answered once all that was proposed before it is
 * applied (Leader.processSync).
 */
import type { ServerId } from '../data/quorum.js';
import { compareZxid } from '../data/zxid.js';
import type { Zxid } from '../data/zxid.js';
import { lastLogged } from './state.js';
import type { ReplicationState } from './state.js';

/** Syncs that wait, in the order in which they came: `origin` is the server whose client asked. */
export type WaitingSync = { readonly origin: ServerId; readonly after: Zxid };

export const noSyncs: readonly WaitingSync[] = [];

/** One more sync behind all that the leader has proposed. */
export const askSync = (
  waiting: readonly WaitingSync[],
  replication: ReplicationState,
  origin: ServerId,
): readonly WaitingSync[] => [...waiting, { origin, after: lastLogged(replication.disk) }];

/**
 * The syncs that some client still waits for: a leader that leaves forgets them all, and those of a learner when their
 * connection ends, so that none is taken for the answer to a later one (spec `HeldSyncs`).
 */
export const heldSyncs = (
  waiting: readonly WaitingSync[],
  { self, role }: Pick<ReplicationState, 'self' | 'role'>,
): readonly WaitingSync[] => {
  if (waiting.length === 0) return waiting;
  if (role.leader !== self) return noSyncs;
  const isHeld = ({ origin }: WaitingSync): boolean =>
    origin === self || role.learners.some((l) => l.sid === origin && l.stage === 'synced');
  return waiting.every(isHeld) ? waiting : waiting.filter(isHeld);
};

/** The syncs that can be answered now that everything up to `replication.delivered` is applied. */
export const releaseSyncs = (
  waiting: readonly WaitingSync[],
  replication: ReplicationState,
): { readonly waiting: readonly WaitingSync[]; readonly released: readonly ServerId[] } => {
  let count = 0;
  for (const w of waiting) {
    if (compareZxid(w.after, replication.delivered) > 0) break;
    count++;
  }
  if (count === 0) return { waiting, released: [] };
  return { waiting: waiting.slice(count), released: waiting.slice(0, count).map((w) => w.origin) };
};

/**
 * The syncs of one server that can be answered behind the transaction `zxid`, before the next: a client's read between
 * its sync and its next write must not see that write.
 */
export const releaseBehind = (
  waiting: readonly WaitingSync[],
  origin: ServerId,
  zxid: Zxid,
): { readonly waiting: readonly WaitingSync[]; readonly count: number } => {
  if (waiting.length === 0) return { waiting, count: 0 };
  const left = waiting.filter((w) => w.origin !== origin || compareZxid(w.after, zxid) > 0);
  const count = waiting.length - left.length;
  return count === 0 ? { waiting, count } : { waiting: left, count };
};
