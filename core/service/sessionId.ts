/** Session ids: 64 bits as 16 hexadecimal digits, counted up without ever being a number. */
import type { ServerId } from '../data/quorum.js';
import { containerOwner } from './tree.js';
import type { SessionId } from './txn.js';

/**
 * The first id that a server gives out: its id in the top byte, then 40 bits of the clock, then 16 bits of zero.
 * @param clockMs any clock that does not stand still between two starts, milliseconds
 * @see SessionTrackerImpl.initializeNextSessionId
 */
export const firstSessionId = (server: ServerId, clockMs: number): SessionId => {
  const low40 = Math.floor(clockMs) % 0x10000000000;
  const id = server.toString(16).padStart(2, '0') + low40.toString(16).padStart(10, '0') + '0000';
  return id === containerOwner ? nextSessionId(id) : id;
};

/** The id after this one; wraps at 64 bits. */
export const nextSessionId = (session: SessionId): SessionId => {
  const low = parseInt(session.slice(8), 16) + 1;
  if (low <= 0xffffffff) return session.slice(0, 8) + low.toString(16).padStart(8, '0');
  const high = (parseInt(session.slice(0, 8), 16) + 1) % 0x100000000;
  return `${high.toString(16).padStart(8, '0')}00000000`;
};
