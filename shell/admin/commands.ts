/**
 * The commands of the admin server with ZooKeeper's field names. Each is a function from what a server shows of itself;
 * those that do something or carry a body (snapshot, restore) stand in snapshots.ts.
 * @see org.apache.zookeeper.server.admin.Commands
 */
import { formatZxid } from '../../core/data/zxid.js';
import { environment } from '../environment.js';
import { sessionsByPath } from '../fourLetter.js';
import type { WordActions } from '../fourLetter.js';
import { average } from '../metrics.js';
import type { Sizes } from '../metrics.js';
import { monitorFigures } from '../monitor.js';
import type { ClientView, MemberView, ServerStatus } from '../status.js';
import { entries, fields, items, sessionNumber } from './json.js';
import type { Json } from './json.js';

export type Fields = readonly (readonly [key: string, value: Json])[];

export type Command = {
  /** The first is the primary one. */
  readonly names: readonly string[];
  /** Whether it is answered only while the server serves. */
  readonly needsServing: boolean;
  readonly run: (status: ServerStatus, actions: WordActions, query: URLSearchParams) => Fields;
};

const of = (record: Readonly<Record<string, Json>>): Fields => Object.entries(record);

const command = (names: string, run: Command['run'], needsServing = true): Command => ({
  names: names.split(' '),
  needsServing,
  run,
});

export const commands: readonly Command[] = [
  command('configuration conf config', configuration),
  command('connection_stat_reset crst', (_, { resetConnections }) => {
    resetConnections();
    return [];
  }),
  command('connections cons', (s) => connections(s)),
  command('dirs', ({ conf }) => of({ datadir_size: conf.dataDirSize, logdir_size: conf.dataLogSize })),
  command('dump', dump),
  command('environment env envi', (s) => environment(s), false),
  command('get_trace_mask gtmk', (s) => of({ tracemask: s.traceMask }), false),
  command('hash', () => of({ digests: items([]) })),
  // Apache shows the text of the file here, in the case that it has rewritten it; it may hold digests and passwords.
  command('initial_configuration icfg', () => of({ initial_configuration: null })),
  command('is_read_only isro', (s) => of({ read_only: s.mode === 'read-only' })),
  command('last_snapshot lsnp', ({ lastSnapshot }) =>
    of({
      zxid: lastSnapshot === null ? '-1' : formatZxid(lastSnapshot.zxid).slice(2),
      timestamp: lastSnapshot === null ? -1 : Math.floor(lastSnapshot.wallMs / 1000),
    }),
  ),
  command('leader lead', leader),
  command('monitor mntr', (s) =>
    monitorFigures(s).map(([key, f]) => [key, typeof f === 'object' ? { double: f.double } : f] as const),
  ),
  command('observer_connection_stat_reset orst', () => []),
  command('observers obsr', observers),
  command('ruok', () => [], false),
  command('server_stats srvr', serverStats),
  command(
    'set_trace_mask stmk',
    (_, { setTraceMask }, query) => {
      const text = query.get('traceMask') ?? '';
      if (!/^-?\d{1,19}$/.test(text)) return of({ error: 'setTraceMask requires long traceMask argument' });
      setTraceMask(BigInt(text));
      return of({ tracemask: BigInt(text) });
    },
    false,
  ),
  command('stat_reset srst', (_, { resetServer }) => {
    resetServer();
    return [];
  }),
  command('stats stat', (s) => [...serverStats(s), ...connections(s)]),
  command('system_properties sysp', (s) => systemProperties(s), false),
  command('voting_view', ({ members }) =>
    of({
      current_config: entries(members.filter((m) => !m.observer).map((m) => [String(m.id), votingMember(m)] as const)),
    }),
  ),
  command('watch_summary wchs', (s) => {
    const watches = s.watches();
    return of({
      num_connections: watches.size,
      num_paths: new Set([...watches.values()].flat()).size,
      num_total_watches: s.watchCount,
    });
  }),
  command('watches wchc', (s) =>
    of({ session_id_to_watched_paths: entries(lazily(s.watches(), ([id, paths]) => [decimal(id), items(paths)])) }),
  ),
  command('watches_by_path wchp', (s) =>
    of({
      path_to_session_ids: entries(
        lazily(sessionsByPath(s), ([path, ids]) => [path, items(ids.map(sessionNumber))] as const),
      ),
    }),
  ),
  command('zabstate', zabState),
];

/** What is sent while it is walked. */
function* lazily<A, B>(from: Iterable<A>, f: (a: A) => B): Generator<B> {
  for (const a of from) yield f(a);
}

const decimal = (session: string): string => String(sessionNumber(session));

function configuration({ conf }: ServerStatus): Fields {
  return of({
    client_port: conf.clientPort,
    data_dir: conf.dataDir,
    data_log_dir: conf.dataLogDir,
    tick_time: conf.tickTime,
    max_client_cnxns: conf.maxClientCnxns,
    min_session_timeout: conf.minSessionTimeout,
    max_session_timeout: conf.maxSessionTimeout,
    server_id: conf.serverId,
    client_port_listen_backlog: conf.clientPortListenBacklog,
    ...(conf.quorum === null
      ? {}
      : {
          init_limit: conf.quorum.initLimit,
          sync_limit: conf.quorum.syncLimit,
          election_alg: 3,
          election_port: conf.quorum.electionPort,
          quorum_port: conf.quorum.quorumPort,
          peer_type: conf.quorum.observer ? 1 : 0,
        }),
  });
}

function connections(s: ServerStatus): Fields {
  return of({
    connections: items(lazily(s.connections(), connection)),
    secure_connections: items(lazily(s.secureConnections(), connection)),
  });
}

const connection = (c: ClientView): Json => {
  const t = c.traffic;
  return fields({
    remote_socket_address: c.address.includes(':') ? `[${c.address}]:${c.port}` : `${c.address}:${c.port}`,
    interest_ops: c.reading ? 1 : 0,
    outstanding_requests: c.queued,
    packets_received: t.received,
    packets_sent: t.sent,
    ...(c.session === null
      ? {}
      : {
          session_id: sessionNumber(c.session),
          last_operation: t.lastOp,
          established: t.establishedMs,
          session_timeout: c.timeoutMs,
          last_cxid: t.lastCxid ?? -1,
          last_zxid: t.lastZxid === null ? -1 : BigInt(t.lastZxid),
          last_response_time: t.lastResponseMs,
          last_latency: t.lastLatencyMs,
          min_latency: t.minLatencyMs,
          avg_latency: t.latencies === 0 ? 0 : Math.floor(t.latencySumMs / t.latencies),
          max_latency: t.maxLatencyMs,
        }),
  });
};

function dump(s: ServerStatus): Fields {
  const expiries = s.expiries() ?? [];
  return of({
    expiry_time_to_session_ids: entries(
      lazily(expiries, (e) => [String(e.atMs), items(e.sessions.map(sessionNumber))] as const),
    ),
    session_id_to_ephemeral_paths: entries(
      lazily(s.ephemerals(), ([id, paths]) => [decimal(id), items(paths)] as const),
    ),
  });
}

function leader(s: ServerStatus): Fields {
  if (s.members.length === 0) return of({ error: 'server is not initialized' });
  const host = s.members.find((m) => m.id === s.leaderId)?.host ?? '';
  return of({ is_leader: s.leaderId === s.self, leader_id: s.leaderId ?? -1, leader_ip: host });
}

function observers(s: ServerStatus): Fields {
  return of({
    synced_observers: s.leader?.syncedObservers ?? 0,
    observers: items(
      s.observers.map((o) =>
        fields({ remote_socket_address: o.host, sid: o.id, last_zxid: BigInt(formatZxid(o.zxid)) }),
      ),
    ),
  });
}

const sizes = (s: Sizes): Json => fields({ last_buffer_size: s.last, min_buffer_size: s.min, max_buffer_size: s.max });

function serverStats(s: ServerStatus): Fields {
  const m = s.metrics;
  return of({
    version: `${s.version}, built on ${s.builtOn}`,
    read_only: s.mode === 'read-only',
    server_stats: fields({
      packets_sent: m.packetsSent,
      packets_received: m.packetsReceived,
      fsync_threshold_exceed_count: m.counters.fsync_threshold_exceed_count,
      client_response_stats: sizes(m.responseSize),
      provider_null: false,
      server_state: s.mode,
      outstanding_requests: m.outstanding,
      min_latency: m.latencyMs.min,
      avg_latency: { double: average(m.latencyMs) },
      max_latency: m.latencyMs.max,
      data_dir_size: s.conf.dataDirSize,
      log_dir_size: s.conf.dataLogSize,
      last_processed_zxid: BigInt(formatZxid(s.zxid)),
      num_alive_client_connections: m.connections,
      uptime: Math.floor(s.uptimeMs),
      auth_failed_count: m.authFailed,
      non_mtlsremote_conn_count: 0,
      non_mtlslocal_conn_count: 0,
    }),
    client_response: sizes(m.responseSize),
    ...(s.leader === null ? {} : { proposal_stats: sizes(m.proposalSize) }),
    node_count: s.znodes,
  });
}

/** Java's names where something of Node means the same; settings are in `configuration`. */
const systemProperties = (s: ServerStatus): Fields => [
  ...environment(s),
  ['file.separator', process.platform === 'win32' ? '\\' : '/'],
  ['line.separator', '\n'],
  ['java.vm.name', `V8 ${process.versions.v8}`],
  ['java.pid', String(process.pid)],
];

const votingMember = (m: MemberView): Json =>
  fields({
    server_addresses: items([`${m.host}:${m.quorumPort}`]),
    election_addresses: items([`${m.host}:${m.electionPort}`]),
    client_address: m.client,
    learner_type: m.observer ? 'observer' : 'participant',
  });

function zabState(s: ServerStatus): Fields {
  const own = s.members.find((m) => m.id === s.self);
  if (own === undefined) return of({ voting: false, zabstate: '' });
  return of({
    myid: s.self,
    is_leader: s.leaderId === s.self,
    quorum_address: addresses(own.host, own.quorumPort),
    election_address: addresses(own.host, own.electionPort),
    client_address: own.client,
    voting: !own.observer,
    last_zxid: formatZxid(s.zxid),
    zab_epoch: s.zxid.epoch,
    zab_counter: s.zxid.counter,
    zabstate: s.phase === 'LOOKING' ? 'election' : s.phase.toLowerCase(),
  });
}

const addresses = (host: string, port: number): Json => {
  const one = `${host}:${port}`;
  return fields({
    empty: false,
    all_addresses: items([one]),
    wildcard_addresses: items([`0.0.0.0:${port}`]),
    all_ports: items([port]),
    all_host_strings: items([host]),
    reachable_address: one,
    all_reachable_addresses: items([one]),
    all_reachable_addresses_or_all: items([one]),
    reachable_or_one: one,
    one,
  });
};

/** A command by one of its names. */
export const findCommand = (name: string): Command | undefined => commands.find((c) => c.names.includes(name));
