/**
 * The frame of the compatibility suite: one test for each row of the table of features (features.ts), titled with the
 * row's id, told to raw clients against three servers of ours, or against Apache's.
 *
 * `npm run test:compatibility` runs all rows; ZK_COMPATIBILITY=apache has Apache's servers asked, ZK_CONNECT=host:port,…
 * any that run already (rows that start servers of their own are then left out). Without either, as in `npm test`, rows
 * marked `slow` are left out.
 */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { ClientRequest, ConnectRequest, CreateRequest, Reply, Stat } from '../../core/service/request.js';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { startServers } from './servers.js';
import type { Kind, Servers, ServersOptions } from './servers.js';

export { openAcl } from '../system/client.js';
export type { Client } from '../system/client.js';
export { eventually, sleep } from '../system/ensemble.js';
export { askServed, askWord } from '../system/words.js';
export type { Servers } from './servers.js';

const chosen = process.env['ZK_COMPATIBILITY'] ?? '';
const outside = process.env['ZK_CONNECT'] ?? '';
export const kind: Kind = chosen === 'apache' ? 'apache' : 'ours';
/** Whether rows that take long, or need other programs, are there too. */
const withSlow = chosen !== '' || outside !== '';

/** Who knows this password is the super user of all servers that rows ask. */
export const superAuth = Buffer.from('super:secret');
export const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=';

/** What the shared servers are told: a row that needs other settings starts servers of its own. */
const settings = [
  'maxSessionTimeout=60000',
  'maxClientCnxns=0',
  'extendedTypesEnabled=true',
  'znode.container.checkIntervalMs=300',
  `DigestAuthenticationProvider.superDigest=${superDigest}`,
];

/** Long enough for a row on a busy machine: raw clients send no pings. */
const timeoutMs = 40_000;

export type Row = {
  readonly t: ExecutionContext;
  readonly kind: Kind;
  /** A path that no other row uses; not created. */
  readonly path: string;
  /** Client ports of the shared servers. */
  readonly ports: readonly number[];
  /** A client of the shared servers, of the nth from 0; it is cut when the row ends. */
  readonly client: (nth?: number, record?: Partial<ConnectRequest>) => Promise<Client>;
  /** A client of any port. */
  readonly clientOf: (port: number, record?: Partial<ConnectRequest>) => Promise<Client>;
  /** Servers of the row's own, for settings or failures; stopped when the row ends. */
  readonly servers: (options: Omit<ServersOptions, 'kind'>) => Promise<Servers>;
};

export type RowOptions = {
  /** Left out of `npm test`. */
  readonly slow?: boolean;
  /** Starts servers of its own: runs alone in its file, and not against ZK_CONNECT. */
  readonly alone?: boolean;
  /** Only ours can be asked: it looks behind the protocol. */
  readonly oursOnly?: boolean;
};

let shared: Promise<Servers> | null = null;
const sharedServers = (): Promise<Servers> => (shared ??= startServers({ kind, size: 3, settings }));

const places = async (): Promise<readonly { readonly host: string; readonly port: number }[]> =>
  outside === ''
    ? (await sharedServers()).members.map((m) => ({ host: '127.0.0.1', port: m.clientPort }))
    : outside.split(',').map((place) => {
        const [host = '127.0.0.1', port = '2181'] = place.split(':');
        return { host, port: Number(port) };
      });

test.after.always('the servers stop', async () => {
  if (shared !== null) await (await shared).stop();
});

/** @param id of the table of features; a row may have several tests */
export const row = (id: string, title: string, body: (row: Row) => Promise<void>, options: RowOptions = {}): void => {
  const { slow = false, alone = false, oursOnly = false } = options;
  if ((slow && !withSlow) || (alone && outside !== '') || (oursOnly && kind !== 'ours')) return;
  const run = async (t: ExecutionContext): Promise<void> => {
    t.timeout(300_000);
    const all = alone ? [] : await places();
    const keep = async (connected: Promise<Client>): Promise<Client> => {
      const client = await connected;
      t.teardown(client.cut);
      return client;
    };
    await body({
      t,
      kind,
      path: `/${id}-${title.replaceAll(/\W+/g, '-').slice(0, 24)}`,
      ports: all.map((p) => p.port),
      client: (nth = 0, record = {}) => {
        const place = all[nth % all.length];
        if (place === undefined) throw new Error('a row that is alone has no shared servers');
        return keep(connectClient(place.port, { timeoutMs, ...record }, place.host));
      },
      clientOf: (port, record = {}) => keep(connectClient(port, { timeoutMs, ...record })),
      servers: async (wanted) => {
        const servers = await startServers({ kind, ...wanted });
        t.teardown(servers.stop);
        return servers;
      },
    });
  };
  if (alone) test.serial(`${id}: ${title}`, run);
  else test(`${id}: ${title}`, run);
};

// Requests and answers in short.

export const flags = {
  persistent: 0,
  ephemeral: 1,
  sequential: 2,
  ephemeralSequential: 3,
  container: 4,
  ttl: 5,
  ttlSequential: 6,
} as const;

export const create = (path: string, data: string | null = null, mode = 0): CreateRequest => ({
  op: 'create2',
  path,
  data: data === null ? null : Buffer.from(data),
  acl: openAcl,
  flags: mode,
});
export const container = (path: string): CreateRequest => ({
  op: 'createContainer',
  path,
  data: null,
  acl: openAcl,
  flags: flags.container,
});
export const setData = (path: string, data: string, version = -1): ClientRequest & { readonly op: 'setData' } => ({
  op: 'setData',
  path,
  data: Buffer.from(data),
  version,
});
export const remove = (path: string, version = -1): ClientRequest & { readonly op: 'delete' } => ({
  op: 'delete',
  path,
  version,
});
export const getData = (path: string, watch = false): ClientRequest & { readonly op: 'getData' } => ({
  op: 'getData',
  path,
  watch,
});
export const exists = (path: string, watch = false): ClientRequest => ({ op: 'exists', path, watch });
export const getChildren = (path: string, watch = false): ClientRequest & { readonly op: 'getChildren' } => ({
  op: 'getChildren',
  path,
  watch,
});
export const sync = (path: string): ClientRequest => ({ op: 'sync', path });

/** The error code of the answer. */
export const errOf = async (client: Client, request: ClientRequest): Promise<number> =>
  (await client.call(request)).err;

/** The answer; fails when it is an error. */
export const done = async (client: Client, request: ClientRequest): Promise<Reply> => {
  const reply = await client.call(request);
  if (reply.err !== 0) throw new Error(`${JSON.stringify(request)}: error ${reply.err}`);
  return reply;
};

/** The Stat in an answer. */
export const statOf = ({ body }: Reply): Stat => {
  if ('stat' in body) return body.stat;
  throw new Error(`no Stat in ${JSON.stringify(body)}`);
};

/** Path in an answer to a create. */
export const pathOf = ({ body }: Reply): string => {
  if ('path' in body && body.path !== null) return body.path;
  throw new Error(`no path in ${JSON.stringify(body)}`);
};

/** Data in an answer as text; null: there are none. */
export const textOf = ({ body }: Reply): string | null => {
  if (body.type !== 'dataStat') throw new Error(`no data in ${JSON.stringify(body)}`);
  return body.data === null ? null : Buffer.from(body.data).toString('utf8');
};

/** Children in an answer, sorted: their order means nothing. */
export const childrenOf = ({ body }: Reply): readonly string[] => {
  if ('children' in body) return body.children.toSorted();
  throw new Error(`no children in ${JSON.stringify(body)}`);
};

/** Events as `type path`, in the order of their arrival. 1 created, 2 deleted, 3 data changed, 4 children changed. */
export const eventsOf = (client: Client): readonly string[] => client.events.map((e) => `${e.type} ${e.path}`);
