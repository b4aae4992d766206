/** What zoo.cfg says of looking at a server: admin server, metrics, log, and when something is slow. */
import * as t from 'io-ts';
import type { SupportedKey } from './configKeys.js';
import { Natural, oneOf, Port, someText, textOrNull, wholeNumber } from './configTypes.js';

export type Read = <A>(key: SupportedKey, codec: t.Type<A, string, string>, unit?: string) => A | null;

export const Admin = t.readonly(
  t.strict({
    enabled: t.boolean,
    /** null: every address. */
    host: textOrNull,
    port: Port,
    /** Path below which the commands stand; begins with a slash and ends with none. */
    commandUrl: t.string,
    idleTimeoutMs: Natural,
    snapshotEnabled: t.boolean,
    restoreEnabled: t.boolean,
    /** Between two snapshots, and between two restores; 0: no limit. */
    rateLimitMs: Natural,
    tls: t.union([t.literal('none'), t.literal('beside plain'), t.literal('only')]),
    needClientAuth: t.boolean,
  }),
  'Admin',
);
export type Admin = t.TypeOf<typeof Admin>;

export const Operations = t.readonly(
  t.strict({
    admin: Admin,
    /** null: no metrics over HTTP. */
    prometheus: t.union([t.readonly(t.strict({ host: textOrNull, port: Port, process: t.boolean })), t.null]),
    /** A slower sync of the log is told of. */
    fsyncWarningMs: Natural,
    /** A slower request is told of; 0: none. */
    requestWarningMs: Natural,
    logLevel: t.union([t.literal('debug'), t.literal('info'), t.literal('warn'), t.literal('error')]),
  }),
  'Operations',
);
export type Operations = t.TypeOf<typeof Operations>;

const most = 0x7fffffff;
const port = wholeNumber(1, 65535);
const flag = oneOf('true', 'false');

/** A path of HTTP without its last slash. */
const commandPath = new t.Type<string, string, string>(
  'a path that begins with /',
  (u): u is string => typeof u === 'string',
  (text, context) => (/^\/[^?#\s]*$/.test(text) ? t.success(text.replace(/\/+$/, '')) : t.failure(text, context)),
  String,
);

export const readOperations = (read: Read): Operations => {
  const provider = read('metricsProvider.className', someText);
  const unified = read('admin.portUnification', flag) === 'true';
  return {
    admin: {
      enabled: read('admin.enableServer', flag) !== 'false',
      host: someHost(read('admin.serverAddress', someText)),
      port: read('admin.serverPort', port) ?? 8080,
      commandUrl: read('admin.commandURL', commandPath) ?? '/commands',
      idleTimeoutMs: read('admin.idleTimeout', wholeNumber(0, most), 'milliseconds') ?? 30_000,
      snapshotEnabled: read('admin.snapshot.enabled', flag) !== 'false',
      restoreEnabled: read('admin.restore.enabled', flag) !== 'false',
      rateLimitMs: read('admin.rateLimiterIntervalInMS', wholeNumber(0, most), 'milliseconds') ?? 300_000,
      tls: read('admin.forceHttps', flag) === 'true' ? 'only' : unified ? 'beside plain' : 'none',
      needClientAuth: read('admin.needClientAuth', flag) === 'true',
    },
    prometheus: readPrometheus(read, provider),
    fsyncWarningMs: read('fsync.warningthresholdms', wholeNumber(0, most), 'milliseconds') ?? 1000,
    requestWarningMs: read('zabkeeper.request.warningthresholdms', wholeNumber(0, most), 'milliseconds') ?? 10_000,
    logLevel: read('zabkeeper.log.level', oneOf('debug', 'info', 'warn', 'error')) ?? 'info',
  };
};

/** Other classes of providers are Java's and cannot be had; Apache's default one has no port. */
const readPrometheus = (read: Read, provider: string | null): Operations['prometheus'] => {
  const found = {
    host: someHost(read('metricsProvider.httpHost', someText)),
    port: read('metricsProvider.httpPort', port) ?? 7000,
    process: read('metricsProvider.exportJvmInfo', flag) !== 'false',
  };
  return provider?.endsWith('PrometheusMetricsProvider') === true ? found : null;
};

const someHost = (host: string | null): string | null => (host === '0.0.0.0' || host === '::' ? null : host);
