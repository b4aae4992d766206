/** Load on client ports from raw sockets: requests always on their way, replies checked for order and errors. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { zeroZxid } from '../core/data/zxid.js';
import type { ClientRequest } from '../core/service/request.js';
import { encodeConnectRequest, encodeRequest } from '../wire/client.js';

export const connections = 16;
export const outstanding = 16;
export const valueBytes = 1024;

export type Kind = 'create' | 'set' | 'get';

const acl = [{ perms: 31, scheme: 'world', id: 'anyone' }] as const;
const value = Buffer.alloc(valueBytes, 'v');
const root = '/bench';
const ownNode = (connection: number): string => `${root}/${connection}`;

type Connection = {
  readonly socket: Socket;
  readonly index: number;
  last: number;
  taken: Taken;
  broken: (e: Error) => void;
};
/** xid of a ping and of its reply. */
const ping = -2;

/** Gets xid and error of each reply. */
type Taken = (xid: number, err: number) => void;

const open = (port: number, index: number): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const connection: Connection = { socket, index, last: 0, taken: () => undefined, broken: reject };
    socket.on('error', () => undefined);
    socket.on('close', () => connection.broken(new Error(`the connection to port ${port} has ended`)));
    socket.on('connect', () =>
      socket.write(
        encodeConnectRequest({
          protocolVersion: 0,
          lastZxidSeen: zeroZxid,
          timeoutMs: 30_000,
          session: '0000000000000000',
          password: Buffer.alloc(16),
          readOnly: false,
        }),
      ),
    );
    let rest: Buffer = Buffer.alloc(0);
    let joined = false;
    socket.on('data', (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (bytes.length >= at + 4) {
        const end = at + 4 + bytes.readInt32BE(at);
        if (bytes.length < end) break;
        const xid = bytes.readInt32BE(at + 4);
        if (!joined) resolve(connection);
        else if (xid !== ping) connection.taken(xid, bytes.readInt32BE(at + 16));
        joined = true;
        at = end;
      }
      rest = bytes.subarray(at);
    });
  });

const requestOf = (kind: Kind, connection: number, n: number): ClientRequest => {
  switch (kind) {
    case 'create':
      return { op: 'create', path: `${ownNode(connection)}/${n}`, data: value, acl, flags: 0 };
    case 'set':
      return { op: 'setData', path: ownNode(connection), data: value, version: -1 };
    case 'get':
      return { op: 'getData', path: ownNode(connection), watch: false };
  }
};

/** Sends `total` requests, of which some are always on their way; rejects at the first reply out of order or not ok. */
const pump = (c: Connection, total: number, request: (n: number) => ClientRequest, ahead: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let sent = 0;
    let got = 0;
    const first = c.last + 1;
    const send = (n: number): void => {
      const frames: Buffer[] = [];
      for (let i = 0; i < n && sent < total; i += 1) {
        sent += 1;
        c.last += 1;
        frames.push(encodeRequest({ xid: c.last, request: request(c.last) }));
      }
      if (frames.length > 0) c.socket.write(Buffer.concat(frames));
    };
    // What arrives together is answered together: one write for all.
    let owed = 0;
    c.broken = reject;
    c.taken = (xid, err) => {
      if (xid !== first + got || err !== 0) return reject(new Error(`reply ${xid} has error ${err}`));
      got += 1;
      if (got === total) return resolve();
      if (owed === 0)
        queueMicrotask(() => {
          const n = owed;
          owed = 0;
          send(n);
        });
      owed += 1;
    };
    send(ahead);
  });

export type Clients = {
  /** Runs so many requests, spread evenly over all connections. Rejects on any error. */
  readonly run: (kind: Kind, total: number) => Promise<void>;
  readonly close: () => void;
};

/** Connects, spread over the servers, and makes the znodes that are set and read. */
export const openClients = async (ports: readonly number[]): Promise<Clients> => {
  const all = await Promise.all(Array.from({ length: connections }, (_, i) => open(ports[i % ports.length] ?? 0, i)));
  const [first] = all;
  if (first === undefined) throw new Error('no connections');
  const create = (path: string): ClientRequest => ({ op: 'create', path, data: value, acl, flags: 0 });
  await pump(first, 1, () => create(root), 1);
  for (const c of all) await pump(c, 1, () => create(ownNode(c.index)), 1);
  // Sessions must not expire while the other servers are measured.
  const pings = setInterval(() => {
    for (const { socket } of all) socket.write(encodeRequest({ xid: ping, request: { op: 'ping' } }));
  }, 5000);
  return {
    run: async (kind, total) => {
      const share = Math.ceil(total / connections);
      await Promise.all(all.map((c) => pump(c, share, (n) => requestOf(kind, c.index, n), outstanding)));
    },
    close: () => {
      clearInterval(pings);
      for (const { socket } of all) socket.removeAllListeners('close').destroy();
    },
  };
};
