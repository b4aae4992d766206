/**
 * Texts of the four-letter words, as ZooKeeper 3.9 prints them; monitoring tools parse them by line and by key.
 * @see ZooKeeper Administrator's Guide, "The Four Letter Words"
 */
import { formatZxid } from '../core/data/zxid.js';
import { environment } from './environment.js';
import { average } from './metrics.js';
import { formatDouble, formatFigure, monitorFigures } from './monitor.js';
import type { ClientView, ConfStatus, ServerStatus } from './status.js';

export type { ConfStatus, LeaderStatus, ServerStatus } from './status.js';

/** Every word of ZooKeeper: they are recognised on a fresh connection. */
export const wordNames = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'stmk',
  'wchc',
  'wchp',
  'wchs',
] as const;
export type Word = (typeof wordNames)[number];
export const fourLetterWords: ReadonlySet<string> = new Set(wordNames);

/** What some words do, beside their answer. */
export type WordActions = {
  readonly resetConnections: () => void;
  readonly resetServer: () => void;
  readonly setTraceMask: (mask: bigint) => void;
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

/**
 * The whole answer to one word; the connection is closed behind it.
 * @param mask what came behind `stmk`
 */
export const answerFourLetterWord = (
  word: string,
  allowed: ReadonlySet<string>,
  status: ServerStatus,
  actions: WordActions,
  mask: bigint | null = null,
): string => {
  if (!allowed.has(word) || !isWord(word)) return `${word} is not executed because it is not in the whitelist.\n`;
  if (word === 'ruok') return 'imok';
  if (word === 'isro') return status.serving ? (status.mode === 'read-only' ? 'ro' : 'rw') : 'null';
  if (word === 'gtmk') return String(status.traceMask);
  if (word === 'envi') return lines(['Environment:', ...environment(status).map(([key, value]) => `${key}=${value}`)]);
  if (word === 'stmk') {
    if (mask !== null) actions.setTraceMask(mask);
    return String(mask ?? status.traceMask);
  }
  if (!status.serving) return notServing;
  switch (word) {
    case 'srvr':
      return server(status, '');
    case 'stat':
      return server(status, clients(status));
    case 'mntr':
      return lines(monitorFigures(status).map(([key, value]) => `zk_${key}\t${formatFigure(value)}`));
    case 'conf':
      return configuration(status.conf);
    case 'cons':
      return `${[...status.connections(), ...status.secureConnections()].map((c) => `${session(c)}\n`).join('')}\n`;
    case 'dump':
      return dump(status);
    case 'wchs':
      return watchSummary(status);
    case 'wchc':
      return `${watchesBySession(status)}\n`;
    case 'wchp':
      return `${watchesByPath(status)}\n`;
    case 'dirs':
      return lines([`datadir_size: ${status.conf.dataDirSize}`, `logdir_size: ${status.conf.dataLogSize}`]);
    case 'hash':
      return ''; // no transaction carries a digest of the tree (decision 0008)
    case 'crst':
      actions.resetConnections();
      return 'Connection stats reset.\n';
    case 'srst':
      actions.resetServer();
      return 'Server stats reset.\n';
  }
};

const isWord = (word: string): word is Word => fourLetterWords.has(word);

const server = (s: ServerStatus, between: string): string => {
  const m = s.metrics;
  const size = m.proposalSize;
  return lines([
    `Zookeeper version: ${s.version}, built on ${s.builtOn}`,
    ...(s.mode === 'read-only' ? ['READ-ONLY mode; serving only read-only clients'] : []),
    ...(between === '' ? [] : [between]),
    `Latency min/avg/max: ${m.latencyMs.min}/${formatDouble(average(m.latencyMs))}/${m.latencyMs.max}`,
    `Received: ${m.packetsReceived}`,
    `Sent: ${m.packetsSent}`,
    `Connections: ${m.connections}`,
    `Outstanding: ${m.outstanding}`,
    `Zxid: ${formatZxid(s.zxid)}`,
    `Mode: ${s.mode}`,
    `Node count: ${s.znodes}`,
    ...(s.leader === null ? [] : [`Proposal sizes last/min/max: ${size.last}/${size.min}/${size.max}`]),
  ]);
};

const clients = (s: ServerStatus): string =>
  lines(['Clients:', ...[...s.connections(), ...s.secureConnections()].map((c) => `${traffic(c)})`)]);

const addressOf = (c: ClientView): string => `/${c.address.includes(':') ? `[${c.address}]` : c.address}:${c.port}`;

/** The number in brackets is the set of operations that Java's selector waits for: 1 is reading. */
const traffic = (c: ClientView): string =>
  ` ${addressOf(c)}[${c.reading ? 1 : 0}](queued=${c.queued},recved=${c.traffic.received},sent=${c.traffic.sent}`;

const session = (c: ClientView): string => {
  if (c.session === null) return `${traffic(c)})`;
  const t = c.traffic;
  const average = t.latencies === 0 ? 0 : Math.floor(t.latencySumMs / t.latencies);
  return (
    `${traffic(c)},sid=${hex(c.session)},lop=${t.lastOp},est=${t.establishedMs},to=${c.timeoutMs}` +
    `${t.lastCxid === null ? '' : `,lcxid=0x${t.lastCxid.toString(16)}`},lzxid=${t.lastZxid ?? '0xffffffffffffffff'}` +
    `,lresp=${t.lastResponseMs},llat=${t.lastLatencyMs},minlat=${t.minLatencyMs},avglat=${average}` +
    `,maxlat=${t.maxLatencyMs})`
  );
};

/** Sixteen digits as Java prints a long: without zeros in front. */
const hex = (session: string): string => `0x${session.replace(/^0+(?=.)/, '')}`;

const dump = (s: ServerStatus): string => {
  const expiries = s.expiries();
  const ephemerals = s.ephemerals();
  const all = [...s.connections(), ...s.secureConnections()];
  return lines([
    'SessionTracker dump:',
    ...(expiries === null ? learnersSessions(s.sessions()) : sessionSets(expiries)),
    'ephemeral nodes dump:',
    `Sessions with Ephemerals (${ephemerals.size}):`,
    ...[...ephemerals].flatMap(([id, paths]) => [`${hex(id)}:`, ...paths.map((path) => `\t${path}`)]),
    'Connections dump:',
    ...connectionSets(all, s.conf.tickTime),
  ]);
};

const learnersSessions = (sessions: ReadonlyMap<string, number>): readonly string[] => [
  `Global Sessions(${sessions.size}):`,
  ...[...sessions].map(([id, timeoutMs]) => `${hex(id)}\t${timeoutMs}ms`),
];

const sessionSets = (expiries: NonNullable<ReturnType<ServerStatus['expiries']>>): readonly string[] => {
  const count = expiries.reduce((n, { sessions }) => n + sessions.length, 0);
  return [
    `Session Sets (${expiries.length})/(${count}):`,
    ...expiries.flatMap(({ wallMs, sessions }) => [
      `${sessions.length} expire at ${javaDate(wallMs)}:`,
      ...sessions.map((id) => `\t${hex(id)}`),
    ]),
  ];
};

/** A connection is closed with its session, or when it has none for ten seconds. */
const connectionSets = (all: readonly ClientView[], tickMs: number): readonly string[] => {
  const sets = new Map<number, ClientView[]>();
  const toWall = Date.now() - performance.now();
  for (const c of all) {
    const since = c.session === null ? c.traffic.establishedMs : c.traffic.lastResponseMs + toWall;
    const at = Math.floor((since + (c.session === null ? 10_000 : c.timeoutMs)) / tickMs + 1) * tickMs;
    sets.set(at, [...(sets.get(at) ?? []), c]);
  }
  return [
    `Connections Sets (${sets.size})/(${all.length}):`,
    ...[...sets]
      .toSorted(([a], [b]) => a - b)
      .flatMap(([at, members]) => [
        `${members.length} expire at ${javaDate(at)}:`,
        ...members.map((c) => `\tip: ${addressOf(c)} sessionId: ${c.session === null ? '0x0' : hex(c.session)}`),
      ]),
  ];
};

/** As java.util.Date prints a time in UTC. */
export const javaDate = (wallMs: number): string => {
  const [day = '', date = '', month = '', year = '', time = ''] = new Date(wallMs).toUTCString().split(/,? /);
  return `${day} ${month} ${date} ${time} UTC ${year}`;
};

const watchSummary = (s: ServerStatus): string => {
  const watches = s.watches();
  const paths = new Set([...watches.values()].flat());
  return lines([`${watches.size} connections watching ${paths.size} paths`, `Total watches:${s.watchCount}`]);
};

const watchesBySession = (s: ServerStatus): string =>
  lines([...s.watches()].flatMap(([id, paths]) => [hex(id), ...paths.map((path) => `\t${path}`)]));

const watchesByPath = (s: ServerStatus): string =>
  lines([...sessionsByPath(s)].flatMap(([path, ids]) => [path, ...ids.map((id) => `\t${hex(id)}`)]));

/** The sessions that watch each path. */
export const sessionsByPath = (s: ServerStatus): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const [id, paths] of s.watches())
    for (const path of paths) {
      const ids = found.get(path);
      if (ids === undefined) found.set(path, [id]);
      else ids.push(id);
    }
  return found;
};

const configuration = (c: ConfStatus): string => {
  const text = lines([
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
        ]),
  ]);
  return c.quorum === null ? text : text + c.quorum.membership;
};

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');
