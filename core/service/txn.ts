/**
 * Transactions: what a leader decides once and every server applies. Records and type numbers are ZooKeeper's
 * (zookeeper.jute, org.apache.zookeeper.txn); names of sequential nodes are resolved already.
 */
import type { Zxid } from '../data/zxid.js';

/** 64-bit session id as 16 lower-case hexadecimal digits: hashable, comparable, exact. */
export type SessionId = string;

/** No session: the owner of a persistent node, the author of a transaction of the server's own. */
export const noSession: SessionId = '0000000000000000';

export type Acl = { readonly perms: number; readonly scheme: string; readonly id: string };

export type CreateTxn = {
  readonly type: 'create' | 'create2';
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly ephemeral: boolean;
  /** The parent's count of children ever created after this create; -1 in logs of 3.3 and older: raise by one. */
  readonly parentCVersion: number;
};
export type CreateContainerTxn = {
  readonly type: 'createContainer';
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly parentCVersion: number;
};
export type CreateTTLTxn = {
  readonly type: 'createTTL';
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly parentCVersion: number;
  /** Milliseconds, 1 to 0xffffffffff. */
  readonly ttl: number;
};
export type DeleteTxn = { readonly type: 'delete' | 'deleteContainer'; readonly path: string };
export type SetDataTxn = {
  readonly type: 'setData' | 'reconfig';
  readonly path: string;
  readonly data: Uint8Array | null;
  /** The new version, absolute. */
  readonly version: number;
};
export type SetACLTxn = {
  readonly type: 'setACL';
  readonly path: string;
  readonly acl: readonly Acl[];
  /** The new aversion, absolute. */
  readonly version: number;
};
export type CheckVersionTxn = { readonly type: 'check'; readonly path: string; readonly version: number };
/** A request that failed its checks still takes a zxid. `err` is a ZooKeeper error code (negative), 0 within a multi. */
export type ErrorTxn = { readonly type: 'error'; readonly err: number };
export type CreateSessionTxn = { readonly type: 'createSession'; readonly timeoutMs: number };
/** `paths` null: the body is absent (logs of 3.5 and older); the tree's own list of ephemerals is used then. */
export type CloseSessionTxn = { readonly type: 'closeSession'; readonly paths: readonly string[] | null };
/** All or nothing: any part of type `error` makes the whole a failure that changes nothing. */
export type MultiTxn = { readonly type: 'multi'; readonly parts: readonly TxnRecord[] };

export type TxnRecord =
  | CreateTxn
  | CreateContainerTxn
  | CreateTTLTxn
  | DeleteTxn
  | SetDataTxn
  | SetACLTxn
  | CheckVersionTxn
  | ErrorTxn
  | CreateSessionTxn
  | CloseSessionTxn
  | MultiTxn;

/** TxnHeader, record and the optional digest of the tree after it (version 2: 64 bits as 16 hexadecimal digits). */
export type Txn = {
  readonly session: SessionId;
  readonly cxid: number;
  readonly zxid: Zxid;
  /** Wall clock of the leader, milliseconds: ctime and mtime on every replica. */
  readonly timeMs: number;
  readonly record: TxnRecord;
  readonly digest: { readonly version: number; readonly tree: string } | null;
};
