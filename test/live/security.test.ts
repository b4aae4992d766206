/** kazoo and attackers at the protected ports of real servers. Java clients and servers: test/system/security.ts. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { startServers } from '../compatibility/servers.js';
import type { Servers } from '../compatibility/servers.js';
import { cached, run } from '../system/cache.js';
import { clientOf as tlsOf, makeCertificates } from '../system/certificates.js';
import { connectClient, openAcl } from '../system/client.js';
import { createEnsemble, eventually } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';
import { source } from '../system/source.js';

const certificates = makeCertificates();
test.after.always('keys are removed', certificates.remove);

const stores = [`ssl.keyStore.location=${certificates.pem('server')}`, `ssl.trustStore.location=${certificates.ca}`];

const jaas = join(certificates.dir, 'jaas.conf');
const module = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
writeFileSync(jaas, `Server { ${module} user_super="adminsecret" user_bob="bobsecret"; };\n`);
const sasl = [
  'authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
  `java.security.auth.login.config=${jaas}`,
];

type Secured = { readonly servers: Servers; readonly plain: number; readonly secure: number };

const secured = async (t: ExecutionContext, ...settings: readonly string[]): Promise<Secured> => {
  const [secure = 0] = await freePorts(1);
  const all = [`secureClientPort=${secure}`, ...stores, ...sasl, 'maxClientCnxns=0', ...settings];
  const servers = await startServers({ kind: 'ours', size: 1, settings: all });
  t.teardown(servers.stop);
  return { servers, plain: servers.members[0]?.clientPort ?? 0, secure };
};

type Said = { readonly code: number | null; readonly out: string };

const runTo = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Said> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    const hear = (bytes: Buffer): void => void (out += bytes.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out }));
  });

/** kazoo and what its SASL needs, in the cache. */
const installed = (): string => {
  const wanted = source('live/security_requirements.txt');
  const name = readFileSync(wanted, 'utf8').trim().replaceAll('==', '-').replaceAll('\n', '-');
  return cached(name, (dir) => run('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', dir, '-r', wanted])); // prettier-ignore
};

const kazoo = (...args: readonly string[]): Promise<Said> =>
  runTo('python3', [source('live/security_session.py'), ...args], {
    PYTHONPATH: installed(),
    PYTHONDONTWRITEBYTECODE: '1',
  });

test('kazoo with SASL, and with TLS', async (t) => {
  const { plain, secure } = await secured(t);
  const bySasl = await kazoo('sasl', `127.0.0.1:${plain}`);
  for (const line of ['own node', "not another's", 'not with a wrong password'])
    t.true(bySasl.out.includes(line), bySasl.out);
  const byTls = await kazoo('tls', `localhost:${secure}`, certificates.dir);
  for (const line of ['own node', "not another's"]) t.true(byTls.out.includes(line), byTls.out);
});

/** Closed with the test, however it ends. */
const dial = (t: ExecutionContext, port: number): Socket => {
  const socket = tcpConnect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
};

/** A ClientHello without its end. */
const halfHello = Buffer.from('160301020001', 'hex');

const served = async (port: number, path: string): Promise<boolean> => {
  const client = await connectClient(port, {}, '127.0.0.1', tlsOf(certificates, 'client'));
  const made = await client.call({ op: 'create', path, data: null, acl: openAcl, flags: 0 });
  client.cut();
  return made.err === 0;
};

test('half handshakes by the hundred, on every port: others are served meanwhile, and the silent ones are let go', async (t) => {
  const { secure, servers } = await secured(
    t,
    'ssl.handshakeDetectionTimeoutMillis=3000',
    'client.portUnification=true',
  );
  const attackers = Array.from({ length: 600 }, (_, i) => {
    const socket = dial(t, i % 2 === 0 ? secure : (servers.members[0]?.clientPort ?? 0));
    socket.write(i % 3 === 0 ? halfHello : i % 3 === 1 ? Buffer.from([0x16]) : Buffer.from('garbage that is no TLS'));
    return socket;
  });
  for (let i = 0; i < 5; i += 1)
    await eventually(`client ${i} is served`, () => served(secure, `/half-${i}`).then((is) => is || null, () => null)); // prettier-ignore
  await eventually('all are let go', () =>
    attackers.every((s) => s.destroyed || s.readableEnded || s.closed) ? true : null,
  );
  t.true(await served(secure, '/after'));
  t.regex(servers.log(1), /client: 127\.0\.0\.1:\d+ closed: TLS: /);
});

test('thousands of handshakes, with good and bad certificates: whoever is good is served', async (t) => {
  const { secure, servers } = await secured(t);
  let ended = 0;
  const total = 2000;
  const people = ['client', 'stranger', 'expired', null] as const;
  const one = (i: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = tlsConnect({
        host: '127.0.0.1',
        port: secure,
        ...tlsOf(certificates, people[i % people.length] ?? null),
      });
      socket.on('error', () => undefined);
      socket.once('secureConnect', () => socket.end());
      socket.once('close', () => {
        ended += 1;
        resolve();
      });
      socket.resume();
    });
  const lanes = Array.from({ length: 40 }, async (_, lane) => {
    for (let i = lane; i < total; i += 40) await one(i);
  });
  for (let i = 0; i < 5; i += 1) t.true(await served(secure, `/crowd-${i}`));
  await Promise.all(lanes);
  t.is(ended, total);
  await eventually('the server has forgotten them', async () => {
    const client = await connectClient(secure, {}, '127.0.0.1', tlsOf(certificates, 'client'));
    client.cut();
    return servers.isRunning(1) ? true : null;
  });
  t.regex(servers.log(1), /its certificate is not good: (CERT_HAS_EXPIRED|UNABLE_TO_VERIFY_LEAF_SIGNATURE)/);
  t.regex(servers.log(1), /it has shown no certificate/);
});

test('garbage as SASL tokens from many connections: they end, others are served', async (t) => {
  const { plain, secure, servers } = await secured(t);
  const outcomes = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const client = await connectClient(plain);
      t.teardown(client.cut);
      const token = Buffer.alloc(1 + ((i * 97) % 6000), i);
      await client.call({ op: 'sasl', token });
      const { err } = await client.call({ op: 'sasl', token });
      await client.ended;
      return err;
    }),
  );
  t.deepEqual(new Set(outcomes), new Set([-115]));
  t.true(await served(secure, '/after'));
  t.regex(servers.log(1), /SASL: /);
});

test('half handshakes and garbage on the ports between servers: a server that was killed comes back in all the same', async (t) => {
  const servers = await startServers({
    kind: 'ours',
    size: 3,
    settings: ['sslQuorum=true', ...stores.map((line) => line.replace('ssl.', 'ssl.quorum.'))],
  });
  t.teardown(servers.stop);
  const leader = await servers.leader();
  const config = readFileSync(servers.members[0]?.config ?? '', 'utf8');
  const ports = [...config.matchAll(/^server\.\d+=127\.0\.0\.1:(\d+):(\d+)/gm)].flatMap((m) => [
    Number(m[1]),
    Number(m[2]),
  ]);
  t.is(ports.length, 6);
  for (const port of ports)
    for (let i = 0; i < 300; i += 1) {
      const socket = dial(t, port);
      socket.write(i % 2 === 0 ? halfHello : Buffer.from('ffffffffffff0000', 'hex'));
    }
  const follower = servers.members.find((m) => m.id !== leader)?.id ?? 0;
  await servers.kill(follower);
  servers.start(follower);
  await servers.waitServing();
  await servers.kill(leader);
  servers.start(leader);
  await servers.waitServing();
  const client = await connectClient(servers.portOf(follower));
  t.is((await client.call({ op: 'create', path: '/after', data: null, acl: openAcl, flags: 0 })).err, 0);
  client.cut();
});

test('a server that cannot read its keys says which file and why, and does not start', async (t) => {
  const [port = 0] = await freePorts(1);
  const settings = [`secureClientPort=${port}`, `ssl.keyStore.location=${certificates.dir}/none.pem`, stores[1] ?? ''];
  const ensemble = await createEnsemble({ size: 1, settings });
  t.teardown(ensemble.stop);
  ensemble.start();
  await eventually('it has ended', () => (ensemble.isRunning(1) ? null : true));
  const log = readFileSync(join(ensemble.members[0]?.dir ?? '', 'server.log'), 'utf8');
  t.regex(log, /ssl\.keyStore: \S+none\.pem cannot be read: ENOENT/);
});
