/** `zabkeeper doctor`: is everything here that the commands need, and if not, what to do. */
import * as fs from 'node:fs';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { explain, findTlc } from 'tla-checker-cli';
import type { Outcome } from './failure.js';
import { fail, ok } from './failure.js';
import { defaultBasePort, defaultNodes } from './layout.js';
import { loadModels } from './modelFile.js';
import { packageRoot } from './place.js';
import { freeRun } from './ports.js';

export type DoctorOptions = { readonly json: boolean; readonly data: string };

export type Finding = {
  readonly name: string;
  /** `warn`: something is worse without it, and nothing fails. */
  readonly state: 'ok' | 'warn' | 'missing';
  readonly text: string;
  /** '' when there is nothing to do. */
  readonly remedy: string;
};

export const doctor = async ({ json, data }: DoctorOptions): Promise<Outcome> => {
  const findings = [node(), await java(), await maven(), await tlc(), spec(), await ports(), disk(resolve(data))];
  const missing = findings.filter((f) => f.state === 'missing');
  if (missing.length > 0) {
    if (!json) process.stdout.write(textOf(findings));
    return fail({
      code: 'ToolMissing',
      exit: 30,
      message: `missing: ${missing.map((f) => f.name).join(', ')}`,
      hint: missing[0]?.remedy ?? '',
      details: { findings },
    });
  }
  process.stdout.write(json ? `${JSON.stringify({ ok: true, findings })}\n` : textOf(findings));
  return ok;
};

const textOf = (findings: readonly Finding[]): string =>
  findings
    .flatMap((f) => [
      `${f.state.padEnd(8)} ${f.name.padEnd(8)} ${f.text}`,
      ...(f.remedy === '' ? [] : [`${' '.repeat(18)}${f.remedy}`]),
    ])
    .map((line) => `${line}\n`)
    .join('');

const node = (): Finding => {
  const { engines } = JSON.parse(fs.readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(engines.node)?.map(Number) ?? [];
  const [ours = 0, oursMinor = 0] = process.versions.node.split('.').map(Number);
  const isNew = ours > major || (ours === major && oursMinor >= minor);
  const text = `${process.version}, ${isNew ? 'as' : 'but'} ${engines.node} is needed`;
  return isNew
    ? { name: 'Node', state: 'ok', text, remedy: '' }
    : { name: 'Node', state: 'missing', text, remedy: `install Node ${major}.${minor} or newer` };
};

/** The first line that a tool says of itself; null when it cannot be run. */
const versionOf = (file: string, args: readonly string[]): Promise<string | null> =>
  new Promise((done) => {
    execFile(file, [...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`.replace(/\u001b\[[\d;]*m/g, '').trim();
      done(error === null ? (text.split('\n')[0] ?? '') : null);
    });
  });

const javaCommand = (): string => {
  const home = process.env['JAVA_HOME'];
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
};

const java = async (): Promise<Finding> => {
  const version = (await versionOf(javaCommand(), ['-version'])) ?? (await versionOf('java', ['-version']));
  return version === null
    ? {
        name: 'Java',
        state: 'missing',
        text: 'not found: models cannot be checked; servers run without it',
        remedy: 'install Java 11 or newer, and put it on PATH or in JAVA_HOME',
      }
    : { name: 'Java', state: 'ok', text: version, remedy: '' };
};

const maven = async (): Promise<Finding> => {
  const version = await versionOf('mvn', ['-version']);
  return version === null
    ? {
        name: 'Maven',
        state: 'warn',
        text: 'not found: it fetches TLC once',
        remedy: 'install mvn, or name a tla2tools.jar in TLA2TOOLS_JAR',
      }
    : { name: 'Maven', state: 'ok', text: version, remedy: '' };
};

const tlc = async (): Promise<Finding> => {
  const found = await findTlc()();
  if (E.isLeft(found)) {
    const { message, hint } = explain(found.left);
    return { name: 'TLC', state: 'missing', text: message, remedy: hint };
  }
  const { id, jar } = found.right;
  const text = `${id.version} in ${jar}, SHA-256 ${id.sha256.slice(0, 12)}…${id.known ? '' : ', not one of the tested ones'}`;
  return { name: 'TLC', state: 'ok', text, remedy: '' };
};

const spec = (): Finding => {
  const file = loadModels();
  if (E.isLeft(file)) return { name: 'Spec', state: 'missing', text: file.left.message, remedy: file.left.hint };
  const { models, shown } = file.right;
  return { name: 'Spec', state: 'ok', text: `${models.size} models in ${shown}`, remedy: '' };
};

const ports = async (): Promise<Finding> => {
  const run = await freeRun(defaultBasePort, 3 * defaultNodes);
  if (run === null)
    return {
      name: 'Ports',
      state: 'missing',
      text: `none free from ${defaultBasePort} up`,
      remedy: 'stop other servers',
    };
  const [first = 0] = run;
  const text = `free from ${first} up`;
  return first === defaultBasePort
    ? { name: 'Ports', state: 'ok', text, remedy: '' }
    : {
        name: 'Ports',
        state: 'warn',
        text,
        remedy: `${defaultBasePort} is taken: an ensemble gets other client ports`,
      };
};

/** Writes and syncs a file where the data would be, or in the next directory above it that is there. */
const disk = (dir: string): Finding => {
  let there = dir;
  while (!fs.existsSync(there)) there = join(there, '..');
  const path = join(there, `.zabkeeper-doctor-${process.pid}`);
  try {
    const fd = fs.openSync(path, 'w');
    const began = performance.now();
    try {
      fs.writeSync(fd, 'x'.repeat(4096));
      fs.fdatasyncSync(fd);
    } finally {
      fs.closeSync(fd);
      fs.rmSync(path, { force: true });
    }
    const ms = (performance.now() - began).toFixed(1);
    return { name: 'Disk', state: 'ok', text: `${there} can be written, fdatasync took ${ms} ms`, remedy: '' };
  } catch (e) {
    const text = `${there} cannot be written and synced: ${e instanceof Error ? e.message : String(e)}`;
    return { name: 'Disk', state: 'missing', text, remedy: 'name another directory with --data' };
  }
};
