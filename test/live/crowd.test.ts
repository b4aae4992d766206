/** Crowds and garbage at the ports of real servers, while others are served. */
import * as fs from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { connectClient, openAcl } from '../system/client.js';
import { createEnsemble, eventually, sleep, startEnsemble, zabkeeper } from '../system/ensemble.js';
import type { Ensemble, Member } from '../system/ensemble.js';
import { brokenPromises, startLoad } from '../system/load.js';
import { chooser } from './twins.js';

/** Closed with the test, however it ends. */
const dial = (t: ExecutionContext, port: number, say: readonly Buffer[] = []): Socket => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  for (const bytes of say) socket.write(bytes);
  t.teardown(() => socket.destroy());
  return socket;
};

const serverLog = ({ dir }: Member): string => fs.readFileSync(join(dir, 'server.log'), 'utf8');

/** Client, quorum and election port. */
const portsOf = (member: Member): readonly number[] => {
  const server = new RegExp(`^server\\.${member.id}=127\\.0\\.0\\.1:(\\d+):(\\d+)`, 'm');
  const [, quorum, election] = server.exec(fs.readFileSync(member.config, 'utf8')) ?? [];
  return [member.clientPort, Number(quorum), Number(election)];
};

const clientPorts = ({ members }: Ensemble): readonly number[] => members.map((m) => m.clientPort);

test('more clients than files may be open: those in excess are refused, the log goes on', async (t) => {
  const ensemble = await createEnsemble({
    size: 1,
    settings: ['maxClientCnxns=0', 'snapCount=100', 'preAllocSize=64'],
    command: (member) => {
      const { file, args } = zabkeeper(member);
      return { file: '/bin/sh', args: ['-c', 'ulimit -n 120 && exec "$0" "$@"', file, ...args] };
    },
  });
  t.teardown(ensemble.stop);
  ensemble.start();
  await ensemble.waitServing();
  const [member] = ensemble.members;
  if (member === undefined) return t.fail('there is no server');
  const load = await startLoad({ ports: clientPorts(ensemble), name: 'load' });
  await load.acknowledged(100);
  const crowd = Array.from({ length: 400 }, () => dial(t, member.clientPort));
  await eventually('most are refused', () => (crowd.filter((s) => s.destroyed).length > 300 ? true : null));
  // Snapshots and new log files are due meanwhile.
  await load.acknowledged(600);
  for (const socket of crowd) socket.destroy();
  await load.acknowledged(100);
  await load.stop();
  t.true(ensemble.isRunning(1));
  t.regex(serverLog(member), /refused: there are 60 connections, all that the limit of open files \(ulimit -n\)/);
  t.deepEqual((await brokenPromises(clientPorts(ensemble), load.promised)).slice(0, 5), []);
});

test('garbage, huge lengths and frames that never end, at all ports of the leader: it goes on leading', async (t) => {
  const ensemble = await startEnsemble({ size: 3 });
  t.teardown(ensemble.stop);
  const leader = await ensemble.leader();
  const member = ensemble.members.find((m) => m.id === leader);
  if (member === undefined) return t.fail('there is no leader');
  const choose = chooser(7);
  const others = ensemble.members.filter((m) => m !== member).map((m) => m.clientPort);
  const load = await startLoad({ ports: others, name: 'load' });
  await load.acknowledged(50);
  const held: Socket[] = [];
  for (const port of portsOf(member)) {
    for (let i = 0; i < 60; i += 1) {
      const bytes = Buffer.from(Array.from({ length: 1 + choose(3000) }, () => choose(256)));
      dial(t, port, [bytes]);
      if (i % 20 === 19) await sleep(20);
    }
    for (const length of [0x7fffffff, 0x80000000, 0xffffffff, 1_048_575, 44, 0]) {
      const bytes = Buffer.alloc(2000);
      bytes.writeUInt32BE(length);
      held.push(dial(t, port, [bytes]), dial(t, port, [bytes.subarray(0, 3)]));
    }
  }
  await load.acknowledged(200);
  // A follower that comes now finds its way in.
  const [follower = 0] = ensemble.members.map((m) => m.id).filter((id) => id !== leader);
  await ensemble.kill(follower);
  ensemble.start(follower);
  await ensemble.waitServing();
  await eventually('who has said nothing is let go', () => (held.every((s) => s.destroyed) ? true : null));
  await load.acknowledged(50);
  await load.stop();
  t.is(await ensemble.leader(), leader);
  const log = serverLog(member);
  for (const port of ['client', 'quorum:', 'election:'])
    t.regex(log, new RegExp(` warn  ${port} 127\\.0\\.0\\.1:\\d+ closed: `));
  t.deepEqual((await brokenPromises(clientPorts(ensemble), load.promised)).slice(0, 5), []);
});

test('a client that asks for 100 MB at once gets all of it; one that reads nothing does not disturb it', async (t) => {
  const ensemble = await startEnsemble({ size: 1, tickTime: 3000 });
  t.teardown(ensemble.stop);
  const [port = 0] = clientPorts(ensemble);
  // Nobody pings here, and the machine may be busy.
  const client = await connectClient(port, { timeoutMs: 60_000 });
  const data = Buffer.alloc(1_000_000, 1);
  t.is((await client.call({ op: 'create', path: '/big', data, acl: openAcl, flags: 0 })).err, 0);
  const deaf = await connectClient(port, { timeoutMs: 60_000 });
  const read = { op: 'getData', path: '/big', watch: false } as const;
  deaf.pause();
  const unanswered = Array.from({ length: 500 }, () =>
    deaf.call(read).then(
      () => true,
      () => false,
    ),
  );
  const replies = await Promise.all(Array.from({ length: 100 }, () => client.call(read)));
  t.true(replies.every(({ body }) => body.type === 'dataStat' && body.data?.length === data.length));
  deaf.cut();
  t.true((await Promise.all(unanswered)).includes(false));
  t.is((await client.call({ op: 'exists', path: '/big', watch: false })).err, 0);
});
