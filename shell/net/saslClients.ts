/**
 * SASL exchanges of clients, one a connection; the core learns what came of each token, and answers it.
 * @see ZooKeeperSaslServer and SaslServerCallbackHandler in ZooKeeper
 */
import type { SaslAnswer } from '../../core/service/request.js';
import type { ClientId } from './clientPort.js';
import { clientRealm, startServerExchange } from './digestMd5.js';
import type { Passwords, ServerExchange } from './digestMd5.js';
import { limitedLog } from './log.js';
import type { Log } from './log.js';
import { freshNonce } from './saslQuorum.js';

export type SaslClients = {
  readonly answer: (conn: ClientId, token: Uint8Array | null) => SaslAnswer;
  /** The connection has ended, or its exchange has. */
  readonly forget: (conn: ClientId) => void;
};

export const startSaslClients = (passwords: Passwords, log: Log): SaslClients => {
  const exchanges = new Map<ClientId, ServerExchange>();
  const warn = limitedLog(log, 20, () => performance.now());
  return {
    answer: (conn, token) => {
      // Whatever a user asks to act as, it is the user that was proved.
      const exchange = exchanges.get(conn) ?? startServerExchange(clientRealm, passwords, freshNonce(), () => true);
      exchanges.set(conn, exchange);
      const step = exchange(Buffer.from(token ?? []));
      if (step.type === 'failed') {
        warn('warn', `client connection ${conn}: SASL: ${step.reason}`);
        return { token: null, user: null, failed: true };
      }
      return { token: step.token, user: step.type === 'proved' ? step.user : null, failed: false };
    },
    forget: (conn) => void exchanges.delete(conn),
  };
};
