/**
 * An ensemble on one machine: DIR/ensemble.json remembers ids and ports, DIR/serverN holds zoo.cfg, myid, data and log
 * of server N. The same directory comes up with the same ids, and with the same ports while they are free.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';
import type { Failure } from './failure.js';
import { fail } from './failure.js';
import { freeRun, isFree, loopback } from './ports.js';

const Port = t.refinement(t.Integer, (n) => n >= 1 && n <= 65535, 'Port');
const Id = t.refinement(t.Integer, (n) => n >= 1 && n <= 254, 'Id');

const Node = t.readonly(t.strict({ id: Id, client: Port, quorum: Port, election: Port }), 'Node');
export type Node = t.TypeOf<typeof Node>;

const Layout = t.readonly(
  t.strict({ nodes: t.refinement(t.readonlyArray(Node), (n) => n.length > 0, 'Nodes') }),
  'Ensemble',
);
export type Layout = t.TypeOf<typeof Layout>;

export const maxNodes = 15;
export const defaultNodes = 3;
export const defaultBasePort = 2181;

export type LayoutOptions = {
  /** Absolute. */
  readonly dir: string;
  /** undefined: as many as there were, else three. */
  readonly nodes: number | undefined;
  /** undefined: the ports that were, else 2181 and above. */
  readonly basePort: number | undefined;
};

/** Reads what the directory remembers, or lays out a new ensemble; writes nothing. */
export const planLayout = async (options: LayoutOptions): Promise<E.Either<Failure, Layout>> => {
  const { dir, nodes, basePort } = options;
  const known = readLayout(join(dir, 'ensemble.json'));
  if (E.isLeft(known)) return known;
  const before = known.right;
  if (before !== null && nodes !== undefined && nodes !== before.nodes.length) {
    return fail({
      code: 'OtherEnsemble',
      exit: 2,
      message: `${dir} holds an ensemble of ${before.nodes.length}, not of ${nodes}`,
      hint: 'leave out --nodes, or name another directory with --data',
    });
  }
  if (before !== null && (basePort === undefined || before.nodes[0]?.client === basePort)) {
    const ports = before.nodes.flatMap((n) => [n.client, n.quorum, n.election]);
    const free = await Promise.all(ports.map((port) => isFree(port)));
    if (free.every((f) => f)) return E.right(before);
  }
  const ids = before?.nodes.map((n) => n.id) ?? Array.from({ length: nodes ?? defaultNodes }, (_, i) => i + 1);
  return layOut(ids, basePort ?? before?.nodes[0]?.client ?? defaultBasePort);
};

const readLayout = (path: string): E.Either<Failure, Layout | null> => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return E.right(null);
    return fail(badLayout(path, String(e)));
  }
  const json = E.tryCatch(
    () => JSON.parse(text) as unknown,
    (e) => badLayout(path, String(e)),
  );
  if (E.isLeft(json)) return json;
  const decoded = Layout.decode(json.right);
  return E.isLeft(decoded) ? fail(badLayout(path, PathReporter.report(decoded).join('; '))) : decoded;
};

const badLayout = (path: string, why: string): Failure => ({
  code: 'BadConfig',
  exit: 3,
  message: `${path} cannot be used: ${why}`,
  hint: 'restore the file, or name another directory with --data',
});

/** Client ports in a row, then the quorum ports, then the election ports. */
const layOut = async (ids: readonly number[], basePort: number): Promise<E.Either<Failure, Layout>> => {
  const runs: (readonly number[])[] = [];
  let from = basePort;
  for (let kind = 0; kind < 3; kind++) {
    const run = await freeRun(from, ids.length);
    if (run === null) {
      return fail({
        code: 'PortsTaken',
        exit: 1,
        message: `from ${basePort} up to 65535 there are no ${3 * ids.length} free ports`,
        hint: 'name a lower --base-port',
      });
    }
    runs.push(run);
    from = (run.at(-1) ?? from) + 1;
  }
  const [client = [], quorum = [], election = []] = runs;
  return E.right({
    nodes: ids.map((id, i) => ({
      id,
      client: client[i] ?? 0,
      quorum: quorum[i] ?? 0,
      election: election[i] ?? 0,
    })),
  });
};

export const serverDir = (dir: string, node: Node): string => join(dir, `server${node.id}`);
export const configPath = (dir: string, node: Node): string => join(serverDir(dir, node), 'zoo.cfg');
export const logPath = (dir: string, node: Node): string => join(serverDir(dir, node), 'server.log');

/** Writes the directories' configuration; data that lies there stays. */
export const writeLayout = (dir: string, layout: Layout): E.Either<Failure, void> =>
  E.tryCatch(
    () => {
      for (const node of layout.nodes) {
        mkdirSync(serverDir(dir, node), { recursive: true });
        writeFileSync(join(serverDir(dir, node), 'myid'), `${node.id}\n`);
        writeFileSync(configPath(dir, node), zooCfg(dir, layout, node));
      }
      // Written whole or not at all: the ids must survive a crash as the data does.
      const path = join(dir, 'ensemble.json');
      writeFileSync(`${path}.new`, `${JSON.stringify(layout, null, 2)}\n`);
      renameSync(`${path}.new`, path);
    },
    (e): Failure => ({
      code: 'DirectoryUnusable',
      exit: 1,
      message: `the directory ${dir} cannot be written: ${e instanceof Error ? e.message : String(e)}`,
      hint: 'name another directory with --data',
    }),
  );

/** The configuration of one server; backslashes are escapes there. */
export const zooCfg = (dir: string, { nodes }: Layout, node: Node): string =>
  [
    '# Written by `zabkeeper ensemble` at every start; changes made here are lost.',
    'tickTime=2000',
    'initLimit=10',
    'syncLimit=5',
    `dataDir=${serverDir(dir, node).replaceAll('\\', '\\\\')}`,
    `clientPort=${node.client}`,
    `clientPortAddress=${loopback}`,
    'preAllocSize=4096',
    '4lw.commands.whitelist=*',
    // Servers on one machine would all want the one port that it has by default.
    'admin.enableServer=false',
    ...(nodes.length === 1 ? [] : nodes.map((n) => `server.${n.id}=${loopback}:${n.quorum}:${n.election}`)),
    '',
  ].join('\n');

/** What clients are given. */
export const connectString = ({ nodes }: Layout): string => nodes.map((n) => `${loopback}:${n.client}`).join(',');
