/**
 * Writers that never rest while servers come and go, and the account of what they were promised. A write whose answer
 * was lost may have been done or not; one that was acknowledged must be there for ever.
 */
import type { Reply } from '../../core/service/request.js';
import { connectClient, openAcl } from './client.js';
import type { Client } from './client.js';
import { eventually, sleep } from './ensemble.js';

/** What was promised: these znodes, and for each counter at least this version. */
export type Promised = {
  readonly created: ReadonlyMap<string, string>;
  readonly versions: ReadonlyMap<string, number>;
  /** Asked for and never answered: each may be there or not. */
  readonly unknown: readonly string[];
};

export type Load = {
  readonly promised: Promised;
  /** Waits until `n` more writes were acknowledged. */
  readonly acknowledged: (n: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

export type LoadOptions = {
  readonly ports: readonly number[];
  /** Of the znodes written: no two loads may share one. */
  readonly name: string;
  /** Connections, and requests on their way on each. */
  readonly writers?: number;
  readonly outstanding?: number;
};

const nodeExists = -110;

const connected = (port: number): Promise<Client | null> => connectClient(port).catch(() => null);

/** A client of any server that takes one. */
export const anyClient = (ports: readonly number[], from = 0): Promise<Client> =>
  eventually('a server takes a client', async () => {
    for (let i = 0; i < ports.length; i += 1) {
      const client = await connected(ports[(from + i) % ports.length] ?? 0);
      if (client !== null) return client;
    }
    return null;
  });

const create = (path: string, data: string) =>
  ({ op: 'create', path, data: Buffer.from(data), acl: openAcl, flags: 0 }) as const;

export const startLoad = async ({ ports, name, writers = 4, outstanding = 8 }: LoadOptions): Promise<Load> => {
  const created = new Map<string, string>();
  const versions = new Map<string, number>();
  const unknown: string[] = [];
  let total = 0;
  let stopping = false;

  const root = `/${name}`;
  const first = await anyClient(ports);
  for (let w = -1; w < writers; w += 1) {
    const path = w < 0 ? root : `${root}/counter-${w}`;
    const { err } = await first.call(create(path, ''));
    if (err !== 0 && err !== nodeExists) throw new Error(`create ${path}: error ${err}`);
  }
  first.cut();

  const lane = async (client: Client, w: number, next: () => number): Promise<void> => {
    while (!stopping && client.isOpen()) {
      const n = next();
      const path = `${root}/${w}-${n}`;
      const counter = `${root}/counter-${w}`;
      let reply: Reply;
      try {
        if (n % 4 === 0) {
          reply = await client.call({ op: 'setData', path: counter, data: Buffer.from(String(n)), version: -1 });
          const { body } = reply;
          if (body.type === 'stat') versions.set(counter, Math.max(versions.get(counter) ?? 0, body.stat.version));
        } else {
          reply = await client.call(create(path, String(n)));
          if (reply.err === 0) created.set(path, String(n));
        }
      } catch {
        unknown.push(n % 4 === 0 ? counter : path);
        return;
      }
      if (reply.err !== 0) throw new Error(`write ${n} of writer ${w}: error ${reply.err}`);
      total += 1;
    }
  };
  const writer = async (w: number): Promise<void> => {
    let last = 0;
    for (let turn = w; !stopping; turn += 1) {
      const client = await connected(ports[turn % ports.length] ?? 0);
      if (client === null) {
        await sleep(20);
        continue;
      }
      await Promise.all(Array.from({ length: outstanding }, () => lane(client, w, () => (last += 1))));
      client.cut();
    }
  };
  const all = Promise.all(Array.from({ length: writers }, (_, w) => writer(w)));
  const failed = all.then(
    () => null,
    (e: unknown) => e,
  );
  return {
    promised: { created, versions, unknown },
    acknowledged: async (n) => {
      const goal = total + n;
      const enough = eventually(`${n} more writes are acknowledged`, () => (total >= goal ? true : null));
      const error = await Promise.race([failed, enough.then(() => null)]);
      if (error !== null) throw error;
    },
    stop: async () => {
      stopping = true;
      await all;
    },
  };
};

/** Requests on their way at once while reading back. */
const readAhead = 500;

/**
 * Reads everything that was promised from one server, after a sync.
 * @returns what is missing or other than promised; which of the unknown writes are there
 */
export const readBack = async (
  port: number,
  promised: Promised,
): Promise<{ readonly broken: readonly string[]; readonly present: readonly string[] }> => {
  const client = await anyClient([port]);
  const broken: string[] = [];
  const present: string[] = [];
  const { err } = await client.call({ op: 'sync', path: '/' });
  if (err !== 0) broken.push(`sync: error ${err}`);
  const checkCreated = async ([path, data]: readonly [string, string]): Promise<void> => {
    const { body } = await client.call({ op: 'getData', path, watch: false });
    if (body.type !== 'dataStat') broken.push(`${path} was acknowledged and is gone`);
    else if (Buffer.from(body.data ?? []).toString() !== data) broken.push(`${path} is not what was written`);
  };
  const checkVersion = async ([path, least]: readonly [string, number]): Promise<void> => {
    const { body } = await client.call({ op: 'exists', path, watch: false });
    const version = body.type === 'stat' ? body.stat.version : -1;
    if (version < least) broken.push(`${path} has version ${version}, and ${least} was acknowledged`);
  };
  const lookUp = async (path: string): Promise<void> => {
    const { body } = await client.call({ op: 'exists', path, watch: false });
    if (body.type === 'stat') present.push(`${path} ${body.stat.version}`);
  };
  await inSlices([...promised.created], checkCreated);
  await inSlices([...promised.versions], checkVersion);
  await inSlices([...new Set(promised.unknown)], lookUp);
  client.cut();
  return { broken, present: present.toSorted() };
};

const inSlices = async <A>(all: readonly A[], work: (a: A) => Promise<void>): Promise<void> => {
  for (let i = 0; i < all.length; i += readAhead) await Promise.all(all.slice(i, i + readAhead).map(work));
};

/** readBack from all servers: what is broken on any, and whether they differ in the writes that were never answered. */
export const brokenPromises = async (ports: readonly number[], promised: Promised): Promise<readonly string[]> => {
  if (promised.created.size === 0 || promised.versions.size === 0) return ['nothing was promised'];
  const all = await Promise.all(ports.map((port) => readBack(port, promised)));
  const differing = all.filter((a) => a.present.join() !== all[0]?.present.join());
  const differs = differing.length === 0 ? [] : ['the servers differ in writes that were never answered'];
  return [...all.flatMap((a, i) => a.broken.map((b) => `server ${i + 1}: ${b}`)), ...differs];
};
