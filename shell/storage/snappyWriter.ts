/** Writes snappy-java's stream format: a header of 16 bytes, then blocks of int32 length and raw snappy. */

/** Magic, version 1, compatible with version 1. */
export const snappyHeader: Buffer = Buffer.from('82534e41505059000000000100000001', 'hex');

const hashBits = 13;
const hashOf = (word: number): number => (Math.imul(word, 0x1e35a7bd) >>> (32 - hashBits)) & ((1 << hashBits) - 1);
const leastMatch = 4;
const mostCopy = 64;

/**
 * One block with its length: what was seen in the block before is copied, all else stands as it is.
 * @param plain at most 65536 bytes, so that two bytes reach back to its start
 */
export const snappyBlock = (plain: Buffer): Buffer => {
  // At worst a literal for all, with three bytes in front of each 65536.
  const out = Buffer.allocUnsafe(plain.length + (plain.length >> 6) + 32);
  let have = 4;
  for (let size = plain.length; ; size >>>= 7) {
    out[have++] = size < 0x80 ? size : (size & 0x7f) | 0x80;
    if (size < 0x80) break;
  }
  const seen = new Int32Array(1 << hashBits).fill(-1);
  let from = 0;
  const literal = (to: number): void => {
    while (from < to) {
      const length = Math.min(to - from, 0x10000);
      if (length <= 60) out[have++] = (length - 1) << 2;
      else if (length <= 256) {
        out[have++] = 60 << 2;
        out[have++] = length - 1;
      } else {
        out[have++] = 61 << 2;
        have = out.writeUInt16LE(length - 1, have);
      }
      plain.copy(out, have, from, from + length);
      have += length;
      from += length;
    }
  };
  for (let at = 0; at + leastMatch <= plain.length;) {
    const hash = hashOf(plain.readInt32LE(at));
    const before = seen[hash] ?? -1;
    seen[hash] = at;
    if (before < 0 || plain.readInt32LE(before) !== plain.readInt32LE(at)) {
      at += 1;
      continue;
    }
    let length = leastMatch;
    while (at + length < plain.length && plain[before + length] === plain[at + length]) length += 1;
    literal(at);
    for (let left = length; left > 0;) {
      const part = Math.min(left, mostCopy);
      out[have++] = ((part - 1) << 2) | 2;
      have = out.writeUInt16LE(at - before, have);
      left -= part;
    }
    at += length;
    from = at;
  }
  literal(plain.length);
  out.writeInt32BE(have - 4, 0);
  return out.subarray(0, have);
};
