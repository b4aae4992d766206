/**
 * What lies between processes whose messages may be lost, repeated and reordered: every message that was ever sent, with
 * sender and receivers, to be delivered at any time or never. And beside each process a disk that is asked one question
 * at a time: what it keeps, and what it was asked to keep. Mirrors `sent` and Crash of spec/Paxos.tla and the bound of
 * spec/MCPaxos.tla. Of messages and files it knows nothing.
 */

export type Letter<M> = { readonly from: number; readonly to: readonly number[]; readonly message: M };

export type Disk<F> = {
  readonly kept: F;
  /** What it keeps once it has done what it was asked, by the name of the question. */
  readonly asked: { readonly question: string; readonly files: F } | null;
};

export type Post<M, F> = {
  /** In the order of their texts: as a set. */
  readonly letters: readonly Letter<M>[];
  readonly disks: readonly Disk<F>[];
  /** How often a process may still stop. */
  readonly crashes: number;
};

export const emptyPost = <M, F>(processes: number, files: F, crashes: number): Post<M, F> => ({
  letters: [],
  disks: Array.from({ length: processes }, () => ({ kept: files, asked: null })),
  crashes,
});

/** The same letter twice is one letter: it may arrive any number of times anyway. */
export const send = <M, F>(post: Post<M, F>, letter: Letter<M>): Post<M, F> => {
  const text = textOf(letter);
  if (post.letters.some((l) => textOf(l) === text)) return post;
  const letters = [...post.letters, letter].sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  return { letters, disks: post.disks, crashes: post.crashes };
};

/** The letter that was sent to this process and is meant; null when there is none. */
export const arriving = <M, F>(post: Post<M, F>, to: number, meant: (letter: Letter<M>) => boolean): Letter<M> | null =>
  post.letters.find((l) => l.to.includes(to) && meant(l)) ?? null;

export const ask = <M, F>(post: Post<M, F>, i: number, question: string, files: F): Post<M, F> =>
  withDisk(post, i, { kept: keptBy(post, i), asked: { question, files } });

/** The disk has done what it was asked; null when it was not asked this. */
export const answer = <M, F>(post: Post<M, F>, i: number, question: string): Post<M, F> | null => {
  const disk = post.disks[i];
  return disk?.asked?.question === question ? withDisk(post, i, { kept: disk.asked.files, asked: null }) : null;
};

/** A process stops. What it was last asked is on its disk or is not; null when that cannot be, or none may stop. */
export const crash = <M, F>(post: Post<M, F>, i: number, kept: boolean): Post<M, F> | null => {
  const disk = post.disks[i];
  if (disk === undefined || post.crashes === 0 || (kept && disk.asked === null)) return null;
  const files = kept && disk.asked !== null ? disk.asked.files : disk.kept;
  const after = withDisk(post, i, { kept: files, asked: null });
  return { letters: after.letters, disks: after.disks, crashes: post.crashes - 1 };
};

export const keptBy = <M, F>(post: Post<M, F>, i: number): F => (post.disks[i] as Disk<F>).kept;

const withDisk = <M, F>(post: Post<M, F>, i: number, disk: Disk<F>): Post<M, F> => ({
  letters: post.letters,
  disks: post.disks.with(i, disk),
  crashes: post.crashes,
});

const texts = new WeakMap<object, string>();

const textOf = (letter: Letter<unknown>): string => {
  const known = texts.get(letter) ?? JSON.stringify(letter);
  texts.set(letter, known);
  return known;
};
