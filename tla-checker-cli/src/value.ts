/**
 * TLA+ values as TLC prints them: a typed tree, a reader of TLC's text, a printer, and a canonical text.
 * TLC's order of variables, fields and members differs between runs, so texts are never compared: values are.
 */
import * as E from 'fp-ts/lib/Either.js';

/**
 * A value of TLA+. An array is a sequence or tuple; integers are JavaScript safe integers (TLC's own are 32 bits).
 * The same function has several forms (`fcn` over 1..n and an array, `fcn` over strings and a record): compare by
 * `canonicalText` or `hashValue`. Keys of one `fcn` differ; members of a `set` may repeat and count once.
 */
export type TlaValue =
  | number
  | string
  | boolean
  | { readonly model: string }
  | readonly TlaValue[]
  | { readonly set: readonly TlaValue[] }
  | { readonly record: Readonly<Record<string, TlaValue>> }
  | { readonly fcn: readonly (readonly [TlaValue, TlaValue])[] };

/** The variables of one state, by name. */
export type TlaState = Readonly<Record<string, TlaValue>>;

/** Where a text stops being a TLA+ value: `at` is an offset in UTF-16 units, `line` and `column` count from 1. */
export type ParseError = {
  readonly type: 'ParseError';
  readonly at: number;
  readonly line: number;
  readonly column: number;
  readonly expected: string;
};

export const isArray = (v: TlaValue): v is readonly TlaValue[] => Array.isArray(v);

/** Assigns a field; `__proto__` too is only a name in TLA+. */
export const putField = <A>(record: Record<string, A>, name: string, value: A): void => {
  if (name === '__proto__') {
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
  } else record[name] = value;
};

/** Deeper nesting than this is refused, so that no input overflows the stack. */
export const maxDepth = 500;

/** TLC prints intervals unexpanded (`1..9`); larger ones than this are refused. */
export const maxInterval = 1_000_000;

/** Reads one value, TLC's pretty-printed form included (line breaks, any order of fields). Never throws. */
export const parse = (text: string): E.Either<ParseError, TlaValue> => {
  const p = reader(text);
  const v = p.value(0);
  if (v === undefined || !p.end()) return E.left(p.error());
  return E.right(v);
};

/** Reads one state: `/\ x = 1 /\ y = 2`, or `x = 1` alone, as TLC prints a spec of one variable. Never throws. */
export const parseState = (text: string): E.Either<ParseError, TlaState> => {
  const p = reader(text);
  const state = p.state();
  if (state === undefined || !p.end()) return E.left(p.error());
  return E.right(state);
};

type Reader = {
  readonly value: (depth: number) => TlaValue | undefined;
  readonly state: () => TlaState | undefined;
  readonly end: () => boolean;
  readonly error: () => ParseError;
};

const reader = (text: string): Reader => {
  let i = 0;
  let failedAt = -1;
  let expected = '';

  const fail = (what: string, at: number = i): undefined => {
    if (failedAt < 0) {
      failedAt = at;
      expected = what;
    }
    return undefined;
  };
  const blank = (): void => {
    for (;;) {
      const c = text.charCodeAt(i);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      i++;
    }
  };
  const take = (token: string): boolean => {
    blank();
    if (!text.startsWith(token, i)) return false;
    i += token.length;
    return true;
  };
  const need = (token: string): true | undefined => (take(token) ? true : fail(`'${token}'`));
  const word = (): string => {
    blank();
    const from = i;
    while (isWord(text.charCodeAt(i))) i++;
    return text.slice(from, i);
  };

  const value = (depth: number): TlaValue | undefined => {
    if (depth > maxDepth) return fail(`nesting of at most ${maxDepth}`);
    blank();
    switch (text[i]) {
      case '"':
        return stringValue();
      case '{':
        i++;
        return setValue(depth);
      case '[':
        i++;
        return recordValue(depth);
      case '<':
        return sequenceValue(depth);
      case '(':
        i++;
        return functionValue(depth);
      default:
        return wordValue();
    }
  };
  const wordValue = (): TlaValue | undefined => {
    const from = i;
    if (text[i] === '-') return numberValue(from);
    const w = word();
    if (w === '') return fail('a value');
    if (allDigits(w)) return numberValue(from);
    if (w === 'TRUE') return true;
    if (w === 'FALSE') return false;
    // what TLC leaves unevaluated is no value: SUBSET S, [S -> T], S \X T
    if (w === 'SUBSET' || w === 'UNION') return fail(`an enumerated set instead of ${w}`, from);
    return { model: w };
  };
  const integer = (from: number): number | undefined => {
    i = text[from] === '-' ? from + 1 : from;
    const w = word();
    const n = Number(text.slice(from, i));
    return allDigits(w) && Number.isSafeInteger(n) ? n + 0 : fail('an integer', from);
  };
  const numberValue = (from: number): TlaValue | undefined => {
    const low = integer(from);
    if (low === undefined || !text.startsWith('..', i)) return low;
    const high = integer(i + 2);
    if (high === undefined) return undefined;
    if (high - low >= maxInterval) return fail(`an interval of at most ${maxInterval} members`, from);
    const set: number[] = [];
    for (let n = low; n <= high; n++) set.push(n);
    return { set };
  };
  const stringValue = (): string | undefined => {
    const from = ++i;
    while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
    if (i >= text.length) return fail("a closing '\"'", from - 1);
    const raw = text.slice(from, i++);
    if (!raw.includes('\\')) return raw;
    if (/\\[^"\\ntrf]/.test(raw.replaceAll('\\\\', ''))) return fail('a known escape', from);
    return raw.replace(/\\(.)/g, (_, c: string) => unescapes[c] ?? c);
  };
  const sequenceValue = (depth: number): readonly TlaValue[] | undefined => {
    if (need('<<') === undefined) return undefined;
    const items: TlaValue[] = [];
    if (take('>>')) return items;
    do {
      const v = value(depth + 1);
      if (v === undefined) return undefined;
      items.push(v);
    } while (take(','));
    return need('>>') && items;
  };
  const setValue = (depth: number): TlaValue | undefined => {
    const set: TlaValue[] = [];
    if (take('}')) return { set };
    do {
      const v = value(depth + 1);
      if (v === undefined) return undefined;
      set.push(v);
    } while (take(','));
    return need('}') && { set };
  };
  const recordValue = (depth: number): TlaValue | undefined => {
    const record: Record<string, TlaValue> = {};
    do {
      const name = word();
      if (name === '') return fail('a field name');
      if (Object.hasOwn(record, name)) return fail('a field name that differs from the others');
      if (need('|->') === undefined) return undefined;
      const v = value(depth + 1);
      if (v === undefined) return undefined;
      putField(record, name, v);
    } while (take(','));
    return need(']') && { record };
  };
  const functionValue = (depth: number): TlaValue | undefined => {
    const fcn: (readonly [TlaValue, TlaValue])[] = [];
    do {
      const key = value(depth + 1);
      if (key === undefined || need(':>') === undefined) return undefined;
      const v = value(depth + 1);
      if (v === undefined) return undefined;
      fcn.push([key, v]);
    } while (take('@@'));
    return need(')') && { fcn };
  };
  const state = (): TlaState | undefined => {
    const out: Record<string, TlaValue> = {};
    const list = take('/\\');
    do {
      const name = word();
      if (name === '') return fail('a variable');
      if (Object.hasOwn(out, name)) return fail('a variable that differs from the others');
      if (need('=') === undefined) return undefined;
      const v = value(0);
      if (v === undefined) return undefined;
      putField(out, name, v);
    } while (list && take('/\\'));
    return out;
  };
  const end = (): boolean => {
    blank();
    if (i < text.length) fail('the end');
    return i === text.length;
  };
  const error = (): ParseError => {
    const before = text.slice(0, failedAt).split('\n');
    return {
      type: 'ParseError',
      at: failedAt,
      line: before.length,
      column: (before.at(-1) ?? '').length + 1,
      expected,
    };
  };
  return { value, state, end, error };
};

const unescapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' };

/** Letters, digits, underscore: names of fields, variables and model values (which may start with a digit). */
export const isWord = (c: number): boolean =>
  (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95;

const allDigits = (w: string): boolean => /^\d+$/.test(w);

/** A name that may stand as a record field; a function over other strings is written with `:>`. */
export const isFieldName = (name: string): boolean => /^\w*[A-Za-z]\w*$/.test(name);

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\f': '\\f',
};

const printString = (s: string): string => `"${s.replace(/["\\\n\t\r\f]/g, (c) => escapes[c] ?? c)}"`;

/** One line of TLA+, in the order that the value has; `parse` reads it back. */
export const print = (v: TlaValue): string => {
  if (typeof v === 'number') return String(v + 0);
  if (typeof v === 'string') return printString(v);
  if (typeof v === 'boolean') return v ? 'TRUE' : 'FALSE';
  if (isArray(v)) return `<<${v.map(print).join(', ')}>>`;
  if ('model' in v) return v.model;
  if ('set' in v) return `{${v.set.map(print).join(', ')}}`;
  if ('record' in v) return printRecord(Object.entries(v.record).map(([k, w]) => [k, print(w)]));
  return v.fcn.length === 0 ? '<<>>' : `(${v.fcn.map(([k, w]) => `${print(k)} :> ${print(w)}`).join(' @@ ')})`;
};

const printRecord = (fields: readonly (readonly [string, string])[]): string => {
  if (fields.length === 0) return '<<>>';
  return fields.every(([k]) => isFieldName(k))
    ? `[${fields.map(([k, w]) => `${k} |-> ${w}`).join(', ')}]`
    : `(${fields.map(([k, w]) => `${printString(k)} :> ${w}`).join(' @@ ')})`;
};

/** `/\ x = 1` lines, as TLC prints a state of several variables. */
export const printState = (s: TlaState): string =>
  Object.entries(s)
    .map(([name, v]) => `/\\ ${name} = ${print(v)}`)
    .join('\n');

/**
 * The one text of a value: members and fields sorted, a function over 1..n as a sequence, a function over strings as a
 * record, `<<>>` for every empty function. Equal texts are equal values.
 */
export const canonicalText = (v: TlaValue): string => {
  if (isArray(v)) return `<<${v.map(canonicalText).join(', ')}>>`;
  if (typeof v !== 'object' || 'model' in v) return print(v);
  if ('set' in v) return `{${[...new Set(v.set.map(canonicalText))].sort(compareTexts).join(', ')}}`;
  const pairs: (readonly [string, string])[] =
    'record' in v
      ? Object.entries(v.record).map(([k, w]) => [printString(k), canonicalText(w)])
      : v.fcn.map(([k, w]) => [canonicalText(k), canonicalText(w)]);
  pairs.sort((a, b) => compareTexts(a[0], b[0]));
  if (pairs.every(([k], n) => k === String(n + 1))) return `<<${pairs.map(([, w]) => w).join(', ')}>>`;
  return pairs.every(([k]) => k.startsWith('"') && isFieldName(k.slice(1, -1)))
    ? `[${pairs.map(([k, w]) => `${k.slice(1, -1)} |-> ${w}`).join(', ')}]`
    : `(${pairs.map(([k, w]) => `${k} :> ${w}`).join(' @@ ')})`;
};

/** Integers by size and before all else, the rest by code units. */
const compareTexts = (a: string, b: string): number => {
  const m = integerText.test(a);
  const n = integerText.test(b);
  if (m !== n) return m ? -1 : 1;
  if (m && a !== b) return Number(a) - Number(b);
  return a < b ? -1 : a > b ? 1 : 0;
};

const integerText = /^-?\d+$/;

/** Whether two values are the same value of TLA+. */
export const sameValue = (a: TlaValue, b: TlaValue): boolean => a === b || canonicalText(a) === canonicalText(b);
