/** The mirror of spec/MCPaxos.tla: processes that run core/paxos.ts, the messages between them and their disks. */
import type { TlaState, TlaValue } from 'tla-checker-cli';
import { noPaxosFiles, paxosEventOf, paxosStep, startPaxos } from '../../core/paxos.js';
import type {
  PaxosAsked,
  PaxosAttempt,
  PaxosEffect,
  PaxosEvent,
  PaxosFiles,
  PaxosMessage,
  PaxosState,
  PaxosVote,
} from '../../core/paxos.js';
import type { ProcessId } from '../../core/paxosQuorum.js';
import type { MakeMirror, Mirror, Pieces } from '../mirror.js';
import { mirrorMaker } from '../mirror.js';
import { remembered } from '../remembered.js';
import type { Disk, Letter } from '../world/post.js';
import * as world from '../world/post.js';
import { paxosInvariants } from './paxosInvariants.js';
import { paxosRows } from './paxosRows.js';
import type { PaxosSetting, PaxosWorld } from './paxosSetting.js';
import { readPaxosSetting } from './paxosSetting.js';

export const paxosMirror: MakeMirror = mirrorMaker(
  readPaxosSetting,
  (setting, init) => paxosInit(setting, init),
  (setting, init) => paxosMirrorOf(setting, init),
);

export const paxosMirrorOf = (setting: PaxosSetting, init: PaxosWorld): Mirror<PaxosWorld> => ({
  init: [init],
  step: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? null : next;
  },
  view: viewOf,
  key: (w) => w,
  pieces: piecesOf(init.processes.length),
  shown: {
    'processes[].files.ballot': 'ballot',
    'processes[].files.promised': 'promised',
    'processes[].files.vote': 'vote',
    'processes[].asked': 'asked',
    'processes[].attempt': 'attempt',
    'processes[].heard': 'heard',
    'processes[].learned': 'learned',
    'post.letters[].from': 'sent',
    'post.letters[].message': 'sent',
    'post.crashes': 'crashes',
  },
  hidden: {
    'processes[].self': 'constant of the model',
    'processes[].config': 'constant of the model',
    'post.letters[].to': 'to all acceptors, to all learners or to the owner of the ballot, by the type of the message',
    'post.disks': 'what the process knows of its files, and what it has asked',
  },
  invariants: paxosInvariants(setting),
  rows: paxosRows,
  refusal: (w, action, args) => {
    const next = attempt(setting, w, action, args);
    return 'refused' in next ? next.refused : null;
  },
});

/** Processes, disks, letters, crashes. */
const piecesOf = (processes: number): Pieces<PaxosWorld> => ({
  take: ({ processes: all, post }) => [...all, ...post.disks, post.letters, post.crashes],
  make: (pieces) => ({
    processes: pieces.slice(0, processes) as readonly PaxosState[],
    post: {
      disks: pieces.slice(processes, 2 * processes) as readonly Disk<PaxosFiles>[],
      letters: pieces[2 * processes] as readonly Letter<PaxosMessage>[],
      crashes: pieces[2 * processes + 1] as number,
    },
  }),
  key: (piece) => piece,
});

/** `refused` is null where the world does not offer the event, else the guard of the core. */
type Attempt = PaxosWorld | { readonly refused: string | null };

const notOffered = { refused: null } as const;

const valueOf = (n: number): string => String(n);

const attempt = (setting: PaxosSetting, w: PaxosWorld, action: string, args: readonly number[]): Attempt => {
  const [first = 0, second = 0, third = 0, fourth = 0] = args;
  const at = (id: ProcessId): number => w.processes.findIndex((p) => p.self === id);
  const delivered = (to: ProcessId | null, meant: (letter: Letter<PaxosMessage>) => boolean): Attempt => {
    const i = to === null ? w.processes.findIndex((p) => world.arriving(w.post, p.self, meant) !== null) : at(to);
    const letter = world.arriving(w.post, w.processes[i]?.self ?? -1, meant);
    return letter === null ? notOffered : take(w, i, paxosEventOf(letter.from, letter.message), w.post);
  };
  const answered = (question: PaxosAsked['file'], event: PaxosEvent): Attempt =>
    take(w, at(first), event, world.answer(w.post, at(first), question));
  switch (action) {
    case 'Prepare': {
      const { proposers } = setting.config;
      if (setting.wanted[first - 1]?.includes(second) !== true) return notOffered;
      const owner = at(proposers[(first - 1) % proposers.length] ?? -1);
      return take(w, owner, { type: 'Prepare', ballot: first, value: valueOf(second) }, w.post);
    }
    case 'BallotSaved':
      return answered('ballot', { type: 'BallotSaved' });
    case 'PromiseSaved':
      return answered('promise', { type: 'PromiseSaved' });
    case 'VoteSaved':
      return answered('vote', { type: 'VoteSaved' });
    case 'Handle1a':
      return delivered(first, ({ message: m }) => m.type === '1a' && m.ballot === second);
    case 'Handle1b': {
      const vote = third === 0 ? null : { ballot: third, value: valueOf(fourth) };
      // A vote for nothing, or for something in no ballot: no message says so.
      if ((third === 0) !== (fourth === 0)) return notOffered;
      return delivered(
        null,
        ({ from, message: m }) =>
          m.type === '1b' &&
          from === first &&
          m.ballot === second &&
          m.vote?.ballot === vote?.ballot &&
          m.vote?.value === vote?.value,
      );
    }
    case 'Handle2a':
      return delivered(first, ({ message: m }) => m.type === '2a' && m.ballot === second && m.value === valueOf(third));
    case 'Handle2b':
      return delivered(
        first,
        ({ from, message: m }) =>
          m.type === '2b' && from === second && m.ballot === third && m.value === valueOf(fourth),
      );
    case 'Crash': {
      const stopped = at(first);
      const post = world.crash(w.post, stopped, second === 1);
      const process = w.processes[stopped];
      if (post === null || process === undefined) return notOffered;
      const again = startPaxos(process.self, setting.config, world.keptBy(post, stopped));
      return { processes: w.processes.with(stopped, again), post };
    }
    default:
      return notOffered;
  }
};

/** One step of the process at index i; `post` is what is left when the event has been taken from it. */
const take = (w: PaxosWorld, i: number, event: PaxosEvent, post: PaxosWorld['post'] | null): Attempt => {
  const process = w.processes[i];
  if (post === null || process === undefined) return notOffered;
  const step = paxosStep(process, event);
  if ('refused' in step) return step;
  const after = step.effects.reduce((p, effect) => carriedOut(p, i, process.self, effect), post);
  return { processes: w.processes.with(i, step.state), post: after };
};

const carriedOut = (post: PaxosWorld['post'], i: number, self: ProcessId, effect: PaxosEffect): PaxosWorld['post'] => {
  const { ballot, promised, vote } = world.keptBy(post, i);
  switch (effect.type) {
    case 'Send':
      return world.send(post, { from: self, to: effect.to, message: effect.message });
    case 'SaveBallot':
      return world.ask(post, i, 'ballot', { ballot: effect.ballot, promised, vote });
    case 'SavePromise':
      return world.ask(post, i, 'promise', { ballot, promised: effect.ballot, vote });
    case 'SaveVote':
      return world.ask(post, i, 'vote', { ballot, promised: effect.vote.ballot, vote: effect.vote });
    case 'Learned':
      return post;
    default:
      return effect;
  }
};

/** The initial states of spec/MCPaxos.tla, by their names there; each is reached by steps of the core. */
export const paxosInit = (setting: PaxosSetting, name: string): PaxosWorld | null => {
  const { acceptors, learners, proposers } = setting.config;
  const ids = [...new Set([...acceptors, ...learners, ...proposers])].sort((a, b) => a - b);
  const fresh: PaxosWorld = {
    processes: ids.map((id) => startPaxos(id, setting.config)),
    post: world.emptyPost(ids.length, noPaxosFiles, setting.crashes),
  };
  if (name === 'MCInit') return fresh;
  return name === 'InitAsked' ? script(setting, fresh, untilAsked(proposers[0] ?? -1)) : null;
};

type Stage = readonly [action: string, ...args: number[]];

const untilAsked = (owner: ProcessId): readonly Stage[] => [
  ['Prepare', 1, 1],
  ['BallotSaved', owner],
  ...[1, 2].flatMap((a): readonly Stage[] => [
    ['Handle1a', a, 1],
    ['PromiseSaved', a],
    ['Handle1b', a, 1, 0, 0],
  ]),
];

/** Null where one of the steps cannot be taken. */
const script = (setting: PaxosSetting, from: PaxosWorld, stages: readonly Stage[]): PaxosWorld | null => {
  let w = from;
  for (const [action, ...args] of stages) {
    const next = attempt(setting, w, action, args);
    if ('refused' in next) return null;
    w = next;
  }
  return w;
};

// What the spec shows.

const none: TlaValue = { model: 'None' };

const voteValue = (vote: PaxosVote | null): TlaValue => ({
  record: { ballot: vote?.ballot ?? 0, value: Number(vote?.value ?? 0) },
});

const askedValue = (asked: PaxosAsked | null): TlaValue => {
  if (asked === null) return none;
  const { ballot, value } =
    asked.file === 'vote' ? asked.vote : asked.file === 'ballot' ? asked : { ballot: asked.ballot, value: 0 };
  return { record: { file: asked.file, ballot, value: Number(value) } };
};

const attemptValue = (t: PaxosAttempt | null): TlaValue =>
  t === null
    ? none
    : { record: { value: Number(t.value), answered: { set: [...t.answered] }, best: voteValue(t.best) } };

const letterValue = ({ from, message: m }: Letter<PaxosMessage>): TlaValue => {
  switch (m.type) {
    case '1a':
      return { record: { type: m.type, ballot: m.ballot } };
    case '1b':
      return { record: { type: m.type, from, ballot: m.ballot, vote: voteValue(m.vote) } };
    case '2a':
      return { record: { type: m.type, ballot: m.ballot, value: Number(m.value) } };
    case '2b':
      return { record: { type: m.type, from, ballot: m.ballot, value: Number(m.value) } };
    default:
      return m;
  }
};

const sentValue = remembered((letters: readonly Letter<PaxosMessage>[]): TlaValue => ({
  set: letters.map(letterValue),
}));

/** Each variable at one process. */
const processView = remembered((p: PaxosState) => ({
  ballot: p.files.ballot,
  attempt: attemptValue(p.attempt),
  promised: p.files.promised,
  vote: voteValue(p.files.vote),
  asked: askedValue(p.asked),
  heard: {
    fcn: p.config.acceptors.map((a): readonly [TlaValue, TlaValue] => [
      a,
      voteValue(p.heard.find((h) => h.from === a)?.vote ?? null),
    ]),
  },
  learned: Number(p.learned ?? 0),
}));

const viewOf = ({ processes, post }: PaxosWorld): TlaState => {
  const { acceptors = [], learners = [], proposers = [] } = processes[0]?.config ?? {};
  const of = (ids: readonly ProcessId[], name: keyof ReturnType<typeof processView>): TlaValue => ({
    fcn: processes.filter((p) => ids.includes(p.self)).map((p) => [p.self, processView(p)[name]]),
  });
  return {
    ballot: of(proposers, 'ballot'),
    attempt: of(proposers, 'attempt'),
    promised: of(acceptors, 'promised'),
    vote: of(acceptors, 'vote'),
    asked: of(
      processes.map((p) => p.self),
      'asked',
    ),
    heard: of(learners, 'heard'),
    learned: of(learners, 'learned'),
    sent: sentValue(post.letters),
    crashes: post.crashes,
  };
};
