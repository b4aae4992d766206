import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { Readable } from 'node:stream';
import type { DotError, DotSummary } from '../src/dot.js';
import { readDot } from '../src/dot.js';
import { hashState, hashText } from '../src/hash.js';
import type { TlaState } from '../src/value.js';
import { canonicalText } from '../src/value.js';
import type { Graph } from './arbitrary.js';
import { anyChoices, anyGraph, writtenDot } from './arbitrary.js';

type Seen = { readonly states: string[]; readonly hashes: string[]; readonly edges: string[] };

const stateKey = (id: string, initial: boolean, s: TlaState): string =>
  `${id} ${initial} ${canonicalText({ record: s })}`;
const hashKey = (id: string, initial: boolean, s: TlaState): string => `${id} ${initial} ${hashText(hashState(s))}`;

/** Feeds `text` in chunks of `size` bytes and collects what the reader tells. */
const readAll = async (text: string, size: number): Promise<readonly [E.Either<DotError, DotSummary>, Seen]> => {
  const bytes = Buffer.from(text);
  const seen: Seen = { states: [], hashes: [], edges: [] };
  const chunks: Buffer[] = [];
  for (let n = 0; n < bytes.length; n += size) chunks.push(bytes.subarray(n, n + size));
  const result = await readDot(Readable.from(chunks), {
    onState: (id, initial, s) => void seen.states.push(stateKey(id, initial, s)),
    onStateHash: (id, initial, h) => void seen.hashes.push(`${id} ${initial} ${hashText(h)}`),
    onEdge: (from, to, label) => void seen.edges.push(`${from} ${to} ${label}`),
  });
  return [result, seen];
};

const expected = (g: Graph): Seen => ({
  states: g.states.map((s) => stateKey(s.id, s.initial, s.state)),
  hashes: g.states.map((s) => hashKey(s.id, s.initial, s.state)),
  edges: g.edges.map((e) => `${g.states[e.from]?.id} ${g.states[e.to]?.id} ${e.label}`),
});

test('readDot: any graph, any order of lines, any line breaks, any chunks', async (t) => {
  await fc.assert(
    fc.asyncProperty(anyGraph, anyChoices, fc.integer({ min: 1, max: 4000 }), async (graph, pick, size) => {
      const text = writtenDot(graph, pick);
      const [result, seen] = await readAll(text, size);
      const want = expected(graph);
      t.deepEqual(
        result,
        E.right({
          states: graph.states.length,
          initial: graph.states.filter((s) => s.initial).length,
          edges: graph.edges.length,
          stutters: 0,
          bytes: Buffer.byteLength(text),
        }),
      );
      t.deepEqual(seen.states.toSorted(), want.states.toSorted());
      t.deepEqual(seen.hashes.toSorted(), want.hashes.toSorted());
      t.deepEqual(seen.edges.toSorted(), want.edges.toSorted());
    }),
    { numRuns: 300 },
  );
});

const sample = [
  'strict digraph DiskGraph {',
  'subgraph cluster_graph {',
  '1 [label="/\\\\ x = 0\\n/\\\\ y = \\"a\\"",style = filled]',
  '1 -> -2 [label="Step",color="black",fontcolor="black"];',
  '-2 [label="/\\\\ x = 1\\n/\\\\ y = \\"b\\""];',
  '{rank = same; 1;-2;}',
  '}',
  '}',
].join('\n');

test('readDot: a cut dump is an error at every byte', async (t) => {
  t.true(E.isRight((await readAll(sample, 7))[0]));
  for (let n = 0; n < sample.length - 1; n++) {
    const [result] = await readAll(sample.slice(0, n), 11);
    t.true(E.isLeft(result), sample.slice(0, n));
  }
});

test('readDot: damage is reported with its byte offset, by both readers', async (t) => {
  const damaged = (from: string, to: string): string => sample.replace(from, to);
  const at = async (text: string): Promise<string> => {
    const [result] = await readAll(text, 5);
    if (E.isRight(result)) return 'no error';
    return `${result.left.type} ${text.slice(result.left.at, result.left.at + 4)}`;
  };
  t.is(await at(damaged('strict', 'loose')), 'DotMalformed loos');
  t.is(await at(damaged('= 1', '= ?')), 'DotMalformed ?\\n/');
  t.is(await at(damaged(`\\"b\\""]`, `\\"b""]`)), `DotMalformed "];\n`);
  t.is(await at(damaged('1 -> -2', '1 -> x')), 'DotMalformed x [l');
  t.is(await at(damaged('{rank', 'rank')), 'DotMalformed rank');
  t.is(await at(`${sample}\n3 [label="x = 1"];\n`), 'DotMalformed 3 [l');
  const bytes = Readable.from([Buffer.from(damaged('= 1', '= ?'))]);
  const parsed = await readDot(bytes, { onState: () => undefined });
  t.like(parsed, { left: { type: 'DotMalformed', at: damaged('= 1', '= ?').indexOf('?'), expected: 'a value' } });
});

test('readDot: a failing stream is an error, not an exception', async (t) => {
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('strict digraph X {\n');
      throw new Error('disk gone');
    })(),
  );
  t.like(await readDot(broken, {}), { left: { type: 'DotUnreadable', at: 19 } });
});

test('onStateHash: random damage never gives a hash where the parser gives no state', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      anyGraph,
      anyChoices,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', '>>', ' ', '\n', ','),
      async (graph, pick, n, extra) => {
        const text = writtenDot(graph, pick);
        const cut = n % text.length;
        const bytes = Buffer.from(text.slice(0, cut) + extra + text.slice(cut + 1));
        const hashes: string[] = [];
        const states: string[] = [];
        const a = await readDot(Readable.from([bytes]), { onStateHash: (_, __, h) => void hashes.push(hashText(h)) });
        const b = await readDot(Readable.from([bytes]), {
          onState: (_, __, s) => void states.push(hashText(hashState(s))),
        });
        t.is(E.isRight(a), E.isRight(b), text.slice(cut - 20, cut + 20));
        // a repeated variable or field is refused by the parser only; TLC never prints one
        t.deepEqual(hashes, states);
      },
    ),
    { numRuns: 300 },
  );
});

test('readDot: stuttering loops are counted apart and not told as steps', async (t) => {
  const text = sample.replace('{rank', '1 -> 1 [style="dashed"];\n{rank');
  const [result, seen] = await readAll(text, 9);
  t.like(result, { right: { edges: 1, stutters: 1 } });
  t.deepEqual(seen.edges, ['1 -2 Step']);
});
