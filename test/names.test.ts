/** An action has one name: in the spec, its models, the core, the tests and the pages. So has a guard. */
import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import * as E from 'fp-ts/lib/Either.js';
import { readModels } from '../conformance/modelFiles.js';
import * as election from '../core/election.js';
import * as membership from '../core/membership.js';
import * as paxos from '../core/paxos.js';
import * as broadcast from '../core/replication/broadcast.js';
import * as discovery from '../core/replication/discovery.js';
import * as observation from '../core/replication/observation.js';
import * as clientSync from '../core/replication/clientSync.js';
import * as state from '../core/replication/state.js';
import * as synchronization from '../core/replication/synchronization.js';
import * as connection from '../core/service/connection.js';
import * as leader from '../core/service/leader.js';
import * as pipeline from '../core/service/pipeline.js';
import * as service from '../core/service/service.js';

type Subject = {
  /** Text of the spec's module, or of its parts. */
  readonly spec: string;
  readonly specPath: string;
  /** Text of the module that bounds it, where each action is wrapped. */
  readonly bounds: string;
  /** Actions of the models that the core is compared with. */
  readonly modelled: readonly string[];
  /** Actions of the world: the core has no function for them. */
  readonly world: readonly string[];
  /** What the core exports, and its text. */
  readonly exported: Readonly<Record<string, unknown>>;
  readonly core: string;
  readonly page: string;
  readonly tests: string;
  /** What titles begin with besides actions. */
  readonly topics: readonly string[];
  /** Its core refuses nothing: an event that comes too late changes nothing. */
  readonly isTotal?: true;
};

const read = (path: string): string => readFileSync(path, 'utf8');
const readAll = (folder: string, name: RegExp): string =>
  readdirSync(folder)
    .filter((file) => name.test(file))
    .map((file) => read(`${folder}/${file}`))
    .join('\n');

/** Modules of one spec, each behind a line that names its file. */
const readParts = (names: readonly string[]): string =>
  names.map((name) => `==> spec/${name}.tla\n${read(`spec/${name}.tla`)}`).join('\n');

const modelledBy = (mirror: string): readonly string[] => {
  const models = readModels('spec/models.json');
  if (E.isLeft(models)) throw new Error(models.left.join('\n'));
  const compared = [...models.right.values()].filter((m) => m.compare === mirror);
  return [...new Set(compared.flatMap((m) => Object.keys(m.actions)))];
};

const subjects: Readonly<Record<string, () => Subject>> = {
  Election: () => ({
    spec: read('spec/Election.tla'),
    specPath: 'spec/Election.tla',
    bounds: read('spec/MCElection.tla'),
    modelled: modelledBy('election'),
    world: ['Transmit', 'Break', 'Crash'],
    exported: election,
    core: read('core/election.ts'),
    page: read('docs/protocol/election.md'),
    tests: readAll('test/core', /^election.*\.test\.ts$/),
    topics: ['Election', 'VoteNeverWorsens', 'FollowsSupported', 'BestOfQuorumLeads', 'VoteIsGenuine, ReceivedInRound'],
  }),
  Membership: () => ({
    spec: read('spec/Membership.tla'),
    specPath: 'spec/Membership.tla',
    bounds: read('spec/MCMembership.tla'),
    modelled: modelledBy('membership'),
    world: ['Elect', 'Crash', 'Break'],
    exported: membership,
    core: readAll('core', /^membership.*\.ts$/),
    page: read('docs/protocol/membership.md'),
    tests: readAll('test/core', /^membership.*\.test\.ts$/),
    topics: ['Lead', 'Quorum', 'Deciding', 'NextConfig', 'SameVersion', 'Designated', 'Agreement'],
  }),
  Paxos: () => ({
    spec: read('spec/Paxos.tla'),
    specPath: 'spec/Paxos.tla',
    bounds: read('spec/MCPaxos.tla'),
    modelled: modelledBy('paxos'),
    world: ['Crash'],
    exported: paxos,
    core: read('core/paxos.ts'),
    page: read('docs/protocol/paxos.md'),
    tests: readAll('test/core', /^paxos.*\.test\.ts$/),
    topics: ['Paxos', 'Quorums', 'BallotSaved, PromiseSaved, VoteSaved', 'OneValue, OneVotePerBallot, LearnedIsChosen'],
  }),
  Replication: () => ({
    spec: readParts([
      'ReplicationState',
      'Discovery',
      'Synchronization',
      'Observation',
      'Broadcast',
      'Replication',
      'Snapshots',
      'ClientSync',
    ]),
    specPath: 'spec/Replication.tla',
    bounds: read('spec/MCReplication.tla') + read('spec/MCSnapshots.tla') + read('spec/MCClientSync.tla'),
    modelled: modelledBy('replication'),
    world: ['WriteEpochFile', 'TakeSnapshot', 'PlaceSnapshot', 'RequestSync', 'Synced', 'Crash', 'Break'],
    exported: { ...broadcast, ...clientSync, ...discovery, ...observation, ...state, ...synchronization },
    core: readAll('core/replication', /\.ts$/),
    page: read('docs/protocol/replication.md'),
    tests: readAll('test/core/replication', /\.test\.ts$/),
    topics: ['Replication', 'Delivery', 'Sync'],
  }),
  Service: () => ({
    spec: read('spec/Service.tla'),
    specPath: 'spec/Service.tla',
    bounds: read('spec/MCService.tla'),
    modelled: modelledBy('service'),
    world: ['Connect', 'Send', 'Receive', 'Cut'],
    exported: { ...connection, ...pipeline, ...service, ...leader, ...clientSync },
    core: readAll('core/service', /\.ts$/),
    page: read('docs/protocol/service.md'),
    tests: read('test/core/service/actions.test.ts'),
    topics: [],
    isTotal: true,
  }),
};

const lower = (action: string): string => action.charAt(0).toLowerCase() + action.slice(1);

/** The actions of a spec: its definitions that the bounding module wraps. */
const actionsOf = ({ spec, bounds }: Subject): readonly string[] =>
  [...bounds.matchAll(/^MC([A-Z]\w*)\(/gm)]
    .map((m) => m[1] ?? '')
    .filter((name) => new RegExp(`^${name}\\(`, 'm').test(spec));

const headingsOf = (page: string): readonly string[] => [...page.matchAll(/^### (.*)$/gm)].map((m) => m[1] ?? '');

/** What titles begin with, templates for several titles included. */
const topicsOf = (tests: string): readonly string[] =>
  [...tests.matchAll(/^ *test\(\s*['`"]([^:'`"]+): /gm)].map((m) => m[1] ?? '');

const missing = (where: string, all: readonly string[], from: readonly string[]): readonly string[] =>
  all.filter((name) => !from.includes(name)).map((name) => `${name}: not in ${where}`);

/** Where the names of actions part; empty when nowhere. */
const actionFindings = (s: Subject): readonly string[] => {
  const actions = actionsOf(s);
  const own = actions.filter((a) => !s.world.includes(a));
  const functions = own.filter((a) => typeof s.exported[lower(a)] === 'function');
  const topics = topicsOf(s.tests);
  return [
    ...(actions.length === 0 ? ['the spec has no actions'] : []),
    ...missing('the models', actions, s.modelled),
    ...missing('the spec', [...s.modelled, ...s.world], actions),
    ...missing('the core', own, functions),
    ...s.world.filter((a) => lower(a) in s.exported).map((a) => `${a}: of the world, and in the core`),
    ...missing('the page', actions, headingsOf(s.page)),
    ...missing('the spec, a heading', headingsOf(s.page), actions),
    ...missing('the tests', own, topics),
    ...missing(
      'the spec, a title',
      topics.filter((topic) => topic !== '${action}'),
      [...own, ...s.topics],
    ),
  ];
};

/** Names of guards: the union of the core's type of that name. */
const guardsOf = (core: string): readonly string[] => {
  const union = /export type \w+Guard =([^;]*);/.exec(core)?.[1] ?? '';
  return [...union.matchAll(/'(\w+)'/g)].map((m) => m[1] ?? '');
};

const guardFindings = (s: Subject): readonly string[] => {
  const guards = guardsOf(s.core);
  if (s.isTotal) return guards.map((guard) => `${guard}: a guard where nothing is refused`);
  const holds = (where: string, pattern: (guard: string) => RegExp, text: string): readonly string[] =>
    guards.filter((guard) => !pattern(guard).test(text)).map((guard) => `${guard}: not in ${where}`);
  return [
    ...(guards.length === 0 ? ['the core has no guards'] : []),
    ...holds('the spec', (g) => new RegExp(`^${g}(\\([\\w, ]+\\))? *==`, 'm'), s.spec),
    ...holds('a refusal of the core', (g) => new RegExp(`refused: '${g}'`), s.core),
    ...holds('the tests', (g) => new RegExp(`'${g}'`), s.tests),
  ];
};

/** Each section links to the line on which the spec defines its action, and names the function of the core. */
const linkFindings = (s: Subject): readonly string[] => {
  /** The line `at` of the file, which is the whole spec or one of its parts. */
  const lineOf = (path: string, at: number): string => {
    const part = s.spec.split(/^==> /m).find((text) => text.startsWith(`${path}\n`));
    const text = part?.slice(path.length + 1) ?? (path === s.specPath ? s.spec : '');
    return text.split('\n')[at - 1] ?? '';
  };
  return s.page
    .split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const name = section.split('\n')[0] ?? '';
      const [, path = '', at] = /\(\.\.\/\.\.\/(spec\/\w+\.tla)#L(\d+)\)/.exec(section) ?? [];
      const line = lineOf(path, Number(at));
      const home = s.world.includes(name) ? 'conformance/world/' : `\`${lower(name)}\` in [core/`;
      return [
        ...(line.startsWith(`${name}(`) ? [] : [`${name}: its link does not lead to its definition`]),
        ...(section.includes(home) ? [] : [`${name}: the page does not say where it is run`]),
      ];
    });
};

for (const [name, subject] of Object.entries(subjects)) {
  test(`${name}: spec, models, core, page and tests speak of the same actions`, (t) => {
    t.deepEqual(actionFindings(subject()), []);
  });

  test(`${name}: a difference in any one of them is found`, (t) => {
    const s = subject();
    const own = actionsOf(s).find((a) => !s.world.includes(a)) ?? '';
    const renamed = (text: string): string => text.replaceAll(own, 'Renamed');
    const wrong: Readonly<Record<string, Subject>> = {
      spec: { ...s, spec: renamed(s.spec) },
      models: { ...s, modelled: s.modelled.filter((a) => a !== own) },
      moreModels: { ...s, modelled: [...s.modelled, 'Renamed'] },
      core: { ...s, exported: { ...s.exported, [lower(own)]: undefined } },
      world: { ...s, exported: { ...s.exported, [lower(s.world[0] ?? '')]: () => null } },
      page: { ...s, page: renamed(s.page) },
      noHeading: { ...s, page: s.page.replace(`### ${own}\n`, '') },
      tests: { ...s, tests: renamed(s.tests) },
      noSpec: { ...s, spec: '' },
    };
    for (const [where, changed] of Object.entries(wrong)) t.not(actionFindings(changed).length, 0, where);
  });

  test(`${name}: guards of the core are definitions of the spec, and each is seen to refuse`, (t) => {
    t.deepEqual(guardFindings(subject()), []);
  });

  test(`${name}: a guard that the spec, the core or the tests do not know is found`, (t) => {
    const s = subject();
    const guard = guardsOf(s.core)[0] ?? '';
    if (s.isTotal) {
      t.deepEqual(guardFindings({ ...s, core: "export type NewGuard = 'Late';" }), [
        'Late: a guard where nothing is refused',
      ]);
      return;
    }
    t.not(guardFindings({ ...s, spec: s.spec.replaceAll(guard, 'Renamed') }).length, 0);
    t.not(guardFindings({ ...s, core: s.core.replaceAll(`refused: '${guard}'`, '') }).length, 0);
    t.not(guardFindings({ ...s, tests: s.tests.replaceAll(guard, 'Renamed') }).length, 0);
    t.not(guardFindings({ ...s, core: '' }).length, 0);
  });

  test(`${name}: each heading of the page leads to the spec and to the core`, (t) => {
    const s = subject();
    t.deepEqual(linkFindings(s), []);
    t.not(linkFindings({ ...s, spec: s.spec.replaceAll(/^[A-Z]\w*\(/gm, '\n$&') }).length, 0);
    t.not(linkFindings({ ...s, page: s.page.replaceAll('core/', 'elsewhere/') }).length, 0);
  });
}

/** Models that a page names, by the prefixes that all names of models have. */
const namedModels = (page: string): readonly string[] =>
  [...page.matchAll(/`((?:Election|Membership|Paxos|Replication|Service|Voting|Zab)[A-Z0-9]\w*)`/g)].map(
    (m) => m[1] ?? '',
  );

const unknownModels = (pages: string): readonly string[] => {
  const models = readModels('spec/models.json');
  return E.isLeft(models) ? models.left : missing('models.json', namedModels(pages), [...models.right.keys()]);
};

test('Pages name models that exist', (t) => {
  const pages = `${readAll('docs/protocol', /\.md$/)}\n${read('spec/README.md')}`;
  t.true(namedModels(pages).length > 10);
  t.deepEqual(unknownModels(pages), []);
  t.not(unknownModels('the model `ReplicationRenamed`').length, 0);
});
