/** Keys and certificates for tests, made by openssl in a directory of their own: good ones, and each kind of bad one. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Certificates = {
  readonly dir: string;
  /** The authority, PEM. */
  readonly ca: string;
  /** Key and certificate in one PEM file, by name: see `people`. */
  readonly pem: (name: keyof typeof people) => string;
  readonly read: (file: string) => string;
  /** The authority's list, with these on it; the name of the file. */
  readonly revoke: (name: keyof typeof people) => string;
  readonly remove: () => void;
};

/** Subject, other names, days; the stranger's authority is another one. */
export const people = {
  server: ['/O=Acme/CN=zoo', 'DNS:localhost,IP:127.0.0.1', 30],
  client: ['/C=US/O=Acme/OU=Dev/CN=bob', 'DNS:bob', 30],
  other: ['/C=US/O=Acme/OU=Dev/CN=eve', 'DNS:eve', 30],
  expired: ['/C=US/O=Acme/CN=old', 'DNS:old,IP:127.0.0.1', -1],
  elsewhere: ['/O=Acme/CN=zoo', 'DNS:zoo.example,IP:192.0.2.7', 30],
  stranger: ['/C=US/O=Acme/OU=Dev/CN=bob', 'DNS:localhost,IP:127.0.0.1', 30],
} as const;

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export const makeCertificates = (): Certificates => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'zabkeeper-tls-'));
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  for (const ca of ['ca', 'others'])
    openssl(
      'req',
      '-x509',
      ...ec,
      '-days',
      '30',
      '-subj',
      `/O=Acme/CN=${ca}`,
      '-keyout',
      `${ca}.key`,
      '-out',
      `${ca}.pem`,
    );
  for (const [name, [subject, names, days]] of Object.entries(people)) {
    const ca = name === 'stranger' ? 'others' : 'ca';
    fs.writeFileSync(join(dir, `${name}.ext`), `subjectAltName=${names}\n`);
    openssl('req', ...ec, '-subj', subject, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial'],
      ...['-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.crt`],
    );
    const parts = ['key', 'crt'].map((kind) => fs.readFileSync(join(dir, `${name}.${kind}`)));
    fs.writeFileSync(join(dir, `${name}.pem`), Buffer.concat(parts));
  }
  const database =
    '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=30\ncrlnumber=number\n';
  fs.writeFileSync(join(dir, 'ca.cnf'), database);
  fs.writeFileSync(join(dir, 'index'), '');
  fs.writeFileSync(join(dir, 'number'), '01\n');
  return {
    dir,
    ca: join(dir, 'ca.pem'),
    pem: (name) => join(dir, `${name}.pem`),
    read: (file) => fs.readFileSync(join(dir, file), 'utf8'),
    revoke: (name) => {
      const ca = ['ca', '-config', 'ca.cnf', '-keyfile', 'ca.key', '-cert', 'ca.pem'];
      openssl(...ca, '-revoke', `${name}.crt`);
      openssl(...ca, '-gencrl', '-out', 'revoked.pem');
      return join(dir, 'revoked.pem');
    },
    remove: () => fs.rmSync(dir, { recursive: true, force: true }),
  };
};

/** What a client of TLS shows and believes. */
export const clientOf = (
  certificates: Certificates,
  name: keyof typeof people | null,
): { readonly ca: string; readonly key?: string; readonly cert?: string } => {
  const ca = certificates.read('ca.pem');
  return name === null ? { ca } : { ca, key: certificates.read(`${name}.key`), cert: certificates.read(`${name}.crt`) };
};
