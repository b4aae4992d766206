/** Where the package lies: its version, its spec, its kept traces. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json, seen from dist/cli. */
export const packageRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const mainScript = fileURLToPath(new URL('./main.js', import.meta.url));

export const version = (): string => {
  const { version: text } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string };
  return text;
};
