/**
 * spec/models.json: every model, what TLC must find in it, and whether the core is compared with it.
 *
 * ```json
 * { "MCElection3": {
 *     "module": "MCElection",                       the hand-written module with the bounds, in spec/
 *     "constants": { "Server": "{1, 2, 3}",         a TLA+ expression; a JSON number or boolean stands for itself,
 *                    "Nil": { "model": true },      this for a model value of the same name, and
 *                    "IsQuorum": { "operator": "WeighedQuorum" } },  that operator in place of this one
 *     "init": "Init",                               operator, "Init" when absent
 *     "domains": { "Server": [1, 2, 3] },           what parameters range over: integers
 *     "actions": { "HandleNotification": { "params": ["Server", "Server"], "operator": "MCHandleNotification" } },
 *     "invariants": ["TypeOK"], "properties": [],
 *     "result": "ok", "why": "what it shows",
 *     "distinct": 1259, "generated": 4363, "depth": 14, "edges": { "HandleNotification": 3881 },
 *     "tier": "test", "compare": "election" },
 *   "MCElection3Ends": { "extends": "MCElection3", "invariants": ["NeverDecided"], "result": "invariant NeverDecided" } }
 * ```
 *
 * - `actions`: the action's name in spec and core; `operator` is what the MC module wraps it in (the action's own name
 *   when absent). Each combination of parameters becomes one labelled disjunct of Next; the order of parameters is that
 *   of the operator. Every action of a compared model must change the state somewhere: leave out what its bounds forbid.
 * - `extends`: module, init, vars, tier, constants, domains, actions, invariants and properties come from the named
 *   model. Constants, domains and actions are merged name by name, and null takes one away; the others are replaced.
 *   What TLC finds (result, why, sizes) and `compare`, `replay`, `judge` are each model's own.
 * - `result`: "ok", "invariant NAME", "property NAME", "deadlock" or "assumption"; deadlock is looked for only where expected.
 * - `depth` counts states, so a model with nothing but Init has depth 1.
 * - `next`: an operator in place of `actions`, for modules that are never compared; so are `constraint`,
 *   `actionConstraint`, `view` and `symmetry`, since TLC then prints a graph that is not the spec's.
 * - `fairness`: a temporal formula, for liveness; `vars`: the operator or tuple of all variables, "vars" when absent.
 * - `compare`: the mirror whose graph must be TLC's. `replay`: the mirror that must follow the counterexample of a model
 *   meant to fail, `parts`: the one that must not, since the core lacks the bug. `judge`: the mirror whose invariants, the functions of the same names, must give TLC's verdict on every
 *   state of this model's graph, violating ones included.
 * - `rows`: situations that the mirror knows by name and that an edge of this model must show.
 * - `tier`: "tiny" runs with every change, "ci" in minutes, "large" in hours; "simulation" is too large to go through: TLC
 *   only takes random behaviours of it (scripts/keepTrace.mjs).
 *
 * The models may be spread over several files: `{ "include": ["models/election.json", "models/zab.json"] }`, relative to
 * the file that says so. A name stands in one of them only, and `extends` reaches across.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';

const Identifier = t.refinement(t.string, (s) => /^[A-Za-z][A-Za-z0-9_]*$/.test(s), 'Identifier');
const Count = t.refinement(t.Integer, (n) => n >= 0, 'Count');

const ConstantCodec = t.union(
  [t.string, t.Integer, t.boolean, t.strict({ model: t.literal(true) }), t.strict({ operator: Identifier })],
  'Constant',
);
const ActionCodec = t.intersection(
  [t.strict({ params: t.readonlyArray(t.string) }), t.exact(t.partial({ operator: Identifier }))],
  'Action',
);

const entryFields = {
  extends: t.string,
  module: Identifier,
  constants: t.record(Identifier, t.union([ConstantCodec, t.null])),
  init: Identifier,
  vars: t.string,
  next: Identifier,
  domains: t.record(t.string, t.union([t.readonlyArray(t.Integer), t.null])),
  actions: t.record(Identifier, t.union([ActionCodec, t.null])),
  invariants: t.readonlyArray(Identifier),
  properties: t.readonlyArray(Identifier),
  fairness: t.string,
  constraint: Identifier,
  actionConstraint: Identifier,
  view: Identifier,
  symmetry: Identifier,
  result: t.refinement(t.string, (s) => /^(ok|deadlock|assumption|(invariant|property) \w+)$/.test(s), 'Result'),
  why: t.string,
  distinct: Count,
  generated: Count,
  depth: Count,
  edges: t.record(t.string, Count),
  tier: t.keyof({ tiny: null, ci: null, large: null, simulation: null }),
  compare: t.string,
  rows: t.readonlyArray(t.string),
  replay: t.string,
  parts: t.string,
  judge: t.string,
} as const;

/** An entry as it stands in the file, before `extends` is followed. */
export const ModelEntry = t.partial(entryFields, 'Model');
export type ModelEntry = t.TypeOf<typeof ModelEntry>;

export type Constant = t.TypeOf<typeof ConstantCodec>;
export type Tier = NonNullable<ModelEntry['tier']>;
export type ModelAction = { readonly params: readonly string[]; readonly operator?: string };

/** Operators that make TLC print a graph other than the spec's. */
export type Distortion = 'constraint' | 'actionConstraint' | 'view' | 'symmetry';
export const distortions: readonly Distortion[] = ['constraint', 'actionConstraint', 'view', 'symmetry'];

/** A model with `extends` followed and the defaults filled in. */
export type Model = {
  readonly name: string;
  readonly module: string;
  readonly constants: Readonly<Record<string, Constant>>;
  readonly init: string;
  readonly vars: string;
  readonly next?: string;
  readonly domains: Readonly<Record<string, readonly number[]>>;
  readonly actions: Readonly<Record<string, ModelAction>>;
  readonly invariants: readonly string[];
  readonly properties: readonly string[];
  readonly fairness?: string;
  readonly distorted: Readonly<Partial<Record<Distortion, string>>>;
  readonly result: string;
  readonly why?: string;
  readonly distinct?: number;
  readonly generated?: number;
  readonly depth?: number;
  readonly edges?: Readonly<Record<string, number>>;
  readonly tier: Tier;
  readonly compare?: string;
  readonly rows: readonly string[];
  readonly replay?: string;
  readonly parts?: string;
  readonly judge?: string;
};

export type Models = ReadonlyMap<string, Model>;

/** Decodes the text of a models file that includes no other; Left lists what is wrong, one line a finding. */
export const decodeModels = (text: string): E.Either<readonly string[], Models> => decodeParts([text]);

/** Decodes the texts of several files as one. */
export const decodeParts = (texts: readonly string[]): E.Either<readonly string[], Models> => {
  const entries: Record<string, ModelEntry> = {};
  const findings: string[] = [];
  for (const text of texts) {
    const decoded = decodeWith(t.record(t.string, ModelEntry, 'Models'), text);
    if (E.isLeft(decoded)) return decoded;
    for (const [name, entry] of Object.entries(decoded.right)) {
      if (name in entries) findings.push(`${name}: two models of this name`);
      entries[name] = entry;
    }
  }
  const models = new Map<string, Model>();
  for (const [name, entry] of Object.entries(entries)) {
    const merged = inherit(entries, name, []);
    if (E.isLeft(merged)) {
      findings.push(merged.left);
      continue;
    }
    const model = complete(name, merged.right);
    findings.push(...unknownFields(name, entry), ...faults(model));
    models.set(name, model);
  }
  return findings.length > 0 ? E.left(findings) : E.right(models);
};

/** The files that a models file is spread over; null: it holds the models itself. */
export const partsOf = (text: string): E.Either<readonly string[], readonly string[] | null> => {
  const one = decodeWith(t.UnknownRecord, text);
  if (E.isLeft(one) || !Array.isArray(one.right['include'])) return E.isLeft(one) ? one : E.right(null);
  const parts = decodeWith(t.strict({ include: t.readonlyArray(t.string) }, 'Include'), text);
  return E.isLeft(parts) ? parts : E.right(parts.right.include);
};

const decodeWith = <A>(codec: t.Decoder<unknown, A>, text: string): E.Either<readonly string[], A> => {
  const json = E.tryCatch(
    () => JSON.parse(text) as unknown,
    (e) => [`not JSON: ${String(e)}`],
  );
  if (E.isLeft(json)) return json;
  const decoded = codec.decode(json.right);
  return E.isLeft(decoded) ? E.left(PathReporter.report(decoded)) : decoded;
};

const merge = <A>(
  base: Readonly<Record<string, A | null>> | undefined,
  own: Readonly<Record<string, A | null>> | undefined,
): Record<string, A | null> => ({ ...base, ...own });

const inherit = (
  entries: Readonly<Record<string, ModelEntry>>,
  name: string,
  below: readonly string[],
): E.Either<string, ModelEntry> => {
  const entry = entries[name];
  if (entry === undefined) return E.left(`${below.at(-1) ?? ''}: extends ${name}, which is not in the file`);
  if (below.includes(name)) return E.left(`${name}: extends itself: ${[...below, name].join(' -> ')}`);
  if (entry.extends === undefined) return E.right(entry);
  const above = inherit(entries, entry.extends, [...below, name]);
  if (E.isLeft(above)) return above;
  const b = above.right;
  return E.right({
    ...pick(b, ['module', 'init', 'vars', 'next', 'invariants', 'properties', 'fairness', 'tier', ...distortions]),
    ...entry,
    constants: merge(b.constants, entry.constants),
    domains: merge(b.domains, entry.domains),
    actions: merge(b.actions, entry.actions),
  });
};

const pick = (entry: ModelEntry, names: readonly (keyof ModelEntry)[]): ModelEntry =>
  Object.fromEntries(Object.entries(entry).filter(([k]) => (names as readonly string[]).includes(k)));

const present = <A>(table: Readonly<Record<string, A | null>> | undefined): Record<string, A> =>
  Object.fromEntries(Object.entries(table ?? {}).filter((kv): kv is [string, A] => kv[1] !== null));

const complete = (name: string, e: ModelEntry): Model => ({
  name,
  module: e.module ?? '',
  constants: present(e.constants),
  init: e.init ?? 'Init',
  vars: e.vars ?? 'vars',
  ...(e.next === undefined ? {} : { next: e.next }),
  domains: present(e.domains),
  actions: present(e.actions),
  invariants: e.invariants ?? [],
  properties: e.properties ?? [],
  ...(e.fairness === undefined ? {} : { fairness: e.fairness }),
  distorted: pick(e, distortions),
  result: e.result ?? '',
  ...(e.why === undefined ? {} : { why: e.why }),
  ...(e.distinct === undefined ? {} : { distinct: e.distinct }),
  ...(e.generated === undefined ? {} : { generated: e.generated }),
  ...(e.depth === undefined ? {} : { depth: e.depth }),
  ...(e.edges === undefined ? {} : { edges: e.edges }),
  tier: e.tier ?? 'tiny',
  rows: e.rows ?? [],
  ...(e.compare === undefined ? {} : { compare: e.compare }),
  ...(e.replay === undefined ? {} : { replay: e.replay }),
  ...(e.parts === undefined ? {} : { parts: e.parts }),
  ...(e.judge === undefined ? {} : { judge: e.judge }),
});

const unknownFields = (name: string, entry: ModelEntry): readonly string[] =>
  Object.keys(entry)
    .filter((k) => !(k in entryFields))
    .map((k) => `${name}: unknown field ${k}`);

/** What is wrong with a model as a whole. */
const faults = (m: Model): readonly string[] => {
  const found: string[] = [];
  if (m.module === '') found.push('no module');
  if (m.result === '') found.push('no result');
  const actions = Object.entries(m.actions);
  if (actions.length === 0 && m.next === undefined) found.push('neither actions nor next');
  if (actions.length > 0 && m.next !== undefined) found.push('both actions and next');
  for (const [action, { params }] of actions) {
    if (action.includes('__')) found.push(`action ${action}: two underscores part name and arguments in a label`);
    for (const p of params) {
      const domain = m.domains[p];
      if (domain === undefined) found.push(`action ${action}: no domain ${p}`);
      else if (domain.length === 0 || new Set(domain).size < domain.length)
        found.push(`domain ${p}: empty, or a value stands in it twice`);
    }
  }
  const [kind, named] = m.result.split(' ');
  if (kind === 'invariant' && !m.invariants.includes(named ?? '')) found.push(`expects ${m.result}, which it lacks`);
  if (kind === 'property' && !m.properties.includes(named ?? '')) found.push(`expects ${m.result}, which it lacks`);
  if (kind === 'property' && m.properties.length > 1) found.push('TLC does not name properties: one a failing model');
  if (kind !== 'ok' && m.why === undefined) found.push('a model meant to fail says why');
  if (m.replay !== undefined && kind === 'ok') found.push('replay: a model that holds has no counterexample');
  if (m.parts !== undefined && kind === 'ok') found.push('parts: a model that holds has no counterexample');
  if (m.judge !== undefined && m.invariants.length === 0) found.push('judge: no invariant to judge');
  if (m.compare !== undefined) {
    if (m.next !== undefined) found.push('compared, so it needs actions in place of next: labels carry arguments');
    for (const d of distortions)
      if (m.distorted[d] !== undefined)
        found.push(`compared, so it may have no ${d}: TLC's dump would not be its graph`);
    if (kind !== 'ok') found.push('compared, so its result must be ok: TLC stops at a violation');
  }
  return found.map((f) => `${m.name}: ${f}`);
};
