/** Copies of core and its mirrors for the tests that change them: transpiled, and loaded beside the sources as they are. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';
import { load } from '../../conformance/mutants/sources.js';
import type { Loaded, Sources } from '../../conformance/mutants/sources.js';

export type Copies = {
  /** For copies, and for whatever else the test writes. */
  readonly folder: string;
  readonly copyOf: (sources: Sources) => Promise<Loaded>;
  readonly remove: () => Promise<void>;
};

/** `name` begins the folder's name. Inside the project, where a copy finds the packages as the sources do. */
export const openCopies = async (root: string, name: string): Promise<Copies> => {
  const cache = join(root, 'node_modules', '.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, `${name}-`));
  let copies = 0;
  return {
    folder,
    copyOf: (sources) => load(sources, { folder: join(folder, `copy-${copies++}`), transpile }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Modules that no mutant has touched are transpiled once. */
const transpiled = new Map<string, string>();
const transpile = (text: string): string => {
  const known =
    transpiled.get(text) ??
    ts.transpileModule(text, {
      compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
    }).outputText;
  transpiled.set(text, known);
  return known;
};
