/** kazoo, the Python client, installed into the cache; test/live/requirements.txt says which. */
import { readFileSync } from 'node:fs';
import { cached, run } from './cache.js';
import { source } from './source.js';
import type { Outcome, ProgramOptions } from './told.js';
import { runProgram } from './told.js';

const python = 'python3';

export const installKazoo = (): string => {
  const wanted = source('live/requirements.txt');
  const name = readFileSync(wanted, 'utf8').trim().replace('==', '-');
  return cached(name, (dir) =>
    run(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', dir, '-r', wanted]),
  );
};

/** Runs sections of kazoo_session.py against these servers. */
export const runKazoo = (
  hosts: string,
  sections: readonly string[],
  onAsk?: ProgramOptions['onAsk'],
): Promise<Outcome> =>
  runProgram({
    file: python,
    args: [source('live/kazoo_session.py'), hosts, ...sections],
    env: { PYTHONPATH: installKazoo(), PYTHONDONTWRITEBYTECODE: '1' },
    ...(onAsk === undefined ? {} : { onAsk }),
  });
