/** What a running server makes of its security settings: the rules of the core, contexts of TLS, exchanges of SASL. */
import { createHash } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';
import {
  digestProvider,
  ensembleProvider,
  ipProvider,
  providersOf,
  saslProvider,
  x509Provider,
} from '../core/service/auth.js';
import type { AuthProvider } from '../core/service/auth.js';
import type { ServiceRules } from '../core/server.js';
import type { Config } from './configValues.js';
import type { LinkSecurity } from './net/linkSecurity.js';
import type { Log } from './net/log.js';
import { openTls } from './net/tls.js';
import type { TlsContext } from './net/tls.js';

const sha1 = 'sha1';

/**
 * The rules that the core is given.
 * @param added schemes of whoever runs the server; one of a known name takes the place of that
 */
export const rulesOf = ({ rules, security }: Config, added: readonly AuthProvider[] = []): ServiceRules => {
  const { digestAlgorithm, schemes } = security;
  const digest =
    digestAlgorithm === null
      ? []
      : digestAlgorithm === sha1
        ? [digestProvider()]
        : [digestProvider((bytes) => createHash(digestAlgorithm).update(bytes).digest())];
  const named = schemes.map((scheme) => {
    switch (scheme) {
      case 'x509':
        return x509Provider;
      case 'sasl':
        return saslProvider;
      case 'ensemble':
        return ensembleProvider(security.ensembleNames);
    }
  });
  return {
    extendedTypes: rules.extendedTypes,
    skipAcl: rules.skipAcl,
    superDigest: rules.superDigest,
    enforceQuota: rules.enforceQuota,
    reaping: rules.reaping,
    localSessions: rules.localSessions,
    readOnlyMode: rules.readOnlyMode,
    auth: {
      providers: providersOf([ipProvider, ...digest, ...named, ...added]),
      required: security.required,
      keepSaslFailed: security.keepSaslFailed,
      superX509: security.superX509,
      superSasl: security.superSasl,
      eagerCheck: security.eagerCheck,
    },
    audit: security.auditFile !== null,
  };
};

export type OpenSecurity = LinkSecurity & {
  /** null: no clients over TLS. */
  readonly clientTls: TlsContext | null;
  readonly close: () => void;
};

/** @returns Left: which file, why, and what to do, in one sentence */
export const openSecurity = ({ security }: Config, log: Log): E.Either<string, OpenSecurity> => {
  const { secureClient, sslQuorum, quorumUnification, quorumSasl } = security;
  const client = secureClient === null && !security.clientUnification ? null : openTls(security.clientTls, true, log);
  if (client !== null && E.isLeft(client)) return client;
  const quorum = sslQuorum || quorumUnification ? openTls(security.quorumTls, true, log) : null;
  if (quorum !== null && E.isLeft(quorum)) {
    client?.right.close();
    return quorum;
  }
  return E.right({
    clientTls: client?.right ?? null,
    acceptTls: quorum?.right ?? null,
    callTls: sslQuorum ? (quorum?.right ?? null) : null,
    plainServers: quorumUnification,
    quorumSasl:
      quorumSasl === null
        ? null
        : { login: quorumSasl.login, passwords: new Map(quorumSasl.users), required: quorumSasl.required },
    close: () => {
      client?.right.close();
      quorum?.right.close();
    },
  });
};
