/** The mirror of spec/MCElection.tla: servers that run core/election.ts, and the channels between them. */
import * as E from 'fp-ts/lib/Either.js';
import { isArray } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { sameZxid } from '../../core/data/zxid.js';
import { electionStep, initialElection, nobody, untrusted } from '../../core/election.js';
import type { ElectionEvent, ElectionState, Heard } from '../../core/election.js';
import type { Notification, Vote } from '../../core/vote.js';
import { sameVote } from '../../core/vote.js';
import type { MakeMirror, Mirror } from '../mirror.js';
import { anyMirror, constantValue } from '../mirror.js';
import type { Model } from '../models.js';
import type { Budget, Channel, World } from '../world/notifications.js';
import * as world from '../world/notifications.js';

/** Servers ascending by id, voters and observers together; channels by the same index. */
export type ElectionWorld = {
  readonly servers: readonly ElectionState[];
  readonly world: World<Notification>;
};

/** The constants of MCElection. */
export type Setting = {
  readonly voters: readonly ServerId[];
  readonly observers: readonly ServerId[];
  readonly epoch: ReadonlyMap<ServerId, number>;
  readonly lastZxid: ReadonlyMap<ServerId, Zxid>;
  readonly newEpoch: number;
  readonly limits: world.Limits;
  readonly budget: Budget;
};

export const electionMirror: MakeMirror = (model) => {
  const setting = readSetting(model);
  if (E.isLeft(setting)) return setting;
  const init = initOf(setting.right, model.init);
  if (init === null) return E.left(`model ${model.name}: no initial state is known by the name ${model.init}`);
  return E.right(anyMirror(mirrorOf(setting.right, init)));
};

export const mirrorOf = (setting: Setting, init: ElectionWorld): Mirror<ElectionWorld> => ({
  init: [init],
  step: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? null : next;
  },
  view: viewOf,
  key: ({ servers, world: { budget, channels } }) => ({
    servers: servers.map((s) => ({
      ...s,
      initial: keyOf(s.initial),
      proposal: keyOf(s.proposal),
      vote: keyOf(s.vote),
    })),
    world: { budget, channels: channels.map((row) => row.map(keyOfChannel)) },
  }),
  shown: {
    'servers[].role': 'role',
    'servers[].round': 'round',
    'servers[].initial': 'initial',
    'servers[].proposal': 'proposal',
    'servers[].vote': 'vote',
    'servers[].received': 'received',
    'servers[].outOfElection': 'outOfElection',
    'world.channels[][].slot': 'slot',
    'world.channels[][].latest': 'latest',
    'world.channels[][].wire': 'wire',
    'world.budget': 'budget',
  },
  hidden: { 'servers[].self': 'constant of the model', 'servers[].voters': 'constant of the model' },
  invariants: { VoteIsGenuine: voteIsGenuine(setting), RoleIsVote: roleIsVote },
  refusal: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? next.refused : null;
  },
});

/** `refused` is null where the world does not offer the event, else the guard of the core. */
type Attempt = ElectionWorld | { readonly refused: string | null };

const notOffered = { refused: null } as const;

const attempt = (setting: Setting, w: ElectionWorld, action: string, args: readonly number[]): Attempt => {
  const ids = w.servers.map((s) => s.self);
  const [i, j] = args.map((id) => ids.indexOf(id));
  if (i === undefined) return notOffered;
  const server = w.servers[i];
  if (server === undefined || (args.length > 1 && w.servers[j ?? -1] === undefined)) return notOffered;
  const paid = (what: keyof Budget, event: ElectionEvent): Attempt => take(w, i, event, world.spend(w.world, what));
  switch (action) {
    case 'StartElection': {
      const epoch = setting.epoch.get(server.self) ?? 0;
      return paid('starts', { type: 'StartElection', epoch, zxid: setting.lastZxid.get(server.self) ?? untrusted });
    }
    case 'HandleNotification': {
      const sender = w.servers[j ?? -1];
      const read = world.receive(w.world, j ?? -1, i);
      if (sender === undefined || read === null) return notOffered;
      const event = { type: 'HandleNotification', from: sender.self, notification: read.message } as const;
      return take(w, i, event, read.world);
    }
    case 'Decide':
      return take(w, i, { type: 'Decide' }, w.world);
    case 'ResendNotifications': {
      const peers = setting.voters.filter((id) => id !== server.self).map((id) => ids.indexOf(id));
      return world.allGone(w.world, i, peers) ? paid('resends', { type: 'ResendNotifications' }) : notOffered;
    }
    case 'UpdateVoteEpoch':
      return paid('updates', { type: 'UpdateVoteEpoch', epoch: setting.newEpoch });
    case 'Transmit':
      return moved(w, world.transmit(w.world, i, j ?? -1));
    case 'Break': {
      const left = world.spend(w.world, 'breaks');
      return moved(w, left && world.breakConnection(left, i, j ?? -1));
    }
    case 'Crash': {
      const left = world.spend(w.world, 'crashes');
      const stopped = left && world.stop(left, i);
      if (stopped === null) return notOffered;
      return { servers: w.servers.with(i, initialElection(server.self, setting.voters)), world: stopped };
    }
    default:
      return notOffered;
  }
};

const moved = (w: ElectionWorld, next: World<Notification> | null): Attempt =>
  next === null ? notOffered : { servers: w.servers, world: next };

/** One step of the server at index i in a world where the event has been paid for. */
const take = (w: ElectionWorld, i: number, event: ElectionEvent, left: World<Notification> | null): Attempt => {
  const server = w.servers[i];
  if (left === null || server === undefined) return notOffered;
  const step = electionStep(server, event);
  if ('refused' in step) return step;
  let next = left;
  for (const effect of step.effects) {
    if (effect.type === 'Decided') continue;
    const to = w.servers.findIndex((s) => s.self === effect.to);
    next = world.send(next, i, to, effect.notification);
  }
  return { servers: w.servers.with(i, step.state), world: next };
};

/** The initial states of spec/MCElection.tla, by their names there; each is reached by steps of the core. */
const initOf = (setting: Setting, name: string): ElectionWorld | null => {
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
      return refill(setting, script(setting, fresh, settledApart));
    default:
      return null;
  }
};

const worldOf = (setting: Setting): ElectionWorld => {
  const ids = [...setting.voters, ...setting.observers].sort((a, b) => a - b);
  return {
    servers: ids.map((id) => initialElection(id, setting.voters)),
    // Scripts are not held back by the bounds of the model.
    world: world.emptyWorld(ids.length, { ...setting.limits, maxWire: Infinity, maxFlight: Infinity }, unbounded),
  };
};

const unbounded: Budget = { starts: 99, resends: 99, updates: 99, breaks: 99, crashes: 99 };

const refill = ({ limits, budget }: Setting, w: ElectionWorld): ElectionWorld => ({
  servers: w.servers,
  world: { limits, budget, channels: w.world.channels },
});

/** Steps of one kind after the other; `Deliver` transmits and handles whatever can be until all channels are empty. */
type Stage = { readonly action: 'StartElection' | 'Decide' | 'Deliver'; readonly servers: readonly ServerId[] };

const begin = (servers: readonly ServerId[]): Stage => ({ action: 'StartElection', servers });
const deliver: Stage = { action: 'Deliver', servers: [] };

/** 1 follows 3 since round 1, 2 follows 3 since round 2, to which 3 went alone with it. */
const settledApart: readonly Stage[] = [
  begin([1, 2, 3]),
  deliver,
  { action: 'Decide', servers: [1, 2, 3] },
  begin([2, 3]),
  deliver,
  { action: 'Decide', servers: [2, 3] },
];

const script = (setting: Setting, from: ElectionWorld, stages: readonly Stage[]): ElectionWorld => {
  let w = from;
  const tryStep = (action: string, args: readonly number[]): boolean => {
    const next = attempt(setting, w, action, args);
    if ('refused' in next) return false;
    w = next;
    return true;
  };
  const ids = from.servers.map((s) => s.self);
  const pairs = ids.flatMap((i) => ids.map((j) => [i, j] as const));
  const deliverOne = (): boolean =>
    pairs.some(([i, j]) => tryStep('Transmit', [i, j]) || tryStep('HandleNotification', [j, i]));
  for (const { action, servers } of stages) {
    if (action === 'Deliver') while (deliverOne());
    else for (const id of servers) tryStep(action, [id]);
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

const remembered = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, V>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(key);
    known.set(key, made);
    return made;
  };
};

const serverView = remembered((s: ElectionState): ServerView => ({
  role: s.role,
  round: s.round,
  initial: voteValue(s.initial),
  proposal: voteValue(s.proposal),
  vote: voteValue(s.vote),
  received: heardValue(s.voters, s.received),
  outOfElection: heardValue(s.voters, s.outOfElection),
}));

const channelView = remembered((c: Channel<Notification>) => ({
  slot: c.slot === null ? none : noteValue(c.slot),
  latest: c.latest === null ? none : noteValue(c.latest),
  wire: c.wire.map(noteValue),
}));

const viewOf = ({ servers, world: { budget, channels } }: ElectionWorld): TlaState => {
  const state: Record<string, TlaValue> = { budget: { record: { ...budget } } };
  const views = servers.map((s) => ({ id: s.self, view: serverView(s) }));
  for (const name of serverVariables) state[name] = { fcn: views.map(({ id, view }) => [id, view[name]]) };
  const rows = channels.map((row) => row.map(channelView));
  const byServer = (values: readonly TlaValue[]): TlaValue => ({
    fcn: servers.map((s, k) => [s.self, values[k] ?? none]),
  });
  for (const name of channelVariables) state[name] = byServer(rows.map((row) => byServer(row.map((c) => c[name]))));
  return state;
};

/** -2^63 is no number that a key may hold. */
const keyOf = (v: Vote): Vote | null => (sameVote(v, nobody) ? null : v);

const keyOfChannel = remembered((c: Channel<Notification>) => ({
  slot: keyOfNote(c.slot),
  latest: keyOfNote(c.latest),
  wire: c.wire.map(keyOfNote),
}));

const keyOfNote = (n: Notification | null) => n && { state: n.state, vote: keyOf(n.vote), round: n.round };

// The spec's invariants, on the spec's states.

const records = (v: TlaValue | undefined): readonly Readonly<Record<string, TlaValue>>[] => {
  if (typeof v !== 'object') return [];
  if (isArray(v)) return v.flatMap(records);
  if ('record' in v) return [v.record];
  return 'fcn' in v ? v.fcn.flatMap(([, w]) => records(w)) : [];
};

const voteIsGenuine =
  (setting: Setting) =>
  (state: TlaState): boolean =>
    ['initial', 'proposal', 'vote', 'received', 'outOfElection']
      .flatMap((name) => records(state[name]))
      .every((v) => {
        if (v['leader'] === -1) return v['epoch'] === -1 && JSON.stringify(v['zxid']) === '[-1,-1]';
        const leader = v['leader'] as ServerId;
        const zxid = setting.lastZxid.get(leader);
        const epochs = [setting.epoch.get(leader), setting.newEpoch];
        return (
          zxid !== undefined &&
          JSON.stringify(v['zxid']) === JSON.stringify(zxidValue(zxid)) &&
          epochs.includes(v['epoch'] as number)
        );
      });

const entries = (v: TlaValue | undefined): readonly (readonly [TlaValue, TlaValue])[] => {
  if (typeof v !== 'object') return [];
  if (isArray(v)) return v.map((w, k) => [k + 1, w]);
  return 'fcn' in v ? v.fcn : [];
};

const roleIsVote = (state: TlaState): boolean => {
  const votes = new Map(entries(state['vote']));
  return entries(state['role']).every(
    ([i, role]) => role === 'LOOKING' || (role === 'LEADING') === records(votes.get(i)).some((v) => v['leader'] === i),
  );
};

// The constants of a model.

const readSetting = (model: Model): E.Either<string, Setting> => {
  const faults: string[] = [];
  const value = <A>(name: string, read: (v: TlaValue) => A | null, otherwise: A): A => {
    const given = constantValue(model, name);
    const found = E.isLeft(given) ? null : read(given.right);
    if (found === null)
      faults.push(E.isLeft(given) ? given.left : `model ${model.name}: constant ${name} cannot be read`);
    return found ?? otherwise;
  };
  const count = (name: string): number => value(name, (v) => (typeof v === 'number' ? v : null), 0);
  const ids = (name: string): readonly ServerId[] =>
    value(name, (v) => (typeof v === 'object' && 'set' in v ? v.set.filter((n) => typeof n === 'number') : null), []);
  const byServer = <A>(name: string, read: (v: TlaValue) => A | null): ReadonlyMap<ServerId, A> =>
    new Map(
      value(name, entries, []).flatMap(([i, v]) => {
        const a = read(v);
        return typeof i === 'number' && a !== null ? [[i, a] as const] : [];
      }),
    );
  const setting: Setting = {
    voters: ids('Voter'),
    observers: ids('Observer'),
    epoch: byServer('Epoch', (v) => (typeof v === 'number' ? v : null)),
    lastZxid: byServer('LastZxid', readZxid),
    newEpoch: count('NewEpoch'),
    limits: {
      maxWire: count('MaxWire'),
      maxFlight: count('MaxFlight'),
      reconnects: value('Reconnects', (v) => (typeof v === 'boolean' ? v : null), false),
    },
    budget: {
      starts: count('Starts'),
      resends: count('Resends'),
      updates: count('Updates'),
      breaks: count('Breaks'),
      crashes: count('Crashes'),
    },
  };
  const unnamed = setting.voters.filter((id) => !setting.epoch.has(id) || !setting.lastZxid.has(id));
  if (unnamed.length > 0) faults.push(`model ${model.name}: no Epoch or LastZxid for ${unnamed.join(', ')}`);
  return faults.length > 0 ? E.left(faults.join('; ')) : E.right(setting);
};

const readZxid = (v: TlaValue): Zxid | null => {
  if (!isArray(v)) return null;
  const [epoch, counter] = v;
  if (typeof epoch !== 'number' || typeof counter !== 'number') return null;
  return epoch < 0 ? untrusted : { epoch, counter };
};
