/**
 * Log lines of a server on stderr: `2026-11-21T12:48:00.123Z info  text  key=value`, or one JSON object a line with
 * `time`, `level`, `text` and the fields, made by pino.
 */
import { pino } from 'pino';
import { logLevels } from '../shell/net/log.js';
import type { Log, LogFields, LogLevel } from '../shell/net/log.js';

/** @param level lines below it are left out */
export const lineLog = (
  write: (line: string) => void,
  json: boolean,
  now: () => Date,
  level: LogLevel = 'info',
): Log => {
  if (json) return jsonLog(write, now, level);
  const least = logLevels.indexOf(level);
  return (at, message, fields) => {
    if (logLevels.indexOf(at) < least) return;
    write(`${now().toISOString()} ${at.padEnd(5)} ${oneLine(message)}${fields === undefined ? '' : shown(fields)}\n`);
  };
};

const jsonLog = (write: (line: string) => void, now: () => Date, level: LogLevel): Log => {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'text',
      timestamp: () => `,"time":"${now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return (at, message, fields) => logger[at](fields ?? {}, oneLine(message));
};

/** A message may quote what a peer sent; it still is one line. */
const oneLine = (message: string): string => message.replace(/\s*\n\s*/g, ' | ');

const shown = (fields: LogFields): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([key, value], i) => `${i === 0 ? '  ' : ' '}${key}=${oneLine(String(value))}`)
    .join('');

/** The level that the environment asks for; null: none, or one that nobody knows. */
export const levelOf = (environment: Readonly<Record<string, string | undefined>>): LogLevel | null => {
  const asked = environment['ZABKEEPER_LOG_LEVEL']?.toLowerCase();
  return logLevels.find((level) => level === asked) ?? null;
};
