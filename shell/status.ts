/**
 * What a server shows of itself: one value from which four-letter words, admin server and metrics are made. What is
 * large is a function, called by who shows it.
 */
import {
  connectionsIn,
  ephemeralsIn,
  expiriesIn,
  quotasIn,
  sessionsIn,
  watchCountOf,
  watchesIn,
} from '../core/inspect.js';
import type { ConnView, QuotaView } from '../core/inspect.js';
import type { ServerId } from '../core/data/quorum.js';
import type { Zxid } from '../core/data/zxid.js';
import type { ServerState, Status } from '../core/server.js';
import { isAlone } from './configEnsemble.js';
import type { Config } from './configValues.js';
import type { Metrics } from './metrics.js';
import type { ConnectionStatus } from './net/traffic.js';

/** Shown as ZooKeeper's version: clients and tools read the number, and the formats are those of this release. */
export const compatibleVersion = '3.9.4-zabkeeper';
const builtOn = '2026-11-21 00:00 UTC';

/** A connection with its session; `session` null: it has none yet. */
export type ClientView = ConnectionStatus & { readonly session: string | null; readonly timeoutMs: number };

/** What only a leader shows. */
export type LeaderStatus = {
  readonly learners: number;
  readonly syncedFollowers: number;
  readonly syncedNonVotingFollowers: number;
  readonly syncedObservers: number;
  readonly pendingSyncs: number;
  readonly uptimeMs: number;
};

/** Settings as `conf` shows them; `quorum` null for a standalone server. Sizes in bytes, times in milliseconds. */
export type ConfStatus = {
  readonly clientPort: number;
  readonly secureClientPort: number;
  readonly dataDir: string;
  readonly dataDirSize: number;
  readonly dataLogDir: string;
  readonly dataLogSize: number;
  readonly tickTime: number;
  readonly maxClientCnxns: number;
  readonly minSessionTimeout: number;
  readonly maxSessionTimeout: number;
  readonly clientPortListenBacklog: number;
  readonly serverId: number;
  readonly quorum: {
    readonly initLimit: number;
    readonly syncLimit: number;
    readonly electionPort: number;
    readonly quorumPort: number;
    readonly observer: boolean;
    /** Configuration text: `server.N=...` lines and the version. */
    readonly membership: string;
  } | null;
};

/** A member of the ensemble as `voting_view` and `zabstate` show it. */
export type MemberView = {
  readonly id: ServerId;
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly client: string;
  readonly observer: boolean;
};

/** Sessions that expire at one time, by the wall clock. */
export type ExpiryView = { readonly atMs: number; readonly wallMs: number; readonly sessions: readonly string[] };

export type ServerStatus = {
  readonly version: string;
  readonly builtOn: string;
  /** False while there is no leader: most words then have one fixed answer. */
  readonly serving: boolean;
  readonly mode: 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only';
  /** As `following - broadcast`; null for a standalone server. */
  readonly peerState: string | null;
  readonly phase: string;
  readonly self: ServerId;
  readonly leaderId: ServerId | null;
  readonly members: readonly MemberView[];
  readonly voters: number;
  readonly zxid: Zxid;
  readonly epoch: number;
  readonly uptimeMs: number;
  readonly znodes: number;
  readonly ephemeralCount: number;
  readonly sessionCount: number;
  readonly localSessionCount: number;
  readonly watchCount: number;
  readonly metrics: Metrics;
  readonly leader: LeaderStatus | null;
  /** Descriptors of the process; null where the platform does not tell. */
  readonly files: { readonly open: number; readonly max: number } | null;
  readonly conf: ConfStatus;
  readonly traceMask: bigint;
  readonly lastSnapshot: { readonly zxid: Zxid; readonly wallMs: number } | null;
  readonly connections: () => readonly ClientView[];
  readonly secureConnections: () => readonly ClientView[];
  /** Paths and data of all znodes, bytes; of a large tree the figure may be some seconds old. */
  readonly dataSize: () => number;
  /** null: this server does not time sessions. */
  readonly expiries: () => readonly ExpiryView[] | null;
  /** Sessions with their timeouts. */
  readonly sessions: () => ReadonlyMap<string, number>;
  readonly ephemerals: () => ReadonlyMap<string, readonly string[]>;
  /** Watched paths by session. */
  readonly watches: () => ReadonlyMap<string, readonly string[]>;
  readonly quotas: () => readonly QuotaView[];
  /** Of a leader: observers that are connected, and what they have acknowledged. */
  readonly observers: readonly { readonly id: ServerId; readonly host: string; readonly zxid: Zxid }[];
};

export type StatusParts = {
  readonly config: Config;
  readonly state: ServerState;
  readonly status: Status;
  readonly metrics: Metrics;
  readonly connections: () => readonly ConnectionStatus[];
  readonly secureConnections: () => readonly ConnectionStatus[];
  readonly uptimeMs: number;
  readonly leaderUptimeMs: number;
  /** Monotonic and wall clock. */
  readonly nowMs: number;
  readonly wallMs: number;
  readonly dirSizes: { readonly data: number; readonly log: number };
  readonly files: ServerStatus['files'];
  readonly dataSize: () => number;
  readonly traceMask: bigint;
  readonly lastSnapshot: ServerStatus['lastSnapshot'];
};

export const serverStatus = (parts: StatusParts): ServerStatus => {
  const { config, state, status, metrics } = parts;
  const alone = isAlone(config);
  const leads = status.role === 'LEADING';
  const observes = status.role === 'OBSERVING';
  const { active } = state.replication.ensemble;
  const members = (alone ? [] : active.members).map((s): MemberView => ({
    id: s.sid,
    host: s.addresses[0]?.host ?? '',
    quorumPort: s.addresses[0]?.quorumPort ?? 0,
    electionPort: s.addresses[0]?.electionPort ?? 0,
    client: s.client === null ? '' : `${s.client.host ?? '0.0.0.0'}:${s.client.port}`,
    observer: s.role === 'observer',
  }));
  const conns = (): ReadonlyMap<number, ConnView> => connectionsIn(state);
  return {
    version: compatibleVersion,
    builtOn,
    serving: status.serving,
    mode: status.readOnly ? 'read-only' : alone ? 'standalone' : leads ? 'leader' : observes ? 'observer' : 'follower',
    peerState: alone
      ? null
      : `${leads ? 'leading' : observes ? 'observing' : 'following'} - ${status.phase.toLowerCase()}`,
    phase: status.phase,
    self: config.self,
    leaderId: status.leader,
    members,
    voters: alone ? 1 : active.voters.length,
    zxid: status.zxid,
    epoch: status.epoch,
    uptimeMs: parts.uptimeMs,
    znodes: status.znodes,
    ephemeralCount: status.ephemerals,
    sessionCount: status.sessions,
    localSessionCount: state.locals?.sessions.size ?? 0,
    watchCount: watchCountOf(state),
    metrics,
    leader: leads && !alone ? leaderStatus(status, parts.leaderUptimeMs) : null,
    files: parts.files,
    conf: confStatus(parts, observes),
    traceMask: parts.traceMask,
    lastSnapshot: parts.lastSnapshot,
    connections: () => withSessions(parts.connections(), conns()),
    secureConnections: () => withSessions(parts.secureConnections(), conns()),
    dataSize: parts.dataSize,
    expiries: () =>
      expiriesIn(state)?.map(([atMs, sessions]) => ({
        atMs,
        wallMs: parts.wallMs + (atMs - parts.nowMs),
        sessions,
      })) ?? null,
    sessions: () => sessionsIn(state),
    ephemerals: () => ephemeralsIn(state),
    watches: () => watchesBySession(state, conns()),
    quotas: () => quotasIn(state),
    observers: state.replication.role.learners
      .filter((l) => !state.replication.ensemble.active.voters.includes(l.sid))
      .map((l) => ({ id: l.sid, host: members.find((m) => m.id === l.sid)?.host ?? '', zxid: l.zxid })),
  };
};

const leaderStatus = (status: Status, uptimeMs: number): LeaderStatus => ({
  learners: status.learners,
  syncedFollowers: status.syncedFollowers,
  syncedNonVotingFollowers: 0,
  syncedObservers: status.syncedObservers,
  pendingSyncs: 0,
  uptimeMs,
});

const confStatus = ({ config, dirSizes, state }: StatusParts, observer: boolean): ConfStatus => {
  const own = config.servers.find((s) => s.id === config.self);
  return {
    clientPort: config.client?.port ?? -1,
    secureClientPort: config.security.secureClient?.port ?? -1,
    dataDir: `${config.dataDir}/version-2`,
    dataDirSize: dirSizes.data,
    dataLogDir: `${config.dataLogDir}/version-2`,
    dataLogSize: dirSizes.log,
    tickTime: config.tickTimeMs,
    maxClientCnxns: config.maxClientCnxns,
    minSessionTimeout: config.minSessionTimeoutMs,
    maxSessionTimeout: config.maxSessionTimeoutMs,
    clientPortListenBacklog: config.limits.backlog ?? -1,
    serverId: config.self,
    quorum:
      own === undefined
        ? null
        : {
            initLimit: config.initLimitTicks,
            syncLimit: config.syncLimitTicks,
            electionPort: own.electionPort,
            quorumPort: own.quorumPort,
            observer,
            membership: state.replication.ensemble.active.text,
          },
  };
};

const noSession = '0000000000000000';

const withSessions = (
  connections: readonly ConnectionStatus[],
  conns: ReadonlyMap<number, ConnView>,
): readonly ClientView[] =>
  connections.map((c): ClientView => {
    const view = conns.get(c.id);
    const session = view === undefined || view.session === noSession ? null : view.session;
    return { ...c, session, timeoutMs: view?.timeoutMs ?? 0 };
  });

const watchesBySession = (
  state: ServerState,
  conns: ReadonlyMap<number, ConnView>,
): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>();
  for (const [conn, paths] of watchesIn(state)) {
    const session = conns.get(conn)?.session;
    if (session !== undefined) found.set(session, paths);
  }
  return found;
};
