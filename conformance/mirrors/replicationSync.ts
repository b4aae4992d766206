/** What spec/ClientSync.tla adds to a replication: the syncs that wait at leaders, and what their answers are held to. */
import type { ServerId } from '../../core/data/quorum.js';
import { askSync, heldSyncs, noSyncs, releaseSyncs } from '../../core/replication/clientSync.js';
import type { WaitingSync } from '../../core/replication/clientSync.js';
import type { Packet } from '../../core/replication/packet.js';
import type { ReplicationState } from '../../core/replication/state.js';
import { noSession } from '../../core/service/txn.js';
import { perform, placeOf, received, waiting } from '../world/replication.js';
import type { World } from '../world/replication.js';

/** How much the leader had applied when a client asked, and how much any server had. */
type Asked = { readonly led: number; readonly seen: number };

export type Syncs = {
  /** By leader. */
  readonly waiting: readonly (readonly WaitingSync[])[];
  /** History variables of the model: what a client asked and when, by its server; what an answer lacked. */
  readonly asked: readonly (readonly Asked[])[];
  readonly behind: readonly string[];
};

/** The part of the mirror's state that a sync reads and changes. */
export type Part = {
  readonly servers: readonly (ReplicationState | null)[];
  readonly world: World;
  readonly syncs: Syncs;
};

export const firstSyncs = (servers: number): Syncs => ({
  waiting: Array.from({ length: servers }, () => noSyncs),
  asked: Array.from({ length: servers }, () => []),
  behind: [],
});

const request: Packet = {
  type: 'REQUEST',
  request: { session: noSession, cxid: 0, request: { op: 'sync', path: null }, identities: [] },
};
const answer: Packet = { type: 'SYNC' };

/** Leader and learner know no more than what the world has told them. */
const leads = (world: World, l: ServerId): boolean => placeOf(world, l).serving && placeOf(world, l).listening;

const headIs = (world: World, to: ServerId, from: ServerId, type: Packet['type']): boolean => {
  const packet = waiting(world, to, from)[0];
  return packet !== undefined && packet !== 'EOF' && packet.type === type;
};

/** A client of server `i` asks, of which the model keeps what the answer must not be behind. */
const asking = ({ world, syncs }: Part, i: ServerId, seen: number): Syncs => {
  const led = placeOf(world, placeOf(world, i).told ?? i).tree.length;
  return { ...syncs, asked: syncs.asked.with(i - 1, [...(syncs.asked[i - 1] ?? []), { led, seen }]) };
};

/** The `n` oldest syncs of clients of server `i` are answered. */
const answered = ({ world, syncs }: Part, i: ServerId, n: number): Syncs => {
  const asked = syncs.asked[i - 1] ?? [];
  const applied = placeOf(world, i).tree.length;
  const behind = new Set(syncs.behind);
  if (n > asked.length) behind.add('unasked');
  for (const { led, seen } of asked.slice(0, n)) {
    if (applied < led) behind.add('led');
    if (applied < seen) behind.add('seen');
  }
  return { ...syncs, asked: syncs.asked.with(i - 1, asked.slice(n)), behind: [...behind].sort() };
};

/** A client of follower `i` asks; `seen` is how much any server has delivered. */
export const requestSync = (p: Part, i: ServerId, seen: number): Part | null => {
  const { serving, told } = placeOf(p.world, i);
  if (!serving || told === null || told === i) return null;
  return { ...p, world: perform(p.world, i, { type: 'Send', to: told, packet: request }), syncs: asking(p, i, seen) };
};

/** Leader `l` hears of the sync of a client of server `i`, which may be its own. */
export const takeSync = (p: Part, l: ServerId, i: ServerId, seen: number): Part | null => {
  const server = p.servers[l - 1];
  if (!server || !leads(p.world, l) || (i !== l && !headIs(p.world, l, i, 'REQUEST'))) return null;
  const syncs = i === l ? asking(p, i, seen) : p.syncs;
  return {
    ...p,
    world: i === l ? p.world : received(p.world, l, i),
    syncs: { ...syncs, waiting: syncs.waiting.with(l - 1, askSync(syncs.waiting[l - 1] ?? noSyncs, server, i)) },
  };
};

/** Leader `l` answers what it can. */
export const answerSyncs = (p: Part, l: ServerId): Part | null => {
  const server = p.servers[l - 1];
  if (!server) return null;
  const { waiting: left, released } = releaseSyncs(p.syncs.waiting[l - 1] ?? noSyncs, server);
  if (released.length === 0) return null;
  let world = p.world;
  for (const to of released) if (to !== l) world = perform(world, l, { type: 'Send', to, packet: answer });
  const own = released.filter((to) => to === l).length;
  return {
    ...p,
    world,
    syncs: answered({ ...p, syncs: { ...p.syncs, waiting: p.syncs.waiting.with(l - 1, left) } }, l, own),
  };
};

/** Follower `i` gets the answer to the oldest sync of its clients. */
export const synced = (p: Part, i: ServerId, l: ServerId): Part | null => {
  const { serving, told } = placeOf(p.world, i);
  if (!serving || told !== l || i === l || !headIs(p.world, i, l, 'SYNC')) return null;
  return { ...p, world: received(p.world, i, l), syncs: answered(p, i, 1) };
};

/** After any other step: what leaders still hold, and clients who are told nothing more. */
export const afterStep = ({ servers, world, syncs }: Part): Syncs => {
  const held = syncs.waiting.map((w, k) => {
    const server = servers[k];
    return server ? heldSyncs(w, server) : noSyncs;
  });
  const asked = syncs.asked.map((a, k) => (a.length === 0 || placeOf(world, k + 1).serving ? a : []));
  return { ...syncs, waiting: held, asked };
};
