/**
 * Reads `-dump dot,actionlabels` of TLC as a stream: a state graph is gigabytes, one line is kilobytes.
 * A line is a state (`<fingerprint> [label="/\\ x = 1\n..."]`, initial ones with `style = filled`) or a step
 * (`<from> -> <to> [label="Action",...]`); steps may come before the states that they lead to, and do so here.
 */
import * as E from 'fp-ts/lib/Either.js';
import { readStateHash } from './dot-hash.js';
import type { Hash } from './hash.js';
import type { TlaState } from './value.js';
import { parseState } from './value.js';

/** What the reader tells; a state is parsed only for those callbacks that are given. */
export type DotHandler = {
  /** @param fingerprint decimal, signed 64 bits, as TLC writes it */
  readonly onState?: (fingerprint: string, initial: boolean, state: TlaState) => void;
  /** The same state as `hashState` of its variables, straight from the bytes: several times faster than `onState`. */
  readonly onStateHash?: (fingerprint: string, initial: boolean, hash: Hash) => void;
  /** A step of the spec. @param label the action's name; '' where TLC wrote none */
  readonly onEdge?: (from: string, to: string, label: string) => void;
  /** After each chunk of the stream: what was read so far. */
  readonly onChunk?: (soFar: DotSummary) => void;
};

/** What was read: lines of each kind. */
export type DotSummary = {
  readonly states: number;
  readonly initial: number;
  readonly edges: number;
  /** Dashed loops that TLC adds when it checks liveness: stuttering, which is no action. Not among `edges`, not told. */
  readonly stutters: number;
  readonly bytes: number;
};

/** `at` is an offset in bytes from the start of the dump. */
export type DotError =
  | { readonly type: 'DotMalformed'; readonly at: number; readonly expected: string }
  /** The dump ends before its closing brace: TLC was stopped. */
  | { readonly type: 'DotTruncated'; readonly at: number }
  /** The stream itself failed. */
  | { readonly type: 'DotUnreadable'; readonly at: number; readonly cause: string };

/**
 * Reads a whole dump. Holds one line in memory; waits for the stream, so a slow handler slows TLC at the other end of a
 * FIFO and nothing piles up. What a handler throws passes through.
 */
export const readDot = async (
  source: AsyncIterable<Uint8Array>,
  handler: DotHandler,
): Promise<E.Either<DotError, DotSummary>> => {
  const reader = dotReader(handler);
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((cause: unknown) => ({ cause }));
      if ('cause' in next)
        return E.left({ type: 'DotUnreadable', at: reader.soFar().bytes, cause: String(next.cause) });
      if (next.done === true) return reader.close();
      const error = reader.write(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
      if (error !== undefined) return E.left(error);
      handler.onChunk?.(reader.soFar());
    }
  } finally {
    await chunks.return?.().catch(() => undefined);
  }
};

type DotReader = {
  readonly write: (chunk: Buffer) => DotError | undefined;
  readonly close: () => E.Either<DotError, DotSummary>;
  readonly soFar: () => DotSummary;
};

const newline = 10;

const dotReader = (handler: DotHandler): DotReader => {
  let states = 0;
  let initial = 0;
  let edges = 0;
  let stutters = 0;
  let lineAt = 0;
  let begun = false;
  let open = 0;
  let parts: Buffer[] = [];
  let held = 0;
  // the `{rank = same; ...}` lines name every state of a level and say nothing that we need
  let skipping = false;

  const bad = (at: number, expected: string): DotError => ({ type: 'DotMalformed', at: lineAt + at, expected });

  const line = (b: Buffer): DotError | undefined => {
    if (b.length === 0) return undefined;
    if (!begun) {
      if (!startsWith(b, 'strict digraph')) return bad(0, "'strict digraph'");
      begun = true;
      open = 1;
      return undefined;
    }
    const c = b[0] as number;
    if (c === 45 || (c >= 48 && c <= 57)) return open > 0 ? node(b) : bad(0, 'nothing after the end');
    if (c === 125) {
      open--;
      return open < 0 ? bad(0, 'nothing after the end') : undefined;
    }
    if (startsWith(b, 'subgraph')) {
      open++;
      return undefined;
    }
    return layout.some((word) => startsWith(b, word)) ? undefined : bad(0, 'a state, a step or layout');
  };

  const node = (b: Buffer): DotError | undefined => {
    const idEnd = endOfId(b, 0);
    if (idEnd < 0 || b[idEnd] !== 32) return bad(Math.max(idEnd, 0), 'a fingerprint');
    const id = b.toString('latin1', 0, idEnd);
    if (b[idEnd + 1] === 45 && b[idEnd + 2] === 62 && b[idEnd + 3] === 32) return edge(b, id, idEnd + 4);
    if (!startsWith(b, '[label="', idEnd + 1)) return bad(idEnd + 1, "'[label=\"'");
    const from = idEnd + 9;
    const to = endOfLabel(b, from);
    if (to < 0) return bad(b.length, 'the end of a label');
    const first = startsWith(b, ',style = filled]', to + 1);
    if (!first && b[to + 1] !== 93 && b[to + 1] !== 44) return bad(to + 1, "']'");
    states++;
    if (first) initial++;
    if (handler.onStateHash !== undefined) {
      const hash = readStateHash(b, from, to);
      if (typeof hash === 'number') return bad(hash, 'a value');
      handler.onStateHash(id, first, hash);
    }
    if (handler.onState !== undefined) {
      const text = unescapeLabel(b.toString('utf8', from, to));
      if (text === undefined) return bad(from, 'known escapes');
      const state = parseState(text);
      if (E.isLeft(state)) {
        return bad(from + bytesOfLabel(text.slice(0, state.left.at)), state.left.expected);
      }
      handler.onState(id, first, state.right);
    }
    return undefined;
  };

  const edge = (b: Buffer, from: string, at: number): DotError | undefined => {
    const end = endOfId(b, at);
    if (end < 0) return bad(at, 'a fingerprint');
    if (b[end] !== 59 && !startsWith(b, ' [', end)) return bad(end, "' ['");
    let label = '';
    const labelAt = startsWith(b, ' [label="', end) ? end + 9 : -1;
    if (labelAt >= 0) {
      const to = endOfLabel(b, labelAt);
      if (to < 0) return bad(b.length, 'the end of a label');
      const text = unescapeLabel(b.toString('utf8', labelAt, to));
      if (text === undefined) return bad(labelAt, 'known escapes');
      label = text;
    }
    if (b[b.length - 1] !== 59 && b[b.length - 1] !== 93) return bad(b.length, "';'");
    if (startsWith(b, ' [style="dashed"]', end)) {
      stutters++;
      return undefined;
    }
    edges++;
    handler.onEdge?.(from, b.toString('latin1', at, end), label);
    return undefined;
  };

  const write = (chunk: Buffer): DotError | undefined => {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(newline, from);
      if (end < 0) break;
      const rest = chunk.subarray(from, end);
      if (!skipping) {
        const error = line(parts.length === 0 ? rest : Buffer.concat([...parts, rest]));
        if (error !== undefined) return error;
      }
      lineAt += held + rest.length + 1;
      parts = [];
      held = 0;
      skipping = false;
      from = end + 1;
    }
    if (from < chunk.length) {
      const rest = chunk.subarray(from);
      held += rest.length;
      if (!skipping && parts.length === 0 && rest[0] === 123) skipping = true;
      if (!skipping) parts.push(rest);
    }
    return undefined;
  };

  const close = (): E.Either<DotError, DotSummary> => {
    if (held > 0) {
      const error = skipping ? undefined : line(Buffer.concat(parts));
      // a line without its end is one that TLC did not finish
      if (error !== undefined) return E.left({ type: 'DotTruncated', at: lineAt + held });
    }
    return begun && open === 0 ? E.right(soFar()) : E.left({ type: 'DotTruncated', at: lineAt + held });
  };

  const soFar = (): DotSummary => ({ states, initial, edges, stutters, bytes: lineAt + held });

  return { write, close, soFar };
};

const layout: readonly string[] = ['nodesep', 'ranksep', 'color=', 'color =', '{rank', 'label=', 'fontsize', 'node ['];

const startsWith = (b: Buffer, word: string, at = 0): boolean => {
  if (at + word.length > b.length) return false;
  for (let i = 0; i < word.length; i++) if (b[at + i] !== word.charCodeAt(i)) return false;
  return true;
};

/** Past an optional sign and at least one digit, or -1. */
const endOfId = (b: Buffer, at: number): number => {
  let i = b[at] === 45 ? at + 1 : at;
  const digits = i;
  while ((b[i] as number) >= 48 && (b[i] as number) <= 57) i++;
  return i > digits ? i : -1;
};

/** The quote that ends a label which starts at `at`, or -1. */
const endOfLabel = (b: Buffer, at: number): number => {
  for (let i = b.indexOf(34, at); i >= 0; i = b.indexOf(34, i + 1)) {
    let slashes = 0;
    while (i - slashes > at && b[i - slashes - 1] === 92) slashes++;
    if (slashes % 2 === 0) return i;
  }
  return -1;
};

/** Undoes the escapes that TLC makes, `\\`, `\"` and `\n`; undefined where there is another. */
const unescapeLabel = (text: string): string | undefined => {
  if (!text.includes('\\')) return text;
  let known = true;
  const plain = text.replace(/\\(.)/g, (_, c: string) => {
    if (c === 'n') return '\n';
    if (c !== '"' && c !== '\\') known = false;
    return c;
  });
  return known ? plain : undefined;
};

/** How many bytes this text takes inside a label. */
const bytesOfLabel = (text: string): number => Buffer.byteLength(text) + (text.match(/["\\\n]/g)?.length ?? 0);
