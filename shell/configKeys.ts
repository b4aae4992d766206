/** The keys of zoo.cfg: those that are read, and those that ZooKeeper 3.9 knows and this server does not have yet. */

/** Keys that are read, beside `server.N`. */
export const supportedKeys = [
  'tickTime',
  'initLimit',
  'syncLimit',
  'dataDir',
  'dataLogDir',
  'clientPort',
  'clientPortAddress',
  'maxClientCnxns',
  'minSessionTimeout',
  'maxSessionTimeout',
  '4lw.commands.whitelist',
  'snapCount',
  'preAllocSize',
  'commitLogCount',
  'autopurge.snapRetainCount',
  'autopurge.purgeInterval',
  'peerType',
  'extendedTypesEnabled',
  'enforceQuota',
  'skipACL',
  'DigestAuthenticationProvider.superDigest',
  'znode.container.checkIntervalMs',
  'znode.container.maxPerMinute',
  'znode.container.maxNeverUsedIntervalMs',
  'jute.maxbuffer',
] as const;

export type SupportedKey = (typeof supportedKeys)[number];

/**
 * Keys that change who forms a quorum, or that promise a protection: a server that ignores them is another server than
 * the one that was asked for, so they stop the start where others only warn. The predicate says for which values.
 */
export const unsafeToIgnore: readonly {
  readonly key: RegExp;
  readonly when: (value: string) => boolean;
  readonly why: string;
}[] = [
  {
    key: /^(group|weight)\.\d+$/,
    when: () => true,
    why: 'quorums of weighted groups would differ from simple majorities',
  },
  { key: /^oraclePath$/, when: () => true, why: 'the oracle would decide with one of two servers' },
  { key: /^dynamicConfigFile$/, when: () => true, why: 'the server.N lines stand in that file' },
  {
    key: /^(sslQuorum|quorum\.auth\.(enableSasl|learnerRequireSasl|serverRequireSasl)|enforce\.auth\.enabled|sessionRequireClientSASLAuth)$/,
    when: (value) => value.toLowerCase() === 'true',
    why: 'the server would run without the protection that this asks for',
  },
];

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Keys of ZooKeeper 3.9 (its administrator's guide and QuorumPeerConfig) that are not read yet. */
export const unsupportedKeys: readonly string[] = words(`
  secureClientPort secureClientPortAddress connectToLearnerMasterLimit dynamicConfigFile reconfigEnabled
  standaloneEnabled maxCnxns clientPortListenBacklog localSessionsEnabled localSessionsUpgradingEnabled electionAlg
  syncEnabled observerMasterPort quorumListenOnAllIPs multiAddress.enabled multiAddress.reachabilityCheckEnabled
  multiAddress.reachabilityCheckTimeoutMs sslQuorum portUnification sslQuorumReloadCertFiles
  quorum.auth.enableSasl quorum.auth.learnerRequireSasl quorum.auth.serverRequireSasl
  quorum.auth.learner.saslLoginContext quorum.auth.server.saslLoginContext quorum.auth.kerberos.servicePrincipal
  quorum.cnxn.threads.size jvm.pause.monitor jvm.pause.info-threshold.ms jvm.pause.warn-threshold.ms
  jvm.pause.sleep.time.ms oraclePath snapSizeLimitInKb txnLogSizeLimitInKb forceSync fsync.warningthresholdms
  flushDelay maxWriteQueuePollTime maxBatchSize globalOutstandingLimit request_throttle_max_requests
  request_throttle_stall_time request_throttle_drop_stale request_stale_latency_check request_stale_connection_check
  throttled_op_wait_time largeRequestMaxBytes largeRequestThreshold connection_throttle_tokens
  connection_throttle_fill_time connection_throttle_fill_count connection_throttle_freeze_time
  connection_throttle_drop_increase connection_throttle_drop_decrease connection_throttle_decrease_ratio
  connection_throttle_weight_enabled connection_throttle_global_session_weight
  connection_throttle_local_session_weight connection_throttle_renew_session_weight   emulate353TTLNodes   enableEagerACLCheck digest.enabled
  closeSessionTxn.enabled serializeLastProcessedZxid.enabled leaderServes cnxTimeout quorumCnxnTimeoutMs
  electionPortBindRetry fastleader.minNotificationInterval fastleader.maxNotificationInterval
  leader.maxConcurrentSnapSyncs leader.maxConcurrentDiffSyncs observer.reconnectDelayMs observer.election.DelayMs
  admin.enableServer admin.serverPort admin.serverAddress admin.commandURL admin.idleTimeout admin.snapshot.enabled
  admin.restore.enabled admin.rateLimiterIntervalInMS admin.portUnification admin.forceHttps admin.needClientAuth
  DigestAuthenticationProvider.enabled DigestAuthenticationProvider.digestAlg
  superUser X509AuthenticationProvider.superUser ensembleAuthName enforce.auth.enabled enforce.auth.schemes
  sessionRequireClientSASLAuth allowSaslFailedClients client.portUnification fips-mode serverCnxnFactory
  nio.numSelectorThreads nio.numWorkerThreads commitProcessor.numWorkerThreads commitProcessor.shutdownTimeout
  commitProcessor.maxReadBatchSize commitProcessor.maxCommitBatchSize maxResponseCacheSize
  maxGetChildrenResponseCacheSize watchManagerName snapshot.compression.method snapshot.trust.empty audit.enable
  audit.impl.class tcpKeepAlive clientTcpKeepAlive readonlymode.enabled datadir.autocreate
  db.autocreate
`);

const unsupportedFamilies: readonly RegExp[] = [
  /^(group|weight)\.\d+$/,
  /^authProvider\.\w+$/,
  /^ssl\.\w+/,
  /^metricsProvider\.\w+$/,
];

export const isKnownUnsupported = (key: string): boolean =>
  unsupportedKeys.includes(key) || unsupportedFamilies.some((family) => family.test(key));

/** Restricted edit distance: insertions, deletions, substitutions and swaps of neighbours. */
export const editDistance = (a: string, b: string): number => {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (older[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    older = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
};

/** The candidate that `word` was probably meant to be: at most a third of it is wrong, case apart; else null. */
export const nearest = (word: string, candidates: readonly string[]): string | null => {
  let best: string | null = null;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
};
