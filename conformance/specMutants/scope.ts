/** Which models a module concerns, and which of its definitions their actions need. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from '../models.js';
import { mutantsOf } from './mutate.js';
import type { SpecMutant } from './mutate.js';
import type { Module } from './tokens.js';
import { readModule } from './tokens.js';

/** The modules of a folder, by name, read when they are asked for. */
export type Library = (name: string) => Module | null;

export const libraryOf = (folder: string): Library => {
  const known = new Map<string, Module | null>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const module = read(join(folder, `${name}.tla`));
    known.set(name, module);
    return module;
  };
};

const read = (path: string): Module | null => {
  try {
    return readModule(readFileSync(path, 'utf8'));
  } catch {
    return null; // one of TLC's own
  }
};

/** The module and all that it extends or instantiates. */
export const closureOf = (library: Library, name: string): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (each: string): void => {
    const module = found.has(each) ? null : library(each);
    if (module === null) return;
    found.add(each);
    for (const used of module.uses) visit(used);
  };
  visit(name);
  return found;
};

/** Models whose module has this one in its closure. */
export const modelsOf = (library: Library, models: Iterable<Model>, module: string): readonly Model[] =>
  [...models].filter((m) => closureOf(library, m.module).has(module));

/** Steps of these are not taken but asked about: TLC holds other steps against them. */
const conditions = new Set(['Zab']);

/** Words of a module's definitions, by name; a name that two modules define stands for both. */
type Definitions = ReadonlyMap<string, readonly (readonly string[])[]>;

const definitionsOf = (library: Library, closure: ReadonlySet<string>): Definitions => {
  const found = new Map<string, (readonly string[])[]>();
  for (const name of closure) {
    const module = library(name);
    for (const d of module?.definitions ?? []) {
      const words = module?.tokens.slice(d.from, d.to).map((t) => t.text) ?? [];
      found.set(d.name, [...(found.get(d.name) ?? []), words]);
    }
  }
  return found;
};

const reachable = (definitions: Definitions, roots: readonly string[]): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const bodies = definitions.get(name);
    if (bodies === undefined) return;
    found.add(name);
    for (const body of bodies) body.forEach(visit);
  };
  roots.forEach(visit);
  return found;
};

const assigning = (definitions: Definitions): ReadonlySet<string> => {
  const says = (bodies: readonly (readonly string[])[]): boolean =>
    bodies.some((body) => body.includes("'") || body.includes('UNCHANGED'));
  const found = new Set([...definitions].filter(([, bodies]) => says(bodies)).map(([name]) => name));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const [name, bodies] of definitions) if (bodies.some((b) => b.some((w) => found.has(w)))) found.add(name);
  }
  return found;
};

/** Names of what says, itself or by what it calls, what variables become. */
export const assigningIn = (library: Library, closure: ReadonlySet<string>): ReadonlySet<string> =>
  assigning(definitionsOf(library, closure));

/** Every mutant of a module, of what the actions of these models reach in it. */
export const mutantsFor = (library: Library, models: readonly Model[], name: string): readonly SpecMutant[] => {
  const module = library(name);
  if (module === null) return [];
  const within = new Set<string>();
  const assigns = new Set<string>();
  for (const each of new Set(models.map((m) => m.module))) {
    const closure = closureOf(library, each);
    if (!closure.has(name)) continue;
    const definitions = definitionsOf(library, closure);
    const own = models.filter((m) => m.module === each);
    const actions = own.flatMap((m) => Object.entries(m.actions).map(([a, { operator }]) => operator ?? a));
    const roots = [...actions, ...own.flatMap((m) => m.next ?? []), ...(conditions.has(name) ? ['Next'] : [])];
    for (const found of reachable(definitions, roots)) within.add(found);
    for (const found of assigning(definitions)) assigns.add(found);
  }
  const begins = new Set(['Init', 'Next', 'Spec', 'vars', 'TypeOK']);
  return mutantsOf(module, {
    within: (d) => within.has(d) && !begins.has(d),
    assigns: (word) => assigns.has(word),
    conditions: conditions.has(name),
  });
};
