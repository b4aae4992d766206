/** What can be wrong with bytes that somebody else wrote: one variant a cause, with the values that explain it. */
import { absurd } from '../core/step.js';

export type WireError =
  /** The bytes end early; both are offsets in the buffer that was given. In a stream: wait for more. */
  | { readonly type: 'Truncated'; readonly need: number; readonly have: number }
  /** A length or count that its field cannot have. */
  | { readonly type: 'BadLength'; readonly field: string; readonly length: number }
  /** A length above what the reader was told to accept. */
  | { readonly type: 'TooLong'; readonly field: string; readonly length: number; readonly limit: number }
  | { readonly type: 'BadMagic'; readonly expected: string; readonly found: string }
  /** `at`: where the sealed bytes end, or where the entry starts. */
  | { readonly type: 'BadChecksum'; readonly at: number; readonly stored: number; readonly computed: number }
  | { readonly type: 'BadValue'; readonly field: string; readonly value: string }
  /** A type number that is in no table: of a transaction, a packet. */
  | { readonly type: 'UnknownType'; readonly what: string; readonly number: number };

/** One line for a log or a person. */
export const explain = (e: WireError): string => {
  switch (e.type) {
    case 'Truncated':
      return `the bytes end at ${e.have}, ${e.need} are needed`;
    case 'BadLength':
      return `${e.field} has the impossible length ${e.length}`;
    case 'TooLong':
      return `${e.field} is ${e.length} bytes long, at most ${e.limit} are accepted`;
    case 'BadMagic':
      return `starts with ${e.found}, expected ${e.expected}`;
    case 'BadChecksum':
      return `checksum at offset ${e.at}: stored ${e.stored}, computed ${e.computed}`;
    case 'BadValue':
      return `${e.field} cannot be ${e.value}`;
    case 'UnknownType':
      return `unknown ${e.what} type ${e.number}`;
    default:
      return absurd(e);
  }
};
