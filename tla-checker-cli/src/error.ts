/** Why there is no result at all. A violated property is a result, not an error. */
import type { DotError } from './dot.js';
import type { Stats } from './result.js';

/** No Java, no jar, or a jar with the wrong bytes; `hint` says what to do. */
export type TlcMissing = {
  readonly type: 'TlcMissing';
  readonly what: 'java' | 'jar' | 'hash';
  readonly message: string;
  readonly hint: string;
};

export type TlcError =
  | TlcMissing
  /** The spec or its configuration cannot be read, or the options make no sense. */
  | { readonly type: 'Usage'; readonly message: string }
  | { readonly type: 'TimeLimit'; readonly seconds: number; readonly stats: Stats; readonly log: string }
  /** The JVM's heap or stack was too small, or the machine could not give what was asked. */
  | {
      readonly type: 'MemoryLimit';
      readonly what: 'heap' | 'stack' | 'machine';
      readonly stats: Stats;
      readonly log: string;
    }
  /** The caller's signal stopped it. */
  | { readonly type: 'Interrupted'; readonly log: string }
  /** TLC ended in a way that this package does not know. */
  | { readonly type: 'Crashed'; readonly message: string; readonly log: string };

/** `graph` may fail at the dump too, or at the caller's handler. */
export type GraphError = TlcError | DotError;

/** One line for people, and what to do about it ('' when there is nothing to say). */
export const explain = (e: GraphError): { readonly message: string; readonly hint: string } => {
  switch (e.type) {
    case 'TlcMissing':
      return { message: e.message, hint: e.hint };
    case 'Usage':
      return { message: e.message, hint: '' };
    case 'TimeLimit':
      return {
        message: `out of time after ${e.seconds} s, ${e.stats.distinct} distinct states so far`,
        hint: 'allow more time: --time-limit, or check a smaller model',
      };
    case 'MemoryLimit':
      return memory[e.what];
    case 'Interrupted':
      return { message: 'interrupted', hint: '' };
    case 'Crashed':
      return { message: e.message, hint: `TLC's own output: ${e.log}` };
    case 'DotMalformed':
      return { message: `the graph dump is malformed at byte ${e.at}: expected ${e.expected}`, hint: '' };
    case 'DotTruncated':
      return { message: `the graph dump ends early, at byte ${e.at}`, hint: '' };
    case 'DotUnreadable':
      return { message: `the graph dump cannot be read: ${e.cause}`, hint: '' };
  }
};

const memory = {
  heap: { message: 'the JVM ran out of memory: TLC needs more heap', hint: 'needs more heap: --heap 4g' },
  stack: { message: 'the JVM ran out of stack: TLC recursed too deeply', hint: 'needs more stack: --stack 256m' },
  machine: { message: 'the machine has less memory than the JVM was told to take', hint: 'ask for less: --heap 1g' },
};
