/** The election port: the initial message of a connection, then frames with one notification each. */
import * as E from 'fp-ts/lib/Either.js';
import type { Notification, Role } from '../core/vote.js';
import { formatHost, splitAddress } from './config.js';
import type { WireError } from './error.js';
import {
  encoded,
  fail,
  has,
  openReader,
  readInt,
  readLong,
  readZxid,
  setInt,
  writeInt,
  writeLong,
  writeString,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';

export type ElectionAddress = { readonly host: string; readonly port: number };

/** Who opened the connection and where it can be called back. */
export type InitialMessage = {
  /** `single` (-65536) is what every version since 3.5 reads; `multi` (-65535) has several addresses; `old` (3.4) none. */
  readonly form: 'single' | 'multi' | 'old';
  readonly sid: number;
  readonly addresses: readonly ElectionAddress[];
};

const protocolVersions = { single: -65536, multi: -65535 } as const;
const maxAddressBytes = 2048;

/**
 * Reads the initial message at `at`. It has no frame around it: `more` says up to which offset bytes are missing.
 * @returns bad `BadValue` for another protocol version or a malformed address, `BadLength` for a length not in 1..2048
 * @see QuorumCnxManager.InitialMessage
 */
export const decodeInitialMessage = (bytes: Buffer, at = 0): InitialStep => {
  const r = openReader(bytes, at);
  const message = readInitial(r);
  if (r.error === null && message !== null) return { type: 'initial', message, end: r.at };
  const error: WireError = r.error ?? { type: 'BadValue', field: 'initial message', value: bytes.toString('hex', at) };
  return error.type === 'Truncated' ? { type: 'more', need: error.need } : { type: 'bad', error };
};

export type InitialStep =
  | { readonly type: 'initial'; readonly message: InitialMessage; readonly end: number }
  | { readonly type: 'more'; readonly need: number }
  | { readonly type: 'bad'; readonly error: WireError };

/** Null when a value is wrong and the reader does not say so itself. */
const readInitial = (r: Reader): InitialMessage | null => {
  const first = readLong(r, 'protocol version');
  if (r.error !== null) return null;
  if (first >= 0) return { form: 'old', sid: first, addresses: [] };
  const form = first === protocolVersions.single ? 'single' : first === protocolVersions.multi ? 'multi' : null;
  if (form === null) return null;
  const sid = readLong(r, 'sid');
  const length = readInt(r);
  if (r.error !== null) return null;
  if (length <= 0 || length > maxAddressBytes) fail(r, { type: 'BadLength', field: 'addresses', length });
  const end = r.at + length;
  if (r.error !== null || !has(r, length)) return null;
  const addresses: ElectionAddress[] = [];
  for (const text of r.bytes.toString('utf8', r.at, end).split('|')) {
    const address = splitAddress(text, 1);
    if (address === null) return null;
    addresses.push({ host: address.host, port: address.ports[0] ?? 0 });
  }
  r.at = end;
  return { form, sid, addresses };
};

export const encodeInitialMessage = (message: InitialMessage): Buffer => encoded(writeInitial, message);

const writeInitial = (w: Writer, message: InitialMessage): void => {
  if (message.form === 'old') return writeLong(w, message.sid);
  writeLong(w, protocolVersions[message.form]);
  writeLong(w, message.sid);
  writeString(w, message.addresses.map((a) => `${formatHost(a.host)}:${a.port}`).join('|'));
};

/** A notification with what only the wire knows. */
export type WireNotification = {
  readonly notification: Notification;
  /** 0 and 1 from servers before 3.5; 2 since. Votes of servers of version 0 are compared by fewer fields. */
  readonly version: number;
  /** Text of the sender's configuration (wire/config.ts); null below version 2. */
  readonly config: string | null;
};

const roles: readonly Role[] = ['LOOKING', 'FOLLOWING', 'LEADING', 'OBSERVING'];
/** Version since which a configuration follows. */
const versionWithConfig = 2;
/** Sizes of the old forms: without the epoch of the vote, and with it but no version that counts. */
const bareBytes = 28;
const unversionedBytes = 40;

/**
 * Reads one notification, a frame's payload `bytes[at, end)`.
 * @returns Left `Truncated` below 28 bytes and where fields end early; `BadLength` for a configuration that does not
 *          fit; `BadValue` for an unknown state or an id that a double cannot hold
 * @see quorum-protocol 2.4; FastLeaderElection.Messenger.WorkerReceiver
 */
export const decodeNotification = (
  bytes: Buffer,
  at = 0,
  end = bytes.length,
): E.Either<WireError, WireNotification> => {
  const r = openReader(bytes, at, end);
  const size = end - at;
  const code = readInt(r);
  const leader = readLong(r, 'leader');
  const zxid = readZxid(r);
  const round = readLong(r, 'round');
  const epoch = size === bareBytes ? zxid.epoch : readLong(r, 'peer epoch');
  const version = size === bareBytes || size === unversionedBytes ? 0 : readInt(r);
  const config = version >= versionWithConfig ? readConfig(r) : null;
  if (r.error !== null) return E.left(r.error);
  const state = roles[code];
  if (state === undefined) return E.left({ type: 'BadValue', field: 'state', value: String(code) });
  return E.right({ notification: { state, vote: { leader, zxid, epoch }, round }, version, config });
};

const readConfig = (r: Reader): string => {
  const length = readInt(r);
  const end = r.at + length;
  if (length < 0 || end > r.end) fail(r, { type: 'BadLength', field: 'config', length });
  if (r.error !== null) return '';
  const text = r.bytes.toString('utf8', r.at, end);
  r.at = end;
  return text;
};

/** A whole frame, its length in front. Version 0 is written as 40 bytes, version 1 as 44. */
export const encodeNotification = (n: WireNotification): Buffer => encoded(writeNotification, n);

const writeNotification = (w: Writer, { notification, version, config }: WireNotification): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, roles.indexOf(notification.state));
  writeLong(w, notification.vote.leader);
  writeZxid(w, notification.vote.zxid);
  writeLong(w, notification.round);
  writeLong(w, notification.vote.epoch);
  writeInt(w, version);
  if (version >= versionWithConfig) writeString(w, config ?? '');
  else if (version === 1) writeInt(w, 0);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};
