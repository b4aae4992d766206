/**
 * An ensemble of server processes on loopback, for tests that end processes the hard way. Every process that is ended
 * here was started here; all of them end with the test process.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from './ports.js';
import { askServed, askWord } from './words.js';
import type { Served } from './words.js';

export type Member = {
  readonly id: number;
  readonly clientPort: number;
  /** Data and configuration; its log is server.log in there. */
  readonly dir: string;
  /** Its zoo.cfg. */
  readonly config: string;
};

export type Ensemble = {
  readonly members: readonly Member[];
  /** host:port of the members named, of all without names. */
  readonly connectString: (...ids: readonly number[]) => string;
  readonly start: (...ids: readonly number[]) => void;
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: (...ids: readonly number[]) => Promise<void>;
  readonly isRunning: (id: number) => boolean;
  readonly pid: (id: number) => number;
  /** true when its client port answers, serving or not; null when it does not. */
  readonly answers: (id: number) => Promise<true | null>;
  readonly served: (id: number) => Promise<Served | null>;
  /** Waits until a client of each of them would be served. */
  readonly waitServing: (...ids: readonly number[]) => Promise<void>;
  /** Waits until all have the same last transaction: nobody writes meanwhile. */
  readonly level: () => Promise<void>;
  /** The member that leads and serves; waits until there is one. */
  readonly leader: () => Promise<number>;
  /** Ends all processes, those that can still hear it by SIGTERM, and removes the directory. */
  readonly stop: () => Promise<void>;
};

export type Command = { readonly file: string; readonly args: readonly string[] };

export type EnsembleOptions = {
  readonly size: number;
  /** So many of them, the last ones, observe. */
  readonly observers?: number;
  /** Milliseconds. */
  readonly tickTime?: number;
  /** More lines of zoo.cfg. */
  readonly settings?: readonly string[];
  /** What runs a member; ours without it. */
  readonly command?: (member: Member) => Command;
};

/** How often a state is looked at, milliseconds, and how long in all: a machine may be busy. */
const pollMs = 50;
const patienceMs = 60_000;
/** How long a server may take to end after SIGTERM, milliseconds. */
const stopMs = 10_000;

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** One of our servers. */
export const zabkeeper = (member: Member): Command => ({
  file: process.execPath,
  args: [main, 'serve', member.config],
});

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Looks until `look` gives something; fails with what it waited for. */
export const eventually = async <A>(what: string, look: () => Promise<A | null> | A | null): Promise<A> => {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(pollMs);
  }
};

/** Writes the files of an ensemble; starts nobody yet. */
export const createEnsemble = async (options: EnsembleOptions): Promise<Ensemble> => {
  const { size, observers = 0, tickTime = 300, settings = [], command = zabkeeper } = options;
  const root = fs.mkdtempSync(join(tmpdir(), 'zabkeeper-'));
  const ports = await freePorts(3 * size);
  const members = Array.from({ length: size }, (_, i): Member => {
    const dir = join(root, String(i + 1));
    return { id: i + 1, clientPort: ports[3 * i] ?? 0, dir, config: join(dir, 'zoo.cfg') };
  });
  const servers = members.map(({ id }, i) => {
    const role = id > size - observers ? ':observer' : '';
    return `server.${id}=127.0.0.1:${ports[3 * i + 1]}:${ports[3 * i + 2]}${role}`;
  });
  for (const { id, dir, config, clientPort } of members) {
    fs.mkdirSync(dir);
    fs.writeFileSync(join(dir, 'myid'), `${id}\n`);
    const lines = [
      `tickTime=${tickTime}`,
      'initLimit=20',
      'syncLimit=10',
      `dataDir=${dir}`,
      `clientPort=${clientPort}`,
      '4lw.commands.whitelist=*',
      ...(settings.some((line) => line.startsWith('admin.')) ? [] : ['admin.enableServer=false']),
      ...settings,
      ...(size > 1 ? servers : []),
    ];
    fs.writeFileSync(config, `${lines.join('\n')}\n`);
  }
  return ensembleOf(root, members, command);
};

/** Starts all members and waits until each would serve a client. */
export const startEnsemble = async (options: EnsembleOptions): Promise<Ensemble> => {
  const ensemble = await createEnsemble(options);
  ensemble.start();
  try {
    await ensemble.waitServing();
  } catch (e) {
    await ensemble.stop();
    throw e;
  }
  return ensemble;
};

const ensembleOf = (root: string, members: readonly Member[], command: (m: Member) => Command): Ensemble => {
  const running = new Map<number, ChildProcess>();
  const chosen = (ids: readonly number[]): readonly Member[] =>
    ids.length === 0 ? members : members.filter((m) => ids.includes(m.id));

  const startOne = (member: Member): void => {
    if (running.has(member.id)) throw new Error(`server ${member.id} runs already`);
    const { file, args } = command(member);
    const log = fs.openSync(join(member.dir, 'server.log'), 'a');
    const child = spawn(file, args, { cwd: member.dir, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    running.set(member.id, child);
    child.once('exit', () => {
      if (running.get(member.id) === child) running.delete(member.id);
    });
  };
  const kill = async (...ids: readonly number[]): Promise<void> => {
    const children = chosen(ids).flatMap((m) => running.get(m.id) ?? []);
    const gone = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(gone);
  };
  /** By SIGTERM, as an operator would; a process that is killed leaves no coverage behind. */
  const end = async (): Promise<void> => {
    const gone = [...running.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of running.values()) child.kill('SIGTERM');
    const patience = new AbortController();
    const late = wait(stopMs, undefined, { signal: patience.signal }).catch(() => {});
    await Promise.race([Promise.all(gone), late]);
    patience.abort();
    await kill();
  };
  const killAtExit = (): void => {
    for (const child of running.values()) child.kill('SIGKILL');
  };
  process.once('exit', killAtExit);

  const served = (id: number): Promise<Served | null> => askServed(chosen([id])[0]?.clientPort ?? 0);
  const story = (id: number): string => {
    const log = fs.readFileSync(join(root, String(id), 'server.log'), 'utf8');
    return `server ${id}${running.has(id) ? '' : ' (not running)'}:\n${log.split('\n').slice(-15).join('\n')}`;
  };
  /** A wait that fails tells what the servers said last. */
  const told = async <A>(wait: Promise<A>): Promise<A> => {
    try {
      return await wait;
    } catch (e) {
      throw new Error(`${String(e)}\n${members.map((m) => story(m.id)).join('\n')}`, { cause: e });
    }
  };
  return {
    members,
    connectString: (...ids) =>
      chosen(ids)
        .map((m) => `127.0.0.1:${m.clientPort}`)
        .join(','),
    start: (...ids) => chosen(ids).forEach(startOne),
    kill,
    isRunning: (id) => running.has(id),
    pid: (id) => running.get(id)?.pid ?? 0,
    answers: async (id) => ((await askWord(chosen([id])[0]?.clientPort ?? 0, 'ruok')) === 'imok' ? true : null),
    served,
    waitServing: async (...ids) => {
      for (const { id } of chosen(ids)) await told(eventually(`server ${id} serves`, () => served(id)));
    },
    level: async () => {
      await told(
        eventually('all have the same', async () => {
          const zxids = await Promise.all(members.map(async ({ id }) => (await served(id))?.zxid ?? `${id} is down`));
          return new Set(zxids).size === 1 ? true : null;
        }),
      );
    },
    leader: () =>
      told(
        eventually('one leads', async () => {
          for (const { id } of members) {
            const mode = running.has(id) ? (await served(id))?.mode : undefined;
            if (mode === 'leader' || mode === 'standalone') return id;
          }
          return null;
        }),
      ),
    stop: async () => {
      await end();
      process.off('exit', killAtExit);
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
};
