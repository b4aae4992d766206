/**
 * The turn of the server: what sockets, disk and clock report is collected while the poll phase of Node's event loop
 * runs, and handed over as one batch in the check phase that follows. So a turn reads all ready sockets, steps once,
 * and writes once a socket.
 */
export type LoopOptions<E> = {
  /**
   * Takes all events since the last turn in the order of their arrival, and runs what follows from them. Events pushed
   * meanwhile belong to the next turn. `nowMs`: monotonic clock, milliseconds, one value a turn.
   */
  readonly onBatch: (batch: readonly E[], nowMs: number) => void;
  /** Called once after every batch: one write a socket. */
  readonly flush: () => void;
  /** Monotonic milliseconds; a test or a simulation gives its own. */
  readonly now?: () => number;
};

export type Loop<E> = {
  readonly push: (event: E) => void;
  /** Events that wait for the next turn. */
  readonly waiting: () => number;
  /** What waits is dropped, later events too. */
  readonly stop: () => void;
};

/** Starts with nothing scheduled: an idle loop costs nothing and keeps no process alive. */
export const startLoop = <E>({ onBatch, flush, now = () => performance.now() }: LoopOptions<E>): Loop<E> => {
  let events: E[] = [];
  let scheduled: NodeJS.Immediate | null = null;
  let stopped = false;

  const turn = (): void => {
    scheduled = null;
    const batch = events;
    events = [];
    onBatch(batch, now());
    flush();
  };

  return {
    push: (event) => {
      if (stopped) return;
      events.push(event);
      scheduled ??= setImmediate(turn);
    },
    waiting: () => events.length,
    stop: () => {
      stopped = true;
      events = [];
      if (scheduled !== null) clearImmediate(scheduled);
      scheduled = null;
    },
  };
};
