/**
 * The sources of core and of its mirrors as texts, with one place changed: by a mutant of the table or by a patch. What
 * comes of it is written, transpiled, to a folder of its own and loaded beside the engine; the engine stays what it is.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import type { MakeMirror } from '../mirror.js';
import type { RunSeed } from '../random/run.js';

/** Texts by path from the root of the project, with `/` between folders. */
export type Sources = ReadonlyMap<string, string>;

/** What of a loaded copy is run. */
export type Loaded = { readonly mirrors: Readonly<Record<string, MakeMirror>>; readonly runSeed: RunSeed };

/** All of core, and all of conformance but this folder. */
export const readSources = async (root: string): Promise<Sources> => {
  const sources = new Map<string, string>();
  for (const folder of ['core', 'conformance']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = path
        .slice(root.length)
        .split(sep)
        .filter((s) => s !== '')
        .join('/');
      if (!entry.isFile() || !name.endsWith('.ts') || name.startsWith('conformance/mutants/')) continue;
      sources.set(name, await readFile(path, 'utf8'));
    }
  }
  return sources;
};

/** The sources with one text of one file replaced. Left: the text does not stand there exactly once. */
export const replaced = (
  sources: Sources,
  edit: { readonly file: string; readonly find: string; readonly replace: string },
): E.Either<string, Sources> => {
  const text = sources.get(edit.file);
  if (text === undefined) return E.left(`there is no ${edit.file}`);
  const count = text.split(edit.find).length - 1;
  if (count !== 1) return E.left(`${edit.file}: \`${edit.find}\` stands there ${count} times`);
  if (edit.find === edit.replace) return E.left(`${edit.file}: \`${edit.find}\` stays what it is`);
  return E.right(
    new Map(sources).set(
      edit.file,
      text.replace(edit.find, () => edit.replace),
    ),
  );
};

/**
 * Applies a patch in unified form. Line numbers say nothing: the old lines of each hunk must stand in the file exactly
 * once, so that a patch outlives changes elsewhere and no other.
 */
export const patched = (sources: Sources, patch: string): E.Either<string, Sources> => {
  let result = sources;
  let file = '';
  let hunks = 0;
  for (const part of patch.split(/^(?=@@ |--- )/m)) {
    const [head = '', ...lines] = part.split('\n');
    if (head.startsWith('--- ')) file = (/^\+\+\+ (?:b\/)?(\S+)/.exec(lines[0] ?? '') ?? [])[1] ?? '';
    if (!head.startsWith('@@ ')) continue;
    const side = (mark: string): string =>
      lines
        .filter((l) => l.startsWith(' ') || l.startsWith(mark))
        .map((l) => l.slice(1))
        .join('\n');
    const changed = replaced(result, { file, find: side('-'), replace: side('+') });
    if (E.isLeft(changed)) return changed;
    result = changed.right;
    hunks++;
  }
  return hunks === 0 ? E.left('the patch has no hunk') : E.right(result);
};

export type LoadOptions = {
  /** A folder of the project, whose packages the copy finds there; it does not exist yet: a copy can be loaded once only. */
  readonly folder: string;
  /** JavaScript of one module; types need not be right. */
  readonly transpile: (text: string, path: string) => string;
};

/** Writes the sources as JavaScript and loads the mirrors and the random runs over them. Rejects where they do not load. */
export const load = async (sources: Sources, { folder, transpile }: LoadOptions): Promise<Loaded> => {
  const folders = new Set([...sources.keys()].map((name) => dirname(join(folder, name))));
  for (const each of folders) await mkdir(each, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
  for (const [name, text] of sources)
    await writeFile(join(folder, name.replace(/\.ts$/, '.js')), transpile(text, name));
  const module = async (name: string): Promise<Record<string, unknown>> =>
    (await import(pathToFileURL(join(folder, name)).href)) as Record<string, unknown>;
  const replication = await module('conformance/mirrors/replication.js');
  const membership = await module('conformance/mirrors/membership.js');
  const election = await module('conformance/mirrors/election.js');
  const paxos = await module('conformance/mirrors/paxos.js');
  const service = await module('conformance/mirrors/service.js');
  const random = await module('conformance/random/run.js');
  return {
    mirrors: {
      replication: replication['replicationMirror'] as MakeMirror,
      membership: membership['membershipMirror'] as MakeMirror,
      election: election['electionMirror'] as MakeMirror,
      service: service['serviceMirror'] as MakeMirror,
      paxos: paxos['paxosMirror'] as MakeMirror,
    },
    runSeed: random['runSeed'] as RunSeed,
  };
};
