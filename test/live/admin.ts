/** A standalone server in this process with its admin server and metrics port, for tests that ask them over HTTP. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { explainConfigError, loadConfig } from '../../shell/config.js';
import { nodeDisk } from '../../shell/storage/nodeDisk.js';
import { runSupervised } from '../../shell/supervised.js';
import type { Supervised } from '../../shell/supervised.js';
import { eventually } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';

export type Line = {
  readonly level: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
};

export type AdminServer = {
  readonly dir: string;
  readonly clientPort: number;
  readonly adminPort: number;
  readonly metricsPort: number;
  readonly server: Supervised;
  readonly lines: readonly Line[];
  readonly get: (path: string, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly post: (path: string, body: Buffer, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  readonly json: (command: string) => Promise<Readonly<Record<string, unknown>>>;
  readonly stop: () => void;
};

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

export const ask = (
  port: number,
  path: string,
  { method = 'GET', body, headers = {} }: { method?: string; body?: Buffer; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });

export const superAuth = { Authorization: 'digest super:secret' } as const;

/**
 * @param serves whether it can: a member without its peers cannot
 * @param opens  whether its admin port opens
 */
export const startAdminServer = async (
  settings: readonly string[] = [],
  serves = true,
  opens = true,
): Promise<AdminServer> => {
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-admin-'));
  const [clientPort = 0, adminPort = 0, metricsPort = 0] = await freePorts(3);
  const file = join(dir, 'zoo.cfg');
  const text = [
    ...[
      'tickTime=300',
      'maxSessionTimeout=60000',
      `dataDir=${dir}`,
      `clientPort=${clientPort}`,
      'clientPortAddress=127.0.0.1',
    ],
    ...['4lw.commands.whitelist=*', 'preAllocSize=64', `admin.serverPort=${adminPort}`],
    ...['admin.serverAddress=127.0.0.1', 'metricsProvider.httpHost=127.0.0.1'],
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    `metricsProvider.httpPort=${metricsPort}`,
    'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
    ...settings,
  ];
  writeFileSync(file, text.join('\n'));
  writeFileSync(join(dir, 'myid'), '1\n');
  const config = loadConfig(file);
  if (E.isLeft(config)) throw new Error(config.left.map(explainConfigError).join('\n'));
  const lines: Line[] = [];
  const failed: string[] = [];
  const started = runSupervised({
    config: config.right,
    disk: nodeDisk,
    log: (level, message, fields = {}) => lines.push({ level, text: message, fields }),
    onFatal: (what) => failed.push(what),
  });
  if (E.isLeft(started)) throw new Error(started.left.message);
  const server = started.right;
  try {
    if (serves) await eventually('it serves', () => (server.status()?.serving === true ? true : null));
    await eventually('its HTTP ports are bound', () =>
      (server.adminPort() > 0 || !opens) && server.metricsPort() > 0 ? true : null,
    );
  } catch (e) {
    server.stop();
    throw new Error(lines.map((l) => l.text).join('\n'), { cause: e });
  }
  return {
    ...{ dir, clientPort, adminPort: opens ? adminPort : server.adminPort(), metricsPort, server, lines },
    get: (path, headers = {}) => ask(adminPort, path, { headers }),
    post: (path, body, headers = {}) => ask(adminPort, path, { method: 'POST', body, headers }),
    json: async (command) => {
      const { body } = await ask(adminPort, `/commands/${command}`);
      return JSON.parse(body.toString('utf8')) as Readonly<Record<string, unknown>>;
    },
    stop: () => {
      server.stop();
      rmSync(dir, { recursive: true, force: true });
      if (failed.length > 0) throw new Error(failed.join('\n'));
    },
  };
};

/** A key and a certificate of its own in one PEM file, as Apache's PEM key stores are. */
export const keyStore = (dir: string, name: string): string => {
  const [key, cert, store] = ['key', 'cert', 'store'].map((kind) => join(dir, `${name}-${kind}.pem`));
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-keyout', key ?? '', '-out', cert ?? ''],
  ]);
  writeFileSync(store ?? '', readFileSync(key ?? '', 'utf8') + readFileSync(cert ?? '', 'utf8'));
  return store ?? '';
};

export const askTls = (
  port: number,
  path: string,
  pem: Buffer | null,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const keys = pem === null ? {} : { key: pem, cert: pem };
    const asked = tlsRequest(
      { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, headers, ...keys },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    asked.on('error', reject);
    asked.end();
  });
