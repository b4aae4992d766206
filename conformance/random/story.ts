/** What a story does to a cluster: every natural is one harm, chosen by its remainder; the rest of it says to whom. */
import type { ServerId } from '../../core/data/quorum.js';
import type { Chance } from './chance.js';
import type { Clients } from './clients.js';
import type { Cluster, Server } from './cluster.js';

export type Scene = { readonly cluster: Cluster; readonly clients: Clients; readonly chance: Chance };

type Harm = (scene: Scene, sid: ServerId, other: ServerId) => void;

const leaderOf = ({ servers }: Cluster): Server | undefined =>
  servers.find((s) => s.state !== null && s.state.replication.role.leader === s.sid);

const harms: readonly Harm[] = [
  () => undefined,
  ({ cluster }, sid) => cluster.crash(sid),
  ({ cluster }, sid) => cluster.restart(sid),
  ({ cluster }) => {
    for (const { sid } of cluster.servers) cluster.restart(sid);
  },
  ({ cluster }) => {
    const leader = leaderOf(cluster);
    if (leader !== undefined) cluster.crash(leader.sid);
  },
  ({ cluster }, sid) => cluster.crashInTurn(sid, 'any'),
  ({ cluster }, sid) => cluster.crashInTurn(sid, 'epoch'),
  ({ cluster }, sid) => cluster.crashInTurn(sid, 'history'),
  ({ cluster }) => {
    const leader = leaderOf(cluster);
    if (leader !== undefined) cluster.crashInTurn(leader.sid, 'any');
  },
  ({ cluster }, sid, other) => {
    cluster.network.sever(sid, other);
    cluster.severElection(sid, other);
  },
  ({ cluster }, sid, other) => cluster.network.cut(sid, other),
  ({ cluster }, sid) => {
    for (const { sid: other } of cluster.servers) {
      cluster.network.cut(sid, other);
      cluster.network.cut(other, sid);
    }
  },
  ({ cluster }) => {
    const leader = leaderOf(cluster);
    if (leader !== undefined) for (const { sid } of cluster.servers) cluster.network.cut(leader.sid, sid);
  },
  ({ cluster }) => {
    cluster.heal();
  },
  ({ cluster, chance }, sid) => cluster.slowDisk(sid, chance.pick([0, 50, 400])),
  ({ cluster, chance }, sid) => cluster.pause(sid, chance.pick([100, 600, 1500, 4000])),
  ({ clients }, sid) => clients.dropConnection(sid),
  ({ cluster }) => {
    for (const { sid } of cluster.servers) cluster.crash(sid);
  },
];

/** How many naturals there are that do different things. */
export const harmsFor = (servers: number): number => harms.length * servers * servers;

/** Does what `move` stands for; 0 is nothing. */
export const harm = (move: number, scene: Scene): void => {
  const many = scene.cluster.servers.length;
  const which = Math.floor(move / harms.length);
  const sid = 1 + (which % many);
  const other = 1 + ((sid + (Math.floor(which / many) % Math.max(1, many - 1))) % many);
  harms[move % harms.length]?.(scene, sid, other);
};

/** Ends all harm: every server runs, every connection and disk does what it should. */
export const heals = (cluster: Cluster): void => {
  cluster.heal();
  for (const { sid } of cluster.servers) cluster.restart(sid);
};
