/** What the four-letter words show, from the core's status and the shell's counters. */
import type { Status } from '../core/server.js';
import type { Config } from './configValues.js';
import type { ConnectionStatus, ServerStatus } from './fourLetter.js';
import type { Metrics } from './metrics.js';

/** Shown as ZooKeeper's version: clients and tools read the number, and the formats are those of this release. */
export const compatibleVersion = '3.9.4-zabkeeper';

export const fourLetterStatus = (
  config: Config,
  status: Status,
  metrics: Metrics,
  connections: readonly ConnectionStatus[],
  uptimeMs: number,
): ServerStatus => {
  metrics.znodes = status.znodes;
  metrics.sessions = status.sessions;
  metrics.watches = status.watchedPaths;
  metrics.ephemerals = status.ephemerals;
  const alone = config.servers.length === 0;
  const leads = status.role === 'LEADING';
  const observes = status.role === 'OBSERVING';
  const own = config.servers.find((s) => s.id === config.self);
  return {
    version: compatibleVersion,
    builtOn: '2026-11-21 00:00 UTC',
    serving: status.serving,
    mode: alone ? 'standalone' : leads ? 'leader' : observes ? 'observer' : 'follower',
    peerState: alone
      ? null
      : `${leads ? 'leading' : observes ? 'observing' : 'following'} - ${status.phase.toLowerCase()}`,
    zxid: status.zxid,
    uptimeMs,
    metrics,
    connections,
    leader: leads
      ? {
          learners: status.learners,
          syncedFollowers: status.syncedFollowers,
          syncedNonVotingFollowers: 0,
          syncedObservers: status.syncedObservers,
          pendingSyncs: 0,
          lastProposalSize: -1,
          minProposalSize: -1,
          maxProposalSize: -1,
        }
      : null,
    files: null,
    conf: {
      clientPort: config.client?.port ?? -1,
      secureClientPort: -1,
      dataDir: config.dataDir,
      dataDirSize: 0,
      dataLogDir: config.dataLogDir,
      dataLogSize: 0,
      tickTime: config.tickTimeMs,
      maxClientCnxns: config.maxClientCnxns,
      minSessionTimeout: config.minSessionTimeoutMs,
      maxSessionTimeout: config.maxSessionTimeoutMs,
      clientPortListenBacklog: -1,
      serverId: config.self,
      quorum:
        own === undefined
          ? null
          : {
              initLimit: config.initLimitTicks,
              syncLimit: config.syncLimitTicks,
              electionPort: own.electionPort,
              quorumPort: own.quorumPort,
              observer: observes,
              membership: '',
            },
    },
  };
};
