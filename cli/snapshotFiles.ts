/** `zabkeeper snapshot`: snapshot files shown, compared, summed up and restored, as Apache's four tools do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { formatZxid } from '../core/data/zxid.js';
import type { SnapshotNode } from '../core/service/snapshot.js';
import { explainConfigError, loadConfig } from '../shell/config.js';
import { javaDate } from '../shell/fourLetter.js';
import { installSnapshot, zxidOfSnapshot } from '../shell/storage/install.js';
import { nodeDisk } from '../shell/storage/nodeDisk.js';
import { fail, ok } from './failure.js';
import type { Failure, Outcome } from './failure.js';
import { printJson, printLines, readSnapshot, shortHex, shownData, zxidText } from './files.js';
import { wholeNumber } from './options.js';
import { table } from './table.js';

export type DumpOptions = { readonly json: boolean; readonly data?: boolean };

const pathOf = (node: SnapshotNode): string => (node.path === '' ? '/' : node.path);
const zxid14 = (z: SnapshotNode['czxid']): string => `0x${formatZxid(z).slice(2).padStart(14, '0')}`;

/** Every znode with its Stat, then the sessions; with `data` what it holds too. */
export const dumpSnapshot = (path: string, { json, data = false }: DumpOptions): Outcome => {
  const read = readSnapshot(path);
  if (E.isLeft(read)) return read;
  const { snapshot, zxid } = read.right;
  const nodes = [...snapshot.nodes];
  const ephemerals = new Map<string, number>();
  for (const { owner } of nodes) ephemerals.set(owner, (ephemerals.get(owner) ?? 0) + 1);
  if (json) {
    for (const node of nodes) printJson(jsonOf(node, data));
    for (const { session, timeoutMs } of snapshot.sessions)
      printJson({ session: shortHex(session), timeout_ms: timeoutMs, ephemerals: ephemerals.get(session) ?? 0 });
    printJson({ last_zxid: zxidText(zxid), nodes: nodes.length });
    return ok;
  }
  printLines([`ZNode Details (count=${nodes.length}):`, '----']);
  for (const node of nodes) printLines(linesOf(node, data));
  printLines([
    'Session Details (sid, timeout, ephemeralCount):',
    ...[...snapshot.sessions].map((s) => `${shortHex(s.session)}, ${s.timeoutMs}, ${ephemerals.get(s.session) ?? 0}`),
    ...['----', `Last zxid: ${zxidText(zxid) ?? 'unknown'}`],
  ]);
  return ok;
};

const linesOf = (n: SnapshotNode, data: boolean): readonly string[] => [
  pathOf(n),
  `  cZxid = ${zxid14(n.czxid)}`,
  `  ctime = ${javaDate(n.ctimeMs)}`,
  `  mZxid = ${zxid14(n.mzxid)}`,
  `  mtime = ${javaDate(n.mtimeMs)}`,
  `  pZxid = ${zxid14(n.pzxid)}`,
  `  cversion = ${n.cversion}`,
  `  dataVersion = ${n.version}`,
  `  aclVersion = ${n.aversion}`,
  `  ephemeralOwner = 0x${n.owner.replace(/^0+/, '').padStart(14, '0')}`,
  data ? `  data = ${Buffer.from(n.data ?? []).toString('base64')}` : `  dataLength = ${n.data?.length ?? 0}`,
  '----',
];

const jsonOf = (n: SnapshotNode, data: boolean): Readonly<Record<string, unknown>> => ({
  path: pathOf(n),
  czxid: formatZxid(n.czxid),
  ctime: n.ctimeMs,
  mzxid: formatZxid(n.mzxid),
  mtime: n.mtimeMs,
  pzxid: formatZxid(n.pzxid),
  cversion: n.cversion,
  version: n.version,
  aversion: n.aversion,
  ephemeral_owner: shortHex(n.owner),
  data_length: n.data?.length ?? 0,
  acl: n.acl,
  ...(data ? { data: shownData(n.data) } : {}),
});

export type CompareOptions = { readonly json: boolean; readonly bytes?: string; readonly nodes?: string };

type Weight = { readonly nodes: number; readonly bytes: number };

/** Nodes and bytes below each path, itself included. */
const weigh = (nodes: Iterable<SnapshotNode>): ReadonlyMap<string, Weight> => {
  const weights = new Map<string, { nodes: number; bytes: number }>();
  for (const node of nodes) {
    const bytes = node.data?.length ?? 0;
    for (let path = pathOf(node); ; path = path.slice(0, path.lastIndexOf('/')) || '/') {
      const weight = weights.get(path) ?? { nodes: 0, bytes: 0 };
      weight.nodes += 1;
      weight.bytes += bytes;
      weights.set(path, weight);
      if (path === '/') break;
    }
  }
  return weights;
};

type Difference = {
  readonly path: string;
  readonly kind: 'only left' | 'only right' | 'changed';
  readonly nodes: number;
  readonly bytes: number;
};

/** Exit 0: the trees are the same; 1: they differ, which is shown, from the given sizes on. */
export const compareSnapshots = (leftPath: string, rightPath: string, options: CompareOptions): Outcome => {
  const leastBytes = wholeNumber('--bytes', options.bytes, 0, 999_999_999);
  if (E.isLeft(leastBytes)) return leastBytes;
  const leastNodes = wholeNumber('--nodes', options.nodes, 0, 999_999_999);
  if (E.isLeft(leastNodes)) return leastNodes;
  const left = readSnapshot(leftPath);
  if (E.isLeft(left)) return left;
  const right = readSnapshot(rightPath);
  if (E.isLeft(right)) return right;
  const differences = differencesOf([...left.right.snapshot.nodes], [...right.right.snapshot.nodes]);
  const shown = differences.filter(
    (d) => Math.abs(d.bytes) >= (leastBytes.right ?? 0) && Math.abs(d.nodes) >= (leastNodes.right ?? 0),
  );
  if (options.json) for (const d of shown) printJson(d);
  else
    printLines(
      table([
        ['path', 'what', 'nodes', 'bytes'],
        ...shown.map((d) => [d.path, d.kind, signed(d.nodes), signed(d.bytes)]),
      ]),
    );
  if (differences.length === 0) return ok;
  return fail({
    code: 'SnapshotsDiffer',
    exit: 1,
    message: `${differences.length} paths differ${shown.length < differences.length ? `, ${shown.length} of them as much as asked for` : ''}`,
    hint: '',
    details: { differences: differences.length, shown: shown.length },
  });
};

const signed = (n: number): string => (n > 0 ? `+${n}` : String(n));

const differencesOf = (left: readonly SnapshotNode[], right: readonly SnapshotNode[]): readonly Difference[] => {
  const [weightL, weightR] = [weigh(left), weigh(right)];
  const [byL, byR] = [left, right].map((nodes) => new Map(nodes.map((n) => [pathOf(n), n]))) as [
    Map<string, SnapshotNode>,
    Map<string, SnapshotNode>,
  ];
  const paths = [...new Set([...byL.keys(), ...byR.keys()])].toSorted();
  return paths.flatMap((path): readonly Difference[] => {
    const [l, r] = [byL.get(path), byR.get(path)];
    const [wl, wr] = [weightL.get(path), weightR.get(path)];
    const nodes = (wr?.nodes ?? 0) - (wl?.nodes ?? 0);
    const bytes = (wr?.bytes ?? 0) - (wl?.bytes ?? 0);
    if (l === undefined) return [{ path, kind: 'only right', nodes, bytes }];
    if (r === undefined) return [{ path, kind: 'only left', nodes, bytes }];
    return sameNode(l, r) && nodes === 0 && bytes === 0 ? [] : [{ path, kind: 'changed', nodes, bytes }];
  });
};

const sameNode = (a: SnapshotNode, b: SnapshotNode): boolean =>
  JSON.stringify(jsonOf(a, true)) === JSON.stringify(jsonOf(b, true));

export type SummaryOptions = { readonly json: boolean; readonly depth?: string };

/** Children and bytes below a path, down to some depth. */
export const summarizeSnapshot = (path: string, from: string, options: SummaryOptions): Outcome => {
  const depth = wholeNumber('--depth', options.depth, 0, 100);
  if (E.isLeft(depth)) return depth;
  const read = readSnapshot(path);
  if (E.isLeft(read)) return read;
  const weights = weigh(read.right.snapshot.nodes);
  if (!weights.has(from)) return fail({ code: 'NoNode', exit: 1, message: `${path} has no node ${from}`, hint: '' });
  const depthOf = (p: string): number => (p === '/' ? 0 : p.split('/').length - 1);
  const rows = [...weights]
    .filter(([p]) => p === from || p.startsWith(from === '/' ? '/' : `${from}/`))
    .filter(([p]) => depthOf(p) - depthOf(from) <= (depth.right ?? 1))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (options.json) for (const [p, w] of rows) printJson({ path: p, children: w.nodes - 1, bytes: w.bytes });
  else printLines(table([['path', 'children', 'bytes'], ...rows.map(([p, w]) => [p, `${w.nodes - 1}`, `${w.bytes}`])]));
  return ok;
};

export type RestoreOptions = { readonly json: boolean; readonly config: string; readonly myid?: string };

/** Puts a snapshot in place of a stopped server's history; of an ensemble, the same file on every member. */
export const restoreSnapshot = async (path: string, options: RestoreOptions): Promise<Outcome> => {
  const config = loadConfig(
    options.config,
    options.myid === undefined ? undefined : { from: '--myid', text: options.myid },
  );
  if (E.isLeft(config)) {
    const first = config.left.find((e) => e.severity === 'error');
    return fail({
      code: 'BadConfig',
      exit: 3,
      message: first === undefined ? '' : explainConfigError(first),
      hint: '',
    });
  }
  const read = readSnapshot(path);
  if (E.isLeft(read)) return read;
  const zxid = read.right.zxid ?? zxidOfSnapshot(read.right);
  const { dataDir, dataLogDir } = config.right;
  if (!existsSync(dataDir)) return fail(notThere(dataDir));
  const stamp = `${formatZxid(zxid)}-${Date.now()}`;
  const installed = await installSnapshot(nodeDisk, { dataDir, dataLogDir }, zxid, read.right.snapshot, stamp);
  if (E.isLeft(installed)) return fail({ code: 'NotRestored', exit: 1, message: installed.left, hint: '' });
  if (options.json) printJson({ last_zxid: formatZxid(zxid), kept_in: installed.right.keptIn });
  else printLines([`restored at ${formatZxid(zxid)}; what was before is kept in ${join(installed.right.keptIn)}`]);
  return ok;
};

const notThere = (dir: string): Failure => ({
  code: 'DirectoryUnusable',
  exit: 1,
  message: `${dir} does not exist`,
  hint: 'zabkeeper init makes it',
});
