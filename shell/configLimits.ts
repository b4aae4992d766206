/** What zoo.cfg says of how many clients and requests a server takes. */
import * as t from 'io-ts';
import type { Read } from './configOperations.js';
import { Natural, oneOf, Positive, wholeNumber } from './configTypes.js';

const Share = t.refinement(t.number, (n) => n >= 0 && n <= 1, 'Share');

/** A bucket of tokens, and the chance of a drop that follows it (BlueThrottle); weights are tokens. */
export const ConnectionThrottle = t.readonly(
  t.strict({
    tokens: Positive,
    fillTimeMs: Positive,
    fillCount: Positive,
    /** null: no chance of a drop. */
    freezeMs: t.union([Natural, t.null]),
    dropIncrease: Share,
    dropDecrease: Share,
    decreaseRatio: Share,
    weights: t.readonly(t.strict({ newSession: Positive, newLocal: Positive, renewed: Positive })),
  }),
  'ConnectionThrottle',
);
export type ConnectionThrottle = t.TypeOf<typeof ConnectionThrottle>;

export const Limits = t.readonly(
  t.strict({
    /** 0: no limit but that of open files. */
    maxCnxns: Natural,
    /** null: the kernel's own. */
    backlog: t.union([Natural, t.null]),
    keepAlive: t.boolean,
    /** Requests in progress above which a client with one of them is not read. */
    maxOutstanding: Positive,
    /** Requests in progress above which others wait; 0: any number. */
    maxInProgress: Natural,
    /** After which a request that waited is refused; 0: never. */
    maxWaitMs: Natural,
    /** Above so many bytes a request is large; null: none is. */
    largeBytes: t.union([Natural, t.null]),
    maxLargeBytes: Natural,
    /** null: connections come as they like. */
    connections: t.union([ConnectionThrottle, t.null]),
  }),
  'Limits',
);
export type Limits = t.TypeOf<typeof Limits>;

const most = 0x7fffffff;
const flag = oneOf('true', 'false');

const share = new t.Type<number, string, string>(
  'a number from 0 to 1',
  (u): u is number => typeof u === 'number' && u >= 0 && u <= 1,
  (text, context) => {
    const n = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
    return n >= 0 && n <= 1 ? t.success(n) : t.failure(text, context);
  },
  String,
);

export const readLimits = (read: Read): Limits => {
  const large = read('largeRequestThreshold', wholeNumber(-1, most), 'bytes, -1 for none') ?? -1;
  const backlog = read('clientPortListenBacklog', wholeNumber(-1, most)) ?? -1;
  return {
    maxCnxns: read('maxCnxns', wholeNumber(0, most), '0 for no limit') ?? 0,
    backlog: backlog < 0 ? null : backlog,
    keepAlive: read('clientTcpKeepAlive', flag) === 'true',
    maxOutstanding: read('globalOutstandingLimit', wholeNumber(1, most)) ?? 1000,
    maxInProgress: read('request_throttle_max_requests', wholeNumber(0, most), '0 for no limit') ?? 0,
    maxWaitMs: read('throttled_op_wait_time', wholeNumber(0, most), 'milliseconds, 0 for never') ?? 0,
    largeBytes: large < 0 ? null : large,
    maxLargeBytes: read('largeRequestMaxBytes', wholeNumber(0, most), 'bytes') ?? 100 * 1024 * 1024,
    connections: readConnections(read),
  };
};

const readConnections = (read: Read): ConnectionThrottle | null => {
  const freeze = read('connection_throttle_freeze_time', wholeNumber(-1, most), 'milliseconds, -1 for none') ?? -1;
  const isWeighed = read('connection_throttle_weight_enabled', flag) === 'true';
  const weight = (found: number | null, otherwise: number): number => (isWeighed ? (found ?? otherwise) : 1);
  const found = {
    fillTimeMs: read('connection_throttle_fill_time', wholeNumber(1, most), 'milliseconds') ?? 1,
    fillCount: read('connection_throttle_fill_count', wholeNumber(1, most)) ?? 1,
    freezeMs: freeze < 0 ? null : freeze,
    dropIncrease: read('connection_throttle_drop_increase', share) ?? 0.02,
    dropDecrease: read('connection_throttle_drop_decrease', share) ?? 0.002,
    decreaseRatio: read('connection_throttle_decrease_ratio', share) ?? 0,
    weights: {
      newSession: weight(read('connection_throttle_global_session_weight', wholeNumber(1, most)), 3),
      newLocal: weight(read('connection_throttle_local_session_weight', wholeNumber(1, most)), 1),
      renewed: weight(read('connection_throttle_renew_session_weight', wholeNumber(1, most)), 2),
    },
  };
  const tokens = read('connection_throttle_tokens', wholeNumber(0, most), '0 for no limit') ?? 0;
  return tokens === 0 ? null : { tokens, ...found };
};
