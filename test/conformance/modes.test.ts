/** The search with pieces and remembered steps against the plain one, which remembers nothing and compares whole texts. */
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import type { Binding } from '../../conformance/generate.js';
import { bindingsOf } from '../../conformance/generate.js';
import type { MakeMirror, Mirror } from '../../conformance/mirror.js';
import { electionMirror } from '../../conformance/mirrors/election.js';
import { replicationMirror } from '../../conformance/mirrors/replication.js';
import { readModels } from '../../conformance/modelFiles.js';
import { remembered } from '../../conformance/remembered.js';
import type { Search } from '../../conformance/search.js';
import { search } from '../../conformance/search.js';
import { tupleTable } from '../../conformance/store.js';
import fc from 'fast-check';

const maxStates = 100_000;

/** All that a search finds: every edge, and how each state was reached first. */
const graph = (s: Search): unknown => {
  const list = (l: Search['edgeTo']): readonly number[] => Array.from({ length: l.length() }, (_, i) => l.at(i));
  return {
    states: s.states,
    depth: s.depth,
    findings: s.findings,
    rows: s.rows,
    edges: [list(s.firstEdge), list(s.edgeBinding), list(s.edgeTo)],
    parents: [list(s.parent), list(s.parentBinding)],
  };
};

const inPieces: Readonly<Record<string, MakeMirror>> = {
  ElectionFour: electionMirror,
  ReplicationAlone: replicationMirror,
  ReplicationQuiet: replicationMirror,
};

for (const [name, make] of Object.entries(inPieces))
  test(`${name} is one graph: by pieces, by hashes of whole keys, and by texts with nothing remembered`, (t) => {
    const models = readModels('spec/models.json');
    const model = E.isRight(models) ? models.right.get(name) : undefined;
    const mirror = model === undefined ? E.left('there is no such model') : make(model);
    if (E.isLeft(mirror) || model === undefined) return t.fail(E.isLeft(mirror) ? mirror.left : '');
    const bindings = bindingsOf(model);
    t.truthy(mirror.right.pieces);
    const fast = search(mirror.right, bindings, { identity: 'hash', maxStates });
    t.is(fast.states, model.distinct ?? -1);
    const exact = search(mirror.right, bindings, { identity: 'exact', maxStates });
    t.deepEqual(graph(exact), graph(fast));
    const whole: Record<string, unknown> = { ...mirror.right };
    delete whole['pieces'];
    delete whole['bind'];
    t.deepEqual(graph(search(whole as Mirror<unknown>, bindings, { identity: 'hash', maxStates })), graph(fast));
  });

// A counter of two digits, each a piece.

type Digit = { readonly n: number; readonly note: number };
type Digits = { readonly low: Digit; readonly high: Digit };

const digit = (n: number, note = 0): Digit => ({ n, note });
const bindings: readonly Binding[] = [{ action: 'Add', args: [], label: 'Add__' }];

const digits: Mirror<Digits> = {
  init: [{ low: digit(0), high: digit(0) }],
  step: ({ low, high }) =>
    low.n < 3
      ? { low: digit(low.n + 1), high }
      : high.n < 3
        ? { low: digit(0), high: digit(high.n + 1) }
        : { low: digit(0), high: digit(0) },
  view: ({ low, high }) => ({ low: low.n, high: high.n }),
  key: (w) => w,
  pieces: {
    take: ({ low, high }) => [low, high],
    make: ([low, high]) => ({ low: low as Digit, high: high as Digit }),
    key: (piece) => piece,
  },
  shown: { 'low.n': 'low', 'high.n': 'high' },
  hidden: { 'low.note': 'always 0', 'high.note': 'always 0' },
};

const found = (mirror: Mirror<Digits>, identity: 'hash' | 'exact'): readonly string[] =>
  search(mirror, bindings, { identity, maxStates }).findings.map((f) => f.type);

test('a counter in pieces has its sixteen states', (t) => {
  for (const identity of ['hash', 'exact'] as const) {
    const s = search(digits, bindings, { identity, maxStates });
    t.like(s, { states: 16, findings: [] });
    t.is(s.edgeTo.length(), 16);
  }
});

test('what a piece has and the view has not is found in every mode', (t) => {
  const noting: Mirror<Digits> = {
    ...digits,
    step: (w, action, args) => {
      const next = digits.step(w, action, args) as Digits;
      return next.low.n === 0 ? { low: digit(0, Math.min(5, w.low.note + 1)), high: next.high } : next;
    },
  };
  t.deepEqual(found({ ...noting, step: (w, a, g) => noting.step(w, a, g) }, 'hash'), ['ViewHides']);
  t.deepEqual(found(noting, 'exact'), ['ViewHides']);
});

test('pieces that leave out some of the key tell fewer states apart: the exact mode sees that', (t) => {
  const leaving: Mirror<Digits> = {
    ...digits,
    pieces: { ...(digits.pieces as NonNullable<Mirror<Digits>['pieces']>), key: (piece) => (piece as Digit).n % 2 },
  };
  t.true(found(leaving, 'exact').includes('KeyIncomplete'));
  t.not(search(leaving, bindings, { identity: 'hash', maxStates }).states, 16);
});

test('a piece that a step changes in place is found', (t) => {
  const spoiling: Mirror<Digits> = {
    ...digits,
    step: (w, action, args) => {
      const next = digits.step(w, action, args);
      if (w.low.n === 2) (w.high as { note: number }).note = 7;
      return next;
    },
  };
  t.true(found(spoiling, 'hash').includes('ChangedInPlace'));
  t.true(found(spoiling, 'exact').includes('ChangedInPlace'));
});

test('a step that depends on more than its argument is another one when nothing is remembered', (t) => {
  let asked = 0;
  const next = remembered((low: Digit) => digit(asked++ < 40 ? (low.n + 1) % 4 : 0));
  const moody: Mirror<Digits> = { ...digits, step: ({ low, high }) => ({ low: next(low), high }) };
  const fast = search(moody, bindings, { identity: 'hash', maxStates });
  t.is(fast.states, 4);
  asked = 40;
  t.not(search(moody, bindings, { identity: 'exact', maxStates }).states, fast.states);
});

test('a tuple table numbers tuples in the order of their coming, like a Map', (t) => {
  const tuple = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer(), fc.integer({ min: -2, max: 2 }));
  fc.assert(
    fc.property(fc.array(tuple, { maxLength: 300 }), (tuples) => {
      const table = tupleTable(3);
      const model = new Map<string, number>();
      return tuples.every((words) => {
        const n = model.get(words.join()) ?? model.size;
        model.set(words.join(), n);
        return table.add(Int32Array.from(words)) === n && table.size() === model.size && table.word(n, 1) === words[1];
      });
    }),
  );
  const table = tupleTable(2);
  for (let n = 0; n < 5000; n++) t.is(table.add(Int32Array.of(n % 50, Math.floor(n / 50))), n);
  t.is(table.add(Int32Array.of(49, 99)), 4999);
});
