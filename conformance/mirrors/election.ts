/** The mirror of spec/MCElection.tla: servers that run core/election.ts, and the channels between them. */
import { isArray, keepHash } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { sameZxid } from '../../core/data/zxid.js';
import { electionStep, initialElection, nobody, untrusted } from '../../core/election.js';
import type { ElectionEvent, ElectionState, Heard } from '../../core/election.js';
import type { Notification, Vote } from '../../core/vote.js';
import { sameVote } from '../../core/vote.js';
import type { MakeMirror, Mirror, Pieces } from '../mirror.js';
import { mirrorMaker } from '../mirror.js';
import { plainText } from '../plain.js';
import { oneOfEach, remembered, remembered2 } from '../remembered.js';
import type { Budget, Channel, World } from '../world/notifications.js';
import * as world from '../world/notifications.js';
import type { Setting } from './electionSetting.js';
import { entries, readSetting } from './electionSetting.js';

/** Servers ascending by id, voters and observers together; channels by the same index. */
export type ElectionWorld = {
  readonly servers: readonly ElectionState[];
  readonly world: World<Notification>;
};

export const electionMirror: MakeMirror = mirrorMaker(
  readSetting,
  (setting, init) => initOf(setting, init),
  (setting, init) => mirrorOf(setting, init),
);

export const mirrorOf = (setting: Setting, init: ElectionWorld): Mirror<ElectionWorld> => ({
  init: [init],
  step: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? null : next;
  },
  view: viewOf,
  key: ({ servers, world: { budget, channels } }) => ({
    servers: servers.map(keyOfServer),
    world: { budget, channels: channels.map(keyOfChannel) },
  }),
  pieces: piecesOf(setting, init.servers.length),
  shown: {
    'servers[].role': 'role',
    'servers[].round': 'round',
    'servers[].initial': 'initial',
    'servers[].proposal': 'proposal',
    'servers[].vote': 'vote',
    'servers[].received': 'received',
    'servers[].outOfElection': 'outOfElection',
    'world.channels[].slot': 'slot',
    'world.channels[].latest': 'latest',
    'world.channels[].wire': 'wire',
    'world.budget': 'budget',
  },
  hidden: {
    'servers[].self': 'constant of the model',
    'servers[].voters': 'constant of the model',
    'servers[].deciding': 'constant of the model',
  },
  invariants: { VoteIsGenuine: voteIsGenuine(setting), ReceivedInRound: receivedInRound },
  refusal: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? next.refused : null;
  },
});

/** Servers, channels, budget. */
const piecesOf = ({ limits }: Setting, servers: number): Pieces<ElectionWorld> => ({
  take: (w) => [...w.servers, ...w.world.channels, w.world.budget],
  make: (pieces) => ({
    servers: pieces.slice(0, servers) as readonly ElectionState[],
    world: {
      limits,
      budget: pieces.at(-1) as Budget,
      channels: pieces.slice(servers, -1) as readonly Channel<Notification>[],
      servers,
    },
  }),
  key: (piece, place) =>
    place < servers
      ? keyOfServer(piece as ElectionState)
      : 'wire' in (piece as object)
        ? keyOfChannel(piece as Channel<Notification>)
        : piece,
});

/** `refused` is null where the world does not offer the event, else the guard of the core. */
type Attempt = ElectionWorld | { readonly refused: string | null };

const notOffered = { refused: null } as const;

const attempt = (setting: Setting, w: ElectionWorld, action: string, args: readonly number[]): Attempt => {
  const i = indexOf(w, args[0]);
  const j = indexOf(w, args[1]);
  const server = w.servers[i];
  if (server === undefined || (args.length > 1 && j < 0)) return notOffered;
  const paid = (what: keyof Budget, event: ElectionEvent): Attempt => take(w, i, event, world.spend(w.world, what));
  switch (action) {
    case 'StartElection':
      return paid('starts', startOf(setting, server.self, setting.budget.starts - w.world.budget.starts));
    case 'HandleNotification': {
      const read = world.receive(w.world, j, i);
      return read === null ? notOffered : take(w, i, handed(read.message, args[1] as ServerId), read.world);
    }
    case 'Decide':
      return take(w, i, decide, w.world);
    case 'ResendNotifications': {
      const peers = setting.voters.filter((id) => id !== server.self).map((id) => indexOf(w, id));
      return world.allGone(w.world, i, peers) ? paid('resends', { type: 'ResendNotifications' }) : notOffered;
    }
    case 'UpdateVoteEpoch':
      return paid('updates', { type: 'UpdateVoteEpoch', epoch: setting.newEpoch });
    case 'Transmit':
      return moved(w, world.transmit(w.world, i, j));
    case 'Break': {
      const left = world.spend(w.world, 'breaks');
      return moved(w, left && world.breakConnection(left, i, j));
    }
    case 'Crash': {
      const left = world.spend(w.world, 'crashes');
      const stopped = left && world.stop(left, i);
      if (stopped === null) return notOffered;
      return { servers: w.servers.with(i, initialElection(server.self, [setting.configuration])), world: stopped };
    }
    default:
      return notOffered;
  }
};

const indexOf = (w: ElectionWorld, id: ServerId | undefined): number => w.servers.findIndex((s) => s.self === id);

const decide: ElectionEvent = { type: 'Decide' };

const handed = remembered2((notification: Notification, from: ServerId): ElectionEvent => ({
  type: 'HandleNotification',
  from,
  notification,
}));

/** The core's own step; a notification that it sends again is the same object again. */
const stepped = remembered2((server: ElectionState, event: ElectionEvent) => {
  const step = electionStep(server, event);
  if ('refused' in step) return step;
  const effects = step.effects.map((e) =>
    e.type === 'Decided' ? e : { type: e.type, to: e.to, notification: oneNotification(e.notification) },
  );
  return { state: step.state, effects };
});

const oneNotification = oneOfEach((n: Notification) => plainText(n));

/** `times`: how often the logs have grown since the model began. */
const startOf = (setting: Setting, id: ServerId, times: number): ElectionEvent => {
  const { epoch, counter } = setting.lastZxid.get(id) ?? untrusted;
  const zxid = { epoch, counter: counter + setting.growth * times };
  return { type: 'StartElection', epoch: setting.epoch.get(id) ?? 0, zxid };
};

const moved = (w: ElectionWorld, next: World<Notification> | null): Attempt =>
  next === null ? notOffered : { servers: w.servers, world: next };

/** One step of the server at index i in a world where the event has been paid for. */
const take = (w: ElectionWorld, i: number, event: ElectionEvent, left: World<Notification> | null): Attempt => {
  const server = w.servers[i];
  if (left === null || server === undefined) return notOffered;
  const step = stepped(server, event);
  if ('refused' in step) return step;
  let next = left;
  for (const effect of step.effects) {
    if (effect.type === 'Decided') continue;
    next = world.send(next, i, indexOf(w, effect.to), effect.notification);
  }
  return { servers: w.servers.with(i, step.state), world: next };
};

/** The initial states of spec/MCElection.tla, by their names there; each is reached by steps of the core. */
export const initOf = (setting: Setting, name: string): ElectionWorld | null => {
  const fresh = worldOf(setting);
  const all = [...setting.voters, ...setting.observers];
  switch (name) {
    case 'MCInit':
      return refill(setting, fresh);
    case 'InitBegun':
      return refill(setting, script(setting, fresh, [begin(all)]));
    case 'InitThreeBegun':
      return refill(setting, script(setting, fresh, [begin([1, 2, 3])]));
    case 'InitSettledApart':
      return refill(
        { ...setting, budget: { ...setting.budget, starts: setting.budget.starts - settledApartStarts } },
        script(setting, fresh, settledApart),
      );
    default:
      return null;
  }
};

const worldOf = (setting: Setting): ElectionWorld => {
  const ids = [...setting.voters, ...setting.observers].sort((a, b) => a - b);
  return {
    servers: ids.map((id) => initialElection(id, [setting.configuration])),
    // Scripts are not held back by the bounds of the model.
    world: world.emptyWorld(ids.length, { ...setting.limits, maxWire: Infinity, maxFlight: Infinity }, unbounded),
  };
};

const unbounded: Budget = { starts: 99, resends: 99, updates: 99, breaks: 99, crashes: 99 };

const refill = ({ limits, budget }: Setting, w: ElectionWorld): ElectionWorld => ({
  servers: w.servers,
  world: { limits, budget, channels: w.world.channels, servers: w.world.servers },
});

/** `Deliver` transmits and handles whatever can be until all channels are empty. */
type Stage =
  | { readonly action: 'StartElection'; readonly servers: readonly ServerId[]; readonly times: number }
  | { readonly action: 'Decide'; readonly servers: readonly ServerId[] }
  | { readonly action: 'Deliver' };

const begin = (servers: readonly ServerId[], times = 0): Stage => ({ action: 'StartElection', servers, times });
const deliver: Stage = { action: 'Deliver' };
const settle = (servers: readonly ServerId[]): Stage => ({ action: 'Decide', servers });

/** 1 follows 3 since round 1, 2 since round 2, to which both went alone; the logs have grown with each start. */
const settledApart: readonly Stage[] = [
  ...[1, 2, 3].map((id, times) => begin([id], times)),
  deliver,
  settle([1, 2, 3]),
  ...[2, 3].map((id, times) => begin([id], 3 + times)),
  deliver,
  settle([2, 3]),
];

const settledApartStarts = 5;

const script = (setting: Setting, from: ElectionWorld, stages: readonly Stage[]): ElectionWorld => {
  let w = from;
  const go = (next: Attempt): boolean => {
    if ('refused' in next) return false;
    w = next;
    return true;
  };
  const tryStep = (action: string, args: readonly number[]): boolean => go(attempt(setting, w, action, args));
  const ids = from.servers.map((s) => s.self);
  const pairs = ids.flatMap((i) => ids.map((j) => [i, j] as const));
  const deliverOne = (): boolean =>
    pairs.some(([i, j]) => tryStep('Transmit', [i, j]) || tryStep('HandleNotification', [j, i]));
  for (const stage of stages) {
    if (stage.action === 'Deliver') while (deliverOne());
    else if (stage.action === 'Decide') for (const id of stage.servers) tryStep('Decide', [id]);
    else for (const id of stage.servers) go(take(w, ids.indexOf(id), startOf(setting, id, stage.times), w.world));
  }
  return w;
};

// What the spec shows. Values are kept by the object that they show: most of a state is that of the step before.

type ServerView = Readonly<Record<(typeof serverVariables)[number], TlaValue>>;

const serverVariables = ['role', 'round', 'initial', 'proposal', 'vote', 'received', 'outOfElection'] as const;
const channelVariables = ['slot', 'latest', 'wire'] as const;

const none: TlaValue = { model: 'None' };

const zxidValue = (z: Zxid): TlaValue => (sameZxid(z, untrusted) ? [-1, -1] : [z.epoch, z.counter]);

const voteFields = (v: Vote): Record<string, TlaValue> =>
  sameVote(v, nobody)
    ? { leader: -1, zxid: [-1, -1], epoch: -1 }
    : { leader: v.leader, zxid: zxidValue(v.zxid), epoch: v.epoch };

const voteValue = (v: Vote): TlaValue => ({ record: voteFields(v) });

const noteValue = (n: Notification): TlaValue => ({
  record: { state: n.state, ...voteFields(n.vote), round: n.round },
});

const heardValue = (voters: readonly ServerId[], heard: readonly Heard[]): TlaValue => ({
  fcn: voters.map((id) => {
    const found = heard.find((h) => h.from === id);
    return [id, found === undefined ? none : noteValue(found.notification)];
  }),
});

const serverView = remembered((s: ElectionState): ServerView => ({
  role: s.role,
  round: s.round,
  initial: keepHash(voteValue(s.initial)),
  proposal: keepHash(voteValue(s.proposal)),
  vote: keepHash(voteValue(s.vote)),
  received: keepHash(heardValue(s.voters, s.received)),
  outOfElection: keepHash(heardValue(s.voters, s.outOfElection)),
}));

const channelView = remembered((c: Channel<Notification>) => ({
  slot: keepHash(c.slot === null ? none : noteValue(c.slot)),
  latest: keepHash(c.latest === null ? none : noteValue(c.latest)),
  wire: keepHash(c.wire.map(noteValue)),
}));

const budgetView = remembered((budget: Budget): TlaValue => keepHash({ record: { ...budget } }));

const viewOf = ({ servers, world: { budget, channels } }: ElectionWorld): TlaState => {
  const state: Record<string, TlaValue> = { budget: budgetView(budget) };
  const byServer = (value: (k: number) => TlaValue): TlaValue => ({ fcn: servers.map((s, k) => [s.self, value(k)]) });
  const views = servers.map(serverView);
  for (const name of serverVariables) state[name] = byServer((k) => (views[k] as ServerView)[name]);
  const lines = channels.map(channelView);
  for (const name of channelVariables)
    state[name] = byServer((i) =>
      byServer((j) => (lines[i * servers.length + j] as ReturnType<typeof channelView>)[name]),
    );
  return state;
};

/** -2^63 is no number that a key may hold. */
const keyOf = (v: Vote): Vote | null => (sameVote(v, nobody) ? null : v);

const keyOfServer = (s: ElectionState): unknown => ({
  ...s,
  initial: keyOf(s.initial),
  proposal: keyOf(s.proposal),
  vote: keyOf(s.vote),
});

const keyOfChannel = (c: Channel<Notification>) => ({
  slot: keyOfNote(c.slot),
  latest: keyOfNote(c.latest),
  wire: c.wire.map(keyOfNote),
});

const keyOfNote = (n: Notification | null) => n && { state: n.state, vote: keyOf(n.vote), round: n.round };

// The spec's invariants, on the spec's states.

const records = (v: TlaValue | undefined): readonly Readonly<Record<string, TlaValue>>[] => {
  if (typeof v !== 'object') return [];
  if (isArray(v)) return v.flatMap(records);
  if ('record' in v) return [v.record];
  return 'fcn' in v ? v.fcn.flatMap(([, w]) => records(w)) : [];
};

const votes = ['initial', 'proposal', 'vote', 'received', 'outOfElection'] as const;

const voteIsGenuine = (setting: Setting): ((state: TlaState) => boolean) => {
  const starts = Array.from({ length: setting.budget.starts + 2 }, (_, n) => (n - 1) * setting.growth);
  const genuine = (v: Readonly<Record<string, TlaValue>>): boolean => {
    const leader = v['leader'] as ServerId;
    const zxid = setting.lastZxid.get(leader);
    const same = (z: TlaValue): boolean => JSON.stringify(v['zxid']) === JSON.stringify(z);
    if (leader === -1) return v['epoch'] === -1 && same([-1, -1]);
    if (zxid === undefined) return false;
    const possible = starts.map((n) => zxidValue({ epoch: zxid.epoch, counter: zxid.counter + n }));
    return possible.some(same) && [setting.epoch.get(leader), setting.newEpoch].includes(v['epoch'] as number);
  };
  const allGenuine = remembered((held: object) => records(held as TlaValue).every(genuine));
  return (state) => votes.every((name) => entries(state[name]).every(([, held]) => allGenuine(held as object)));
};

const receivedInRound = (state: TlaState): boolean => {
  const rounds = entries(state['round']);
  return entries(state['received']).every(([i, heard]) => {
    const round = rounds.find(([j]) => j === i)?.[1];
    return roundsOf(heard as object).every((r) => r === round);
  });
};

const roundsOf = remembered((heard: object) => records(heard as TlaValue).map((n) => n['round']));
