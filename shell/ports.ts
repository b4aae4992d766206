/** The three ports of a server, and what stands around them: SASL of clients, the audit log. */
import type { ServerEvent } from '../core/server.js';
import { limitsFor } from '../wire/quorum.js';
import type { AuditLog } from './audit.js';
import { isAlone } from './configEnsemble.js';
import type { Config } from './configValues.js';
import type { Metrics } from './metrics.js';
import { startClientPort } from './net/client.js';
import type { ClientPort } from './net/clientPort.js';
import { startElection } from './net/election.js';
import type { ElectionPort } from './net/election.js';
import type { Log } from './net/log.js';
import { clientsWithin, openFileLimit } from './net/openFiles.js';
import type { createOutlets } from './net/outlet.js';
import { startQuorum } from './net/quorum.js';
import type { QuorumPort } from './net/quorum.js';
import { startSaslClients } from './net/saslClients.js';
import type { SaslClients } from './net/saslClients.js';
import type { OpenSecurity } from './security.js';

/** What a server has open. */
export type Ports = {
  readonly election: ElectionPort | null;
  readonly quorum: QuorumPort | null;
  readonly client: ClientPort | null;
  readonly sasl: SaslClients | null;
  readonly audit: AuditLog | null;
};

export type PortOptions = {
  readonly config: Config;
  readonly log: Log;
  readonly loop: { readonly push: (event: ServerEvent) => void };
  readonly outlets: ReturnType<typeof createOutlets>;
  readonly metrics: Metrics;
  readonly fatal: (what: string) => void;
  readonly words: (word: string, mask: bigint | null) => string;
  readonly security: OpenSecurity;
  readonly audit: AuditLog | null;
};

export const openPorts = (options: PortOptions): Ports => {
  const { config, security, audit, log, loop, outlets, metrics, fatal, words } = options;
  const { push } = loop;
  const own = config.servers.find((s) => s.id === config.self);
  const { peers } = config;
  const listensAt = (host: string): { readonly host: string | undefined } => ({
    host: peers.everyAddress ? undefined : host,
  });
  const initTimeoutMs = config.tickTimeMs * config.initLimitTicks;
  const failed =
    (port: string) =>
    (error: Error): void =>
      fatal(`the ${port} port: ${error.message}`);
  const election =
    own === undefined || isAlone(config)
      ? null
      : startElection({
          self: config.self,
          peers: config.servers.map((s) => ({ sid: s.id, host: s.host, electionPort: s.electionPort })),
          bind: { ...listensAt(own.host), port: own.electionPort, tries: peers.bindTries },
          onNotification: (from, { notification, config: text }) =>
            push({ type: 'NotificationReceived', from, notification, config: text }),
          onFailed: failed('election'),
          connectTimeoutMs: peers.connectTimeoutMs,
          handshakeTimeoutMs: peers.firstMessageMs ?? config.tickTimeMs * config.syncLimitTicks,
          security,
          log,
        });
  const quorum =
    own === undefined || isAlone(config)
      ? null
      : startQuorum({
          self: config.self,
          peers: config.servers.map((s) => ({ sid: s.id, host: s.host, quorumPort: s.quorumPort })),
          bind: { ...listensAt(own.host), port: own.quorumPort, keepAlive: peers.keepAlive },
          onPacket: (from, packet) => push({ type: 'PacketReceived', from, packet }),
          onClosed: (peer) => push({ type: 'PeerClosed', peer }),
          onFailed: failed('quorum'),
          initTimeoutMs,
          limits: limitsFor(config.maxBufferBytes),
          security,
          outlets,
          log,
        });
  const address = config.client;
  const { limits } = config;
  const { secureClient, saslUsers, clientUnification } = config.security;
  const sasl = saslUsers === null ? null : startSaslClients(new Map(saslUsers), log);
  const client =
    address === null && secureClient === null
      ? null
      : startClientPort({
          bind:
            address === null
              ? null
              : {
                  host: address.host ?? undefined,
                  port: address.port,
                  ...(limits.backlog === null ? {} : { backlog: limits.backlog }),
                },
          secure:
            security.clientTls === null
              ? null
              : {
                  bind:
                    secureClient === null ? null : { host: secureClient.host ?? undefined, port: secureClient.port },
                  tls: security.clientTls,
                  atPlainPort: clientUnification,
                },
          onConnected: (conn, from, proved) => push({ type: 'ClientConnected', conn, address: from, proved }),
          onConnect: (conn, request) => push({ type: 'ConnectReceived', conn, request }),
          onRequest: (conn, xid, request) =>
            push({
              type: 'RequestReceived',
              conn,
              xid,
              request:
                request.op === 'sasl' && sasl !== null
                  ? { op: 'sasl', token: null, answer: sasl.answer(conn, request.token) }
                  : request,
            }),
          onClosed: (conn) => {
            sasl?.forget(conn);
            push({ type: 'ClientClosed', conn });
          },
          onFourLetterWord: (word, reply, mask) => reply(words(word, mask)),
          onFailed: failed('client'),
          limits: {
            maxClientCnxns: config.maxClientCnxns,
            maxCnxns: fewest(limits.maxCnxns, clientsWithin(openFileLimit())),
            maxOutstanding: limits.maxOutstanding,
            maxInProgress: limits.maxInProgress,
            maxWaitMs: limits.maxWaitMs,
            largeBytes: limits.largeBytes,
            maxLargeBytes: limits.maxLargeBytes,
            connections: limits.connections,
            keepAlive: limits.keepAlive,
            maxBuffer: config.maxBufferBytes,
            requestWarningMs: config.operations.requestWarningMs,
          },
          outlets,
          metrics,
          log,
        });
  return { election, quorum, client, sasl, audit };
};

/** The lower of two limits; 0 is none. */
const fewest = (a: number, b: number): number => (a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b));
