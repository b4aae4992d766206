/** The commands that take the place of Apache's scripts, on files that Apache's servers wrote and on servers of ours. */
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { keysPage } from '../../cli/keysPage.js';
import { freePorts } from '../system/ports.js';
import { connectClient, openAcl } from '../system/client.js';
import { vectorBytes, vectorJson } from '../wire/vectors.js';
import { run, start } from './binary.js';

const vectors = 'test/vectors/disk';

const folder = (t: ExecutionContext): string => {
  const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-tools-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

const jsonLines = (text: string): readonly Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

type Dumped = {
  readonly entries: readonly {
    readonly offset: number;
    readonly header: { readonly zxid: string; readonly typeName: string; readonly clientId: string };
  }[];
  readonly endOfEntries: number;
};

test('txnlog dump: the transactions of a log of Apache, each where it stands', async (t) => {
  const { code, stdout } = await run(['txnlog', 'dump', `${vectors}/standard/log.1`, '--json']);
  t.is(code, 0);
  const { entries } = vectorJson<Dumped>('disk/standard/log.1.json');
  t.deepEqual(
    jsonLines(stdout).map((e) => [e['offset'], e['zxid'], e['session'], e['type']]),
    entries.map(({ offset, header: h }) => [offset, h.zxid, h.clientId, h.typeName]),
  );
  const text = await run(['txnlog', 'dump', `${vectors}/standard/log.1`]);
  t.regex(text.stdout, /zxid 0x3 create \/a\/b "base64:AP8=" acl world:anyone:31 ephemeral false parentCVersion 1\n/);
  t.regex(text.stderr, /^22 transactions, up to byte 2060$/m);
});

test('txnlog repair and chop: a checksum is mended, a tail left out, and the file itself stays', async (t) => {
  const dir = folder(t);
  const log = join(dir, 'log.1');
  const whole = vectorBytes('disk/standard/log.1').subarray(0, 2060);
  const bad = Buffer.from(whole);
  bad.writeInt32BE(7, 181 + 4); // the checksum of the third entry
  writeFileSync(log, bad);
  const damaged = await run(['txnlog', 'dump', log]);
  t.is(damaged.code, 1);
  t.regex(damaged.stderr, /is damaged at byte 181 .*; valid entries go on at byte 284/);
  const mended = await run(['txnlog', 'repair', log, '--json']);
  t.is(mended.code, 0, mended.stderr);
  t.deepEqual(jsonLines(mended.stdout)[0], { entries: 22, mended: [181], file: `${log}.fixed` });
  t.deepEqual(readFileSync(`${log}.fixed`), whole);
  t.deepEqual(readFileSync(log), bad);
  t.regex((await run(['txnlog', 'repair', `${log}.fixed`])).stdout, /nothing to mend/);
  const chopped = await run(['txnlog', 'chop', `${log}.fixed`, '--zxid', '0x5', '--json']);
  t.deepEqual(jsonLines(chopped.stdout)[0], { file: `${log}.fixed.chopped`, last: '0x5', left_out: 17 });
  t.deepEqual(readFileSync(`${log}.fixed.chopped`), whole.subarray(0, 499));
  t.is((await run(['txnlog', 'chop', log, '--zxid', '0x99'])).code, 1);
  t.is((await run(['txnlog', 'chop', log, '--zxid', 'x'])).code, 2);
  t.is((await run(['txnlog', 'dump', `${vectors}/standard/snapshot.16`])).code, 21);
});

test('snapshot dump: what the toolkit of Apache prints of its own files, but that it counts the root twice', async (t) => {
  for (const [file, output] of [
    ['standard/snapshot.16', 'std.snapshot.16'],
    ['gzip/snapshot.16.gz', 'gz.snapshot.16.gz'],
    ['snappy/snapshot.16.snappy', 'snappy.snapshot.16.snappy'],
  ] as const) {
    const apaches = vectorBytes(`disk/apache-tool-output/${output}.txt`).toString('utf8');
    const { code, stdout } = await run(['snapshot', 'dump', `${vectors}/${file}`, '--data']);
    t.is(code, 0);
    // Nodes and sessions come in the order of hash tables there.
    const sorted = (text: string): readonly string[] => text.replace('count=14', 'count=13').split('----\n').toSorted();
    const sessions = (text: string): string => text.replace(/(0x\w+, .*\n)(0x\w+, .*\n)/, (_, a: string, b: string) => [a, b].toSorted().join('')); // prettier-ignore
    t.deepEqual(sorted(sessions(stdout)), sorted(sessions(apaches)), file);
  }
  const rows = jsonLines((await run(['snapshot', 'dump', `${vectors}/standard/snapshot.16`, '--json'])).stdout);
  t.deepEqual(rows.at(-1), { last_zxid: '0x16', nodes: 13 });
});

test('snapshot compare and summary: what differs, what weighs, and an exit code that says so', async (t) => {
  const [early, late] = [`${vectors}/standard/snapshot.0`, `${vectors}/standard/snapshot.16`];
  const same = await run(['snapshot', 'compare', late, `${vectors}/standard/snapshot.16`]);
  t.is(same.code, 0);
  const differ = await run(['snapshot', 'compare', early, late, '--json', '--nodes', '2']);
  t.is(differ.code, 1);
  t.deepEqual(
    jsonLines(differ.stdout)
      .slice(0, -1)
      .map((d) => [d['path'], d['kind'], d['nodes'], d['bytes']]),
    [['/', 'changed', 9, 8], ['/a', 'only right', 4, 7]], // prettier-ignore
  );
  const { stdout } = await run(['snapshot', 'summary', late, '/a', '--json']);
  t.deepEqual(jsonLines(stdout)[0], { path: '/a', children: 3, bytes: 7 });
  t.is((await run(['snapshot', 'summary', late, '/none'])).code, 1);
  t.is((await run(['snapshot', 'compare', late, 'nowhere'])).code, 21);
});

test('init, serve, status, cleanup, snapshot restore, stop: the life of a server by its configuration', async (t) => {
  const dir = folder(t);
  const [port] = await freePorts(1);
  const file = join(dir, 'zoo.cfg');
  const data = join(dir, 'data');
  writeFileSync(file, `dataDir=${data}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\npreAllocSize=64\n`); // prettier-ignore
  t.is((await run(['status', file])).code, 1);
  const made = await run(['init', file, '--myid', '7', '--json']);
  t.is(made.code, 0, made.stdout);
  t.is(readFileSync(join(data, 'myid'), 'utf8'), '7\n');
  t.true(existsSync(join(data, 'initialize')) && existsSync(join(data, 'version-2')));
  const server = start(['serve', file]);
  t.teardown(() => server.child.kill('SIGKILL'));
  await server.says(/LEADING BROADCAST/);
  const status = await run(['status', file, '--json']);
  t.is(status.code, 0, status.stdout);
  t.like(jsonLines(status.stdout)[0], { mode: 'standalone', pid: server.child.pid, port });
  t.regex((await run(['status', file])).stdout, /^Mode: standalone$/m);
  const client = await connectClient(port ?? 0);
  t.is((await client.call({ op: 'create', path: '/gone', data: null, acl: openAcl, flags: 0 })).err, 0);
  client.cut();
  t.is((await run(['init', file, '--force'])).code, 1, 'a running server keeps its data');
  const busy = await run(['snapshot', 'restore', `${vectors}/standard/snapshot.16`, '--config', file]);
  t.is(busy.code, 1);
  t.regex(busy.stderr, /is in use by process/);
  const stopped = await run(['stop', file]);
  t.is(stopped.code, 0, stopped.stderr);
  t.is((await server.ended).code, 0);
  t.is((await run(['stop', file])).code, 1);
  t.is((await run(['init', file])).code, 1, 'data is not removed unasked');

  const restored = await run(['snapshot', 'restore', `${vectors}/standard/snapshot.16`, '--config', file, '--json']);
  t.is(restored.code, 0, restored.stderr);
  t.like(jsonLines(restored.stdout)[0], { last_zxid: '0x16' });
  t.deepEqual(readdirSync(join(data, 'version-2')).filter((name) => /^(log|snapshot)/.test(name)), ['snapshot.16']); // prettier-ignore
  const again = start(['serve', file]);
  t.teardown(() => again.child.kill('SIGKILL'));
  await again.says(/LEADING BROADCAST/);
  const reader = await connectClient(port ?? 0);
  t.is((await reader.call({ op: 'exists', path: '/a/s-0000000002', watch: false })).err, 0);
  t.is((await reader.call({ op: 'exists', path: '/gone', watch: false })).err, -101);
  reader.cut();
  t.is((await run(['stop', file])).code, 0);
  t.is((await again.ended).code, 0);
  for (const zxid of ['17', '18', '19']) cpSync(`${vectors}/standard/snapshot.16`, join(data, 'version-2', `snapshot.${zxid}`)); // prettier-ignore
  const cleaned = await run(['cleanup', file, '--count', '3', '--json']);
  t.is(cleaned.code, 0);
  t.deepEqual(jsonLines(cleaned.stdout)[0], { removed: ['snapshot.16'] });
  t.is((await run(['cleanup', file, '--count', '2'])).code, 2);
});

test('config check: errors with exit 3, warnings with exit 0; config keys is docs/configuration.md', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'zoo.cfg');
  writeFileSync(file, 'dataDir=d\nclientPort=1\nelectionAlg=3\n');
  const fine = await run(['config', 'check', file]);
  t.is(fine.code, 0);
  t.regex(fine.stdout, /:3:1: warning: electionAlg: has no effect here: .*\n.*can be used; 1 warning$/m);
  writeFileSync(file, 'dataDir=d\nclientPort=1\ntickTme=3\n');
  const wrong = await run(['config', 'check', file, '--json']);
  t.is(wrong.code, 3);
  t.like((jsonLines(wrong.stdout)[0] ?? {})['error'], { code: 'BadConfig', exit: 3 });
  t.is((await run(['serve', file])).code, 3);
  const keys = jsonLines((await run(['config', 'keys', '--json'])).stdout);
  t.true(keys.some((k) => k['key'] === 'tickTime' && k['state'] === 'read' && k['default'] === '3000'));
  t.is(readFileSync('docs/configuration.md', 'utf8'), keysPage(), 'zabkeeper config keys --markdown writes it');
});
