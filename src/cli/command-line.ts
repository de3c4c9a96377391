/**
 * What the command line knows: which commands there are. How each is called lies in `commands/`, a file each; what carries it
 * out is loaded only when it is run.
 */
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

const ENDS = `
\`damoov-users COMMAND --help\` tells more and has examples. Queues and credentials come from the environment, and from .env.
Exit status: 0 done, 1 it failed, 2 bad usage, input or configuration. The result goes to stdout, the rest to stderr.`;

/** @param ended told whether the command did what it was asked for, where it can fail without an error. */
export function commandLine(version: string, ended: Ended): Command {
  const program = new Command('damoov-users')
    .description('Provisions, updates and deletes Damoov users from a Redis queue.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .configureHelp(HELP_STYLE)
    .addHelpCommand(
      new Command('help').argument('[command]').description('the same as --help').helpGroup('Help:'),
    )
    .addHelpText('after', ENDS);
  for (const register of COMMANDS) register(program, ended);
  return program;
}
