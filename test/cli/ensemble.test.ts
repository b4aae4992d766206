/** An ensemble as a user has it: processes that come up, survive a death, stop together and come back. */
import { connect } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isFree } from '../../cli/ports.js';
import { errorOf, folder, ports, run, start } from './binary.js';
import type { Running } from './binary.js';

type Status = {
  readonly type: 'status';
  readonly nodes: readonly {
    readonly id: number;
    readonly pid: number | null;
    readonly role: string | null;
    readonly serving: boolean;
    readonly epoch: number;
  }[];
};

const ask = (port: number, word: string): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(word));
    socket.setEncoding('utf8').on('data', (more: string) => (text += more));
    socket.on('close', () => resolve(text)).on('error', reject);
  });

const lastStatus = (stdout: string): Status =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Status)
    .filter((s) => s.type === 'status')
    .at(-1) ?? { type: 'status', nodes: [] };

/** What the ensemble tells once all of its servers serve. */
const whenServing = async (running: Running): Promise<Status> => {
  const told = await running.says(/^\{"type":"status"(?:(?!"serving":false).)*$/m);
  return JSON.parse(told[0]) as Status;
};

/** Never 0: that would be the group of the tests themselves. */
const pidOf = (node: Status['nodes'][number] | undefined): number => {
  if (node === undefined || node.pid === null || node.pid < 2) throw new Error('no such process');
  return node.pid;
};

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('three servers elect, serve, stop together, and come back with ids, ports and a higher epoch', async (t) => {
  const dir = folder(t);
  const [base = 0] = await ports(9);
  const first = start(['ensemble', '--data', dir, '--base-port', String(base), '--json']);
  t.teardown(() => first.child.kill());
  await first.says(/"type":"ready","connect":"127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+"/);
  await whenServing(first);
  t.is(await ask(base, 'ruok'), 'imok');
  t.regex(await ask(base, 'srvr'), /Mode: (leader|follower)/);
  first.child.kill('SIGTERM');
  const ended = await first.ended;
  t.is(ended.code, 0, ended.stderr);
  const before = lastStatus(ended.stdout).nodes;
  t.deepEqual(before.map((n) => [n.id, n.serving]), [[1, true], [2, true], [3, true]]); // prettier-ignore
  t.is(before.filter((n) => n.role === 'LEADING').length, 1);
  t.false(before.some((n) => n.pid !== null && isAlive(n.pid)));

  const remembered = readFileSync(join(dir, 'ensemble.json'), 'utf8');
  const second = start(['ensemble', '--data', dir, '--json']);
  t.teardown(() => second.child.kill());
  const after = (await whenServing(second)).nodes;
  t.true(Math.max(...after.map((n) => n.epoch)) > Math.max(...before.map((n) => n.epoch)));
  t.is(readFileSync(join(dir, 'ensemble.json'), 'utf8'), remembered);
  second.child.kill('SIGINT');
  t.is((await second.ended).code, 130);
});

test('a server that is killed is reported and the others go on; all killed is a failure', async (t) => {
  const dir = folder(t);
  const [base = 0] = await ports(9);
  const running = start(['ensemble', '--data', dir, '--base-port', String(base), '--json']);
  t.teardown(() => running.child.kill());
  await running.says(/"type":"ready"/);
  const { nodes } = await whenServing(running);
  const follower = nodes.find((n) => n.role === 'FOLLOWING');
  process.kill(pidOf(follower), 'SIGKILL');
  await running.says(new RegExp(`"type":"ended","id":${follower?.id},"how":"SIGKILL"`));
  const leader = nodes.find((n) => n.role === 'LEADING');
  t.regex(await ask(base + (leader?.id ?? 0) - 1, 'srvr'), /Mode: leader/);
  for (const n of nodes) if (n !== follower) process.kill(pidOf(n), 'SIGKILL');
  const { code, stdout } = await running.ended;
  t.is(code, 1);
  t.like(errorOf(`${stdout.trimEnd().split('\n').at(-1) ?? ''}\n`), { code: 'ServersStopped', exit: 1 });
});

test('servers do not outlive an ensemble that was killed', async (t) => {
  const dir = folder(t);
  const [base = 0] = await ports(3);
  const running = start(['ensemble', '--nodes', '1', '--data', dir, '--base-port', String(base), '--json']);
  const pid = pidOf((await whenServing(running)).nodes[0]);
  running.child.kill('SIGKILL');
  await running.ended;
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  t.true(await isFree(base));
  t.regex(readFileSync(join(dir, 'server1', 'server.log'), 'utf8'), /the parent process is gone: stopping/);
});

test('lines for pipes: where to connect, and who leads', async (t) => {
  const dir = folder(t);
  const [base = 0] = await ports(3);
  const running = start(['ensemble', '--nodes', '1', '--data', dir, '--base-port', String(base)]);
  t.teardown(() => running.child.kill());
  await running.says(new RegExp(`ready in .*, connect to 127\\.0\\.0\\.1:${base}\n`));
  await running.says(new RegExp(`server 1 at 127\\.0\\.0\\.1:${base}: LEADING, epoch \\d+, last zxid 0x`));
  running.child.kill('SIGTERM');
  t.is((await running.ended).code, 0);
});

test('another number of servers than the directory holds is refused, and nothing is written', async (t) => {
  const dir = folder(t);
  const [base = 0] = await ports(3);
  const running = start(['ensemble', '--nodes', '1', '--data', dir, '--base-port', String(base)]);
  await running.says(/ready in/);
  running.child.kill('SIGTERM');
  await running.ended;
  const { code, stdout } = await run(['ensemble', '--nodes', '3', '--data', dir, '--json']);
  t.is(code, 2);
  t.is(errorOf(stdout).code, 'OtherEnsemble');
  t.false(existsSync(join(dir, 'server2')));
});
