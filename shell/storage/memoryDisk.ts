/**
 * The twin of a disk, in memory: everything that takes time waits until it is told to happen, and a crash keeps of what
 * no sync has covered whatever the choice says. Tests and simulations drive it from a seed.
 *
 * Model: a file has durable bytes and writes since; a sync that has answered made the writes before it durable. A
 * directory has durable names and changes since, each of which may survive a crash or not, whatever the others do, as
 * POSIX has it; a file's sync does not cover its name. One name may be moved to another only whole.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Disk, DiskFile } from './disk.js';

/** A number below `n`. */
export type Choose = (n: number) => number;

/**
 * What a crash does to bytes that no sync covers. kill: the process ends, the machine goes on, all of it stays.
 * prefix: writes are cut at any byte. pages: any of their pages are lost, in any order.
 */
export type Crash = 'kill' | 'prefix' | 'pages';

export type MemoryDisk = {
  readonly disk: Disk;
  /** Things that wait to happen: syncs of threads, and what was put off. */
  readonly pending: () => number;
  /** Lets the i-th of them happen. */
  readonly happen: (i: number) => void;
  /** Lets all of them happen, and what they cause, oldest first. */
  readonly settle: () => void;
  /** The machine stops: what was pending never happens, open files and locks are gone. */
  readonly crash: (how: Crash, choose: Choose) => void;
  /** The n-th operation from now on throws, as does every later one: the machine stops in the middle of a call. */
  readonly stopAfter: (operations: number) => void;
  readonly hasStopped: () => boolean;
};

type Change = { readonly at: number; readonly bytes: Uint8Array } | { readonly cutTo: number };
type Inode = { bytes: Buffer; durable: Buffer; changes: Change[] };
type Names = Map<string, Inode>;
/** Names that change together; null: removed. */
type NameChange = readonly (readonly [path: string, inode: Inode | null])[];
type Folder = { readonly names: Names; durable: Names; changes: NameChange[] };

/** What a mutant of the disk forgets: each must be found by the tests. */
export type Forgets = { readonly sync?: (path: string) => boolean; readonly syncDir?: boolean };

export const pageBytes = 64;

export const openMemoryDisk = (forgets: Forgets = {}): MemoryDisk => {
  const folders = new Map<string, Folder>();
  const locks = new Set<string>();
  let waiting: (() => void)[] = [];
  let left = Infinity;
  let life = 0;

  const operation = (): void => {
    left -= 1;
    if (left < 0) throw new Error('the machine has stopped');
  };
  const folderOf = (path: string): Folder => {
    const dir = path.slice(0, path.lastIndexOf('/'));
    const known = folders.get(dir);
    if (known !== undefined) return known;
    const made: Folder = { names: new Map(), durable: new Map(), changes: [] };
    folders.set(dir, made);
    return made;
  };
  const change = (path: string, names: NameChange): void => {
    const folder = folderOf(path);
    applyNames(folder.names, names);
    folder.changes.push(names);
  };
  const existing = (path: string): Inode => {
    const inode = folderOf(path).names.get(path);
    if (inode === undefined) throw new Error(`no such file: ${path}`);
    return inode;
  };

  /** A sync that makes the first `n` changes durable when it happens. */
  const syncsOf = (path: string, inode: Inode): (() => void) => {
    const covered = inode.changes.slice();
    return () => {
      if (forgets.sync?.(path) === true) return;
      inode.durable = covered.reduce((b, c) => (inode.changes.includes(c) ? applyChange(b, c) : b), inode.durable);
      inode.changes = inode.changes.filter((c) => !covered.includes(c));
    };
  };
  const dirSyncOf = (dir: string): (() => void) => {
    const folder = folderOf(`${dir}/`);
    const covered = folder.changes.slice();
    return () => {
      if (forgets.syncDir === true) return;
      for (const c of covered) if (folder.changes.includes(c)) applyNames(folder.durable, c);
      folder.changes = folder.changes.filter((c) => !covered.includes(c));
    };
  };
  const inThread = (effect: () => void, done: (error: Error | null) => void): void => {
    operation();
    waiting.push(() => {
      effect();
      done(null);
    });
  };

  const fileOf = (path: string, inode: Inode): DiskFile => {
    const birth = life;
    const alter = (c: Change): void => {
      operation();
      if (birth !== life) throw new Error(`${path} was opened before a crash`);
      inode.changes.push(c);
      inode.bytes = applyChange(inode.bytes, c);
    };
    return {
      write: (bytes, at) => alter({ at, bytes: Uint8Array.from(bytes) }),
      truncate: (size) => alter({ cutTo: size }),
      sync: (done) => inThread(syncsOf(path, inode), done),
      syncNow: () => {
        operation();
        syncsOf(path, inode)();
      },
      isRemoved: () => folderOf(path).names.get(path) !== inode,
      close: () => undefined,
    };
  };

  const disk: Disk = {
    makeDir: (dir) => void folderOf(`${dir}/`),
    list: (dir) => [...(folders.get(dir)?.names.keys() ?? [])].map((path) => path.slice(dir.length + 1)).sort(),
    read: (path, from = 0, size = Infinity) => {
      const inode = folderOf(path).names.get(path);
      return inode === undefined ? null : Buffer.from(inode.bytes.subarray(from, from + size));
    },
    size: (path) => folderOf(path).names.get(path)?.bytes.length ?? null,
    open: (path, how) => {
      if (how === 'existing') return fileOf(path, existing(path));
      operation();
      const known = folderOf(path).names.get(path);
      const inode = known ?? { bytes: Buffer.alloc(0), durable: Buffer.alloc(0), changes: [] };
      const file = fileOf(path, inode);
      if (known === undefined) change(path, [[path, inode]]);
      else file.truncate(0);
      return file;
    },
    rename: (from, to) => {
      operation();
      change(to, [
        [from, null],
        [to, existing(from)],
      ]);
    },
    remove: (path) => {
      operation();
      existing(path);
      change(path, [[path, null]]);
    },
    syncDir: (dir, done) => inThread(dirSyncOf(dir), done),
    syncDirNow: (dir) => {
      operation();
      dirSyncOf(dir)();
    },
    lock: (dir) => {
      if (locks.has(dir)) return E.left(`${dir} is in use`);
      locks.add(dir);
      return E.right({ release: () => void locks.delete(dir), warning: null });
    },
    later: (f) => void waiting.push(f),
  };

  const happen = (i: number): void => {
    const [next] = waiting.splice(i, 1);
    next?.();
  };
  return {
    disk,
    pending: () => waiting.length,
    happen,
    settle: () => {
      while (waiting.length > 0) happen(0);
    },
    crash: (how, choose) => {
      waiting = [];
      left = Infinity;
      life += 1;
      locks.clear();
      if (how === 'kill') return;
      const inodes = new Set<Inode>();
      for (const folder of folders.values()) {
        for (const c of folder.changes) if (choose(2) === 1) applyNames(folder.durable, c);
        folder.changes = [];
        folder.names.clear();
        for (const [path, inode] of folder.durable) folder.names.set(path, inode);
        for (const inode of folder.durable.values()) inodes.add(inode);
      }
      for (const inode of inodes) survive(inode, how, choose);
    },
    stopAfter: (operations) => {
      left = operations;
    },
    hasStopped: () => left < 0,
  };
};

const applyNames = (names: Names, changes: NameChange): void => {
  for (const [path, inode] of changes) {
    if (inode === null) names.delete(path);
    else names.set(path, inode);
  }
};

const applyChange = (bytes: Buffer, c: Change): Buffer => {
  if ('cutTo' in c)
    return Buffer.concat([bytes.subarray(0, c.cutTo), Buffer.alloc(Math.max(0, c.cutTo - bytes.length))]);
  const next = Buffer.alloc(Math.max(bytes.length, c.at + c.bytes.length));
  bytes.copy(next);
  next.set(c.bytes, c.at);
  return next;
};

/** What is left of a file. */
const survive = (inode: Inode, how: 'prefix' | 'pages', choose: Choose): void => {
  const changes = inode.changes;
  if (how === 'prefix') {
    const whole = choose(changes.length + 1);
    for (const c of changes.slice(0, whole)) inode.durable = applyChange(inode.durable, c);
    const torn = changes[whole];
    if (torn !== undefined && 'bytes' in torn) {
      const bytes = torn.bytes.subarray(0, choose(torn.bytes.length + 1));
      if (bytes.length > 0) inode.durable = applyChange(inode.durable, { at: torn.at, bytes });
    }
  } else {
    for (const c of changes) {
      if ('cutTo' in c) {
        if (choose(2) === 1) inode.durable = applyChange(inode.durable, c);
        continue;
      }
      for (let from = 0; from < c.bytes.length;) {
        const to = Math.min(c.bytes.length, from + pageBytes - ((c.at + from) % pageBytes));
        if (choose(2) === 1) inode.durable = applyChange(inode.durable, { at: c.at + from, bytes: c.bytes.subarray(from, to) }); // prettier-ignore
        from = to;
      }
    }
  }
  inode.changes = [];
  inode.bytes = inode.durable;
};
