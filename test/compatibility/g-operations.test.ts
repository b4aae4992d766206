/** Group G of the table of features: operations. The same parsers read ours and Apache's. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, start } from '../cli/binary.js';
import { freePorts } from '../system/ports.js';
import { ask, askTls, keyStore } from '../live/admin.js';
import { runZkcli } from '../system/zkcli.js';
import { vectorJson } from '../wire/vectors.js';
import { askWord, create, done, eventually, flags, getChildren, getData, row, setData, textOf } from './frame.js';
import type { Servers } from './frame.js';

/** `Key: value` lines. */
const colons = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^([\w ./-]+): ?(.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? '']));
const equals = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^([\w.]+)=(.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? '']));
const tabs = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/^zk_(\S+)\t(.*)$/gm)].map((m) => [m[1] ?? '', m[2] ?? '']));

const word = async (port: number, name: string): Promise<string> => (await askWord(port, name)) ?? '';

const digest = 'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=';
const superAuth = { Authorization: 'digest super:secret' };

row(
  'G1',
  'ruok, isro, srvr, stat, conf, dirs, envi and mntr have lines that one parser reads',
  async ({ t, path, ports, client }) => {
    const c = await client();
    await done(c, create(path, 'x'));
    await done(c, getData(path));
    const modes = new Set<string | undefined>();
    for (const port of ports) {
      t.is(await word(port, 'ruok'), 'imok');
      t.is(await word(port, 'isro'), 'rw');
      const srvr = colons(await word(port, 'srvr'));
      modes.add(srvr.get('Mode'));
      t.deepEqual([...srvr.keys()].slice(0, 8), ['Zookeeper version', 'Latency min/avg/max', 'Received', 'Sent', 'Connections', 'Outstanding', 'Zxid', 'Mode']); // prettier-ignore
      t.regex(srvr.get('Zookeeper version') ?? '', /^3\.9\.\d.*, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
      t.regex(srvr.get('Latency min/avg/max') ?? '', /^\d+\/\d+\.\d+\/\d+$/);
      t.is(srvr.has('Proposal sizes last/min/max'), srvr.get('Mode') === 'leader');
      t.regex(await word(port, 'stat'), /^Zookeeper version.*\nClients:\n( \/.*\[\d\]\(queued=\d+,recved=\d+,sent=\d+\)\n)+\nLatency/); // prettier-ignore
      const conf = equals(await word(port, 'conf'));
      t.deepEqual(
      [...conf.keys()].slice(0, 18),
      ['clientPort', 'secureClientPort', 'dataDir', 'dataDirSize', 'dataLogDir', 'dataLogSize', 'tickTime', 'maxClientCnxns', 'minSessionTimeout', 'maxSessionTimeout', 'clientPortListenBacklog', 'serverId', 'initLimit', 'syncLimit', 'electionAlg', 'electionPort', 'quorumPort', 'peerType'],
    ); // prettier-ignore
      t.is(conf.get('clientPort'), String(port));
      t.true(conf.has('server.1') && conf.has('version'));
      t.deepEqual([...colons(await word(port, 'dirs')).keys()], ['datadir_size', 'logdir_size']);
      const envi = await word(port, 'envi');
      t.true(envi.startsWith('Environment:\nzookeeper.version='));
      for (const key of ['host.name', 'os.name', 'user.name', 'user.dir']) t.true(equals(envi).has(key), key);
      const mntr = tabs(await word(port, 'mntr'));
      for (const key of ['version', 'server_state', 'avg_latency', 'packets_received', 'num_alive_connections', 'outstanding_requests', 'znode_count', 'watch_count', 'ephemerals_count', 'approximate_data_size', 'open_file_descriptor_count', 'cnt_fsynctime', 'p99_readlatency', 'proposal_count', 'quorum_size']) t.true(mntr.has(key), key); // prettier-ignore
      t.is(mntr.get('server_state'), srvr.get('Mode'));
      t.is(mntr.has('synced_followers'), srvr.get('Mode') === 'leader');
      t.regex(mntr.get('peer_state') ?? '', /^(leading|following) - broadcast$/);
      // A server that has logged 128 transactions has digests there; ours makes none.
      t.regex(await word(port, 'hash'), /^([0-9a-f]+: [0-9a-f]+\n)*$/);
    }
    t.deepEqual([...modes].toSorted(), ['follower', 'leader']);
  },
);

row(
  'G1',
  'cons, dump, wchs, wchc and wchp show a session, its watches and its ephemerals',
  async ({ t, path, ports, client }) => {
    const c = await client(0);
    await done(c, create(path));
    await done(c, create(`${path}/e`, 'x', flags.ephemeral));
    await done(c, getData(path, true));
    await done(c, getChildren(path, true));
    const port = ports[0] ?? 0;
    const id = `0x${c.session.session.replace(/^0+/, '')}`;
    const cons = await word(port, 'cons');
    const own = cons.split('\n').find((line) => line.includes(`sid=${id},`)) ?? '';
    t.regex(own, /^ \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=\d+,sent=\d+,sid=0x\w+,lop=GETC,est=\d+,to=\d+,lcxid=0x\w+,lzxid=0x\w+,lresp=\d+,llat=\d+,minlat=\d+,avglat=\d+,maxlat=\d+\)$/); // prettier-ignore
    t.true(cons.endsWith('\n\n'));
    for (const each of ports) {
      const dump = await word(each, 'dump');
      t.regex(dump, /^SessionTracker dump:\n(Session Sets \(\d+\)\/\(\d+\):|Global Sessions\(\d+\):)\n/);
      t.true(dump.includes(`${id}`));
      t.regex(dump, /\nephemeral nodes dump:\nSessions with Ephemerals \(\d+\):\n/);
      t.true(dump.includes(`\n${id}:\n\t${path}/e\n`));
      t.regex(
        dump,
        /\nConnections dump:\nConnections Sets \(\d+\)\/\(\d+\):\n\d+ expire at \w{3} \w{3} \d\d [\d:]{8} UTC \d{4}:\n\tip: \/127/,
      );
    }
    const wchs = /^(\d+) connections watching (\d+) paths\nTotal watches:(\d+)\n$/.exec(await word(port, 'wchs'));
    t.true(Number(wchs?.[1]) >= 1 && Number(wchs?.[2]) >= 1 && Number(wchs?.[3]) >= 1);
    t.true((await word(port, 'wchc')).includes(`${id}\n\t${path}\n`));
    t.true((await word(port, 'wchp')).includes(`${path}\n\t${id}\n`));
  },
);

row('G1', 'crst and srst put figures back', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1 });
  const port = one.portOf(1);
  const c = await clientOf(port);
  await done(c, create('/x'));
  t.is(await word(port, 'crst'), 'Connection stats reset.\n');
  t.regex(await word(port, 'cons'), /recved=0,sent=0,sid/);
  const before = Number(colons(await word(port, 'srvr')).get('Received'));
  t.is(await word(port, 'srst'), 'Server stats reset.\n');
  t.true(Number(colons(await word(port, 'srvr')).get('Received')) < before);
}, { alone: true }); // prettier-ignore

row('G1', 'a word in single bytes is a word', async ({ t, ports }) => {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: ports[0] ?? 0, noDelay: true }, () => {
      [...'ruok'].forEach((letter, i) => setTimeout(() => socket.write(letter), 10 * i));
    });
    let said = '';
    socket.on('data', (chunk) => (said += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
  t.is(text, 'imok');
});

row('G2', 'words that are not listed are refused with a message', async ({ t, servers }) => {
  const one = await servers({ size: 1, settings: ['4lw.commands.whitelist=srvr, ruok'] });
  const port = one.portOf(1);
  t.is(await word(port, 'ruok'), 'imok');
  t.is(await word(port, 'stat'), 'stat is not executed because it is not in the whitelist.\n');
  t.is(await word(port, 'wchp'), 'wchp is not executed because it is not in the whitelist.\n');
}, { alone: true }); // prettier-ignore

/** A server of ours with its HTTP ports. */
const withAdmin = async (
  servers: (options: { size: number; settings: readonly string[] }) => Promise<Servers>,
  more: readonly string[] = [],
): Promise<{ readonly one: Servers; readonly admin: number; readonly metrics: number }> => {
  const [admin = 0, metrics = 0] = await freePorts(2);
  const settings = [
    ...[`admin.serverPort=${admin}`, 'admin.serverAddress=127.0.0.1', digest, 'admin.rateLimiterIntervalInMS=0'],
    'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    ...['metricsProvider.httpHost=127.0.0.1', `metricsProvider.httpPort=${metrics}`, ...more],
  ];
  return { one: await servers({ size: 1, settings }), admin, metrics };
};
const alone = { alone: true, oursOnly: true };

row('G3', 'every command that Apache answers is answered under its name', async ({ t, servers }) => {
  const { admin } = await withAdmin(servers);
  const recorded = vectorJson<{ standalone: Readonly<Record<string, Record<string, unknown>>> }>('operations/apache-3.9.4.json');
  for (const [name, fields] of Object.entries(recorded.standalone)) {
    const { status, body } = await ask(admin, `/commands/${name}`);
    const found = JSON.parse(body.toString()) as Record<string, unknown>;
    t.is(status, 200);
    t.is(found['command'], name);
    for (const field of Object.keys(fields)) t.true(field in found, `${name}: ${field}`);
  }
}, alone); // prettier-ignore

row('G4', 'an authorised GET gives a snapshot, with its zxid and size', async ({ t, servers, clientOf }) => {
  const { one, admin } = await withAdmin(servers);
  const c = await clientOf(one.portOf(1));
  await done(c, create('/kept', 'x'));
  t.is((await ask(admin, '/commands/snapshot')).status, 401);
  const taken = await ask(admin, '/commands/snapshot?streaming=true', { headers: superAuth });
  t.is(taken.status, 200);
  t.is(taken.headers['last_zxid'], colons(await word(one.portOf(1), 'srvr')).get('Zxid'));
  t.is(taken.headers['snapshot_size'], String(taken.body.length));
  t.is(taken.body.toString('latin1', 0, 4), 'ZKSN');
}, alone); // prettier-ignore

row('G5', 'a snapshot of one server, posted to another, gives it the same tree', async ({ t, servers, clientOf }) => {
  const first = await withAdmin(servers);
  const c = await clientOf(first.one.portOf(1));
  await done(c, create('/moved', 'x'));
  const taken = await ask(first.admin, '/commands/snapshot', { headers: superAuth });
  const second = await withAdmin(servers);
  const restored = await ask(second.admin, '/commands/restore', { method: 'POST', headers: superAuth, body: taken.body });
  t.is(restored.status, 200, restored.body.toString());
  t.is((JSON.parse(restored.body.toString()) as { last_zxid: string }).last_zxid, String(taken.headers['last_zxid']));
  await second.one.waitServing(1);
  const there = await clientOf(second.one.portOf(1));
  await done(there, getData('/moved'));
  await done(there, setData('/moved', 'y'));
}, alone); // prettier-ignore

row('G5', 'a member of an ensemble is not restored while it runs', async ({ t, servers }) => {
  const [admin = 0] = await freePorts(1);
  const three = await servers({ size: 3, settings: [`admin.serverPort=${admin}`, 'admin.serverAddress=127.0.0.1', digest] });
  await three.leader();
  const body = readFileSync('test/vectors/disk/standard/snapshot.16');
  const { status, body: said } = await eventually('the port is bound', () =>
    ask(admin, '/commands/restore', { method: 'POST', headers: superAuth, body }).catch(() => null),
  );
  t.is(status, 409);
  t.regex(said.toString(), /its tree would part from the others/);
}, alone); // prettier-ignore

row('G6', 'the admin server over TLS, beside plain HTTP', async ({ t, servers }) => {
  const [admin = 0] = await freePorts(1);
  const keys = mkdtempSync(join(tmpdir(), 'zabkeeper-keys-'));
  t.teardown(() => rmSync(keys, { recursive: true }));
  const store = keyStore(keys, 'server');
  await servers({
    size: 1,
    settings: [
      ...[`admin.serverPort=${admin}`, 'admin.serverAddress=127.0.0.1', 'admin.portUnification=true'],
      ...[`ssl.quorum.keyStore.location=${store}`, `ssl.quorum.trustStore.location=${store}`],
    ],
  });
  t.is((await askTls(admin, '/commands/ruok', null)).status, 200);
  t.is((await ask(admin, '/commands/ruok')).status, 200);
}, alone); // prettier-ignore

row('G7', 'Prometheus reads the metrics, and counters move', async ({ t, servers, clientOf }) => {
  const { one, metrics } = await withAdmin(servers);
  const valueOf = async (name: string): Promise<number> => {
    const { headers, body } = await ask(metrics, '/metrics');
    t.regex(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/);
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body.toString())?.[1]);
  };
  const before = await valueOf('commit_count');
  const c = await clientOf(one.portOf(1));
  await done(c, create('/x'));
  t.true((await valueOf('commit_count')) >= before + 2);
}, alone); // prettier-ignore

row('G11', 'a sync slower than fsync.warningthresholdms is told of and counted', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1, settings: ['fsync.warningthresholdms=0'] });
  const c = await clientOf(one.portOf(1));
  await done(c, create('/x'));
  t.regex(one.log(1), /warn a sync of the log took \d+ ms \(fsync\.warningthresholdms is 0\)/);
  const mntr = tabs(await word(one.portOf(1), 'mntr'));
  t.true(Number(mntr.get('fsync_threshold_exceed_count')) > 0);
  t.true(Number(mntr.get('cnt_updatelatency')) > 0);
}, alone); // prettier-ignore

row('G12', 'the trace mask is shown and set', async ({ t, servers }) => {
  const one = await servers({ size: 1 });
  const port = one.portOf(1);
  t.is(await word(port, 'gtmk'), '306');
  t.is(await word(port, 'stmk\0\0\0\0\0\0\0\u0007'), '7');
  t.is(await word(port, 'gtmk'), '7');
}, { alone: true }); // prettier-ignore

row('G13', 'status says the mode, stop ends the process', async ({ t, servers }) => {
  const one = await servers({ size: 1, processes: true });
  const config = one.members[0]?.config ?? '';
  const { code, stdout } = await run(['status', config]);
  t.is(code, 0);
  t.regex(stdout, /^Mode: standalone$/m);
  t.is((await run(['stop', config])).code, 0);
  await eventually('it is gone', () => (one.isRunning(1) ? null : true));
  t.is((await run(['status', config])).code, 1);
}, alone); // prettier-ignore

row('G14', 'init makes the directories of a server that then starts, and never those of one that runs', async ({ t, servers }) => {
  const one = await servers({ size: 1 });
  const config = one.members[0]?.config ?? '';
  t.regex((await run(['init', config, '--force'])).stderr, /uses these directories/);
  await one.kill(1);
  t.regex((await run(['init', config])).stderr, /holds data already/);
  t.is((await run(['init', config, '--myid', '1', '--force'])).code, 0);
  one.start(1);
  await one.waitServing(1);
  t.is(colons(await word(one.portOf(1), 'srvr')).get('Mode'), 'standalone');
}, alone); // prettier-ignore

row('G15', 'the command line of Apache works: thirty commands and their messages', async ({ t }) => {
  const { code, said } = await runZkcli();
  t.is(code, 0, said);
}, { ...alone, slow: true }); // prettier-ignore

row('G16', 'cleanup purges what no start needs', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1, settings: ['snapCount=3'] });
  const config = one.members[0]?.config ?? '';
  const c = await clientOf(one.portOf(1));
  for (let i = 0; i < 40; i += 1) await done(c, create(`/n${i}`));
  await eventually('snapshots are there', () => (one.log(1).match(/snapshot .*: Saved/g)?.length ?? 0) > 6 ? true : null); // prettier-ignore
  const { code, stdout } = await run(['cleanup', config, '--json']);
  t.is(code, 0);
  const { removed } = JSON.parse(stdout) as { removed: readonly string[] };
  t.true(removed.some((name) => name.startsWith('snapshot.')) && removed.some((name) => name.startsWith('log.')));
  await one.kill(1);
  one.start(1);
  await one.waitServing(1);
  t.is(textOf(await done(await clientOf(one.portOf(1)), getData('/n39'))), null);
}, alone); // prettier-ignore

row('G17', 'files of a server are shown, and compared with those of another time', async ({ t, servers, clientOf }) => {
  const { one, admin } = await withAdmin(servers);
  const c = await clientOf(one.portOf(1));
  const dir = join(one.members[0]?.dir ?? '', 'version-2');
  const take = async (): Promise<string> => {
    const { headers } = await ask(admin, '/commands/snapshot?streaming=false', { headers: superAuth });
    return join(dir, `snapshot.${String(headers['last_zxid']).slice(2)}`);
  };
  const early = await take();
  await done(c, create('/new', 'four'));
  const late = await take();
  const { code, stdout } = await run(['snapshot', 'compare', early, late, '--json']);
  t.is(code, 1);
  t.deepEqual(JSON.parse(stdout.split('\n')[1] ?? ''), { path: '/new', kind: 'only right', nodes: 1, bytes: 4 });
  t.regex((await run(['snapshot', 'dump', late])).stdout, /^\/new\n {2}cZxid = 0x/m);
}, alone); // prettier-ignore

row('G18', 'a property of the virtual machine is a key, and an unknown key stops the start', async ({ t, servers }) => {
  const one = await servers({ size: 1, settings: ['zookeeper.4lw.commands.whitelist=ruok,srvr', 'zookeeper.snapCount=77'] });
  t.is(await word(one.portOf(1), 'conf'), 'conf is not executed because it is not in the whitelist.\n');
  await t.throwsAsync(servers({ size: 1, settings: ['snapCuont=77'] }), { message: /did you mean snapCount\?/ });
}, alone); // prettier-ignore

row('G19', 'a copy of the data directory starts elsewhere', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1 });
  const c = await clientOf(one.portOf(1));
  await done(c, create('/kept', 'x'));
  await one.kill(1);
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-copy-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  cpSync(join(one.members[0]?.dir ?? '', 'version-2'), join(dir, 'version-2'), { recursive: true });
  const [port = 0] = await freePorts(1);
  writeFileSync(join(dir, 'zoo.cfg'), `dataDir=${dir}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`); // prettier-ignore
  const copy = start(['serve', join(dir, 'zoo.cfg')]);
  t.teardown(() => copy.child.kill('SIGKILL'));
  await copy.says(/LEADING BROADCAST/);
  t.is(textOf(await done(await clientOf(port), getData('/kept'))), 'x');
}, alone); // prettier-ignore

row('G20', 'ZOOCFGDIR, ZOO_LOG_DIR, SERVER_JVMFLAGS and the level of the log are obeyed', async ({ t }) => {
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-env-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const [port = 0] = await freePorts(1);
  writeFileSync(join(dir, 'zoo.cfg'), `dataDir=${dir}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`); // prettier-ignore
  const env = {
    ...process.env,
    ...{ ZOOCFGDIR: dir, ZOO_LOG_DIR: join(dir, 'log'), ZABKEEPER_LOG_LEVEL: 'debug' },
    SERVER_JVMFLAGS: '-Xmx1g -Dzookeeper.4lw.commands.whitelist=ruok,conf',
  };
  const server = start(['serve', '--json'], { env });
  t.teardown(() => server.child.kill('SIGKILL'));
  await eventually('it answers', async () => ((await word(port, 'conf')).startsWith('clientPort=') ? true : null));
  t.regex(await word(port, 'srvr'), /not in the whitelist/);
  const lines = readFileSync(join(dir, 'log', 'zabkeeper-server-1.log'), 'utf8').trimEnd().split('\n');
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  t.true(said.some((l) => l['level'] === 'warn' && String(l['text']).includes('-Xmx1g')));
  t.true(said.some((l) => l['phase'] === 'BROADCAST' && l['level'] === 'info' && l['epoch'] === 1));
  server.child.kill('SIGTERM');
  t.is((await server.ended).stderr, '');
}, alone); // prettier-ignore

row('E5', 'use, limits and refusals of quotas are figures of their top-level node', async ({ t, servers, clientOf }) => {
  const { one, metrics } = await withAdmin(servers, ['enforceQuota=true']);
  const c = await clientOf(one.portOf(1));
  const quota = '/zookeeper/quota/app';
  await done(c, create('/app'));
  await done(c, create(quota));
  await done(c, create(`${quota}/zookeeper_limits`, 'count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2'));
  await done(c, create(`${quota}/zookeeper_stats`));
  await done(c, create('/app/a'));
  t.not((await c.call(create('/app/b'))).err, 0);
  const text = (await ask(metrics, '/metrics')).body.toString();
  t.regex(text, /^quota_count_limit_per_namespace\{key="app"\} 2$/m);
  t.regex(text, /^quota_count_usage_per_namespace\{key="app"\} 2$/m);
  t.regex(text, /^quota_exceeded_error_per_namespace\{key="app"\} 1$/m);
  t.is(tabs(await word(one.portOf(1), 'mntr')).get('app_quota_exceeded_error_per_namespace'), '1');
}, alone); // prettier-ignore

row('E1', 'a soft limit that is passed is a line of the log, once', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1 });
  const c = await clientOf(one.portOf(1));
  await done(c, create('/app'));
  await done(c, create('/zookeeper/quota/app'));
  await done(c, create('/zookeeper/quota/app/zookeeper_limits', 'count=1,bytes=-1'));
  await done(c, create('/zookeeper/quota/app/zookeeper_stats'));
  for (const name of ['a', 'b', 'c']) await done(c, create(`/app/${name}`));
  t.is(one.log(1).match(/Quota exceeded: \/app \[count 2, soft limit 1\]/g)?.length, 1);
  t.is(one.log(1).match(/Quota exceeded/g)?.length, 1);
}, alone); // prettier-ignore

row('F22', 'autopurge removes old snapshots and logs', async ({ t, servers, clientOf }) => {
  const one = await servers({ size: 1, settings: ['snapCount=3'] });
  const c = await clientOf(one.portOf(1));
  for (let i = 0; i < 40; i += 1) await done(c, create(`/n${i}`));
  const snapshots = (): readonly string[] => readdirSync(join(one.members[0]?.dir ?? '', 'version-2')).filter((name) => /^snapshot\.[0-9a-f]+$/.test(name)); // prettier-ignore
  await eventually('snapshots are there', () => (snapshots().length > 6 ? true : null));
  await one.kill(1);
  appendFileSync(one.members[0]?.config ?? '', 'autopurge.purgeInterval=1\n');
  one.start(1);
  await one.waitServing(1);
  await eventually('they are purged', () => (snapshots().length <= 4 ? true : null));
  t.is(textOf(await done(await clientOf(one.portOf(1)), getData('/n39'))), null);
}, alone); // prettier-ignore
