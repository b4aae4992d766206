/** Clients of other languages: how each is had, and what starts its session program. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { cached, run } from './cache.js';
import type { Command } from './ensemble.js';
import { source } from './source.js';

/** A program that connects to `hosts`; its roles are in README.md. */
export type Program = (hosts: string, role: 'main' | 'owner') => Command;

/** A name that changes with the text of these files. */
const named = (name: string, ...files: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(fs.readFileSync(file));
  return `${name}-${hash.digest('hex').slice(0, 12)}`;
};

const roleArgs = (role: 'main' | 'owner'): readonly string[] => (role === 'owner' ? ['owner'] : []);

/** Jars of Apache ZooKeeper and of what it needs, as a class path; java/pom.xml says which. */
export const apacheClassPath = (): string => {
  const pom = source('system/java/pom.xml');
  const jars = cached(named('java', pom), (dir) => {
    const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
    // Without a place of its own, Maven would write beside the pom.
    fs.copyFileSync(pom, join(dir, 'pom.xml'));
    run('mvn', ['-q', '-B', '-f', join(dir, 'pom.xml'), copy, '-DincludeScope=runtime', `-DoutputDirectory=${dir}`]);
  });
  return join(jars, '*');
};

export const java = (): Program => {
  const main = source('system/java/Session.java');
  const jars = apacheClassPath();
  const classes = cached(named('java-session', main, source('system/java/pom.xml')), (dir) =>
    run('javac', ['-cp', jars, '-d', dir, main]),
  );
  const args = (hosts: string) => ['-cp', `${jars}:${classes}`, ...quiet, 'Session', hosts];
  return (hosts, role) => ({ file: 'java', args: [...args(hosts), ...roleArgs(role)] });
};

/** Of a Java program on a machine that has others to run as well. */
export const quiet: readonly string[] = [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

const debianVersion = '3.8.0-11+deb12u2';

/** Debian's C client, unpacked into the cache: nothing is installed. */
export const c = (): Program => {
  const main = source('system/c/session.c');
  const packages = ['libzookeeper-mt2', 'libzookeeper-mt-dev'].map((name) => `${name}=${debianVersion}`);
  const client = cached(`c-${debianVersion}`, (dir) => {
    run('apt-get', ['download', ...packages], dir);
    for (const deb of fs.readdirSync(dir)) run('dpkg-deb', ['-x', deb, dir], dir);
  });
  const triple = run('gcc', ['-dumpmachine']).trim();
  const libraries = join(client, 'usr', 'lib', triple);
  const built = cached(named(`c-session-${debianVersion}`, main), (dir) =>
    run('gcc', [
      ...['-std=c11', '-D_GNU_SOURCE', '-DTHREADED', '-Wall', '-Wextra', '-O1', '-pthread'],
      ...[`-I${join(client, 'usr', 'include')}`, main, '-o', join(dir, 'session')],
      ...[`-L${libraries}`, `-Wl,-rpath,${libraries}`, '-lzookeeper_mt'],
    ]),
  );
  return (hosts, role) => ({ file: join(built, 'session'), args: [hosts, ...roleArgs(role)] });
};

const nodeClient = 'node-zookeeper-client@1.1.3';

export const node = (): Program => {
  const dir = cached(nodeClient.replace('@', '-'), (into) =>
    run('npm', ['install', '--prefix', into, '--no-save', '--ignore-scripts', nodeClient], into),
  );
  const main = source('system/node/session.mjs');
  return (hosts, role) => ({ file: process.execPath, args: [main, dir, hosts, ...roleArgs(role)] });
};

export const go = (): Program => {
  const files = ['main.go', 'go.mod', 'go.sum'].map((name) => source(`system/go/${name}`));
  const built = cached(named('go-session', ...files), (dir) =>
    run('go', ['build', '-o', join(dir, 'session'), '.'], source('system/go')),
  );
  return (hosts, role) => ({ file: join(built, 'session'), args: [hosts, ...roleArgs(role)] });
};
