/** States of a behaviour in TLC's own words: `-tool` messages, the plain error trace, and `-simulate file=` modules. */
import * as E from 'fp-ts/lib/Either.js';
import type { Loop, TraceStep } from './result.js';
import { parseState, printState } from './value.js';

/**
 * Reads `2: <Up line 5, col 7 to line 5, col 25 of module D>`, perhaps with `State ` in front, and the state below it.
 * @returns Left: what is wrong, in words
 */
export const readTlcStep = (text: string): E.Either<string, TraceStep> => {
  const m = /^(?:State )?(\d+): (?:<([^\n]*)>|([^\n]*))\n?/.exec(text);
  if (m === null) return E.left(`not the head of a state: ${text.slice(0, 60)}`);
  const state = parseState(text.slice(m[0].length));
  if (E.isLeft(state)) {
    return E.left(
      `state ${m[1]}, line ${state.left.line + 1}, column ${state.left.column}: expected ${state.left.expected}`,
    );
  }
  const head = (m[2] ?? m[3] ?? '').trim();
  const named = /^(.*?) ?(line \d+, col \d+ to line \d+, col \d+ of module \w+)?$/.exec(head);
  const initial = head === 'Initial predicate' || head === 'Initial predicate.';
  return E.right({
    action: initial ? 'Init' : (named?.[1] ?? head),
    args: {},
    location: named?.[2] ?? null,
    state: state.right,
  });
};

/** Writes one step as `readTlcStep` reads it. @param n from 1 */
export const writeTlcStep = (step: TraceStep, n: number): string => {
  const where = step.location === null ? '' : ` ${step.location}`;
  const head = n === 1 && step.action === 'Init' ? 'Initial predicate' : `${step.action}${where}`;
  return `${n}: <${head}>\n${printState(step.state)}\n`;
};

/**
 * Reads how an endless behaviour goes on: `2: Back to state: <Down line ...>` (`-tool`), `Back to state 2: <Down ...>`
 * (plain), `4: Stuttering` (both).
 * @param steps how many states came before
 */
export const readTlcLoop = (text: string, steps: number): Loop | null => {
  if (/^(?:State )?\d+: Stuttering/.test(text)) return { to: Math.max(steps - 1, 0), action: 'Stuttering' };
  const m = /^(?:(\d+): Back to state|Back to state (\d+))(?:: <([^\s>]+))?/.exec(text);
  return m === null ? null : { to: Number(m[1] ?? m[2]) - 1, action: m[3] ?? '' };
};

/** Writes a loop as TLC does without `-tool`. */
export const writeTlcLoop = (loop: Loop, steps: number): string =>
  loop.action === 'Stuttering'
    ? `State ${steps + 1}: Stuttering\n`
    : `Back to state ${loop.to + 1}${loop.action === '' ? '' : `: <${loop.action}>`}\n`;
