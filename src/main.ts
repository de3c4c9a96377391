#!/usr/bin/env node
/**
 * The command `damoov-users`: reads the command line, runs one command, turns its end into an exit status.
 */
import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { DeleteOptions } from './cli/delete.ts';
import type { ListDeletionsOptions, RescheduleOptions } from './cli/deletions.ts';
import { parseDurationMs } from './cli/duration.ts';
import { parseInstantMs } from './cli/instant.ts';
import type { SandboxCommandOptions } from './cli/sandbox.ts';
import { UsageError } from './cli/usage-error.ts';
import type { UserOptions } from './cli/with-deletions.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(createRequire(import.meta.url)('../package.json'));

const DONE = 0;
const FAILED = 1;
const BAD_USAGE = 2;

process.exit(await run(process.argv));

/** Each command's module is loaded when the command is run: all of them together take a second. */
async function run(argv: string[]): Promise<number> {
  let status = DONE;
  const ended = (isDone: boolean) => {
    if (!isDone) status = FAILED;
  };
  const program = new Command('damoov-users')
    .description('Provisions, updates and deletes Damoov users from a Redis queue.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells more)');
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .action(async () => (await import('./cli/worker.ts')).worker());
  program
    .command('sandbox')
    .description('simulate the Damoov user API, in memory')
    .addOption(
      new Option('--port <port>', 'port to listen on, 0 for any free one').default(7700).argParser(parsePort),
    )
    .addOption(new Option('--host <host>', 'address to listen on').default('127.0.0.1'))
    .action(async (options: SandboxCommandOptions) => (await import('./cli/sandbox.ts')).sandbox(options));
  addDelete(program, ended);
  addDeletions(program, ended);
  try {
    await program.parseAsync(argv);
    return status;
  } catch (error) {
    // Commander has already said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : BAD_USAGE;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return isBadUsage(error) ? BAD_USAGE : FAILED;
  }
}

/** A faulty configuration says so by its name: its module is loaded only where one is read. */
function isBadUsage(error: unknown): boolean {
  return error instanceof UsageError || (error instanceof Error && error.name === 'ConfigError');
}

function addDelete(program: Command, ended: (isDone: boolean) => void): void {
  ofUser(program.command('delete').description('have a user deleted, at once or later'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--reschedule', 'move the deletion where one is pending already')
    .option('--reason <text>', 'why; kept with the job until it is over')
    .option('--correlation-id <id>', 'your reference, handed through to the event')
    .option('--wait', 'wait for the end, and print the event')
    .option('--json', 'for machines')
    .action(async (options: DeleteOptions) =>
      ended(await (await import('./cli/delete.ts')).deleteUser(options)),
    );
}

function addDeletions(program: Command, ended: (isDone: boolean) => void): void {
  const deletions = program
    .command('deletions')
    .description('deletions that are pending: list, cancel, move');
  const load = () => import('./cli/deletions.ts');
  ofUser(deletions.command('list').description('the next due first; changes nothing'))
    .addOption(new Option('--next <count>', 'how many, 0 for all').default(50).argParser(parseCount))
    .option('--from <time>', 'due then or later (ISO 8601)', parseInstantMs)
    .option('--until <time>', 'due then or earlier', parseInstantMs)
    .option('--json', 'for machines, one line each')
    .action(async (options: ListDeletionsOptions) => (await load()).listDeletions(options));
  ofUser(
    deletions
      .command('cancel')
      .description('cancel the deletion of a user; status 0 only where it was cancelled'),
  )
    .option('--json', 'for machines')
    .action(async (options: UserOptions & { json?: boolean }) =>
      ended(await (await load()).cancelDeletion(options)),
    );
  ofUser(deletions.command('reschedule').description('move the deletion of a user'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--json', 'for machines')
    .action(async (options: RescheduleOptions) => ended(await (await load()).rescheduleDeletion(options)));
}

function ofUser(command: Command): Command {
  return command
    .option('--client-id <id>', 'the user with this clientId')
    .option('--user-id <id>', 'the user with this UserId')
    .option('--instance <name>', 'of this Damoov instance');
}

function inOption(): Option {
  return new Option('--in <span>', 'due after that: 90s, 45m, 12h, 30d, 2w').argParser(parseDurationMs);
}

function atOption(): Option {
  return new Option('--at <time>', 'due then: ISO 8601 with a zone')
    .argParser(parseInstantMs)
    .conflicts('in');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count))
    throw new InvalidArgumentError('must be a whole number, 0 for all.');
  return count;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('must be 0 to 65535.');
  return port;
}
