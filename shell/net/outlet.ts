/**
 * Output of sockets, gathered over a turn: one write a socket, into one buffer that is used again as soon as the kernel
 * took all of it.
 */
import type { Socket } from 'node:net';

export type Outlet = {
  /** Queues the bytes for the end of the turn. Small ones are copied; large ones are taken over and must not change. */
  readonly put: (bytes: Uint8Array) => void;
  /** Bytes that the kernel has not taken yet, those of this turn included. */
  readonly pending: () => number;
  readonly flush: () => void;
  /** Flushes and sends FIN; a peer that then makes no progress for `graceMs`, or sends without end, is let go. */
  readonly finish: (graceMs: number) => void;
  /** From now on the same holds, without a FIN. */
  readonly limit: (graceMs: number) => void;
};

export type Outlets = {
  readonly open: (socket: Socket) => Outlet;
  /** Writes what this turn has queued. Called by nobody, it happens at the end of the turn of its own accord. */
  readonly flush: () => void;
};

const firstPageBytes = 512;
/** What a busy turn may need; a page above the usual one goes once so many turns in a row need little of it. */
const lastPageBytes = 128 * 1024;
const usualPageBytes = 16 * 1024;
const quietTurnsKept = 16;
/** From here on a copy costs more than one more element in the vector of a write. */
const largeBytes = 4 * 1024;

/** A peer may take so many times the grace to read what was left for it, if only it goes on reading. */
const patience = 30;

export const createOutlets = (): Outlets => {
  let dirty: Outlet[] = [];
  let scheduled = false;

  const flush = (): void => {
    if (dirty.length === 0) return;
    const now = dirty;
    dirty = [];
    for (const outlet of now) outlet.flush();
  };

  const mark = (outlet: Outlet): void => {
    dirty.push(outlet);
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      flush();
    });
  };

  return { open: (socket) => openOutlet(socket, mark), flush };
};

const openOutlet = (socket: Socket, mark: (outlet: Outlet) => void): Outlet => {
  let page: Buffer | null = null;
  let pageBytes = firstPageBytes;
  let start = 0; // of what is not in `sealed` yet
  let end = 0;
  let sealed: Uint8Array[] = [];
  let queued = 0;
  let quietTurns = 0;

  const seal = (): void => {
    if (page !== null && end > start) sealed.push(page.subarray(start, end));
    start = end;
  };

  const put = (bytes: Uint8Array): void => {
    if (bytes.length === 0 || !socket.writable) return;
    if (queued === 0) mark(outlet);
    queued += bytes.length;
    if (bytes.length >= largeBytes) {
      seal();
      sealed.push(bytes);
      return;
    }
    if (page === null || page.length - end < bytes.length) {
      seal();
      if (page !== null) pageBytes = Math.min(2 * pageBytes, lastPageBytes);
      while (pageBytes < bytes.length) pageBytes *= 2;
      page = Buffer.allocUnsafe(pageBytes);
      start = end = 0;
    }
    page.set(bytes, end);
    end += bytes.length;
  };

  const shrink = (wasQuiet: boolean): void => {
    quietTurns = wasQuiet && pageBytes > usualPageBytes ? quietTurns + 1 : 0;
    if (quietTurns < quietTurnsKept) return;
    quietTurns = 0;
    pageBytes /= 2;
    page = null;
  };

  const flush = (): void => {
    if (queued === 0) return;
    seal();
    const parts = sealed;
    sealed = [];
    queued = 0;
    if (socket.writable) {
      const [only] = parts;
      if (parts.length === 1 && only !== undefined) socket.write(only);
      else {
        socket.cork();
        for (const part of parts) socket.write(part);
        socket.uncork();
      }
    }
    // Node still owns the page while part of it waits in the socket.
    if (socket.writableLength > 0) page = null;
    else shrink(parts.length === 1 && 8 * end < pageBytes);
    start = end = 0;
  };

  let isLimited = false;
  const limit = (graceMs: number): void => {
    if (isLimited) return;
    isLimited = true;
    socket.setTimeout(graceMs, () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), patience * graceMs);
    socket.once('close', () => clearTimeout(timer));
  };

  const outlet: Outlet = {
    put,
    pending: () => queued + socket.writableLength,
    flush,
    finish: (graceMs) => {
      flush();
      socket.end();
      limit(graceMs);
    },
    limit,
  };
  return outlet;
};
