/** The mirror of spec/MCMembership.tla: servers that run core/membership.ts, and the connections between them. */
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import { membershipStep, restart } from '../../core/membership.js';
import type { Config } from '../../core/membershipRules.js';
import { emptyDisk } from '../../core/membershipState.js';
import type {
  Elector,
  Entry,
  MembershipDisk,
  MembershipEvent,
  MembershipPacket,
  MembershipRole,
  MembershipState,
} from '../../core/membershipState.js';
import type { MakeMirror, Mirror } from '../mirror.js';
import { mirrorMaker } from '../mirror.js';
import type { Budget, Queued, World } from '../world/membership.js';
import * as world from '../world/membership.js';
import type { Setting } from './membershipSetting.js';
import { readSetting } from './membershipSetting.js';

const [txns, reconfigs, crashes, cuts, elections] = [0, 1, 2, 3, 4];

/** Of a server that is down only the disk is left. */
export type MembershipWorld = {
  readonly servers: readonly (MembershipState | MembershipDisk)[];
  readonly world: World<MembershipPacket>;
};

const running = (s: MembershipState | MembershipDisk | undefined): MembershipState | null =>
  s !== undefined && 'role' in s ? s : null;

const diskOf = (s: MembershipState | MembershipDisk): MembershipDisk => ('role' in s ? s.disk : s);

export const membershipMirror: MakeMirror = mirrorMaker(
  readSetting,
  (setting, init) => initOf(setting, init),
  (setting, init) => mirrorOf(setting, init),
);

export const mirrorOf = (setting: Setting, init: MembershipWorld): Mirror<MembershipWorld> => ({
  init: [init],
  step: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? null : next;
  },
  view: viewOf,
  key: (w) => w,
  shown: {
    'servers[].disk.acceptedEpoch': 'acceptedEpoch',
    'servers[].disk.currentEpoch': 'currentEpoch',
    'servers[].disk.log': 'log',
    'servers[].disk.config': 'config',
    'servers[].disk.lastSeen': 'lastSeen',
    'servers[].acceptedEpoch': 'acceptedEpoch',
    'servers[].currentEpoch': 'currentEpoch',
    'servers[].log': 'log',
    'servers[].config': 'config',
    'servers[].lastSeen': 'lastSeen',
    'servers[].role.phase': 'phase',
    'servers[].role.leader': 'leader',
    'servers[].role.delivered': 'delivered',
    'servers[].role.learners': 'learners',
    'servers[].role.needs': 'needs',
    'servers[].role.retired': 'retired',
    'world.up': 'phase',
    'world.net': 'net',
    'world.budget': 'budget',
  },
  hidden: {
    'servers[].self': 'constant of the model',
    'servers[].minVoters': 'constant of the model',
    'world.following': 'whom a learner is connected to: its leader',
    'world.taken': 'whose connection a leader has looked at: its learners',
  },
  refusal: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? next.refused : null;
  },
});

/** `refused` is null where the world does not offer the event, else the guard of the core. */
type Attempt = MembershipWorld | { readonly refused: string | null };

const notOffered = { refused: null } as const;

/** The packets that each action takes. */
const handles: Readonly<Record<string, readonly MembershipPacket['type'][]>> = {
  HandleInfo: ['FOLLOWERINFO', 'OBSERVERINFO'],
  HandleNewLeader: ['NEWLEADER'],
  HandleUpToDate: ['UPTODATE'],
  HandleProposal: ['PROPOSAL'],
  HandleAck: ['ACK'],
  HandleCommit: ['COMMIT'],
  HandleCommitAndActivate: ['COMMITANDACTIVATE'],
  HandleInform: ['INFORM', 'INFORMANDACTIVATE'],
};

const attempt = (setting: Setting, w: MembershipWorld, action: string, args: readonly number[]): Attempt => {
  const [i = 0, j = 0] = args;
  const own = running(w.servers[i - 1]);
  const paid = (what: number, event: MembershipEvent | null): Attempt => {
    const left = world.spend(w.world, what);
    return left === null || event === null ? notOffered : told({ servers: w.servers, world: left }, i, event);
  };
  const types = handles[action];
  if (types !== undefined) {
    const read = world.receive(w.world, j, i);
    if (read === null || read.packet === 'EOF' || !types.includes(read.packet.type)) return notOffered;
    return told({ servers: w.servers, world: read.world }, i, { type: 'Packet', from: j, packet: read.packet });
  }
  switch (action) {
    case 'Elect':
      return elect(setting, w, i, j);
    case 'Follow': {
      const leader = running(w.servers[j - 1]);
      // Nobody is told to follow a server that does not lead, or one that has handed over.
      if (leader?.role.leader !== j || leader.role.retired) return notOffered;
      return told(w, i, { type: 'Follow', leader: j, epoch: leader.disk.currentEpoch });
    }
    case 'LearnConfig': {
      const other = running(w.servers[j - 1]);
      return other === null ? notOffered : told(w, i, { type: 'LearnConfig', config: other.disk.config });
    }
    case 'Propose':
      return paid(txns, { type: 'Propose' });
    case 'ProposeReconfig': {
      const request = setting.requests[j - 1];
      return paid(reconfigs, request === undefined ? null : { type: 'ProposeReconfig', request });
    }
    case 'NoticeClose': {
      const read = world.receive(w.world, j, i);
      if (read?.packet !== 'EOF') return notOffered;
      return told({ servers: w.servers, world: read.world }, i, { type: 'NoticeClose', peer: j });
    }
    case 'LeaderTimeout':
    case 'StepDown':
      return told(w, i, { type: action });
    case 'Crash': {
      const left = world.spend(w.world, crashes);
      const stopped = left && world.turn(left, i, false);
      if (stopped === null || own === null) return notOffered;
      return { servers: w.servers.with(i - 1, own.disk), world: stopped };
    }
    case 'Restart': {
      const started = world.turn(w.world, i, true);
      const left = w.servers[i - 1];
      if (started === null || left === undefined) return notOffered;
      return { servers: w.servers.with(i - 1, restart(i, setting.minVoters, diskOf(left))), world: started };
    }
    case 'Break': {
      const left = world.spend(w.world, cuts);
      const broken = left && world.cut(left, i, j);
      return broken === null ? notOffered : { servers: w.servers, world: broken };
    }
    default:
      return notOffered;
  }
};

/** The world's election: the leader is told who would have it, and the others whom they follow. */
const elect = (setting: Setting, w: MembershipWorld, l: ServerId, mask: number): Attempt => {
  const left = world.spend(w.world, elections);
  const chosen = setting.servers.filter((id) => Math.floor(mask / 2 ** (id - 1)) % 2 === 1);
  const electors = chosen.flatMap((server): readonly Elector[] => {
    const s = running(w.servers[server - 1]);
    if (s?.role.phase !== 'LOOKING') return [];
    const { acceptedEpoch, currentEpoch, log } = s.disk;
    return [{ server, acceptedEpoch, currentEpoch, zxid: log.at(-1)?.zxid ?? zeroZxid }];
  });
  if (left === null || electors.length < chosen.length) return notOffered;
  let next = told({ servers: w.servers, world: left }, l, { type: 'Lead', electors });
  for (const { server } of electors) {
    if (server === l || 'refused' in next) continue;
    const epoch = running(next.servers[l - 1])?.disk.currentEpoch ?? 0;
    next = told(next, server, { type: 'Follow', leader: l, epoch });
  }
  return next;
};

/** One step of server `i`, and what it asks of the world. */
const told = (w: MembershipWorld, i: ServerId, event: MembershipEvent): Attempt => {
  const server = running(w.servers[i - 1]);
  if (server === null) return notOffered;
  const step = membershipStep(server, event);
  if ('refused' in step) return step;
  let next = w.world;
  for (const effect of step.effects) {
    if (effect.type === 'Connect') next = world.connect(next, i, effect.to, effect.packet);
    else if (effect.type === 'Send') next = world.send(next, i, effect.to, effect.packet);
    else next = world.close(next, i);
  }
  return { servers: w.servers.with(i - 1, step.state), world: next };
};

const plenty: Budget = [9, 9, 9, 9, 9];

/** The initial states of spec/MCMembership.tla, by their names there; each is reached by steps of the core. */
const initOf = (setting: Setting, name: string): MembershipWorld | null => {
  const fresh = (budget: Budget): MembershipWorld => ({
    servers: setting.servers.map((id) => restart(id, setting.minVoters, emptyDisk(setting.config))),
    world: world.quietWorld(setting.servers.length, budget),
  });
  if (name === 'MCInit') return fresh(setting.budget);
  return name === 'Settled' ? settle(setting, fresh(plenty)) : null;
};

/** The voter with the highest id is elected by all voters, everybody else joins, and what is sent is read. */
const settle = (setting: Setting, from: MembershipWorld): MembershipWorld => {
  const { voters } = setting.config;
  const l = Math.max(...voters);
  const mask = voters.reduce((sum, id) => sum + 2 ** (id - 1), 0);
  let w = from;
  const go = (action: string, args: readonly number[]): boolean => {
    const next = attempt(setting, w, action, args);
    if ('refused' in next) return false;
    w = next;
    return true;
  };
  go('Elect', [l, mask]);
  for (const id of setting.servers) go('Follow', [id, l]);
  const pairs = setting.servers.flatMap((i) => setting.servers.map((j) => [i, j] as const));
  while (Object.keys(handles).some((action) => pairs.some((pair) => go(action, pair))));
  return { servers: w.servers, world: { ...w.world, budget: setting.budget } };
};

// What the spec shows.

const zxidValue = (z: Zxid): TlaValue => [z.epoch, z.counter];
const setOf = (ids: readonly ServerId[]): TlaValue => ({ set: [...ids] });

const configValue = (c: Config): TlaValue => ({
  record: { version: zxidValue(c.version), voters: setOf(c.voters), observers: setOf(c.observers) },
});

const entryValue = (e: Entry): TlaValue => ({
  record: {
    zxid: zxidValue(e.zxid),
    change: { record: { voters: setOf(e.config?.voters ?? []), observers: setOf(e.config?.observers ?? []) } },
  },
});

const packetValue = (p: Queued<MembershipPacket>): TlaValue => {
  if (p === 'EOF') return { record: { type: p } };
  switch (p.type) {
    case 'NEWLEADER':
      return { record: { type: p.type, history: p.history.map(entryValue), config: configValue(p.config) } };
    case 'PROPOSAL':
    case 'INFORM':
      return { record: { type: p.type, entry: entryValue(p.entry) } };
    case 'INFORMANDACTIVATE':
      return { record: { type: p.type, entry: entryValue(p.entry), designated: p.designated } };
    case 'COMMITANDACTIVATE':
      return { record: { type: p.type, zxid: zxidValue(p.zxid), designated: p.designated } };
    case 'ACK':
    case 'COMMIT':
      return { record: { type: p.type, zxid: zxidValue(p.zxid) } };
    default:
      return { record: { type: p.type } };
  }
};

const learnersValue = (servers: number, role: MembershipRole | null): TlaValue =>
  Array.from({ length: servers }, (_, k): TlaValue => {
    const l = role?.learners.find((x) => x.server === k + 1);
    return {
      record: {
        stage: l?.stage ?? 'none',
        observer: l?.observer ?? false,
        zxid: zxidValue(l?.zxid ?? zeroZxid),
      },
    };
  });

const viewOf = (w: MembershipWorld): TlaState => {
  const disks = (show: (d: MembershipDisk) => TlaValue): TlaValue => w.servers.map((s) => show(diskOf(s)));
  const roles = (show: (r: MembershipRole | null) => TlaValue): TlaValue =>
    w.servers.map((s) => show(running(s)?.role ?? null));
  return {
    phase: roles((r) => r?.phase ?? 'DOWN'),
    leader: roles((r) => r?.leader ?? 0),
    acceptedEpoch: disks((d) => d.acceptedEpoch),
    currentEpoch: disks((d) => d.currentEpoch),
    log: disks((d) => d.log.map(entryValue)),
    config: disks((d) => configValue(d.config)),
    lastSeen: disks((d) => configValue(d.lastSeen)),
    delivered: roles((r) => r?.delivered ?? 0),
    learners: roles((r) => learnersValue(w.servers.length, r)),
    needs: roles((r) => (r?.needs ?? []).map((cs) => ({ set: cs.map(configValue) }))),
    retired: roles((r) => r?.retired ?? false),
    net: w.world.net.map((row) => row.map((q) => q.map(packetValue))),
    budget: [...w.world.budget],
  };
};
