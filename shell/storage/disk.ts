/**
 * The disk as storage sees it: a port with two ends, node:fs (nodeDisk.ts) and a twin in memory that loses at a crash
 * what nobody synced (memoryDisk.ts). Paths are joined by '/'. Whatever is not named `Now` and takes a callback runs in
 * a thread; the rest returns when it is done. Failures throw: a disk that fails ends the server.
 */
import type * as E from 'fp-ts/lib/Either.js';

export type DiskFile = {
  /** Into the page cache only: durable once a later sync has answered. */
  readonly write: (bytes: Uint8Array, at: number) => void;
  /** fdatasync of what was written before the call. */
  readonly sync: (done: (error: Error | null) => void) => void;
  readonly syncNow: () => void;
  /** Its name is gone: what is written to it nobody will find again, however well it is synced. */
  readonly isRemoved: () => boolean;
  readonly truncate: (size: number) => void;
  readonly close: () => void;
};

export type Lock = {
  readonly release: () => void;
  /** Something to tell a person: a lock of a dead server was taken over. */
  readonly warning: string | null;
};

export type Disk = {
  /** With its parents, durably. */
  readonly makeDir: (dir: string) => void;
  /** Names in a directory; none when it does not exist. */
  readonly list: (dir: string) => readonly string[];
  /** `size` bytes from `from`, fewer where the file ends; all without them. null: no such file. */
  readonly read: (path: string, from?: number, size?: number) => Buffer | null;
  /** Bytes; null: no such file. */
  readonly size: (path: string) => number | null;
  /** `create` makes the file, or empties the one of that name. */
  readonly open: (path: string, how: 'create' | 'existing') => DiskFile;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** Makes what was created, renamed and removed in the directory before the call durable. */
  readonly syncDir: (dir: string, done: (error: Error | null) => void) => void;
  readonly syncDirNow: (dir: string) => void;
  /** Left: who has it, and what to do. */
  readonly lock: (dir: string) => E.Either<string, Lock>;
  /** Runs `f` after the present turn of the loop. */
  readonly later: (f: () => void) => void;
};

/** Writes a small file so that a crash leaves the old one or the new one, whole: under another name first. */
export const replaceFileNow = (disk: Disk, dir: string, name: string, chunks: Iterable<Uint8Array>): void => {
  const tmp = `${dir}/${name}.tmp`;
  const file = disk.open(tmp, 'create');
  let at = 0;
  for (const chunk of chunks) {
    file.write(chunk, at);
    at += chunk.length;
  }
  file.syncNow();
  file.close();
  disk.rename(tmp, `${dir}/${name}`);
  disk.syncDirNow(dir);
};
