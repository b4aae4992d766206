/**
 * The quorum port as a stream: chunks as they come from a socket in, packets out. A SNAP is one packet whose snapshot
 * is gathered from the bytes behind it, up to its signature.
 */
import type { Zxid } from '../core/data/zxid.js';
import type { Packet } from '../core/replication/packet.js';
import type { Snapshot } from '../core/service/snapshot.js';
import type { WireError } from './error.js';
import { openReader, openWriter, readText, writeBytes, writeString, written } from './jute.js';
import type { Writer } from './jute.js';
import { decodePacket, defaultLimits } from './quorum.js';
import type { Direction, Limits, PacketStep } from './quorum.js';
import { encodeBody, openBody, readBody } from './snapshotBody.js';
import type { BodyReader } from './snapshotBody.js';

const signature = 'BenWasHere';

/**
 * What follows the SNAP packet: the body of a snapshot and the signature, in chunks of about `chunkBytes`. An empty
 * chunk is a place to let others run. `snapshot.nodes` is walked twice; if the walks differ there is no signature, and
 * the learner refuses the stream.
 */
export function* encodeSnapStream(snapshot: Snapshot, chunkBytes = 65536): Generator<Buffer> {
  const whole = yield* encodeBody(snapshot, chunkBytes);
  if (!whole) return;
  const w = openWriter(16);
  writeString(w, signature);
  yield written(w);
}

/** One direction of one connection. Made by openPackets, moved on by feedPackets alone. */
export type PacketDecoder = {
  readonly from: Direction;
  readonly limits: Limits;
  /** Bytes that came and make no whole packet yet. */
  readonly pending: Writer;
  /** Bytes that `pending` must hold before it is worth another look. */
  need: number;
  snap: { readonly zxid: Zxid; readonly body: BodyReader; bytes: number } | null;
  /** The stream has no marks to start again from: after an error nothing more is read. */
  error: WireError | null;
};

export const openPackets = (from: Direction, limits: Limits = defaultLimits): PacketDecoder => ({
  from,
  limits,
  pending: openWriter(0),
  need: 1,
  snap: null,
  error: null,
});

/** The packets that a chunk completed, and the error behind them if there was one. */
export type Fed = { readonly packets: readonly Packet[]; readonly error: WireError | null };

/** Above this the buffer of a large packet is given back. */
const keptBytes = 1 << 18;

/** Takes the next chunk of the stream. Nothing of `chunk` is referred to afterwards. */
export const feedPackets = (d: PacketDecoder, chunk: Buffer): Fed => {
  const packets: Packet[] = [];
  if (d.error !== null) return { packets, error: d.error };
  const gathered = d.pending.at > 0;
  if (gathered) writeBytes(d.pending, chunk);
  const bytes = gathered ? written(d.pending) : chunk;
  let at = 0;
  while (bytes.length - at >= d.need) {
    const step = d.snap === null ? decodePacket(bytes, at, d.from, d.limits) : readSnap(d.snap, d.limits, bytes, at);
    if (step.type === 'bad') {
      d.error = step.error;
      break;
    }
    if (step.type !== 'more') at = step.end;
    d.need = step.type === 'more' || step.type === 'part' ? step.need - at : 1;
    if (step.type === 'packet') packets.push(step.packet);
    if (step.type === 'packet') d.snap = null;
    if (step.type === 'snap') d.snap = { zxid: step.zxid, body: openBody(), bytes: 0 };
  }
  keep(d.pending, gathered, bytes, at);
  return { packets, error: d.error };
};

/** Keeps `bytes[at, ...)` for the next chunk. */
const keep = (pending: Writer, gathered: boolean, bytes: Buffer, at: number): void => {
  if (gathered) {
    pending.bytes.copyWithin(0, at, bytes.length);
    pending.at = bytes.length - at;
    if (pending.at === 0 && pending.bytes.length > keptBytes) pending.bytes = Buffer.alloc(0);
  } else if (at < bytes.length) {
    writeBytes(pending, bytes.subarray(at));
  }
};

type SnapStep = PacketStep | { readonly type: 'part'; readonly end: number; readonly need: number };

/** Reads on in the snapshot: the whole packet, or `part`: read up to `end`, offset `need` is wanted next. */
const readSnap = (snap: NonNullable<PacketDecoder['snap']>, limits: Limits, bytes: Buffer, at: number): SnapStep => {
  const r = openReader(bytes, at, bytes.length, limits.fieldBytes);
  const end = readBody(snap.body, r);
  const mark = r.error === null ? readText(r, 'signature') : '';
  snap.bytes += end - at;
  if (snap.bytes > limits.snapshotBytes) {
    return bad({ type: 'TooLong', field: 'snapshot', length: snap.bytes, limit: limits.snapshotBytes });
  }
  if (r.error?.type === 'Truncated') {
    const size = r.error.need - end;
    const limit = limits.packetBytes;
    if (size > limit) return bad({ type: 'TooLong', field: 'record of a snapshot', length: size, limit });
    return { type: 'part', end, need: r.error.need };
  }
  if (r.error !== null) return bad(r.error);
  if (mark !== signature) return bad({ type: 'BadMagic', expected: signature, found: mark.slice(0, 64) });
  const snapshot = { sessions: snap.body.sessions, nodes: snap.body.nodes };
  return { type: 'packet', packet: { type: 'SNAP', zxid: snap.zxid, snapshot }, end: r.at };
};

const bad = (error: WireError): SnapStep => ({ type: 'bad', error });
