/**
 * The client port: frames in, frames out, limits. Sessions, replies and their order are the core's; this file knows how
 * much may wait, in either direction, and whom to stop reading.
 * @see NIOServerCnxn in ZooKeeper
 */
import type { Socket } from 'node:net';
import * as E from 'fp-ts/lib/Either.js';
import type { Reply } from '../../core/service/request.js';
import { decodeConnectRequest, decodeRequest, encodeConnectResponse } from '../../wire/client.js';
import { explain } from '../../wire/error.js';
import { encodeWatchEvent } from '../../wire/reply.js';
import { fourLetterWords } from '../fourLetter.js';
import { countQuotaExceeded, createMetrics, sample, sampleKey, sampleSize } from '../metrics.js';
import { defaultClientLimits } from './clientPort.js';
import type { ClientId, ClientLimits, ClientPort, ClientPortOptions } from './clientPort.js';
import { openClientOutput } from './clientOutput.js';
import type { ClientOutput } from './clientOutput.js';
import { openClientDoors } from './clientDoors.js';
import { openAdmission } from './connectionThrottle.js';
import { createInbox, takeFrame } from './inbox.js';
import type { Inbox } from './inbox.js';
import { createRequestThrottle } from './requestThrottle.js';
import { arrivalOf, countAnswer, newTraffic, resetTraffic, statusOf, tellSlow } from './traffic.js';
import type { Arrival, Traffic } from './traffic.js';
import { formatAddress, guessProtocol, limitedLog, plainAddress } from './log.js';
import { createOutlets } from './outlet.js';

/** With more than this waiting for a client its requests wait too. Above Node's own mark, so that `drain` follows. */
const slowOutputBytes = 64 * 1024;

/** ZooKeeper's error code QUOTAEXCEEDED. */
const quotaExceeded = -125;

/** `first`: four bytes may still be a word; `word`: answered by a text and closed. */
type Phase = 'first' | 'connect' | 'requests' | 'word';

type Client = {
  readonly id: ClientId;
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  readonly inbox: Inbox;
  readonly output: ClientOutput;
  /** Of the certificate that was shown; null: none was. */
  readonly subject: string | null;
  readonly since: number;
  phase: Phase;
  open: boolean;
  /** Asked by `pause`. */
  paused: boolean;
  /** Whether the socket is being read. */
  reading: boolean;
  /** Each request without a reply, from `head` on. */
  waiting: Arrival[];
  head: number;
  readonly traffic: Traffic;
};

export const startClientPort = (options: ClientPortOptions): ClientPort => {
  const limits: ClientLimits = { ...defaultClientLimits, ...options.limits };
  const now = (): number => performance.now();
  const log = limitedLog(options.log, 20, now);
  const { metrics = createMetrics(), outlets = createOutlets() } = options;
  const clients = new Map<ClientId, Client>();
  /** Connections without a connect record yet, oldest first. */
  const fresh = new Set<Client>();
  /** Connections that are not read because too much is in progress, and those to be looked at again. */
  const throttled = new Set<Client>();
  let woken: Client[] = [];
  let outstandingBytes = 0;
  let largeBytes = 0;
  let lastId = 0;
  const admission = limits.connections === null ? null : openAdmission(limits.connections, now, Math.random);
  const throttle = createRequestThrottle<Client>({
    maxInProgress: limits.maxInProgress,
    maxWaitMs: limits.maxWaitMs,
    now,
    pass: (c, { xid, request }) => options.onRequest(c.id, xid, request),
    onRefused: () => (metrics.counters.throttled_ops += 1),
  });

  const onSent = (bytes: number): void => {
    metrics.bytesSent += bytes;
    sampleSize(metrics.responseSize, bytes);
  };

  const accept = (socket: Socket, subject: string | null): void => {
    const address = plainAddress(socket.remoteAddress);
    const port = socket.remotePort ?? 0;
    const output = openClientOutput(outlets.open(socket), onSent);
    const c = newClient((lastId += 1), socket, address, port, output, subject, now());
    clients.set(c.id, c);
    fresh.add(c);
    if (limits.keepAlive) socket.setKeepAlive(true);
    socket.on('error', (error) => log('info', `client ${formatAddress(address, port)}: ${error.message}`));
    socket.on('data', (chunk) => {
      metrics.bytesReceived += chunk.length;
      if (!c.open || c.phase === 'word') return;
      c.inbox.add(chunk);
      pump(c);
    });
    socket.on('drain', () => {
      c.output.advance();
      wake(c);
    });
    socket.once('close', () => {
      const known = c.open && c.phase === 'requests';
      release(c);
      c.output.forget();
      if (known) options.onClosed(c.id);
    });
  };

  /** Forgets the connection; its requests in progress count no more. */
  const release = (c: Client): void => {
    if (!c.open) return;
    c.open = false;
    clients.delete(c.id);
    fresh.delete(c);
    throttled.delete(c);
    while (c.head < c.waiting.length) settle(c);
    throttle.forget(c);
  };

  const drop = (c: Client, reason: string): void => {
    metrics.connectionsDropped += 1;
    log('warn', `client ${formatAddress(c.address, c.port)} closed: ${reason}`);
    c.socket.destroy();
  };

  const tooMuch = (): boolean =>
    metrics.outstanding > limits.maxOutstanding || outstandingBytes > limits.maxOutstandingBytes;

  /** Whether requests of this connection have to wait, and for what they then wait. */
  const mustWait = (c: Client): boolean => {
    if (c.paused || c.output.isBehind() || c.output.pending() > slowOutputBytes) return true;
    if (c.head === c.waiting.length || !tooMuch()) return false;
    throttled.add(c);
    return true;
  };

  /** Delivers what is complete, as long as the connection may be read. */
  const pump = (c: Client): void => {
    const at = now();
    while (c.open && c.phase !== 'word' && !c.socket.destroyed) {
      if (c.phase === 'requests' && mustWait(c)) return setReading(c, false);
      if (!deliverNext(c, at)) return setReading(c, true);
    }
  };

  const setReading = (c: Client, reading: boolean): void => {
    if (c.reading === reading) return;
    c.reading = reading;
    if (reading) c.socket.resume();
    else c.socket.pause();
  };

  /** Takes the next message out of the inbox; false when none is complete. */
  const deliverNext = (c: Client, at: number): boolean => {
    const head = c.inbox.peek(4);
    if (head === null) return false;
    if (c.phase === 'first') {
      const word = head.toString('latin1');
      if (fourLetterWords.has(word)) {
        // The mask of `stmk`, eight bytes, stands behind it.
        const whole = word === 'stmk' ? c.inbox.peek(12) : head;
        if (whole !== null) answerWord(c, word, word === 'stmk' ? whole.readBigInt64BE(4) : null);
        return false;
      }
      c.phase = 'connect';
    }
    const payload = takeFrame(c.inbox, 0, limits.maxBuffer);
    if (payload.type === 'more') return false;
    if (payload.type === 'bad') {
      const hint = c.phase === 'connect' ? guessProtocol(head) : '';
      drop(c, `${explain(payload.error)} (jute.maxbuffer is ${limits.maxBuffer})${hint}`);
      return false;
    }
    c.traffic.received += 1;
    metrics.packetsReceived += 1;
    if (c.phase === 'connect') connect(c, payload.bytes);
    else request(c, payload.bytes, at);
    return true;
  };

  const answerWord = (c: Client, word: string, mask: bigint | null): void => {
    c.phase = 'word';
    c.traffic.received += 1;
    metrics.packetsReceived += 1;
    fresh.delete(c);
    options.onFourLetterWord(
      word,
      (text) => {
        if (!c.open) return;
        c.output.put(Buffer.from(text));
        shut(c);
      },
      mask,
    );
  };

  const connect = (c: Client, bytes: Buffer): void => {
    const decoded = decodeConnectRequest(bytes);
    if (E.isLeft(decoded)) return drop(c, `its connect record: ${explain(decoded.left)}`);
    if (admission?.admit(decoded.right.session) === false) {
      metrics.connectionsRejected += 1;
      return drop(c, 'connections come faster than connection_throttle_tokens allow');
    }
    c.phase = 'requests';
    fresh.delete(c);
    c.traffic.lastOp = 'SESS';
    options.onConnected(c.id, c.address, c.subject === null ? [] : [{ scheme: 'x509', id: c.subject }]);
    options.onConnect(c.id, decoded.right);
  };

  const request = (c: Client, bytes: Buffer, at: number): void => {
    const decoded = decodeRequest(bytes);
    if (E.isLeft(decoded)) return drop(c, `its request header: ${explain(decoded.left)}`);
    const arrival = arrivalOf(decoded.right, at, bytes.length);
    if (isLarge(bytes.length)) {
      if (largeBytes + bytes.length > limits.maxLargeBytes) {
        metrics.counters.large_requests_rejected += 1;
        return drop(c, `${largeBytes} bytes of large requests are in progress, ${bytes.length} more came`);
      }
      largeBytes += bytes.length;
    }
    c.waiting.push(arrival);
    if (arrival.namespace !== null && arrival.isWrite)
      sampleKey(metrics, 'write_per_namespace', arrival.namespace, bytes.length);
    metrics.outstanding += 1;
    outstandingBytes += bytes.length;
    throttle.take(c, decoded.right);
  };

  const isLarge = (bytes: number): boolean => limits.largeBytes !== null && bytes > limits.largeBytes;

  /** Counts the oldest request of the connection as answered; undefined when there is none. */
  const settle = (c: Client): Arrival | undefined => {
    const arrival = c.waiting[c.head];
    if (arrival === undefined) return undefined;
    outstandingBytes -= arrival.bytes;
    if (isLarge(arrival.bytes)) largeBytes -= arrival.bytes;
    metrics.outstanding -= 1;
    c.head += 1;
    if (c.head === c.waiting.length) {
      c.waiting.length = 0;
      c.head = 0;
    } else if (c.head >= 512) {
      c.waiting = c.waiting.slice(c.head);
      c.head = 0;
    }
    if (throttled.size > 0) wakeThrottled(c);
    return arrival;
  };

  /** What is told of an answer: how long its request took, and more where that was too long. */
  const measure = (c: Client, arrival: Arrival, reply: Reply): void => {
    const at = now();
    const took = Math.round(at - arrival.atMs);
    sample(metrics.latencyMs, took);
    sample(arrival.isWrite ? metrics.summaries.updatelatency : metrics.summaries.readlatency, took);
    if (arrival.namespace !== null) {
      if (!arrival.isWrite && reply.body.type === 'dataStat')
        sampleKey(metrics, 'read_per_namespace', arrival.namespace, reply.body.data?.length ?? 0);
      if (reply.err === quotaExceeded) countQuotaExceeded(metrics, arrival.namespace);
    }
    countAnswer(c.traffic, arrival, reply, took, at);
    if (limits.requestWarningMs === 0 || took < limits.requestWarningMs) return;
    metrics.counters.requests_slow_count += 1;
    tellSlow(log, formatAddress(c.address, c.port), c.traffic, arrival, reply, took);
  };

  const wakeThrottled = (c: Client): void => {
    if (!tooMuch()) {
      for (const each of throttled) wake(each);
      throttled.clear();
    } else if (c.waiting.length === 0 && throttled.delete(c)) wake(c);
  };

  /** Looks again, once this turn is over, whether the connection may be read. */
  const wake = (c: Client): void => {
    woken.push(c);
    if (woken.length > 1) return;
    setImmediate(() => {
      const list = woken;
      woken = [];
      for (const each of list) pump(each);
    });
  };

  const write = (c: Client, item: Reply | Buffer): void => {
    const pending = c.output.pending();
    if (pending > limits.maxOutputBytes) {
      if (c.socket.destroyed) return;
      return drop(c, `it does not read: ${pending} bytes wait for it, at most ${limits.maxOutputBytes} may`);
    }
    c.traffic.sent += 1;
    metrics.packetsSent += 1;
    c.output.put(item);
  };

  /** Writes what waits, then closes; a client that goes on sending is read and not heard, so that no reset overtakes. */
  const shut = (c: Client): void => {
    release(c);
    c.output.finish(limits.closeGraceMs);
    c.socket.resume();
  };

  const sessionless = setInterval(
    () => {
      const late = now() - limits.sessionlessMs;
      for (const c of fresh) {
        if (c.since > late) return;
        metrics.counters.sessionless_connections_expired += 1;
        drop(c, `no connect record in ${limits.sessionlessMs} ms`);
      }
    },
    Math.max(10, Math.min(1000, limits.sessionlessMs / 4)),
  );
  sessionless.unref();

  const doors = openClientDoors(options, limits, metrics, log, accept);

  return {
    respond: (conn, response) => {
      const c = clients.get(conn);
      if (c === undefined) return;
      if (response.timeoutMs > 0) c.traffic.session = response.session;
      write(c, encodeConnectResponse(response));
    },
    reply: (conn, reply) => {
      const c = clients.get(conn);
      if (c === undefined) return;
      const arrival = settle(c);
      if (arrival !== undefined) measure(c, arrival, reply);
      write(c, reply);
      throttle.done(c);
    },
    event: (conn, event) => {
      const c = clients.get(conn);
      if (c !== undefined) write(c, encodeWatchEvent(event));
    },
    closeClient: (conn) => {
      const c = clients.get(conn);
      if (c !== undefined) shut(c);
    },
    pause: (conn) => {
      const c = clients.get(conn);
      if (c === undefined) return;
      c.paused = true;
      setReading(c, false);
    },
    resume: (conn) => {
      const c = clients.get(conn);
      if (c === undefined || !c.paused) return;
      c.paused = false;
      wake(c);
    },
    stats: () => [...clients.values()].map(statusOf),
    resetStats: () => {
      for (const c of clients.values()) resetTraffic(c.traffic);
    },
    port: doors.port,
    securePort: doors.securePort,
    close: () => {
      doors.close();
      clearInterval(sessionless);
      for (const c of [...clients.values()]) {
        release(c);
        c.socket.destroy();
      }
    },
  };
};

const newClient = (
  id: ClientId,
  socket: Socket,
  address: string,
  port: number,
  output: ClientOutput,
  subject: string | null,
  since: number,
): Client => ({
  id,
  socket,
  address,
  port,
  inbox: createInbox(),
  output,
  subject,
  since,
  phase: 'first',
  open: true,
  paused: false,
  reading: true,
  waiting: [],
  head: 0,
  traffic: newTraffic(),
});
