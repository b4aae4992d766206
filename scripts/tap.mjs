/** Reads TAP as ava writes it. */

/**
 * @param onTest called with each test: `ok`, `title`, and `details`, the lines that explain a failure. A test that was
 *   skipped or is still to do has shown nothing, so it is not ok.
 * @returns takes the text in pieces; `end` gives the last test
 */
export const tapReader = (onTest) => {
  let rest = '';
  let current = null;
  const flush = () => {
    if (current !== null) onTest(current);
    current = null;
  };
  const line = (text) => {
    const test = /^(not )?ok \d+ - (.*)$/.exec(text);
    if (test !== null) {
      flush();
      const [, not, words = ''] = test;
      const [title = '', mark] = words.split(/ # (?=(?:skip|todo)\b)/i);
      const details = mark === undefined ? [] : [`  ${mark}`];
      current = { ok: not === undefined && mark === undefined, title, details };
    } else if (current !== null && /^ {2,}\S/.test(text)) current.details.push(text);
  };
  return {
    write: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    },
    end: () => {
      line(rest);
      rest = '';
      flush();
    },
  };
};
