/**
 * Options that several commands have, and the numbers that options take. Knows no command.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from './duration-option.ts';
import { parseInstantMs } from './instant.ts';

/** Whom a command is about: `UserOptions`. */
export function ofUser(command: Command): Command {
  return command
    .option('--client-id <id>', 'the user with this clientId')
    .option('--user-id <id>', 'the user with this UserId')
    .option('--instance <name>', 'of this Damoov instance');
}

export function inOption(): Option {
  return new Option('--in <span>', 'due after that: 90s, 45m, 12h, 30d, 2w').argParser(parseDurationMs);
}

export function atOption(): Option {
  return new Option('--at <time>', 'due then: ISO 8601 with a zone')
    .argParser(parseInstantMs)
    .conflicts('in');
}

/** For machines; where a command has more to say of it, it has its own. */
export function jsonOption(what = 'tell it in JSON'): Option {
  return new Option('--json', what);
}

export function waitOption(): Option {
  return new Option('--wait', 'wait for the end, and print the type and the data of its event');
}

export function timeoutOption(): Option {
  return new Option('--timeout <span>', 'with --wait: for how long')
    .default(60_000, '60s')
    .argParser(parseDurationMs);
}

/** @throws InvalidArgumentError, which commander reports by the option's name. */
export function parseCount(text: string): number {
  return parseWhole(text, undefined, 'must be a whole number, 0 for all.');
}

/** @throws InvalidArgumentError, which commander reports by the option's name. */
export function parseWhole(text: string, _before?: unknown, fault = 'must be a whole number.'): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count)) throw new InvalidArgumentError(fault);
  return count;
}

/**
 * The name of a file that is written, and read again.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseFileName(text: string): string {
  if (text !== '-') return text;
  throw new InvalidArgumentError('must be a file, which - is not: name one.');
}

/**
 * As EVENTS_QUEUES has them.
 * @throws InvalidArgumentError, which commander reports by the option's name.
 */
export function parseQueueName(text: string): string {
  if (text.trim() !== '' && !text.includes(':')) return text;
  throw new InvalidArgumentError(
    'must be the name of a queue, such as user-events: not empty, and without a colon.',
  );
}

/** @throws InvalidArgumentError, which commander reports by the option's name. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('must be 0 to 65535.');
  return port;
}
