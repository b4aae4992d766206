/** Invariants of spec/MCPaxos.tla, on the spec's states: not on the core's, which may be wrong. */
import type { TlaState, TlaValue } from 'tla-checker-cli';
import { isArray } from 'tla-checker-cli';
import type { PaxosSetting } from './paxosSetting.js';

type Ballots = { readonly from: number; readonly ballot: number; readonly value: number };

/** What acceptors have said of their votes. */
const votesOf = (state: TlaState): readonly Ballots[] => {
  const sent = state['sent'];
  if (typeof sent !== 'object' || !('set' in sent)) return [];
  return sent.set.flatMap((m) => {
    if (typeof m !== 'object' || !('record' in m) || m.record['type'] !== '2b') return [];
    return [m.record as unknown as Ballots];
  });
};

const chosenIn = ({ voteQuorums }: PaxosSetting, state: TlaState): ReadonlySet<number> => {
  const votes = votesOf(state);
  const has = (a: number, v: Ballots): boolean =>
    votes.some((w) => w.from === a && w.ballot === v.ballot && w.value === v.value);
  return new Set(votes.filter((v) => voteQuorums.some((q) => q.every((a) => has(a, v)))).map((v) => v.value));
};

const valuesOf = (f: TlaValue | undefined): readonly TlaValue[] => {
  if (typeof f !== 'object') return [];
  return isArray(f) ? f : 'fcn' in f ? f.fcn.map(([, v]) => v) : [];
};

export const paxosInvariants = (setting: PaxosSetting): Readonly<Record<string, (state: TlaState) => boolean>> => ({
  OneValue: (state) => chosenIn(setting, state).size <= 1,
  OneVotePerBallot: (state) => {
    const values = new Map<number, number>();
    return votesOf(state).every(({ ballot, value }) => {
      const known = values.get(ballot) ?? value;
      values.set(ballot, known);
      return known === value;
    });
  },
  LearnedIsChosen: (state) => {
    const chosen = chosenIn(setting, state);
    return valuesOf(state['learned']).every((v) => v === 0 || chosen.has(v as number));
  },
});
