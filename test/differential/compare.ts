/** The same program on both sides, and the first step at which they part. */
import fc from 'fast-check';
import { anyProgram, formatProgram, operationsOf } from './program.js';
import type { Program } from './program.js';
import { runProgram } from './side.js';
import type { Side } from './side.js';

export type Divergence = {
  readonly program: Program;
  readonly step: number;
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
};

let roots = 0;

/** @returns null: the sides agree */
export const compare = async (ours: Side, theirs: Side, program: Program): Promise<Divergence | null> => {
  // Names of equal length sort alike, and those of two runs of this program never meet.
  const root = `d${process.pid}x${String((roots += 1)).padStart(8, '0')}`;
  const [a, b] = await Promise.all([runProgram(ours, program, root), runProgram(theirs, program, root)]);
  for (let step = 0; step < program.length; step++) {
    const [mine = [], other = []] = [a[step], b[step]];
    if (mine.join('\n') !== other.join('\n')) return { program, step, ours: mine, theirs: other };
  }
  return null;
};

export type Progress = { readonly programs: number; readonly operations: number };

/**
 * Random programs until so many operations were asked for.
 * @param length of the longest program, in steps
 * @returns the first divergence, shrunk as far as it goes; null: none was found
 */
export const search = async (
  ours: Side,
  theirs: Side,
  wanted: { readonly operations: number; readonly seed: number; readonly length: number },
  onProgress: (p: Progress) => void,
): Promise<Divergence | null> => {
  let [programs, operations] = [0, 0];
  let last: Divergence | null = null;
  const property = fc.asyncProperty(anyProgram(wanted.length), async (program) => {
    if (operations >= wanted.operations && last === null) return;
    last = (await compare(ours, theirs, program)) ?? last;
    programs += 1;
    operations += operationsOf(program);
    onProgress({ programs, operations });
    if (last?.program === program) throw new Error('the sides part');
  });
  const numRuns = Math.ceil(wanted.operations / 2) + 1;
  const found = await fc.check(property, { seed: wanted.seed, numRuns });
  return found.failed ? last : null;
};

export const explain = ({ program, step, ours, theirs }: Divergence): string =>
  [
    `step ${step + 1} of ${program.length}:`,
    formatProgram(program),
    'ours:',
    ...ours.map((line) => `  ${line}`),
    "Apache's:",
    ...theirs.map((line) => `  ${line}`),
  ].join('\n');
