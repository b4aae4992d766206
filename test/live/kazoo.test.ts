import test from 'ava';
import { startEnsemble } from '../system/ensemble.js';
import { installKazoo, runKazoo } from '../system/kazoo.js';
import { startProxy } from '../system/proxy.js';

const sections = {
  modes: 'create in all four modes',
  read_write: 'read, write, children, delete',
  acls: 'ACL and digest',
  multi: 'multi: all or nothing',
  watches: 'watches: data, child, exists',
  lock: 'lock recipe',
  ephemeral: 'an ephemeral goes with its owner, killed or closed',
  failover: 'the session lives on when the leader is killed: same id, ephemeral, watches',
} as const;

test.before(() => void installKazoo());

test('kazoo on three servers: data, ACL, multi, watches, locks, sessions, and a leader that is killed', async (t) => {
  const ensemble = await startEnsemble({ size: 3 });
  t.teardown(ensemble.stop);
  const leader = await ensemble.leader();
  const others = ensemble.members.map((m) => m.id).filter((id) => id !== leader);
  const [follower] = others;
  // One half with a client of a follower, whose writes are forwarded; then the leader's own, which loses it.
  const onFollower = ['modes', 'read_write', 'acls', 'multi', 'watches', 'ephemeral'] as const;
  const onLeader = ['lock', 'failover'] as const;
  const hosts = (first: number): string =>
    [first, ...[leader, ...others].filter((id) => id !== first)].map((id) => ensemble.connectString(id)).join(',');

  const first = await runKazoo(hosts(follower ?? 0), onFollower);
  t.deepEqual(first.held, onFollower.map((s) => sections[s]), first.said); // prettier-ignore
  t.is(first.code, 0, first.said);

  const asked: string[] = [];
  const second = await runKazoo(hosts(leader), onLeader, async (what) => {
    asked.push(what);
    await ensemble.kill(leader);
  });
  t.deepEqual(second.held, onLeader.map((s) => sections[s]), second.said); // prettier-ignore
  t.is(second.code, 0, second.said);
  t.deepEqual(asked, [`kill-leader ${ensemble.members.find((m) => m.id === leader)?.clientPort}`]);
});

const xidOf = (payload: Buffer): number => payload.readInt32BE(0);
const eventXid = -1;

/** What a server could do wrong, and the section that must notice it. */
const mutants: Readonly<Record<string, { section: keyof typeof sections; change: (p: Buffer) => Buffer | null }>> = {
  'an event is sent as another type': {
    section: 'watches',
    change: (payload) => {
      if (xidOf(payload) === eventXid) payload.writeInt32BE(3, 16);
      return payload;
    },
  },
  'a wrong version is no error': {
    section: 'read_write',
    change: (payload) => {
      const badVersion = -103;
      return payload.readInt32BE(12) === badVersion
        ? Buffer.concat([payload.subarray(0, 12), Buffer.alloc(72)])
        : payload;
    },
  },
};

for (const [name, { section, change }] of Object.entries(mutants)) {
  test(`the script notices: ${name}`, async (t) => {
    const ensemble = await startEnsemble({ size: 1 });
    t.teardown(ensemble.stop);
    const proxy = await startProxy(ensemble.members[0]?.clientPort ?? 0, change);
    t.teardown(proxy.close);
    const { code, held, said } = await runKazoo(`127.0.0.1:${proxy.port}`, [section]);
    t.deepEqual([code, held], [1, []], said);
    t.regex(said, /AssertionError/);
    const plain = await runKazoo(ensemble.connectString(), [section]);
    t.deepEqual([plain.code, plain.held], [0, [sections[section]]], plain.said);
  });
}
