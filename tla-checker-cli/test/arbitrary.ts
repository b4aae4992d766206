/** Random values, the many ways to write one, and random dot dumps: a printer that shares nothing with src. */
import fc from 'fast-check';
import type { TlaState, TlaValue } from '../src/value.js';

const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', 's1', 'TRUE', '1', 'é', '日本', 'a "b" \\ c', '\n\t', '\\n', '[label="', '-> 1', '}'),
  fc.string({ maxLength: 6, unit: 'binary' }),
);

export const fieldName = fc.constantFrom('a', 'b', 'c', 'zxid', 'from', 'TRUEish', 's_1', 'x9', '__proto__');

const modelName = fc.constantFrom('s1', 's2', 'null', 'a', 'm_1', '2nd');

/** Random values, biased to few distinct leaves so that equal ones meet. */
export const anyValue: fc.Arbitrary<TlaValue> = fc.letrec<{ value: TlaValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'tla' },
    fc.integer({ min: -3, max: 5 }),
    fc.constantFrom(0, 1, 2, true, false, 'a', 'b', { model: 'a' }),
    fc.maxSafeInteger(),
    text,
    modelName.map((model) => ({ model })),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 4 }).map((set) => ({ set })),
    fc.tuple(fc.integer({ min: -2, max: 3 }), fc.integer({ min: 0, max: 5 })).map(([low, n]) => ({
      set: Array.from({ length: n }, (_, k) => low + k),
    })),
    fc.uniqueArray(fc.tuple(fieldName, tie('value')), { selector: ([k]) => k, maxLength: 4 }).map((fields) => ({
      record: Object.fromEntries(fields),
    })),
    fc
      .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), tie('value')), { selector: ([k]) => k, maxLength: 4 })
      .map((fcn) => ({ fcn })),
    fc
      .uniqueArray(fc.tuple(fc.oneof(text, fieldName), tie('value')), { selector: ([k]) => k, maxLength: 3 })
      .map((fcn) => ({ fcn })),
    fc
      .uniqueArray(fc.tuple(modelName, tie('value')), { selector: ([k]) => k, maxLength: 3 })
      .map((fcn) => ({ fcn: fcn.map(([model, v]): [TlaValue, TlaValue] => [{ model }, v]) })),
  ),
})).value;

export const anyState: fc.Arbitrary<TlaState> = fc
  .uniqueArray(fc.tuple(fieldName, anyValue), { selector: ([k]) => k, minLength: 1, maxLength: 4 })
  .map((fields) => Object.fromEntries(fields));

/** Choices for one way of writing: a stream of small naturals, endless. */
export type Choices = (below: number) => number;

export const anyChoices: fc.Arbitrary<Choices> = fc.infiniteStream(fc.nat(1_000_000)).map((s) => (below) => {
  const drawn = s.next();
  return drawn.done === true ? 0 : drawn.value % below;
});

const shuffled = <A>(items: readonly A[], pick: Choices): A[] => {
  const out = [...items];
  for (let n = out.length - 1; n > 0; n--) {
    const m = pick(n + 1);
    [out[n], out[m]] = [out[m] as A, out[n] as A];
  }
  return out;
};

/** The same value in another order and other forms. */
export const disguised = (v: TlaValue, pick: Choices): TlaValue => {
  if (typeof v !== 'object' || 'model' in v) return v;
  if ('set' in v) {
    const again = v.set.length > 0 && pick(3) === 0 ? [...v.set, v.set[0] as TlaValue] : v.set;
    return { set: shuffled(again, pick).map((w) => disguised(w, pick)) };
  }
  const pairs: (readonly [TlaValue, TlaValue])[] = Array.isArray(v)
    ? v.map((w: TlaValue, n): [TlaValue, TlaValue] => [n + 1, w])
    : 'record' in v
      ? Object.entries(v.record)
      : 'fcn' in v
        ? [...v.fcn]
        : [];
  const fcn = shuffled(pairs, pick).map(([k, w]): [TlaValue, TlaValue] => [disguised(k, pick), disguised(w, pick)]);
  const sequence = fcn.every(([k]) => typeof k === 'number' && k >= 1 && k <= fcn.length);
  if (sequence && pick(2) === 0) return fcn.toSorted((a, b) => Number(a[0]) - Number(b[0])).map(([, w]) => w);
  if (fcn.every(([k]) => typeof k === 'string') && pick(2) === 0) {
    return { record: Object.fromEntries(fcn.map(([k, w]) => [String(k), w])) };
  }
  return { fcn };
};

const gap = (pick: Choices): string => ['', ' ', '\n', '\n  ', ' \n\t '][pick(5)] ?? '';

const quoted = (s: string): string =>
  `"${[...s].map((c) => ({ '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\f': '\\f' })[c] ?? c).join('')}"`;

/** Text of a value with random line breaks, as TLC's pretty printer might break it. */
export const written = (v: TlaValue, pick: Choices): string => {
  const g = (): string => gap(pick);
  const list = (items: readonly string[], separator: string): string => items.join(`${g()}${separator}${g()}`);
  if (typeof v === 'number') return String(v);
  if (typeof v === 'string') return quoted(v);
  if (typeof v === 'boolean') return v ? 'TRUE' : 'FALSE';
  if (Array.isArray(v))
    return `<<${g()}${list(
      v.map((w: TlaValue) => written(w, pick)),
      ',',
    )}${g()}>>`;
  if ('model' in v) return v.model;
  if ('set' in v) {
    const [low, high] = [v.set[0], v.set.at(-1)];
    const run = v.set.length > 0 && v.set.every((w, n) => typeof low === 'number' && w === low + n);
    if (run && pick(2) === 0) return `${String(low)}..${String(high)}`;
    return `{${g()}${list(
      v.set.map((w) => written(w, pick)),
      ',',
    )}${g()}}`;
  }
  if ('record' in v) {
    const fields = Object.entries(v.record);
    if (fields.length > 0 && fields.every(([k]) => /^[A-Za-z_0-9]*[A-Za-z][A-Za-z_0-9]*$/.test(k))) {
      return `[${g()}${list(
        fields.map(([k, w]) => `${k}${g()}|->${g()}${written(w, pick)}`),
        ',',
      )}${g()}]`;
    }
    return writtenFunction(fields, pick);
  }
  return writtenFunction('fcn' in v ? v.fcn : [], pick);
};

const writtenFunction = (pairs: readonly (readonly [TlaValue, TlaValue])[], pick: Choices): string =>
  pairs.length === 0
    ? `<<${gap(pick)}>>`
    : `(${pairs.map(([k, w]) => `${written(k, pick)} :> ${written(w, pick)}`).join(`${gap(pick)}@@${gap(pick)}`)})`;

export const writtenState = (s: TlaState, pick: Choices): string => {
  const fields = shuffled(Object.entries(s), pick);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined && pick(2) === 0) return `${only[0]} = ${written(only[1], pick)}`;
  return fields.map(([name, v]) => `/\\ ${name} =${gap(pick)} ${written(v, pick)}`).join('\n');
};

export type Graph = {
  readonly states: readonly { readonly id: string; readonly initial: boolean; readonly state: TlaState }[];
  readonly edges: readonly { readonly from: number; readonly to: number; readonly label: string }[];
};

export const anyGraph: fc.Arbitrary<Graph> = fc
  .uniqueArray(fc.tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.boolean(), anyState), {
    selector: ([id]) => id,
    minLength: 1,
    maxLength: 6,
  })
  .chain((nodes) =>
    fc
      .array(
        fc.record({
          from: fc.nat(nodes.length - 1),
          to: fc.nat(nodes.length - 1),
          label: fc.constantFrom('Next', 'A_1', 'Crash_s2', 'a "quoted" \\ label', 'slash \\'),
        }),
        { maxLength: 8 },
      )
      .map((edges) => ({
        states: nodes.map(([id, initial, state]) => ({ id: String(id), initial, state })),
        edges,
      })),
  );

const escapedLabel = (s: string): string => s.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** A dump as TLC lays one out, lines of states and steps in random order. */
export const writtenDot = (graph: Graph, pick: Choices): string => {
  const id = (n: number): string => graph.states[n]?.id ?? '';
  const lines = shuffled(
    [
      ...graph.states.map(({ id, initial, state }) => {
        const label = escapedLabel(writtenState(state, pick));
        return `${id} [label="${label}"${initial ? ',style = filled]' : '];'}`;
      }),
      ...graph.edges.map(
        ({ from, to, label }) =>
          `${id(from)} -> ${id(to)} [label="${escapedLabel(label)}",color="black",fontcolor="black"];`,
      ),
    ],
    pick,
  );
  const ranks = `{rank = same; ${graph.states.map((s) => `${s.id};`).join('')}}`;
  return [
    'strict digraph DiskGraph {',
    'nodesep=0.35;',
    'subgraph cluster_graph {',
    'color="white";',
    ...lines,
    ranks,
    '}',
    '}',
    '',
  ].join('\n');
};
