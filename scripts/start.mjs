/** `npm start`: makes the clone ready, then `zabkeeper start` with the same arguments. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root } from './prepare.mjs';

if (!prepare()) process.exit(1);
const main = join(root, 'dist', 'cli', 'main.js');
const child = spawn(process.execPath, [main, 'start', ...process.argv.slice(2)], { stdio: 'inherit' });
// A terminal signals both processes; the one that serves decides when it is over.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('close', (code) => process.exit(code ?? 1));
