/** TLC and its errors in the words of the commands. */
import * as E from 'fp-ts/lib/Either.js';
import { explain, findTlc } from 'tla-checker-cli';
import type { Tlc, TlcError } from 'tla-checker-cli';
import type { Failure } from './failure.js';
import { fail, interrupted } from './failure.js';

export const needTlc = async (): Promise<E.Either<Failure, Tlc>> => {
  const found = await findTlc()();
  if (E.isRight(found)) return found;
  const { message, hint, what } = found.left;
  return fail({ code: 'ToolMissing', exit: 30, message, hint, details: { tool: what } });
};

/** TLC gave no result at all. */
export const tlcFailure = (model: string, error: TlcError): Failure => {
  const { message, hint } = explain(error);
  const told = { message: `${model}: ${message}`, hint };
  switch (error.type) {
    case 'TlcMissing':
      return { code: 'ToolMissing', exit: 30, ...told };
    case 'TimeLimit':
    case 'MemoryLimit':
      return { code: 'BudgetSpent', exit: 69, ...told, details: { log: error.log } };
    case 'Interrupted':
      return interrupted;
    case 'Usage':
      return { code: 'BadModels', exit: 3, ...told };
    case 'Crashed':
      return { code: 'NoVerdict', exit: 1, ...told, details: { log: error.log } };
  }
};

/** The comparison tells of TLC's errors in a sentence. */
export const isBudget = (problem: string): boolean =>
  /TLC gave no verdicts?: (out of time|the JVM ran out)/.test(problem);
