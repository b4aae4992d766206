/**
 * `zabkeeper`: a server in this process, started from code, as ZooKeeperServerEmbedded does it. It is the server that
 * `zabkeeper serve` runs, over real sockets and files.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type { Status } from '../core/server.js';
import { explainConfigError, loadConfig } from './config.js';
import type { Log } from './net/log.js';
import { runServer } from './server.js';
import { nodeDisk } from './storage/nodeDisk.js';

export type { Status } from '../core/server.js';
export type { Log } from './net/log.js';

export type EmbeddedOptions = {
  /** Everything of the server stands in here; made when it is not there. dataDir, unless a setting says otherwise. */
  readonly dir: string;
  /** Keys of zoo.cfg by their names, `server.N` among them: `{ clientPort: 2181, tickTime: 2000 }`. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** Of a member of an ensemble. */
  readonly myid?: number;
  readonly log?: Log;
  /** The server cannot go on, and has stopped: its disk or one of its ports has failed. */
  readonly onFatal?: (what: string) => void;
};

export type EmbeddedServer = {
  readonly status: () => Status;
  /** host:port of the client port; null without one. */
  readonly connectString: string | null;
  /** Whether it serves clients, now or within so many milliseconds. */
  readonly serves: (withinMs: number) => Promise<boolean>;
  /** Makes durable what was acknowledged, and gives ports and files free. */
  readonly stop: () => void;
};

/** How often it is looked whether a server serves, milliseconds. */
const lookMs = 20;

/**
 * Writes zoo.cfg and myid into the directory and runs a server from them.
 * @returns Left: what is wrong with the settings or the files, a line each
 */
export const startEmbedded = (options: EmbeddedOptions): E.Either<readonly string[], EmbeddedServer> => {
  const { settings, myid, log = () => undefined, onFatal = () => undefined } = options;
  const dir = resolve(options.dir);
  const file = join(dir, 'zoo.cfg');
  const all = { dataDir: dir, 'admin.enableServer': false, ...settings };
  const written = E.tryCatch(() => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(file, Object.entries(all).map(([key, value]) => `${key}=${value}\n`).join('')); // prettier-ignore
    if (myid !== undefined) writeFileSync(join(String(all.dataDir), 'myid'), `${myid}\n`);
  }, String);
  if (E.isLeft(written)) return E.left([written.left]);
  const config = loadConfig(file);
  if (E.isLeft(config)) return E.left(config.left.map(explainConfigError));
  for (const warning of config.right.warnings) log('warn', explainConfigError(warning));
  const running = runServer({ config: config.right, disk: nodeDisk, log, onFatal });
  if (E.isLeft(running)) return E.left([running.left.message]);
  const { status, stop } = running.right;
  const { client } = config.right;
  return E.right({
    status,
    stop,
    connectString: client === null ? null : `${client.host ?? '127.0.0.1'}:${client.port}`,
    serves: async (withinMs) => {
      const end = performance.now() + withinMs;
      while (!status().serving && performance.now() < end) await new Promise((later) => setTimeout(later, lookMs));
      return status().serving;
    },
  });
};
