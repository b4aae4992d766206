/**
 * TLC's `-tool` output: numbered messages between marks, and between them what SANY and the spec's own Print say.
 * Numbers and levels are those of TLC's message table (`EC`, `MP` in tla2tools), seen by running version 2.18.
 */

/** `level`: 0 plain, 1 error, 2 a bug in TLC, 3 warning, 4 a state of a trace. Nested messages are part of `text`. */
export type Message = {
  readonly code: number;
  readonly level: number;
  readonly text: string;
  readonly nested: readonly number[];
};

export type MessageHandler = {
  readonly onMessage: (message: Message) => void;
  /** A line outside of any message. */
  readonly onLine: (line: string) => void;
};

/** Codes that this package reads. */
export const codes = {
  general: 1000,
  outOfMemory: [1001, 1002, 1003],
  stackOverflow: 1005,
  badOption: 1102,
  assumptionFalse: 2104,
  invariantInitial: 2107,
  propertyInitial: 2108,
  invariant: 2110,
  actionProperty: 2112,
  deadlock: 2114,
  temporal: 2116,
  noInitialState: 2118,
  backToState: 2122,
  banner: 2187,
  bannerSimulation: 2188,
  initialOne: 2190,
  initialTwo: 2191,
  success: 2193,
  depth: 2194,
  stats: 2199,
  progress: 2200,
  coverageStart: 2201,
  progressSimulation: 2209,
  statsSimulation: 2210,
  state: 2217,
  stuttering: 2218,
  sanyEnd: 2219,
  sanyStart: 2220,
  finished: 2186,
  version: 2262,
  actionCoverage: 2772,
  initCoverage: 2773,
  parseFailed: 3002,
} as const;

const start = /@!@!@STARTMSG (\d+):(\d+) @!@!@/;
const end = /@!@!@ENDMSG (\d+) @!@!@/;

/** Takes chunks of text as they arrive; `close` hands over what an ending without a line end left. */
export const messageReader = (handler: MessageHandler): { write: (chunk: string) => void; close: () => void } => {
  let rest = '';
  let open: { code: number; level: number; lines: string[]; nested: number[] } | undefined;
  let depth = 0;

  const line = (text: string): void => {
    const begins = start.exec(text);
    if (begins !== null) {
      const before = text.slice(0, begins.index);
      const [code, level] = [Number(begins[1]), Number(begins[2])];
      depth++;
      if (open === undefined) {
        if (before !== '') handler.onLine(before);
        open = { code, level, lines: [], nested: [] };
      } else {
        if (before.trim() !== '' && before.trim() !== ':') open.lines.push(before);
        open.nested.push(code);
      }
      return;
    }
    const ends = open === undefined ? null : end.exec(text);
    if (open === undefined) {
      handler.onLine(text);
      return;
    }
    if (ends === null) {
      open.lines.push(text);
      return;
    }
    if (ends.index > 0) open.lines.push(text.slice(0, ends.index));
    depth = Number(ends[1]) === open.code && depth > 1 ? 0 : depth - 1;
    if (depth > 0) return;
    depth = 0;
    const { code, level, lines, nested } = open;
    open = undefined;
    handler.onMessage({ code, level, text: lines.join('\n'), nested });
  };

  return {
    write: (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) line(text.endsWith('\r') ? text.slice(0, -1) : text);
    },
    close: () => {
      if (rest !== '') line(rest);
      rest = '';
      if (open !== undefined) {
        handler.onMessage({ code: open.code, level: open.level, text: open.lines.join('\n'), nested: open.nested });
      }
      open = undefined;
      depth = 0;
    },
  };
};
