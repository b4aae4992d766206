/** Log lines of a server on stderr: `2026-11-21T12:48:00.123Z info  text`, or one JSON object a line. */
import type { Log } from '../shell/net/log.js';

export const lineLog =
  (write: (line: string) => void, json: boolean, now: () => Date): Log =>
  (level, message) => {
    const time = now().toISOString();
    // A message may quote what a peer sent; it still is one line.
    const text = message.replace(/\s*\n\s*/g, ' | ');
    write(json ? `${JSON.stringify({ time, level, text })}\n` : `${time} ${level.padEnd(5)} ${text}\n`);
  };
