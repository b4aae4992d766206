/** The models of a file, and of the files that it includes. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { decodeParts, partsOf } from './models.js';
import type { Models } from './models.js';

/** Left lists what is wrong, one line a finding, files that cannot be read among them. */
export const readModels = (path: string): E.Either<readonly string[], Models> => {
  const texts = textsOf(path);
  return E.isLeft(texts) ? texts : decodeParts(texts.right);
};

/** The file's text or, where it includes others, theirs in that order. */
export const textsOf = (path: string): E.Either<readonly string[], readonly string[]> => {
  const text = read(path);
  if (E.isLeft(text)) return text;
  const parts = partsOf(text.right);
  if (E.isLeft(parts)) return parts;
  return parts.right === null
    ? E.right([text.right])
    : E.sequenceArray(parts.right.map((part) => read(join(dirname(path), part))));
};

const read = (path: string): E.Either<readonly string[], string> =>
  E.tryCatch(
    () => readFileSync(path, 'utf8'),
    (e) => [`cannot be read: ${e instanceof Error ? e.message : String(e)}`],
  );
