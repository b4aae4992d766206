/** Group F of the table of features: what an ensemble is to its users, in good days and when servers fail. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest } from '../../core/service/request.js';
import { startEmbedded } from '../../shell/embedded.js';
import { openMembers } from '../live/members.js';
import { brokenPromises, startLoad } from '../system/load.js';
import { freePorts } from '../system/ports.js';
import { askServed, create, done, errOf, eventually, exists, flags, getData, row, setData, sync, textOf } from './frame.js'; // prettier-ignore
import type { Client, Servers } from './frame.js';

const modes = (servers: Servers): Promise<readonly (string | undefined)[]> =>
  Promise.all(servers.members.map(async ({ id }) => (await servers.served(id))?.mode));

const reconfig = (change: {
  readonly joining?: string;
  readonly leaving?: string;
  readonly members?: string;
  readonly version?: { readonly epoch: number; readonly counter: number };
}): ClientRequest => ({
  op: 'reconfig',
  joining: change.joining ?? null,
  leaving: change.leaving ?? null,
  members: change.members ?? null,
  version: change.version ?? null,
});

const config = async (c: Client): Promise<string> => textOf(await done(c, getData('/zookeeper/config'))) ?? '';

/** A client of any of these servers that takes one: a server that has just changed its part may cut a connection. */
const connected = (connect: () => Promise<Client>): Promise<Client> =>
  eventually('a client is served', () => connect().catch(() => null));

row(
  'F1',
  'a server alone says that it stands alone',
  async ({ t, servers, clientOf }) => {
    const alone = await servers({ size: 1 });
    t.is((await alone.served(1))?.mode, 'standalone');
    const c = await clientOf(alone.portOf(1));
    await done(c, create('/alone', 'x'));
    t.is(textOf(await done(c, getData('/alone'))), 'x');
  },
  { alone: true },
);

row(
  'F2',
  'one leads, the others follow, and what is written through one is read through all',
  async ({ t, path, ports, client }) => {
    const served = await Promise.all(ports.map(askServed));
    t.deepEqual(served.map((s) => s?.mode).sort(), ['follower', 'follower', 'leader']);
    for (const [n] of ports.entries()) {
      await done(await client(n), create(`${path}-${n}`, `by ${n}`));
      for (const [m] of ports.entries()) {
        const reader = await client(m);
        await done(reader, sync('/'));
        t.is(textOf(await done(reader, getData(`${path}-${n}`))), `by ${n}`);
      }
    }
  },
);

row(
  'F3',
  'a leader that dies is replaced; writes that were acknowledged and sessions live on',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const leader = await three.leader();
    const [one = 0, two = 0] = three.members.map((m) => m.id).filter((id) => id !== leader);
    const c = await clientOf(three.portOf(one));
    await done(c, create('/kept', 'x'));
    await done(c, create('/mine', null, flags.ephemeral));
    c.cut();
    await three.kill(leader);
    await three.waitServing(one, two);
    t.not(await three.leader(), leader);
    const { session, password } = c.session;
    const again = await connected(() => clientOf(three.portOf(two), { session, password }));
    t.is(again.session.session, session);
    await done(again, sync('/'));
    t.is(textOf(await done(again, getData('/kept'))), 'x');
    t.is(await errOf(again, exists('/mine')), 0);
    three.start(leader);
    await three.waitServing(leader);
    t.is(await errOf(await clientOf(three.portOf(leader)), exists('/kept')), 0);
  },
  { alone: true },
);

row(
  'F4',
  'a minority serves nobody, and goes on when there is a quorum',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const leader = await three.leader();
    const [one = 0, two = 0] = three.members.map((m) => m.id).filter((id) => id !== leader);
    const c = await clientOf(three.portOf(leader));
    await done(c, create('/before'));
    await three.kill(one, two);
    await eventually('nobody is served', async () => ((await three.served(leader)) === null ? true : null));
    t.is(await c.call(create('/never')).then((r) => r.err === 0, () => false), false); // prettier-ignore
    three.start(one);
    await three.waitServing(one, leader);
    const again = await connected(() => clientOf(three.portOf(one)));
    t.is(await errOf(again, exists('/before')), 0);
    await done(again, create('/after'));
  },
  { alone: true },
);

row(
  'F5',
  'a follower that was away catches up: a little behind, and with an empty disk',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const leader = await three.leader();
    const late = three.members.find((m) => m.id !== leader);
    const c = await clientOf(three.portOf(leader));
    for (const empty of [false, true]) {
      await three.kill(late?.id ?? 0);
      if (empty) rmSync(join(late?.dir ?? '', 'version-2'), { recursive: true });
      for (let i = 0; i < 20; i += 1) await done(c, create(`/behind-${empty}-${i}`));
      three.start(late?.id ?? 0);
      await three.waitServing(late?.id ?? 0);
      const reader = await connected(() => clientOf(three.portOf(late?.id ?? 0)));
      await done(reader, sync('/'));
      for (let i = 0; i < 20; i += 1) t.is(await errOf(reader, exists(`/behind-${empty}-${i}`)), 0);
    }
  },
  { alone: true },
);

row(
  'F6',
  'an observer serves reads and writes, and does not vote',
  async ({ t, servers, clientOf }) => {
    const four = await servers({ size: 4, observers: 1 });
    t.deepEqual([...(await modes(four))].sort(), ['follower', 'follower', 'leader', 'observer']);
    t.is((await four.served(4))?.mode, 'observer');
    const c = await clientOf(four.portOf(4));
    await done(c, create('/observed', 'x'));
    t.is(textOf(await done(c, getData('/observed'))), 'x');
    await four.kill(4);
    const voter = await clientOf(four.portOf(1));
    await done(voter, create('/without'));
  },
  { alone: true },
);

row(
  'F8',
  'groups and weights decide the quorum: a server that weighs more than the others goes on alone',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: ['group.1=1:2:3', 'weight.1=3', 'weight.2=1', 'weight.3=1'] });
    await done(await clientOf(three.portOf(2)), create('/weighed'));
    await three.kill(2, 3);
    await three.waitServing(1);
    const c = await connected(() => clientOf(three.portOf(1)));
    t.is(await errOf(c, exists('/weighed')), 0);
    await done(c, create('/alone'));
    three.start(2, 3);
    await three.waitServing();
    await three.kill(1);
    await eventually('two of three are none', async () => ((await three.served(2)) ?? (await three.served(3)) === null ? true : null)); // prettier-ignore
  },
  { alone: true },
);

const changing = ['reconfigEnabled=true', 'skipACL=yes'];

row(
  'F11',
  'a server leaves and comes back while the others serve; the node and its watch say so',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: changing });
    const leader = await three.leader();
    const [mover = 0, other = 0] = three.members.map((m) => m.id).filter((id) => id !== leader);
    const c = await clientOf(three.portOf(other));
    const before = await config(c);
    t.regex(before, /version=100000000$/);
    const watcher = await clientOf(three.portOf(leader));
    await done(watcher, getData('/zookeeper/config', true));
    await done(c, reconfig({ leaving: String(mover) }));
    t.notRegex(await config(c), new RegExp(`^server\\.${mover}=`, 'm'));
    await eventually('the watch fires', () => (watcher.events.length > 0 ? true : null));
    t.deepEqual(
      watcher.events.map((e) => e.path),
      ['/zookeeper/config'],
    );
    const address = new RegExp(`^(server\\.${mover}=[^;\\n]*)`, 'm').exec(before)?.[1] ?? '';
    const joined = await done(c, reconfig({ joining: `${address};127.0.0.1:${three.portOf(mover)}` }));
    t.regex(textOf(joined) ?? '', new RegExp(`^server\\.${mover}=`, 'm'));
    await three.kill(other);
    await done(await connected(() => clientOf(three.portOf(mover))), create('/with-it'));
  },
  { alone: true },
);

row(
  'F12',
  'the whole list of members takes the place of the old one',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: changing });
    const leader = await three.leader();
    const c = await clientOf(three.portOf(leader));
    const before = await config(c);
    const gone = three.members.map((m) => m.id).find((id) => id !== leader) ?? 0;
    const members = before
      .split('\n')
      .slice(0, -1)
      .filter((line) => !line.startsWith(`server.${gone}=`))
      .map((line) => (line.includes(';') ? line : `${line};127.0.0.1:${three.portOf(Number(/\d+/.exec(line)?.[0]))}`));
    await done(c, reconfig({ members: members.join('\n') }));
    const ids = [...(await config(c)).matchAll(/^server\.(\d)=/gm)].map((m) => Number(m[1]));
    t.deepEqual(ids, [1, 2, 3].filter((id) => id !== gone)); // prettier-ignore
    await done(c, create('/two'));
  },
  { alone: true },
);

row(
  'F13',
  'a reconfig is refused for its version, its words, a quorum that is not there, and to who may not write the node',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: ['reconfigEnabled=true'] });
    const c = await clientOf(three.portOf(1));
    t.is(await errOf(c, reconfig({ leaving: '3', version: { epoch: 7, counter: 7 } })), errorCode.badVersion);
    t.is(await errOf(c, reconfig({ joining: 'server.4=nothing' })), errorCode.badArguments);
    t.is(await errOf(c, reconfig({ leaving: '2,3' })), errorCode.badArguments);
    t.is(await errOf(c, reconfig({ leaving: 'abc' })), errorCode.marshallingError);
    const free = await freePorts(9);
    const [clientPort] = free;
    const joining = [4, 5, 6, 7]
      .map((id, i) => `server.${id}=127.0.0.1:${free[2 * i + 1]}:${free[2 * i + 2]};${clientPort}`)
      .join(',');
    t.is(await errOf(c, reconfig({ joining })), errorCode.newConfigNoQuorum);
    t.is(await errOf(c, reconfig({ leaving: '3' })), errorCode.noAuth);
    t.regex(await config(c), /^server\.3=/m);
  },
  { alone: true },
);

row('F13', 'without reconfigEnabled a reconfig is refused', async ({ t, client }) => {
  t.is(await errOf(await client(1), reconfig({ leaving: '3' })), errorCode.reconfigDisabled);
});

row(
  'F14',
  'the members move into a file beside zoo.cfg that bears the version, and a restart goes by it',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, settings: changing });
    const leader = await three.leader();
    const c = await clientOf(three.portOf(leader));
    const gone = three.members.map((m) => m.id).find((id) => id !== leader) ?? 0;
    const text = textOf(await done(c, reconfig({ leaving: String(gone) }))) ?? '';
    const name = `zoo.cfg.dynamic.${/version=(\w+)$/.exec(text)?.[1]}`;
    const dir = three.members[leader - 1]?.dir ?? '';
    await eventually('the file is there', () => (readdirSync(dir).includes(name) ? true : null));
    await eventually('zoo.cfg names it', () =>
      readFileSync(join(dir, 'zoo.cfg'), 'utf8').includes(`dynamicConfigFile=${join(dir, name)}`) ? true : null,
    );
    t.notRegex(readFileSync(join(dir, 'zoo.cfg'), 'utf8'), /^server\./m);
    t.is(readFileSync(join(dir, name), 'utf8').trim(), text.split('\n').slice(0, -1).join('\n'));
    const kept = three.members.map((m) => m.id).filter((id) => id !== gone);
    await three.kill();
    three.start(...kept);
    await three.waitServing(...kept);
    t.is(await config(await connected(() => clientOf(three.portOf(leader)))), text);
  },
  { alone: true },
);

row(
  'F16',
  'with leaderServes=no the leader takes no clients, and the followers do',
  async ({ t, clientOf }) => {
    const m = await openMembers(3);
    t.teardown(m.end);
    const lines = [1, 2, 3].map((id) => m.line(id));
    for (const id of [1, 2, 3]) m.start(id, lines, ['leaderServes=no']);
    const serving = async (): Promise<readonly number[]> => {
      const all = await Promise.all([1, 2, 3].map(async (id) => ((await m.mode(id)) === 'follower' ? [id] : [])));
      return all.flat();
    };
    const followers = await eventually('two follow', async () => {
      const ids = await serving();
      return ids.length === 2 ? ids : null;
    });
    const leader = [1, 2, 3].find((id) => !followers.includes(id)) ?? 0;
    const c = await clientOf(m.port(followers[0] ?? 0));
    await done(c, create('/by-a-follower'));
    await t.throwsAsync(clientOf(m.port(leader)));
  },
  { alone: true, oursOnly: true },
);

/** A write that was answered: its version, and when it was asked for and answered. */
type Written = { readonly version: number; readonly data: string; readonly from: number; readonly to: number };

row(
  'F17',
  'writes are linearizable and reads of a client never go back, while leaders die',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const ids = three.members.map((m) => m.id);
    await done(await clientOf(three.portOf(1)), create('/register', 'first'));
    const written: Written[] = [];
    const wentBack: string[] = [];
    let over = false;
    const run = async (n: number): Promise<void> => {
      for (let i = 0, at = n, least = 0; !over; i += 1) {
        const c = await clientOf(three.portOf(ids[at % ids.length] ?? 1)).catch(() => null);
        if (c === null) {
          at += 1;
          await new Promise((later) => setTimeout(later, 20));
          continue;
        }
        // Another server may be behind: what this client has seen it sees again after a sync.
        await c.call(sync('/')).catch(() => null);
        for (; !over && c.isOpen(); i += 1) {
          const data = `${n}-${i}`;
          const from = performance.now();
          const reply = await c.call(i % 3 === 0 ? setData('/register', data) : getData('/register')).catch(() => null);
          if (reply === null || reply.err !== 0 || !('stat' in reply.body)) break;
          const { version } = reply.body.stat;
          if (version < least) wentBack.push(`client ${n}: ${version} after ${least}`);
          least = version;
          if (i % 3 === 0) written.push({ version, data, from, to: performance.now() });
          else if (reply.body.type === 'dataStat') {
            const same = written.find((w) => w.version === version);
            const text = Buffer.from(reply.body.data ?? []).toString();
            if (same !== undefined && same.data !== text)
              wentBack.push(`version ${version}: ${text}, not ${same.data}`);
          }
        }
        c.cut();
        at += 1;
      }
    };
    const clients = [0, 1, 2, 3].map(run);
    for (let round = 0; round < 3; round += 1) {
      const before = written.length;
      await eventually('writes go on', () => (written.length > before + 60 ? true : null));
      const leader = await three.leader();
      await three.kill(leader);
      await eventually('another leads', async () => ((await three.leader()) === leader ? null : true));
      three.start(leader);
    }
    over = true;
    await Promise.all(clients);
    t.deepEqual(wentBack, []);
    const byVersion = written.toSorted((a, b) => a.version - b.version);
    t.is(new Set(byVersion.map((w) => w.version)).size, byVersion.length);
    // Whoever was answered before another asked comes before it.
    let latest = Number.NEGATIVE_INFINITY;
    const late = byVersion.filter((w) => {
      const isLate = w.to < latest;
      latest = Math.max(latest, w.from);
      return isLate;
    });
    t.deepEqual(late, []);
    t.true(written.length > 150);
  },
  { alone: true },
);

row(
  'F18',
  'all servers end and start again: acknowledged writes, sessions and ephemerals are back',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3, processes: true });
    const c = await clientOf(three.portOf(1));
    await done(c, create('/durable', 'x'));
    await done(c, create('/mine', null, flags.ephemeral));
    const { session, password } = c.session;
    await three.kill();
    three.start();
    await three.waitServing();
    const again = await connected(() => clientOf(three.portOf(2), { session, password }));
    await done(again, sync('/'));
    t.is(textOf(await done(again, getData('/durable'))), 'x');
    t.is(await errOf(again, exists('/mine')), 0);
  },
  { alone: true },
);

row(
  'F3',
  'a rolling restart loses no session and no write',
  async ({ t, servers, clientOf }) => {
    const three = await servers({ size: 3 });
    const ports = three.members.map((m) => m.clientPort);
    const c = await clientOf(three.portOf(1));
    await done(c, create('/rolled', null, flags.ephemeral));
    const { session, password } = c.session;
    const load = await startLoad({ ports, name: 'rolling' });
    for (const { id } of three.members) {
      await load.acknowledged(50);
      await three.kill(id);
      const next = await connected(() => clientOf(three.portOf((id % 3) + 1), { session, password }));
      t.is(next.session.session, session);
      three.start(id);
      await three.waitServing(id);
    }
    await load.acknowledged(50);
    await load.stop();
    t.deepEqual((await brokenPromises(ports, load.promised)).slice(0, 3), []);
    const again = await connected(() => clientOf(three.portOf(3), { session, password }));
    t.is(again.session.session, session);
    t.is(await errOf(again, exists('/rolled')), 0);
  },
  { alone: true },
);

row(
  'F19',
  'snapshots and new log files appear as snapCount says',
  async ({ t, servers, clientOf }) => {
    const alone = await servers({ size: 1, settings: ['snapCount=20', 'preAllocSize=64'] });
    const c = await clientOf(alone.portOf(1));
    for (let i = 0; i < 90; i += 1) await done(c, create(`/rolled-${i}`));
    const dir = join(alone.members[0]?.dir ?? '', 'version-2');
    const files = (kind: string): number => readdirSync(dir).filter((f) => new RegExp(`^${kind}\\.[0-9a-f]+$`).test(f)).length; // prettier-ignore
    await eventually('snapshots are there', () => (files('snapshot') > 2 ? true : null));
    t.true(files('log') > 2);
    t.true(files('log') < 30);
  },
  { alone: true },
);

for (const [method, magic] of [
  ['gz', '1f8b'],
  ['snappy', '82534e4150505900'],
] as const)
  row(
    'F20',
    `snapshots are packed with ${method}, and read back`,
    async ({ t, servers, clientOf }) => {
      const settings = [`snapshot.compression.method=${method}`, 'snapCount=20'];
      const alone = await servers({ size: 1, settings });
      const c = await clientOf(alone.portOf(1));
      for (let i = 0; i < 60; i += 1) await done(c, create(`/packed-${i}`, 'what repeats '.repeat(20)));
      const dir = join(alone.members[0]?.dir ?? '', 'version-2');
      const packed = await eventually('a snapshot is there', () =>
        readdirSync(dir).find((name) => new RegExp(`^snapshot\\.[1-9a-f]\\w*\\.${method}$`).test(name)) ?? null,
      ); // prettier-ignore
      t.is(readFileSync(join(dir, packed)).subarray(0, magic.length / 2).toString('hex'), magic); // prettier-ignore
      await alone.kill();
      alone.start();
      await alone.waitServing();
      const again = await clientOf(alone.portOf(1));
      for (let i = 0; i < 60; i += 1) t.is(await errOf(again, exists(`/packed-${i}`)), 0);
    },
    { alone: true, oursOnly: true },
  );

row(
  'F24',
  'a server is started from code, serves, and starts again over its files',
  async ({ t, clientOf }) => {
    const dir = mkdtempSync(join(tmpdir(), 'zabkeeper-embedded-'));
    t.teardown(() => rmSync(dir, { recursive: true, force: true }));
    const [port = 0] = await freePorts(1);
    const settings = { clientPort: port, clientPortAddress: '127.0.0.1', tickTime: 300 };
    for (const path of ['/first', '/second']) {
      const started = startEmbedded({ dir, settings });
      if (E.isLeft(started)) return t.fail(started.left.join('\n'));
      t.teardown(started.right.stop);
      t.true(await started.right.serves(10_000));
      t.is(started.right.connectString, `127.0.0.1:${port}`);
      const c = await clientOf(port);
      t.is(await errOf(c, exists('/first')), path === '/first' ? errorCode.noNode : 0);
      await done(c, create(path));
      started.right.stop();
    }
    const wrong = startEmbedded({ dir, settings: { clientPort: 'none' } });
    t.true(E.isLeft(wrong) && wrong.left.some((line) => line.includes('clientPort')));
  },
  { alone: true, oursOnly: true },
);
