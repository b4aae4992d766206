/** The command line. A command's code is loaded when it runs: a server starts without the checker. */
import { Command } from 'commander';
import type { CheckOptions } from './check.js';
import type { ConformOptions } from './conform.js';
import type { DoctorOptions } from './doctor.js';
import type { EnsembleOptions } from './ensemble.js';
import type { Outcome } from './failure.js';
import type { CleanupOptions, InitOptions } from './manage.js';
import type { CompareOptions, DumpOptions, RestoreOptions, SummaryOptions } from './snapshotFiles.js';
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

  const group = (name: string, description: string): Command =>
    program.command(name).description(description).exitOverride();

  const command = (name: string, description: string, within = program): Command =>
    within
      .command(name)
      .description(description)
      .option('--json', 'machine-readable output; a failure is one line {"error": ...}', false)
      .exitOverride();

  command('serve', 'Runs one server in the foreground; SIGTERM and Ctrl-C stop it cleanly.')
    .argument('[zoo.cfg]', "ZooKeeper's configuration file (default: zoo.cfg in ZOOCFGDIR)")
    .option('--myid <n>', "this server's id, in place of the file myid")
    .action(async (file: string | undefined, options: { myid?: string; json: boolean }) => {
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

  command('status', 'Asks the server of a configuration how it is; exit 1 when it does not serve.')
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .action(async (file: string, options: { json: boolean }) => {
      const { status } = await import('./manage.js');
      ended(await status(file, options));
    });

  command('stop', 'Stops the server that uses the data directory of a configuration, and waits for its end.')
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .action(async (file: string, options: { json: boolean }) => {
      const { stop } = await import('./manage.js');
      ended(await stop(file, options));
    });

  command('init', 'Makes the directories of a new server, and its myid.')
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .option('--myid <n>', "this server's id")
    .option('--force', 'removes what the directories hold')
    .action(async (file: string, options: InitOptions) => {
      const { init } = await import('./manage.js');
      ended(init(file, options));
    });

  command('cleanup', 'Removes logs and snapshots that no start needs any more.')
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .option('--count <n>', 'snapshots that stay, at least 3 (default: autopurge.snapRetainCount)')
    .action(async (file: string, options: CleanupOptions) => {
      const { cleanup } = await import('./manage.js');
      ended(cleanup(file, options));
    });

  const config = group('config', 'Looks at configurations.');
  command('check', 'Shows everything that is wrong or odd; exit 3 when a server would not start.', config)
    .argument('<zoo.cfg>', "ZooKeeper's configuration file")
    .option('--myid <n>', "this server's id, in place of the file myid")
    .action(async (file: string, options: { json: boolean; myid?: string }) => {
      const { checkConfig } = await import('./manage.js');
      ended(checkConfig(file, options));
    });
  command('keys', 'Lists every key with its default and what it does, or why it does nothing.', config)
    .option('--markdown', 'as docs/configuration.md')
    .action(async (options: { json: boolean; markdown?: boolean }) => {
      const { showKeys } = await import('./keysPage.js');
      ended(showKeys(options));
    });

  const txnlog = group('txnlog', 'Reads, mends and cuts transaction logs, ours and those of Apache.');
  command('dump', 'Shows every transaction; exit 1 when the log is damaged.', txnlog)
    .argument('<log>', 'a file log.ZXID')
    .action(async (file: string, options: { json: boolean }) => {
      const { dumpLog } = await import('./txnlog.js');
      ended(dumpLog(file, options));
    });
  command('repair', 'Writes checksums that do not fit anew, into LOG.fixed.', txnlog)
    .argument('<log>', 'a file log.ZXID')
    .action(async (file: string, options: { json: boolean }) => {
      const { repairLog } = await import('./txnlog.js');
      ended(repairLog(file, options));
    });
  command('chop', 'Leaves out what follows a transaction, into LOG.chopped.', txnlog)
    .argument('<log>', 'a file log.ZXID')
    .requiredOption('--zxid <zxid>', 'the last transaction that stays, hexadecimal')
    .action(async (file: string, options: { json: boolean; zxid: string }) => {
      const { chopLog } = await import('./txnlog.js');
      ended(chopLog(file, options.zxid, options));
    });

  const snapshot = group('snapshot', 'Reads, compares and restores snapshots, ours and those of Apache.');
  command('dump', 'Shows every znode and session.', snapshot)
    .argument('<snapshot>', 'a file snapshot.ZXID, compressed or not')
    .option('--data', 'what the znodes hold too')
    .action(async (file: string, options: DumpOptions) => {
      const { dumpSnapshot } = await import('./snapshotFiles.js');
      ended(dumpSnapshot(file, options));
    });
  command('compare', 'Shows how two snapshots differ; exit 1 when they do.', snapshot)
    .argument('<left>', 'a snapshot')
    .argument('<right>', 'another one')
    .option('--bytes <n>', 'only differences of so many bytes')
    .option('--nodes <n>', 'only differences of so many znodes')
    .action(async (left: string, right: string, options: CompareOptions) => {
      const { compareSnapshots } = await import('./snapshotFiles.js');
      ended(compareSnapshots(left, right, options));
    });
  command('summary', 'Children and bytes below a path.', snapshot)
    .argument('<snapshot>', 'a file snapshot.ZXID, compressed or not')
    .argument('[path]', 'where to begin', '/')
    .option('--depth <n>', 'how far down (default: 1)')
    .action(async (file: string, path: string, options: SummaryOptions) => {
      const { summarizeSnapshot } = await import('./snapshotFiles.js');
      ended(summarizeSnapshot(file, path, options));
    });
  command('restore', "Puts a snapshot in place of a stopped server's history, which is kept beside it.", snapshot)
    .argument('<snapshot>', 'a file snapshot.ZXID, compressed or not')
    .requiredOption('--config <zoo.cfg>', "the server's configuration file")
    .option('--myid <n>', "this server's id, in place of the file myid")
    .action(async (file: string, options: RestoreOptions) => {
      const { restoreSnapshot } = await import('./snapshotFiles.js');
      ended(await restoreSnapshot(file, options));
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
