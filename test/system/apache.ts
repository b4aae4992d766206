/** Apache ZooKeeper's server as a member of an ensemble, beside ours, and what a mixed ensemble must do. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { apacheClassPath, quiet } from './clients.js';
import { connectClient, openAcl } from './client.js';
import { createEnsemble, eventually, sleep, zabkeeper } from './ensemble.js';
import type { Command, Ensemble, Member } from './ensemble.js';
import { runKazoo } from './kazoo.js';
import { changed, malformed } from './apacheReconfig.js';
import { brokenPromises, startLoad } from './load.js';

/**
 * A server of Apache's on a configuration of ours.
 * @param options of the virtual machine
 */
export const apache = (member: Member, options: readonly string[]): Command => ({
  file: 'java',
  args: [
    ...['-cp', apacheClassPath(), '-Dzookeeper.admin.enableServer=false', ...options],
    ...[`${server}.QuorumPeerMain`, member.config],
  ],
});

const server = 'org.apache.zookeeper.server.quorum';

/** Small, and tells in its log how a learner is brought up to date. */
const talkative: readonly string[] = [
  ...[...quiet, '-Xmx256m'],
  ...['Learner=info', 'LearnerHandler=debug'].map((level) => `-Dorg.slf4j.simpleLogger.log.${server}.${level}`),
];

type Kind = 'apache' | 'ours';

type Mixed = {
  readonly ensemble: Ensemble;
  readonly kinds: Map<number, Kind>;
  /** Says what held; fails when it does not. */
  readonly holds: (what: string, found: unknown, wanted: unknown) => void;
};

const sections = ['modes', 'read_write', 'acls', 'multi', 'watches', 'ephemeral', 'lock'];

const startMixed = async (
  kinds: readonly Kind[],
  order: readonly number[],
  settings: readonly string[] = [],
): Promise<Mixed> => {
  const byId = new Map(kinds.map((kind, i) => [i + 1, kind] as const));
  const command = (member: Member): Command =>
    byId.get(member.id) === 'apache' ? apache(member, talkative) : zabkeeper(member);
  const ensemble = await createEnsemble({ size: kinds.length, command, settings: ['snapCount=400', ...settings] });
  const holds = (what: string, found: unknown, wanted: unknown): void => {
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
    console.log(`  ok ${what}: ${a}`);
  };
  for (const id of order) {
    ensemble.start(id);
    // Whoever answers has begun to vote: the order decides who is there for the first election.
    await eventually(`server ${id} runs`, () => ensemble.answers(id));
  }
  await ensemble.waitServing();
  return { ensemble, kinds: byId, holds };
};

const portsOf = ({ ensemble }: Mixed): readonly number[] => ensemble.members.map((m) => m.clientPort);

const modes = async ({ ensemble }: Mixed): Promise<readonly (string | undefined)[]> =>
  Promise.all(ensemble.members.map(async (m) => (await ensemble.served(m.id))?.mode));

/** All that kazoo does, once through each server. */
const kazooOnEach = async (mixed: Mixed): Promise<void> => {
  for (const { id } of mixed.ensemble.members) {
    const { code, held, said } = await runKazoo(mixed.ensemble.connectString(id), sections);
    if (code !== 0) throw new Error(said);
    mixed.holds(`kazoo through server ${id}, ${mixed.kinds.get(id)}: sections`, held.length, sections.length);
  }
};

/** Writes under load while `meanwhile` happens; everything acknowledged must be on all servers afterwards. */
const underLoad = async (mixed: Mixed, name: string, meanwhile: () => Promise<void>): Promise<void> => {
  const load = await startLoad({ ports: portsOf(mixed), name });
  await load.acknowledged(100);
  await meanwhile();
  await load.acknowledged(100);
  await load.stop();
  await mixed.ensemble.waitServing();
  const broken = await brokenPromises(portsOf(mixed), load.promised);
  mixed.holds(`${name}: ${load.promised.created.size} znodes, lost`, broken.slice(0, 3), []);
};

const logOf = (mixed: Mixed, id: number): string =>
  fs.readFileSync(join(mixed.ensemble.members[id - 1]?.dir ?? '', 'server.log'), 'utf8');

/** What Apache's learner says it was sent, what Apache's leader says it sends: since the log had `from` characters. */
const synced = (mixed: Mixed, id: number, from: number): readonly string[] => {
  const words = /Getting a (diff|snapshot) from|(Truncating) log to get in sync|Sending (DIFF|TRUNC|snapshot|SNAP)/gi;
  return [...logOf(mixed, id).slice(from).matchAll(words)].map((m) =>
    (m[1] ?? m[2] ?? m[3] ?? '').toLowerCase().replace('truncating', 'trunc'),
  );
};

const wipe = (mixed: Mixed, id: number): void =>
  fs.rmSync(join(mixed.ensemble.members[id - 1]?.dir ?? '', 'version-2'), { recursive: true });

/** a little behind: the leader has what it missed in memory. far behind: the load went on. empty: so does its disk. */
const behinds = ['a little behind', 'far behind', 'with an empty disk'] as const;
type Behind = (typeof behinds)[number];

/** Kills a follower and starts it again; says how it was brought up to date. */
const rejoin = async (mixed: Mixed, id: number, behind: Behind): Promise<void> => {
  const { ensemble, kinds } = mixed;
  const leader = await ensemble.leader();
  const witness = kinds.get(id) === 'apache' ? id : kinds.get(leader) === 'apache' ? leader : null;
  const before = witness === null ? 0 : logOf(mixed, witness).length;
  const name = `rejoin-${id}-${behind.replaceAll(' ', '-')}`;
  const back = async (): Promise<void> => {
    ensemble.start(id);
    await ensemble.waitServing(id);
  };
  if (behind === 'a little behind') {
    await ensemble.kill(id);
    const ports = ensemble.members.filter((m) => m.id !== id).map((m) => m.clientPort);
    const load = await startLoad({ ports, name, writers: 1, outstanding: 1 });
    await load.acknowledged(40);
    await load.stop();
    await back();
    mixed.holds(`${name}: lost`, (await brokenPromises(portsOf(mixed), load.promised)).slice(0, 3), []);
  } else {
    await underLoad(mixed, name, async () => {
      await ensemble.kill(id);
      if (behind === 'with an empty disk') wipe(mixed, id);
      await sleep(300);
      await back();
    });
  }
  mixed.holds(`server ${id}, ${kinds.get(id)}, is back ${behind}; mode`, (await ensemble.served(id))?.mode, 'follower');
  if (witness !== null)
    console.log(`     Apache's server ${witness} says: ${synced(mixed, witness, before).join(', ')}`);
};

const failOver = async (mixed: Mixed, expected: number): Promise<void> => {
  const { ensemble, kinds } = mixed;
  const leader = await ensemble.leader();
  await underLoad(mixed, `leader-${leader}-killed`, async () => {
    await ensemble.kill(leader);
    mixed.holds(`after server ${leader}, ${kinds.get(leader)}: leader`, await ensemble.leader(), expected);
    ensemble.start(leader);
    await ensemble.waitServing(leader);
  });
  mixed.holds(`server ${leader}, ${kinds.get(leader)}, is back; leader`, await ensemble.leader(), expected);
};

/**
 * The leader logs what no quorum has, is killed, and the others go on without: when it comes back its tail must go.
 * @param goOn whether the others write before it is back: a tail may not be cut across epochs, so it is sent a snapshot
 */
const truncated =
  (goOn: boolean, expected: number, way: string) =>
  async (mixed: Mixed): Promise<void> => {
    const { ensemble, kinds, holds } = mixed;
    const leader = await ensemble.leader();
    const others = ensemble.members.map((m) => m.id).filter((id) => id !== leader);
    const client = await connectClient(ensemble.members[leader - 1]?.clientPort ?? 0);
    const create = (path: string) => client.call({ op: 'create', path, data: null, acl: openAcl, flags: 0 });
    holds('a write with a quorum: error', (await create('/kept')).err, 0);
    await ensemble.level();
    await ensemble.kill(...others);
    const tail = ['/tail-1', '/tail-2', '/tail-3'].map((path) => create(path).catch(() => null));
    await sleep(300);
    await ensemble.kill(leader);
    holds('writes without a quorum: answers', await Promise.all(tail), [null, null, null]);
    ensemble.start(...others);
    await ensemble.waitServing(...others);
    holds(`after server ${leader}, ${kinds.get(leader)}: leader`, await ensemble.leader(), expected);
    if (goOn) {
      const load = await startLoad({ ports: others.map((id) => portsOf(mixed)[id - 1] ?? 0), name: 'after-tail' });
      await load.acknowledged(20);
      await load.stop();
    }
    const witness = kinds.get(leader) === 'apache' ? leader : expected;
    const before = logOf(mixed, witness).length;
    ensemble.start(leader);
    await ensemble.waitServing();
    for (const { id, clientPort } of ensemble.members) {
      const reader = await connectClient(clientPort);
      await reader.call({ op: 'sync', path: '/' });
      const errors = ['/kept', '/tail-1', '/tail-2', '/tail-3'].map(async (path) => {
        const { err } = await reader.call({ op: 'exists', path, watch: false });
        return err;
      });
      const noNode = -101;
      holds(`server ${id}, ${kinds.get(id)}: the tail is gone`, await Promise.all(errors), [0, noNode, noNode, noNode]);
      reader.cut();
    }
    holds(`server ${witness}, Apache's, says`, synced(mixed, witness, before).includes(way) ? way : logOf(mixed, witness).slice(before), way); // prettier-ignore
    await underLoad(mixed, 'after all', () => Promise.resolve());
  };

/** The same directory under the other implementation, one member after the other, under load. */
const swapped = async (mixed: Mixed): Promise<void> => {
  const { ensemble, kinds, holds } = mixed;
  for (const { id } of ensemble.members) {
    const next: Kind = kinds.get(id) === 'apache' ? 'ours' : 'apache';
    await underLoad(mixed, `swap-${id}-to-${next}`, async () => {
      await ensemble.kill(id);
      kinds.set(id, next);
      ensemble.start(id);
      await ensemble.waitServing(id);
    });
  }
  holds('every member runs the other implementation', [...kinds.values()].length, ensemble.members.length);
};

const story = async (
  title: string,
  kinds: readonly Kind[],
  order: readonly number[],
  tell: (mixed: Mixed) => Promise<void>,
  settings: readonly string[] = [],
): Promise<boolean> => {
  console.log(title);
  const mixed = await startMixed(kinds, order, settings);
  try {
    await tell(mixed);
    return true;
  } catch (e) {
    console.log(`  FAILED ${String(e)}`);
    const kept = fs.mkdtempSync('/tmp/zabkeeper-mixed-');
    for (const { id, dir } of mixed.ensemble.members) fs.cpSync(dir, join(kept, String(id)), { recursive: true });
    console.log(`  logs and data are kept in ${kept}`);
    return false;
  } finally {
    await mixed.ensemble.stop();
  }
};

const changing = ['reconfigEnabled=true', 'skipACL=yes'];

const stories: Readonly<Record<string, () => Promise<boolean>>> = {
  follower: () =>
    story('Apache follows our leader', ['apache', 'ours', 'ours'], [1, 3, 2], async (mixed) => {
      mixed.holds('modes', await modes(mixed), ['follower', 'follower', 'leader']);
      await kazooOnEach(mixed);
      for (const behind of behinds) await rejoin(mixed, 1, behind);
      await failOver(mixed, 2);
    }),
  leader: () =>
    story('Apache leads ours', ['ours', 'ours', 'apache'], [3, 2, 1], async (mixed) => {
      mixed.holds('modes', await modes(mixed), ['follower', 'follower', 'leader']);
      await kazooOnEach(mixed);
      for (const behind of behinds) await rejoin(mixed, 1, behind);
      await failOver(mixed, 2);
    }),
  'cut by ours': () =>
    story(
      'Ours cuts what Apache alone had logged',
      ['ours', 'ours', 'apache'],
      [3, 2, 1],
      truncated(false, 2, 'trunc'),
    ),
  'replaced by ours': () =>
    story('The same, after a newer epoch', ['ours', 'ours', 'apache'], [3, 2, 1], truncated(true, 2, 'snapshot')),
  'cut by Apache': () =>
    story(
      'Apache cuts what ours alone had logged',
      ['ours', 'apache', 'ours'],
      [3, 1, 2],
      truncated(false, 2, 'trunc'),
    ),
  'replaced by Apache': () =>
    story('The same, after a newer epoch', ['ours', 'apache', 'ours'], [3, 1, 2], truncated(true, 2, 'snapshot')),
  'changed by ours': () =>
    story(
      'Our leader takes reconfigs, with Apache among its followers',
      ['apache', 'ours', 'ours'],
      [1, 3, 2],
      ({ ensemble, holds }) => changed(ensemble, holds),
      changing,
    ),
  'changed by Apache': () =>
    story(
      "Apache's leader takes reconfigs, with ours among its followers",
      ['ours', 'apache', 'apache'],
      [3, 2, 1],
      ({ ensemble, holds }) => changed(ensemble, holds),
      changing,
    ),
  malformed: () =>
    story('A write that cannot be read, through ours', ['ours', 'ours', 'apache'], [3, 2, 1], ({ ensemble, holds }) =>
      malformed(ensemble, holds, [1, 2]),
    ),
  swapped: () =>
    story('Members change implementation on their own data', ['apache', 'ours', 'apache'], [1, 2, 3], swapped),
};

/** All stories, or those whose name begins with `only`. */
export const runApache = async (only = ''): Promise<boolean> => {
  let passed = true;
  for (const [name, tell] of Object.entries(stories)) if (name.startsWith(only)) passed = (await tell()) && passed;
  return passed;
};
