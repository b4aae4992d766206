/**
 * Flags of a Java virtual machine, as Apache's scripts take them from SERVER_JVMFLAGS: properties are keys of zoo.cfg here,
 * the rest belongs to a machine that is not there.
 */
import type { Place, Property } from './properties.js';

export const flagsName = 'SERVER_JVMFLAGS';

/** Properties of Apache's server; others are Java's own, or a logger's. */
const ours = /^-D((?:zookeeper|jute|znode|readonlymode|java\.security\.auth)\.[\w.-]+)=(.*)$/;

/** @returns `ignored`: flags without an effect here */
export const parseFlags = (
  text: string,
): {
  readonly properties: readonly Property[];
  readonly ignored: readonly { readonly flag: string; readonly at: Place }[];
} => {
  const properties: Property[] = [];
  const ignored: { flag: string; at: Place }[] = [];
  for (const match of text.matchAll(/\S+/g)) {
    const flag = match[0];
    const at: Place = { line: 1, column: match.index + 1, file: flagsName };
    const [, key, value] = ours.exec(flag) ?? [];
    if (key === undefined || value === undefined) ignored.push({ flag, at });
    else
      properties.push({
        key,
        value,
        keyAt: { ...at, column: at.column + 2 },
        valueAt: { ...at, column: at.column + 3 + key.length },
      });
  }
  return { properties, ignored };
};
