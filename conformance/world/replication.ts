/**
 * What lies between the servers of a replication: connections, disks, trees, elections. It does what a server's effects
 * ask and says which events its own variables allow. It reads no server state and nothing of a packet but where it
 * goes; whether a server may act is for the core to say.
 * Mirrors the environment of spec/Replication.tla: connections, WriteEpochFile, Crash, Break, ElectionContract.
 */
import { isQuorum } from '../../core/data/quorum.js';
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { Packet } from '../../core/replication/packet.js';
import type { ReplicationEffect } from '../../core/replication/state.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import type { Txn } from '../../core/service/txn.js';

/** The tree as a list: what was applied, in order. */
export type History = readonly Zxid[];
/** A snapshot of such a tree. */
export type ListSnapshot = Snapshot & { readonly history: History };

export const snapshotOf = (history: History): ListSnapshot => ({ sessions: [], nodes: [], history });
export const historyOf = (snapshot: Snapshot): History => (snapshot as ListSnapshot).history;

/** One connection; each queue may end with 'EOF'. A connection is taken once the leader has read from it. */
export type Connection = {
  readonly learner: ServerId;
  readonly leader: ServerId;
  readonly openAtLearner: boolean;
  readonly openAtLeader: boolean;
  readonly taken: boolean;
  /** Before it is taken: the leader still holds an older connection of this learner. */
  readonly stale: boolean;
  readonly up: readonly (Packet | 'EOF')[];
  readonly down: readonly (Packet | 'EOF')[];
};

export type Disk = {
  readonly accepted: number;
  readonly current: number;
  readonly asked:
    | null
    | { readonly file: 'accepted' | 'current'; readonly epoch: number; readonly written: boolean }
    | { readonly file: 'snapshot'; readonly history: History };
  /** What the snapshot holds, the log after it, and how much of that log is there for good. */
  readonly base: History;
  readonly entries: readonly Txn[];
  readonly durable: number;
};

/** What the world knows of one server. */
export type Place = {
  readonly up: boolean;
  readonly disk: Disk;
  readonly tree: History;
  readonly serving: boolean;
  readonly listening: boolean;
  /** The credentials with which it has started an election that has not ended. */
  readonly asking: { readonly epoch: number; readonly zxid: Zxid } | null;
  /** Whom it was told to follow. */
  readonly told: ServerId | null;
};

/** How the spec's constants set the world. */
export type Rules = { readonly eagerEpochs: boolean; readonly lateNotice: boolean; readonly anyElection: boolean };

export type World = {
  readonly rules: Rules;
  readonly places: readonly Place[]; // by server id, 1..n at 0..n-1
  readonly connections: readonly Connection[];
};

export const placeOf = (w: World, i: ServerId): Place => w.places[i - 1] as Place;

export const withPlace = (w: World, i: ServerId, change: Partial<Place>): World => ({
  rules: w.rules,
  places: w.places.map((p, n) => (n === i - 1 ? { ...p, ...change } : p)),
  connections: w.connections,
});

const withDisk = (w: World, i: ServerId, change: Partial<Disk>): World =>
  withPlace(w, i, { disk: { ...placeOf(w, i).disk, ...change } });

const ended = (queue: readonly (Packet | 'EOF')[]): boolean => queue.at(-1) === 'EOF';

const withConnections = (w: World, change: (c: Connection) => Connection | null): World => ({
  rules: w.rules,
  places: w.places,
  connections: w.connections.flatMap((c) => {
    const next = change(c);
    return next === null || (!next.openAtLearner && !next.openAtLeader) ? [] : [next];
  }),
});

/** What waits for server `to` from server `from`, on the connection whose end at `to` is open. */
export const waiting = (w: World, to: ServerId, from: ServerId): readonly (Packet | 'EOF')[] => {
  for (const c of w.connections) {
    if (c.leader === to && c.learner === from && c.openAtLeader) return c.up;
    if (c.learner === to && c.leader === from && c.openAtLearner) return c.down;
  }
  return [];
};

/** Takes the oldest packet from `from` to `to` off its queue; an EOF closes the end at `to`. */
export const received = (w: World, to: ServerId, from: ServerId): World =>
  withConnections(w, (c) => {
    if (c.leader === to && c.learner === from && c.openAtLeader)
      return c.up[0] === 'EOF'
        ? { ...c, openAtLeader: false, up: [] }
        : { ...c, taken: true, stale: false, up: c.up.slice(1) };
    if (c.learner === to && c.leader === from && c.openAtLearner)
      return c.down[0] === 'EOF' ? c : { ...c, down: c.down.slice(1) };
    return c;
  });

/** End `i` of a connection closes: what it sent still arrives, then EOF. */
const closedAt = (c: Connection, i: ServerId): Connection =>
  c.learner === i && c.openAtLearner
    ? { ...c, openAtLearner: false, down: [], up: c.openAtLeader && !ended(c.up) ? [...c.up, 'EOF'] : c.up }
    : c.leader === i && c.openAtLeader
      ? {
          ...c,
          openAtLeader: false,
          taken: false,
          stale: false,
          up: [],
          down: c.openAtLearner && !ended(c.down) ? [...c.down, 'EOF'] : c.down,
        }
      : c;

/** Who knows of a connection with `i`: its learners' leader, and leaders that have read from it. */
const knows = (c: Connection, i: ServerId): ServerId | null =>
  c.leader === i && c.openAtLearner
    ? c.learner
    : c.learner === i && c.openAtLeader && (c.taken || c.stale)
      ? c.leader
      : null;

const sent = (w: World, from: ServerId, to: ServerId, packet: Packet): World =>
  withConnections(w, (c) => {
    if (c.learner === from && c.leader === to && c.openAtLearner && !ended(c.down))
      return { ...c, up: [...c.up, packet] };
    if (c.leader === from && c.learner === to && c.openAtLeader && c.taken && !ended(c.up))
      return { ...c, down: [...c.down, packet] };
    return c;
  });

/** Does what server `i` asks. */
export const perform = (w: World, i: ServerId, effect: ReplicationEffect): World => {
  const { disk, tree } = placeOf(w, i);
  switch (effect.type) {
    case 'Send':
      return sent(w, i, effect.to, effect.packet);
    case 'SendSnapshot':
      return sent(w, i, effect.to, { type: 'SNAP', zxid: effect.zxid, snapshot: snapshotOf(tree) });
    case 'Append':
      return withDisk(w, i, { entries: [...disk.entries, ...effect.txns] });
    case 'Truncate': {
      const entries = disk.entries.filter((t) => compareZxid(t.zxid, effect.zxid) <= 0);
      // A tree beyond the cut is loaded again from what is left.
      const left = withPlace(w, i, { tree: tree.filter((z) => compareZxid(z, effect.zxid) <= 0) });
      return withDisk(left, i, { entries, durable: entries.length });
    }
    case 'SaveEpoch': {
      const asked = withDisk(w, i, { asked: { file: effect.file, epoch: effect.epoch, written: false } });
      return w.rules.eagerEpochs ? writeEpochFile(asked, i) : asked;
    }
    case 'SaveSnapshot':
      return withDisk(w, i, { asked: { file: 'snapshot', history: historyOf(effect.snapshot) } });
    case 'Restore':
      return withPlace(w, i, { tree: historyOf(effect.snapshot) });
    case 'Deliver':
      return withPlace(w, i, { tree: [...tree, ...effect.txns.map((t) => t.zxid)] });
    case 'Serve':
      return withPlace(w, i, { serving: true });
    case 'Leave':
      return withPlace(w, i, { serving: false, told: null });
    case 'LookForLeader':
      return withPlace(w, i, { asking: { epoch: effect.epoch, zxid: effect.zxid } });
    case 'Listen':
      return withPlace(w, i, { listening: true });
    case 'Connect': {
      const stale = w.connections.some(
        (c) => c.learner === i && c.leader === effect.to && c.openAtLeader && (c.taken || c.stale),
      );
      const kept = withConnections(w, (c) => (c.learner === i && c.leader === effect.to ? null : c));
      const fresh: Connection = {
        learner: i,
        leader: effect.to,
        openAtLearner: true,
        openAtLeader: true,
        taken: false,
        stale,
        up: [],
        down: [],
      };
      return { rules: w.rules, places: w.places, connections: [...kept.connections, fresh] };
    }
    case 'Disconnect':
      return withConnections(w, (c) => (c.learner === effect.peer ? closedAt(c, i) : c));
    case 'DisconnectAll':
      return withConnections(withPlace(w, i, { listening: false }), (c) => closedAt(c, i));
  }
};

/** The disk renames the epoch file into place. */
export const writeEpochFile = (w: World, i: ServerId): World => {
  const { asked } = placeOf(w, i).disk;
  if (asked === null || asked.file === 'snapshot') return w;
  return withDisk(w, i, { [asked.file]: asked.epoch, asked: { ...asked, written: true } });
};

/** The disk's answer to what was asked is on its way to server `i`. */
export const answered = (w: World, i: ServerId): World => {
  const { asked } = placeOf(w, i).disk;
  return asked?.file === 'snapshot'
    ? withDisk(w, i, { asked: null, base: asked.history, entries: [], durable: 0 })
    : withDisk(w, i, { asked: null });
};

/** An fsync has covered `k` more entries; null when there are not that many. */
export const logSynced = (w: World, i: ServerId, k: number): World | null => {
  const { disk } = placeOf(w, i);
  const durable = disk.durable + k;
  return k > 0 && durable <= disk.entries.length ? withDisk(w, i, { durable }) : null;
};

const voteBelow = (
  a: { epoch: number; zxid: Zxid },
  i: ServerId,
  b: { epoch: number; zxid: Zxid },
  l: ServerId,
): boolean => (a.epoch - b.epoch || compareZxid(a.zxid, b.zxid) || i - l) <= 0;

/** ElectionContract: whether server `i` may be told to follow `l` (spec `MayFollow`). */
export const mayFollow = (w: World, i: ServerId, l: ServerId): boolean => {
  const own = placeOf(w, i).asking;
  if (own === null || (i !== l && !placeOf(w, l).listening)) return false;
  if (w.rules.anyElection) return true;
  const supports = (p: Place, j: number): boolean =>
    i === l ? p.asking !== null && voteBelow(p.asking, j + 1, own, l) : p.told === l || p.asking !== null;
  return isQuorum(w.places.length, w.places.filter(supports).length);
};

/** Server `i` stops; `k` entries that no fsync has covered are on its disk all the same. Null: there are not so many. */
export const crashed = (w: World, i: ServerId, k: number): World | null => {
  const { disk } = placeOf(w, i);
  const durable = disk.durable + k;
  if (durable > disk.entries.length) return null;
  const kept: Disk = { ...disk, asked: null, entries: disk.entries.slice(0, durable), durable };
  const down: Place = {
    up: false,
    disk: kept,
    tree: [],
    serving: false,
    listening: false,
    asking: null,
    told: null,
  };
  return withPlace(w, i, down);
};

/** The connections that `which` picks are gone, or end after what is under way. Gives who must be told at once. */
export const broken = (
  w: World,
  i: ServerId,
  which: (c: Connection) => boolean,
): { readonly world: World; readonly told: readonly ServerId[] } => {
  if (w.rules.lateNotice) return { world: withConnections(w, (c) => (which(c) ? closedAt(c, i) : c)), told: [] };
  const told = w.connections.filter(which).flatMap((c) => knows(c, i) ?? []);
  return { world: withConnections(w, (c) => (which(c) ? null : c)), told: told.sort((a, b) => a - b) };
};

/** The connection of learner `i` to leader `l` breaks; null when there is none. */
export const cut = (
  w: World,
  i: ServerId,
  l: ServerId,
): { readonly world: World; readonly told: readonly ServerId[] } | null => {
  const whole = (c: Connection): boolean =>
    c.learner === i && c.leader === l && c.openAtLearner && !ended(c.up) && !ended(c.down);
  const found = w.connections.find(whole);
  if (found === undefined) return null;
  if (w.rules.lateNotice)
    return {
      world: withConnections(w, (c) => (c === found ? { ...c, up: [...c.up, 'EOF'], down: [...c.down, 'EOF'] } : c)),
      told: [],
    };
  const told = found.taken || found.stale ? [i, l] : [i];
  return { world: withConnections(w, (c) => (c === found ? null : c)), told };
};
