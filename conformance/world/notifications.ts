/**
 * What lies between servers that elect: for each ordered pair a slot, which holds the notification that waits to be
 * sent, and a wire, which delivers in order; and how often the world may still interfere. Of a message the world
 * knows from where to where it goes, of servers nothing. Mirrors the channels of spec/Election.tla and the budget of
 * spec/MCElection.tla.
 */
import { remembered, remembered2 } from '../remembered.js';

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
  /** Row after row: `channelAt(w, i, j)` goes from the server at index i to the one at index j. */
  readonly channels: readonly Channel<M>[];
  readonly servers: number;
};

const empty: Channel<never> = { slot: null, latest: null, wire: [] };

export const emptyWorld = <M>(servers: number, limits: Limits, budget: Budget): World<M> => ({
  limits,
  budget,
  channels: Array.from({ length: servers * servers }, () => empty),
  servers,
});

export const channelAt = <M>(w: World<M>, from: number, to: number): Channel<M> =>
  w.channels[from * w.servers + to] ?? empty;

const withChannels = <M>(w: World<M>, channels: readonly Channel<M>[]): World<M> => ({
  limits: w.limits,
  budget: w.budget,
  channels,
  servers: w.servers,
});

const withChannel = <M>(w: World<M>, from: number, to: number, c: Channel<M>): World<M> =>
  withChannels(w, w.channels.with(from * w.servers + to, c));

/** Null when the budget for it is used up. */
export const spend = <M>(w: World<M>, what: keyof Budget): World<M> | null =>
  w.budget[what] > 0
    ? {
        limits: w.limits,
        budget: { ...w.budget, [what]: w.budget[what] - 1 },
        channels: w.channels,
        servers: w.servers,
      }
    : null;

/** A newer notification takes the place of one that waits. */
export const send = <M>(w: World<M>, from: number, to: number, message: M): World<M> =>
  withChannel(w, from, to, filled(channelAt(w, from, to), message) as Channel<M>);

const filled = remembered2((c: Channel<unknown>, slot: unknown) => ({ slot, latest: c.latest, wire: c.wire }));

/** The notification that waits goes on its way; null when none waits or the wires are full. */
export const transmit = <M>(w: World<M>, from: number, to: number): World<M> | null => {
  const c = channelAt(w, from, to);
  if (c.slot === null || c.wire.length >= w.limits.maxWire) return null;
  let inFlight = 0;
  for (const { wire } of w.channels) inFlight += wire.length;
  if (inFlight >= w.limits.maxFlight) return null;
  return withChannel(w, from, to, gone(c, w.limits.reconnects) as Channel<M>);
};

const gone = remembered2((c: Channel<unknown>, keep: boolean) => ({
  slot: null,
  latest: keep ? c.slot : null,
  wire: [...c.wire, c.slot],
}));

/** Takes the oldest notification off the wire; null when there is none. */
export const receive = <M>(
  w: World<M>,
  from: number,
  to: number,
): { readonly message: M; readonly world: World<M> } | null => {
  const c = channelAt(w, from, to);
  const message = c.wire[0];
  return message === undefined ? null : { message, world: withChannel(w, from, to, shorter(c) as Channel<M>) };
};

const shorter = remembered((c: Channel<unknown>) => ({ slot: c.slot, latest: c.latest, wire: c.wire.slice(1) }));

/** Whether nothing of what a server sent to these is still waiting or on its way. */
export const allGone = <M>(w: World<M>, from: number, to: readonly number[]): boolean =>
  to.every((j) => channelAt(w, from, j).slot === null && channelAt(w, from, j).wire.length === 0);

/** The connection of two servers ends with all that was on it, and they connect anew. */
export const breakConnection = <M>(w: World<M>, a: number, b: number): World<M> | null => {
  if (!w.limits.reconnects || a >= b) return null;
  return withChannel(withChannel(w, a, b, again(channelAt(w, a, b))), b, a, again(channelAt(w, b, a)));
};

/** A server stops: what it has not read or sent is lost, what it sent still arrives. Peers connect to it anew. */
export const stop = <M>(w: World<M>, server: number): World<M> | null => {
  if (!w.limits.reconnects) return null;
  const changed = (c: Channel<M>, from: number, to: number): Channel<M> => {
    if (from === server) return { slot: null, latest: null, wire: to === server ? [] : c.wire };
    return to === server ? again(c) : c;
  };
  return withChannels(
    w,
    w.channels.map((c, k) => changed(c, Math.floor(k / w.servers), k % w.servers)),
  );
};

/** On a new connection the last notification is sent again if none waits. */
const again = <M>(c: Channel<M>): Channel<M> => ({ slot: c.slot ?? c.latest, latest: c.latest, wire: [] });
