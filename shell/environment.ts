/** What `envi`, `environment` and `system_properties` tell of the machine and the process. */
import { arch, freemem, hostname, homedir, release, totalmem, type, userInfo } from 'node:os';
import type { ServerStatus } from './status.js';

const megabytes = (bytes: number): string => `${Math.floor(bytes / 1024 / 1024)}MB`;

/** The user, or its number where the system has no name for it. */
const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '?');
  }
};

/** ZooKeeper's keys, those of Java aside: a runtime of another kind says `node.`. */
export const environment = (s: ServerStatus): readonly (readonly [string, string])[] => [
  ['zookeeper.version', `${s.version}, built on ${s.builtOn}`],
  ['host.name', hostname()],
  ['node.version', process.version],
  ['node.exec_path', process.execPath],
  ['node.v8', process.versions.v8],
  ['os.name', type()],
  ['os.arch', arch()],
  ['os.version', release()],
  ['user.name', userName()],
  ['user.home', homedir()],
  ['user.dir', process.cwd()],
  ['os.memory.free', megabytes(freemem())],
  ['os.memory.max', megabytes(totalmem())],
  ['os.memory.total', megabytes(process.memoryUsage.rss())],
];
