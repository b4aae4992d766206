/** Histories whose every transaction can be told apart: transaction `id` creates the node /n-<id>. */
import type { Zxid } from '../../../core/data/zxid.js';
import type { Snapshot, SnapshotNode } from '../../../core/service/snapshot.js';
import { noSession } from '../../../core/service/txn.js';
import type { Txn } from '../../../core/service/txn.js';

export type Entry = { readonly zxid: Zxid; readonly id: number };

export const z = (epoch: number, counter: number): Zxid => ({ epoch, counter });

export const txnOf = ({ zxid, id }: Entry): Txn => ({
  session: noSession,
  cxid: id,
  zxid,
  timeMs: 1_700_000_000_000 + id,
  record: { type: 'create', path: `/n-${id}`, data: null, acl: [], ephemeral: false, parentCVersion: id },
  digest: null,
});

/** Entries (epoch, from) to (epoch, to), numbered from `id`. */
export const entries = (epoch: number, from: number, to: number, id = from): readonly Entry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ zxid: z(epoch, from + i), id: id + i }));

const node = (path: string): SnapshotNode => ({
  path,
  data: null,
  acl: null,
  czxid: z(0, 0),
  mzxid: z(0, 0),
  ctimeMs: 0,
  mtimeMs: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  owner: noSession,
  pzxid: z(0, 0),
});

/** The state after the entries. */
export const snapshotOf = (history: readonly Entry[]): Snapshot => ({
  sessions: [],
  nodes: [node(''), ...history.map((e) => node(`/n-${e.id}`))],
});

const idOf = (path: string): number => Number(path.slice('/n-'.length));

/** The ids of everything that a server has recovered, oldest first. */
export const idsOf = (snapshot: Snapshot | undefined, log: readonly Txn[]): readonly number[] => [
  ...[...(snapshot?.nodes ?? [])].filter((n) => n.path !== '').map((n) => idOf(n.path)),
  ...log.map((t) => (t.record.type === 'create' ? idOf(t.record.path) : NaN)),
];
