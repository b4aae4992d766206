/**
 * Is a conjunct of an action ever false where those before it are true? TLC is asked of all conjuncts of a model at once:
 * it takes a step `False__ACTION__N` that changes nothing in each state in which the N-th condition of the action is the
 * first that is false, for whatever arguments. A conjunct without such a step in any model is not needed by any.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { dumpGraph, explain } from 'tla-checker-cli';
import type { Tlc } from 'tla-checker-cli';
import { generate } from '../generate.js';
import type { Model } from '../models.js';
import type { ConjunctResults } from './results.js';
import type { Structure } from './structure.js';
import { operandFrom, structureOf } from './structure.js';
import type { Library } from './scope.js';
import { assigningIn, closureOf, modelsOf } from './scope.js';
import type { Definition, Module, Token } from './tokens.js';

export type Conjunct = {
  readonly module: string;
  readonly action: string;
  /** From 1, among the conditions of the action. */
  readonly place: number;
  readonly text: string;
};

type Piece = { readonly from: number; readonly to: number };

/** The conditions of an action in their order: bullets of its list, or operands, that assign nothing. */
const piecesOf = (
  tokens: readonly Token[],
  s: Structure,
  body: number,
  to: number,
  assigns: (name: string) => boolean,
): readonly Piece[] => {
  const bullets = s.bullets.filter((b) => b.of === body && b.sign === '/\\').sort((a, b) => a.from - b.from);
  const items: readonly Piece[] = bullets.length > 0 ? bullets : [{ from: body, to }];
  const stops = new Set(['/\\', '\\/', '=>', '<=>']);
  return items
    .flatMap((item) => {
      const parts: Piece[] = [];
      for (let from = item.from; from < item.to;) {
        const end = Math.min(item.to, operandFrom(tokens, s, from, stops));
        if (end < item.to && tokens[end]?.text !== '/\\') return [{ from: item.from, to: item.to }];
        parts.push({ from, to: end });
        from = end + 1;
      }
      return parts;
    })
    .filter(
      ({ from, to: end }) =>
        // A switch of seeded faults is no condition of the protocol.
        !tokens.slice(from, end).some((t) => ["'", 'UNCHANGED', 'Bugs'].includes(t.text) || assigns(t.text)),
    );
};

/** The text as it stands, in its own columns: lists in it stay lists. */
const inPlace = ({ text, tokens }: Module, { from, to }: Piece): string => {
  const [first, last] = [tokens[from], tokens[to - 1]];
  if (first === undefined || last === undefined) return '';
  return `\n${' '.repeat(first.column)}${text.slice(first.offset, last.offset + last.text.length)}\n`;
};

const short = ({ text, tokens }: Module, { from, to }: Piece): string =>
  text
    .slice(tokens[from]?.offset, (tokens[to - 1]?.offset ?? 0) + (tokens[to - 1]?.text.length ?? 0))
    .replace(/\\\*[^\n]*/g, '')
    .replace(/\s+/g, ' ');

type Probe = { readonly conjunct: Conjunct; readonly label: string; readonly tla: string };

/** The steps that ask, for each condition of each action of a module that this model takes. */
export const probesOf = (library: Library, model: Model, name: string): readonly Probe[] => {
  const module = library(name);
  if (module === null) return [];
  const assigns = assigningIn(library, closureOf(library, model.module));
  return module.definitions.flatMap((d) => {
    const params = model.actions[d.name]?.params;
    return params === undefined || params.length !== d.params.length
      ? []
      : probesOfAction(module, d, model, params, (w) => assigns.has(w));
  });
};

const probesOfAction = (
  module: Module,
  d: Definition,
  model: Model,
  params: readonly string[],
  assigns: (name: string) => boolean,
): readonly Probe[] => {
  const { tokens } = module;
  const s = structureOf(tokens, d.from, d.to);
  const lets: Piece[] = [];
  let body = d.from;
  while (tokens[body]?.text === 'LET') {
    const end = s.closing.get(body) ?? body;
    lets.push({ from: body, to: end + 1 });
    body = end + 1;
  }
  const pieces = piecesOf(tokens, s, body, d.to, assigns);
  const head = lets.map((l) => inPlace(module, l)).join('');
  const bound = d.params.map((p, i) => `${p} \\in {${(model.domains[params[i] ?? ''] ?? []).join(', ')}}`);
  return pieces.map((piece, k) => {
    const label = `False__${d.name}__${k + 1}`;
    const before = pieces.slice(0, k).map((p) => `(${inPlace(module, p)})`);
    const probe = [...before, `~(${inPlace(module, piece)})`].join(' /\\ ');
    const said = bound.length === 0 ? `(${head}${probe})` : `\\E ${bound.join(', ')} : (${head}${probe})`;
    return {
      conjunct: { module: module.name, action: d.name, place: k + 1, text: short(module, piece) },
      label,
      tla: `${label} == TRUE /\\ IF ${said} THEN UNCHANGED ${model.vars} ELSE FALSE`,
    };
  });
};

export type Asked = {
  readonly conjunct: Conjunct;
  /** In how many states of this model it is the first that is false. */
  readonly states: number;
};

/** Asks TLC of these. Left: it gave no answer. */
export const askConjuncts = async (
  tlc: Tlc,
  library: Library,
  spec: string,
  model: Model,
  probes: readonly Probe[],
): Promise<E.Either<string, readonly Asked[]>> => {
  const generated = generate(model);
  if (E.isLeft(generated)) return generated;
  const { module, tla, cfg } = generated.right;
  const asked = probes.map((p) => `\n    \\/ ${p.label}`).join('');
  const text = tla.replace(
    'GeneratedNext == ',
    () => `${probes.map((p) => p.tla).join('\n')}\n\nGeneratedNext == ${asked}`,
  );
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-conjuncts-'));
  try {
    await writeFile(join(folder, `${module}.tla`), text);
    const kept = cfg.split('\n').filter((line) => !/^(INVARIANT|PROPERTY)/.test(line));
    await writeFile(join(folder, `${module}.cfg`), kept.join('\n'));
    const options = { spec: join(folder, `${module}.tla`), libraries: [spec], workers: 1, timeLimit: 600, short: true };
    const ran = await dumpGraph(tlc, { ...options, log: join(folder, 'tlc.log') }, {})();
    if (E.isLeft(ran)) return E.left(explain(ran.left).message);
    const { outcome } = ran.right.check;
    if (outcome.type !== 'ok') return E.left(`${outcome.type}${'message' in outcome ? `: ${outcome.message}` : ''}`);
    return E.right(probes.map((p) => ({ conjunct: p.conjunct, states: ran.right.labels[p.label] ?? 0 })));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/**
 * Asks the models, smallest first, each of what was never false before; a conjunct counts as never false when it is so in
 * all of them. Left: models that gave no answer.
 */
export const neverFalse = async (
  tlc: Tlc,
  library: Library,
  spec: string,
  models: readonly Model[],
  name: string,
  tell: (model: string) => void = () => undefined,
): Promise<E.Either<readonly string[], ConjunctResults>> => {
  const open = new Map<string, Conjunct>();
  const known = new Set<string>();
  const rows: string[] = [];
  const silent: string[] = [];
  const keyOf = ({ action, place }: Conjunct): string => `${action} ${place}`;
  const bySize = [...modelsOf(library, models, name)].sort((a, b) => (a.generated ?? 0) - (b.generated ?? 0));
  for (const model of bySize) {
    const probes = probesOf(library, model, name);
    const fresh = probes.filter((p) => !known.has(keyOf(p.conjunct)));
    for (const { conjunct } of fresh) {
      known.add(keyOf(conjunct));
      open.set(keyOf(conjunct), conjunct);
    }
    const asking = probes.filter((p) => open.has(keyOf(p.conjunct)));
    if (asking.length === 0) continue;
    tell(model.name);
    const asked = await askConjuncts(tlc, library, spec, model, asking);
    if (E.isLeft(asked)) {
      silent.push(`${model.name}: ${asked.left}`);
      continue;
    }
    rows.push(model.name);
    for (const a of asked.right) if (a.states > 0) open.delete(keyOf(a.conjunct));
  }
  if (silent.length > 0) return E.left(silent);
  const never = [...open.values()].map(({ action, text }) => ({ action, text }));
  return E.right({ conjuncts: known.size, rows, never });
};
