/** Ports of loopback for servers that are started, killed and started again on the same ones. */
import { createServer } from 'node:net';

// Below the range from which systems take the ports of outgoing connections (32768 on Linux): a port from there could
// be gone while its server is down.
const lowest = 11_000;
const highest = 32_000;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** `n` ports on which nobody listens, from a random place on: several ensembles may look for theirs at once. */
export const freePorts = async (n: number): Promise<readonly number[]> => {
  const found: number[] = [];
  let port = lowest + Math.floor(Math.random() * (highest - lowest));
  while (found.length < n) {
    if (await isFree(port)) found.push(port);
    port = port >= highest ? lowest : port + 1;
  }
  return found;
};
