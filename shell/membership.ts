/** What a server does when its configuration changes: it knows its peers by it, says so, and puts it into its files. */
import type { Configuration } from '../core/configuration.js';
import { formatVersion } from '../wire/config.js';
import type { Config } from './configValues.js';
import { storeConfiguration } from './dynamicConfig.js';
import type { Log } from './net/log.js';
import type { Ports } from './ports.js';

export type Membership = {
  readonly configure: (active: Configuration, lastSeen: Configuration) => void;
  /** Text of the active configuration. */
  readonly text: () => string;
};

/** @param ports asked for when something changes: they open after this is made */
export const createMembership = (config: Config, first: Configuration, ports: () => Ports, log: Log): Membership => {
  let file = config.dynamic?.file ?? null;
  let stored = config.ensemble.version;
  let { text } = first;

  const store = (active: Configuration): void => {
    const version = formatVersion(active.version);
    // A server that is no member keeps the files by which it finds the others.
    if (version === stored || !active.members.some((m) => m.sid === config.self)) return;
    try {
      file = storeConfiguration(config.ensemble.file, file, active, config.self);
      stored = version;
      log('info', `the configuration ${version} stands in ${file}`);
    } catch (error) {
      // It is in the history as well: the server goes on, and learns it anew after a restart.
      log('error', `the configuration ${version} cannot be written: ${String(error)}`);
    }
  };

  return {
    configure: (active, lastSeen) => {
      const known = new Map([...active.members, ...lastSeen.members].map((m) => [m.sid, m] as const));
      const peers = [...known.values()].flatMap(({ sid, addresses }) =>
        addresses.slice(0, 1).map(({ host, quorumPort, electionPort }) => ({ sid, host, quorumPort, electionPort })),
      );
      const { election, quorum } = ports();
      election?.setPeers(peers);
      quorum?.setPeers(peers);
      if (active.text === text) return;
      text = active.text;
      log('info', `configuration ${formatVersion(active.version)}: ${text.split('\n').slice(0, -1).join(' ')}`);
      store(active);
    },
    text: () => text,
  };
};
