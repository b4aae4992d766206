/** The command `tla-checker`: check, simulate, graph, trace. Everything it touches comes in through `Io`. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import * as E from 'fp-ts/lib/Either.js';
import type { TaskEither } from 'fp-ts/lib/TaskEither.js';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { check, checksSomething, simulate } from './check.js';
import type { TlcMissing } from './error.js';
import type { Failure } from './exit.js';
import { exits, failureOfError, failureOfOutcome } from './exit.js';
import type { GraphOptions } from './graph.js';
import { dumpGraph } from './graph.js';
import { checkLines, graphLines, simulateLines, stepLines, ticker } from './report.js';
import type { Counterexample, Progress } from './result.js';
import { CheckResult, GraphResult, SimulateResult } from './result.js';
import type { RunOptions } from './run.js';
import type { Tlc } from './tlc.js';
import type { TraceFormat } from './trace.js';
import { readTrace, traceOf, traceToItf, writeTrace } from './trace.js';

/** The world of the command. */
export type Io = {
  readonly out: (text: string | Uint8Array) => Promise<void>;
  readonly err: (text: string) => void;
  readonly stdin: () => Promise<string>;
  /** Whether `err` is a terminal, and how wide. */
  readonly terminal: boolean;
  readonly width: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly findTlc: () => TaskEither<TlcMissing, Tlc>;
};

/** What a verb ends with: text for people, JSON for programs, and why it failed if so. */
type End = { readonly lines: readonly string[]; readonly json: unknown; readonly failure: Failure | undefined };

const end = (lines: readonly string[], json: unknown, failure?: Failure): End => ({ lines, json, failure });
const failed = (failure: Failure): End => ({ lines: [], json: undefined, failure });

type Common = {
  readonly config?: string;
  readonly lib: readonly string[];
  readonly classPath: readonly string[];
  readonly heap?: string;
  readonly stack?: string;
  readonly workers: number | 'auto';
  readonly deadlock: boolean;
  readonly timeLimit: number;
  readonly short?: true;
  readonly jvm: readonly string[];
  readonly log?: string;
  readonly trace?: string;
  readonly json?: true;
};

/** Runs one command line. @param argv without node and script. @returns the exit code */
export const runCli = async (argv: readonly string[], io: Io): Promise<number> => {
  const json = argv.includes('--json');
  try {
    let ended: End | undefined;
    const program = commands(io, (e) => {
      ended = e;
    });
    await program.parseAsync([...argv], { from: 'user' });
    return await say(ended ?? end([], undefined), json, io);
  } catch (e) {
    if (e instanceof CommanderError) {
      if (e.exitCode === 0) return exits.ok; // help and version
      const message = e.message === '(outputHelp)' ? 'which command?' : e.message.replace(/^error: /, '');
      return say(failed({ code: 'Usage', exit: exits.usage, message, hint: 'tla-checker --help' }), json, io);
    }
    const message = e instanceof Error ? e.message : String(e);
    io.err(`${e instanceof Error ? (e.stack ?? message) : message}\n`);
    return say(
      failed({ code: 'Bug', exit: exits.bug, message, hint: 'please report this with the lines above' }),
      json,
      io,
    );
  }
};

const say = async (e: End, json: boolean, io: Io): Promise<number> => {
  const { failure } = e;
  if (json) {
    const result = e.json === undefined ? {} : { result: e.json };
    await io.out(`${JSON.stringify(failure === undefined ? (e.json ?? {}) : { error: failure, ...result })}\n`);
  } else {
    if (e.lines.length > 0) await io.out(`${e.lines.join('\n')}\n`);
    if (failure !== undefined) {
      io.err(`${failure.code}: ${failure.message}\n${failure.hint === '' ? '' : `  ${failure.hint}\n`}`);
    }
  }
  return failure?.exit ?? exits.ok;
};

const commands = (io: Io, done: (e: End) => void): Command => {
  const program = new Command('tla-checker')
    .description('Runs TLC and says what came of it, for people and for programs.')
    .exitOverride()
    .configureOutput({ writeOut: (s) => void io.out(s), writeErr: () => undefined });
  const verb = (name: string, what: string): Command =>
    program
      .command(name)
      .description(what)
      .exitOverride()
      .configureOutput({ writeOut: (s) => void io.out(s), writeErr: () => undefined })
      .option('--json', 'only JSON on stdout, failures too');
  const runs = (c: Command): Command =>
    c
      .argument('<spec>', 'module, with or without .tla')
      .option('--config <file>', 'default: the module with .cfg')
      .option('--lib <dir>', 'more folders with modules; repeat', collect, [])
      .option('--class-path <path>', 'more jars for the JVM; repeat', collect, [])
      .option('--heap <size>', 'of the JVM, as in 4g')
      .option('--stack <size>', 'of each thread (default: 64m)')
      .option('--workers <n>', 'threads, or auto', workers, 1)
      .option('--no-deadlock', 'do not look for deadlocks')
      .option('--time-limit <seconds>', 'then TLC is killed', positive, 600)
      .option('--short', 'for runs of a few seconds: compile less')
      .option('--jvm <flag>', 'more flags for the JVM; repeat', collect, [])
      .option('--log <file>', "TLC's own output")
      .option('--trace <file>', 'write a counterexample there, as ndjson');

  runs(verb('check', 'explore every reachable state'))
    .option('--coverage', 'count states by action')
    .action(async (spec: string, o: Common & { coverage?: true }) => done(await checkVerb(io, spec, o)));
  runs(verb('simulate', 'random behaviours'))
    .option('--traces <n>', 'behaviours', whole, 100)
    .option('--depth <n>', 'longest behaviour, in states', whole, 100)
    .option('--seed <n>', 'the same behaviours again')
    .option('--out <dir>', 'write each behaviour there, as ndjson')
    .action(async (spec: string, o: SimulateFlags) => done(await simulateVerb(io, spec, o)));
  runs(verb('graph', 'the whole state graph: states, edges by action'))
    .option('--out <file>', "TLC's dot file, - for stdout")
    .addOption(new Option('--via <way>', 'how the graph comes from TLC (default: fifo)').choices(['fifo', 'file']))
    .action(async (spec: string, o: GraphFlags) => done(await graphVerb(io, spec, o)));
  verb('trace', 'read a behaviour in any form, show or convert it')
    .argument('<file>', 'TLC output, ITF, ndjson or a module of states; - for stdin')
    .addOption(new Option('--to <format>', 'write it').choices(['ndjson', 'itf', 'tlc', 'module']))
    .option('--out <file>', 'where to, default stdout')
    .action(async (file: string, o: TraceFlags) => done(await traceVerb(io, file, o)));
  return program;
};

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
const positive = (value: string): number => {
  const n = Number(value);
  if (!(n > 0)) throw new InvalidArgumentError('more than 0');
  return n;
};
const whole = (value: string): number => {
  const n = Number(value);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('a whole number of at least 1');
  return n;
};
const workers = (value: string): number | 'auto' => (value === 'auto' ? 'auto' : whole(value));

/** Runs TLC under a progress display. */
const withTlc = async <Err, A>(
  io: Io,
  spec: string,
  o: Common,
  run: (tlc: Tlc, options: RunOptions) => TaskEither<Err, A>,
): Promise<E.Either<Err | TlcMissing, A>> => {
  const tlc = await io.findTlc()();
  if (E.isLeft(tlc)) return tlc;
  const bar = ticker(io.err, io.terminal, io.width);
  const options: RunOptions = {
    spec,
    ...(o.config === undefined ? {} : { config: o.config }),
    libraries: o.lib,
    classPath: o.classPath,
    ...(o.heap === undefined ? {} : { heap: o.heap }),
    ...(o.stack === undefined ? {} : { stack: o.stack }),
    workers: o.workers,
    ...(o.deadlock ? {} : { deadlock: false }),
    timeLimit: o.timeLimit,
    short: o.short === true,
    jvm: o.jvm,
    ...(o.log === undefined ? {} : { log: o.log }),
    onProgress: (p: Progress) => bar.progress(p),
    signal: io.signal,
  };
  try {
    return await run(tlc.right, options)();
  } finally {
    bar.stop();
  }
};

const keep = async (o: Common, c: Counterexample | null, spec: string, shows: string): Promise<void> => {
  if (o.trace === undefined || c === null) return;
  await writeFile(o.trace, writeTrace(traceOf(c, `tla-checker ${spec}`, shows), 'ndjson'));
};

const nothing = (what: string): Failure => ({
  code: 'NothingChecked',
  exit: exits.nothing,
  message: `nothing was checked: ${what}`,
  hint: 'name an INVARIANT or PROPERTY in the configuration',
});

const checkVerb = async (io: Io, spec: string, o: Common & { readonly coverage?: true }): Promise<End> => {
  const ran = await withTlc(io, spec, o, (tlc, options) => check(tlc, { ...options, coverage: o.coverage === true }));
  if (E.isLeft(ran)) return failed(failureOfError(ran.left));
  const r = ran.right;
  let failure = failureOfOutcome(r.outcome);
  await keep(o, r.counterexample, spec, failure?.message ?? '');
  if (failure === undefined && r.stats.distinct === 0) failure = nothing('no state was reached');
  if (failure === undefined && !checksSomething(r.checked))
    failure = nothing('no invariant, no property, no deadlock check');
  const ok = failure === undefined ? ['ok'] : [];
  return end([...checkLines(r), ...ok], CheckResult.encode(r), failure);
};

type SimulateFlags = Common & {
  readonly traces: number;
  readonly depth: number;
  readonly seed?: string;
  readonly out?: string;
};

const simulateVerb = async (io: Io, spec: string, o: SimulateFlags): Promise<End> => {
  const texts: string[] = [];
  const { out } = o;
  const ran = await withTlc(io, spec, o, (tlc, options) =>
    simulate(tlc, {
      ...options,
      traces: o.traces,
      depth: o.depth,
      ...(o.seed === undefined ? {} : { seed: o.seed }),
      ...(out === undefined ? {} : { onTrace: (t) => void texts.push(writeTrace(t, 'ndjson')) }),
    }),
  );
  if (E.isLeft(ran)) return failed(failureOfError(ran.left));
  const r = ran.right;
  if (out !== undefined) {
    await mkdir(out, { recursive: true });
    for (const [n, text] of texts.entries())
      await writeFile(join(out, `${String(n + 1).padStart(5, '0')}.ndjson`), text);
  }
  let failure = failureOfOutcome(r.outcome);
  await keep(o, r.counterexample, spec, failure?.message ?? '');
  if (failure === undefined && r.stats.generated === 0) failure = nothing('no state was reached');
  return end([...simulateLines(r), ...(failure === undefined ? ['ok'] : [])], SimulateResult.encode(r), failure);
};

type GraphFlags = Common & { readonly out?: string; readonly via?: 'fifo' | 'file' };

const graphVerb = async (io: Io, spec: string, o: GraphFlags): Promise<End> => {
  if (o.out === '-' && o.json === true) {
    return failed({ code: 'Usage', exit: exits.usage, message: '--json and --out - both want stdout', hint: '' });
  }
  const file = o.out === undefined || o.out === '-' ? undefined : createWriteStream(o.out);
  const closed = file === undefined ? undefined : once(file, 'close');
  closed?.catch(() => undefined);
  const tap = async (chunk: Uint8Array): Promise<void> => {
    if (file === undefined) await io.out(chunk);
    else if (!file.write(chunk)) await once(file, 'drain');
  };
  const graphOptions: Pick<GraphOptions, 'tap' | 'via'> = {
    ...(o.out === undefined ? {} : { tap }),
    ...(o.via === undefined ? {} : { via: o.via }),
  };
  const ran = await withTlc(io, spec, o, (tlc, options) => dumpGraph(tlc, { ...options, ...graphOptions }, {}));
  file?.end();
  await closed;
  if (E.isLeft(ran)) return failed(failureOfError(ran.left));
  const r = ran.right;
  const failure = failureOfOutcome(r.check.outcome) ?? (r.states === 0 ? nothing('no state was reached') : hidden(r));
  await keep(o, r.check.counterexample, spec, failure?.message ?? '');
  if (o.out === '-') io.err(`${graphLines(r).join('\n')}\n`);
  return end(o.out === '-' ? [] : graphLines(r), GraphResult.encode(r), failure);
};

const hidden = (r: GraphResult): Failure | undefined =>
  r.hidden === 0
    ? undefined
    : {
        code: 'EdgesHidden',
        exit: exits.spec,
        message: `TLC generated ${r.hidden} steps that are not in its dump`,
        hint: `bound the model by guards instead: ${r.check.checked.reductions.join(', ') || 'a constraint hides edges'}`,
      };

type TraceFlags = { readonly to?: TraceFormat; readonly out?: string; readonly json?: true };

const traceVerb = async (io: Io, file: string, o: TraceFlags): Promise<End> => {
  const unreadable = (message: string): End =>
    failed({ code: 'TraceUnreadable', exit: exits.trace, message: `${file}: ${message}`, hint: '' });
  let text: string;
  try {
    text = file === '-' ? await io.stdin() : await readFile(file, 'utf8');
  } catch (e) {
    return unreadable(e instanceof Error ? e.message : String(e));
  }
  const trace = readTrace(text);
  if (E.isLeft(trace)) {
    const { type, line, message } = trace.left;
    if (type === 'TraceEmpty') {
      return failed({ code: type, exit: exits.nothing, message: `${file}: ${message}`, hint: '' });
    }
    return unreadable(`${line === 0 ? '' : `line ${line}: `}${message}`);
  }
  const { head, steps, loop } = trace.right;
  const written = o.to === undefined ? undefined : writeTrace(trace.right, o.to);
  if (written !== undefined && o.out !== undefined) {
    await writeFile(o.out, written);
    return end([`${steps.length} steps to ${o.out}`], { steps: steps.length, out: o.out });
  }
  if (written !== undefined && o.json !== true) {
    await io.out(written);
    return end([], undefined);
  }
  return end([`from    ${head.from}`, `shows   ${head.shows}`, ...stepLines({ steps, loop })], traceToItf(trace.right));
};
