/** A server whose newest snapshot is ahead of what its leader has, as Apache's servers may leave it behind. */
import { renameSync } from 'node:fs';
import test from 'ava';
import { openAcl } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { openMembers } from './members.js';

test('a snapshot with an uncommitted tail is replaced by one of the leader', async (t) => {
  t.timeout(120_000);
  const m = await openMembers(3);
  t.teardown(m.end);
  const lines = [1, 2, 3].map((id) => m.line(id));
  for (const id of [1, 2, 3]) m.start(id, lines, ['reconfigEnabled=false']);
  await m.waitServing(1, 2, 3);
  const modes = await Promise.all([1, 2, 3].map(m.mode));
  const leader = modes.indexOf('leader') + 1;
  const [late = 0, other = 0] = [1, 2, 3].filter((id) => id !== leader);
  const client = await m.client(leader);
  const create = async (path: string): Promise<number> =>
    (await client.call({ op: 'create', path, data: null, acl: openAcl, flags: 0 })).err;
  t.is(await create('/one'), 0);
  const there = await m.client(late);
  await there.call({ op: 'sync', path: '/' });
  const path = await m.snapshot(late);
  m.stop(late);
  // It says now that it holds more than anybody has committed.
  renameSync(path, path.replace(/[0-9a-f]{2}$/, 'ff'));
  t.is(await create('/two'), 0);
  m.restart(late);
  await m.waitServing(late);
  t.regex(m.log(late), /TRUNC from \d is refused: KeepsBase/);
  const again = await m.client(late);
  await again.call({ op: 'sync', path: '/' });
  for (const node of ['/one', '/two'])
    t.is((await again.call({ op: 'exists', path: node, watch: false })).err, 0, node);
  // What it has now is the leader's: it starts from it, and counts.
  m.stop(late, other);
  m.restart(late);
  await m.waitServing(late);
  await eventually('writes go on', async () => ((await m.mode(leader)) === null ? null : true));
  const last = await m.client(late);
  const reply = await last.call({ op: 'create', path: '/three', data: null, acl: openAcl, flags: 0 });
  t.is(reply.err, 0);
});
