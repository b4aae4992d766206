/**
 * The client port: the connect records, which have no header, and the frames of requests. Replies are in wire/reply.ts,
 * the records of requests in wire/request.ts.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { ClientRequest, ConnectRequest, ConnectResponse } from '../core/service/request.js';
import type { WireError } from './error.js';
import {
  encoded,
  openReader,
  readBoolean,
  readBuffer,
  readInt,
  readSession,
  readZxid,
  setInt,
  writeBoolean,
  writeBuffer,
  writeInt,
  writeSession,
  writeZxid,
} from './jute.js';
import type { Reader, Writer } from './jute.js';
import { opcodeOf, readClientRequest, writeRequest } from './request.js';

export type ClientFrame = { readonly xid: number; readonly request: ClientRequest };

/**
 * Reads a request, the frame payload `bytes[at, end)`: RequestHeader {int xid, int type}, then the record.
 * @returns Left `Truncated` when the header is cut short: the server closes the connection then. A record that cannot
 *          be decoded is a Right, `invalid` or `unreadable`: it is answered, and the connection stays
 */
export const decodeRequest = (bytes: Buffer, at = 0, end = bytes.length): E.Either<WireError, ClientFrame> => {
  const r = openReader(bytes, at, end);
  const xid = readInt(r);
  const opcode = readInt(r);
  return r.error === null ? E.right({ xid, request: readClientRequest(r, opcode) }) : E.left(r.error);
};

/** Appends a request as a frame, its length in front. */
export const writeClientFrame = (w: Writer, { xid, request }: ClientFrame): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, xid);
  writeInt(w, opcodeOf(request));
  writeRequest(w, request);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};

/** A request as a frame of its own. */
export const encodeRequest = (frame: ClientFrame): Buffer => encoded(writeClientFrame, frame);

/** The byte that old clients (node-zookeeper-client, go-zookeeper) leave out at the end of ConnectRequest. */
const readReadOnly = (r: Reader): boolean | undefined => (r.at < r.end ? readBoolean(r) : undefined);

/**
 * Reads the first frame of a connection, payload `bytes[at, end)`.
 * @returns Left `Truncated` or `BadLength`: the server closes the connection without an answer
 * @see zookeeper.jute, class ConnectRequest
 */
export const decodeConnectRequest = (
  bytes: Buffer,
  at = 0,
  end = bytes.length,
): E.Either<WireError, ConnectRequest> => {
  const r = openReader(bytes, at, end);
  const protocolVersion = readInt(r);
  const lastZxidSeen = readZxid(r);
  const timeoutMs = readInt(r);
  const session = readSession(r);
  const password = readBuffer(r, 'passwd');
  const readOnly = readReadOnly(r);
  if (r.error !== null) return E.left(r.error);
  return E.right({ protocolVersion, lastZxidSeen, timeoutMs, session, password, readOnly });
};

/** A whole frame. */
export const encodeConnectRequest = (c: ConnectRequest): Buffer => encoded(writeConnectRequest, c);

const writeConnectRequest = (w: Writer, c: ConnectRequest): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, c.protocolVersion);
  writeZxid(w, c.lastZxidSeen);
  writeInt(w, c.timeoutMs);
  writeSession(w, c.session);
  writeBuffer(w, c.password);
  if (c.readOnly !== undefined) writeBoolean(w, c.readOnly);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};

/** Reads the server's first frame, payload `bytes[at, end)`. Its protocolVersion is always 0 and says nothing. */
export const decodeConnectResponse = (
  bytes: Buffer,
  at = 0,
  end = bytes.length,
): E.Either<WireError, ConnectResponse> => {
  const r = openReader(bytes, at, end);
  readInt(r);
  const timeoutMs = readInt(r);
  const session = readSession(r);
  const password = readBuffer(r, 'passwd') ?? Buffer.alloc(0);
  const readOnly = readReadOnly(r);
  return r.error === null ? E.right({ timeoutMs, session, password, readOnly }) : E.left(r.error);
};

/** A whole frame. */
export const encodeConnectResponse = (c: ConnectResponse): Buffer => encoded(writeConnectResponse, c);

const writeConnectResponse = (w: Writer, c: ConnectResponse): void => {
  const lengthAt = w.at;
  writeInt(w, 0);
  writeInt(w, 0);
  writeInt(w, c.timeoutMs);
  writeSession(w, c.session);
  writeBuffer(w, c.password);
  if (c.readOnly !== undefined) writeBoolean(w, c.readOnly);
  setInt(w.bytes, lengthAt, w.at - lengthAt - 4);
};
