/**
 * Where the parts of an expression end: bullets of conjunction lists, which TLA+ tells by their columns, operands of
 * infix signs, branches of IF. Indices are those of a module's tokens; an end is the index behind the last token.
 */
import type { Token } from './tokens.js';

export type Part = { readonly from: number; readonly to: number };

export type Structure = {
  /** What stands behind each bullet. */
  readonly bullets: readonly (Part & { readonly sign: string; readonly of: number })[];
  /** Signs `/\` and `\/` between two operands. */
  readonly infix: readonly number[];
  readonly ifs: readonly { readonly condition: Part; readonly then: Part; readonly otherwise: Part }[];
  /** Index of the closing token of each opening one: brackets, and LET to IN. */
  readonly closing: ReadonlyMap<number, number>;
  /** Index of the innermost thing that each token stands in: where that ends. */
  readonly ends: readonly number[];
  /** Names that a LET defines: indices of their first tokens. */
  readonly lets: ReadonlySet<number>;
};

type Open =
  | { readonly kind: 'list'; readonly sign: string; readonly column: number; readonly first: number; item: number }
  | {
      readonly kind: 'bracket' | 'IF' | 'THEN' | 'ELSE' | 'LET';
      readonly at: number;
      readonly since: readonly number[];
    };

const closers: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{', '>>': '<<' };
const openers = new Set(['(', '[', '{', '<<']);
const notOperands = new Set(['IN', 'THEN', 'ELSE', 'IF', 'LET', 'CASE', 'OTHER', 'UNCHANGED', 'EXCEPT', 'DOMAIN']);

const endsOperand = (t: Token | undefined): boolean =>
  t !== undefined && (t.kind === 'sign' ? [')', ']', '}', '>>', "'", '@'].includes(t.text) : !notOperands.has(t.text));

/** The structure of the tokens `from` to `to` of a module: of one definition. */
export const structureOf = (tokens: readonly Token[], from: number, to: number): Structure => {
  const stack: Open[] = [];
  const bullets: (Part & { sign: string; of: number })[] = [];
  const infix: number[] = [];
  const ifs: { condition: Part; then: Part; otherwise: Part }[] = [];
  const closing = new Map<number, number>();
  const ends: number[] = [];
  const lets = new Set<number>();
  const inside: (Open & { members: number[] })[] = [];
  const everyone: number[] = [];

  const leave = (end: number): void => {
    const top = stack.pop();
    for (const member of inside.pop()?.members ?? []) if (ends[member] === undefined) ends[member] = end;
    if (top === undefined) return;
    if (top.kind === 'list') bullets.push({ from: top.item, to: end, sign: top.sign, of: top.first });
    if (top.kind === 'bracket' || top.kind === 'LET') closing.set(top.at, end);
    if (top.kind === 'ELSE') {
      const [cond = 0, then = 0, otherwise = 0] = top.since;
      ifs.push({
        condition: { from: cond, to: then - 1 },
        then: { from: then, to: otherwise - 1 },
        otherwise: { from: otherwise, to: end },
      });
    }
  };
  const enter = (open: Open): void => {
    stack.push(open);
    inside.push({ ...open, members: [] });
  };
  /** Leaves everything inside the innermost of these kinds; gives that, still open. */
  const back = (kinds: readonly Open['kind'][], end: number): Open | undefined => {
    if (!stack.some((o) => kinds.includes(o.kind))) return undefined;
    while (!kinds.includes(stack.at(-1)?.kind ?? 'bracket')) leave(end);
    return stack.at(-1);
  };

  for (let i = from; i < to; i++) {
    const t = tokens[i];
    if (t === undefined) break;
    for (let depth = stack.length - 1; depth >= 0; depth--) {
      const list = stack[depth];
      if (list?.kind !== 'list' || t.column > list.column) continue;
      const goesOn = t.column === list.column && t.text === list.sign;
      while (stack.length > depth + 1) leave(i);
      if (goesOn) {
        bullets.push({ from: list.item, to: i, sign: list.sign, of: list.first });
        for (const member of inside.at(-1)?.members.splice(0) ?? []) if (ends[member] === undefined) ends[member] = i;
        list.item = i + 1;
        break;
      }
      leave(i);
    }
    const own = stack.at(-1);
    const isNext = own?.kind === 'list' && own.item === i + 1;
    if (openers.has(t.text)) {
      (inside.at(-1)?.members ?? everyone).push(i);
      enter({ kind: 'bracket', at: i, since: [] });
      continue;
    }
    if (t.text in closers) {
      if (back(['bracket'], i) !== undefined) leave(i);
    } else if (t.text === 'IF') {
      (inside.at(-1)?.members ?? everyone).push(i);
      enter({ kind: 'IF', at: i, since: [i + 1] });
      continue;
    } else if (t.text === 'THEN') {
      const open = back(['IF'], i);
      if (open !== undefined && open.kind === 'IF') {
        const { since } = open;
        leave(i);
        enter({ kind: 'THEN', at: i, since: [...since, i + 1] });
        continue;
      }
    } else if (t.text === 'ELSE') {
      const open = back(['THEN'], i);
      if (open !== undefined && open.kind === 'THEN') {
        const { since } = open;
        leave(i);
        enter({ kind: 'ELSE', at: i, since: [...since, i + 1] });
        continue;
      }
    } else if (t.text === 'LET') {
      (inside.at(-1)?.members ?? everyone).push(i);
      enter({ kind: 'LET', at: i, since: [] });
      continue;
    } else if (t.text === 'IN') {
      if (back(['LET'], i) !== undefined) leave(i);
    } else if ((t.text === '/\\' || t.text === '\\/') && !isNext) {
      if (endsOperand(tokens[i - 1]) && i > from) infix.push(i);
      else enter({ kind: 'list', sign: t.text, column: t.column, first: i, item: i + 1 });
    }
    if (stack.at(-1)?.kind === 'LET' && isDefined(tokens, i)) lets.add(i);
    (inside.at(-1)?.members ?? everyone).push(i);
  }
  while (stack.length > 0) leave(to);
  for (const member of everyone) ends[member] = to;
  return { bullets, infix, ifs, closing, ends, lets };
};

/** Does the definition of a name begin here: `name ==`, `name(a, b) ==` or `name[n \in S] ==`? */
const isDefined = (tokens: readonly Token[], i: number): boolean => {
  if (tokens[i]?.kind !== 'word') return false;
  let k = i + 1;
  if (tokens[k]?.text === '(' || tokens[k]?.text === '[') {
    for (let depth = 0; k < tokens.length; k++) {
      if (['(', '[', '<<', '{'].includes(tokens[k]?.text ?? '')) depth++;
      if ([')', ']', '>>', '}'].includes(tokens[k]?.text ?? '') && --depth === 0) break;
    }
    k++;
  }
  return tokens[k]?.text === '==';
};

const low = new Set(['/\\', '\\/', '=>', '<=>', ',', 'THEN', 'ELSE', 'IN', '->', '[]', '==', ':', '|->']);
const binders = new Set(['\\A', '\\E', 'IF', 'LET', 'CASE', 'CHOOSE']);

/** Where an operand that begins here ends: one that a quantifier or IF begins goes as far as it can. */
export const operandFrom = (
  tokens: readonly Token[],
  s: Structure,
  from: number,
  stops: ReadonlySet<string>,
): number => {
  const end = s.ends[from] ?? tokens.length;
  if (binders.has(tokens[from]?.text ?? '')) return end;
  let i = from;
  while (i < end) {
    const text = tokens[i]?.text ?? '';
    if (i > from && (stops.has(text) || s.lets.has(i))) return i;
    if (binders.has(text)) return end;
    i = s.closing.has(i) ? (s.closing.get(i) ?? i) + 1 : i + 1;
  }
  return end;
};

/** Where the operand that ends before `to` begins. */
export const operandBefore = (
  tokens: readonly Token[],
  first: number,
  to: number,
  stops: ReadonlySet<string>,
): number => {
  let depth = 0;
  for (let i = to - 1; i >= first; i--) {
    const text = tokens[i]?.text ?? '';
    if (text in closers) depth++;
    else if (openers.has(text)) {
      if (depth === 0) return i + 1;
      depth--;
    } else if (depth === 0 && (stops.has(text) || text === 'IF' || text === 'LET')) return i + 1;
  }
  return first;
};

/** What an operand of `/\` ends at. */
export const conjunctStops: ReadonlySet<string> = low;

/** What an operand of a comparison ends at. */
export const comparisonStops: ReadonlySet<string> = new Set([
  ...low,
  '<',
  '>',
  '<=',
  '>=',
  '=<',
  '=',
  '#',
  '/=',
  '\\in',
  '\\notin',
  '~',
  '\\subseteq',
]);
