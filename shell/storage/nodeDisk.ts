/** The disk port over node:fs. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Disk, DiskFile } from './disk.js';
import { lockDirectory } from './lock.js';

export const nodeDisk: Disk = {
  makeDir: (dir) => {
    if (fs.existsSync(dir)) return;
    if (dirname(dir) !== dir) nodeDisk.makeDir(dirname(dir));
    // One by one: asked for all at once, Node calls a read-only file system a missing directory.
    fs.mkdirSync(dir);
    syncDirNow(dirname(dir));
  },
  list: (dir) => unlessMissing(() => fs.readdirSync(dir)) ?? [],
  read: (path, from = 0, size) =>
    unlessMissing(() => (size === undefined && from === 0 ? fs.readFileSync(path) : readRange(path, from, size))),
  size: (path) => unlessMissing(() => fs.statSync(path).size),
  open: (path, how) => fileOf(fs.openSync(path, how === 'create' ? 'w' : 'r+')),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path),
  syncDir: (dir, done) => {
    fs.open(dir, 'r', (openError, fd) => {
      if (openError !== null) return done(openError);
      fs.fsync(fd, (error) => {
        fs.close(fd, (closeError) => done(ignorable(error) ? closeError : error));
      });
    });
  },
  syncDirNow: (dir) => syncDirNow(dir),
  lock: lockDirectory,
  later: (f) => void setImmediate(f),
};

const unlessMissing = <A>(f: () => A): A | null => {
  try {
    return f();
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw e;
  }
};

const readRange = (path: string, from: number, size = Infinity): Buffer => {
  const fd = fs.openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, Math.min(size, fs.fstatSync(fd).size - from)));
    let have = 0;
    while (have < bytes.length) {
      const n = fs.readSync(fd, bytes, have, bytes.length - have, from + have);
      if (n === 0) break;
      have += n;
    }
    return bytes.subarray(0, have);
  } finally {
    fs.closeSync(fd);
  }
};

const fileOf = (fd: number): DiskFile => ({
  write: (bytes, at) => {
    for (let done = 0; done < bytes.length;) {
      done += fs.writeSync(fd, bytes, done, bytes.length - done, at + done);
    }
  },
  sync: (done) => fs.fdatasync(fd, done),
  syncNow: () => fs.fdatasyncSync(fd),
  isRemoved: () => fs.fstatSync(fd).nlink === 0,
  truncate: (size) => fs.ftruncateSync(fd, size),
  close: () => fs.closeSync(fd),
});

/** Windows cannot sync a directory, and journals its entries itself. */
const ignorable = (error: NodeJS.ErrnoException | null): boolean =>
  error === null || (process.platform === 'win32' && error.code === 'EPERM');

const syncDirNow = (dir: string): void => {
  const fd = fs.openSync(dir, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (e) {
    if (!ignorable(e as NodeJS.ErrnoException)) throw e;
  } finally {
    fs.closeSync(fd);
  }
};
