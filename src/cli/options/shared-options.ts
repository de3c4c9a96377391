/**
 * Options that several commands have.
 */
import { type Command, Option } from 'commander';
import { parseDurationMs, parseInstantMs } from './parse.ts';

/** Whom a command is about: `UserOptions`. */
export function ofUser(command: Command): Command {
  return command
    .option('--client-id <id>', 'the user with this clientId')
    .option('--user-id <id>', 'the user with this UserId')
    .option('--instance <name>', 'of this Damoov instance');
}

/** When something is due: `DueOptions`. */
export function withDue(command: Command): Command {
  return command
    .option('--in <span>', 'due after that: 90s, 45m, 12h, 30d, 2w', parseDurationMs)
    .addOption(
      new Option('--at <time>', 'due then: ISO 8601 with a zone').argParser(parseInstantMs).conflicts('in'),
    );
}

/** Whether the end of a job is waited for: `WaitOptions`. */
export function withWait(command: Command): Command {
  return command
    .option('--wait', 'wait for the end, and print the type and the data of its event')
    .addOption(durationOption('--timeout <span>', 'with --wait: for how long', '60s'));
}

export function durationOption(flags: string, description: string, byDefault: string): Option {
  return new Option(flags, description)
    .argParser(parseDurationMs)
    .default(parseDurationMs(byDefault), byDefault);
}

/** Every command has it, for machines. */
export function withJson(command: Command, description = 'print JSON'): Command {
  return command.option('--json', description);
}
