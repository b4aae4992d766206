/**
 * One server process: core/server.ts between its disk, its three ports and the clock. Events of a turn go to the core
 * as one batch; its effects are carried out in order, then one sync and one write a socket.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Configuration } from '../core/configuration.js';
import { formatZxid, zeroZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import { snapshotOfServer } from '../core/inspect.js';
import { firstSnapshot, serverStep, startServer, statusOf } from '../core/server.js';
import type { ServerConfig, ServerEffect, ServerEvent, ServerState, ServerStep, Status } from '../core/server.js';
import type { AuthProvider } from '../core/service/auth.js';
import { openAudit } from './audit.js';
import type { AuditLog } from './audit.js';
import { configurationOf, parseVersion, plainConfiguration } from '../wire/config.js';
import { isAlone } from './configEnsemble.js';
import type { Config } from './configValues.js';
import { allowedWords, answerFourLetterWord } from './fourLetter.js';
import type { WordActions } from './fourLetter.js';
import { startLoop } from './loop.js';
import type { Metrics } from './metrics.js';
import { createMetrics, sample } from './metrics.js';
import { createMembership } from './membership.js';
import type { Membership } from './membership.js';
import type { Log } from './net/log.js';
import { createOutlets } from './net/outlet.js';
import { openSecurity, rulesOf } from './security.js';
import { openPorts } from './ports.js';
import type { Ports } from './ports.js';
import { createObserver } from './observer.js';
import type { Observer } from './observer.js';
import type { ServerStatus } from './status.js';
import type { Disk } from './storage/disk.js';
import { snapshotName, versionDir } from './storage/names.js';
import { openStorage } from './storage/storage.js';
import type { OpenError, Storage } from './storage/storage.js';

/** How often the core hears of the time, milliseconds. */
const tickMs = 20;

export type RunningServer = {
  readonly status: () => Status;
  readonly metrics: Metrics;
  /** What it shows of itself. */
  readonly inspect: () => ServerStatus;
  readonly state: () => ServerState;
  readonly actions: WordActions;
  /** Writes a snapshot of what is applied now. Left: why there is none. */
  readonly takeSnapshot: () => Promise<E.Either<string, TakenSnapshot>>;
  /** Removes files that no start needs any more, but for the newest `retain` snapshots. */
  readonly purge: (retain: number) => void;
  /** Makes durable what was appended and gives everything free. */
  readonly stop: () => void;
};

/** A snapshot on the disk. */
export type TakenSnapshot = { readonly zxid: Zxid; readonly path: string };

export type RunOptions = {
  readonly config: Config;
  readonly disk: Disk;
  readonly log: Log;
  /** The server cannot go on: its disk or one of its ports has failed. It has stopped. */
  readonly onFatal: (what: string) => void;
  /** Role, leader, epoch or service has changed. */
  readonly onStatus?: (status: Status) => void;
  /** Authentication schemes beside those of the configuration; one of a known name takes the place of that. */
  readonly authProviders?: readonly AuthProvider[];
  /** Sees every batch with what came of it: for recordings and coverage. */
  readonly onStep?: (before: ServerState, events: readonly ServerEvent[], step: ServerStep) => void;
};

/** Recovers and takes part. Left: the files must not be served, or are in use. */
export const runServer = (options: RunOptions): E.Either<OpenError, RunningServer> => {
  const { config, log, onStatus, onStep } = options;
  const metrics = createMetrics();
  const started = performance.now();
  let stopped = false;

  const fatal = (what: string): void => {
    if (stopped) return;
    stop();
    options.onFatal(what);
  };
  const security = openSecurity(config, log);
  if (E.isLeft(security)) return E.left({ type: 'Failed', message: security.left });
  const audit = auditOf(config, log);
  if (audit !== null && E.isLeft(audit)) return E.left({ type: 'Failed', message: audit.left });
  const opened = openStorage(options.disk, {
    dataDir: config.dataDir,
    dataLogDir: config.dataLogDir,
    preAllocBytes: config.preAllocBytes,
    compression: config.snapCompression,
    firstSnapshot,
    onLogSynced: (zxid) => loop.push({ type: 'LogSynced', zxid }),
    logLimitBytes: config.storage.logLimitBytes,
    snapLimitBytes: config.storage.snapLimitBytes,
    forceSync: config.storage.forceSync,
    createDirs: config.storage.createDirs,
    onSyncTime: (ms) => observer.synced(ms),
    onSnapshotDue: () => void takeSnapshot(),
    onFailed: (what, error) => fatal(`the disk failed (${what} in ${placeOf(config, what)}): ${messageOf(error)}`),
  });
  if (E.isLeft(opened)) return opened;
  const { storage, recovered, warnings } = opened.right;
  for (const warning of warnings) log('warn', warning);
  log('info', `recovered up to ${formatZxid(recovered.lastZxid)}, epoch ${recovered.currentEpoch}`);

  const begun = startServer(coreConfig(config, options.authProviders), recovered, clock());
  if ('refused' in begun) {
    storage.close(false);
    const message = `the snapshot has a znode without a parent: ${begun.path}; restore another snapshot`;
    return E.left({ type: 'Failed', message });
  }
  let state = begun.state;
  const observer = createObserver({
    config,
    disk: options.disk,
    metrics,
    log,
    lastSnapshot: recovered.snapshot === null ? null : recovered.base,
  });
  sample(metrics.summaries.dbinittime, Math.round(performance.now() - started));
  sample(metrics.summaries.startup_txns_loaded, recovered.log.length);
  let shownRole = '';

  const outlets = createOutlets();
  const loop = startLoop<ServerEvent>({
    onBatch: (batch) => {
      const step = serverStep(state, batch, clock());
      onStep?.(state, batch, step);
      observer.saw(state, batch, step);
      state = step.state;
      perform(step.effects);
      tellStatus();
    },
    flush: () => outlets.flush(),
  });
  const membership = createMembership(config, configurationFor(config), () => ports, log);
  const ports = openPorts({
    config,
    security: security.right,
    audit: audit?.right ?? null,
    log,
    loop,
    outlets,
    metrics,
    fatal,
    words: (word, mask) => answerWord(word, mask),
  });
  const inspect = (): ServerStatus => observer.status(state, ports.client?.stats ?? (() => []));
  const actions: WordActions = {
    resetConnections: () => ports.client?.resetStats(),
    resetServer: observer.reset,
    setTraceMask: observer.setTraceMask,
  };
  const words = allowedWords(
    config.fourLetterWords === '*' ? '*' : config.fourLetterWords.join(','),
    config.rules.readOnlyMode,
  );
  const answerWord = (word: string, mask: bigint | null): string =>
    answerFourLetterWord(word, words, inspect(), actions, mask);

  const takeSnapshot = (): Promise<E.Either<string, TakenSnapshot>> =>
    new Promise((resolve) => {
      if (stopped || !state.serving) return resolve(E.left('the server does not serve'));
      const zxid = state.replication.delivered;
      const path = `${config.dataDir}/${versionDir}/${snapshotName(zxid, config.snapCompression)}`;
      const since = performance.now();
      storage.saveSnapshot(zxid, snapshotOfServer(state), { replacesLog: false }, (outcome) => {
        if (outcome === 'Overtaken') return resolve(E.left('the history was cut or replaced meanwhile'));
        observer.snapshotTaken(zxid, performance.now() - since);
        resolve(E.right({ zxid, path }));
      });
    });

  const tellStatus = (): void => {
    const { role, disk } = state.replication;
    const shown = `${role.phase} ${role.leader ?? '-'} ${state.serving} ${disk.currentEpoch}`;
    if (shown === shownRole) return;
    shownRole = shown;
    const status = statusOf(state);
    log('info', `${status.role} ${status.phase}, leader ${status.leader ?? 'unknown'}, epoch ${status.epoch}`, {
      role: status.role,
      phase: status.phase,
      leader: status.leader,
      epoch: status.epoch,
      zxid: formatZxid(status.zxid),
    });
    onStatus?.(status);
  };

  const perform = (effects: readonly ServerEffect[]): void => {
    let appended = false;
    for (const effect of effects) {
      if (stopped) return;
      if (effect.type === 'Append') {
        appended = true;
      }
      carryOut(effect, storage, ports, membership, loop.push, log, fatal, observer);
    }
    ports.audit?.flush();
    if (appended) storage.sync();
  };

  const stop = (): void => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    loop.stop();
    ports.client?.close();
    ports.quorum?.close();
    ports.election?.close();
    security.right.close();
    ports.audit?.stopped();
    ports.audit?.close();
    storage.close();
  };

  const timer = setInterval(() => loop.push({ type: 'Tick' }), tickMs);
  ports.audit?.started();
  perform(begun.effects);
  tellStatus();
  const purge = (retain: number): void => {
    const removed = stopped ? [] : storage.purge(retain);
    if (removed.length > 0) log('info', `purged ${removed.length} files: ${removed.join(', ')}`);
  };

  const status = (): Status => statusOf(state);
  return E.right({ status, metrics, inspect, state: () => state, actions, takeSnapshot, purge, stop });
};

/** Where storage keeps what it could not write. */
const placeOf = ({ dataDir, dataLogDir }: Config, what: string): string =>
  what === 'log' || what === 'truncate' ? dataLogDir : dataDir;

const auditOf = ({ security }: Config, log: Log): E.Either<string, AuditLog> | null =>
  security.auditFile === null
    ? null
    : openAudit({
        file: security.auditFile,
        now: () => new Date(),
        onFailed: (problem) => log('error', problem),
      });

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const clock = (): { readonly nowMs: number; readonly wallMs: number } => ({
  nowMs: performance.now(),
  wallMs: Date.now(),
});

/** A server that stands alone is the only voter of a configuration that nobody sees. */
export const configurationFor = (config: Config): Configuration =>
  isAlone(config)
    ? plainConfiguration([config.self])
    : configurationOf({
        members: config.servers.map((s) => ({
          sid: s.id,
          addresses: [{ host: s.host, quorumPort: s.quorumPort, electionPort: s.electionPort }],
          role: s.role,
          client: s.client,
        })),
        groups: config.ensemble.groups,
        weights: config.ensemble.weights,
        version: parseVersion(config.ensemble.version) ?? zeroZxid,
      });

const coreConfig = (config: Config, authProviders: readonly AuthProvider[] = []): ServerConfig => ({
  self: config.self,
  configuration: configurationFor(config),
  ...(config.ensemble.reconfig ? { reconfig: { minVoters: config.ensemble.standalone ? 2 : 1, lastSeen: null } } : {}),
  leaderServes: config.ensemble.leaderServes,
  tickTimeMs: config.tickTimeMs,
  initLimitTicks: config.initLimitTicks,
  syncLimitTicks: config.syncLimitTicks,
  minSessionTimeoutMs: config.minSessionTimeoutMs,
  maxSessionTimeoutMs: config.maxSessionTimeoutMs,
  commitLogCount: config.commitLogCount,
  snapCount: config.snapCount,
  rules: rulesOf(config, authProviders),
});

const carryOut = (
  effect: ServerEffect,
  storage: Storage,
  ports: Ports,
  membership: Membership,
  push: (event: ServerEvent) => void,
  log: Log,
  fatal: (what: string) => void,
  observer: Observer,
): void => {
  switch (effect.type) {
    case 'Append':
      return storage.append(effect.txns);
    case 'Send':
      return ports.quorum?.send(effect.to, effect.packet);
    case 'Reply':
      return ports.client?.reply(effect.conn, effect.reply);
    case 'Event':
      return ports.client?.event(effect.conn, effect.event);
    case 'Respond':
      return ports.client?.respond(effect.conn, effect.response);
    case 'CloseClient':
      log('debug', `client connection closed: ${effect.reason}`, { conn: effect.conn, reason: effect.reason });
      ports.sasl?.forget(effect.conn);
      return ports.client?.closeClient(effect.conn);
    case 'Audit':
      return ports.audit?.entry(effect.entry);
    case 'Notify':
      return ports.election?.notify(effect.to, {
        notification: effect.notification,
        version: 2,
        config: membership.text(),
      });
    case 'Listen':
      return ports.quorum?.listen();
    case 'Connect':
      return ports.quorum?.connect(effect.to);
    case 'Disconnect':
      return ports.quorum?.disconnect(effect.peer);
    case 'DisconnectAll':
      ports.quorum?.stopListening();
      for (const { peer } of ports.quorum?.links() ?? []) ports.quorum?.disconnect(peer);
      return;
    case 'SaveEpoch':
      return storage.saveEpoch(`${effect.file}Epoch`, effect.epoch, () => push({ type: 'EpochSaved' }));
    case 'SaveSnapshot':
      return storage.saveSnapshot(effect.zxid, effect.snapshot, { replacesLog: true }, () =>
        push({ type: 'SnapshotSaved' }),
      );
    case 'TakeSnapshot': {
      const since = performance.now();
      return storage.saveSnapshot(effect.zxid, effect.snapshot, { replacesLog: false }, (outcome) => {
        if (outcome === 'Saved') observer.snapshotTaken(effect.zxid, performance.now() - since);
        log('info', `snapshot ${formatZxid(effect.zxid)}: ${outcome}`, { zxid: formatZxid(effect.zxid) });
      });
    }
    case 'Truncate': {
      const cut = storage.truncate(effect.zxid);
      if (E.isLeft(cut)) fatal(`the log cannot be cut after ${formatZxid(effect.zxid)}: ${cut.left}`);
      return;
    }
    case 'Configure':
      return membership.configure(effect.active, effect.lastSeen);
    case 'Refused':
      return log('warn', `${effect.what} from ${effect.peer ?? 'this server'} is refused: ${effect.guard}`, {
        guard: effect.guard,
        peer: effect.peer,
      });
  }
};
