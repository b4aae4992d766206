/**
 * Bytes that nobody sent: recorded frames, changed by chance, given to every decoder and, where they are requests, to the
 * service behind it. Nothing may throw; what was decoded must be the same after it was encoded and decoded again.
 */
import { isDeepStrictEqual } from 'node:util';
import * as E from 'fp-ts/lib/Either.js';
import { defaultRules } from '../../core/service/rules.js';
import { decodeConnectRequest, decodeConnectResponse, decodeRequest, encodeRequest } from '../../wire/client.js';
import { decodeInitialMessage, decodeNotification } from '../../wire/election.js';
import { scanLog } from '../../wire/log.js';
import { decodePacket } from '../../wire/quorum.js';
import { decodeReply, decodeReplyHead, decodeWatchEvent } from '../../wire/reply.js';
import { opcodes } from '../../wire/request.js';
import { decodeSnapshot } from '../../wire/snapshot.js';
import { decodeTxn } from '../../wire/txn.js';
import { ask, attach, commit, startSolo } from '../core/service/support.js';
import type { Solo } from '../core/service/support.js';
import { vectorBytes, vectorFiles, vectorJson } from '../wire/vectors.js';

/** A number below `n`, from a seed. */
export type Chance = (n: number) => number;

export const chanceOf = (seed: number): Chance => {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
};

type Kind = 'request' | 'reply' | 'election' | 'packet' | 'log' | 'snapshot';
export type Sample = { readonly kind: Kind; readonly bytes: Buffer };

type Recorded = { readonly direction: string; readonly hex: string };
type Conversation = {
  readonly connections?: readonly { readonly port: string; readonly messages?: readonly { readonly hex?: string }[] }[];
};

/** Small enough that a decoder can see many of them in a second. */
const mostBytes = 4096;

export const corpus = (): readonly Sample[] => {
  const samples: Sample[] = [];
  const add = (kind: Kind, bytes: Buffer): void => {
    if (bytes.length > 0 && bytes.length <= mostBytes) samples.push({ kind, bytes });
  };
  for (const file of vectorFiles('client', '.json'))
    for (const { direction, hex } of vectorJson<{ readonly frames: readonly Recorded[] }>(file).frames)
      add(direction === 'client->server' ? 'request' : 'reply', Buffer.from(hex.slice(8), 'hex'));
  for (const file of vectorFiles('quorum', '.json'))
    for (const { port, messages = [] } of vectorJson<Conversation>(file).connections ?? [])
      for (const { hex } of messages)
        if (hex !== undefined) add(port === 'quorum' ? 'packet' : 'election', Buffer.from(hex, 'hex'));
  for (const file of vectorFiles('disk', '')) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    if (/^log\.[0-9a-f]+$/.test(name)) add('log', vectorBytes(file).subarray(0, mostBytes));
    else if (/^snapshot\.[0-9a-f]+$/.test(name)) add('snapshot', vectorBytes(file).subarray(0, mostBytes));
  }
  return samples;
};

const edges = [-1, 0, 1, 2, 0x7fffffff, -0x80000000, 0xffffff, 4096];

/** One to four changes: bits, numbers at the edges, cuts, doubled and foreign pieces. */
export const changed = (bytes: Buffer, other: Buffer, chance: Chance): Buffer => {
  let now = Buffer.from(bytes);
  for (let i = 0; i <= chance(4); i++) {
    const at = now.length === 0 ? 0 : chance(now.length);
    switch (chance(7)) {
      case 0:
        if (now.length > 0) now[at] = (now[at] ?? 0) ^ (1 << chance(8));
        break;
      case 1:
        if (now.length >= 4) now.writeInt32BE(edges[chance(edges.length)] ?? 0, chance(now.length - 3));
        break;
      case 2:
        now = now.subarray(0, at);
        break;
      case 3:
        now = Buffer.concat([now.subarray(0, at), now.subarray(chance(at + 1), at), now.subarray(at)]);
        break;
      case 4:
        now = Buffer.concat([now.subarray(0, at), other.subarray(chance(other.length + 1))]);
        break;
      case 5:
        now = Buffer.concat([now.subarray(0, at), Buffer.from([chance(256), chance(256)]), now.subarray(at)]);
        break;
      default:
        if (now.length >= 4) now.writeInt32BE(chance(now.length + 8), chance(now.length - 3));
    }
    if (now.length > mostBytes) now = now.subarray(0, mostBytes);
  }
  return now;
};

const operations = Object.keys(opcodes).filter((op) => op !== 'check') as Exclude<keyof typeof opcodes, 'check'>[];

export type Fuzzed = { inputs: number; decoded: number; asked: number };

/** A service lives for so many requests: errors of one must not hide those of the next for ever. */
const lifetime = 400;

/** @returns null, or what went wrong with which bytes */
export const fuzz = (
  inputs: number,
  seed: number,
  onProgress: (f: Fuzzed) => void,
): { readonly why: string; readonly hex: string } | null => {
  const samples = corpus();
  const chance = chanceOf(seed);
  const done: Fuzzed = { inputs: 0, decoded: 0, asked: 0 };
  let solo = newSolo();
  // Of every kind as many, and of requests, which go on into the service, most.
  const kinds = [...new Set(samples.map((s) => s.kind)), 'request', 'request', 'request'] as const;
  const byKind = kinds.map((kind) => samples.filter((s) => s.kind === kind));
  const pick = (): Sample => {
    const some = byKind[chance(byKind.length)] ?? samples;
    return some[chance(some.length)] as Sample;
  };
  for (; done.inputs < inputs; done.inputs++) {
    const { kind, bytes } = pick();
    const input = chance(50) === 0 ? bytes : changed(bytes, pick().bytes, chance);
    if (done.inputs % lifetime === 0) solo = newSolo();
    try {
      const why = tryOne(kind, input, chance, done, solo);
      if (why !== null) return { why: `${kind}: ${why}`, hex: input.toString('hex') };
    } catch (e) {
      return { why: `${kind}: ${e instanceof Error ? (e.stack ?? e.message) : String(e)}`, hex: input.toString('hex') };
    }
    onProgress(done);
  }
  return null;
};

const newSolo = (): Solo => {
  const solo = startSolo({ ...defaultRules, extendedTypes: true, enforceQuota: true });
  attach(solo, 1);
  return solo;
};

const tryOne = (kind: Kind, input: Buffer, chance: Chance, done: Fuzzed, solo: Solo): string | null => {
  switch (kind) {
    case 'request':
      return tryRequest(input, done, solo);
    case 'reply':
      decodeReply(operations[chance(operations.length)] ?? 'ping', input);
      decodeReplyHead(input);
      decodeWatchEvent(input);
      decodeConnectResponse(input);
      break;
    case 'election':
      decodeInitialMessage(input);
      decodeNotification(input);
      break;
    case 'packet':
      decodePacket(input, 0, chance(2) === 0 ? 'fromLeader' : 'fromLearner');
      decodeTxn(input);
      break;
    case 'log':
      scanLog(input);
      break;
    case 'snapshot':
      decodeSnapshot(input);
      break;
  }
  return null;
};

const tryRequest = (input: Buffer, done: Fuzzed, solo: Solo): string | null => {
  decodeConnectRequest(input);
  const decoded = decodeRequest(input);
  if (E.isLeft(decoded)) return null;
  done.decoded += 1;
  const frame = decoded.right;
  const again = decodeRequest(encodeRequest(frame).subarray(4));
  // What could not be decoded stands for any such bytes, and comes back as one that cannot be either.
  if (E.isLeft(again) || !isDeepStrictEqual(again.right, frame))
    return `it is ${JSON.stringify(frame)}, then ${JSON.stringify(again)}`;
  if (frame.request.op === 'closeSession' || frame.request.op === 'unknown') return null;
  done.asked += 1;
  const before = solo.counter;
  const effects = [...ask(solo, 1, frame.xid, frame.request), ...commit(solo)];
  if (effects.some((e) => e.type === 'CloseClient')) {
    attach(solo, 1);
    return null;
  }
  if (!effects.some((e) => e.type === 'Reply')) return `no answer to ${JSON.stringify(frame)}`;
  return solo.counter > before + 1 ? `${solo.counter - before} transactions for ${JSON.stringify(frame)}` : null;
};
