/**
 * Whole servers whose ensemble changes, over channels that delay and break and disks that lose what was not synced, all
 * from one seed. What is checked is told by `run`.
 */
import { configurationOf } from '../../core/configuration.js';
import type { Configuration, ConfiguredServer } from '../../core/configuration.js';
import type { ServerId } from '../../core/data/quorum.js';
import { compareZxid, formatZxid, zeroZxid } from '../../core/data/zxid.js';
import type { Zxid } from '../../core/data/zxid.js';
import { entriesAfter } from '../../core/replication/state.js';
import type { Packet } from '../../core/replication/packet.js';
import { defaultRules, serverStep, startServer } from '../../core/server.js';
import type { ServerEffect, ServerEvent, ServerState } from '../../core/server.js';
import type { ReconfigRequest } from '../../core/service/request.js';
import type { Snapshot } from '../../core/service/snapshot.js';
import type { Txn } from '../../core/service/txn.js';

type Job = { readonly save: () => void; readonly done: ServerEvent };

type Link = {
  readonly learner: ServerId;
  readonly leader: ServerId;
  readonly up: (Packet | 'EOF')[];
  readonly down: (Packet | 'EOF')[];
  /** The leader has taken it. */
  taken: boolean;
};

type Node = {
  readonly id: ServerId;
  state: ServerState | null;
  listens: boolean;
  jobs: Job[];
  accepted: number;
  current: number;
  base: Zxid;
  snapshot: { readonly file: string; readonly snapshot: Snapshot } | null;
  log: Txn[];
  files: Configuration;
  applied: Zxid;
};

export type World = {
  readonly nodes: readonly Node[];
  readonly choose: (n: number) => number;
  /** What went wrong first; null: nothing. */
  readonly fault: () => string | null;
  readonly reconfigs: () => number;
  /** One thing happens. */
  readonly step: () => void;
  /** All servers run, nothing is cut, and so much time passes. */
  readonly rest: (ms: number) => void;
  readonly leader: () => Node | null;
  readonly write: () => void;
};

const member = (sid: ServerId, role: ConfiguredServer['role']): ConfiguredServer => ({
  sid,
  addresses: [{ host: `s${sid}`, quorumPort: 2888, electionPort: 3888 }],
  role,
  client: null,
});

const lineOf = (sid: ServerId, role: string): string => `server.${sid}=s${sid}:2888:3888:${role}`;

const tickTimeMs = 100;

export const worldOf = (seed: number, size: number, voters: number): World => {
  let random = (seed * 2654435761 + 12345) >>> 0;
  const choose = (n: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 0x100000000) * n);
  };
  let nowMs = 0;
  let fault: string | null = null;
  let reconfigs = 0;
  let asked = 0;
  let cut: ServerId | null = null;
  const next = new Map<string, string>();
  const leaders = new Map<number, ServerId>();
  const links: Link[] = [];
  const notes = new Map<string, ServerEvent>();
  const first = configurationOf({
    members: Array.from({ length: voters }, (_, i) => member(i + 1, 'participant')),
    groups: [],
    weights: [],
    version: zeroZxid,
  });
  const blame = (what: string): void => void (fault ??= `seed ${seed}, at ${nowMs} ms: ${what}`);
  const ownFirst = (id: ServerId): Configuration =>
    first.voters.includes(id)
      ? first
      : configurationOf({
          members: [...first.members, member(id, 'observer')],
          groups: [],
          weights: [],
          version: zeroZxid,
        });
  const nodes = Array.from({ length: size }, (_, i): Node => ({
    id: i + 1,
    state: null,
    listens: false,
    jobs: [],
    accepted: 0,
    current: 0,
    base: zeroZxid,
    snapshot: null,
    log: [],
    files: ownFirst(i + 1),
    applied: zeroZxid,
  }));
  const nodeOf = (id: ServerId): Node => nodes[id - 1] as Node;
  const clock = (): { nowMs: number; wallMs: number } => ({ nowMs, wallMs: 1_700_000_000_000 + nowMs });

  const start = (node: Node): void => {
    const { base, snapshot, log } = node;
    const lastEpoch = log.at(-1)?.zxid.epoch ?? base.epoch;
    node.current = Math.max(node.current, lastEpoch);
    node.accepted = Math.max(node.accepted, node.current);
    const started = startServer(
      {
        self: node.id,
        configuration: node.files,
        reconfig: { minVoters: 1, lastSeen: null },
        tickTimeMs,
        initLimitTicks: 10,
        syncLimitTicks: 5,
        minSessionTimeoutMs: 1000,
        maxSessionTimeoutMs: 1_000_000,
        commitLogCount: 100_000,
        snapCount: 100_000,
        rules: { ...defaultRules, skipAcl: true },
      },
      { base, log, snapshot, acceptedEpoch: node.accepted, currentEpoch: node.current },
      clock(),
    );
    if ('refused' in started) return blame(`server ${node.id} does not start: ${started.refused}`);
    node.state = started.state;
    node.applied = base;
    for (const effect of started.effects) perform(node, effect);
  };

  const tell = (node: Node, event: ServerEvent): void => {
    if (node.state === null) return;
    const step = serverStep(node.state, [event], clock());
    node.state = step.state;
    for (const effect of step.effects) perform(node, effect);
    see(node);
  };

  /** One leader an epoch; and what is applied behind a transaction is the same everywhere. */
  const see = (node: Node): void => {
    const { replication, leading } = node.state as ServerState;
    const { disk, delivered, role } = replication;
    const epoch = role.newEpoch;
    if (leading !== null) {
      if ((leaders.get(epoch) ?? node.id) !== node.id)
        blame(`${node.id} and ${leaders.get(epoch)} lead epoch ${epoch}`);
      leaders.set(epoch, node.id);
    }
    if (compareZxid(disk.base, node.applied) > 0) node.applied = disk.base;
    if (compareZxid(delivered, node.applied) <= 0) return;
    for (const { zxid } of entriesAfter(disk.log, node.applied)) {
      if (compareZxid(zxid, delivered) > 0) break;
      const before = formatZxid(node.applied);
      const known = next.get(before) ?? formatZxid(zxid);
      if (known !== formatZxid(zxid))
        blame(`server ${node.id} applies ${formatZxid(zxid)} behind ${before}, another one ${known}`);
      next.set(before, known);
      node.applied = zxid;
    }
  };

  const job = (node: Node, save: () => void, done: ServerEvent): void => void node.jobs.push({ save, done });

  const perform = (node: Node, effect: ServerEffect): void => {
    const { id } = node;
    switch (effect.type) {
      case 'Notify': {
        const config = (node.state ?? null)?.replication.ensemble.active.text ?? node.files.text;
        notes.set(`${id} ${effect.to}`, { type: 'NotificationReceived', from: id, notification: effect.notification, config }); // prettier-ignore
        return;
      }
      case 'Listen':
        node.listens = true;
        return;
      case 'Connect':
        drop(links.findIndex((l) => l.learner === id && l.leader === effect.to));
        links.push({ learner: id, leader: effect.to, up: [], down: [], taken: false });
        return;
      case 'Send': {
        const link = links.findLast((l) => (l.learner === id && l.leader === effect.to) || (l.leader === id && l.learner === effect.to && l.taken)); // prettier-ignore
        const queue = link?.learner === id ? link.up : link?.down;
        if (queue !== undefined && queue.at(-1) !== 'EOF') queue.push(effect.packet);
        return;
      }
      case 'Disconnect':
        return close(id, (l) => l.learner === effect.peer || l.leader === effect.peer);
      case 'DisconnectAll':
        node.listens = false;
        return close(id, () => true);
      case 'SaveEpoch':
        return job(node, () => (effect.file === 'accepted' ? (node.accepted = effect.epoch) : (node.current = effect.epoch)), { type: 'EpochSaved' }); // prettier-ignore
      case 'SaveSnapshot':
        // Read off now: the tree goes on.
        return job(node, (({ zxid, snapshot }) => {
          const whole = { sessions: [...snapshot.sessions], nodes: [...snapshot.nodes] };
          return () => {
            node.base = zxid;
            node.snapshot = { file: 'snapshot', snapshot: whole };
            node.log = [];
          };
        })(effect), { type: 'SnapshotSaved' }); // prettier-ignore
      case 'Append': {
        const { txns } = effect;
        const last = txns.at(-1)?.zxid ?? zeroZxid;
        return job(node, () => void node.log.push(...txns), { type: 'LogSynced', zxid: last });
      }
      case 'Truncate':
        node.log = node.log.filter((t) => compareZxid(t.zxid, effect.zxid) <= 0);
        return;
      case 'Configure':
        if (effect.active.members.some((m) => m.sid === id) && choose(4) > 0) node.files = effect.active;
        return;
      default:
        return;
    }
  };

  const drop = (at: number): void => {
    if (at >= 0) links.splice(at, 1);
  };

  /** One end closes: what it sent still arrives, and then the end. */
  const close = (id: ServerId, which: (l: Link) => boolean): void => {
    for (const link of links.filter((l) => (l.learner === id || l.leader === id) && which(l))) {
      const own = link.learner === id ? link.up : link.down;
      if (own.at(-1) !== 'EOF') own.push('EOF');
      (link.learner === id ? link.down : link.up).length = 0;
    }
  };

  const isCut = (a: ServerId, b: ServerId): boolean => cut === a || cut === b;

  const deliver = (link: Link, toLeader: boolean): void => {
    const queue = toLeader ? link.up : link.down;
    const packet = queue.shift();
    const to = nodeOf(toLeader ? link.leader : link.learner);
    const from = toLeader ? link.learner : link.leader;
    if (packet === undefined || to.state === null) return;
    if (packet === 'EOF') {
      drop(links.indexOf(link));
      const isNewer = links.some((l) => l.learner === link.learner && l.leader === link.leader);
      if (!(toLeader && (!link.taken || isNewer)) && !(!toLeader && isNewer)) tell(to, { type: 'PeerClosed', peer: from }); // prettier-ignore
      return;
    }
    if (toLeader && !link.taken) {
      if (!to.listens) return void link.down.push('EOF');
      const older = links.findIndex((l) => l !== link && l.learner === link.learner && l.leader === link.leader && l.taken); // prettier-ignore
      if (older >= 0) {
        drop(older);
        tell(to, { type: 'PeerClosed', peer: from });
      }
      link.taken = true;
    }
    tell(to, { type: 'PacketReceived', from, packet: settledPacket(packet) });
  };

  /** A snapshot on its way is what it was when it was sent. */
  const settledPacket = (packet: Packet): Packet =>
    packet.type === 'SNAP'
      ? { ...packet, snapshot: { sessions: [...packet.snapshot.sessions], nodes: [...packet.snapshot.nodes] } }
      : packet;

  const crash = (node: Node): void => {
    // A part of what was asked for is on the disk all the same.
    for (const { save } of node.jobs.slice(0, choose(node.jobs.length + 1))) save();
    node.jobs = [];
    node.state = null;
    node.listens = false;
    for (const link of links.filter((l) => l.learner === node.id || l.leader === node.id)) {
      (link.learner === node.id ? link.up : link.down).push('EOF');
      (link.learner === node.id ? link.down : link.up).length = 0;
    }
    for (const key of [...notes.keys()]) if (key.startsWith(`${node.id} `)) notes.delete(key);
  };

  const leader = (): Node | null => nodes.findLast((n) => n.state !== null && n.state.leading !== null && n.state.serving) ?? null; // prettier-ignore

  const request = (change: Omit<ReconfigRequest, 'op' | 'version'> | null): void => {
    const to = leader();
    if (to === null) return;
    asked += 1;
    const session = (0x1000000000 + asked).toString(16).padStart(16, '0');
    const send = (cxid: number, r: ReconfigRequest | { readonly op: 'createSession'; readonly timeoutMs: number }): void =>
      tell(to, { type: 'PacketReceived', from: to.id, packet: { type: 'REQUEST', request: { session, cxid, request: r, identities: [] } } }); // prettier-ignore
    send(0, { op: 'createSession', timeoutMs: 900_000 });
    if (change === null) return;
    const before = to.state?.replication.ensemble.lastSeen.text;
    send(1, { op: 'reconfig', version: null, ...change });
    if (to.state?.replication.ensemble.lastSeen.text !== before) reconfigs += 1;
  };

  const anyReconfig = (): void => {
    const sid = 1 + choose(size);
    const what = choose(5);
    if (what < 3) {
      const joining = [lineOf(sid, what < 2 ? 'participant' : 'observer')];
      return request({ joining: joining.join(','), leaving: choose(3) === 0 ? String(1 + choose(size)) : null, members: null }); // prettier-ignore
    }
    request({ joining: null, leaving: String(sid), members: null });
  };

  const pass = (ms: number): void => {
    nowMs += ms;
    for (const node of nodes) tell(node, { type: 'Tick' });
  };

  /** Something on its way arrives, or a disk gets something done. */
  const happen = (): boolean => {
    const possible: (() => void)[] = [];
    for (const node of nodes) {
      const [front] = node.jobs;
      if (front !== undefined)
        possible.push(() => {
          node.jobs.shift();
          front.save();
          tell(node, front.done);
        });
    }
    for (const link of links) {
      if (isCut(link.learner, link.leader)) continue;
      if (link.up.length > 0 && nodeOf(link.leader).state !== null) possible.push(() => deliver(link, true));
      else if (link.up.length > 0 && nodeOf(link.leader).state === null && link.down.at(-1) !== 'EOF')
        possible.push(() => void link.down.push('EOF'));
      if (link.down.length > 0) possible.push(() => deliver(link, false));
    }
    for (const [key, event] of notes) {
      const [a = 0, b = 0] = key.split(' ').map(Number);
      if (isCut(a, b)) continue;
      possible.push(() => {
        notes.delete(key);
        tell(nodeOf(b), event);
      });
    }
    possible[choose(possible.length)]?.();
    return possible.length > 0;
  };

  for (const node of nodes) start(node);
  return {
    nodes,
    choose,
    fault: () => fault,
    reconfigs: () => reconfigs,
    leader,
    write: () => request(null),
    step: () => {
      const dice = choose(1000);
      if (dice < 4) {
        const node = nodeOf(1 + choose(size));
        if (node.state !== null) crash(node);
      } else if (dice < 16) {
        const node = nodes.find((n) => n.state === null);
        if (node !== undefined) start(node);
      } else if (dice < 20) cut = choose(2) === 0 ? null : 1 + choose(size);
      else if (dice < 45) request(null);
      else if (dice < 60) anyReconfig();
      else if (dice < 260) pass(10 + choose(30));
      else happen();
    },
    rest: (ms) => {
      cut = null;
      for (const node of nodes) if (node.state === null) start(node);
      for (const end = nowMs + ms; nowMs < end && fault === null;) {
        pass(20);
        for (let i = 0; i < 400 && happen(); i += 1);
      }
    },
  };
};
