/**
 * What the command line knows: which commands there are. How each is called lies in `commands/`, a file each; what carries it
 * out is loaded only when it is run.
 */
import { styleText } from 'node:util';
import { Command } from 'commander';
import { registerDelete } from './commands/delete.ts';
import { registerDeletions } from './commands/deletions.ts';
import { registerEvents } from './commands/events.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerFailed } from './commands/failed.ts';
import { registerImport } from './commands/import.ts';
import { registerProbe } from './commands/probe.ts';
import { registerReceipts } from './commands/receipts.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { HELP_STYLE } from './commands/help.ts';
import type { Ended, Register } from './commands/register.ts';
import { registerSandbox } from './commands/sandbox.ts';
import { registerSchema } from './commands/schema.ts';
import { registerStatus } from './commands/status.ts';
import { registerCreate, registerUpdate } from './commands/user-jobs.ts';
import { registerWorker } from './commands/worker.ts';
import type { CommandContext, OutputStream } from './context.ts';

/** In the order of the help. */
const COMMANDS: readonly Register[] = [
  registerWorker,
  registerSandbox,
  registerCreate,
  registerUpdate,
  registerDelete,
  registerDeletions,
  registerImport,
  registerReconcile,
  registerStatus,
  registerEvents,
  registerFailed,
  registerReceipts,
  registerSchema,
  registerDoctor,
  registerProbe,
];

/** The width of the help where the output is no terminal. */
const COLUMNS = 80;

const ENDS = `
\`damoov-users COMMAND --help\` tells more and has examples. Queues and credentials come from the environment, and from .env.
Exit status: 0 done, 1 it failed, 2 bad usage, input or configuration. The result goes to stdout, the rest to stderr.`;

/** @param ended called with whether the command did what was asked, if it can fail without an error. */
export function commandLine(version: string, ended: Ended, context: CommandContext): Command {
  const { stdout, stderr } = context;
  const program = new Command('damoov-users')
    .description('Provisions, updates and deletes Damoov users from a Redis queue.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? COLUMNS,
      getErrHelpWidth: () => stderr.columns ?? COLUMNS,
      getOutHasColors: () => hasColors(stdout),
      getErrHasColors: () => hasColors(stderr),
    })
    .showHelpAfterError('(--help tells more)')
    .configureHelp(HELP_STYLE)
    .addHelpCommand(
      new Command('help').argument('[command]').description('the same as --help').helpGroup('Help:'),
    )
    .addHelpText('after', ENDS);
  for (const register of COMMANDS) register(program, ended, context);
  return program;
}

/** By the rule of Node: a terminal has colours unless NO_COLOR is set; FORCE_COLOR gives them to every stream. */
function hasColors(stream: OutputStream): boolean {
  return styleText('bold', '', { stream }) !== '';
}
