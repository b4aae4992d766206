/**
 * What a server does with a configuration that is committed, or heard of, beside replicating it as a transaction.
 * Actions of spec/Membership.tla, compared in core/membership.ts with the rules that both share.
 */
import type { Configuration } from '../configuration.js';
import type { ServerId } from '../data/quorum.js';
import { sameZxid } from '../data/zxid.js';
import { windowAt } from '../data/window.js';
import { activated } from '../ensemble.js';
import { changesPart, mayActivate } from '../membershipRules.js';
import { unchanged } from '../step.js';
import { handleCommit } from './broadcast.js';
import { delivered } from './delivery.js';
import type { PacketOf } from './packet.js';
import { countUpTo, follows, leads, leave, lookForLeader, withEnsemble } from './state.js';
import type { ReplicationState, ReplicationStep } from './state.js';

/** A follower is told that a reconfig is committed. It leaves where it has another part then, or another leader. */
export const handleCommitAndActivate = (
  s: ReplicationState,
  from: ServerId,
  packet: PacketOf<'COMMITANDACTIVATE'>,
): ReplicationStep => {
  if (!follows(s) || s.role.leader !== from) return { refused: 'FromLeader' };
  // What is not applied yet is brought by whoever leads then; otherwise it is active when this server is up to date.
  if (s.role.phase !== 'BROADCAST') return packet.leader === from ? handleCommit(s, from, commitOf(packet)) : leave(s, packet.leader); // prettier-ignore
  const next = windowAt(s.disk.log, countUpTo(s.disk.log, s.delivered));
  if (next === undefined || !sameZxid(next.zxid, packet.zxid)) return { refused: 'NextCommitted' };
  const { state, effects } = delivered(s, packet.zxid);
  if (packet.leader === from && !changesPart(s.self, s.ensemble.active, state.ensemble.active))
    return { state, effects };
  const left = leave(state, packet.leader);
  return 'refused' in left ? left : { state: left.state, effects: [...effects, ...left.effects] };
};

const commitOf = ({ zxid }: PacketOf<'COMMITANDACTIVATE'>): PacketOf<'COMMIT'> => ({ type: 'COMMIT', zxid });

/** A server that looks hears of a newer configuration that is active elsewhere: it has missed its commit. */
export const learnConfig = (s: ReplicationState, config: Configuration): ReplicationStep => {
  if (s.role.phase !== 'LOOKING') return { refused: 'Looking' };
  if (!s.ensemble.dynamic || !mayActivate(s.ensemble.active, config)) return unchanged(s);
  const state = withEnsemble(s, activated(s.ensemble, config));
  return { state, effects: lookForLeader(state) };
};

/** A leader that does not vote any more gives up; what it has sent still arrives. */
export const stepDown = (s: ReplicationState): ReplicationStep =>
  leads(s) && s.ensemble.retired ? leave(s) : { refused: 'Leading' };
