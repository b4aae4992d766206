/** CPU time of processes, from the system's own account. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Seconds of CPU, user and system, that these processes have used since their start, all threads. */
export const cpuSeconds = (pids: readonly number[]): number => {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2, the name in brackets, may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
};

/** Resident bytes of these processes. */
export const rssBytes = (pids: readonly number[]): number => {
  let kib = 0;
  for (const pid of pids) kib += Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return kib * 1024;
};
