/** The election as Replication's models have it: whom a server may be told to follow (spec/ElectionContract.tla). */
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid } from '../../core/data/zxid.js';
import { isQuorumWhere } from '../../core/membershipRules.js';
import { placeOf } from '../world/replication.js';
import type { Place, World } from '../world/replication.js';

type Credentials = NonNullable<Place['asking']>;

const voteBelow = (a: Credentials, i: ServerId, b: Credentials, l: ServerId): boolean =>
  (a.epoch - b.epoch || compareZxid(a.zxid, b.zxid) || i - l) <= 0;

/** Whether server `i` may be told to follow `l` (spec `MayFollow`). */
export const mayFollow = (w: World, i: ServerId, l: ServerId): boolean => {
  const own = placeOf(w, i).asking;
  if (own === null || (i !== l && !placeOf(w, l).listening)) return false;
  if (w.rules.anyElection) return true;
  const supports = (p: Place, j: number): boolean =>
    i === l ? p.asking !== null && voteBelow(p.asking, j + 1, own, l) : p.told === l || p.asking !== null;
  const { configuration } = w.rules;
  return configuration.voters.includes(l) && isQuorumWhere(configuration, (v) => supports(placeOf(w, v), v - 1));
};
