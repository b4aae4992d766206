/**
 * Servers with a bug put in, which the comparison must find: the built program is copied, one text of it replaced, and
 * run as a process.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Mutant = {
  readonly name: string;
  /** Below dist/core/service. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
};

export const mutants: readonly [Mutant, ...Mutant[]] = [
  {
    name: 'sequential names count the children that are there',
    file: 'check.js',
    find: 'sequenceSuffix(parent.cversion)',
    replace: 'sequenceSuffix(parent.children)',
  },
  {
    name: 'deleting asks for the permission to create',
    file: 'check.js',
    find: 'may(view, author, parent.acl, perm.delete)',
    replace: 'may(view, author, parent.acl, perm.create)',
  },
  {
    name: 'who watches data and children hears of a deletion twice',
    file: 'watch.js',
    find: 'eventType.deleted, acl, round.heard.length)',
    replace: 'eventType.deleted, acl, 0)',
  },
];

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Writes the copy, inside the project, where it finds its packages. @returns its main file, and what removes it */
export const mutated = (mutant: Mutant): { readonly main: string; readonly remove: () => void } => {
  const cache = join(root, 'node_modules', '.cache');
  fs.mkdirSync(cache, { recursive: true });
  const folder = fs.mkdtempSync(join(cache, 'differential-'));
  for (const part of ['core', 'wire', 'shell', 'conformance', 'cli'])
    fs.cpSync(join(root, 'dist', part), join(folder, 'dist', part), { recursive: true });
  fs.copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  const file = join(folder, 'dist', 'core', 'service', mutant.file);
  const text = fs.readFileSync(file, 'utf8');
  const count = text.split(mutant.find).length - 1;
  if (count !== 1) throw new Error(`${mutant.file}: \`${mutant.find}\` stands there ${count} times`);
  fs.writeFileSync(file, text.replace(mutant.find, mutant.replace));
  return {
    main: join(folder, 'dist', 'cli', 'main.js'),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
};
