/**
 * Three servers on real sockets of loopback, in one process, each over the twin of a disk: at a power cut it throws away
 * what no completed sync covers.
 */
import * as E from 'fp-ts/lib/Either.js';
import { decodeConfig } from '../../shell/config.js';
import type { Config } from '../../shell/config.js';
import { runServer } from '../../shell/server.js';
import type { RunningServer } from '../../shell/server.js';
import { openMemoryDisk } from '../../shell/storage/memoryDisk.js';
import type { Choose, Forgets, MemoryDisk } from '../../shell/storage/memoryDisk.js';
import { eventually, sleep } from '../system/ensemble.js';
import { freePorts } from '../system/ports.js';
import { askServed } from '../system/words.js';

/**
 * When the power goes. before: syncs are asked for, nothing of what they would cover survives. during: a part of it
 * does, cut at any byte. after: the sync is done, and the power goes before the server has heard of it. anytime: the
 * disk is busy as ever.
 */
export type Moment = 'before' | 'during' | 'after' | 'anytime';
export const moments: readonly Moment[] = ['before', 'during', 'after', 'anytime'];

export type Twins = {
  readonly ports: readonly number[];
  readonly start: (...ids: readonly number[]) => void;
  /** Lets load run on with disks that answer nothing until each has a sync waiting, then cuts the power of these. */
  readonly powerCut: (moment: Moment, ...ids: readonly number[]) => Promise<void>;
  readonly waitServing: () => Promise<void>;
  readonly leader: () => Promise<number>;
  /** Lines of log of all servers, for messages. */
  readonly story: () => string;
  readonly stop: () => void;
};

export type TwinOptions = {
  readonly choose: Choose;
  readonly forgets?: Forgets;
};

type Twin = {
  readonly id: number;
  readonly config: Config;
  readonly disk: MemoryDisk;
  server: RunningServer | null;
  /** Its syncs do not get done for the moment. */
  frozen: boolean;
};

const size = 3;
/** How often disks get something done, milliseconds. */
const diskMs = 1;

export const createTwins = async ({ choose, forgets = {} }: TwinOptions): Promise<Twins> => {
  const ports = await freePorts(3 * size);
  const servers = Array.from(
    { length: size },
    (_, i) => `server.${i + 1}=127.0.0.1:${ports[3 * i + 1]}:${ports[3 * i + 2]}`,
  );
  const lines: string[] = [];
  const twins = servers.map((_, i): Twin => {
    const settings = [
      'tickTime=300',
      'initLimit=20',
      'syncLimit=10',
      `dataDir=/data/${i + 1}`,
      `clientPort=${ports[3 * i] ?? 0}`,
      '4lw.commands.whitelist=*',
      // Small files, so that logs grow, roll and are replaced by snapshots meanwhile.
      'preAllocSize=16',
      'snapCount=150',
      ...servers,
    ];
    const config = decodeConfig({
      file: 'zoo.cfg',
      text: settings.join('\n'),
      myid: { from: 'test', text: String(i + 1) },
      readText: () => null,
      ownAddresses: [],
    });
    if (E.isLeft(config)) throw new Error(JSON.stringify(config.left));
    return { id: i + 1, config: config.right, disk: openMemoryDisk(forgets), server: null, frozen: false };
  });
  const chosen = (ids: readonly number[]): readonly Twin[] =>
    ids.length === 0 ? twins : twins.filter((twin) => ids.includes(twin.id));

  const work = setInterval(() => {
    for (const { disk, frozen } of twins) {
      if (!frozen && disk.pending() > 0 && choose(3) > 0) disk.happen(choose(disk.pending()));
    }
  }, diskMs);

  const startOne = (twin: Twin): void => {
    twin.frozen = false;
    const started = runServer({
      config: twin.config,
      disk: twin.disk.disk,
      log: (level, message) => lines.push(`server ${twin.id} ${level} ${message}`),
      onFatal: (what) => lines.push(`server ${twin.id} stops: ${what}`),
    });
    if (E.isLeft(started))
      throw new Error(`server ${twin.id}: ${started.left.message}\n${lines.slice(-20).join('\n')}`);
    twin.server = started.right;
  };
  const cut = (twin: Twin, moment: Moment): void => {
    if (moment === 'after') twin.disk.settle();
    // From here on every call of the disk throws: stopping must not tidy up.
    twin.disk.stopAfter(0);
    twin.server?.stop();
    twin.server = null;
    twin.disk.crash('prefix', moment === 'before' ? () => 0 : choose);
  };
  const portOf = (id: number): number => ports[3 * (id - 1)] ?? 0;
  return {
    ports: twins.map((twin) => portOf(twin.id)),
    start: (...ids) => chosen(ids).forEach(startOne),
    powerCut: async (moment, ...ids) => {
      const victims = chosen(ids);
      if (moment !== 'anytime') {
        for (const twin of victims) twin.frozen = true;
        await eventually('each disk has a sync to do', () =>
          victims.every((v) => v.disk.pending() > 0) ? true : null,
        );
        // More writes arrive behind the sync that waits.
        await sleep(choose(20));
      }
      for (const twin of victims) cut(twin, moment);
    },
    waitServing: async () => {
      for (const { id } of twins) await eventually(`server ${id} serves`, () => askServed(portOf(id)));
    },
    leader: () =>
      eventually('one leads', async () => {
        for (const { id } of twins) if ((await askServed(portOf(id)))?.mode === 'leader') return id;
        return null;
      }),
    story: () => lines.slice(-30).join('\n'),
    stop: () => {
      clearInterval(work);
      for (const twin of twins) twin.server?.stop();
    },
  };
};

/** Choices from a seed, so that a run can be had again as far as sockets allow. */
export const chooser = (seed: number): Choose => {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 0x100000000) * n);
  };
};
