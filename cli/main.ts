#!/usr/bin/env node
/** The one binary: reads the command line, runs one command, ends with its exit code. */
import { writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import { CommanderError } from 'commander';
import { exits, failureJson, failureText, interrupted } from './failure.js';
import type { Failure, Outcome } from './failure.js';
import { version } from './place.js';
import { makeProgram } from './program.js';

const args = process.argv.slice(2);
/** Known before the command line is understood, since errors in it are told in JSON too. */
const json = args.includes('--json');

/** What was written reaches a pipe before the process ends. */
const leave = (code: number): void => {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
};

const settle = (outcome: Outcome): void => {
  if (E.isRight(outcome)) return leave(exits.ok);
  const failure = outcome.left;
  if (json) process.stdout.write(failureJson(failure));
  else process.stderr.write(failureText(failure));
  leave(failure.exit);
};

/** Our own mistake: the server stops as after a crash, and a file keeps what is known. */
const bug = (error: unknown): Failure => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const path = join(tmpdir(), `zabkeeper-bug-${process.pid}-${Date.now()}.txt`);
  const kept = [`zabkeeper ${version()}, Node ${process.version}, ${process.platform}`, args.join(' '), text];
  writeFileSync(path, `${kept.join('\n')}\n`);
  return {
    code: 'Bug',
    exit: 70,
    message: `a mistake of zabkeeper itself: ${text.split('\n')[0] ?? ''}`,
    hint: `please report it with the file ${path}`,
    details: { report: path },
  };
};

/** At once: after a broken assertion nothing that is still queued may run. */
const onBug = (error: unknown): never => {
  const failure = bug(error);
  writeSync(json ? 1 : 2, json ? failureJson(failure) : failureText(failure));
  process.exit(failure.exit);
};
process.on('uncaughtException', onBug);
process.on('unhandledRejection', onBug);
// `zabkeeper check | head` closes the pipe: nothing more to tell anyone.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exits.ok);
  else onBug(error);
});

// Commands that have something to stop bring handlers of their own.
process.on('SIGINT', () => {
  if (process.listenerCount('SIGINT') === 1) settle(E.left(interrupted));
});

let outcome: Outcome = E.right(undefined);
const program = makeProgram({
  version: version(),
  json,
  ended: (result) => {
    outcome = result;
  },
});
program
  .parseAsync(args, { from: 'user' })
  .then(() => settle(outcome))
  .catch((error: unknown) => {
    if (!(error instanceof CommanderError)) return onBug(error);
    // Help and version were asked for and printed; all else is a wrong command line.
    if (error.exitCode === 0) return leave(exits.ok);
    const message = error.message.replace(/^error: /, '');
    const helped = error.code === 'commander.help';
    return settle(
      E.left({
        code: 'Usage',
        exit: 2,
        message: helped ? 'no command is given' : message,
        hint: 'zabkeeper --help lists the commands, zabkeeper COMMAND --help their options',
      }),
    );
  });
