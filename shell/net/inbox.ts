import type { WireError } from '../../wire/error.js';
import { nextFrame } from '../../wire/frame.js';

/** Bytes that arrived on one connection and were not taken yet. */
export type Inbox = {
  readonly add: (chunk: Buffer) => void;
  readonly length: () => number;
  /** The next `n` bytes in one piece, left where they are; null while fewer are there. Valid until the next call. */
  readonly peek: (n: number) => Buffer | null;
  /** The same, taken out. A view of a socket's chunk: what is kept must be copied. */
  readonly take: (n: number) => Buffer | null;
  readonly skip: (n: number) => void;
};

/** What arrives in pieces below this is gathered: a chunk of one byte would cost as much as one of hundreds. */
const smallBytes = 512;
const pageBytes = 16 * 1024;

/** Joins chunks only when something spans them, and then once: a frame of 1 MiB is copied once, not per chunk. */
export const createInbox = (): Inbox => {
  let chunks: Buffer[] = [];
  /** Behind the last chunk, when that is a page of ours: room for small chunks. */
  let page: Buffer | null = null;
  let pageStart = 0;
  let pageEnd = 0;
  let offset = 0; // within the first chunk
  let length = 0;

  const peek = (n: number): Buffer | null => {
    if (length < n) return null;
    let first = chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length - offset < n) {
      if (offset > 0) chunks[0] = first.subarray(offset);
      first = Buffer.concat(chunks);
      page = null;
      chunks = [first];
      offset = 0;
    }
    return first.subarray(offset, offset + n);
  };

  const skip = (n: number): void => {
    length -= n;
    offset += n;
    while (chunks[0] !== undefined && offset >= chunks[0].length) {
      offset -= chunks[0].length;
      chunks.shift();
    }
  };

  const gather = (chunk: Buffer): void => {
    const goesOn = page !== null && chunks.length > 0 && page.length - pageEnd >= chunk.length;
    if (!goesOn) {
      page = Buffer.allocUnsafeSlow(pageBytes);
      pageStart = pageEnd = 0;
    }
    const own = page as Buffer;
    own.set(chunk, pageEnd);
    pageEnd += chunk.length;
    const gathered = own.subarray(pageStart, pageEnd);
    if (goesOn) chunks[chunks.length - 1] = gathered;
    else chunks.push(gathered);
  };

  return {
    add: (chunk) => {
      if (chunk.length === 0) return;
      if (length > 0 && chunk.length < smallBytes) gather(chunk);
      else {
        chunks.push(chunk);
        page = null;
      }
      length += chunk.length;
    },
    length: () => length,
    peek,
    take: (n) => {
      const bytes = peek(n);
      if (bytes !== null) skip(n);
      return bytes;
    },
    skip,
  };
};

export type Payload =
  | { readonly type: 'frame'; readonly bytes: Buffer }
  | { readonly type: 'more' }
  | { readonly type: 'bad'; readonly error: WireError };

const more: Payload = { type: 'more' };

/** Takes one length-prefixed frame out; `least` and `limit` bound its payload, whose bytes it gives. */
export const takeFrame = (inbox: Inbox, least: number, limit: number): Payload => {
  const head = inbox.peek(4);
  if (head === null) return more;
  const step = nextFrame(head, 0, least, limit);
  if (step.type === 'bad') return step;
  const bytes = inbox.take(step.type === 'more' ? step.need : step.end);
  return bytes === null ? more : { type: 'frame', bytes: bytes.subarray(4) };
};
