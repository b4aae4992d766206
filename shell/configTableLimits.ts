/** Rows of the table of keys (configTable.ts) about how many clients and requests a server takes. */

export const limitKeys = {
  localSessionsEnabled: ['false', 'sessions without a transaction, which only their server knows'],
  localSessionsUpgradingEnabled: ['false', 'they become global before they make an ephemeral node'],
  'readonlymode.enabled': ['false', 'a server without a quorum serves clients that only read'],
  maxCnxns: ['0', 'connections in all; 0: as many as files may be open'],
  clientPortListenBacklog: ['-1', 'connections that the kernel holds until they are accepted; -1: its default'],
  clientTcpKeepAlive: ['false', 'the kernel looks whether silent clients are still there'],
  globalOutstandingLimit: ['1000', 'requests in progress above which a client with one of them is not read'],
  request_throttle_max_requests: ['0', 'requests in progress above which others wait; 0: any number'],
  throttled_op_wait_time: ['0', 'milliseconds after which a request that waited is refused; 0: never'],
  largeRequestThreshold: ['-1', 'bytes above which a request is large; -1: none is'],
  largeRequestMaxBytes: ['104857600', 'bytes of large requests in progress; one more ends its connection'],
  connection_throttle_tokens: ['0', 'connections that may come at once; 0: any number'],
  connection_throttle_fill_time: ['1', 'milliseconds between fillings of that bucket'],
  connection_throttle_fill_count: ['1', 'tokens a filling'],
  connection_throttle_freeze_time: ['-1', 'milliseconds between changes of the chance of a drop; -1: no chance'],
  connection_throttle_drop_increase: ['0.02', 'by how much the chance rises while tokens are few'],
  connection_throttle_drop_decrease: ['0.002', 'by how much it falls while they are not'],
  connection_throttle_decrease_ratio: ['0', 'share of the tokens below which they are few'],
  connection_throttle_weight_enabled: ['false', 'kinds of sessions take different numbers of tokens'],
  connection_throttle_global_session_weight: ['3', 'tokens of a new session'],
  connection_throttle_local_session_weight: ['1', 'tokens of a new local session'],
  connection_throttle_renew_session_weight: ['2', 'tokens of a session that comes back'],
} as const satisfies Readonly<Record<string, readonly [byDefault: string, about: string]>>;

export const limitIgnored = {
  request_throttle_stall_time: ['100', 'a request that waits goes on as soon as there is room'],
  request_throttle_drop_stale: ['true', 'what waits for a closed connection is always dropped'],
  request_stale_latency_check: ['false', 'a request whose client is still there is answered'],
  request_stale_connection_check: ['true', 'what waits for a closed connection is always dropped'],
} as const satisfies Readonly<Record<string, readonly [byDefault: string, about: string]>>;
