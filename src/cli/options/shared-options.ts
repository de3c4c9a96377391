/**
 * Options that several commands have.
 */
import { type Command, Option } from 'commander';
import { parseDurationMs, parseInstantMs } from './parse.ts';

/** The user that a command concerns: `UserOptions`. */
export function ofUser(command: Command): Command {
  return command
    .option('--client-id <id>', 'the user with this clientId')
    .option('--user-id <id>', 'the user with this UserId')
    .option('--instance <name>', 'the Damoov instance of the user');
}

/** When something is due: `DueOptions`. */
export function withDue(command: Command): Command {
  return command
    .option('--in <span>', 'due after this time: 90s, 45m, 12h, 30d, 2w', parseDurationMs)
    .addOption(
      new Option('--at <time>', 'due at this time: ISO 8601 with a zone')
        .argParser(parseInstantMs)
        .conflicts('in'),
    );
}

/** Whether the command waits for the end of the job: `WaitOptions`. */
export function withWait(command: Command): Command {
  return command
    .option('--wait', 'wait for the end, and print the type and the data of its event')
    .addOption(durationOption('--timeout <span>', 'with --wait: maximum time', '60s'));
}

export function durationOption(flags: string, description: string, byDefault: string): Option {
  return new Option(flags, description)
    .argParser(parseDurationMs)
    .default(parseDurationMs(byDefault), byDefault);
}

export const WHY = 'why, for the audit log; no personal data';

export function withJson(command: Command, description = 'print JSON'): Command {
  return command.option('--json', description);
}
