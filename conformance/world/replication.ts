/**
 * What lies between the servers of a replication: connections, disks, trees. It does what a server's effects ask and says
 * which events its own variables allow. It reads no server state and nothing of a packet but where it goes; whether a
 * server may act is for the core to say.
 * Mirrors the environment of spec/Replication.tla: connections, WriteEpochFile, Crash, Break; and spec/Snapshots.tla.
 */
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { Config } from '../../core/membershipRules.js';
import { outlivesCut } from '../../core/recovery.js';
import type { Packet } from '../../core/replication/packet.js';
import type { ReplicationEffect } from '../../core/replication/state.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import type { Txn } from '../../core/service/txn.js';
import { remembered, remembered2 } from '../remembered.js';
import type { Connection, Queue } from './connection.js';
import * as connection from './connection.js';

/** The tree as a list: what was applied, in order. */
export type History = readonly Zxid[];
/** A snapshot of such a tree. */
export type ListSnapshot = Snapshot & { readonly history: History };

export const lastOf = (history: History): Zxid => history.at(-1) ?? zeroZxid;

export const snapshotOf = (history: History): ListSnapshot => ({ sessions: [], nodes: [], history });
export const historyOf = (snapshot: Snapshot): History => (snapshot as ListSnapshot).history;

export type Disk = {
  readonly accepted: number;
  readonly current: number;
  readonly asked:
    | null
    | { readonly file: 'accepted' | 'current'; readonly epoch: number; readonly written: boolean }
    | { readonly file: 'snapshot'; readonly history: History };
  /** What the oldest snapshot holds, the log after it, and how much of that log is there for good. */
  readonly base: History;
  readonly entries: readonly Txn[];
  readonly durable: number;
  /** Snapshots under their names, oldest first; one that is being written; entries that a SNAP has left in the log. */
  readonly snapshots: readonly History[];
  readonly begun: History | null;
  readonly old: readonly Txn[];
};

/** What the world knows of one server. */
export type Place = {
  readonly up: boolean;
  readonly disk: Disk;
  /** The snapshot that the server has loaded. */
  readonly loaded: History;
  readonly tree: History;
  readonly serving: boolean;
  readonly listening: boolean;
  /** The credentials with which it has started an election that has not ended. */
  readonly asking: { readonly epoch: number; readonly zxid: Zxid } | null;
  /** Whom it was told to follow. */
  readonly told: ServerId | null;
};

/** How the spec's constants set the world. */
export type Rules = {
  readonly configuration: Config;
  readonly eagerEpochs: boolean;
  readonly lateNotice: boolean;
  readonly anyElection: boolean;
};

export type World = {
  readonly rules: Rules;
  readonly places: readonly Place[]; // by server id, 1..n at 0..n-1
  /** By learner and leader, row after row; null where there is none. */
  readonly connections: readonly (Connection<Packet> | null)[];
};

export const placeOf = (w: World, i: ServerId): Place => w.places[i - 1] as Place;

const placed = (w: World, i: ServerId, place: Place): World => ({
  rules: w.rules,
  places: w.places.with(i - 1, place),
  connections: w.connections,
});

const withDisk = (place: Place, change: Partial<Disk>): Place => ({ ...place, disk: { ...place.disk, ...change } });

const at = (w: World, learner: ServerId, leader: ServerId): number => (learner - 1) * w.places.length + leader - 1;

export const connectionOf = (w: World, learner: ServerId, leader: ServerId): Connection<Packet> | null =>
  w.connections[at(w, learner, leader)] ?? null;

const linked = (w: World, learner: ServerId, leader: ServerId, c: Connection<Packet> | null): World => ({
  rules: w.rules,
  places: w.places,
  connections: w.connections.with(at(w, learner, leader), c),
});

/** The connections that `which` picks, changed. */
const changed = (
  w: World,
  which: (c: Connection<Packet>) => boolean,
  change: (c: Connection<Packet>) => Connection<Packet> | null,
): World => ({
  rules: w.rules,
  places: w.places,
  connections: w.connections.map((c) => (c !== null && which(c) ? change(c) : c)),
});

const touches =
  (i: ServerId) =>
  (c: Connection<Packet>): boolean =>
    c.learner === i || c.leader === i;

/** The connection with `peer` whose end at `i` is open. */
const openAt = (w: World, i: ServerId, peer: ServerId): Connection<Packet> | null => {
  const asLeader = connectionOf(w, peer, i);
  if (asLeader?.openAtLeader === true) return asLeader;
  const asLearner = connectionOf(w, i, peer);
  return asLearner?.openAtLearner === true ? asLearner : null;
};

const none: Queue<Packet> = [];

/** What waits for server `to` from server `from`, on the connection whose end at `to` is open. */
export const waiting = (w: World, to: ServerId, from: ServerId): Queue<Packet> => {
  const c = openAt(w, to, from);
  return c === null ? none : c.leader === to ? c.up : c.down;
};

/** Takes the oldest packet from `from` to `to` off its queue; an EOF closes the end at `to`. */
export const received = (w: World, to: ServerId, from: ServerId): World => {
  const c = openAt(w, to, from);
  return c === null ? w : linked(w, c.learner, c.leader, connection.read(c, to));
};

const sent = (w: World, from: ServerId, to: ServerId, packet: Packet): World => {
  const c = openAt(w, from, to);
  return c === null ? w : linked(w, c.learner, c.leader, connection.written(c, from, packet));
};

/** A snapshot is of the tree as it was when it was asked for. */
const snapOf = remembered2((effect: Extract<ReplicationEffect, { type: 'SendSnapshot' }>, tree: History): Packet => ({
  type: 'SNAP',
  zxid: effect.zxid,
  snapshot: snapshotOf(tree),
}));

/** Does what server `i` asks. */
export const perform = (w: World, i: ServerId, effect: ReplicationEffect): World => {
  switch (effect.type) {
    case 'Send':
      return sent(w, i, effect.to, effect.packet);
    case 'SendSnapshot':
      return sent(w, i, effect.to, snapOf(effect, placeOf(w, i).tree));
    case 'Connect':
      return linked(w, i, effect.to, connection.opened(connectionOf(w, i, effect.to), i, effect.to));
    case 'Disconnect':
      return changed(
        w,
        (c) => c.learner === effect.peer && c.leader === i,
        (c) => connection.closedAt(c, i),
      );
    case 'DisconnectAll':
      return changed(placed(w, i, done(placeOf(w, i), effect)), touches(i), (c) => connection.closedAt(c, i));
    case 'SaveEpoch': {
      const asked = placed(w, i, done(placeOf(w, i), effect));
      return w.rules.eagerEpochs ? writeEpochFile(asked, i) : asked;
    }
    default:
      return placed(w, i, done(placeOf(w, i), effect));
  }
};

/** The server's disk and tree after the effect. */
const done = remembered2((asked: Place, effect: ReplicationEffect): Place => {
  const place = effect.type === 'Truncate' ? snapshotsCut(asked, effect.zxid) : asked;
  const { disk, tree } = place;
  switch (effect.type) {
    case 'Append':
      return withDisk(place, { entries: [...disk.entries, ...effect.txns] });
    case 'Truncate': {
      const entries = disk.entries.filter((t) => compareZxid(t.zxid, effect.zxid) <= 0);
      // A tree beyond the cut is loaded again from what is left.
      const left = { ...place, tree: tree.filter((z) => compareZxid(z, effect.zxid) <= 0) };
      return withDisk(left, { entries, durable: entries.length });
    }
    case 'SaveEpoch':
      return withDisk(place, { asked: { file: effect.file, epoch: effect.epoch, written: false } });
    case 'SaveSnapshot':
      return withDisk(place, { asked: { file: 'snapshot', history: historyOf(effect.snapshot) }, begun: null });
    case 'Restore':
      return { ...place, tree: historyOf(effect.snapshot) };
    case 'Deliver':
      return { ...place, tree: [...tree, ...effect.txns.map((t) => t.zxid)] };
    case 'Serve':
      return { ...place, serving: true };
    case 'Leave':
      return { ...place, serving: false, told: null };
    case 'LookForLeader':
      return { ...place, asking: { epoch: effect.epoch, zxid: effect.zxid } };
    case 'Listen':
      return { ...place, listening: true };
    case 'DisconnectAll':
      return { ...place, listening: false };
    default:
      return place;
  }
});

/** Snapshots above a cut go before the log is cut, also one that is being written. */
const snapshotsCut = (place: Place, zxid: Zxid): Place => {
  const { snapshots, begun } = place.disk;
  return withDisk(place, {
    snapshots: snapshots.filter((s) => outlivesCut(lastOf(s), zxid)),
    begun: begun !== null && outlivesCut(lastOf(begun), zxid) ? begun : null,
  });
};

/** The disk renames the epoch file into place. */
export const writeEpochFile = (w: World, i: ServerId): World => placed(w, i, renamed(placeOf(w, i)));

const renamed = remembered((place: Place): Place => {
  const { asked } = place.disk;
  if (asked === null || asked.file === 'snapshot') return place;
  return withDisk(place, { [asked.file]: asked.epoch, asked: { ...asked, written: true } });
});

/** The disk's answer to what was asked is on its way to server `i`. */
export const answered = (w: World, i: ServerId): World => placed(w, i, replied(placeOf(w, i)));

const replied = remembered((place: Place): Place => {
  const { asked } = place.disk;
  if (asked?.file !== 'snapshot') return withDisk(place, { asked: null });
  const { history } = asked;
  const replaced = { asked: null, base: history, entries: [], durable: 0, snapshots: [history], begun: null, old: [] };
  return { ...withDisk(place, replaced), loaded: history };
});

/** An fsync has covered `k` more entries; null when there are not that many. */
export const logSynced = (w: World, i: ServerId, k: number): World | null => {
  const { disk } = placeOf(w, i);
  return k > 0 && disk.durable + k <= disk.entries.length ? placed(w, i, synced(placeOf(w, i), k)) : null;
};

const synced = remembered2((place: Place, k: number): Place => withDisk(place, { durable: place.disk.durable + k }));

/** The election ends for server `i`: it is told to follow `l`. */
export const elected = (w: World, i: ServerId, l: ServerId): World => placed(w, i, following(placeOf(w, i), l));

const following = remembered2((place: Place, told: ServerId): Place => ({ ...place, asking: null, told }));

/** The disk of server `i` begins to write what is applied there; null: it does not serve, or has that already. */
export const takeSnapshot = (w: World, i: ServerId): World | null => {
  const { serving, tree, disk } = placeOf(w, i);
  if (!serving || disk.begun !== null || compareZxid(lastOf(tree), lastOf(disk.snapshots.at(-1) ?? [])) === 0)
    return null;
  return placed(w, i, begun(placeOf(w, i)));
};

const begun = remembered((place: Place): Place => withDisk(place, { begun: place.tree }));

/** The snapshot is whole and gets its name; null: there is none, or the log has less of it. */
export const placeSnapshot = (w: World, i: ServerId): World | null => {
  const { disk } = placeOf(w, i);
  return disk.begun === null || disk.begun.length > disk.base.length + disk.durable
    ? null
    : placed(w, i, named(placeOf(w, i)));
};

const named = remembered((place: Place): Place => {
  const { begun: history, snapshots } = place.disk;
  return history === null ? place : withDisk(place, { snapshots: [...snapshots, history], begun: null });
});

/** Server `i` starts: its tree is the snapshot up to `base`. */
export const woken = (w: World, i: ServerId, base: Zxid): World => placed(w, i, running(placeOf(w, i), base));

const running = remembered2((place: Place, base: Zxid): Place => {
  const { snapshots, old, entries } = place.disk;
  const loaded = snapshots.findLast((s) => compareZxid(lastOf(s), base) === 0) ?? [];
  const all = old.length === 0 ? entries : [...old, ...entries];
  return { ...withDisk(place, { entries: all, durable: all.length, old: [] }), up: true, loaded, tree: loaded };
});

/** Server `i` stops; `k` entries that no fsync has covered are on its disk all the same. Null: there are not so many. */
export const crashed = (w: World, i: ServerId, k: number): World | null => {
  const { disk } = placeOf(w, i);
  return disk.durable + k > disk.entries.length ? null : placed(w, i, stopped(placeOf(w, i), k));
};

const stopped = remembered2(({ disk, loaded }: Place, k: number): Place => {
  const durable = disk.durable + k;
  return {
    up: false,
    disk: { ...disk, asked: null, entries: disk.entries.slice(0, durable), durable, begun: null },
    loaded,
    tree: [],
    serving: false,
    listening: false,
    asking: null,
    told: null,
  };
});

type Broken = { readonly world: World; readonly told: readonly ServerId[] };

/** The connections of server `i` are gone, or end after what is under way. Gives who must be told at once. */
export const broken = (w: World, i: ServerId): Broken => {
  if (w.rules.lateNotice) return { world: changed(w, touches(i), (c) => connection.closedAt(c, i)), told: [] };
  const told = w.connections.flatMap((c) => (c !== null && touches(i)(c) ? (connection.knows(c, i) ?? []) : []));
  return { world: changed(w, touches(i), () => null), told: told.sort((a, b) => a - b) };
};

/** The connection of learner `i` to leader `l` breaks; null when there is none. */
export const cut = (w: World, i: ServerId, l: ServerId): Broken | null => {
  const c = connectionOf(w, i, l);
  if (c === null || !connection.isWhole(c)) return null;
  if (w.rules.lateNotice) return { world: linked(w, i, l, connection.severed(c)), told: [] };
  return { world: linked(w, i, l, null), told: connection.knows(c, i) === null ? [i] : [i, l] };
};
