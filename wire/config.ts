/** Configuration text as a codec: what core/configuration.ts reads and writes, with the errors of the wire. */
import * as E from 'fp-ts/lib/Either.js';
import { formatConfigLines, parseConfigLines, parseServer } from '../core/configuration.js';
import type { ConfigLines, ConfiguredServer, Parsed } from '../core/configuration.js';
import type { WireError } from './error.js';

export {
  configurationOf,
  formatHost,
  formatMembers,
  formatVersion,
  parseVersion,
  plainConfiguration,
  readConfiguration,
  splitAddress,
} from '../core/configuration.js';
export type { HostPorts, PeerAddress } from '../core/configuration.js';
export type Member = ConfiguredServer;
export type Configuration = ConfigLines;

const either = <A>(parsed: Parsed<A>): E.Either<WireError, A> =>
  'bad' in parsed ? E.left({ type: 'BadValue', field: parsed.bad.field, value: parsed.bad.value }) : E.right(parsed.ok);

/**
 * Reads configuration text, also in the looser form of configuration files: role left out, port alone behind `;`.
 * @returns Left `BadValue` naming the line or value that is wrong
 */
export const parseConfiguration = (text: string): E.Either<WireError, Configuration> => either(parseConfigLines(text));

/** `host:quorumPort:electionPort[|...][:role][;[host:]clientPort]` */
export const parseMember = (sid: number, text: string): E.Either<WireError, Member> => either(parseServer(sid, text));

/** The text that servers exchange. */
export const formatConfiguration = formatConfigLines;
