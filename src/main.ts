#!/usr/bin/env node
/**
 * The command `damoov-users`: reads the command line, runs one command, turns its end into an exit status.
 */
import { createRequire } from 'node:module';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { parseDurationMs } from './cli/duration.ts';
import { dropFailed, listFailed, retryFailed } from './cli/failed.ts';
import { type VerifyCommandOptions, parseHead, parsePublicKey, verify } from './cli/receipts.ts';
import { sandbox } from './cli/sandbox.ts';
import { UsageError } from './cli/usage-error.ts';
import { worker } from './cli/worker.ts';
import { ConfigError } from './config.ts';
import { JOB_NAMES } from './contract/job.ts';
import { FAILURE_CODES } from './contract/outcome.ts';
import { UNKNOWN } from './redis/failed-jobs.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(createRequire(import.meta.url)('../package.json'));

const DONE = 0;
const FAILED = 1;
const BAD_USAGE = 2;

process.exit(await run(process.argv));

async function run(argv: string[]): Promise<number> {
  let status = DONE;
  const program = new Command('damoov-users')
    .description('Provisions, updates and deletes Damoov users from a Redis queue.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(--help tells more)');
  program
    .command('worker')
    .description('carry out the jobs of the queue; configured by the environment')
    .action(worker);
  program
    .command('sandbox')
    .description('simulate the Damoov user API, in memory')
    .addOption(
      new Option('--port <port>', 'port to listen on, 0 for any free one').default(7700).argParser(parsePort),
    )
    .addOption(new Option('--host <host>', 'address to listen on').default('127.0.0.1'))
    .action(sandbox);
  addFailed(program);
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
      const isIntact = await verify(file, options, (message) => command.error(message));
      status = isIntact ? DONE : FAILED;
    });
  try {
    await program.parseAsync(argv);
    return status;
  } catch (error) {
    // Commander has already said what is wrong, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : BAD_USAGE;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ConfigError || error instanceof UsageError ? BAD_USAGE : FAILED;
  }
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
  const isConfirmed = ['--yes', 'ask nobody'] as const;
  filtered('list', 'count the failed jobs and show them, the oldest first; changes nothing')
    .addOption(
      new Option('--limit <jobs>', 'how many are shown, 0 for all (with --json one line each)')
        .default(50)
        .argParser(parseLimit),
    )
    .action(listFailed);
  filtered('retry', 'run failed jobs again, with fresh attempts')
    .option(...isConfirmed)
    .action(retryFailed);
  filtered('drop', 'remove failed jobs')
    .option(...isConfirmed)
    .action(dropFailed);
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(limit)) {
    throw new InvalidArgumentError('must be a whole number, 0 for all.');
  }
  return limit;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('must be 0 to 65535.');
  return port;
}
