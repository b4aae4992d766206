/** The configuration as a value, and the codecs from the text of zoo.cfg to its fields. */
import * as t from 'io-ts';
import { Limits } from './configLimits.js';
import { Ensemble } from './configEnsemble.js';
import { Operations } from './configOperations.js';
import { Peers, Storage } from './configStorage.js';
import { Security } from './configSecurity.js';
import { maxServerId } from './configServers.js';
export { decodeText, digestOfUser, oneOf, someText, wholeNumber, wordList } from './configTypes.js';
import { Natural, Port, Positive, textOrNull } from './configTypes.js';

/** Where and how somebody's configuration cannot be used, or should be looked at. */
export const ConfigError = t.readonly(
  t.strict({
    severity: t.union([t.literal('error'), t.literal('warning')]),
    file: t.string,
    /** From 1; the last line of the file when something is missing. */
    line: t.Integer,
    /** From 1, in UTF-16 units. */
    column: t.Integer,
    /** The key. */
    field: t.string,
    /** The text that stands there; null: nothing. */
    found: textOrNull,
    problem: t.string,
    /** What to write instead. */
    remedy: t.string,
  }),
  'ConfigError',
);
export type ConfigError = t.TypeOf<typeof ConfigError>;

/** One line: `zoo.cfg:3:10: error: tickTime: must be …, found "x"; write …` */
export const explainConfigError = (e: ConfigError): string =>
  `${e.file}:${e.line}:${e.column}: ${e.severity}: ${e.field}: ${e.problem}` +
  `${e.found === null ? '' : `, found ${JSON.stringify(e.found)}`}; ${e.remedy}`;

const ServerNumber = t.refinement(t.Integer, (n) => n >= 0 && n <= maxServerId, 'ServerId');

const Address = t.readonly(t.strict({ host: textOrNull, port: Port }), 'ClientAddress');

const Server = t.readonly(
  t.strict({
    id: ServerNumber,
    host: t.string,
    quorumPort: Port,
    electionPort: Port,
    role: t.union([t.literal('participant'), t.literal('observer')]),
    client: t.union([Address, t.null]),
  }),
  'ServerSpec',
);

/** Everything that a server is told by its files; units stand at the end of the names. */
export const Config = t.readonly(
  t.strict({
    tickTimeMs: Positive,
    /** Ticks that a learner has to connect and synchronise. */
    initLimitTicks: Positive,
    /** Ticks that a learner and its leader may hear nothing of each other. */
    syncLimitTicks: Positive,
    /** Holds myid, and snapshots and epochs in version-2. */
    dataDir: t.string,
    /** Holds the logs in version-2. */
    dataLogDir: t.string,
    /** null: no client port. */
    client: t.union([Address, t.null]),
    /** myid; 1 for a server that stands alone and has none, as ZooKeeper numbers its sessions then. */
    self: ServerNumber,
    /** By id; empty for a server that stands alone. */
    servers: t.readonlyArray(Server),
    /** Connections of one client address; 0: any number. */
    maxClientCnxns: Natural,
    minSessionTimeoutMs: Positive,
    maxSessionTimeoutMs: Positive,
    /** Four-letter words that are answered; '*': all of them. */
    fourLetterWords: t.union([t.literal('*'), t.readonlyArray(t.string)]),
    snapCompression: t.union([t.literal('none'), t.literal('gz'), t.literal('snappy')]),
    /** Transactions between two snapshots. */
    snapCount: Positive,
    /** Bytes by which log files grow ahead of the writing; 0: not at all. */
    preAllocBytes: Natural,
    /** Committed transactions kept in memory for learners that lag. */
    commitLogCount: Natural,
    /** Snapshots that a purge leaves. */
    snapRetainCount: Positive,
    /** 0: never. */
    purgeIntervalHours: Natural,
    /** The largest request of a client, bytes. */
    maxBufferBytes: Positive,
    rules: t.readonly(
      t.strict({
        extendedTypes: t.boolean,
        skipAcl: t.boolean,
        superDigest: textOrNull,
        enforceQuota: t.boolean,
        localSessions: t.union([t.literal('off'), t.literal('on'), t.literal('upgraded')]),
        readOnlyMode: t.boolean,
        reaping: t.readonly(
          t.strict({ checkIntervalMs: Positive, maxPerMinute: Positive, maxNeverUsedMs: Natural }),
          'Reaping',
        ),
      }),
      'Rules',
    ),
    operations: Operations,
    storage: Storage,
    peers: Peers,
    limits: Limits,
    ensemble: Ensemble,
    security: Security,
    /** The file with the members, and its version as it stands there (hexadecimal); null: they stand in zoo.cfg. */
    dynamic: t.union([t.readonly(t.strict({ file: t.string, version: textOrNull })), t.null]),
    /** Things that a person should look at; the server starts all the same. */
    warnings: t.readonlyArray(ConfigError),
  }),
  'Config',
);
export type Config = t.TypeOf<typeof Config>;
