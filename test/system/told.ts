/**
 * Client programs of other languages, and how they talk to a test: a line `ok NAME` for each thing that held, a line
 * `ask WHAT` where something must be done to the servers before they go on; code 0 at the end.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Command } from './ensemble.js';

export type Outcome = { readonly code: number | null; readonly held: readonly string[]; readonly said: string };

export type ProgramOptions = Command & {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Does what was asked; the program goes on when it resolves. */
  readonly onAsk?: (what: string) => Promise<void>;
};

/** Milliseconds after which a program that hangs is ended. */
const patienceMs = 120_000;

export const runProgram = async (options: ProgramOptions): Promise<Outcome> => {
  const { file, args, env = {}, cwd, onAsk } = options;
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const timer = setTimeout(killAtExit, patienceMs);
  const held: string[] = [];
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  child.stdin.on('error', () => undefined);
  const closed = new Promise<number | null>((resolve) => {
    child.once('error', (e) => {
      said += String(e);
      resolve(null);
    });
    child.once('close', resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('ok ')) held.push(line.slice(3));
    else if (line.startsWith('ask ') && onAsk !== undefined) {
      await onAsk(line.slice(4));
      child.stdin.write('done\n');
    } else said += `${line}\n`;
  }
  const code = await closed;
  clearTimeout(timer);
  process.off('exit', killAtExit);
  return { code, held, said };
};
