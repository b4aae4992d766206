/** The comparison itself, without Java: ours beside ours agrees, ours beside ours with a bug does not. */
import test from 'ava';
import { explain } from './compare.js';
import { isFound, searched, sideOf } from './found.js';
import { mutants } from './mutants.js';

test.serial('two servers of ours see the same in every step', async (t) => {
  const [a, b] = [await sideOf(t, 'one'), await sideOf(t, 'other')];
  const found = await searched(a, b, 1000);
  t.is(found === null ? '' : explain(found), '');
});

test.serial('a server with a bug is found, by a program of a few steps', async (t) => {
  await isFound(t, mutants[0]);
});
