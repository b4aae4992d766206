/** Where clients come in: the plain port and the one with TLS, under the same limits. */
import type { Socket } from 'node:net';
import type { Metrics } from '../metrics.js';
import type { ClientLimits, ClientPort, ClientPortOptions } from './clientPort.js';
import { listen } from './listen.js';
import type { Bind, Listener } from './listen.js';
import { formatAddress, plainAddress } from './log.js';
import type { Log } from './log.js';
import { openDoor } from './tls.js';
import type { Door, TlsContext } from './tls.js';

/** Handshakes on their way; whoever holds more open loses the oldest. */
const maxHandshakes = 1024;

/** @param accept takes a connection that has come in, with the subject of the certificate that it has shown */
export const openClientDoors = (
  options: ClientPortOptions,
  limits: ClientLimits,
  metrics: Metrics,
  log: Log,
  accept: (socket: Socket, subject: string | null) => void,
): Pick<ClientPort, 'port' | 'securePort' | 'close'> => {
  const { secure = null } = options;
  const perAddress = new Map<string, number>();

  /** Limits hold from the first moment: a handshake is dear, too. */
  const admit = (socket: Socket, through: (socket: Socket) => void): void => {
    const address = plainAddress(socket.remoteAddress);
    const port = socket.remotePort ?? 0;
    const ofAddress = perAddress.get(address) ?? 0;
    const excess =
      limits.maxClientCnxns > 0 && ofAddress >= limits.maxClientCnxns
        ? `maxClientCnxns (${limits.maxClientCnxns}) connections of that address`
        : limits.maxCnxns > 0 && metrics.connections >= limits.maxCnxns
          ? `${limits.maxCnxns} connections, all that the limit of open files (ulimit -n) has room for,`
          : null;
    if (excess !== null) {
      metrics.connectionsRejected += 1;
      log('warn', `client ${formatAddress(address, port)} refused: there are ${excess} already`);
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    perAddress.set(address, ofAddress + 1);
    metrics.connections += 1;
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
      metrics.connections -= 1;
    });
    through(socket);
  };

  const listenAt = (name: string, bind: Bind, through: (socket: Socket) => void): Listener =>
    listen({
      name,
      bind,
      onSocket: (socket) => admit(socket, through),
      onListening: options.onListening,
      onFailed: (error) => {
        options.log('error', `${name} port: ${error.message}`);
        options.onFailed?.(error);
      },
      log: options.log,
    });

  const doorFor = (tls: TlsContext, plainToo: boolean): Door =>
    openDoor({ name: 'client', tls, plainToo, onSocket: accept, log, maxWaiting: maxHandshakes });
  const both = secure?.atPlainPort === true && options.bind !== null ? doorFor(secure.tls, true) : null;
  const encrypted = secure === null || secure.bind === null ? null : doorFor(secure.tls, false);
  const plainPort =
    options.bind === null ? null : listenAt('client', options.bind, both?.admit ?? ((socket) => accept(socket, null)));
  const securePort =
    secure === null || secure.bind === null || encrypted === null
      ? null
      : listenAt('secure client', secure.bind, encrypted.admit);
  return {
    port: () => plainPort?.port() ?? 0,
    securePort: () => securePort?.port() ?? 0,
    close: () => {
      for (const opened of [plainPort, securePort, both, encrypted]) opened?.close();
    },
  };
};
