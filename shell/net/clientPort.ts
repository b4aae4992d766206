/** What the client port is asked and what it asks back: types and limits of shell/net/client.ts. */
import type {
  ClientRequest,
  ConnectRequest,
  ConnectResponse,
  Identity,
  Reply,
  WatchEvent,
} from '../../core/service/request.js';
import type { ConnectionStatus } from './traffic.js';
import { maxClientFrameBytes } from '../../wire/frame.js';
import type { ConnectionThrottle } from '../configLimits.js';
import type { Metrics } from '../metrics.js';
import type { Bind } from './listen.js';
import type { Log } from './log.js';
import type { Outlets } from './outlet.js';
import type { TlsContext } from './tls.js';

/** Names one connection as long as the process lives; never used twice. */
export type ClientId = number;

export type ClientPortOptions = {
  /** null: no port for plain connections. */
  readonly bind: Bind | null;
  /** TLS: at a port of its own (null: there is none), and beside plain connections at the plain port. */
  readonly secure?: { readonly bind: Bind | null; readonly tls: TlsContext; readonly atPlainPort: boolean } | null;
  /** A connection has sent a connect record; `onConnect` follows at once. Four-letter words are never reported here. */
  readonly onConnected: (conn: ClientId, address: string, proved: readonly Identity[]) => void;
  readonly onConnect: (conn: ClientId, request: ConnectRequest) => void;
  readonly onRequest: (conn: ClientId, xid: number, request: ClientRequest) => void;
  /** The connection ended, by the client or at a limit; not called after `closeClient`. */
  readonly onClosed: (conn: ClientId) => void;
  /** The connection is closed behind the reply. `mask` is there for `stmk`. */
  readonly onFourLetterWord: (word: string, reply: (text: string) => void, mask: bigint | null) => void;
  readonly onListening?: (port: number) => void;
  readonly onFailed?: (error: Error) => void;
  readonly log: Log;
  readonly limits?: Partial<ClientLimits>;
  /** Shared with the other ports, so that one flush serves all. */
  readonly outlets?: Outlets;
  readonly metrics?: Metrics;
};

export type ClientLimits = {
  /** Connections of one address, and of all; 0: no limit. Excess is closed before any byte. */
  readonly maxClientCnxns: number;
  readonly maxCnxns: number;
  /** Largest payload of a frame, bytes (`jute.maxbuffer`). */
  readonly maxBuffer: number;
  /** Bytes that may wait for one client; one reply more than that is let through. */
  readonly maxOutputBytes: number;
  /**
   * Requests in progress, and their bytes, over all connections (`globalOutstandingLimit`): above either, a connection
   * that waits for a reply is not read.
   */
  readonly maxOutstanding: number;
  readonly maxOutstandingBytes: number;
  /** Time to send a connect record, milliseconds (`zookeeper.nio.sessionlessCnxnTimeout`). */
  readonly sessionlessMs: number;
  /** Time for a client to close its side after we closed ours, milliseconds. */
  readonly closeGraceMs: number;
  /** A request that takes longer is told of, milliseconds; 0: none. */
  readonly requestWarningMs: number;
  /** Requests in progress above which others wait, in their order; 0: any number. */
  readonly maxInProgress: number;
  /** A request that has waited longer is refused (THROTTLEDOP) without being done, milliseconds; 0: none is. */
  readonly maxWaitMs: number;
  /** Requests above so many bytes are large; null: none is. Over `maxLargeBytes` of them their connection ends. */
  readonly largeBytes: number | null;
  readonly maxLargeBytes: number;
  /** How fast connections may come; null: as they like. */
  readonly connections: ConnectionThrottle | null;
  /** Whether the kernel asks silent clients for a sign of life. */
  readonly keepAlive: boolean;
};

export const defaultClientLimits: ClientLimits = {
  maxClientCnxns: 60,
  maxCnxns: 0,
  maxBuffer: maxClientFrameBytes,
  maxOutputBytes: 64 * 1024 * 1024, // a thousand pipelined reads of 64 KiB are not an attack
  maxOutstanding: 1000,
  maxOutstandingBytes: 64 * 1024 * 1024,
  sessionlessMs: 10_000,
  closeGraceMs: 2000,
  requestWarningMs: 0,
  maxInProgress: 0,
  maxWaitMs: 0,
  largeBytes: null,
  maxLargeBytes: 100 * 1024 * 1024,
  connections: null,
  keepAlive: false,
};

export type ClientPort = {
  readonly respond: (conn: ClientId, response: ConnectResponse) => void;
  /** Answers the oldest request of the connection that has no answer yet. */
  readonly reply: (conn: ClientId, reply: Reply) => void;
  readonly event: (conn: ClientId, event: WatchEvent) => void;
  /** Sends what was written before, then closes. Nothing of this connection is reported any more. */
  readonly closeClient: (conn: ClientId) => void;
  /** Stops and starts reading; nothing that was read already is delivered in between. */
  readonly pause: (conn: ClientId) => void;
  readonly resume: (conn: ClientId) => void;
  readonly stats: () => readonly ConnectionStatus[];
  /** Puts the figures of every connection back to zero. */
  readonly resetStats: () => void;
  readonly port: () => number;
  /** 0 while there is none. */
  readonly securePort: () => number;
  /** Closes the port and every connection. */
  readonly close: () => void;
};
