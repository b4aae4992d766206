/** Admin server, metrics port and questions of supervisors, over HTTP, beside Apache's answers as they were recorded. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { askWord } from '../system/words.js';
import { freePorts } from '../system/ports.js';
import { vectorJson } from '../wire/vectors.js';
import { ask, askTls, keyStore, startAdminServer, superAuth } from './admin.js';

/** Raw clients send no pings, and a machine may be busy. */
const patient = { timeoutMs: 60_000 };

type Shape = string | readonly Shape[] | { readonly [key: string]: Shape };
type Recorded = {
  readonly leader: Readonly<Record<string, Record<string, Shape>>>;
  readonly standalone: Readonly<Record<string, Record<string, Shape>>>;
  readonly mntr: readonly string[];
  readonly prometheus: Readonly<Record<string, string>>;
};
const apache = vectorJson<Recorded>('operations/apache-3.9.4.json');

const shapeOf = (value: unknown): Shape => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shapeOf(v)]));
  return typeof value;
};

/** What of Apache's fields is missing or of another type; keys that are data themselves, ids and paths, are any. */
const missing = (apaches: Shape, ours: Shape, at: string): readonly string[] => {
  if (typeof apaches === 'string') return apaches === ours || apaches === 'null' ? [] : [`${at}: ${String(ours)}`];
  if (Array.isArray(apaches)) {
    if (!Array.isArray(ours)) return [`${at}: no list`];
    return apaches[0] === undefined || ours[0] === undefined ? [] : missing(apaches[0], ours[0], `${at}[]`);
  }
  if (typeof ours !== 'object') return [`${at}: no object`];
  return Object.entries(apaches).flatMap(([key, shape]) => {
    if (/^(\d+|\/.*)$/.test(key)) return [];
    const own = (ours as Readonly<Record<string, Shape>>)[key];
    return own === undefined ? [`${at}.${key}`] : missing(shape, own, `${at}.${key}`);
  });
};

const put = async (client: Client, path: string, data = 'x', flags = 0): Promise<number> =>
  (await client.call({ op: 'create', path, data: Buffer.from(data), acl: openAcl, flags })).err;

test('every JSON command has the fields of Apache, with their types, for a standalone server', async (t) => {
  const admin = await startAdminServer();
  t.teardown(admin.stop);
  const client = await connectClient(admin.clientPort, patient);
  t.teardown(client.cut);
  t.is(await put(client, '/e', 'x', 1), 0);
  await client.call({ op: 'getData', path: '/e', watch: true });
  // Ours alone: the text of the file may hold digests and passwords (docs/divergence.md).
  const others = Object.entries(apache.standalone).filter(([command]) => command !== 'initial_configuration');
  for (const [command, shape] of others) t.deepEqual(missing(shape, shapeOf(await admin.json(command)), command), []);
  // With somebody connected, as the recording of the leader was.
  for (const command of ['connections', 'dump', 'watches', 'watches_by_path', 'server_stats'])
    t.deepEqual(missing(apache.leader[command] ?? {}, shapeOf(await admin.json(command)), command).filter((m) => !m.includes('proposal')), []); // prettier-ignore
  const text = (await admin.get('/commands/dump')).body.toString();
  const session = BigInt.asIntN(64, BigInt(`0x${client.session.session}`));
  t.regex(text, new RegExp(`"${session}" : \\[ "/e" \\]`), 'a session id is exact');
  const names = [...(await admin.get('/commands')).body.toString().matchAll(/commands\/(\w+)"/g)].map((m) => m[1]);
  t.deepEqual(names, names.toSorted());
  for (const command of Object.keys(apache.leader)) if (command !== 'nope') t.true(names.includes(command), command);
  for (const name of ['conf', 'cons', 'stat', 'srvr', 'mntr', 'wchs', 'wchc', 'wchp', 'isro', 'lsnp', 'crst', 'srst'])
    t.is((await admin.json(name))['error'], null, name);
  t.is((await admin.json('stmk?traceMask=7'))['tracemask'], 7);
  t.is(await askWord(admin.clientPort, 'gtmk'), '7');
  t.is(await askWord(admin.clientPort, 'stmk\0\0\0\0\0\0\0\u0009'), '9');
  t.is((await admin.get('/nothing')).status, 404);
  t.is((await admin.post('/commands/ruok', Buffer.alloc(0))).status, 405);
});

test('monitor, mntr and Prometheus show the same figures under the names of Apache', async (t) => {
  const admin = await startAdminServer();
  t.teardown(admin.stop);
  const client = await connectClient(admin.clientPort, patient);
  t.teardown(client.cut);
  t.is(await put(client, '/app'), 0);
  t.is(await put(client, '/app/a', 'four'), 0);
  await client.call({ op: 'getData', path: '/app/a', watch: true });
  for (const [path, data] of [
    ['/zookeeper/quota/app', ''],
    ['/zookeeper/quota/app/zookeeper_limits', 'count=2,bytes=-1'],
    ['/zookeeper/quota/app/zookeeper_stats', ''],
  ] as const)
    t.is(await put(client, path, data), 0);
  const rows = ((await askWord(admin.clientPort, 'mntr')) ?? '').trimEnd().split('\n');
  const mntr = new Map(rows.map((row) => row.replace(/^zk_/, '').split('\t') as [string, string]));
  const monitor = await admin.json('monitor');
  const prometheus = (await ask(admin.metricsPort, '/metrics')).body.toString();
  for (const line of prometheus.trimEnd().split('\n'))
    t.regex(line, /^(# (HELP|TYPE) [a-z_0-9]+ \S+|[a-z_0-9]+(\{[^}]*\})? (NaN|-?[\d.e+-]+))$/);
  const valueOf = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(prometheus)?.[1] ?? `no ${name}`);
  for (const name of ['znode_count', 'watch_count', 'approximate_data_size', 'proposal_count', 'commit_count']) {
    t.is(Number(mntr.get(name)), valueOf(name), name);
    t.is(monitor[name], valueOf(name), name);
  }
  t.is(valueOf('watch_count'), 1);
  t.true(valueOf('fsynctime_count') > 0 && valueOf('updatelatency_count') >= 5);
  t.is(mntr.get('app_quota_count_usage_per_namespace'), '2');
  t.is(mntr.get('app_quota_count_limit_per_namespace'), '2');
  t.regex(prometheus, /^read_per_namespace_sum\{key="app"\} 4$/m);
  // Every name that Apache has too is of the same type there, and those that monitoring goes by are all there.
  const types = [...prometheus.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((m) => [m[1] ?? '', m[2] ?? ''] as const);
  for (const [name, type] of types)
    if (apache.prometheus[name] !== undefined) t.is(type, apache.prometheus[name], name);
  const shared = types.filter(([name]) => apache.prometheus[name] !== undefined);
  t.true(shared.length > 70, `${shared.length} names are Apache's`);
  // A third node passes the soft quota: one line, however often it is passed.
  t.is(await put(client, '/app/b'), 0);
  t.is(await put(client, '/app/c'), 0);
  const told = admin.lines.filter((l) => l.text.startsWith('Quota exceeded: /app'));
  t.is(told.length, 1);
  t.regex(told[0]?.text ?? '', /count 3, soft limit 2/);
  const before = valueOf('packets_received');
  t.true(before > 0);
  t.is(await askWord(admin.clientPort, 'srst'), 'Server stats reset.\n');
  const after = (await ask(admin.metricsPort, '/metrics')).body.toString();
  t.true(Number(/^packets_received (\d+)$/m.exec(after)?.[1]) < before);
  t.is((await ask(admin.metricsPort, '/')).status, 404);
});

test('a snapshot and a restore over HTTP: who may, how often, what comes back, and what was before is kept', async (t) => {
  const admin = await startAdminServer(['admin.rateLimiterIntervalInMS=600000']);
  t.teardown(admin.stop);
  const client = await connectClient(admin.clientPort, patient);
  t.is(await put(client, '/kept', 'old'), 0);
  const errorOf = async (headers: Record<string, string>): Promise<readonly [number, unknown]> => {
    const { status, body } = await admin.get('/commands/snapshot', headers);
    return [status, (JSON.parse(body.toString()) as { error: unknown }).error];
  };
  // Nobody but the super user owns the root.
  const shut = [{ perms: 31, scheme: 'digest', id: 'bob:x' }];
  t.is((await client.call({ op: 'setACL', path: '/', acl: shut, version: -1 })).err, 0);
  t.deepEqual(await errorOf({}), [401, 'Auth info is missing for the command']);
  t.deepEqual(await errorOf({ Authorization: 'nonsense' }), [401, 'Not authenticated']);
  t.deepEqual(await errorOf({ Authorization: 'digest bob:wrong' }), [403, 'Not authorized']);
  const taken = await admin.get('/commands/snapshot', superAuth);
  t.is(taken.status, 200);
  t.is(taken.headers['snapshot_size'], String(taken.body.length));
  const zxid = String(taken.headers['last_zxid']);
  t.regex(zxid, /^0x1[0-9a-f]{8}$/);
  t.is((await errorOf(superAuth))[0], 429);
  t.is((await admin.json('last_snapshot'))['zxid'], zxid.slice(2));

  t.is((await client.call({ op: 'auth', scheme: 'digest', auth: Buffer.from('super:secret') })).err, 0);
  t.is(await put(client, '/later'), 0);
  t.is((await client.call({ op: 'setData', path: '/kept', data: Buffer.from('new'), version: -1 })).err, 0);
  t.is((await admin.post('/commands/restore', taken.body)).status, 401);
  t.is((await admin.get('/commands/restore', superAuth)).status, 405);
  const bad = Buffer.from(taken.body);
  bad[bad.length - 60] = (bad[bad.length - 60] ?? 0) ^ 1;
  t.is((await admin.post('/commands/restore', bad, superAuth)).status, 400);
  t.is((await client.call({ op: 'exists', path: '/later', watch: false })).err, 0, 'a bad snapshot changes nothing');

  const restored = await admin.post('/commands/restore', taken.body, superAuth);
  t.is(restored.status, 200, restored.body.toString());
  await eventually('it serves again', () => (admin.server.status()?.serving === true ? true : null));
  const { timeoutMs, session, password } = client.session;
  t.true(timeoutMs > 0);
  const back = await connectClient(admin.clientPort, { ...patient, session, password });
  t.is(back.session.session, session, 'the session lives on');
  t.is((await back.call({ op: 'auth', scheme: 'digest', auth: Buffer.from('super:secret') })).err, 0);
  t.is((await back.call({ op: 'exists', path: '/later', watch: false })).err, -101);
  const read = await back.call({ op: 'getData', path: '/kept', watch: false });
  t.is(read.body.type === 'dataStat' ? Buffer.from(read.body.data ?? []).toString() : '', 'old');
  t.is(await put(back, '/after'), 0);
  back.cut();
  const kept = readdirSync(admin.dir).filter((name) => name.startsWith('before-restore-'));
  t.is(kept.length, 1);
  t.true(readdirSync(join(admin.dir, kept[0] ?? '', 'version-2')).some((name) => name.startsWith('log.')));
  t.is((await admin.post('/commands/restore', taken.body, superAuth)).status, 429);
});

test('switched off, snapshot and restore are refused; a snapshot may stay on the server', async (t) => {
  const off = await startAdminServer(['admin.snapshot.enabled=false', 'admin.restore.enabled=false']);
  t.teardown(off.stop);
  t.is((await off.get('/commands/snapshot', superAuth)).status, 503);
  t.is((await off.post('/commands/restore', Buffer.alloc(0), superAuth)).status, 503);
  const on = await startAdminServer(['admin.commandURL=/zk/']);
  t.teardown(on.stop);
  const { status, body, headers } = await on.get('/zk/snapshot?streaming=false', superAuth);
  t.is(status, 200);
  t.is((JSON.parse(body.toString()) as { command: string }).command, 'snapshot');
  t.truthy(headers['last_zxid']);
  t.is((await on.get('/commands/ruok')).status, 404);
});

test('livez, readyz and quorumz: a server without a quorum lives, is not ready, and says what it waits for', async (t) => {
  const admin = await startAdminServer();
  t.teardown(admin.stop);
  for (const path of ['/livez', '/readyz', '/quorumz']) t.is((await admin.get(path)).status, 200, path);
  t.is((await admin.post('/livez', Buffer.alloc(0))).status, 405);
  const [a, b, c, d] = await freePorts(4);
  const members = [`server.1=127.0.0.1:${a}:${b}`, `server.2=127.0.0.1:${c}:${d}`];
  const lonely = await startAdminServer(['initLimit=10', 'syncLimit=5', ...members], false);
  t.teardown(lonely.stop);
  const asked = await Promise.all(['/livez', '/readyz', '/quorumz'].map((path) => lonely.get(path)));
  t.deepEqual(asked.map(({ status }) => status), [200, 503, 503]); // prettier-ignore
  const reason = (JSON.parse(asked[2]?.body.toString() ?? '') as { reason: string }).reason;
  t.is(reason, 'it looks for a leader');
  t.regex(String((await lonely.json('monitor'))['error']), /not currently serving/);
  t.is((await lonely.json('ruok'))['error'], null);
  t.is((await lonely.post('/commands/restore', Buffer.alloc(0), superAuth)).status, 503);
});

/** A connection that sends what it is told and gives what came until the end. */
const raw = (port: number): Promise<{ readonly socket: Socket; readonly ended: Promise<string> }> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => resolve({ socket, ended }));
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    const ended = new Promise<string>((done) =>
      socket.on('close', () => done(Buffer.concat(chunks).toString('latin1'))),
    );
    socket.on('error', () => undefined);
  });

test('garbage, huge heads and heads that trickle are ended; clients and other questions go on', async (t) => {
  const admin = await startAdminServer(['admin.idleTimeout=400']);
  t.teardown(admin.stop);
  const client = await connectClient(admin.clientPort, patient);
  t.teardown(client.cut);
  const garbage = await raw(admin.adminPort);
  garbage.socket.write(Buffer.from('\0\u0001\u00ff nonsense\r\n\r\n', 'latin1'));
  t.regex(await garbage.ended, /^HTTP\/1\.1 400 /);
  const huge = await raw(admin.adminPort);
  huge.socket.write(`GET /commands/ruok HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`);
  t.regex(await huge.ended, /^HTTP\/1\.1 431 /);
  const slow = await raw(admin.adminPort);
  const trickle = setInterval(() => slow.socket.write('X'), 50);
  slow.socket.write('GET /commands/ruok HTTP/1.1\r\nHost: x\r\n');
  t.is((await client.call({ op: 'exists', path: '/', watch: false })).err, 0);
  t.is(await slow.ended, '');
  clearInterval(trickle);
  t.is((await admin.get('/commands/ruok')).status, 200);
  // Words in single bytes.
  const split = await raw(admin.clientPort);
  for (const letter of 'ruok') {
    split.socket.write(letter);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.is(await split.ended, 'imok');
});

test('a thousand idle connections leave room for who asks, and disturb no client', async (t) => {
  const admin = await startAdminServer();
  t.teardown(admin.stop);
  const client = await connectClient(admin.clientPort, patient);
  t.teardown(client.cut);
  const idle: Socket[] = [];
  t.teardown(() => idle.forEach((socket) => socket.destroy()));
  for (let i = 0; i < 1000; i += 1) {
    idle.push((await raw(admin.adminPort)).socket);
    if (i % 100 === 0) t.is((await client.call({ op: 'exists', path: '/', watch: false })).err, 0);
  }
  t.is((await admin.get('/livez')).status, 200);
  t.is((await admin.get('/commands/ruok')).status, 200);
  t.true(client.isOpen());
});

test('over TLS: beside plain HTTP, alone, and with a certificate that says who asks', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-keys-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const server = keyStore(dir, 'server');
  const client = keyStore(dir, 'client');
  const keys = [`ssl.quorum.keyStore.location=${server}`, `ssl.quorum.trustStore.location=${client}`];
  const both = await startAdminServer(['admin.portUnification=true', ...keys]);
  t.teardown(both.stop);
  t.is((await askTls(both.adminPort, '/livez', null)).status, 200);
  t.is((await both.get('/livez')).status, 200);
  t.is((await both.json('monitor'))['insecure_admin_count'], 2);
  const only = await startAdminServer(['admin.forceHttps=true', 'admin.needClientAuth=true', ...keys]);
  t.teardown(only.stop);
  await t.throwsAsync(only.get('/livez'));
  await t.throwsAsync(askTls(only.adminPort, '/livez', null));
  const pem = readFileSync(client);
  t.is((await askTls(only.adminPort, '/livez', pem)).status, 200);
  const taken = await askTls(only.adminPort, '/commands/snapshot', pem, { Authorization: 'x509 x' });
  t.is(taken.status, 200, taken.body.toString('latin1'));
  const keyless = await startAdminServer(['admin.forceHttps=true'], true, false);
  t.teardown(keyless.stop);
  t.is(keyless.adminPort, 0);
  t.true(keyless.lines.some((l) => l.level === 'error' && l.text.startsWith('the admin port stays shut')));
});
