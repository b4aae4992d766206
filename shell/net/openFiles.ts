/** Sockets and files share one limit of the process: clients must not take what log, snapshot and peers need. */
import { readFileSync } from 'node:fs';

/** Files that this process may have open at once (`ulimit -n`); null where the system does not tell by a file. */
export const openFileLimit = (): number | null => {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? null : Number(line[1]);
  } catch {
    return null;
  }
};

/** Silent connections of the two other ports, peers, files of the storage, and what Node itself has open. */
const reservedFiles = 640;

/** How many client connections may be open beside all else; 0: no limit is known. */
export const clientsWithin = (limit: number | null): number =>
  limit === null ? 0 : limit - Math.min(reservedFiles, Math.ceil(limit / 2));
