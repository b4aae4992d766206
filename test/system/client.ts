/**
 * A small client over wire/: one connection, replies in order, events kept. Knows neither retries nor pings, and sends
 * whatever it is told to.
 */
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import * as E from 'fp-ts/lib/Either.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { ClientRequest, ConnectRequest, ConnectResponse, Reply, WatchEvent } from '../../core/service/request.js';
import { decodeConnectResponse, encodeConnectRequest, encodeRequest } from '../../wire/client.js';
import { nextFrame } from '../../wire/frame.js';
import { decodeReply, decodeReplyHead, decodeWatchEvent, xids } from '../../wire/reply.js';

export type Client = {
  readonly session: ConnectResponse;
  /** Rejects when the connection ends before the answer: whether the request was done is not known then. */
  readonly call: (request: ClientRequest, xid?: number) => Promise<Reply>;
  /** Sends a whole frame; its answer is read as one to `op`. */
  readonly ask: (frame: Buffer, op: ClientRequest['op']) => Promise<Reply>;
  /** Sends bytes, for which no answer is awaited. */
  readonly send: (bytes: Buffer) => void;
  readonly events: readonly WatchEvent[];
  /** Replies and events in the order of their arrival. */
  readonly arrived: readonly Arrival[];
  readonly isOpen: () => boolean;
  /** Resolves when the connection has ended, with how. */
  readonly ended: Promise<string>;
  /** Reads nothing any more, and goes on sending. */
  readonly pause: () => void;
  /** Cuts the connection; the session stays on the server. */
  readonly cut: () => void;
};

export type Arrival = { readonly reply: Reply } | { readonly event: WatchEvent };

type Waiting = {
  readonly op: ClientRequest['op'];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (e: Error) => void;
};

const anySize = 0x7fffffff;

/** Everyone may do everything. */
export const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }] as const;

/**
 * Opens a session, or attaches to the one given.
 * Rejects when the server refuses the connection or ends it before it has answered.
 * @param tls null: without
 */
export const connectClient = (
  port: number,
  record: Partial<ConnectRequest> = {},
  host = '127.0.0.1',
  tls: ConnectionOptions | null = null,
): Promise<Client> =>
  new Promise((resolve, reject) => {
    const arrived: Arrival[] = [];
    let onEnd: (why: string) => void = () => undefined;
    const ended = new Promise<string>((done) => (onEnd = done));
    const waiting: Waiting[] = [];
    const events: WatchEvent[] = [];
    let session: ConnectResponse | null = null;
    let rest: Buffer = Buffer.alloc(0);
    let open = true;
    let lastXid = 0;
    const opened = (): void => void socket.write(encodeConnectRequest({ ...newSession, ...record }));
    const socket =
      tls === null ? connect({ host, port, noDelay: true }, opened) : connectTls({ host, port, ...tls }, opened);
    const fail = (why: string): void => {
      if (!open) return;
      open = false;
      socket.destroy();
      onEnd(why);
      const error = new Error(`${why} (port ${port})`);
      if (session === null) reject(error);
      for (const w of waiting.splice(0)) w.reject(error);
    };
    const ask = (frame: Buffer, op: ClientRequest['op']): Promise<Reply> =>
      new Promise((done, failed) => {
        if (!open) return failed(new Error('the connection is closed'));
        waiting.push({ op, resolve: done, reject: failed });
        socket.write(frame);
      });
    const call = (request: ClientRequest, xid?: number): Promise<Reply> => {
      const own = (): number => (request.op === 'ping' ? xids.ping : (lastXid += 1));
      return ask(encodeRequest({ xid: xid ?? own(), request }), request.op);
    };
    const take = (from: number, to: number): void => {
      if (!open) return;
      if (session === null) {
        const decoded = decodeConnectResponse(rest, from, to);
        if (E.isLeft(decoded)) return fail(`no answer to the connect record: ${rest.toString('hex', from, to)}`);
        const response = decoded.right;
        if (response.timeoutMs === 0) return fail('the session is not valid');
        session = response;
        return resolve({
          session,
          call,
          ask,
          send: (bytes) => void socket.write(bytes),
          events,
          arrived,
          ended,
          isOpen: () => open,
          pause: () => socket.pause(),
          cut: () => fail('cut'),
        });
      }
      if (right(decodeReplyHead(rest, from, to)).xid === xids.event) {
        const event = right(decodeWatchEvent(rest, from, to));
        events.push(event);
        arrived.push({ event });
        return;
      }
      const first = waiting.shift();
      if (first === undefined) return fail('an answer that nobody waits for');
      const decoded = decodeReply(first.op, rest, from, to);
      if (E.isLeft(decoded)) {
        const frame = rest.toString('hex', from, Math.min(to, from + 64));
        waiting.unshift(first);
        return fail(`an answer to ${first.op} that cannot be read: ${frame}`);
      }
      const reply = decoded.right;
      arrived.push({ reply });
      first.resolve(reply);
    };
    socket.on('data', (chunk) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      for (;;) {
        const frame = nextFrame(rest, at, 0, anySize);
        if (frame.type !== 'frame') break;
        take(frame.start, frame.end);
        at = frame.end;
      }
      rest = rest.subarray(at);
    });
    socket.on('error', (e) => fail(e.message));
    socket.on('close', () => fail('the connection has ended'));
  });

const newSession: ConnectRequest = {
  protocolVersion: 0,
  lastZxidSeen: zeroZxid,
  timeoutMs: 10_000,
  session: '0000000000000000',
  password: Buffer.alloc(16),
  readOnly: false,
};

const right = <A>(decoded: E.Either<unknown, A>): A => {
  if (E.isRight(decoded)) return decoded.right;
  throw new Error(`a server sent what cannot be read: ${JSON.stringify(decoded.left)}`);
};
