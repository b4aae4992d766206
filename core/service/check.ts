/**
 * The checks of single writes, in ZooKeeper's order: the first that fails gives the error. They see the database with
 * everything that was accepted before, applied or not.
 * Source: PrepRequestProcessor.pRequest2Txn.
 */
import { emptyHamt, getKey, hasKey, setKey } from '../data/hamt.js';
import type { Hamt } from '../data/hamt.js';
import { sizeOfNames } from '../data/nameSet.js';
import type { Zxid } from '../data/zxid.js';
import { allows, fixAcl, perm } from './acl.js';
import type { AuthProviders } from './auth.js';
import { errorCode } from './error.js';
import { hasParent, isValidPath, parentOf, specialPaths } from './path.js';
import type {
  CheckRequest,
  CreateRequest,
  CreateTTLRequest,
  DeleteContainerRequest,
  DeleteRequest,
  Identity,
  SetACLRequest,
  SetDataRequest,
} from './request.js';
import { bytesOf, limitsPath, quotaOver, readLimits, readUse, statsPath } from './quota.js';
import type { Use } from './quota.js';
import type { ServiceRules } from './rules.js';
import { defaultRules, rightsOf } from './rules.js';
import type { Tree } from './tree.js';
import { containerOwner, isEphemeral, nodeAt, ttlOwner } from './tree.js';
import type { Acl, SessionId, TxnRecord } from './txn.js';
import { noSession } from './txn.js';

/** What checks need of a node. */
export type NodeFacts = {
  readonly version: number;
  /** Children ever created. */
  readonly cversion: number;
  readonly aversion: number;
  readonly owner: SessionId;
  readonly acl: readonly Acl[] | null;
  readonly children: number;
  /** Length of the data. */
  readonly bytes: number;
  /** Of the stats node of a quota while something is on its way: the use as it will be; else null. */
  readonly use: Use | null;
};

/** The facts of a path once the transaction `zxid` is applied; null: no node. */
export type Outstanding = { readonly zxid: Zxid; readonly facts: NodeFacts | null };

/** The tree as it will be: what is applied, and over it what is accepted but not yet applied. */
export type View = {
  readonly tree: Tree;
  readonly outstanding: Hamt<string, Outstanding>;
  readonly rules: ServiceRules;
};

export const viewOf = (tree: Tree, rules = defaultRules): View => ({ tree, outstanding: emptyHamt(), rules });

/** Whether something that is accepted, not yet applied, changes the node or its children. */
export const hasOutstanding = (view: View, path: string): boolean => hasKey(view.outstanding, path);

export const factsAt = (view: View, path: string): NodeFacts | null => {
  const outstanding = getKey(view.outstanding, path);
  if (outstanding !== undefined) return outstanding.facts;
  const node = nodeAt(view.tree, path);
  if (node === undefined) return null;
  const { version, cversion, aversion, owner, acl } = node;
  return {
    version,
    cversion,
    aversion,
    owner,
    acl,
    children: sizeOfNames(node.children),
    bytes: bytesOf(node),
    use: null,
  };
};

export type FactsChange = { readonly path: string; readonly facts: NodeFacts | null };

export const withFacts = (view: View, zxid: Zxid, changes: readonly FactsChange[]): View => {
  let { outstanding } = view;
  for (const { path, facts } of changes) outstanding = setKey(outstanding, path, { zxid, facts });
  return { tree: view.tree, outstanding, rules: view.rules };
};

/** The use of a quota once all that is accepted is applied; null: nobody counts it. */
const useOf = (view: View, subtree: string): Use | null => {
  const path = statsPath(subtree);
  const waiting = getKey(view.outstanding, path)?.facts?.use;
  return waiting ?? readUse(nodeAt(view.tree, path)?.data ?? null);
};

/** Whether a hard limit is passed, with what is on its way counted in: a multi cannot pass it either. */
const isOverQuota = (view: View, path: string, count: number, bytes: number): boolean => {
  const subtree = view.rules.enforceQuota ? quotaOver(view.tree, path) : null;
  const use = subtree === null ? null : useOf(view, subtree);
  if (subtree === null || use === null) return false;
  const { hardCount, hardBytes } = readLimits(nodeAt(view.tree, limitsPath(subtree))?.data ?? null);
  const passes = (by: number, used: number, limit: number | null): boolean =>
    by !== 0 && limit !== null && used + by > limit;
  return passes(count, use.count, hardCount) || passes(bytes, use.bytes, hardBytes);
};

/** What changes do to the quotas above them, as facts of the stats nodes. */
export const quotaChanges = (view: View, changes: readonly FactsChange[]): readonly FactsChange[] => {
  const used = new Map<string, Use>();
  for (const { path, facts } of changes) {
    const subtree = quotaOver(view.tree, path);
    const use = subtree === null ? null : (used.get(subtree) ?? useOf(view, subtree));
    if (subtree === null || use === null) continue;
    const before = factsAt(view, path);
    const count = use.count + Number(facts !== null) - Number(before !== null);
    used.set(subtree, { count, bytes: use.bytes + (facts?.bytes ?? 0) - (before?.bytes ?? 0) });
  }
  return [...used].flatMap(([subtree, use]) => {
    const facts = factsAt(view, statsPath(subtree));
    if (facts === null) return [];
    const { version, cversion, aversion, owner, acl, children, bytes } = facts;
    return [{ path: statsPath(subtree), facts: { version, cversion, aversion, owner, acl, children, bytes, use } }];
  });
};

export type SingleWrite =
  CreateRequest | CreateTTLRequest | DeleteRequest | SetDataRequest | SetACLRequest | CheckRequest;

/** Who asks. `sessionErr` is the verdict on the session, given where the order of checks has its place. */
export type Author = {
  readonly session: SessionId;
  readonly sessionErr: number;
  readonly identities: readonly Identity[];
  /** Only its own server knows it: it can have no ephemeral node. */
  readonly isLocal?: boolean;
};

export type Checked =
  { readonly err: number } | { readonly record: TxnRecord; readonly changes: readonly FactsChange[] };

const fails = (err: number): Checked => ({ err });

export const checkWrite = (view: View, author: Author, request: SingleWrite): Checked => {
  switch (request.op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL':
      return checkCreate(view, author, request);
    case 'delete':
      return checkDelete(view, author, request);
    case 'setData':
      return checkSetData(view, author, request);
    case 'setACL':
      return checkSetAcl(view, author, request);
    case 'check':
      return checkVersion(view, author, request);
  }
};

/** Nodes of Apache's servers that none survives on the root (client-protocol: quotas); see docs/divergence.md. */
const rootQuota = '/zookeeper/quota/zookeeper_limits';

const maxFlags = 6;
const firstTtlFlag = 5;
/** Of 40 bits, milliseconds. */
const maxTtlMs = 0xffffffffff;

/** Of a container node. */
export const containerFlags = 4;

export const isKnownFlags = (flags: number): boolean => flags >= 0 && flags <= maxFlags;
export const isTtlFlags = (flags: number): boolean => flags >= firstTtlFlag;

/** What flags, operation and time to live must be together; 0: they are. */
const modeErr = ({ extendedTypes }: ServiceRules, request: CreateRequest | CreateTTLRequest): number => {
  const { flags } = request;
  if (!isKnownFlags(flags)) return errorCode.badArguments;
  const ttl = request.op === 'createTTL' ? request.ttl : -1;
  // Apache's servers take a createTTL without the flags of one, and do not survive it (docs/divergence.md).
  if (flags < firstTtlFlag) return request.op === 'createTTL' ? errorCode.badArguments : errorCode.ok;
  if (!extendedTypes) return errorCode.unimplemented;
  return ttl >= 1 && ttl <= maxTtlMs ? errorCode.ok : errorCode.badArguments;
};

const checkCreate = (view: View, author: Author, request: CreateRequest | CreateTTLRequest): Checked => {
  const { path, flags } = request;
  const wrongMode = modeErr(view.rules, request);
  if (wrongMode !== errorCode.ok) return fails(wrongMode);
  if (path === null) return fails(errorCode.marshallingError);
  if (author.isLocal === true && isEphemeralMode(request)) return fails(errorCode.ephemeralOnLocalSession);
  if (author.sessionErr !== 0) return fails(author.sessionErr);
  if (!hasParent(path)) return fails(errorCode.badArguments);
  const acl = fixAcl(request.acl, author.identities, providersIn(view));
  if (typeof acl === 'number') return fails(acl);
  const parentPath = parentOf(path);
  const parent = factsAt(view, parentPath);
  if (parent === null) return fails(errorCode.noNode);
  if (!may(view, author, parent.acl, perm.create)) return fails(errorCode.noAuth);
  const sequential = (flags & 2) !== 0;
  const full = sequential ? path + sequenceSuffix(parent.cversion) : path;
  if (!isValidPath(full) || full === rootQuota) return fails(errorCode.badArguments);
  if (factsAt(view, full) !== null) return fails(errorCode.nodeExists);
  if (isEphemeral(parent.owner)) return fails(errorCode.noChildrenForEphemerals);
  const bytes = request.data?.length ?? 0;
  if (isOverQuota(view, full, 1, bytes)) return fails(errorCode.quotaExceeded);
  const parentCVersion = (parent.cversion + 1) | 0;
  const { record, owner } = created(request, full, acl, parentCVersion, author.session);
  const changes = [
    { path: parentPath, facts: withChild(parent, parentCVersion, 1) },
    { path: full, facts: { version: 0, cversion: 0, aversion: 0, owner, acl, children: 0, bytes, use: null } },
  ];
  return { record, changes };
};

/** The operation says what is made: createContainer makes one whatever its flags, create with flag 4 a plain node. */
const created = (
  request: CreateRequest | CreateTTLRequest,
  path: string,
  acl: readonly Acl[],
  parentCVersion: number,
  session: SessionId,
): { readonly record: TxnRecord; readonly owner: SessionId } => {
  const { op, data, flags } = request;
  switch (op) {
    case 'createContainer':
      return { record: { type: op, path, data, acl, parentCVersion }, owner: containerOwner };
    case 'createTTL':
      return { record: { type: op, path, data, acl, parentCVersion, ttl: request.ttl }, owner: ttlOwner(request.ttl) };
    default: {
      const ephemeral = (flags & 1) !== 0;
      return {
        record: { type: op, path, data, acl, ephemeral, parentCVersion },
        owner: ephemeral ? session : noSession,
      };
    }
  }
};

const isEphemeralMode = ({ op, flags }: CreateRequest | CreateTTLRequest): boolean =>
  (op === 'create' || op === 'create2') && (flags & 1) !== 0;

const may = (view: View, author: Author, acl: readonly Acl[] | null, wanted: number): boolean =>
  allows(acl, wanted, rightsOf(view.rules, author.identities), providersIn(view));

const providersIn = (view: View): AuthProviders => view.rules.auth.providers;

/** The parent's count of children ever created, at least ten characters wide; an int32 that wraps shows its sign. */
export const sequenceSuffix = (count: number): string =>
  count < 0 ? `-${String(-count).padStart(9, '0')}` : String(count).padStart(10, '0');

const withChild = (facts: NodeFacts, cversion: number, children: number): NodeFacts => ({
  version: facts.version,
  cversion,
  aversion: facts.aversion,
  owner: facts.owner,
  acl: facts.acl,
  children: facts.children + children,
  bytes: facts.bytes,
  use: facts.use,
});

/** The facts of a node and of its parent when the node goes. */
export const deletion = (view: View, path: string): readonly FactsChange[] => {
  const parentPath = parentOf(path);
  const parent = factsAt(view, parentPath);
  const gone: FactsChange = { path, facts: null };
  return parent === null ? [gone] : [{ path: parentPath, facts: withChild(parent, parent.cversion, -1) }, gone];
};

const checkDelete = (view: View, author: Author, { path, version }: DeleteRequest): Checked => {
  if (author.sessionErr !== 0) return fails(author.sessionErr);
  if (path === null) return fails(errorCode.marshallingError);
  if (!hasParent(path) || specialPaths.includes(path)) return fails(errorCode.badArguments);
  const parent = factsAt(view, parentOf(path));
  if (parent === null) return fails(errorCode.noNode);
  if (!may(view, author, parent.acl, perm.delete)) return fails(errorCode.noAuth);
  const node = factsAt(view, path);
  if (node === null) return fails(errorCode.noNode);
  if (version !== -1 && version !== node.version) return fails(errorCode.badVersion);
  if (node.children > 0) return fails(errorCode.notEmpty);
  return { record: { type: 'delete', path }, changes: deletion(view, path) };
};

/** Asked by the leader itself, so no session and no ACL stand in its way. */
export const checkDeleteContainer = (view: View, { path }: DeleteContainerRequest): Checked => {
  if (!hasParent(path) || specialPaths.includes(path)) return fails(errorCode.badArguments);
  const node = factsAt(view, path);
  if (node === null) return fails(errorCode.noNode);
  if (node.children > 0) return fails(errorCode.notEmpty);
  if (isEphemeral(node.owner)) return fails(errorCode.badVersion);
  return { record: { type: 'deleteContainer', path }, changes: deletion(view, path) };
};

/** What setData, setACL and check have in common: the node at a well-formed path, with a permission on it. */
const nodeFor = (view: View, author: Author, path: string, wanted: number): NodeFacts | number => {
  const node = factsAt(view, path);
  if (node === null) return errorCode.noNode;
  return may(view, author, node.acl, wanted) ? node : errorCode.noAuth;
};

const checkSetData = (view: View, author: Author, { path, data, version }: SetDataRequest): Checked => {
  if (author.sessionErr !== 0) return fails(author.sessionErr);
  if (path === null) return fails(errorCode.marshallingError);
  if (!isValidPath(path)) return fails(errorCode.badArguments);
  const node = nodeFor(view, author, path, perm.write);
  if (typeof node === 'number') return fails(node);
  const bytes = data?.length ?? 0;
  if (isOverQuota(view, path, 0, bytes - node.bytes)) return fails(errorCode.quotaExceeded);
  if (version !== -1 && version !== node.version) return fails(errorCode.badVersion);
  const next = (node.version + 1) | 0;
  const { cversion, aversion, owner, acl, children } = node;
  const changes = [{ path, facts: { version: next, cversion, aversion, owner, acl, children, bytes, use: null } }];
  return { record: { type: 'setData', path, data, version: next }, changes };
};

const checkSetAcl = (view: View, author: Author, request: SetACLRequest): Checked => {
  const { path } = request;
  if (author.sessionErr !== 0) return fails(author.sessionErr);
  if (path === null) return fails(errorCode.marshallingError);
  if (!isValidPath(path)) return fails(errorCode.badArguments);
  const acl = fixAcl(request.acl, author.identities, providersIn(view));
  if (typeof acl === 'number') return fails(acl);
  const node = nodeFor(view, author, path, perm.admin);
  if (typeof node === 'number') return fails(node);
  if (request.version !== -1 && request.version !== node.aversion) return fails(errorCode.badVersion);
  const aversion = (node.aversion + 1) | 0;
  const { version, cversion, owner, children, bytes, use } = node;
  const changes = [{ path, facts: { version, cversion, aversion, owner, acl, children, bytes, use } }];
  return { record: { type: 'setACL', path, acl, version: aversion }, changes };
};

const checkVersion = (view: View, author: Author, { path, version }: CheckRequest): Checked => {
  if (author.sessionErr !== 0) return fails(author.sessionErr);
  if (path === null) return fails(errorCode.marshallingError);
  if (!isValidPath(path)) return fails(errorCode.badArguments);
  const node = nodeFor(view, author, path, perm.read);
  if (typeof node === 'number') return fails(node);
  if (version !== -1 && version !== node.version) return fails(errorCode.badVersion);
  // The record carries the version after this one, as every server of ZooKeeper's writes it.
  return { record: { type: 'check', path, version: (node.version + 1) | 0 }, changes: [] };
};
