/** What zoo.cfg says of files and of the sockets between servers. */
import * as t from 'io-ts';
import type { Read } from './configOperations.js';
import { Natural, oneOf, Positive, wholeNumber } from './configTypes.js';

export const Storage = t.readonly(
  t.strict({
    /** Size at which a log file ends, bytes; null: only a snapshot ends one. */
    logLimitBytes: t.union([Positive, t.null]),
    /** Bytes of log after which a snapshot is taken; null: only snapCount counts. */
    snapLimitBytes: t.union([Positive, t.null]),
    /** Whether an acknowledged transaction is on the disk for good. */
    forceSync: t.boolean,
    /** Whether a missing data directory is made. */
    createDirs: t.boolean,
  }),
  'Storage',
);
export type Storage = t.TypeOf<typeof Storage>;

export const Peers = t.readonly(
  t.strict({
    /** To connect to an election port. */
    connectTimeoutMs: Positive,
    /** For the first message on an election connection; null: syncLimit ticks. */
    firstMessageMs: t.union([Positive, t.null]),
    /** How often the election port is tried; 0: until it can be had. */
    bindTries: Natural,
    /** Quorum and election port on every address. */
    everyAddress: t.boolean,
    keepAlive: t.boolean,
  }),
  'Peers',
);
export type Peers = t.TypeOf<typeof Peers>;

const most = 0x7fffffff;
const flag = oneOf('true', 'false');

export const readStorage = (read: Read): Storage => {
  const logKiB = read('txnLogSizeLimitInKb', wholeNumber(-1, most), 'KiB, -1 for none') ?? -1;
  const snapKiB = read('snapSizeLimitInKb', wholeNumber(-1, 0xffffffff), 'KiB, 0 for none') ?? 4_194_304;
  return {
    logLimitBytes: logKiB <= 0 ? null : logKiB * 1024,
    snapLimitBytes: snapKiB <= 0 ? null : snapKiB * 1024,
    forceSync: read('forceSync', oneOf('yes', 'no')) !== 'no',
    createDirs: read('datadir.autocreate', flag) !== 'false',
  };
};

export const readPeers = (read: Read): Peers => {
  const firstMessage = read('quorumCnxnTimeoutMs', wholeNumber(-1, most), 'milliseconds, -1 for syncLimit ticks') ?? -1;
  return {
    connectTimeoutMs: read('cnxTimeout', wholeNumber(1, most), 'milliseconds') ?? 5000,
    firstMessageMs: firstMessage <= 0 ? null : firstMessage,
    bindTries: read('electionPortBindRetry', wholeNumber(0, most), '0 for any number') ?? 3,
    everyAddress: read('quorumListenOnAllIPs', flag) === 'true',
    keepAlive: read('tcpKeepAlive', flag) === 'true',
  };
};
