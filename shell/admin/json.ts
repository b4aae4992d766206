/**
 * JSON as Apache's admin server lays it out (Jackson's default pretty printer), in chunks: what is large is walked while it
 * is sent. Whole numbers of 64 bits are exact.
 */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  /** A number that Java would print as a double. */
  | { readonly double: number }
  | { readonly items: Iterable<Json> }
  | { readonly entries: Iterable<readonly [key: string, value: Json]> };

export const items = (of: Iterable<Json>): Json => ({ items: of });
export const entries = (of: Iterable<readonly [string, Json]>): Json => ({ entries: of });
export const fields = (of: Readonly<Record<string, Json>>): Json => ({ entries: Object.entries(of) });

const chunkChars = 16_384;

/** The text in chunks of about 16 KiB. */
export function* writeJson(value: Json): Generator<string> {
  let chunk = '';
  for (const part of partsOf(value, 1)) {
    chunk += part;
    if (chunk.length < chunkChars) continue;
    yield chunk;
    chunk = '';
  }
  yield chunk;
}

/** @param depth of the fields of an object that begins here; arrays stay on their line */
function* partsOf(value: Json, depth: number): Generator<string> {
  if (value === null || typeof value !== 'object') {
    yield typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  } else if ('double' in value) {
    yield Number.isInteger(value.double) ? `${value.double}.0` : JSON.stringify(value.double);
  } else if ('items' in value) {
    let isEmpty = true;
    for (const item of value.items) {
      yield isEmpty ? '[ ' : ', ';
      isEmpty = false;
      yield* partsOf(item, depth);
    }
    yield isEmpty ? '[ ]' : ' ]';
  } else {
    let isEmpty = true;
    for (const [key, item] of value.entries) {
      yield `${isEmpty ? '{' : ','}\n${'  '.repeat(depth)}${JSON.stringify(key)} : `;
      isEmpty = false;
      yield* partsOf(item, depth + 1);
    }
    yield isEmpty ? '{ }' : `\n${'  '.repeat(depth - 1)}}`;
  }
}

/** A session id, 16 hexadecimal digits, as Java's long. */
export const sessionNumber = (session: string): bigint => BigInt.asIntN(64, BigInt(`0x${session}`));
