/** What zoo.cfg says of security: who connections may be, what protects them, and what is kept of their writes. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { SupportedKey } from './configKeys.js';
import { hasKeyStore, listOf, readClientTls, readQuorumTls } from './configTls.js';
import type { TlsReader } from './configTls.js';
import { digestOfUser, oneOf, Port, someText, textOrNull, wholeNumber } from './configTypes.js';
import { loginIn, parseJaas, usersIn } from './jaas.js';
import type { Jaas } from './jaas.js';
import { TlsSettings } from './net/tls.js';

/** Names and passwords. */
const Users = t.readonlyArray(t.readonly(t.tuple([t.string, t.string])));

export const Security = t.readonly(
  t.strict({
    secureClient: t.union([t.readonly(t.strict({ host: textOrNull, port: Port })), t.null]),
    clientTls: TlsSettings,
    /** The plain port takes TLS, too. */
    clientUnification: t.boolean,
    quorumTls: TlsSettings,
    /** Servers call each other over TLS. */
    sslQuorum: t.boolean,
    quorumUnification: t.boolean,
    /** null: the scheme digest is off. */
    digestAlgorithm: t.union([t.string, t.null]),
    /** Schemes beside ip and digest. */
    schemes: t.readonlyArray(t.union([t.literal('x509'), t.literal('sasl'), t.literal('ensemble')])),
    ensembleNames: t.union([t.readonlyArray(t.string), t.null]),
    required: t.readonlyArray(t.string),
    keepSaslFailed: t.boolean,
    eagerCheck: t.boolean,
    superX509: textOrNull,
    superSasl: t.readonlyArray(t.string),
    /** null: clients are not offered SASL. */
    saslUsers: t.union([Users, t.null]),
    quorumSasl: t.union([
      t.readonly(
        t.strict({
          login: t.union([t.readonly(t.strict({ user: t.string, password: t.string })), t.null]),
          users: Users,
          required: t.boolean,
        }),
      ),
      t.null,
    ]),
    /** null: writes are not audited; '-': standard output. */
    auditFile: textOrNull,
  }),
  'Security',
);
export type Security = t.TypeOf<typeof Security>;

const flag = oneOf('true', 'false');
const providers = 'org.apache.zookeeper.server.auth.';

/** Algorithms by the names that Java has for them, and the bytes of their digests. */
const algorithms: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  sha1: ['sha1', 20],
  'sha-1': ['sha1', 20],
  sha: ['sha1', 20],
  'sha-224': ['sha224', 28],
  'sha-256': ['sha256', 32],
  'sha-384': ['sha384', 48],
  'sha-512': ['sha512', 64],
  'sha-512/256': ['sha512-256', 32],
  'sha3-224': ['sha3-224', 28],
  'sha3-256': ['sha3-256', 32],
  'sha3-384': ['sha3-384', 48],
  'sha3-512': ['sha3-512', 64],
  md5: ['md5', 16],
};

/** A key of a family, `authProvider.N`, `superUser.N`, as it stands in the file. */
export type Listed = { readonly key: string; readonly value: string };

export type SecuritySource = TlsReader & {
  readonly listed: readonly Listed[];
  /** Says what is wrong with a key of a family. */
  readonly complainOf: (key: string, problem: string, remedy: string) => void;
};

export const readSecurity = (source: SecuritySource): Security => {
  const { read, complain } = source;
  const isTrue = (key: Parameters<typeof read>[0]): boolean => read(key, flag) === 'true';
  const secureClient = readSecureClient(source);
  const clientTls = readClientTls(source);
  const quorumTls = readQuorumTls(source);
  const sslQuorum = isTrue('sslQuorum');
  const quorumUnification = isTrue('portUnification');
  if (secureClient !== null && !hasKeyStore(clientTls))
    complain('secureClientPort', 'needs a key', 'write ssl.keyStore.location=<file with key and certificate>');
  const clientUnification = isTrue('client.portUnification');
  if (clientUnification && !hasKeyStore(clientTls))
    complain('client.portUnification', 'needs a key', 'write ssl.keyStore.location=<file with key and certificate>');
  if (sslQuorum && !hasKeyStore(quorumTls))
    complain('sslQuorum', 'needs a key', 'write ssl.quorum.keyStore.location=<file with key and certificate>');
  if (quorumUnification && !hasKeyStore(quorumTls))
    complain('portUnification', 'needs a key', 'write ssl.quorum.keyStore.location=<file with key and certificate>');
  if (secureClient !== null || clientUnification) checkTrust(source, clientTls, 'ssl.trustStore.location');
  if (sslQuorum || quorumUnification) checkTrust(source, quorumTls, 'ssl.quorum.trustStore.location');
  if ((read('ssl.authProvider', someText) ?? 'x509') !== 'x509')
    complain('ssl.authProvider', 'is no scheme of TLS clients here', 'write x509');
  const jaas = readJaas(source);
  const saslUsers = readSaslUsers(source, jaas);
  const schemes = readSchemes(source, secureClient !== null || clientUnification, saslUsers !== null);
  const digestAlgorithm = readDigest(source);
  return {
    secureClient,
    clientTls,
    clientUnification,
    quorumTls,
    sslQuorum,
    quorumUnification,
    digestAlgorithm,
    schemes,
    ensembleNames: readNames(source),
    required: readRequired(source, ['ip', ...(digestAlgorithm === null ? [] : ['digest']), ...schemes]),
    keepSaslFailed: isTrue('allowSaslFailedClients'),
    eagerCheck: isTrue('enableEagerACLCheck'),
    superX509: read('X509AuthenticationProvider.superUser', someText),
    superSasl: [
      ...[read('superUser', someText)].filter((user) => user !== null),
      ...source.listed.filter(({ key }) => key.startsWith('superUser.')).map(({ value }) => value),
    ],
    saslUsers,
    quorumSasl: readQuorumSasl(source, jaas),
    auditFile: readAudit(source),
  };
};

/** Node knows hundreds of public authorities: whoever has a certificate of one of them would be let in. */
const checkTrust = ({ complain }: SecuritySource, tls: TlsSettings, key: SupportedKey): void => {
  if (tls.trustStore === null && tls.clientAuth !== 'none')
    complain(key, 'is missing', `write the file with your own authority, or ${tls.prefix}clientAuth=none`);
};

const readAudit = ({ read }: SecuritySource): string | null => {
  const file = read('audit.file', someText) ?? '-';
  return read('audit.enable', flag) === 'true' ? file : null;
};

const readSecureClient = ({ read, complain }: SecuritySource): Security['secureClient'] => {
  const port = read('secureClientPort', wholeNumber(1, 65535));
  const host = read('secureClientPortAddress', someText);
  const plain = read('clientPort', wholeNumber(1, 65535));
  if (port === null) {
    if (host !== null)
      complain('secureClientPortAddress', 'is set, but secureClientPort is not', 'write secureClientPort');
    return null;
  }
  if (port === plain) complain('secureClientPort', 'is the clientPort already', 'use another port');
  return { host: host === '0.0.0.0' || host === '::' ? null : host, port };
};

const readDigest = ({ read, complain }: SecuritySource): string | null => {
  const named = read('DigestAuthenticationProvider.digestAlg', oneOf(...Object.keys(algorithms))) ?? 'sha1';
  const isOn = read('DigestAuthenticationProvider.enabled', flag) !== 'false';
  const [algorithm, bytes] = algorithms[named] ?? ['sha1', 20];
  const superDigest = read('DigestAuthenticationProvider.superDigest', someText) ?? '';
  const said = Buffer.from(superDigest.split(':')[1] ?? '', 'base64').length;
  if (E.isRight(digestOfUser.decode(superDigest)) && said !== bytes) {
    const problem = `the digest is not one of ${named}, which has ${bytes} bytes`;
    complain('DigestAuthenticationProvider.superDigest', problem, 'write user:digest, the digest in base64');
  }
  return isOn ? algorithm : null;
};

const readNames = ({ read }: SecuritySource): readonly string[] | null => {
  const names = read('ensembleAuthName', someText);
  return names === null ? null : listOf(names);
};

/** Providers are named by their Java classes; those of Apache are known, others cannot be loaded. */
const readSchemes = (
  { listed, complainOf }: SecuritySource,
  isSecure: boolean,
  isSasl: boolean,
): Security['schemes'] => {
  const schemes = new Set<'x509' | 'sasl' | 'ensemble'>();
  if (isSecure) schemes.add('x509');
  for (const { key, value } of listed) {
    if (!key.startsWith('authProvider.')) continue;
    switch (value) {
      case `${providers}X509AuthenticationProvider`:
        schemes.add('x509');
        break;
      case `${providers}SASLAuthenticationProvider`:
        if (!isSasl)
          complainOf(key, 'needs the users', 'write java.security.auth.login.config=<JAAS file with a section Server>');
        schemes.add('sasl');
        break;
      case `${providers}EnsembleAuthenticationProvider`:
        schemes.add('ensemble');
        break;
      case `${providers}DigestAuthenticationProvider`:
      case `${providers}IPAuthenticationProvider`:
        break;
      default:
        complainOf(
          key,
          'is a Java class that cannot be loaded here',
          'remove the line; whoever embeds the server can give it schemes of their own',
        );
    }
  }
  return [...schemes];
};

const readRequired = ({ read, complain }: SecuritySource, available: readonly string[]): readonly string[] => {
  const listed = listOf(read('enforce.auth.schemes', someText));
  const isEnforced = read('enforce.auth.enabled', flag) === 'true';
  const isSasl = read('sessionRequireClientSASLAuth', flag) === 'true';
  const required = isSasl ? ['sasl'] : isEnforced ? listed : [];
  if (isEnforced && !isSasl && listed.length === 0)
    complain('enforce.auth.enabled', 'no scheme is named', 'write enforce.auth.schemes=digest, or another scheme');
  for (const scheme of required)
    if (!available.includes(scheme))
      complain(
        isSasl ? 'sessionRequireClientSASLAuth' : 'enforce.auth.schemes',
        `the scheme ${scheme} is not available`,
        scheme === 'sasl'
          ? `write authProvider.sasl=${providers}SASLAuthenticationProvider and java.security.auth.login.config`
          : 'name a scheme that is configured',
      );
  return required;
};

const readJaas = ({ read, readText, complain }: SecuritySource): Jaas | null => {
  const key = 'java.security.auth.login.config';
  const file = read(key, someText);
  if (file === null) return null;
  const text = readText(file);
  if (text === null) {
    complain(key, 'the file cannot be read', 'name a file that exists and may be read');
    return null;
  }
  const jaas = parseJaas(text);
  if (E.isRight(jaas)) return jaas.right;
  complain(key, `${file}: ${jaas.left}`, 'correct the file');
  return null;
};

/** A JAAS file without a section for clients is one for servers alone. */
const readSaslUsers = ({ read, complain }: SecuritySource, jaas: Jaas | null): Security['saslUsers'] => {
  const section = read('sasl.serverconfig', someText) ?? 'Server';
  const superPassword = read('SASLAuthenticationProvider.superPassword', someText);
  if (jaas?.has(section) !== true) return null;
  const users = usersIn(jaas, section);
  if (E.isLeft(users)) {
    complain('java.security.auth.login.config', users.left, 'correct the file');
    return null;
  }
  const named = [...users.right];
  // As Apache: the user must stand in the file, too.
  return superPassword === null
    ? named
    : named.map(([user, p]) => [user, user === 'super' ? superPassword : p] as const);
};

const readQuorumSasl = ({ read, complain }: SecuritySource, jaas: Jaas | null): Security['quorumSasl'] => {
  const isOn = read('quorum.auth.enableSasl', flag) === 'true';
  const proves = read('quorum.auth.learnerRequireSasl', flag) === 'true';
  const required = read('quorum.auth.serverRequireSasl', flag) === 'true';
  const learner = read('quorum.auth.learner.saslLoginContext', someText) ?? 'QuorumLearner';
  const server = read('quorum.auth.server.saslLoginContext', someText) ?? 'QuorumServer';
  if (!isOn) {
    for (const key of ['quorum.auth.learnerRequireSasl', 'quorum.auth.serverRequireSasl'] as const)
      if (read(key, flag) === 'true')
        complain(key, 'is set, but quorum.auth.enableSasl is not', 'write quorum.auth.enableSasl=true');
    return null;
  }
  if (required && !proves)
    complain('quorum.auth.serverRequireSasl', 'is set, but quorum.auth.learnerRequireSasl is not', 'write both');
  if (jaas === null) {
    complain('quorum.auth.enableSasl', 'needs the users', 'write java.security.auth.login.config=<JAAS file>');
    return null;
  }
  const users = usersIn(jaas, server);
  const login = loginIn(jaas, learner);
  for (const part of proves ? [users, login] : [users])
    if (E.isLeft(part)) complain('java.security.auth.login.config', part.left, 'correct the file');
  return {
    login: proves && E.isRight(login) ? login.right : null,
    users: E.isRight(users) ? [...users.right] : [],
    required,
  };
};
