/**
 * Random runs of whole clusters by number, `node scripts/moreRuns.mjs FROM TO`: for the coverage of conformance runs
 * when chance has led live servers further than the usual runs. Exit 1 with the line that repeats a failing run.
 */
import { firstFailure } from '../dist/conformance/random/many.js';
import { failureText, runSeed } from '../dist/conformance/random/run.js';

const [from = 0, to = 0] = process.argv.slice(2).map(Number);
const failed = firstFailure(runSeed, from, to);
if (failed !== null) console.error(failureText(failed));
process.exitCode = failed === null && to > from ? 0 : 1;
