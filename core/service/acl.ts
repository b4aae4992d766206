/**
 * Access control lists and identities: who may do what, which lists are valid, what an auth packet proves.
 * Source: PrepRequestProcessor.fixupACL, ZooKeeperServer.checkACL, IP- and DigestAuthenticationProvider.
 */
import { base64, sha1 } from '../data/sha1.js';
import { errorCode } from './error.js';
import type { Identity } from './request.js';
import type { Acl } from './txn.js';

/** Permission bits of an ACL. */
export const perm = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

/** world:anyone with all permissions; stored as null, since most nodes have it. */
export const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

/** Whether these identities have one of the wanted permissions. An empty list allows everything; null is openAcl. */
export const allows = (acl: readonly Acl[] | null, wanted: number, identities: readonly Identity[]): boolean => {
  if (acl === null || acl.length === 0) return true;
  for (const who of identities) if (who.scheme === 'super') return true;
  for (const entry of acl) {
    if ((entry.perms & wanted) === 0) continue;
    if (entry.scheme === 'world' && entry.id === 'anyone') return true;
    for (const who of identities) if (who.scheme === entry.scheme && matches(entry, who)) return true;
  }
  return false;
};

const matches = (entry: Acl, who: Identity): boolean =>
  entry.scheme === 'ip' ? inNetwork(who.id, entry.id) : entry.id === who.id;

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
): readonly Acl[] | typeof errorCode.invalidAcl => {
  if (acl === null || acl.length === 0) return errorCode.invalidAcl;
  const fixed: Acl[] = [];
  for (const [i, entry] of acl.entries()) {
    if (acl.findIndex((other) => sameEntry(other, entry)) < i) continue;
    if (entry.scheme === 'auth') {
      // An address proves nothing, and super is no identity that a list may name.
      const proved = identities.filter((who) => who.scheme === 'digest');
      if (proved.length === 0) return errorCode.invalidAcl;
      for (const who of proved) fixed.push({ perms: entry.perms, scheme: who.scheme, id: who.id });
    } else if (isValidId(entry)) fixed.push(entry);
    else return errorCode.invalidAcl;
  }
  return fixed;
};

const isValidId = ({ scheme, id }: Acl): boolean => {
  switch (scheme) {
    case 'world':
      return id === 'anyone';
    case 'ip':
      return parseNetwork(id) !== null;
    case 'digest': {
      const parts = id.split(':');
      while (parts.at(-1) === '') parts.pop(); // as String.split of Java: `:b` and `a:b:` are valid, `a:` is not
      return parts.length === 2;
    }
    default:
      return false;
  }
};

/** What getACL shows to those without ADMIN: digests hidden. */
export const redacted = (acl: readonly Acl[]): readonly Acl[] =>
  acl.map((entry) => {
    const colon = entry.scheme === 'digest' ? entry.id.indexOf(':') : -1;
    return colon < 0 ? entry : { perms: entry.perms, scheme: entry.scheme, id: `${entry.id.slice(0, colon)}:x` };
  });

/**
 * The identity that an auth packet proves for a connection from `address`; null: refused (AUTHFAILED, then close).
 * digest: `user:password` in, id `user:` and base64 of the SHA-1 of the whole out.
 */
export const authenticate = (scheme: string | null, auth: Uint8Array | null, address: string): Identity | null => {
  switch (scheme) {
    case 'ip':
      return ipIdentity(address);
    case 'digest': {
      if (auth === null) return null;
      const colon = auth.indexOf(0x3a);
      const user = utf8(colon < 0 ? auth : auth.subarray(0, colon));
      return { scheme: 'digest', id: `${user}:${base64(sha1(auth))}` };
    }
    default:
      return null;
  }
};

/** Every connection starts with this identity; an IPv4 address in IPv6 clothes is shown as IPv4. */
export const ipIdentity = (address: string): Identity => ({
  scheme: 'ip',
  id: /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address,
});

/** Whether an address lies in `address` or `address/bits`. */
const inNetwork = (address: string, network: string): boolean => {
  const bytes = parseAddress(address);
  const net = parseNetwork(network);
  if (bytes === null || net === null || bytes.length !== net.bytes.length) return false;
  for (let bit = 0; bit < net.bits; bit += 8) {
    const mask = net.bits - bit >= 8 ? 0xff : (0xff00 >>> (net.bits - bit)) & 0xff;
    if (((bytes[bit >>> 3]! ^ net.bytes[bit >>> 3]!) & mask) !== 0) return false;
  }
  return true;
};

const parseNetwork = (text: string): { readonly bytes: readonly number[]; readonly bits: number } | null => {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === null) return null;
  if (slash < 0) return { bytes, bits: bytes.length * 8 };
  const width = text.slice(slash + 1);
  return /^\d{1,3}$/.test(width) && Number(width) <= bytes.length * 8 ? { bytes, bits: Number(width) } : null;
};

/** 4 or 16 bytes, or null. No host names, no mixed form. */
const parseAddress = (text: string): readonly number[] | null => {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const bytes = text.split('.').map(Number);
    return bytes.every((b) => b <= 255) ? bytes : null;
  }
  const halves = text.split('::');
  if (!/^[0-9a-f:]+$/i.test(text) || halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined];
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<string>(missing).fill('0'), ...(tail ?? [])];
  if (!groups.every((g) => /^[0-9a-f]{1,4}$/i.test(g))) return null;
  return groups.flatMap((g) => [parseInt(g, 16) >>> 8, parseInt(g, 16) & 0xff]);
};

/** Decodes UTF-8; a byte that begins no character becomes U+FFFD. */
const utf8 = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i]!;
    const length =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0;
    let code = length === 1 ? lead : lead & (0x7f >>> length);
    let ok = length > 0 && i + length <= bytes.length;
    for (let j = 1; ok && j < length; j++) {
      ok = (bytes[i + j]! & 0xc0) === 0x80;
      code = (code << 6) | (bytes[i + j]! & 0x3f);
    }
    ok = ok && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    text += ok ? String.fromCodePoint(code) : '\ufffd';
    i += ok ? length : 1;
  }
  return text;
};
