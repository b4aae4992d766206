/**
 * Who may take or give a whole tree over HTTP: `Authorization: SCHEME AUTH`, whose identity must have all five permissions
 * on the root, as Apache has it.
 * @see org.apache.zookeeper.server.admin.CommandBase, AuthRequest
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ownsRoot } from '../../core/inspect.js';
import type { ServerState } from '../../core/server.js';
import type { Identity } from '../../core/service/request.js';
import { plainAddress } from '../net/log.js';

export type Access = { readonly status: 200 | 401 | 403; readonly error: string | null };

/** @param subject of the certificate that a connection has shown; null: none */
export const accessOf = (
  request: IncomingMessage,
  state: ServerState,
  superDigest: string | null,
  subject: string | null,
): Access => {
  const header = request.headers.authorization;
  if (header === undefined) return { status: 401, error: 'Auth info is missing for the command' };
  const identities = identitiesOf(header, request, superDigest, subject);
  if (identities.length === 0) return { status: 401, error: 'Not authenticated' };
  return ownsRoot(state, identities) ? { status: 200, error: null } : { status: 403, error: 'Not authorized' };
};

const identitiesOf = (
  header: string,
  request: IncomingMessage,
  superDigest: string | null,
  subject: string | null,
): readonly Identity[] => {
  const [, scheme = '', auth = ''] = /^(\S+)\s+(.+)$/.exec(header) ?? [];
  switch (scheme) {
    case 'digest': {
      const user = auth.split(':')[0] ?? '';
      if (!auth.includes(':')) return [];
      const id = `${user}:${createHash('sha1').update(auth).digest('base64')}`;
      return [{ scheme: 'digest', id }, ...(id === superDigest ? [{ scheme: 'super', id: '' }] : [])];
    }
    case 'ip':
      return [{ scheme: 'ip', id: plainAddress(request.socket.remoteAddress) }];
    case 'x509':
      return subject === null ? [] : [{ scheme: 'x509', id: subject }];
    default:
      return [];
  }
};
