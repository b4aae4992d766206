/**
 * What waits for one client. A reply becomes bytes only when the socket has room for it: until then it points into the
 * tree, so a client that asks for much and reads slowly costs little, and one that reads gets all of it.
 */
import type { Reply } from '../../core/service/request.js';
import { encodeReply } from '../../wire/reply.js';
import type { Outlet } from './outlet.js';

export type ClientOutput = {
  readonly put: (item: Reply | Buffer) => void;
  /** Bytes that exist and that the kernel has not taken yet. */
  readonly pending: () => number;
  /** Whether something waits for room. */
  readonly isBehind: () => boolean;
  /** The socket has room again. */
  readonly advance: () => void;
  /** Sends what waits, then FIN; see Outlet. A peer that takes nothing for `graceMs` meanwhile is let go. */
  readonly finish: (graceMs: number) => void;
  /** What waits is dropped. */
  readonly forget: () => void;
};

/** Replies are made while less than this waits in the socket: enough to keep a fast network busy. */
const aheadBytes = 1024 * 1024;

/** @param onSent bytes of an item that has gone to the outlet */
export const openClientOutput = (outlet: Outlet, onSent: (bytes: number) => void): ClientOutput => {
  let waiting: (Reply | Buffer)[] = [];
  let head = 0;
  /** Of the buffers in `waiting`. */
  let waitingBytes = 0;
  let graceMs: number | null = null;

  const send = (item: Reply | Buffer): void => {
    const bytes = Buffer.isBuffer(item) ? item : encodeReply(item);
    onSent(bytes.length);
    outlet.put(bytes);
  };
  const forget = (): void => {
    waiting = [];
    head = 0;
    waitingBytes = 0;
  };
  return {
    put: (item) => {
      if (waiting.length === 0 && outlet.pending() <= aheadBytes) return send(item);
      waiting.push(item);
      if (Buffer.isBuffer(item)) waitingBytes += item.length;
    },
    pending: () => outlet.pending() + waitingBytes,
    isBehind: () => waiting.length > 0,
    advance: () => {
      if (waiting.length === 0) return;
      for (let item = waiting[head]; item !== undefined && outlet.pending() <= aheadBytes; item = waiting[head]) {
        head += 1;
        if (Buffer.isBuffer(item)) waitingBytes -= item.length;
        send(item);
      }
      if (head < waiting.length) return;
      forget();
      if (graceMs !== null) outlet.finish(graceMs);
    },
    finish: (ms) => {
      if (waiting.length === 0) return outlet.finish(ms);
      graceMs = ms;
      outlet.limit(ms);
    },
    forget,
  };
};
