/**
 * The commands of the command line. Each `define.ts` declares how a command is called; its code is loaded only when it runs.
 */
import { Command } from 'commander';
import {
  registerCreate,
  registerMove,
  registerResume,
  registerSuspend,
  registerUpdate,
} from './create-update/define.ts';
import { registerAudit } from './audit/define.ts';
import { registerDelete } from './delete/define.ts';
import { registerDeletions } from './deletions/define.ts';
import { registerDoctor } from './doctor/define.ts';
import { registerEvents } from './events/define.ts';
import { registerDeadLetters } from './dead-letters/define.ts';
import { registerFailed } from './failed/define.ts';
import { registerImport } from './import/define.ts';
import { registerProbe } from './probe/define.ts';
import { registerQueue } from './queue/define.ts';
import { registerReceipts } from './receipts/define.ts';
import { registerReconcile } from './reconcile/define.ts';
import { registerSandbox } from './sandbox/define.ts';
import { registerSchema } from './schema/define.ts';
import type { CommandContext } from './common/command-context.ts';
import type { Act, Register } from './common/register.ts';
import { registerStatus } from './status/define.ts';
import { registerUser } from './user/define.ts';
import { registerWorker } from './worker/define.ts';

/** In the order of the help, grouped by task. */
export const GROUPS: Readonly<Record<string, readonly Register[]>> = {
  'Run it:': [registerWorker, registerSandbox],
  'Users:': [
    registerCreate,
    registerUpdate,
    registerSuspend,
    registerResume,
    registerMove,
    registerDelete,
    registerDeletions,
    registerImport,
    registerReconcile,
  ],
  'Watch over it:': [
    registerStatus,
    registerUser,
    registerEvents,
    registerFailed,
    registerDeadLetters,
    registerQueue,
    registerAudit,
    registerReceipts,
  ],
  'Set it up, connect to it:': [registerSchema, registerDoctor, registerProbe],
};

/** The width of the help if the output is not a terminal. */
const COLUMNS = 80;

const ENDS = `
\`damoov-users COMMAND --help\` shows details and examples. Queues and credentials come from the environment, and from .env.
Exit status: 0 done, 1 failed, 2 bad usage, input or configuration. The result goes to stdout, the rest to stderr.`;

/** @param onFailed called if a command failed without an error. */
export function commandLine(version: string, onFailed: () => void, context: CommandContext): Command {
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
    })
    .showHelpAfterError('(see --help)')
    .addHelpCommand(
      new Command('help').argument('[command]').description('the same as --help').helpGroup('Help:'),
    )
    .addHelpText('after', ENDS);
  const run =
    <Args extends unknown[]>(load: () => Promise<Act<Args>>) =>
    async (...args: unknown[]) => {
      const act = await load();
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- commander gives the arguments and options that the command has, then the command
      const given = args.slice(0, -1) as Args;
      if ((await act(...given, context)) === false) onFailed();
    };
  for (const [heading, commands] of Object.entries(GROUPS)) {
    program.commandsGroup(heading);
    for (const register of commands) register(program, run);
  }
  return program;
}
