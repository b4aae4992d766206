/** Ports of the loopback address that nobody listens on. */
import { createServer } from 'node:net';

export const loopback = '127.0.0.1';
const lastPort = 65535;

export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The first `count` consecutive free ports from `from` on; null when there are none up to 65535. */
export const freeRun = async (
  from: number,
  count: number,
  free: (port: number) => Promise<boolean> = isFree,
): Promise<readonly number[] | null> => {
  let start = from;
  for (let port = from; port <= lastPort; port++) {
    if (!(await free(port))) start = port + 1;
    else if (port - start + 1 === count) return Array.from({ length: count }, (_, i) => start + i);
  }
  return null;
};
