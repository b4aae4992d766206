/** A proxy before a client port that changes what the server sends: bugs of a server, planted from outside. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { nextFrame } from '../../wire/frame.js';

export type Proxy = { readonly port: number; readonly close: () => void };

const anySize = 0x7fffffff;

/**
 * Gets each frame of the server but the first of a connection, payload without length; gives what is sent in its place,
 * null for nothing.
 */
export type Change = (payload: Buffer) => Buffer | null;

export const startProxy = async (target: number, change: Change): Promise<Proxy> => {
  const sockets = new Set<{ destroy: () => void }>();
  const server: Server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream);
    let rest: Buffer = Buffer.alloc(0);
    let frames = 0;
    upstream.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const frame = nextFrame(rest, 0, 0, anySize);
        if (frame.type !== 'frame') return;
        const payload = Buffer.from(rest.subarray(frame.start, frame.end));
        rest = rest.subarray(frame.end);
        const changed = frames === 0 ? payload : change(payload);
        frames += 1;
        if (changed === null) continue;
        const length = Buffer.alloc(4);
        length.writeInt32BE(changed.length);
        client.write(Buffer.concat([length, changed]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
