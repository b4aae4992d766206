/** Random runs of servers that run core/membership.ts, with more of everything than TLC goes through. */
import test from 'ava';
import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import type { MembershipWorld } from '../../conformance/mirrors/membership.js';
import { membershipMirror } from '../../conformance/mirrors/membership.js';
import type { Mirror } from '../../conformance/mirror.js';
import type { Model } from '../../conformance/models.js';
import { quorumOfAll } from '../../core/membershipRules.js';
import type { Config } from '../../core/membershipRules.js';
import type { Entry, MembershipDisk } from '../../core/membershipState.js';

const request = (voters: string, observers: string, leaving: string, whole = 'FALSE'): string =>
  `[from |-> <<-1, -1>>, whole |-> ${whole}, voters |-> {${voters}}, observers |-> {${observers}}, leaving |-> {${leaving}}]`;

const requests = [
  request('4', '', '3'),
  request('3, 4, 5', '', '', 'TRUE'),
  request('', '1', '2'),
  request('1, 5', '', ''),
  request('', '', '4'),
  request('2', '', '5', 'TRUE'),
];

const model: Model = {
  name: 'MembershipRuns',
  module: 'MCMembership',
  constants: {
    Server: '{1, 2, 3, 4, 5}',
    InitVoters: '{1, 2, 3}',
    InitObservers: '{5}',
    Requests: `<<${requests.join(', ')}>>`,
    MinVoters: 1,
    Bugs: '{}',
    Txns: 6,
    Reconfigs: 6,
    Crashes: 4,
    Cuts: 6,
    Elections: 8,
  },
  init: 'Settled',
  vars: 'mcVars',
  domains: {},
  actions: {},
  invariants: [],
  properties: [],
  distorted: {},
  result: 'ok',
  tier: 'tiny',
  rows: [],
};

const mirror = ((): Mirror<MembershipWorld> => {
  const made = membershipMirror(model);
  if (E.isLeft(made)) throw new Error(made.left);
  return made.right as unknown as Mirror<MembershipWorld>;
})();

const ids = [1, 2, 3, 4, 5];
const pairs = ids.flatMap((i) => ids.map((j) => [i, j]));
const bindings: readonly (readonly [string, readonly number[]])[] = [
  ...['HandleInfo', 'HandleNewLeader', 'HandleUpToDate', 'HandleProposal', 'HandleAck', 'HandleCommit'].flatMap((a) =>
    pairs.map((p) => [a, p] as const),
  ),
  ...['HandleCommitAndActivate', 'HandleInform', 'NoticeClose', 'Follow', 'LearnConfig', 'Break'].flatMap((a) =>
    pairs.map((p) => [a, p] as const),
  ),
  ...['Propose', 'LeaderTimeout', 'StepDown', 'Crash', 'Restart'].flatMap((a) => ids.map((i) => [a, [i]] as const)),
  ...ids.flatMap((i) => requests.map((_, n) => ['ProposeReconfig', [i, n + 1]] as const)),
  ...ids.flatMap((i) => Array.from({ length: 31 }, (_, q) => ['Elect', [i, q + 1]] as const)),
];

const disks = (w: MembershipWorld): readonly MembershipDisk[] => w.servers.map((s) => ('role' in s ? s.disk : s));
const same = (a: Entry | undefined, b: Entry): boolean =>
  a !== undefined && a.zxid.epoch === b.zxid.epoch && a.zxid.counter === b.zxid.counter;
const isPrefix = (s: readonly Entry[], t: readonly Entry[]): boolean => s.every((e, k) => same(t[k], e));

/** What clients have seen, who was established in which epoch, how far the run got. */
type Story = {
  order: readonly Entry[];
  readonly leaders: Map<number, number>;
  readonly activated: Set<string>;
  readonly designatedAway: Set<number>;
};

/** Null, or what is wrong after a step. */
const judge = (w: MembershipWorld, story: Story, first: Config): string | null => {
  for (const s of w.servers) {
    if (!('role' in s) || s.role.phase !== 'BROADCAST') continue;
    const applied = s.disk.log.slice(0, s.role.delivered);
    if (!isPrefix(applied, story.order) && !isPrefix(story.order, applied)) return 'Agreement';
    if (applied.length > story.order.length) story.order = applied;
    if (s.role.leader !== s.self) continue;
    const known = story.leaders.get(s.disk.currentEpoch);
    if (known !== undefined && known !== s.self) return 'OneLeaderEver';
    story.leaders.set(s.disk.currentEpoch, s.self);
    if (s.role.retired) story.designatedAway.add(s.disk.currentEpoch);
  }
  const active = story.order.reduce((c, e) => e.config ?? c, first);
  const holders = disks(w).flatMap((d, k) => (isPrefix(story.order, d.log) ? [k + 1] : []));
  if (!quorumOfAll([active], holders)) return 'Durability';
  for (const { config } of disks(w)) {
    if (config.version.epoch === 0) continue;
    story.activated.add(JSON.stringify(config.version));
    if (!story.order.some((e) => same(e, { zxid: config.version, config }))) return 'ActiveIsCommitted';
  }
  return null;
};

/** A run: each natural chooses among the steps that are possible, messages before faults. */
const run = (choices: readonly number[]): Story & { readonly wrong: string | null } => {
  let w = mirror.init[0] as MembershipWorld;
  const first = (disks(w)[0] as MembershipDisk).config;
  const story: Story = { order: [], leaders: new Map(), activated: new Set(), designatedAway: new Set() };
  for (const choice of choices) {
    const possible = bindings.flatMap(([action, args]) => {
      const next = mirror.step(w, action, args);
      return next === null ? [] : [next];
    });
    const next = possible[choice % Math.max(1, possible.length)];
    if (next === undefined) break;
    w = next;
    const wrong = judge(w, story, first);
    if (wrong !== null) return { ...story, wrong };
  }
  return { ...story, wrong: null };
};

const anyRun = fc.array(fc.nat({ max: 9999 }), { minLength: 60, maxLength: 160 });

test('Agreement: no run of five servers under six kinds of reconfig loses, forks or activates too early', (t) => {
  fc.assert(
    fc.property(anyRun, (choices) => {
      const { wrong } = run(choices);
      if (wrong !== null) throw new Error(wrong);
    }),
    { numRuns: 150 },
  );
  t.pass();
});

test('Agreement: the runs get far enough to show something', (t) => {
  const stories = fc.sample(anyRun, { numRuns: 40, seed: 7 }).map(run);
  t.true(stories.some((s) => s.activated.size >= 2));
  t.true(stories.some((s) => s.leaders.size >= 3));
  t.true(stories.some((s) => s.designatedAway.size >= 1));
  t.true(stories.some((s) => s.order.length >= 4));
});
