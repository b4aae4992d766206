/** `zabkeeper status`, `stop`, `init`, `cleanup`, `config`: what Apache's scripts do for a server beside it. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as E from 'fp-ts/lib/Either.js';
import { explainConfigError, loadConfig } from '../shell/config.js';
import type { Config, ConfigError } from '../shell/config.js';
import { maxServerId } from '../shell/configServers.js';
import { holderOfDirectory } from '../shell/storage/lock.js';
import { nodeDisk } from '../shell/storage/nodeDisk.js';
import { versionDir } from '../shell/storage/names.js';
import { purgeFiles } from '../shell/storage/purge.js';
import { fail, ok } from './failure.js';
import type { Failure, Outcome } from './failure.js';
import { printJson, printLines } from './files.js';
import { wholeNumber } from './options.js';

export type ManageOptions = { readonly json: boolean; readonly myid?: string };

const read = (file: string, { myid }: ManageOptions): E.Either<Failure, Config> => {
  const config = loadConfig(file, myid === undefined ? undefined : { from: '--myid', text: myid });
  return E.isRight(config) ? config : fail(badConfig(file, config.left));
};

const badConfig = (file: string, found: readonly ConfigError[]): Failure => {
  const errors = found.filter((e) => e.severity === 'error');
  return {
    code: 'BadConfig',
    exit: 3,
    message: errors.map(explainConfigError).join('\n'),
    hint: `zabkeeper config check ${file} shows all of it`,
    details: { errors: found },
  };
};

/** Milliseconds that a server may take to answer, and to end. */
const answerMs = 5000;
const stopMs = 30_000;

/** What a word answers; null: nobody does. */
const ask = (host: string, port: number, word: string): Promise<string | null> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host, port }, () => socket.write(word));
    socket.setTimeout(answerMs, () => socket.destroy(new Error('no answer')));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')));
  });

/** Says what `srvr` says of the server of this configuration; exit 1 when it does not run or does not serve. */
export const status = async (file: string, options: ManageOptions): Promise<Outcome> => {
  const config = read(file, options);
  if (E.isLeft(config)) return config;
  const { client, dataDir } = config.right;
  if (client === null)
    return fail({ code: 'NoClientPort', exit: 1, message: `${file} names no client port to ask`, hint: '' });
  const host = client.host ?? '127.0.0.1';
  const text = await ask(host, client.port, 'srvr');
  const pid = holderOfDirectory(join(dataDir, versionDir));
  const fieldOf = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(text ?? '')?.[1] ?? null;
  const mode = fieldOf('Mode');
  if (text === null || mode === null) {
    const running = pid === null ? 'it does not run' : `process ${pid} runs`;
    const why = text === null || text === '' ? `nobody answers on ${host}:${client.port}` : text.trim();
    return fail({
      code: 'NotServing',
      exit: 1,
      message: `the server does not serve: ${running}; ${why}`,
      hint: pid === null ? `zabkeeper serve ${file} starts it` : '',
      details: { pid },
    });
  }
  if (options.json)
    printJson({ mode, zxid: fieldOf('Zxid'), connections: Number(fieldOf('Connections')), pid, host, port: client.port }); // prettier-ignore
  else
    printLines([
      `Client port found: ${client.port}. Client address: ${host}. Process: ${pid ?? 'unknown'}.`,
      `Mode: ${mode}`,
    ]);
  return ok;
};

/** SIGTERM to the process that uses the data directory, and waits until it is gone. */
export const stop = async (file: string, options: ManageOptions): Promise<Outcome> => {
  const config = read(file, options);
  if (E.isLeft(config)) return config;
  const dir = join(config.right.dataDir, versionDir);
  const pid = holderOfDirectory(dir);
  if (pid === null)
    return fail({ code: 'NotRunning', exit: 1, message: `no server of this machine uses ${dir}`, hint: '' });
  try {
    process.kill(pid, 'SIGTERM');
  } catch (e) {
    return fail({ code: 'NotStopped', exit: 1, message: `process ${pid}: ${String(e)}`, hint: '', details: { pid } });
  }
  for (const end = performance.now() + stopMs; performance.now() < end; await wait(50)) {
    if (holderOfDirectory(dir) === pid) continue;
    if (options.json) printJson({ stopped: pid });
    else printLines([`process ${pid} has stopped`]);
    return ok;
  }
  return fail({
    code: 'NotStopped',
    exit: 1,
    message: `process ${pid} has been asked to stop and has not in ${stopMs / 1000} s`,
    hint: 'its log says what it waits for',
    details: { pid },
  });
};

export type InitOptions = { readonly json: boolean; readonly myid?: string; readonly force?: boolean };

/** Makes the directories of a new server, its `myid`, and the mark that they may be empty. */
export const init = (file: string, { json, myid, force = false }: InitOptions): Outcome => {
  const id = wholeNumber('--myid', myid, 0, maxServerId);
  if (E.isLeft(id)) return id;
  // The file myid, which an ensemble's configuration asks for, is what is made here.
  const config = read(file, { json, ...(myid === undefined ? {} : { myid }) });
  if (E.isLeft(config)) return config;
  const { dataDir, dataLogDir } = config.right;
  const dirs = [...new Set([dataDir, dataLogDir])].map((dir) => join(dir, versionDir));
  const used = dirs.filter((dir) => existsSync(dir) && readdirSync(dir).length > 0);
  const holder = dirs.map(holderOfDirectory).find((pid) => pid !== null);
  if (holder !== undefined)
    return fail({ code: 'DataInUse', exit: 1, message: `process ${holder} uses these directories`, hint: '' });
  if (used.length > 0 && !force)
    return fail({
      code: 'DataExists',
      exit: 1,
      message: `${used.join(' and ')} ${used.length === 1 ? 'holds' : 'hold'} data already`,
      hint: '--force removes it for good; zabkeeper serve starts from it',
    });
  try {
    for (const dir of used) rmSync(dir, { recursive: true });
    for (const dir of dirs) mkdirSync(dir, { recursive: true });
    if (id.right !== undefined) writeFileSync(join(dataDir, 'myid'), `${id.right}\n`);
    writeFileSync(join(dataLogDir, 'initialize'), '');
  } catch (e) {
    return fail({ code: 'DirectoryUnusable', exit: 1, message: e instanceof Error ? e.message : String(e), hint: '' });
  }
  if (json) printJson({ data_dir: dataDir, data_log_dir: dataLogDir, myid: id.right ?? null });
  else
    printLines([
      `${dirs.join(' and ')} ${dirs.length === 1 ? 'is' : 'are'} made${id.right === undefined ? '' : `, myid is ${id.right}`}`,
    ]);
  return ok;
};

export type CleanupOptions = { readonly json: boolean; readonly count?: string; readonly myid?: string };

/** Removes what no start needs any more, but for the newest snapshots; also while the server runs. */
export const cleanup = (file: string, options: CleanupOptions): Outcome => {
  const keep = wholeNumber('--count', options.count, 3, 1_000_000);
  if (E.isLeft(keep)) return keep;
  const config = read(file, options);
  if (E.isLeft(config)) return config;
  const { dataDir, dataLogDir, snapRetainCount } = config.right;
  const dirs = { data: `${dataDir}/${versionDir}`, log: `${dataLogDir}/${versionDir}` };
  if (!existsSync(dirs.data))
    return fail({ code: 'DirectoryUnusable', exit: 1, message: `${dirs.data} does not exist`, hint: '' });
  const removed = purgeFiles(nodeDisk, dirs, keep.right ?? snapRetainCount);
  if (options.json) printJson({ removed });
  else printLines([...removed.map((name) => `removed ${name}`), `${removed.length} files removed`]);
  return ok;
};

/** Everything that is wrong or odd in a configuration; exit 3 when a server would not start with it. */
export const checkConfig = (file: string, options: ManageOptions): Outcome => {
  const config = loadConfig(file, options.myid === undefined ? undefined : { from: '--myid', text: options.myid });
  const found = E.isRight(config) ? config.right.warnings : config.left;
  if (!options.json) printLines(found.map(explainConfigError));
  const errors = found.filter((e) => e.severity === 'error').length;
  if (E.isLeft(config))
    return fail({
      code: 'BadConfig',
      exit: 3,
      message: `${file} cannot be used: ${errors} ${errors === 1 ? 'error' : 'errors'}`,
      hint: found.find((e) => e.severity === 'error')?.remedy ?? '',
      details: { errors: found },
    });
  if (options.json) printJson({ file, warnings: found });
  else printLines([`${file} can be used; ${found.length} ${found.length === 1 ? 'warning' : 'warnings'}`]);
  return ok;
};
