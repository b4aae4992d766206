/**
 * One connection between a learner and its leader: each direction delivers in order, what was sent before an end still
 * arrives, and each end notices for itself that the other has gone. Of packets it knows nothing.
 */
import type { ServerId } from '../../core/data/quorum.js';
import { remembered, remembered2 } from '../remembered.js';

/** Oldest first; may end with 'EOF'. */
export type Queue<P> = readonly (P | 'EOF')[];

export type Connection<P> = {
  readonly learner: ServerId;
  readonly leader: ServerId;
  readonly openAtLearner: boolean;
  readonly openAtLeader: boolean;
  /** The leader has read from it. */
  readonly taken: boolean;
  /** Before it is taken: the leader still holds an older connection of this learner. */
  readonly stale: boolean;
  readonly up: Queue<P>;
  readonly down: Queue<P>;
};

type Any = Connection<unknown>;

const ended = (queue: Queue<unknown>): boolean => queue.at(-1) === 'EOF';

const withEnd = <P>(queue: Queue<P>, open: boolean): Queue<P> => (open && !ended(queue) ? [...queue, 'EOF'] : queue);

/** Null once both ends are closed. */
const unlessGone = (c: Any): Any | null => (c.openAtLearner || c.openAtLeader ? c : null);

/** Whether the leader holds this connection, or an older one of the same learner. */
const held = (c: Any): boolean => c.openAtLeader && (c.taken || c.stale);

/** A new connection, in place of an older one of the same two. */
export const opened = <P>(older: Connection<P> | null, learner: ServerId, leader: ServerId): Connection<P> => ({
  learner,
  leader,
  openAtLearner: true,
  openAtLeader: true,
  taken: false,
  stale: older !== null && held(older),
  up: [],
  down: [],
});

/** The end at `to` takes the oldest of its queue; the leader's closes with an EOF, the learner closes its own. */
export const read = <P>(c: Connection<P>, to: ServerId): Connection<P> | null =>
  (to === c.leader ? readAtLeader(c) : readAtLearner(c)) as Connection<P> | null;

const readAtLeader = remembered((c: Any): Any | null =>
  c.up[0] === 'EOF'
    ? unlessGone({ ...c, openAtLeader: false, taken: false, stale: false, up: [] })
    : { ...c, taken: true, stale: false, up: c.up.slice(1) },
);

const readAtLearner = remembered((c: Any): Any => (c.down[0] === 'EOF' ? c : { ...c, down: c.down.slice(1) }));

/** What the end at `from` sends; a leader that has not read from the connection does not know it. */
export const written = <P>(c: Connection<P>, from: ServerId, packet: P): Connection<P> =>
  (from === c.leader ? writtenAtLeader(c, packet) : writtenAtLearner(c, packet)) as Connection<P>;

const writtenAtLeader = remembered2((c: Any, packet: unknown): Any =>
  c.taken && !ended(c.up) ? { ...c, down: [...c.down, packet] } : c,
);

const writtenAtLearner = remembered2((c: Any, packet: unknown): Any =>
  ended(c.down) ? c : { ...c, up: [...c.up, packet] },
);

/** The end at `i` closes: what it sent still arrives, then EOF. */
export const closedAt = <P>(c: Connection<P>, i: ServerId): Connection<P> | null =>
  (i === c.leader ? closedAtLeader(c) : closedAtLearner(c)) as Connection<P> | null;

const closedAtLeader = remembered((c: Any): Any | null =>
  c.openAtLeader
    ? unlessGone({
        ...c,
        openAtLeader: false,
        taken: false,
        stale: false,
        up: [],
        down: withEnd(c.down, c.openAtLearner),
      })
    : c,
);

const closedAtLearner = remembered((c: Any): Any | null =>
  c.openAtLearner ? unlessGone({ ...c, openAtLearner: false, down: [], up: withEnd(c.up, c.openAtLeader) }) : c,
);

/** Both directions still lead to their ends, and the learner's is open. */
export const isWhole = (c: Any): boolean => c.openAtLearner && !ended(c.up) && !ended(c.down);

/** Both directions end behind what is under way. */
export const severed = <P>(c: Connection<P>): Connection<P> => ({
  ...c,
  up: [...c.up, 'EOF'],
  down: [...c.down, 'EOF'],
});

/** Who else knows of the connection of `i`: the learner whose end is open, or the leader if it holds it. */
export const knows = (c: Any, i: ServerId): ServerId | null =>
  c.leader === i ? (c.openAtLearner ? c.learner : null) : held(c) ? c.leader : null;
