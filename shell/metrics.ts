/**
 * Figures of one server: written where things happen, read by four-letter words, the admin server and Prometheus.
 * Names that stand in quotes are ZooKeeper's own (ServerMetrics); the others are shown under its names by
 * shell/metricRows.ts.
 */

/**
 * Smallest, largest, sum and number of the samples; `min` is 0 while there are none. `recent` is there where
 * percentiles are asked for.
 */
export type Summary = { min: number; max: number; sum: number; count: number; readonly recent: Recent | null };

/** Counts by size over the last five to ten minutes: two halves, of which the older one goes. */
export type Recent = { current: Uint32Array; before: Uint32Array; since: number };

/** Bytes of something that is sent; -1 before the first. */
export type Sizes = { last: number; min: number; max: number };

/** Counted since the start or the last `srst`. */
export const counterNames = [
  'watch_bytes',
  'connection_request_count',
  'connection_revalidate_count',
  'revalidate_count',
  'snap_count',
  'diff_count',
  'looking_count',
  'learner_proposal_received_count',
  'learner_commit_received_count',
  'sessionless_connections_expired',
  'stale_sessions_expired',
  'snapshot_error_count',
  'snapshot_rate_limited_count',
  'restore_error_count',
  'restore_rate_limited_count',
  'unrecoverable_error_count',
  'fsync_threshold_exceed_count',
  'requests_slow_count',
  'quit_leading_due_to_disloyal_voter',
  'large_requests_rejected',
  'throttled_ops',
  'request_throttle_wait_count',
  'stale_requests',
  'stale_requests_dropped',
  'stale_replies',
  'ensemble_auth_success',
  'ensemble_auth_fail',
  'ensemble_auth_skip',
  'tls_handshake_exceeded',
  'unsuccessful_handshake',
  'insecure_admin_count',
  'digest_mismatches_count',
] as const;
export type CounterName = (typeof counterNames)[number];

/** Samples with minimum, maximum and average. */
export const plainSummaryNames = [
  'fsynctime',
  'snapshottime',
  'restore_time',
  'dbinittime',
  'startup_txns_loaded',
  'sync_processor_batch_size',
  'election_time',
  'unavailable_time',
  'node_created_watch_count',
  'node_deleted_watch_count',
  'node_changed_watch_count',
  'node_children_watch_count',
] as const;

/** Samples with percentiles too. Milliseconds. */
export const percentileSummaryNames = [
  'readlatency',
  'updatelatency',
  'propagation_latency',
  'proposal_latency',
  'sync_processor_queue_and_flush_time_ms',
  'event_loop_delay_ms',
] as const;
export type SummaryName = (typeof plainSummaryNames)[number] | (typeof percentileSummaryNames)[number];

/** Samples for each first part of a path, bytes. */
export const keyedNames = ['read_per_namespace', 'write_per_namespace'] as const;
export type KeyedName = (typeof keyedNames)[number];

export type Metrics = {
  /** Client frames in and out, watch events included. */
  packetsReceived: number;
  packetsSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** Requests that were read and not answered yet. */
  outstanding: number;
  /** Open client connections. */
  connections: number;
  /** Connections refused at a limit, or closed for what they sent or did not read. */
  connectionsRejected: number;
  connectionsDropped: number;
  /** Those that failed to authenticate. */
  authFailed: number;
  /** Proposals made as leader, commits seen in any role. */
  proposals: number;
  commits: number;
  /** From the arrival of a request to its reply, milliseconds. */
  readonly latencyMs: Summary;
  /** Of answers to clients, and of proposals of a leader. */
  readonly responseSize: Sizes;
  readonly proposalSize: Sizes;
  readonly counters: Record<CounterName, number>;
  readonly summaries: Readonly<Record<SummaryName, Summary>>;
  readonly keyed: Readonly<Record<KeyedName, Map<string, Summary>>>;
  /** Refusals of hard quotas, by the first part of the path. */
  readonly quotaExceeded: Map<string, number>;
};

/** Values below 128 have a slot each; above, 32 slots a doubling: percentiles are exact to 3 %. */
const exact = 128;
const perDoubling = 32;
const slots = exact + perDoubling * 24;
const halfMs = 300_000;

const newRecent = (): Recent => ({ current: new Uint32Array(slots), before: new Uint32Array(slots), since: 0 });

export const emptySummary = (withPercentiles = false): Summary => ({
  min: 0,
  max: 0,
  sum: 0,
  count: 0,
  recent: withPercentiles ? newRecent() : null,
});

const emptySizes = (): Sizes => ({ last: -1, min: -1, max: -1 });

const record = <K extends string, V>(names: readonly K[], value: () => V): Record<K, V> =>
  Object.fromEntries(names.map((name) => [name, value()])) as Record<K, V>;

export const createMetrics = (): Metrics => ({
  packetsReceived: 0,
  packetsSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  outstanding: 0,
  connections: 0,
  connectionsRejected: 0,
  connectionsDropped: 0,
  authFailed: 0,
  proposals: 0,
  commits: 0,
  latencyMs: emptySummary(),
  responseSize: emptySizes(),
  proposalSize: emptySizes(),
  counters: record(counterNames, () => 0),
  summaries: {
    ...record(plainSummaryNames, () => emptySummary()),
    ...record(percentileSummaryNames, () => emptySummary(true)),
  },
  keyed: record(keyedNames, () => new Map<string, Summary>()),
  quotaExceeded: new Map(),
});

/** Takes one sample into the summary. */
export const sample = (s: Summary, value: number): void => {
  if (s.count === 0 || value < s.min) s.min = value;
  if (value > s.max) s.max = value;
  s.sum += value;
  s.count += 1;
  if (s.recent !== null) keep(s.recent, value);
};

const keep = (recent: Recent, value: number): void => {
  turn(recent, performance.now());
  const slot = slotOf(value);
  recent.current[slot] = (recent.current[slot] ?? 0) + 1;
};

const turn = (recent: Recent, now: number): void => {
  if (now - recent.since < halfMs) return;
  const isLate = now - recent.since >= 2 * halfMs;
  const old = recent.before;
  recent.before = recent.current;
  recent.current = old.fill(0);
  if (isLate) recent.before.fill(0);
  recent.since = now;
};

const slotOf = (value: number): number => {
  const n = Math.max(0, Math.floor(value));
  if (n < exact) return n;
  const doubling = 31 - Math.clz32(Math.min(n, 0x7fffffff));
  const within = Math.floor((Math.min(n, 0x7fffffff) / 2 ** doubling - 1) * perDoubling);
  return Math.min(slots - 1, exact + (doubling - 7) * perDoubling + within);
};

/** The least value of a slot. */
const valueOf = (slot: number): number =>
  slot < exact
    ? slot
    : Math.floor(
        2 ** (7 + Math.floor((slot - exact) / perDoubling)) * (1 + ((slot - exact) % perDoubling) / perDoubling),
      );

/** The value that a share of the recent samples does not pass; null: there are none. */
export const percentile = (s: Summary, share: number): number | null => {
  if (s.recent === null) return null;
  const { current, before } = s.recent;
  turn(s.recent, performance.now());
  let total = 0;
  for (let i = 0; i < slots; i += 1) total += (current[i] ?? 0) + (before[i] ?? 0);
  if (total === 0) return null;
  let left = Math.ceil(total * share);
  for (let i = 0; i < slots; i += 1) {
    left -= (current[i] ?? 0) + (before[i] ?? 0);
    if (left <= 0) return valueOf(i);
  }
  return s.max;
};

/** No more keys than this: whoever makes a thousand top-level nodes shall not fill the memory with figures. */
const mostKeys = 1000;

/** Takes a sample for a key. */
export const sampleKey = (metrics: Metrics, name: KeyedName, key: string, value: number): void => {
  const map = metrics.keyed[name];
  let s = map.get(key);
  if (s === undefined) {
    if (map.size >= mostKeys) return;
    map.set(key, (s = emptySummary()));
  }
  sample(s, value);
};

export const countQuotaExceeded = (metrics: Metrics, key: string): void => {
  const map = metrics.quotaExceeded;
  if (map.size < mostKeys || map.has(key)) map.set(key, (map.get(key) ?? 0) + 1);
};

/** The first part of a path; null: the root, or none. */
export const namespaceOf = (path: string | null): string | null => {
  if (path === null || path.length < 2 || !path.startsWith('/')) return null;
  const end = path.indexOf('/', 1);
  return path.slice(1, end < 0 ? path.length : end);
};

export const sampleSize = (s: Sizes, bytes: number): void => {
  s.last = bytes;
  if (s.min < 0 || bytes < s.min) s.min = bytes;
  if (bytes > s.max) s.max = bytes;
};

/** 0 without samples; four decimals, as ZooKeeper rounds (AvgMinMaxCounter). */
export const average = (s: Summary): number => (s.count === 0 ? 0 : Math.round((s.sum / s.count) * 1e4) / 1e4);

const resetSummary = (s: Summary): void => {
  s.min = 0;
  s.max = 0;
  s.sum = 0;
  s.count = 0;
  s.recent?.current.fill(0);
  s.recent?.before.fill(0);
};

/** What `srst` puts back to zero: all that is counted or sampled; what is the case now stays. */
export const resetStatistics = (m: Metrics): void => {
  m.packetsReceived = 0;
  m.packetsSent = 0;
  m.bytesReceived = 0;
  m.bytesSent = 0;
  m.connectionsRejected = 0;
  m.connectionsDropped = 0;
  m.authFailed = 0;
  m.proposals = 0;
  m.commits = 0;
  resetSummary(m.latencyMs);
  Object.assign(m.responseSize, emptySizes());
  Object.assign(m.proposalSize, emptySizes());
  for (const name of counterNames) m.counters[name] = 0;
  for (const s of Object.values(m.summaries)) resetSummary(s);
  for (const map of Object.values(m.keyed)) map.clear();
  m.quotaExceeded.clear();
};
