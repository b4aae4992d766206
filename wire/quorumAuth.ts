/**
 * QuorumAuthPacket: the steps of a SASL exchange between servers, in front of everything else on a connection.
 * @see zookeeper.jute, class QuorumAuthPacket; QuorumAuth in ZooKeeper
 */
import type { WireError } from './error.js';

/** The first eight bytes, by which such a packet is told from every other beginning. */
export const authMagic = Buffer.from('5f2435013501edcc', 'hex');

export type AuthStatus = 'in progress' | 'success' | 'error';

export type AuthPacket = { readonly status: AuthStatus; readonly token: Buffer | null };

/** Larger tokens than any mechanism makes are refused before they are waited for. */
const maxTokenBytes = 16 * 1024;

const statuses: Readonly<Record<AuthStatus, number>> = { 'in progress': 0, success: 1, error: -1 };

/** long magic, int status, buffer token */
export const encodeAuthPacket = ({ status, token }: AuthPacket): Buffer => {
  const head = Buffer.alloc(16);
  authMagic.copy(head);
  head.writeInt32BE(statuses[status], 8);
  head.writeInt32BE(token === null ? -1 : token.length, 12);
  return token === null ? head : Buffer.concat([head, token]);
};

/** What the first bytes of a connection are; `more`: too few to say. */
export const beginsWithAuth = (bytes: Buffer): 'yes' | 'no' | 'more' => {
  const seen = Math.min(bytes.length, authMagic.length);
  if (!bytes.subarray(0, seen).equals(authMagic.subarray(0, seen))) return 'no';
  return seen === authMagic.length ? 'yes' : 'more';
};

export type AuthRead =
  | { readonly type: 'packet'; readonly packet: AuthPacket; readonly end: number }
  | { readonly type: 'more' }
  | { readonly type: 'bad'; readonly error: WireError };

/** Reads one packet at the start of `bytes`; whatever begins otherwise is bad. */
export const decodeAuthPacket = (bytes: Buffer): AuthRead => {
  const begins = beginsWithAuth(bytes);
  if (begins === 'no') {
    const found = bytes.subarray(0, authMagic.length).toString('hex');
    return { type: 'bad', error: { type: 'BadMagic', expected: authMagic.toString('hex'), found } };
  }
  if (begins === 'more' || bytes.length < 16) return { type: 'more' };
  const code = bytes.readInt32BE(8);
  const status = (Object.keys(statuses) as AuthStatus[]).find((s) => statuses[s] === code);
  if (status === undefined) return { type: 'bad', error: { type: 'BadValue', field: 'status', value: String(code) } };
  const length = bytes.readInt32BE(12);
  if (length < -1) return { type: 'bad', error: { type: 'BadLength', field: 'token', length } };
  if (length > maxTokenBytes)
    return { type: 'bad', error: { type: 'TooLong', field: 'token', length, limit: maxTokenBytes } };
  const end = 16 + Math.max(0, length);
  if (bytes.length < end) return { type: 'more' };
  const token = length < 0 ? null : Buffer.from(bytes.subarray(16, end));
  return { type: 'packet', packet: { status, token }, end };
};
