/**
 * The files of a dynamic configuration: its members stand in a file of their own beside zoo.cfg, whose name ends in the
 * version, and zoo.cfg names that file. Each is written under another name first: a crash leaves the old or the new one.
 * @see QuorumPeerConfig.writeDynamicConfig and editStaticConfig
 */
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.js';
import { formatVersion } from '../wire/config.js';

/** The file that holds a version: the present one without its version, and the new one. */
export const dynamicFileName = (zooCfg: string, present: string | null, version: string): string => {
  const base = present?.replace(/\.dynamic(\.[0-9a-f]+)?$/i, '') ?? zooCfg;
  return `${base}.dynamic.${version}`;
};

/** zoo.cfg without what stands in the dynamic file, and with its name. */
export const withoutMembers = (text: string, dynamicFile: string, namesClientPort: boolean): string => {
  const moved = namesClientPort
    ? /^\s*(server|group|weight)\.\d+\s*[=:]|^\s*(dynamicConfigFile|peerType|clientPort|clientPortAddress)\s*[=:]/
    : /^\s*(server|group|weight)\.\d+\s*[=:]|^\s*(dynamicConfigFile|peerType)\s*[=:]/;
  const kept = text.split('\n').filter((line) => !moved.test(line));
  while (kept.at(-1)?.trim() === '') kept.pop();
  return `${[...kept, `dynamicConfigFile=${dynamicFile}`].join('\n')}\n`;
};

/**
 * Writes a configuration that has become active; nothing when it stands there already. Throws as the file system does.
 * @returns the file of the members
 */
export const storeConfiguration = (
  zooCfg: string,
  present: string | null,
  active: Configuration,
  self: number,
): string => {
  const file = resolve(dynamicFileName(zooCfg, present, formatVersion(active.version)));
  const members = active.text.split('\n').slice(0, -1).join('\n');
  replaceFile(file, `${members}\n`);
  const text = fs.readFileSync(zooCfg, 'utf8');
  if (present === null && !fs.existsSync(`${zooCfg}.bak`)) replaceFile(`${zooCfg}.bak`, text);
  const own = active.members.find((m) => m.sid === self);
  replaceFile(zooCfg, withoutMembers(text, file, (own?.client ?? null) !== null));
  return file;
};

const replaceFile = (path: string, text: string): void => {
  const tmp = `${path}.tmp`;
  const file = fs.openSync(tmp, 'w');
  try {
    fs.writeSync(file, text);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
  fs.renameSync(tmp, path);
  const dir = fs.openSync(dirname(path), 'r');
  try {
    fs.fsyncSync(dir);
  } finally {
    fs.closeSync(dir);
  }
};
