/** Reads DER (X.690) as far as certificates, their subjects and stores of keys need it. */
import * as E from 'fp-ts/lib/Either.js';

/** One value: its tag byte, and where its content stands in the bytes it was read from. */
export type Der = {
  readonly tag: number;
  readonly content: Buffer;
  /** Tag, length and content. */
  readonly whole: Buffer;
};

export const derTags = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  sequence: 0x30,
  set: 0x31,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

/** @returns Left: what is wrong; lengths of more than four bytes and the indefinite form are not DER that anybody keeps */
export const readDer = (bytes: Buffer, at = 0): E.Either<string, Der & { readonly end: number }> => {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined) return E.left('it ends early');
  const extra = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || extra > 4 || at + 2 + extra > bytes.length) return E.left('a length in it cannot be');
  const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
  const start = at + 2 + extra;
  const end = start + length;
  if (end > bytes.length) return E.left('it ends early');
  return E.right({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end), end });
};

/** The values within a constructed one; null when they do not fill it. */
export const partsOf = (content: Buffer): readonly Der[] | null => {
  const parts: Der[] = [];
  for (let at = 0; at < content.length;) {
    const next = readDer(content, at);
    if (E.isLeft(next)) return null;
    parts.push(next.right);
    at = next.right.end;
  }
  return parts;
};

/** The value at a path of positions, from the values of `content` on; null: there is none. */
export const derAt = (content: Buffer, ...path: readonly number[]): Der | null => {
  let at: Der | null = null;
  for (const index of path) {
    at = partsOf(at === null ? content : at.content)?.[index] ?? null;
    if (at === null) return null;
  }
  return at;
};

/** An object identifier in dotted form. */
export const oidOf = (content: Buffer): string => {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs.join('.');
};

/** A whole number that fits a double. */
export const integerOf = (content: Buffer): number => content.reduce((n, byte) => n * 256 + byte, 0);
