/**
 * Every key of zoo.cfg, with its default and what it does here: the one place from which the reader, the messages at the
 * start, `zabkeeper config keys` and docs/configuration.md take them. A key that gets an effect moves to `readKeys`, and
 * a `read('key', …)` of one of the shell/config*.ts takes it (a test sees to it).
 * Names and defaults: ZooKeeper Administrator's Guide 3.9, QuorumPeerConfig.
 */

import { limitIgnored, limitKeys } from './configTableLimits.js';
import { securityIgnored, securityKeys } from './configTableSecurity.js';

/** Default as it would be written, '' for none, and what the key does. */
export type KeyRow = readonly [byDefault: string, about: string];

const rows = <K extends string>(table: Readonly<Record<K, KeyRow>>): Readonly<Record<K, KeyRow>> => table;

/** Keys that are read and have their effect. */
export const readKeys = rows({
  ...securityKeys,
  ...limitKeys,
  tickTime: ['3000', 'milliseconds; the unit of the limits that count ticks'],
  initLimit: ['', 'ticks that a learner has to connect and synchronise; needed in an ensemble'],
  syncLimit: ['', 'ticks that a learner and its leader may hear nothing of each other; needed in an ensemble'],
  dataDir: ['', 'directory of snapshots, epochs and `myid`; needed'],
  dataLogDir: ['dataDir', 'directory of the transaction logs'],
  dynamicConfigFile: ['', 'file with the lines `server.N`, `group.N`, `weight.N` and `version`'],
  reconfigEnabled: ['false', 'reconfig at run time'],
  standaloneEnabled: ['true', 'false: one server makes a quorum that can grow'],
  leaderServes: ['yes', '`no`: the leader takes no clients'],
  clientPort: ['', 'port for clients'],
  clientPortAddress: ['every address', 'address that clients connect to'],
  maxClientCnxns: ['60', 'connections of one client address; 0: any number'],
  minSessionTimeout: ['2 ticks', 'milliseconds, the least that a client can negotiate'],
  maxSessionTimeout: ['20 ticks', 'milliseconds, the most that a client can negotiate'],
  '4lw.commands.whitelist': ['srvr', 'four-letter words that are answered, with commas between, or `*`'],
  'snapshot.compression.method': ['', '`gz` or `snappy`: snapshots are packed as they are written'],
  snapCount: ['100000', 'transactions between two snapshots'],
  preAllocSize: ['65536', 'KiB by which log files grow ahead of the writing; 0: not at all'],
  commitLogCount: ['500', 'transactions kept in memory for learners that lag'],
  'autopurge.snapRetainCount': ['3', 'snapshots that a purge leaves, at least 3'],
  'autopurge.purgeInterval': ['0', 'hours between purges; 0: never'],
  peerType: ['participant', '`observer`: must agree with the server line, which counts'],
  extendedTypesEnabled: ['false', 'TTL nodes'],
  enforceQuota: ['false', 'hard quotas refuse'],
  skipACL: ['no', '`yes`: no ACL is checked'],
  'DigestAuthenticationProvider.superDigest': ['', '`user:digest` of the super user, who passes every ACL'],
  'znode.container.checkIntervalMs': ['60000', 'milliseconds between looks for containers and TTL nodes to remove'],
  'znode.container.maxPerMinute': ['10000', 'how many of them may go in a minute'],
  'znode.container.maxNeverUsedIntervalMs': ['0', 'age at which a container without any child ever goes; 0: never'],
  'jute.maxbuffer': ['1048575', 'bytes, the largest request; a property of the JVM in Apache'],
  'admin.enableServer': ['true', 'the admin server over HTTP'],
  'admin.serverPort': ['8080', 'its port'],
  'admin.serverAddress': ['0.0.0.0', 'its address'],
  'admin.commandURL': ['/commands', 'path below which its commands stand'],
  'admin.idleTimeout': ['30000', 'milliseconds after which a silent connection to it is closed'],
  'admin.snapshot.enabled': ['true', 'whether the command snapshot is answered'],
  'admin.restore.enabled': ['true', 'whether the command restore is answered'],
  'admin.rateLimiterIntervalInMS': ['300000', 'milliseconds between two snapshots, and between two restores'],
  'admin.portUnification': ['false', 'the admin port takes TLS beside plain HTTP'],
  'admin.forceHttps': ['false', 'the admin port takes TLS alone'],
  'admin.needClientAuth': ['false', 'clients of the admin port over TLS must show a certificate that is trusted'],
  'metricsProvider.className': ['', 'a class of this name that ends in `PrometheusMetricsProvider`: metrics over HTTP'],
  'metricsProvider.httpHost': ['0.0.0.0', 'address of the metrics'],
  'metricsProvider.httpPort': ['7000', 'port of the metrics'],
  'metricsProvider.exportJvmInfo': ['true', 'figures of the process beside those of the server'],
  txnLogSizeLimitInKb: ['-1', 'KiB at which a log file ends; -1: only a snapshot ends one'],
  snapSizeLimitInKb: ['4194304', 'KiB of log after which a snapshot is taken, whatever snapCount says; 0: none'],
  forceSync: ['yes', '`no`: the log is not synced; a power cut loses what was acknowledged'],
  'datadir.autocreate': ['true', 'missing data directories are made'],
  cnxTimeout: ['5000', 'milliseconds to connect to an election port'],
  quorumCnxnTimeoutMs: ['-1', 'milliseconds for the first message on an election connection; -1: syncLimit ticks'],
  electionPortBindRetry: ['3', 'how often the election port is tried, a second apart; 0: until it can be had'],
  quorumListenOnAllIPs: ['false', 'quorum and election port on every address'],
  tcpKeepAlive: ['false', 'the kernel looks whether silent servers are still there'],
  'fsync.warningthresholdms': ['1000', 'milliseconds; a slower sync of the log is told of'],
  'zabkeeper.request.warningthresholdms': ['10000', 'milliseconds; a slower request is told of; 0: none. Ours alone'],
  'zabkeeper.log.level': ['info', '`debug`, `info`, `warn` or `error`; ZABKEEPER_LOG_LEVEL goes before. Ours alone'],
  'zabkeeper.allowUnknownKeys': ['false', 'unknown keys are warnings, not errors. Ours alone'],
});

/** Keys that are accepted and change nothing here, with the reason. */
export const ignoredKeys = rows({
  ...securityIgnored,
  ...limitIgnored,
  electionAlg: ['3', 'fast leader election is the only one, here as in 3.9'],
  serverCnxnFactory: ['', 'names a Java class; there is one kind of client port'],
  'nio.numSelectorThreads': ['', 'one event loop serves all sockets'],
  'nio.numWorkerThreads': ['', 'one event loop serves all sockets'],
  'nio.shutdownTimeout': ['5000', 'there are no worker threads to wait for'],
  'netty.advancedFlowControl.enabled': ['false', 'reading always stops when a client does not read'],
  'netty.server.outstandingHandshake.limit': ['-1', 'there is no Netty'],
  'commitProcessor.numWorkerThreads': ['', 'requests are answered in the event loop'],
  'commitProcessor.shutdownTimeout': ['5000', 'there are no worker threads to wait for'],
  'commitProcessor.maxReadBatchSize': ['-1', 'a turn of the loop takes what is there'],
  'commitProcessor.maxCommitBatchSize': ['1', 'a turn of the loop takes what is there'],
  'quorum.cnxn.threads.size': ['20', 'connections of servers need no threads'],
  maxResponseCacheSize: ['400', 'answers are made of the tree when the socket has room; there is no cache'],
  maxGetChildrenResponseCacheSize: ['400', 'answers are made of the tree when the socket has room; there is no cache'],
  watchManagerName: ['', 'there is one table of watches, as small as that of WatchManagerOptimized'],
  'watchManager.bitHashCacheSize': ['10', 'there is one table of watches'],
  'jvm.pause.monitor': ['false', 'there is no JVM; `event_loop_delay` of the metrics shows pauses'],
  'jvm.pause.info-threshold.ms': ['1000', 'there is no JVM'],
  'jvm.pause.warn-threshold.ms': ['10000', 'there is no JVM'],
  'jvm.pause.sleep.time.ms': ['500', 'there is no JVM'],
  'fips-mode': ['true', 'what TLS may use is the choice of the Node that runs this'],
  maxWriteQueuePollTime: ['', 'every turn of the loop writes and syncs what it has'],
  flushDelay: ['0', 'a sync begins when the one before has ended, and takes all that came meanwhile'],
  connectToLearnerMasterLimit: ['initLimit', 'initLimit bounds connecting and synchronising together'],
  syncEnabled: [
    'true',
    'observers always keep log and snapshots: without them each start would ask the leader for all',
  ],
  'closeSessionTxn.enabled': ['true', 'the transaction always names the ephemerals that go'],
  'leader.maxConcurrentSnapSyncs': ['10', 'a snapshot on its way is a reference into the tree: it costs no copy'],
  'leader.maxConcurrentDiffSyncs': ['100', 'a difference on its way is a reference into the log: it costs no copy'],
  'observer.reconnectDelayMs': ['0', 'observers connect as followers do, after a decision of an election'],
  'observer.election.DelayMs': ['200', 'observers ask as everybody does'],
  maxBatchSize: ['1000', 'every turn of the loop writes and syncs what it has'],
  'digest.enabled': ['true', 'transactions carry no digest of the tree (decision 0008)'],
  'serializeLastProcessedZxid.enabled': ['true', 'snapshots are exact; their name is their last zxid'],
  'snapshot.trust.empty': ['false', 'a log without a snapshot is always refused'],
  emulate353TTLNodes: ['false', 'the form of a TTL in 3.5.3 was a mistake and is not written'],
  'zookeeper.jute.maxbuffer.extrasize': ['jute.maxbuffer', 'what was accepted is always read back from disk and peers'],
  'unsafe.fastTestMode': ['', 'nothing is skipped'],
  'leader.closeSocketAsync': ['false', 'closing never waits'],
  'learner.closeSocketAsync': ['false', 'closing never waits'],
  'learner.asyncSending': ['false', 'sending never waits'],
  'jvm.security.manager': ['', 'there is no JVM'],
  'metricsProvider.numWorkerThreads': ['1', 'metrics are gathered when they are asked for'],
  'metricsProvider.maxQueueSize': ['1000000', 'metrics are gathered when they are asked for'],
  'metricsProvider.workerShutdownTimeoutMs': ['1000', 'metrics are gathered when they are asked for'],
});

/** Keys that ZooKeeper 3.9 knows and that have no effect yet. */
export const missingKeys = rows({
  observerMasterPort: ['', 'observers follow a follower'],
  'multiAddress.enabled': ['false', 'several addresses for one server'],
  'multiAddress.reachabilityCheckEnabled': ['true', 'whether addresses are tried before use'],
  'multiAddress.reachabilityCheckTimeoutMs': ['1000', 'for how long'],
  oraclePath: ['', 'an oracle decides with one of two servers'],
  'fastleader.minNotificationInterval': ['200', 'milliseconds'],
  'fastleader.maxNotificationInterval': ['60000', 'milliseconds'],
  'db.autocreate': ['true', 'an empty directory is a server without history'],
});

/** Families of keys by what they begin with. */
export const families: readonly {
  readonly key: RegExp;
  readonly shown: string;
  readonly about: string;
  readonly state: 'read' | 'ignored' | 'missing';
}[] = [
  {
    key: /^server\.\d+$/,
    shown: 'server.N',
    about: '`host:quorumPort:electionPort[:participant or observer][;[address:]clientPort]`',
    state: 'read',
  },
  { key: /^(group|weight)\.\d+$/, shown: 'group.N, weight.N', about: 'hierarchical quorums', state: 'read' },
  {
    key: /^authProvider\.\w+$/,
    shown: 'authProvider.N',
    about: 'a scheme by its class in Apache: X509-, SASL- or EnsembleAuthenticationProvider',
    state: 'read',
  },
  { key: /^superUser\.\w+$/, shown: 'superUser.N', about: 'another SASL user who passes every ACL', state: 'read' },
  { key: /^ssl\.\w+/, shown: 'ssl.*, ssl.quorum.*', about: 'further options of TLS', state: 'missing' },
];
