/**
 * The mirror of spec/MCElectionLiveness.tla, along a run that never ends. Starts, giving up and resending cost no budget
 * there, and rounds are shown relative to the lowest: those of the core go on growing.
 */
import { isArray } from 'tla-checker-cli';
import type { TlaState, TlaValue } from 'tla-checker-cli';
import type { MakeMirror, Mirror } from '../mirror.js';
import { mirrorMaker } from '../mirror.js';
import type { ElectionWorld } from './election.js';
import { initOf, mirrorOf } from './election.js';
import { readSetting } from './electionSetting.js';

type Rebased = {
  readonly inner: ElectionWorld;
  /** By how much the rounds shown are lower than the core's. */
  readonly by: number;
};

export const electionLivenessMirror: MakeMirror = mirrorMaker(
  readSetting,
  (setting, init) => initOf(setting, init),
  (setting, init) => rebasing(mirrorOf(setting, init)),
);

const rebasing = (election: Mirror<ElectionWorld>): Mirror<Rebased> => {
  const view = ({ inner, by }: Rebased): TlaState => lowered(election.view(inner), by);
  return {
    init: election.init.map((inner) => ({ inner, by: 0 })),
    step: (w, action, args) => {
      if (action === 'Rebase') return { inner: w.inner, by: w.by + Math.min(...roundsIn(view(w))) - 1 };
      const taken = action === 'GiveUp' ? 'StartElection' : action;
      const { budget } = w.inner.world;
      const next = election.step(withBudget(w.inner, { ...budget, starts: 1, resends: 1 }), taken, args);
      if (next === null) return null;
      const { starts, resends } = budget;
      return { inner: withBudget(next, { ...next.world.budget, starts, resends }), by: w.by };
    },
    view,
    key: ({ inner, by }) => ({ ...(election.key(inner) as object), by }),
    shown: { ...election.shown, by: 'round' },
    ...(election.hidden === undefined ? {} : { hidden: election.hidden }),
  };
};

const withBudget = ({ servers, world }: ElectionWorld, budget: ElectionWorld['world']['budget']): ElectionWorld => ({
  servers,
  world: { ...world, budget },
});

/** The rounds of all servers and notifications but 0, that of a server that has not started. */
const roundsIn = (state: TlaState): readonly number[] =>
  Object.entries(state)
    .flatMap(([name, value]) => (name === 'round' ? numbersIn(value) : notedRounds(value)))
    .filter((n) => n > 0);

const numbersIn = (v: TlaValue): readonly number[] => {
  if (typeof v === 'number') return [v];
  return typeof v === 'object' && 'fcn' in v ? v.fcn.flatMap(([, w]) => numbersIn(w)) : [];
};

const notedRounds = (v: TlaValue): readonly number[] => {
  if (typeof v !== 'object') return [];
  if (isArray(v)) return v.flatMap(notedRounds);
  if ('fcn' in v) return v.fcn.flatMap(([, w]) => notedRounds(w));
  return 'record' in v && typeof v.record['round'] === 'number' ? [v.record['round']] : [];
};

const lowered = (state: TlaState, by: number): TlaState =>
  Object.fromEntries(
    Object.entries(state).map(([name, value]) => [
      name,
      name === 'round' ? loweredNumbers(value, by) : loweredNotes(value, by),
    ]),
  );

const loweredNumbers = (v: TlaValue, by: number): TlaValue => {
  if (typeof v === 'number') return v === 0 ? 0 : v - by;
  return typeof v === 'object' && 'fcn' in v ? { fcn: v.fcn.map(([i, w]) => [i, loweredNumbers(w, by)]) } : v;
};

const loweredNotes = (v: TlaValue, by: number): TlaValue => {
  if (typeof v !== 'object') return v;
  if (isArray(v)) return v.map((w) => loweredNotes(w, by));
  if ('fcn' in v) return { fcn: v.fcn.map(([i, w]) => [i, loweredNotes(w, by)]) };
  if (!('record' in v) || typeof v.record['round'] !== 'number') return v;
  return { record: { ...v.record, round: v.record['round'] - by } };
};
