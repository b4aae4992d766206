/** Servers at named points of their life, made by steps only, and effects in a short form. */
import { plainConfiguration } from '../../../core/configuration.js';
import type { ServerId } from '../../../core/data/quorum.js';
import type { Zxid } from '../../../core/data/zxid.js';
import { maxCounter, zeroZxid } from '../../../core/data/zxid.js';
import { staticEnsemble } from '../../../core/ensemble.js';
import { windowSize, windowSlice } from '../../../core/data/window.js';
import type { Packet } from '../../../core/replication/packet.js';
import { replicationStep } from '../../../core/replication/replication.js';
import { restart } from '../../../core/replication/state.js';
import type {
  ReplicationEffect,
  ReplicationEvent,
  ReplicationState,
  ReplicationStep,
} from '../../../core/replication/state.js';
import type { Snapshot } from '../../../core/service/snapshot.js';
import type { Txn } from '../../../core/service/txn.js';
import { noSession } from '../../../core/service/txn.js';

export const zxid = (epoch: number, counter: number): Zxid => ({ epoch, counter });

/** Only the zxid of a transaction matters here. */
export const txn = (epoch: number, counter: number): Txn => ({
  session: noSession,
  cxid: 0,
  zxid: zxid(epoch, counter),
  timeMs: 0,
  record: { type: 'error', err: -1 },
  digest: null,
});

/** Transactions 1 to `last` of one epoch. */
export const txns = (epoch: number, last: number): readonly Txn[] =>
  Array.from({ length: last }, (_, i) => txn(epoch, i + 1));

export const nothing: Snapshot = { sessions: [], nodes: [] };

export type Files = {
  readonly base?: Zxid;
  readonly log?: readonly Txn[];
  readonly accepted?: number;
  readonly current?: number;
  readonly voters?: readonly ServerId[];
  readonly keep?: number;
  readonly maxCounter?: number;
};

/** A server that has started from these files; by default the first of epoch 1's transactions, one of three servers. */
export const server = (self: ServerId, files: Files = {}): ReplicationState => {
  const { voters = [1, 2, 3] } = files;
  return restart(
    self,
    staticEnsemble(
      plainConfiguration(
        voters,
        [4, 5, 6, 7, 8, 9, 10].filter((i) => !voters.includes(i)),
      ),
    ),
    { keep: files.keep ?? 500, maxCounter: files.maxCounter ?? maxCounter },
    {
      base: files.base ?? zeroZxid,
      log: files.log ?? txns(1, 1),
      acceptedEpoch: files.accepted ?? 1,
      currentEpoch: files.current ?? files.accepted ?? 1,
    },
  ).state;
};

export type Taken = { readonly state: ReplicationState; readonly effects: readonly ReplicationEffect[] };

/** The step, which must be legal. */
export const taken = (step: ReplicationStep): Taken => {
  if ('refused' in step) throw new Error(`refused by ${step.refused}`);
  return step;
};

export const step = (s: ReplicationState, event: ReplicationEvent): Taken => taken(replicationStep(s, event));

/** The state after these events; each must be legal. */
export const after = (s: ReplicationState, ...events: readonly ReplicationEvent[]): ReplicationState =>
  events.reduce((at, event) => step(at, event).state, s);

/** The guard that forbids the event, or null. */
export const refusal = (s: ReplicationState, event: ReplicationEvent): string | null => {
  const result = replicationStep(s, event);
  return 'refused' in result ? result.refused : null;
};

export const from = (sid: ServerId, packet: Packet): ReplicationEvent => ({ type: 'Packet', from: sid, packet });

export const elected = (leader: ServerId): ReplicationEvent => ({ type: 'Elected', leader });
export const epochSaved: ReplicationEvent = { type: 'EpochSaved' };
export const snapshotSaved: ReplicationEvent = { type: 'SnapshotSaved' };
export const logSynced = (epoch: number, counter: number): ReplicationEvent => ({
  type: 'LogSynced',
  zxid: zxid(epoch, counter),
});
export const proposed = (epoch: number, counter: number): ReplicationEvent => ({
  type: 'Propose',
  txn: txn(epoch, counter),
});
export const closed = (peer: ServerId): ReplicationEvent => ({ type: 'NoticeClose', peer });
export const timeout: ReplicationEvent = { type: 'LeaderTimeout' };
export const resign: ReplicationEvent = { type: 'Resign' };

export const followerInfo = (sid: ServerId, acceptedEpoch = 1): ReplicationEvent =>
  from(sid, { type: 'FOLLOWERINFO', acceptedEpoch, sid, protocolVersion: 0x10000, configVersion: zeroZxid });
export const ackEpoch = (sid: ServerId, currentEpoch = 1, last = zxid(1, 1)): ReplicationEvent =>
  from(sid, { type: 'ACKEPOCH', currentEpoch, zxid: last });
export const ack = (sid: ServerId, epoch: number, counter: number): ReplicationEvent =>
  from(sid, { type: 'ACK', zxid: zxid(epoch, counter) });

/** What leader 3 says. */
export const leaderInfo = (epoch: number): ReplicationEvent =>
  from(3, { type: 'LEADERINFO', epoch, protocolVersion: 0x10000 });
export const diff = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'DIFF', zxid: zxid(epoch, counter) });
export const trunc = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'TRUNC', zxid: zxid(epoch, counter) });
export const snap = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'SNAP', zxid: zxid(epoch, counter), snapshot: nothing });
export const proposal = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'PROPOSAL', txn: txn(epoch, counter) });
export const commit = (epoch: number, counter: number): ReplicationEvent =>
  from(3, { type: 'COMMIT', zxid: zxid(epoch, counter) });
export const newLeader = (epoch = 2): ReplicationEvent => from(3, { type: 'NEWLEADER', epoch, config: null });
export const upToDate: ReplicationEvent = from(3, { type: 'UPTODATE' });

/** Leader 3 in synchronisation: the epoch after the accepted one, by default 2, is its own, learner 1 has been sent everything up to NEWLEADER. */
export const synchronizing = (files: Files = {}): ReplicationState =>
  after(server(3, files), elected(3), followerInfo(1), epochSaved, ackEpoch(1, 1, zeroZxid), epochSaved);

/** Leader 3, established in that epoch with learner 1. */
export const leading = (files: Files = {}): ReplicationState =>
  after(synchronizing(files), ack(1, (files.accepted ?? 1) + 1, 0));

/** Server 1 has promised epoch 2 to leader 3 and waits for DIFF, TRUNC or SNAP. */
export const promised = (files: Files = {}): ReplicationState =>
  after(server(1, files), elected(3), leaderInfo(2), epochSaved);

/** Server 1 has acknowledged NEWLEADER of epoch 2. */
export const acknowledged = (files: Files = {}): ReplicationState =>
  after(promised(files), diff(1, 1), newLeader(), epochSaved);

/** Server 1 follows leader 3 in epoch 2 and serves. */
export const following = (files: Files = {}): ReplicationState => after(acknowledged(files), upToDate);

const shown = ({ epoch, counter }: Zxid): string => `${epoch}.${counter}`;

const packetTold = (p: Packet): string => {
  switch (p.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO':
      return `${p.type} ${p.acceptedEpoch}`;
    case 'LEADERINFO':
    case 'NEWLEADER':
      return `${p.type} ${p.epoch}`;
    case 'ACKEPOCH':
      return `ACKEPOCH ${p.currentEpoch} ${shown(p.zxid)}`;
    case 'PROPOSAL':
    case 'INFORM':
      return `${p.type} ${shown(p.txn.zxid)}`;
    case 'DIFF':
    case 'TRUNC':
    case 'SNAP':
    case 'COMMIT':
    case 'ACK':
      return `${p.type} ${shown(p.zxid)}`;
    default:
      return p.type;
  }
};

/** Effects in order, one short line each; a zxid is `epoch.counter`. */
export const told = (effects: readonly ReplicationEffect[]): readonly string[] =>
  effects.map((e) => {
    switch (e.type) {
      case 'Send':
        return `to ${e.to}: ${packetTold(e.packet)}`;
      case 'SendSnapshot':
        return `to ${e.to}: SNAP ${shown(e.zxid)}`;
      case 'Append':
      case 'Deliver':
        return `${e.type} ${e.txns.map((t) => shown(t.zxid)).join(' ')}`;
      case 'SaveEpoch':
        return `SaveEpoch ${e.file} ${e.epoch}`;
      case 'SaveSnapshot':
      case 'Truncate':
      case 'Restore':
        return `${e.type} ${shown(e.zxid)}`;
      case 'Serve':
        return `Serve ${e.epoch}`;
      case 'LookForLeader':
        return `LookForLeader ${e.epoch} ${shown(e.zxid)}`;
      case 'Connect':
        return `Connect ${e.to}`;
      case 'Disconnect':
        return `Disconnect ${e.peer}`;
      case 'Listen':
      case 'DisconnectAll':
      case 'Leave':
        return e.type;
    }
  });

/** Effects of one event. */
export const asks = (s: ReplicationState, event: ReplicationEvent): readonly string[] => told(step(s, event).effects);

/** The zxids of the log in memory. */
export const logOf = (s: ReplicationState): readonly string[] =>
  windowSlice(s.disk.log, 0, windowSize(s.disk.log)).map((t) => shown(t.zxid));

/** Stages of the learners: `sid stage`. */
export const learnersOf = (s: ReplicationState): readonly string[] => s.role.learners.map((l) => `${l.sid} ${l.stage}`);
