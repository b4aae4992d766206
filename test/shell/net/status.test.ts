import test from 'ava';
import { allowedWords, answerFourLetterWord, fourLetterWords, javaDate } from '../../../shell/fourLetter.js';
import type { WordActions } from '../../../shell/fourLetter.js';
import type { ClientView, ServerStatus } from '../../../shell/status.js';
import { startLoop } from '../../../shell/loop.js';
import {
  average,
  createMetrics,
  namespaceOf,
  percentile,
  resetStatistics,
  sample,
  sampleKey,
  sampleSize,
} from '../../../shell/metrics.js';
import { newTraffic } from '../../../shell/net/traffic.js';
import { createSizer } from '../../../shell/sizer.js';

const metrics = createMetrics();
for (const ms of [0, 2, 20]) sample(metrics.latencyMs, ms);
Object.assign(metrics, { packetsReceived: 12, packetsSent: 11, connections: 1 });
sampleKey(metrics, 'read_per_namespace', 'app', 7);

const client = (id: number, address: string, more: Partial<ClientView> = {}): ClientView => ({
  ...{ id, address, port: 4999 + id, reading: true, secure: false, queued: 0, session: null, timeoutMs: 0 },
  ...{ traffic: { ...newTraffic(), received: 1, sent: 2 }, ...more },
});
const withSession = client(2, '::1', {
  ...{ reading: false, queued: 3, session: '01000169e0f80000', timeoutMs: 10_000 },
  traffic: {
    ...{ received: 13, sent: 15, lastOp: 'GETD', lastCxid: 12, lastZxid: '0x100000009', lastResponseMs: 2373 },
    session: '01000169e0f80000',
    ...{ lastLatencyMs: 2, minLatencyMs: 0, maxLatencyMs: 23, latencies: 2, latencySumMs: 13, establishedMs: 1795 },
  },
});

const standalone: ServerStatus = {
  version: '0.1.0',
  builtOn: '2026-11-21 00:00 UTC',
  serving: true,
  mode: 'standalone',
  peerState: null,
  zxid: { epoch: 0, counter: 26 },
  uptimeMs: 1234.5,
  metrics,
  phase: 'BROADCAST',
  self: 1,
  leaderId: 1,
  members: [],
  voters: 1,
  epoch: 0,
  znodes: 5,
  ephemeralCount: 2,
  sessionCount: 1,
  localSessionCount: 0,
  watchCount: 3,
  traceMask: 306n,
  lastSnapshot: null,
  connections: () => [client(1, '127.0.0.1'), withSession],
  secureConnections: () => [],
  dataSize: () => 27,
  expiries: () => [{ atMs: 1000, wallMs: 1795285024000, sessions: ['01000169e0f80000'] }],
  sessions: () => new Map([['01000169e0f80000', 10_000]]),
  ephemerals: () => new Map([['01000169e0f80000', ['/a/e', '/a/e2']]]),
  observers: [],
  watches: () =>
    new Map([
      ['01000169e0f80000', ['/a', '/nope']],
      ['0000000000000007', ['/a']],
    ]),
  quotas: () => [
    {
      path: '/app/a',
      limits: { count: 5, bytes: null, hardCount: null, hardBytes: 9 },
      use: { count: 2, bytes: 8 },
    },
  ],
  leader: null,
  files: { open: 33, max: 1024 },
  conf: {
    clientPort: 2181,
    secureClientPort: -1,
    dataDir: '/data/version-2',
    dataDirSize: 67108880,
    dataLogDir: '/data/version-2',
    dataLogSize: 457,
    tickTime: 2000,
    maxClientCnxns: 60,
    minSessionTimeout: 4000,
    maxSessionTimeout: 40000,
    clientPortListenBacklog: -1,
    serverId: 0,
    quorum: null,
  },
};
const leader: ServerStatus = {
  ...standalone,
  mode: 'leader',
  peerState: 'leading - broadcast',
  zxid: { epoch: 2, counter: 0x1f },
  leader: {
    learners: 3,
    syncedFollowers: 2,
    syncedNonVotingFollowers: 0,
    syncedObservers: 1,
    pendingSyncs: 0,
    uptimeMs: 77,
  },
  conf: {
    ...standalone.conf,
    quorum: {
      initLimit: 10,
      syncLimit: 5,
      electionPort: 3888,
      quorumPort: 2888,
      observer: false,
      membership: 'server.1=h:2888:3888:participant\nversion=0',
    },
  },
};
const all = allowedWords('*', false);
const said: string[] = [];
const actions: WordActions = {
  resetConnections: () => said.push('connections'),
  resetServer: () => said.push('server'),
  setTraceMask: (mask) => said.push(`mask ${mask}`),
};
const say = (word: string, status: ServerStatus, allowed = all, mask: bigint | null = null): string =>
  answerFourLetterWord(word, allowed, status, actions, mask);

test('srvr: the lines of ZooKeeper 3.9, in its order', (t) => {
  t.is(
    say('srvr', standalone),
    [
      'Zookeeper version: 0.1.0, built on 2026-11-21 00:00 UTC',
      'Latency min/avg/max: 0/7.3333/20',
      'Received: 12',
      'Sent: 11',
      'Connections: 1',
      'Outstanding: 0',
      'Zxid: 0x1a',
      'Mode: standalone',
      'Node count: 5',
      '',
    ].join('\n'),
  );
  t.true(
    say('srvr', leader).endsWith(
      'Zxid: 0x20000001f\nMode: leader\nNode count: 5\nProposal sizes last/min/max: -1/-1/-1\n',
    ),
  );
  t.regex(
    say('srvr', { ...standalone, mode: 'read-only' }),
    /^Zookeeper version: .*\nREAD-ONLY mode; serving only read-only clients\nLatency/,
  );
  t.regex(say('srvr', { ...standalone, metrics: createMetrics() }), /Latency min\/avg\/max: 0\/0\.0\/0\n/);
});

test('stat: as srvr, with the clients behind the first line', (t) => {
  const [first, ...rest] = say('srvr', standalone).split('\n');
  t.is(
    say('stat', standalone),
    [
      first,
      'Clients:',
      ' /127.0.0.1:5000[1](queued=0,recved=1,sent=2)',
      ' /[::1]:5001[0](queued=3,recved=13,sent=15)',
      '',
      ...rest,
    ].join('\n'),
  );
});

test('mntr: one key and value a line under the names of ZooKeeper', (t) => {
  const of = (status: ServerStatus): Map<string, string> => {
    const rows = say('mntr', status).split('\n');
    t.is(rows.pop(), '');
    for (const row of rows) t.regex(row, /^zk_[a-z0-9_]+\t[^\t]+$/);
    return new Map(rows.map((row) => row.split('\t') as [string, string]));
  };
  const one = of(standalone);
  for (const [key, value] of Object.entries({
    zk_version: '0.1.0, built on 2026-11-21 00:00 UTC',
    zk_server_state: 'standalone',
    zk_avg_latency: '7.3333',
    zk_max_latency: '20',
    zk_min_latency: '0',
    zk_packets_received: '12',
    zk_packets_sent: '11',
    zk_num_alive_connections: '1',
    zk_outstanding_requests: '0',
    zk_znode_count: '5',
    zk_watch_count: '3',
    zk_ephemerals_count: '2',
    zk_approximate_data_size: '27',
    zk_avg_readlatency: '0.0',
    zk_p999_readlatency: '0',
    zk_cnt_app_read_per_namespace: '1',
    zk_app_quota_count_usage_per_namespace: '2',
    zk_app_quota_count_limit_per_namespace: '5',
    zk_app_quota_bytes_limit_per_namespace: '9',
    zk_uptime: '1234',
    zk_open_file_descriptor_count: '33',
    zk_max_file_descriptor_count: '1024',
  }))
    t.is(one.get(key), value, key);
  t.false(one.has('zk_synced_followers'));
  t.false(one.has('zk_peer_state'));
  const two = of(leader);
  t.is(two.get('zk_synced_followers'), '2');
  t.is(two.get('zk_learners'), '3');
  t.is(two.get('zk_peer_state'), 'leading - broadcast');
});

test('cons: connections with what their sessions did last, and a blank line', (t) => {
  t.is(
    say('cons', standalone),
    ' /127.0.0.1:5000[1](queued=0,recved=1,sent=2)\n' +
      ' /[::1]:5001[0](queued=3,recved=13,sent=15,sid=0x1000169e0f80000,lop=GETD,est=1795,to=10000,lcxid=0xc,' +
      'lzxid=0x100000009,lresp=2373,llat=2,minlat=0,avglat=6,maxlat=23)\n\n',
  );
});

test('dump: a leader shows when sessions expire, a learner their timeouts; then ephemerals and connections', (t) => {
  const lines = say('dump', standalone).split('\n');
  t.deepEqual(lines.slice(0, 10), [
    'SessionTracker dump:',
    'Session Sets (1)/(1):',
    '1 expire at Sat Nov 21 18:17:04 UTC 2026:',
    '\t0x1000169e0f80000',
    'ephemeral nodes dump:',
    'Sessions with Ephemerals (1):',
    '0x1000169e0f80000:',
    '\t/a/e',
    '\t/a/e2',
    'Connections dump:',
  ]);
  t.regex(lines[10] ?? '', /^Connections Sets \(\d\)\/\(2\):$/);
  t.true(lines.includes('\tip: /127.0.0.1:5000 sessionId: 0x0'));
  t.true(lines.includes('\tip: /[::1]:5001 sessionId: 0x1000169e0f80000'));
  t.deepEqual(say('dump', { ...standalone, expiries: () => null }).split('\n').slice(0, 3), [
    'SessionTracker dump:',
    'Global Sessions(1):',
    '0x1000169e0f80000\t10000ms',
  ]); // prettier-ignore
  t.is(javaDate(0), 'Thu Jan 01 00:00:00 UTC 1970');
});

test('wchs, wchc, wchp: watches counted, by session, by path', (t) => {
  t.is(say('wchs', standalone), '2 connections watching 2 paths\nTotal watches:3\n');
  t.is(say('wchc', standalone), '0x1000169e0f80000\n\t/a\n\t/nope\n0x7\n\t/a\n\n');
  t.is(say('wchp', standalone), '/a\n\t0x1000169e0f80000\n\t0x7\n/nope\n\t0x1000169e0f80000\n\n');
});

test('dirs, hash, envi, gtmk, stmk, crst, srst', (t) => {
  t.is(say('dirs', standalone), 'datadir_size: 67108880\nlogdir_size: 457\n');
  t.is(say('hash', standalone), '');
  t.regex(say('envi', standalone), /^Environment:\nzookeeper\.version=0\.1\.0, built on .*\nhost\.name=/);
  t.is(say('gtmk', standalone), '306');
  t.is(say('stmk', standalone, all, 7n), '7');
  t.is(say('crst', standalone), 'Connection stats reset.\n');
  t.is(say('srst', standalone), 'Server stats reset.\n');
  t.deepEqual(said.splice(0), ['mask 7', 'connections', 'server']);
});

test('percentiles: exact below 128, within 3 % above; what is long past is forgotten', (t) => {
  const { readlatency } = createMetrics().summaries;
  for (let ms = 1; ms <= 100; ms += 1) sample(readlatency, ms);
  t.deepEqual([0.5, 0.95, 0.99, 0.999].map((p) => percentile(readlatency, p)), [50, 95, 99, 100]); // prettier-ignore
  const { updatelatency } = createMetrics().summaries;
  for (const ms of [200, 3000, 50_000, 1_000_000]) {
    for (let i = 0; i < 10; i += 1) sample(updatelatency, ms);
    const found = percentile(updatelatency, 1) ?? 0;
    t.true(found <= ms && found > ms * 0.96, `${found} for ${ms}`);
  }
  const { recent } = updatelatency;
  if (recent === null) return t.fail();
  recent.since -= 301_000;
  t.not(percentile(updatelatency, 1), null);
  recent.since -= 301_000;
  t.is(percentile(updatelatency, 1), null);
});

test('namespaces: the first part of a path, no more than a thousand of them', (t) => {
  t.deepEqual(['/a', '/a/b', '/', '', null, 'x/y'].map(namespaceOf), ['a', 'a', null, null, null, null]);
  const m = createMetrics();
  for (let i = 0; i < 1200; i += 1) sampleKey(m, 'write_per_namespace', `n${i}`, 1);
  t.is(m.keyed.write_per_namespace.size, 1000);
});

test('the size of a tree: at once when it is small, in slices when it is large, and not again and again', async (t) => {
  let clock = 0;
  let walks = 0;
  const sizer = createSizer(() => clock);
  const of = function* (n: number): Generator<number> {
    walks += 1;
    for (let i = 0; i < n; i += 1) yield 2;
  };
  t.is(
    sizer.sizeOf(3, () => of(3)),
    6,
  );
  const large = (): number => sizer.sizeOf(5000, () => of(5000));
  t.is(large(), 6, 'the last figure, until there is a new one');
  for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
  t.is(large(), 10_000);
  t.is(walks, 2);
  clock = 20_000;
  large();
  t.is(walks, 3);
});

test('conf: settings one a line, those of the ensemble behind them', (t) => {
  const lines = say('conf', standalone).split('\n');
  t.is(lines[0], 'clientPort=2181');
  t.is(lines.at(-2), 'serverId=0');
  t.deepEqual(
    say('conf', leader)
      .split('\n')
      .slice(lines.length - 1),
    [
      'initLimit=10',
      'syncLimit=5',
      'electionAlg=3',
      'electionPort=3888',
      'quorumPort=2888',
      'peerType=0',
      'membership: ',
      'server.1=h:2888:3888:participant',
      'version=0',
    ],
  );
});

test('ruok, isro and a server that does not serve', (t) => {
  const waiting = { ...standalone, serving: false };
  t.is(say('ruok', standalone), 'imok');
  t.is(say('ruok', waiting), 'imok');
  t.is(say('isro', standalone), 'rw');
  t.is(say('isro', { ...standalone, mode: 'read-only' }), 'ro');
  t.is(say('isro', waiting), 'null');
  for (const word of ['srvr', 'stat', 'mntr', 'conf', 'cons', 'dump', 'wchs', 'wchc', 'wchp', 'dirs', 'hash', 'crst']) {
    t.is(say(word, waiting), 'This ZooKeeper instance is not currently serving requests\n');
  }
});

test('whitelist: srvr alone by default, isro with read-only mode, a list, or all; the rest is refused in fixed words', (t) => {
  t.deepEqual([...allowedWords(undefined, false)], ['srvr']);
  t.deepEqual([...allowedWords(undefined, true)], ['srvr', 'isro']);
  t.deepEqual([...allowedWords(' stat, ruok ,', false)], ['stat', 'ruok']);
  t.deepEqual(allowedWords('*', false), fourLetterWords);
  t.is(
    say('stat', standalone, allowedWords(undefined, false)),
    'stat is not executed because it is not in the whitelist.\n',
  );
  t.is(say('nope', standalone), 'nope is not executed because it is not in the whitelist.\n');
});

test('metrics: averages with four decimals; a reset leaves the gauges', (t) => {
  const m = createMetrics();
  t.is(average(m.latencyMs), 0);
  for (const ms of [3, 1, 1]) sample(m.latencyMs, ms);
  t.is(average(m.latencyMs), 1.6667);
  t.deepEqual({ ...m.latencyMs }, { min: 1, max: 3, sum: 5, count: 3, recent: null });
  sampleSize(m.responseSize, 9);
  sampleSize(m.responseSize, 5);
  t.deepEqual({ ...m.responseSize }, { last: 5, min: 5, max: 9 });
  m.counters.snap_count = 3;
  sample(m.summaries.readlatency, 4);
  m.connections = 4;
  m.packetsSent = 9;
  resetStatistics(m);
  t.is(m.connections, 4);
  t.is(m.packetsSent, 0);
  t.deepEqual({ ...m.latencyMs }, { min: 0, max: 0, sum: 0, count: 0, recent: null });
  t.deepEqual({ ...m.responseSize }, { last: -1, min: -1, max: -1 });
  t.is(m.counters.snap_count, 0);
  t.is(percentile(m.summaries.readlatency, 0.5), null);
});

test('loop: events of one phase are one batch, in order; a flush follows each; what is pushed meanwhile comes next', async (t) => {
  const seen: (number | string)[][] = [];
  let flushes = 0;
  let clock = 100;
  const loop = startLoop<number | string>({
    onBatch: (batch, nowMs) => {
      seen.push([...batch, `at ${nowMs}`]);
      if (batch.includes(2)) loop.push('next');
    },
    flush: () => (flushes += 1),
    now: () => (clock += 1),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  loop.push(1);
  loop.push(2);
  t.is(loop.waiting(), 2);
  t.deepEqual(seen, [], 'nothing runs inside push');
  await turn();
  t.deepEqual(seen, [[1, 2, 'at 101']]);
  t.is(flushes, 1);
  await turn();
  t.deepEqual(seen[1], ['next', 'at 102']);
  t.is(flushes, 2);
  await turn();
  t.is(seen.length, 2, 'an idle loop does nothing');
  loop.push(3);
  loop.stop();
  loop.push(4);
  await turn();
  t.is(seen.length, 2);
});
