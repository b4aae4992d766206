/** The constants of a model of spec/MCElection.tla, read from its entry in spec/models.json. */
import * as E from 'fp-ts/lib/Either.js';
import { isArray } from 'tla-checker-cli';
import type { TlaValue } from 'tla-checker-cli';
import { plainConfiguration } from '../../core/configuration.js';
import type { Configuration } from '../../core/configuration.js';
import type { ServerId } from '../../core/data/quorum.js';
import type { Group } from '../../core/membershipRules.js';
import type { Zxid } from '../../core/data/zxid.js';
import { untrusted } from '../../core/election.js';
import { constantValue, readConstants } from '../mirror.js';
import type { Model } from '../models.js';
import type { Budget, Limits } from '../world/notifications.js';

/** The constants of MCElection. */
export type Setting = {
  readonly voters: readonly ServerId[];
  readonly observers: readonly ServerId[];
  /** Of these voters, with the groups of spec/Quorums.tla where the model has them. */
  readonly configuration: Configuration;
  readonly epoch: ReadonlyMap<ServerId, number>;
  readonly lastZxid: ReadonlyMap<ServerId, Zxid>;
  readonly newEpoch: number;
  /** By how much the counters of the logs grow from one start of a server to the next. */
  readonly growth: number;
  readonly limits: Limits;
  readonly budget: Budget;
};

/** The arguments and values of a function; a sequence is one over 1..n. */
export const entries = (v: TlaValue | undefined): readonly (readonly [TlaValue, TlaValue])[] => {
  if (typeof v !== 'object') return [];
  if (isArray(v)) return v.map((w, k) => [k + 1, w]);
  return 'fcn' in v ? v.fcn : [];
};

/** Groups with weights, of a model whose quorums are those of spec/Quorums.tla; null: majorities. */
export const groupsOf = (model: Model): readonly Group[] | null => {
  const value = constantValue(model, 'Groups');
  if (E.isLeft(value)) return null;
  const group = (g: TlaValue): Group => ({
    members: entries(g).map(([server, weight]) => ({ server: server as ServerId, weight: weight as number })),
  });
  return (value.right as { readonly set: readonly TlaValue[] }).set.map(group);
};

/** Left lists the constants that are missing or have no such value. */
export const readSetting = (model: Model): E.Either<string, Setting> => {
  const { value, count, fault, result } = readConstants(model);
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
    configuration: plainConfiguration(ids('Voter'), ids('Observer'), groupsOf(model)),
    epoch: byServer('Epoch', (v) => (typeof v === 'number' ? v : null)),
    lastZxid: byServer('LastZxid', readZxid),
    newEpoch: count('NewEpoch'),
    growth: count('Growth'),
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
  if (unnamed.length > 0) fault(`no Epoch or LastZxid for ${unnamed.join(', ')}`);
  return result(setting);
};

const readZxid = (v: TlaValue): Zxid | null => {
  if (!isArray(v)) return null;
  const [epoch, counter] = v;
  if (typeof epoch !== 'number' || typeof counter !== 'number') return null;
  return epoch < 0 ? untrusted : { epoch, counter };
};
