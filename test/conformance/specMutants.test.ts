/** Mutants of the specification: what they change, what notices them, and what is published of them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { findTlc } from 'tla-checker-cli';
import { readModels } from '../../conformance/modelFiles.js';
import type { Model } from '../../conformance/models.js';
import { campaign, sampleOf } from '../../conformance/specMutants/campaign.js';
import type { CampaignOptions } from '../../conformance/specMutants/campaign.js';
import { neverFalse, probesOf } from '../../conformance/specMutants/conjuncts.js';
import type { Operator, SpecMutant } from '../../conformance/specMutants/mutate.js';
import { mutantsOf } from '../../conformance/specMutants/mutate.js';
import { entryOf, figuresOf, isSettled, readResults, shares, standing } from '../../conformance/specMutants/results.js';
import { sum, withEntry, writeResults } from '../../conformance/specMutants/results.js';
import type { ModuleResults } from '../../conformance/specMutants/results.js';
import { libraryOf, mutantsFor } from '../../conformance/specMutants/scope.js';
import { structureOf } from '../../conformance/specMutants/structure.js';
import { readModule, tokensOf } from '../../conformance/specMutants/tokens.js';

const fixture = join('test', 'fixtures', 'specMutants');

const right = <A>(e: E.Either<unknown, A>): A => {
  if (E.isLeft(e)) throw new Error(JSON.stringify(e.left));
  return e.right;
};

const modelsIn = (path: string): readonly Model[] => [...right(readModels(path)).values()];

const ledger = (): readonly SpecMutant[] =>
  mutantsFor(libraryOf(fixture), modelsIn(join(fixture, 'models.json')), 'Ledger');

/** Mutants of one definition, `A`, as texts of its lines behind the head. */
const ofText = (text: string, operator?: Operator): readonly string[] =>
  mutantsOf(readModule(`---- MODULE M ----\n${text}\n====\n`), { within: () => true, assigns: (w) => w === 'Step' })
    .filter((m) => operator === undefined || m.operator === operator)
    .map((m) => m.text.split('\n').slice(1, -2).join('\n'));

test('tokens: comments are passed over, and columns are those of the text', (t) => {
  const tokens = tokensOf('(* a /\\ b\n*) A == x \\* y\n  /\\ "s\\"" =< 12\n');
  t.deepEqual(
    tokens.map((k) => [k.text, k.line, k.column]),
    [
      ['A', 2, 3],
      ['==', 2, 5],
      ['x', 2, 8],
      ['/\\', 3, 2],
      ['"s\\""', 3, 5],
      ['=<', 3, 11],
      ['12', 3, 14],
    ],
  );
});

test('a list ends where its column says, and an infix sign is no bullet', (t) => {
  const { tokens } = readModule(
    '---- MODULE M ----\nA ==\n  /\\ x = 1 /\\ y\n  /\\ \\/ p\n     \\/ IF c THEN /\\ d\n                  /\\ e\n              ELSE f\n  /\\ z\n====\n',
  );
  const from = tokens.findIndex((k) => k.text === '==') + 1;
  const s = structureOf(tokens, from, tokens.length - 1);
  const texts = s.bullets.map((b) =>
    tokens
      .slice(b.from, b.to)
      .map((k) => k.text)
      .join(' '),
  );
  t.deepEqual(texts, [
    'x = 1 /\\ y',
    'p',
    'd',
    'e',
    'IF c THEN /\\ d /\\ e ELSE f',
    '\\/ p \\/ IF c THEN /\\ d /\\ e ELSE f',
    'z',
  ]);
  t.is(s.infix.length, 1);
  t.is(s.ifs.length, 1);
});

test('DropConjunct: each condition, bullet or infix, and no assignment', (t) => {
  t.deepEqual(ofText("A ==\n  /\\ x < y\n  /\\ p /\\ q\n  /\\ Step(x)\n  /\\ z' = 1", 'DropConjunct'), [
    "A ==\n  /\\ TRUE \n  /\\ p /\\ q\n  /\\ Step(x)\n  /\\ z' = 1",
    "A ==\n  /\\ x < y\n  /\\ TRUE /\\ q\n  /\\ Step(x)\n  /\\ z' = 1",
    "A ==\n  /\\ x < y\n  /\\ p /\\ TRUE\n  /\\ Step(x)\n  /\\ z' = 1",
  ]);
});

test('a longer text moves the lines of lists that begin behind it', (t) => {
  t.deepEqual(ofText('A ==\n  IF p THEN /\\ q\n            /\\ Step(p)\n       ELSE r', 'DropConjunct'), [
    'A ==\n  IF p THEN /\\ TRUE\n            /\\ Step(p)\n       ELSE r',
  ]);
  const [swapped] = ofText("A ==\n  IF p THEN /\\ log' = 1\n            /\\ q\n       ELSE r", 'SwapSteps');
  t.is(swapped, "A ==\n  IF ~(p) THEN /\\ log' = 1\n               /\\ q\n          ELSE r");
});

test('AssignmentDropped: the variable stays what it was', (t) => {
  t.deepEqual(ofText("A ==\n  /\\ x' = [x EXCEPT\n           ![1] = 2]\n  /\\ y' = y", 'AssignmentDropped'), [
    "A ==\n  /\\ x' = x\n                    \n  /\\ y' = y",
  ]);
});

test('TurnComparison: signs turn, numbers move the other way, and EXCEPT compares nothing', (t) => {
  t.deepEqual(ofText('A == x < 3', 'TurnComparison'), ['A == x <= 3', 'A == x < 2']);
  t.deepEqual(ofText('A == Len(x) = Len(y)', 'TurnComparison'), ['A == Len(x) # Len(y)']);
  t.deepEqual(ofText('A == [x EXCEPT ![i] = 7]', 'TurnComparison'), []);
  t.deepEqual(ofText('A == x \\in S', 'TurnComparison'), []);
});

test('ShiftQuorum: one server less, one more, or half of them', (t) => {
  t.deepEqual(ofText('A == 2 * Cardinality(S) > n'), [
    'A == 2 * (Cardinality(S) + 1) > n',
    'A == 2 * (Cardinality(S) - 1) > n',
    'A == 2 * Cardinality(S) >= n',
  ]);
  t.deepEqual(ofText('A == \\E Q \\in Quorum1 : p', 'ShiftQuorum'), [
    'A == \\E Q \\in {Q_ \\ {q_} : Q_ \\in Quorum1, q_ \\in UNION Quorum1} : p',
  ]);
});

test('SwapSteps: the other branch writes, packets go out in the other order', (t) => {
  t.deepEqual(ofText("A ==\n  IF p THEN synced' = q ELSE UNCHANGED synced", 'SwapSteps'), [
    "A ==\n  IF ~(p) THEN synced' = q ELSE UNCHANGED synced",
  ]);
  t.deepEqual(ofText('A == <<x>> \\o y', 'SwapSteps'), ['A == y \\o <<x>>']);
});

test('what only a seeded fault reaches is not mutated', (t) => {
  t.deepEqual(ofText('A == IF "F" \\in Bugs THEN x < y ELSE x > y'), ['A == IF "F" \\in Bugs THEN x < y ELSE x >= y']);
});

test('every operator has a mutant of the fixture, and each has an id of its own', (t) => {
  const mutants = ledger();
  t.deepEqual([...new Set(mutants.map((m) => m.operator))].sort(), [
    'AssignmentDropped',
    'DropConjunct',
    'ShiftQuorum',
    'SwapSteps',
    'TurnComparison',
  ]);
  t.is(new Set(mutants.map((m) => m.id)).size, mutants.length);
  t.is(new Set(mutants.map((m) => m.text)).size, mutants.length);
  // What no action needs is no part of the protocol.
  t.deepEqual(
    mutants.filter((m) => ['Init', 'Durable', 'NeverCounts'].includes(m.definition)),
    [],
  );
});

test('a sample is the same for the same seed, and part of a larger one', (t) => {
  const ids = (n: number, seed: number): readonly string[] => sampleOf(ledger(), n, seed).map((m) => m.id);
  t.deepEqual(ids(6, 1), ids(6, 1));
  t.notDeepEqual(ids(6, 1), ids(6, 2));
  t.true(ids(6, 1).every((id) => ids(9, 1).includes(id)));
});

test('a mutant is found by an invariant, by what is no longer reached, by the graph alone, or not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-spec-mutants-'));
  try {
    const out = join(folder, 'mutation.json');
    const idOf = (was: string, becomes: string): string =>
      ledger().find((m) => m.was.startsWith(was) && m.becomes === becomes)?.id ??
      (t.fail(`no mutant of ${was}`) as never);
    const invariant = idOf('IsQuorum({', 'TRUE');
    const reached = idOf('TRUE', 'counts');
    const graph = idOf('~counts', 'TRUE');
    const none = idOf('written[i] = 1', 'TRUE');
    const options: CampaignOptions = {
      tlc: right(await findTlc()()),
      spec: fixture,
      library: libraryOf(fixture),
      models: modelsIn(join(fixture, 'models.json')),
      modules: ['Ledger'],
      only: new Set([invariant, reached, graph, none]),
      seed: 1,
      jobs: 1,
      budget: 60,
      rowSeconds: 5,
      out,
      command: 'test',
      tell: () => undefined,
    };
    const { results, ran } = await campaign(right(readResults(out)), options);
    t.is(ran, 4);
    const entries = results.modules['Ledger']?.entries ?? [];
    const fate = (id: string): string => {
      const e = entries.find((each) => each.id === id);
      return `${e?.verdict} ${e?.by}`;
    };
    t.is(fate(invariant), 'property Ledger');
    t.is(fate(reached), 'property LedgerCounts');
    t.is(fate(graph), 'graph Ledger');
    // Whatever is synced was written: the conjunct is never false behind the one before it.
    t.is(fate(none), 'survived undefined');
    const again = await campaign(right(readResults(out)), options);
    t.is(again.ran, 0);
    t.deepEqual(again.results, results);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a result stands while its module and the models behind it do', (t) => {
  const [first, second] = ledger();
  if (first === undefined || second === undefined) return t.fail('no mutants');
  const models = modelsIn(join(fixture, 'models.json'));
  const fate = { verdict: 'undecided', left: 2, cpuMs: 1 } as const;
  const entry = entryOf(first, models, fate);
  t.deepEqual(standing([entry], first, models), entry);
  t.false(isSettled(entry, 10, 20), 'a larger budget may decide it');
  t.true(isSettled(entry, 10, 10));
  t.is(standing([entry], second, models), undefined);
  t.is(standing([entry], first, models.slice(1)), undefined, 'another model might find it');
  const changed = { ...first, text: first.text.replace('counts = FALSE', 'counts = TRUE') };
  t.is(standing([entry], changed, models), undefined);
  const commented = { ...first, id: 'Ledger:18:ShiftQuorum', text: `\\* A comment.\n${first.text}` };
  t.is(standing([entry], commented, models)?.id, commented.id);
  const found = entryOf(first, models, { verdict: 'property', by: 'Ledger', cpuMs: 1 });
  t.deepEqual(standing([found], first, models.slice(0, 1)), found, 'it hangs on the model that found it');
  const other = models.map((m) => ({ ...m, invariants: [] }));
  t.is(standing([found], first, other), undefined);
  const empty: ModuleResults = { mutants: 2, budget: 10, rows: [], entries: [] };
  t.deepEqual(withEntry(withEntry(empty, entry), found).entries, [found]);
  return undefined;
});

test('results that cannot be read are refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-spec-mutants-'));
  try {
    const path = join(folder, 'mutation.json');
    await writeFile(path, '{ "command": "", "modules": { "M": { "mutants": 1 } } }');
    t.true(E.isLeft(readResults(path)));
    const results = { command: 'c', modules: { M: { mutants: 1, budget: 1, rows: ['R'], entries: [] } } };
    writeResults(path, results);
    t.deepEqual(right(readResults(path)), results);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('shares are of those that were run', (t) => {
  const entry = { id: '', definition: '', was: '', becomes: '', key: '', cpuMs: 1 };
  const verdicts = ['property', 'property', 'evaluation', 'graph', 'survived', 'invalid'] as const;
  const entries = verdicts.map((verdict) => ({ ...entry, verdict }));
  const f = figuresOf({ mutants: 9, budget: 1, rows: [], entries });
  t.is(f.run, 5);
  t.deepEqual(shares(f), { properties: '60.0', anything: '80.0' });
  t.is(sum([f, f]).graph, 2);
});

test('a condition that is never false where those before it are true is found', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'zabkeeper-spec-mutants-'));
  try {
    const needless = '\\A i \\in Server : synced[i] => written[i] = 1';
    for (const name of ['Ledger', 'MCLedger']) {
      const text = await readFile(join(fixture, `${name}.tla`), 'utf8');
      const more = text.replace('    /\\ ~counts\n', (line) => `${line}    /\\ ${needless}\n`);
      await writeFile(join(folder, `${name}.tla`), more);
    }
    const library = libraryOf(folder);
    const models = modelsIn(join(fixture, 'models.json')).slice(0, 1);
    const asked = right(await neverFalse(right(await findTlc()()), library, folder, models, 'Ledger'));
    t.deepEqual(asked, { conjuncts: 5, rows: ['Ledger'], never: [{ action: 'Count', text: needless }] });
    const probes = models
      .flatMap((m) => probesOf(library, m, 'Ledger'))
      .map(({ conjunct: c }) => `${c.action}: ${c.text}`);
    t.deepEqual(probes, [
      'Write: written[i] < 1',
      'Save: told \\/ counts',
      'Count: IsQuorum({i \\in Server : synced[i] /\\ written[i] = 1})',
      'Count: ~counts',
      `Count: ${needless}`,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
