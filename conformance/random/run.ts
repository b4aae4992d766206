/**
 * One random run: a cluster and its clients, to which the story of the run does harm for a while; then nothing does, and
 * all must come to rest. Everything follows from the seed and the options, so a run is repeated by one line.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { ServerId } from '../../core/data/quorum.js';
import { snapshotOf } from '../../core/service/service.js';
import { chanceOf, timeline } from './chance.js';
import { clientsOf } from './clients.js';
import type { Acknowledged } from './clients.js';
import { clusterOf, latencyMs } from './cluster.js';
import type { Cluster } from './cluster.js';
import { snapshotText } from './disk.js';
import { monitorOf } from './invariants.js';
import type { Monitor } from './invariants.js';
import { harm, heals } from './story.js';

const Options = t.readonly(
  t.strict({
    /** Voting servers, 1 to 5. */
    servers: t.Integer,
    clients: t.Integer,
    /** What happens, a natural each (story.ts); 0 lets time pass. */
    story: t.readonlyArray(t.Integer),
    /** A snapshot is taken after so many transactions; so many are kept in memory for learners. */
    snapCount: t.Integer,
    commitLogCount: t.Integer,
    disk: t.union([t.literal('honest'), t.literal('forgets')]),
    /** Whether servers are held against twins that take events one by one. */
    twins: t.boolean,
  }),
  'Options',
);
export type Options = t.TypeOf<typeof Options>;

export const calm: Options = {
  servers: 3,
  clients: 3,
  story: [],
  snapCount: 20,
  commitLogCount: 10,
  disk: 'honest',
  twins: false,
};

export type Violation = {
  /** The invariant, by the spec's name where it has one. */
  readonly name: string;
  readonly detail: string;
  /** Virtual milliseconds since the start. */
  readonly atMs: number;
};

export type Outcome = {
  /** The first one; the run ends there. */
  readonly violation: Violation | null;
  readonly line: string;
  readonly ranMs: number;
  readonly turns: number;
  readonly transactions: number;
  readonly acknowledged: number;
  readonly replies: number;
  readonly events: number;
  readonly epochs: number;
  readonly crashes: number;
  /** How often servers did what, by the names of effects and packets. */
  readonly done: Readonly<Record<string, number>>;
};

export type RunSeed = (seed: number, options: Options) => Outcome;

/** Time in which all must come to rest once nothing does harm any more. Resent votes may be a minute apart. */
const restMs = 180_000;

export const runSeed: RunSeed = (seed, options) => {
  const time = timeline();
  const chance = chanceOf(seed);
  let violation: Violation | null = null;
  let crashes = 0;
  const onFault = (name: string, detail: string): void => {
    violation ??= { name, detail, atMs: time.now() };
  };
  const over = (): boolean => violation !== null;
  const isCalm = options.story.every((n) => n === 0);

  const cluster: Cluster = clusterOf(
    { ...options, honesty: options.disk },
    {
      time,
      chance,
      toClients: (from, effect) => clients.perform(from, effect),
      onGone: (sid) => {
        crashes++;
        clients.serverGone(sid);
        monitor.restarted(sid);
      },
      onTurn: (sid) => monitor.turned(sid),
      onStart: (sid) => monitor.restarted(sid),
      onSnapshot: (sid, zxid, text) => monitor.snapshotTaken(sid, zxid, text),
      onFault,
      onRefused: (what, guard, sid, peer) => {
        // What a server asked of its own disk is never out of place; packets are, once connections have ended.
        if (peer === null || isCalm) onFault('NothingUnexpected', `server ${sid} refuses ${what}: ${guard}`);
      },
    },
  );
  const isUp = (sid: ServerId): boolean => (cluster.servers[sid - 1]?.state ?? null) !== null;
  const monitor = monitorOf(
    cluster.servers.map((s) => ({ sid: s.sid, state: () => s.state, disk: s.disk })),
    onFault,
  );
  const clients = clientsOf(
    {
      time,
      chance,
      servers: cluster.servers.map((s) => s.sid),
      isUp,
      tell: cluster.tell,
      latencyMs: () => latencyMs(chance),
      onFault,
      onSilence: (detail) => {
        if (isCalm) onFault('Answered', detail);
      },
    },
    options.clients,
  );

  for (const { sid } of cluster.servers) time.after(chance.below(300), () => cluster.restart(sid));
  time.advance(1500, over);
  for (const move of options.story) {
    if (over()) break;
    harm(move, { cluster, clients, chance });
    time.advance(time.now() + 20 + chance.below(200), over);
  }
  if (!over()) {
    heals(cluster);
    clients.finish();
    time.advance(time.now() + restMs, () => over() || (clients.isDone() && atRest(cluster)));
    if (!over()) rested(cluster, clients.isDone(), onFault);
  }
  if (!over()) finalTrees(cluster, monitor, clients.acknowledged(), onFault);
  return {
    violation,
    line: runLine(seed, options),
    ranMs: time.now(),
    turns: cluster.turns(),
    transactions: monitor.order().length,
    acknowledged: clients.acknowledged().length,
    replies: clients.count().replies,
    events: clients.count().events,
    epochs: new Set(monitor.order().map((txn) => txn.zxid.epoch)).size,
    crashes,
    done: cluster.done(),
  };
};

/** One server leads, all others follow it, and all have delivered the same. */
const atRest = (cluster: Cluster): boolean => {
  const states = cluster.servers.map((s) => s.state);
  const [first] = states;
  if (first === null || first === undefined) return false;
  const { leader } = first.replication.role;
  const text = zxidText(first.replication.delivered);
  return states.every(
    (s) =>
      s !== null && s.serving && s.replication.role.leader === leader && zxidText(s.replication.delivered) === text,
  );
};

const zxidText = ({ epoch, counter }: { readonly epoch: number; readonly counter: number }): string =>
  `${epoch}:${counter}`;

type Fault = (name: string, detail: string) => void;

const rested = (cluster: Cluster, clientsDone: boolean, onFault: Fault): void => {
  if (clientsDone && atRest(cluster)) return;
  const shown = cluster.servers.map(({ sid, state }) => {
    if (state === null) return `${sid} is down`;
    const { role, delivered } = state.replication;
    return `${sid} ${role.phase} ${role.leader ?? '-'} ${zxidText(delivered)}`;
  });
  onFault('Liveness', `no rest: ${shown.join('; ')}; clients ${clientsDone ? 'are served' : 'wait'}`);
};

/** All trees are the one that the delivered transactions make, and it has every write that was acknowledged. */
const finalTrees = (
  cluster: Cluster,
  monitor: Monitor,
  acknowledged: readonly Acknowledged[],
  onFault: Fault,
): void => {
  const order = monitor.order();
  const delivered = snapshotOf(monitor.replica(order.length));
  const expected = snapshotText(delivered);
  for (const { sid, state } of cluster.servers) {
    if (state === null || snapshotText(snapshotOf(state.service)) !== expected)
      onFault('SameTrees', `the tree of server ${sid} is not what was delivered`);
  }
  const done = new Set(order.map((txn) => `${txn.session} ${txn.cxid}`));
  const nodes = new Set([...delivered.nodes].map((n) => n.path));
  for (const { session, cxid, path } of acknowledged) {
    if (!done.has(`${session} ${cxid}`)) onFault('AcknowledgedStays', `write ${cxid} of session ${session} is lost`);
    if (path !== null && !nodes.has(path)) onFault('AcknowledgedStays', `${path} was created and is not there`);
  }
};

/** The line that repeats a run: given to `runOfLine`. */
export const runLine = (seed: number, options: Options): string => JSON.stringify({ seed, ...options });

const Line = t.intersection([t.strict({ seed: t.Integer }), Options]);

/** Repeats the run of a line. Left: it is none. */
export const runOfLine = (line: string): E.Either<string, Outcome> => {
  const json = E.tryCatch(
    () => JSON.parse(line) as unknown,
    () => 'not JSON',
  );
  if (E.isLeft(json)) return json;
  const decoded = Line.decode(json.right);
  if (E.isLeft(decoded)) return E.left('not a run: seed and options are needed');
  const { seed, ...options } = decoded.right;
  return E.right(runSeed(seed, options));
};

/** What a failed run says, in one line. */
export const failureText = ({ violation, line }: Outcome): string =>
  violation === null ? '' : `${violation.name}: ${violation.detail} (at ${violation.atMs} ms); repeat with ${line}`;
