/**
 * Access control lists: who may do what, and which lists are valid. Whom an entry means is up to its scheme
 * (core/service/auth.ts).
 * Source: PrepRequestProcessor.fixupACL, ZooKeeperServer.checkACL.
 */
import { defaultProviders } from './auth.js';
import type { AuthProviders } from './auth.js';
import { errorCode } from './error.js';
import type { Identity } from './request.js';
import type { Acl } from './txn.js';

/** Permission bits of an ACL. */
export const perm = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

/** world:anyone with all permissions; stored as null, since most nodes have it. */
export const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** Whether these identities have one of the wanted permissions. An empty list allows everything; null is openAcl. */
export const allows = (
  acl: readonly Acl[] | null,
  wanted: number,
  identities: readonly Identity[],
  providers: AuthProviders = defaultProviders,
): boolean => {
  if (acl === null || acl.length === 0) return true;
  for (const who of identities) if (who.scheme === 'super') return true;
  for (const entry of acl) {
    if ((entry.perms & wanted) === 0) continue;
    if (entry.scheme === 'world' && entry.id === 'anyone') return true;
    const provider = providers.get(entry.scheme);
    if (provider === undefined) continue;
    for (const who of identities) if (who.scheme === entry.scheme && provider.matches(who.id, entry.id)) return true;
  }
  return false;
};

export const sameAcl = (a: readonly Acl[], b: readonly Acl[]): boolean =>
  a === b || (a.length === b.length && a.every((x, i) => sameEntry(x, b[i] as Acl)));

const sameEntry = (a: Acl, b: Acl): boolean => a.perms === b.perms && a.scheme === b.scheme && a.id === b.id;

/**
 * The list that a create or setACL stores: duplicates removed, `auth` replaced by the identities that were proved.
 * @returns INVALIDACL for an empty or null list, an unknown scheme or an id that its scheme does not allow
 */
export const fixAcl = (
  acl: readonly Acl[] | null,
  identities: readonly Identity[],
  providers: AuthProviders = defaultProviders,
): readonly Acl[] | typeof errorCode.invalidAcl => {
  if (acl === null || acl.length === 0) return errorCode.invalidAcl;
  const fixed: Acl[] = [];
  for (const [i, entry] of acl.entries()) {
    if (acl.findIndex((other) => sameEntry(other, entry)) < i) continue;
    if (entry.scheme === 'auth') {
      const proved = identities.filter((who) => providers.get(who.scheme)?.isAuthenticated === true);
      if (proved.length === 0) return errorCode.invalidAcl;
      for (const who of proved) fixed.push({ perms: entry.perms, scheme: who.scheme, id: who.id });
    } else if (isValidEntry(entry, providers)) fixed.push(entry);
    else return errorCode.invalidAcl;
  }
  return fixed;
};

const isValidEntry = ({ scheme, id }: Acl, providers: AuthProviders): boolean =>
  scheme === 'world' ? id === 'anyone' : (providers.get(scheme)?.isValid(id) ?? false);

/** What getACL shows to those without ADMIN: digests hidden. */
export const redacted = (acl: readonly Acl[]): readonly Acl[] =>
  acl.map((entry) => {
    const colon = entry.scheme === 'digest' ? entry.id.indexOf(':') : -1;
    return colon < 0 ? entry : { perms: entry.perms, scheme: entry.scheme, id: `${entry.id.slice(0, colon)}:x` };
  });
