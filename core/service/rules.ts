/** What a configuration may change in how requests are answered. Each default is ZooKeeper's. */
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
  readonly reaping: ReapingRules;
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
  reaping: { checkIntervalMs: 60_000, maxPerMinute: 10_000, maxNeverUsedMs: 0 },
};

/** Whoever has it may do everything. No auth packet and no ACL can name it. */
export const superIdentity: Identity = { scheme: 'super', id: '' };

const onlySuper: readonly Identity[] = [superIdentity];

/** The identities that an ACL is held against: with skipACL those of one who may do everything. */
export const rightsOf = (rules: ServiceRules, identities: readonly Identity[]): readonly Identity[] =>
  rules.skipAcl ? onlySuper : identities;

/** What a proved identity stands for besides itself. */
export const provenBy = (rules: ServiceRules, identity: Identity): readonly Identity[] =>
  identity.scheme === 'digest' && identity.id === rules.superDigest ? [superIdentity, identity] : [identity];
