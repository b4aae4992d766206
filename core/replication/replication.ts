/**
 * One server's part in discovery, synchronisation and broadcast: every event goes to the function that mirrors the
 * action of the same name; spec/Replication.tla puts them together.
 */
import type { ServerId } from '../data/quorum.js';
import { absurd } from '../step.js';
import * as broadcast from './broadcast.js';
import * as discovery from './discovery.js';
import * as observation from './observation.js';
import type { Packet } from './packet.js';
import * as reconfiguration from './reconfiguration.js';
import type { ReplicationEvent, ReplicationState, ReplicationStep } from './state.js';
import * as synchronization from './synchronization.js';

export const replicationStep = (s: ReplicationState, event: ReplicationEvent): ReplicationStep => {
  switch (event.type) {
    case 'Packet':
      return handlePacket(s, event.from, event.packet);
    case 'LogSynced':
      return broadcast.logSynced(s, event.zxid);
    case 'Propose':
      return broadcast.propose(s, event.txn);
    case 'Elected':
      return discovery.elected(s, event.leader);
    case 'EpochSaved':
      return discovery.epochSaved(s);
    case 'SnapshotSaved':
      return synchronization.snapshotSaved(s);
    case 'NoticeClose':
      return broadcast.noticeClose(s, event.peer);
    case 'LeaderTimeout':
      return broadcast.leaderTimeout(s);
    case 'Resign':
      return broadcast.resign(s);
    case 'LearnConfig':
      return reconfiguration.learnConfig(s, event.config);
    case 'StepDown':
      return reconfiguration.stepDown(s);
    default:
      return absurd(event);
  }
};

const handlePacket = (s: ReplicationState, from: ServerId, packet: Packet): ReplicationStep => {
  switch (packet.type) {
    case 'PROPOSAL':
      return broadcast.handleProposal(s, from, packet);
    case 'ACK':
      return broadcast.handleAck(s, from, packet);
    case 'COMMIT':
      return broadcast.handleCommit(s, from, packet);
    case 'FOLLOWERINFO':
      return discovery.handleFollowerInfo(s, from, packet);
    case 'LEADERINFO':
      return discovery.handleLeaderInfo(s, from, packet);
    case 'ACKEPOCH':
      return discovery.handleAckEpoch(s, from, packet);
    case 'DIFF':
      return synchronization.handleDiff(s, from);
    case 'TRUNC':
      return synchronization.handleTrunc(s, from, packet);
    case 'SNAP':
      return synchronization.handleSnap(s, from, packet);
    case 'NEWLEADER':
      return synchronization.handleNewLeader(s, from, packet);
    case 'UPTODATE':
      return synchronization.handleUpToDate(s, from);
    case 'OBSERVERINFO':
      return observation.handleObserverInfo(s, from, packet);
    case 'INFORM':
      return observation.handleInform(s, from, packet, from);
    case 'COMMITANDACTIVATE':
      return reconfiguration.handleCommitAndActivate(s, from, packet);
    case 'INFORMANDACTIVATE':
      return observation.handleInform(s, from, packet, packet.leader);
    case 'PING':
    case 'REQUEST':
    case 'REVALIDATE':
    case 'REVALIDATED':
    case 'SYNC':
      return { refused: 'Expected' };
    default:
      return absurd(packet);
  }
};
