/**
 * Servers of `zabkeeper/core` in memory: a FIFO from each to each, disks that are done at once, time by hand. It runs as
 * packed, in a context with nothing of any platform, so it may use the language alone.
 */
import { plainConfiguration, serverStep, startServer, statusOf } from 'zabkeeper/core';
import type {
  ClientRequest,
  Reply,
  ServerConfig,
  ServerEffect,
  ServerEvent,
  ServerId,
  ServerState,
} from 'zabkeeper/core';

type Node = {
  state: ServerState;
  /** What has come for it, in order. */
  readonly inbox: ServerEvent[];
  /** Packets of those who connected before it listened. */
  early: ServerEvent[];
  listens: boolean;
  readonly sessions: string[];
  readonly replies: Reply[];
};

export type Story = {
  readonly servers: readonly {
    readonly role: string;
    readonly phase: string;
    readonly leader: ServerId | null;
    readonly serving: boolean;
    readonly zxid: string;
    /** What a client of this server reads from the created znode: error code and bytes. */
    readonly read: { readonly err: number | null; readonly data: string };
  }[];
  readonly sessions: number;
  readonly created: { readonly err: number; readonly body: string } | null;
  readonly refused: readonly string[];
};

const stepMs = 50;
/** Virtual time after which nothing is expected any more. */
const patienceMs = 30_000;

const configOf = (self: ServerId, voters: readonly ServerId[]): ServerConfig => ({
  self,
  configuration: plainConfiguration(voters),
  tickTimeMs: 2000,
  initLimitTicks: 10,
  syncLimitTicks: 5,
  minSessionTimeoutMs: 4000,
  maxSessionTimeoutMs: 40_000,
  commitLogCount: 500,
  snapCount: 100_000,
});

const nothing = { base: { epoch: 0, counter: 0 }, log: [], acceptedEpoch: 0, currentEpoch: 0, snapshot: null };

/** Three servers elect a leader and serve; a client of the first that follows creates `/made`, and all are asked for it. */
export const run = (): Story => {
  const ids: readonly ServerId[] = [1, 2, 3];
  const refused: string[] = [];
  const nodes = new Map<ServerId, Node>();
  let nowMs = 0;
  const clock = (): { nowMs: number; wallMs: number } => ({ nowMs, wallMs: 1_700_000_000_000 + nowMs });

  const each = (visit: (id: ServerId, node: Node) => void): void => nodes.forEach((node, id) => visit(id, node));

  const perform = (id: ServerId, node: Node, effect: ServerEffect): void => {
    switch (effect.type) {
      case 'Notify':
        nodes.get(effect.to)?.inbox.push({ type: 'NotificationReceived', from: id, notification: effect.notification });
        return;
      case 'Listen':
        node.listens = true;
        node.inbox.push(...node.early);
        node.early = [];
        return;
      case 'Send': {
        const to = nodes.get(effect.to);
        const packet: ServerEvent = { type: 'PacketReceived', from: id, packet: effect.packet };
        if (to !== undefined && !node.listens && !to.listens) to.early.push(packet);
        else to?.inbox.push(packet);
        return;
      }
      case 'Disconnect':
        nodes.get(effect.peer)?.inbox.push({ type: 'PeerClosed', peer: id });
        return;
      case 'DisconnectAll':
        node.listens = false;
        each((other, peer) => other !== id && peer.inbox.push({ type: 'PeerClosed', peer: id }));
        return;
      case 'SaveEpoch':
        node.inbox.push({ type: 'EpochSaved' });
        return;
      case 'SaveSnapshot':
        node.inbox.push({ type: 'SnapshotSaved' });
        return;
      case 'Append': {
        const last = effect.txns.at(-1);
        if (last !== undefined) node.inbox.push({ type: 'LogSynced', zxid: last.zxid });
        return;
      }
      case 'Respond':
        node.sessions.push(effect.response.session);
        return;
      case 'Reply':
        node.replies.push(effect.reply);
        return;
      case 'Refused':
        refused.push(`${id}: ${effect.what} ${effect.guard}`);
        return;
      case 'Connect':
      case 'Truncate':
      case 'TakeSnapshot':
      case 'Event':
      case 'CloseClient':
      case 'Configure':
      case 'Audit':
        return;
    }
  };

  const settle = (until: () => boolean): void => {
    const end = nowMs + patienceMs;
    while (!until() && nowMs < end) {
      nowMs += stepMs;
      each((_, node) => node.inbox.push({ type: 'Tick' }));
      while ([...nodes.values()].some((n) => n.inbox.length > 0)) {
        each((id, node) => {
          const step = serverStep(node.state, node.inbox.splice(0), clock());
          node.state = step.state;
          for (const effect of step.effects) perform(id, node, effect);
        });
      }
    }
  };

  const begin = new Map<ServerId, readonly ServerEffect[]>();
  for (const id of ids) {
    const begun = startServer(configOf(id, ids), nothing, clock());
    if ('refused' in begun) {
      refused.push(`${id}: ${begun.refused}`);
      continue;
    }
    nodes.set(id, { state: begun.state, inbox: [], early: [], listens: false, sessions: [], replies: [] });
    begin.set(id, begun.effects);
  }
  // Once all are there, since they write to each other.
  each((id, node) => begin.get(id)?.forEach((effect) => perform(id, node, effect)));
  settle(() => [...nodes.values()].every((n) => n.state.serving));

  const ask = (node: Node, xid: number, request: ClientRequest): Reply | undefined => {
    node.inbox.push({ type: 'RequestReceived', conn: 1, xid, request });
    settle(() => node.replies.some((r) => r.xid === xid));
    return node.replies.find((r) => r.xid === xid);
  };

  each((_, node) => {
    node.inbox.push({ type: 'ClientConnected', conn: 1, address: '127.0.0.1' });
    node.inbox.push({
      type: 'ConnectReceived',
      conn: 1,
      request: {
        protocolVersion: 0,
        lastZxidSeen: { epoch: 0, counter: 0 },
        timeoutMs: 10_000,
        session: '0000000000000000',
        password: new Uint8Array(16),
        readOnly: false,
      },
    });
  });
  settle(() => [...nodes.values()].every((n) => n.sessions.length > 0));

  const follower = [...nodes.values()].find((n) => n.state.replication.role.leader !== n.state.config.self);
  const made =
    follower === undefined
      ? undefined
      : ask(follower, 1, {
          op: 'create',
          path: '/made',
          data: Uint8Array.of(122, 97, 98),
          acl: [{ perms: 31, scheme: 'world', id: 'anyone' }],
          flags: 0,
        });

  const reads = new Map<ServerId, Story['servers'][number]['read']>();
  each((id, node) => {
    // What was acknowledged on one server is on another after a sync.
    ask(node, 2, { op: 'sync', path: '/made' });
    const reply = ask(node, 3, { op: 'getData', path: '/made', watch: false });
    const body = reply?.body;
    const data = body?.type === 'dataStat' && body.data !== null ? [...body.data].join(' ') : '';
    reads.set(id, { err: reply?.err ?? null, data });
  });

  return {
    servers: [...nodes].map(([id, { state }]) => {
      const { role, phase, leader, serving, zxid } = statusOf(state);
      const read = reads.get(id) ?? { err: null, data: '' };
      return { role, phase, leader, serving, zxid: `${zxid.epoch}:${zxid.counter}`, read };
    }),
    sessions: new Set([...nodes.values()].flatMap((n) => n.sessions)).size,
    created:
      made === undefined ? null : { err: made.err, body: made.body.type === 'path' ? (made.body.path ?? '') : '' },
    refused,
  };
};
