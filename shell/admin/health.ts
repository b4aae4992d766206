/**
 * Three questions that supervisors ask, told apart: is the process alive (else it is to be started again), may clients be
 * sent to it (else it is taken out of the rotation), is there a quorum (else somebody is to be woken).
 */
import { formatZxid } from '../../core/data/zxid.js';
import type { ServerStatus } from '../status.js';
import { fields } from './json.js';
import type { Json } from './json.js';

export type Health = { readonly ok: boolean; readonly body: Json };

export const healthPaths = ['/livez', '/readyz', '/quorumz'] as const;
export type HealthPath = (typeof healthPaths)[number];

export const isHealthPath = (path: string): path is HealthPath => (healthPaths as readonly string[]).includes(path);

export const health = (path: HealthPath, s: ServerStatus): Health => {
  const isQuorate = s.serving && s.mode !== 'read-only';
  switch (path) {
    case '/livez':
      // Whoever reads this has an event loop that turns; a server without a leader is alive.
      return { ok: true, body: fields({ live: true, uptime_ms: Math.floor(s.uptimeMs) }) };
    case '/readyz':
      return {
        ok: s.serving,
        body: fields({
          ready: s.serving,
          mode: s.mode,
          zxid: formatZxid(s.zxid),
          reason: s.serving ? null : reasonOf(s),
        }),
      };
    case '/quorumz':
      return {
        ok: isQuorate,
        body: fields({
          quorum: isQuorate,
          leader: s.leaderId,
          epoch: s.epoch,
          voters: s.voters,
          ...(s.leader === null ? {} : { synced_followers: s.leader.syncedFollowers }),
          reason: isQuorate ? null : reasonOf(s),
        }),
      };
  }
};

const reasonOf = (s: ServerStatus): string =>
  s.mode === 'read-only'
    ? 'there is no quorum; read-only clients are served'
    : s.phase === 'LOOKING'
      ? 'it looks for a leader'
      : `it is in the phase ${s.phase.toLowerCase()} with leader ${s.leaderId ?? 'unknown'}`;
