/** The command line. A command's code is loaded when it runs: a server starts without the checker. */
import { Command } from 'commander';
import type { Outcome } from './failure.js';

export type Setup = {
  readonly version: string;
  /** `--json` stands somewhere on the command line. */
  readonly json: boolean;
  readonly ended: (outcome: Outcome) => void;
};

export const makeProgram = ({ version, json, ended }: Setup): Command => {
  const program = new Command('zabkeeper')
    .description('A ZooKeeper whose protocol is its specification.')
    .version(version)
    .exitOverride()
    .showHelpAfterError(false)
    // Errors are told once, by the caller, in text or in JSON.
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', '\nExit codes: docs/cli.md. Every command has --help and --json.');
  if (json) program.configureOutput({ writeErr: () => undefined });

  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('--json', 'machine-readable output; a failure is one line {"error": ...}', false)
      .exitOverride();

  command('serve', 'Runs one server in the foreground; SIGTERM and Ctrl-C stop it cleanly.')
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .option('--myid <n>', "this server's id, in place of the file myid")
    .action(async (file: string, options: { myid?: string; json: boolean }) => {
      const { serve } = await import('./serve.js');
      ended(await serve(file, options));
    });

  return program;
};
