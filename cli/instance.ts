/**
 * A model made to measure: `check replication --servers 3 --txns 2 --crashes 1`. The row of models.json that a family
 * is based on gives everything but the numbers; all actions of the family's module may happen.
 */
import * as E from 'fp-ts/lib/Either.js';
import { constantValue } from '../conformance/mirror.js';
import type { Model, ModelAction } from '../conformance/models.js';
import type { Failure } from './failure.js';
import { fail } from './failure.js';
import { bare, bugsOf } from './modelFile.js';
import type { ModelFile } from './modelFile.js';

/** What may be measured; not every family has all. */
export const sizes = ['servers', 'observers', 'txns', 'crashes', 'cuts', 'elections'] as const;
export type Size = (typeof sizes)[number];
export type Sizes = Readonly<Partial<Record<Size, number>>>;

type Family = {
  /** The row that it starts from. */
  readonly base: string;
  /** Modules in whose rows its bugs are switched on, besides that of the base. */
  readonly bugsOf: readonly string[];
  readonly defaults: Sizes;
  /** Constants and domains for these sizes; actions that the sizes rule out are harmless. */
  readonly fit: (sizes: Required<Sizes>) => Pick<Model, 'constants' | 'domains'>;
  /** The sizes of a row of the family's module. */
  readonly sizesOf: (row: Model) => Sizes;
  /** By about how much one more of each multiplies the distinct states, where no run has shown it. */
  readonly growth: Sizes;
};

const upTo = (n: number): readonly number[] => Array.from({ length: n }, (_, k) => k + 1);
const set = (ids: readonly number[]): string => `{${ids.join(', ')}}`;

/** A constant that is a number; 0 where the row has none. */
const number = (row: Model, name: string): number => {
  const value = constantValue(row, name);
  return E.isRight(value) && typeof value.right === 'number' ? value.right : 0;
};

/** How many members a constant has that is a set. */
const members = (row: Model, name: string): number => {
  const value = constantValue(row, name);
  return E.isRight(value) && typeof value.right === 'object' && 'set' in value.right ? value.right.set.length : 0;
};

const families: Readonly<Record<string, Family>> = {
  replication: {
    base: 'ReplicationQuiet',
    bugsOf: ['MCBugs'],
    defaults: { servers: 3, observers: 0, txns: 1, crashes: 0, cuts: 0 },
    fit: ({ servers, observers, txns, crashes, cuts, elections }) => {
      const all = upTo(servers + observers);
      return {
        constants: {
          Server: set(all),
          Observer: set(all.slice(servers)),
          Txns: txns,
          Crashes: crashes,
          Cuts: cuts,
          Elections: elections,
        },
        domains: { Server: all, Kept: [0, ...upTo(txns)], Synced: upTo(txns + 1) },
      };
    },
    sizesOf: (row) => ({
      servers: members(row, 'Server') - members(row, 'Observer'),
      observers: members(row, 'Observer'),
      txns: number(row, 'Txns'),
      crashes: number(row, 'Crashes'),
      cuts: number(row, 'Cuts'),
      elections: number(row, 'Elections'),
    }),
    growth: { servers: 6, observers: 11, txns: 9, crashes: 12, cuts: 10, elections: 3 },
  },
  election: {
    base: 'ElectionOneRound',
    bugsOf: ['MCBugsElection'],
    defaults: { servers: 3, observers: 0, crashes: 0, cuts: 0, elections: 0 },
    fit: ({ servers, observers, crashes, cuts, elections }) => {
      const all = upTo(servers + observers);
      return {
        constants: {
          Voter: set(all.slice(0, servers)),
          Observer: set(all.slice(servers)),
          Epoch: `<<${upTo(servers)
            .map(() => 1)
            .join(', ')}>>`,
          LastZxid: `<<${upTo(servers)
            .map((i) => `<<1, ${i}>>`)
            .join(', ')}>>`,
          Reconnects: crashes + cuts > 0,
          MaxFlight: 1,
          Starts: elections,
          Crashes: crashes,
          Breaks: cuts,
        },
        domains: { Server: all },
      };
    },
    sizesOf: (row) => ({
      servers: members(row, 'Voter'),
      observers: members(row, 'Observer'),
      crashes: number(row, 'Crashes'),
      cuts: number(row, 'Breaks'),
      elections: number(row, 'Starts'),
    }),
    growth: { servers: 25, observers: 8, crashes: 8, cuts: 10, elections: 11 },
  },
  zab: {
    base: 'Zab',
    bugsOf: [],
    defaults: { servers: 3, txns: 1, elections: 2 },
    fit: ({ servers, txns, elections }) => ({
      constants: {
        Server: set(upTo(servers)),
        Epoch: set(upTo(elections).map((e) => e + 1)),
        Txns: txns,
        Watched: '{}',
      },
      domains: {},
    }),
    sizesOf: (row) => ({
      servers: members(row, 'Server'),
      txns: number(row, 'Txns'),
      elections: members(row, 'Epoch'),
    }),
    growth: { servers: 10, txns: 8, elections: 8 },
  },
};

export const familyNames = Object.keys(families);

export type Instance = {
  readonly model: Model;
  readonly family: string;
  readonly sizes: Sizes;
  /** About how many distinct states there are, and the run or row that says so; null: nothing is known. */
  readonly estimate: { readonly states: number; readonly from: string; readonly distinct: number } | null;
};

/** Left: a size that the family lacks or a number out of range. */
export const instanceOf = (
  file: ModelFile,
  name: string,
  asked: Sizes,
  bug: string | undefined,
): E.Either<Failure, Instance> => {
  const family = families[name];
  const base = file.models.get(family?.base ?? '');
  const usage = (message: string, hint: string): E.Either<Failure, never> =>
    fail({ code: 'Usage', exit: 2, message, hint });
  if (family === undefined || base === undefined)
    return usage(`${file.shown} has nothing to make ${name} from`, `families: ${familyNames.join(' ')}`);
  for (const [size, n] of Object.entries(asked) as [Size, number][]) {
    if (!(size in family.growth))
      return usage(`--${size}: ${name} has no such size`, `its sizes: ${Object.keys(family.growth).join(' ')}`);
    const least = size === 'servers' ? 1 : 0;
    if (!Number.isInteger(n) || n < least || n > 9) return usage(`--${size} must be a number from ${least} to 9`, '');
  }
  const known = knownBugs(file, [base.module, ...family.bugsOf]);
  if (bug !== undefined && !known.includes(bug))
    return usage(`${name} has no bug ${bug}`, `its bugs: ${known.join(' ') || 'none'}`);
  const given = { ...family.defaults, ...asked };
  const elections = given.elections ?? 1 + (given.crashes ?? 0) + (given.cuts ?? 0);
  const whole = { servers: 3, observers: 0, txns: 0, crashes: 0, cuts: 0, ...given, elections };
  const { constants, domains } = family.fit(whole);
  const used = Object.fromEntries(Object.entries(whole).filter(([size]) => size in family.growth)) as Sizes;
  const model: Model = {
    ...bare(base),
    name: [name, ...Object.entries(asked).map(([size, n]) => `${n}${size}`), ...(bug === undefined ? [] : [bug])].join(
      '-',
    ),
    constants: { ...base.constants, ...constants, ...(bug === undefined ? {} : { Bugs: `{"${bug}"}` }) },
    domains: { ...base.domains, ...domains },
    actions: base.next === undefined ? allActions(file, base, Object.keys({ ...base.domains, ...domains })) : {},
    result: 'ok',
  };
  return E.right({ model, family: name, sizes: used, estimate: estimateOf(file, family, base, used) });
};

/** The instance that has this name, as kept traces give it; null: no such name. */
export const instanceNamed = (file: ModelFile, name: string): Model | null => {
  const [family = '', ...rest] = name.split('-');
  const asked: Partial<Record<Size, number>> = {};
  while (rest[0] !== undefined) {
    const [, n, size] = /^(\d)([a-z]+)$/.exec(rest[0]) ?? [];
    const known = sizes.find((s) => s === size);
    if (known === undefined) break;
    asked[known] = Number(n);
    rest.shift();
  }
  const made = instanceOf(file, family, asked, rest.length === 0 ? undefined : rest.join('-'));
  return E.isLeft(made) ? null : made.right.model;
};

/** Those that some row of these modules switches on. */
const knownBugs = (file: ModelFile, modules: readonly string[]): readonly string[] => [
  ...new Set([...file.models.values()].filter((m) => modules.includes(m.module)).flatMap(bugsOf)),
];

/** Those of all rows of the module whose parameters the model has domains for. */
const allActions = (file: ModelFile, base: Model, domains: readonly string[]): Model['actions'] => {
  const found: Record<string, ModelAction> = {};
  for (const row of file.models.values())
    if (row.module === base.module)
      for (const [name, action] of Object.entries(row.actions))
        if (action.params.every((p) => domains.includes(p))) found[name] ??= action;
  return found;
};

/** From the row that is nearest, each step between the two multiplied by what it costs in general. */
const estimateOf = (file: ModelFile, family: Family, base: Model, wanted: Sizes): Instance['estimate'] => {
  let best: { states: number; from: string; distinct: number; distance: number } | null = null;
  for (const row of file.models.values()) {
    if (row.module !== base.module || row.result !== 'ok' || row.distinct === undefined) continue;
    const has = family.sizesOf(row);
    let states = row.distinct;
    let distance = 0;
    for (const [size, factor] of Object.entries(family.growth) as [Size, number][]) {
      const more = (wanted[size] ?? 0) - (has[size] ?? 0);
      states *= factor ** more;
      distance += Math.abs(more) * Math.log(factor);
    }
    if (best === null || distance < best.distance)
      best = { states: Math.max(1, Math.round(states)), from: row.name, distinct: row.distinct, distance };
  }
  return best === null ? null : { states: best.states, from: best.from, distinct: best.distinct };
};
