/** Group D of the table of features: TLS of clients and between servers, SASL between servers. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { join } from 'node:path';
import test from 'ava';
import { errorCode } from '../../core/service/error.js';
import type { Acl } from '../../core/service/txn.js';
import { clientOf as tlsOf, makeCertificates } from '../system/certificates.js';
import type { people } from '../system/certificates.js';
import { connectClient } from '../system/client.js';
import type { Client } from '../system/client.js';
import { freePorts } from '../system/ports.js';
import { create, done, errOf, eventually, exists, getData, kind, row, sleep } from './frame.js';
import type { Servers } from './frame.js';

const certificates = makeCertificates();
test.after.always('keys are removed', certificates.remove);

type Person = keyof typeof people;

/** Apache offers TLS to clients only with this; for ours it says nothing. */
const netty = kind === 'apache' ? ['serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory'] : [];

const stores = (prefix: 'ssl' | 'ssl.quorum', person: Person = 'server', dir = certificates.dir): readonly string[] => [
  `${prefix}.keyStore.location=${join(dir, `${person}.pem`)}`,
  `${prefix}.trustStore.location=${join(dir, 'ca.pem')}`,
];

const tls = (person: Person | null, more: ConnectionOptions = {}): ConnectionOptions => ({
  ...tlsOf(certificates, person),
  ...more,
});

const dial = (port: number, options: ConnectionOptions): Promise<Client> =>
  connectClient(port, {}, '127.0.0.1', options);

/** How a connection that is not wanted ends: at its handshake, or before any answer. */
const refused = async (port: number, options: ConnectionOptions | null): Promise<boolean> => {
  const client = await connectClient(port, {}, '127.0.0.1', options).catch(() => null);
  client?.cut();
  return client === null;
};

const withAcl = (path: string, scheme: string, id: string) => {
  const acl: readonly Acl[] = [{ perms: 31, scheme, id }];
  return { ...create(path, 'x'), acl };
};

const alone = { alone: true } as const;

type Start = (options: { readonly size: number; readonly settings: readonly string[] }) => Promise<Servers>;

/** Version and suite that a handshake ends with; null: it does not. */
const agreed = (port: number, options: ConnectionOptions): Promise<string | null> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ...options }, () => {
      resolve(`${socket.getProtocol() ?? ''} ${socket.getCipher().standardName ?? ''}`);
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
  });

/** One server with a port for clients over TLS. */
const secured = async (
  servers: Start,
  ...settings: readonly string[]
): Promise<{ readonly port: number; readonly plain: number; readonly servers: Servers }> => {
  const [port = 0] = await freePorts(1);
  const started = await servers({
    size: 1,
    settings: [`secureClientPort=${port}`, ...netty, ...stores('ssl'), ...settings],
  });
  await eventually('the port for TLS is there', () => agreed(port, tls('client')));
  return { port, plain: started.members[0]?.clientPort ?? 0, servers: started };
};

row('D16', 'TLS for clients: a good certificate is let in, and no other', async ({ t, servers }) => {
  const { port, plain } = await secured(servers);
  const bob = await dial(port, tls('client'));
  await done(bob, create('/a', 'x'));
  const other = await connectClient(plain);
  t.is(await errOf(other, getData('/a')), 0, 'the plain port is there as before');
  t.true(await refused(port, tls(null)), 'no certificate');
  t.true(await refused(port, tls('expired')), 'an expired one');
  t.true(await refused(port, tls('stranger')), 'one of another authority');
  t.true(await refused(port, null), 'no TLS');
  t.is(await errOf(bob, getData('/a')), 0);
  bob.cut();
  other.cut();
}, alone); // prettier-ignore

row('D7', 'x509: the subject of the certificate is an id', async ({ t, servers }) => {
  const { port, plain } = await secured(servers);
  const [bob, eve, nobody] = [await dial(port, tls('client')), await dial(port, tls('other')), await connectClient(plain)];
  await done(bob, withAcl('/bobs', 'auth', ''));
  const { body } = await done(bob, { op: 'getACL', path: '/bobs' });
  t.deepEqual(body.type === 'aclStat' ? body.acl : null, [{ perms: 31, scheme: 'x509', id: 'CN=bob,OU=Dev,O=Acme,C=US' }]);
  t.deepEqual([await errOf(bob, getData('/bobs')), await errOf(eve, getData('/bobs')), await errOf(nobody, getData('/bobs'))], [0, errorCode.noAuth, errorCode.noAuth]); // prettier-ignore
  await done(nobody, withAcl('/eves', 'x509', 'CN=eve,OU=Dev,O=Acme,C=US'));
  t.is(await errOf(eve, getData('/eves')), 0);
  t.is(await errOf(nobody, withAcl('/bad', 'x509', 'eve')), errorCode.invalidAcl);
  for (const c of [bob, eve, nobody]) c.cut();
}, alone); // prettier-ignore

row('D10', 'a super user by x509', async ({ t, servers }) => {
  const { port, plain } = await secured(servers, 'X509AuthenticationProvider.superUser=CN=bob,OU=Dev,O=Acme,C=US');
  const [bob, nobody] = [await dial(port, tls('client')), await connectClient(plain)];
  await done(nobody, withAcl('/shut', 'digest', 'nobody:x'));
  t.deepEqual([await errOf(bob, getData('/shut')), await errOf(nobody, getData('/shut'))], [0, errorCode.noAuth]);
  for (const c of [bob, nobody]) c.cut();
}, alone); // prettier-ignore

row('D17', 'clientAuth want and none: without a certificate one is nobody', async ({ t, servers }) => {
  for (const clientAuth of ['want', 'none']) {
    const { port } = await secured(servers, `ssl.clientAuth=${clientAuth}`);
    const nobody = await dial(port, tls(null));
    t.is(await errOf(nobody, withAcl('/a', 'auth', '')), errorCode.invalidAcl, clientAuth);
    t.is(await refused(port, tls('stranger')), clientAuth === 'want', clientAuth);
    nobody.cut();
  }
}, alone); // prettier-ignore

row('D17', 'protocols and cipher suites', async ({ t, servers }) => {
  const suite = 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384';
  const { port } = await secured(servers, 'ssl.protocol=TLSv1.2', 'ssl.enabledProtocols=TLSv1.2', `ssl.ciphersuites=${suite}`);
  t.is(await agreed(port, tls('client')), `TLSv1.2 ${suite}`);
  t.is(await agreed(port, tls('client', { minVersion: 'TLSv1.3' })), null);
  t.is(await agreed(port, tls('client', { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })), null);
  const modern = await secured(servers, 'ssl.enabledProtocols=TLSv1.3');
  t.regex((await agreed(modern.port, tls('client'))) ?? '', /^TLSv1\.3 /);
  t.is(await agreed(modern.port, tls('client', { maxVersion: 'TLSv1.2' })), null);
}, alone); // prettier-ignore

row('D17', 'stores: passwords in files, PKCS12', async ({ t, servers }) => {
  const { dir } = certificates;
  const { execFileSync } = await import('node:child_process');
  const bundle = ['-in', 'server.crt', '-inkey', 'server.key', '-passout', 'pass:changeit', '-out', 'server.p12'];
  execFileSync('openssl', ['pkcs12', '-export', ...bundle], { cwd: dir, stdio: 'ignore' });
  writeFileSync(join(dir, 'password'), 'changeit');
  const { port } = await secured(servers, `ssl.keyStore.location=${join(dir, 'server.p12')}`, `ssl.keyStore.passwordPath=${join(dir, 'password')}`, 'ssl.keyStore.type=PKCS12'); // prettier-ignore
  const bob = await dial(port, tls('client'));
  t.is(await errOf(bob, exists('/')), 0);
  bob.cut();
}, alone); // prettier-ignore

row('D17', 'port unification: TLS and plain clients at the plain port', async ({ t, servers }) => {
  const { port: secure, plain: port } = await secured(servers, 'client.portUnification=true');
    t.true(await refused(secure, null), 'the other port is for TLS alone');
  const [bob, nobody] = [await dial(port, tls('client')), await connectClient(port)];
  await done(bob, create('/a', 'x'.repeat(100_000)));
  t.is(await errOf(nobody, getData('/a')), 0);
  t.is(await errOf(nobody, withAcl('/b', 'auth', '')), errorCode.invalidAcl);
  t.true(await refused(port, tls('stranger')));
  for (const c of [bob, nobody]) c.cut();
}, alone); // prettier-ignore

row('D17', 'changed certificates are used without a restart', async ({ t, servers }) => {
  const { dir } = certificates;
  const own = (file: string): string => join(dir, `reloaded-${file}`);
  for (const file of ['server.pem', 'ca.pem']) copyFileSync(join(dir, file), own(file));
  const { port } = await secured(servers, 'client.certReload=true', `ssl.keyStore.location=${own('server.pem')}`, `ssl.trustStore.location=${own('ca.pem')}`); // prettier-ignore
  const before = await dial(port, tls('client'));
  t.true(await refused(port, tls('stranger')));
  await sleep(1200); // so that the time of the files differs
  writeFileSync(own('ca.pem'), certificates.read('ca.pem') + certificates.read('others.pem'));
  await eventually('the other authority is trusted', async () => ((await refused(port, tls('stranger'))) ? null : true));
  t.is(await errOf(before, exists('/')), 0, 'connections go on');
  const after = await dial(port, tls('client'));
  t.is(await errOf(after, exists('/')), 0);
  for (const c of [before, after]) c.cut();
}, alone); // prettier-ignore

row('D17', 'revoked certificates are refused', async ({ t, servers }) => {
  const list = certificates.revoke('other');
  const { port } = await secured(servers, 'ssl.crl=true', `ssl.crl.files=${list}`);
  const bob = await dial(port, tls('client'));
  t.is(await errOf(bob, exists('/')), 0);
  t.true(await refused(port, tls('other')));
  bob.cut();
}, { alone: true, oursOnly: true }); // prettier-ignore

/** Ends one server, changes its file, starts it again and waits until all serve. */
const restartWith = async (servers: Servers, id: number, change: (text: string) => string): Promise<void> => {
  await servers.kill(id);
  const config = servers.members[id - 1]?.config ?? '';
  writeFileSync(config, change(readFileSync(config, 'utf8')));
  servers.start(id);
  await servers.waitServing();
};

row('D18', 'TLS between servers: from plain to TLS alone, one server after the other', async ({ t, servers, clientOf }) => {
  const started = await servers({ size: 3, settings: stores('ssl.quorum') });
  const client = await clientOf(started.portOf(1));
  await done(client, create('/a', 'plain'));
  const steps: readonly ((text: string) => string)[] = [
    (text) => `${text}portUnification=true\n`,
    (text) => `${text}sslQuorum=true\n`,
    (text) => text.replace('portUnification=true\n', ''),
  ];
  for (const step of steps) for (const id of [1, 2, 3]) await restartWith(started, id, step);
  for (const id of [1, 2, 3]) {
    const c = await clientOf(started.portOf(id));
    t.is(await errOf(c, setOrGet(id)), 0);
    t.is(await errOf(c, getData('/a')), 0);
  }
  const quorumPort = Number(/^server\.1=127\.0\.0\.1:(\d+)/m.exec(readFileSync(started.members[0]?.config ?? '', 'utf8'))?.[1]); // prettier-ignore
  const electionPort = Number(/^server\.1=127\.0\.0\.1:\d+:(\d+)/m.exec(readFileSync(started.members[0]?.config ?? '', 'utf8'))?.[1]); // prettier-ignore
  t.regex((await agreed(electionPort, tls('server'))) ?? '', /^TLS/, 'the election port speaks TLS');
  t.true(quorumPort > 0);
}, alone); // prettier-ignore

const setOrGet = (id: number) => create(`/tls-${id}`);

row('D18', 'a server with a certificate of another authority, or for another host, stays out', async ({ t, servers }) => {
  for (const person of ['stranger', 'elsewhere', 'expired'] as const) {
    const started = await servers({ size: 3, settings: ['sslQuorum=true', ...stores('ssl.quorum')] });
    await started.kill(3);
    const { config = '' } = started.members[2] ?? {};
    const text = readFileSync(config, 'utf8').replace(certificates.pem('server'), certificates.pem(person));
    writeFileSync(config, text);
    started.start(3);
    await sleep(1000);
    await started.waitServing(1, 2);
    t.is((await started.served(3))?.mode, undefined, person);
    await restartWith(started, 3, (wrong) => wrong.replace(certificates.pem(person), certificates.pem('server')));
    await started.stop();
  }
}, alone); // prettier-ignore

const login = (password: string): string =>
  'QuorumServer { org.apache.zookeeper.server.auth.DigestLoginModule required user_zk="secret"; };\n' +
  `QuorumLearner { org.apache.zookeeper.server.auth.DigestLoginModule required username="zk" password="${password}"; };\n`;

row('D19', 'SASL between servers: who does not know the password cannot join', async ({ t, servers, clientOf }) => {
  const [good, bad] = ['good', 'bad'].map((name) => join(certificates.dir, `${name}.conf`)) as [string, string];
  writeFileSync(good, login('secret'));
  writeFileSync(bad, login('guess'));
  const started = await servers({
    size: 3,
    settings: [
      `java.security.auth.login.config=${good}`,
      'fips-mode=false',
      ...['enableSasl', 'learnerRequireSasl', 'serverRequireSasl'].map((key) => `quorum.auth.${key}=true`),
    ],
  });
  await done(await clientOf(started.portOf(1)), create('/a'));
  t.is(await errOf(await clientOf(started.portOf(2)), exists('/')), 0);
  if (kind === 'apache') return; // what stands on its command line cannot be changed here
  for (const wrong of [
    (text: string) => text.replace(good, bad),
    (text: string) => text.replaceAll(/^quorum\.auth\..*\n/gm, ''),
  ]) {
    await started.kill(3);
    const { config = '' } = started.members[2] ?? {};
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, wrong(text));
    started.start(3);
    await sleep(1000);
    t.is((await started.served(3))?.mode, undefined);
    await started.waitServing(1, 2);
    await restartWith(started, 3, () => text);
  }
  await done(await clientOf(started.portOf(2)), create('/b'));
}, alone); // prettier-ignore

row('D19', 'SASL between servers is switched on one server after the other', async ({ t, servers, clientOf }) => {
  const file = join(certificates.dir, 'rolling.conf');
  writeFileSync(file, login('secret'));
  const started = await servers({ size: 3, settings: [] });
  for (const key of ['enableSasl', 'learnerRequireSasl', 'serverRequireSasl'])
    for (const id of [1, 2, 3])
      await restartWith(started, id, (text) => `${text.replace(/^java\..*\n/m, '')}quorum.auth.${key}=true\njava.security.auth.login.config=${file}\n`); // prettier-ignore
  const client = await clientOf(started.portOf(2));
  t.is(await errOf(client, create('/a')), 0);
  rmSync(file);
}, { alone: true, oursOnly: true }); // prettier-ignore
