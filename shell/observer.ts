/**
 * Watches one server for its figures: sees every batch with what came of it and counts, changes nothing. Costs a switch
 * an event and an effect; what is larger is done when somebody asks.
 */
import { readdirSync } from 'node:fs';
import { nodeSizesIn, quotaOfTxn, znodeCountOf } from '../core/inspect.js';
import { compareZxid, formatZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import { statusOf } from '../core/server.js';
import type { ServerEffect, ServerEvent, ServerState, ServerStep } from '../core/server.js';
import type { Txn } from '../core/service/txn.js';
import { openWriter } from '../wire/jute.js';
import { writeLogEntry } from '../wire/log.js';
import type { Config } from './configValues.js';
import { resetStatistics, sample, sampleSize } from './metrics.js';
import type { Metrics, SummaryName } from './metrics.js';
import type { Log } from './net/log.js';
import { openFileLimit } from './net/openFiles.js';
import type { ConnectionStatus } from './net/traffic.js';
import { createSizer } from './sizer.js';
import { serverStatus } from './status.js';
import type { ServerStatus } from './status.js';
import type { Disk } from './storage/disk.js';

export type Observer = {
  readonly saw: (before: ServerState, events: readonly ServerEvent[], step: ServerStep) => void;
  /** One fdatasync of the log took so long. */
  readonly synced: (ms: number) => void;
  readonly snapshotTaken: (zxid: Zxid, ms: number) => void;
  readonly status: (state: ServerState, clients: () => readonly ConnectionStatus[]) => ServerStatus;
  readonly reset: () => void;
  readonly setTraceMask: (mask: bigint) => void;
};

export type ObserverOptions = {
  readonly config: Config;
  readonly disk: Disk;
  readonly metrics: Metrics;
  readonly log: Log;
  /** The newest snapshot at the start. */
  readonly lastSnapshot: Zxid | null;
};

/** Appended and not delivered yet. */
type Flight = {
  readonly txns: readonly Txn[];
  readonly last: Zxid;
  readonly atMs: number;
  isSynced: boolean;
};

/** ZooKeeper's default: CLIENT_REQUEST, SERVER_PACKET, SESSION, WARNING. Nothing is traced by it here. */
const defaultTraceMask = 0x132n;
/** A soft quota is told of at most so often, milliseconds. */
const quotaEveryMs = 60_000;
/** Of an event: xid, zxid, err, type, state, path without its text. */
const eventBytes = 32;

export const createObserver = (options: ObserverOptions): Observer => {
  const { config, disk, metrics, log } = options;
  const { counters, summaries } = metrics;
  const started = performance.now();
  const sizer = createSizer();
  const writer = openWriter(4096);
  const toldQuotas = new Map<string, number>();
  const flights: Flight[] = [];
  let lookingSince = started;
  let unservedSince: number | null = started;
  let leadsSince: number | null = null;
  let lastTickMs = started;
  let traceMask = defaultTraceMask;
  let lastSnapshot = options.lastSnapshot === null ? null : { zxid: options.lastSnapshot, wallMs: Date.now() };

  const hear = (event: ServerEvent, nowMs: number): void => {
    switch (event.type) {
      case 'Tick':
        sample(summaries.event_loop_delay_ms, Math.max(0, Math.round(nowMs - lastTickMs - 20)));
        lastTickMs = nowMs;
        return;
      case 'ConnectReceived':
        counters.connection_request_count += 1;
        if (event.request.session !== '0000000000000000') counters.connection_revalidate_count += 1;
        return;
      case 'PacketReceived':
        if (event.packet.type === 'PROPOSAL') counters.learner_proposal_received_count += 1;
        else if (event.packet.type === 'COMMIT') counters.learner_commit_received_count += 1;
        else if (event.packet.type === 'REVALIDATE') counters.revalidate_count += 1;
        return;
      case 'LogSynced':
        for (const flight of flights) {
          if (flight.isSynced || compareZxid(flight.last, event.zxid) > 0) continue;
          flight.isSynced = true;
          sample(summaries.sync_processor_queue_and_flush_time_ms, Math.round(nowMs - flight.atMs));
        }
        return;
      default:
        return;
    }
  };

  const sizeOf = (txn: Txn): number => {
    writer.at = 0;
    writeLogEntry(writer, txn);
    return writer.at - 13; // checksum, length and end of the entry
  };

  const seeEffects = (effects: readonly ServerEffect[], leads: boolean, nowMs: number): void => {
    let watchers = 0;
    for (const [i, effect] of effects.entries()) {
      switch (effect.type) {
        case 'Append': {
          const last = effect.txns.at(-1);
          if (last === undefined) break;
          sample(summaries.sync_processor_batch_size, effect.txns.length);
          flights.push({ txns: effect.txns, last: last.zxid, atMs: nowMs, isSynced: false });
          if (!leads) break;
          metrics.proposals += effect.txns.length;
          sampleSize(metrics.proposalSize, sizeOf(last));
          break;
        }
        case 'Send':
          if (effect.packet.type === 'SNAP') counters.snap_count += 1;
          else if (effect.packet.type === 'DIFF') counters.diff_count += 1;
          break;
        case 'Event': {
          watchers += 1;
          counters.watch_bytes += eventBytes + effect.event.path.length;
          const next = effects[i + 1];
          const goesOn =
            next?.type === 'Event' && next.event.type === effect.event.type && next.event.path === effect.event.path;
          if (goesOn) break;
          sample(summaries[watchSummaries[effect.event.type]], watchers);
          watchers = 0;
          break;
        }
        case 'CloseClient':
          if (effect.reason === 'authentication failed') metrics.authFailed += 1;
          else if (effect.reason === 'session not valid') counters.stale_sessions_expired += 1;
          break;
        default:
      }
    }
  };

  /** What is committed now and has been appended here. */
  const settleFlights = (state: ServerState, leads: boolean, nowMs: number): void => {
    const { delivered } = state.replication;
    let done = 0;
    for (const flight of flights) {
      if (compareZxid(flight.last, delivered) > 0) break;
      done += 1;
      const { timeMs } = flight.txns.at(-1) as Txn;
      sample(summaries.propagation_latency, Math.max(0, Date.now() - timeMs));
      if (!leads) continue;
      sample(summaries.proposal_latency, Math.round(nowMs - flight.atMs));
      for (const txn of flight.txns) tellOfQuota(state, txn, nowMs);
    }
    if (done > 0) flights.splice(0, done);
  };

  const tellOfQuota = (state: ServerState, txn: Txn, nowMs: number): void => {
    const quota = quotaOfTxn(state, txn);
    if (quota === null) return;
    const { path, limits, use } = quota;
    // Where there is a hard limit the soft one is not looked at.
    const count = limits.hardCount === null && limits.count !== null && use.count > limits.count;
    const bytes = limits.hardBytes === null && limits.bytes !== null && use.bytes > limits.bytes;
    if (!count && !bytes) return;
    if (nowMs - (toldQuotas.get(path) ?? -Infinity) < quotaEveryMs) return;
    toldQuotas.set(path, nowMs);
    const passed = count
      ? `count ${use.count}, soft limit ${limits.count}`
      : `bytes ${use.bytes}, soft limit ${limits.bytes}`;
    const session = `0x${txn.session.replace(/^0+(?=.)/, '')}`;
    log('warn', `Quota exceeded: ${path} [${passed}]`, { path, session, zxid: formatZxid(txn.zxid) });
  };

  const seeRole = (before: ServerState, after: ServerState, nowMs: number): void => {
    const [was, is] = [before.replication.role, after.replication.role];
    if (was.phase !== is.phase) {
      flights.length = 0;
      if (is.phase === 'LOOKING') {
        counters.looking_count += 1;
        lookingSince = nowMs;
      } else if (was.phase === 'LOOKING') sample(summaries.election_time, Math.round(nowMs - lookingSince));
    }
    if (before.serving === after.serving) return;
    if (after.serving && unservedSince !== null) sample(summaries.unavailable_time, Math.round(nowMs - unservedSince));
    unservedSince = after.serving ? null : nowMs;
    leadsSince = after.serving && after.leading !== null ? nowMs : null;
  };

  return {
    saw: (before, events, { state, effects }) => {
      const nowMs = performance.now();
      for (const event of events) hear(event, nowMs);
      if (before.replication.role !== state.replication.role || before.serving !== state.serving)
        seeRole(before, state, nowMs);
      const leads = state.leading !== null;
      if (effects.length > 0) seeEffects(effects, leads, nowMs);
      const [was, is] = [before.replication.delivered, state.replication.delivered];
      if (was === is) return;
      metrics.commits += was.epoch === is.epoch ? is.counter - was.counter : is.counter;
      settleFlights(state, leads, nowMs);
    },
    synced: (ms) => {
      sample(summaries.fsynctime, Math.round(ms));
      if (ms <= config.operations.fsyncWarningMs) return;
      counters.fsync_threshold_exceed_count += 1;
      const limit = `fsync.warningthresholdms is ${config.operations.fsyncWarningMs}`;
      log('warn', `a sync of the log took ${Math.round(ms)} ms (${limit}): every write waits for the disk`, {
        tookMs: Math.round(ms),
      });
    },
    snapshotTaken: (zxid, ms) => {
      sample(summaries.snapshottime, Math.round(ms));
      lastSnapshot = { zxid, wallMs: Date.now() };
    },
    status: (state, clients) => {
      const nowMs = performance.now();
      return serverStatus({
        config,
        state,
        status: statusOf(state),
        metrics,
        connections: () => clients().filter((c) => !c.secure),
        secureConnections: () => clients().filter((c) => c.secure),
        uptimeMs: nowMs - started,
        leaderUptimeMs: leadsSince === null ? 0 : nowMs - leadsSince,
        nowMs,
        wallMs: Date.now(),
        dirSizes: {
          data: bytesIn(disk, `${config.dataDir}/version-2`),
          log: bytesIn(disk, `${config.dataLogDir}/version-2`),
        },
        files: filesOf(),
        dataSize: () => sizer.sizeOf(znodeCountOf(state), () => nodeSizesIn(state)),
        traceMask,
        lastSnapshot,
      });
    },
    reset: () => resetStatistics(metrics),
    setTraceMask: (mask) => {
      traceMask = mask;
    },
  };
};

const watchSummaries: Readonly<Record<1 | 2 | 3 | 4, SummaryName>> = {
  1: 'node_created_watch_count',
  2: 'node_deleted_watch_count',
  3: 'node_changed_watch_count',
  4: 'node_children_watch_count',
};

const bytesIn = (disk: Disk, dir: string): number => {
  let bytes = 0;
  for (const name of disk.list(dir)) bytes += disk.size(`${dir}/${name}`) ?? 0;
  return bytes;
};

const filesOf = (): ServerStatus['files'] => {
  const max = openFileLimit();
  if (max === null) return null;
  try {
    return { open: readdirSync('/proc/self/fd').length, max };
  } catch {
    return null;
  }
};
