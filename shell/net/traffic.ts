/** What is counted of one client connection, as the four-letter words `stat` and `cons` show it. */
import type { Socket } from 'node:net';
import { formatZxid } from '../../core/data/zxid.js';
import type { ClientRequest, Reply } from '../../core/service/request.js';
import { namespaceOf } from '../metrics.js';
import type { Log } from './log.js';

/** A request that waits for its reply. */
export type Arrival = {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly bytes: number;
  readonly xid: number;
  readonly op: ClientRequest['op'];
  readonly isWrite: boolean;
  /** The first part of its path; null where there is none. */
  readonly namespace: string | null;
};

export type Traffic = {
  /** 16 hexadecimal digits; null: none yet. */
  session: string | null;
  received: number;
  sent: number;
  /** As `lop` shows it. */
  lastOp: string;
  /** null: none yet. */
  lastCxid: number | null;
  lastZxid: string | null;
  /** Monotonic milliseconds of the last answer; 0: none. */
  lastResponseMs: number;
  lastLatencyMs: number;
  minLatencyMs: number;
  maxLatencyMs: number;
  latencies: number;
  latencySumMs: number;
  readonly establishedMs: number;
};

/** One client connection as people see it. */
export type ConnectionStatus = {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  /** Whether the server reads from it at the moment. */
  readonly reading: boolean;
  /** Over TLS. */
  readonly secure: boolean;
  readonly queued: number;
  readonly traffic: Readonly<Traffic>;
};

export const newTraffic = (): Traffic => ({
  session: null,
  received: 0,
  sent: 0,
  lastOp: 'NA',
  lastCxid: null,
  lastZxid: null,
  lastResponseMs: 0,
  lastLatencyMs: 0,
  minLatencyMs: 0,
  maxLatencyMs: 0,
  latencies: 0,
  latencySumMs: 0,
  establishedMs: Date.now(),
});

/** Operations as `lop` calls them (Request.op2String, its first four letters and what else is told apart). */
const lastOperations: Readonly<Partial<Record<ClientRequest['op'], string>>> = {
  create: 'CREA',
  create2: 'CREA',
  createContainer: 'CREA',
  createTTL: 'CREA',
  delete: 'DELE',
  deleteContainer: 'DELE',
  setData: 'SETD',
  setACL: 'SETA',
  exists: 'EXIS',
  getData: 'GETD',
  getChildren: 'GETC',
  getChildren2: 'GETC',
  getACL: 'GETA',
  getAllChildrenNumber: 'GETACN',
  getEphemerals: 'GETE',
  sync: 'SYNC',
  multi: 'MULT',
  multiRead: 'MLTR',
  setWatches: 'SETW',
  setWatches2: 'STW2',
  addWatch: 'ADDW',
  removeWatches: 'REMW',
  checkWatches: 'CHKW',
  reconfig: 'RECO',
  whoAmI: 'HOMI',
  closeSession: 'CLOS',
  ping: 'PING',
};

export const lastOperation = (op: ClientRequest['op']): string => lastOperations[op] ?? 'NA';

const writes: ReadonlySet<ClientRequest['op']> = new Set<ClientRequest['op']>([
  'create',
  'create2',
  'createContainer',
  'createTTL',
  'delete',
  'setData',
  'setACL',
  'multi',
  'reconfig',
  'closeSession',
]);

export const arrivalOf = (
  { xid, request }: { readonly xid: number; readonly request: ClientRequest },
  atMs: number,
  bytes: number,
): Arrival => ({
  atMs,
  bytes,
  xid,
  op: request.op,
  isWrite: writes.has(request.op),
  namespace: 'path' in request ? namespaceOf(request.path) : null,
});

export const countAnswer = (t: Traffic, arrival: Arrival, reply: Reply, tookMs: number, nowMs: number): void => {
  t.lastOp = lastOperation(arrival.op);
  if (arrival.xid >= 0) t.lastCxid = arrival.xid;
  if (reply.zxid !== null) t.lastZxid = formatZxid(reply.zxid);
  t.lastResponseMs = Math.floor(nowMs);
  t.lastLatencyMs = tookMs;
  if (t.latencies === 0 || tookMs < t.minLatencyMs) t.minLatencyMs = tookMs;
  if (tookMs > t.maxLatencyMs) t.maxLatencyMs = tookMs;
  t.latencies += 1;
  t.latencySumMs += tookMs;
};

/** A line about a request that took long. */
export const tellSlow = (
  log: Log,
  peer: string,
  t: Traffic,
  { op, xid }: Arrival,
  reply: Reply,
  tookMs: number,
): void =>
  log('warn', `${op} of client ${peer} took ${tookMs} ms`, {
    op,
    xid,
    session: t.session === null ? null : `0x${t.session}`,
    zxid: reply.zxid === null ? null : formatZxid(reply.zxid),
    tookMs,
  });

/** What `crst` puts back. */
export const resetTraffic = (t: Traffic): void => {
  t.received = 0;
  t.sent = 0;
  t.lastLatencyMs = 0;
  t.minLatencyMs = 0;
  t.maxLatencyMs = 0;
  t.latencies = 0;
  t.latencySumMs = 0;
};

type Counted = {
  readonly id: number;
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  readonly reading: boolean;
  readonly waiting: readonly Arrival[];
  readonly head: number;
  readonly traffic: Traffic;
};

export const statusOf = (c: Counted): ConnectionStatus => ({
  id: c.id,
  address: c.address,
  port: c.port,
  reading: c.reading,
  secure: 'encrypted' in c.socket,
  queued: c.waiting.length - c.head,
  traffic: c.traffic,
});
