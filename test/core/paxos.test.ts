import test from 'ava';
import {
  ballotSaved,
  handle1a,
  handle1b,
  handle2a,
  handle2b,
  noPaxosFiles,
  ownerOf,
  paxosEventOf,
  paxosStep,
  prepare,
  promiseSaved,
  startPaxos,
  voteSaved,
} from '../../core/paxos.js';
import type {
  PaxosConfig,
  PaxosEffect,
  PaxosEvent,
  PaxosFiles,
  PaxosMessage,
  PaxosState,
  PaxosStep,
} from '../../core/paxos.js';
import type { ProcessId } from '../../core/paxosQuorum.js';
import { majority } from '../../core/paxosQuorum.js';
import { unchanged } from '../../core/step.js';

const acceptors = [1, 2, 3];
/** Processes 1 and 2 propose, 1 to 3 accept, 3 and 4 learn. */
const config: PaxosConfig = { acceptors, learners: [3, 4], proposers: [1, 2], quorums: majority(acceptors) };

const files = (changed: Partial<PaxosFiles>): PaxosFiles => ({ ...noPaxosFiles, ...changed });
const vote = (ballot: number, value: string) => ({ ballot, value });

const started = (self: ProcessId, changed: Partial<PaxosFiles> = {}): PaxosState =>
  startPaxos(self, config, files(changed));

const taken = (step: PaxosStep): { readonly state: PaxosState; readonly effects: readonly PaxosEffect[] } => {
  if ('refused' in step) throw new Error(`refused by ${step.refused}`);
  return step;
};

const after = (state: PaxosState, ...events: readonly PaxosEvent[]): PaxosState =>
  events.reduce((s, event) => taken(paxosStep(s, event)).state, state);

const sent = (to: readonly ProcessId[], message: PaxosMessage): readonly PaxosEffect[] => [
  { type: 'Send', to, message },
];

/** Process 2 in the middle of its ballot 2. */
const trying = after(started(2), { type: 'Prepare', ballot: 2, value: 'b' }, { type: 'BallotSaved' });

test('Paxos: ballots are dealt out to the proposers in turn', (t) => {
  t.deepEqual(
    [1, 2, 3, 4].map((b) => ownerOf(config, b)),
    [1, 2, 1, 2],
  );
  t.is(ownerOf({ ...config, proposers: [] }, 1), undefined);
});

test('Paxos: a message is the event of its type', (t) => {
  const messages: readonly PaxosMessage[] = [
    { type: '1a', ballot: 1 },
    { type: '1b', ballot: 1, vote: null },
    { type: '2a', ballot: 1, value: 'a' },
    { type: '2b', ballot: 1, value: 'a' },
  ];
  t.deepEqual(
    messages.map((m) => paxosEventOf(3, m)),
    [
      { type: 'Handle1a', ballot: 1 },
      { type: 'Handle1b', from: 3, ballot: 1, vote: null },
      { type: 'Handle2a', ballot: 1, value: 'a' },
      { type: 'Handle2b', from: 3, ballot: 1, value: 'a' },
    ],
  );
});

test('Prepare: the ballot is saved, and nobody hears of it yet', (t) => {
  const { state, effects } = taken(prepare(started(1), 3, 'a'));
  t.deepEqual(state.asked, { file: 'ballot', ballot: 3, value: 'a' });
  t.deepEqual(state.files, noPaxosFiles);
  t.deepEqual(effects, [{ type: 'SaveBallot', ballot: 3 }]);
});

test('Prepare: a ballot that is not its own, was begun or has a lower number is refused', (t) => {
  t.deepEqual(prepare(started(1), 2, 'a'), { refused: 'Owns' });
  t.deepEqual(prepare(started(3), 3, 'a'), { refused: 'Owns' });
  t.deepEqual(prepare(started(1, { ballot: 3 }), 3, 'a'), { refused: 'Higher' });
  t.deepEqual(prepare(started(1, { ballot: 3 }), 1, 'a'), { refused: 'Higher' });
});

test('Prepare: while the disk is busy it is refused', (t) => {
  t.deepEqual(prepare(after(started(1), { type: 'Handle1a', ballot: 2 }), 1, 'a'), { refused: 'Idle' });
});

test('BallotSaved: promises are asked for, and what a lower ballot had gathered is given up', (t) => {
  const promise = { type: 'Handle1b', from: 1, ballot: 2, vote: null } as const;
  const again = after(trying, promise, { type: 'Prepare', ballot: 4, value: 'c' });
  t.deepEqual(again.attempt?.answered, [1]);
  const { state, effects } = taken(ballotSaved(again));
  t.is(state.files.ballot, 4);
  t.is(state.asked, null);
  t.deepEqual(state.attempt, { value: 'c', answered: [], best: null });
  t.deepEqual(effects, sent([1, 2, 3], { type: '1a', ballot: 4 }));
});

test('BallotSaved, PromiseSaved, VoteSaved: an answer to another question is refused', (t) => {
  const idle = started(1);
  const promising = after(idle, { type: 'Handle1a', ballot: 2 });
  const voting = after(idle, { type: 'Handle2a', ballot: 2, value: 'a' });
  for (const s of [idle, promising, voting]) t.deepEqual(ballotSaved(s), { refused: 'Asked' });
  for (const s of [idle, voting]) t.deepEqual(promiseSaved(s), { refused: 'Asked' });
  for (const s of [idle, promising]) t.deepEqual(voteSaved(s), { refused: 'Asked' });
});

test('Handle1a: a promise is saved before it is given', (t) => {
  const { state, effects } = taken(handle1a(started(3, { promised: 1 }), 2));
  t.deepEqual(effects, [{ type: 'SavePromise', ballot: 2 }]);
  t.is(state.files.promised, 1);
  t.deepEqual(state.asked, { file: 'promise', ballot: 2 });
});

test('Handle1a: a promise of before is given again, with the last vote', (t) => {
  const promised = started(3, { promised: 2, vote: vote(1, 'a') });
  t.deepEqual(taken(handle1a(promised, 2)), {
    state: promised,
    effects: sent([2], { type: '1b', ballot: 2, vote: vote(1, 'a') }),
  });
});

test('Handle1a: a lower ballot, or one that it has voted in, gets no answer', (t) => {
  const promised = started(3, { promised: 2 });
  t.is(taken(handle1a(promised, 1)).state, promised);
  t.deepEqual(handle1a(promised, 1), unchanged(promised));
  const voted = started(3, { promised: 2, vote: vote(2, 'a') });
  t.deepEqual(handle1a(voted, 2), unchanged(voted));
});

test('Handle1a: who is no acceptor or waits for its disk refuses', (t) => {
  t.deepEqual(handle1a(started(4), 1), { refused: 'IsAcceptor' });
  t.deepEqual(handle1a(after(started(3), { type: 'Handle1a', ballot: 1 }), 2), { refused: 'Idle' });
});

test('PromiseSaved: the promise goes to the owner of the ballot alone', (t) => {
  const asked = after(started(3, { vote: vote(1, 'a'), promised: 1 }), { type: 'Handle1a', ballot: 4 });
  const { state, effects } = taken(promiseSaved(asked));
  t.deepEqual(state.files, files({ promised: 4, vote: vote(1, 'a') }));
  t.is(state.asked, null);
  t.deepEqual(effects, sent([2], { type: '1b', ballot: 4, vote: vote(1, 'a') }));
});

test('Handle1b: a quorum without votes lets the owner ask for votes for its own value', (t) => {
  const one = taken(handle1b(trying, 3, 2, null));
  t.deepEqual(one.effects, []);
  t.deepEqual(one.state.attempt?.answered, [3]);
  const two = taken(handle1b(one.state, 1, 2, null));
  t.deepEqual(two.effects, sent([1, 2, 3], { type: '2a', ballot: 2, value: 'b' }));
  t.is(two.state.attempt, null);
});

test('Handle1b: the same promise twice is one promise', (t) => {
  const twice = after(
    trying,
    { type: 'Handle1b', from: 3, ballot: 2, vote: null },
    { type: 'Handle1b', from: 3, ballot: 2, vote: null },
  );
  t.deepEqual(twice.attempt?.answered, [3]);
});

test('Handle1b: the value of the highest vote is taken up, in whatever order the promises come', (t) => {
  const fourth = after(started(2, { ballot: 2 }), { type: 'Prepare', ballot: 4, value: 'b' }, { type: 'BallotSaved' });
  const low = { type: 'Handle1b', from: 1, ballot: 4, vote: vote(1, 'x') } as const;
  const high = { type: 'Handle1b', from: 3, ballot: 4, vote: vote(3, 'y') } as const;
  for (const [first, second] of [
    [low, high],
    [high, low],
  ] as const) {
    const { effects } = taken(paxosStep(after(fourth, first), second));
    t.deepEqual(effects, sent([1, 2, 3], { type: '2a', ballot: 4, value: 'y' }));
  }
});

test('Handle1b: a promise for a ballot that is over or of an earlier life changes nothing', (t) => {
  const restarted = started(2, { ballot: 2 });
  t.deepEqual(handle1b(restarted, 1, 2, null), unchanged(restarted));
  const next = after(trying, { type: 'Prepare', ballot: 4, value: 'c' }, { type: 'BallotSaved' });
  t.deepEqual(handle1b(next, 1, 2, null), unchanged(next));
});

test('Handle1b: what it does not own or no acceptor has sent is refused', (t) => {
  t.deepEqual(handle1b(trying, 1, 1, null), { refused: 'Owns' });
  t.deepEqual(handle1b(trying, 4, 2, null), { refused: 'FromAcceptor' });
});

test('Handle2a: a vote is saved before it is given, also in a ballot that was never promised', (t) => {
  const { state, effects } = taken(handle2a(started(3, { promised: 1 }), 2, 'b'));
  t.deepEqual(effects, [{ type: 'SaveVote', vote: vote(2, 'b') }]);
  t.deepEqual(state.files, files({ promised: 1 }));
});

test('Handle2a: a ballot below the promise gets no vote', (t) => {
  const promised = started(3, { promised: 3 });
  t.deepEqual(handle2a(promised, 2, 'b'), unchanged(promised));
});

test('Handle2a: a vote of before is given again', (t) => {
  const voted = started(3, { promised: 2, vote: vote(2, 'b') });
  t.deepEqual(taken(handle2a(voted, 2, 'b')), {
    state: voted,
    effects: sent([3, 4], { type: '2b', ballot: 2, value: 'b' }),
  });
});

test('Handle2a: who is no acceptor or waits for its disk refuses', (t) => {
  t.deepEqual(handle2a(started(4), 1, 'a'), { refused: 'IsAcceptor' });
  t.deepEqual(handle2a(after(started(3), { type: 'Handle1a', ballot: 1 }), 1, 'a'), { refused: 'Idle' });
});

test('VoteSaved: the vote binds like a promise and goes to the learners', (t) => {
  const { state, effects } = taken(voteSaved(after(started(3), { type: 'Handle2a', ballot: 2, value: 'b' })));
  t.deepEqual(state.files, files({ promised: 2, vote: vote(2, 'b') }));
  t.deepEqual(effects, sent([3, 4], { type: '2b', ballot: 2, value: 'b' }));
});

test('Handle2b: a quorum of votes in one ballot is a chosen value', (t) => {
  const one = taken(handle2b(started(4), 1, 2, 'b'));
  t.deepEqual(one.effects, []);
  const two = taken(handle2b(one.state, 3, 2, 'b'));
  t.deepEqual(two.effects, [{ type: 'Learned', value: 'b' }]);
  t.is(two.state.learned, 'b');
  t.deepEqual(handle2b(two.state, 2, 2, 'b'), unchanged(two.state));
});

test('Handle2b: votes of different ballots, repeated and late ones make no quorum', (t) => {
  const state = after(
    started(4),
    { type: 'Handle2b', from: 1, ballot: 2, value: 'b' },
    { type: 'Handle2b', from: 2, ballot: 4, value: 'b' },
  );
  t.is(state.learned, null);
  t.deepEqual(handle2b(state, 1, 2, 'b'), unchanged(state));
  t.deepEqual(handle2b(state, 2, 2, 'b'), unchanged(state));
});

test('Handle2b: who does not learn refuses, and so does a learner what no acceptor has sent', (t) => {
  t.deepEqual(handle2b(started(1), 2, 1, 'a'), { refused: 'IsLearner' });
  t.deepEqual(handle2b(started(4), 4, 1, 'a'), { refused: 'FromAcceptor' });
});
