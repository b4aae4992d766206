/**
 * Sessions that one server alone knows: made without a transaction, where the configuration has it so, and by a server
 * that serves without a quorum. They begin at once and end with the service of that server.
 * Source: LocalSessionTracker, UpgradeableSessionTracker, ReadOnlyZooKeeperServer.
 */
import { hasKey, removeKey, setKey } from '../data/hamt.js';
import type { ClientRequest, MultiPart } from './request.js';
import type { Draft, Locals, Serving } from './state.js';
import type { SessionId } from './txn.js';

/** Whether sessions begin here without a transaction. */
export const makesLocals = ({ readOnly, rules }: Serving): boolean => readOnly || rules.localSessions !== 'off';

export const isLocal = (d: Draft, session: SessionId): boolean =>
  d.serving !== null && hasKey(d.serving.locals, session);

export const withServing = (s: Serving, nextSession: SessionId, locals: Locals): Serving => ({
  nextSession,
  tickTimeMs: s.tickTimeMs,
  minSessionTimeoutMs: s.minSessionTimeoutMs,
  maxSessionTimeoutMs: s.maxSessionTimeoutMs,
  zxid: s.zxid,
  rules: s.rules,
  readOnly: s.readOnly,
  locals,
});

/** The session is known here from now on, or no more. */
export const keepLocal = (d: Draft, session: SessionId, timeoutMs: number): void => {
  if (d.serving === null) return;
  d.serving = withServing(d.serving, d.serving.nextSession, setKey(d.serving.locals, session, timeoutMs));
};
export const forgetLocal = (d: Draft, session: SessionId): void => {
  if (d.serving === null) return;
  d.serving = withServing(d.serving, d.serving.nextSession, removeKey(d.serving.locals, session));
};

/** What a server without a quorum does not do: all that would go to the leader. */
export const needsQuorum = (request: ClientRequest): boolean => {
  switch (request.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
    case 'delete':
    case 'setData':
    case 'setACL':
    case 'multi':
    case 'reconfig':
    case 'sync':
    case 'invalid':
      return true;
    default:
      return false;
  }
};

const isEphemeralCreate = (part: MultiPart): boolean =>
  (part.op === 'create' || part.op === 'create2') && (part.flags === 1 || part.flags === 3);

/** Whether it makes an ephemeral node, which every server must be able to take away again. */
export const makesEphemeral = (request: ClientRequest): boolean => {
  if (request.op === 'multi') return request.parts.some(isEphemeralCreate);
  return (request.op === 'create' || request.op === 'create2') && isEphemeralCreate(request);
};
