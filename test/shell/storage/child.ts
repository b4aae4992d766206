/**
 * A process of its own for tests: `lock <dir>` holds a directory until it is killed; `write <dir>` logs without end and
 * prints the counter of the last transaction that was answered.
 */
import * as E from 'fp-ts/lib/Either.js';
import { lockDirectory } from '../../../shell/storage/lock.js';
import { nodeDisk } from '../../../shell/storage/nodeDisk.js';
import type { Storage } from '../../../shell/storage/storage.js';
import { txnOf, z } from './histories.js';
import { open } from './onDisk.js';

const [, , verb, dir = ''] = process.argv;

process.stdout.on('error', () => undefined); // nobody reads any more

if (verb === 'lock') {
  const lock = lockDirectory(dir);
  process.stdout.write(E.isRight(lock) ? 'locked\n' : `${lock.left}\n`);
  setInterval(() => undefined, 1000);
} else {
  let storage: Storage | null = null;
  let counter = 0;
  const more = (): void => {
    for (let i = 0; i < 3; i += 1) {
      counter += 1;
      storage?.append([txnOf({ zxid: z(0, counter), id: counter })]);
    }
    storage?.sync();
  };
  const onLogSynced = (last: { readonly counter: number }): void => void process.stdout.write(`${last.counter}\n`);
  const opened = open(nodeDisk, { dataDir: dir, dataLogDir: dir, preAllocBytes: 65536, onLogSynced });
  if (E.isRight(opened)) storage = opened.right.storage;
  setInterval(more, 1);
}
