/**
 * Requests that wait, in the order of their arrival, until fewer are in progress (RequestThrottler in ZooKeeper). One that
 * has waited too long is refused in its place and not done.
 */
import type { ClientFrame } from '../../wire/client.js';

export type RequestThrottle<Client> = {
  /** Passes a request on at once, or when there is room for it. */
  readonly take: (client: Client, frame: ClientFrame) => void;
  /** A request that was passed on is answered. */
  readonly done: (client: Client) => void;
  /** The client has left: what waits for it is dropped. */
  readonly forget: (client: Client) => void;
};

export type ThrottleOptions<Client> = {
  /** 0: nothing ever waits. */
  readonly maxInProgress: number;
  /** Milliseconds; 0: nothing is refused. */
  readonly maxWaitMs: number;
  readonly now: () => number;
  readonly pass: (client: Client, frame: ClientFrame) => void;
  readonly onRefused: () => void;
};

/** ZooKeeper's error code THROTTLEDOP. */
const throttledOp = -127;

const exempt = new Set<string>(['ping', 'createSession', 'closeSession']);

/** The core answers it with this error where it stands, and does nothing. */
const refused = ({ xid }: ClientFrame): ClientFrame => ({ xid, request: { op: 'unreadable', err: throttledOp } });

export const createRequestThrottle = <Client>(options: ThrottleOptions<Client>): RequestThrottle<Client> => {
  const { maxInProgress, maxWaitMs, now, pass, onRefused } = options;
  if (maxInProgress === 0) return { take: pass, done: () => undefined, forget: () => undefined };
  let queue: { readonly client: Client; readonly frame: ClientFrame; readonly atMs: number }[] = [];
  let head = 0;
  let inProgress = 0;
  const perClient = new Map<Client, number>();

  const go = (client: Client, frame: ClientFrame): void => {
    inProgress += 1;
    perClient.set(client, (perClient.get(client) ?? 0) + 1);
    pass(client, frame);
  };
  const drain = (): void => {
    for (let next = queue[head]; next !== undefined && inProgress < maxInProgress; next = queue[head]) {
      head += 1;
      const isLate = maxWaitMs > 0 && now() - next.atMs > maxWaitMs && !exempt.has(next.frame.request.op);
      if (isLate) onRefused();
      go(next.client, isLate ? refused(next.frame) : next.frame);
    }
    if (head === queue.length || head >= 1024) {
      queue = queue.slice(head);
      head = 0;
    }
  };
  return {
    take: (client, frame) => {
      queue.push({ client, frame, atMs: now() });
      drain();
    },
    done: (client) => {
      const of = perClient.get(client) ?? 0;
      if (of === 0) return;
      inProgress -= 1;
      if (of === 1) perClient.delete(client);
      else perClient.set(client, of - 1);
      drain();
    },
    forget: (client) => {
      inProgress -= perClient.get(client) ?? 0;
      perClient.delete(client);
      queue = queue.slice(head).filter((waiting) => waiting.client !== client);
      head = 0;
      drain();
    },
  };
};
