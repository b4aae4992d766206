/** Length-prefixed frames: int32 length, then that many bytes; client port and election port. */
import type { WireError } from './error.js';

/** Largest request of a client (jute.maxbuffer), bytes. */
export const maxClientFrameBytes = 1048575;
/** Largest message on the election port, bytes. */
export const maxElectionFrameBytes = 524288;

export type FrameStep =
  /** The payload is `bytes[start, end)`; the next frame starts at `end`. */
  | { readonly type: 'frame'; readonly start: number; readonly end: number }
  /** The buffer must reach offset `need` before this is asked again. */
  | { readonly type: 'more'; readonly need: number }
  | { readonly type: 'bad'; readonly error: WireError };

const lengthBytes = 4;

/**
 * Finds the frame at `at`.
 * @param least least payload in bytes: 1 on the election port, 0 for clients
 * @param limit largest payload in bytes; a larger one is `bad` as soon as its length is known
 */
export const nextFrame = (bytes: Buffer, at: number, least: number, limit: number): FrameStep => {
  const start = at + lengthBytes;
  if (bytes.length < start) return { type: 'more', need: start };
  const length = bytes.readInt32BE(at);
  if (length < least) return { type: 'bad', error: { type: 'BadLength', field: 'frame', length } };
  if (length > limit) return { type: 'bad', error: { type: 'TooLong', field: 'frame', length, limit } };
  const end = start + length;
  return bytes.length < end ? { type: 'more', need: end } : { type: 'frame', start, end };
};
