/**
 * Group I of the table of features: traps of Apache's server 3.9.4. Each row says that our answer is sane; several of
 * these tests end Apache's servers.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { errorCode } from '../../core/service/error.js';
import type { ClientRequest } from '../../core/service/request.js';
import { decodeConfig } from '../../shell/config.js';
import { runServer } from '../../shell/server.js';
import { openMemoryDisk } from '../../shell/storage/memoryDisk.js';
import { encodeRequest } from '../../wire/client.js';
import { encodeInitialMessage } from '../../wire/election.js';
import { freePorts } from '../system/ports.js';
import {
  askServed,
  create,
  done,
  errOf,
  eventually,
  exists,
  getData,
  openAcl,
  remove,
  row,
  setData,
  sleep,
  superAuth,
  superDigest,
  sync,
  textOf,
} from './frame.js';

/** A request under an opcode and with a body of our own. */
const rawRequest = (xid: number, opcode: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(12);
  head.writeInt32BE(8 + body.length, 0);
  head.writeInt32BE(xid, 4);
  head.writeInt32BE(opcode, 8);
  return Buffer.concat([head, body]);
};

row(
  'I1',
  'a createTTL without the flags of one is refused, and the server goes on',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const one = await servers({ size: 1, settings: ['extendedTypesEnabled=true'] });
    const c = await clientOf(one.portOf(1));
    const request: ClientRequest = { op: 'createTTL', path, data: null, acl: openAcl, flags: 0, ttl: -1 };
    t.is(await errOf(c, request), errorCode.badArguments);
    t.is(await errOf(c, create(path)), errorCode.ok);
    await one.kill();
    one.start();
    await one.waitServing();
    t.is(await errOf(await clientOf(one.portOf(1)), exists(path)), errorCode.ok);
  },
  { alone: true },
);

row(
  'I2',
  'a quota on the root is refused, and the server goes on',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1 });
    const c = await clientOf(one.portOf(1));
    t.is(await errOf(c, create('/zookeeper/quota/zookeeper_limits', 'count=5,bytes=-1')), errorCode.badArguments);
    t.is(await errOf(c, create(path)), errorCode.ok);
  },
  { alone: true },
);

row('I3', "deleteContainer is no client's request", async ({ t, path, client }) => {
  const [c, other] = [await client(0), await client(1)];
  await done(c, { ...create(path), acl: [{ perms: 1, scheme: 'world', id: 'anyone' }] });
  t.is(await errOf(c, { op: 'deleteContainer', path }), errorCode.unimplemented);
  await c.ended;
  await done(other, sync(path));
  t.is(await errOf(other, exists(path)), errorCode.ok);
});

row('I4', 'a wrong password does not cut the connection of who has the right one', async ({ t, path, client }) => {
  const owner = await client();
  await done(owner, create(path));
  const { session } = owner.session;
  await t.throwsAsync(client(0, { session, password: Buffer.alloc(16, 1) }), { message: /not valid/ });
  t.is(await errOf(owner, setData(path, 'x')), errorCode.ok);
});

row('I5', "createSession is no client's request", async ({ t, client }) => {
  const c = await client();
  const reply = await c.ask(rawRequest(7, -10, Buffer.from([0, 0, 0x75, 0x30])), 'unknown');
  t.deepEqual([reply.xid, reply.err, reply.zxid], [7, errorCode.unimplemented, null]);
  await c.ended;
  t.false(c.isOpen());
});

row(
  'I6',
  'no multi passes a hard quota',
  async ({ t, path, servers, clientOf }) => {
    const one = await servers({ size: 1, settings: ['enforceQuota=true'] });
    const c = await clientOf(one.portOf(1));
    const quota = `/zookeeper/quota${path}`;
    for (const request of [
      create(path),
      create(quota),
      create(`${quota}/zookeeper_limits`, 'count=-1,bytes=-1=;countHardLimit=4'),
    ])
      await done(c, request);
    await done(c, create(`${quota}/zookeeper_stats`, 'count=-1,bytes=-1'));
    const part = (name: string) => ({ ...create(`${path}/${name}`), op: 'create' }) as const;
    const { body } = await done(c, { op: 'multi', parts: ['a', 'b', 'c', 'd', 'e', 'f'].map(part) });
    t.is(body.type === 'multi' && body.results[3]?.op === 'error' ? body.results[3].err : 0, errorCode.quotaExceeded);
    await Promise.all(['g', 'h', 'i', 'j', 'k'].map((name) => c.call(part(name))));
    t.is(textOf(await done(c, getData(`${quota}/zookeeper_stats`))), 'count=4,bytes=0');
  },
  { alone: true },
);

row(
  'I9',
  'a write that cannot be decoded is answered, and writes go on everywhere',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3 });
    const whole = encodeRequest({ xid: 1, request: create(path, 'data') });
    const body = whole.subarray(12, whole.length - 3);
    for (const { clientPort } of three.members) {
      const c = await clientOf(clientPort);
      t.is((await c.ask(rawRequest(1, 1, body), 'create')).err, errorCode.marshallingError);
    }
    for (const { clientPort, id } of three.members)
      t.is(await errOf(await clientOf(clientPort), create(`${path}-${id}`)), errorCode.ok);
    await three.level();
  },
  { alone: true },
);

row(
  'I10',
  'an election message with a port that is none closes no listener',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3 });
    const text = readFileSync(three.members[0]?.config ?? '', 'utf8');
    const ports = [...text.matchAll(/^server\.\d+=127\.0\.0\.1:\d+:(\d+)/gm)].map((m) => Number(m[1]));
    t.is(ports.length, 3);
    for (const port of ports) {
      const message = encodeInitialMessage({ form: 'single', sid: 2, addresses: [{ host: '127.0.0.1', port: 99999 }] });
      const socket = connect({ host: '127.0.0.1', port }, () => socket.end(message));
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('close', resolve));
    }
    const leader = await three.leader();
    await three.kill(leader);
    const others = three.members.filter((m) => m.id !== leader);
    await three.waitServing(...others.map((m) => m.id));
    t.is(await errOf(await clientOf(others[0]?.clientPort ?? 0), create(path)), errorCode.ok);
    three.start(leader);
    await three.waitServing(leader);
  },
  { alone: true },
);

row(
  'I11',
  'power lost in the first second leaves a server that starts with what it acknowledged',
  async (r) => {
    const { t, path, clientOf } = r;
    const [port = 0] = await freePorts(1);
    const memory = openMemoryDisk();
    const work = setInterval(() => memory.settle(), 1);
    t.teardown(() => clearInterval(work));
    const config = decodeConfig({
      file: 'zoo.cfg',
      text: `dataDir=/data\nclientPort=${port}\nclientPortAddress=127.0.0.1\n4lw.commands.whitelist=*`,
      readText: () => null,
      ownAddresses: [],
    });
    if (E.isLeft(config)) throw new Error(JSON.stringify(config.left));
    const start = async () => {
      const started = runServer({ config: config.right, disk: memory.disk, log: () => undefined, onFatal: t.fail });
      if (E.isLeft(started)) throw new Error(started.left.message);
      await eventually('it serves', () => askServed(port));
      return started.right;
    };
    const before = await start();
    await done(await clientOf(port), create(path, 'kept'));
    memory.stopAfter(0);
    before.stop();
    memory.crash('prefix', () => 0);
    const after = await start();
    t.is(textOf(await done(await clientOf(port), getData(path))), 'kept');
    after.stop();
  },
  { alone: true, oursOnly: true },
);

row(
  'I12',
  'after a synchronisation by snapshot a damaged snapshot stops the start, or costs nothing',
  async (r) => {
    const { t, path, servers, clientOf } = r;
    const three = await servers({ size: 3, settings: ['commitLogCount=5', 'preAllocSize=64'] });
    const victim = three.members.find((m) => m.id === 1) ?? three.members[0]!;
    const c = await clientOf(three.portOf(2));
    await done(c, create(path));
    await three.level();
    await three.kill(victim.id);
    await eventually('two serve', () => askServed(three.portOf(3)));
    const writer = await clientOf(three.portOf(3));
    for (let i = 0; i < 40; i++) await done(writer, create(`${path}/${i}`));
    three.start(victim.id);
    await three.waitServing(victim.id);
    await done(writer, create(`${path}/last`));
    await three.level();
    await three.kill(victim.id);
    const dir = join(victim.dir, 'version-2');
    const number = (name: string): number => parseInt(name.slice('snapshot.'.length), 16);
    const snapshots = readdirSync(dir).filter((name) => /^snapshot\.[0-9a-f]+$/.test(name));
    const newest = snapshots.toSorted((a, b) => number(b) - number(a))[0] ?? '';
    const bytes = readFileSync(join(dir, newest));
    bytes.fill(0xff, Math.floor(bytes.length / 2));
    writeFileSync(join(dir, newest), bytes);
    let refused = false;
    try {
      three.start(victim.id);
      await sleep(2000);
      refused = !three.isRunning(victim.id);
    } catch {
      refused = true;
    }
    if (!refused) {
      await three.waitServing(victim.id);
      const reader = await clientOf(victim.clientPort);
      const { body } = await done(reader, { op: 'getAllChildrenNumber', path });
      t.deepEqual(body, { type: 'count', count: 41 });
    }
    t.is(await errOf(writer, remove(`${path}/last`)), errorCode.ok);
  },
  { alone: true },
);

row(
  'I7',
  "a server that joins with another's quorum port is refused",
  async ({ t, servers, clientOf }) => {
    const settings = ['reconfigEnabled=true', `DigestAuthenticationProvider.superDigest=${superDigest}`];
    const three = await servers({ size: 3, settings });
    const c = await clientOf(three.portOf(1));
    await done(c, { op: 'auth', scheme: 'digest', auth: superAuth });
    const before = textOf(await done(c, getData('/zookeeper/config')));
    const second = /^server\.2=(\S+)$/m.exec(before ?? '')?.[1] ?? '';
    t.not(second, '');
    const free = await freePorts(2);
    const [host, quorum] = second.split(':');
    for (const joining of [
      `server.4=${second};127.0.0.1:${free[0]}`,
      `server.4=${host}:${quorum}:${free[0]}:participant;127.0.0.1:${free[1]}`,
    ]) {
      const request = { op: 'reconfig', joining, leaving: null, members: null, version: null } as const;
      t.is(await errOf(c, request), errorCode.badArguments, joining);
    }
    t.is(textOf(await done(c, getData('/zookeeper/config'))), before);
  },
  { alone: true },
);

row(
  'I8',
  'the interval between two snapshots over HTTP counts in milliseconds',
  async ({ t, servers }) => {
    const [port = 0] = await freePorts(1);
    const admin = [`admin.serverPort=${port}`, 'admin.serverAddress=127.0.0.1', 'admin.rateLimiterIntervalInMS=1500'];
    await servers({ size: 1, settings: [...admin, `DigestAuthenticationProvider.superDigest=${superDigest}`] });
    const take = async (): Promise<number> => {
      const headers = { authorization: 'digest super:secret' };
      const answer = await fetch(`http://127.0.0.1:${port}/commands/snapshot?streaming=true`, { headers });
      await answer.arrayBuffer();
      return answer.status;
    };
    const tooMany = 429;
    t.deepEqual([await take(), await take()], [200, tooMany]);
    await sleep(700);
    t.is(await take(), tooMany);
    await eventually('the next one', async () => ((await take()) === 200 ? true : null));
  },
  { alone: true, oursOnly: true },
);
