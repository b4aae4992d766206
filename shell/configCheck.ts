/** What the server lines of a configuration must be together: ids, ports, this server's own line. */
import { isIP } from 'node:net';
import type { ServerId } from '../core/data/quorum.js';
import type { ClientAddress, ServerSpec } from './configServers.js';
import type { ConfigError } from './configValues.js';
import type { Place } from './properties.js';

export type PlacedServer = {
  readonly spec: ServerSpec;
  readonly key: string;
  readonly value: string;
  readonly keyAt: Place;
  readonly valueAt: Place;
};

type Input = {
  readonly servers: readonly PlacedServer[];
  /** Whether every server line could be read; a missing id is not reported otherwise. */
  readonly complete: boolean;
  /** myid; null when it is not known. */
  readonly self: ServerId | null;
  /** Of the line clientPort. */
  readonly client: ClientAddress | null;
  readonly clientAt: Place;
  readonly ownAddresses: readonly string[];
  readonly report: (
    severity: ConfigError['severity'],
    at: Place,
    rest: Pick<ConfigError, 'field' | 'found' | 'problem' | 'remedy'>,
  ) => void;
};

/** ZooKeeper numbers the sessions of a server that stands alone as those of server 1. */
const aloneId = 1;

/** @returns this server's id and client port; what is wrong is reported */
export const checkServers = (input: Input): { readonly self: ServerId; readonly client: ClientAddress | null } => {
  const { servers, report } = input;
  checkIds(input);
  checkPorts(input);
  const voters = servers.filter((s) => s.spec.role === 'participant').length;
  const last = servers.at(-1);
  if (last !== undefined && voters === 0) {
    const problem = 'no server votes';
    report('error', last.keyAt, { field: last.key, found: null, problem, remedy: 'make an odd number participants' });
  }
  if (last !== undefined && voters > 0 && voters % 2 === 0) {
    const problem = `${voters} servers bear the loss of no more of them than ${voters - 1} do`;
    report('warning', last.keyAt, { field: last.key, found: null, problem, remedy: 'use an odd number of servers' });
  }
  const own = servers.find((s) => s.spec.id === input.self);
  return { self: input.self ?? aloneId, client: ownClient(input, own) };
};

const checkIds = ({ servers, complete, self, report }: Input): void => {
  const seen = new Map<ServerId, PlacedServer>();
  for (const server of servers) {
    const before = seen.get(server.spec.id);
    if (before !== undefined) {
      const problem = `server ${server.spec.id} stands in line ${before.keyAt.line} already`;
      const remedy = 'give each server an id of its own';
      report('error', server.keyAt, { field: server.key, found: server.key, problem, remedy });
    }
    seen.set(server.spec.id, server);
  }
  const first = servers[0];
  if (first === undefined || self === null || seen.has(self) || !complete) return;
  const ids = [...seen.keys()].toSorted((a, b) => a - b).join(', ');
  const problem = `myid is ${self}, but there is no line server.${self}`;
  const remedy = `add server.${self}=host:2888:3888, or correct myid to one of ${ids}`;
  report('error', first.keyAt, { field: `server.${self}`, found: null, problem, remedy });
};

/** No port of a host may be given twice: the second use could not be listened on. */
const checkPorts = ({ servers, report }: Input): void => {
  const used = new Map<string, string>();
  for (const { spec, key, valueAt } of servers) {
    const ports = [
      [spec.quorumPort, 'quorum port', spec.host],
      [spec.electionPort, 'election port', spec.host],
      ...(spec.client === null ? [] : [[spec.client.port, 'client port', spec.client.host ?? spec.host] as const]),
    ] as const;
    for (const [port, what, host] of ports) {
      const address = `${host.toLowerCase()}:${port}`;
      const before = used.get(address);
      used.set(address, before ?? `${what} of server.${spec.id}`);
      if (before === undefined) continue;
      const problem = `${what} ${port} of ${host} is the ${before} already`;
      report('error', valueAt, { field: key, found: String(port), problem, remedy: 'use another port' });
    }
  }
};

const loopback = (host: string): boolean => host === '::1' || host.startsWith('127.') || host === 'localhost';

/** The client port of clientPort or of this server's own line, which must agree; also looks at the own address. */
const ownClient = (input: Input, own: PlacedServer | undefined): ClientAddress | null => {
  const { client, report } = input;
  if (own === undefined) return client;
  const { spec, key, valueAt } = own;
  if (isIP(spec.host) !== 0 && input.ownAddresses.length > 0 && !input.ownAddresses.includes(spec.host)) {
    if (!loopback(spec.host)) {
      const problem = 'is the line of this server, but no network interface here has its address';
      report('warning', valueAt, { field: key, found: spec.host, problem, remedy: 'check myid and the address' });
    }
  }
  if (client === null) return spec.client;
  if (spec.client !== null && (spec.client.port !== client.port || spec.client.host !== client.host)) {
    const problem = `clientPort is ${client.port}, but ${key} says ${spec.client.port}`;
    const rest = { field: 'clientPort', found: `${client.host ?? '*'}:${client.port}`, problem };
    report('error', input.clientAt, { ...rest, remedy: 'give the client port and address in one of the two places' });
  }
  const taken = [spec.quorumPort, spec.electionPort].includes(client.port);
  if (taken) {
    const problem = `is also a port of ${key}`;
    const rest = { field: 'clientPort', found: String(client.port), problem, remedy: 'use another port' };
    report('error', input.clientAt, rest);
  }
  return client;
};
