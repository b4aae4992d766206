/**
 * `npm test`: build, lint, directions of imports, all tests, then TLC over every model of the tier "tiny", the core
 * beside each, and the kept traces on the core; then whether live servers reach what conformance runs do not. Ends with
 * the line `N passed, N failed`.
 * `--all`: the models of the tier "ci" and the larger tests too.
 * `--no-tlc`: without Java; what is left out is printed as NOT CHECKED.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { comparing, larger, recordingTo } from './compared.mjs';
import { npm, prepare, root } from './prepare.mjs';
import { tapReader } from './tap.mjs';

const noTlc = process.argv.includes('--no-tlc');
const tiers = process.argv.includes('--all') ? ['tiny', 'ci'] : ['tiny'];
const unknown = process.argv.slice(2).filter((a) => a !== '--no-tlc' && a !== '--all');
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(' ')}; npm test takes --all and --no-tlc`);
  process.exit(2);
}

const began = performance.now();
let passed = 0;
let failed = 0;
const failures = [];
const say = (text) => console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(4)} s  ${text}`);
const count = (ok, what, why = '') => {
  if (ok) passed += 1;
  else {
    failed += 1;
    failures.push(what);
    say(`FAILED ${what}${why === '' ? '' : `\n${why}`}`);
  }
};
const finish = () => {
  if (failures.length > 0) console.log(`failed:\n${failures.map((f) => `  ${f}`).join('\n')}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
};

/** Where V8 leaves what live servers and conformance runs execute; the rest runs as it was started. */
const coverage = mkdtempSync(join(tmpdir(), 'zabkeeper-coverage-'));
process.on('exit', () => rmSync(coverage, { recursive: true, force: true }));
const plain = { ...process.env };
const recording = (side) => recordingTo(join(coverage, side));

const children = new Set();
// Models run in processes that end when this one is gone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    for (const child of children) child.kill('SIGTERM');
    process.exit(130);
  });
/** Runs to its end; `onText` takes stdout as it comes, else both outputs are kept for a failure. */
const run = ([file, args], onText, env = plain) =>
  new Promise((done) => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    children.add(child);
    let kept = '';
    const keep = (text) => (kept = (kept + text).slice(-20_000));
    child.stdout.setEncoding('utf8').on('data', onText ?? keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.on('error', (e) => keep(e.message));
    child.on('close', (code) => {
      children.delete(child);
      done({ ok: code === 0, text: kept });
    });
  });

const script = async (name) => {
  say(`${name} ...`);
  const { ok, text } = await run(npm(['run', '--silent', name]));
  count(ok, name, text);
  if (ok) say(`${name} passed`);
};

/** Built tests that find TLC themselves, or through a module of the tests or of the engine that does. */
const needTlc = () => {
  const known = new Map();
  const reaches = (path) => {
    if (known.has(path)) return known.get(path);
    known.set(path, false);
    let text = '';
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return false;
    }
    const found =
      /\bfindTlc(Port)?\(/.test(text) ||
      [...text.matchAll(/from '(\.[^']+)'/g)].some((m) => reaches(resolve(dirname(path), m[1])));
    known.set(path, found);
    return found;
  };
  const tests = [join(root, 'dist', 'test'), join(root, 'tla-checker-cli', 'dist', 'test')].flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((name) => name.endsWith('.test.js') && !name.startsWith('system'))
      .map((name) => join(folder, name)),
  );
  return { all: tests, without: tests.filter((path) => !reaches(path)) };
};

/** Test files by who records what they run, so that each is run once. */
const groupsOf = (files) => {
  const sideOf = (file) =>
    file.startsWith(join('dist', 'test', 'live')) ? 'live' : comparing.includes(file) ? 'conformance' : null;
  return [null, 'conformance', 'live']
    .map((side) => ({
      env: side === null ? plain : recording(side),
      files: files.filter((file) => sideOf(file) === side),
    }))
    .filter((group) => group.files.length > 0);
};

const tests = async () => {
  const { all, without } = needTlc();
  const named = (paths) => paths.map((path) => relative(root, path));
  if (noTlc)
    for (const path of all.filter((p) => !without.includes(p))) console.log(`NOT CHECKED ${relative(root, path)}`);
  say('tests ...');
  let ran = 0;
  let shown = performance.now();
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const files = named(noTlc ? without : all);
  const left = tiers.includes('ci') ? [] : files.filter((file) => larger.includes(file));
  const chosen = files.filter((file) => !left.includes(file));
  for (const file of left) say(`left to npm test -- --all: ${file}`);
  const groups = noTlc ? [{ env: plain, files: chosen }] : groupsOf(chosen);
  for (const { env, files } of groups) {
    const before = ran;
    let broken = 0;
    const reader = tapReader(({ ok, title, details }) => {
      ran += 1;
      if (!ok) broken += 1;
      count(ok, `test ${title}`, details.join('\n'));
      if (performance.now() - shown < 10_000) return;
      shown = performance.now();
      say(`${ran} tests so far`);
    });
    const { ok, text } = await run([process.execPath, [ava, '--tap', ...files]], (t) => reader.write(t), env);
    reader.end();
    if (ran === before || (!ok && broken === 0)) count(false, 'tests: ava itself', text);
  }
  if (groups.length === 0) count(false, 'tests: none to run');
  say(`${ran} tests have run`);
};

/** @param free resolves when there is room for a second model at a time */
const models = async (free) => {
  const { loadModels } = await import('../dist/cli/modelFile.js');
  const { hasCore, parts, reportLines } = await import('../dist/cli/conform.js');
  const { readKept, disagreement } = await import('../dist/cli/traceReplay.js');
  const file = loadModels();
  if (file._tag === 'Left') return count(false, 'models', file.left.message);
  const chosen = [...file.right.models.values()]
    .filter((m) => tiers.includes(m.tier))
    .toSorted((a, b) => (b.distinct ?? 0) - (a.distinct ?? 0));
  if (chosen.length === 0) count(false, 'models: none to check');
  traces(file.right, readKept, disagreement);
  if (noTlc) {
    for (const m of chosen) console.log(`NOT CHECKED ${m.name}`);
    return;
  }
  const { needTlc: findTlc } = await import('../dist/cli/tools.js');
  const tlc = await findTlc();
  if (tlc._tag === 'Left') {
    say(`${tlc.left.message}: ${tlc.left.hint}; or npm test -- --no-tlc`);
    for (const m of chosen) count(false, `model ${m.name}`);
    return;
  }
  const { runJobs } = await import('../dist/cli/pool.js');
  // The models' processes inherit it.
  process.env.NODE_V8_COVERAGE = recording('conformance').NODE_V8_COVERAGE;
  say(
    `${chosen.length} models (${tiers.join(', ')}), ${chosen.filter(hasCore).length} of them with the core beside them ...`,
  );
  const jobs = chosen.map((model) => ({
    what: 'conform',
    model,
    specDirectory: file.right.specDirectory,
    tlc: tlc.right,
    limits: { timeLimit: 480 },
    dumps: null,
  }));
  await runJobs(jobs, {
    parallel: 1,
    later: availableParallelism() > 1 ? [free] : [],
    onDone: (name, done) => {
      const lines = reportLines(name, done, false);
      say(lines[0] ?? name);
      const why = lines.slice(1).join('\n');
      const model = file.right.models.get(name);
      const report = done.type === 'report' ? done.report : null;
      const differs = report !== null && parts(report);
      const sound = report !== null && (report.ok || (differs && report.found === report.expected));
      count(sound, `model ${name}`, differs ? '' : why);
      if (model !== undefined && hasCore(model)) count(report?.ok === true, `core beside ${name}`, differs ? why : '');
    },
  });
};

const traces = (file, readKept, disagreement) => {
  const folder = join(root, 'traces');
  let names = [];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.ndjson'));
  } catch {
    // none are kept
  }
  for (const name of names) {
    const kept = readKept(file, join(folder, name), []);
    const why = kept._tag === 'Left' ? kept.left.message : disagreement(kept.right);
    count(why === null, `trace ${name}`, why ?? '');
  }
  say(`${names.length} kept traces replayed on the core`);
};

/** The last check: both sides have to be there. */
const compareCoverage = async () => {
  if (noTlc) return console.log('NOT CHECKED coverage: what live servers reach and conformance runs do not');
  const script = join(root, 'scripts', 'coverage.mjs');
  const sides = [join(coverage, 'live'), join(coverage, 'conformance')];
  const compare = () => run([process.execPath, [script, ...sides]]);
  let { ok, text } = await compare();
  if (!ok) {
    say('coverage: chance has led live servers further; more random runs ...');
    const more = await run(
      [process.execPath, [join(root, 'scripts', 'moreRuns.mjs'), '0', '3000']],
      undefined,
      recording('conformance'),
    );
    count(more.ok, 'more random runs', more.text);
    ({ ok, text } = await compare());
  }
  count(ok, 'coverage', text);
  if (!ok) return;
  const [heads = '', sums = ''] = ['file', 'all'].map((word) => new RegExp(`^${word} +(.*)$`, 'm').exec(text)?.[1]);
  say(`coverage passed: ${heads.replace(/ +/g, ' ')}\n        ${sums.replace(/ +/g, ' ')}`);
};

if (!prepare()) {
  count(false, 'build');
  finish();
}
process.chdir(root);
say('built');
const quick = (async () => {
  await tests();
  await script('lint');
  await script('deps');
})();
await Promise.all([quick, models(quick)]);
await compareCoverage();
finish();
