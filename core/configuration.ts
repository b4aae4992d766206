/**
 * Configuration text: what notifications and NEWLEADER carry, what a reconfig writes, the data of /zookeeper/config. One
 * line `server.<sid>=<value>` a member, `group.N` and `weight.N` lines of hierarchical quorums, then `version=<hex>`.
 * A configuration is who takes part (core/membershipRules.ts) and where they are reached.
 * Source: quorum-protocol 2.4; QuorumPeerConfig, QuorumServer, QuorumHierarchical.
 */
import type { ServerId } from './data/quorum.js';
import { zeroZxid } from './data/zxid.js';
import type { Zxid } from './data/zxid.js';
import type { Config, Group } from './membershipRules.js';

/** Where a server listens for its peers. IPv6 addresses stand without brackets here. */
export type PeerAddress = { readonly host: string; readonly quorumPort: number; readonly electionPort: number };

export type ConfiguredServer = {
  readonly sid: ServerId;
  /** One, or several with multiAddress. */
  readonly addresses: readonly PeerAddress[];
  readonly role: 'participant' | 'observer';
  /** Where clients connect, when the configuration says so; `host` null when only the port is given. */
  readonly client: { readonly host: string | null; readonly port: number } | null;
};

/** The lines of a configuration. */
export type ConfigLines = {
  readonly members: readonly ConfiguredServer[];
  /** Lines `group.<number>=<sids>`; empty for majority quorums. */
  readonly groups: readonly { readonly group: number; readonly sids: readonly ServerId[] }[];
  readonly weights: readonly { readonly sid: ServerId; readonly weight: number }[];
  /** Zxid of the reconfiguration that made it; zero for a static one. */
  readonly version: Zxid;
};

/** A configuration, with its members and its text. */
export type Configuration = Config & { readonly members: readonly ConfiguredServer[]; readonly text: string };

export type BadLine = { readonly field: string; readonly value: string };
export type Parsed<A> = { readonly ok: A } | { readonly bad: BadLine };

const bad = (field: string, value: string): { readonly bad: BadLine } => ({ bad: { field, value } });

/** Reads configuration text, also in the looser form of configuration files: role left out, port alone behind `;`. */
export const parseConfigLines = (text: string): Parsed<ConfigLines> => {
  const members: ConfiguredServer[] = [];
  const groups: ConfigLines['groups'][number][] = [];
  const weights: ConfigLines['weights'][number][] = [];
  let version = zeroZxid;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const [, key = '', id = '', value = ''] = /^(server|group|weight|version)(?:\.(\d{1,15}))?=(.*)$/.exec(line) ?? [];
    const number = Number(id);
    if (key === 'version') {
      const parsed = parseVersion(value);
      if (parsed === null || id !== '') return bad('version', value);
      version = parsed;
    } else if (key === '' || id === '') {
      return bad('configuration line', line);
    } else if (key === 'server') {
      const member = parseServer(number, value);
      if ('bad' in member) return member;
      members.push(member.ok);
    } else if (key === 'group') {
      if (!/^\d{1,15}(:\d{1,15})*$/.test(value)) return bad(`group.${id}`, value);
      groups.push({ group: number, sids: value.split(':').map(Number) });
    } else {
      if (!/^\d{1,15}$/.test(value)) return bad(`weight.${id}`, value);
      weights.push({ sid: number, weight: Number(value) });
    }
  }
  return { ok: { members, groups, weights, version } };
};

/** A version as text has it: hexadecimal without prefix, at most 64 bits; null: it is none. */
export const parseVersion = (text: string): Zxid | null => {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) return null;
  const digits = text.padStart(16, '0');
  return { epoch: parseInt(digits.slice(0, 8), 16), counter: parseInt(digits.slice(8), 16) };
};

/** `host:quorumPort:electionPort[|...][:role][;[host:]clientPort]` */
export const parseServer = (sid: number, text: string): Parsed<ConfiguredServer> => {
  const [peers = '', client, ...rest] = text.split(';');
  if (rest.length > 0) return bad(`server.${sid}`, text);
  const role = /:(participant|observer)$/i.exec(peers)?.[1]?.toLowerCase();
  const listed = role === undefined ? peers : peers.slice(0, -role.length - 1);
  const addresses: PeerAddress[] = [];
  for (const part of listed.split('|')) {
    const ports = splitAddress(part, 2);
    if (ports === null || ports.host === '') return bad(`server.${sid}`, text);
    addresses.push({ host: ports.host, quorumPort: ports.ports[0] ?? 0, electionPort: ports.ports[1] ?? 0 });
  }
  const at = client === undefined ? null : splitAddress(client.includes(':') ? client : `:${client}`, 1);
  if (client !== undefined && at === null) return bad(`server.${sid}`, text);
  return {
    ok: {
      sid,
      addresses,
      role: role === 'observer' ? 'observer' : 'participant',
      client: at === null ? null : { host: at.host === '' ? null : at.host, port: at.ports[0] ?? 0 },
    },
  };
};

export type HostPorts = { readonly host: string; readonly ports: readonly number[] };

/** `host:port[:port]`, an IPv6 host in brackets; null when it is not of that form or a port is above 65535. */
export const splitAddress = (text: string, ports: number): HostPorts | null => {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))((?::\d{1,5})+)$/.exec(text);
  if (match === null) return null;
  const numbers = (match[3] ?? '').slice(1).split(':').map(Number);
  if (numbers.length !== ports || numbers.some((n) => n > 65535)) return null;
  return { host: match[1] ?? match[2] ?? '', ports: numbers };
};

/** A host as it stands before a port: IPv6 in brackets. */
export const formatHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** The line of a server, with its line end. */
export const formatServer = (m: ConfiguredServer): string => {
  const peers = m.addresses.map((a) => `${formatHost(a.host)}:${a.quorumPort}:${a.electionPort}`).join('|');
  const client =
    m.client === null ? '' : `;${m.client.host === null ? '' : `${formatHost(m.client.host)}:`}${m.client.port}`;
  return `server.${m.sid}=${peers}:${m.role}${client}\n`;
};

export const formatVersion = (z: Zxid): string =>
  z.epoch === 0 ? z.counter.toString(16) : z.epoch.toString(16) + z.counter.toString(16).padStart(8, '0');

/** All lines but the version: what a file of the dynamic configuration holds. */
export const formatMembers = (c: Omit<ConfigLines, 'version'>): string =>
  c.members.map(formatServer).join('') +
  c.groups.map((g) => `group.${g.group}=${g.sids.join(':')}\n`).join('') +
  c.weights.map((w) => `weight.${w.sid}=${w.weight}\n`).join('');

/** The text that servers exchange: members in the order given, a line end behind each, none behind the version. */
export const formatConfigLines = (c: ConfigLines): string => `${formatMembers(c)}version=${formatVersion(c.version)}`;

/** The configuration that these lines make. */
export const configurationOf = (lines: ConfigLines): Configuration => ({
  version: lines.version,
  voters: idsOf(lines.members, 'participant'),
  observers: idsOf(lines.members, 'observer'),
  groups: groupsOf(lines),
  members: lines.members,
  text: formatConfigLines(lines),
});

const idsOf = (members: readonly ConfiguredServer[], role: ConfiguredServer['role']): readonly ServerId[] =>
  members.flatMap((m) => (m.role === role ? [m.sid] : [])).sort((a, b) => a - b);

/** A server without a weight weighs 1. */
const groupsOf = ({ groups, weights }: ConfigLines): readonly Group[] | null =>
  groups.length === 0
    ? null
    : groups.map((g) => ({
        members: g.sids.map((server) => ({ server, weight: weights.find((w) => w.sid === server)?.weight ?? 1 })),
      }));

/** What configuration text says; null when it cannot be read. */
export const readConfiguration = (text: string): Configuration | null => {
  const lines = parseConfigLines(text);
  return 'bad' in lines ? null : configurationOf(lines.ok);
};

/** The same members under another version. */
export const withVersion = (c: Configuration, version: Zxid): Configuration => ({
  version,
  voters: c.voters,
  observers: c.observers,
  groups: c.groups,
  members: c.members,
  text: c.text.replace(/version=[0-9a-f]*$/i, `version=${formatVersion(version)}`),
});

/** Servers that are known by their ids alone, of whom all but these voters observe: models and tests need no more. */
export const plainConfiguration = (
  voters: readonly ServerId[],
  observers: readonly ServerId[] = [],
  groups: readonly Group[] | null = null,
): Configuration => ({
  version: zeroZxid,
  voters: [...voters].sort((a, b) => a - b),
  observers,
  groups,
  members: [],
  text: 'version=0',
});
