/**
 * Quorums of single-decree Paxos: any two of different phases must share an acceptor, two of one phase need not.
 * Constants Quorum1 and Quorum2 of spec/Paxos.tla.
 */

export type ProcessId = number;

/** Which sets of acceptors suffice: those that weigh enough together, or those that contain one of these sets. */
export type Quorum =
  | { readonly type: 'weights'; readonly weights: readonly Weight[]; readonly atLeast: number }
  | { readonly type: 'sets'; readonly sets: readonly (readonly ProcessId[])[] };

/** What the word of one acceptor weighs, at least 0. */
export type Weight = { readonly acceptor: ProcessId; readonly weight: number };

/** `promises` lets a ballot ask for votes, `votes` chooses. */
export type Quorums = { readonly promises: Quorum; readonly votes: Quorum };

/** More than half of the acceptors, in both phases. */
export const majority = (acceptors: readonly ProcessId[]): Quorums =>
  weighted(acceptors.map((acceptor) => ({ acceptor, weight: 1 })));

/**
 * More than half of all weight in both phases, or the thresholds given.
 * @param promises least weight of a quorum of promises
 * @param votes    least weight of a quorum of votes; any two meet when both add up to more than the whole
 */
export const weighted = (weights: readonly Weight[], promises?: number, votes?: number): Quorums => {
  const half = Math.floor(weightOf(weights) / 2) + 1;
  return {
    promises: { type: 'weights', weights, atLeast: promises ?? half },
    votes: { type: 'weights', weights, atLeast: votes ?? half },
  };
};

/** Acceptors in rows of one length: a whole row promises, a whole column votes. */
export const grid = (rows: readonly (readonly ProcessId[])[]): Quorums => {
  const columns = (rows[0] ?? []).map((_, k) => rows.flatMap((row) => row[k] ?? []));
  return { promises: { type: 'sets', sets: rows }, votes: { type: 'sets', sets: columns } };
};

/** @param ids distinct acceptors */
export const isQuorumOf = (quorum: Quorum, ids: readonly ProcessId[]): boolean =>
  quorum.type === 'weights'
    ? weightOf(quorum.weights.filter((w) => ids.includes(w.acceptor))) >= quorum.atLeast
    : quorum.sets.some((set) => set.every((id) => ids.includes(id)));

/**
 * Whether every quorum of promises meets every quorum of votes (spec `QuorumAssumption`), without which two values may
 * be chosen. Weights may meet for want of a set that weighs just so; this is not looked for, and false.
 */
export const quorumsMeet = ({ promises, votes }: Quorums): boolean => {
  if (promises.type === 'sets') return promises.sets.every((set) => blocks(set, votes));
  if (votes.type === 'sets') return votes.sets.every((set) => blocks(set, promises));
  const heaviest = promises.weights.map((w) => Math.max(w.weight, weightFor(votes.weights, w.acceptor)));
  const others = votes.weights.filter((w) => !promises.weights.some((p) => p.acceptor === w.acceptor));
  return promises.atLeast + votes.atLeast > heaviest.reduce((sum, w) => sum + w, weightOf(others));
};

/** No quorum is made of acceptors outside of the set. */
const blocks = (set: readonly ProcessId[], quorum: Quorum): boolean =>
  quorum.type === 'sets'
    ? quorum.sets.every((other) => other.some((id) => set.includes(id)))
    : weightOf(quorum.weights.filter((w) => !set.includes(w.acceptor))) < quorum.atLeast;

const weightOf = (weights: readonly Weight[]): number => weights.reduce((sum, w) => sum + w.weight, 0);

const weightFor = (weights: readonly Weight[], id: ProcessId): number =>
  weightOf(weights.filter((w) => w.acceptor === id));
