/** What a model of spec/MCReplication.tla sets, and what a mirror of it is made of. */
import * as E from 'fp-ts/lib/Either.js';
import { plainConfiguration } from '../../core/configuration.js';
import type { Configuration } from '../../core/configuration.js';
import type { ServerId } from '../../core/data/quorum.js';
import type { Limits, ReplicationState } from '../../core/replication/state.js';
import { constantValue } from '../mirror.js';
import { groupsOf } from './electionSetting.js';
import type { Model } from '../models.js';
import type { History, Rules, World } from '../world/replication.js';
import type { Syncs } from './replicationSync.js';

export type Budget = readonly [
  txns: number,
  crashes: number,
  cuts: number,
  elections: number,
  snapshots: number,
  syncs: number,
];

export type Setting = {
  readonly servers: readonly ServerId[];
  readonly voters: readonly ServerId[];
  /** Of these voters, all others observing; with the groups of spec/Quorums.tla where the model has them. */
  readonly configuration: Configuration;
  readonly initialLog: History;
  /** Epochs that servers have accepted before, by server. */
  readonly promises: readonly (readonly [ServerId, number])[];
  readonly limits: Limits;
  readonly rules: Rules;
  readonly budget: Budget;
  /** Whether the model has spec/Snapshots.tla. */
  readonly hasSnapshots: boolean;
  /** Whether it has spec/ClientSync.tla. */
  readonly hasSyncs: boolean;
};

/** All that there is: core states (null while down), the world, syncs, what is left to happen, the history variable. */
export type W = {
  readonly setting: Setting;
  readonly servers: readonly (ReplicationState | null)[];
  readonly world: World;
  readonly syncs: Syncs;
  readonly budget: Budget;
  readonly order: History;
};

/** No model has a log that the window would forget. */
const keepAll = 1_000_000;

const numbers = (model: Model): E.Either<string, Record<string, unknown>> => {
  const out: Record<string, unknown> = {};
  for (const name of [
    'Server',
    'Observer',
    'InitialLog',
    'Promises',
    'EpochWrites',
    'MaxCounter',
    'LateNotice',
    'Txns',
    'Crashes',
    'Cuts',
    'Elections',
    'AnyElection',
  ]) {
    const value = constantValue(model, name);
    if (E.isLeft(value)) return value;
    out[name] = value.right;
  }
  return E.right(out);
};

const setOf = (value: unknown): readonly ServerId[] => (value as { readonly set: readonly number[] }).set;

/** Left: a constant that the model lacks. */
export const settingOf = (model: Model): E.Either<string, Setting> => {
  const read = numbers(model);
  if (E.isLeft(read)) return read;
  const c = read.right;
  const servers = setOf(c['Server']);
  const observers = setOf(c['Observer']);
  const voters = servers.filter((i) => !observers.includes(i));
  const configuration = plainConfiguration(voters, observers, groupsOf(model));
  return E.right({
    servers,
    voters,
    configuration,
    initialLog: (c['InitialLog'] as readonly (readonly [number, number])[]).map(([epoch, counter]) => ({
      epoch,
      counter,
    })),
    promises: (c['Promises'] as { readonly set: readonly (readonly [number, number])[] }).set,
    limits: { keep: keepAll, maxCounter: c['MaxCounter'] as number },
    rules: {
      configuration,
      eagerEpochs: c['EpochWrites'] === 'eager',
      lateNotice: c['LateNotice'] === true,
      anyElection: c['AnyElection'] === true,
    },
    budget: [
      c['Txns'],
      c['Crashes'],
      c['Cuts'],
      c['Elections'],
      model.constants['Snaps'] ?? 0,
      model.constants['Syncs'] ?? 0,
    ] as unknown as Budget,
    hasSnapshots: model.constants['Snaps'] !== undefined,
    hasSyncs: model.constants['Syncs'] !== undefined,
  });
};

/** The epoch that server `i` has accepted at first. */
export const firstPromise = ({ initialLog, promises }: Setting, i: ServerId): number =>
  Math.max(initialLog.at(-1)?.epoch ?? 0, ...promises.flatMap(([sid, epoch]) => (sid === i ? [epoch] : [])));
