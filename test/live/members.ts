/** Servers of ours that start in this process one by one, each with a configuration of its own: for ensembles that change. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { explainConfigError, loadConfig } from '../../shell/config.js';
import { runServer } from '../../shell/server.js';
import type { RunningServer } from '../../shell/server.js';
import { nodeDisk } from '../../shell/storage/nodeDisk.js';
import { connectClient } from '../system/client.js';
import type { Client } from '../system/client.js';
import { eventually } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';
import { askServed } from '../system/words.js';

export type Members = {
  /** `server.N` line of a server, as it would stand in a configuration. */
  readonly line: (id: number, role?: 'participant' | 'observer') => string;
  /** Its value alone, with the client port. */
  readonly value: (id: number, role?: 'participant' | 'observer') => string;
  /** Writes the configuration with these members' lines; where the file stands already, nothing. */
  readonly start: (id: number, lines: readonly string[], settings?: readonly string[]) => void;
  readonly restart: (id: number) => void;
  readonly stop: (...ids: readonly number[]) => void;
  readonly client: (id: number) => Promise<Client>;
  readonly mode: (id: number) => Promise<string | null>;
  readonly until: (id: number, mode: string) => Promise<void>;
  readonly waitServing: (...ids: readonly number[]) => Promise<void>;
  readonly file: (id: number, name: string) => string;
  readonly files: (id: number) => readonly string[];
  readonly log: (id: number) => string;
  readonly dir: (id: number) => string;
  readonly port: (id: number) => number;
  /** Has a server write a snapshot; gives its path. */
  readonly snapshot: (id: number) => Promise<string>;
  readonly end: () => void;
};

export const openMembers = async (most: number): Promise<Members> => {
  const root = mkdtempSync(join(tmpdir(), 'zabkeeper-members-'));
  const ports = await freePorts(3 * most);
  const running = new Map<number, RunningServer>();
  const told = new Map<number, string[]>();
  const dir = (id: number): string => join(root, String(id));
  const port = (id: number): number => ports[3 * (id - 1)] ?? 0;
  const value = (id: number, role = 'participant'): string =>
    `127.0.0.1:${ports[3 * id - 2]}:${ports[3 * id - 1]}:${role};127.0.0.1:${port(id)}`;

  const restart = (id: number): void => {
    const config = loadConfig(join(dir(id), 'zoo.cfg'));
    if (E.isLeft(config)) throw new Error(config.left.map(explainConfigError).join('\n'));
    const lines = told.get(id) ?? [];
    told.set(id, lines);
    const started = runServer({
      config: config.right,
      disk: nodeDisk,
      log: (level, message) => void lines.push(`${level} ${message}`),
      onFatal: (what) => {
        lines.push(`stops: ${what}`);
        running.delete(id);
      },
    });
    if (E.isLeft(started)) throw new Error(`server ${id}: ${started.left.message}`);
    running.set(id, started.right);
  };
  const stop = (...ids: readonly number[]): void => {
    for (const id of ids) {
      running.get(id)?.stop();
      running.delete(id);
    }
  };
  const story = (): string =>
    [...told].map(([id, lines]) => `server ${id}:\n${lines.slice(-25).join('\n')}`).join('\n');
  const withStory = async <A>(wait: Promise<A>): Promise<A> => {
    try {
      return await wait;
    } catch (e) {
      throw new Error(`${String(e)}\n${story()}`, { cause: e });
    }
  };
  const mode = async (id: number): Promise<string | null> => (await askServed(port(id)))?.mode ?? null;
  return {
    line: (id, role) => `server.${id}=${value(id, role)}`,
    value,
    start: (id, lines, settings = []) => {
      mkdirSync(dir(id));
      writeFileSync(join(dir(id), 'myid'), `${id}\n`);
      const text = [
        'tickTime=300',
        'initLimit=20',
        'syncLimit=10',
        `dataDir=${dir(id)}`,
        '4lw.commands.whitelist=*',
        'admin.enableServer=false',
        'reconfigEnabled=true',
        ...settings,
        ...lines,
      ];
      writeFileSync(join(dir(id), 'zoo.cfg'), `${text.join('\n')}\n`);
      restart(id);
    },
    restart,
    stop,
    client: (id) =>
      withStory(
        eventually(`a client of server ${id}`, () => connectClient(port(id), { timeoutMs: 6000 }).catch(() => null)),
      ),
    mode,
    until: async (id, wanted) => {
      await withStory(eventually(`server ${id} is ${wanted}`, async () => ((await mode(id)) === wanted ? true : null)));
    },
    waitServing: async (...ids) => {
      for (const id of ids) await withStory(eventually(`server ${id} serves`, () => askServed(port(id))));
    },
    file: (id, name) => readFileSync(join(dir(id), name), 'utf8'),
    files: (id) => readdirSync(dir(id)),
    log: (id) => (told.get(id) ?? []).join('\n'),
    dir,
    port,
    snapshot: async (id) => {
      const taken = await running.get(id)?.takeSnapshot();
      if (taken === undefined || E.isLeft(taken)) throw new Error(`no snapshot of server ${id}`);
      return taken.right.path;
    },
    end: () => {
      stop(...running.keys());
      rmSync(root, { recursive: true, force: true });
    },
  };
};
