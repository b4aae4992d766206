/**
 * `npm run test:differential -- --ops N --seed N`: random programs against ours and Apache's server side by side. Ends at
 * the first divergence, with the shortest program that shows it. `--servers 3`: three of each, and sessions that move
 * between them. `--length N`: steps of the longest program.
 */
import { explain, search } from './compare.js';
import { settings } from './settings.js';
import { createServers } from '../compatibility/servers.js';
import type { Kind, Servers } from '../compatibility/servers.js';

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const operations = option('ops', 10_000);
const seed = option('seed', Math.floor(Math.random() * 0x7fffffff));
const size = option('servers', 1);
const length = option('length', 40);
/** Ends after so many divergences. */
const most = option('most', 1);
const everyMs = 5000;

const start = async (kind: Kind): Promise<Servers> => {
  const own = kind === 'apache' ? ['forceSync=no'] : [];
  const servers = await createServers({ kind, size, tickTime: 2000, settings: [...settings, ...own] });
  servers.start();
  await servers.waitServing();
  return servers;
};

const began = performance.now();
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`;
const both = await Promise.all([start('ours'), start('apache')]);
try {
  const [ours, theirs] = both.map((s) => ({ name: s.kind, ports: s.members.map((m) => m.clientPort) }));
  if (ours === undefined || theirs === undefined) throw new Error('two sides are needed');
  console.log(`${seconds()}  ${size} of each serve; seed ${seed}`);
  let shown = performance.now();
  let divergences = 0;
  let done = { programs: 0, operations: 0 };
  for (let next = seed; divergences < most && done.operations < operations; next += 1) {
    const wanted = { operations: operations - done.operations, seed: next, length };
    const before = done;
    const found = await search(ours, theirs, wanted, (p) => {
      done = { programs: before.programs + p.programs, operations: before.operations + p.operations };
      if (performance.now() - shown < everyMs) return;
      shown = performance.now();
      console.log(`${seconds()}  ${done.operations} operations in ${done.programs} programs`);
    });
    if (found === null) continue;
    divergences += 1;
    console.log(`${seconds()}  divergence, seed ${next}, at ${explain(found)}`);
  }
  console.log(`${seconds()}  ${done.operations} operations in ${done.programs} programs, seed ${seed}`);
  console.log(`${divergences} divergences`);
  process.exitCode = divergences === 0 ? 0 : 1;
} finally {
  await Promise.all(both.map((s) => s.stop()));
}
process.exit();
