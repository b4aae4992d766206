/** The value of a `server.N` line of zoo.cfg: `host:quorumPort:electionPort[:role][;[address:]clientPort]`. */
import type { ServerId } from '../core/data/quorum.js';

export type ClientAddress = {
  /** null: every address. */
  readonly host: string | null;
  readonly port: number;
};

export type ServerSpec = {
  readonly id: ServerId;
  /** Name or address; an IPv6 address without its brackets. */
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
  readonly role: 'participant' | 'observer';
  /** null: the line names none. */
  readonly client: ClientAddress | null;
};

/** What is wrong with a part of a value; `at` counts UTF-16 units from the value's start. */
export type BadPart = {
  readonly at: number;
  readonly found: string;
  readonly problem: string;
  readonly remedy: string;
};

/** 0 to 254: the id becomes the top byte of session ids, and 255 would make them negative for some clients. */
export const maxServerId = 254;

export const serverForm = 'host:quorumPort:electionPort[:participant][;[address:]clientPort]';

/** @returns the server, and everything that is wrong with the text; the server is null when there is anything. */
export const parseServerSpec = (
  id: ServerId,
  text: string,
): { readonly server: ServerSpec | null; readonly bad: readonly BadPart[] } => {
  const bad: BadPart[] = [];
  const several = text.indexOf('|');
  if (several >= 0) {
    bad.push({
      at: several,
      found: text.slice(several),
      problem: 'several addresses for one server are not supported yet',
      remedy: 'name one address',
    });
    return { server: null, bad };
  }
  const semicolon = text.indexOf(';');
  const parts = splitAddress(semicolon < 0 ? text : text.slice(0, semicolon), 0);
  const [host, quorum, election, role, ...more] = parts;
  if (host === undefined || quorum === undefined || election === undefined || more.length > 0) {
    bad.push({
      at: 0,
      found: text,
      problem: `a server line has the form ${serverForm}`,
      remedy: 'write it in that form',
    });
    return { server: null, bad };
  }
  if (host.text === '') {
    bad.push({ at: host.at, found: '', problem: 'the host is missing', remedy: 'write a host name or an address' });
  }
  const quorumPort = portOf(quorum, 'quorum port', bad);
  const electionPort = portOf(election, 'election port', bad);
  const roleText = role?.text.toLowerCase() ?? 'participant';
  if (role !== undefined && roleText !== 'participant' && roleText !== 'observer') {
    bad.push({
      at: role.at,
      found: role.text,
      problem: 'the role is unknown',
      remedy: 'write participant, or nothing',
    });
  }
  const client = semicolon < 0 ? null : clientOf(text.slice(semicolon + 1), semicolon + 1, bad);
  if (bad.length > 0) return { server: null, bad };
  return {
    server: {
      id,
      host: host.text,
      quorumPort,
      electionPort,
      role: roleText === 'observer' ? 'observer' : 'participant',
      client,
    },
    bad,
  };
};

type Part = { readonly text: string; readonly at: number };

/** Splits at colons, except inside the brackets of an IPv6 address, which are taken off. */
const splitAddress = (text: string, at: number): readonly Part[] => {
  const parts: Part[] = [];
  let start = 0;
  let depth = 0;
  for (let i = 0; i <= text.length; i += 1) {
    const c = text[i];
    if (c === '[') depth += 1;
    else if (c === ']') depth -= 1;
    if (i === text.length || (c === ':' && depth === 0)) {
      const raw = text.slice(start, i).trim();
      parts.push({ text: /^\[.*\]$/.test(raw) ? raw.slice(1, -1) : raw, at: at + start });
      start = i + 1;
    }
  }
  return parts;
};

const portOf = (part: Part, what: string, bad: BadPart[]): number => {
  const port = /^\d{1,5}$/.test(part.text) ? Number(part.text) : 0;
  if (port >= 1 && port <= 65535) return port;
  bad.push({
    at: part.at,
    found: part.text,
    problem: `the ${what} must be a number from 1 to 65535`,
    remedy: 'write a port',
  });
  return 0;
};

const clientOf = (text: string, at: number, bad: BadPart[]): ClientAddress | null => {
  const parts = splitAddress(text, at);
  const [first, second, ...more] = parts;
  if (first === undefined || more.length > 0) {
    bad.push({ at, found: text, problem: 'behind the semicolon stands [address:]clientPort', remedy: 'write it so' });
    return null;
  }
  if (second === undefined) return { host: null, port: portOf(first, 'client port', bad) };
  const every = first.text === '' || first.text === '0.0.0.0' || first.text === '::';
  return { host: every ? null : first.text, port: portOf(second, 'client port', bad) };
};
