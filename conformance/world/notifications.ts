/**
 * What lies between servers that elect: for each ordered pair a slot, which holds the notification that waits to be
 * sent, and a wire, which delivers in order; and how often the world may still interfere. Of a message the world
 * knows from where to where it goes, of servers nothing. Mirrors the channels of spec/Election.tla and the budget of
 * spec/MCElection.tla.
 */

/** Notifications from one server to another. */
export type Channel<M> = {
  readonly slot: M | null;
  /** The one that was sent last; kept only where connections may end. */
  readonly latest: M | null;
  /** Oldest first. */
  readonly wire: readonly M[];
};

/** What the world may still do of its own accord. */
export type Budget = {
  readonly starts: number;
  readonly resends: number;
  readonly updates: number;
  readonly breaks: number;
  readonly crashes: number;
};

export type Limits = {
  /** How many notifications a wire holds. */
  readonly maxWire: number;
  /** How many all wires hold together. */
  readonly maxFlight: number;
  /** Whether connections may end. */
  readonly reconnects: boolean;
};

export type World<M> = {
  readonly limits: Limits;
  readonly budget: Budget;
  /** `channels[i][j]`: from the server at index i to the one at index j. */
  readonly channels: readonly (readonly Channel<M>[])[];
};

const empty = { slot: null, latest: null, wire: [] } as const;

export const emptyWorld = <M>(servers: number, limits: Limits, budget: Budget): World<M> => ({
  limits,
  budget,
  channels: Array.from({ length: servers }, () => Array.from({ length: servers }, () => empty)),
});

/** Null when the budget for it is used up. */
export const spend = <M>(w: World<M>, what: keyof Budget): World<M> | null =>
  w.budget[what] > 0
    ? { limits: w.limits, budget: { ...w.budget, [what]: w.budget[what] - 1 }, channels: w.channels }
    : null;

/** A newer notification takes the place of one that waits. */
export const send = <M>(w: World<M>, from: number, to: number, message: M): World<M> =>
  changed(w, (c, i, j) => (i === from && j === to ? { slot: message, latest: c.latest, wire: c.wire } : c));

/** The notification that waits goes on its way; null when none waits or the wires are full. */
export const transmit = <M>(w: World<M>, from: number, to: number): World<M> | null => {
  const message = channel(w, from, to).slot;
  const inFlight = w.channels.flat().reduce((sum, c) => sum + c.wire.length, 0);
  if (message === null || channel(w, from, to).wire.length >= w.limits.maxWire || inFlight >= w.limits.maxFlight)
    return null;
  const latest = w.limits.reconnects ? message : null;
  return changed(w, (c, i, j) => (i === from && j === to ? { slot: null, latest, wire: [...c.wire, message] } : c));
};

/** Takes the oldest notification off the wire; null when there is none. */
export const receive = <M>(
  w: World<M>,
  from: number,
  to: number,
): { readonly message: M; readonly world: World<M> } | null => {
  const [message, ...rest] = channel(w, from, to).wire;
  if (message === undefined) return null;
  const world = changed(w, (c, i, j) => (i === from && j === to ? { slot: c.slot, latest: c.latest, wire: rest } : c));
  return { message, world };
};

/** Whether nothing of what a server sent to these is still waiting or on its way. */
export const allGone = <M>(w: World<M>, from: number, to: readonly number[]): boolean =>
  to.every((j) => channel(w, from, j).slot === null && channel(w, from, j).wire.length === 0);

/** The connection of two servers ends with all that was on it, and they connect anew. */
export const breakConnection = <M>(w: World<M>, a: number, b: number): World<M> | null => {
  if (!w.limits.reconnects || a >= b) return null;
  return changed(w, (c, i, j) => ((i === a && j === b) || (i === b && j === a) ? again(c) : c));
};

/** A server stops: what it has not read or sent is lost, what it sent still arrives. Peers connect to it anew. */
export const stop = <M>(w: World<M>, server: number): World<M> | null => {
  if (!w.limits.reconnects) return null;
  return changed(w, (c, i, j) => {
    if (i === server) return { slot: null, latest: null, wire: j === server ? [] : c.wire };
    return j === server ? again(c) : c;
  });
};

/** On a new connection the last notification is sent again if none waits. */
const again = <M>(c: Channel<M>): Channel<M> => ({ slot: c.slot ?? c.latest, latest: c.latest, wire: [] });

const channel = <M>(w: World<M>, from: number, to: number): Channel<M> => w.channels[from]?.[to] ?? empty;

const changed = <M>(w: World<M>, change: (c: Channel<M>, from: number, to: number) => Channel<M>): World<M> => ({
  limits: w.limits,
  budget: w.budget,
  channels: w.channels.map((row, i) => row.map((c, j) => change(c, i, j))),
});
