/**
 * Texts of the four-letter words, as ZooKeeper 3.9 prints them; monitoring tools parse them by line and by key.
 * @see ZooKeeper Administrator's Guide, "The Four Letter Words"
 */
import type { Zxid } from '../core/data/zxid.js';
import { formatZxid } from '../core/data/zxid.js';
import type { Metrics } from './metrics.js';
import { average } from './metrics.js';

/** Words that are recognised on a fresh connection: all of ZooKeeper's, whether answered here or not. */
export const fourLetterWords: ReadonlySet<string> = new Set(
  'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat stmk wchc wchp wchs'.split(' '),
);

/** Words that have an answer here; the others are refused as if not on the list. */
export const answeredWords = ['ruok', 'srvr', 'stat', 'mntr', 'isro', 'conf'] as const;
type AnsweredWord = (typeof answeredWords)[number];

/** One client connection as `stat` shows it. */
export type ConnectionStatus = {
  readonly address: string;
  readonly port: number;
  /** Whether the server reads from it at the moment. */
  readonly reading: boolean;
  readonly queued: number;
  readonly received: number;
  readonly sent: number;
};

/** What only a leader shows; proposal sizes are in bytes, -1 before the first. */
export type LeaderStatus = {
  readonly learners: number;
  readonly syncedFollowers: number;
  readonly syncedNonVotingFollowers: number;
  readonly syncedObservers: number;
  readonly pendingSyncs: number;
  readonly lastProposalSize: number;
  readonly minProposalSize: number;
  readonly maxProposalSize: number;
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

export type ServerStatus = {
  readonly version: string;
  readonly builtOn: string;
  /** False while there is no leader: most words then have one fixed answer. */
  readonly serving: boolean;
  readonly mode: 'standalone' | 'leader' | 'follower' | 'observer' | 'read-only';
  /** As `following - broadcast`; null for a standalone server. */
  readonly peerState: string | null;
  readonly zxid: Zxid;
  readonly uptimeMs: number;
  readonly metrics: Metrics;
  readonly connections: readonly ConnectionStatus[];
  readonly leader: LeaderStatus | null;
  /** Descriptors of the process; null where the platform does not tell. */
  readonly files: { readonly open: number; readonly max: number } | null;
  readonly conf: ConfStatus;
};

const notServing = 'This ZooKeeper instance is not currently serving requests\n';

/**
 * The words that may be used, from `4lw.commands.whitelist`: a comma list or `*`.
 * @param setting      undefined when not set: `srvr` alone
 * @param readOnlyMode clients look for a writable server by `isro`, so read-only mode allows it by itself
 */
export const allowedWords = (setting: string | undefined, readOnlyMode: boolean): ReadonlySet<string> => {
  const listed = (setting ?? 'srvr')
    .split(',')
    .map((w) => w.trim())
    .filter((w) => w !== '');
  return new Set([...(listed.includes('*') ? fourLetterWords : listed), ...(readOnlyMode ? ['isro'] : [])]);
};

/** The whole answer to one word; the connection is closed behind it. */
export const answerFourLetterWord = (word: string, allowed: ReadonlySet<string>, status: ServerStatus): string => {
  if (!allowed.has(word) || !isAnswered(word)) return `${word} is not executed because it is not in the whitelist.\n`;
  if (word === 'ruok') return 'imok';
  if (word === 'isro') return status.serving ? (status.mode === 'read-only' ? 'ro' : 'rw') : 'null';
  if (!status.serving) return notServing;
  switch (word) {
    case 'srvr':
      return server(status, '');
    case 'stat':
      return server(status, clients(status.connections));
    case 'mntr':
      return monitor(status);
    case 'conf':
      return configuration(status.conf);
  }
};

const isAnswered = (word: string): word is AnsweredWord => (answeredWords as readonly string[]).includes(word);

const server = (s: ServerStatus, between: string): string => {
  const m = s.metrics;
  return lines([
    `Zookeeper version: ${s.version}, built on ${s.builtOn}`,
    ...(s.mode === 'read-only' ? ['READ-ONLY mode; serving only read-only clients'] : []),
    ...(between === '' ? [] : [between]),
    `Latency min/avg/max: ${m.latencyMs.min}/${double(average(m.latencyMs))}/${m.latencyMs.max}`,
    `Received: ${m.packetsReceived}`,
    `Sent: ${m.packetsSent}`,
    `Connections: ${m.connections}`,
    `Outstanding: ${m.outstanding}`,
    `Zxid: ${formatZxid(s.zxid)}`,
    `Mode: ${s.mode}`,
    `Node count: ${m.znodes}`,
    ...(s.leader === null
      ? []
      : [
          `Proposal sizes last/min/max: ${s.leader.lastProposalSize}/${s.leader.minProposalSize}/${s.leader.maxProposalSize}`,
        ]),
  ]);
};

const clients = (connections: readonly ConnectionStatus[]): string => lines(['Clients:', ...connections.map(client)]);

/** The number in brackets is the set of operations that Java's selector waits for: 1 is reading. */
const client = (c: ConnectionStatus): string =>
  ` /${c.address.includes(':') ? `[${c.address}]` : c.address}:${c.port}[${c.reading ? 1 : 0}]` +
  `(queued=${c.queued},recved=${c.received},sent=${c.sent})`;

const monitor = (s: ServerStatus): string => {
  const m = s.metrics;
  const rows: (readonly [string, string | number])[] = [
    ['version', `${s.version}, built on ${s.builtOn}`],
    ['server_state', s.mode],
    ...(s.peerState === null ? [] : [['peer_state', s.peerState] as const]),
    ['avg_latency', double(average(m.latencyMs))],
    ['max_latency', m.latencyMs.max],
    ['min_latency', m.latencyMs.min],
    ['packets_received', m.packetsReceived],
    ['packets_sent', m.packetsSent],
    ['num_alive_connections', m.connections],
    ['outstanding_requests', m.outstanding],
    ['uptime', Math.floor(s.uptimeMs)],
    ['znode_count', m.znodes],
    ['watch_count', m.watches],
    ['ephemerals_count', m.ephemerals],
    ['approximate_data_size', m.dataSize],
    ['global_sessions', m.sessions],
    ['connection_rejected', m.connectionsRejected],
    ['connection_drop_count', m.connectionsDropped],
    ['bytes_received_count', m.bytesReceived],
    ['response_bytes', m.bytesSent],
    ['proposal_count', m.proposals],
    ['commit_count', m.commits],
    ['avg_fsynctime', double(average(m.fsyncMs))],
    ['min_fsynctime', m.fsyncMs.min],
    ['max_fsynctime', m.fsyncMs.max],
    ['cnt_fsynctime', m.fsyncMs.count],
    ['sum_fsynctime', m.fsyncMs.sum],
    ...(s.files === null
      ? []
      : ([
          ['open_file_descriptor_count', s.files.open],
          ['max_file_descriptor_count', s.files.max],
        ] as const)),
    ...(s.leader === null ? [] : leaderRows(s.leader)),
  ];
  return lines(rows.map(([key, value]) => `zk_${key}\t${value}`));
};

const leaderRows = (l: LeaderStatus): readonly (readonly [string, number])[] => [
  ['learners', l.learners],
  ['synced_followers', l.syncedFollowers],
  ['synced_non_voting_followers', l.syncedNonVotingFollowers],
  ['synced_observers', l.syncedObservers],
  ['pending_syncs', l.pendingSyncs],
  ['last_proposal_size', l.lastProposalSize],
  ['max_proposal_size', l.maxProposalSize],
  ['min_proposal_size', l.minProposalSize],
];

const configuration = (c: ConfStatus): string =>
  lines([
    `clientPort=${c.clientPort}`,
    `secureClientPort=${c.secureClientPort}`,
    `dataDir=${c.dataDir}`,
    `dataDirSize=${c.dataDirSize}`,
    `dataLogDir=${c.dataLogDir}`,
    `dataLogSize=${c.dataLogSize}`,
    `tickTime=${c.tickTime}`,
    `maxClientCnxns=${c.maxClientCnxns}`,
    `minSessionTimeout=${c.minSessionTimeout}`,
    `maxSessionTimeout=${c.maxSessionTimeout}`,
    `clientPortListenBacklog=${c.clientPortListenBacklog}`,
    `serverId=${c.serverId}`,
    ...(c.quorum === null
      ? []
      : [
          `initLimit=${c.quorum.initLimit}`,
          `syncLimit=${c.quorum.syncLimit}`,
          'electionAlg=3', // fast leader election, the only one left in 3.9
          `electionPort=${c.quorum.electionPort}`,
          `quorumPort=${c.quorum.quorumPort}`,
          `peerType=${c.quorum.observer ? 1 : 0}`,
          'membership: ',
          c.quorum.membership,
        ]),
  ]);

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

/** Java prints a double that is whole as `5.0`; parsers made for it may rely on the point. */
const double = (n: number): string => (Number.isInteger(n) ? `${n}.0` : String(n));
