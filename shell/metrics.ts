/** Plain counters of one server: written where things happen, read by four-letter words and the admin pages. */

/** Smallest, largest, sum and number of the samples; `min` is 0 while there are none. */
export type Summary = { min: number; max: number; sum: number; count: number };

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
  znodes: number;
  watches: number;
  ephemerals: number;
  dataSize: number;
  sessions: number;
  /** Proposals made as leader, commits seen in any role. */
  proposals: number;
  commits: number;
  snapshots: number;
  /** From the arrival of a request to its reply, milliseconds. */
  readonly latencyMs: Summary;
  /** One fdatasync of the log, milliseconds. */
  readonly fsyncMs: Summary;
};

const emptySummary = (): Summary => ({ min: 0, max: 0, sum: 0, count: 0 });

export const createMetrics = (): Metrics => ({
  packetsReceived: 0,
  packetsSent: 0,
  bytesReceived: 0,
  bytesSent: 0,
  outstanding: 0,
  connections: 0,
  connectionsRejected: 0,
  connectionsDropped: 0,
  znodes: 0,
  watches: 0,
  ephemerals: 0,
  dataSize: 0,
  sessions: 0,
  proposals: 0,
  commits: 0,
  snapshots: 0,
  latencyMs: emptySummary(),
  fsyncMs: emptySummary(),
});

/** Takes one sample into the summary. */
export const sample = (s: Summary, value: number): void => {
  if (s.count === 0 || value < s.min) s.min = value;
  if (value > s.max) s.max = value;
  s.sum += value;
  s.count += 1;
};

/** 0 without samples; four decimals, as ZooKeeper rounds (AvgMinMaxCounter). */
export const average = (s: Summary): number => (s.count === 0 ? 0 : Math.round((s.sum / s.count) * 1e4) / 1e4);

/** What `srst` puts back to zero: latency and packet counts; gauges stay. */
export const resetStatistics = (m: Metrics): void => {
  m.packetsReceived = 0;
  m.packetsSent = 0;
  m.latencyMs.min = 0;
  m.latencyMs.max = 0;
  m.latencyMs.sum = 0;
  m.latencyMs.count = 0;
};
