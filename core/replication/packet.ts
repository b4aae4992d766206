/**
 * What learners and leaders say to each other: ZooKeeper's QuorumPackets by their own names. One packet is one message
 * of spec/Replication.tla and one event of the core. Layouts are in wire/quorum.ts.
 */
import type { ServerId } from '../data/quorum.js';
import type { Zxid } from '../data/zxid.js';
import type { ForwardedRequest } from '../service/request.js';
import type { Snapshot } from '../service/snapshot.js';
import type { SessionId, Txn } from '../service/txn.js';

export type Touched = { readonly session: SessionId; readonly timeoutMs: number };

/** First packet of a learner. `acceptedEpoch` travels as zxid (acceptedEpoch, 0). */
export type LearnerInfo = {
  readonly acceptedEpoch: number;
  readonly sid: ServerId;
  /** 0x10000 from every server since 3.4. */
  readonly protocolVersion: number;
  /** Version of the learner's configuration; 0 for a static one. */
  readonly configVersion: Zxid;
};

export type Packet =
  | ({ readonly type: 'FOLLOWERINFO' } & LearnerInfo)
  | ({ readonly type: 'OBSERVERINFO' } & LearnerInfo)
  | { readonly type: 'LEADERINFO'; readonly epoch: number; readonly protocolVersion: number }
  /** `currentEpoch` -1: this epoch had been accepted before, so the answer does not count again. */
  | { readonly type: 'ACKEPOCH'; readonly currentEpoch: number; readonly zxid: Zxid }
  | { readonly type: 'DIFF'; readonly zxid: Zxid }
  | { readonly type: 'TRUNC'; readonly zxid: Zxid }
  /** On the wire the snapshot's stream follows the packet; here it is one value. */
  | { readonly type: 'SNAP'; readonly zxid: Zxid; readonly snapshot: Snapshot }
  | { readonly type: 'PROPOSAL'; readonly txn: Txn }
  | { readonly type: 'COMMIT'; readonly zxid: Zxid }
  | { readonly type: 'COMMITANDACTIVATE'; readonly zxid: Zxid; readonly leader: ServerId }
  | { readonly type: 'INFORM'; readonly txn: Txn }
  | { readonly type: 'INFORMANDACTIVATE'; readonly txn: Txn; readonly leader: ServerId }
  /** `config`: text of the leader's configuration (quorum-port form), null from leaders before 3.4's protocol. */
  | { readonly type: 'NEWLEADER'; readonly epoch: number; readonly config: string | null }
  | { readonly type: 'ACK'; readonly zxid: Zxid }
  | { readonly type: 'UPTODATE' }
  /** From the leader `touched` is null, from a learner the sessions heard of since its last answer. */
  | { readonly type: 'PING'; readonly zxid: Zxid; readonly touched: readonly Touched[] | null }
  | { readonly type: 'REQUEST'; readonly request: ForwardedRequest }
  /** Learner to leader: may this session go on here? */
  | { readonly type: 'REVALIDATE'; readonly session: SessionId; readonly timeoutMs: number }
  /** Leader to learner: the answer. */
  | { readonly type: 'REVALIDATED'; readonly session: SessionId; readonly valid: boolean }
  /** Leader to learner: the oldest sync of this learner is done. */
  | { readonly type: 'SYNC' };

export type PacketOf<T extends Packet['type']> = Extract<Packet, { readonly type: T }>;
