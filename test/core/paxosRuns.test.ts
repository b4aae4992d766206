/** Runs of seven processes, larger than the models: unequal acceptors, many ballots, crashes, messages in any order. */
import test from 'ava';
import fc from 'fast-check';
import { noPaxosFiles, ownerOf, paxosEventOf, paxosStep, startPaxos } from '../../core/paxos.js';
import type { PaxosConfig, PaxosEvent, PaxosFiles, PaxosMessage, PaxosState } from '../../core/paxos.js';
import { isQuorumOf, quorumsMeet, weighted } from '../../core/paxosQuorum.js';
import type { ProcessId, Quorums } from '../../core/paxosQuorum.js';

const ids: readonly ProcessId[] = [1, 2, 3, 4, 5, 6, 7];
const weights = [1, 2, 3, 4, 5].map((acceptor) => ({ acceptor, weight: acceptor === 1 ? 2 : 1 }));

const configOf = (quorums: Quorums): PaxosConfig => ({
  acceptors: [1, 2, 3, 4, 5],
  learners: [4, 7],
  proposers: [1, 2, 6],
  quorums,
});

const sound = configOf(weighted(weights));
/** Half of the weight promises and a third votes: they may miss each other. */
const unsound = configOf(weighted(weights, 3, 2));

type Letter = { readonly from: ProcessId; readonly to: ProcessId; readonly message: PaxosMessage };
type Disk = { kept: PaxosFiles; asked: { readonly files: PaxosFiles; readonly answer: PaxosEvent } | null };
type Cluster = {
  readonly config: PaxosConfig;
  readonly processes: Map<ProcessId, PaxosState>;
  readonly disks: Map<ProcessId, Disk>;
  /** As they were sent. */
  readonly letters: Letter[];
  readonly proposed: Set<string>;
  readonly learned: Set<string>;
};

const freshCluster = (config: PaxosConfig): Cluster => ({
  config,
  processes: new Map(ids.map((id) => [id, startPaxos(id, config)])),
  disks: new Map(ids.map((id) => [id, { kept: noPaxosFiles, asked: null }])),
  letters: [],
  proposed: new Set(),
  learned: new Set(),
});

const stateOf = (c: Cluster, id: ProcessId): PaxosState => c.processes.get(id) as PaxosState;
const diskOf = (c: Cluster, id: ProcessId): Disk => c.disks.get(id) as Disk;

const take = (c: Cluster, id: ProcessId, event: PaxosEvent): void => {
  const step = paxosStep(stateOf(c, id), event);
  if ('refused' in step) return;
  c.processes.set(id, step.state);
  const disk = diskOf(c, id);
  for (const effect of step.effects) {
    switch (effect.type) {
      case 'Send':
        for (const to of effect.to) c.letters.push({ from: id, to, message: effect.message });
        break;
      case 'SaveBallot':
        disk.asked = { files: { ...disk.kept, ballot: effect.ballot }, answer: { type: 'BallotSaved' } };
        break;
      case 'SavePromise':
        disk.asked = { files: { ...disk.kept, promised: effect.ballot }, answer: { type: 'PromiseSaved' } };
        break;
      case 'SaveVote': {
        const { vote } = effect;
        disk.asked = { files: { ...disk.kept, promised: vote.ballot, vote }, answer: { type: 'VoteSaved' } };
        break;
      }
      case 'Learned':
        c.learned.add(effect.value);
        break;
    }
  }
};

const crash = (c: Cluster, id: ProcessId, kept: boolean): void => {
  const disk = diskOf(c, id);
  if (kept && disk.asked !== null) disk.kept = disk.asked.files;
  disk.asked = null;
  c.processes.set(id, startPaxos(id, c.config, disk.kept));
};

/** One thing that happens: most often a disk answers or a message arrives, sometimes a late one. */
type Chance = { readonly what: number; readonly who: number; readonly which: number };

const happen = (c: Cluster, { what, who, which }: Chance): void => {
  const id = ids[who % ids.length] as ProcessId;
  if (what < 3) {
    const owner = stateOf(c, [1, 2, 6][who % 3] as ProcessId);
    const ballot = [1, 2, 3].map((n) => owner.files.ballot + n).find((b) => ownerOf(c.config, b) === owner.self) ?? 0;
    const value = `from ${owner.self}`;
    c.proposed.add(value);
    take(c, owner.self, { type: 'Prepare', ballot, value });
  } else if (what === 3) crash(c, id, which % 2 === 0);
  else {
    const asking = ids.filter((p) => diskOf(c, p).asked !== null);
    if (what < 50 && asking.length > 0) {
      const busy = asking[who % asking.length] as ProcessId;
      const disk = diskOf(c, busy);
      const { files, answer } = disk.asked as NonNullable<Disk['asked']>;
      disk.kept = files;
      disk.asked = null;
      take(c, busy, answer);
    } else if (c.letters.length > 0) {
      const recent = Math.min(c.letters.length, what < 90 ? 12 : c.letters.length);
      const letter = c.letters[c.letters.length - 1 - (which % recent)] as Letter;
      take(c, letter.to, paxosEventOf(letter.from, letter.message));
    }
  }
};

const runOf = (config: PaxosConfig, chances: readonly Chance[]): Cluster => {
  const c = freshCluster(config);
  for (const chance of chances) happen(c, chance);
  return c;
};

const anyChances = fc.array(
  fc.record({ what: fc.nat({ max: 99 }), who: fc.nat({ max: 41 }), which: fc.nat({ max: 9999 }) }),
  { minLength: 100, maxLength: 400, size: 'max' },
);

const votesOf = (
  c: Cluster,
): readonly { readonly from: ProcessId; readonly ballot: number; readonly value: string }[] =>
  c.letters.flatMap(({ from, message: m }) => (m.type === '2b' ? [{ from, ballot: m.ballot, value: m.value }] : []));

/** Values for which a quorum has voted in one ballot. */
const chosenOf = (c: Cluster): ReadonlySet<string> => {
  const votes = votesOf(c);
  return new Set(
    votes
      .filter((v) => {
        const same = votes.filter((w) => w.ballot === v.ballot && w.value === v.value).map((w) => w.from);
        return isQuorumOf(c.config.quorums.votes, [...new Set(same)]);
      })
      .map((v) => v.value),
  );
};

const fault = (c: Cluster): string | null => {
  const chosen = chosenOf(c);
  if (chosen.size > 1) return 'OneValue';
  if ([...c.learned].some((v) => !chosen.has(v))) return 'LearnedIsChosen';
  if ([...chosen].some((v) => !c.proposed.has(v))) return 'ChosenWasProposed';
  const values = new Map<number, string>();
  for (const { ballot, value } of votesOf(c)) {
    if ((values.get(ballot) ?? value) !== value) return 'OneVotePerBallot';
    values.set(ballot, value);
  }
  return null;
};

test('OneValue, OneVotePerBallot, LearnedIsChosen: they hold in long runs with crashes', (t) => {
  let learned = 0;
  let ballots = 0;
  fc.assert(
    fc.property(anyChances, (chances) => {
      const c = runOf(sound, chances);
      if (c.learned.size > 0) learned++;
      ballots += new Set(votesOf(c).map((v) => v.ballot)).size;
      return fault(c) === null;
    }),
    { numRuns: 300 },
  );
  t.true(quorumsMeet(sound.quorums));
  t.true(learned > 30, `${learned} runs in which a value was learned`);
  t.true(ballots > 300, `${ballots} ballots with votes`);
});

test('OneValue, OneVotePerBallot, LearnedIsChosen: quorums that do not meet are found out', (t) => {
  t.false(quorumsMeet(unsound.quorums));
  const { failed } = fc.check(
    fc.property(anyChances, (chances) => fault(runOf(unsound, chances)) !== 'OneValue'),
    { numRuns: 2000, seed: 1 },
  );
  t.true(failed);
});
