/**
 * Reads zoo.cfg and myid as ZooKeeper 3.9 has them. Everything that is wrong is found at once, each with its place, the
 * text that stands there and what to write instead.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { checkServers } from './configCheck.js';
import { keyState, nearest, unsafeToIgnore } from './configKeys.js';
import type { SupportedKey } from './configKeys.js';
import { readLimits } from './configLimits.js';
import { readOperations } from './configOperations.js';
import { readPeers, readStorage } from './configStorage.js';
import { readEnsemble } from './configEnsemble.js';
import { readMaxBuffer, readRules } from './configRules.js';
import { readSecurity } from './configSecurity.js';
import { maxServerId, parseServerSpec } from './configServers.js';
import type { ClientAddress } from './configServers.js';
import { decodeText, oneOf, someText, wholeNumber, wordList } from './configValues.js';
import type { Config, ConfigError } from './configValues.js';
import { flagsName, parseFlags } from './configFlags.js';
import { parseProperties } from './properties.js';
import type { Place, Property } from './properties.js';

export { explainConfigError } from './configValues.js';
export type { Config, ConfigError } from './configValues.js';
export type { ServerSpec, ClientAddress } from './configServers.js';

export type ConfigSource = {
  /** Name of the file, as messages give it. */
  readonly file: string;
  readonly text: string;
  /** The server's id if it is told otherwise than by its file, with the place it comes from (`--myid`). */
  readonly myid?: { readonly from: string; readonly text: string };
  /** Reads another file, myid; null when there is none. */
  readonly readText: (path: string) => string | null;
  /** Flags of a Java virtual machine, from the environment. */
  readonly flags?: string | undefined;
  /** Addresses of this machine, to notice a server line that is another machine's; empty: not known. */
  readonly ownAddresses: readonly string[];
};

type Report = (severity: ConfigError['severity'], at: Place, rest: Rest) => void;
type Rest = Pick<ConfigError, 'field' | 'found' | 'problem' | 'remedy'>;

const any = Number.MAX_SAFE_INTEGER;
const fourLetterWords =
  'conf cons crst dirs dump envi gtmk stmk ruok srst srvr stat wchc wchp wchs mntr isro hash'.split(' ');

/**
 * Reads a file of configuration and, in an ensemble, myid.
 * @param flags what SERVER_JVMFLAGS says; of its properties those hold that the file does not set
 * @param path file; relative directories in it are taken from the working directory, as ZooKeeper does
 * @returns Left: every error and warning; Right: the configuration with its warnings
 */
export const loadConfig = (
  path: string,
  myid?: { readonly from: string; readonly text: string },
  flags: string | undefined = process.env[flagsName],
): E.Either<readonly ConfigError[], Config> => {
  const readText = (file: string): string | null => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return null;
    }
  };
  const text = readText(path);
  if (text === null) {
    const problem = 'the file cannot be read';
    const at = { file: path, line: 1, column: 1, field: 'file', found: null };
    return E.left([{ severity: 'error', ...at, problem, remedy: 'name a file that exists and may be read' }]);
  }
  const ownAddresses = Object.values(networkInterfaces()).flatMap((list) => list?.map((i) => i.address) ?? []);
  return decodeConfig({ file: path, text, readText, ownAddresses, flags, ...(myid === undefined ? {} : { myid }) });
};

/** What such a key holds is shown to nobody. */
const isSecret = (field: string): boolean => /password$/i.test(field);

/** loadConfig without the outside world. */
export const decodeConfig = (source: ConfigSource): E.Either<readonly ConfigError[], Config> => {
  const found: ConfigError[] = [];
  const report: Report = (severity, at, rest) =>
    void found.push({ severity, file: source.file, ...at, ...rest, found: isSecret(rest.field) ? null : rest.found });
  const { properties, badEscapes } = parseProperties(source.text);
  for (const { at, found: text } of badEscapes) {
    const problem = 'a backslash and u must be followed by four hexadecimal digits';
    report('error', at, { field: 'text', found: text, problem, remedy: 'write \\\\ for a backslash' });
  }
  const dynamic = readDynamic(source, properties, report);
  // As in Java: what the file says goes before what the virtual machine was told.
  const flags = parseFlags(source.flags ?? '');
  for (const { flag, at } of flags.ignored) {
    const problem = 'has no effect: there is no Java virtual machine';
    report('warning', at, { field: flagsName, found: flag, problem, remedy: 'remove it to silence this' });
  }
  const overridden = new Set(properties.map((p) => keyState(p.key).name ?? p.key));
  const added = flags.properties.filter((p) => !overridden.has(keyState(p.key).name ?? p.key));
  const values = sortOut([...added, ...properties, ...dynamic.properties], report);
  const config = assemble(source, values, dynamic.dynamic, found, report);
  const sorted = found.toSorted((a, b) => Number(a.file !== b.file) || a.line - b.line || a.column - b.column);
  return sorted.some((e) => e.severity === 'error') || config === null
    ? E.left(sorted)
    : E.right({ ...config, warnings: sorted });
};

type Values = {
  readonly single: ReadonlyMap<SupportedKey, Property>;
  readonly servers: readonly { readonly id: number; readonly property: Property }[];
  /** Of families like `authProvider.N`. */
  readonly listed: readonly { readonly key: string; readonly property: Property }[];
  /** Where missing things would be added. */
  readonly end: Place;
};

const dynamicKeys = /^(server|group|weight)\.\d+$/;

/** The members out of the file of dynamicConfigFile; nothing else but the version may stand there. */
const readDynamic = (
  source: ConfigSource,
  properties: readonly Property[],
  report: Report,
): { readonly properties: readonly Property[]; readonly dynamic: Config['dynamic'] } => {
  const named = properties.findLast((p) => keyState(p.key).name === 'dynamicConfigFile');
  if (named === undefined || named.value === '') return { properties: [], dynamic: null };
  const file = named.value;
  const text = source.readText(file);
  if (text === null) {
    const remedy = 'name a file that exists and may be read';
    report('error', named.valueAt, { field: named.key, found: file, problem: 'the file cannot be read', remedy });
    return { properties: [], dynamic: null };
  }
  const beside = properties.find((p) => dynamicKeys.test(p.key));
  if (beside !== undefined) {
    const problem = `stands in ${source.file}, but the members are those of ${file}`;
    const remedy = 'keep such lines in one of the two files';
    report('error', beside.keyAt, { field: beside.key, found: beside.key, problem, remedy });
  }
  const { properties: all } = parseProperties(text);
  const version = all.findLast((p) => p.key === 'version')?.value ?? null;
  const members = all.filter((p) => p.key !== 'version').map((p) => placedIn(p, file));
  for (const { key, keyAt } of members) {
    if (dynamicKeys.test(key)) continue;
    const problem = 'does not belong into a file of members';
    report('error', keyAt, { field: key, found: key, problem, remedy: `write it into ${source.file}` });
  }
  return { properties: members.filter((p) => dynamicKeys.test(p.key)), dynamic: { file, version } };
};

const placedIn = ({ key, value, keyAt, valueAt }: Property, file: string): Property => ({
  key,
  value,
  keyAt: { line: keyAt.line, column: keyAt.column, file },
  valueAt: { line: valueAt.line, column: valueAt.column, file },
});

/** Known keys by name; whatever else stands there is reported. */
const sortOut = (properties: readonly Property[], report: Report): Values => {
  const single = new Map<SupportedKey, Property>();
  const servers: { id: number; property: Property }[] = [];
  const listed: { key: string; property: Property }[] = [];
  const isLenient = properties.findLast((p) => p.key === 'zabkeeper.allowUnknownKeys')?.value.toLowerCase() === 'true';
  for (const property of properties) {
    const { key, value, keyAt, valueAt } = property;
    if (key.startsWith('server.')) {
      const id = decodeText(wholeNumber(0, maxServerId), key.slice('server.'.length));
      if (E.isRight(id)) servers.push({ id: id.right, property });
      else {
        const remedy = `write server.N with N from 0 to ${maxServerId}`;
        report('error', keyAt, { field: key, found: key, problem: `the id must be ${id.left}`, remedy });
      }
      continue;
    }
    const state = keyState(key);
    if (state.type === 'read') {
      const before = single.get(state.name);
      if (before !== undefined) {
        const problem = `is given twice, first in line ${before.keyAt.line}; the last one counts`;
        report('warning', keyAt, { field: key, found: value, problem, remedy: 'remove one of them' });
      }
      single.set(state.name, property);
    } else if (state.type === 'listed') listed.push({ key: state.name, property });
    else if (state.type === 'ignored') {
      const problem = `has no effect here: ${state.about}`;
      report('warning', keyAt, { field: key, found: value, problem, remedy: 'remove the line to silence this' });
    } else if (state.type === 'missing') {
      const unsafe = unsafeToIgnore.find((u) => u.key.test(state.name) && u.when(value));
      if (unsafe === undefined) {
        const problem = 'is not supported yet and has no effect';
        report('warning', keyAt, { field: key, found: value, problem, remedy: 'remove the line to silence this' });
      } else {
        const problem = `is not supported yet, and cannot be ignored: ${unsafe.why}`;
        const remedy = 'remove the line if that is acceptable';
        report('error', valueAt, { field: key, found: value, problem, remedy });
      }
    } else {
      const remedy =
        (state.meant === null ? 'remove the line' : `did you mean ${state.meant}?`) +
        (isLenient ? '' : '; zabkeeper.allowUnknownKeys=true lets it stand');
      const problem = 'is not a key of ZooKeeper';
      report(isLenient ? 'warning' : 'error', keyAt, { field: key, found: key, problem, remedy });
    }
  }
  const last = properties.findLast((p) => p.keyAt.file === undefined);
  return { single, servers, listed, end: { line: last?.keyAt.line ?? 1, column: 1 } };
};

/** The configuration without its warnings; null when something needed is missing or wrong. */
const assemble = (
  source: ConfigSource,
  values: Values,
  dynamic: Config['dynamic'],
  found: ConfigError[],
  report: Report,
): Omit<Config, 'warnings'> | null => {
  const { single, end } = values;
  const read = <A>(key: SupportedKey, codec: t.Type<A, string, string>, unit = ''): A | null => {
    const property = single.get(key);
    if (property === undefined) return null;
    const value = decodeText(codec, property.value);
    if (E.isRight(value)) return value.right;
    const problem = `must be ${value.left}`;
    const remedy = `write ${value.left}${unit === '' ? '' : ` (${unit})`}`;
    report('error', property.valueAt, { field: key, found: property.value, problem, remedy });
    return null;
  };
  const at = (key: SupportedKey): Place => single.get(key)?.valueAt ?? end;
  const missing = (field: SupportedKey, problem: string, remedy: string): void => {
    if (!single.has(field)) report('error', end, { field, found: null, problem, remedy });
  };

  const tickTimeMs = read('tickTime', wholeNumber(1, 0x7fffffff), 'milliseconds') ?? 3000;
  const initLimitTicks = read('initLimit', wholeNumber(1, 0x7fffffff), 'ticks');
  const syncLimitTicks = read('syncLimit', wholeNumber(1, 0x7fffffff), 'ticks');
  const dataDir = read('dataDir', someText);
  missing('dataDir', 'is missing', 'write dataDir=<directory for snapshots and myid>');
  if (values.servers.length > 1) {
    missing('initLimit', 'is missing; an ensemble needs it', 'write initLimit=10');
    missing('syncLimit', 'is missing; an ensemble needs it', 'write syncLimit=5');
  }
  const minimum = read('minSessionTimeout', wholeNumber(-1, 0x7fffffff), 'milliseconds, -1 for two ticks') ?? -1;
  const maximum = read('maxSessionTimeout', wholeNumber(-1, 0x7fffffff), 'milliseconds, -1 for twenty ticks') ?? -1;
  const minSessionTimeoutMs = minimum <= 0 ? tickTimeMs * 2 : minimum;
  const maxSessionTimeoutMs = maximum <= 0 ? tickTimeMs * 20 : maximum;
  if (minSessionTimeoutMs > maxSessionTimeoutMs) {
    const problem = `is below minSessionTimeout (${minSessionTimeoutMs} ms)`;
    const rest = { field: 'maxSessionTimeout', found: String(maxSessionTimeoutMs), problem };
    report('error', at('maxSessionTimeout'), { ...rest, remedy: `write at least ${minSessionTimeoutMs}` });
  }

  read('zabkeeper.allowUnknownKeys', oneOf('true', 'false'));
  read('dynamicConfigFile', someText);
  const retained = read('autopurge.snapRetainCount', wholeNumber(0, any)) ?? 3;
  if (retained < 3) {
    const rest = { field: 'autopurge.snapRetainCount', found: String(retained), problem: 'is below 3; 3 is used' };
    report('warning', at('autopurge.snapRetainCount'), { ...rest, remedy: 'write 3 or more' });
  }
  const listed = read('4lw.commands.whitelist', wordList) ?? ['srvr'];
  for (const word of listed === '*' ? [] : listed) {
    if (fourLetterWords.includes(word)) continue;
    const rest = { field: '4lw.commands.whitelist', found: word, problem: 'is not a four-letter word of ZooKeeper' };
    const meant = nearest(word, fourLetterWords);
    const remedy = meant === null ? 'remove it' : `did you mean ${meant}?`;
    report('warning', at('4lw.commands.whitelist'), { ...rest, remedy });
  }

  const complainOf = (key: string, problem: string, remedy: string): void => {
    const property = values.listed.find((l) => l.key === key)?.property;
    report('error', property?.valueAt ?? end, { field: key, found: property?.value ?? null, problem, remedy });
  };
  const security = readSecurity({
    read,
    readText: source.readText,
    complain: (key, problem, remedy) =>
      report('error', at(key), { field: key, found: single.get(key)?.value ?? null, problem, remedy }),
    listed: values.listed.map(({ key, property }) => ({ key, value: property.value })),
    complainOf,
  });
  const servers = serversOf(values, report);
  // A single line makes a server that stands alone: it is this one, and needs no myid.
  const alone = values.servers.length < 2;
  const myid = alone ? (values.servers[0]?.id ?? null) : readMyid(source, dataDir, found);
  const client = clientOf(read('clientPortAddress', someText), read('clientPort', wholeNumber(1, 65535)));
  const all = servers.map((s) => s.spec);
  const checked = checkServers({
    servers,
    complete: all.length === values.servers.length,
    self: myid,
    client,
    clientAt: at('clientPort'),
    ownAddresses: source.ownAddresses,
    report,
  });
  const own = servers.find((s) => s.spec.id === myid);
  const peerType = read('peerType', oneOf('participant', 'observer')) ?? own?.spec.role;
  if (own !== undefined && own.spec.role !== peerType) {
    const problem = `is not what ${own.key} says, and that counts`;
    const remedy = `write ${own.spec.role}`;
    report('warning', at('peerType'), { field: 'peerType', found: peerType ?? null, problem, remedy });
  }
  if (single.has('clientPortAddress') && !single.has('clientPort')) {
    const problem = 'is set, but clientPort is not';
    const found = single.get('clientPortAddress')?.value ?? null;
    report('error', at('clientPortAddress'), {
      field: 'clientPortAddress',
      found,
      problem,
      remedy: 'write clientPort',
    });
  } else if (checked.client === null && security.secureClient === null) {
    const problem = 'is missing: no client can connect';
    report('warning', end, { field: 'clientPort', found: null, problem, remedy: 'write clientPort=2181' });
  }

  const snapCompression: Config['snapCompression'] =
    read('snapshot.compression.method', oneOf('gz', 'snappy')) ?? 'none';
  const config = {
    tickTimeMs,
    initLimitTicks: initLimitTicks ?? 10,
    syncLimitTicks: syncLimitTicks ?? 5,
    dataLogDir: read('dataLogDir', someText) ?? dataDir ?? '',
    client: checked.client,
    self: checked.self,
    servers: all.toSorted((a, b) => a.id - b.id),
    maxClientCnxns: read('maxClientCnxns', wholeNumber(0, any)) ?? 60,
    minSessionTimeoutMs,
    maxSessionTimeoutMs,
    fourLetterWords: listed,
    snapCompression,
    snapCount: read('snapCount', wholeNumber(2, any)) ?? 100_000,
    preAllocBytes: (read('preAllocSize', wholeNumber(0, 0x3fffff), 'KiB') ?? 65_536) * 1024,
    commitLogCount: read('commitLogCount', wholeNumber(1, any)) ?? 500,
    snapRetainCount: Math.max(3, retained),
    maxBufferBytes: readMaxBuffer(read),
    rules: readRules(read),
    operations: readOperations(read),
    storage: readStorage(read),
    peers: readPeers(read),
    limits: readLimits(read),
    security,
    dynamic,
    ensemble: readEnsemble({
      read,
      listed: values.listed.map(({ key, property }) => ({ key, value: property.value })),
      complainOf,
      file: source.file,
      dynamic,
      voters: all.flatMap((s) => (s.role === 'participant' ? [s.id] : [])),
    }),
    purgeIntervalHours: Math.max(0, read('autopurge.purgeInterval', wholeNumber(-any, any), 'hours, 0 for never') ?? 0),
  };
  return dataDir === null ? null : { ...config, dataDir };
};

const serversOf = (values: Values, report: Report): Parameters<typeof checkServers>[0]['servers'] =>
  values.servers.flatMap(({ id, property }) => {
    const { key, value, valueAt, keyAt } = property;
    const { server, bad } = parseServerSpec(id, value);
    for (const part of bad) {
      const at = { ...valueAt, column: valueAt.column + part.at };
      report('error', at, { field: key, found: part.found, problem: part.problem, remedy: part.remedy });
    }
    return server === null ? [] : [{ spec: server, key, keyAt, valueAt, value }];
  });

/** The id of this server; null (and reported) when it is not known or not a number. */
const readMyid = (source: ConfigSource, dataDir: string | null, found: ConfigError[]): number | null => {
  if (source.myid === undefined && dataDir === null) return null;
  const file = source.myid?.from ?? join(dataDir ?? '', 'myid');
  const text = source.myid?.text ?? source.readText(file);
  const id = decodeText(wholeNumber(0, maxServerId), text?.trim() ?? '');
  if (E.isRight(id)) return id.right;
  const problem = text === null ? 'the file is missing; every server of an ensemble has one' : `must be ${id.left}`;
  const remedy = `write this server's id, the N of its server.N line, into ${resolve(dirname(file), 'myid')}`;
  const at = { file, line: 1, column: 1, field: 'myid', found: text?.trim() ?? null };
  found.push({ severity: 'error', ...at, problem, remedy });
  return null;
};

const clientOf = (address: string | null, port: number | null): ClientAddress | null => {
  if (port === null) return null;
  const every = address === null || address === '0.0.0.0' || address === '::';
  return { host: every ? null : address, port };
};
