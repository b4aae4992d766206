/** Recorded client frames against our codec: what it reads in the notation of the recording, and what it writes. */
import { isDeepStrictEqual } from 'node:util';
import * as E from 'fp-ts/lib/Either.js';
import type { ClientRequest, MultiPart, MultiResult, ReplyBody, Stat } from '../../core/service/request.js';
import {
  decodeConnectRequest,
  decodeConnectResponse,
  decodeRequest,
  encodeConnectRequest,
  encodeConnectResponse,
  encodeRequest,
} from '../../wire/client.js';
import { decodeReply, decodeReplyHead, decodeWatchEvent, encodeReply, encodeWatchEvent } from '../../wire/reply.js';
import { opcodeOf, opcodes } from '../../wire/request.js';
import { decimalSession, decimalZxid, defined, hexBytes, nestedAcls } from './vectors.js';
import type { Json } from './vectors.js';

export type Frame = {
  readonly name: string;
  readonly direction: 'client->server' | 'server->client';
  readonly hex: string;
  readonly decoded: { readonly [key: string]: Json };
};

/** Operations of the recordings that are decoded to `unknown`, and why: for now these are not offered. */
export const notOffered: Readonly<Record<string, string>> = {
  deleteContainer: 'refused from clients: Apache lets anyone delete any node with it',
  check: 'stands only inside a multi; refused alone, as by Apache',
  '?': 'opcode 999 of no meaning',
};

/** A frame whose parts must not stand there: it is taken for something that cannot be read. */
const unreadable = 'multiRead.exists_not_allowed.request';

/* How our values look in the notation of the recordings. */

const shownStat = (s: Stat): Json => ({
  czxid: decimalZxid(s.czxid),
  mzxid: decimalZxid(s.mzxid),
  ctime: s.ctimeMs,
  mtime: s.mtimeMs,
  version: s.version,
  cversion: s.cversion,
  aversion: s.aversion,
  ephemeralOwner: decimalSession(s.ephemeralOwner),
  dataLength: s.dataLength,
  numChildren: s.numChildren,
  pzxid: decimalZxid(s.pzxid),
});

const shownPart = (p: MultiPart): Json => {
  switch (p.op) {
    case 'delete':
    case 'check':
      return { path: p.path, version: p.version };
    case 'setData':
      return { path: p.path, data: hexBytes(p.data), version: p.version };
    default: {
      const create = { path: p.path, data: hexBytes(p.data), acl: nestedAcls(p.acl), flags: p.flags };
      return p.op === 'createTTL' ? { ...create, ttl: p.ttl } : create;
    }
  }
};

const end = { header: { type: -1, done: true, err: -1 } };

const shownRequest = (r: ClientRequest): Json | undefined => {
  switch (r.op) {
    case 'multi':
      return [
        ...r.parts.map((p) => ({ header: { type: opcodes[p.op], done: false, err: -1 }, body: shownPart(p) })),
        end,
      ];
    case 'setACL':
      return { path: r.path, acl: nestedAcls(r.acl), version: r.version };
    case 'exists':
    case 'getData':
    case 'getChildren':
    case 'getChildren2':
      return { path: r.path, watch: r.watch };
    case 'multiRead':
      return [
        ...r.parts.map(({ op, path, watch }) => ({
          header: { type: opcodes[op], done: false, err: -1 },
          body: { path, watch },
        })),
        end,
      ];
    case 'getEphemerals':
      return { prefixPath: r.prefix };
    case 'addWatch':
      return { path: r.path, mode: r.mode };
    case 'checkWatches':
    case 'removeWatches':
      return { path: r.path, type: r.kind };
    case 'reconfig':
      return {
        joiningServers: r.joining,
        leavingServers: r.leaving,
        newMembers: r.members,
        curConfigId: decimalZxid(r.version),
      };
    case 'getACL':
    case 'getAllChildrenNumber':
    case 'deleteContainer':
    case 'sync':
      return { path: r.path };
    case 'sasl':
      return { token: hexBytes(r.token) };
    case 'auth':
      return { type: 0, scheme: r.scheme, auth: hexBytes(r.auth) };
    case 'setWatches':
    case 'setWatches2': {
      const { data, exist, child, persistent, persistentRecursive } = r;
      return {
        relativeZxid: decimalZxid(r.relativeZxid),
        dataWatches: data,
        existWatches: exist,
        childWatches: child,
        ...(r.op === 'setWatches'
          ? {}
          : { persistentWatches: persistent, persistentRecursiveWatches: persistentRecursive }),
      };
    }
    case 'ping':
    case 'whoAmI':
    case 'closeSession':
    case 'createSession':
    case 'invalid':
    case 'unreadable':
    case 'unknown':
      return undefined;
    default:
      return shownPart(r);
  }
};

const shownResult = (r: MultiResult): Json => {
  const header = (type: number): Json => ({ type, done: false, err: 0 });
  switch (r.op) {
    case 'create':
      return { header: header(1), body: { path: r.path } };
    case 'create2':
      return { header: header(15), body: { path: r.path, stat: shownStat(r.stat) } };
    case 'setData':
      return { header: header(5), body: { stat: shownStat(r.stat) } };
    case 'getData':
      return { header: header(4), body: { data: hexBytes(r.data), stat: shownStat(r.stat) } };
    case 'getChildren':
      return { header: header(8), body: { children: r.children } };
    case 'error':
      return { header: { type: -1, done: false, err: r.err }, body: { err: r.err } };
    default:
      return { header: header(opcodes[r.op]), body: null };
  }
};

const shownBody = (b: ReplyBody, op: ClientRequest['op']): Json | undefined => {
  switch (b.type) {
    case 'none':
      return undefined;
    case 'path':
      return { path: b.path };
    case 'pathStat':
      return { path: b.path, stat: shownStat(b.stat) };
    case 'stat':
      return { stat: shownStat(b.stat) };
    case 'dataStat':
      return { data: hexBytes(b.data), stat: shownStat(b.stat) };
    case 'children':
      return op === 'getEphemerals' ? { ephemerals: b.children } : { children: b.children };
    case 'count':
      return { totalNumber: b.count };
    case 'identities':
      return { clientInfo: b.identities.map(({ scheme, id }) => ({ authScheme: scheme, user: id })) };
    case 'token':
      return { token: hexBytes(b.token) };
    case 'done':
      return { err: 0 };
    case 'childrenStat':
      return { children: b.children, stat: shownStat(b.stat) };
    case 'aclStat':
      return { acl: nestedAcls(b.acl), stat: shownStat(b.stat) };
    case 'multi':
      return [...b.results.map(shownResult), end];
  }
};

/** What our codec makes of one frame: the recorded notation, and the bytes that it would write. */
type Seen = { readonly decoded: Json; readonly hex: string };

export const seenRequest = (frame: Frame, bytes: Buffer): Seen | null => {
  if (!('header' in frame.decoded)) {
    const c = decodeConnectRequest(bytes, 4);
    if (E.isLeft(c)) return null;
    const { protocolVersion, lastZxidSeen, timeoutMs, session, password, readOnly } = c.right;
    const decoded = {
      protocolVersion,
      lastZxidSeen: decimalZxid(lastZxidSeen),
      timeOut: timeoutMs,
      sessionId: decimalSession(session),
      passwd: hexBytes(password),
      readOnly,
    };
    return { decoded: defined(decoded), hex: encodeConnectRequest(c.right).toString('hex') };
  }
  const r = decodeRequest(bytes, 4);
  if (E.isLeft(r)) return null;
  const { xid, request } = r.right;
  const op = request.op === 'unknown' ? frame.decoded['op'] : request.op;
  const decoded = { header: { xid, type: opcodeOf(request) }, op, body: shownRequest(request) };
  return { decoded: defined(decoded), hex: encodeRequest(r.right).toString('hex') };
};

const seenReply = (frame: Frame, bytes: Buffer, op: ClientRequest['op']): Seen | null => {
  if (!('header' in frame.decoded)) {
    const c = decodeConnectResponse(bytes, 4);
    if (E.isLeft(c)) return null;
    const { timeoutMs, session, password, readOnly } = c.right;
    const sessionId = decimalSession(session);
    const decoded = { protocolVersion: 0, timeOut: timeoutMs, sessionId, passwd: hexBytes(password), readOnly };
    return { decoded: defined(decoded), hex: encodeConnectResponse(c.right).toString('hex') };
  }
  const head = decodeReplyHead(bytes, 4);
  if (E.isRight(head) && head.right.xid === -1) {
    const e = decodeWatchEvent(bytes, 4);
    if (E.isLeft(e)) return null;
    const { type, path, zxid } = e.right;
    const decoded = { header: { xid: -1, zxid: decimalZxid(zxid), err: 0 }, body: { type, state: 3, path } };
    return { decoded, hex: encodeWatchEvent(e.right).toString('hex') };
  }
  const r = decodeReply(op, bytes, 4);
  if (E.isLeft(r)) return null;
  const { xid, zxid, err, body } = r.right;
  const decoded = { header: { xid, zxid: decimalZxid(zxid), err }, body: shownBody(body, op) };
  return { decoded: defined(decoded), hex: encodeReply(r.right).toString('hex') };
};

export type Tally = { checked: number; skipped: Set<string>; skippedFrames: number };

/** Walks a recording, pairing replies with requests by xid; what differs from the recording is returned as names. */
export const differences = (frames: readonly Frame[], tally: Tally): readonly string[] => {
  const asked = new Map<number, { readonly op: ClientRequest['op']; readonly name: string }[]>();
  const wrong: string[] = [];
  for (const frame of frames) {
    const bytes = Buffer.from(frame.hex, 'hex');
    const header = frame.decoded['header'] as { xid: number } | undefined;
    const name = frame.decoded['op'] as string | undefined;
    let seen: Seen | null;
    let offered = true;
    if (frame.direction === 'client->server') {
      seen = seenRequest(frame, bytes);
      if (header !== undefined && name !== undefined) {
        offered = !(name in notOffered);
        const op = (offered ? name : 'unknown') as ClientRequest['op'];
        asked.set(header.xid, [...(asked.get(header.xid) ?? []), { op, name }]);
        const request = decodeRequest(bytes, 4);
        const taken = frame.name === unreadable ? 'unreadable' : op;
        if (!E.isRight(request) || request.right.request.op !== taken) wrong.push(`${frame.name}: not taken for ${op}`);
      }
    } else {
      const of = header === undefined ? undefined : asked.get(header.xid)?.shift();
      seen = seenReply(frame, bytes, of?.op ?? 'ping');
      offered = of === undefined || !(of.name in notOffered) || !('body' in frame.decoded);
    }
    if (frame.name === unreadable) {
      tally.skippedFrames += 1;
      continue;
    }
    if (!offered) {
      tally.skippedFrames += 1;
      tally.skipped.add(name ?? 'reply');
      continue;
    }
    tally.checked += 1;
    if (seen?.hex !== frame.hex) wrong.push(`${frame.name}: bytes`);
    const { note, ...decoded } = frame.decoded;
    if (note === undefined && !isDeepStrictEqual(seen?.decoded, defined(decoded))) wrong.push(`${frame.name}: fields`);
  }
  return wrong;
};
