/** The command line. A command's code is loaded when it runs: a server starts without the checker. */
import { Command } from 'commander';
import type { CheckOptions } from './check.js';
import type { ConformOptions } from './conform.js';
import type { DoctorOptions } from './doctor.js';
import type { EnsembleOptions } from './ensemble.js';
import type { Outcome } from './failure.js';
import type { StartOptions } from './start.js';

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

  const ensembleCommand = (name: string, description: string): Command =>
    command(name, description)
      .option('--nodes <n>', 'how many servers (default: 3, or as many as the directory holds)')
      .option('--data <dir>', 'where configuration, data and logs of the servers are', 'data')
      .option('--base-port <port>', 'first client port (default: 2181, or the next ones that are free)');

  ensembleCommand('start', 'Checks some models, compares the core with their graphs, then runs an ensemble.')
    .option('--no-check', 'the ensemble alone')
    .action(async (options: StartOptions) => {
      const { start } = await import('./start.js');
      ended(await start(options));
    });

  command('doctor', 'Looks for what the commands need, and says how to get it.')
    .option('--data <dir>', 'the directory whose disk is tried', 'data')
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('./doctor.js');
      ended(await doctor(options));
    });

  ensembleCommand(
    'ensemble',
    'Runs an ensemble on this machine, each server a process; its data stays for the next start.',
  ).action(async (options: EnsembleOptions) => {
    const { ensemble } = await import('./ensemble.js');
    ended(await ensemble(options));
  });

  const modelsCommand = (name: string, description: string): Command =>
    command(name, description)
      .argument('[model...]', 'names of models (default: those of the tier "tiny")')
      .option('--all', 'larger models too')
      .option('--models <file>', 'another file than spec/models.json; the modules stand beside it')
      .option('--jobs <n>', 'models at a time (default: 2, or 1 on a single core)')
      .option('--time-limit <seconds>', 'for TLC, each model (default: 3600)')
      .option('--heap <size>', "for TLC's memory, as in 4g");

  modelsCommand('check', 'Lets TLC check the models of the spec; what must fail has to fail.')
    .option('--bug <issue>', 'with a historic bug switched on, as in ZOOKEEPER-2845')
    .option('--out <file>', 'where a counterexample is kept (default: traces/MODEL.ndjson)')
    .option('--servers <n>', 'of a model made to measure: check replication --servers 3 --txns 2 --crashes 1')
    .option('--observers <n>', 'servers without a vote')
    .option('--txns <n>', 'transactions that may be broadcast')
    .option('--crashes <n>', 'how often a server may crash')
    .option('--cuts <n>', 'how often a connection may end')
    .option('--elections <n>', 'how often a leader may be elected')
    .action(async (names: string[], options: CheckOptions) => {
      const { checkModels } = await import('./check.js');
      ended(await checkModels(names, options));
    });

  modelsCommand(
    'conform',
    "Compares TLC's whole state graphs with those of the shipping core, or replays one run on it.",
  )
    .option('--trace <file>', 'replays this kept run instead; - is standard input')
    .option('--fresh', 'asks TLC even where its graph is at hand (.cache/graphs)')
    .option('--actions', 'a table of the edges of each action')
    .action(async (names: string[], options: ConformOptions & { trace?: string }) => {
      const { trace, models, json: asJson } = options;
      if (trace === undefined) {
        const { conform } = await import('./conform.js');
        return ended(await conform(names, options));
      }
      const { conformTrace } = await import('./traceReplay.js');
      ended(conformTrace(names, { trace, json: asJson, ...(models === undefined ? {} : { models }) }));
    });

  return program;
};
