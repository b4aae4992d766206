/**
 * CPU of three of our servers beside three of Apache ZooKeeper's on the same machine, alternated in one run:
 * `npm run bench [-- --json]`. What it means and what was measured: README.md.
 */
import { loadavg } from 'node:os';
import { apache } from '../test/system/apache.js';
import { startEnsemble, zabkeeper } from '../test/system/ensemble.js';
import type { Ensemble } from '../test/system/ensemble.js';
import { cpuSeconds, rssBytes } from './cpu.js';
import { connections, openClients, outstanding, valueBytes } from './load.js';
import type { Clients, Kind } from './load.js';

/** Requests of one measurement. */
const sizes: Readonly<Record<Kind, number>> = { create: 16_000, set: 16_000, get: 48_000 };
const kinds: readonly Kind[] = ['set', 'create', 'get'];
const rounds = 3;
const per = 100_000;
/** Seconds of all kinds of load before the first measurement: Java compiles what is hot. */
const warmSeconds = { apache: 45, ours: 10 } as const;

type Side = 'apache' | 'ours';
const sides: readonly Side[] = ['apache', 'ours'];

type Servers = { readonly ensemble: Ensemble; readonly clients: Clients; readonly pids: readonly number[] };

/** `cpu` in seconds per 1e5 requests, all three servers together; `rate` in requests a second. */
type Measured = { readonly side: Side; readonly kind: Kind; readonly cpu: number; readonly rate: number };

const javaOptions = ['-Xmx1000m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

const startServers = async (side: Side): Promise<Servers> => {
  const command = side === 'ours' ? zabkeeper : (m: Parameters<typeof apache>[0]) => apache(m, javaOptions);
  const ensemble = await startEnsemble({ size: 3, tickTime: 2000, command });
  const clients = await openClients(ensemble.members.map((m) => m.clientPort));
  return { ensemble, clients, pids: ensemble.members.map((m) => ensemble.pid(m.id)) };
};

const warm = async ({ clients }: Servers, seconds: number): Promise<void> => {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) for (const kind of kinds) await clients.run(kind, 2000);
};

const measure = async (side: Side, { clients, pids }: Servers, kind: Kind): Promise<Measured> => {
  const [cpu, at] = [cpuSeconds(pids), performance.now()];
  await clients.run(kind, sizes[kind]);
  const seconds = (performance.now() - at) / 1000;
  return { side, kind, cpu: ((cpuSeconds(pids) - cpu) * per) / sizes[kind], rate: sizes[kind] / seconds };
};

const median = (of: readonly number[]): number => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? NaN;

const json = process.argv.includes('--json');
const say = (line: string): void => {
  (json ? process.stderr : process.stdout).write(`${line}\n`);
};

const summary = (all: readonly Measured[]) =>
  kinds.map((kind) => {
    const cpuOf = (side: Side): readonly number[] =>
      all.filter((m) => m.kind === kind && m.side === side).map((m) => m.cpu);
    const rateOf = (side: Side): number =>
      median(all.filter((m) => m.kind === kind && m.side === side).map((m) => m.rate));
    const [theirs, own] = [cpuOf('apache'), cpuOf('ours')];
    return {
      kind,
      apache: { cpuSecondsPer1e5: theirs, median: median(theirs), perSecond: Math.round(rateOf('apache')) },
      ours: { cpuSecondsPer1e5: own, median: median(own), perSecond: Math.round(rateOf('ours')) },
      ratio: median(own) / median(theirs),
      ratioToBest: median(own) / Math.min(...theirs),
    };
  });

const main = async (): Promise<void> => {
  const running = new Map<Side, Servers>();
  try {
    for (const side of sides) running.set(side, await startServers(side));
    const loads = [loadavg()[0] ?? 0];
    for (const side of sides) {
      say(`warming ${side}, ${warmSeconds[side]} s`);
      await warm(running.get(side) as Servers, warmSeconds[side]);
    }
    const all: Measured[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (const kind of kinds) {
        for (const side of sides) {
          const m = await measure(side, running.get(side) as Servers, kind);
          all.push(m);
          say(`round ${round} ${kind} ${side}: ${m.cpu.toFixed(2)} CPU s per 1e5, ${m.rate.toFixed(0)}/s`);
        }
      }
      loads.push(loadavg()[0] ?? 0);
    }
    const rss = (side: Side): number => Math.round(rssBytes(running.get(side)?.pids ?? []) / 1e6);
    const result = {
      load: `${connections} connections x ${outstanding} outstanding, values of ${valueBytes} bytes, three servers each`,
      rounds,
      requests: sizes,
      warmSeconds,
      loadAverage: loads.map((l) => Number(l.toFixed(1))),
      rssMB: { apache: rss('apache'), ours: rss('ours') },
      results: summary(all),
    };
    if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      for (const { kind, apache: theirs, ours, ratio, ratioToBest } of result.results) {
        const shown = (n: number): string => n.toFixed(2);
        say(
          `${kind}: Apache ${shown(theirs.median)}, ours ${shown(ours.median)} CPU s per 1e5; ` +
            `ratio ${shown(ratio)}, ${shown(ratioToBest)} of Apache's best`,
        );
      }
      say(`resident MB of three: Apache ${result.rssMB.apache}, ours ${result.rssMB.ours}; load ${loads.map((l) => l.toFixed(1)).join(' ')}`); // prettier-ignore
    }
  } finally {
    for (const { clients, ensemble } of running.values()) {
      clients.close();
      await ensemble.stop();
    }
  }
};

await main();
