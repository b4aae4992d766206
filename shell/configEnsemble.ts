/** What zoo.cfg says of the ensemble as a whole: quorums, reconfiguration, what a leader does. */
import * as t from 'io-ts';
import { formatVersion, parseVersion } from '../wire/config.js';
import type { SupportedKey } from './configKeys.js';
import { Natural, oneOf } from './configTypes.js';

const Id = Natural;

export const Ensemble = t.readonly(
  t.strict({
    /** zoo.cfg itself, which a reconfig rewrites. */
    file: t.string,
    /** Whether the configuration changes by transactions (reconfigEnabled). */
    reconfig: t.boolean,
    /** Whether a server that is the only one serves without a quorum port (standaloneEnabled). */
    standalone: t.boolean,
    leaderServes: t.boolean,
    /** Of hierarchical quorums; empty for majorities. */
    groups: t.readonlyArray(t.readonly(t.strict({ group: Natural, sids: t.readonlyArray(Id) }))),
    weights: t.readonlyArray(t.readonly(t.strict({ sid: Id, weight: Natural }))),
    /** Of the dynamic configuration, hexadecimal: 0 for a static one. */
    version: t.string,
  }),
  'Ensemble',
);
export type Ensemble = t.TypeOf<typeof Ensemble>;

type Listed = { readonly key: string; readonly value: string };

type Input = {
  readonly read: <A>(key: SupportedKey, codec: t.Type<A, string, string>) => A | null;
  readonly listed: readonly Listed[];
  readonly complainOf: (key: string, problem: string, remedy: string) => void;
  readonly file: string;
  readonly dynamic: { readonly file: string; readonly version: string | null } | null;
  /** Ids of the participants. */
  readonly voters: readonly number[];
};

const flag = oneOf('true', 'false');

export const readEnsemble = (input: Input): Ensemble => {
  const { read, listed, file, dynamic } = input;
  const reconfig = read('reconfigEnabled', flag) === 'true';
  const standalone = read('standaloneEnabled', flag) !== 'false';
  const leaderServes = read('leaderServes', oneOf('yes', 'no')) !== 'no';
  const groups = listed.flatMap(({ key, value }) => {
    const group = /^group\.(\d{1,9})$/.exec(key)?.[1];
    if (group === undefined) return [];
    if (/^\d{1,3}(:\d{1,3})*$/.test(value)) return [{ group: Number(group), sids: value.split(':').map(Number) }];
    input.complainOf(key, 'must name servers by their ids, with colons between', 'write group.1=1:2:3');
    return [];
  });
  const weights = listed.flatMap(({ key, value }) => {
    const sid = /^weight\.(\d{1,3})$/.exec(key)?.[1];
    if (sid === undefined) return [];
    if (/^\d{1,9}$/.test(value)) return [{ sid: Number(sid), weight: Number(value) }];
    input.complainOf(key, 'must be a whole number', 'write weight.1=1');
    return [];
  });
  checkGroups(input, groups, weights);
  return { file, reconfig, standalone, leaderServes, groups, weights, version: versionOf(dynamic) };
};

/** Whether a file stands in for the version of its members: by its line, else by the end of its name. */
const versionOf = (dynamic: Input['dynamic']): string => {
  const text = dynamic?.version ?? /\.dynamic\.([0-9a-f]{1,16})$/.exec(dynamic?.file ?? '')?.[1] ?? '0';
  return formatVersion(parseVersion(text) ?? { epoch: 0, counter: 0 });
};

/** Every participant stands in one group, and something weighs something: else no quorum could be. */
const checkGroups = ({ voters, complainOf }: Input, groups: Ensemble['groups'], weights: Ensemble['weights']): void => {
  const [first] = weights;
  if (groups.length === 0) {
    if (first !== undefined)
      complainOf(`weight.${first.sid}`, 'is a weight, but there are no groups', 'add group.N lines, or remove it');
    return;
  }
  const seen = new Map<number, number>();
  for (const { group, sids } of groups)
    for (const sid of sids) {
      const key = `group.${group}`;
      if (!voters.includes(sid)) complainOf(key, `names ${sid}, which is no participant`, 'name participants only');
      const before = seen.get(sid);
      if (before !== undefined) complainOf(key, `names ${sid}, which group.${before} has already`, 'name it once');
      seen.set(sid, group);
    }
  const alone = voters.find((v) => !seen.has(v));
  const last = groups.at(-1)?.group ?? 0;
  if (alone !== undefined) complainOf(`group.${last}`, `no group has server ${alone}`, 'put each into a group');
  const weightOf = (sid: number): number => weights.find((w) => w.sid === sid)?.weight ?? 1;
  if (!groups.some((g) => g.sids.some((sid) => weightOf(sid) > 0)))
    complainOf(`group.${last}`, 'no server weighs anything', 'give some a weight above 0');
};

/** Whether the server is none of an ensemble: it has no peers, and may have none. */
export const isAlone = (config: {
  readonly servers: readonly unknown[];
  readonly ensemble: Pick<Ensemble, 'standalone'>;
}): boolean => config.servers.length === 0 || (config.servers.length === 1 && config.ensemble.standalone);
