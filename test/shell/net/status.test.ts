import test from 'ava';
import { allowedWords, answerFourLetterWord, fourLetterWords } from '../../../shell/fourLetter.js';
import type { ServerStatus } from '../../../shell/fourLetter.js';
import { startLoop } from '../../../shell/loop.js';
import { average, createMetrics, resetStatistics, sample } from '../../../shell/metrics.js';

const metrics = createMetrics();
for (const ms of [0, 2, 20]) sample(metrics.latencyMs, ms);
Object.assign(metrics, { packetsReceived: 12, packetsSent: 11, connections: 1, znodes: 5, ephemerals: 2, watches: 3 });

const standalone: ServerStatus = {
  version: '0.1.0',
  builtOn: '2026-11-21 00:00 UTC',
  serving: true,
  mode: 'standalone',
  peerState: null,
  zxid: { epoch: 0, counter: 26 },
  uptimeMs: 1234.5,
  metrics,
  connections: [
    { address: '127.0.0.1', port: 5000, reading: true, queued: 0, received: 1, sent: 2 },
    { address: '::1', port: 5001, reading: false, queued: 3, received: 4, sent: 5 },
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
    lastProposalSize: -1,
    minProposalSize: -1,
    maxProposalSize: -1,
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
const say = (word: string, status: ServerStatus, allowed = all): string => answerFourLetterWord(word, allowed, status);

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
      ' /[::1]:5001[0](queued=3,recved=4,sent=5)',
      '',
      ...rest,
    ].join('\n'),
  );
});

test('mntr: one key and value a line under the names of ZooKeeper', (t) => {
  const of = (status: ServerStatus): Map<string, string> => {
    const rows = say('mntr', status).split('\n');
    t.is(rows.pop(), '');
    for (const row of rows) t.regex(row, /^zk_[a-z_]+\t[^\t]+$/);
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
    zk_approximate_data_size: '0',
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
      '',
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
  for (const word of ['srvr', 'stat', 'mntr', 'conf']) {
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
  t.is(say('dump', standalone), 'dump is not executed because it is not in the whitelist.\n');
});

test('metrics: averages with four decimals; a reset leaves the gauges', (t) => {
  const m = createMetrics();
  t.is(average(m.latencyMs), 0);
  for (const ms of [3, 1, 1]) sample(m.latencyMs, ms);
  t.is(average(m.latencyMs), 1.6667);
  t.deepEqual({ ...m.latencyMs }, { min: 1, max: 3, sum: 5, count: 3 });
  m.connections = 4;
  m.packetsSent = 9;
  resetStatistics(m);
  t.is(m.connections, 4);
  t.is(m.packetsSent, 0);
  t.deepEqual({ ...m.latencyMs }, { min: 0, max: 0, sum: 0, count: 0 });
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
