/**
 * An HTTP port beside the server's own ones, on Node's http, with limits that leave the process alone: heads that do not
 * come, answers that nobody reads and connections by the thousand end; who only looks gets through.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { listen } from '../net/listen.js';
import { formatAddress, limitedLog, plainAddress } from '../net/log.js';
import type { Log } from '../net/log.js';
import { writeJson } from './json.js';
import type { Json } from './json.js';

export type HttpOptions = {
  /** For log lines: `admin`, `metrics`. */
  readonly name: string;
  readonly bind: { readonly host: string | undefined; readonly port: number };
  /** Silence after which a connection is closed, milliseconds. */
  readonly idleTimeoutMs: number;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly log: Log;
  /** Stands between the port and HTTP, for TLS: passes on what it lets through. */
  readonly door?: (through: (socket: Socket) => void) => (socket: Socket) => void;
  readonly limits?: Partial<HttpLimits>;
};

export type HttpLimits = {
  readonly maxConnections: number;
  /** For the first head of a connection, milliseconds. */
  readonly headMs: number;
  /** A busy connection this old makes room for a new one where there is none else. */
  readonly oldMs: number;
  readonly maxHeaderBytes: number;
};

const defaultLimits: HttpLimits = { maxConnections: 200, headMs: 10_000, oldMs: 60_000, maxHeaderBytes: 16_384 };

export type HttpPort = { readonly port: () => number; readonly close: () => void };

type Open = { readonly socket: Socket; readonly sinceMs: number; timer: NodeJS.Timeout; isBusy: boolean };

export const startHttp = (options: HttpOptions): HttpPort => {
  const { name, handle, idleTimeoutMs } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const headMs = idleTimeoutMs > 0 ? Math.min(limits.headMs, idleTimeoutMs) : limits.headMs;
  const now = (): number => performance.now();
  const log = limitedLog(options.log, 5, now);
  /** Oldest first. */
  const connections = new Map<Socket, Open>();

  const http = createServer({ maxHeaderSize: limits.maxHeaderBytes, keepAlive: true }, (request, response) => {
    const open = connections.get(request.socket);
    if (open === undefined) return void request.socket.destroy();
    open.isBusy = true;
    clearTimeout(open.timer);
    response.once('close', () => {
      open.isBusy = false;
      // The whole of the next head has to come in this time, however it trickles.
      open.timer = expire(open.socket, idleTimeoutMs > 0 ? idleTimeoutMs : limits.headMs);
    });
    handle(request, response).catch((error: unknown) => {
      // Whoever asked is gone: nothing to tell anybody.
      if ((error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE') return void request.socket.destroy();
      log(
        'warn',
        `${name}: ${request.method} ${request.url}: ${error instanceof Error ? error.message : String(error)}`,
      );
      if (response.headersSent) request.socket.destroy();
      else answer(response, 500, { entries: [['error', 'the request failed; the server has logged why']] });
    });
  });
  http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });

  const expire = (socket: Socket, ms: number): NodeJS.Timeout => setTimeout(() => socket.destroy(), ms).unref();

  /** Whether a new connection has room, which the oldest idle one may have to make. */
  const makeRoom = (): boolean => {
    if (connections.size < limits.maxConnections) return true;
    const oldest =
      [...connections.values()].find((c) => !c.isBusy) ??
      [...connections.values()].find((c) => now() - c.sinceMs > limits.oldMs);
    if (oldest === undefined) return false;
    connections.delete(oldest.socket);
    oldest.socket.destroy();
    return true;
  };

  const accept = (socket: Socket): void => {
    socket.on('error', () => undefined);
    if (!makeRoom()) {
      log(
        'warn',
        `${name}: ${formatAddress(plainAddress(socket.remoteAddress), socket.remotePort ?? 0)} finds no room`,
      );
      return void socket.destroy();
    }
    const open: Open = { socket, sinceMs: now(), timer: expire(socket, headMs), isBusy: false };
    connections.set(socket, open);
    // Also while an answer is sent: who does not read for so long is let go.
    if (idleTimeoutMs > 0) socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(open.timer);
      connections.delete(socket);
    });
    http.emit('connection', socket);
  };

  const listener = listen({
    name,
    bind: options.bind,
    onSocket: options.door === undefined ? accept : options.door(accept),
    onFailed: (error) => options.log('warn', `${name} port: ${error.message}; the server goes on without it`),
    log: options.log,
  });
  return {
    port: listener.port,
    close: () => {
      listener.close();
      for (const { socket } of connections.values()) socket.destroy();
    },
  };
};

/** Answers up to this size are sent with their length. */
const smallChars = 64 * 1024;

/** A JSON answer; a large one is made while it is sent. */
export const answer = (
  response: ServerResponse,
  status: number,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const head = { ...common, 'Content-Type': 'application/json', ...headers };
  const chunks = writeJson(body);
  let text = '';
  for (let next = chunks.next(); ; next = chunks.next()) {
    if (next.done === true) {
      response.writeHead(status, { ...head, 'Content-Length': Buffer.byteLength(text) });
      return void response.end(text);
    }
    text += next.value;
    if (text.length > smallChars) break;
  }
  response.writeHead(status, head);
  response.write(text);
  void stream(chunks, response);
};

/** With a turn of the server between two chunks; a reader that is gone ends it. */
const stream = async (chunks: Iterable<string>, response: ServerResponse): Promise<void> => {
  const paced = async function* (): AsyncGenerator<string> {
    for (const chunk of chunks) {
      yield chunk;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await pipeline(Readable.from(paced(), { objectMode: false }), response).catch(() => response.destroy());
};

export const answerText = (response: ServerResponse, status: number, type: string, text: string): void => {
  response.writeHead(status, { ...common, 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
};

const common = { 'X-Content-Type-Options': 'nosniff', 'Cache-Control': 'no-store' } as const;
