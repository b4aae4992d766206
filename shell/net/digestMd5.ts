/**
 * SASL DIGEST-MD5 (RFC 2831) as Java's mechanism speaks it: quality of protection `auth`, charset UTF-8, one realm.
 * Both ends; nonces come from outside. MD5 is broken for signatures and weak for this: what it protects against is
 * servers and clients that err, and on an open network only TLS around it helps.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import * as E from 'fp-ts/lib/Either.js';

/** What one end asks the other to prove. */
export type Realm = {
  /** `zookeeper` for clients, `zookeeper-quorum` between servers. */
  readonly protocol: string;
  /** `zk-sasl-md5`, `zk-quorum-sasl-md5`; the server's name in the digest-uri, too. */
  readonly name: string;
};

export const clientRealm: Realm = { protocol: 'zookeeper', name: 'zk-sasl-md5' };
export const quorumRealm: Realm = { protocol: 'zookeeper-quorum', name: 'zk-quorum-sasl-md5' };

/** Users and their passwords. */
export type Passwords = ReadonlyMap<string, string>;

export type ServerStep =
  | { readonly type: 'challenge'; readonly token: Buffer }
  /** `token` is for the client, to which it proves the server. */
  | { readonly type: 'proved'; readonly token: Buffer; readonly user: string }
  | { readonly type: 'failed'; readonly reason: string };

/** One exchange: call it with each token. */
export type ServerExchange = (token: Buffer) => ServerStep;

const md5 = (...parts: readonly (Buffer | string)[]): Buffer => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hex = (bytes: Buffer): string => bytes.toString('hex');

type Directives = ReadonlyMap<string, string>;

/** `name=value, name="quoted \" value"`; null when it is none of that or a name comes twice. */
export const parseDirectives = (token: Buffer): Directives | null => {
  const text = token.toString('utf8');
  const found = new Map<string, string>();
  const pattern = /[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))\s*(?=,|$)/gsy;
  let at = 0;
  for (let m = pattern.exec(text); m !== null; m = pattern.exec(text)) {
    const [, name = '', quoted, plain = ''] = m;
    const key = name.toLowerCase();
    if (found.has(key)) return null;
    found.set(key, quoted === undefined ? plain : quoted.replace(/\\(.)/gs, '$1'));
    at = pattern.lastIndex;
  }
  return /^[\s,]*$/.test(text.slice(at)) ? found : null;
};

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

type Proof = {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly nonce: string;
  readonly cnonce: string;
  readonly uri: string;
  /** Empty: as the user itself. */
  readonly authzid: string;
};

/** The value of `response`, or with an empty method that of `rspauth`. */
const responseOf = (method: 'AUTHENTICATE' | '', p: Proof): Buffer => {
  const secret = md5(`${p.user}:${p.realm}:${p.password}`);
  const a1 = md5(secret, `:${p.nonce}:${p.cnonce}${p.authzid === '' ? '' : `:${p.authzid}`}`);
  const a2 = md5(`${method}:${p.uri}`);
  return Buffer.from(hex(md5(`${hex(a1)}:${p.nonce}:00000001:${p.cnonce}:auth:${hex(a2)}`)));
};

const maxToken = 4096;

/**
 * @param mayActAs whether a user who was proved may act as `authzid`; only as itself when not given
 * @param nonce fresh, unguessable
 */
export const startServerExchange = (
  { protocol, name }: Realm,
  passwords: Passwords,
  nonce: string,
  mayActAs: (user: string, authzid: string) => boolean = (user, authzid) => user === authzid,
): ServerExchange => {
  let step: 'challenge' | 'response' | 'over' = 'challenge';
  const failed = (reason: string): ServerStep => ({ type: 'failed', reason });
  return (token) => {
    const now = step;
    step = now === 'challenge' ? 'response' : 'over';
    if (now === 'over') return failed('the exchange is over');
    if (now === 'challenge') {
      // As Java: what comes before the challenge says nothing, and is not looked at by those who send none.
      const text = `realm=${quoted(name)},nonce=${quoted(nonce)},charset=utf-8,algorithm=md5-sess`;
      return { type: 'challenge', token: Buffer.from(text) };
    }
    if (token.length > maxToken) return failed(`a token of ${token.length} bytes, at most ${maxToken} may`);
    const said = parseDirectives(token);
    if (said === null) return failed('its response cannot be read');
    const of = (directive: string): string => said.get(directive) ?? '';
    if (of('nonce') !== nonce) return failed('the nonce is not the one that was given');
    if (of('nc') !== '00000001') return failed('the nonce was used before');
    if (said.has('qop') && of('qop') !== 'auth') return failed(`quality of protection ${of('qop')} was not offered`);
    if (of('realm') !== name) return failed(`realm ${of('realm')} is not ${name}`);
    if (of('cnonce') === '') return failed('it gives no nonce of its own');
    const uri = of('digest-uri');
    if (uri.toLowerCase() !== `${protocol}/${name}`) return failed(`digest-uri ${uri} is not ${protocol}/${name}`);
    const user = of('username');
    const proof = { user, realm: name, nonce, cnonce: of('cnonce'), uri, authzid: of('authzid') };
    // An unknown user costs the same work: who is known is not told by the time.
    const password = passwords.get(user);
    const expected = responseOf('AUTHENTICATE', { ...proof, password: password ?? nonce });
    const given = Buffer.from(of('response'));
    const fits = given.length === expected.length && timingSafeEqual(given, expected);
    if (!fits || password === undefined) return failed(`user ${JSON.stringify(user)}: wrong name or password`);
    if (proof.authzid !== '' && !mayActAs(user, proof.authzid))
      return failed(`user ${JSON.stringify(user)} may not act as ${JSON.stringify(proof.authzid)}`);
    const rspauth = responseOf('', { ...proof, password }).toString();
    return { type: 'proved', token: Buffer.from(`rspauth=${rspauth}`), user };
  };
};

/** The client's end: its response to a challenge, and whether the server's answer to that is the right one. */
export const answerChallenge = (
  challenge: Buffer,
  { protocol }: Realm,
  user: string,
  password: string,
  cnonce: string,
): E.Either<string, { readonly token: Buffer; readonly isServer: (answer: Buffer) => boolean }> => {
  const said = challenge.length > maxToken ? null : parseDirectives(challenge);
  const nonce = said?.get('nonce') ?? '';
  const realm = said?.get('realm') ?? '';
  if (said === null || nonce === '') return E.left('its challenge cannot be read');
  if (said.get('algorithm') !== 'md5-sess')
    return E.left(`it wants algorithm ${said.get('algorithm') ?? 'of no name'}`);
  if (!(said.get('qop') ?? 'auth').split(',').includes('auth'))
    return E.left('it offers more protection than is known');
  const uri = `${protocol}/${realm}`;
  const proof = { user, password, realm, nonce, cnonce, uri, authzid: user };
  const text = [
    'charset=utf-8',
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    'nc=00000001',
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(uri)}`,
    'maxbuf=65536',
    `response=${responseOf('AUTHENTICATE', proof).toString()}`,
    'qop=auth',
    `authzid=${quoted(user)}`,
  ].join(',');
  const expected = responseOf('', proof).toString();
  return E.right({
    token: Buffer.from(text),
    isServer: (answer) => parseDirectives(answer)?.get('rspauth') === expected,
  });
};
