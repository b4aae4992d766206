/** What a server says of itself to people and monitoring. */
import type { ServerId } from './data/quorum.js';
import { forEachEntry } from './data/hamt.js';
import { sizeOfNames } from './data/nameSet.js';
import type { Zxid } from './data/zxid.js';
import { leads, observes, votes } from './replication/state.js';
import type { Phase } from './replication/state.js';
import type { ServerState } from './serverState.js';
import { containerOwner } from './service/tree.js';
import type { Role } from './vote.js';

export type Status = {
  readonly serving: boolean;
  /** It serves those who only want to read: it has no quorum. */
  readonly readOnly: boolean;
  readonly role: Role;
  readonly phase: Phase;
  /** Whom this server follows, itself when it leads; null while it looks for one. */
  readonly leader: ServerId | null;
  /** Of the last leader that it synchronised with. */
  readonly epoch: number;
  readonly acceptedEpoch: number;
  /** Last applied transaction. */
  readonly zxid: Zxid;
  readonly round: number;
  readonly learners: number;
  readonly syncedFollowers: number;
  readonly syncedObservers: number;
  readonly znodes: number;
  readonly sessions: number;
  readonly watchedPaths: number;
  readonly ephemerals: number;
};

export const statusOf = (s: ServerState): Status => {
  const { role, disk } = s.replication;
  const { tree, sessions } = s.service.database;
  let ephemerals = 0;
  forEachEntry(tree.ephemerals, (owner, paths) => {
    if (owner !== containerOwner) ephemerals += sizeOfNames(paths);
  });
  const { watches } = s.service;
  const synced = role.learners.filter((l) => l.stage === 'synced');
  return {
    serving: s.serving || s.service.serving?.readOnly === true,
    readOnly: s.service.serving?.readOnly === true,
    role: roleOf(s),
    phase: role.phase,
    leader: role.leader,
    epoch: disk.currentEpoch,
    acceptedEpoch: disk.acceptedEpoch,
    zxid: s.replication.delivered,
    round: s.election.round,
    learners: role.learners.length,
    syncedFollowers: synced.filter((l) => !l.observer && votes(s.replication, l.sid)).length,
    syncedObservers: synced.filter((l) => l.observer).length,
    znodes: tree.nodes.size,
    sessions: sessions.size,
    watchedPaths: watches.data.byPath.size + watches.child.byPath.size,
    ephemerals,
  };
};

const roleOf = ({ replication }: ServerState): Role => {
  if (replication.role.phase === 'LOOKING') return 'LOOKING';
  if (leads(replication)) return 'LEADING';
  return observes(replication, replication.self) ? 'OBSERVING' : 'FOLLOWING';
};
