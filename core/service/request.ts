/**
 * What a client may ask, decoded: ZooKeeper's request records (zookeeper.jute, org.apache.zookeeper.proto) under
 * their own names. Opcodes and record layouts are in wire/; every rule about them is in core/service.
 */
import type { Acl, SessionId } from './txn.js';

export type CreateMode = number; // flags as sent: 0 persistent, 1 ephemeral, 2 sequential, 3 both, 4 container, 5 and 6 TTL

export type CreateRequest = {
  readonly op: 'create' | 'create2' | 'createContainer';
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  readonly flags: CreateMode;
};
export type CreateTTLRequest = {
  readonly op: 'createTTL';
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[] | null;
  readonly flags: CreateMode;
  readonly ttl: number;
};
export type DeleteRequest = { readonly op: 'delete'; readonly path: string | null; readonly version: number };
/** The leader's own, for what it reaps: a client's is an unknown operation. */
export type DeleteContainerRequest = { readonly op: 'deleteContainer'; readonly path: string };
export type SetDataRequest = {
  readonly op: 'setData';
  readonly path: string | null;
  readonly data: Uint8Array | null;
  readonly version: number;
};
export type SetACLRequest = {
  readonly op: 'setACL';
  readonly path: string | null;
  readonly acl: readonly Acl[] | null;
  readonly version: number;
};
export type CheckRequest = { readonly op: 'check'; readonly path: string | null; readonly version: number };
export type MultiPart = CreateRequest | CreateTTLRequest | DeleteRequest | SetDataRequest | CheckRequest;
export type MultiRequest = { readonly op: 'multi'; readonly parts: readonly MultiPart[] };

/** Requests that become a transaction: a leader checks them and gives them a zxid. */
export type WriteRequest =
  | CreateRequest
  | CreateTTLRequest
  | DeleteRequest
  | DeleteContainerRequest
  | SetDataRequest
  | SetACLRequest
  | MultiRequest
  | ReconfigRequest
  | { readonly op: 'closeSession' }
  | { readonly op: 'createSession'; readonly timeoutMs: number }
  /** A record that cannot be decoded, or a request that is refused whole: fails with `err` and still takes a zxid. */
  | { readonly op: 'invalid'; readonly err: number };

export type Watched = { readonly path: string | null; readonly watch: boolean };

/** What may stand in a multiRead; the flag is carried and means nothing there. */
export type ReadPart = { readonly op: 'getData' | 'getChildren' } & Watched;

/** `version` null is -1: any. */
export type ReconfigRequest = {
  readonly op: 'reconfig';
  readonly joining: string | null;
  readonly leaving: string | null;
  readonly members: string | null;
  readonly version: { readonly epoch: number; readonly counter: number } | null;
};

export type ReadRequest =
  | ({ readonly op: 'exists' } & Watched)
  | ({ readonly op: 'getData' } & Watched)
  | ({ readonly op: 'getChildren' } & Watched)
  | ({ readonly op: 'getChildren2' } & Watched)
  | { readonly op: 'getACL'; readonly path: string | null }
  | { readonly op: 'getAllChildrenNumber'; readonly path: string | null }
  | { readonly op: 'getEphemerals'; readonly prefix: string | null }
  | { readonly op: 'whoAmI' }
  | { readonly op: 'multiRead'; readonly parts: readonly ReadPart[] }
  /** `mode`: 0 persistent, 1 persistent and recursive. */
  | { readonly op: 'addWatch'; readonly path: string | null; readonly mode: number }
  /** `kind`: 1 children, 2 data, 3 any, 4 persistent, 5 persistent and recursive (Watcher.WatcherType). */
  | { readonly op: 'checkWatches' | 'removeWatches'; readonly path: string | null; readonly kind: number }
  | { readonly op: 'ping' }
  | {
      readonly op: 'setWatches' | 'setWatches2';
      /** Last zxid that the client has seen, as its two halves. */
      readonly relativeZxid: { readonly epoch: number; readonly counter: number };
      readonly data: readonly string[];
      readonly exist: readonly string[];
      readonly child: readonly string[];
      readonly persistent: readonly string[];
      readonly persistentRecursive: readonly string[];
    }
  | { readonly op: 'auth'; readonly scheme: string | null; readonly auth: Uint8Array | null }
  /**
   * One step of a SASL exchange. What the mechanism makes of the token is not the core's to know: whoever runs it gives
   * the answer along; without one, no mechanism is offered.
   */
  | { readonly op: 'sasl'; readonly token: Uint8Array | null; readonly answer?: SaslAnswer }
  /** A read whose record cannot be decoded: answered with the error, the connection stays. */
  | { readonly op: 'unreadable'; readonly err: number }
  /** An opcode that is not known or not offered: answered with UNIMPLEMENTED and zxid -1, then the server closes. */
  | { readonly op: 'unknown'; readonly opcode: number };

/** What a SASL mechanism says to a token: `user` once the exchange has proved one. */
export type SaslAnswer = { readonly token: Uint8Array | null; readonly user: string | null; readonly failed: boolean };

/** Goes through the leader without a transaction: answered after all that was committed there before it. */
export type SyncRequest = { readonly op: 'sync'; readonly path: string | null };

export type ClientRequest = WriteRequest | ReadRequest | SyncRequest;

/** An identity of a connection: ("ip", address) from the start, others by auth. */
export type Identity = { readonly scheme: string; readonly id: string };

/** A write or sync on its way to the leader (QuorumPacket REQUEST). */
export type ForwardedRequest = {
  readonly session: SessionId;
  readonly cxid: number;
  readonly request: WriteRequest | SyncRequest;
  readonly identities: readonly Identity[];
};

export type Stat = {
  readonly czxid: { readonly epoch: number; readonly counter: number };
  readonly mzxid: { readonly epoch: number; readonly counter: number };
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  readonly ephemeralOwner: SessionId;
  readonly dataLength: number;
  readonly numChildren: number;
  readonly pzxid: { readonly epoch: number; readonly counter: number };
};

export type MultiResult =
  | { readonly op: 'create'; readonly path: string }
  | { readonly op: 'create2'; readonly path: string; readonly stat: Stat }
  | { readonly op: 'delete' }
  | { readonly op: 'check' }
  | { readonly op: 'setData'; readonly stat: Stat }
  /** Of a multiRead, as the next. */
  | { readonly op: 'getData'; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly op: 'getChildren'; readonly children: readonly string[] }
  | { readonly op: 'error'; readonly err: number };

/** The body of a reply; `none` is a header alone (delete, ping, closeSession, auth, every error). */
export type ReplyBody =
  | { readonly type: 'none' }
  | { readonly type: 'path'; readonly path: string | null }
  | { readonly type: 'pathStat'; readonly path: string; readonly stat: Stat }
  | { readonly type: 'stat'; readonly stat: Stat }
  | { readonly type: 'dataStat'; readonly data: Uint8Array | null; readonly stat: Stat }
  | { readonly type: 'children'; readonly children: readonly string[] }
  | { readonly type: 'childrenStat'; readonly children: readonly string[]; readonly stat: Stat }
  | { readonly type: 'aclStat'; readonly acl: readonly Acl[]; readonly stat: Stat }
  | { readonly type: 'multi'; readonly results: readonly MultiResult[] }
  | { readonly type: 'count'; readonly count: number }
  /** Identities as whoAmI shows them: of a digest the user alone. */
  | { readonly type: 'identities'; readonly identities: readonly Identity[] }
  /** SetSASLResponse; it stands behind an error, too. */
  | { readonly type: 'token'; readonly token: Uint8Array | null }
  /** ErrorResponse, which says 0: the answer to addWatch. */
  | { readonly type: 'done' };

/** ReplyHeader and body. `zxid` null is -1 (unknown opcodes). */
export type Reply = {
  readonly xid: number;
  readonly zxid: { readonly epoch: number; readonly counter: number } | null;
  readonly err: number;
  readonly body: ReplyBody;
};

/** Event type numbers of WatcherEvent: 1 created, 2 deleted, 3 data changed, 4 children changed. */
export type WatchEventType = 1 | 2 | 3 | 4;

/** A notification under xid -1; state is always SyncConnected (3). `zxid` null is -1 (events of setWatches). */
export type WatchEvent = {
  readonly type: WatchEventType;
  readonly path: string;
  readonly zxid: { readonly epoch: number; readonly counter: number } | null;
};

/** ConnectRequest; `readOnly` undefined: the byte was absent, and is then absent in the response too. */
export type ConnectRequest = {
  readonly protocolVersion: number;
  readonly lastZxidSeen: { readonly epoch: number; readonly counter: number };
  readonly timeoutMs: number;
  readonly session: SessionId;
  readonly password: Uint8Array | null;
  readonly readOnly: boolean | undefined;
};

/** ConnectResponse; timeoutMs 0 and session 0: the session is not valid (any more). */
export type ConnectResponse = {
  readonly timeoutMs: number;
  readonly session: SessionId;
  readonly password: Uint8Array;
  readonly readOnly: boolean | undefined;
};
