/** The binary as users have it: a process with its arguments, what it writes and how it ends. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { freeRun } from '../../cli/ports.js';
import { reserve } from '../system/ports.js';

export const binary = 'dist/cli/main.js';

export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

export type Running = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves with the first match in what it has written; rejects when it ends without one. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
};

export type RunOptions = { readonly env?: NodeJS.ProcessEnv; readonly nodeArgs?: readonly string[] };

export const start = (args: readonly string[], { env, nodeArgs = [] }: RunOptions = {}): Running => {
  const child = spawn(process.execPath, [...nodeArgs, binary, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env ?? process.env,
  });
  let stdout = '';
  let stderr = '';
  let onText: (() => void)[] = [];
  const heard = (): void => {
    for (const look of onText) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    heard();
  });
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
      heard();
    });
  });
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(stdout) ?? pattern.exec(stderr);
        if (found !== null) {
          onText = onText.filter((f) => f !== look);
          resolve(found);
        } else if (child.exitCode !== null) reject(new Error(`ended without ${String(pattern)}:\n${stdout}${stderr}`));
      };
      onText.push(look);
      look();
    });
  return { child, ended, says };
};

export const run = (args: readonly string[], options: RunOptions = {}): Promise<Ran> => start(args, options).ended;

/** A folder that goes when the test ends. */
export const folder = (t: ExecutionContext): string => {
  const made = mkdtempSync(join(tmpdir(), 'zabkeeper-cli-'));
  t.teardown(() => rmSync(made, { recursive: true, force: true, maxRetries: 5 }));
  return made;
};

/** Below the ports that the kernel gives out, and far from those of another file's tests. */
let nextPort = 10_000 + Math.floor(Math.random() * 20_000);
let lastAsk: Promise<unknown> = Promise.resolve();

/** Free ports in a row. One search at a time: two would find each other's probes wherever they look. */
export const ports = (count: number): Promise<readonly number[]> => {
  const ask = lastAsk.then(async () => {
    const found = await freeRun(nextPort, count, reserve);
    if (found === null) throw new Error('no free ports');
    nextPort = (found.at(-1) ?? nextPort) + 1;
    return found;
  });
  lastAsk = ask.catch(() => undefined);
  return ask;
};

export type ErrorShown = { readonly code: string; readonly exit: number; readonly hint: string } & Record<
  string,
  unknown
>;

/** The one line that a failure under --json is. */
export const errorOf = (stdout: string): ErrorShown => {
  const lines = stdout.split('\n');
  if (lines.length !== 2 || lines[1] !== '') throw new Error(`not one line: ${stdout}`);
  const { error, ...rest } = JSON.parse(lines[0] ?? '') as { error: ErrorShown };
  if (Object.keys(rest).length > 0) throw new Error(`more than an error: ${stdout}`);
  return error;
};
