/**
 * Behaviours: read from TLC's output, from `-simulate file=` modules, from ITF and from our own ndjson, and written as
 * any of these. ndjson: the first line says where the trace comes from and what it shows, each further line is a step.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';
import type { Json } from './itf.js';
import { stateFromItf, stateToItf, TlaStateCodec } from './itf.js';
import { codes, messageReader } from './messages.js';
import type { Counterexample, Loop, TraceStep } from './result.js';
import { Loop as LoopCodec } from './result.js';
import { readTlcLoop, readTlcStep, writeTlcLoop, writeTlcStep } from './tlc-text.js';
import { parseState, printState } from './value.js';

/** A behaviour with its source. `head` has at least `from` and `shows`; further members are kept as they are. */
export type Trace = {
  readonly head: { readonly from: string; readonly shows: string; readonly [more: string]: Json };
  readonly steps: readonly TraceStep[];
  readonly loop: Loop | null;
};

/** `line` counts from 1; 0 speaks of the whole text. `TraceEmpty`: readable, and without any step. */
export type TraceError = {
  readonly type: 'TraceError' | 'TraceEmpty';
  readonly line: number;
  readonly message: string;
};

export type TraceFormat = 'ndjson' | 'itf' | 'tlc' | 'module';

/** A counterexample under a head of its own. */
export const traceOf = (c: Counterexample, from: string, shows: string): Trace => ({
  head: { from, shows },
  steps: c.steps,
  loop: c.loop,
});

const wrong = (line: number, message: string): E.Either<TraceError, never> =>
  E.left({ type: 'TraceError', line, message });

/** Tells the format by the first words. A text without any step is an error: it shows nothing. */
export const readTrace = (text: string): E.Either<TraceError, Trace> => {
  const format = formatOf(text);
  if (format === undefined) return wrong(1, 'neither ndjson, ITF, TLC output nor a module of states');
  const trace = readers[format](text);
  if (E.isRight(trace) && trace.right.steps.length === 0) {
    return E.left({ type: 'TraceEmpty', line: 0, message: 'no step: nothing to look at' });
  }
  return trace;
};

export const writeTrace = (trace: Trace, format: TraceFormat): string => {
  switch (format) {
    case 'ndjson':
      return writeNdjson(trace);
    case 'itf':
      return `${JSON.stringify(traceToItf(trace), null, 1)}\n`;
    case 'tlc':
      return writeTlcText(trace);
    case 'module':
      return writeStates(trace);
  }
};

const formatOf = (text: string): TraceFormat | undefined => {
  if (/^\s*\{/.test(text)) {
    const [first = ''] = text.trimStart().split('\n', 1);
    const json = parseJson(first);
    return E.isRight(json) && !Array.isArray((json.right as { states?: unknown }).states) ? 'ndjson' : 'itf';
  }
  if (/^-{4,} *MODULE/m.test(text) && /^STATE_1\s*==/m.test(text)) return 'module';
  return /@!@!@STARTMSG|^(State )?1: <?/m.test(text) ? 'tlc' : undefined;
};

const parseJson = (text: string): E.Either<string, unknown> =>
  E.tryCatch(
    () => JSON.parse(text) as unknown,
    (e) => (e instanceof Error ? e.message : String(e)),
  );

// --- ndjson

const Head = t.type({ from: t.string, shows: t.string }, 'Head');
const Line = t.intersection([
  t.type({ action: t.string, args: TlaStateCodec, state: TlaStateCodec }),
  t.partial({ location: t.string }),
]);
const known = new Set(['action', 'args', 'state', 'location']);

/** Reads our own form; an unknown member of a step is an error with its line. */
export const readNdjson = (text: string): E.Either<TraceError, Trace> => {
  const lines = text.split('\n');
  const steps: TraceStep[] = [];
  let head: Trace['head'] | undefined;
  let loop: Loop | null = null;
  for (const [n, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const json = parseJson(line);
    if (E.isLeft(json)) return wrong(n + 1, json.left);
    if (head === undefined) {
      const read = Head.decode(json.right);
      if (E.isLeft(read)) return wrong(n + 1, `not a head: ${PathReporter.report(read).join('; ')}`);
      const { loop: back, ...rest } = json.right as Trace['head'] & { readonly loop?: Json };
      if (back !== undefined) {
        const decoded = LoopCodec.decode(back);
        if (E.isLeft(decoded)) return wrong(n + 1, `not a loop: ${PathReporter.report(decoded).join('; ')}`);
        loop = decoded.right;
      }
      head = rest;
      continue;
    }
    const step = Line.decode(json.right);
    if (E.isLeft(step)) return wrong(n + 1, PathReporter.report(step).join('; '));
    const foreign = Object.keys(json.right as object).find((k) => !known.has(k));
    if (foreign !== undefined) return wrong(n + 1, `unknown member ${foreign}`);
    const { action, args, location, state } = step.right;
    steps.push({ action, args, location: location ?? null, state });
  }
  if (head === undefined) return wrong(1, 'empty');
  if (loop !== null && loop.to >= steps.length) return wrong(1, `a loop to step ${loop.to} of ${steps.length}`);
  return E.right({ head, steps, loop });
};

const writeNdjson = (trace: Trace): string => {
  const head = trace.loop === null ? trace.head : { ...trace.head, loop: LoopCodec.encode(trace.loop) };
  const lines = trace.steps.map((s) => ({
    action: s.action,
    args: stateToItf(s.args),
    ...(s.location === null ? {} : { location: s.location }),
    state: stateToItf(s.state),
  }));
  return [head, ...lines].map((l) => `${JSON.stringify(l)}\n`).join('');
};

// --- ITF

/** A trace in ITF; action, arguments and place of a step stand in its `#meta`, where ITF has room for them. */
export const traceToItf = (trace: Trace): Json => ({
  '#meta': { format: 'ITF', 'format-description': 'https://apalache-mc.org/docs/adr/015adr-trace.html', ...trace.head },
  vars: Object.keys(trace.steps[0]?.state ?? {}),
  states: trace.steps.map((s, index) => ({
    '#meta': {
      index,
      action: s.action,
      ...(Object.keys(s.args).length === 0 ? {} : { args: stateToItf(s.args) }),
      ...(s.location === null ? {} : { location: s.location }),
    },
    ...stateToItf(s.state),
  })),
  ...(trace.loop === null ? {} : { loop: trace.loop.to, 'loop-action': trace.loop.action }),
});

const Itf = t.intersection([
  t.type({ states: t.array(t.UnknownRecord) }),
  t.partial({ '#meta': t.UnknownRecord, loop: t.number, 'loop-action': t.string }),
]);
const Meta = t.partial({ action: t.string, args: TlaStateCodec, location: t.string });

const readItf = (text: string): E.Either<TraceError, Trace> => {
  const json = parseJson(text);
  if (E.isLeft(json)) return wrong(0, json.left);
  const itf = Itf.decode(json.right);
  if (E.isLeft(itf)) return wrong(0, PathReporter.report(itf).join('; '));
  const { states, loop, '#meta': source = {}, 'loop-action': action = '' } = itf.right;
  const steps: TraceStep[] = [];
  for (const [n, s] of states.entries()) {
    const state = stateFromItf(s);
    if (E.isLeft(state)) return wrong(0, `state ${n}, ${state.left.path}: ${state.left.message}`);
    const meta = Meta.decode(s['#meta'] ?? {});
    if (E.isLeft(meta)) return wrong(0, `state ${n}: ${PathReporter.report(meta).join('; ')}`);
    const m = meta.right;
    steps.push({ action: m.action ?? '', args: m.args ?? {}, location: m.location ?? null, state: state.right });
  }
  if (loop !== undefined && !(loop >= 0 && loop < steps.length)) return wrong(0, `a loop to state ${loop}`);
  const { from, shows, ...more } = source;
  const own = Object.entries(more).filter(([k]) => k !== 'format' && k !== 'format-description');
  const head = {
    ...(Object.fromEntries(own) as Record<string, Json>),
    from: typeof from === 'string' ? from : 'ITF',
    shows: typeof shows === 'string' ? shows : '',
  };
  return E.right({ head, steps, loop: loop === undefined ? null : { to: loop, action } });
};

// --- TLC's output, with `-tool` or without

const readTlcText = (text: string): E.Either<TraceError, Trace> => {
  const blocks: string[] = [];
  const properties: string[] = [];
  let loop: Loop | null = null;
  const plain: string[] = [];
  const reader = messageReader({
    onLine: (line) => plain.push(line),
    onMessage: (m) => {
      if (m.code === codes.state) blocks.push(m.text);
      else if (m.code === codes.stuttering || m.code === codes.backToState) loop = readTlcLoop(m.text, blocks.length);
      else if (/violated|Deadlock/.test(m.text)) properties.push(m.text.trim());
    },
  });
  reader.write(text);
  reader.close();
  if (blocks.length === 0) {
    for (const part of plain.join('\n').split(/\n(?=(?:State )?\d+: |Back to state|Error: |\n)/)) {
      const block = part.trimStart();
      const back = readTlcLoop(block, blocks.length);
      if (back !== null) loop = back;
      else if (/^(State )?\d+: /.test(block)) blocks.push(block);
      else if (/^Error: .*(violated|Deadlock)/.test(block)) properties.push(block.slice(7).trim());
    }
  }
  const steps: TraceStep[] = [];
  for (const block of blocks) {
    const step = readTlcStep(block);
    if (E.isLeft(step)) return wrong(0, step.left);
    steps.push(step.right);
  }
  return E.right({ head: { from: 'TLC', shows: properties[0] ?? '' }, steps, loop });
};

const writeTlcText = (trace: Trace): string => {
  const steps = trace.steps.map((s, n) => `State ${writeTlcStep(s, n + 1)}\n`);
  return steps.join('') + (trace.loop === null ? '' : writeTlcLoop(trace.loop, trace.steps.length));
};

// --- modules of states, as `-simulate file=` writes them

const readStates = (text: string): E.Either<TraceError, Trace> => {
  const steps: TraceStep[] = [];
  const parts = text.split(/^STATE_(\d+) ==/m);
  for (let n = 1; n < parts.length; n += 2) {
    const body = (parts[n + 1] ?? '').replace(/^={4,}.*/ms, '');
    const state = parseState(body);
    if (E.isLeft(state)) {
      const before = parts
        .slice(0, n + 1)
        .join('')
        .split('\n').length;
      return wrong(before + state.left.line - 1, `STATE_${parts[n]}: expected ${state.left.expected}`);
    }
    steps.push({ action: steps.length === 0 ? 'Init' : '', args: {}, location: null, state: state.right });
  }
  return E.right({ head: { from: 'TLC -simulate', shows: '' }, steps, loop: null });
};

const writeStates = (trace: Trace): string => {
  const states = trace.steps.map((s, n) => `STATE_${n + 1} == \n${printState(s.state)}\n\n`);
  return `---------------- MODULE Trace -----------------\n${states.join('\n')}\n${'='.repeat(49)}\n`;
};

const readers: Readonly<Record<TraceFormat, (text: string) => E.Either<TraceError, Trace>>> = {
  ndjson: readNdjson,
  itf: readItf,
  tlc: readTlcText,
  module: readStates,
};
