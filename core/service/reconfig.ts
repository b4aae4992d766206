/**
 * A client's reconfig at the leader: what it asks for, in ZooKeeper's order of checks, and the configuration text that
 * the transaction writes into /zookeeper/config. Who may decide what is in core/membershipRules.ts.
 * Source: PrepRequestProcessor.pRequest2Txn (OpCode.reconfig), QuorumPeerConfig.parseDynamicConfig.
 */
import { configurationOf, parseConfigLines } from '../configuration.js';
import type { ConfigLines, Configuration, ConfiguredServer } from '../configuration.js';
import type { ServerId } from '../data/quorum.js';
import type { Zxid } from '../data/zxid.js';
import { isQuorumOf, nextConfig, reconfigRefusal } from '../membershipRules.js';
import type { Member } from '../membershipRules.js';
import { allows, perm } from './acl.js';
import { factsAt } from './check.js';
import type { Author, Checked, View } from './check.js';
import { errorCode } from './error.js';
import type { ReconfigRequest } from './request.js';
import { rightsOf } from './rules.js';
import { configPath } from './tree.js';

/** What the leader knows of its ensemble; a standalone server has none, and one that is not enabled takes no reconfig. */
export type Reconfiguring =
  | {
      readonly active: Configuration;
      readonly lastSeen: Configuration;
      /** Who has the leader's history and gets its proposals, the leader included. */
      readonly synced: readonly ServerId[];
      readonly minVoters: number;
    }
  | 'standalone'
  | 'disabled';

/** @param version zxid of the transaction */
export const checkReconfig = (
  view: View,
  author: Author,
  request: ReconfigRequest,
  ensemble: Reconfiguring,
  version: Zxid,
): Checked => {
  if (ensemble === 'disabled') return { err: errorCode.reconfigDisabled };
  if (author.sessionErr !== errorCode.ok) return { err: author.sessionErr };
  if (ensemble === 'standalone') return { err: errorCode.unimplemented };
  const early = reconfigRefusal(ensemble.active, ensemble.lastSeen, request.version);
  if (early !== null)
    return { err: early.refused === 'NoneInFlight' ? errorCode.reconfigInProgress : errorCode.badVersion };
  const next = nextConfiguration(ensemble.lastSeen, request, version, ensemble.minVoters);
  if (typeof next === 'number') return { err: next };
  if (!isQuorumOf(next, ensemble.synced)) return { err: errorCode.newConfigNoQuorum };
  const node = factsAt(view, configPath);
  if (node === null) return { err: errorCode.noNode };
  if (!allows(node.acl, perm.write, rightsOf(view.rules, author.identities))) return { err: errorCode.noAuth };
  const data = Uint8Array.from(next.text, (c) => c.charCodeAt(0));
  const { version: nodeVersion, cversion, aversion, owner, acl, children } = node;
  const facts = { version: nodeVersion, cversion, aversion, owner, acl, children, bytes: data.length, use: null };
  return { record: { type: 'reconfig', path: configPath, data, version: -1 }, changes: [{ path: configPath, facts }] };
};

/** The configuration that a request makes of the last seen one, or why it makes none. */
export const nextConfiguration = (
  current: Configuration,
  { joining, leaving, members, version: from }: ReconfigRequest,
  version: Zxid,
  minVoters: number,
): Configuration | number => {
  const lines = linesOf(members ?? joining ?? '');
  if (lines === null) return errorCode.badArguments;
  const gone = idsOf(leaving ?? '');
  // Apache's servers meet an exception of their parser's here.
  if (gone === null) return errorCode.marshallingError;
  const those = lines.members.map(memberOf);
  const change =
    members === null
      ? ({ type: 'incremental', joining: those, leaving: gone } as const)
      : ({ type: 'whole', members: those, groups: configurationOf({ ...lines, version }).groups } as const);
  const next = nextConfig(current, { from, change }, version, minVoters);
  if ('error' in next) return errorCode.badArguments;
  const { voters, observers } = next.ok;
  const known = members === null ? [...current.members, ...lines.members] : lines.members;
  const listed = [...voters, ...observers]
    .sort((a, b) => a - b)
    .flatMap((sid) => known.findLast((m) => m.sid === sid) ?? []);
  if (!areApart(listed) || !areGrouped(lines, voters)) return errorCode.badArguments;
  const { groups, weights } = lines;
  return configurationOf({ members: listed, groups, weights, version });
};

const memberOf = ({ sid, role }: ConfiguredServer): Member => ({
  server: sid,
  role: role === 'participant' ? 'voter' : 'observer',
});

/** 254: the id becomes the top byte of session ids. */
const maxServerId = 254;

/** `server.N=…`, `group.N=…`, `weight.N=…` between commas or line ends; null: something else stands there. */
const linesOf = (text: string): ConfigLines | null => {
  const parsed = parseConfigLines(text.split(/[,\n]/).map((line) => line.trim()).join('\n')); // prettier-ignore
  if ('bad' in parsed || /(^|[,\n])\s*version=/.test(text)) return null;
  return parsed.ok.members.every((m) => m.sid <= maxServerId) ? parsed.ok : null;
};

const idsOf = (text: string): readonly ServerId[] | null => {
  const ids: ServerId[] = [];
  for (const word of text.split(',').map((w) => w.trim())) {
    if (word === '') continue;
    if (!/^-?\d{1,15}$/.test(word)) return null;
    ids.push(Number(word));
  }
  return ids;
};

/** No port is named twice: an Apache server looks at that too, but not on loopback addresses (docs/divergence.md). */
const areApart = (members: readonly ConfiguredServer[]): boolean => {
  const used = new Set<string>();
  for (const { addresses } of members)
    for (const { host, quorumPort, electionPort } of addresses)
      for (const port of [quorumPort, electionPort]) {
        const address = `${host.toLowerCase()}:${port}`;
        if (used.has(address) || port === 0) return false;
        used.add(address);
      }
  return true;
};

/** Where there are groups, every voter stands in one, and nobody in two. */
const areGrouped = ({ groups }: ConfigLines, voters: readonly ServerId[]): boolean => {
  if (groups.length === 0) return true;
  const grouped = groups.flatMap((g) => g.sids);
  return new Set(grouped).size === grouped.length && voters.every((v) => grouped.includes(v));
};
