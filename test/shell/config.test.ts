import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { defaultRules } from '../../core/service/rules.js';
import { decodeConfig, explainConfigError, loadConfig } from '../../shell/config.js';
import type { Config, ConfigError } from '../../shell/config.js';
import { Config as ConfigCodec } from '../../shell/configValues.js';
import { editDistance, everyKey, keyState, nearest, unsafeToIgnore } from '../../shell/configKeys.js';
import { ignoredKeys, missingKeys, readKeys } from '../../shell/configTable.js';
import { parseProperties } from '../../shell/properties.js';

const decode = (text: string, myid: string | null = '1', ownAddresses: readonly string[] = []) =>
  decodeConfig({ file: 'zoo.cfg', text, readText: () => myid, ownAddresses });

const errors = (text: string, myid: string | null = '1'): readonly string[] => {
  const decoded = decode(text, myid);
  return E.isLeft(decoded) ? decoded.left.map(explainConfigError) : [];
};

const good = (text: string, myid: string | null = '1'): Config => {
  const decoded = decode(text, myid);
  if (E.isRight(decoded)) return decoded.right;
  return decoded.left.map(explainConfigError).join('\n') as never;
};

/** Some fields of a configuration; each group of keys has a test of its own. */
const fieldsOf = <K extends keyof Config>(config: Config, ...names: readonly K[]): Pick<Config, K> =>
  Object.fromEntries(names.map((name) => [name, config[name]])) as Pick<Config, K>;

const firstFields = [
  'tickTimeMs',
  'initLimitTicks',
  'syncLimitTicks',
  'dataDir',
  'dataLogDir',
  'client',
  'self',
  'servers',
  'maxClientCnxns',
  'minSessionTimeoutMs',
  'maxSessionTimeoutMs',
  'fourLetterWords',
  'snapCount',
  'preAllocBytes',
  'commitLogCount',
  'snapRetainCount',
  'purgeIntervalHours',
  'maxBufferBytes',
  'rules',
  'warnings',
] as const;

/** Who connections may be is said elsewhere in a configuration (test/shell/configSecurity.test.ts). */
const firstRules = Object.fromEntries(Object.entries(defaultRules).filter(([k]) => k !== 'auth' && k !== 'audit'));

const warningsOf = (text: string, myid: string | null = '1'): readonly ConfigError[] => good(text, myid).warnings;

const three = [
  'server.1=zoo1:2888:3888',
  'server.2=zoo2:2888:3888;2181',
  'server.3=[fe80::3]:2888:3888:participant;[::1]:2182',
].join('\n');
const ensemble = `tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/var/zk\nclientPort=2181\n${three}\n`;

test('a file with nothing but dataDir and clientPort gives the defaults of ZooKeeper', (t) => {
  t.deepEqual(fieldsOf(good('dataDir=/var/zk\nclientPort=2181'), ...firstFields), {
    tickTimeMs: 3000,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    dataDir: '/var/zk',
    dataLogDir: '/var/zk',
    client: { host: null, port: 2181 },
    self: 1,
    servers: [],
    maxClientCnxns: 60,
    minSessionTimeoutMs: 6000,
    maxSessionTimeoutMs: 60_000,
    fourLetterWords: ['srvr'],
    snapCount: 100_000,
    preAllocBytes: 67_108_864,
    commitLogCount: 500,
    snapRetainCount: 3,
    purgeIntervalHours: 0,
    maxBufferBytes: 1_048_575,
    rules: firstRules,
    warnings: [],
  });
});

test('every key of the first release is read', (t) => {
  const config = good(
    `${ensemble}dataLogDir=/var/log/zk\nclientPortAddress=10.0.0.1\nmaxClientCnxns=0\nminSessionTimeout=1000\n` +
      'maxSessionTimeout=9000\n4lw.commands.whitelist=stat, ruok\nsnapCount=500\npreAllocSize=64\ncommitLogCount=7\n' +
      'autopurge.snapRetainCount=5\nautopurge.purgeInterval=24\npeerType=participant\n',
  );
  t.deepEqual(fieldsOf(config, ...firstFields), {
    tickTimeMs: 2000,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    dataDir: '/var/zk',
    dataLogDir: '/var/log/zk',
    client: { host: '10.0.0.1', port: 2181 },
    self: 1,
    servers: [
      { id: 1, host: 'zoo1', quorumPort: 2888, electionPort: 3888, role: 'participant', client: null },
      {
        id: 2,
        host: 'zoo2',
        quorumPort: 2888,
        electionPort: 3888,
        role: 'participant',
        client: { host: null, port: 2181 },
      },
      {
        id: 3,
        host: 'fe80::3',
        quorumPort: 2888,
        electionPort: 3888,
        role: 'participant',
        client: { host: '::1', port: 2182 },
      },
    ],
    maxClientCnxns: 0,
    minSessionTimeoutMs: 1000,
    maxSessionTimeoutMs: 9000,
    fourLetterWords: ['stat', 'ruok'],
    snapCount: 500,
    preAllocBytes: 65_536,
    commitLogCount: 7,
    snapRetainCount: 5,
    purgeIntervalHours: 24,
    maxBufferBytes: 1_048_575,
    rules: firstRules,
    warnings: [],
  });
  t.true(E.isRight(ConfigCodec.decode(config)));
});

test('rules of requests are read, and what is no digest of a user is refused', (t) => {
  const alone = 'dataDir=/var/zk\nclientPort=2181\n';
  const { maxBufferBytes, rules } = good(
    `${alone}extendedTypesEnabled=true\nenforceQuota=true\nskipACL=yes\njute.maxbuffer=4194304\n` +
      'localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\nreadonlymode.enabled=true\n' +
      'DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4=\n' +
      'znode.container.checkIntervalMs=500\nznode.container.maxPerMinute=7\nznode.container.maxNeverUsedIntervalMs=9\n',
  );
  t.is(maxBufferBytes, 4_194_304);
  t.deepEqual(rules, {
    extendedTypes: true,
    skipAcl: true,
    superDigest: 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=',
    localSessions: 'upgraded',
    readOnlyMode: true,
    enforceQuota: true,
    reaping: { checkIntervalMs: 500, maxPerMinute: 7, maxNeverUsedMs: 9 },
  });
  const wrong = errors(`${alone}DigestAuthenticationProvider.superDigest=super:secret\nskipACL=true\n`);
  t.is(wrong.length, 2);
  t.regex(
    wrong.join('\n'),
    /3:42: error: DigestAuthenticationProvider.superDigest.*\n.*4:9: error: skipACL: must be yes or no/,
  );
});

test('all errors are given at once, each with its place, what stands there, and what to write', (t) => {
  t.deepEqual(
    errors('# ours\ntickTime = fast\n\ninitLimit=0\nserver.1=zoo1:2888\nserver.300=zoo2:1:2\nserver.2=a:99999:2\n'),
    [
      'zoo.cfg:2:12: error: tickTime: must be a whole number from 1 to 2147483647, found "fast"; write a whole number from 1 to 2147483647 (milliseconds)',
      'zoo.cfg:4:11: error: initLimit: must be a whole number from 1 to 2147483647, found "0"; write a whole number from 1 to 2147483647 (ticks)',
      'zoo.cfg:5:10: error: server.1: a server line has the form host:quorumPort:electionPort[:participant][;[address:]clientPort], found "zoo1:2888"; write it in that form',
      'zoo.cfg:6:1: error: server.300: the id must be a whole number from 0 to 254, found "server.300"; write server.N with N from 0 to 254',
      'zoo.cfg:7:1: error: dataDir: is missing; write dataDir=<directory for snapshots and myid>',
      'zoo.cfg:7:1: error: syncLimit: is missing; an ensemble needs it; write syncLimit=5',
      'zoo.cfg:7:1: warning: clientPort: is missing: no client can connect; write clientPort=2181',
      'zoo.cfg:7:12: error: server.2: the quorum port must be a number from 1 to 65535, found "99999"; write a port',
    ],
  );
});

test('myid must be there, be an id, and have its line', (t) => {
  t.regex(errors(ensemble, null).join('\n'), /var\/zk\/myid:1:1: error: myid: the file is missing/);
  t.regex(
    errors(ensemble, 'one').join('\n'),
    /myid:1:1: error: myid: must be a whole number from 0 to 254, found "one"/,
  );
  t.regex(errors(ensemble, '4\n').join('\n'), /server\.4: myid is 4, but there is no line server\.4.*one of 1, 2, 3/);
  t.is(good(ensemble, ' 2\n').self, 2);
  const given = { from: '--myid', text: '2' };
  const decoded = decodeConfig({ file: 'f', text: ensemble, readText: () => null, ownAddresses: [], myid: given });
  t.is(E.isRight(decoded) && decoded.right.self, 2);
});

test('ids and ports that are used twice are found', (t) => {
  const twice = errors(`${ensemble}server.2=zoo4:2888:3888\n`);
  t.regex(twice.join('\n'), /zoo\.cfg:9:1: error: server\.2: server 2 stands in line 7 already/);
  const same = errors('dataDir=d\nclientPort=1\nserver.1=a:2:2\n');
  t.deepEqual(same.length, 1);
  t.regex(same.join(), /zoo\.cfg:3:10: error: server\.1: election port 2 of a is the quorum port of server\.1 already/);
  const neighbours = errors(ensemble.replace('zoo2:2888:3888', 'zoo1:3888:4888'));
  t.regex(neighbours.join(), /quorum port 3888 of zoo1 is the election port of server\.1 already/);
  t.regex(errors(ensemble.replace('clientPort=2181', 'clientPort=3888')).join(), /is also a port of server\.1/);
  t.regex(errors(ensemble, '3').join(), /clientPort is 2181, but server\.3 says 2182/);
});

test('observers: the server line says who votes; a peerType beside it that says otherwise is told of', (t) => {
  const observer = ensemble.replace('zoo2:2888:3888', 'zoo2:2888:3888:observer');
  t.deepEqual(errors(observer), []);
  t.deepEqual(
    good(observer).servers.map((s) => s.role),
    ['participant', 'observer', 'participant'],
  );
  const problems = (text: string, myid: string): readonly string[] => warningsOf(text, myid).map((w) => w.problem);
  const said = 'is not what server.1 says, and that counts';
  t.true(problems(`${ensemble}peerType=observer`, '1').includes(said));
  t.false(problems(`${ensemble}peerType=participant`, '1').includes(said));
  t.deepEqual(problems(`${observer}peerType=observer`, '2'), problems(observer, '2'));
  t.regex(errors(ensemble.replaceAll(/:3888/g, ':3888:observer')).join(), /no server votes/);
});

test('operations: admin server, metrics, log and slow things have their keys', (t) => {
  const alone = 'dataDir=d\nclientPort=1\n';
  const { operations } = good(alone);
  t.deepEqual(operations.admin, {
    enabled: true,
    host: null,
    port: 8080,
    commandUrl: '/commands',
    idleTimeoutMs: 30_000,
    snapshotEnabled: true,
    restoreEnabled: true,
    rateLimitMs: 300_000,
    tls: 'none',
    needClientAuth: false,
  });
  t.deepEqual([operations.prometheus, operations.fsyncWarningMs, operations.logLevel], [null, 1000, 'info']);
  const set = good(
    `${alone}admin.enableServer=false\nzookeeper.admin.serverPort=81\nadmin.serverAddress=::1\nadmin.commandURL=/zk/\n` +
      'admin.idleTimeout=5\nadmin.snapshot.enabled=false\nadmin.restore.enabled=false\nadmin.needClientAuth=true\n' +
      'admin.rateLimiterIntervalInMS=9\nadmin.portUnification=true\nfsync.warningthresholdms=7\n' +
      'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n' +
      'metricsProvider.httpPort=71\nmetricsProvider.exportJvmInfo=false\nzabkeeper.log.level=debug\n' +
      'zabkeeper.request.warningthresholdms=3\n',
  ).operations;
  t.deepEqual(set, {
    admin: {
      enabled: false,
      host: '::1',
      port: 81,
      commandUrl: '/zk',
      idleTimeoutMs: 5,
      snapshotEnabled: false,
      restoreEnabled: false,
      rateLimitMs: 9,
      tls: 'beside plain',
      needClientAuth: true,
    },
    prometheus: { host: null, port: 71, process: false },
    fsyncWarningMs: 7,
    requestWarningMs: 3,
    logLevel: 'debug',
  });
  t.is(good(`${alone}admin.forceHttps=true`).operations.admin.tls, 'only');
  t.regex(errors(`${alone}admin.commandURL=commands`).join(), /must be a path that begins with \//);
});

test('keys without an effect are named with the reason, those that are missing as missing', (t) => {
  const told = (key: string, value = '7'): readonly ConfigError[] => {
    const decoded = decode(`dataDir=d\nclientPort=1\n${key}=${value}`);
    return E.isLeft(decoded) ? decoded.left : decoded.right.warnings;
  };
  for (const [key, [, why]] of Object.entries(ignoredKeys)) {
    t.deepEqual(told(key).map((w) => [w.severity, w.line, w.field]), [['warning', 3, key]]); // prettier-ignore
    t.is(told(key)[0]?.problem, `has no effect here: ${why}`);
  }
  for (const key of Object.keys(missingKeys)) {
    t.deepEqual(told(key).map((w) => [w.line, w.field]), [[3, key]]); // prettier-ignore
    t.regex(told(key)[0]?.problem ?? '', /not supported yet/);
    t.regex(told(`zookeeper.${key}`)[0]?.problem ?? '', /not supported yet/);
  }
  for (const line of ['weight.1=3', 'sslQuorum=true', 'quorum.auth.enableSasl=TRUE', 'oraclePath=x']) {
    const [key = '', value = ''] = line.split('=');
    if (keyState(key).type !== 'missing') continue;
    t.true(unsafeToIgnore.some((u) => u.key.test(key) && u.when(value)));
    t.regex(told(key, value)[0]?.problem ?? '', /cannot be ignored/, line);
    t.is(told(key, value)[0]?.severity, 'error');
  }
});

test('every key stands in one table, and every key that has an effect is read somewhere', (t) => {
  t.is(new Set(everyKey).size, everyKey.length);
  const folder = fileURLToPath(new URL('../../../shell', import.meta.url));
  const code = readdirSync(folder)
    .filter((name) => name.startsWith('config') && name !== 'configTable.ts')
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  for (const key of Object.keys(readKeys)) t.true(code.includes(`'${key}'`), `nobody reads ${key}`);
});

test('an unknown key is an error with the nearest right name, or a warning where the file asks for that', (t) => {
  const alone = 'dataDir=d\nclientPort=1\n';
  const meant = (key: string): string | undefined => {
    const decoded = decode(`${alone}${key}=2`);
    t.true(E.isLeft(decoded), key);
    return warningsOf(`${alone}${key}=2\nzabkeeper.allowUnknownKeys=true`)[0]?.remedy;
  };
  t.is(meant('ticktime'), 'did you mean tickTime?');
  t.is(meant('dataLogdri'), 'did you mean dataLogDir?');
  t.is(meant('maxClientConns'), 'did you mean maxClientCnxns?');
  t.is(meant('somethingElseAltogether'), 'remove the line');
  t.regex(
    errors(`${alone}ticktime=2`).join(),
    /^zoo\.cfg:3:1: error: ticktime: .*did you mean tickTime\?; zabkeeper\.allowUnknownKeys=true lets it stand$/,
  );
  t.is(good(`${alone}zookeeper.snapCount=9`).snapCount, 9);
  t.is(warningsOf('dataDir=d\nclientPort=1\n4lw.commands.whitelist=*')[0], undefined);
  t.is(warningsOf('dataDir=d\nclientPort=1\n4lw.commands.whitelist=rouk')[0]?.remedy, 'did you mean ruok?');
});

test('dynamicConfigFile: the members stand there, with the version, and its mistakes have their place in it', (t) => {
  const text = 'dataDir=d\ninitLimit=1\nsyncLimit=1\ndynamicConfigFile=zoo.dynamic\n';
  const with_ = (dynamic: string | null, more = '') =>
    decodeConfig({
      file: 'zoo.cfg',
      text: text + more,
      readText: (path) => (path === 'zoo.dynamic' ? dynamic : '1'),
      ownAddresses: [],
    });
  const members = `${three.replace(/3888$/m, '3888;2181')}\nversion=100000007\n`;
  const read = with_(members);
  t.true(E.isRight(read));
  if (E.isLeft(read)) return;
  t.deepEqual(read.right.dynamic, { file: 'zoo.dynamic', version: '100000007' });
  t.deepEqual(read.right.servers.map((s) => s.id), [1, 2, 3]); // prettier-ignore
  t.is(good('dataDir=d\nclientPort=1').dynamic, null);
  const said = (e: ReturnType<typeof with_>): string => (E.isLeft(e) ? e.left.map(explainConfigError).join('\n') : '');
  t.regex(said(with_(null)), /zoo\.cfg:4:19: error: dynamicConfigFile: the file cannot be read/);
  t.regex(said(with_(`server.1=a\n${members}`)), /^zoo\.dynamic:1:10: error: server\.1: /m);
  t.regex(said(with_(`tickTime=5\n${members}`)), /zoo\.dynamic:1:1: error: tickTime: does not belong/);
  t.regex(said(with_(members, 'server.1=a:1:2')), /zoo\.cfg:5:1: error: server\.1: stands in zoo\.cfg, but/);
});

test('a key given twice, a low retain count and an even ensemble are warnings', (t) => {
  const told = warningsOf('dataDir=a\ndataDir=b\nclientPort=1\nautopurge.snapRetainCount=1');
  t.deepEqual(told.map((w) => [w.line, w.field]), [[2, 'dataDir'], [4, 'autopurge.snapRetainCount']]); // prettier-ignore
  t.is(good('dataDir=a\ndataDir=b').dataDir, 'b');
  t.is(good('dataDir=a\nautopurge.snapRetainCount=1').snapRetainCount, 3);
  const four = warningsOf(`${ensemble}server.4=zoo4:2888:3888`);
  t.regex(four.map(explainConfigError).join(), /4 servers bear the loss of no more of them than 3 do/);
});

test("a server line with an address that this machine has not is noticed when it is this server's", (t) => {
  const text =
    'dataDir=d\nclientPort=1\ninitLimit=1\nsyncLimit=1\nserver.1=10.0.0.9:2:3\nserver.2=b:2:3\nserver.3=c:2:3';
  const warned = (own: readonly string[]): boolean => {
    const decoded = decode(text, '1', own);
    return E.isRight(decoded) && decoded.right.warnings.some((w) => w.found === '10.0.0.9');
  };
  t.true(warned(['127.0.0.1', '10.0.0.1']));
  t.false(warned(['10.0.0.9']));
});

test('limits of sessions must fit together', (t) => {
  t.regex(
    errors('dataDir=d\nclientPort=1\nminSessionTimeout=9\nmaxSessionTimeout=8').join(),
    /below minSessionTimeout \(9 ms\)/,
  );
  t.is(good('dataDir=d\ntickTime=10\nminSessionTimeout=-1').minSessionTimeoutMs, 20);
  t.regex(errors('dataDir=d\nclientPortAddress=::1').join(), /clientPortAddress: is set, but clientPort is not/);
});

test('loadConfig reads the file and its myid; a file that is missing is an error like any other', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'zoo-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'zoo.cfg'), ensemble.replace('/var/zk', dir));
  writeFileSync(join(dir, 'myid'), '2\n');
  const loaded = loadConfig(join(dir, 'zoo.cfg'));
  t.is(E.isRight(loaded) && loaded.right.self, 2);
  t.regex(JSON.stringify(loadConfig(join(dir, 'none.cfg'))), /the file cannot be read/);
});

test('Java properties: separators, escapes, joined lines, comments and places', (t) => {
  const text = '  a=1\n! no\nb : two words  \nc\\ d\te\n x=one,\\\n    two\\u00e4\\\\\n#=\nempty\n\\#k=\\t!\r\nlast=\\';
  const { properties, badEscapes } = parseProperties(text);
  t.deepEqual(badEscapes, []);
  t.deepEqual(properties.map((p) => [p.key, p.value, p.keyAt.line, p.keyAt.column, p.valueAt.line, p.valueAt.column]), [
    ['a', '1', 1, 3, 1, 5],
    ['b', 'two words', 3, 1, 3, 5],
    ['c d', 'e', 4, 1, 4, 6],
    ['x', 'one,two\u00e4\\', 5, 2, 5, 4],
    ['empty', '', 8, 1, 8, 6],
    ['#k', '!', 9, 1, 9, 5],
    ['last', '', 10, 1, 10, 6],
  ]); // prettier-ignore
  t.deepEqual(parseProperties('a=\\u00g1').badEscapes, [{ at: { line: 1, column: 3 }, found: '\\u00g1' }]);
  t.regex(errors('dataDir=\\u00g1\nclientPort=1').join(), /zoo\.cfg:1:9: error: text: a backslash and u/);
});

test('Java properties: what is escaped on writing is read back', (t) => {
  const escape = (s: string): string =>
    [...s].map((c) => (/[a-z0-9]/.test(c) ? c : [...new Array(c.length).keys()].map((i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''))).join(''); // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string())), (pairs) => {
      const { properties } = parseProperties(pairs.map(([k, v]) => `${escape(k)} = ${escape(v)}`).join('\n'));
      t.deepEqual(properties.map((p) => [p.key, p.value]), pairs.map(([k, v]) => [k, v.trim()])); // prettier-ignore
    }),
    { numRuns: 200 },
  );
});

test('no text makes the reader throw, and every place lies within it', (t) => {
  const line = fc.constantFrom(
    'tickTime=',
    'server.1=',
    'a:1:2',
    ':',
    ';',
    '|',
    '\\',
    '\n',
    '[',
    ']',
    '=',
    '#',
    'x',
    ' ',
    '\\u1',
  );
  fc.assert(
    fc.property(fc.array(line), (parts) => {
      const text = parts.join('');
      const decoded = decode(text);
      const told = E.isLeft(decoded) ? decoded.left : decoded.right.warnings;
      const lines = text.split('\n').length;
      for (const e of told) t.true(e.line >= 1 && e.line <= lines && e.column >= 1, explainConfigError(e));
    }),
    { numRuns: 300 },
  );
});

test('nearest: swaps count once, and what is too far away is nothing', (t) => {
  t.is(editDistance('tickTime', 'tcikTime'), 1);
  t.is(editDistance('', 'abc'), 3);
  t.is(nearest('abc', ['xyz']), null);
});

test('SERVER_JVMFLAGS: properties are keys where the file does not set them, the rest is named', (t) => {
  const flags = '-Xmx1g -Dzookeeper.snapCount=7 -Djute.maxbuffer=2048 -Dzookeeper.tickTime=9 -Dzookeeper.nope=1';
  const decoded = decodeConfig({
    file: 'zoo.cfg',
    text: 'dataDir=d\nclientPort=1\ntickTime=5\nzabkeeper.allowUnknownKeys=true',
    readText: () => null,
    ownAddresses: [],
    flags,
  });
  t.true(E.isRight(decoded));
  if (E.isLeft(decoded)) return;
  const { snapCount, maxBufferBytes, tickTimeMs, warnings } = decoded.right;
  t.deepEqual([snapCount, maxBufferBytes, tickTimeMs], [7, 2048, 5]);
  t.deepEqual(warnings.map((w) => [w.file, w.column, w.found]), [
    ['SERVER_JVMFLAGS', 1, '-Xmx1g'],
    ['SERVER_JVMFLAGS', 79, 'zookeeper.nope'],
  ]); // prettier-ignore
});

test('files and the sockets between servers have their keys', (t) => {
  const alone = 'dataDir=d\nclientPort=1\n';
  t.deepEqual(good(alone).storage, { logLimitBytes: null, snapLimitBytes: 4_294_967_296, forceSync: true, createDirs: true }); // prettier-ignore
  t.deepEqual(good(alone).peers, { connectTimeoutMs: 5000, firstMessageMs: null, bindTries: 3, everyAddress: false, keepAlive: false }); // prettier-ignore
  const { storage, peers } = good(
    `${alone}txnLogSizeLimitInKb=2\nsnapSizeLimitInKb=3\nforceSync=no\ndatadir.autocreate=false\ncnxTimeout=7\n` +
      'quorumCnxnTimeoutMs=8\nelectionPortBindRetry=0\nquorumListenOnAllIPs=true\ntcpKeepAlive=true\n',
  );
  t.deepEqual(storage, { logLimitBytes: 2048, snapLimitBytes: 3072, forceSync: false, createDirs: false });
  t.deepEqual(peers, { connectTimeoutMs: 7, firstMessageMs: 8, bindTries: 0, everyAddress: true, keepAlive: true });
});
