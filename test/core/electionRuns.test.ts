/** Elections of whole ensembles, larger than the models: five voters with an observer, crashes and cuts. */
import test from 'ava';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { bindingsOf } from '../../conformance/generate.js';
import { initOf, mirrorOf } from '../../conformance/mirrors/election.js';
import type { ElectionWorld } from '../../conformance/mirrors/election.js';
import type { Setting } from '../../conformance/mirrors/electionSetting.js';
import { decodeModels } from '../../conformance/models.js';
import type { ServerId } from '../../core/data/quorum.js';
import { isQuorum } from '../../core/data/quorum.js';
import { plainConfiguration } from '../../core/configuration.js';
import type { Zxid } from '../../core/data/zxid.js';
import { initialElection, startElection, untrusted } from '../../core/election.js';
import type { ElectionState } from '../../core/election.js';
import type { Vote } from '../../core/vote.js';
import { compareVote } from '../../core/vote.js';

const zxid = (epoch: number, counter: number): Zxid => ({ epoch, counter });

const setting: Setting = {
  voters: [1, 2, 3, 4, 5],
  observers: [6],
  configuration: plainConfiguration([1, 2, 3, 4, 5], [6]),
  epoch: new Map([1, 2, 3, 4, 5].map((i) => [i, i === 2 ? 2 : 1])),
  lastZxid: new Map([1, 2, 3, 4, 5].map((i) => [i, zxid(1, i % 3)])),
  newEpoch: 3,
  growth: 0,
  limits: { maxWire: 3, maxFlight: 12, reconnects: true },
  budget: { starts: 12, resends: 3, updates: 3, breaks: 2, crashes: 2 },
};

const bindings = (() => {
  const server = ['Server'];
  const pair = ['Server', 'Server'];
  const params = { StartElection: server, Decide: server, ResendNotifications: server, UpdateVoteEpoch: server };
  const pairs = { HandleNotification: pair, Transmit: pair, Break: pair };
  const actions = Object.entries({ ...params, ...pairs, Crash: server }).map(([a, p]) => [a, { params: p }]);
  const model = {
    module: 'MCElection',
    result: 'ok',
    domains: { Server: [1, 2, 3, 4, 5, 6] },
    actions: Object.fromEntries(actions) as unknown,
  };
  const models = decodeModels(JSON.stringify({ Run: model }));
  const run = E.isRight(models) ? models.right.get('Run') : undefined;
  return run === undefined ? [] : bindingsOf(run);
})();

type Transition = { readonly before: ElectionWorld; readonly after: ElectionWorld };

/** Each number chooses among the actions that are enabled where it is reached. */
const runOf = (choices: readonly number[]): readonly Transition[] => {
  const init = initOf(setting, 'MCInit') as ElectionWorld;
  const mirror = mirrorOf(setting, init);
  const transitions: Transition[] = [];
  let before = init;
  for (const choice of choices) {
    const enabled = bindings.flatMap(({ action, args }) => mirror.step(before, action, args) ?? []);
    const after = enabled[choice % enabled.length];
    if (after === undefined) break;
    transitions.push({ before, after });
    before = after;
  }
  return transitions;
};

const anyRun = fc
  .array(fc.nat({ max: 5039 }), { minLength: 80, maxLength: 200, size: 'max' })
  .map((choices) => runOf(choices));

const servers = ({ servers: all }: ElectionWorld): readonly ElectionState[] => all;

const looks = (s: ElectionState | undefined): s is ElectionState => s?.role === 'LOOKING' && s.round > 0;

const worsens = ({ before, after }: Transition): boolean =>
  servers(before).some((s, i) => {
    const next = after.servers[i];
    return looks(s) && looks(next) && s.round === next.round && compareVote(next.proposal, s.proposal) < 0;
  });

/** Servers that settled on a leader whom no quorum, itself included, had proposed in one round before. */
const unsupported = (run: readonly Transition[]): readonly ElectionState[] => {
  const backed = new Map<string, Set<ServerId>>();
  return run.flatMap(({ before, after }) => {
    for (const s of servers(before)) {
      if (!looks(s) || !s.voters.includes(s.self)) continue;
      const key = `${s.round} ${s.proposal.leader}`;
      backed.set(key, (backed.get(key) ?? new Set()).add(s.self));
    }
    return servers(after).filter((s, i) => {
      if (s.role === 'LOOKING' || before.servers[i]?.role !== 'LOOKING') return false;
      return ![...backed].some(
        ([key, by]) => key.endsWith(` ${s.vote.leader}`) && by.has(s.vote.leader) && isQuorum(s.voters.length, by.size),
      );
    });
  });
};

const rankOf = (id: ServerId): Vote => ({
  leader: id,
  zxid: setting.lastZxid.get(id) ?? untrusted,
  epoch: setting.epoch.get(id) ?? 0,
});

const belowQuorum = (s: ElectionState): boolean =>
  s.role !== 'LOOKING' &&
  !isQuorum(s.voters.length, s.voters.filter((id) => compareVote(rankOf(id), rankOf(s.vote.leader)) <= 0).length);

// A failure is reported as it is found: to shrink it takes minutes, and can be asked for with the seed that it prints.
const holds = (name: string, property: (run: readonly Transition[]) => boolean): void =>
  fc.assert(fc.property(anyRun, property), { numRuns: 40, endOnFailure: true, reporter: reporterOf(name) });

const reporterOf =
  (name: string) =>
  (out: fc.RunDetails<[readonly Transition[]]>): void => {
    if (out.failed) throw new Error(`${name}: seed ${out.seed}, path ${out.counterexamplePath ?? ''}`);
  };

test('VoteNeverWorsens: no run of the ensemble lowers a proposal within its round', (t) => {
  holds('VoteNeverWorsens', (run) => !run.some(worsens));
  t.pass();
});

test('FollowsSupported: nobody settles on a leader that no quorum has proposed', (t) => {
  let settled = 0;
  holds('FollowsSupported', (run) => {
    settled += run.at(-1)?.after.servers.filter((s) => s.role !== 'LOOKING').length ?? 0;
    return unsupported(run).length === 0;
  });
  t.true(settled > 0); // the runs reach what they are about
});

test('BestOfQuorumLeads: whoever is followed ranks highest in some quorum', (t) => {
  holds('BestOfQuorumLeads', (run) => run.every(({ after }) => !after.servers.some(belowQuorum)));
  t.pass();
});

test('VoteIsGenuine, ReceivedInRound: they hold in every state of a run', (t) => {
  const mirror = mirrorOf(setting, initOf(setting, 'MCInit') as ElectionWorld);
  const checks = Object.values(mirror.invariants ?? {});
  t.is(checks.length, 2);
  holds('invariants', (run) => run.every(({ after }) => checks.every((check) => check(mirror.view(after)))));
});

test('The checks of runs see seeded faults', (t) => {
  const init = initOf(setting, 'MCInit') as ElectionWorld;
  const withFirst = (s: ElectionState): ElectionWorld => ({ servers: init.servers.with(0, s), world: init.world });
  const step = startElection(initialElection(1, [setting.configuration]), 1, rankOf(1).zxid);
  if ('refused' in step) throw new Error(step.refused);
  const one = step.state;
  const turned: ElectionState = { ...one, proposal: { ...one.proposal, epoch: 0 } };
  t.true(worsens({ before: withFirst(one), after: withFirst(turned) }));
  const alone: ElectionState = { ...one, role: 'LEADING' };
  t.is(unsupported([{ before: withFirst(one), after: withFirst(alone) }]).length, 1);
  t.true(belowQuorum({ ...alone, vote: rankOf(3) }));
  const mirror = mirrorOf(setting, init);
  const { VoteIsGenuine, ReceivedInRound } = mirror.invariants ?? {};
  t.false(VoteIsGenuine?.(mirror.view(withFirst(turned))));
  t.false(ReceivedInRound?.(mirror.view(withFirst({ ...one, round: 2 }))));
});
