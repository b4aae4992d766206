/**
 * The invariants of spec/MCReplication.tla over whole servers, under the same names. They are looked at after every turn
 * of a server, at a cost that follows what the turn has changed, not how long the history is.
 */
import { isQuorum } from '../../core/data/quorum.js';
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid, formatZxid, sameZxid, zeroZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import type { ServerState } from '../../core/server.js';
import { freshService, serviceStep, snapshotOf } from '../../core/service/service.js';
import type { ServiceState } from '../../core/service/service.js';
import type { Txn } from '../../core/service/txn.js';
import { snapshotText } from './disk.js';
import type { Disk } from './disk.js';

export type Fault = (name: string, detail: string) => void;

/** A server as the invariants see it; `state` is null while it is down. */
export type Observed = { readonly sid: ServerId; readonly state: () => ServerState | null; readonly disk: Disk };

export type Monitor = {
  /** Server `sid` has had a turn and its disk has been asked for what the turn wants. */
  readonly turned: (sid: ServerId) => void;
  /** Server `sid` has started anew, or has stopped. */
  readonly restarted: (sid: ServerId) => void;
  /** Server `sid` has taken a snapshot at a zxid, here as text: it must be what was delivered up to there, no more. */
  readonly snapshotTaken: (sid: ServerId, zxid: Zxid, text: string) => void;
  /** What servers have delivered, in order: the spec's `order`. */
  readonly order: () => readonly Txn[];
  /** The state that the first `count` delivered transactions make, by a replica of its own. */
  readonly replica: (count: number) => ServiceState;
};

type Seen = {
  readonly server: Observed;
  /** What it has delivered since it started, snapshot included: the spec's `delivered`. */
  applied: Txn[];
  /** How much of its log is known to be `order`, and for which version of the log. */
  matched: number;
  cuts: number;
  /** How many entries of its log have been looked at for their order. */
  ordered: number;
};

const sameTxn = (a: Txn, b: Txn): boolean =>
  a === b || (sameZxid(a.zxid, b.zxid) && a.session === b.session && a.cxid === b.cxid && a.timeMs === b.timeMs);

export const monitorOf = (servers: readonly Observed[], fault: Fault): Monitor => {
  const order: Txn[] = [];
  /** States share what they have in common, so all of them can be kept. */
  const replicas: ServiceState[] = [freshService()];
  const established = new Map<number, ServerId>();
  const all = servers.map((server): Seen => ({ server, applied: [], matched: 0, cuts: 0, ordered: 0 }));
  const seenOf = (sid: ServerId): Seen => all.find((s) => s.server.sid === sid) as Seen;
  const leads = ({ server }: Seen): boolean => {
    const state = server.state();
    return (
      state !== null && state.replication.role.leader === server.sid && state.replication.role.phase === 'BROADCAST'
    );
  };
  const serves = ({ server }: Seen): boolean => server.state()?.replication.role.phase === 'BROADCAST';

  /** How many transactions of `order` are at or below a zxid. */
  const position = (zxid: Zxid): number => {
    let low = 0;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareZxid((order[middle] as Txn).zxid, zxid) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  /** The history up to the zxid of a snapshot: nothing gets into one that was not delivered before. */
  const historyTo = (seen: Seen, zxid: Zxid): Txn[] => {
    const count = position(zxid);
    const last = order[count - 1];
    if (!sameZxid(last?.zxid ?? zeroZxid, zxid))
      fault('Integrity', `server ${seen.server.sid} has a snapshot up to ${formatZxid(zxid)}, which nobody delivered`);
    return order.slice(0, count);
  };

  const entriesBetween = (seen: Seen, after: Zxid, upTo: Zxid): readonly Txn[] => {
    const entries = seen.server.disk.entries();
    let from = entries.length;
    while (from > 0 && compareZxid((entries[from - 1] as Txn).zxid, after) > 0) from--;
    return entries.slice(from).filter((t) => compareZxid(t.zxid, upTo) <= 0);
  };

  const deliver = (seen: Seen, txn: Txn): void => {
    const { sid } = seen.server;
    const at = seen.applied.length;
    const text = `${formatZxid(txn.zxid)} at ${at} on server ${sid}`;
    const last = seen.applied.at(-1);
    if (last !== undefined && compareZxid(last.zxid, txn.zxid) >= 0) fault('TotalOrder', text);
    for (const other of all) {
      const its = other.applied[at];
      if (other !== seen && serves(other) && its !== undefined && !sameTxn(its, txn))
        fault('Agreement', `${text}, but server ${other.server.sid} has ${formatZxid(its.zxid)}`);
    }
    const known = order[at];
    if (known === undefined) extend(txn, text);
    else if (!sameTxn(known, txn)) fault('PrefixConsistency', `${text}, but ${formatZxid(known.zxid)} was there`);
    seen.applied.push(txn);
  };

  const extend = (txn: Txn, text: string): void => {
    const { epoch, counter } = txn.zxid;
    const last = order.at(-1)?.zxid ?? zeroZxid;
    if (compareZxid(last, txn.zxid) >= 0) fault('TotalOrder', text);
    const follows = counter === 1 || (last.epoch === epoch && last.counter === counter - 1);
    if (!follows) fault('LocalPrimaryOrder', `${text} after ${formatZxid(last)}`);
    order.push(txn);
    replicas.push(serviceStep(replicas.at(-1) as ServiceState, { type: 'Applied', txn }).state);
  };

  /** Takes in what server has delivered since its last turn. */
  const follow = (seen: Seen): void => {
    const state = seen.server.state();
    if (state === null) return;
    const { delivered } = state.replication;
    const before = seen.applied.at(-1)?.zxid ?? zeroZxid;
    if (sameZxid(before, delivered)) return;
    const base = seen.server.disk.base();
    if (compareZxid(base, before) > 0 || compareZxid(delivered, before) < 0) seen.applied = historyTo(seen, base);
    for (const txn of entriesBetween(seen, seen.applied.at(-1)?.zxid ?? zeroZxid, delivered)) deliver(seen, txn);
    const last = seen.applied.at(-1)?.zxid ?? zeroZxid;
    if (!sameZxid(last, delivered))
      fault(
        'Integrity',
        `server ${seen.server.sid} delivered ${formatZxid(delivered)}, its log has ${formatZxid(last)}`,
      );
  };

  /** How much of `order` is in the log of a server, from its beginning on. */
  const matchedBy = (seen: Seen): { readonly logged: number; readonly durable: number } => {
    const { disk } = seen.server;
    const below = position(disk.base());
    const entries = disk.entries();
    if (seen.cuts !== disk.cuts() || seen.matched < below) {
      seen.cuts = disk.cuts();
      seen.matched = below;
      seen.ordered = 0;
    }
    for (let entry = entries[seen.matched - below]; entry !== undefined; entry = entries[seen.matched - below]) {
      const known = order[seen.matched];
      if (known === undefined || !sameTxn(known, entry)) break;
      seen.matched++;
    }
    return { logged: seen.matched, durable: Math.min(seen.matched, below + disk.durable()) };
  };

  const logs = (seen: Seen): void => {
    const { disk, sid } = seen.server;
    const entries = disk.entries();
    for (let n = seen.ordered; n < entries.length; n++) {
      const before = entries[n - 1]?.zxid ?? disk.base();
      const { zxid } = entries[n] as Txn;
      if (compareZxid(before, zxid) >= 0)
        fault('GlobalPrimaryOrder', `server ${sid} logs ${formatZxid(zxid)} after ${formatZxid(before)}`);
    }
    seen.ordered = entries.length;
  };

  const leader = (seen: Seen): void => {
    const { sid, state } = seen.server;
    const epoch = state()?.replication.role.newEpoch ?? 0;
    const other = established.get(epoch) ?? sid;
    if (other !== sid) fault('Leadership', `servers ${other} and ${sid} are both established in epoch ${epoch}`);
    established.set(epoch, sid);
    const earlier = position({ epoch, counter: 0 });
    if (seen.applied.length < earlier)
      fault('PrimaryIntegrity', `leader ${sid} of epoch ${epoch} delivered ${seen.applied.length} of ${earlier}`);
    const newest = all.every(({ server }) => acceptedEpoch(server) <= epoch);
    const { logged } = matchedBy(seen);
    if (newest && logged < order.length)
      fault('LeaderLogCompleteness', `leader ${sid} of epoch ${epoch} has ${logged} of ${order.length}`);
  };

  const acceptedEpoch = (server: Observed): number =>
    server.state()?.replication.disk.acceptedEpoch ?? server.disk.epochs().accepted;

  const check = (sid: ServerId): void => {
    const seen = seenOf(sid);
    follow(seen);
    const held = all.filter((s) => matchedBy(s).durable >= order.length).length;
    if (!isQuorum(all.length, held))
      fault('Durability', `${held} of ${all.length} servers have all of ${order.length}`);
    logs(seen);
    for (const s of all) if (leads(s)) leader(s);
    const { accepted, current } = seen.server.disk.epochs();
    if (current > accepted) fault('EpochsInOrder', `server ${sid} has files ${accepted} and ${current}`);
    const disk = seen.server.state()?.replication.disk;
    if (disk !== undefined && disk.currentEpoch > disk.acceptedEpoch)
      fault('EpochsInOrder', `server ${sid} has ${disk.acceptedEpoch} and ${disk.currentEpoch}`);
  };

  return {
    turned: check,
    restarted: (sid) => {
      const seen = seenOf(sid);
      const state = seen.server.state();
      seen.applied = state === null ? [] : historyTo(seen, state.replication.delivered);
      // An entry of an epoch shows that the server was in it (spec `Restart`).
      const last = seen.server.disk.entries().at(-1)?.zxid ?? seen.server.disk.base();
      if (state !== null && state.replication.disk.currentEpoch < last.epoch)
        fault('EpochsInOrder', `server ${sid} starts behind its log, which ends at ${formatZxid(last)}`);
      check(sid);
    },
    snapshotTaken: (sid, zxid, text) => {
      const expected = snapshotOf(replicas[position(zxid)] as ServiceState);
      if (snapshotText(expected) !== text)
        fault('SnapshotIsExact', `server ${sid} has another tree at ${formatZxid(zxid)} in its snapshot`);
    },
    order: () => order,
    replica: (count) => replicas[count] as ServiceState,
  };
};
