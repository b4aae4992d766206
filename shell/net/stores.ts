/** Key stores and trust stores in the formats that ZooKeeper takes: PEM, PKCS #12, JKS. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { isJks, readJks } from './jks.js';
import { readPkcs12 } from './pkcs12.js';
import type { StoreContent } from './pkcs12.js';

/** A file with keys or certificates; `type` null: as its name says. */
export const Store = t.readonly(
  t.strict({
    location: t.string,
    password: t.string,
    type: t.union([t.literal('pem'), t.literal('pkcs12'), t.literal('jks'), t.null]),
  }),
  'Store',
);
export type Store = t.TypeOf<typeof Store>;

/** As PEM, for Node's TLS. */
export type Loaded = {
  readonly keys: readonly string[];
  readonly certificates: readonly string[];
  readonly revoked: readonly string[];
};

const extensions: Readonly<Record<string, Store['type']>> = {
  pem: 'pem',
  p12: 'pkcs12',
  pfx: 'pkcs12',
  jks: 'jks',
};

/** @returns Left: file, cause and remedy in one sentence */
export const loadStore = ({ location, password, type }: Store): E.Either<string, Loaded> => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(location);
  } catch (e) {
    return E.left(`${location} cannot be read: ${e instanceof Error ? e.message : String(e)}`);
  }
  const kind = type ?? extensions[location.split('.').at(-1)?.toLowerCase() ?? ''] ?? null;
  if (kind === null)
    return E.left(`${location}: its kind cannot be told from its name; write the type (PEM, PKCS12 or JKS) beside it`);
  if (kind === 'pem') return E.mapLeft((problem: string) => `${location} ${problem}`)(readPem(bytes, password));
  // keytool since Java 9 writes PKCS #12 under any name, and Java reads either under either name.
  const content = isJks(bytes) ? readJks(bytes, password) : readPkcs12(bytes, password);
  if (E.isLeft(content)) return E.left(`${location} ${content.left}${converting(kind, location)}`);
  return E.mapLeft((problem: string) => `${location} ${problem}`)(asPem(content.right, password));
};

/**
 * The first key that has a certificate, with that and those above it, in the order in which they are shown.
 * @returns null: there is none
 */
export const identityIn = ({ keys, certificates }: Loaded): { readonly key: string; readonly cert: string } | null => {
  const known = certificates.map((pem) => ({ pem, x509: new X509Certificate(pem) }));
  for (const key of keys) {
    const own = createPrivateKey(key);
    const chain = known.filter(({ x509 }) => x509.checkPrivateKey(own)).slice(0, 1);
    for (let last = chain.at(-1); last !== undefined; last = chain.at(-1)) {
      const { x509 } = last;
      const above = known.find((other) => !chain.includes(other) && x509.checkIssued(other.x509));
      if (above === undefined) return { key, cert: chain.map(({ pem }) => pem).join('') };
      chain.push(above);
    }
  }
  return null;
};

const converting = (kind: Store['type'], location: string): string =>
  kind === 'jks'
    ? ` (to have it in another format: keytool -importkeystore -srckeystore ${location} -destkeystore store.p12 -deststoretype PKCS12)`
    : '';

const block = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

const readPem = (bytes: Buffer, password: string): E.Either<string, Loaded> => {
  const found = [...bytes.toString('latin1').matchAll(block)].map(([text, label = '']) => ({ text, label }));
  const of = (wanted: RegExp): readonly string[] => found.filter((b) => wanted.test(b.label)).map((b) => `${b.text}\n`);
  const keys: string[] = [];
  for (const key of of(/PRIVATE KEY$/)) {
    const plain = openKey({ key, format: 'pem', passphrase: password });
    if (plain === null) return E.left('holds a private key that the password does not open');
    keys.push(plain);
  }
  const certificates = of(/^(TRUSTED |X509 )?CERTIFICATE$/);
  if (!certificates.every(isCertificate)) return E.left('holds a certificate that cannot be read');
  const revoked = of(/^X509 CRL$/);
  if (keys.length + certificates.length + revoked.length === 0)
    return E.left('holds neither a key nor a certificate in PEM');
  return E.right({ keys, certificates, revoked });
};

const asPem = ({ keys, certificates }: StoreContent, password: string): E.Either<string, Loaded> => {
  const opened: string[] = [];
  for (const { der, encrypted } of keys) {
    const passphrase = encrypted ? { passphrase: password } : {};
    const key = openKey({ key: der, format: 'der', type: 'pkcs8', ...passphrase });
    if (key === null) return E.left('holds a private key that the password does not open');
    opened.push(key);
  }
  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  const written = certificates.map(pem);
  if (!written.every(isCertificate)) return E.left('holds a certificate that cannot be read');
  return E.right({ keys: opened, certificates: written, revoked: [] });
};

const isCertificate = (pem: string): boolean => {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
};

const openKey = (input: Parameters<typeof createPrivateKey>[0]): string | null => {
  try {
    return createPrivateKey(input).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    return null;
  }
};
