/**
 * Raw peers on loopback for the tests of transports: what they send and receive are bytes, nothing is decoded. All are
 * closed when their test ends, however it ends.
 */
import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

export type RawPeer = {
  readonly socket: Socket;
  readonly send: (bytes: Buffer | string) => void;
  /** The next `n` bytes; rejects when the connection ends before. */
  readonly read: (n: number) => Promise<Buffer>;
  /** One frame with a length in front, without that length. */
  readonly readFrame: () => Promise<Buffer>;
  /** Resolves with the bytes that were left when the other side closed. */
  readonly ended: Promise<Buffer>;
  readonly close: () => void;
};

export const rawPeer = (socket: Socket): RawPeer => {
  let chunks: Buffer[] = [];
  let length = 0;
  let over = false;
  let check = (): void => undefined;
  let end: (rest: Buffer) => void = () => undefined;
  const ended = new Promise<Buffer>((resolve) => (end = resolve));
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    check();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    over = true;
    check();
    end(Buffer.concat(chunks));
  });
  const read = (n: number): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      check = () => {
        if (length >= n) {
          const bytes = Buffer.concat(chunks);
          chunks = [bytes.subarray(n)];
          length -= n;
          check = () => undefined;
          resolve(bytes.subarray(0, n));
        } else if (over) reject(new Error(`closed after ${length} of ${n} bytes`));
      };
      check();
    });
  return {
    socket,
    send: (b) => void socket.write(b),
    read,
    readFrame: async () => read((await read(4)).readInt32BE(0)),
    ended,
    close: () => socket.destroy(),
  };
};

export const dial = async (t: ExecutionContext, port: number): Promise<RawPeer> => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  t.teardown(() => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return rawPeer(socket);
};

export type RawServer = { readonly port: number; readonly accept: () => Promise<RawPeer> };

/** Listens on a free port, or on the given one. */
export const rawServer = async (t: ExecutionContext, port = 0): Promise<RawServer> => {
  const queue: RawPeer[] = [];
  const takers: ((peer: RawPeer) => void)[] = [];
  const server: Server = createServer((socket) => {
    t.teardown(() => socket.destroy());
    const peer = rawPeer(socket);
    const taker = takers.shift();
    if (taker === undefined) queue.push(peer);
    else taker(peer);
  });
  t.teardown(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    accept: () =>
      new Promise((resolve) => {
        const peer = queue.shift();
        if (peer === undefined) takers.push(resolve);
        else resolve(peer);
      }),
  };
};

/** A port that nobody listens on at the moment. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

/** Looks every few milliseconds until it holds; a test that waits in vain fails by ava's own time limit. */
export const until = async (holds: () => boolean, what: string): Promise<void> => {
  for (let i = 0; i < 4000; i += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`waited in vain until ${what}`);
};

/** Lets everything that is under way on loopback arrive: for saying that something does not happen. */
export const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

export type Recording = {
  readonly connections: readonly {
    readonly port: string;
    readonly acceptorSid: number;
    readonly initiatorSid: number | null;
    readonly messages: readonly {
      readonly from: 'initiator' | 'acceptor';
      readonly hex: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }[];
  }[];
};

/** A recorded scenario of test/vectors/quorum. */
export const recording = (name: string): Recording =>
  JSON.parse(readFileSync(`test/vectors/quorum/${name}.json`, 'utf8')) as Recording;
