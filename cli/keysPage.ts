/** `zabkeeper config keys`: every key of zoo.cfg, as a table for people, as JSON, and as docs/configuration.md. */
import { families, ignoredKeys, missingKeys, readKeys } from '../shell/configTable.js';
import type { KeyRow } from '../shell/configTable.js';
import type { Outcome } from './failure.js';
import { ok } from './failure.js';
import { printJson, printLines } from './files.js';
import { table } from './table.js';

type Row = {
  readonly key: string;
  readonly state: 'read' | 'ignored' | 'missing';
  readonly default: string;
  readonly about: string;
};

const rows = (): readonly Row[] => {
  const of = (state: Row['state'], keys: Readonly<Record<string, KeyRow>>): readonly Row[] => [
    ...families.filter((f) => f.state === state).map((f) => ({ key: f.shown, state, default: '', about: f.about })),
    ...Object.entries(keys).map(([key, [byDefault, about]]) => ({ key, state, default: byDefault, about })),
  ];
  return [...of('read', readKeys), ...of('ignored', ignoredKeys), ...of('missing', missingKeys)];
};

export const showKeys = ({ json, markdown = false }: { json: boolean; markdown?: boolean }): Outcome => {
  if (json) for (const row of rows()) printJson(row);
  else if (markdown) process.stdout.write(keysPage());
  else printLines(table(rows().map((r) => [r.key, r.state, r.default, r.about])));
  return ok;
};

const heads: Readonly<Record<Row['state'], string>> = {
  read: '## Keys that have an effect',
  ignored:
    '## Keys that are accepted and have no effect\n\n' +
    'A server names them when it starts. They belong to the Java virtual machine, to threads, or to choices that are not open here.',
  missing:
    '## Keys that have no effect yet\n\n' +
    'A server names them when it starts, and does not start with those that decide who forms a quorum or that promise a protection.',
};

/** docs/configuration.md. */
export const keysPage = (): string => {
  const sections = (['read', 'ignored', 'missing'] as const).flatMap((state) => {
    const own = rows().filter((r) => r.state === state);
    if (own.length === 0) return [];
    const [what] = state === 'ignored' ? ['why'] : ['what it does'];
    return [
      heads[state],
      [
        `| key | default | ${what} |`,
        '|---|---|---|',
        ...own.map((r) => `| \`${r.key}\` | ${r.default === '' ? '' : `\`${r.default}\``} | ${r.about} |`),
      ].join('\n'),
    ];
  });
  return `${[intro, ...sections].join('\n\n')}\n`;
};

const intro = `# zoo.cfg

Written by \`zabkeeper config keys --markdown\`; a test compares it with the code.

A server reads ZooKeeper's own \`zoo.cfg\`. What Apache takes as a property of the Java virtual machine, \`-Dzookeeper.X=value\`, is
the key \`X\` or \`zookeeper.X\` here. A key that nobody knows is an error with line, column and the key that was probably meant;
\`zabkeeper.allowUnknownKeys=true\` makes it a warning. \`zabkeeper config check zoo.cfg\` shows everything that is wrong or odd.`;
