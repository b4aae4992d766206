/** `zabkeeper serve`: one server in the foreground, until a signal or a failure ends it. */
import { existsSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { formatZxid } from '../core/data/zxid.js';
import { explainConfigError, loadConfig } from '../shell/config.js';
import type { Config, ConfigError } from '../shell/config.js';
import type { Log } from '../shell/net/log.js';
import { runSupervised } from '../shell/supervised.js';
import type { Supervised } from '../shell/supervised.js';
import { nodeDisk } from '../shell/storage/nodeDisk.js';
import type { OpenError } from '../shell/storage/storage.js';
import type { Failure, Outcome } from './failure.js';
import { fail, interrupted, ok } from './failure.js';
import { levelOf, lineLog } from './log.js';
import { version } from './place.js';

export type ServeOptions = { readonly myid?: string; readonly json: boolean };

/** What a server tells the process that forked it. */
export type FromServer =
  | ({ readonly type: 'status' } & ServerView)
  | { readonly type: 'failed'; readonly message: string; readonly hint: string };

export type ServerView = {
  /** LOOKING, FOLLOWING or LEADING. */
  readonly role: string;
  readonly phase: string;
  readonly leader: number | null;
  readonly epoch: number;
  /** As ZooKeeper prints it, `0x100000003`. */
  readonly zxid: string;
  readonly serving: boolean;
  readonly rssBytes: number;
};

/** How often a forked server tells what has changed, milliseconds. */
const tellMs = 250;

/**
 * @param named the configuration; without one, and for a bare name that is not here, ZOOCFGDIR and ZOOCFG say where it is, as
 *              for Apache's scripts
 */
export const serve = async (named: string | undefined, options: ServeOptions): Promise<Outcome> => {
  const file = configFile(named, process.env);
  if (file === null)
    return fail({
      code: 'Usage',
      exit: 2,
      message: 'no configuration is named, and ZOOCFGDIR does not say where one is',
      hint: 'zabkeeper serve zoo.cfg',
    });
  const outcome = await run(file, options);
  if (E.isLeft(outcome) && outcome.left.exit !== 130) {
    const { message, hint } = outcome.left;
    await tell({ type: 'failed', message, hint });
  }
  return outcome;
};

export const configFile = (named: string | undefined, env: NodeJS.ProcessEnv): string | null => {
  const dir = env['ZOOCFGDIR'];
  if (dir === undefined) return named ?? null;
  if (named === undefined) return join(dir, env['ZOOCFG'] ?? 'zoo.cfg');
  return basename(named) === named && !existsSync(named) ? join(dir, named) : named;
};

const run = async (file: string, { myid, json }: ServeOptions): Promise<Outcome> => {
  const config = loadConfig(file, myid === undefined ? undefined : { from: '--myid', text: myid });
  if (E.isLeft(config)) return fail(badConfig(file, config.left, json));
  const write = E.tryCatch(() => logTarget(config.right, process.env), E.toError);
  if (E.isLeft(write))
    return fail({ code: 'DirectoryUnusable', exit: 1, message: `ZOO_LOG_DIR: ${write.left.message}`, hint: '' });
  const log = lineLog(write.right, json, () => new Date(), levelOf(process.env) ?? config.right.operations.logLevel);
  for (const warning of config.right.warnings) log('warn', explainConfigError(warning));
  log('info', greeting(config.right));
  return until(config.right, log);
};

/** Lines go to stderr, or into a file of the directory ZOO_LOG_DIR. */
const logTarget = ({ self }: Config, env: NodeJS.ProcessEnv): ((line: string) => void) => {
  const dir = env['ZOO_LOG_DIR'];
  if (dir === undefined || dir === '') return (line) => process.stderr.write(line);
  mkdirSync(dir, { recursive: true });
  const fd = openSync(join(dir, `zabkeeper-server-${self}.log`), 'a');
  return (line) => void writeSync(fd, line);
};

const greeting = ({ self, servers, client, dataDir }: Config): string =>
  `zabkeeper ${version()}, process ${process.pid}: server ${self}` +
  `${servers.length === 0 ? ', alone' : ` of ${servers.length}`}, ` +
  `${client === null ? 'no client port' : `client port ${client.host ?? '*'}:${client.port}`}, data in ${dataDir}`;

/** Runs the server until something ends it. */
const until = (config: Config, log: Log): Promise<Outcome> =>
  new Promise((resolve) => {
    let server: Supervised | null = null;
    const cleanups: (() => void)[] = [];
    const end = (outcome: Outcome): void => {
      for (const cleanup of cleanups.splice(0)) cleanup();
      server?.stop();
      resolve(outcome);
    };
    let told = '';
    const report = (): void => {
      if (server === null || process.send === undefined) return;
      const view = viewOf(server);
      if (view === null) return;
      const text = JSON.stringify({ ...view, rssBytes: 0 });
      if (text === told) return;
      told = text;
      void tell({ type: 'status', ...view });
    };
    const running = runSupervised({
      config,
      disk: nodeDisk,
      log,
      onFatal: (what) => end(fail(stopped(what))),
      onStatus: report,
    });
    if (E.isLeft(running)) return end(fail(refused(running.left)));
    server = running.right;

    if (process.send !== undefined) {
      const timer = setInterval(report, tellMs);
      cleanups.push(() => clearInterval(timer));
      // Whoever forked this server is gone; an ensemble leaves no server behind.
      const onDisconnect = (): void => onSignal('the parent process is gone', ok);
      process.once('disconnect', onDisconnect);
      cleanups.push(() => process.removeListener('disconnect', onDisconnect));
      report();
    }
    const onSignal = (why: string, outcome: Outcome): void => {
      log('info', `${why}: stopping`);
      end(outcome);
    };
    const signals = { SIGINT: fail(interrupted), SIGTERM: ok, SIGHUP: ok } as const;
    for (const [signal, outcome] of Object.entries(signals) as [NodeJS.Signals, Outcome][]) {
      const handler = (): void => onSignal(signal, outcome);
      process.once(signal, handler);
      cleanups.push(() => process.removeListener(signal, handler));
    }
  });

const viewOf = (server: Supervised): ServerView | null => {
  const status = server.status();
  if (status === null) return null;
  const { role, phase, leader, epoch, zxid, serving } = status;
  return { role, phase, leader, epoch, zxid: formatZxid(zxid), serving, rssBytes: process.memoryUsage.rss() };
};

/** Resolves when the parent has it, or cannot have it any more. */
const tell = (message: FromServer): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, undefined, {}, () => resolve());
  });

const badConfig = (file: string, errors: readonly ConfigError[], json: boolean): Failure => {
  if (!json) for (const error of errors) process.stderr.write(`${explainConfigError(error)}\n`);
  const count = errors.filter((e) => e.severity === 'error').length;
  return {
    code: 'BadConfig',
    exit: 3,
    message: `${file} cannot be used: ${count} ${count === 1 ? 'error' : 'errors'}`,
    hint: errors.find((e) => e.severity === 'error')?.remedy ?? '',
    details: { errors },
  };
};

const openCodes = {
  Locked: 'DataInUse',
  Misplaced: 'FilesMisplaced',
  Refused: 'HistoryRefused',
  Failed: 'DiskFailed',
} as const;

const openHints = {
  Locked: '',
  Misplaced: 'correct dataDir or dataLogDir, or move the files',
  Refused: 'restore the directory from a copy, or start with an empty one to be filled by the leader',
  Failed: 'look at the directories of dataDir and dataLogDir; zabkeeper doctor tries the disk',
} as const;

const refused = (error: OpenError): Failure => ({
  code: openCodes[error.type],
  exit: 1,
  message: error.message,
  hint: openHints[error.type],
});

/** What a failure says of itself, and what helps; the first that fits counts. */
const stops: readonly (readonly [says: RegExp, code: string, hint: string])[] = [
  [/EADDRINUSE/, 'PortInUse', 'stop what listens there, or name another port in the configuration'],
  [/ENOSPC|EDQUOT/, 'DiskFull', 'make room there and start it again; what was acknowledged is on the disk'],
  [/EFBIG/, 'DiskFull', 'raise the limit of file sizes (ulimit -f) and start it again'],
  [/EROFS|EACCES|EPERM/, 'DiskFailed', 'let this user write there, and start it again'],
  [
    /has been removed|ENOENT/,
    'DiskFailed',
    'find out who removed files of a running server; restore them, or start with an empty directory if the other ' +
      'servers have their data',
  ],
  [/EMFILE|ENFILE/, 'TooManyFiles', 'raise the limit of open files (ulimit -n), or lower maxClientCnxns'],
  [/the disk failed/, 'DiskFailed', 'look at the disk and at the messages of the kernel before you start it again'],
];

const stopped = (what: string): Failure => {
  const [, code, hint] = stops.find(([says]) => says.test(what)) ?? [null, 'ServerStopped', ''];
  return { code, exit: 1, message: `the server has stopped: ${what}`, hint };
};
