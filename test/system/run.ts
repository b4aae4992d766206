/** `npm run test:system -- NAME...`: real clients against our servers, and Apache's server among ours. README.md. */
import { runApache } from './apache.js';
import * as clients from './clients.js';
import { runSession, steps, tellsDeletions } from './session.js';
import type { Outcome } from './told.js';
import { runSecurity } from './security.js';
import { runStickyAck } from './stickyAck.js';
import { runZkcli } from './zkcli.js';

const programs = ['java', 'c', 'node', 'go'] as const;

const session = (name: (typeof programs)[number]) => async (): Promise<boolean> =>
  report(name, await runSession(clients[name]()));

const report = (name: string, { code, held, said }: Outcome): boolean => {
  const missing = steps.filter((step) => !held.includes(step));
  console.log(`${name}: ${held.join(', ')}`);
  if (code === 0 && missing.length === 0) return true;
  console.log(`${name}: FAILED (code ${code}), without: ${missing.join(', ')}\n${said}`);
  return false;
};

/** The programs must fail, at their step `watch`, against servers that tell events wrongly. */
const planted = async (): Promise<boolean> => {
  let noticed = true;
  for (const name of programs) {
    const { code, held } = await runSession(clients[name](), tellsDeletions);
    const failedThere = code !== 0 && held.at(-1) === 'write';
    console.log(`planted bug: ${name} ${failedThere ? 'notices it' : 'DOES NOT NOTICE IT'}`);
    noticed &&= failedThere;
  }
  return noticed;
};

const suites: Readonly<Record<string, () => Promise<boolean>>> = {
  java: session('java'),
  zkcli: async () => report('zkcli', await runZkcli()),
  c: session('c'),
  node: session('node'),
  go: session('go'),
  planted,
  apache: () => runApache(process.env['STORY']),
  security: runSecurity,
  'sticky-ack': runStickyAck,
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => suites[name] === undefined);
if (chosen.length === 0 || unknown.length > 0) {
  console.log(`usage: npm run test:system -- NAME...   names: ${Object.keys(suites).join(' ')}`);
  process.exit(2);
}
let failed = 0;
for (const name of chosen) {
  try {
    if (!(await suites[name]?.())) failed += 1;
  } catch (e) {
    console.log(`${name}: FAILED\n${String(e)}`);
    failed += 1;
  }
}
console.log(`${chosen.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
