/** What zoo.cfg says of TLS: the keys `ssl.*` for clients and `ssl.quorum.*` between servers, which mean the same. */
import type { SupportedKey } from './configKeys.js';
import type { Read } from './configOperations.js';
import { oneOf, someText, wholeNumber } from './configTypes.js';
import type { Store } from './net/stores.js';
import { cipherOf } from './net/tls.js';
import type { TlsSettings } from './net/tls.js';

/** Says of a key what is wrong with its value. */
export type Complain = (key: SupportedKey, problem: string, remedy: string) => void;

export type TlsReader = {
  readonly read: Read;
  /** A text file; null when there is none. */
  readonly readText: (path: string) => string | null;
  readonly complain: Complain;
};

type StoreKeys = {
  readonly location: SupportedKey;
  readonly password: SupportedKey;
  readonly passwordPath: SupportedKey;
  readonly type: SupportedKey;
};

type TlsKeys = {
  readonly keyStore: StoreKeys;
  readonly trustStore: StoreKeys;
  readonly clientAuth: SupportedKey;
  readonly protocol: SupportedKey;
  readonly enabledProtocols: SupportedKey;
  readonly ciphersuites: SupportedKey;
  readonly hostNames: SupportedKey;
  readonly clientHostNames: SupportedKey;
  readonly crl: SupportedKey;
  readonly crlFiles: SupportedKey;
  readonly ocsp: SupportedKey;
  readonly handshake: SupportedKey;
  readonly reload: SupportedKey;
};

const clientKeys: TlsKeys = {
  keyStore: {
    location: 'ssl.keyStore.location',
    password: 'ssl.keyStore.password',
    passwordPath: 'ssl.keyStore.passwordPath',
    type: 'ssl.keyStore.type',
  },
  trustStore: {
    location: 'ssl.trustStore.location',
    password: 'ssl.trustStore.password',
    passwordPath: 'ssl.trustStore.passwordPath',
    type: 'ssl.trustStore.type',
  },
  clientAuth: 'ssl.clientAuth',
  protocol: 'ssl.protocol',
  enabledProtocols: 'ssl.enabledProtocols',
  ciphersuites: 'ssl.ciphersuites',
  hostNames: 'ssl.hostnameVerification',
  clientHostNames: 'ssl.clientHostnameVerification',
  crl: 'ssl.crl',
  crlFiles: 'ssl.crl.files',
  ocsp: 'ssl.ocsp',
  handshake: 'ssl.handshakeDetectionTimeoutMillis',
  reload: 'client.certReload',
};

const quorumKeys: TlsKeys = {
  keyStore: {
    location: 'ssl.quorum.keyStore.location',
    password: 'ssl.quorum.keyStore.password',
    passwordPath: 'ssl.quorum.keyStore.passwordPath',
    type: 'ssl.quorum.keyStore.type',
  },
  trustStore: {
    location: 'ssl.quorum.trustStore.location',
    password: 'ssl.quorum.trustStore.password',
    passwordPath: 'ssl.quorum.trustStore.passwordPath',
    type: 'ssl.quorum.trustStore.type',
  },
  clientAuth: 'ssl.quorum.clientAuth',
  protocol: 'ssl.quorum.protocol',
  enabledProtocols: 'ssl.quorum.enabledProtocols',
  ciphersuites: 'ssl.quorum.ciphersuites',
  hostNames: 'ssl.quorum.hostnameVerification',
  clientHostNames: 'ssl.quorum.clientHostnameVerification',
  crl: 'ssl.quorum.crl',
  crlFiles: 'ssl.quorum.crl.files',
  ocsp: 'ssl.quorum.ocsp',
  handshake: 'ssl.quorum.handshakeDetectionTimeoutMillis',
  reload: 'sslQuorumReloadCertFiles',
};

const flag = oneOf('true', 'false');
const version = oneOf('tlsv1.2', 'tlsv1.3', 'tls');
const most = 0x7fffffff;

export const readClientTls = (from: TlsReader): TlsSettings => readTls('ssl.', clientKeys, false, from);
export const readQuorumTls = (from: TlsReader): TlsSettings => readTls('ssl.quorum.', quorumKeys, true, from);

/** Whether a key store was named at all. */
export const hasKeyStore = (tls: TlsSettings): boolean => tls.keyStore !== null;

const readTls = (prefix: string, keys: TlsKeys, clientHostNames: boolean, from: TlsReader): TlsSettings => {
  const { read, complain } = from;
  const isTrue = (key: SupportedKey, byDefault: boolean): boolean => (read(key, flag) ?? String(byDefault)) === 'true';
  if (isTrue(keys.ocsp, false))
    complain(keys.ocsp, 'is not supported, and cannot be ignored: nobody is asked over OCSP', `use ${keys.crl}`);
  const hostNames = isTrue(keys.hostNames, true);
  const isCrl = isTrue(keys.crl, false);
  const crlFiles = read(keys.crlFiles, someText);
  return {
    prefix,
    keyStore: readStore(keys.keyStore, from),
    trustStore: readStore(keys.trustStore, from),
    clientAuth: read(keys.clientAuth, oneOf('none', 'want', 'need')) ?? 'need',
    ...readVersions(keys, from),
    ciphers: readCiphers(keys, from),
    hostNames,
    clientHostNames: isTrue(keys.clientHostNames, clientHostNames) && hostNames,
    crlFiles: isCrl ? listOf(crlFiles) : null,
    reload: isTrue(keys.reload, false),
    handshakeMs: read(keys.handshake, wholeNumber(1, most), 'milliseconds') ?? 5000,
  };
};

export const listOf = (text: string | null): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const readStore = (keys: StoreKeys, { read, readText, complain }: TlsReader): Store | null => {
  const location = read(keys.location, someText);
  const path = read(keys.passwordPath, someText);
  const password = read(keys.password, someText) ?? '';
  const type = read(keys.type, oneOf('pem', 'pkcs12', 'jks', 'bcfks'));
  if (type === 'bcfks')
    complain(
      keys.type,
      'BCFKS cannot be read here',
      'convert the store: keytool -importkeystore -srckeystore STORE -destkeystore store.p12 -deststoretype PKCS12',
    );
  if (location === null) return null;
  const said = path === null ? null : readText(path);
  if (path !== null && said === null)
    complain(keys.passwordPath, 'the file cannot be read', 'name a file with the password');
  return { location, password: said?.trim() ?? password, type: type === 'bcfks' ? null : type };
};

const readVersions = (keys: TlsKeys, { read, complain }: TlsReader): Pick<TlsSettings, 'minVersion' | 'maxVersion'> => {
  const highest = read(keys.protocol, version) === 'tlsv1.2' ? 'TLSv1.2' : 'TLSv1.3';
  const listed = listOf(read(keys.enabledProtocols, someText)).map((name) => name.toLowerCase());
  for (const name of listed)
    if (!['tlsv1.2', 'tlsv1.3'].includes(name))
      complain(keys.enabledProtocols, `${name} is not offered`, 'write TLSv1.2, TLSv1.3 or both');
  if (listed.length === 0) return { minVersion: 'TLSv1.2', maxVersion: highest };
  return {
    minVersion: listed.includes('tlsv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: listed.includes('tlsv1.3') ? 'TLSv1.3' : 'TLSv1.2',
  };
};

const readCiphers = (keys: TlsKeys, { read, complain }: TlsReader): string | null => {
  const found: string[] = [];
  for (const name of listOf(read(keys.ciphersuites, someText))) {
    const cipher = cipherOf(name);
    if (cipher === null) complain(keys.ciphersuites, `${name} is not a suite that is offered here`, 'leave it out');
    else found.push(cipher);
  }
  return found.length === 0 ? null : found.join(':');
};
