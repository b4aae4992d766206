/**
 * Every figure of a server under ZooKeeper's name for it, where it means the same; `mntr`, the admin server's `monitor`
 * and Prometheus show these rows. Names that ZooKeeper has and that mean nothing here are left out.
 * @see ServerMetrics, ZooKeeperServer.registerMetrics, LeaderZooKeeperServer.registerMetrics
 */
import { counterNames, keyedNames, percentileSummaryNames, plainSummaryNames } from './metrics.js';
import type { Summary } from './metrics.js';
import { average, namespaceOf } from './metrics.js';
import type { ServerStatus } from './status.js';

export type MetricRow =
  /** `isDouble`: shown with a point even where it is whole. */
  | { readonly type: 'gauge'; readonly name: string; readonly value: number; readonly isDouble?: true }
  | { readonly type: 'counter'; readonly name: string; readonly value: number }
  | { readonly type: 'summary'; readonly name: string; readonly summary: Summary }
  | { readonly type: 'keyed summary'; readonly name: string; readonly of: ReadonlyMap<string, Summary> }
  | { readonly type: 'keyed gauge'; readonly name: string; readonly of: ReadonlyMap<string, number> }
  | { readonly type: 'keyed counter'; readonly name: string; readonly of: ReadonlyMap<string, number> };

const gauge = (name: string, value: number): MetricRow => ({ type: 'gauge', name, value });
const double = (name: string, value: number): MetricRow => ({ type: 'gauge', name, value, isDouble: true });
const counter = (name: string, value: number): MetricRow => ({ type: 'counter', name, value });

export const metricRows = (s: ServerStatus): readonly MetricRow[] => {
  const m = s.metrics;
  return [
    double('avg_latency', average(m.latencyMs)),
    gauge('max_latency', m.latencyMs.max),
    gauge('min_latency', m.latencyMs.min),
    gauge('packets_received', m.packetsReceived),
    gauge('packets_sent', m.packetsSent),
    gauge('num_alive_connections', m.connections),
    gauge('outstanding_requests', m.outstanding),
    gauge('uptime', Math.floor(s.uptimeMs)),
    gauge('znode_count', s.znodes),
    gauge('watch_count', s.watchCount),
    gauge('ephemerals_count', s.ephemeralCount),
    gauge('approximate_data_size', s.dataSize()),
    gauge('global_sessions', s.sessionCount),
    gauge('local_sessions', s.localSessionCount),
    double('connection_drop_probability', 0),
    gauge('auth_failed_count', m.authFailed),
    gauge('outstanding_tls_handshake', 0),
    gauge('last_client_response_size', m.responseSize.last),
    gauge('max_client_response_size', m.responseSize.max),
    gauge('min_client_response_size', m.responseSize.min),
    ...(s.files === null
      ? []
      : [gauge('open_file_descriptor_count', s.files.open), gauge('max_file_descriptor_count', s.files.max)]),
    ...(s.members.length === 0 ? [] : [gauge('quorum_size', s.voters)]),
    ...(s.leader === null ? [] : leaderRows(s, s.leader)),
    counter('bytes_received_count', m.bytesReceived),
    counter('response_bytes', m.bytesSent),
    counter('connection_rejected', m.connectionsRejected),
    counter('connection_drop_count', m.connectionsDropped),
    counter('proposal_count', m.proposals),
    counter('commit_count', m.commits),
    ...counterNames.map((name) => counter(name, m.counters[name])),
    ...[...plainSummaryNames, ...percentileSummaryNames].map((name): MetricRow => ({
      type: 'summary',
      name,
      summary: m.summaries[name],
    })),
    ...keyedNames.map((name): MetricRow => ({ type: 'keyed summary', name, of: m.keyed[name] })),
    ...quotaRows(s),
  ];
};

const leaderRows = (s: ServerStatus, l: NonNullable<ServerStatus['leader']>): readonly MetricRow[] => {
  const { proposalSize } = s.metrics;
  return [
    gauge('learners', l.learners),
    gauge('synced_followers', l.syncedFollowers),
    gauge('synced_non_voting_followers', l.syncedNonVotingFollowers),
    gauge('synced_observers', l.syncedObservers),
    gauge('pending_syncs', l.pendingSyncs),
    gauge('leader_uptime', Math.floor(l.uptimeMs)),
    gauge('last_proposal_size', proposalSize.last),
    gauge('max_proposal_size', proposalSize.max),
    gauge('min_proposal_size', proposalSize.min),
  ];
};

/** By the first part of the path, as ZooKeeper has them; of several quotas below one the sums. */
const quotaRows = (s: ServerStatus): readonly MetricRow[] => {
  const sums = { countLimit: new Map(), countUse: new Map(), bytesLimit: new Map(), bytesUse: new Map() } as Record<
    'countLimit' | 'countUse' | 'bytesLimit' | 'bytesUse',
    Map<string, number>
  >;
  const add = (map: Map<string, number>, key: string, n: number | null): void => {
    if (n !== null) map.set(key, (map.get(key) ?? 0) + n);
  };
  for (const { path, limits, use } of s.quotas()) {
    const key = namespaceOf(path) ?? '';
    add(sums.countLimit, key, limits.hardCount ?? limits.count);
    add(sums.bytesLimit, key, limits.hardBytes ?? limits.bytes);
    add(sums.countUse, key, use.count);
    add(sums.bytesUse, key, use.bytes);
  }
  return [
    { type: 'keyed gauge', name: 'quota_count_limit_per_namespace', of: sums.countLimit },
    { type: 'keyed gauge', name: 'quota_count_usage_per_namespace', of: sums.countUse },
    { type: 'keyed gauge', name: 'quota_bytes_limit_per_namespace', of: sums.bytesLimit },
    { type: 'keyed gauge', name: 'quota_bytes_usage_per_namespace', of: sums.bytesUse },
    { type: 'keyed counter', name: 'quota_exceeded_error_per_namespace', of: s.metrics.quotaExceeded },
  ];
};
