/** One server: its parts, what it can be told and what it asks. */
import type { Configuration } from './configuration.js';
import type { ElectionState } from './election.js';
import type { ServerId } from './data/quorum.js';
import type { Zxid } from './data/zxid.js';
import type { WaitingSync } from './replication/clientSync.js';
import type { Packet } from './replication/packet.js';
import type { ReplicationState } from './replication/state.js';
import type { Expiry } from './service/expiry.js';
import type { LeaderState } from './service/leader.js';
import type { AuditEntry } from './service/audit.js';
import type { ClientRequest, ConnectRequest, ConnectResponse, Identity, Reply, WatchEvent } from './service/request.js';
import type { ServiceRules } from './service/rules.js';
import type { CloseReason, ServiceState } from './service/state.js';
import type { Snapshot } from './service/snapshot.js';
import type { Txn } from './service/txn.js';
import type { Timing } from './timing.js';
import type { Notification } from './vote.js';

export type ServerConfig = {
  readonly self: ServerId;
  /** The configuration that this server knows active as it starts: from its files. Without members: it stands alone. */
  readonly configuration: Configuration;
  /** Without it a reconfig is refused, and nothing is learned of others' configurations (reconfigEnabled). */
  readonly reconfig?: {
    /** Fewer voters are refused: 2, or 1 where `standaloneEnabled=false`. */
    readonly minVoters: number;
    /** A newer configuration that the files name, seen before the last stop and perhaps not committed. */
    readonly lastSeen: Configuration | null;
  };
  /** Whether it serves clients while it leads (leaderServes); true without it. */
  readonly leaderServes?: boolean;
  readonly tickTimeMs: number;
  /** Ticks that a learner may take to connect and synchronise. */
  readonly initLimitTicks: number;
  /** Ticks that a peer may stay silent. */
  readonly syncLimitTicks: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** Delivered transactions kept in memory for learners (commitLogCount). */
  readonly commitLogCount: number;
  /** A snapshot is taken after this many transactions. */
  readonly snapCount: number;
  /** Without them ZooKeeper's defaults hold. */
  readonly rules?: ServiceRules;
};

export type ServerState = {
  readonly config: ServerConfig;
  readonly election: ElectionState;
  readonly replication: ReplicationState;
  readonly service: ServiceState;
  /** What a leader keeps to check requests and time sessions; null in every other role. */
  readonly leading: LeaderState | null;
  readonly syncs: readonly WaitingSync[];
  readonly timing: Timing;
  /** Whether this server serves clients. */
  readonly serving: boolean;
  /** Times the sessions that only this server knows; null: there are none. */
  readonly locals: Expiry | null;
  /** Transactions applied since the last snapshot was asked for. */
  readonly sinceSnapshot: number;
};

/** `nowMs` is monotonic, `wallMs` the wall clock: only times of transactions and session ids are made of it. */
export type Clock = { readonly nowMs: number; readonly wallMs: number };

export type ServerEvent =
  /** Time has passed; at least every 50 ms. */
  | { readonly type: 'Tick' }
  | {
      readonly type: 'NotificationReceived';
      readonly from: ServerId;
      readonly notification: Notification;
      /** Text of the sender's active configuration; without it: not known. */
      readonly config?: string | null;
    }
  | { readonly type: 'PacketReceived'; readonly from: ServerId; readonly packet: Packet }
  /** A quorum connection has ended; nothing more comes from it. */
  | { readonly type: 'PeerClosed'; readonly peer: ServerId }
  | { readonly type: 'LogSynced'; readonly zxid: Zxid }
  | { readonly type: 'EpochSaved' }
  | { readonly type: 'SnapshotSaved' }
  | {
      readonly type: 'ClientConnected';
      readonly conn: number;
      readonly address: string;
      /** What the connection itself proves: the subject of a TLS certificate. */
      readonly proved?: readonly Identity[];
    }
  | { readonly type: 'ConnectReceived'; readonly conn: number; readonly request: ConnectRequest }
  | { readonly type: 'RequestReceived'; readonly conn: number; readonly xid: number; readonly request: ClientRequest }
  | { readonly type: 'ClientClosed'; readonly conn: number };

export type ServerEffect =
  | { readonly type: 'Notify'; readonly to: ServerId; readonly notification: Notification }
  | { readonly type: 'Listen' }
  | { readonly type: 'Connect'; readonly to: ServerId }
  | { readonly type: 'Send'; readonly to: ServerId; readonly packet: Packet }
  | { readonly type: 'Disconnect'; readonly peer: ServerId }
  | { readonly type: 'DisconnectAll' }
  | { readonly type: 'SaveEpoch'; readonly file: 'accepted' | 'current'; readonly epoch: number }
  /** In place of the log; answered by SnapshotSaved. */
  | { readonly type: 'SaveSnapshot'; readonly zxid: Zxid; readonly snapshot: Snapshot }
  /** Beside the log, so that recovery need not replay all of it; not answered. */
  | { readonly type: 'TakeSnapshot'; readonly zxid: Zxid; readonly snapshot: Snapshot }
  | { readonly type: 'Append'; readonly txns: readonly Txn[] }
  /** On disk for good before the next event. */
  | { readonly type: 'Truncate'; readonly zxid: Zxid }
  | { readonly type: 'Respond'; readonly conn: number; readonly response: ConnectResponse }
  | { readonly type: 'Reply'; readonly conn: number; readonly reply: Reply }
  | { readonly type: 'Event'; readonly conn: number; readonly event: WatchEvent }
  | { readonly type: 'CloseClient'; readonly conn: number; readonly reason: CloseReason }
  /** For the audit log. */
  | { readonly type: 'Audit'; readonly entry: AuditEntry }
  /** These configurations are known now: addresses are theirs; the active one belongs into the files. */
  | { readonly type: 'Configure'; readonly active: Configuration; readonly lastSeen: Configuration }
  /** For the server's log; the guard by which the event was refused. */
  | { readonly type: 'Refused'; readonly what: string; readonly guard: string; readonly peer: ServerId | null };

export type ServerStep = { readonly state: ServerState; readonly effects: readonly ServerEffect[] };
