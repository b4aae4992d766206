/**
 * The named states in which models of spec/MCReplication.tla and its extensions begin. Each is reached here as
 * anywhere: by core steps, from Init.
 */
import * as E from 'fp-ts/lib/Either.js';
import { firstPromise } from './replicationSetting.js';
import type { Budget, W } from './replicationSetting.js';

export type Ways = {
  /** A step of the mirror. */
  readonly step: (w: W, action: string, args: readonly number[]) => W | null;
  /** The actions that take packets. */
  readonly packets: readonly string[];
};

type Label = readonly [string, ...number[]];

const walked = (name: string, w: W, labels: readonly Label[], { step }: Ways): E.Either<string, W> => {
  let state = w;
  for (const [action, ...args] of labels) {
    const next = step(state, action, args);
    if (next === null) return E.left(`${name} cannot be reached: ${action}(${args.join(', ')})`);
    state = next;
  }
  return E.right(state);
};

/** Everything that needs no decision has happened. */
const drained = (w: W, { step, packets }: Ways): W => {
  let state = w;
  for (let progress = true; progress;) {
    progress = false;
    for (const action of [...packets, 'WriteEpochFile', 'EpochSaved'])
      for (const i of w.setting.servers)
        for (const j of w.setting.servers) {
          const next = step(state, action, [i, j]);
          if (next === null) continue;
          state = next;
          progress = true;
        }
  }
  return state;
};

/** The highest voter leads, all follow and serve; the steps are those of traces/ReplicationEstablished.ndjson. */
const establishedFrom = (w: W, budget: Budget, ways: Ways): E.Either<string, W> => {
  const n = Math.max(...w.setting.voters);
  const epoch = (w.setting.initialLog.at(-1)?.epoch ?? 0) + 1;
  // Whoever has promised more stands apart.
  const others = w.setting.servers.filter((i) => i !== n && firstPromise(w.setting, i) <= epoch);
  const labels: readonly Label[] = [
    ['Elected', n, n],
    ...others.map((i): Label => ['Elected', i, n]),
    ...others.map((i): Label => [w.setting.voters.includes(i) ? 'HandleFollowerInfo' : 'HandleObserverInfo', n, i]),
  ];
  const met = walked('Established', { ...w, budget: [0, 0, 0, 1, 0, 0] }, labels, ways);
  return E.isLeft(met) ? met : E.right({ ...drained(met.right, ways), budget });
};

/** After Established the leader logs what it sends nobody, stops and starts again. */
const trailingFrom = (w: W, budget: Budget, ways: Ways): E.Either<string, W> => {
  const n = Math.max(...w.setting.voters);
  const begun = establishedFrom(w, [1, 1, 0, 0, 0, 0], ways);
  if (E.isLeft(begun)) return begun;
  const labels: readonly Label[] = [
    ['Propose', n],
    ['LogSynced', n, 1],
    ['Crash', n, 0],
    ['Restart', n],
  ];
  const left = walked('Trailing', begun.right, labels, ways);
  return E.isLeft(left) ? left : E.right({ ...left.right, budget });
};

/** The state of that name; Init for any other. */
export const initOf = (name: string, first: W, ways: Ways): E.Either<string, W> => {
  const { budget } = first.setting;
  if (name === 'Trailing') return trailingFrom(first, budget, ways);
  return name.endsWith('Established') ? establishedFrom(first, budget, ways) : E.right(first);
};
