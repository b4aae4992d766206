/** The pages of docs/bugs/ are what scripts/bugPages.mjs makes of the traces. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const run = (...args: readonly string[]): { readonly code: number | null; readonly said: string } => {
  const ran = spawnSync(process.execPath, ['scripts/bugPages.mjs', ...args], { encoding: 'utf8' });
  return { code: ran.status, said: ran.stdout + ran.stderr };
};

test('the pages of historic bugs are those of the kept traces', (t) => {
  const { code, said } = run('--check');
  t.is(said, '');
  t.is(code, 0);
});

test('a page that has changed is found, and one that is missing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'zabkeeper-bug-pages-'));
  try {
    t.is(run('--out', folder).code, 0);
    t.is(run('--check', '--out', folder).code, 0);
    appendFileSync(join(folder, 'ZOOKEEPER-3911.md'), 'More.\n');
    rmSync(join(folder, 'README.md'));
    const { code, said } = run('--check', '--out', folder);
    t.is(code, 1);
    t.regex(said, /ZOOKEEPER-3911\.md is not/);
    t.regex(said, /README\.md is not/);
    t.is(said.trim().split('\n').length, 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
