/** Runs a session program against three of our servers and does to them what it asks for. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Program } from './clients.js';
import { connectClient } from './client.js';
import { startEnsemble } from './ensemble.js';
import type { Ensemble } from './ensemble.js';
import { startProxy } from './proxy.js';
import type { Change, Proxy } from './proxy.js';
import { runProgram } from './told.js';
import type { Outcome } from './told.js';

/** What every program must have said at its end. */
export const steps = ['connect', 'create', 'read', 'write', 'watch', 'ephemeral', 'failover'] as const;

/** Another process with a session of its own, killed and never closed. */
const startOwner = async (program: Program, hosts: string): Promise<ChildProcess> => {
  const { file, args } = program(hosts, 'owner');
  const owner = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => owner.kill('SIGKILL'));
  for await (const line of createInterface({ input: owner.stdout })) if (line === 'ready') return owner;
  throw new Error('the owner has ended before it was ready');
};

const write = async (ensemble: Ensemble, path: string, text: string): Promise<void> => {
  const alive = ensemble.members.find((m) => ensemble.isRunning(m.id));
  await ensemble.waitServing(alive?.id ?? 0);
  const client = await connectClient(alive?.clientPort ?? 0);
  const { err } = await client.call({ op: 'setData', path, data: Buffer.from(text), version: -1 });
  await client.call({ op: 'closeSession' });
  client.cut();
  if (err !== 0) throw new Error(`setData ${path}: error ${err}`);
};

/** @param change what proxies before the servers do to what they send (proxy.ts); no proxies without it */
export const runSession = async (program: Program, change?: Change): Promise<Outcome> => {
  const ensemble = await startEnsemble({ size: 3 });
  let owner: ChildProcess | null = null;
  const proxies: Proxy[] = [];
  try {
    if (change !== undefined) {
      for (const { clientPort } of ensemble.members) proxies.push(await startProxy(clientPort, change));
    }
    const hosts = change === undefined ? ensemble.connectString() : proxies.map((p) => `127.0.0.1:${p.port}`).join(',');
    const { file, args } = program(hosts, 'main');
    const onAsk = async (what: string): Promise<void> => {
      const [verb, path = '', text = ''] = what.split(' ');
      if (verb === 'write') return write(ensemble, path, text);
      if (verb === 'start-owner') {
        owner = await startOwner(program, hosts);
        // The program may ask another server than the owner did, at once.
        await ensemble.level();
      } else if (verb === 'kill-owner') owner?.kill('SIGKILL');
      else if (verb === 'kill-leader') await ensemble.kill(await ensemble.leader());
      else throw new Error(`nobody knows how to ${what}`);
    };
    return await runProgram({ file, args, onAsk });
  } finally {
    (owner as ChildProcess | null)?.kill('SIGKILL');
    for (const proxy of proxies) proxy.close();
    await ensemble.stop();
  }
};

/** A bug that every program must notice: a change of data is told as a deletion. */
export const tellsDeletions: Change = (payload) => {
  const [eventXid, changed, deleted] = [-1, 3, 2];
  if (payload.readInt32BE(0) === eventXid && payload.readInt32BE(16) === changed) payload.writeInt32BE(deleted, 16);
  return payload;
};
