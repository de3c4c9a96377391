/**
 * What the registration of a command is: it names the command, its options and what carries it out, and carries out nothing.
 */
import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';

/** Carries a command out, given its arguments and options. False: it did not do what it was asked for. */
export type Act<Args extends unknown[]> = (...args: [...Args, CommandContext]) => Promise<boolean | void>;

/** Makes an action for commander. The module is loaded in the action: all of them together take a second. */
export type Run = <Args extends unknown[]>(
  load: () => Promise<Act<Args>>,
) => (...args: unknown[]) => Promise<void>;

/** Adds a command. */
export type Register = (program: Command, run: Run) => void;
