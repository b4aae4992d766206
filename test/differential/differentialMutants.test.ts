/** Every bug put into a server is found by the comparison. */
import test from 'ava';
import { isFound } from './found.js';
import { mutants } from './mutants.js';

for (const mutant of mutants) test.serial(`a server with a bug is found: ${mutant.name}`, (t) => isFound(t, mutant));
