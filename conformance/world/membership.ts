/**
 * What lies between the servers of a reconfiguration: connections that deliver in order or end, and whether a server
 * is up. Of a packet the world knows from where to where it goes, of servers nothing; whom each follows it knows by the
 * connections that it was asked for. Mirrors the connections, Crash and Break of spec/Membership.tla and the budget of
 * spec/MCMembership.tla.
 */
import type { ServerId } from '../../core/data/quorum.js';

/** `EOF` ends what comes on one connection; what stands behind it is of the next one. */
export type Queued<P> = P | 'EOF';

/** What the world may still do or have asked: transactions, reconfigs, crashes, cuts, elections. */
export type Budget = readonly [txns: number, reconfigs: number, crashes: number, cuts: number, elections: number];

export type World<P> = {
  readonly budget: Budget;
  /** By server, 1 at index 0, as everywhere here. */
  readonly up: readonly boolean[];
  /** The leader that a learner is connected to; null: none. */
  readonly following: readonly (ServerId | null)[];
  /** `taken[l][i]`: leader l has read the first packet of i's connection and not its end. */
  readonly taken: readonly (readonly boolean[])[];
  /** `net[i][j]`: from i to j, oldest first. */
  readonly net: readonly (readonly (readonly Queued<P>[])[])[];
};

export const quietWorld = <P>(servers: number, budget: Budget): World<P> => ({
  budget,
  up: Array.from({ length: servers }, () => true),
  following: Array.from({ length: servers }, () => null),
  taken: Array.from({ length: servers }, () => Array.from({ length: servers }, () => false)),
  net: Array.from({ length: servers }, () => Array.from({ length: servers }, () => [])),
});

/** Null when the budget for it is used up. */
export const spend = <P>(w: World<P>, what: number): World<P> | null => {
  const left = w.budget[what] ?? 0;
  if (left === 0) return null;
  return { ...w, budget: w.budget.map((b, k) => (k === what ? b - 1 : b)) as unknown as Budget };
};

export const queue = <P>(w: World<P>, from: ServerId, to: ServerId): readonly Queued<P>[] =>
  w.net[from - 1]?.[to - 1] ?? [];

/** A learner opens a connection; what an older one still held for it is gone. */
export const connect = <P>(w: World<P>, from: ServerId, to: ServerId, first: P): World<P> => {
  const net = withQueue(withQueue(w.net, from, to, [...queue(w, from, to), first]), to, from, []);
  return { ...w, net, following: w.following.with(from - 1, to) };
};

/** What is sent on a connection that has ended, or to a learner that has not come, is lost. */
export const send = <P>(w: World<P>, from: ServerId, to: ServerId, packet: P): World<P> => {
  const open =
    w.following[from - 1] === to
      ? !queue(w, to, from).includes('EOF')
      : w.following[to - 1] === from && takes(w, from, to) && !queue(w, to, from).includes('EOF');
  return open ? { ...w, net: withQueue(w.net, from, to, [...queue(w, from, to), packet]) } : w;
};

/** Takes the oldest packet; null when there is none. With a learner's first one the leader has taken the connection. */
export const receive = <P>(
  w: World<P>,
  from: ServerId,
  to: ServerId,
): { readonly packet: Queued<P>; readonly world: World<P> } | null => {
  const [packet, ...rest] = queue(w, from, to);
  if (packet === undefined) return null;
  const read = { ...w, net: withQueue(w.net, from, to, rest) };
  // A learner that reads the end leaves, and its effect says so.
  if (w.following[to - 1] === from) return { packet, world: read };
  return { packet, world: { ...read, taken: withTaken(w, to, from, packet !== 'EOF') } };
};

/** A server closes all its connections: what it sent still arrives, and then the end. */
export const close = <P>(w: World<P>, i: ServerId): World<P> => {
  const net = w.net.map((row, f) =>
    row.map((q, t): readonly Queued<P>[] => {
      if (t === i - 1) return [];
      if (f !== i - 1) return q;
      const end = q.indexOf('EOF');
      if (w.following[t] === i) return end < 0 ? [...q, 'EOF'] : q;
      // The leader has not looked at this connection, or at the one after the end that it has yet to read.
      if (!takes(w, t + 1, i)) return [];
      return end < 0 ? [...q, 'EOF'] : q.slice(0, end + 1);
    }),
  );
  const taken = w.taken.with(
    i - 1,
    (w.taken[i - 1] ?? []).map(() => false),
  );
  return { ...w, net, taken, following: w.following.with(i - 1, null) };
};

/** The connection of a learner to its leader breaks, once the leader has taken it; null where there is none. */
export const cut = <P>(w: World<P>, i: ServerId, l: ServerId): World<P> | null => {
  const [up, down] = [queue(w, i, l), queue(w, l, i)];
  if (w.following[i - 1] !== l || !takes(w, l, i) || up.includes('EOF') || down.includes('EOF')) return null;
  return { ...w, net: withQueue(withQueue(w.net, i, l, [...up, 'EOF']), l, i, [...down, 'EOF']) };
};

/** A server stops, or starts; null when it has already. */
export const turn = <P>(w: World<P>, i: ServerId, up: boolean): World<P> | null =>
  w.up[i - 1] === up ? null : { ...(up ? w : close(w, i)), up: w.up.with(i - 1, up) };

const takes = <P>(w: World<P>, l: ServerId, i: ServerId): boolean => w.taken[l - 1]?.[i - 1] ?? false;

const withTaken = <P>(w: World<P>, l: ServerId, i: ServerId, taken: boolean): World<P>['taken'] =>
  w.taken.with(l - 1, (w.taken[l - 1] ?? []).with(i - 1, taken));

const withQueue = <P>(net: World<P>['net'], from: ServerId, to: ServerId, q: readonly Queued<P>[]): World<P>['net'] =>
  net.with(from - 1, (net[from - 1] ?? []).with(to - 1, q));
