/**
 * Reads snappy-java's stream format, which ZooKeeper may use for snapshots: a header of 16 bytes, then blocks of int32
 * length and raw snappy. Nothing is ever written in it.
 */
import * as E from 'fp-ts/lib/Either.js';

const magic = Buffer.from('82534e4150505900', 'hex');
const headerBytes = 16;

/** A block holds at most 32 KiB as snappy-java writes it; its size may be set higher there. */
const maxBlockBytes = 1 << 28;

/** @returns Left: what is wrong with the bytes, and where */
export const readSnappyStream = (bytes: Buffer): E.Either<string, Buffer> => {
  if (bytes.length < headerBytes || bytes.compare(magic, 0, 8, 0, 8) !== 0) return E.left('no snappy stream');
  const blocks: Buffer[] = [];
  for (let at = headerBytes; at < bytes.length;) {
    if (at + 4 > bytes.length) return E.left(`ends inside a length at ${at}`);
    const size = bytes.readUInt32BE(at);
    const end = at + 4 + size;
    const block = end > bytes.length ? null : readBlock(bytes.subarray(at + 4, end));
    if (block === null) return E.left(`the block at ${at} is damaged or cut short`);
    blocks.push(block);
    at = end;
  }
  return E.right(Buffer.concat(blocks));
};

/** One raw block: a varint of its plain size, then literals and copies of what is before. null: damaged. */
const readBlock = (b: Buffer): Buffer | null => {
  let at = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = b[at++];
    if (byte === undefined || shift > 28) return null;
    size += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (size > maxBlockBytes) return null;
  const out = Buffer.alloc(size);
  let have = 0;
  while (at < b.length) {
    const tag = b[at++] ?? 0;
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >> 2) - 59); // lengths above 60 follow in 1 to 4 bytes
      if (at + extra > b.length) return null;
      const length = (extra === 0 ? tag >> 2 : b.readUIntLE(at, extra)) + 1;
      at += extra;
      if (at + length > b.length || have + length > size) return null;
      b.copy(out, have, at, at + length);
      at += length;
      have += length;
      continue;
    }
    const width = kind === 1 ? 1 : kind === 2 ? 2 : 4;
    if (at + width > b.length) return null;
    const length = kind === 1 ? 4 + ((tag >> 2) & 7) : (tag >> 2) + 1;
    const back = kind === 1 ? (tag >> 5) * 256 + (b[at] ?? 0) : b.readUIntLE(at, width);
    at += width;
    if (back === 0 || back > have || have + length > size) return null;
    for (let i = 0; i < length; i += 1, have += 1) out[have] = out[have - back] ?? 0; // may overlap itself
  }
  return have === size ? out : null;
};
