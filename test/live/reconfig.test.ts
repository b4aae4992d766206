/** An ensemble that changes while it runs: servers join and leave, observers become voters, a leader leaves. */
import test from 'ava';
import { errorCode } from '../../core/service/error.js';
import type { Reply } from '../../core/service/request.js';
import { openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { openMembers } from './members.js';
import type { Members } from './members.js';

type Change = {
  readonly joining?: string;
  readonly leaving?: string;
  readonly members?: string;
  readonly version?: { readonly epoch: number; readonly counter: number };
};

const reconfig = (client: Client, change: Change): Promise<Reply> =>
  client.call({
    op: 'reconfig',
    joining: change.joining ?? null,
    leaving: change.leaving ?? null,
    members: change.members ?? null,
    version: change.version ?? null,
  });

const dataOf = ({ body }: Reply): string =>
  body.type === 'dataStat' && body.data !== null ? Buffer.from(body.data).toString() : JSON.stringify(body);

const config = async (client: Client): Promise<string> =>
  dataOf(await client.call({ op: 'getData', path: '/zookeeper/config', watch: false }));

const create = async (client: Client, path: string): Promise<number> =>
  (await client.call({ op: 'create', path, data: Buffer.from(path), acl: openAcl, flags: 0 })).err;

const skipAcl = ['skipACL=yes'];

/** Servers 1 to n, all of whom vote. */
const begun = async (m: Members, n: number, settings: readonly string[] = skipAcl): Promise<void> => {
  const ids = Array.from({ length: n }, (_, i) => i + 1);
  for (const id of ids) m.start(id, ids.map((i) => m.line(i)), settings); // prettier-ignore
  await m.waitServing(...ids);
};

const leaderOf = (m: Members, ids: readonly number[]): Promise<number> =>
  eventually('one leads', async () => {
    for (const id of ids) if ((await m.mode(id)) === 'leader') return id;
    return null;
  });

test('F11: a server joins as an observer, becomes a voter, and leaves; the node, its watch and the files follow', async (t) => {
  t.timeout(180_000);
  const m = await openMembers(4);
  t.teardown(m.end);
  await begun(m, 3);
  const admin = await m.client(1);
  const first = await config(admin);
  t.regex(first, /^(server\.[123]=.*:participant;127.0.0.1:\d+\n){3}version=100000000$/);
  const watcher = await m.client(2);
  await watcher.call({ op: 'getData', path: '/zookeeper/config', watch: true });

  m.start(4, [...[1, 2, 3].map((i) => m.line(i)), m.line(4, 'observer')], skipAcl);
  await m.waitServing(4);
  const joined = await reconfig(admin, { joining: m.line(4, 'observer') });
  t.is(joined.err, 0);
  t.true(dataOf(joined).includes(m.line(4, 'observer')));
  await m.until(4, 'observer');
  await eventually('the watch fires', () => (watcher.events.length > 0 ? true : null));
  t.deepEqual(watcher.events[0]?.path, '/zookeeper/config');

  const voting = await reconfig(admin, { joining: m.line(4) });
  t.is(voting.err, 0);
  await m.until(4, 'follower');
  const version = /version=(\w+)$/.exec(dataOf(voting))?.[1] ?? '';
  await eventually('its files name it', () => (m.files(4).includes(`zoo.cfg.dynamic.${version}`) ? true : null));
  t.regex(m.file(4, 'zoo.cfg'), new RegExp(`dynamicConfigFile=.*/zoo\\.cfg\\.dynamic\\.${version}\\n$`));
  t.notRegex(m.file(4, 'zoo.cfg'), /^server\./m);
  t.is(m.file(4, `zoo.cfg.dynamic.${version}`), `${dataOf(voting).split('\n').slice(0, -1).join('\n')}\n`);
  t.true(m.files(1).includes('zoo.cfg.bak'));

  // Four vote: two of them are none any more.
  const leader = await leaderOf(m, [1, 2, 3, 4]);
  const gone = [1, 2, 3].filter((id) => id !== leader).slice(0, 1);
  m.stop(...gone);
  const writer = await m.client(leader);
  t.is(await create(writer, '/three-of-four'), 0);
  m.restart(gone[0] ?? 0);
  await m.waitServing(...gone);

  const last = await m.client(4);
  t.is((await reconfig(last, { leaving: String(gone[0]) })).err, 0);
  t.notRegex(await config(last), new RegExp(`server\\.${gone[0]}=`));
  t.is(await create(last, '/after'), 0);
});

test('F11: a leader that leaves hands over, and a server that starts from its files goes on with the new ones', async (t) => {
  t.timeout(180_000);
  const m = await openMembers(3);
  t.teardown(m.end);
  await begun(m, 3);
  const old = await leaderOf(m, [1, 2, 3]);
  const others = [1, 2, 3].filter((id) => id !== old);
  const admin = await m.client(others[0] ?? 0);
  t.is(await create(admin, '/before'), 0);
  const asked = await reconfig(admin, { leaving: String(old) }).catch(() => null);
  t.true(asked === null || asked.err === 0);
  const next = await leaderOf(m, others);
  t.not(next, old);
  const client = await m.client(next);
  t.notRegex(await config(client), new RegExp(`server\\.${old}=`));
  t.is(await create(client, '/after'), 0);
  m.stop(...others);
  for (const id of others) m.restart(id);
  await m.waitServing(...others);
  const again = await m.client(next);
  t.notRegex(await config(again), new RegExp(`server\\.${old}=`));
  t.is((await again.call({ op: 'exists', path: '/after', watch: false })).err, 0);
});

test('F12: the whole list of members takes the place of the old one', async (t) => {
  t.timeout(120_000);
  const m = await openMembers(4);
  t.teardown(m.end);
  await begun(m, 3);
  m.start(4, [1, 2, 3, 4].map((i) => m.line(i)), skipAcl); // prettier-ignore
  await m.waitServing(4);
  const admin = await m.client(await leaderOf(m, [1, 2, 3]));
  const wanted = [m.line(1), m.line(2), m.line(3, 'observer'), m.line(4)];
  const reply = await reconfig(admin, { members: wanted.join('\n') }).catch(() => null);
  t.true(reply === null || reply.err === 0);
  await m.until(3, 'observer');
  const client = await m.client(4);
  t.is((await config(client)).split('\n').slice(0, -1).join('\n'), wanted.join('\n'));
  t.is(await create(client, '/whole'), 0);
});

test('F13: what stands against a reconfig is said in order', async (t) => {
  t.timeout(120_000);
  const m = await openMembers(4);
  t.teardown(m.end);
  await begun(m, 3, []);
  const admin = await m.client(1);
  const err = async (change: Change): Promise<number> => (await reconfig(admin, change)).err;
  t.is(await err({ leaving: '3', version: { epoch: 7, counter: 7 } }), errorCode.badVersion);
  t.is(await err({ joining: 'server.4=nothing' }), errorCode.badArguments);
  t.is(await err({ leaving: 'abc' }), errorCode.marshallingError);
  t.is(await err({ leaving: '2,3' }), errorCode.badArguments);
  // Another server's ports, also on loopback.
  t.is(await err({ joining: `server.4=${m.value(3)}` }), errorCode.badArguments);
  t.is(await err({ members: [m.line(1), m.line(4)].join(',') }), errorCode.newConfigNoQuorum);
  t.is(await err({ leaving: '3' }), errorCode.noAuth);
  t.regex(await config(admin), /server\.3=/);
  t.is(await create(admin, '/still'), 0);
});

test('F15: a server alone, whose ensemble may grow, leads and takes others in', async (t) => {
  t.timeout(120_000);
  const m = await openMembers(2);
  t.teardown(m.end);
  const settings = [...skipAcl, 'standaloneEnabled=false'];
  m.start(1, [m.line(1)], settings);
  await m.until(1, 'leader');
  const admin = await m.client(1);
  t.is(await create(admin, '/alone'), 0);
  m.start(2, [m.line(1), m.line(2)], settings);
  await m.waitServing(2);
  t.is((await reconfig(admin, { joining: m.line(2) })).err, 0);
  await m.until(2, 'follower');
  const client = await m.client(2);
  t.is((await client.call({ op: 'exists', path: '/alone', watch: false })).err, 0);
  t.is(await create(client, '/two'), 0);
  t.is((await reconfig(client, { leaving: '2' })).err, 0);
  t.is(await create(admin, '/one-again'), 0);
});

test('F13: without reconfigEnabled a reconfig is refused, and versions of others are nothing', async (t) => {
  const m = await openMembers(3);
  t.teardown(m.end);
  await begun(m, 3, ['reconfigEnabled=false']);
  const admin = await m.client(2);
  t.is((await reconfig(admin, { leaving: '3' })).err, errorCode.reconfigDisabled);
  t.regex(await config(admin), /version=0$/);
});
