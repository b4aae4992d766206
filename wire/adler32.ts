/** Adler-32 (RFC 1950): the checksum of log entries and snapshots. */

/** The largest prime below 2^16. */
const base = 65521;
/** Most bytes that can be summed before the second sum leaves 32 bits. */
const stride = 5552;

/** The checksum of no bytes: the start of a running one. */
export const adlerStart = 1;

/**
 * Goes on from `start` over `bytes[at, end)`.
 * @returns the checksum, unsigned 32 bits
 */
export const adler32 = (bytes: Uint8Array, at = 0, end = bytes.length, start = adlerStart): number => {
  let a = start & 0xffff;
  let b = start >>> 16;
  let i = at;
  while (i < end) {
    const stop = Math.min(i + stride, end);
    // Eight bytes a turn: one addition of the old `a` and one of the new bytes, weighted.
    for (const fast = stop - 7; i < fast; i += 8) {
      const c0 = bytes[i] as number;
      const c1 = c0 + (bytes[i + 1] as number);
      const c2 = c1 + (bytes[i + 2] as number);
      const c3 = c2 + (bytes[i + 3] as number);
      const c4 = c3 + (bytes[i + 4] as number);
      const c5 = c4 + (bytes[i + 5] as number);
      const c6 = c5 + (bytes[i + 6] as number);
      const c7 = c6 + (bytes[i + 7] as number);
      b += (a << 3) + c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
      a += c7;
    }
    for (; i < stop; i += 1) {
      a += bytes[i] as number;
      b += a;
    }
    a %= base;
    b %= base;
  }
  return ((b << 16) | a) >>> 0;
};
