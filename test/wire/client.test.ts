import { isDeepStrictEqual } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { sessionPassword } from '../../core/service/password.js';
import type { ClientRequest } from '../../core/service/request.js';
import {
  decodeConnectRequest,
  decodeConnectResponse,
  decodeRequest,
  encodeConnectRequest,
  encodeConnectResponse,
  encodeRequest,
} from '../../wire/client.js';
import { nextFrame } from '../../wire/frame.js';
import { decodeReply, decodeWatchEvent, encodeReply, encodeWatchEvent } from '../../wire/reply.js';
import { opcodes } from '../../wire/request.js';
import { anyBytes, anyClientRequest, anyInt, anyReply, anySession, anyWatchEvent, anyZxid } from './arbitraries.js';
import { differences, notOffered, seenRequest } from './clientRecordings.js';
import type { Frame, Tally } from './clientRecordings.js';
import { defined, vectorFiles, vectorJson } from './vectors.js';

const recordings = vectorFiles('client', '.json').map((name) => ({
  name,
  frames: vectorJson<{ readonly frames: readonly Frame[] }>(name).frames,
}));
const newTally = (): Tally => ({ checked: 0, skipped: new Set(), skippedFrames: 0 });

for (const { name, frames } of recordings) {
  test(`${name}: every frame is what was recorded, and is encoded to the same bytes`, (t) => {
    t.deepEqual(differences(frames, newTally()), []);
    t.true(frames.length > 0);
  });
}

test('recordings: all 485 frames are walked; only what is not offered is skipped, and all of that occurs', (t) => {
  const tally = newTally();
  for (const { frames } of recordings) differences(frames, tally);
  t.is(tally.checked + tally.skippedFrames, 485);
  t.is(tally.skippedFrames, 4);
  tally.skipped.delete('reply');
  t.deepEqual([...tally.skipped].sort(), Object.keys(notOffered).sort());
});

test('recordings: a frame with any one bit changed no longer agrees', (t) => {
  for (const { frames } of recordings) {
    for (const frame of frames) {
      const op = frame.decoded['op'] as string | undefined;
      if (frame.direction !== 'client->server' || (op !== undefined && op in notOffered)) continue;
      if (frame.decoded['note'] !== undefined) continue; // its fields are not recorded
      const bytes = Buffer.from(frame.hex, 'hex');
      for (let at = 0; at < bytes.length; at += 1) {
        bytes[at] = (bytes[at] ?? 0) ^ 4;
        const seen = seenRequest(frame, bytes);
        const agrees = seen?.hex === bytes.toString('hex') && isDeepStrictEqual(seen.decoded, defined(frame.decoded));
        if (agrees) t.fail(`${frame.name}, byte ${at}`);
        bytes[at] = (bytes[at] ?? 0) ^ 4;
      }
    }
  }
  t.pass();
});

test('recordings: passwords are the ones that Apache gave', (t) => {
  let checked = 0;
  for (const { frames } of recordings) {
    for (const frame of frames) {
      if (frame.direction !== 'server->client' || 'header' in frame.decoded) continue;
      const c = decodeConnectResponse(Buffer.from(frame.hex, 'hex'), 4);
      if (E.isLeft(c) || c.right.timeoutMs === 0) continue;
      t.deepEqual(Buffer.from(sessionPassword(c.right.session)), c.right.password, frame.name);
      checked += 1;
    }
  }
  t.true(checked >= 12);
  t.is(Buffer.from(sessionPassword('0100000a740a0000')).toString('hex'), '6400e65521340d18e2a3e16ed21b4a95');
});

test('requests: decode gives back what encode was given', (t) => {
  fc.assert(
    fc.property(anyInt, anyClientRequest, (xid, request) => {
      const back = decodeRequest(encodeRequest({ xid, request }), 4);
      return isDeepStrictEqual(back, E.right({ xid, request }));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('requests: a cut header is an error, a cut record is answered with MARSHALLINGERROR', (t) => {
  fc.assert(
    fc.property(anyClientRequest, (request) => {
      const bytes = encodeRequest({ xid: 5, request });
      for (let cut = 4; cut < 12; cut += 1) if (E.isRight(decodeRequest(bytes, 4, cut))) return false;
      for (let cut = 12; cut < bytes.length; cut += 1) {
        const got = decodeRequest(bytes, 4, cut);
        if (E.isLeft(got)) return false;
        const { op } = got.right.request;
        if (op !== 'invalid' && op !== 'unreadable') return false;
      }
      return true;
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test('requests: writes that cannot be decoded are invalid, everything else unreadable', (t) => {
  const kind = (opcode: number): string => {
    const bytes = Buffer.alloc(9);
    bytes.writeInt32BE(opcode, 4);
    const got = decodeRequest(bytes);
    return E.isRight(got) ? got.right.request.op : 'error';
  };
  for (const op of [
    'create',
    'create2',
    'createContainer',
    'createTTL',
    'delete',
    'setData',
    'setACL',
    'multi',
    'reconfig',
  ] as const) {
    t.is(kind(opcodes[op]), 'invalid', op);
  }
  for (const op of [
    'exists',
    'getData',
    'getChildren',
    'getChildren2',
    'getACL',
    'sync',
    'auth',
    'setWatches',
    'getAllChildrenNumber',
    'getEphemerals',
    'multiRead',
    'addWatch',
    'checkWatches',
    'removeWatches',
  ] as const) {
    t.is(kind(opcodes[op]), 'unreadable', op);
  }
  t.is(kind(opcodes.check), 'unknown');
  t.is(kind(opcodes.createSession), 'unknown');
});

test('requests: a multi with an operation that it may not hold is invalid as a whole', (t) => {
  const header = '000000010000000e';
  const read = '0000000400ffffffff000000022f6d00';
  const end = 'ffffffff01ffffffff';
  t.deepEqual(
    decodeRequest(Buffer.from(header + read + end, 'hex')),
    E.right({ xid: 1, request: { op: 'invalid', err: -5 } as ClientRequest }),
  );
});

test('requests: null ids of an ACL become empty, and a ttl beyond a double is drawn to its edge', (t) => {
  const bytes = Buffer.from(
    '00000001' +
      '00000015' +
      '000000022f74' +
      'ffffffff' +
      '000000010000001fffffffffffffffff' +
      '00000005' +
      '7fffffffffffffff',
    'hex',
  );
  t.like(decodeRequest(bytes), {
    right: {
      request: { op: 'createTTL', acl: [{ perms: 31, scheme: '', id: '' }], ttl: Number.MAX_SAFE_INTEGER },
    },
  });
});

test('replies: decode gives back what encode was given, and no truncation does', (t) => {
  fc.assert(
    fc.property(anyReply, ([op, reply]) => {
      const bytes = encodeReply(reply);
      if (!isDeepStrictEqual(decodeReply(op, bytes, 4), E.right(reply))) return false;
      for (let cut = 4; cut < bytes.length; cut += 1) if (E.isRight(decodeReply(op, bytes, 4, cut))) return false;
      return true;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('watch events: decode gives back what encode was given, and no truncation does', (t) => {
  fc.assert(
    fc.property(anyWatchEvent, (event) => {
      const bytes = encodeWatchEvent(event);
      if (!isDeepStrictEqual(decodeWatchEvent(bytes, 4), E.right(event))) return false;
      for (let cut = 4; cut < bytes.length; cut += 1) if (E.isRight(decodeWatchEvent(bytes, 4, cut))) return false;
      return true;
    }),
  );
  t.deepEqual(
    decodeWatchEvent(Buffer.from('ffffffff0000000000000001000000000000000900000003000000012f', 'hex')),
    E.left({ type: 'BadValue', field: 'event type', value: '9' }),
  );
});

test('connect records: decode gives back what encode was given; a cut is an error unless only the last byte is gone', (t) => {
  const readOnly = fc.constantFrom(true, false, undefined);
  fc.assert(
    fc.property(anyInt, anyZxid, anyInt, anySession, anyBytes, readOnly, (v, z, timeoutMs, session, password, ro) => {
      const request = { protocolVersion: v, lastZxidSeen: z, timeoutMs, session, password, readOnly: ro };
      const response = { timeoutMs, session, password, readOnly: ro };
      const asked = encodeConnectRequest(request);
      const answered = encodeConnectResponse(response);
      const whole = (bytes: Buffer, cut: number): boolean => cut === bytes.length - 1 && ro !== undefined;
      for (let cut = 4; cut < asked.length; cut += 1) {
        if (E.isRight(decodeConnectRequest(asked, 4, cut)) !== whole(asked, cut)) return false;
      }
      for (let cut = 4; cut < answered.length; cut += 1) {
        if (E.isRight(decodeConnectResponse(answered, 4, cut)) !== whole(answered, cut)) return false;
      }
      return (
        isDeepStrictEqual(decodeConnectRequest(asked, 4), E.right(request)) &&
        isDeepStrictEqual(decodeConnectResponse(answered, 4), E.right(response))
      );
    }),
  );
  t.deepEqual(
    decodeConnectRequest(
      encodeConnectRequest({
        protocolVersion: 0,
        lastZxidSeen: { epoch: 0, counter: 0 },
        timeoutMs: 1,
        session: '0000000000000000',
        password: null,
        readOnly: false,
      }),
      4,
    ),
    E.right({
      protocolVersion: 0,
      lastZxidSeen: { epoch: 0, counter: 0 },
      timeoutMs: 1,
      session: '0000000000000000',
      password: null,
      readOnly: false,
    }),
  );
});

test('client port: random bytes never throw', (t) => {
  const opcode = fc.constantFrom(...Object.values(opcodes));
  fc.assert(
    fc.property(opcode, fc.uint8Array({ maxLength: 80 }), anyReply, (type, b, [op]) => {
      const bytes = Buffer.concat([Buffer.alloc(8), b]);
      bytes.writeInt32BE(type, 4);
      const random = Buffer.from(b);
      const results = [
        decodeRequest(bytes),
        decodeRequest(random),
        decodeConnectRequest(random),
        decodeConnectResponse(random),
        decodeReply(op, random),
        decodeReply(op, Buffer.concat([Buffer.alloc(16), b])),
        decodeWatchEvent(random),
      ];
      return results.every((r) => r._tag === 'Left' || r._tag === 'Right');
    }),
    { numRuns: 1500 },
  );
  t.pass();
});

test('frames: found one after another, refused by length before the bytes have come', (t) => {
  const bytes = Buffer.from('00000002abcd00000000000000', 'hex');
  t.deepEqual(nextFrame(bytes, 0, 0, 10), { type: 'frame', start: 4, end: 6 });
  t.deepEqual(nextFrame(bytes, 6, 0, 10), { type: 'frame', start: 10, end: 10 });
  t.deepEqual(nextFrame(bytes, 10, 0, 10), { type: 'more', need: 14 });
  t.deepEqual(nextFrame(bytes.subarray(0, 5), 0, 0, 10), { type: 'more', need: 6 });
  t.like(nextFrame(bytes, 6, 1, 10), { type: 'bad', error: { type: 'BadLength', length: 0 } });
  t.like(nextFrame(Buffer.from('00100000', 'hex'), 0, 0, 1048575), { type: 'bad', error: { type: 'TooLong' } });
  t.like(nextFrame(Buffer.from('ffffffff', 'hex'), 0, 0, 1048575), { type: 'bad', error: { type: 'BadLength' } });
});
