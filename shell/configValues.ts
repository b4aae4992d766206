/** The configuration as a value, and the codecs from the text of zoo.cfg to its fields. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { maxServerId } from './configServers.js';

const textOrNull = t.union([t.string, t.null]);

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

/** A port that can be listened on. */
const Port = t.refinement(t.Integer, (n) => n >= 1 && n <= 65535, 'Port');
const ServerNumber = t.refinement(t.Integer, (n) => n >= 0 && n <= maxServerId, 'ServerId');
const Positive = t.refinement(t.Integer, (n) => n >= 1, 'Positive');
const Natural = t.refinement(t.Integer, (n) => n >= 0, 'Natural');

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
        reaping: t.readonly(
          t.strict({ checkIntervalMs: Positive, maxPerMinute: Positive, maxNeverUsedMs: Natural }),
          'Reaping',
        ),
      }),
      'Rules',
    ),
    /** Things that a person should look at; the server starts all the same. */
    warnings: t.readonlyArray(ConfigError),
  }),
  'Config',
);
export type Config = t.TypeOf<typeof Config>;

/** A whole number in decimal text, with bounds. */
export const wholeNumber = (min: number, max: number): t.Type<number, string, string> =>
  new t.Type<number, string, string>(
    max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
    (u): u is number => Number.isInteger(u) && (u as number) >= min && (u as number) <= max,
    (text, context) => {
      const n = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
      return n >= min && n <= max ? t.success(n) : t.failure(text, context);
    },
    String,
  );

/** One of some words, in any case. */
export const oneOf = <A extends string>(...words: readonly A[]): t.Type<A, string, string> =>
  new t.Type<A, string, string>(
    words.join(' or '),
    (u): u is A => words.includes(u as A),
    (text, context) => {
      const word = words.find((w) => w === text.toLowerCase());
      return word === undefined ? t.failure(text, context) : t.success(word);
    },
    String,
  );

/** Text that is not empty. */
export const someText = new t.Type<string, string, string>(
  'some text',
  (u): u is string => typeof u === 'string' && u !== '',
  (text, context) => (text === '' ? t.failure(text, context) : t.success(text)),
  String,
);

/** `user:` and base64 of a SHA-1, as DigestAuthenticationProvider prints it. */
export const digestOfUser = new t.Type<string, string, string>(
  'user:digest, the digest in base64 of SHA-1',
  (u): u is string => typeof u === 'string',
  (text, context) => (/^[^:]+:[A-Za-z0-9+/]{27}=$/.test(text) ? t.success(text) : t.failure(text, context)),
  String,
);

/** The words of a comma list, or `*`. */
export const wordList = new t.Type<readonly string[] | '*', string, string>(
  'a list of words between commas, or *',
  (u): u is readonly string[] | '*' => u === '*' || (Array.isArray(u) && u.every((w) => typeof w === 'string')),
  (text) => {
    const listed = text.split(',').map((w) => w.trim());
    return t.success(listed.includes('*') ? '*' : listed.filter((w) => w !== ''));
  },
  (words) => (words === '*' ? '*' : words.join(',')),
);

/** The decoded value, or what it should have been in words. */
export const decodeText = <A>(codec: t.Type<A, string, string>, text: string): E.Either<string, A> => {
  const decoded = codec.decode(text);
  return E.isRight(decoded) ? decoded : E.left(codec.name);
};
