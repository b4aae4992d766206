/** Servers as processes of their own: each says over its channel how it stands, and writes its log to a file. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync } from 'node:fs';
import type { Node } from './layout.js';
import { configPath, logPath } from './layout.js';
import { mainScript } from './place.js';
import type { FromServer, ServerView } from './serve.js';

export type Ended = {
  /** Exit code, or the signal that killed it. */
  readonly how: string;
  readonly message: string;
  readonly hint: string;
};

export type Child = {
  readonly node: Node;
  readonly pid: number;
  readonly view: () => ServerView | null;
  readonly ended: () => Ended | null;
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly gone: Promise<void>;
};

/** A log longer than this is put aside as server.log.1 at the next start. */
const logBytes = 16 * 1024 * 1024;

export const startChild = (dir: string, node: Node, onChange: (child: Child) => void): Child => {
  const log = openLog(logPath(dir, node));
  // A group of its own: Ctrl-C reaches the parent alone, which then stops its servers.
  const process_: ChildProcess = fork(mainScript, ['serve', configPath(dir, node)], {
    stdio: ['ignore', log, log, 'ipc'],
    execArgv: [],
    detached: true,
  });
  closeSync(log);

  let view: ServerView | null = null;
  let ended: Ended | null = null;
  let last: { message: string; hint: string } | null = null;
  process_.on('message', (message) => {
    const told = message as FromServer;
    if (told.type === 'failed') last = { message: told.message, hint: told.hint };
    else {
      view = told;
      onChange(child);
    }
  });
  const gone = new Promise<void>((resolve) => {
    const end = (how: string, why: string): void => {
      if (ended !== null) return;
      ended = { how, message: last?.message ?? why, hint: last?.hint ?? `its log: ${logPath(dir, node)}` };
      onChange(child);
      resolve();
    };
    process_.on('error', (error) => end('not started', error.message));
    // 'close' and not 'exit': only then has everything come that it told.
    process_.on('close', (code, signal) => end(signal ?? `exit ${code ?? '?'}`, 'it did not say why'));
  });
  const child: Child = {
    node,
    pid: process_.pid ?? 0,
    view: () => view,
    ended: () => ended,
    kill: (signal) => void process_.kill(signal),
    gone,
  };
  return child;
};

const openLog = (path: string): number => {
  try {
    if (statSync(path).size > logBytes) renameSync(path, `${path}.1`);
  } catch {
    // no log yet
  }
  return openSync(path, 'a');
};

/** Asks all to stop, and kills those that do not within the time. */
export const stopChildren = async (children: readonly Child[], patienceMs: number): Promise<void> => {
  for (const child of children) if (child.ended() === null) child.kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const child of children) if (child.ended() === null) child.kill('SIGKILL');
  }, patienceMs);
  await Promise.all(children.map((c) => c.gone));
  clearTimeout(timer);
};
