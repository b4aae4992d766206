/** What people see: tables, bars, lines that are drawn over themselves, changes between states. */
import test from 'ava';
import { readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import type { CheckResult } from 'tla-checker-cli';
import { verdictTable } from '../../cli/checkTable.js';
import { changeLines, counterexampleLines, placesOf } from '../../cli/counterexample.js';
import { levelOf, lineLog } from '../../cli/log.js';
import type { LogLevel } from '../../shell/net/log.js';
import { loadModels } from '../../cli/modelFile.js';
import type { Done } from '../../cli/modelWorker.js';
import { bar } from '../../cli/progress.js';
import { freeRun } from '../../cli/ports.js';
import { screenOver, seconds, table } from '../../cli/table.js';

test('a table has columns as wide as their widest cell', (t) => {
  t.deepEqual(table([['a', 'bb', ''], ['ccc', 'd', 'e']]), ['a    bb', 'ccc  d   e']); // prettier-ignore
});

test('check ends with what was expected of each model and what was found, missing verdicts included', (t) => {
  const models = loadModels();
  if (E.isLeft(models)) return t.fail(models.left.message);
  const [a, b] = ['ElectionFour', 'ElectionEnds'].map((name) => models.right.models.get(name));
  if (a === undefined || b === undefined) return t.fail('the models are not there');
  const found = (generated: number): Done => ({
    type: 'checked',
    result: E.right({
      outcome: { type: 'ok' },
      stats: { generated, distinct: a.distinct ?? 0, queue: 0, depth: a.depth ?? 0, initial: 1 },
      cost: { wallSeconds: 2, cpuSeconds: 1.25, peakBytes: null },
    } as unknown as CheckResult),
  });
  const [head, first, second] = verdictTable([a, b], [found(a.generated ?? 0), { type: 'died', why: 'killed' }]);
  t.regex(head ?? '', /^module +model +tier +expected +found +states +generated +depth +CPU-s$/);
  t.regex(first ?? '', /^MCElection +ElectionFour +tiny +ok +ok +1,704 +2,981 +18 +1\.[23]$/);
  t.regex(second ?? '', /^MCElection +ElectionEnds +(tiny|ci) +invariant NeverEnds +NONE: a process died$/);
  t.regex(verdictTable([a], [found(7)])[1] ?? '', /ok \(FAIL: sizes\) /);
  t.regex(verdictTable([b], [found(7)])[1] ?? '', /invariant NeverEnds +ok \(FAIL\) /);
  t.regex(verdictTable([a], [null])[1] ?? '', / NONE$/);
});

test('a bar grows by eighths and is never full before the end', (t) => {
  t.is(bar(0), `▕${' '.repeat(20)}▏`);
  t.is(bar(0.5), `▕${'█'.repeat(10)}${' '.repeat(10)}▏`);
  t.is(bar(0.0125), `▕▎${' '.repeat(19)}▏`);
  t.is(bar(7), bar(0.99));
  for (let share = 0; share <= 1; share += 0.01) t.is(bar(share).length, 22);
});

test('times are rounded as one says them', (t) => {
  t.deepEqual([210, 1949, 9949, 61_400].map(seconds), ['0.21 s', '1.9 s', '9.9 s', '61 s']);
});

test('drawn lines are replaced, said lines stay, long lines are cut so that none wraps', (t) => {
  const written: string[] = [];
  const screen = screenOver((text) => written.push(text), () => 12); // prettier-ignore
  screen.draw(['one', 'a line that is too long']);
  screen.draw(['two']);
  screen.say('stays');
  screen.clear();
  t.deepEqual(written, [
    'one\na line that\n',
    '\u001b[2A\u001b[Jtwo\n',
    '\u001b[1A\u001b[Jstays\ntwo\n',
    '\u001b[1A\u001b[J',
  ]);
});

test('a step shows what it changes, innermost places first to last, and folds the rest', (t) => {
  const before = { vote: [{ record: { leader: 1, zxid: 5 } }, 2], up: true, n: 0 };
  const after = { vote: [{ record: { leader: 3, zxid: 5 } }, 2], up: true, n: 0 };
  t.deepEqual(changeLines(before, after), ['  vote[1].leader  1 → 3', '  2 other variables unchanged']);
  t.deepEqual(changeLines(before, before), ['  3 variables unchanged']);
});

test('a run that goes on for ever says where it goes back to', (t) => {
  const step = (
    action: string,
    n: number,
  ): { action: string; args: { a: number }; location: null; state: { n: number } } => ({
    action,
    args: { a: n },
    location: null,
    state: { n },
  });
  const steps = [{ ...step('Init', 0), args: {} }, step('Add', 1), step('Add', 2)];
  const lines = counterexampleLines({ steps, loop: { to: 1, action: 'Add' } }, new Map([['Add', 'spec/X.tla:7']]));
  t.true(lines.includes('step 2  Add(2)    spec/X.tla:7'));
  t.is(lines.at(-1), 'then back to the state after step 1, for ever');
  t.is(
    counterexampleLines({ steps, loop: { to: 2, action: 'Stuttering' } }, new Map()).at(-1),
    'then nothing happens for ever',
  );
});

test('a log line is one line, whatever a peer has sent', (t) => {
  const written: string[] = [];
  const at = (): Date => new Date(Date.UTC(2026, 10, 21, 12, 48, 0, 5));
  lineLog((line) => written.push(line), false, at)('warn', 'odd\n  bytes');
  lineLog((line) => written.push(line), true, at)('info', 'fine');
  t.deepEqual(written, [
    '2026-11-21T12:48:00.005Z warn  odd | bytes\n',
    '{"level":"info","time":"2026-11-21T12:48:00.005Z","text":"fine"}\n',
  ]);
});

test('ports: the first consecutive ones that are free, and none beyond the last', async (t) => {
  const taken = new Set([2182, 2185]);
  const free = (port: number): Promise<boolean> => Promise.resolve(!taken.has(port));
  t.deepEqual(await freeRun(2181, 2, free), [2183, 2184]);
  t.deepEqual(await freeRun(2181, 3, free), [2186, 2187, 2188]);
  t.deepEqual(await freeRun(65_533, 3, free), [65_533, 65_534, 65_535]);
  t.is(await freeRun(65_534, 3, free), null);
});

test('a place is in the modules of the model, whatever other specs call by the same name', (t) => {
  const file = loadModels();
  if (E.isLeft(file)) return t.fail(file.left.message);
  const placed = (module: string, action: string): string => {
    const [path = '', line] = (placesOf(file.right, { module }).get(action) ?? '').split(':');
    const text = readFileSync(path, 'utf8').split('\n')[Number(line) - 1] ?? '';
    t.true(text.startsWith(`${action}(`), `${module}: ${action} in ${path}:${line}`);
    return path;
  };
  t.is(placed('MCReplication', 'Propose'), 'spec/Broadcast.tla');
  t.is(placed('MCReplication', 'Restart'), 'spec/ReplicationState.tla');
  t.is(placed('MCReplication', 'Crash'), 'spec/Replication.tla');
  t.is(placed('MCElection', 'Crash'), 'spec/Election.tla');
  t.is(placesOf(file.right, { module: 'MCElection' }).get('Propose'), undefined);
});

test('a log line has its fields behind it, as an object beside it, and below the level it is not written', (t) => {
  const at = (): Date => new Date(0);
  const say = (json: boolean, level: LogLevel): string => {
    const written: string[] = [];
    const log = lineLog((line) => written.push(line), json, at, level);
    log('debug', 'small');
    log('warn', 'slow', { op: 'getData', session: '0x1', zxid: null, tookMs: 7 });
    return written.join('');
  };
  t.is(say(false, 'info'), '1970-01-01T00:00:00.000Z warn  slow  op=getData session=0x1 tookMs=7\n');
  t.is(say(false, 'error'), '');
  const line = JSON.parse(say(true, 'info')) as Record<string, unknown>;
  t.like(line, { level: 'warn', op: 'getData', session: '0x1', zxid: null, tookMs: 7 });
  t.is(say(true, 'debug').split('\n').length, 3);
  t.deepEqual(
    ['debug', 'WARN', 'loud', undefined].map((text) => levelOf({ ZABKEEPER_LOG_LEVEL: text })),
    ['debug', 'warn', null, null],
  );
});
