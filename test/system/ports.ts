/** Ports of loopback for servers that are started, killed and started again on the same ones. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Below the range from which systems take the ports of outgoing connections (32768 on Linux): a port from there could
// be gone while its server is down.
const lowest = 11_000;
const highest = 32_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A file for each port that a test has for itself: nobody listens there while its server is down. */
const folder = join(tmpdir(), 'zabkeeper-ports');
const held: string[] = [];
process.on('exit', () => {
  for (const file of held) rmSync(file, { force: true });
});

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const holds = (port: number): boolean => {
  const file = join(folder, String(port));
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    held.push(file);
    return true;
  } catch {
    return false;
  }
};

/** What a process has left that is gone. */
const release = (port: number): void => {
  const file = join(folder, String(port));
  try {
    if (!lives(Number(readFileSync(file, 'utf8')))) rmSync(file, { force: true });
  } catch {
    // Its owner has removed it meanwhile.
  }
};

/** Whether this process has the port for itself from now on, until it ends. */
export const reserve = async (port: number): Promise<boolean> => {
  if (!holds(port)) {
    release(port);
    if (!holds(port)) return false;
  }
  return isFree(port);
};

/** `n` ports on which nobody listens, from a random place on: several ensembles may look for theirs at once. */
export const freePorts = async (n: number): Promise<readonly number[]> => {
  const found: number[] = [];
  let port = lowest + Math.floor(Math.random() * (highest - lowest));
  while (found.length < n) {
    if (await reserve(port)) found.push(port);
    port = port >= highest ? lowest : port + 1;
  }
  return found;
};
