/** What a program may look for in a line: request, session, zxid and the like. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Log lines: one sentence each, with the peer and, where a limit was passed, its value and setting. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Passes on at most `perSecond` lines and tells how many it kept back: whoever floods a port shall not flood the log.
 * @param now monotonic milliseconds
 */
export const limitedLog = (log: Log, perSecond: number, now: () => number): Log => {
  let since = now();
  let lines = 0;
  return (level, message, fields) => {
    const t = now();
    if (t - since >= 1000) {
      if (lines > perSecond) log('warn', `${lines - perSecond} more lines of this kind were left out`);
      since = t;
      lines = 0;
    }
    lines += 1;
    if (lines <= perSecond) log(level, message, fields);
  };
};

/** What wrongly addressed traffic looks like by its first bytes; '' when it looks like nothing known. */
export const guessProtocol = (first: Uint8Array): string => {
  if (first[0] === 0x16 && first[1] === 0x03) return ' (this looks like TLS: is the plain port meant?)';
  const text = String.fromCharCode(...first.subarray(0, 4));
  return /^(GET |HEAD|POST|PUT |OPTI|PATC|DELE|CONN|PRI )/.test(text) ? ' (this looks like HTTP)' : '';
};

/** Address and port in one word, IPv6 in brackets. */
export const formatAddress = (host: string, port: number): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** 4-in-6 addresses read as what they are: listeners on `::` show every IPv4 peer in that form. */
export const plainAddress = (address: string | undefined): string =>
  address === undefined ? '?' : address.startsWith('::ffff:') ? address.slice(7) : address;
