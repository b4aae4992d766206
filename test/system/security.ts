/** Java clients over TLS and with SASL against our servers, and Apache's servers among ours behind protected links. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apache } from './apache.js';
import { makeCertificates } from './certificates.js';
import type { Certificates } from './certificates.js';
import { apacheClassPath, quiet } from './clients.js';
import { connectClient, openAcl } from './client.js';
import { createEnsemble, startEnsemble, zabkeeper } from './ensemble.js';
import { freePorts } from './ports.js';

const module = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
const logins =
  `Server { ${module} user_super="adminsecret" user_bob="bobsecret"; };\n` +
  `Client { ${module} username="bob" password="bobsecret"; };\n` +
  `QuorumServer { ${module} user_zk="secret"; };\n` +
  `QuorumLearner { ${module} username="zk" password="secret"; };\n`;

type Place = { readonly certificates: Certificates; readonly jaas: string };

const stores = (prefix: 'ssl' | 'ssl.quorum', { certificates }: Place): readonly string[] => [
  `${prefix}.keyStore.location=${certificates.pem('server')}`,
  `${prefix}.trustStore.location=${certificates.ca}`,
];

const holds = (what: string, isSo: boolean, said = ''): void => {
  if (!isSo) throw new Error(`${what}: does not hold\n${said}`);
  console.log(`  ok ${what}`);
};

const runTo = (file: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.once('error', reject);
    child.once('close', () => resolve(out));
  });

/** Apache's own command line client, with one command. */
const zkCli = (port: number, options: readonly string[], ...command: readonly string[]): Promise<string> => {
  const main = 'org.apache.zookeeper.ZooKeeperMain';
  return runTo('java', [
    ...['-cp', apacheClassPath(), ...quiet, ...options],
    ...[main, '-server', `localhost:${port}`, ...command],
  ]);
};

const javaClients = async (place: Place): Promise<void> => {
  const { certificates, jaas } = place;
  const [secure = 0] = await freePorts(1);
  const ensemble = await startEnsemble({
    size: 1,
    settings: [
      ...[`secureClientPort=${secure}`, ...stores('ssl', place), `java.security.auth.login.config=${jaas}`],
      'authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider',
    ],
  });
  try {
    const plain = ensemble.members[0]?.clientPort ?? 0;
    const login = [`-Djava.security.auth.login.config=${jaas}`, '-Dzookeeper.fips-mode=false'];
    const who = await zkCli(plain, login, 'whoami');
    holds('Java with a JAAS file is the user of that file', who.includes('sasl: bob'), who);
    const made = await zkCli(plain, login, 'create', '/java', 'x', 'sasl:bob:cdrwa');
    const read = await zkCli(plain, login, 'get', '/java');
    holds('it reads its own node', /^x$/m.test(read), made + read);
    const other = await zkCli(plain, [], 'get', '/java');
    holds('others do not', other.includes('Insufficient permission'), other);
    const { dir } = certificates;
    const bundle = '-in client.crt -inkey client.key -passout pass:changeit -out client.p12';
    await runTo('sh', ['-c', `cd ${dir} && openssl pkcs12 -export ${bundle}`]);
    for (const [store, password] of [
      ['client.pem', ''],
      ['client.p12', 'changeit'],
    ] as const) {
      // prettier-ignore
      const properties = {
        'client.secure': 'true',
        clientCnxnSocket: 'org.apache.zookeeper.ClientCnxnSocketNetty',
        'ssl.keyStore.location': join(dir, store),
        'ssl.keyStore.password': password,
        'ssl.trustStore.location': certificates.ca,
      };
      const options = Object.entries(properties).map(([key, value]) => `-Dzookeeper.${key}=${value}`);
      const said = await zkCli(secure, options, 'whoami');
      holds(`Java over TLS with ${store} is its subject`, said.includes('x509: CN=bob,OU=Dev,O=Acme,C=US'), said);
    }
  } finally {
    await ensemble.stop();
  }
};

/** Lines for servers that trust each other over TLS, and by password. */
const overTls = (place: Place): readonly string[] => ['sslQuorum=true', ...stores('ssl.quorum', place)];
const bySasl = [
  'fips-mode=false',
  ...['enableSasl', 'learnerRequireSasl', 'serverRequireSasl'].map((key) => `quorum.auth.${key}=true`),
];

/** The third leads: the first election is between it and the first. */
const mixed = async (place: Place, name: string, settings: readonly string[], apacheId: 1 | 3): Promise<void> => {
  const { jaas } = place;
  const ensemble = await createEnsemble({
    size: 3,
    settings: [...settings, `java.security.auth.login.config=${jaas}`],
    command: (member) =>
      member.id === apacheId
        ? apache(member, [...quiet, '-Xmx256m', `-Djava.security.auth.login.config=${jaas}`])
        : zabkeeper(member),
  });
  try {
    ensemble.start(1, 3);
    await ensemble.waitServing(1, 3);
    ensemble.start(2);
    await ensemble.waitServing();
    holds(`${name}: server 3 leads`, (await ensemble.leader()) === 3);
    for (const { id, clientPort } of ensemble.members) {
      const client = await connectClient(clientPort);
      const { err } = await client.call({ op: 'create', path: `/by-${id}`, data: null, acl: openAcl, flags: 0 });
      holds(`${name}: a write through server ${id}`, err === 0);
      client.cut();
    }
    await ensemble.kill(3);
    await ensemble.waitServing(1, 2);
    ensemble.start(3);
    await ensemble.waitServing();
    for (const { id, clientPort } of ensemble.members) {
      const client = await connectClient(clientPort);
      await client.call({ op: 'sync', path: '/' });
      const { body } = await client.call({ op: 'getChildren', path: '/', watch: false });
      const found = 'children' in body ? body.children.toSorted().join() : '';
      holds(`${name}: after a change of leaders, server ${id}`, found === 'by-1,by-2,by-3,zookeeper', found);
      client.cut();
    }
  } finally {
    await ensemble.stop();
  }
};

export const runSecurity = async (): Promise<boolean> => {
  const certificates = makeCertificates();
  const place = { certificates, jaas: join(certificates.dir, 'jaas.conf') };
  writeFileSync(place.jaas, logins);
  try {
    await javaClients(place);
    for (const apacheId of [1, 3] as const) {
      const who = apacheId === 1 ? 'Apache follows' : 'Apache leads';
      await mixed(place, `${who}, TLS`, overTls(place), apacheId);
      await mixed(place, `${who}, SASL`, bySasl, apacheId);
      await mixed(place, `${who}, TLS and SASL`, [...overTls(place), ...bySasl], apacheId);
    }
    return true;
  } catch (e) {
    console.log(`  FAILED ${String(e)}`);
    return false;
  } finally {
    certificates.remove();
  }
};
