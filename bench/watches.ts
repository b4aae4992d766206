/**
 * Memory of a million watches, ours beside Apache's: `npm run bench:watches [-- ours own]`. A hundred connections set ten thousand
 * watches each, once all on the same paths, once each on its own. What was measured: README.md.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { apache } from '../test/system/apache.js';
import { connectClient } from '../test/system/client.js';
import type { Client } from '../test/system/client.js';
import { startEnsemble, zabkeeper } from '../test/system/ensemble.js';
import type { Member } from '../test/system/ensemble.js';
import { cpuSeconds, rssBytes } from './cpu.js';

const connections = 100;
const perConnection = 10_000;
const watches = connections * perConnection;
const outstanding = 1000;
const mb = 1024 * 1024;

type Side = 'ours' | 'apache';
type Spread = 'shared' | 'own';

/** Bytes that are in use: resident, or of Java's heap what is left after a collection. */
const used = async (side: Side, pid: number): Promise<number> => {
  if (side === 'ours') {
    await sleep(3000);
    return rssBytes([pid]);
  }
  execFileSync('jcmd', [String(pid), 'GC.run']);
  await sleep(1000);
  const text = execFileSync('jcmd', [String(pid), 'GC.heap_info'], { encoding: 'utf8' });
  const kib = [...text.matchAll(/^\s*(?:garbage-first heap|def new generation|tenured generation).*?used (\d+)K/gm)];
  return kib.reduce((sum, m) => sum + Number(m[1]), 0) * 1024;
};

const watchAll = async (client: Client, n: number, spread: Spread): Promise<void> => {
  const name = spread === 'shared' ? 'all' : String(n);
  for (let from = 0; from < perConnection; from += outstanding) {
    const requests = Array.from({ length: outstanding }, (_, i) =>
      client.call({ op: 'exists', path: `/watched-${name}-${from + i}`, watch: true }),
    );
    for (const { err } of await Promise.all(requests)) if (err !== -101) throw new Error(`exists: error ${err}`);
  }
};

const measure = async (side: Side, spread: Spread): Promise<string> => {
  const command = side === 'ours' ? zabkeeper : (m: Member) => apache(m, ['-Xmx3g']);
  const settings = ['maxClientCnxns=0', 'maxSessionTimeout=600000'];
  const ensemble = await startEnsemble({ size: 1, tickTime: 2000, settings, command });
  try {
    const [port, pid] = [ensemble.members[0]?.clientPort ?? 0, ensemble.pid(1)];
    const clients = await Promise.all(
      Array.from({ length: connections }, () => connectClient(port, { timeoutMs: 600_000 })),
    );
    const before = await used(side, pid);
    const cpu = cpuSeconds([pid]);
    for (const [n, client] of clients.entries()) await watchAll(client, n, spread);
    const seconds = cpuSeconds([pid]) - cpu;
    const after = await used(side, pid);
    for (const client of clients) client.cut();
    const each = ((after - before) / watches).toFixed(0);
    const sums = `${(before / mb).toFixed(0)} to ${(after / mb).toFixed(0)} MB, ${each} bytes a watch`;
    return `${side.padEnd(7)} ${spread.padEnd(7)} ${sums}, ${seconds.toFixed(1)} s of CPU`;
  } finally {
    await ensemble.stop();
  }
};

console.log(`${watches} watches of ${connections} connections; ours: resident, Apache: heap in use`);
const chosen = process.argv.slice(2);
for (const spread of ['shared', 'own'] as const)
  for (const side of ['ours', 'apache'] as const)
    if (chosen.length === 0 || (chosen.includes(spread) && chosen.includes(side)))
      console.log(await measure(side, spread));
process.exit();
