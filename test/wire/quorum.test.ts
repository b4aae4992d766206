import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import type { Packet } from '../../core/replication/packet.js';
import { decodePacket, defaultLimits, encodePacket } from '../../wire/quorum.js';
import type { Direction, Limits } from '../../wire/quorum.js';
import { encodeSnapStream, feedPackets, openPackets } from '../../wire/quorumStream.js';
import { anyStream } from './arbitraries.js';
import { quorumStreams, recordedSnapshot, shownPacket, shownSnapshot, skippedMessages } from './quorumRecordings.js';
import type { Message, RecordedStream } from './quorumRecordings.js';
import { comparable } from './shownTxn.js';
import type { Json } from './vectors.js';

const streamBytes = (messages: readonly Message[]): Buffer => Buffer.from(messages.map((m) => m.hex).join(''), 'hex');

/** What a peer would send for these packets. */
const encodedStream = (packets: readonly Packet[]): Buffer =>
  Buffer.concat(
    packets.flatMap((p) =>
      p.type === 'SNAP' ? [encodePacket(p), ...encodeSnapStream(p.snapshot, 100)] : [encodePacket(p)],
    ),
  );

const decodedIn = (
  bytes: Buffer,
  from: Direction,
  chunkBytes: number,
  limits?: Limits,
): { packets: Packet[]; error: string | null } => {
  const decoder = openPackets(from, limits);
  const packets: Packet[] = [];
  let error: string | null = null;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = Buffer.from(bytes.subarray(at, at + chunkBytes));
    const fed = feedPackets(decoder, chunk);
    chunk.fill(0xee); // a socket's buffer is used again
    packets.push(...fed.packets);
    error = fed.error?.type ?? null;
  }
  return { packets, error };
};

const plain = (json: Json): Json => JSON.parse(JSON.stringify(json)) as Json;
/** What data holds of a transaction is text where it is text: compared as bytes. */
const withBytes = (json: Json): Json => {
  const { decoded, ...rest } = json as { decoded?: { txn?: Json } };
  const isTxn = decoded !== undefined && 'header' in decoded;
  const { designatedLeader } = (decoded ?? {}) as { designatedLeader?: number };
  return plain({
    ...rest,
    decoded: isTxn ? { designatedLeader, txn: comparable(decoded as { readonly [key: string]: Json }) } : decoded,
  } as Json);
};

/** Where a recorded stream and our codec part, as places; nothing when they agree. */
const differences = ({ messages, from, where }: RecordedStream): readonly string[] => {
  const wrong: string[] = [];
  const { packets, error } = decodedIn(streamBytes(messages), from, 1 << 20);
  const snapshots = messages.filter((m) => m.fields.kind === 'snapshot');
  const heads = messages.filter((m) => m.fields.kind !== 'snapshot');
  if (error !== null || packets.length !== heads.length) wrong.push(`${where}: ${packets.length} packets, ${error}`);
  packets.forEach((packet, i) => {
    const message = heads[i];
    if (message === undefined) return;
    const fields = { ...message.fields, dataLength: undefined } as unknown as Json;
    if (!isDeepStrictEqual(withBytes(shownPacket(packet)), withBytes(fields)))
      wrong.push(`${where}: packet ${i} fields`);
    if (encodePacket(packet).toString('hex') !== message.hex) wrong.push(`${where}: packet ${i} bytes`);
    if (packet.type !== 'SNAP') return;
    const recorded = snapshots.shift()?.fields['snapshot'] ?? null;
    if (!isDeepStrictEqual(shownSnapshot(packet.snapshot), plain(recordedSnapshot(recorded))))
      wrong.push(`${where}: snapshot`);
  });
  return wrong;
};

test('recordings: every packet is what was recorded, and is encoded to the same bytes', (t) => {
  let packets = 0;
  for (const stream of quorumStreams) {
    t.deepEqual(differences(stream), []);
    packets += stream.messages.length;
  }
  t.is(packets, 1688);
  t.deepEqual(new Set(skippedMessages.map((m) => m.fields.kind)), new Set(['saslAuth']));
});

test('recordings: a stream cut into chunks of any size gives the same packets', (t) => {
  const longest = quorumStreams.filter((s) => s.messages.some((m) => m.fields.kind === 'snapshot'));
  t.true(longest.length >= 9);
  for (const { messages, from, where } of longest) {
    const bytes = streamBytes(messages);
    const whole = decodedIn(bytes, from, bytes.length);
    for (const chunkBytes of [1, 3, 17, 100, 1000]) t.deepEqual(decodedIn(bytes, from, chunkBytes), whole, where);
  }
});

test('recordings: a changed byte in a stream does not go unnoticed', (t) => {
  const [stream] = quorumStreams.filter((s) => s.messages.some((m) => m.fields.kind === 'snapshot'));
  if (stream === undefined) return t.fail('no stream with a snapshot');
  stream.messages.forEach((message, i) => {
    const bytes = Buffer.from(message.hex, 'hex');
    for (let at = 0; at < bytes.length; at += 5) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 2;
      const messages = stream.messages.map((m, j) => (i === j ? { ...m, hex: changed.toString('hex') } : m));
      if (differences({ ...stream, messages }).length === 0) t.fail(`message ${i}, byte ${at}`);
    }
  });
  t.pass();
});

test('packets: decode gives back what encode was given, however the stream is cut', (t) => {
  fc.assert(
    fc.property(anyStream, fc.integer({ min: 1, max: 200 }), ([from, packets], chunkBytes) =>
      isDeepStrictEqual(decodedIn(encodedStream(packets), from, chunkBytes), { packets, error: null }),
    ),
    { numRuns: 400 },
  );
  t.pass();
});

test('packets: while one is cut short the decoder wants more, and never beyond its end', (t) => {
  fc.assert(
    fc.property(anyStream, ([from, packets]) =>
      packets.every((packet) => {
        const bytes = encodePacket(packet);
        for (let cut = 0; cut < bytes.length; cut += 1) {
          const step = decodePacket(bytes.subarray(0, cut), 0, from);
          if (step.type !== 'more' || step.need <= cut || step.need > bytes.length) return false;
        }
        return true;
      }),
    ),
    { numRuns: 60 },
  );
  t.pass();
});

test('packets: what precedes an error in a chunk is still given, what follows is not', (t) => {
  const ack: Packet = { type: 'ACK', zxid: { epoch: 1, counter: 2 } };
  const unknown = encodePacket(ack);
  unknown.writeInt32BE(20, 0);
  const decoder = openPackets('fromLearner');
  const fed = feedPackets(decoder, Buffer.concat([encodePacket(ack), unknown, encodePacket(ack)]));
  t.deepEqual(fed, { packets: [ack], error: { type: 'UnknownType', what: 'packet', number: 20 } });
  t.deepEqual(feedPackets(decoder, encodePacket(ack)), { packets: [], error: fed.error });
});

test('packets: data that is missing, too short or at odds with the packet is refused', (t) => {
  const bad = (hex: string, from: Direction = 'fromLearner'): unknown => {
    const step = decodePacket(Buffer.from(hex.replace(/ /g, ''), 'hex'), 0, from);
    return step.type === 'bad' ? step.error.type : step.type;
  };
  const zxid = '0000000100000002';
  t.is(bad(`0000000b ${zxid} ffffffff ffffffff`), 'BadLength'); // FOLLOWERINFO without data
  t.is(bad(`00000012 ${zxid} 00000002 0000 ffffffff`), 'Truncated'); // ACKEPOCH with two bytes
  t.is(bad(`00000005 ${zxid} 00000005 0000000000 ffffffff`), 'Truncated'); // PING with a part of a session
  t.is(bad(`00000006 ${zxid} 00000009 000000000000000001 ffffffff`), 'Truncated'); // a leader's REVALIDATE
  t.is(bad(`00000006 ${zxid} 00000009 000000000000000001 ffffffff`, 'fromLeader'), 'packet');
  const error = `0000000000000001 00000001 0000000100000003 0000000000000000 ffffffff ffffff9b`;
  t.is(bad(`00000002 ${zxid} 00000024 ${error} ffffffff`), 'BadValue'); // PROPOSAL of another zxid
  t.is(bad(`00000002 0000000100000003 00000024 ${error} ffffffff`), 'packet');
  t.is(bad(`00000003 ${zxid} fffffffe ffffffff`), 'BadLength');
});

test('packets: LearnerInfo of older servers is read', (t) => {
  const info = (data: string): unknown =>
    decodePacket(Buffer.from(`0000000b0000000100000000${data}ffffffff`, 'hex'), 0, 'fromLearner');
  t.like(info('000000080000000000000007'), {
    packet: { sid: 7, protocolVersion: 1, configVersion: { epoch: 0, counter: 0 } },
  });
  t.like(info('0000000c000000000000000700010000'), { packet: { sid: 7, protocolVersion: 0x10000 } });
});

test('packets: requests that are forwarded but not offered fail there, with UNIMPLEMENTED or for want of a record', (t) => {
  const forwarded = (opcode: string): unknown =>
    decodePacket(
      Buffer.from(`00000001ffffffffffffffff00000010000000000000000100000005${opcode}ffffffff`, 'hex'),
      0,
      'fromLearner',
    );
  t.like(forwarded('00000010'), { packet: { request: { cxid: 5, request: { op: 'invalid', err: -5 } } } });
  t.like(forwarded('00000014'), { packet: { request: { cxid: 5, request: { op: 'invalid', err: -6 } } } });
});

test('packets: memory is bounded by the limits', (t) => {
  const limits: Limits = { fieldBytes: 100, packetBytes: 300, snapshotBytes: 2000 };
  const error = (hex: string): string | null => decodedIn(Buffer.from(hex, 'hex'), 'fromLeader', 1 << 20, limits).error;
  t.is(error('0000000a000000010000000000000065'), 'TooLong'); // data of 101 bytes
  t.is(error('0000000a000000010000000000000064'), null);
  t.is(error('0000000a0000000100000000ffffffff00000026'), 'TooLong'); // 38 identities are at least 304 bytes
  t.is(error('0000000a0000000100000000ffffffff00000001' + '0000006500000000'), 'TooLong');
  const snap = '0000000f0000000100000000ffffffffffffffff';
  const zero = '00000000';
  t.is(error(`${snap}${zero}${zero}00000065`), 'TooLong'); // a path of 101 bytes
  t.is(error(`${snap}${zero}0000000100000000000000017fffffff`), 'TooLong'); // an ACL list of billions
  t.is(error(`${snap}ffffffff`), 'BadLength');
  t.is(error(`${snap}${'000000c8'}${'00'.repeat(200 * 12)}`), 'TooLong'); // 200 sessions are more than the whole may be
  const node = `${zero}ffffffffffffffffffffffff${'00'.repeat(60)}`;
  t.is(error(`${snap}${zero}${zero}${node}000000012f0000000a42656e57617348657265`), null);
  t.is(error(`${snap}${zero}${zero}${node}000000012f0000000a42656e57617348657266`), 'BadMagic');
  t.is(error(`${snap}${zero}${zero}${zero}ffffffff0000000000000009${'00'.repeat(60)}`), 'BadValue'); // unknown ACL key
  t.true(defaultLimits.packetBytes > 2 * defaultLimits.fieldBytes);
});

test('quorum port: random bytes never throw', (t) => {
  const type = fc.integer({ min: 1, max: 19 });
  fc.assert(
    fc.property(type, fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 30 }), (n, data, after) => {
      const bytes = Buffer.concat([Buffer.alloc(16), data, Buffer.from('ffffffff', 'hex'), after]);
      bytes.writeInt32BE(n, 0);
      bytes.writeInt32BE(data.length, 12);
      for (const from of ['fromLearner', 'fromLeader'] as const) {
        feedPackets(openPackets(from), bytes);
        feedPackets(openPackets(from), Buffer.from(data));
      }
      return true;
    }),
    { numRuns: 1500 },
  );
  t.pass();
});
