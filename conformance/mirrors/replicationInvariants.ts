/**
 * The invariants of spec/MCReplication.tla once more, over states as TLC prints them: the harness checks that they flag
 * exactly the states that TLC flags, and uses them where TLC is not at hand (random runs, recorded ones).
 */
import type { TlaValue } from 'tla-checker-cli';
import type { Config } from '../../core/membershipRules.js';
import { isQuorumWhere } from '../../core/membershipRules.js';
import type { TlaState } from '../mirror.js';
import { remembered } from '../remembered.js';

type Zxid = readonly [number, number];
type History = readonly Zxid[];
type Packet = { readonly type: string; readonly zxid: Zxid };
type Sync = {
  readonly mode: string;
  readonly stage: string;
  readonly pending: History;
  readonly commits: number;
  readonly snap: History;
};
type Learner = { readonly stage: string; readonly zxid: Zxid };

/** A state with its records opened; servers are 1..n, at index 0..n-1. */
export type Opened = {
  readonly phase: readonly string[];
  readonly leader: readonly number[];
  readonly acceptedEpoch: readonly number[];
  readonly currentEpoch: readonly number[];
  readonly epochFile: readonly Zxid[];
  readonly saving: readonly string[];
  readonly log: readonly History[];
  readonly synced: readonly number[];
  readonly base: readonly number[];
  readonly delivered: readonly History[];
  readonly newEpoch: readonly number[];
  readonly learners: readonly (readonly Learner[])[];
  readonly sync: readonly Sync[];
  readonly net: readonly (readonly (readonly Packet[])[])[];
  readonly order: History;
  readonly snapshots: readonly {
    readonly whole: readonly History[];
    readonly begun: readonly History[];
    readonly old: History;
  }[];
  readonly syncs: readonly (readonly { readonly origin: number; readonly after: Zxid }[])[];
  readonly behind: readonly string[];
};

const openValue = (v: TlaValue): unknown => {
  if (typeof v !== 'object') return v;
  if (Array.isArray(v)) return (v as readonly TlaValue[]).map(openValue);
  if ('record' in v) return Object.fromEntries(Object.entries(v.record).map(([k, x]) => [k, openValue(x)]));
  return v;
};

const openShared = remembered(openValue as (v: object) => unknown);

/** One value for each server; what stands there is shared by many states. */
const openRow = (v: TlaValue | undefined): readonly unknown[] =>
  (v as readonly TlaValue[]).map((x) => (typeof x === 'object' ? openShared(x) : x));

/** Zxids, histories and numbers are what they are already. */
const opened = (s: TlaState): Opened =>
  ({
    ...s,
    learners: openRow(s['learners']),
    sync: openRow(s['sync']),
    snapshots: s['snapshots'] === undefined ? [] : openRow(s['snapshots']),
    syncs: s['syncs'] === undefined ? [] : openRow(s['syncs']),
    behind: s['behind'] === undefined ? [] : (s['behind'] as { readonly set: readonly string[] }).set,
    net: (s['net'] as readonly TlaValue[]).map(openRow),
  }) as unknown as Opened;

/** All invariants are asked of one state before the next. */
let last: { readonly state: TlaState | null; readonly opened: Opened | null } = { state: null, opened: null };

const open = (s: TlaState): Opened => {
  if (last.state !== s || last.opened === null) last = { state: s, opened: opened(s) };
  return last.opened as Opened;
};

const below = (a: Zxid, b: Zxid): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
const same = (a: Zxid | undefined, b: Zxid | undefined): boolean =>
  a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
const isPrefix = (s: History, t: History): boolean => s.length <= t.length && s.every((z, n) => same(z, t[n]));
const increasing = (s: History): boolean => s.every((z, n) => n === 0 || below(s[n - 1] as Zxid, z));
const lastOf = (s: History): Zxid => s.at(-1) ?? [0, 0];
const serving = (s: Opened, i: number): boolean => s.phase[i] === 'BROADCAST';
const leading = (s: Opened, i: number): boolean => s.leader[i] === i + 1;
const servers = (s: Opened): readonly number[] => s.phase.map((_, i) => i);
const epochOf = (s: Opened, l: number): number => s.newEpoch[l] as number;
const at = <A>(list: readonly A[], i: number): A => list[i] as A;

/** What is read next on the connection from j to i has an action that takes it (spec `Expected`). */
const expected = (s: Opened, i: number, j: number, m: Packet): boolean => {
  const stage = at(at(s.learners, i), j).stage;
  const sync = at(s.sync, i);
  const following = s.leader[i] === j + 1;
  const synchronising = following && s.phase[i] === 'SYNCHRONIZATION';
  const delivered = at(s.delivered, i).length;
  switch (m.type) {
    case 'FOLLOWERINFO':
    case 'OBSERVERINFO':
      return leading(s, i);
    case 'ACKEPOCH':
      return leading(s, i) && stage === 'epoch';
    case 'ACK':
      return leading(s, i) && (stage === 'synced' || (stage === 'syncing' && same(m.zxid, [epochOf(s, i), 0])));
    case 'LEADERINFO':
      return following && s.phase[i] === 'DISCOVERY' && s.saving[i] === 'none';
    case 'DIFF':
    case 'SNAP':
      return synchronising && sync.mode === 'none';
    case 'TRUNC':
      return synchronising && sync.mode === 'none' && below(m.zxid, lastOf(at(s.log, i)));
    case 'NEWLEADER':
      return synchronising && sync.stage === 'packets';
    case 'UPTODATE':
      return synchronising && sync.stage === 'acked';
    case 'PROPOSAL':
      return following;
    case 'COMMIT':
      return (
        following && (serving(s, i) ? same(at(s.log, i)[delivered], m.zxid) : same(sync.pending[sync.commits], m.zxid))
      );
    case 'INFORM':
      return following && (serving(s, i) || sync.commits === sync.pending.length);
    case 'REQUEST':
      return leading(s, i) && serving(s, i);
    case 'SYNC':
      return following && serving(s, i);
    case 'EOF':
      return leading(s, i) || following;
    default:
      return false;
  }
};

const phases = ['DOWN', 'LOOKING', 'DISCOVERY', 'SYNCHRONIZATION', 'BROADCAST'];
const stages = ['none', 'info', 'epoch', 'waiting', 'ackepoch', 'syncing', 'synced'];
const types = ['FOLLOWERINFO', 'LEADERINFO', 'ACKEPOCH', 'DIFF', 'TRUNC', 'SNAP', 'NEWLEADER', 'UPTODATE'];
const packets = [...types, 'PROPOSAL', 'ACK', 'COMMIT', 'OBSERVERINFO', 'INFORM', 'REQUEST', 'SYNC', 'EOF'];

const checks: Readonly<Record<string, (s: Opened, config: Config) => boolean>> = {
  TypeOK: (s) =>
    servers(s).every((i) => {
      const { commits, pending, mode, stage } = at(s.sync, i);
      return (
        phases.includes(at(s.phase, i)) &&
        at(s.leader, i) >= 0 &&
        at(s.leader, i) <= s.phase.length &&
        at(s.acceptedEpoch, i) >= 0 &&
        at(s.currentEpoch, i) >= 0 &&
        ['none', 'accepted', 'current', 'snapshot'].includes(at(s.saving, i)) &&
        at(s.synced, i) <= at(s.log, i).length &&
        at(s.base, i) <= at(s.log, i).length &&
        at(s.newEpoch, i) >= 0 &&
        commits <= pending.length &&
        ['none', 'DIFF', 'SNAP'].includes(mode) &&
        ['packets', 'logging', 'acked'].includes(stage) &&
        at(s.learners, i).every((l) => stages.includes(l.stage)) &&
        at(s.net, i).every((q) => q.every((m) => packets.includes(m.type)))
      );
    }),
  Leadership: (s) => {
    const epochs = servers(s).flatMap((l) => (leading(s, l) && serving(s, l) ? [epochOf(s, l)] : []));
    return new Set(epochs).size === epochs.length;
  },
  PrefixConsistency: (s) => servers(s).every((i) => !serving(s, i) || isPrefix(at(s.delivered, i), s.order)),
  Agreement: (s) => {
    const histories = servers(s).flatMap((i) => (serving(s, i) ? [at(s.delivered, i)] : []));
    return histories.every((a) => histories.every((b) => isPrefix(a, b) || isPrefix(b, a)));
  },
  Integrity: (s) => servers(s).every((i) => !serving(s, i) || isPrefix(at(s.delivered, i), at(s.log, i))),
  TotalOrder: (s) => increasing(s.order) && s.delivered.every(increasing),
  LocalPrimaryOrder: (s) => s.order.every(([e, c], n) => c === 1 || (n > 0 && same(s.order[n - 1], [e, c - 1]))),
  GlobalPrimaryOrder: (s) => s.log.every(increasing),
  PrimaryIntegrity: (s) =>
    servers(s).every(
      (l) =>
        !(leading(s, l) && serving(s, l)) ||
        s.order.every((z, n) => z[0] >= epochOf(s, l) || same(at(s.delivered, l)[n], z)),
    ),
  LeaderLogCompleteness: (s) =>
    servers(s).every(
      (l) =>
        !(leading(s, l) && serving(s, l) && s.acceptedEpoch.every((e) => e <= epochOf(s, l))) ||
        isPrefix(s.order, at(s.log, l)),
    ),
  Durability: (s, config) =>
    isQuorumWhere(config, (v) => isPrefix(s.order, at(s.log, v - 1).slice(0, at(s.synced, v - 1)))),
  EpochsInOrder: (s) =>
    servers(s).every(
      (i) =>
        at(s.epochFile, i)[1] <= at(s.epochFile, i)[0] &&
        (s.phase[i] === 'DOWN' || at(s.currentEpoch, i) <= at(s.acceptedEpoch, i)),
    ),
  SnapshotsAreCommitted: (s) =>
    s.snapshots.every(({ whole, begun }) => [...whole, ...begun].every((h) => isPrefix(h, s.order))),
  RecoversLog: (s) =>
    s.snapshots.every(({ whole, old }, i) => {
      const newest = at(whole, whole.length - 1);
      const log = at(s.log, i);
      const found = [...newest, ...[...old, ...log].filter((z) => below(lastOf(newest), z))];
      return newest.length <= at(s.synced, i) && isPrefix(found, log) && found.length === log.length;
    }),
  SyncTypeOK: (s) =>
    s.syncs.every(
      (w, l) => (w.length === 0 || leading(s, l)) && w.every((x) => x.origin >= 1 && x.origin <= s.phase.length),
    ),
  SyncIsAsked: (s) => !s.behind.includes('unasked'),
  SyncReachesLeader: (s) => !s.behind.includes('led'),
  SyncIsFresh: (s) => !s.behind.includes('seen'),
  NothingUnexpected: (s) =>
    servers(s).every((i) =>
      servers(s).every((j) => {
        const m = at(at(s.net, j), i)[0];
        return m === undefined || expected(s, i, j, m);
      }),
    ),
};

/** The invariants, by name, where these quorums decide. */
export const invariantsOf = (config: Config): Readonly<Record<string, (state: TlaState) => boolean>> =>
  Object.fromEntries(
    Object.entries(checks).map(([name, check]) => [name, (state: TlaState) => check(open(state), config)]),
  );
