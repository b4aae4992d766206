/** Apache's command line, org.apache.zookeeper.ZooKeeperMain, as a person would use it: typed into, read from. */
import { spawn } from 'node:child_process';
import { apacheClassPath, quiet } from './clients.js';
import { eventually, startEnsemble } from './ensemble.js';
import type { Outcome } from './told.js';

type Typed = {
  readonly type: (command: string) => void;
  /** Waits for text that has not been waited for yet; gives what it matches. */
  readonly shows: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly kill: () => void;
};

const openCli = (hosts: string, timeoutMs: number): Typed => {
  const main = 'org.apache.zookeeper.ZooKeeperMain';
  const args = ['-cp', apacheClassPath(), ...quiet, main, '-server', hosts, '-timeout', String(timeoutMs)];
  const child = spawn('java', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  return {
    type: (command) => void child.stdin.write(`${command}\n`),
    shows: async (pattern) => {
      try {
        const found = await eventually(String(pattern), () => pattern.exec(shown));
        shown = shown.slice(found.index + found[0].length);
        return found;
      } catch (e) {
        throw new Error(`${String(e)}; what was shown: ${shown}`, { cause: e });
      }
    },
    kill,
  };
};

export const runZkcli = async (): Promise<Outcome> => {
  const ensemble = await startEnsemble({ size: 3 });
  const hosts = ensemble.connectString();
  const held: string[] = [];
  const cli = openCli(hosts, 5000);
  const owner = openCli(hosts, 1500);
  try {
    await cli.shows(/type:None|SyncConnected/);
    held.push('connect');
    cli.type('create /s one');
    await cli.shows(/Created \/s\n/);
    cli.type('create -s /s/q- x');
    await cli.shows(/Created \/s\/q-0000000000/);
    cli.type('create /s again');
    await cli.shows(/Node already exists: \/s/);
    held.push('create');
    cli.type('get -s /s');
    await cli.shows(/one\n[\s\S]*numChildren = 1/);
    cli.type('ls /s');
    await cli.shows(/\[q-0000000000\]/);
    held.push('read');
    cli.type('set -v 0 /s two');
    cli.type('set -v 0 /s no');
    await cli.shows(/version No is not valid/i);
    cli.type('get /s');
    await cli.shows(/two\n/);
    held.push('write');
    cli.type('get -w /s');
    await cli.shows(/two\n/);
    await owner.shows(/SyncConnected/);
    owner.type('set /s three');
    await cli.shows(/type:NodeDataChanged path:\/s/);
    held.push('watch');
    owner.type('create -e /owned');
    await owner.shows(/Created \/owned/);
    // The owner may be with a server that is ahead of this one.
    cli.type('sync /owned');
    await cli.shows(/Sync is OK/);
    cli.type('stat -w /owned');
    await cli.shows(/ephemeralOwner = 0x[0-9a-f]*[1-9a-f]/);
    owner.kill();
    await cli.shows(/type:NodeDeleted path:\/owned/);
    held.push('ephemeral');
    cli.type('create -e /s/mine');
    await cli.shows(/Created \/s\/mine/);
    cli.type('stat /s/mine');
    const before = await cli.shows(/ephemeralOwner = (0x[0-9a-f]+)/);
    cli.type('get -w /s');
    await cli.shows(/three\n/);
    await ensemble.kill(await ensemble.leader());
    await cli.shows(/state:Disconnected/);
    await cli.shows(/state:SyncConnected/);
    cli.type('stat /s/mine');
    const after = await cli.shows(/ephemeralOwner = (0x[0-9a-f]+)/);
    if (before[1] !== after[1]) throw new Error(`the session was ${before[1]} and is ${after[1]}`);
    cli.type('set /s four');
    await cli.shows(/type:NodeDataChanged path:\/s/);
    held.push('failover');
    return { code: 0, held, said: '' };
  } catch (e) {
    return { code: 1, held, said: String(e) };
  } finally {
    cli.kill();
    owner.kill();
    await ensemble.stop();
  }
};
