/** Situations that a comparison of Paxos must have gone through, each as a step that shows it. */
import type { PaxosMessage } from '../../core/paxos.js';
import type { PaxosWorld } from './paxosSetting.js';

type Shows = (before: PaxosWorld, action: string, args: readonly number[], after: PaxosWorld) => boolean;

/** What was sent in this step and never before. */
const sentNow = (before: PaxosWorld, after: PaxosWorld): readonly PaxosMessage[] =>
  after.post.letters.filter((l) => !before.post.letters.includes(l)).map((l) => l.message);

/** What a process has asked its disk when it stops. */
const stops = (question: 'ballot' | 'promise' | 'vote', kept: 0 | 1): Shows => {
  return (w, action, [id, left]) => {
    const i = w.processes.findIndex((p) => p.self === id);
    return action === 'Crash' && left === kept && w.post.disks[i]?.asked?.question === question;
  };
};

const process = (w: PaxosWorld, id: number | undefined) => w.processes.find((p) => p.self === id);

export const paxosRows: Readonly<Record<string, Shows>> = {
  'a duel': (_w, _action, _args, after) => after.processes.filter((p) => p.attempt !== null).length > 1,
  'a value that was voted for is taken up': (w, action, _args, after) =>
    action === 'Handle1b' &&
    sentNow(w, after).some((m) => m.type === '2a' && w.processes.every((p) => p.attempt?.value !== m.value)),
  'a vote of a ballot that chose nothing is passed over': (w, action, _args, after) =>
    action === 'Handle1b' &&
    sentNow(w, after).some(
      (m) =>
        m.type === '2a' &&
        w.post.letters.some(({ message: n }) => n.type === '2b' && n.ballot < m.ballot && n.value !== m.value),
    ),
  'a promise comes late': (w, action, _args, after) =>
    action === 'Handle1b' && w.processes.every((p, i) => p === after.processes[i]),
  'a value is learned': (w, action, [id], after) =>
    action === 'Handle2b' && process(w, id)?.learned === null && process(after, id)?.learned !== null,
  'a vote is read late': (w, action, [id, from, ballot]) =>
    action === 'Handle2b' &&
    process(w, id)?.heard.some((h) => h.from === from && h.vote.ballot > (ballot ?? 0)) === true,
  'a learner forgets': (w, action, [id]) => action === 'Crash' && (process(w, id)?.learned ?? null) !== null,
  'a ballot is lost': stops('ballot', 0),
  'a promise is lost': stops('promise', 0),
  'a vote is lost': stops('vote', 0),
  'a ballot is kept unsaid': stops('ballot', 1),
  'a promise is kept unsaid': stops('promise', 1),
  'a vote is kept unsaid': stops('vote', 1),
  'a promise of an earlier life is given': (w, action, _args, after) =>
    action === 'Handle1a' && sentNow(w, after).length > 0,
  'a vote of an earlier life is given': (w, action, _args, after) =>
    action === 'Handle2a' && sentNow(w, after).length > 0,
};
