/** The constants of spec/MCPaxos.tla, as the core and the world need them, and what is made of them. */
import type * as E from 'fp-ts/lib/Either.js';
import { isArray } from 'tla-checker-cli';
import type { TlaValue } from 'tla-checker-cli';
import type { PaxosConfig, PaxosFiles, PaxosMessage, PaxosState } from '../../core/paxos.js';
import type { ProcessId, Quorum } from '../../core/paxosQuorum.js';
import { readConstants } from '../mirror.js';
import type { Model } from '../models.js';
import type { Post } from '../world/post.js';

/** Processes ascending by id, whatever their roles; their disks by the same index. Letters name processes by id. */
export type PaxosWorld = {
  readonly processes: readonly PaxosState[];
  readonly post: Post<PaxosMessage, PaxosFiles>;
};

export type PaxosSetting = {
  readonly config: PaxosConfig;
  /** The sets of Quorum2 as they stand in the model. */
  readonly voteQuorums: readonly (readonly ProcessId[])[];
  /** `wanted[b - 1]`: what the owner of ballot b may be told to have chosen. */
  readonly wanted: readonly (readonly number[])[];
  readonly crashes: number;
};

/** Left lists the constants that are missing or have no such value. */
export const readPaxosSetting = (model: Model): E.Either<string, PaxosSetting> => {
  const { value, count, result } = readConstants(model);
  const acceptors = value('Acceptor', numbers, []);
  const promiseQuorums = value('Quorum1', sets, []);
  const voteQuorums = value('Quorum2', sets, []);
  const setting: PaxosSetting = {
    config: {
      acceptors,
      learners: value('Learner', numbers, []),
      proposers: value('Proposers', (v) => (isArray(v) ? numbers({ set: v }) : null), []),
      quorums: {
        promises: quorumOf(acceptors, promiseQuorums),
        votes: quorumOf(acceptors, voteQuorums),
      },
    },
    voteQuorums,
    wanted: value('Wanted', (v) => (isArray(v) ? sets({ set: v }) : null), []),
    crashes: count('Crashes'),
  };
  return result(setting);
};

const numbers = (v: TlaValue): readonly number[] | null => {
  if (typeof v !== 'object' || !('set' in v)) return null;
  const found = v.set.filter((n) => typeof n === 'number');
  return found.length === v.set.length ? found : null;
};

const sets = (v: TlaValue): readonly (readonly number[])[] | null => {
  if (typeof v !== 'object' || !('set' in v)) return null;
  const found = v.set.map(numbers).filter((s) => s !== null);
  return found.length === v.set.length ? found : null;
};

/** All sets of one size are a threshold, as `majority` gives it; others are taken one by one, as `grid` does. */
const quorumOf = (acceptors: readonly ProcessId[], given: readonly (readonly ProcessId[])[]): Quorum => {
  const size = given[0]?.length ?? 0;
  const all = given.every((q) => q.length === size) && given.length === choose(acceptors.length, size);
  return all
    ? { type: 'weights', weights: acceptors.map((acceptor) => ({ acceptor, weight: 1 })), atLeast: size }
    : { type: 'sets', sets: given };
};

const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
