/** Reads TLC's configuration files as far as one must know what TLC will check. */

/** Names as the file has them. `deadlock` is TLC's default, true, unless the file says FALSE. */
export type TlcConfig = {
  readonly invariants: readonly string[];
  readonly properties: readonly string[];
  readonly deadlock: boolean;
  /** CONSTRAINT, ACTION_CONSTRAINT, VIEW and SYMMETRY: each makes TLC's graph another one than the spec's. */
  readonly reductions: readonly { readonly kind: string; readonly name: string }[];
};

const keywords = new Set([
  'INVARIANT', 'INVARIANTS', 'PROPERTY', 'PROPERTIES', 'CONSTRAINT', 'CONSTRAINTS', 'ACTION_CONSTRAINT',
  'ACTION_CONSTRAINTS', 'VIEW', 'SYMMETRY', 'CHECK_DEADLOCK', 'SPECIFICATION', 'INIT', 'NEXT', 'CONSTANT', 'CONSTANTS',
  'TYPE', 'TYPE_CONSTRAINT', 'ALIAS', 'POSTCONDITION', '_PERIODIC', '_RL_REWARD',
]); // prettier-ignore

/** Total: what it does not know it passes over, TLC itself is the judge of errors. */
export const readConfig = (text: string): TlcConfig => {
  const words = text
    .replace(/\(\*[\s\S]*?\*\)/g, ' ')
    .replace(/\\\*.*/g, ' ')
    .split(/[\s,]+/);
  const invariants: string[] = [];
  const properties: string[] = [];
  const reductions: { kind: string; name: string }[] = [];
  let deadlock = true;
  let section = '';
  for (const word of words) {
    if (keywords.has(word)) section = word;
    else if (word === '') continue;
    else if (section.startsWith('INVARIANT')) invariants.push(word);
    else if (section.startsWith('PROPERT')) properties.push(word);
    else if (section === 'CHECK_DEADLOCK') deadlock = word !== 'FALSE';
    else if (/^(ACTION_)?CONSTRAINTS?$|^VIEW$|^SYMMETRY$/.test(section)) {
      reductions.push({ kind: section.replace(/S$/, ''), name: word });
    }
  }
  return { invariants, properties, deadlock, reductions };
};
