/**
 * What the command line knows: commands, options, and which module carries each out. That module is loaded only when its
 * command is run, as all of them together take a second.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { JOB_NAMES } from '../contract/job.ts';
import { FAILURE_CODES } from '../contract/outcome.ts';
import type { BrakeOptions } from './brake.ts';
import type { DeleteOptions } from './delete.ts';
import type { ListDeletionsOptions, RescheduleOptions } from './deletions.ts';
import { parseDurationMs } from './duration.ts';
import type { FailedChangeOptions, FailedListOptions } from './failed.ts';
import { parseInstantMs } from './instant.ts';
import { parseHead, parsePublicKey } from './receipt-options.ts';
import type { VerifyCommandOptions } from './receipts.ts';
import type { SandboxCommandOptions } from './sandbox.ts';
import type { UserOptions } from './with-deletions.ts';

/** What cannot be told of a failed job. */
const UNKNOWN = 'unknown';

/** @param ended told whether the command did what it was asked for, where it can fail without an error. */
export function commandLine(version: string, ended: (isDone: boolean) => void): Command {
  const program = new Command('damoov-users')
    .description('Provisions, updates and deletes Damoov users from a Redis queue.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells more)');
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .action(async () => (await import('./worker.ts')).worker());
  program
    .command('sandbox')
    .description('simulate the Damoov user API, in memory')
    .addOption(
      new Option('--port <port>', 'port to listen on, 0 for any free one').default(7700).argParser(parsePort),
    )
    .addOption(new Option('--host <host>', 'address to listen on').default('127.0.0.1'))
    .action(async (options: SandboxCommandOptions) => (await import('./sandbox.ts')).sandbox(options));
  addDelete(program, ended);
  addDeletions(program, ended);
  addFailed(program);
  addReceipts(program, ended);
  return program;
}

function addDelete(program: Command, ended: (isDone: boolean) => void): void {
  ofUser(program.command('delete').description('have a user deleted, at once or later'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--reschedule', 'move the deletion where one is pending already')
    .option('--reason <text>', 'why; kept with the job until it is over')
    .option('--correlation-id <id>', 'your reference, handed through to the event')
    .option('--wait', 'wait for the end, and print the type and the data of its event')
    .option('--json', 'tell it in JSON')
    .action(async (options: DeleteOptions) => ended(await (await import('./delete.ts')).deleteUser(options)));
}

function addDeletions(program: Command, ended: (isDone: boolean) => void): void {
  const deletions = program
    .command('deletions')
    .description('deletions that are pending: list, cancel, move; and what the brake holds: release, refuse');
  addBrake(deletions);
  const load = () => import('./deletions.ts');
  ofUser(deletions.command('list').description('the next due first; changes nothing'))
    .addOption(new Option('--next <count>', 'how many, 0 for all').default(50).argParser(parseCount))
    .option('--from <time>', 'due then or later (ISO 8601)', parseInstantMs)
    .option('--until <time>', 'due then or earlier', parseInstantMs)
    .option('--json', 'tell it in JSON, one line each')
    .action(async (options: ListDeletionsOptions) => (await load()).listDeletions(options));
  ofUser(
    deletions
      .command('cancel')
      .description('cancel the deletion of a user; status 0 only where it was cancelled'),
  )
    .option('--json', 'tell it in JSON')
    .action(async (options: UserOptions & { json?: boolean }) =>
      ended(await (await load()).cancelDeletion(options)),
    );
  ofUser(deletions.command('reschedule').description('move the deletion of a user'))
    .addOption(inOption())
    .addOption(atOption())
    .option('--json', 'tell it in JSON')
    .action(async (options: RescheduleOptions) => ended(await (await load()).rescheduleDeletion(options)));
}

function addFailed(program: Command): void {
  const failed = program
    .command('failed')
    .description('the jobs that have failed: look at them, run them again, remove them');
  const filtered = (name: string, description: string) =>
    failed
      .command(name)
      .description(description)
      .addOption(
        new Option('--code <code...>', 'only jobs that failed with one of these').choices([
          ...FAILURE_CODES,
          UNKNOWN,
        ]),
      )
      .addOption(new Option('--operation <name>', 'only jobs of this name').choices([...JOB_NAMES, UNKNOWN]))
      .option('--id <id...>', 'only these jobs')
      .option('--instance <name>', 'only jobs of this Damoov instance')
      .option(
        '--older-than <age>',
        'only jobs that failed longer ago than this: 90s, 30m, 2h, 7d, 1w',
        parseDurationMs,
      )
      .option('--newer-than <age>', 'only jobs that failed within this time', parseDurationMs)
      .option('--json', 'tell it in JSON');
  const load = () => import('./failed.ts');
  const isConfirmed = ['--yes', 'ask nobody'] as const;
  filtered('list', 'count the failed jobs and show them, the oldest first; changes nothing')
    .addOption(
      new Option('--limit <jobs>', 'how many are shown, 0 for all (with --json one line each)')
        .default(50)
        .argParser(parseCount),
    )
    .action(async (options: FailedListOptions) => (await load()).listFailed(options));
  filtered('retry', 'run failed jobs again, with fresh attempts')
    .option(...isConfirmed)
    .action(async (options: FailedChangeOptions) => (await load()).retryFailed(options));
  filtered('drop', 'remove failed jobs')
    .option(...isConfirmed)
    .action(async (options: FailedChangeOptions) => (await load()).dropFailed(options));
}

function addReceipts(program: Command, ended: (isDone: boolean) => void): void {
  program
    .command('receipts')
    .description('receipts of deletions')
    .command('verify')
    .description('check a file of receipts, offline: one a line, or the user.deleted events that hold them')
    .argument('<file>', 'NDJSON, - for the standard input')
    .addOption(
      new Option(
        '--public-key <file>',
        'a key that signs receipts (PEM), repeatable; default: that of RECEIPT_PRIVATE_KEY_FILE',
      ).argParser(parsePublicKey),
    )
    .addOption(
      new Option(
        '--head <instance=hash>',
        'a receipt that must be there, so that no end was cut off, repeatable',
      ).argParser(parseHead),
    )
    .option('--complete', 'the receipts of each instance must begin with its first')
    .option('--allow-unsigned', 'let receipts without a signature pass')
    .option('--json', 'tell it in JSON')
    .action(async (file: string, options: VerifyCommandOptions, command: Command) => {
      const { verify } = await import('./receipts.ts');
      ended(await verify(file, options, (message) => command.error(message)));
    });
}

function addBrake(deletions: Command): void {
  const describe = {
    release: 'carry out what the brake holds',
    refuse: 'end what the brake holds as deletion-refused',
  };
  for (const decision of ['release', 'refuse'] as const) {
    ofUser(deletions.command(decision).description(`${describe[decision]}: all, or of one user`))
      .option('--yes', 'ask nobody')
      .option('--json', 'tell it in JSON')
      .action(async (options: BrakeOptions) => (await import('./brake.ts')).decideOver(decision, options));
  }
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
