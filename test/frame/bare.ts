/**
 * Child process of pack.test.ts, with --experimental-vm-modules: `bare.js PACKAGE` links test/frame/cluster.ts with the
 * core of an unpacked package inside a context that has the language and nothing else, runs it, and prints the story.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext, SourceTextModule } from 'node:vm';
import type { Story } from './cluster.js';

const folder = process.argv[2] ?? '';
const context = createContext({}, { codeGeneration: { strings: false, wasm: false } });
// V8 puts its inspector's console into every context.
runInContext('delete globalThis.console', context);
const modules = new Map<string, SourceTextModule>();

const entry = (): string => {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  const target = exports['./core']?.default;
  if (target === undefined) throw new Error('the package does not export ./core');
  return join(folder, target);
};

const load = (path: string): SourceTextModule => {
  const known = modules.get(path);
  if (known !== undefined) return known;
  const module = new SourceTextModule(readFileSync(path, 'utf8'), { context, identifier: path });
  modules.set(path, module);
  return module;
};

/** The package by its name, its own files by relative paths inside the core, and nothing else. */
const link = (specifier: string, from: { readonly identifier: string }): SourceTextModule => {
  if (specifier === 'zabkeeper/core') return load(entry());
  const path = join(dirname(from.identifier), specifier);
  const inside = relative(join(folder, 'dist', 'core'), path);
  if (specifier.startsWith('.') && !inside.startsWith('..')) return load(path);
  throw new Error(`${relative(folder, from.identifier)} imports ${specifier}`);
};

const cluster = load(join(dirname(fileURLToPath(import.meta.url)), 'cluster.js'));
await cluster.link(link);
await cluster.evaluate();
const { run } = cluster.namespace as { readonly run: () => Story };
const platform = runInContext(
  "['process', 'require', 'Buffer', 'console', 'setTimeout', 'queueMicrotask', 'fetch', 'TextEncoder', 'performance']" +
    ".filter((name) => typeof globalThis[name] !== 'undefined')",
  context,
) as readonly string[];
console.log(JSON.stringify({ story: run(), platform: [...platform], modules: modules.size }));
