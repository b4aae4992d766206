/** Text for terminals and pipes: tables, figures, and lines that are drawn over themselves. */

export const count = (n: number): string => n.toLocaleString('en-US');
export const seconds = (ms: number): string =>
  ms < 9950 ? `${(ms / 1000).toFixed(ms < 995 ? 2 : 1)} s` : `${Math.round(ms / 1000)} s`;
export const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** Columns as wide as their widest cell, two blanks between them. */
export const table = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

export type Screen = {
  /** Draws the lines in place of those drawn before. */
  readonly draw: (lines: readonly string[]) => void;
  /** Writes a line that stays, above what is drawn. */
  readonly say: (line: string) => void;
  /** Removes what is drawn. */
  readonly clear: () => void;
};

/** @param columns width of the terminal: a wrapped line would spoil the count of lines */
export const screenOver = (write: (text: string) => void, columns: () => number): Screen => {
  let drawn: readonly string[] = [];
  const wipe = (): string => (drawn.length === 0 ? '' : `\u001b[${drawn.length}A\u001b[J`);
  const cut = (line: string): string => line.slice(0, Math.max(10, columns() - 1));
  return {
    draw: (lines) => {
      const text = wipe();
      drawn = lines.map(cut);
      write(`${text}${drawn.map((l) => `${l}\n`).join('')}`);
    },
    say: (line) => write(`${wipe()}${line}\n${drawn.map((l) => `${l}\n`).join('')}`),
    clear: () => {
      write(wipe());
      drawn = [];
    },
  };
};
