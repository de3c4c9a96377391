/**
 * The types for registering a command: its name, options and action. Runs nothing.
 */
import type { Command } from 'commander';
import type { CommandContext } from './command-context.ts';

/** Runs a command with its arguments and options. False: the command failed. */
export type Act<Args extends unknown[]> = (...args: [...Args, CommandContext]) => Promise<boolean | void>;

/** Makes an action for commander. The action itself loads its module: loading all takes a second. */
export type Run = <Args extends unknown[]>(
  load: () => Promise<Act<Args>>,
) => (...args: unknown[]) => Promise<void>;

export type Register = (program: Command, run: Run) => void;
