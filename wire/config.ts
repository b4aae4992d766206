/**
 * Configuration text: what notifications and NEWLEADER carry, and the data of /zookeeper/config. One line
 * `server.<sid>=<value>` a member, `group.N` and `weight.N` lines of hierarchical quorums, then `version=<hex>`.
 */
import * as E from 'fp-ts/lib/Either.js';
import { zeroZxid } from '../core/data/zxid.js';
import type { Zxid } from '../core/data/zxid.js';
import type { WireError } from './error.js';

/** Where a server listens for its peers. IPv6 addresses stand without brackets here. */
export type PeerAddress = { readonly host: string; readonly quorumPort: number; readonly electionPort: number };

export type Member = {
  readonly sid: number;
  /** One, or several with multiAddress. */
  readonly addresses: readonly PeerAddress[];
  readonly role: 'participant' | 'observer';
  /** Where clients connect, when the configuration says so; `host` null when only the port is given. */
  readonly client: { readonly host: string | null; readonly port: number } | null;
};

export type Configuration = {
  readonly members: readonly Member[];
  /** Lines `group.<number>=<sids>`; empty for majority quorums. */
  readonly groups: readonly { readonly group: number; readonly sids: readonly number[] }[];
  readonly weights: readonly { readonly sid: number; readonly weight: number }[];
  /** Zxid of the reconfiguration that made it; zero for a static one. */
  readonly version: Zxid;
};

const bad = (field: string, value: string): E.Either<WireError, never> => E.left({ type: 'BadValue', field, value });

/**
 * Reads configuration text, also in the looser form of configuration files: role left out, port alone behind `;`.
 * @returns Left `BadValue` naming the line or value that is wrong
 * @see quorum-protocol 2.4; QuorumPeerConfig, QuorumServer
 */
export const parseConfiguration = (text: string): E.Either<WireError, Configuration> => {
  const members: Member[] = [];
  const groups: Configuration['groups'][number][] = [];
  const weights: Configuration['weights'][number][] = [];
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
      const member = parseMember(number, value);
      if (E.isLeft(member)) return member;
      members.push(member.right);
    } else if (key === 'group') {
      if (!/^\d{1,15}(:\d{1,15})*$/.test(value)) return bad(`group.${id}`, value);
      groups.push({ group: number, sids: value.split(':').map(Number) });
    } else {
      if (!/^\d{1,15}$/.test(value)) return bad(`weight.${id}`, value);
      weights.push({ sid: number, weight: Number(value) });
    }
  }
  return E.right({ members, groups, weights, version });
};

/** Hexadecimal without prefix, at most 64 bits. */
const parseVersion = (text: string): Zxid | null => {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) return null;
  const digits = text.padStart(16, '0');
  return { epoch: parseInt(digits.slice(0, 8), 16), counter: parseInt(digits.slice(8), 16) };
};

/** `host:quorumPort:electionPort[|...][:role][;[host:]clientPort]` */
export const parseMember = (sid: number, text: string): E.Either<WireError, Member> => {
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
  return E.right({
    sid,
    addresses,
    role: role === 'observer' ? 'observer' : 'participant',
    client: at === null ? null : { host: at.host === '' ? null : at.host, port: at.ports[0] ?? 0 },
  });
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

const formatMember = (m: Member): string => {
  const peers = m.addresses.map((a) => `${formatHost(a.host)}:${a.quorumPort}:${a.electionPort}`).join('|');
  const client =
    m.client === null ? '' : `;${m.client.host === null ? '' : `${formatHost(m.client.host)}:`}${m.client.port}`;
  return `server.${m.sid}=${peers}:${m.role}${client}\n`;
};

const formatVersion = (z: Zxid): string =>
  z.epoch === 0 ? z.counter.toString(16) : z.epoch.toString(16) + z.counter.toString(16).padStart(8, '0');

/** The text that servers exchange: members in the order given, a line end behind each, none behind the version. */
export const formatConfiguration = (c: Configuration): string =>
  c.members.map(formatMember).join('') +
  c.groups.map((g) => `group.${g.group}=${g.sids.join(':')}\n`).join('') +
  c.weights.map((w) => `weight.${w.sid}=${w.weight}\n`).join('') +
  `version=${formatVersion(c.version)}`;
