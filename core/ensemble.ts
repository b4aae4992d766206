/**
 * The configurations that a server goes by: the active one, the last one seen, and which of them decide on what is
 * outstanding. Rules are those of core/membershipRules.ts; how it changes is compared in core/membership.ts, whose
 * entries are whole transactions here. A static ensemble has one configuration for good.
 */
import type { Configuration } from './configuration.js';
import { readConfiguration } from './configuration.js';
import type { ServerId } from './data/quorum.js';
import { compareZxid, zeroZxid } from './data/zxid.js';
import type { Zxid } from './data/zxid.js';
import { deciding, mayActivate, newest, retires } from './membershipRules.js';
import type { Txn } from './service/txn.js';

/** From the transaction `from` on, these configurations' quorums are needed. */
type Need = { readonly from: Zxid; readonly configs: readonly Configuration[] };

export type Ensemble = {
  readonly active: Configuration;
  readonly lastSeen: Configuration;
  /** The active one, and the last seen one while it is newer. */
  readonly deciding: readonly Configuration[];
  /** Whether configurations change (reconfigEnabled); if not, whatever others say of theirs is nothing (ZOOKEEPER-3829). */
  readonly dynamic: boolean;
  /** A leader's: what its outstanding proposals need where that is not what decides now. Ascending. */
  readonly needs: readonly Need[];
  /** A leader that does not vote in the active configuration. */
  readonly retired: boolean;
  /** Whom the last leader has named as the next one. */
  readonly designated: ServerId | null;
};

/** At start, from the files of the configuration and what the history tells of later ones. */
export const startEnsemble = (active: Configuration, dynamic: boolean, seen: readonly Configuration[]): Ensemble => {
  const lastSeen = dynamic ? seen.reduce((a, b) => newest(a, b), active) : active;
  return made(active, lastSeen, dynamic, [], false, null);
};

/** An ensemble whose configuration never changes. */
export const staticEnsemble = (active: Configuration): Ensemble => startEnsemble(active, false, []);

const made = (
  active: Configuration,
  lastSeen: Configuration,
  dynamic: boolean,
  needs: readonly Need[],
  retired: boolean,
  designated: ServerId | null,
): Ensemble => ({ active, lastSeen, deciding: deciding(active, lastSeen), dynamic, needs, retired, designated });

/** The configuration that a transaction makes; null: it is no reconfig. */
export const configurationIn = ({ record }: Txn): Configuration | null => {
  if (record.type !== 'reconfig' || record.data === null) return null;
  return readConfiguration(textOf(record.data));
};

const textOf = (data: Uint8Array): string => {
  let text = '';
  for (const byte of data) text += String.fromCharCode(byte);
  return text;
};

/** The configuration text in the data of a znode; null when there is none that can be read. */
export const configurationAt = (data: Uint8Array | null): Configuration | null =>
  data === null || data.length === 0 ? null : readConfiguration(textOf(data));

/** A configuration is seen from here on, though it may be cut off yet (spec `HandleProposal`). */
export const seen = (e: Ensemble, next: Configuration): Ensemble =>
  !e.dynamic || !mayActivate(e.lastSeen, next) ? e : made(e.active, next, true, e.needs, e.retired, e.designated);

/** Transactions are logged: a reconfig among them is seen. */
export const sawAll = (e: Ensemble, txns: readonly Txn[]): Ensemble => {
  let next = e;
  for (const txn of txns) {
    const configuration = e.dynamic ? configurationIn(txn) : null;
    if (configuration !== null) next = seen(next, configuration);
  }
  return next;
};

/** A history is taken over with a configuration: what was seen before does not count (spec `HandleNewLeader`). */
export const takenOver = (e: Ensemble, config: Configuration | null, history: readonly Txn[]): Ensemble => {
  if (!e.dynamic) return e;
  const lastSeen = config === null ? e.active : newest(e.active, config);
  return sawAll(made(e.active, lastSeen, true, [], false, e.designated), history);
};

/** A leader proposes: the transaction needs what decides now, the reconfig itself included (spec `Proposed`). */
export const proposed = (e: Ensemble, txn: Txn): Ensemble => {
  const configuration = e.dynamic ? configurationIn(txn) : null;
  if (configuration === null && e.needs.length === 0) return e;
  const before = e.needs.length === 0 ? [{ from: zeroZxid, configs: e.deciding }] : e.needs;
  const next = configuration === null ? e : seen(e, configuration);
  if (before.at(-1)?.configs === next.deciding) return next;
  return withNeeds(next, [...before, { from: txn.zxid, configs: next.deciding }]);
};

const withNeeds = (e: Ensemble, needs: readonly Need[]): Ensemble => ({
  active: e.active,
  lastSeen: e.lastSeen,
  deciding: e.deciding,
  dynamic: e.dynamic,
  needs,
  retired: e.retired,
  designated: e.designated,
});

/** The configurations whose quorums a transaction needs. */
export const needsOf = (e: Ensemble, zxid: Zxid): readonly Configuration[] => {
  for (let i = e.needs.length - 1; i >= 0; i--) {
    const need = e.needs[i] as Need;
    if (compareZxid(need.from, zxid) <= 0) return need.configs;
  }
  return e.deciding;
};

/** Everything up to `zxid` is committed: what it needed is forgotten. */
export const settled = (e: Ensemble, zxid: Zxid): Ensemble => {
  let { needs } = e;
  while (needs.length > 1 && compareZxid((needs[1] as Need).from, zxid) <= 0) needs = needs.slice(1);
  if (needs.length === 1 && needs[0]?.configs === e.deciding) needs = [];
  return needs === e.needs ? e : withNeeds(e, needs);
};

/** A committed configuration becomes active; only ever a newer one does. */
export const activated = (e: Ensemble, committed: Configuration): Ensemble =>
  !e.dynamic || !mayActivate(e.active, committed)
    ? e
    : made(committed, newest(e.lastSeen, committed), true, e.needs, e.retired, e.designated);

/** Transactions are applied: a reconfig among them is active. */
export const activatedAll = (e: Ensemble, txns: readonly Txn[]): Ensemble => {
  let next = e;
  for (const txn of txns) {
    const configuration = e.dynamic ? configurationIn(txn) : null;
    if (configuration !== null) next = activated(next, configuration);
  }
  return next;
};

/** A leader has activated: it may commit no more where it has lost its vote. */
export const judged = (e: Ensemble, leader: ServerId): Ensemble =>
  ended(e, e.needs, retires(leader, e.active), e.designated);

/** The role ends; `designated` is whom its leader has named. */
export const leftWith = (e: Ensemble, designated: ServerId | null): Ensemble =>
  ended(e, e.needs.length === 0 ? e.needs : [], false, designated);

const ended = (e: Ensemble, needs: readonly Need[], retired: boolean, designated: ServerId | null): Ensemble =>
  needs === e.needs && retired === e.retired && designated === e.designated
    ? e
    : {
        active: e.active,
        lastSeen: e.lastSeen,
        deciding: e.deciding,
        dynamic: e.dynamic,
        needs,
        retired,
        designated,
      };
