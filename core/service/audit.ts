/**
 * What an audit log is told: one entry for each node that a client's write changed or was refused to change, at the
 * server of that client; and one for each ephemeral that went with its session, at every server.
 * Source: AuditHelper, ZKAuditProvider, DataTree.killSession.
 */
import { userNameOf } from './auth.js';
import type { Change, TxnResult } from './apply.js';
import { errorCode } from './error.js';
import type { Identity, MultiPart, WriteRequest } from './request.js';
import type { ServiceRules } from './rules.js';
import type { Acl, SessionId, Txn, TxnRecord } from './txn.js';

/** What is null is left out of the line. */
export type AuditEntry = {
  readonly session: SessionId | null;
  /** Everybody that the connection has proved to be, between commas; null: the server itself. */
  readonly user: string | null;
  readonly ip: string | null;
  readonly operation: string;
  readonly znode: string | null;
  readonly znodeType: string | null;
  readonly acl: string | null;
  readonly result: 'success' | 'failure';
};

/** Who asked for a write, kept until it is decided: the connection may be gone by then. */
export type AuditSubject = {
  readonly session: SessionId;
  readonly user: string;
  readonly ip: string;
  readonly request: WriteRequest;
};

/** Audited operations by the name of the request; others leave no entry. */
const operations: Readonly<Record<string, string>> = {
  create: 'create',
  create2: 'create',
  createContainer: 'create',
  createTTL: 'create',
  delete: 'delete',
  setData: 'setData',
  setACL: 'setAcl',
  multi: 'multiOperation',
  reconfig: 'reconfig',
};

const znodeTypes: readonly string[] = [
  'persistent',
  'ephemeral',
  'persistent_sequential',
  'ephemeral_sequential',
  'container',
  'persistent_with_ttl',
  'persistent_sequential_with_ttl',
];

const znodeTypeOf = (request: WriteRequest | MultiPart): string | null =>
  'flags' in request ? (znodeTypes[request.flags] ?? null) : null;

/** null: the operation is not audited. */
export const auditSubject = (
  rules: ServiceRules,
  {
    session,
    identities,
    address,
  }: { readonly session: SessionId; readonly identities: readonly Identity[]; readonly address: string },
  request: WriteRequest,
): AuditSubject | null => {
  if (operations[request.op] === undefined) return null;
  const names = identities.filter((who) => who.scheme !== 'super').map((who) => userNameOf(rules.auth.providers, who));
  return { session, user: [...new Set(names)].join(','), ip: address, request };
};

/** A write that failed as a whole. */
export const auditedRefusal = (subject: AuditSubject): readonly AuditEntry[] => [
  entryOf(subject, subject.request, pathOf(subject.request), 'failure'),
];

export const auditedResult = (subject: AuditSubject, txn: Txn, { err, body }: TxnResult): readonly AuditEntry[] => {
  const { request } = subject;
  const isRefused = body.type === 'multi' && body.results.some((part) => part.op === 'error');
  if (err !== errorCode.ok || isRefused) return auditedRefusal(subject);
  if (request.op !== 'multi' || txn.record.type !== 'multi')
    return [entryOf(subject, request, pathOf(txn.record), 'success')];
  const { parts } = txn.record;
  return request.parts.flatMap((part, i) => {
    const record = parts[i];
    return record === undefined || part.op === 'check' ? [] : [entryOf(subject, part, pathOf(record), 'success')];
  });
};

/** The ephemerals that a session leaves behind. */
export const auditedDeletions = (txn: Txn, changes: readonly Change[]): readonly AuditEntry[] =>
  txn.record.type !== 'closeSession'
    ? []
    : changes
        .filter((change) => change.type === 'deleted')
        .map(({ path }) => ({
          session: txn.session,
          user: null,
          ip: null,
          operation: 'ephemeralZNodeDeletionOnSessionCloseOrExpire',
          znode: path,
          znodeType: null,
          acl: null,
          result: 'success',
        }));

const pathOf = (said: WriteRequest | TxnRecord): string | null => ('path' in said ? said.path : null);

const entryOf = (
  { session, user, ip }: AuditSubject,
  request: WriteRequest | MultiPart,
  znode: string | null,
  result: AuditEntry['result'],
): AuditEntry => ({
  session,
  user,
  ip,
  operation: operations[request.op] ?? request.op,
  znode,
  znodeType: znodeTypeOf(request),
  acl: request.op === 'setACL' ? aclText(request.acl ?? []) : null,
  result,
});

const letters = [
  [4, 'c'],
  [8, 'd'],
  [1, 'r'],
  [2, 'w'],
  [16, 'a'],
] as const;

/** `scheme:id:cdrwa`, one entry behind the other. */
const aclText = (acl: readonly Acl[]): string =>
  acl
    .map(({ scheme, id, perms }) => {
      const granted = letters.filter(([bit]) => (perms & bit) !== 0).map(([, letter]) => letter);
      return `${scheme}:${id}:${granted.join('')}`;
    })
    .join('');
