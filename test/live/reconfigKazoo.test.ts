/** kazoo changes an ensemble of ours. */
import { spawn } from 'node:child_process';
import test from 'ava';
import { installKazoo } from '../system/kazoo.js';
import { openMembers } from './members.js';

test.before(() => void installKazoo());

/** What a program has printed; the servers of this process go on meanwhile. */
const runPython = (text: string): Promise<string> =>
  new Promise((resolve) => {
    const env = { ...process.env, PYTHONPATH: installKazoo(), PYTHONDONTWRITEBYTECODE: '1' };
    const child = spawn('python3', ['-c', text], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('close', () => resolve(said));
  });

const program = (port: number, id: number, line: string): string => `
from kazoo.client import KazooClient
c = KazooClient(hosts='127.0.0.1:${port}')
c.start()
data, _ = c.reconfig(joining=None, leaving='${id}', new_members=None)
print('server.${id}=' in data.decode())
data, stat = c.reconfig(joining='${line}', leaving=None, new_members=None)
print('server.${id}=' in data.decode(), stat.version, c.get('/zookeeper/config')[0] == data)
c.stop()
`;

test('F11: kazoo has a server leave and join again', async (t) => {
  t.timeout(120_000);
  const m = await openMembers(3);
  t.teardown(m.end);
  const ids = [1, 2, 3];
  for (const id of ids) m.start(id, ids.map((i) => m.line(i)), ['skipACL=yes']); // prettier-ignore
  await m.waitServing(...ids);
  const modes = await Promise.all(ids.map(m.mode));
  const [mover = 0, other = 0] = ids.filter((id) => modes[id - 1] !== 'leader');
  const ran = await runPython(program(m.port(other), mover, m.line(mover)));
  t.is(ran, 'False\nTrue -1 True\n');
});
