/**
 * One side of the comparison: runs a program against servers and tells, step by step, what its sessions saw, in words that
 * are the same wherever the servers agree. Zxids are told as the distance to where the program began, sessions by their
 * numbers, times not at all.
 */
import type { ClientRequest, MultiResult, Reply, ReplyBody, Stat, WatchEvent } from '../../core/service/request.js';
import { errorCode } from '../../core/service/error.js';
import { encodeRequest } from '../../wire/client.js';
import { connectClient, openAcl } from '../system/client.js';
import type { Client } from '../system/client.js';
import { sleep } from '../system/ensemble.js';
import { rootMark, sessions } from './program.js';
import type { Program, Step } from './program.js';
import { behindSync, garbled, placeless, shared, told } from './rules.js';
import type { Asked } from './rules.js';

export type Side = { readonly name: string; readonly ports: readonly number[] };

/** What a step led to: a line for each session that saw anything. */
export type Seen = readonly string[];

type Zxid = { readonly epoch: number; readonly counter: number };

type Slot = {
  client: Client;
  /** How many of the client's arrivals have been told. */
  toldOf: number;
  server: number;
  generation: number;
};

/** Longer than any program lasts. */
const timeoutMs = 120_000;

/** How long an answer may take, milliseconds: then the connection is cut, and the silence told. */
const patienceMs = 8000;

/** Answers behind which a server may close: UNIMPLEMENTED, AUTHFAILED; and how long that may take, milliseconds. */
const refusals: readonly number[] = [errorCode.unimplemented, errorCode.authFailed];
const refusedMs = 500;

const answered = async (client: Client, answer: Promise<Reply>): Promise<Reply> => {
  const timer = setTimeout(() => client.cut(), patienceMs);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
};

/** @param root name of the program's own root, fresh on this side */
export const runProgram = async (side: Side, program: Program, root: string): Promise<readonly Seen[]> => {
  const run = await begin(side, root);
  const all: Seen[] = [];
  try {
    for (const step of program) all.push(await run.step(step));
    all.push(await run.end());
  } finally {
    run.cut();
  }
  return all;
};

const begin = async (side: Side, root: string) => {
  const names = new Map<string, string>([['0000000000000000', '0']]);
  const connect = async (server: number, record: object, number: number, generation: number): Promise<Client> => {
    const client = await connectClient(side.ports[server] ?? 0, { timeoutMs, ...record });
    names.set(client.session.session, `session ${number}.${generation}`);
    return client;
  };
  const slots: Slot[] = [];
  for (let i = 0; i < sessions; i++) {
    const server = i % side.ports.length;
    slots.push({ client: await connect(server, {}, i, 0), toldOf: 0, server, generation: 0 });
  }
  const first = slots[0] as Slot;
  const made = await first.client.call({ op: 'create', path: `/${root}`, data: null, acl: openAcl, flags: 0 });
  if (made.err !== 0 || made.zxid === null) throw new Error(`${side.name}: the root cannot be made: ${made.err}`);
  for (const slot of slots) {
    if (side.ports.length > 1) await slot.client.call({ op: 'sync', path: '/' });
    slot.toldOf = slot.client.arrived.length;
  }
  const words = wordsFor(root, made.zxid, names);
  const many = side.ports.length > 1;

  /** Behind it every session has seen what the step did. */
  const barrier = async (): Promise<ReadonlySet<Reply>> => {
    const replies = new Set<Reply>();
    const ask = async (slot: Slot, request: ClientRequest): Promise<void> => {
      try {
        replies.add(await answered(slot.client, slot.client.call(request)));
      } catch {
        // The connection has ended: told below.
      }
    };
    if (many) await Promise.all(slots.map((slot) => ask(slot, { op: 'sync', path: '/' })));
    await Promise.all(slots.map((slot) => ask(slot, { op: 'ping' })));
    return replies;
  };

  /** A server that has refused a connection may still answer on it for a moment. */
  const closing = async (asked: Asked): Promise<void> => {
    if (![...asked.keys()].some((reply) => refusals.includes(reply.err))) return;
    const open = slots.filter((slot) => slot.client.isOpen()).map((slot) => slot.client.ended);
    await Promise.race([...open, sleep(refusedMs)]);
  };

  const reattach = async (slot: Slot, number: number): Promise<void> => {
    const { session, password } = slot.client.session;
    slot.client = await connect(slot.server, { session, password }, number, slot.generation);
    slot.toldOf = 0;
  };

  const tell = async (asked: Asked): Promise<Seen> => {
    await closing(asked);
    const own = await barrier();
    const lines: string[] = [];
    for (const [number, slot] of slots.entries()) {
      const news = slot.client.arrived.slice(slot.toldOf).filter((a) => !('reply' in a && own.has(a.reply)));
      slot.toldOf = slot.client.arrived.length;
      const behind = behindSync(asked, many);
      const saw = news.map((a) =>
        'event' in a ? words.event(a.event) : words.reply(a.reply, asked.get(a.reply), behind.has(a.reply)),
      );
      if (!slot.client.isOpen()) {
        const why = await slot.client.ended;
        saw.push(/^(an answer|cut)/.test(why) ? why : 'closed');
        await reattach(slot, number);
      }
      if (saw.length > 0) lines.push(...told(asked, saw).map((line) => `${number}: ${line}`));
    }
    return lines;
  };

  const ask = async (slot: Slot, frames: readonly (readonly [Buffer, ClientRequest])[]): Promise<Asked> => {
    const asked = new Map<Reply, ClientRequest>();
    const answers = frames.map(async ([frame, request]) => {
      try {
        asked.set(await answered(slot.client, slot.client.ask(frame, request.op)), request);
      } catch {
        // Unanswered: the connection has ended, which is told.
      }
    });
    await Promise.all(answers);
    return asked;
  };

  const move = async (slot: Slot, number: number, isRight: boolean): Promise<Asked> => {
    const { session } = slot.client.session;
    slot.server = (slot.server + 1) % side.ports.length;
    slot.client.cut();
    if (!isRight) {
      const wrong = { session, password: Buffer.alloc(16, 7), timeoutMs };
      const refused = await connectClient(side.ports[slot.server] ?? 0, wrong).then(
        () => 'taken',
        (e: unknown) => String(e).replace(/\d+/g, ''),
      );
      if (!refused.includes('not valid')) throw new Error(`${side.name}: a wrong password: ${refused}`);
    }
    await reattach(slot, number);
    return new Map();
  };

  const take = async (step: Step): Promise<Asked> => {
    const slot = slots[step.session] as Slot;
    switch (step.do) {
      case 'ask':
        return ask(
          slot,
          step.requests.map((r, i) => [encodeRequest({ xid: step.xid ?? i + 1, request: placed(r, root) }), r]),
        );
      case 'bend': {
        const frame = encodeRequest({ xid: 1, request: placed(step.request, root) });
        const bent = Buffer.concat([frame, Buffer.alloc(Math.max(0, step.by), 0x55)]).subarray(
          0,
          Math.max(12, frame.length + step.by),
        );
        bent.writeInt32BE(bent.length - 4, 0);
        return ask(slot, [[bent, step.request]]);
      }
      case 'move':
        return move(slot, step.session, step.password === 'right');
      case 'renew': {
        await slot.client.call({ op: 'closeSession' });
        slot.client.cut();
        slot.generation += 1;
        slot.client = await connect(slot.server, {}, step.session, slot.generation);
        slot.toldOf = 0;
        return new Map();
      }
    }
  };

  return {
    step: async (step: Step): Promise<Seen> => tell(await take(step)),
    /** Closes every session, so that none expires into a later program. */
    end: async (): Promise<Seen> => {
      for (const slot of slots) await slot.client.call({ op: 'closeSession' });
      return [];
    },
    cut: () => {
      for (const slot of slots) slot.client.cut();
    },
  };
};

/** The request with the program's root in its paths. */
const placed = (request: ClientRequest, root: string): ClientRequest => {
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replaceAll(rootMark, root);
    if (value instanceof Uint8Array) return value;
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, deep(field)]));
  };
  return deep(request) as ClientRequest;
};

const wordsFor = (root: string, base: Zxid, names: ReadonlyMap<string, string>) => {
  const path = (p: string | null): string => {
    if (p === null) return 'null';
    const own = garbled(p.replaceAll(root, rootMark));
    // Numbers below what all programs share count all programs.
    return own.includes(rootMark) ? own : own.replace(/-?\d{9,10}$/, '#');
  };
  const zxid = (z: Zxid | null): string => {
    if (z === null) return '-1';
    if (z.epoch === 0 && z.counter === 0) return '0';
    if (z.epoch !== base.epoch) return z.epoch < base.epoch ? 'old' : `${z.epoch - base.epoch} epochs later`;
    return z.counter < base.counter ? 'old' : `+${z.counter - base.counter}`;
  };
  const statWords = (s: Stat, isShared: boolean): string => {
    const zxids = `c${zxid(s.czxid)} m${zxid(s.mzxid)} p${zxid(s.pzxid)}`;
    const children = isShared ? '' : ` v${s.cversion}c ${s.numChildren} children`;
    const owner = names.get(s.ephemeralOwner) ?? 'a stranger';
    const times = s.mtimeMs < s.ctimeMs ? ' changed before it was made' : '';
    return `{${zxids} v${s.version} v${s.aversion}a${children} of ${owner} ${s.dataLength} bytes${times}}`;
  };
  const data = (d: Uint8Array | null): string =>
    d === null ? 'null' : JSON.stringify(placeless(Buffer.from(d).toString('latin1')));
  const list = (texts: readonly string[], isShared: boolean): string =>
    `[${texts
      .map(path)
      .filter((p) => !isShared || p === rootMark || p === 'zookeeper')
      .toSorted()
      .join(' ')}]`;
  const result = (r: MultiResult): string => {
    switch (r.op) {
      case 'error':
        return `error ${r.err}`;
      case 'create':
        return `create ${path(r.path)}`;
      case 'create2':
        return `create2 ${path(r.path)} ${statWords(r.stat, false)}`;
      case 'setData':
        return `setData ${statWords(r.stat, false)}`;
      case 'getData':
        return `getData ${data(r.data)} ${statWords(r.stat, r.stat.czxid.counter < base.counter)}`;
      case 'getChildren':
        return `getChildren ${list(r.children, r.children.includes('zookeeper') || r.children.includes('quota') || r.children.includes(root))}`;
      case 'delete':
      case 'check':
        return r.op;
    }
  };
  const body = (b: ReplyBody, isShared: boolean): string => {
    switch (b.type) {
      case 'none':
      case 'done':
        return b.type;
      case 'path':
        return path(b.path);
      case 'pathStat':
        return `${path(b.path)} ${statWords(b.stat, isShared)}`;
      case 'stat':
        return statWords(b.stat, isShared);
      case 'dataStat':
        return `${data(b.data)} ${statWords(b.stat, isShared)}`;
      case 'children':
        return list(b.children, isShared);
      case 'childrenStat':
        return `${list(b.children, isShared)} ${statWords(b.stat, isShared)}`;
      case 'aclStat':
        return `${JSON.stringify(b.acl)} ${statWords(b.stat, isShared)}`;
      case 'multi':
        return b.results.map(result).join(', ');
      case 'count':
        return isShared ? 'some' : String(b.count);
      case 'identities':
        return b.identities
          .map((i) => `${i.scheme}:${i.id}`)
          .toSorted()
          .join(' ');
      default:
        return JSON.stringify(b);
    }
  };
  return {
    event: (e: WatchEvent): string => `event ${e.type} ${path(e.path)} at ${zxid(e.zxid)}`,
    reply: (r: Reply, request: ClientRequest | undefined, isLate: boolean): string =>
      `${request?.op ?? 'nothing'} xid ${r.xid} at ${isLate ? 'some time' : zxid(r.zxid)}: ${r.err === 0 ? '' : `error ${r.err} `}${body(r.body, request !== undefined && shared(request))}`,
  };
};
