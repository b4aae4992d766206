/** Options that several commands share, from their text. */
import * as E from 'fp-ts/lib/Either.js';
import type { Failure } from './failure.js';
import { fail } from './failure.js';
import type { Limits } from './modelWorker.js';
import { defaultParallel } from './pool.js';

export type RunFlags = {
  readonly json: boolean;
  readonly all?: boolean;
  readonly models?: string;
  readonly heap?: string;
  readonly timeLimit?: string;
  readonly jobs?: string;
};

const usage = (message: string): E.Either<Failure, never> => fail({ code: 'Usage', exit: 2, message, hint: '' });

export const wholeNumber = (
  name: string,
  text: string | undefined,
  min: number,
  max: number,
): E.Either<Failure, number | undefined> => {
  if (text === undefined) return E.right(undefined);
  const n = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (n >= min && n <= max) return E.right(n);
  return usage(`${name} must be a whole number from ${min} to ${max}, found ${JSON.stringify(text)}`);
};

/** Seconds that TLC may take for one model: an hour. */
const defaultTimeLimit = 3600;

export const readLimits = ({ heap, timeLimit }: RunFlags): E.Either<Failure, Limits> => {
  if (heap !== undefined && !/^[1-9]\d*[kmg]?$/i.test(heap))
    return usage(`--heap must be a size as in 512m or 4g, found ${JSON.stringify(heap)}`);
  const limit = wholeNumber('--time-limit', timeLimit, 1, 10_000_000);
  if (E.isLeft(limit)) return limit;
  return E.right({ timeLimit: limit.right ?? defaultTimeLimit, ...(heap === undefined ? {} : { heap }) });
};

export const readParallel = ({ jobs }: RunFlags): E.Either<Failure, number> => {
  const n = wholeNumber('--jobs', jobs, 1, 256);
  return E.isLeft(n) ? n : E.right(n.right ?? defaultParallel());
};
