/**
 * Dumps of state graphs that can be used again while the core changes and the spec does not. What is kept is the graph,
 * under a hash of everything that it follows from; never what TLC or the comparison thought of it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import type { Generated } from './generate.js';
import type { Dump } from './graph.js';

/** A dump and its sizes. */
export type KeptDump = Dump & { readonly distinct: number; readonly depth: number };

const Sizes = t.strict({ generated: t.Integer, distinct: t.Integer, depth: t.Integer });

/** A hash of the generated module, of every module in the directories, and of TLC itself. */
export const dumpKey = async (
  generated: Generated,
  directories: readonly string[],
  tlcIdentity: string,
): Promise<string> => {
  const hash = createHash('sha256');
  const add = (name: string, text: string | Buffer): void => {
    hash.update(`${name}\0${text.length}\0`).update(text);
  };
  add('tlc', tlcIdentity);
  add('tla', generated.tla);
  add('cfg', generated.cfg);
  for (const directory of directories) {
    const modules = (await readdir(directory)).filter((name) => name.endsWith('.tla')).sort();
    for (const name of modules) add(name, await readFile(join(directory, name)));
  }
  return hash.digest('hex');
};

export const dumpOfFile = (path: string, generated: number): Dump => ({
  generated,
  open: () => createReadStream(path, { highWaterMark: 1 << 18 }),
});

/** The dump kept under this key, or null. */
export const keptDump = async (directory: string, key: string): Promise<KeptDump | null> => {
  const path = join(directory, `${key}.dot.gz`);
  try {
    const sizes = Sizes.decode(JSON.parse(await readFile(join(directory, `${key}.json`), 'utf8')));
    await stat(path);
    if (E.isLeft(sizes)) return null;
    const { generated, distinct, depth } = sizes.right;
    return { generated, distinct, depth, open: () => gunzipped(path) };
  } catch {
    return null;
  }
};

async function* gunzipped(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  const plain = createGunzip({ chunkSize: 1 << 18 });
  file.on('error', (e) => plain.destroy(e));
  file.pipe(plain);
  for await (const chunk of plain) yield chunk as Uint8Array;
}

/** Keeps a dump; the sizes are written last, so that half a dump is none. */
export const keepDump = async (
  directory: string,
  key: string,
  path: string,
  sizes: t.TypeOf<typeof Sizes>,
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  const half = join(directory, `${key}.${process.pid}.half`);
  try {
    await pipeline(createReadStream(path), createGzip({ level: 1 }), createWriteStream(half));
    await rename(half, join(directory, `${key}.dot.gz`));
    await writeFile(join(directory, `${key}.json`), JSON.stringify(sizes));
  } finally {
    await rm(half, { force: true });
  }
};
