/**
 * Authentication schemes: what an auth packet proves, which ids an ACL may name, and whom an id of an ACL means. A scheme
 * is a record of pure functions; a server has those of its rules, and whoever embeds the core may add others.
 * Source: AuthenticationProvider, ProviderRegistry and the providers of org.apache.zookeeper.server.auth.
 */
import { base64, sha1 } from '../data/sha1.js';
import { isDistinguishedName } from './distinguishedName.js';
import type { Identity } from './request.js';

/** What came of an auth packet. */
export type AuthOutcome =
  /** Answered with OK; the connection has these identities from now on. None is right too. */
  | { readonly type: 'proved'; readonly identities: readonly Identity[] }
  /** Answered with AUTHFAILED, then closed. */
  | { readonly type: 'refused' }
  /** Closed without a word: a client takes that for a server that cannot be had, and tries another. */
  | { readonly type: 'closed' };

/** The connection that an auth packet comes from. */
export type AuthContext = { readonly address: string; readonly identities: readonly Identity[] };

export type AuthProvider = {
  readonly scheme: string;
  /** Whether an ACL may name this id. */
  readonly isValid: (id: string) => boolean;
  /** Whether the identity `known` of a connection is one that `id` of an ACL means. */
  readonly matches: (known: string, id: string) => boolean;
  /** Whether its identities were proved: those stand for `auth` in an ACL. An address, for one, proves nothing. */
  readonly isAuthenticated: boolean;
  readonly handleAuthentication: (auth: Uint8Array | null, from: AuthContext) => AuthOutcome;
  /** The part of an id that may be shown; the whole of it when not given. */
  readonly userName?: (id: string) => string;
};

/** By scheme. */
export type AuthProviders = ReadonlyMap<string, AuthProvider>;

export const refused: AuthOutcome = { type: 'refused' };

const proved = (scheme: string, id: string): AuthOutcome => ({ type: 'proved', identities: [{ scheme, id }] });

const same = (known: string, id: string): boolean => known === id;

/** Schemes that are no provider's: they are rules of their own (core/service/acl.ts). */
const reservedSchemes: readonly string[] = ['world', 'auth', 'super'];

/** A later provider takes the place of an earlier one of its scheme; those of reserved names are left out. */
export const providersOf = (list: readonly AuthProvider[]): AuthProviders =>
  new Map(list.filter((p) => !reservedSchemes.includes(p.scheme)).map((p) => [p.scheme, p] as const));

/** `ip`: every connection has its address from the start; an ACL names an address or a network. */
export const ipProvider: AuthProvider = {
  scheme: 'ip',
  isValid: (id) => parseNetwork(id) !== null,
  matches: (known, id) => inNetwork(known, id),
  isAuthenticated: false,
  handleAuthentication: (_auth, { address }) => ({ type: 'proved', identities: [ipIdentity(address)] }),
};

/**
 * `digest`: `user:password` in, id `user:` and base64 of the hash of the whole out.
 * @param hash bytes to bytes; SHA-1 when not given (`DigestAuthenticationProvider.digestAlg`)
 */
export const digestProvider = (hash: (bytes: Uint8Array) => Uint8Array = sha1): AuthProvider => ({
  scheme: 'digest',
  isValid: (id) => {
    const parts = id.split(':');
    while (parts.at(-1) === '') parts.pop(); // as String.split of Java: `:b` and `a:b:` are valid, `a:` is not
    return parts.length === 2;
  },
  matches: same,
  isAuthenticated: true,
  handleAuthentication: (auth) => {
    if (auth === null) return refused;
    const colon = auth.indexOf(0x3a);
    const user = utf8(colon < 0 ? auth : auth.subarray(0, colon));
    return proved('digest', `${user}:${base64(hash(auth))}`);
  },
  userName: (id) => {
    const colon = id.indexOf(':');
    return colon < 0 ? id : id.slice(0, colon);
  },
});

/** `x509`: the subject of the certificate that a TLS client has shown, known from the start of the connection. */
export const x509Provider: AuthProvider = {
  scheme: 'x509',
  isValid: isDistinguishedName,
  matches: same,
  isAuthenticated: true,
  handleAuthentication: (_auth, { identities }) =>
    identities.some((who) => who.scheme === 'x509') ? { type: 'proved', identities: [] } : refused,
};

/** `sasl`: the user that a SASL exchange has proved. The exchange has packets of its own; an auth packet proves nothing. */
export const saslProvider: AuthProvider = {
  scheme: 'sasl',
  isValid: (id) => !id.includes('@') || /^[^/@]*(\/[^/@]*)?@[^/@]*$/.test(id),
  // The user `super` of the server's own list has the rights of every other.
  matches: (known, id) => known === 'super' || known === id,
  isAuthenticated: true,
  handleAuthentication: () => refused,
};

/**
 * `ensemble`: a client says which ensemble it means; one that means another is sent away.
 * @param names null: every name is right
 */
export const ensembleProvider = (names: readonly string[] | null): AuthProvider => ({
  scheme: 'ensemble',
  isValid: () => false,
  matches: () => false,
  isAuthenticated: false,
  handleAuthentication: (auth) =>
    auth === null || auth.length === 0 || names === null || names.includes(utf8(auth))
      ? { type: 'proved', identities: [] }
      : { type: 'closed' },
});

/** Those that ZooKeeper has without any configuration. */
export const defaultProviders: AuthProviders = providersOf([ipProvider, digestProvider()]);

/** What a user may be called in a log, an answer or an audit line: no secrets. */
export const userNameOf = (providers: AuthProviders, { scheme, id }: Identity): string =>
  providers.get(scheme)?.userName?.(id) ?? id;

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
