import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Progress, Tlc, Trace } from '../src/index.js';
import { canonicalText, check, CheckResult, simulate, SimulateResult } from '../src/index.js';
import { doors, entries, fileOf, folder, left, right, runs, spec, stillRuns, theTlc } from './helper.js';

mkdirSync(runs);
process.env['TMPDIR'] = runs;
const tlc = await theTlc();
let logs = 0;
const options = (config: string): { spec: string; config: string; short: true; log: string } => ({
  short: true,
  spec: spec('Doors'),
  config,
  log: join(folder, `${++logs}.log`),
});

test.after.always('no run leaves a folder behind', (t) => {
  t.deepEqual(entries(runs), []);
});

test.serial('check: a model that holds gives TLC counts, progress, cost and the tool', async (t) => {
  const told: Progress[] = [];
  const o = { ...options(doors('INVARIANT TypeOK')), deadlock: false, coverage: true };
  const r = await right(check(tlc, { ...o, onProgress: (p) => told.push(p) }));
  t.deepEqual(r.outcome, { type: 'ok' });
  t.deepEqual(r.checked, { invariants: ['TypeOK'], properties: [], deadlock: false, reductions: [] });
  // every sequence of up to three moves is a state of its own: 1 + 2 + 4 + 8
  t.deepEqual(r.stats, { generated: 15, distinct: 15, queue: 0, depth: 4, initial: { generated: 1, distinct: 1 } });
  t.true(told.some((p) => p.distinct === 15 && p.depth === 4));
  t.deepEqual(
    r.actions.map((a) => a.action),
    ['Init', 'Open_a', 'Open_b', 'Close_a', 'Close_b'],
  );
  t.is(r.counterexample, null);
  t.true((r.collision?.optimistic ?? 1) < 1e-10);
  t.is(r.tlc.sha256.length, 64);
  t.true(r.cost.wallSeconds > 0);
  t.regex(readFileSync(r.log, 'utf8'), /STARTMSG 2193/);
  t.deepEqual(CheckResult.decode(JSON.parse(JSON.stringify(CheckResult.encode(r)))), E.right(r));
});

test.serial('check: a violated invariant gives its name and the behaviour', async (t) => {
  const r = await right(check(tlc, options(doors('INVARIANTS TypeOK NeverBoth'))));
  t.deepEqual(r.outcome, { type: 'invariant', name: 'NeverBoth' });
  const steps = r.counterexample?.steps ?? [];
  t.is(steps.length, 3);
  t.is(steps[0]?.action, 'Init');
  t.is(
    canonicalText({ record: steps[0]?.state ?? {} }),
    '[moves |-> 0, note |-> [last |-> "none \\"yet\\" \\\\", seen |-> (a :> 0 @@ b :> 0), trail |-> <<>>], open |-> {}]',
  );
  t.deepEqual(
    steps
      .slice(1)
      .map((s) => s.action)
      .toSorted(),
    ['Open_a', 'Open_b'],
  );
  t.regex(steps[1]?.location ?? '', /^line \d+, col \d+ to line \d+, col \d+ of module Doors$/);
  t.is(canonicalText(steps[2]?.state['open'] ?? 0), '{a, b}');
  t.deepEqual(CheckResult.decode(JSON.parse(JSON.stringify(CheckResult.encode(r)))), E.right(r));
});

test.serial('check: an invariant that fails in the initial state', async (t) => {
  const r = await right(check(tlc, options(doors('INVARIANT NeverEmpty'))));
  t.deepEqual(r.outcome, { type: 'invariant', name: 'NeverEmpty' });
  t.is(r.counterexample?.steps.length, 1);
  t.deepEqual(r.counterexample?.steps[0]?.state['moves'], 0);
});

test.serial('check: deadlock, and none when nobody asks', async (t) => {
  const config = doors('INVARIANT TypeOK');
  const r = await right(check(tlc, options(config)));
  t.deepEqual(r.outcome, { type: 'deadlock' });
  t.is(r.counterexample?.steps.length, 4);
});

test.serial('check: an action property is told from a temporal one', async (t) => {
  const r = await right(check(tlc, { ...options(doors('PROPERTY NeverMoves')), deadlock: false }));
  t.deepEqual(r.outcome, { type: 'action property', name: 'NeverMoves' });
  t.is(r.counterexample?.steps.length, 2);
  const s = await right(check(tlc, { ...options(doors('PROPERTY AllOpenInTheEnd')), deadlock: false }));
  t.deepEqual(s.outcome, { type: 'temporal property', name: null });
  t.deepEqual(s.counterexample?.loop, { to: (s.counterexample?.steps.length ?? 0) - 1, action: 'Stuttering' });
});

test.serial(
  'check: a false assumption, a spec that does not parse, a wrong configuration, a senseless expression',
  async (t) => {
    const assumption = await right(check(tlc, { ...options(doors('')), spec: spec('Wrong') }));
    t.is(assumption.outcome.type, 'assumption');
    const broken = await right(check(tlc, { ...options(fileOf('INIT Init\nNEXT Next\n')), spec: spec('Broken') }));
    t.is(broken.outcome.type, 'parse error');
    t.regex(
      broken.outcome.type === 'parse error' ? `${broken.outcome.location} ${broken.outcome.message}` : '',
      /line 5, col/,
    );
    const config = await right(check(tlc, options(doors('INVARIANT NoSuch'))));
    t.is(config.outcome.type, 'config error');
    t.regex(config.outcome.type === 'config error' ? config.outcome.message : '', /NoSuch/);
    const nonsense = await right(check(tlc, options(doors('INVARIANT Nonsense'))));
    t.is(nonsense.outcome.type, 'evaluation error');
    t.is(nonsense.counterexample?.steps.length, 2);
  },
);

test.serial('check: what the spec prints is kept, and constraints are named', async (t) => {
  const r = await right(check(tlc, { ...options(doors('INVARIANT Says\nCONSTRAINT Small')), deadlock: false }));
  t.true(r.printed.includes('<<"moves", 2>>'));
  t.deepEqual(r.checked.reductions, ['CONSTRAINT Small']);
});

test.serial('check: a time limit kills TLC and tells how far it was', async (t) => {
  const config = fileOf('INIT Init\nNEXT Count\n');
  const e = await left(check(tlc, { ...options(config), spec: spec('Endless'), timeLimit: 6 }));
  if (e.type !== 'TimeLimit') return t.fail(JSON.stringify(e));
  t.is(e.seconds, 6);
  t.true(e.stats.distinct >= 1);
  t.false(stillRuns(e.log));
});

test.serial('check: the caller stops it by a signal', async (t) => {
  const config = fileOf('INIT Init\nNEXT Count\n');
  const stop = new AbortController();
  const o = { ...options(config), spec: spec('Endless'), signal: stop.signal, onProgress: () => stop.abort() };
  const e = await left(check(tlc, o));
  if (e.type !== 'Interrupted') return t.fail(JSON.stringify(e));
  t.false(stillRuns(e.log));
  t.is((await left(check(tlc, { ...o, log: join(folder, 'never.log') }))).type, 'Interrupted');
});

test.serial('check: a heap that is too small is an error of its own', async (t) => {
  const config = fileOf('INIT Init\nNEXT Grow\n');
  const o = { ...options(config), spec: spec('Endless'), heap: '32m', jvm: ['-XX:+UseSerialGC', '-XX:-UseParallelGC'] };
  const e = await left(check(tlc, o));
  t.like(e, { type: 'MemoryLimit', what: 'heap' });
});

test.serial('check: wrong options cost no run', async (t) => {
  const config = doors('');
  const usage = async (o: object): Promise<string> => (await left(check(tlc, { ...options(config), ...o }))).type;
  t.is(await usage({ heap: '4 GB' }), 'Usage');
  t.is(await usage({ stack: '-1m' }), 'Usage');
  t.is(await usage({ workers: 0 }), 'Usage');
  t.is(await usage({ timeLimit: 0 }), 'Usage');
  t.is(await usage({ spec: spec('NoSuch') }), 'Usage');
  t.is(await usage({ config: join(folder, 'none.cfg') }), 'Usage');
});

const fakeTlc = (script: string): Tlc => ({ ...tlc, java: fileOf(`#!/bin/sh\n${script}\n`, '.sh', 0o755) });
const message = (code: number, text: string): string =>
  `@!@!@STARTMSG ${code}:0 @!@!@\n${text}\n@!@!@ENDMSG ${code} @!@!@\n`;

test.serial('check: only TLC that says so is ok', async (t) => {
  const said = fileOf(message(2186, 'Finished in 1ms'), '.txt');
  const silent = await left(check(fakeTlc(`cat ${said}`), options(doors(''))));
  t.is(silent.type, 'Crashed');
  const success = fileOf(message(2193, 'No error has been found.') + message(2186, 'Finished'), '.txt');
  t.deepEqual((await right(check(fakeTlc(`cat ${success}`), options(doors(''))))).outcome, { type: 'ok' });
  t.is((await left(check(fakeTlc(`cat ${success}; exit 7`), options(doors(''))))).type, 'Crashed');
  t.like(await left(check(fakeTlc('kill -9 $$'), options(doors('')))), { message: 'TLC ended killed by SIGKILL' });
  const gone = await left(check({ ...tlc, java: join(folder, 'no-java') }, options(doors(''))));
  t.is(gone.type, 'Crashed');
  const noLog = await left(check(tlc, { ...options(doors('')), log: join(doors(''), 'x.log') }));
  t.is(noLog.type, 'Crashed');
});

test.serial('check: a child that ignores its end does not hold us', async (t) => {
  const e = await left(check(fakeTlc("trap '' TERM INT; sleep 60 & wait"), { ...options(doors('')), timeLimit: 1 }));
  t.is(e.type, 'TimeLimit');
});

test.serial('simulate: behaviours, a seed that repeats them, and a violation', async (t) => {
  const traces: Trace[] = [];
  const o = { ...options(doors('INVARIANT TypeOK', 5)), deadlock: false, traces: 4, depth: 5, seed: '7' };
  const r = await right(simulate(tlc, { ...o, onTrace: (x) => traces.push(x) }));
  t.deepEqual(r.outcome, { type: 'ok' });
  t.is(r.traces, 4);
  t.is(r.seed, '7');
  t.true(traces.every((x) => x.steps.length >= 4 && x.steps[0]?.state['moves'] === 0));
  const again: Trace[] = [];
  await right(simulate(tlc, { ...o, onTrace: (x) => again.push(x) }));
  t.deepEqual(again, traces);
  t.deepEqual(SimulateResult.decode(JSON.parse(JSON.stringify(SimulateResult.encode(r)))), E.right(r));

  const bad = await right(simulate(tlc, { ...o, config: doors('INVARIANT NeverBoth', 9), traces: 50 }));
  t.deepEqual(bad.outcome, { type: 'invariant', name: 'NeverBoth' });
  t.is(canonicalText(bad.counterexample?.steps.at(-1)?.state['open'] ?? 0), '{a, b}');
});
