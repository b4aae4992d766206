/**
 * Servers that rows of the compatibility suite ask: ours in this process, so that a file of rows has three of them within
 * a second; ours as processes; or Apache's. All the same to who uses them.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { explainConfigError, loadConfig } from '../../shell/config.js';
import { runSupervised } from '../../shell/supervised.js';
import type { Supervised } from '../../shell/supervised.js';
import { nodeDisk } from '../../shell/storage/nodeDisk.js';
import { apache } from '../system/apache.js';
import { quiet } from '../system/clients.js';
import { createEnsemble, eventually } from '../system/ensemble.js';
import type { Ensemble, Member } from '../system/ensemble.js';

export type Kind = 'ours' | 'apache';

export type Servers = Pick<
  Ensemble,
  'members' | 'connectString' | 'start' | 'kill' | 'isRunning' | 'served' | 'waitServing' | 'level' | 'leader' | 'stop'
> & {
  readonly kind: Kind;
  readonly portOf: (id: number) => number;
  /** What a server has logged. */
  readonly log: (id: number) => string;
};

export type ServersOptions = {
  readonly kind: Kind;
  readonly size: number;
  readonly observers?: number;
  /** Milliseconds. */
  readonly tickTime?: number;
  /** More lines of zoo.cfg; what Apache takes as properties of its virtual machine becomes that. */
  readonly settings?: readonly string[];
  /** Ours as processes: slower, and like what is installed. */
  readonly processes?: boolean;
  /** The main file of another build of ours, run as processes. */
  readonly main?: string;
};

/** Keys that Apache's server reads as properties of its virtual machine, by these very names. */
const javaProperties =
  /^(jute\.maxbuffer|readonlymode\.enabled|java\.security\.auth\.login\.config|org\.slf4j\.[\w.]+|znode\.container\.\w+)=/;

/** Apache's own code is compiled a little, which is all that a short life repays. */
const light = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:CICompilerCount=1'];

/** Writes the files; starts nobody yet. */
export const createServers = async (options: ServersOptions): Promise<Servers> => {
  const { kind, size, observers = 0, tickTime = 300, settings = [], processes = false, main } = options;
  const isJava = (line: string): boolean => kind === 'apache' && javaProperties.test(line);
  const java = settings.filter(isJava).map((line) => `-D${line}`);
  const files = await createEnsemble({
    ...{ size, observers, tickTime },
    settings: ['clientPortAddress=127.0.0.1', ...settings.filter((line) => !isJava(line))],
    ...(kind === 'apache' ? { command: (m: Member) => apache(m, [...quiet, ...light, ...java]) } : {}),
    ...(main === undefined
      ? {}
      : { command: (m: Member) => ({ file: process.execPath, args: [main, 'serve', m.config] }) }),
  });
  const runner = kind === 'apache' || processes || main !== undefined ? files : inProcess(files);
  const portOf = (id: number): number => files.members.find((m) => m.id === id)?.clientPort ?? 0;
  const log = (id: number): string => readFileSync(join(files.members[id - 1]?.dir ?? '', 'server.log'), 'utf8');
  return { ...runner, kind, portOf, log };
};

/** Starts all and waits until each would serve a client. */
export const startServers = async (options: ServersOptions): Promise<Servers> => {
  const servers = await createServers(options);
  servers.start();
  try {
    await servers.waitServing();
  } catch (e) {
    await servers.stop();
    throw e;
  }
  return servers;
};

/** The servers of these files on threads of this process: what kills one is an orderly end. */
const inProcess = (files: Ensemble): Ensemble => {
  const running = new Map<number, Supervised>();
  const chosen = (ids: readonly number[]): readonly Member[] =>
    ids.length === 0 ? files.members : files.members.filter((m) => ids.includes(m.id));
  const startOne = (member: Member): void => {
    const say = (line: string): void => appendFileSync(join(member.dir, 'server.log'), `${line}\n`);
    const config = loadConfig(member.config);
    if (E.isLeft(config)) throw new Error(config.left.map(explainConfigError).join('\n'));
    for (const warning of config.right.warnings) say(explainConfigError(warning));
    const started = runSupervised({
      config: config.right,
      disk: nodeDisk,
      log: (level, message) => say(`${level} ${message}`),
      onFatal: (what) => {
        say(`stops: ${what}`);
        running.delete(member.id);
      },
    });
    if (E.isLeft(started)) throw new Error(`server ${member.id}: ${started.left.message}`);
    running.set(member.id, started.right);
  };
  const kill = (...ids: readonly number[]): Promise<void> => {
    for (const { id } of chosen(ids)) {
      running.get(id)?.stop();
      running.delete(id);
    }
    return Promise.resolve();
  };
  return {
    ...files,
    start: (...ids) => chosen(ids).forEach(startOne),
    kill,
    isRunning: (id) => running.has(id),
    leader: () =>
      eventually('one leads', async () => {
        for (const id of running.keys()) {
          const mode = (await files.served(id))?.mode;
          if (mode === 'leader' || mode === 'standalone') return id;
        }
        return null;
      }),
    stop: async () => {
      await kill();
      await files.stop();
    },
  };
};
