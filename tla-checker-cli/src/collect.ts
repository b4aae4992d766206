/** Folds TLC's messages into a result, one after the other, so that a run of hours holds no more than its counters. */
import * as E from 'fp-ts/lib/Either.js';
import type { Message } from './messages.js';
import { codes, messageReader } from './messages.js';
import type { ActionCount, Counterexample, Loop, Outcome, Stats, TraceStep } from './result.js';
import { readTlcLoop, readTlcStep } from './tlc-text.js';
import { parseState } from './value.js';

/** What the output said, without judging the exit code. */
export type Collected = {
  readonly outcome: Outcome | undefined;
  readonly stats: Stats;
  readonly counterexample: Counterexample | null;
  readonly unreadable: string | null;
  readonly printed: readonly string[];
  readonly warnings: readonly string[];
  readonly actions: readonly ActionCount[];
  readonly collision: { readonly optimistic: number; readonly actual: number | null } | null;
  readonly seed: string | null;
  /** TLC said that it was done. */
  readonly finished: boolean;
  /** TLC said that it found no error (only model checking says so). */
  readonly success: boolean;
  readonly exhausted: 'heap' | 'stack' | 'machine' | undefined;
  readonly badOption: string | undefined;
};

export type Collector = {
  readonly write: (chunk: string) => void;
  /** Lines of standard error: only the JVM writes there. */
  readonly writeError: (chunk: string) => void;
  readonly stats: () => Stats;
  readonly close: () => Collected;
};

const maxPrinted = 1000;
const maxSany = 400;

/** @param onStats called whenever TLC reports counts */
export const collector = (onStats: (stats: Stats) => void): Collector => {
  let outcome: Outcome | undefined;
  let stats: Stats = { generated: 0, distinct: 0, queue: 0, depth: null, initial: { generated: 0, distinct: 0 } };
  const steps: TraceStep[] = [];
  let loop: Loop | null = null;
  let unreadable: string | null = null;
  const printed: string[] = [];
  const warnings: string[] = [];
  const sany: string[] = [];
  const failures: string[] = [];
  let failedCodes: number[] = [];
  let actions: ActionCount[] = [];
  let collision: Collected['collision'] = null;
  let seed: string | null = null;
  let inSany = false;
  let finished = false;
  let success = false;
  let exhausted: Collected['exhausted'];
  let badOption: string | undefined;

  const found = (o: Outcome): void => {
    outcome ??= o;
  };
  const count = (part: Partial<Stats>): void => {
    stats = {
      generated: part.generated ?? stats.generated,
      distinct: part.distinct ?? stats.distinct,
      queue: part.queue ?? stats.queue,
      depth: part.depth ?? stats.depth,
      initial: part.initial ?? stats.initial,
    };
    onStats(stats);
  };
  const exhaustion = (text: string): void => {
    if (/OutOfMemoryError/.test(text)) exhausted ??= 'heap';
    else if (/StackOverflowError/.test(text)) exhausted ??= 'stack';
    else if (/insufficient memory for the Java|Could not reserve enough space/.test(text)) exhausted ??= 'machine';
  };
  const addStep = (text: string): void => {
    if (unreadable !== null) return;
    const step = readTlcStep(text);
    if (E.isRight(step)) steps.push(step.right);
    else unreadable = step.left;
  };
  const initialState = (text: string): void => {
    const state = parseState(text.slice(text.indexOf('\n') + 1));
    if (E.isRight(state)) steps.push({ action: 'Init', args: {}, location: null, state: state.right });
    else unreadable = `initial state, line ${state.left.line}: expected ${state.left.expected}`;
  };

  const onMessage = (m: Message): void => {
    const { code, text } = m;
    switch (code) {
      case codes.state:
        return addStep(text);
      case codes.progress:
      case codes.stats:
        return count(readStats(text));
      case codes.progressSimulation:
      case codes.statsSimulation:
        seed = /seed (-?\d+)/.exec(text)?.[1] ?? seed;
        return count({ generated: integer(/([\d,]+) states generated|generated: ([\d,]+)/, text) ?? stats.generated });
      case codes.initialOne:
      case codes.initialTwo:
        return count(readInitial(text));
      case codes.depth:
        return count({ depth: integer(/search is ([\d,]+)/, text) ?? stats.depth });
      case codes.assumptionFalse:
        return found({ type: 'assumption', message: text.trim() });
      case codes.invariantInitial:
        found({ type: 'invariant', name: /^Invariant (.*) is violated/.exec(text)?.[1] ?? '' });
        return initialState(text);
      case codes.propertyInitial:
        found({ type: 'temporal property', name: /^Property (.*) is violated/.exec(text)?.[1] ?? null });
        return initialState(text);
      case codes.invariant:
        return found({ type: 'invariant', name: /^Invariant (.*) is violated/.exec(text)?.[1] ?? '' });
      case codes.actionProperty:
        return found({ type: 'action property', name: /^Action property (.*) is violated/.exec(text)?.[1] ?? '' });
      case codes.deadlock:
        return found({ type: 'deadlock' });
      case codes.temporal:
        return found({ type: 'temporal property', name: /^Temporal property (\S+) /.exec(text)?.[1] ?? null });
      case codes.backToState:
      case codes.stuttering:
        loop = readTlcLoop(text, steps.length);
        return;
      case codes.coverageStart:
        actions = [];
        return;
      case codes.actionCoverage:
      case codes.initCoverage: {
        const action = readCoverage(text);
        if (action !== undefined) actions.push(action);
        return;
      }
      case codes.success: {
        success = true;
        const optimistic = exponent(/optimistic\): +val = (\S+)/, text);
        if (optimistic !== null) collision = { optimistic, actual: exponent(/fingerprints: +val = (\S+)/, text) };
        return;
      }
      case codes.banner:
      case codes.bannerSimulation:
        seed = /seed (-?\d+)/.exec(text)?.[1] ?? seed;
        return;
      case codes.finished:
        finished = true;
        return;
      case codes.sanyStart:
      case codes.sanyEnd:
        inSany = code === codes.sanyStart;
        return;
      case codes.badOption:
        badOption = text;
        return;
      case codes.parseFailed:
        return found({ type: 'parse error', message: sany.join('\n').trim(), location: locationIn(sany.join('\n')) });
      default:
        return other(m);
    }
  };
  const other = (m: Message): void => {
    if (m.level === 3) warnings.push(m.text);
    if (m.level !== 1 && m.level !== 2) return;
    if ((codes.outOfMemory as readonly number[]).includes(m.code)) exhausted ??= 'heap';
    else if (m.code === codes.stackOverflow) exhausted ??= 'stack';
    else exhaustion(m.text);
    if (m.code === 2121 || m.code === 2264) return; // 'The behavior up to this point is:'
    failures.push(m.text.trim());
    failedCodes = [...failedCodes, m.code, ...m.nested];
  };
  const onLine = (line: string): void => {
    // the JVM's own words; a spec may print what it likes
    if (/^Terminating due to java\.lang\.OutOfMemoryError/.test(line)) exhaustion(line);
    if (/^(Parsing file|Semantic processing of module|Starting SANY|SANY finished)/.test(line)) {
      inSany = inSany || line.startsWith('Parsing');
    } else if (inSany) {
      if (sany.length < maxSany && !/^Linting of module/.test(line)) sany.push(line);
    } else if (line !== '' && printed.length < maxPrinted) printed.push(line);
  };
  const reader = messageReader({ onMessage, onLine });

  return {
    write: reader.write,
    writeError: exhaustion,
    stats: () => stats,
    close: () => {
      reader.close();
      const message = failures.join('\n');
      if (outcome === undefined && failures.length > 0) {
        outcome = failedCodes.some(isConfigCode)
          ? { type: 'config error', message }
          : { type: 'evaluation error', message };
      }
      const counterexample = steps.length > 0 && unreadable === null ? { steps, loop } : null;
      return {
        outcome, stats, counterexample, unreadable, printed, warnings, actions, collision, seed, finished, success,
        exhausted, badOption,
      }; // prettier-ignore
    },
  };
};

/** The 2222 to 2245 block and the 5000s of TLC's table speak of the configuration file. */
const isConfigCode = (code: number): boolean => (code >= 2222 && code <= 2243) || (code >= 5000 && code < 6000);

const integer = (pattern: RegExp, text: string): number | undefined => {
  const match = pattern.exec(text);
  const digits = match?.slice(1).find((g) => g !== undefined);
  return digits === undefined ? undefined : Number(digits.replaceAll(',', ''));
};

const exponent = (pattern: RegExp, text: string): number | null => {
  const n = Number(pattern.exec(text)?.[1] ?? NaN);
  return Number.isFinite(n) ? n : null;
};

const readStats = (text: string): Partial<Stats> => {
  const depth = integer(/^Progress\((\d+)\)/, text);
  return {
    generated: integer(/([\d,]+) states generated/, text) ?? 0,
    distinct: integer(/([\d,]+) distinct states found/, text) ?? 0,
    queue: integer(/([\d,]+) states left on queue/, text) ?? 0,
    ...(depth === undefined ? {} : { depth }),
  };
};

/** `1 distinct state generated` or `4 states generated, with 2 of them distinct`. */
const readInitial = (text: string): Partial<Stats> => {
  const distinct = integer(/([\d,]+) distinct states? generated|with ([\d,]+) of them distinct/, text) ?? 0;
  const generated = integer(/([\d,]+) states? generated, with/, text) ?? distinct;
  return { generated, distinct, queue: distinct, initial: { generated, distinct } };
};

const readCoverage = (text: string): ActionCount | undefined => {
  const m = /^<(\S+) (line .*? of module [^>]+)>: (\d+):(\d+)/.exec(text);
  if (m === null) return undefined;
  return { action: m[1] ?? '', location: m[2] ?? '', distinct: Number(m[3]), generated: Number(m[4]) };
};

const locationIn = (text: string): string | null =>
  /line \d+, col(?:umn)? \d+(?: to line \d+, col \d+)?(?: of module \w+)?/.exec(text)?.[0] ?? null;
