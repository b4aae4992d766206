/** Stories of mixed ensembles that change: ours and Apache's lead, follow, join, observe and leave. */
import { encodeRequest } from '../../wire/client.js';
import { connectClient, openAcl } from './client.js';
import type { Client } from './client.js';
import { eventually } from './ensemble.js';
import type { Ensemble } from './ensemble.js';

export type Change = { readonly joining?: string; readonly leaving?: string };

type Holds = (what: string, found: unknown, wanted: unknown) => void;

const client = (ensemble: Ensemble, id: number): Promise<Client> =>
  eventually(`a client of server ${id}`, () =>
    connectClient(ensemble.members[id - 1]?.clientPort ?? 0).catch(() => null),
  );

const reconfig = async (ensemble: Ensemble, at: number, change: Change): Promise<number | null> => {
  const c = await client(ensemble, at);
  const request = {
    op: 'reconfig',
    joining: change.joining ?? null,
    leaving: change.leaving ?? null,
    members: null,
    version: null,
  } as const;
  const err = await c.call(request).then((r) => r.err).catch(() => null); // prettier-ignore
  c.cut();
  return err;
};

const text = async (ensemble: Ensemble, id: number): Promise<string> => {
  const c = await client(ensemble, id);
  await c.call({ op: 'sync', path: '/' });
  const { body } = await c.call({ op: 'getData', path: '/zookeeper/config', watch: false });
  c.cut();
  return body.type === 'dataStat' && body.data !== null ? Buffer.from(body.data).toString() : '';
};

/** The configuration as a server shows it, by ids and roles. */
const shown = async (ensemble: Ensemble, id: number): Promise<string> =>
  (await text(ensemble, id)).replaceAll(/;[^\n]*/g, '').replaceAll(/=127[^:]*:\d+:\d+/g, '');

const writes = async (ensemble: Ensemble, id: number, path: string): Promise<number> => {
  const c = await client(ensemble, id);
  const { err } = await c.call({ op: 'create', path, data: null, acl: openAcl, flags: 0 });
  c.cut();
  return err;
};

/** A line that joins a server to the configuration that named it before. */
const lineOf = (ensemble: Ensemble, before: string, id: number, role: string): string => {
  const address = new RegExp(`^server\\.${id}=(127[^:]*:\\d+:\\d+)`, 'm').exec(before)?.[1] ?? '';
  return `server.${id}=${address}:${role};127.0.0.1:${ensemble.members[id - 1]?.clientPort}`;
};

/** A follower leaves, comes back as an observer, votes again; then the leader leaves. */
export const changed = async (ensemble: Ensemble, holds: Holds): Promise<void> => {
  const leader = await ensemble.leader();
  const ids = ensemble.members.map((m) => m.id);
  const [mover = 0, other = 0] = ids.filter((id) => id !== leader);
  const before = await text(ensemble, leader);
  const observer = lineOf(ensemble, before, mover, 'observer');
  const voter = lineOf(ensemble, before, mover, 'participant');
  const mode = (id: number, wanted: string): Promise<true> =>
    eventually(`server ${id} is ${wanted}`, async () => ((await ensemble.served(id))?.mode === wanted ? true : null));
  holds(`server ${mover} leaves`, await reconfig(ensemble, other, { leaving: String(mover) }), 0);
  const without = await shown(ensemble, leader);
  holds('all show the same', [await shown(ensemble, other), await shown(ensemble, mover)], [without, without]);
  holds('it is gone', without.includes(`server.${mover}`), false);
  holds('a write through it', await writes(ensemble, mover, '/left'), 0);
  holds('it comes back as an observer', await reconfig(ensemble, other, { joining: observer }), 0);
  await mode(mover, 'observer');
  holds('a write through it', await writes(ensemble, mover, '/observes'), 0);
  holds('it votes again', await reconfig(ensemble, other, { joining: voter }), 0);
  await mode(mover, 'follower');
  holds('a write through it', await writes(ensemble, mover, '/votes'), 0);
  const asked = await reconfig(ensemble, other, { leaving: String(leader) });
  holds('the leader leaves', asked === null || asked === 0, true);
  const next = await eventually('another leads', async () => {
    for (const id of [mover, other]) if ((await ensemble.served(id))?.mode === 'leader') return id;
    return null;
  });
  const after = await shown(ensemble, next);
  holds('it is gone', after.includes(`server.${leader}`), false);
  holds('a write through the one that has left', await writes(ensemble, leader, '/after'), 0);
  holds(
    'all show the same',
    [await shown(ensemble, leader), await shown(ensemble, mover + other - next)],
    [after, after],
  );
};

/** A create without its last bytes, through each server: answered, and nobody stops writing. */
export const malformed = async (ensemble: Ensemble, holds: Holds, ids: readonly number[]): Promise<void> => {
  for (const id of ids) {
    const c = await client(ensemble, id);
    const whole = encodeRequest({
      xid: 1,
      request: { op: 'create', path: '/cut', data: null, acl: openAcl, flags: 0 },
    });
    const cut = Buffer.from(whole.subarray(0, whole.length - 3));
    cut.writeInt32BE(cut.length - 4, 0);
    holds(`server ${id} answers`, (await c.ask(cut, 'create')).err, -5);
    c.cut();
    for (const { id: at } of ensemble.members) holds(`server ${at} writes`, await writes(ensemble, at, `/whole-${id}-${at}`), 0); // prettier-ignore
  }
};
