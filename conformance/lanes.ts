/**
 * A run as a space-time story: a lane for each server, a line for each step, and in it what the step changes there.
 * What lies between servers is left out; the diffs of the single steps show it.
 */
import { isArray } from 'tla-checker-cli';
import type { TlaState, TlaValue, TraceStep } from 'tla-checker-cli';
import { canonicalText } from 'tla-checker-cli';

/** Who acts: the first argument of an action and the name of what it ranges over. `Server 2`. */
type Lane = { readonly title: string; readonly id: TlaValue };

export type LaneOptions = {
  /** Characters a line may have. */
  readonly width?: number;
  /** Variables that stay out of the story; those of the bounds and of history unless told otherwise. */
  readonly without?: readonly string[];
};

/** The lines of a run; its first state is no step and is left out. Empty for a run in which nobody acts. */
export const laneLines = (steps: readonly TraceStep[], options: LaneOptions = {}): readonly string[] => {
  const lanes = lanesOf(steps);
  if (lanes.length === 0) return [];
  const margin = 5;
  const width = Math.max(22, Math.floor(((options.width ?? 120) - margin) / lanes.length) - 1);
  const line = (head: string, cells: readonly string[]): string =>
    `${head.padStart(margin - 1)} ${cells.map((c) => fit(c, width)).join(' ')}`.trimEnd();
  const lines = [
    line(
      '',
      lanes.map((l) => l.title),
    ),
  ];
  for (const [n, step] of steps.entries()) {
    const before = steps[n - 1];
    if (before === undefined) continue;
    const columns = lanes.map((lane) =>
      cellOf(lane, lanes, before.state, step, width, options.without ?? ['budget', 'order']),
    );
    const height = Math.max(1, ...columns.map((c) => c.length));
    for (let row = 0; row < height; row += 1)
      lines.push(
        line(
          row === 0 ? String(n) : '',
          columns.map((c) => c[row] ?? (row === 0 ? '·' : '')),
        ),
      );
  }
  return lines;
};

const firstOf = ({ args }: TraceStep): Lane | null => {
  const [entry] = Object.entries(args);
  if (entry === undefined) return null;
  const [name, id] = entry;
  const word = name.replace(/\d+$/, '');
  return { title: `${word.slice(0, 1).toUpperCase()}${word.slice(1)} ${canonicalText(id)}`, id };
};

const lanesOf = (steps: readonly TraceStep[]): readonly Lane[] => {
  const byTitle = new Map<string, Lane>();
  for (const step of steps) {
    const first = firstOf(step);
    if (first === null) continue;
    byTitle.set(first.title, first);
    // A server that is only ever spoken of has a lane too.
    const kind = first.title.split(' ')[0] ?? '';
    for (const [name, id] of Object.entries(step.args)) {
      const title = `${kind} ${canonicalText(id)}`;
      if (name.replace(/\d+$/, '').toLowerCase() === kind.toLowerCase()) byTitle.set(title, { title, id });
    }
  }
  return [...byTitle.values()].sort((a, b) => a.title.localeCompare(b.title, 'en', { numeric: true }));
};

const cellOf = (
  lane: Lane,
  lanes: readonly Lane[],
  before: TlaState,
  step: TraceStep,
  width: number,
  without: readonly string[],
): readonly string[] => {
  const acts = firstOf(step)?.title === lane.title;
  const changes = changesAt(lane, before, step.state, without);
  const head = acts ? actionText(step, lanes) : '';
  if (!acts && changes.length === 0) return [];
  return [acts ? head : '~', ...changes.map((c) => `  ${c}`)].map((t) => fit(t, width).trimEnd());
};

/** `HandleAck ← 3`: handed over by a peer; `LogSynced 2`: other arguments follow the name. */
const actionText = ({ action, args }: TraceStep, lanes: readonly Lane[]): string => {
  const [, ...rest] = Object.values(args);
  const told = rest.map(canonicalText).join(', ');
  const isPeer = rest.length === 1 && lanes.some((l) => canonicalText(l.id) === told) && 'server2' in args;
  return told === '' ? action : `${action} ${isPeer && /^(Handle|Notice)/.test(action) ? '← ' : ''}${told}`;
};

/** What a step changes in the variables that are functions of this one's id, channels left out. */
const changesAt = ({ id }: Lane, before: TlaState, after: TlaState, without: readonly string[]): readonly string[] =>
  Object.keys(after).flatMap((name) => {
    const [was, is] = [valueAt(before[name], id), valueAt(after[name], id)];
    if (without.includes(name) || was === null || is === null) return [];
    const [x, y] = [short(was), short(is)];
    return x === y || isChannel(is) ? [] : [`${name} ${y}`];
  });

const valueAt = (v: TlaValue | undefined, id: TlaValue): TlaValue | null => {
  if (typeof v !== 'object') return null;
  if (isArray(v)) return typeof id === 'number' ? (v[id - 1] ?? null) : null;
  const key = canonicalText(id);
  return 'fcn' in v ? (v.fcn.find(([k]) => canonicalText(k) === key)?.[1] ?? null) : null;
};

/** Rows of messages to peers, and tables by peer. */
const isChannel = (v: TlaValue): boolean =>
  typeof v === 'object' && (isArray(v) ? v.some((w) => typeof w === 'object' && !isZxid(w)) : !('set' in v));

const isZxid = (v: TlaValue): boolean => isArray(v) && v.length === 2 && v.every((n) => typeof n === 'number');

/** `<<2, 1>>` is a zxid: `2.1`. */
const short = (v: TlaValue): string => {
  if (isZxid(v) && isArray(v)) return v.map(canonicalText).join('.');
  if (isArray(v)) return `[${v.map(short).join(' ')}]`;
  return typeof v === 'string' ? v : canonicalText(v);
};

const fit = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
