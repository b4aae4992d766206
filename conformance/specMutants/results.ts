/** spec/mutation.json: what became of each mutant, so that a run goes on where the last one stopped; its figures. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';
import type { Model } from '../models.js';
import type { Fate } from './hunt.js';
import type { SpecMutant } from './mutate.js';
import { tokensOf } from './tokens.js';

const VerdictCodec = t.keyof({
  property: null,
  evaluation: null,
  graph: null,
  survived: null,
  undecided: null,
  invalid: null,
});

const EntryCodec = t.intersection([
  t.strict({
    id: t.string,
    definition: t.string,
    was: t.string,
    becomes: t.string,
    /** Hash of the mutated module, and behind a dot of the models that the verdict hangs on. */
    key: t.string,
    verdict: VerdictCodec,
    cpuMs: t.Integer,
  }),
  t.exact(t.partial({ by: t.string, what: t.string, left: t.Integer })),
]);

export type Entry = t.TypeOf<typeof EntryCodec>;

const ModuleCodec = t.strict({
  /** How many mutants the module has; those of a sample are fewer. */
  mutants: t.Integer,
  budget: t.number,
  /** Models that were run; the others are too large for one mutant. */
  rows: t.readonlyArray(t.string),
  entries: t.readonlyArray(EntryCodec),
});

const ConjunctsCodec = t.strict({
  /** How many conditions the actions of the module have. */
  conjuncts: t.Integer,
  /** Compared models that were asked. */
  rows: t.readonlyArray(t.string),
  /** Those that are false in none of them where the ones before are true. */
  never: t.readonlyArray(t.strict({ action: t.string, text: t.string })),
});

const ResultsCodec = t.intersection([
  t.strict({
    /** The command that wrote it last. */
    command: t.string,
    modules: t.record(t.string, ModuleCodec),
  }),
  t.exact(t.partial({ conjuncts: t.record(t.string, ConjunctsCodec) })),
]);

export type ModuleResults = t.TypeOf<typeof ModuleCodec>;
export type ConjunctResults = t.TypeOf<typeof ConjunctsCodec>;
export type Results = t.TypeOf<typeof ResultsCodec>;

/** A file that is not there is empty. Left: what is wrong with it. */
export const readResults = (path: string): E.Either<readonly string[], Results> => {
  if (!existsSync(path)) return E.right({ command: '', modules: {} });
  const json = E.tryCatch(
    () => JSON.parse(readFileSync(path, 'utf8')) as unknown,
    (e) => [`${path}: ${String(e)}`],
  );
  if (E.isLeft(json)) return json;
  const decoded = ResultsCodec.decode(json.right);
  return E.isLeft(decoded) ? E.left(PathReporter.report(decoded)) : decoded;
};

/** Whole or not at all: whoever reads meanwhile sees the file before. */
export const writeResults = (path: string, results: Results): void => {
  const modules = Object.entries(results.modules).map(([name, { entries, ...rest }]) => {
    const lines = entries.map((entry) => `        ${JSON.stringify(entry)}`);
    const head = JSON.stringify(rest).slice(1, -1);
    return `    ${JSON.stringify(name)}: {\n      ${head},\n      "entries": [\n${lines.join(',\n')}\n      ]\n    }`;
  });
  const conjuncts = Object.entries(results.conjuncts ?? {}).map(
    ([name, { never, ...rest }]) =>
      `    ${JSON.stringify(name)}: {\n      ${JSON.stringify(rest).slice(1, -1)},\n      "never": [` +
      `${never.map((n) => `\n        ${JSON.stringify(n)}`).join(',')}${never.length > 0 ? '\n      ' : ''}]\n    }`,
  );
  const parts = [
    `  "command": ${JSON.stringify(results.command)}`,
    `  "modules": {\n${modules.join(',\n')}\n  }`,
    ...(conjuncts.length === 0 ? [] : [`  "conjuncts": {\n${conjuncts.join(',\n')}\n  }`]),
  ];
  const text = `{\n${parts.join(',\n')}\n}\n`;
  writeFileSync(`${path}.half`, text);
  renameSync(`${path}.half`, path);
};

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** Of the module with the mutant in it: comments and empty lines do not count. */
const hashOf = (mutant: SpecMutant): string =>
  digest(
    tokensOf(mutant.text)
      .map((k) => (k.text === '/\\' || k.text === '\\/' ? `${k.text}${k.column}` : k.text))
      .join(' '),
  );

/** Why a model is there, and when it is run, changes no verdict. */
const idle = new Set(['why', 'tier', 'rows', 'replay', 'judge']);

const contentOf = (model: Model): unknown => Object.entries(model).filter(([name]) => !idle.has(name));

const keyWith = (mutant: SpecMutant, models: readonly Model[]): string =>
  `${hashOf(mutant)}.${digest(JSON.stringify(models.map(contentOf)))}`;

/** A mutant that one model has found hangs on that model alone, one that none has found on all of them. */
const reasonsOf = ({ verdict, by }: Pick<Entry, 'verdict' | 'by'>, models: readonly Model[]): readonly Model[] =>
  verdict === 'property' || verdict === 'evaluation' || verdict === 'invalid'
    ? models.filter((m) => m.name === by)
    : models;

export const entryOf = (mutant: SpecMutant, models: readonly Model[], fate: Fate): Entry => ({
  id: mutant.id,
  definition: mutant.definition,
  was: mutant.was,
  becomes: mutant.becomes,
  key: keyWith(mutant, reasonsOf(fate, models)),
  ...fate,
});

/** What is known of a mutant and still stands: its module and the models behind the verdict are what they were. */
export const standing = (
  entries: readonly Entry[],
  mutant: SpecMutant,
  models: readonly Model[],
): Entry | undefined => {
  const hash = `${hashOf(mutant)}.`;
  const known = entries.find((e) => e.key.startsWith(hash) && e.key === keyWith(mutant, reasonsOf(e, models)));
  return known === undefined ? undefined : { ...known, id: mutant.id };
};

/** The entry replaces one of the same id; the others stay in their order. */
export const withEntry = (module: ModuleResults, entry: Entry): ModuleResults => {
  const at = module.entries.findIndex((e) => e.id === entry.id);
  const entries = at === -1 ? [...module.entries, entry] : module.entries.map((e, i) => (i === at ? entry : e));
  return { ...module, entries };
};

/** Nothing has to be run for this mutant. One that a budget cut short is run again with a larger one. */
export const isSettled = (entry: Entry | undefined, before: number, budget: number): boolean =>
  entry !== undefined && ((entry.left ?? 0) === 0 || before >= budget);

export type Figures = {
  readonly mutants: number;
  /** Of them run; without those that are no modules. */
  readonly run: number;
  readonly property: number;
  readonly evaluation: number;
  readonly graph: number;
  readonly survived: number;
  readonly undecided: number;
};

export const figuresOf = ({ mutants, entries }: ModuleResults): Figures => {
  const count = (verdict: Entry['verdict']): number => entries.filter((e) => e.verdict === verdict).length;
  return {
    mutants,
    run: entries.length - count('invalid'),
    property: count('property'),
    evaluation: count('evaluation'),
    graph: count('graph'),
    survived: count('survived'),
    undecided: count('undecided'),
  };
};

export const sum = (all: readonly Figures[]): Figures =>
  all.reduce((a, b) => ({
    mutants: a.mutants + b.mutants,
    run: a.run + b.run,
    property: a.property + b.property,
    evaluation: a.evaluation + b.evaluation,
    graph: a.graph + b.graph,
    survived: a.survived + b.survived,
    undecided: a.undecided + b.undecided,
  }));

/** Share of those that were run: by what holds of the spec alone, and by anything. In percent, one decimal. */
export const shares = (f: Figures): { readonly properties: string; readonly anything: string } => ({
  properties: percent(f.property + f.evaluation, f.run),
  anything: percent(f.property + f.evaluation + f.graph, f.run),
});

const percent = (n: number, of: number): string => (of === 0 ? '-' : ((100 * n) / of).toFixed(1));

/** The table of docs/mutation.md. */
export const tableOf = (results: Results): string => {
  const named = Object.entries(results.modules).map(([name, m]) => [name, figuresOf(m)] as const);
  const all = named.length === 0 ? [] : [['all', sum(named.map(([, f]) => f))] as const];
  const row = ([name, f]: readonly [string, Figures]): string => {
    const { properties, anything } = shares(f);
    const cells = [name, f.mutants, f.run, f.property, f.evaluation, f.graph, f.survived, f.undecided];
    return `| ${[...cells, properties, anything].join(' | ')} |`;
  };
  return [
    '| module | mutants | run | property | evaluation | graph alone | survived | undecided | by properties, % | by anything, % |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...[...named, ...all].map(row),
  ].join('\n');
};
