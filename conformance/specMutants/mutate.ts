/**
 * Mutants of a module: one conjunct, comparison, quorum, assignment or order changed at a time. Each is a text, so that
 * TLC judges it as it would judge what somebody had typed.
 */
import type { Part, Structure } from './structure.js';
import { comparisonStops, conjunctStops, operandBefore, operandFrom, structureOf } from './structure.js';
import type { Definition, Module, Token } from './tokens.js';

export type Operator = 'DropConjunct' | 'AssignmentDropped' | 'TurnComparison' | 'ShiftQuorum' | 'SwapSteps';

export const operators: readonly Operator[] = [
  'DropConjunct',
  'AssignmentDropped',
  'TurnComparison',
  'ShiftQuorum',
  'SwapSteps',
];

export type SpecMutant = {
  /** `Module:line:Operator`, and a number behind it for all but the first of these on a line. */
  readonly id: string;
  readonly module: string;
  readonly line: number;
  readonly operator: Operator;
  /** The definition in which it is. */
  readonly definition: string;
  readonly was: string;
  readonly becomes: string;
  /** The module's whole text with the change. */
  readonly text: string;
};

export type MutateOptions = {
  /** Definitions to change: what the actions of the models need. */
  readonly within: (definition: string) => boolean;
  /** Is this the name of something that says what variables become? Such calls are no conditions. */
  readonly assigns: (name: string) => boolean;
  /** The module's steps are checked and not taken: primed variables stand in its conditions too. */
  readonly conditions?: boolean;
};

type Edit = { readonly from: number; readonly to: number; readonly operator: Operator; readonly text: string };

/** In the order of the module's lines. */
export const mutantsOf = (module: Module, options: MutateOptions): readonly SpecMutant[] => {
  const counts = new Map<string, number>();
  const edits = module.definitions
    .filter((d) => options.within(d.name))
    .flatMap((d) => editsOf(module, d, options).map((edit) => ({ edit, definition: d.name })));
  const place = ({ edit }: (typeof edits)[number]): number => module.tokens[edit.from]?.offset ?? 0;
  return [...edits]
    .sort((a, b) => place(a) - place(b) || operators.indexOf(a.edit.operator) - operators.indexOf(b.edit.operator))
    .map(({ edit, definition }) => {
      const line = module.tokens[edit.from]?.line ?? 0;
      const base = `${module.name}:${line}:${edit.operator}`;
      const count = (counts.get(base) ?? 0) + 1;
      counts.set(base, count);
      return {
        id: count === 1 ? base : `${base}:${count}`,
        module: module.name,
        line,
        operator: edit.operator,
        definition,
        was: shown(module.tokens, edit),
        becomes: edit.text,
        text: replacedText(module, edit),
      };
    });
};

const shown = (tokens: readonly Token[], { from, to }: Part): string => {
  let text = '';
  for (let i = from; i < to; i++) {
    const [t, before] = [tokens[i], tokens[i - 1]];
    if (t === undefined) break;
    const apart = before === undefined || before.line !== t.line || before.offset + before.text.length < t.offset;
    text += (i > from && apart ? ' ' : '') + t.text;
  }
  return text;
};

/**
 * Lists are told by their columns: a text that gets longer moves the lines below that began to the right of it, one that
 * gets shorter is filled up with blanks.
 */
const replacedText = (module: Module, edit: Edit): string => {
  const first = module.tokens[edit.from];
  const last = module.tokens[edit.to - 1];
  if (first === undefined || last === undefined) return module.text;
  const lines = module.text.split('\n');
  const at = first.line - 1;
  const onLine = first.line === last.line ? last.column + last.text.length : (lines[at] ?? '').length;
  const room = onLine - first.column;
  const rest = (lines[last.line - 1] ?? '').slice(last.column + last.text.length);
  const head = (lines[at] ?? '').slice(0, first.column);
  if (first.line !== last.line) {
    lines[at] = head + edit.text;
    for (let k = at + 1; k < last.line - 1; k++) lines[k] = '';
    lines[last.line - 1] = ' '.repeat(last.column + last.text.length) + rest;
    return lines.join('\n');
  }
  lines[at] = head + edit.text.padEnd(room) + rest;
  const grown = edit.text.length - room;
  for (let k = at + 1; grown > 0 && k < lines.length; k++) {
    const line = lines[k] ?? '';
    const column = line.search(/\S/);
    if (column !== -1 && column <= first.column) break;
    if (column !== -1) lines[k] = ' '.repeat(grown) + line;
  }
  return lines.join('\n');
};

const editsOf = (module: Module, definition: Definition, options: MutateOptions): readonly Edit[] => {
  const { tokens } = module;
  const s = structureOf(tokens, definition.from, definition.to);
  const dead = s.ifs.filter((f) => mentions(tokens, f.condition, 'Bugs')).map((f) => f.then);
  const edits = [
    ...conjuncts(tokens, definition, s, options),
    ...assignments(tokens, definition, s),
    ...quorums(tokens, definition),
    ...comparisons(tokens, definition, s),
    ...swaps(tokens, s),
  ];
  // A shifted quorum is a turned comparison too: it counts once.
  const shifted = new Set(edits.filter((e) => e.operator === 'ShiftQuorum').map((e) => e.from));
  const once = edits.filter((e) => e.operator !== 'TurnComparison' || !shifted.has(e.from));
  return once.filter((e) => !mentions(tokens, e, 'Bugs') && !dead.some((d) => e.from >= d.from && e.to <= d.to));
};

const mentions = (tokens: readonly Token[], { from, to }: Part, name: string): boolean =>
  tokens.slice(from, to).some((t) => t.text === name);

/** Each side of each conjunction, as a bullet or infix, that is a condition. */
const conjuncts = (
  tokens: readonly Token[],
  { from, to }: Definition,
  s: Structure,
  { assigns, conditions = false }: MutateOptions,
): readonly Edit[] => {
  const parts: Part[] = s.bullets.filter((b) => b.sign === '/\\');
  for (const at of s.infix) {
    if (tokens[at]?.text !== '/\\') continue;
    parts.push({ from: operandBefore(tokens, listItemOf(s, at, from), at, conjunctStops), to: at });
    parts.push({ from: at + 1, to: operandFrom(tokens, s, at + 1, conjunctStops) });
  }
  const seen = new Set<number>();
  return parts.flatMap((part) => {
    const inside = tokens.slice(part.from, part.to);
    const nested = inside[0]?.text === '/\\' || inside[0]?.text === '\\/';
    const says = (t: Token, k: number): boolean =>
      t.text === 'UNCHANGED' || (conditions ? isAssignment(tokens, part.from + k) : t.text === "'" || assigns(t.text));
    const trivial = inside.length === 0 || (inside.length === 1 && ['TRUE', 'FALSE'].includes(inside[0]?.text ?? ''));
    // A list inside an item is changed bullet by bullet; whole it would be changed again with one bullet.
    const infixAt = s.infix.some((at) => at > part.from && at < part.to && tokens[at]?.text === '/\\');
    if (trivial || (nested && inside[0]?.text === '/\\') || inside.some(says) || seen.has(part.from)) return [];
    if (infixAt && operandFrom(tokens, s, part.from, conjunctStops) < part.to && part.to <= to) {
      const last = tokens[operandFrom(tokens, s, part.from, conjunctStops)]?.text;
      if (last === '/\\') return [];
    }
    seen.add(part.from);
    return [{ ...part, operator: 'DropConjunct' as const, text: 'TRUE' }];
  });
};

/** Where the innermost bullet that holds this token begins, or the definition. */
const listItemOf = (s: Structure, at: number, from: number): number =>
  Math.max(from, ...s.bullets.filter((b) => b.from <= at && at < b.to).map((b) => b.from));

const starters = new Set(['/\\', '\\/', 'THEN', 'ELSE', 'IN', ':', '==']);

/** Does an assignment of a primed variable begin here? */
const isAssignment = (tokens: readonly Token[], i: number): boolean =>
  tokens[i]?.kind === 'word' &&
  tokens[i + 1]?.text === "'" &&
  tokens[i + 2]?.text === '=' &&
  starters.has(tokens[i - 1]?.text ?? '==');

const assignments = (tokens: readonly Token[], { from, to }: Definition, s: Structure): readonly Edit[] => {
  const edits: Edit[] = [];
  for (let i = from; i < to; i++) {
    if (!isAssignment(tokens, i)) continue;
    const part = { from: i + 3, to: operandFrom(tokens, s, i + 3, conjunctStops) };
    const name = tokens[i]?.text ?? '';
    const same = part.to === part.from + 1 && tokens[part.from]?.text === name;
    if (!same) edits.push({ ...part, operator: 'AssignmentDropped', text: name });
  }
  return edits;
};

/** `2 * n > m`: one server less, or half of them; a set of quorums: each without one of its members. */
const quorums = (tokens: readonly Token[], { from, to }: Definition): readonly Edit[] => {
  const edits: Edit[] = [];
  const text = (i: number): string => tokens[i]?.text ?? '';
  for (let i = from; i < to; i++) {
    if (text(i) === '2' && text(i + 1) === '*' && text(i - 1) !== '^') {
      let end = i + 2;
      for (let depth = 0; end < to; end++) {
        if (depth === 0 && text(end) === '>') break;
        if (text(end) === '(') depth++;
        if (text(end) === ')' && --depth < 0) break;
      }
      if (text(end) !== '>') continue;
      const counted = shown(tokens, { from: i + 2, to: end });
      edits.push({ from: end, to: end + 1, operator: 'ShiftQuorum', text: '>=' });
      edits.push({ from: i + 2, to: end, operator: 'ShiftQuorum', text: `(${counted} + 1)` });
      edits.push({ from: i + 2, to: end, operator: 'ShiftQuorum', text: `(${counted} - 1)` });
    }
    if (/^Quorum[12]$/.test(text(i)) && text(i - 1) !== '{') {
      const smaller = `{Q_ \\ {q_} : Q_ \\in ${text(i)}, q_ \\in UNION ${text(i)}}`;
      edits.push({ from: i, to: i + 1, operator: 'ShiftQuorum', text: smaller });
    }
  }
  return edits;
};

const turned: Readonly<Record<string, string>> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>', '=': '#', '#': '=' };
const ordered = new Set(['<', '<=', '>', '>=']);
const counting =
  /^(\d+|Len|Cardinality|Max|Min|.*([Zz]xid|[Ee]poch|[Rr]ound|[Bb]allot|version|counter|seq|cxid|zxid)s?)$/;

const comparisons = (tokens: readonly Token[], { from, to }: Definition, s: Structure): readonly Edit[] => {
  const edits: Edit[] = [];
  const put = (i: number, text: string): void => {
    edits.push({ from: i, to: i + 1, operator: 'TurnComparison', text });
  };
  const sideOf = (i: number): readonly string[] => [
    ...tokens.slice(operandBefore(tokens, from, i, comparisonStops), i).map((t) => t.text),
    ...tokens.slice(i + 1, operandFrom(tokens, s, i + 1, comparisonStops)).map((t) => t.text),
  ];
  for (let i = from; i < to; i++) {
    const t = tokens[i];
    const sign = t?.text ?? '';
    const become = turned[sign];
    if (t?.kind === 'sign' && become !== undefined && tokens[i - 1]?.text !== "'") {
      const words = sideOf(i);
      // `![i] = v` of EXCEPT compares nothing.
      if (ordered.has(sign) || (!words.includes('!') && words.some((w) => counting.test(w)))) put(i, become);
    }
    if (t?.kind === 'number') {
      const n = Number(t.text);
      const given = tokens[i - 1]?.text === '=' && sideOf(i - 1).includes('!');
      for (const shifted of given ? [] : shiftsOf(tokens, i)) if (n + shifted >= 0) put(i, String(n + shifted));
    }
  }
  return edits;
};

/** By how much a number in a comparison or sum is shifted; the other way is what turning the comparison does. */
const shiftsOf = (tokens: readonly Token[], i: number): readonly number[] => {
  const before = tokens[i - 1]?.text ?? '';
  const after = tokens[i + 1]?.text ?? '';
  if (before === '+' || before === '-') return [-1, 1];
  if (before === '>' || before === '<=') return [1];
  if (before === '<' || before === '>=') return [-1];
  if (after === '+' && before !== '*') return [-1, 1];
  if (after === '<' || after === '>=') return [1];
  if (after === '>' || after === '<=') return before === '*' ? [] : [-1];
  if ((before === '=' && tokens[i - 2]?.text !== "'") || before === '#') return [1];
  return [];
};

const disk =
  /^(SaveEpoch|saving|epochFile|synced|base|asked|Ask|Answered|log|promised|vote|currentEpoch|acceptedEpoch)$/;

/** Of a choice between asking the disk, or answering for it, and going on: the other one. Packets in the other order. */
const swaps = (tokens: readonly Token[], s: Structure): readonly Edit[] => {
  const writes = (part: Part): boolean =>
    tokens
      .slice(part.from, part.to)
      .some((t, k, all) => disk.test(t.text) && (all[k + 1]?.text === "'" || /^(SaveEpoch|Ask)$/.test(t.text)));
  const edits: Edit[] = [];
  for (const { condition, then, otherwise } of s.ifs) {
    const line = tokens[condition.from]?.line;
    if (line !== tokens[condition.to - 1]?.line || writes(then) === writes(otherwise)) continue;
    edits.push({ ...condition, operator: 'SwapSteps', text: `~(${shown(tokens, condition)})` });
  }
  tokens.forEach((t, i) => {
    if (t.text !== '\\o' || s.ends[i] === undefined) return;
    const stops = new Set([...conjunctStops, '\\o', '=', '<', '>']);
    const from = operandBefore(tokens, listItemOf(s, i, 0), i, stops);
    const to = operandFrom(tokens, s, i + 1, stops);
    const [left, right] = [shown(tokens, { from, to: i }), shown(tokens, { from: i + 1, to })];
    if (from < i && to > i + 1 && tokens[from]?.line === tokens[to - 1]?.line)
      edits.push({ from, to, operator: 'SwapSteps', text: `${right} \\o ${left}` });
  });
  return edits;
};
