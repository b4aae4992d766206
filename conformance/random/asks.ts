/** What simulated clients ask of their own accord: every kind of request, well-meant and not, as chance has it. */
import type { ClientRequest } from '../../core/service/request.js';
import type { Acl } from '../../core/service/txn.js';
import type { Chance } from './chance.js';

export type Asker = {
  /** Number of the client; its data say who wrote them. */
  readonly n: number;
  readonly xid: number;
  /** A path that nobody else names: what is acknowledged there has to stay. */
  readonly own: string;
};

export const anyone: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }];

const paths = ['/a', '/b', '/a/x', '/a/y', '/b/x'];
/** Beyond ASCII: valid; a control character that Java refuses; and what is no path at all. */
const oddPaths = ['/\u00e9', '/\u0085', '/a//x', '/a/..', 'a'];

/** Somebody may always read or change the list, so that no node is shut for good. */
const everybody = (perms: number): Acl => ({ perms, scheme: 'world', id: 'anyone' });
const lists: readonly (readonly Acl[] | null)[] = [
  anyone,
  anyone,
  [everybody(17)],
  [everybody(16), { perms: 31, scheme: 'auth', id: '' }],
  [everybody(1), { perms: 31, scheme: 'auth', id: '' }],
  [everybody(30), { perms: 1, scheme: 'ip', id: '10.0.0.0/8' }],
  [{ perms: 31, scheme: 'nobody', id: 'knows' }],
  [],
  null,
];
const versions = [-1, -1, 0, 1, 2, 7];

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** An identity that some clients prove: nodes shut by one of them are open to others with the same. */
export const proof = (chance: Chance): ClientRequest => {
  const [scheme, auth] = chance.pick([
    ['digest', bytes('one:secret')],
    ['digest', bytes('two:words')],
    ['ip', null],
  ] as const);
  return { op: 'auth', scheme, auth };
};

/** A proof that fails: its connection is closed. */
const badProof: ClientRequest = { op: 'auth', scheme: 'nobody', auth: null };

export const somethingToAsk = (chance: Chance, { n, xid, own }: Asker): ClientRequest => {
  const path = chance.percent(3) ? chance.pick(oddPaths) : chance.pick(paths);
  const version = chance.pick(versions);
  const data = bytes(`${n}-${xid}`);
  const create = (flags: number, at = path, acl: readonly Acl[] | null = anyone): ClientRequest => ({
    op: 'create',
    path: at,
    data,
    acl,
    flags,
  });
  switch (chance.below(20)) {
    case 0:
    case 1:
    case 2:
      return create(0, own);
    case 3:
      return create(1);
    case 4:
      return create(2);
    case 5:
      return { op: 'delete', path, version };
    case 6:
      return { op: 'setData', path, data, version: -1 };
    case 7:
      return { op: 'setData', path, data, version };
    case 8:
    case 9:
      return { op: 'getData', path, watch: true };
    case 10:
      return { op: chance.percent(50) ? 'getChildren' : 'getChildren2', path, watch: true };
    case 11:
      return { op: 'sync', path: '/' };
    case 12:
      return chance.percent(20) ? { op: 'closeSession' } : { op: 'exists', path, watch: true };
    case 13: {
      const first = { op: 'create' as const, path: '/b/z', data, acl: anyone, flags: 2 };
      return { op: 'multi', parts: [first, { op: 'setData', path, data, version }] };
    }
    case 14:
      return { op: 'getACL', path };
    case 15:
      return { op: 'setACL', path, acl: chance.pick(lists), version };
    case 16:
      return chance.percent(10) ? badProof : proof(chance);
    case 17:
      return create(0, path, chance.pick(lists));
    default:
      return create(0);
  }
};
