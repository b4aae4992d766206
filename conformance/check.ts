/** One model, checked: TLC's result and sizes against models.json, and the core's graph against TLC's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { readDot } from 'tla-checker-cli';
import type { TlaState } from 'tla-checker-cli';
import { dumpKey, dumpOfFile, keepDump, keptDump } from './dumps.js';
import type { Generated } from './generate.js';
import { bindingsOf, generate, writeGenerated } from './generate.js';
import type { Comparison, Dump } from './graph.js';
import { compareGraphs } from './graph.js';
import type { Judgement } from './judge.js';
import { judge } from './judge.js';
import type { MakeMirror, Mirror } from './mirror.js';
import type { Model } from './models.js';
import type { Replay } from './replay.js';
import { replay, replayText } from './replay.js';
import type { Identity } from './search.js';
import type { TlcOutcome, TlcPort, TlcStep } from './tlc.js';

export type CheckOptions = {
  readonly tlc: TlcPort;
  /** Where the hand-written modules are. */
  readonly specDirectories: readonly string[];
  readonly mirrors: Readonly<Record<string, MakeMirror>>;
  /** Where graphs of compared models are kept and found again; then TLC is not asked and the report says so. */
  readonly dumps?: string;
  readonly identity?: Identity;
  readonly maxDifferences?: number;
  readonly onProgress?: (phase: Phase, states: number) => void;
};

export type Phase = 'tlc' | 'search' | 'compare';

export type Sizes = { readonly distinct: number; readonly generated: number; readonly depth: number };

export type ModelReport = {
  readonly model: string;
  readonly ok: boolean;
  readonly expected: string;
  /** What TLC found; null where it gave no verdict, or was not asked since its graph was at hand. */
  readonly found: string | null;
  readonly dumpReused: boolean;
  readonly sizes: Sizes | null;
  /** Edges per action in TLC's dump, where there is one. */
  readonly edges: Readonly<Record<string, number>> | null;
  readonly problems: readonly string[];
  /** Fields of models.json as they should read, where sizes are missing there or differ. */
  readonly write: Readonly<Record<string, unknown>> | null;
  readonly counterexample: readonly TlcStep[];
  readonly comparison: Comparison | null;
  readonly judgement: Judgement | null;
  readonly replay: Replay | null;
  readonly tlc: { readonly identity: string; readonly wallMs: number; readonly cpuMs: number | null };
  readonly wallMs: number;
};

/** Never rejects for what a spec, a model or a core may have got wrong: that stands in `problems`. */
export const checkModel = async (model: Model, options: CheckOptions): Promise<ModelReport> => {
  const started = performance.now();
  const scratch = await mkdtemp(join(tmpdir(), 'zabkeeper-model-'));
  try {
    const parts = await checkIn(scratch, model, options);
    return { ...parts, wallMs: Math.round(performance.now() - started) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

type Parts = Omit<ModelReport, 'wallMs'>;

const checkIn = async (scratch: string, model: Model, options: CheckOptions): Promise<Parts> => {
  const failed = (problem: string): Parts => ({ ...nothing(model, options), problems: [problem] });
  const generated = generate(model);
  if (E.isLeft(generated)) return failed(generated.left);
  const mirrors: Record<string, Mirror<unknown>> = {};
  for (const name of new Set([model.compare, model.replay, model.parts, model.judge])) {
    if (name === undefined) continue;
    const mirror = options.mirrors[name]?.(model) ?? E.left(`there is no mirror ${name}`);
    if (E.isLeft(mirror)) return failed(mirror.left);
    mirrors[name] = mirror.right;
  }
  const graph = await graphOf(scratch, model, generated.right, options);
  if (E.isLeft(graph)) return failed(`TLC gave no verdict: ${graph.left}`);
  const { outcome, dump, sizes } = graph.right;
  const counterexample = outcome?.counterexample ?? [];
  const problems = outcome === null ? [] : [...resultProblems(model, outcome.result)];

  let comparison: Comparison | null = null;
  const compared = mirrors[model.compare ?? ''];
  if (compared !== undefined && dump !== null) {
    comparison = await compareGraphs(compared, generated.right.bindings, dump, {
      maxStates: 2 * sizes.distinct + 1000,
      rows: model.rows,
      ...(options.identity === undefined ? {} : { identity: options.identity }),
      ...(options.maxDifferences === undefined ? {} : { maxDifferences: options.maxDifferences }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
    if (!comparison.equal) problems.push('the graphs of spec and core differ');
    if (comparison.core.complete && comparison.core.depth !== sizes.depth)
      problems.push(`depth: TLC ${sizes.depth}, core ${comparison.core.depth}`);
  } else if (compared !== undefined) problems.push('there is no graph to compare with');
  const edges = dump === null ? null : await edgesOf(dump, generated.right, comparison);
  const { problems: off, write } = sizeProblems(model, sizes, edges);
  problems.push(...off);

  let replayed: Replay | null = null;
  const follower = mirrors[model.replay ?? ''];
  if (follower !== undefined) {
    replayed = replayCounterexample(follower, model, counterexample);
    if (replayed.type !== 'Replayed') problems.push(`counterexample on the core: ${replayText(replayed)}`);
    problems.push(...lastStateProblems(follower, model, counterexample));
  }
  const parting = mirrors[model.parts ?? ''];
  if (parting !== undefined) {
    const run = replayCounterexample(parting, model, counterexample);
    if (run.type === 'Replayed' || run.type === 'Empty')
      problems.push('the core follows the counterexample to its end, though it should lack the bug');
  }
  let judgement: Judgement | null = null;
  const judging = mirrors[model.judge ?? ''];
  if (judging !== undefined) {
    const judged = await judgeModel(scratch, model, judging, options);
    if (E.isLeft(judged)) problems.push(judged.left);
    else {
      judgement = judged.right;
      if (!judgement.agree) problems.push('TLC and the invariants in TypeScript judge differently');
    }
    problems.push(...lastStateProblems(judging, model, counterexample));
  }
  return {
    ...nothing(model, options),
    ok: problems.length === 0,
    found: outcome?.result ?? null,
    dumpReused: outcome === null,
    sizes,
    edges,
    problems,
    write,
    counterexample,
    comparison,
    judgement,
    replay: replayed,
    tlc: { identity: options.tlc.identity, wallMs: outcome?.wallMs ?? 0, cpuMs: outcome?.cpuMs ?? null },
  };
};

const nothing = (model: Model, options: CheckOptions): Parts => ({
  model: model.name,
  ok: false,
  expected: model.result,
  found: null,
  dumpReused: false,
  sizes: null,
  edges: null,
  problems: [],
  write: null,
  counterexample: [],
  comparison: null,
  judgement: null,
  replay: null,
  tlc: { identity: options.tlc.identity, wallMs: 0, cpuMs: null },
});

type Graph = { readonly outcome: TlcOutcome | null; readonly dump: Dump | null; readonly sizes: Sizes };

/** Runs TLC, or takes the graph that it gave before for the same spec. */
const graphOf = async (
  scratch: string,
  model: Model,
  generated: Generated,
  options: CheckOptions,
): Promise<E.Either<string, Graph>> => {
  const { tlc, specDirectories, dumps } = options;
  const key =
    dumps === undefined || model.compare === undefined ? null : await dumpKey(generated, specDirectories, tlc.identity);
  const kept = dumps === undefined || key === null ? null : await keptDump(dumps, key);
  if (kept !== null) return E.right({ outcome: null, dump: kept, sizes: sizesOf(kept) });
  const wanted = model.compare !== undefined || (model.edges !== undefined && model.result === 'ok');
  const path = wanted ? join(scratch, 'graph.dot') : null;
  const run = await tlc.run({
    module: await writeGenerated(generated, scratch),
    libraries: specDirectories,
    dump: path,
    ...(options.onProgress === undefined ? {} : { onProgress: progressOf(options.onProgress) }),
  });
  if (E.isLeft(run)) return run;
  const outcome = run.right;
  if (dumps !== undefined && key !== null && path !== null && outcome.result === 'ok')
    await keepDump(dumps, key, path, sizesOf(outcome));
  const dump = path === null ? null : dumpOfFile(path, outcome.generated);
  return E.right({ outcome, dump, sizes: sizesOf(outcome) });
};

const progressOf =
  (tell: (phase: Phase, states: number) => void) =>
  (distinct: number): void =>
    tell('tlc', distinct);

const sizesOf = ({ distinct, generated, depth }: Sizes): Sizes => ({ distinct, generated, depth });

const edgesOf = async (
  dump: Dump,
  generated: Generated,
  comparison: Comparison | null,
): Promise<Readonly<Record<string, number>>> => {
  if (comparison !== null) return Object.fromEntries(Object.entries(comparison.actions).map(([a, n]) => [a, n.tlc]));
  const actionOf = new Map(generated.bindings.map((b) => [b.label, b.action]));
  const edges: Record<string, number> = Object.fromEntries(generated.bindings.map((b) => [b.action, 0]));
  await readDot(dump.open(), {
    onEdge: (_from, _to, label) => {
      const action = actionOf.get(label) ?? label;
      edges[action] = (edges[action] ?? 0) + 1;
    },
  });
  return edges;
};

/** TLC names few properties: `property` alone is taken for the one that the model has. */
const resultProblems = (model: Model, found: string): readonly string[] => {
  if (found === model.result) return [];
  const [kind, name] = found.split(' ');
  const named = name !== undefined && model.properties.includes(name);
  if (kind === 'property' && model.result.startsWith('property ') && !named) return [];
  return [`expected ${model.result}, TLC found ${found}`];
};

const sizeProblems = (
  model: Model,
  sizes: Sizes,
  edges: Readonly<Record<string, number>> | null,
): { readonly problems: readonly string[]; readonly write: Readonly<Record<string, unknown>> | null } => {
  const problems: string[] = [];
  const write: Record<string, unknown> = {};
  for (const name of ['distinct', 'generated', 'depth'] as const) {
    const wanted = model[name];
    if (wanted === sizes[name]) continue;
    // A model that fails stops where it fails: its sizes are checked only where the entry gives them.
    if (wanted === undefined && model.result !== 'ok') continue;
    problems.push(`${name}: models.json has ${wanted ?? 'none'}, TLC ${sizes[name]}`);
    write[name] = sizes[name];
  }
  if (edges !== null && model.result === 'ok') {
    const wanted = model.edges ?? {};
    const off = Object.keys({ ...wanted, ...edges }).filter((a) => wanted[a] !== edges[a]);
    for (const a of off)
      problems.push(`edges of ${a}: models.json has ${wanted[a] ?? 'none'}, TLC ${edges[a] ?? 'none'}`);
    if (off.length > 0) write['edges'] = edges;
  }
  return { problems, write: Object.keys(write).length === 0 ? null : write };
};

const replayCounterexample = (mirror: Mirror<unknown>, model: Model, steps: readonly TlcStep[]): Replay => {
  const bindings = bindingsOf(model);
  const byLabel = new Map(bindings.map((b) => [b.label, b]));
  const [first, ...rest] = steps;
  if (first === undefined) return { type: 'Empty' };
  return replay(
    mirror,
    model.actions,
    bindings,
    first.state,
    rest.map(({ label, state }) => ({
      action: byLabel.get(label)?.action ?? label,
      args: byLabel.get(label)?.args ?? [],
      state,
    })),
  );
};

/** The state in which TLC saw an invariant broken must look broken to the function of that name, and only that state. */
const lastStateProblems = (mirror: Mirror<unknown>, model: Model, steps: readonly TlcStep[]): readonly string[] => {
  const [kind, name = ''] = model.result.split(' ');
  const holds = mirror.invariants?.[name];
  const last = steps.at(-1);
  if (kind !== 'invariant' || holds === undefined || last === undefined) return [];
  const says = (state: TlaState): boolean => holds(state);
  if (says(last.state)) return [`TLC's counterexample does not break ${name} in TypeScript`];
  return steps.slice(0, -1).every((s) => says(s.state))
    ? []
    : [`${name} in TypeScript is broken earlier than TLC says`];
};

const judgeModel = async (
  scratch: string,
  model: Model,
  mirror: Mirror<unknown>,
  options: CheckOptions,
): Promise<E.Either<string, Judgement>> => {
  const names = model.invariants.filter((name) => name !== 'TypeOK' || mirror.invariants?.[name] !== undefined);
  const generated = generate(model, names);
  if (E.isLeft(generated)) return generated;
  const path = join(scratch, 'verdicts.dot');
  const directory = join(scratch, 'verdicts');
  const module = await writeGenerated(generated.right, directory);
  const run = await options.tlc.run({ module, libraries: options.specDirectories, dump: path });
  if (E.isLeft(run)) return E.left(`TLC gave no verdicts: ${run.left}`);
  if (run.right.result !== 'ok') return E.left(`TLC gave no verdicts: ${run.right.result}`);
  const judged = await judge(dumpOfFile(path, run.right.generated).open, names, mirror.invariants ?? {});
  return E.isLeft(judged) ? E.left(`the dump with verdicts is unreadable: ${JSON.stringify(judged.left)}`) : judged;
};
