/**
 * The run of docs/bugs/sticky-ack.md on three of Apache's servers: a leader counts what a follower has acknowledged
 * and cut off since, answers a client, and its death loses the write. Only the leader is ever killed in between.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { apache } from './apache.js';
import { cached, run } from './cache.js';
import { quiet } from './clients.js';
import { connectClient, openAcl } from './client.js';
import type { Client } from './client.js';
import { createEnsemble, eventually, sleep } from './ensemble.js';
import type { Member } from './ensemble.js';
import { source } from './source.js';

const [follower, third, leader] = [1, 2, 3] as const;

/** The library of c/hold.c. */
const library = (): string => {
  const text = source('system/c/hold.c');
  const hash = createHash('sha256').update(fs.readFileSync(text)).digest('hex').slice(0, 12);
  const dir = cached(`hold-${hash}`, (into) =>
    run('gcc', ['-shared', '-fPIC', '-O1', '-o', join(into, 'hold.so'), text, '-ldl', '-lpthread']),
  );
  return join(dir, 'hold.so');
};

const holdOf = (member: Member): string => join(member.dir, 'hold');

/** Says what held; fails when it does not. */
const holds = (what: string, found: unknown, wanted: unknown): void => {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a}, not ${b}`);
  console.log(`  ok ${what}: ${a}`);
};

const path = '/answered-and-lost';

/** Whether the member's log files hold the write. */
const isLogged = ({ dir }: Member): boolean => {
  const folder = join(dir, 'version-2');
  return fs
    .readdirSync(folder)
    .filter((name) => name.startsWith('log.'))
    .some((name) => fs.readFileSync(join(folder, name)).includes(path));
};

const exists = async (client: Client): Promise<boolean> =>
  (await client.call({ op: 'exists', path, watch: false })).err === 0;

const existsOn = async (member: Member): Promise<boolean> => {
  const client = await connectClient(member.clientPort);
  await client.call({ op: 'sync', path: '/' });
  const found = await exists(client);
  client.cut();
  return found;
};

/** @param cut without it the connection stays, and nothing may be lost. */
const tell = async (cut: boolean): Promise<void> => {
  const preload = library();
  const command = (member: Member) => {
    fs.mkdirSync(holdOf(member), { recursive: true });
    const { file, args } = apache(member, [...quiet, '-Xmx256m']);
    return { file: 'env', args: [`LD_PRELOAD=${preload}`, `HOLD=${holdOf(member)}`, file, ...args] };
  };
  const ensemble = await createEnsemble({ size: 3, tickTime: 1000, command });
  const member = (id: number): Member => ensemble.members[id - 1] as Member;
  const flag = (id: number, name: string): string => join(holdOf(member(id)), name);
  const hold = (id: number, name: string): void => fs.writeFileSync(flag(id, name), '');
  const release = (id: number, name: string): void => fs.rmSync(flag(id, name), { force: true });
  const isHeld = (id: number, name: string) => (): true | null =>
    fs.existsSync(flag(id, `held-${name}`)) ? true : null;
  const quorumPort = new RegExp(`^server\\.${leader}=127\\.0\\.0\\.1:(\\d+)`, 'm').exec(
    fs.readFileSync(member(leader).config, 'utf8'),
  )?.[1];
  try {
    ensemble.start(leader, third);
    await ensemble.waitServing(leader, third);
    ensemble.start(follower);
    await ensemble.waitServing();
    holds('leader', await ensemble.leader(), leader);
    const [writer, reader] = [
      await connectClient(member(leader).clientPort),
      await connectClient(member(leader).clientPort),
    ];
    await ensemble.level();

    await ensemble.kill(third);
    hold(third, 'currentEpoch');
    ensemble.start(third);
    await eventually('the third server is about to acknowledge NEWLEADER', isHeld(third, 'currentEpoch'));
    hold(leader, 'log');
    const answer = writer.call({ op: 'create', path, data: null, acl: openAcl, flags: 0 });
    let answered = false;
    answer.then(
      () => (answered = true),
      () => undefined,
    );
    await eventually('the follower has logged the write', () => (isLogged(member(follower)) ? true : null));
    await sleep(500);
    holds('the follower has acknowledged, and the leader waits for its own disk: answered', answered, false);
    if (cut) {
      hold(follower, 'currentEpoch');
      hold(follower, `cut-${quorumPort}`);
      await eventually('the follower is about to acknowledge NEWLEADER again', isHeld(follower, 'currentEpoch'));
      holds('the follower has cut the write off: logged there', isLogged(member(follower)), false);
    }
    release(leader, 'log');
    holds('the write is answered: error', (await answer).err, 0);
    holds('a second client reads it', await exists(reader), true);
    const left = [follower, third].filter((id) => isLogged(member(id)));
    holds('who has it on disk besides the leader', left, cut ? [] : [follower]);

    await ensemble.kill(leader);
    release(follower, 'currentEpoch');
    release(third, 'currentEpoch');
    await ensemble.waitServing(follower, third);
    for (const id of [follower, third])
      holds(`server ${id} of the next epoch has the write`, await existsOn(member(id)), !cut);
    ensemble.start(leader);
    await ensemble.waitServing(leader);
    holds('so has the old leader, when it is back', await existsOn(member(leader)), !cut);
  } finally {
    for (const { id } of ensemble.members) for (const name of ['log', 'currentEpoch']) release(id, name);
    await ensemble.stop();
  }
};

/** Both runs: with the cut the write is lost, without it is not. */
export const runStickyAck = async (): Promise<boolean> => {
  for (const cut of [true, false]) {
    console.log(
      cut ? "Apache's leader counts an acknowledgement that is gone" : 'The same without a cut: nothing is lost',
    );
    await tell(cut);
  }
  return true;
};
