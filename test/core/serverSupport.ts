/** A whole server without sockets or disk: tests play the shell's part. */
import type { ServerId } from '../../core/data/quorum.js';
import { plainConfiguration } from '../../core/configuration.js';
import { zeroZxid } from '../../core/data/zxid.js';
import type { Packet } from '../../core/replication/packet.js';
import type { ClientRequest } from '../../core/service/request.js';
import { serverStep, startServer } from '../../core/server.js';
import type { Clock, ServerConfig, ServerEffect, ServerEvent, ServerState } from '../../core/server.js';
import type { Notification } from '../../core/vote.js';
import { connectRequest } from './service/support.js';
import { zxid } from './replication/support.js';

export const tickTimeMs = 1000;

export const config = (self: ServerId, voters: readonly ServerId[]): ServerConfig => ({
  self,
  configuration: plainConfiguration(voters),
  tickTimeMs,
  initLimitTicks: 10,
  syncLimitTicks: 5,
  minSessionTimeoutMs: 2 * tickTimeMs,
  maxSessionTimeoutMs: 20 * tickTimeMs,
  commitLogCount: 500,
  snapCount: 100_000,
});

/** A server, its clock and what it has asked; durable writes are answered at once while `disk` is true. */
export type Run = { state: ServerState; nowMs: number; asked: ServerEffect[]; disk: boolean };

export const clockAt = (nowMs: number): Clock => ({ nowMs, wallMs: 1_700_000_000_000 + nowMs });

export const begin = (self: ServerId, voters: readonly ServerId[], snapCount = 100_000): Run => {
  const files = { base: zeroZxid, log: [], acceptedEpoch: 0, currentEpoch: 0, snapshot: null };
  const started = startServer({ ...config(self, voters), snapCount }, files, clockAt(0));
  if ('refused' in started) throw new Error(started.refused);
  return { state: started.state, nowMs: 0, asked: [...started.effects], disk: true };
};

const answersOf = (effects: readonly ServerEffect[]): readonly ServerEvent[] =>
  effects.flatMap((e): ServerEvent[] => {
    if (e.type === 'SaveEpoch') return [{ type: 'EpochSaved' }];
    if (e.type === 'SaveSnapshot') return [{ type: 'SnapshotSaved' }];
    const last = e.type === 'Append' ? e.txns.at(-1) : undefined;
    return last === undefined ? [] : [{ type: 'LogSynced', zxid: last.zxid }];
  });

/** Steps these events as one batch. @returns what they and the answers of the disk made the server ask */
export const send = (run: Run, ...events: readonly ServerEvent[]): readonly ServerEffect[] => {
  const { state, effects } = serverStep(run.state, events, clockAt(run.nowMs));
  run.state = state;
  run.asked.push(...effects);
  const answers = run.disk ? answersOf(effects) : [];
  return answers.length === 0 ? effects : [...effects, ...send(run, ...answers)];
};

/** Time passes in steps of 50 ms. */
export const pass = (run: Run, ms: number, each: () => void = () => undefined): readonly ServerEffect[] => {
  const effects: ServerEffect[] = [];
  for (const end = run.nowMs + ms; run.nowMs < end;) {
    run.nowMs += 50;
    each();
    effects.push(...send(run, { type: 'Tick' }));
  }
  return effects;
};

export const packet = (from: ServerId, p: Packet): ServerEvent => ({ type: 'PacketReceived', from, packet: p });

export const sentTo = (effects: readonly ServerEffect[], to: ServerId): readonly Packet[] =>
  effects.flatMap((e) => (e.type === 'Send' && e.to === to ? [e.packet] : []));

export const typesTo = (effects: readonly ServerEffect[], to: ServerId): readonly string[] =>
  sentTo(effects, to).map((p) => p.type);

export const looking = (leader: ServerId): Notification => ({
  state: 'LOOKING',
  vote: { leader, zxid: zeroZxid, epoch: 0 },
  round: 1,
});

export const pong = (from: ServerId): ServerEvent => packet(from, { type: 'PING', zxid: zeroZxid, touched: [] });

/** Server 1 of one, which serves. */
export const alone = (snapCount?: number): Run => {
  const run = begin(1, [1], snapCount);
  send(run, { type: 'Tick' });
  return run;
};

/** Server 3 of three, which leads server 1 in epoch 1. */
export const leading = (): Run => {
  const run = begin(3, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 1, notification: looking(3) });
  pass(run, 200);
  join(run, 1);
  return run;
};

/** Learner `sid` goes from its first packet to UPTODATE. */
export const join = (run: Run, sid: ServerId): readonly ServerEffect[] => [
  ...send(
    run,
    packet(sid, { type: 'FOLLOWERINFO', acceptedEpoch: 0, sid, protocolVersion: 0x10000, configVersion: zeroZxid }),
  ),
  ...send(run, packet(sid, { type: 'ACKEPOCH', currentEpoch: 0, zxid: zeroZxid })),
  ...send(run, packet(sid, { type: 'ACK', zxid: zxid(1, 0) })),
];

/** Server 1 of three, which follows server 3 in epoch 1. */
export const following = (): Run => {
  const run = begin(1, [1, 2, 3]);
  send(run, { type: 'NotificationReceived', from: 3, notification: looking(3) });
  pass(run, 200);
  send(run, packet(3, { type: 'LEADERINFO', epoch: 1, protocolVersion: 0x10000 }));
  send(run, packet(3, { type: 'DIFF', zxid: zeroZxid }), packet(3, { type: 'NEWLEADER', epoch: 1, config: null }));
  send(run, packet(3, { type: 'UPTODATE' }));
  return run;
};

/** A client on connection `conn` with a session of its own. */
export const attach = (run: Run, conn: number, ack?: () => void): string => {
  send(run, { type: 'ClientConnected', conn, address: '127.0.0.1' });
  const effects = [...send(run, { type: 'ConnectReceived', conn, request: connectRequest() })];
  ack?.();
  const response = [...effects, ...run.asked].find((e) => e.type === 'Respond' && e.conn === conn);
  if (response?.type !== 'Respond') throw new Error('no response');
  return response.response.session;
};

export const ask = (run: Run, conn: number, xid: number, request: ClientRequest): readonly ServerEffect[] =>
  send(run, { type: 'RequestReceived', conn, xid, request });
