/** The constants of a model of spec/MCService.tla, read from its entry in spec/models. */
import type * as E from 'fp-ts/lib/Either.js';
import { isArray } from 'tla-checker-cli';
import type { TlaValue } from 'tla-checker-cli';
import type { ServerId } from '../../core/data/quorum.js';
import { openAcl } from '../../core/service/acl.js';
import type { SessionId, Txn, TxnRecord } from '../../core/service/txn.js';
import { readConstants } from '../mirror.js';
import type { Model } from '../models.js';
import type { Asked, Limits } from '../world/clients.js';

/** All lists are by index: client c is the spec's c + 1, connection k its k + 1, path p its p + 1. */
export type Setting = {
  readonly servers: readonly ServerId[];
  readonly leader: ServerId;
  readonly clients: number;
  /** Owner of each connection. */
  readonly owners: readonly number[];
  readonly sessions: readonly SessionId[];
  readonly paths: readonly string[];
  /** In ticks. */
  readonly timeout: number;
  /** Transactions before the model begins. */
  readonly history: readonly Txn[];
  readonly known: readonly SessionId[];
  readonly home: readonly ServerId[];
  readonly allowed: readonly (readonly ServerId[])[];
  readonly program: readonly (readonly Asked[])[];
  readonly limits: Limits;
  readonly cuts: number;
  readonly ticks: number;
};

/** Milliseconds. */
export const tickMs = 1000;

export const sessionId = (n: number): SessionId => n.toString(16).padStart(16, '0');

export const zxidOf = (counter: number): { readonly epoch: number; readonly counter: number } => ({
  epoch: 1,
  counter,
});

/** Names in the order of the paths' numbers: 1 is /a, 2 below 1 is /a/b, 3 below the root /c. */
const pathNames = (parents: readonly number[]): readonly string[] => {
  const names: string[] = [];
  for (const [n, parent] of parents.entries())
    names.push(`${parent === 0 ? '' : (names[parent - 1] ?? '')}/${String.fromCharCode(0x61 + n)}`);
  return names;
};

type Fields = Readonly<Record<string, TlaValue>>;

const numbers = (v: TlaValue): readonly number[] | null =>
  isArray(v) && v.every((n) => typeof n === 'number') ? (v as readonly number[]) : null;

const members = (v: TlaValue): readonly number[] | null => {
  const set = typeof v === 'object' && 'set' in v ? (v.set as readonly TlaValue[]) : null;
  return set !== null && set.every((n) => typeof n === 'number')
    ? [...(set as readonly number[])].sort((a, b) => a - b)
    : null;
};

const records = (v: TlaValue): readonly Fields[] | null =>
  isArray(v) && v.every((r) => typeof r === 'object' && 'record' in r)
    ? (v as readonly { readonly record: Fields }[]).map((r) => r.record)
    : null;

/** Left lists the constants that are missing or have no such value. */
export const readSetting = (model: Model): E.Either<string, Setting> => {
  const { value, count, result } = readConstants(model);
  const list = (name: string): readonly number[] => value(name, numbers, []);
  const set = (name: string): readonly number[] => value(name, members, []);
  const lists = <A>(name: string, read: (v: TlaValue) => A | null): readonly A[] =>
    value(
      name,
      (v) => {
        const all = isArray(v) ? v.map(read) : [null];
        return all.includes(null) ? null : (all as readonly A[]);
      },
      [],
    );
  const paths = pathNames(list('Parent'));
  const asked = (r: Fields): Asked => ({
    op: String(r['op']),
    path: paths[Number(r['path']) - 1] ?? '/',
    flag: r['flag'] === true,
  });
  const setting: Setting = {
    servers: set('Server'),
    leader: count('Leader'),
    clients: set('Client').length,
    owners: list('ClientOf').map((c) => c - 1),
    sessions: set('Session').map(sessionId),
    paths,
    timeout: count('Timeout'),
    history: value('History', records, []).map((r, n) => txnOf(paths, r, n + 1)),
    known: list('Known').map(sessionId),
    home: list('Home'),
    allowed: lists('Allowed', members),
    program: lists('Program', (v) => records(v)?.map(asked) ?? null),
    limits: {
      maxWaits: count('MaxWaits'),
      eager: value('Eager', (v) => (typeof v === 'boolean' ? v : null), false),
    },
    cuts: count('Cuts'),
    ticks: count('Ticks'),
  };
  return result(setting);
};

/** Histories create sessions and znodes; nothing else stands in them. */
const txnOf = (paths: readonly string[], r: Fields, counter: number): Txn => ({
  session: sessionId(Number(r['session'])),
  cxid: Number(r['cxid']),
  zxid: zxidOf(counter),
  timeMs: 0,
  record: recordOf(paths, r),
  digest: null,
});

const recordOf = (paths: readonly string[], r: Fields): TxnRecord => {
  if (r['type'] === 'createSession') return { type: 'createSession', timeoutMs: 0 };
  const path = paths[Number(r['path']) - 1] ?? '/';
  return { type: 'create', path, data: null, acl: openAcl, ephemeral: r['flag'] === true, parentCVersion: -1 };
};
