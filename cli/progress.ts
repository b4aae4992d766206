/** How far running models are: bars on a terminal, a line now and then elsewhere. Everything goes to stderr. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { Phase } from '../conformance/check.js';
import { packageRoot } from './place.js';
import { count, screenOver, seconds } from './table.js';

type Run = { phase: Phase; states: number; readonly begun: number };

export type Progress = {
  readonly onStart: (model: string) => void;
  readonly onProgress: (model: string, phase: Phase, states: number) => void;
  /** Takes the model off and writes lines that stay. */
  readonly finish: (model: string, lines: readonly string[]) => void;
  readonly close: () => void;
};

export type ProgressOptions = {
  /** Nothing is drawn or said on the way. */
  readonly quiet: boolean;
  /** Writes a line that stays. */
  readonly say: (line: string) => void;
  /** Distinct states by model, where models.json has them. */
  readonly states: ReadonlyMap<string, number>;
  readonly what: string;
};

const terminalMs = 200;
const linesMs = 10_000;
const words: Readonly<Record<Phase, string>> = { tlc: 'TLC', search: 'search of the core', compare: 'comparison' };

export const startProgress = ({ quiet, say, states, what }: ProgressOptions): Progress => {
  const running = new Map<string, Run>();
  const before = readTimes(what);
  const onTerminal = !quiet && process.stderr.isTTY && process.stdout.isTTY;
  const screen = onTerminal
    ? screenOver(
        (text) => process.stdout.write(text),
        () => process.stdout.columns,
      )
    : null;
  const line = (model: string, run: Run, bars: boolean): string => {
    const passed = performance.now() - run.begun;
    const last = before[model];
    const known = states.get(model);
    const share = known !== undefined && run.states > 0 ? run.states / known : last === undefined ? 0 : passed / last;
    const estimate = last === undefined ? 'no estimate yet' : `last run ${seconds(last)}`;
    const found = run.states === 0 ? '' : `  ${count(run.states)} states`;
    return `${bars ? `${bar(share)} ` : ''}${model}  ${words[run.phase]}${found}  ${seconds(passed)} (${estimate})`;
  };
  const tick = (): void => {
    const lines = [...running].map(([model, run]) => line(model, run, screen !== null));
    if (screen !== null) screen.draw(lines);
    else for (const text of lines) process.stderr.write(`  ... ${text}\n`);
  };
  const timer = quiet ? null : setInterval(tick, screen === null ? linesMs : terminalMs);
  return {
    onStart: (model) => void running.set(model, { phase: 'tlc', states: 0, begun: performance.now() }),
    onProgress: (model, phase, found) => {
      const run = running.get(model);
      if (run === undefined) return;
      run.phase = phase;
      run.states = found;
    },
    finish: (model, lines) => {
      const run = running.get(model);
      if (run !== undefined) before[model] = Math.round(performance.now() - run.begun);
      running.delete(model);
      for (const text of lines)
        if (screen === null) say(text);
        else screen.say(text);
    },
    close: () => {
      if (timer !== null) clearInterval(timer);
      screen?.clear();
      writeTimes(what, before);
    },
  };
};

const width = 20;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `▕██████▌             ▏`; never full before the end. */
export const bar = (share: number): string => {
  const filled = Math.max(0, Math.min(share, 0.99)) * width;
  const whole = '█'.repeat(Math.floor(filled)) + (eighths[Math.floor((filled % 1) * 8)] ?? '');
  return `▕${whole.padEnd(width)}▏`;
};

/** Milliseconds of earlier runs; only for estimates, so a file that cannot be read or written is no matter. */
const Times = t.record(t.string, t.record(t.string, t.number));
const timesPath = join(packageRoot, '.cache', 'times.json');

const allTimes = (): Record<string, Record<string, number>> => {
  try {
    const times = Times.decode(JSON.parse(readFileSync(timesPath, 'utf8')));
    return E.isRight(times) ? { ...times.right } : {};
  } catch {
    return {};
  }
};

/** Milliseconds a state took in the last run of a model of known size; null: it has not run here. */
export const timeOf = (
  what: string,
  known: { readonly from: string; readonly distinct: number } | null,
): number | null => {
  const last = known === null ? undefined : readTimes(what)[known.from];
  return last === undefined || known === null ? null : last / known.distinct;
};

const readTimes = (what: string): Record<string, number> => ({ ...allTimes()[what] });

const writeTimes = (what: string, times: Readonly<Record<string, number>>): void => {
  try {
    mkdirSync(dirname(timesPath), { recursive: true });
    writeFileSync(timesPath, JSON.stringify({ ...allTimes(), [what]: times }));
  } catch {
    // read-only installation
  }
};
