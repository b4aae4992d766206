/**
 * Compressed snapshots, as `snapshot.compression.method` asks for them. Both forms are streams of parts that stand for
 * themselves, so a snapshot is packed slice by slice as it is written: gzip members one behind the other, or blocks of
 * snappy-java's stream format.
 */
import { gzipSync } from 'node:zlib';
import type { Compression } from './names.js';
import { snappyBlock, snappyHeader } from './snappyWriter.js';

/** As snappy-java has it. */
const blockBytes = 32 * 1024;

/** What packs the slices of one file, in order. */
export const packer = (compression: Compression): ((slice: Buffer) => Buffer) => {
  let isFirst = true;
  switch (compression) {
    case 'none':
      return (slice) => slice;
    case 'gz':
      return (slice) => (slice.length === 0 ? slice : gzipSync(slice));
    case 'snappy':
      return (slice) => {
        const parts = isFirst ? [snappyHeader] : [];
        isFirst = false;
        for (let at = 0; at < slice.length; at += blockBytes)
          parts.push(snappyBlock(slice.subarray(at, at + blockBytes)));
        return Buffer.concat(parts);
      };
  }
};
