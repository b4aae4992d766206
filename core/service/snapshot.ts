/** A whole state at one zxid, in the terms of ZooKeeper's snapshot files and of the SNAP stream. */
import type { Zxid } from '../data/zxid.js';
import type { Acl, SessionId } from './txn.js';

/** One znode as it is stored: `cversion` counts children ever created, `owner` is the stored ephemeralOwner. */
export type SnapshotNode = {
  /** '' for the root. */
  readonly path: string;
  readonly data: Uint8Array | null;
  /** null stands for world:anyone:31 without a cache entry (aclKey -1), as the built-in nodes have it. */
  readonly acl: readonly Acl[] | null;
  readonly czxid: Zxid;
  readonly mzxid: Zxid;
  readonly ctimeMs: number;
  readonly mtimeMs: number;
  readonly version: number;
  readonly cversion: number;
  readonly aversion: number;
  /** 16 hexadecimal digits: 0 persistent, a session id, 8000000000000000 container, ff00 and 48 bits: TTL. */
  readonly owner: SessionId;
  readonly pzxid: Zxid;
};

export type Snapshot = {
  readonly sessions: Iterable<{ readonly session: SessionId; readonly timeoutMs: number }>;
  /** Pre-order: every parent before its children, the root first. */
  readonly nodes: Iterable<SnapshotNode>;
};
