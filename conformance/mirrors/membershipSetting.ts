/** The constants of spec/MCMembership.tla, read from a model's entry in spec/models. */
import type * as E from 'fp-ts/lib/Either.js';
import { isArray } from 'tla-checker-cli';
import type { TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import type { Zxid } from '../../core/data/zxid.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { Config, ReconfigRequest } from '../../core/membershipRules.js';
import { readConstants } from '../mirror.js';
import type { Model } from '../models.js';
import type { Budget } from '../world/membership.js';

export type Setting = {
  /** 1 to n. */
  readonly servers: readonly ServerId[];
  readonly config: Config;
  readonly requests: readonly ReconfigRequest[];
  readonly minVoters: number;
  readonly budget: Budget;
};

const fields = (v: TlaValue): Readonly<Record<string, TlaValue>> =>
  typeof v === 'object' && 'record' in v ? v.record : {};

const ids = (v: TlaValue | undefined): readonly ServerId[] | null =>
  typeof v === 'object' && 'set' in v ? v.set.filter((n) => typeof n === 'number').sort((a, b) => a - b) : null;

/** <<-1, -1>> stands for any version. */
const readVersion = (v: TlaValue | undefined): Zxid | null => {
  const [epoch, counter] = v !== undefined && isArray(v) ? v : [];
  return typeof epoch === 'number' && typeof counter === 'number' && epoch >= 0 ? { epoch, counter } : null;
};

const readRequest = (v: TlaValue): ReconfigRequest | null => {
  const { from, whole, voters, observers, leaving } = fields(v);
  const [joiningVoters, joiningObservers, gone] = [ids(voters), ids(observers), ids(leaving)];
  if (from === undefined || joiningVoters === null || joiningObservers === null || gone === null) return null;
  const members = [
    ...joiningVoters.map((server) => ({ server, role: 'voter' }) as const),
    ...joiningObservers.map((server) => ({ server, role: 'observer' }) as const),
  ];
  return {
    from: readVersion(from),
    change:
      whole === true
        ? { type: 'whole', members, groups: null }
        : { type: 'incremental', joining: members, leaving: gone },
  };
};

/** Left lists the constants that are missing or have no such value. */
export const readSetting = (model: Model): E.Either<string, Setting> => {
  const { value, count, fault, result } = readConstants(model);
  const servers = value('Server', ids, []);
  const requests = value('Requests', (v) => (isArray(v) ? v.map(readRequest) : null), []);
  const setting: Setting = {
    servers,
    config: {
      version: zeroZxid,
      voters: value('InitVoters', ids, []),
      observers: value('InitObservers', ids, []),
      groups: null,
    },
    requests: requests.filter((r) => r !== null),
    minVoters: count('MinVoters'),
    budget: [count('Txns'), count('Reconfigs'), count('Crashes'), count('Cuts'), count('Elections')],
  };
  if (servers.some((id, k) => id !== k + 1)) fault(`servers have to be 1 to n`);
  if (setting.requests.length < requests.length) fault(`a request cannot be read`);
  return result(setting);
};
