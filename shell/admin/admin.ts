/**
 * The admin server: ZooKeeper's commands as JSON, the list of them, snapshot and restore, and answers for supervisors.
 * @see org.apache.zookeeper.server.admin.JettyAdminServer
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import * as E from 'fp-ts/lib/Either.js';
import { formatZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Config } from '../configValues.js';
import type { Log } from '../net/log.js';
import type { RunningServer } from '../server.js';
import { accessOf } from './access.js';
import { commands, findCommand } from './commands.js';
import type { Fields } from './commands.js';
import { health, isHealthPath } from './health.js';
import { answer, answerText, startHttp } from './http.js';
import type { HttpPort } from './http.js';
import { entries } from './json.js';

/** Why a restore was not done, with a status of HTTP. */
export type NotRestored = { readonly status: 400 | 409 | 500 | 503; readonly error: string };

export type AdminOptions = {
  readonly config: Config;
  readonly log: Log;
  /** null: it is being started anew. */
  readonly server: () => RunningServer | null;
  /** Puts the tree of a snapshot file in place of the present one; the zxid that it then has. */
  readonly restore: (bytes: Buffer) => Promise<E.Either<NotRestored, Zxid>>;
  readonly door?: (through: (socket: Socket) => void) => (socket: Socket) => void;
  /** Subject of the certificate that a connection has shown. */
  readonly subjectOf?: (socket: Socket) => string | null;
};

const notServing = 'This ZooKeeper instance is not currently serving requests';

export const startAdmin = (options: AdminOptions): HttpPort => {
  const { config, log, server, restore, door, subjectOf = () => null } = options;
  const { admin } = config.operations;
  const takes = { snapshot: -Infinity, restore: -Infinity };
  let isTaking = false;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = URL.canParse(request.url ?? '', 'http://admin') ? new URL(request.url ?? '', 'http://admin') : null;
    if (url === null) return answerError(response, 400, 'the address cannot be read');
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const path = url.pathname;
    if (isHealthPath(path)) {
      if (!isRead) return answerError(response, 405, `${path} is read by GET`);
      const running = server();
      if (running === null) return answerError(response, path === '/livez' ? 200 : 503, 'it is being restored');
      const { ok, body } = health(path, running.inspect());
      return answer(response, ok ? 200 : 503, body);
    }
    const prefix = `${admin.commandUrl}/`;
    if (path === admin.commandUrl || path === prefix) {
      if (!isRead) return answerError(response, 405, 'the list is read by GET');
      return answerText(response, 200, 'text/html;charset=utf-8', listOf(admin.commandUrl));
    }
    if (!path.startsWith(prefix)) return answerError(response, 404, 'there is nothing here');
    const name = path.slice(prefix.length);
    if (name === 'snapshot' || name === 'snap') return takeSnapshot(request, response, url);
    if (name === 'restore' || name === 'rest') return takeRestore(request, response);
    if (!isRead) return answerCommand(response, 405, name, [['error', `${name} is read by GET`]]);
    return run(response, name, url.searchParams);
  };

  const run = (response: ServerResponse, name: string, query: URLSearchParams): void => {
    const command = findCommand(name);
    if (command === undefined) return answerCommand(response, 200, name, [['error', `Unknown command: ${name}`]]);
    const running = server();
    const primary = command.names[0] ?? name;
    const status = running?.inspect();
    if (running === null || status === undefined || (command.needsServing && !status.serving))
      return answerCommand(response, 200, primary, [['error', notServing]]);
    return answerCommand(response, 200, primary, command.run(status, running.actions, query));
  };

  /** What both need: that it is allowed here, that whoever asks may, and that it was not done just before. */
  const mayTake = (
    request: IncomingMessage,
    response: ServerResponse,
    name: 'snapshot' | 'restore',
    method: 'GET' | 'POST',
  ): RunningServer | null => {
    const refuse = (status: number, error: string): null => {
      answerCommand(response, status, name, [['error', error]]);
      return null;
    };
    if (request.method !== method) return refuse(405, `${name} is asked for by ${method}`);
    const running = server();
    const isEnabled = name === 'snapshot' ? admin.snapshotEnabled : admin.restoreEnabled;
    if (!isEnabled) return refuse(503, `admin.${name}.enabled is false`);
    if (running === null) return refuse(503, notServing);
    const access = accessOf(request, running.state(), config.rules.superDigest, subjectOf(request.socket));
    if (access.status !== 200) return refuse(access.status, access.error ?? '');
    if (!running.inspect().serving) return refuse(503, notServing);
    const { counters } = running.metrics;
    const late = performance.now() - takes[name];
    if (isTaking || late < admin.rateLimitMs) {
      counters[name === 'snapshot' ? 'snapshot_rate_limited_count' : 'restore_rate_limited_count'] += 1;
      const wait = `once in ${admin.rateLimitMs} ms (admin.rateLimiterIntervalInMS)`;
      return refuse(429, isTaking ? 'another snapshot or restore is on its way' : `${name} is done at most ${wait}`);
    }
    return running;
  };

  const takeSnapshot = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const running = mayTake(request, response, 'snapshot', 'GET');
    if (running === null) return;
    isTaking = true;
    takes.snapshot = performance.now();
    try {
      const taken = await running.takeSnapshot();
      if (E.isLeft(taken)) {
        running.metrics.counters.snapshot_error_count += 1;
        return answerCommand(response, 500, 'snapshot', [['error', taken.left]]);
      }
      const { zxid, path } = taken.right;
      const { size } = await stat(path);
      log('info', `a snapshot at ${formatZxid(zxid)} was asked for over HTTP`, { zxid: formatZxid(zxid) });
      const headers = { last_zxid: formatZxid(zxid), snapshot_size: String(size) };
      if (url.searchParams.get('streaming') === 'false') return answerCommand(response, 200, 'snapshot', [], headers);
      response.writeHead(200, { ...headers, 'Content-Type': 'application/octet-stream', 'Content-Length': size });
      await pipeline(createReadStream(path), response);
    } finally {
      isTaking = false;
    }
  };

  const takeRestore = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const running = mayTake(request, response, 'restore', 'POST');
    if (running === null) return;
    isTaking = true;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const restored = await restore(Buffer.concat(chunks));
      if (E.isLeft(restored)) {
        running.metrics.counters.restore_error_count += 1;
        return answerCommand(response, restored.left.status, 'restore', [['error', restored.left.error]]);
      }
      takes.restore = performance.now();
      answerCommand(response, 200, 'restore', [['last_zxid', formatZxid(restored.right)]]);
    } finally {
      isTaking = false;
    }
  };

  return startHttp({
    name: 'admin',
    bind: { host: admin.host ?? undefined, port: admin.port },
    idleTimeoutMs: admin.idleTimeoutMs,
    handle,
    log,
    ...(door === undefined ? {} : { door }),
  });
};

const answerError = (response: ServerResponse, status: number, error: string): void =>
  answer(response, status, entries([['error', error]]));

/** Every answer names its command, and its error, which is null where there is none. */
const answerCommand = (
  response: ServerResponse,
  status: number,
  name: string,
  fields: Fields,
  headers: Readonly<Record<string, string>> = {},
): void => {
  const error = fields.some(([key]) => key === 'error') ? [] : [['error', null] as const];
  answer(response, status, entries([...fields, ['command', name] as const, ...error]), headers);
};

const listOf = (commandUrl: string): string =>
  [...commands.map((c) => c.names[0] ?? ''), 'snapshot', 'restore']
    .toSorted()
    .map((name) => `<a href="${commandUrl}/${name}">${name}</a>\n<br/>\n`)
    .join('');
