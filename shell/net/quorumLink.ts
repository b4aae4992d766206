/** One link of the quorum port: what waits for a peer, in order, with snapshots streamed in slices. */
import type { Socket } from 'node:net';
import type { ServerId } from '../../core/data/quorum.js';
import type { PacketDecoder } from '../../wire/quorumStream.js';
import type { Outlet } from './outlet.js';

export type Link = {
  readonly sid: ServerId;
  readonly address: string;
  readonly decoder: PacketDecoder;
  open: boolean;
  socket: Socket | null;
  /** Null until the connection is open: everything waits in the queue. */
  outlet: Outlet | null;
  /** Packets behind a connection that is not open yet, or behind a snapshot; a generator gives a snapshot's bytes. */
  queue: (Buffer | Generator<Buffer>)[];
  /** First of the queue that has not gone out. */
  head: number;
  /** Bytes of the buffers in the queue. */
  waitingBytes: number;
  timeoutMs: number;
  /** When the peer was last heard, and when it last took bytes, monotonic milliseconds. */
  heardAt: number;
  progressAt: number;
  /** Of the next try to connect. */
  timer: NodeJS.Timeout | null;
  slice: NodeJS.Immediate | null;
  received: number;
  sent: number;
};

/** A snapshot is produced while less than this waits in the socket: enough to keep a fast network busy. */
const aheadBytes = 256 * 1024;

export const createLink = (
  sid: ServerId,
  address: string,
  decoder: PacketDecoder,
  timeoutMs: number,
  now: number,
): Link => ({
  sid,
  address,
  decoder,
  open: true,
  socket: null,
  outlet: null,
  queue: [],
  head: 0,
  waitingBytes: 0,
  timeoutMs,
  heardAt: now,
  progressAt: now,
  timer: null,
  slice: null,
  received: 0,
  sent: 0,
});

/** The connection is open: what waits goes out. */
export const attach = (link: Link, socket: Socket, outlet: Outlet): void => {
  link.socket = socket;
  link.outlet = outlet;
  socket.on('drain', () => {
    link.progressAt = performance.now();
    advance(link);
  });
  advance(link);
};

export const enqueue = (link: Link, item: Buffer | Generator<Buffer>): void => {
  if (link.outlet !== null && link.queue.length === 0 && Buffer.isBuffer(item)) return link.outlet.put(item);
  link.queue.push(item);
  if (Buffer.isBuffer(item)) link.waitingBytes += item.length;
  if (link.queue.length === 1) advance(link);
};

export const queuedBytes = (link: Link): number => link.waitingBytes + (link.outlet?.pending() ?? 0);

/** Whether a snapshot is on its way: a peer that takes it in is alive, though it says nothing. */
export const isSending = (link: Link): boolean => link.queue.length > 0;

/** Moves the queue on: packets at once, of a snapshot one slice, and the next in a turn of its own. */
const advance = (link: Link): void => {
  if (link.slice !== null) return;
  while (link.open && link.outlet !== null) {
    const head = link.queue[link.head];
    if (head === undefined) {
      link.queue = [];
      link.head = 0;
      return;
    }
    if (Buffer.isBuffer(head)) {
      link.head += 1;
      link.waitingBytes -= head.length;
      link.outlet.put(head);
      continue;
    }
    if (link.outlet.pending() > aheadBytes) return; // `drain` goes on
    const step = head.next();
    if (step.done === true) {
      link.head += 1;
      continue;
    }
    link.outlet.put(step.value);
    link.slice = setImmediate(() => {
      link.slice = null;
      advance(link);
    });
    return;
  }
};
