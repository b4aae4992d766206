/** What a configuration may change in how requests are answered. Each default is ZooKeeper's. */
import { defaultProviders } from './auth.js';
import type { AuthProviders } from './auth.js';
import type { Identity } from './request.js';

export type ServiceRules = {
  /** Whether TTL nodes may be made (zookeeper.extendedTypesEnabled). Those that are there are reaped all the same. */
  readonly extendedTypes: boolean;
  /** No ACL is looked at (zookeeper.skipACL). */
  readonly skipAcl: boolean;
  /** `user:base64(sha1(user:password))` of whoever may do everything; null: nobody (DigestAuthenticationProvider.superDigest). */
  readonly superDigest: string | null;
  /** Hard limits refuse and soft ones warn; use is counted in any case (zookeeper.enforceQuota). */
  readonly enforceQuota: boolean;
  readonly auth: AuthRules;
  /** Writes are told of by Audit effects (audit.enable). */
  readonly audit: boolean;
  readonly reaping: ReapingRules;
  /** Sessions without a transaction (localSessionsEnabled); upgraded: an ephemeral node makes them global. */
  readonly localSessions: 'off' | 'on' | 'upgraded';
  /** A server without a quorum serves those who only want to read (readonlymode.enabled). */
  readonly readOnlyMode: boolean;
};

/** Who connections may prove to be, and what follows from it. */
export type AuthRules = {
  readonly providers: AuthProviders;
  /** Every connection must have an identity of one of these schemes; empty: none needs any (enforce.auth.schemes). */
  readonly required: readonly string[];
  /** A connection whose SASL exchange fails goes on without it (allowSaslFailedClients). */
  readonly keepSaslFailed: boolean;
  /** Subject of whoever may do everything; null: nobody (X509AuthenticationProvider.superUser). */
  readonly superX509: string | null;
  /** SASL users who may do everything (superUser, superUser.N). */
  readonly superSasl: readonly string[];
  /** A write that the database here forbids is refused before it goes to the leader (enableEagerACLCheck). */
  readonly eagerCheck: boolean;
};

/** znode.container.*; times in milliseconds. */
export type ReapingRules = {
  readonly checkIntervalMs: number;
  readonly maxPerMinute: number;
  /** How long a container that never had a child is kept; 0: for ever. */
  readonly maxNeverUsedMs: number;
};

export const defaultRules: ServiceRules = {
  extendedTypes: false,
  skipAcl: false,
  superDigest: null,
  enforceQuota: false,
  auth: {
    providers: defaultProviders,
    required: [],
    keepSaslFailed: false,
    superX509: null,
    superSasl: [],
    eagerCheck: false,
  },
  audit: false,
  reaping: { checkIntervalMs: 60_000, maxPerMinute: 10_000, maxNeverUsedMs: 0 },
  localSessions: 'off',
  readOnlyMode: false,
};

/** Whoever has it may do everything. No auth packet and no ACL can name it. */
export const superIdentity: Identity = { scheme: 'super', id: '' };

const onlySuper: readonly Identity[] = [superIdentity];

/** The identities that an ACL is held against: with skipACL those of one who may do everything. */
export const rightsOf = (rules: ServiceRules, identities: readonly Identity[]): readonly Identity[] =>
  rules.skipAcl ? onlySuper : identities;

/** What a proved identity stands for besides itself. */
export const provenBy = (rules: ServiceRules, identity: Identity): readonly Identity[] =>
  isSuper(rules, identity) ? [superIdentity, identity] : [identity];

const isSuper = ({ superDigest, auth }: ServiceRules, { scheme, id }: Identity): boolean => {
  switch (scheme) {
    case 'digest':
      return id === superDigest;
    case 'x509':
      return id === auth.superX509;
    case 'sasl':
      return auth.superSasl.includes(id);
    default:
      return false;
  }
};

/** The identities of a connection that has proved these besides; the same list when it had them all. */
export const withProven = (
  rules: ServiceRules,
  known: readonly Identity[],
  proved: readonly Identity[],
): readonly Identity[] => {
  const added: Identity[] = [];
  for (const identity of proved.flatMap((who) => provenBy(rules, who)))
    if (![...known, ...added].some((k) => k.scheme === identity.scheme && k.id === identity.id)) added.push(identity);
  return added.length === 0 ? known : [...known, ...added];
};
