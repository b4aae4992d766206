/** Key stores as openssl and keytool write them, subjects as Java prints them. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { identityIn, loadStore } from '../../../shell/net/stores.js';
import type { Loaded, Store } from '../../../shell/net/stores.js';
import { subjectOf } from '../../../shell/net/subject.js';
import { makeCertificates } from '../../system/certificates.js';

const certificates = makeCertificates();
test.after.always(certificates.remove);

const run = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { cwd: certificates.dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const load = (location: string, password = 'secret', type: Store['type'] = null): E.Either<string, Loaded> =>
  loadStore({ location: join(certificates.dir, location), password, type });

const fingerprints = (loaded: E.Either<string, Loaded>): readonly string[] =>
  E.isRight(loaded) ? loaded.right.certificates.map((c) => new X509Certificate(c).fingerprint256) : [loaded.left];
const wanted = (...names: readonly string[]): readonly string[] =>
  names.map((name) => new X509Certificate(certificates.read(name)).fingerprint256);
/** One key, that of the first certificate, which is this one. */
const keyFits = (loaded: E.Either<string, Loaded>, certificate: string): boolean =>
  E.isRight(loaded) &&
  loaded.right.keys.length === 1 &&
  new X509Certificate(loaded.right.certificates[0] ?? '').fingerprint256 === wanted(certificate)[0] &&
  new X509Certificate(certificates.read(certificate)).checkPrivateKey(createPrivateKey(loaded.right.keys[0] ?? ''));

test('PEM: key and chain, plain and under a password', (t) => {
  const plain = load('server.pem');
  t.deepEqual(fingerprints(plain), wanted('server.crt'));
  t.true(keyFits(plain, 'server.crt'));
  run('openssl', 'pkcs8', '-topk8', '-in', 'server.key', '-passout', 'pass:secret', '-out', 'sealed.key');
  fs.writeFileSync(
    join(certificates.dir, 'sealed.pem'),
    certificates.read('sealed.key') + certificates.read('server.crt'),
  );
  t.true(keyFits(load('sealed.pem'), 'server.crt'));
  t.regex(JSON.stringify(load('sealed.pem', 'wrong')), /holds a private key that the password does not open/);
  t.regex(JSON.stringify(load('server.ext', '', 'pem')), /holds neither a key nor a certificate/);
  t.regex(JSON.stringify(load('none.pem')), /cannot be read: ENOENT/);
  t.regex(JSON.stringify(load('server.key')), /its kind cannot be told from its name/);
});

test('the certificate of the key comes first, and behind it only those above it', (t) => {
  const parts = ['others.pem', 'ca.pem', 'client.crt', 'server.crt', 'server.key'];
  fs.writeFileSync(join(certificates.dir, 'mixed.pem'), parts.map(certificates.read).join(''));
  const mixed = load('mixed.pem');
  if (E.isLeft(mixed)) return t.fail(mixed.left);
  const { cert = '' } = identityIn(mixed.right) ?? {};
  const shown = cert.split(/(?<=-----END CERTIFICATE-----\n)/).filter((pem) => pem !== '');
  t.deepEqual(shown.map((pem) => new X509Certificate(pem).fingerprint256), wanted('server.crt', 'ca.pem')); // prettier-ignore
  fs.writeFileSync(
    join(certificates.dir, 'alone.pem'),
    certificates.read('server.key') + certificates.read('client.crt'),
  );
  const alone = load('alone.pem');
  t.is(E.isRight(alone) ? identityIn(alone.right) : undefined, null);
  fs.writeFileSync(
    join(certificates.dir, 'broken.pem'),
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
  );
  t.regex(JSON.stringify(load('broken.pem')), /holds a certificate that cannot be read/);
});

const bundles = ['-in', 'server.crt', '-inkey', 'server.key', '-certfile', 'ca.pem', '-passout', 'pass:secret'];

for (const [name, options] of [
  ['modern', []],
  ['triple DES', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
  ['AES-128 and SHA-512', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512']],
  ['without encryption', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
  ['without a seal', ['-nomac']],
] as const)
  test(`PKCS #12 of openssl, ${name}`, (t) => {
    const file = `${name.replaceAll(/\W/g, '')}.p12`;
    run('openssl', 'pkcs12', '-export', ...bundles, ...options, '-out', file);
    const loaded = load(file);
    t.deepEqual(fingerprints(loaded), wanted('server.crt', 'ca.pem'));
    t.true(keyFits(loaded, 'server.crt'));
    if (name !== 'without encryption') t.true(E.isLeft(load(file, 'wrong')), 'another password');
  });

test('PKCS #12 with RC2: refused, with the way out', (t) => {
  run('openssl', 'pkcs12', '-export', '-legacy', ...bundles, '-out', 'rc2.p12');
  t.regex(JSON.stringify(load('rc2.p12')), /is encrypted with RC2.*openssl pkcs12/);
});

const fixtures = fileURLToPath(new URL('../../../../test/fixtures/stores/', import.meta.url));
const fixed = (file: string, password = 'secret'): E.Either<string, Loaded> =>
  loadStore({ location: join(fixtures, file), password, type: null });
const fixedPrints = (...files: readonly string[]): readonly string[] =>
  files.map((file) => new X509Certificate(fs.readFileSync(join(fixtures, file))).fingerprint256);

for (const type of ['p12', 'jks'] as const)
  test(`stores of keytool, ${type}: with a key, and with trusted certificates alone`, (t) => {
    const [keys, trusted] = [fixed(`keys.${type}`), fixed(`trusted.${type}`)];
    t.deepEqual(fingerprints(keys), fixedPrints('server.crt', 'ca.pem'));
    if (E.isLeft(keys)) return t.fail(keys.left);
    const certificate = new X509Certificate(keys.right.certificates[0] ?? '');
    t.true(certificate.checkPrivateKey(createPrivateKey(keys.right.keys[0] ?? '')));
    t.deepEqual([...fingerprints(trusted)].sort(), [...fixedPrints('ca.pem', 'client.crt')].sort());
    const remedy = type === 'jks' ? /password is wrong.*keytool -importkeystore/ : /password is wrong/;
    for (const name of ['keys', 'trusted']) t.regex(JSON.stringify(fixed(`${name}.${type}`, 'wrong')), remedy);
    const otherName = join(certificates.dir, `${type}.${type === 'jks' ? 'p12' : 'jks'}`);
    fs.copyFileSync(join(fixtures, `keys.${type}`), otherName);
    t.deepEqual(
      loadStore({ location: otherName, password: 'secret', type: null }),
      keys,
      'Java reads either under either name',
    );
  });

for (const type of ['p12', 'jks'] as const)
  test(`a store with any one byte changed, or cut, is refused or says the same; nothing is thrown: ${type}`, (t) => {
    run('openssl', 'pkcs12', '-export', ...bundles, '-iter', '1', '-maciter', '-out', 'small.p12');
    const source = type === 'p12' ? join(certificates.dir, 'small.p12') : join(fixtures, 'keys.jks');
    const whole = fs.readFileSync(source);
    const same = JSON.stringify(loadStore({ location: source, password: 'secret', type: null }));
    const spoilt = join(certificates.dir, `spoilt.${type}`);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, isCut) => {
        const bytes = Buffer.from(isCut ? whole.subarray(0, at) : whole);
        if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ change;
        fs.writeFileSync(spoilt, bytes);
        const loaded = load(`spoilt.${type}`);
        return E.isLeft(loaded) || JSON.stringify(loaded) === same;
      }),
      { numRuns: 150 },
    );
    t.pass();
  });

/** Subjects with everything that must be escaped, in each kind of string, and how Java 17 prints them. */
const subjects: readonly (readonly [subject: string, printed: string])[] = [
  ['/C=US/ST=Utah/L=Provo/O=Acme/OU=Dev/CN=bob', 'CN=bob,OU=Dev,O=Acme,L=Provo,ST=Utah,C=US'],
  [
    '/DC=org/DC=acme/UID=bob/CN=a,b\\+c=d;e<f>g#h"i\\\\j',
    'CN=a\\,b\\+c\\=d\\;e\\<f\\>g\\#h\\"i\\\\j,UID=bob,DC=acme,DC=org',
  ],
  ['/CN= lead and trail ', 'CN=\\ lead and trail\\ '],
  ['/CN=#sharp/street=1 Way', 'STREET=1 Way,CN=\\#sharp'],
  [
    '/CN=J\u00fcrgen \u4e2d/emailAddress=j@acme.org/serialNumber=7/title=Dr',
    '2.5.4.12=#0c024472,2.5.4.5=#130137,1.2.840.113549.1.9.1=#160a6a4061636d652e6f7267,CN=J\u00fcrgen \u4e2d',
  ],
  ['/CN=one+OU=two/O=three', 'O=three,CN=one+OU=two'],
];

test('subjects are what Java prints of them', (t) => {
  for (const [subject, printed] of subjects) {
    const key = ['-key', 'client.key', '-days', '2', '-utf8', '-multivalue-rdn'];
    run('openssl', 'req', '-x509', ...key, '-subj', subject, '-out', 'subject.pem');
    t.is(subjectOf(new X509Certificate(certificates.read('subject.pem')).raw), printed);
  }
  t.is(subjectOf(new X509Certificate(certificates.read('client.crt')).raw), 'CN=bob,OU=Dev,O=Acme,C=US');
  t.is(subjectOf(Buffer.from('3003020101', 'hex')), null);
});
