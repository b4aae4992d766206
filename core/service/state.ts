/** What a serving server keeps for its clients, the events that it takes and the effects that it asks for. */
import type { Fifo } from '../data/fifo.js';
import { emptyFifo } from '../data/fifo.js';
import type { Hamt, Owner } from '../data/hamt.js';
import { emptyHamt } from '../data/hamt.js';
import type { Zxid } from '../data/zxid.js';
import type { TxnResult } from './apply.js';
import type { Database } from './database.js';
import type { AuditEntry, AuditSubject } from './audit.js';
import type { Touched } from './leader.js';
import type { NodeRead, Query } from './read.js';
import type {
  ClientRequest,
  ConnectRequest,
  ConnectResponse,
  ForwardedRequest,
  Identity,
  ReadRequest,
  Reply,
  ReplyBody,
  WatchEvent,
  WriteRequest,
} from './request.js';
import type { ServiceRules } from './rules.js';
import type { SessionId, Txn } from './txn.js';
import type { Watches } from './watch.js';
import { noWatches } from './watch.js';
import type { SetWatches, WatchRequest } from './watching.js';

/** Sessions that only this server knows, with their timeouts. */
export type Locals = Hamt<SessionId, number>;

export type Serving = {
  /** Id of the next session that begins here. */
  readonly nextSession: SessionId;
  readonly tickTimeMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Lower bound of the zxids in replies: (epoch, 0) of the leader that is followed. */
  readonly zxid: Zxid;
  readonly rules: ServiceRules;
  /** Without a quorum: only for clients that say they can do with that. */
  readonly readOnly: boolean;
  readonly locals: Locals;
};

/** A request that was not answered yet; the requests of a connection are answered in their order. */
export type Entry =
  /** Waits for its transaction or, a sync, for the leader's answer. */
  | { readonly kind: 'forwarded'; readonly seq: number; readonly xid: number; readonly op: ForwardedOp }
  /** A read behind a write: evaluated when all before it is answered, with the identities of its arrival. */
  | {
      readonly kind: 'read';
      readonly xid: number;
      readonly request: DeferredRead;
      readonly identities: readonly Identity[];
    }
  /** An auth packet takes effect as it arrives; only its answer waits. */
  | { readonly kind: 'auth'; readonly xid: number; readonly err: number; readonly body: ReplyBody };

export type ForwardedOp = WriteRequest['op'] | 'sync';
export type DeferredRead =
  | NodeRead
  | Query
  | SetWatches
  | WatchRequest
  | Extract<ReadRequest, { readonly op: 'ping' | 'unreadable' | 'unknown' }>
  /** Of a session that only this server knows. */
  | { readonly op: 'closeSession' };

export type Phase =
  /** Has not said which session it wants. */
  | 'connected'
  /** Waits for its createSession to be applied. */
  | 'creating'
  /** Waits for the leader to say whether its session lives. */
  | 'validating'
  | 'attached'
  /** Has sent closeSession: what follows is dropped. */
  | 'closing';

export type Conn = {
  readonly conn: number;
  readonly address: string;
  readonly phase: Phase;
  readonly session: SessionId;
  /** Negotiated at this connection. */
  readonly timeoutMs: number;
  /** undefined: the client left the byte out, and so does the answer. */
  readonly readOnly: boolean | undefined;
  readonly identities: readonly Identity[];
  readonly queue: Fifo<Entry>;
  /** Results of forwarded requests that are behind an unanswered one, by `seq`. */
  readonly results: Hamt<number, TxnResult>;
  readonly nextSeq: number;
  /** Requests that arrived before the session was established. */
  readonly held: Fifo<{ readonly xid: number; readonly request: ClientRequest }>;
};

/** A request on its way through the leader. Its connection may be gone by the time of the answer. */
export type Forwarded = {
  readonly conn: number;
  readonly seq: number;
  readonly cxid: number;
  readonly op: ForwardedOp;
  /** Only where writes are audited. */
  readonly audit?: AuditSubject;
};

export type PendingSync = { readonly conn: number; readonly seq: number; readonly path: string | null };

export type ServiceState = {
  readonly serving: Serving | null;
  readonly database: Database;
  readonly conns: Hamt<number, Conn>;
  /** The one connection of a session at this server, validating ones included. */
  readonly attached: Hamt<SessionId, number>;
  /** Per session, in order: a transaction of the session answers the first if it has its cxid. */
  readonly forwarded: Hamt<SessionId, Fifo<Forwarded>>;
  readonly syncs: Fifo<PendingSync>;
  readonly watches: Watches;
  /** Sessions heard of since the last `takeTouched`, with their timeouts. */
  readonly touched: Hamt<SessionId, number>;
};

export const serviceOf = (database: Database): ServiceState => ({
  serving: null,
  database,
  conns: emptyHamt(),
  attached: emptyHamt(),
  forwarded: emptyHamt(),
  syncs: emptyFifo(),
  watches: noWatches,
  touched: emptyHamt(),
});

export type ServiceEvent =
  | {
      readonly type: 'StartServing';
      readonly firstSession: SessionId;
      readonly tickTimeMs: number;
      readonly minSessionTimeoutMs: number;
      readonly maxSessionTimeoutMs: number;
      /**
       * (epoch, 0) of the leader, once all before it is applied here. ZooKeeper's leaders show it in replies before
       * their first transaction; without it here, a client that saw it would be sent away until then.
       */
      readonly zxid?: Zxid;
      readonly rules?: ServiceRules;
      readonly readOnly?: boolean;
    }
  | { readonly type: 'StopServing' }
  | {
      readonly type: 'ClientConnected';
      readonly conn: number;
      readonly address: string;
      /** What the connection itself proves: the subject of a TLS certificate. */
      readonly proved?: readonly Identity[];
    }
  | { readonly type: 'ConnectReceived'; readonly conn: number; readonly request: ConnectRequest }
  | { readonly type: 'RequestReceived'; readonly conn: number; readonly xid: number; readonly request: ClientRequest }
  | { readonly type: 'ClientClosed'; readonly conn: number }
  /** A committed transaction, in order. */
  | { readonly type: 'Applied'; readonly txn: Txn }
  /** The leader answered the oldest sync of this server; all that was committed before it has been applied. */
  | { readonly type: 'Synced' }
  /** A session that only this server knows was silent for too long. */
  | { readonly type: 'LocalExpired'; readonly session: SessionId }
  | { readonly type: 'Revalidated'; readonly session: SessionId; readonly valid: boolean };

export type CloseReason =
  | 'not serving'
  | 'read-only'
  | 'client is ahead'
  | 'out of protocol'
  | 'session not valid'
  | 'session closed'
  | 'session moved'
  | 'attached elsewhere'
  | 'authentication failed'
  | 'authentication required'
  | 'another ensemble'
  | 'unknown operation';

export type ServiceEffect =
  | { readonly type: 'Respond'; readonly conn: number; readonly response: ConnectResponse }
  | { readonly type: 'Reply'; readonly conn: number; readonly reply: Reply }
  | { readonly type: 'Event'; readonly conn: number; readonly event: WatchEvent }
  | { readonly type: 'CloseClient'; readonly conn: number; readonly reason: CloseReason }
  /** To be proposed here, or to be sent to the leader. */
  | { readonly type: 'Forward'; readonly request: ForwardedRequest }
  /** For the audit log. */
  | { readonly type: 'Audit'; readonly entry: AuditEntry }
  /** To be asked of the leader; answered by Revalidated. */
  | { readonly type: 'Revalidate'; readonly session: SessionId; readonly timeoutMs: number };

export type ServiceStep = { readonly state: ServiceState; readonly effects: readonly ServiceEffect[] };

/** A state in the making: lives within one step, or one batch of them. */
export type Draft = { -readonly [F in keyof ServiceState]: ServiceState[F] } & {
  readonly effects: ServiceEffect[];
  readonly owner: Owner | null;
};

export type { Touched };
