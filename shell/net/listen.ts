/** Listening sockets: all ports bind, retry and close in the same way. */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { formatAddress } from './log.js';
import type { Log } from './log.js';

export type Bind = {
  /** Undefined: every address of the machine, both families. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
  /** Connections that the kernel holds until they are accepted; undefined: the platform's default. */
  readonly backlog?: number;
  /** How often the port is tried; 0: until it can be had. */
  readonly tries?: number;
  /** Whether the kernel looks for silent peers. */
  readonly keepAlive?: boolean;
};

export type ListenOptions = {
  /** For log lines: `election`, `quorum`, `client`. */
  readonly name: string;
  readonly bind: Bind;
  readonly onSocket: (socket: Socket) => void;
  readonly onListening?: ((port: number) => void) | undefined;
  /** The port could not be had; nothing is retried any more. */
  readonly onFailed: (error: Error) => void;
  readonly log: Log;
};

export type Listener = {
  /** The port that was bound; 0 until then. */
  readonly port: () => number;
  /** Accepts no more; connections that were accepted go on. */
  readonly close: () => void;
};

/** As ZooKeeper's electionPortBindRetry: a restarted server may meet the last moments of its old self. */
const bindAttempts = 3;
const bindDelayMs = 1000;

export const listen = ({ name, bind, onSocket, onListening, onFailed, log }: ListenOptions): Listener => {
  let server: Server | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  const attempt = (left: number): void => {
    timer = null;
    const current = createServer(
      { noDelay: true, pauseOnConnect: false, keepAlive: bind.keepAlive ?? false },
      (socket) => {
        // A connection may have been accepted by the kernel before the close and surface after it.
        if (closed) socket.destroy();
        else onSocket(socket);
      },
    );
    server = current;
    current.on('error', (error) => {
      if (closed || current.listening) return log('warn', `${name} port: ${error.message}`);
      if (left <= 1) return onFailed(error);
      log('warn', `${name} port ${formatAddress(bind.host ?? '*', bind.port)}: ${error.message}, trying again`);
      timer = setTimeout(() => attempt(left - 1), bindDelayMs);
    });
    current.listen({ host: bind.host, port: bind.port, backlog: bind.backlog }, () => {
      if (!closed) onListening?.(portOf(current));
    });
  };
  attempt(bind.tries === 0 ? Infinity : (bind.tries ?? bindAttempts));

  return {
    port: () => (server === null ? 0 : portOf(server)),
    close: () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      server?.close();
    },
  };
};

const portOf = (server: Server): number => (server.address() as AddressInfo | null)?.port ?? 0;
