/** Key stores as openssl and keytool write them, subjects as Java prints them. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { loadStore } from '../../../shell/net/stores.js';
import type { Loaded, Store } from '../../../shell/net/stores.js';
import { subjectOf } from '../../../shell/net/subject.js';
import { makeCertificates } from '../../system/certificates.js';

const certificates = makeCertificates();
test.after.always(certificates.remove);

const run = (file: string, ...args: readonly string[]): string =>
  execFileSync(file, args, { cwd: certificates.dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const keytool = (...args: readonly string[]): string => run('keytool', ...args, '-noprompt', '-storepass', 'secret');

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

test('stores of keytool: PKCS #12 and JKS, with keys and with trusted certificates alone', (t) => {
  run('openssl', 'pkcs12', '-export', ...bundles, '-out', 'server.p12');
  for (const type of ['PKCS12', 'JKS'] as const) {
    const [keys, trusted] = [`keys-${type}.jks`, `trusted-${type}.jks`];
    const converting = ['-srckeystore', 'server.p12', '-srcstorepass', 'secret', '-destkeystore', keys];
    run('keytool', '-importkeystore', ...converting, '-deststoretype', type, '-deststorepass', 'secret', '-noprompt');
    for (const [alias, file] of [
      ['one', 'ca.pem'],
      ['two', 'others.pem'],
    ] as const)
      // prettier-ignore
      keytool('-importcert', '-alias', alias, '-file', file, '-keystore', trusted, '-storetype', type);
    t.deepEqual(fingerprints(load(keys)), wanted('server.crt', 'ca.pem'), type);
    t.true(keyFits(load(keys), 'server.crt'), type);
    t.deepEqual([...fingerprints(load(trusted))].sort(), [...wanted('ca.pem', 'others.pem')].sort(), type);
    for (const file of [keys, trusted])
      t.regex(
        JSON.stringify(load(file, 'wrong')),
        /the password is wrong, or the file is damaged.*keytool -importkeystore/,
      );
  }
});

test('a store with any one byte changed, or cut, is refused or says the same; nothing is thrown', (t) => {
  run('openssl', 'pkcs12', '-export', ...bundles, '-iter', '1', '-maciter', '-out', 'small.p12');
  const whole = fs.readFileSync(join(certificates.dir, 'small.p12'));
  const same = JSON.stringify(load('small.p12'));
  const spoilt = join(certificates.dir, 'spoilt.p12');
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, change, isCut) => {
      const bytes = Buffer.from(isCut ? whole.subarray(0, at) : whole);
      if (!isCut) bytes[at] = (bytes[at] ?? 0) ^ change;
      fs.writeFileSync(spoilt, bytes);
      const loaded = load('spoilt.p12');
      return E.isLeft(loaded) || JSON.stringify(loaded) === same;
    }),
    { numRuns: 150 },
  );
  t.pass();
});

/** Subjects with everything that must be escaped, in each kind of string. */
const subjects: readonly string[] = [
  '/C=US/ST=Utah/L=Provo/O=Acme/OU=Dev/CN=bob',
  '/DC=org/DC=acme/UID=bob/CN=a,b+c=d;e<f>g#h"i\\\\j',
  '/CN= lead and trail ',
  '/CN=#sharp/street=1 Way',
  '/CN=J\u00fcrgen \u4e2d/emailAddress=j@acme.org/serialNumber=7/title=Dr',
  '/CN=one+OU=two/O=three',
];

const printer = `import java.io.*; import java.security.cert.*; import java.nio.charset.StandardCharsets;
public class Subjects { public static void main(String[] files) throws Exception {
  PrintStream out = new PrintStream(System.out, true, "UTF-8");
  for (String file : files) { X509Certificate c = (X509Certificate)
    CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(file));
    out.println(c.getSubjectX500Principal().getName()); } } }`;

test('subjects are what Java prints of them', (t) => {
  fs.writeFileSync(join(certificates.dir, 'Subjects.java'), printer);
  const files = subjects.map((subject, i) => {
    const file = `subject-${i}.pem`;
    const key = ['-key', 'client.key', '-days', '2', '-utf8', '-multivalue-rdn'];
    run('openssl', 'req', '-x509', ...key, '-subj', subject, '-out', file);
    return file;
  });
  files.push('client.crt', 'server.crt', 'ca.pem');
  const said = run('java', '-Xshare:auto', 'Subjects.java', ...files).split('\n').slice(0, files.length); // prettier-ignore
  t.deepEqual(files.map((file) => subjectOf(new X509Certificate(certificates.read(file)).raw)), said); // prettier-ignore
  t.is(said.at(-3), 'CN=bob,OU=Dev,O=Acme,C=US');
  t.is(subjectOf(Buffer.from('3003020101', 'hex')), null);
});
