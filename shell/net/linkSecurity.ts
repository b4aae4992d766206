/** How servers protect their connections with each other. */
import type { QuorumSasl } from './saslQuorum.js';
import type { TlsContext } from './tls.js';

export type LinkSecurity = {
  /** What the quorum and the election port take; null: plain connections alone. */
  readonly acceptTls: TlsContext | null;
  /** What other servers are called with; null: plain connections. */
  readonly callTls: TlsContext | null;
  /** Whether plain connections are taken beside encrypted ones. */
  readonly plainServers: boolean;
  readonly quorumSasl: QuorumSasl | null;
};

export const plainLinks: LinkSecurity = { acceptTls: null, callTls: null, plainServers: true, quorumSasl: null };
