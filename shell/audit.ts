/**
 * The audit log: a line for each entry, as Apache's loggers write it: time, level, fields `key=value` with tabs between.
 * Lines of a turn are written together, and before anything else happens: what was answered is in the log.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { userInfo } from 'node:os';
import * as E from 'fp-ts/lib/Either.js';
import type { AuditEntry } from '../core/service/audit.js';

export type AuditLog = {
  readonly entry: (entry: AuditEntry) => void;
  readonly started: () => void;
  readonly stopped: () => void;
  /** Writes what was gathered. */
  readonly flush: () => void;
  readonly close: () => void;
};

export type AuditOptions = {
  /** '-': standard output. */
  readonly file: string;
  readonly now: () => Date;
  /** The lines cannot be written; told once, until they can again. */
  readonly onFailed: (problem: string) => void;
};

const systemUser = (): string => {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
};

/** Whoever may choose a path or a name must not be able to write lines. */
const plain = (value: string): string => value.replace(/[\t\n\r]/g, '');

/** @param user of the server itself, where an entry names nobody */
export const auditFields = (entry: AuditEntry, user: string): string => {
  const session = entry.session === null ? null : `0x${entry.session.replace(/^0+(?=.)/, '')}`;
  const fields: readonly (readonly [string, string | null])[] = [
    ['session', session],
    ['user', entry.user ?? user],
    ['ip', entry.ip],
    ['operation', entry.operation],
    ['znode', entry.znode],
    ['znode_type', entry.znodeType],
    ['acl', entry.acl],
    ['result', entry.result],
  ];
  return fields.flatMap(([key, value]) => (value === null ? [] : [`${key}=${plain(value)}`])).join('\t');
};

/** Local time, as log4j's ISO8601. */
const stamp = (at: Date): string => {
  const pad = (n: number, width = 2): string => String(n).padStart(width, '0');
  const date = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
  return `${date} ${time},${pad(at.getMilliseconds(), 3)}`;
};

const nobody: Omit<AuditEntry, 'operation' | 'result'> = {
  session: null,
  user: null,
  ip: null,
  znode: null,
  znodeType: null,
  acl: null,
};

/** @returns Left: the file cannot be opened */
export const openAudit = ({ file, now, onFailed }: AuditOptions): E.Either<string, AuditLog> => {
  const user = systemUser();
  let fd: number;
  try {
    fd = file === '-' ? 1 : openSync(file, 'a');
  } catch (e) {
    return E.left(`audit.file: ${e instanceof Error ? e.message : String(e)}`);
  }
  let lines: string[] = [];
  let isFailing = false;
  const add = (level: 'INFO' | 'ERROR', fields: string): void =>
    void lines.push(`${stamp(now())} ${level} audit.Slf4jAuditLogger: ${fields}\n`);
  const flush = (): void => {
    if (lines.length === 0) return;
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      isFailing = false;
    } catch (e) {
      // A pipe that nobody reads holds nobody up; what it missed is told of.
      if (!isFailing) onFailed(`audit lines are lost: ${e instanceof Error ? e.message : String(e)}`);
      isFailing = true;
    }
  };
  return E.right({
    entry: (entry) => add(entry.result === 'failure' ? 'ERROR' : 'INFO', auditFields(entry, user)),
    started: () => add('INFO', auditFields({ ...nobody, operation: 'serverStart', result: 'success' }, user)),
    stopped: () => add('INFO', `user=${plain(user)}\toperation=serverStop\tresult=invoked`),
    flush,
    close: () => {
      flush();
      if (fd !== 1) closeSync(fd);
    },
  });
};
