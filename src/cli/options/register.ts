/**
 * What the registration of a command is: it names the command, its options and what carries it out, and carries out nothing.
 */
import type { Command } from 'commander';
import type { CommandContext } from '../shared/command-context.ts';

/** Told whether a command did what it was asked for, where it can fail without an error. */
export type Ended = (isDone: boolean) => void;

/** Adds a command. The module that carries it out is loaded in its action: all of them together take a second. */
export type Register = (program: Command, ended: Ended, context: CommandContext) => void;
