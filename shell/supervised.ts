/**
 * A server with what people use to look after it: admin server, metrics port, purges, and a restore, for which the server
 * stops and starts again within its process.
 */
import * as E from 'fp-ts/lib/Either.js';
import { compareZxid, formatZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import { sessionsIn } from '../core/inspect.js';
import type { Status } from '../core/server.js';
import { explain } from '../wire/error.js';
import { decodeSnapshot } from '../wire/snapshot.js';
import { startAdmin } from './admin/admin.js';
import type { NotRestored } from './admin/admin.js';
import { answerText, startHttp } from './admin/http.js';
import type { HttpPort } from './admin/http.js';
import type { Socket } from 'node:net';
import { prometheusText, prometheusType } from './admin/prometheus.js';
import type { Config } from './configValues.js';
import { sample } from './metrics.js';
import { openDoor, openTls } from './net/tls.js';
import { runServer } from './server.js';
import type { RunOptions, RunningServer } from './server.js';
import { installSnapshot, zxidOfSnapshot } from './storage/install.js';
import type { OpenError } from './storage/storage.js';

export type Supervised = {
  /** null while a restore is under way. */
  readonly status: () => Status | null;
  readonly adminPort: () => number;
  readonly metricsPort: () => number;
  readonly stop: () => void;
};

/** runServer, and what stands around it. */
export const runSupervised = (options: RunOptions): E.Either<OpenError, Supervised> => {
  const { config, log } = options;
  const begun = runServer(options);
  if (E.isLeft(begun)) return begun;
  let running: RunningServer | null = begun.right;
  let stopped = false;

  const restore = async (bytes: Buffer): Promise<E.Either<NotRestored, Zxid>> => {
    const before = running;
    if (before === null) return E.left({ status: 503, error: 'another restore is under way' });
    const decoded = decodeSnapshot(bytes);
    if (E.isLeft(decoded)) return E.left({ status: 400, error: `this is no snapshot: ${explain(decoded.left)}` });
    const status = before.inspect();
    // One member with another tree than the rest would answer differently from then on, or undo what they have.
    if (status.mode !== 'standalone') return E.left({ status: 409, error: inEnsemble });
    const state = before.state();
    const last = zxidOfSnapshot(decoded.right);
    const zxid = compareZxid(last, status.zxid) > 0 ? last : status.zxid;
    const kept = new Map(sessionsIn(state));
    for (const { session, timeoutMs } of decoded.right.snapshot.sessions) kept.set(session, timeoutMs);
    const snapshot = {
      sessions: [...kept].map(([session, timeoutMs]) => ({ session, timeoutMs })),
      nodes: decoded.right.snapshot.nodes,
    };
    const since = performance.now();
    running = null;
    before.stop();
    const stamp = `${formatZxid(status.zxid)}-${Date.now()}`;
    const installed = await installSnapshot(options.disk, config, zxid, snapshot, stamp);
    if (stopped) return E.left({ status: 503, error: 'the server has been stopped' });
    const again = runServer(options);
    if (E.isLeft(again)) {
      options.onFatal(`it could not start again after a restore: ${again.left.message}`);
      return E.left({ status: 500, error: again.left.message });
    }
    running = again.right;
    if (E.isLeft(installed)) return E.left({ status: 500, error: installed.left });
    sample(running.metrics.summaries.restore_time, Math.round(performance.now() - since));
    log('warn', `restored over HTTP at ${formatZxid(zxid)}; what was before is kept in ${installed.right.keptIn}`, {
      zxid: formatZxid(zxid),
    });
    return E.right(zxid);
  };

  const admin = openAdmin(options, () => running, restore);
  const metrics = startMetrics(options, () => running);
  const purges = startPurges(config, () => running);
  return E.right({
    status: () => running?.status() ?? null,
    adminPort: () => admin?.port() ?? 0,
    metricsPort: () => metrics?.port() ?? 0,
    stop: () => {
      stopped = true;
      if (purges !== null) clearInterval(purges);
      admin?.close();
      metrics?.close();
      running?.stop();
    },
  });
};

type Restore = Parameters<typeof startAdmin>[0]['restore'];

/** null: not asked for, or its keys cannot be read, which is told. */
const openAdmin = (options: RunOptions, server: () => RunningServer | null, restore: Restore): HttpPort | null => {
  const { config, log } = options;
  const { admin } = config.operations;
  if (!admin.enabled) return null;
  if (admin.tls === 'none') return startAdmin({ config, log, server, restore });
  // As in Apache the admin port has the keys of the servers among themselves.
  const clientAuth = admin.needClientAuth ? 'need' : 'none';
  const tls = openTls({ ...config.security.quorumTls, clientAuth, clientHostNames: false }, true, log);
  if (E.isLeft(tls)) {
    log('error', `the admin port stays shut: ${tls.left}`);
    return null;
  }
  const subjects = new WeakMap<Socket, string>();
  let through: (socket: Socket) => void = (socket) => void socket.destroy();
  const door = openDoor({
    name: 'admin',
    tls: tls.right,
    plainToo: admin.tls === 'beside plain',
    onSocket: (socket, subject) => {
      if (subject !== null) subjects.set(socket, subject);
      const running = server();
      if (!('encrypted' in socket) && running !== null) running.metrics.counters.insecure_admin_count += 1;
      through(socket);
    },
    log,
  });
  const port = startAdmin({
    ...{ config, log, server, restore },
    subjectOf: (socket) => subjects.get(socket) ?? null,
    door: (accept) => {
      through = accept;
      return door.admit;
    },
  });
  return {
    port: port.port,
    close: () => {
      port.close();
      door.close();
      tls.right.close();
    },
  };
};

const inEnsemble =
  'a member of an ensemble is not restored while it runs: its tree would part from the others. Stop all members, run ' +
  '`zabkeeper snapshot restore` with the same file on each, start them again (docs/operations.md)';

/** Port of Prometheus; null: not asked for. */
const startMetrics = ({ config, log }: RunOptions, server: () => RunningServer | null): HttpPort | null => {
  const { prometheus, admin } = config.operations;
  if (prometheus === null) return null;
  return startHttp({
    name: 'metrics',
    bind: { host: prometheus.host ?? undefined, port: prometheus.port },
    idleTimeoutMs: admin.idleTimeoutMs,
    log,
    handle: (request, response) => {
      const running = server();
      const isRead = request.method === 'GET' || request.method === 'HEAD';
      const path = (request.url ?? '').split('?')[0];
      if (path !== '/metrics' || !isRead) answerText(response, isRead ? 404 : 405, 'text/plain', 'GET /metrics\n');
      else if (running === null) answerText(response, 503, 'text/plain', 'the server is being restored\n');
      else answerText(response, 200, prometheusType, prometheusText(running.inspect(), prometheus.process));
      return Promise.resolve();
    },
  });
};

const hourMs = 3_600_000;
/** The longest that a timer of Node runs. */
const longestMs = 0x7fffffff;

/** Purges at the start and then every autopurge.purgeInterval hours; null: never. */
const startPurges = (config: Config, server: () => RunningServer | null): NodeJS.Timeout | null => {
  const { purgeIntervalHours, snapRetainCount } = config;
  if (purgeIntervalHours <= 0) return null;
  const purge = (): void => server()?.purge(snapRetainCount);
  purge();
  return setInterval(purge, Math.min(purgeIntervalHours * hourMs, longestMs)).unref();
};
