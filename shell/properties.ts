/**
 * Java properties text, as zoo.cfg is written: `key=value`, `key: value` or `key value` a line, `#` and `!` comments,
 * lines joined by a backslash at their end, the escapes \t \n \r \f \uXXXX, any other escaped character itself.
 * Read as UTF-8, where Java's reader takes Latin-1.
 */

/** Where something stands in a text; line and column count from 1, columns in UTF-16 units. */
export type Place = {
  readonly line: number;
  readonly column: number;
  /** Only where it is another file than the one at hand. */
  readonly file?: string;
};

export type Property = {
  readonly key: string;
  /** Without the white space around it: ZooKeeper trims values too. */
  readonly value: string;
  readonly keyAt: Place;
  /** Where the value starts; behind the key when there is none. */
  readonly valueAt: Place;
};

export type BadEscape = { readonly at: Place; readonly found: string };

export type Properties = { readonly properties: readonly Property[]; readonly badEscapes: readonly BadEscape[] };

type Char = { readonly text: string; readonly escaped: boolean; readonly line: number; readonly column: number };

const isBlank = (text: string): boolean => text === ' ' || text === '\t' || text === '\f';

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/**
 * Every property of the text in its order, a key given twice as often as it stands there.
 * A malformed \u escape is reported and stands for itself, so that the rest of the text is still looked at.
 */
export const parseProperties = (text: string): Properties => {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const properties: Property[] = [];
  const badEscapes: BadEscape[] = [];
  for (let i = 0; i < lines.length; i += 1) {
    const first = lines[i]?.trimStart() ?? '';
    if (first === '' || first.startsWith('#') || first.startsWith('!')) continue;
    const chars: Char[] = [];
    while (charsOfLine(lines[i] ?? '', i + 1, chars, badEscapes) && i + 1 < lines.length) i += 1;
    const property = propertyOf(chars);
    if (property !== null) properties.push(property);
  }
  return { properties, badEscapes };
};

/** Adds the characters of one natural line; true when a backslash at its end joins the next one to it. */
const charsOfLine = (text: string, line: number, chars: Char[], bad: BadEscape[]): boolean => {
  let i = 0;
  while (i < text.length && isBlank(text.charAt(i))) i += 1;
  for (; i < text.length; i += 1) {
    const place = { line, column: i + 1 };
    const c = text.charAt(i);
    if (c !== '\\') {
      chars.push({ text: c, escaped: false, line, column: i + 1 });
      continue;
    }
    if (i + 1 === text.length) return true;
    i += 1;
    const escaped = text.charAt(i);
    if (escaped !== 'u') {
      chars.push({ text: escapes[escaped] ?? escaped, escaped: true, line, column: place.column });
      continue;
    }
    const digits = text.slice(i + 1, i + 5);
    if (/^[0-9a-fA-F]{4}$/.test(digits)) {
      chars.push({ text: String.fromCharCode(parseInt(digits, 16)), escaped: true, line, column: place.column });
      i += 4;
    } else {
      bad.push({ at: place, found: `\\u${digits}` });
      chars.push({ text: 'u', escaped: true, line, column: place.column });
    }
  }
  return false;
};

const propertyOf = (chars: readonly Char[]): Property | null => {
  const start = chars[0];
  if (start === undefined) return null;
  const blank = (i: number): boolean => {
    const c = chars[i];
    return c !== undefined && !c.escaped && isBlank(c.text);
  };
  const separates = (i: number): boolean => {
    const c = chars[i];
    return c !== undefined && !c.escaped && (c.text === '=' || c.text === ':');
  };
  let keyEnd = 0;
  while (keyEnd < chars.length && !blank(keyEnd) && !separates(keyEnd)) keyEnd += 1;
  let at = keyEnd;
  while (blank(at)) at += 1;
  if (separates(at)) at += 1;
  while (blank(at)) at += 1;
  const last = chars[chars.length - 1] ?? start;
  const valueStart = chars[at];
  return {
    key: textOf(chars.slice(0, keyEnd)),
    value: textOf(chars.slice(at)).trim(),
    keyAt: { line: start.line, column: start.column },
    valueAt:
      valueStart === undefined
        ? { line: last.line, column: last.column + 1 }
        : { line: valueStart.line, column: valueStart.column },
  };
};

const textOf = (chars: readonly Char[]): string => chars.map((c) => c.text).join('');
