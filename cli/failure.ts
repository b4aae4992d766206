/** How a command ends: well, or with a failure that has an exit code, a reason and a next step (docs/cli.md). */
import * as E from 'fp-ts/lib/Either.js';

/** Exit codes of the binary; 10 to 13 are TLC's own. */
export const exits = {
  ok: 0,
  /** A negative answer: a server that cannot go on, a tool or check that says no. */
  negative: 1,
  usage: 2,
  badConfig: 3,
  assumption: 10,
  deadlock: 11,
  invariant: 12,
  liveness: 13,
  actionProperty: 14,
  divergence: 20,
  badTrace: 21,
  nothingChecked: 22,
  toolMissing: 30,
  /** Time or memory ran out. */
  budget: 69,
  bug: 70,
  interrupted: 130,
} as const;

export type Exit = Exclude<(typeof exits)[keyof typeof exits], 0>;

export type Failure = {
  /** For programs: one word that stays. */
  readonly code: string;
  readonly exit: Exit;
  /** One sentence for people; '' when everything has been said already. */
  readonly message: string;
  /** What to do about it; '' when there is nothing to say. */
  readonly hint: string;
  /** More fields of the error in JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
};

export type Outcome = E.Either<Failure, void>;

export const ok: Outcome = E.right(undefined);
export const fail = (failure: Failure): E.Either<Failure, never> => E.left(failure);

/** The failure as the one line of JSON that `--json` promises. */
export const failureJson = ({ code, exit, message, hint, details }: Failure): string =>
  `${JSON.stringify({ error: { code, exit, message, hint, ...details } })}\n`;

export const failureText = ({ message, hint }: Failure): string =>
  `${message === '' ? '' : `zabkeeper: ${message}\n`}${hint === '' ? '' : `  ${hint}\n`}`;

/** Ctrl-C, or whatever else sends SIGINT. */
export const interrupted: Failure = { code: 'Interrupted', exit: 130, message: 'interrupted', hint: '' };
