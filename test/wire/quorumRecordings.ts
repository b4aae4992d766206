/** Recorded traffic between servers against our codecs: what they read in the recording's notation, what they write. */
import * as E from 'fp-ts/lib/Either.js';
import type { Packet } from '../../core/replication/packet.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import type { Acl } from '../../core/service/txn.js';
import { formatHost } from '../../wire/config.js';
import {
  decodeInitialMessage,
  decodeNotification,
  encodeInitialMessage,
  encodeNotification,
} from '../../wire/election.js';
import { openWriter, written } from '../../wire/jute.js';
import { packetTypes } from '../../wire/quorum.js';
import type { Direction } from '../../wire/quorum.js';
import { opcodeOf, writeRequest } from '../../wire/request.js';
import { shownTxn } from './shownTxn.js';
import { bytesOf, flatAcls, hexBytes, hexSession, hexZxid, vectorFiles, vectorJson } from './vectors.js';
import type { Json } from './vectors.js';

export type Fields = { readonly kind: string; readonly [key: string]: Json };
export type Message = { readonly from: 'initiator' | 'acceptor'; readonly hex: string; readonly fields: Fields };
type Omitted = { readonly omittedMessages: number };
type Connection = {
  readonly port: 'election' | 'quorum' | 'observerMaster';
  readonly messages: readonly (Message | Omitted)[];
};

const connections = vectorFiles('quorum', '.json').flatMap((name) =>
  vectorJson<{ readonly connections: readonly Connection[] }>(name).connections.map((c, i) => ({
    where: `${name} connection ${i}`,
    port: c.port,
    messages: c.messages.filter((m): m is Message => !('omittedMessages' in m)),
  })),
);

/** Kinds of messages that are skipped, and why. */
export const notOurs: Readonly<Record<string, string>> = {
  saslAuth: 'authentication of servers is not offered; it stands before the first packet',
};

const counted = (kind: string): boolean => !(kind in notOurs);

export const skippedMessages = connections.flatMap((c) => c.messages.filter((m) => !counted(m.fields.kind)));

export const electionMessages = connections
  .filter((c) => c.port === 'election')
  .flatMap((c) => c.messages.map((message, i) => ({ where: `${c.where} message ${i}`, message })))
  .filter(({ message }) => counted(message.fields.kind));

/** One direction of a recorded connection to a leader (or an observer master). */
export type RecordedStream = {
  readonly where: string;
  readonly from: Direction;
  readonly messages: readonly Message[];
};

export const quorumStreams: readonly RecordedStream[] = connections
  .filter((c) => c.port !== 'election')
  .flatMap(({ where, messages }) => {
    const side = (from: Message['from']): readonly Message[] =>
      messages.filter((m) => m.from === from && counted(m.fields.kind ?? 'packet'));
    return [
      { where: `${where}, to the leader`, from: 'fromLearner' as const, messages: side('initiator') },
      { where: `${where}, from the leader`, from: 'fromLeader' as const, messages: side('acceptor') },
    ];
  });

export const newLeaderConfigs: readonly string[] = quorumStreams.flatMap((s) =>
  s.messages.flatMap((m) => {
    const config = (m.fields['decoded'] as { config?: string } | undefined)?.config;
    return config === undefined ? [] : [config];
  }),
);

type Seen = { readonly fields: Json; readonly hex: string };

export const seenElection = (message: Message): Seen | null => {
  const bytes = Buffer.from(message.hex, 'hex');
  if (message.fields.kind === 'initial') {
    const step = decodeInitialMessage(bytes);
    if (step.type !== 'initial' || step.end !== bytes.length) return null;
    const { form, sid, addresses } = step.message;
    const fields = {
      kind: 'initial',
      protocolVersion: form === 'single' ? -65536 : -65535,
      sid,
      addresses: addresses.map((a) => `${formatHost(a.host)}:${a.port}`).join('|'),
    };
    return { fields, hex: encodeInitialMessage(step.message).toString('hex') };
  }
  const n = decodeNotification(bytes, 4);
  if (E.isLeft(n)) return null;
  const { notification, version, config } = n.right;
  const fields = {
    kind: 'notification',
    length: bytes.length - 4,
    state: notification.state,
    leader: notification.vote.leader,
    zxid: hexZxid(notification.vote.zxid),
    electionEpoch: notification.round,
    peerEpoch: notification.vote.epoch,
    version,
    config,
  };
  return { fields, hex: encodeNotification(n.right).toString('hex') };
};

const epochZxid = (epoch: number): string => hexZxid({ epoch, counter: 0 });
const noZxid = '0xffffffffffffffff';

/** Fields of a packet that the recording has under `decoded`, and the zxid. */
const shownParts = (p: Packet): { readonly zxid: string; readonly decoded?: { readonly [key: string]: Json } } => {
  switch (p.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO': {
      const { sid, protocolVersion, configVersion } = p;
      const version = `0x${protocolVersion.toString(16)}`;
      const decoded = { serverid: sid, protocolVersion: version, configVersion: hexZxid(configVersion) };
      return { zxid: epochZxid(p.acceptedEpoch), decoded };
    }
    case 'LEADERINFO':
      return { zxid: epochZxid(p.epoch), decoded: { protocolVersion: `0x${p.protocolVersion.toString(16)}` } };
    case 'ACKEPOCH':
      return { zxid: hexZxid(p.zxid), decoded: { currentEpoch: p.currentEpoch } };
    case 'DIFF':
    case 'TRUNC':
    case 'SNAP':
    case 'COMMIT':
    case 'ACK':
      return { zxid: hexZxid(p.zxid) };
    case 'PROPOSAL':
    case 'INFORM':
      return { zxid: hexZxid(p.txn.zxid), decoded: shownTxn(p.txn) };
    case 'COMMITANDACTIVATE':
      return { zxid: hexZxid(p.zxid), decoded: { designatedLeader: p.leader } };
    case 'INFORMANDACTIVATE':
      return { zxid: hexZxid(p.txn.zxid), decoded: { designatedLeader: p.leader, ...shownTxn(p.txn) } };
    case 'NEWLEADER':
      return { zxid: epochZxid(p.epoch), ...(p.config === null ? {} : { decoded: { config: p.config } }) };
    case 'UPTODATE':
      return { zxid: noZxid };
    case 'SYNC':
      return { zxid: '0x0' };
    case 'PING': {
      const touched = p.touched?.map((s) => ({ sessionId: hexSession(s.session), timeoutMs: s.timeoutMs }));
      return { zxid: hexZxid(p.zxid), ...(touched === undefined ? {} : { decoded: { touched } }) };
    }
    case 'REVALIDATE':
      return { zxid: noZxid, decoded: { sessionId: hexSession(p.session), timeoutMs: p.timeoutMs } };
    case 'REVALIDATED':
      return { zxid: noZxid, decoded: { sessionId: hexSession(p.session), valid: p.valid } };
    case 'REQUEST': {
      const { session, cxid, request } = p.request;
      const w = openWriter();
      writeRequest(w, request);
      const opName = request.op;
      const body = written(w).toString('hex');
      const decoded = { sessionId: hexSession(session), cxid, opcode: opcodeOf(request), opName, request: body };
      return { zxid: noZxid, decoded };
    }
  }
};

/** A packet in the recording's notation; `dataLength` is left to the comparison of bytes. */
export const shownPacket = (p: Packet): Json => {
  const name = p.type === 'REVALIDATED' ? 'REVALIDATE' : p.type;
  const authinfo = p.type === 'REQUEST' && p.request.identities.length > 0 ? p.request.identities : null;
  return { type: packetTypes[name], name, authinfo: authinfo as Json, ...shownParts(p) };
};

type RecordedSnapshot = {
  readonly sessions: readonly { readonly sessionId: string; readonly timeoutMs: number }[];
  readonly aclCache: readonly { readonly key: string; readonly acl: readonly Acl[] }[];
  readonly nodes: readonly {
    readonly path: string;
    readonly data: Json;
    readonly aclKey: string;
    readonly stat: Json;
  }[];
};

/** The two sides of a recorded snapshot with keys of the ACL cache resolved: their numbering is a server's own. */
export const recordedSnapshot = (recorded: Json): Json => {
  const { sessions, aclCache, nodes } = recorded as unknown as RecordedSnapshot;
  const acls = new Map(aclCache.map((entry) => [entry.key, entry.acl]));
  return {
    sessions: sessions.map(({ sessionId, timeoutMs }) => ({ sessionId, timeoutMs })),
    nodes: nodes.map((n) => ({
      path: n.path,
      data: bytesOf(n.data),
      acl: n.aclKey === '-1' ? null : flatAcls(acls.get(n.aclKey) ?? []),
      stat: n.stat,
    })),
  };
};

export const shownSnapshot = (snapshot: Snapshot): Json => ({
  sessions: [...snapshot.sessions].map((s) => ({ sessionId: hexSession(s.session), timeoutMs: s.timeoutMs })),
  nodes: [...snapshot.nodes].map((n) => ({
    path: n.path,
    data: hexBytes(n.data),
    acl: n.acl === null ? null : flatAcls(n.acl),
    stat: {
      czxid: hexZxid(n.czxid),
      mzxid: hexZxid(n.mzxid),
      ctime: String(n.ctimeMs),
      mtime: String(n.mtimeMs),
      version: n.version,
      cversion: n.cversion,
      aversion: n.aversion,
      ephemeralOwner: hexSession(n.owner),
      pzxid: hexZxid(n.pzxid),
    },
  })),
});
