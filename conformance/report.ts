/** Reports of checked models: text for a person, JSON for a machine. */
import { canonicalText } from 'tla-checker-cli';
import type { TlaState } from 'tla-checker-cli';
import type { ModelReport } from './check.js';
import type { Place } from './difference.js';
import type { Difference, Story, TraceStep } from './explain.js';
import { labelOf } from './generate.js';
import type { Comparison, Finding } from './graph.js';
import { replayText } from './replay.js';

/** All models together; nothing checked is a failure. */
export const allOk = (reports: readonly ModelReport[]): boolean => reports.length > 0 && reports.every((r) => r.ok);

/** The reports as JSON text; values of the spec stand in it as `TlaValue`. */
export const reportJson = (reports: readonly ModelReport[]): string =>
  `${JSON.stringify({ ok: allOk(reports), models: reports }, null, 2)}\n`;

const count = (n: number): string => n.toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** `ok    MCElection3  1,259 states  4,363 generated  depth 14  graph equal  1.9 s (CPU: TLC 1.2 s, search 0.1 s, ...)` */
export const reportLine = (r: ModelReport): string => {
  const cpu = [
    r.tlc.cpuMs === null ? null : `TLC ${seconds(r.tlc.cpuMs)}`,
    r.comparison === null ? null : `search ${seconds(r.comparison.cpuMs.search)}`,
    r.comparison === null ? null : `compare ${seconds(r.comparison.cpuMs.compare)}`,
  ].filter((s) => s !== null);
  return [
    r.ok ? 'ok  ' : 'FAIL',
    r.model.padEnd(28),
    r.dumpReused ? "TLC's kept graph, TLC not asked" : (r.found ?? 'no verdict'),
    ...(r.sizes === null
      ? []
      : [`${count(r.sizes.distinct)} states`, `${count(r.sizes.generated)} generated`, `depth ${r.sizes.depth}`]),
    ...(r.comparison === null ? [] : [r.comparison.equal ? 'graph equal' : 'graph differs']),
    ...(r.judgement === null ? [] : [r.judgement.agree ? 'verdicts agree' : 'verdicts differ']),
    ...(r.replay === null
      ? []
      : [r.replay.type === 'Replayed' ? 'counterexample replayed' : 'counterexample not replayed']),
    seconds(r.wallMs) + (cpu.length === 0 ? '' : ` (CPU: ${cpu.join(', ')})`),
  ].join('  ');
};

/** One line a model; below a failed one all that is known of why, below a compared one its actions where asked for. */
export const reportText = (reports: readonly ModelReport[], options: { readonly actions?: boolean } = {}): string => {
  const lines = reports.flatMap((r) => [
    reportLine(r),
    ...(options.actions === true && r.comparison !== null ? actionTable(r.comparison) : []),
    ...(r.ok ? [] : failure(r)),
  ]);
  const bad = reports.filter((r) => !r.ok).length;
  const total = reports.length === 0 ? 'No model was checked.' : `${reports.length} models, ${bad} failed.`;
  return `${[...lines, total].join('\n')}\n`;
};

const actionTable = (c: Comparison): readonly string[] =>
  Object.entries(c.actions).map(
    ([action, n]) =>
      `      ${action.padEnd(32)} ${count(n.core).padStart(10)} edges, ${count(n.changingCore)} change the state` +
      (n.core === n.tlc ? '' : ` (TLC: ${count(n.tlc)}, ${count(n.changingTlc)})`),
  );

const failure = (r: ModelReport): readonly string[] => [
  ...r.problems.map((p) => `      ${p}`),
  ...(r.write === null ? [] : [`      models.json, ${r.model}: ${JSON.stringify(r.write).slice(1, -1)}`]),
  ...(r.comparison === null ? [] : r.comparison.findings.map((f) => `      ${findingText(f)}`)),
  ...(r.comparison?.stories ?? []).flatMap(storyLines).map((line) => `      ${line}`),
  ...(r.comparison?.differences ?? []).flatMap((d) => differenceText(d).split('\n')).map((line) => `      ${line}`),
  ...(r.comparison === null && r.judgement === null && r.replay === null && r.found !== r.expected
    ? counterexampleText(r)
    : []),
  ...Object.entries(r.judgement?.invariants ?? {})
    .filter(([, v]) => v.onlyTlc + v.onlyOurs > 0)
    .map(
      ([name, v]) => `      ${name}: broken for TLC alone in ${v.onlyTlc} states, in TypeScript alone in ${v.onlyOurs}`,
    ),
  ...(r.judgement?.missing ?? []).map((name) => `      ${name}: no function of that name in TypeScript`),
  ...(r.replay === null || r.replay.type === 'Replayed' ? [] : [`      ${replayText(r.replay)}`]),
];

const counterexampleText = (r: ModelReport): readonly string[] =>
  r.counterexample.length === 0
    ? []
    : [
        `      run: ${r.counterexample.map((s) => s.label).join(', ')}`,
        ...stateLines(r.counterexample.at(-1)?.state ?? {}).map((line) => `        ${line}`),
      ];

const stateLines = (state: TlaState): readonly string[] =>
  Object.entries(state).map(([name, value]) => `${name} = ${canonicalText(value)}`);

const sides = { tlc: 'TLC', core: 'core' } as const;

const placeText = ({ at, tlc, core }: Place): string =>
  `${at}: ${sides.tlc} ${tlc ?? '(nothing)'}, ${sides.core} ${core ?? '(nothing)'}`;

const runText = (trace: readonly TraceStep[]): string =>
  trace.map((s) => (s.action === 'Init' ? 'Init' : labelOf(s.action, s.args))).join(', ');

const storyLines = ({ finding, trace, notes }: Story): readonly string[] => [
  `${finding}: ${runText(trace)}`,
  ...notes.map((note) => `  ${note}`),
  ...stateLines(trace.at(-1)?.state ?? {}).map((line) => `    ${line}`),
];

/** The run, the step, and what it does on each side. */
export const differenceText = (d: Difference): string => {
  if (d.trace.length === 0) {
    const whose = d.tlc === null ? 'The core alone has this initial state' : 'TLC alone has this initial state';
    return [whose, ...stateLines(d.tlc ?? d.core ?? {}).map((line) => `  ${line}`)].join('\n');
  }
  const label = labelOf(d.action, d.args);
  const head =
    d.tlc === null
      ? `${label} is a step of the core alone; it changes`
      : d.core === null
        ? `${label} is a step of TLC alone${d.refusal === null ? '' : ` (the core refuses it: ${d.refusal})`}; it changes`
        : `${label} leads to different states`;
  return [
    `after ${runText(d.trace)}`,
    `  ${head}`,
    ...(d.places.length === 0 ? ['    nothing'] : d.places.map((p) => `    ${placeText(p)}`)),
    '  from',
    ...stateLines(d.trace.at(-1)?.state ?? {}).map((line) => `    ${line}`),
  ].join('\n');
};

/** A finding in one line. */
export const findingText = (f: Finding): string => {
  switch (f.type) {
    case 'NoStates':
      return 'the mirror has no initial state: nothing was compared';
    case 'NothingInDump':
      return "TLC's dump has no state: nothing was compared";
    case 'TooManyStates':
      return `the search over the core was stopped above ${count(f.limit)} states`;
    case 'ViewHides':
      return `two different full states look the same (state ${f.state}, reached again from state ${f.from})`;
    case 'KeyIncomplete':
      return `the key is not the full state: states ${f.state} and ${f.other} share one and look different`;
    case 'HashesCollide':
      return 'two different states share a hash';
    case 'FieldUnlisted':
      return `field ${f.path} of the full state is listed neither as shown nor as hidden`;
    case 'ChangedInPlace':
      return `a step changed its argument in place (state ${f.state})`;
    case 'Threw':
      return `the mirror threw at state ${f.state}: ${f.error}`;
    case 'InvariantFails':
      return `${f.name} is broken in ${count(f.states)} states of the core, first in state ${f.state}`;
    case 'DumpUnreadable':
      return `TLC's dump is unreadable: ${JSON.stringify(f.error)}`;
    case 'DumpIncomplete':
      return `TLC's dump has ${count(f.edges)} edges where TLC generated ${count(f.expected)}`;
    case 'LabelUnknown':
      return `TLC's dump has the label ${f.label}, which the model's table does not give`;
    case 'EdgeToNowhere':
      return `TLC's dump has ${count(f.edges)} edges from or to states that it does not have`;
    case 'StatesMerged':
      return `${count(f.fingerprints)} fingerprints of TLC's are ${count(f.states)} states here`;
    case 'InitialStatesDiffer':
      return `${count(f.states)} initial states are on one side only`;
    case 'StatesOnlyInTlc':
    case 'StatesOnlyInCore':
      return `${count(f.states)} states only in ${f.type === 'StatesOnlyInTlc' ? sides.tlc : 'the core'}`;
    case 'EdgesOnlyInTlc':
    case 'EdgesOnlyInCore':
      return `${count(f.edges)} edges only in ${f.type === 'EdgesOnlyInTlc' ? sides.tlc : 'the core'}`;
    case 'Nondeterministic':
      return `${f.label} leads from one state to several (${count(f.edges)} times): a choice is no parameter`;
    case 'RowNotReached':
      return `${f.row} is not reached`;
    case 'ActionIdle':
      return `action ${f.action} changes the state nowhere`;
  }
};
