/**
 * `zabkeeper/core`: the server's rules without sockets, disk and clock, for any JavaScript platform. `startServer` and
 * `serverStep` are a whole server: events in, effects out, and whoever runs them carries the effects out and tells what
 * came of them. Its parts stand beside it, each a step function and each compared with its module of spec/ alone.
 * Steps are total: they refuse by a value and never throw.
 */
export { firstSnapshot, serverStep, startServer, statusOf } from './server.js';
export type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState, ServerStep, Status } from './server.js';

export { configurationOf, plainConfiguration, readConfiguration } from './configuration.js';
export type { Configuration } from './configuration.js';
export { staticEnsemble } from './ensemble.js';
export type { Ensemble } from './ensemble.js';

export { explainRefusal, recover } from './recovery.js';
export type {
  DiskFiles,
  EpochFile,
  LoadedLog,
  LogFile,
  LogFileEnd,
  LoggedTxn,
  Recovered,
  Recovery,
  Refusal,
  SnapshotFile,
} from './recovery.js';

/** spec/Election.tla */
export { canDecide, electionStep, initialElection } from './election.js';
export type { ElectionEffect, ElectionEvent, ElectionGuard, ElectionState, ElectionStep } from './election.js';
export { compareVote, sameVote } from './vote.js';
export type { Notification, Role, Vote } from './vote.js';

/** spec/Replication.tla */
export { nextZxid } from './replication/broadcast.js';
export { replicationStep } from './replication/replication.js';
export { restart } from './replication/state.js';
export type { Packet, PacketOf } from './replication/packet.js';
export type {
  Phase,
  ReplicationEffect,
  ReplicationEvent,
  ReplicationGuard,
  ReplicationState,
  ReplicationStep,
} from './replication/state.js';

/** The tree, sessions, requests and watches over what replication delivers. */
export { errorCode } from './service/error.js';
export { freshService, restore, serviceStep, serviceStepAll, snapshotOf } from './service/service.js';
export type { SnapshotRefusal } from './service/database.js';
export type { ServiceEffect, ServiceEvent, ServiceState, ServiceStep } from './service/service.js';
export type { CloseReason } from './service/state.js';
export type {
  ClientRequest,
  ConnectRequest,
  ConnectResponse,
  ForwardedRequest,
  Reply,
  ReplyBody,
  Stat,
  WatchEvent,
} from './service/request.js';
export type { AuditEntry } from './service/audit.js';
export {
  defaultProviders,
  digestProvider,
  ensembleProvider,
  ipProvider,
  providersOf,
  saslProvider,
  x509Provider,
} from './service/auth.js';
export type { AuthContext, AuthOutcome, AuthProvider, AuthProviders } from './service/auth.js';
export { defaultRules } from './service/rules.js';
export type { AuthRules, ServiceRules } from './service/rules.js';
export type { Snapshot, SnapshotNode } from './service/snapshot.js';
export { noSession } from './service/txn.js';
export type { Acl, SessionId, Txn, TxnRecord } from './service/txn.js';

export { isQuorum } from './data/quorum.js';
export type { ServerId } from './data/quorum.js';
export { compareZxid, formatZxid, sameZxid, zeroZxid } from './data/zxid.js';
export type { Zxid } from './data/zxid.js';
export type { Step } from './step.js';

/** spec/Paxos.tla: one value, agreed on once, by processes of any number. The servers above do not use it. */
export { noPaxosFiles, ownerOf, paxosEventOf, paxosStep, startPaxos } from './paxos.js';
export type {
  PaxosConfig,
  PaxosEffect,
  PaxosEvent,
  PaxosFiles,
  PaxosGuard,
  PaxosMessage,
  PaxosState,
  PaxosStep,
  PaxosValue,
  PaxosVote,
} from './paxos.js';
export { grid, isQuorumOf, majority, quorumsMeet, weighted } from './paxosQuorum.js';
export type { ProcessId, Quorum, Quorums, Weight } from './paxosQuorum.js';
