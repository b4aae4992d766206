/** A TLA+ module as tokens and definitions: as much of the language as the modules of spec/ use. */

export type Token = {
  readonly text: string;
  /** 1-based. */
  readonly line: number;
  /** 0-based. */
  readonly column: number;
  readonly offset: number;
  readonly kind: 'word' | 'number' | 'string' | 'sign';
};

/** A definition of the module itself, not of a LET. */
export type Definition = {
  readonly name: string;
  readonly params: readonly string[];
  /** Index of the first token of what it stands for. */
  readonly from: number;
  /** Index behind its last token. */
  readonly to: number;
};

export type Module = {
  readonly name: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly definitions: readonly Definition[];
  /** Modules that it extends or instantiates. */
  readonly uses: readonly string[];
};

const blank = /(?:\s+|\\\*[^\n]*|\(\*[\s\S]*?\*\))+/y;
const sign =
  /<=>|\|->|<<|>>|==|=>|=<|<=|>=|->|\/\\|\\\/|\.\.|:>|@@|~>|\[\]|\/=|\\[A-Za-z]+|-{4,}|={4,}|[-+*/\\^%#<>=~:;,.!@'|&()[\]{}]/y;
const word = /[A-Za-z_]\w*/y;
const number = /\d+/y;
const string = /"(?:[^"\\]|\\.)*"/y;

const at = (pattern: RegExp, text: string, offset: number): string => {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? '';
};

/** Comments are passed over; a character that no token begins with becomes a token of its own. */
export const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  let line = 1;
  let lineStart = 0;
  const pass = (from: number, to: number): void => {
    for (let k = text.indexOf('\n', from); k !== -1 && k < to; k = text.indexOf('\n', k + 1)) {
      line++;
      lineStart = k + 1;
    }
  };
  for (let offset = 0; offset < text.length;) {
    const gap = at(blank, text, offset);
    pass(offset, offset + gap.length);
    offset += gap.length;
    if (offset >= text.length) break;
    const kinds = [
      ['word', word],
      ['number', number],
      ['string', string],
      ['sign', sign],
    ] as const;
    const [kind, found] = kinds
      .map(([k, pattern]) => [k, at(pattern, text, offset)] as const)
      .find(([, f]) => f !== '') ?? ['sign' as const, text[offset] ?? ''];
    tokens.push({ text: found, line, column: offset - lineStart, offset, kind });
    offset += found.length;
  }
  return tokens;
};

const keywords = new Set([
  'ASSUME',
  'THEOREM',
  'CONSTANT',
  'CONSTANTS',
  'VARIABLE',
  'VARIABLES',
  'EXTENDS',
  'RECURSIVE',
]);

/** By our style a definition begins in the first column, and nothing else of it does. */
export const readModule = (text: string): Module => {
  const tokens = tokensOf(text);
  const definitions: Definition[] = [];
  const begins = tokens.flatMap((t, i) => (t.column === 0 ? [i] : []));
  begins.forEach((begin, k) => {
    const first = tokens[begin];
    const to = begins[k + 1] ?? tokens.length;
    if (first?.kind !== 'word' || keywords.has(first.text)) return;
    const is = tokens.findIndex((t, i) => i > begin && t.text === '==');
    if (is !== -1 && is < to)
      definitions.push({ name: first.text, params: paramsOf(tokens, begin + 1, is), from: is + 1, to });
  });
  const head = tokens.findIndex((t) => t.text === 'MODULE');
  return { name: tokens[head + 1]?.text ?? '', text, tokens, definitions, uses: usesOf(tokens) };
};

const paramsOf = (tokens: readonly Token[], from: number, to: number): readonly string[] =>
  tokens
    .slice(from, to)
    .filter((t) => t.kind === 'word' && t.text !== '_')
    .map((t) => t.text);

const usesOf = (tokens: readonly Token[]): readonly string[] => {
  const uses: string[] = [];
  tokens.forEach((t, i) => {
    if (t.text === 'INSTANCE') uses.push(tokens[i + 1]?.text ?? '');
    if (t.text !== 'EXTENDS') return;
    for (let k = i + 1; tokens[k]?.kind === 'word'; k += 2) {
      uses.push(tokens[k]?.text ?? '');
      if (tokens[k + 1]?.text !== ',') break;
    }
  });
  return uses;
};
