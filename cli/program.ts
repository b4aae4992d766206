/** The command line. A command's code is loaded when it runs: a server starts without the checker. */
import { Command } from 'commander';
import type { EnsembleOptions } from './ensemble.js';
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

  command('ensemble', 'Runs an ensemble on this machine, each server a process; its data stays for the next start.')
    .option('--nodes <n>', 'how many servers (default: 3, or as many as the directory holds)')
    .option('--data <dir>', 'where configuration, data and logs of the servers are', 'data')
    .option('--base-port <port>', 'first client port (default: 2181, or the next ones that are free)')
    .action(async (options: EnsembleOptions) => {
      const { ensemble } = await import('./ensemble.js');
      ended(await ensemble(options));
    });

  return program;
};
