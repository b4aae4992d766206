#!/usr/bin/env node
/** Entry of `tla-checker`: gives the command its world. */
import { text } from 'node:stream/consumers';
import { runCli } from './cli.js';
import { exits } from './exit.js';
import { findTlc } from './tlc.js';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(exits.interrupted); // asked twice; TLC is killed on the way out
    stop.abort();
  });
}
// the reader of our output went away: there is nobody to work for
process.stdout.on('error', () => stop.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  out: (chunk) =>
    new Promise((done) => {
      process.stdout.write(chunk, () => done());
    }),
  err: (line) => void process.stderr.write(line),
  stdin: () => text(process.stdin),
  terminal: process.stderr.isTTY,
  width: process.stderr.columns ?? 80,
  signal: stop.signal,
  findTlc: () => findTlc(),
});
