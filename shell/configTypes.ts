/** Small types of values that several parts of the configuration share, and the codecs from their text. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';

export const textOrNull = t.union([t.string, t.null]);

/** A port that can be listened on. */
export const Port = t.refinement(t.Integer, (n) => n >= 1 && n <= 65535, 'Port');
export const Positive = t.refinement(t.Integer, (n) => n >= 1, 'Positive');
export const Natural = t.refinement(t.Integer, (n) => n >= 0, 'Natural');

/** A whole number in decimal text, with bounds. */
export const wholeNumber = (min: number, max: number): t.Type<number, string, string> =>
  new t.Type<number, string, string>(
    max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
    (u): u is number => Number.isInteger(u) && (u as number) >= min && (u as number) <= max,
    (text, context) => {
      const n = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : NaN;
      return n >= min && n <= max ? t.success(n) : t.failure(text, context);
    },
    String,
  );

/** One of some words, in any case. */
export const oneOf = <A extends string>(...words: readonly A[]): t.Type<A, string, string> =>
  new t.Type<A, string, string>(
    words.join(' or '),
    (u): u is A => words.includes(u as A),
    (text, context) => {
      const word = words.find((w) => w === text.toLowerCase());
      return word === undefined ? t.failure(text, context) : t.success(word);
    },
    String,
  );

/** Text that is not empty. */
export const someText = new t.Type<string, string, string>(
  'some text',
  (u): u is string => typeof u === 'string' && u !== '',
  (text, context) => (text === '' ? t.failure(text, context) : t.success(text)),
  String,
);

/** `user:` and base64 of a hash, as DigestAuthenticationProvider prints it. */
export const digestOfUser = new t.Type<string, string, string>(
  'user:digest, the digest in base64',
  (u): u is string => typeof u === 'string',
  (text, context) => (/^[^:]+:[A-Za-z0-9+/]{22,}={0,2}$/.test(text) ? t.success(text) : t.failure(text, context)),
  String,
);

/** The words of a comma list, or `*`. */
export const wordList = new t.Type<readonly string[] | '*', string, string>(
  'a list of words between commas, or *',
  (u): u is readonly string[] | '*' => u === '*' || (Array.isArray(u) && u.every((w) => typeof w === 'string')),
  (text) => {
    const listed = text.split(',').map((w) => w.trim());
    return t.success(listed.includes('*') ? '*' : listed.filter((w) => w !== ''));
  },
  (words) => (words === '*' ? '*' : words.join(',')),
);

/** The decoded value, or what it should have been in words. */
export const decodeText = <A>(codec: t.Type<A, string, string>, text: string): E.Either<string, A> => {
  const decoded = codec.decode(text);
  return E.isRight(decoded) ? decoded : E.left(codec.name);
};
