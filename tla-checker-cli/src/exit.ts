/** Exit codes of the command, and the one form of its failures. 10 to 13 are TLC's own. */
import type { GraphError } from './error.js';
import { explain } from './error.js';
import type { Outcome } from './result.js';

export const exits = {
  ok: 0,
  usage: 2,
  spec: 3,
  assumption: 10,
  deadlock: 11,
  invariant: 12,
  temporal: 13,
  action: 14,
  trace: 21,
  nothing: 22,
  tool: 30,
  budget: 69,
  bug: 70,
  interrupted: 130,
} as const;

/** What `--json` prints as `{"error": ...}`, and what people read as two lines. */
export type Failure = {
  readonly code: string;
  readonly exit: number;
  readonly message: string;
  readonly hint: string;
};

export const failureOfError = (e: GraphError): Failure => {
  const { message, hint } = explain(e);
  return { code: e.type, exit: exitOfError(e), message, hint };
};

const exitOfError = (e: GraphError): number => {
  switch (e.type) {
    case 'TlcMissing':
      return exits.tool;
    case 'Usage':
      return exits.usage;
    case 'TimeLimit':
    case 'MemoryLimit':
      return exits.budget;
    case 'Interrupted':
      return exits.interrupted;
    case 'Crashed':
    case 'DotMalformed':
    case 'DotTruncated':
    case 'DotUnreadable':
      return exits.bug;
  }
};

/** undefined for `ok`. */
export const failureOfOutcome = (o: Outcome): Failure | undefined => {
  const failure = (code: string, exit: number, message: string, hint = ''): Failure => ({ code, exit, message, hint });
  switch (o.type) {
    case 'ok':
      return undefined;
    case 'assumption':
      return failure('AssumptionFalse', exits.assumption, o.message);
    case 'deadlock':
      return failure('Deadlock', exits.deadlock, 'deadlock', 'if behaviours may end: --no-deadlock');
    case 'invariant':
      return failure('InvariantViolated', exits.invariant, `invariant ${o.name} is violated`);
    case 'temporal property':
      return failure(
        'TemporalPropertyViolated',
        exits.temporal,
        `temporal property ${o.name ?? ''}`.trim() + ' is violated',
      );
    case 'action property':
      return failure('ActionPropertyViolated', exits.action, `action property ${o.name} is violated`);
    case 'parse error':
      return failure('ParseError', exits.spec, o.message);
    case 'config error':
      return failure('ConfigError', exits.spec, o.message);
    case 'evaluation error':
      return failure('EvaluationError', exits.spec, o.message);
  }
};
