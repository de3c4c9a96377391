/**
 * What a command gets from the process that runs it. A test calls a command as a function with its own context.
 */
import type { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { Config } from '../../config/config.ts';

/** Where a command writes; a terminal has the optional properties. */
export type OutputStream = Writable & { isTTY?: boolean; columns?: number; hasColors?: () => boolean };

export interface CommandContext {
  readonly stdin: Readable & { isTTY?: boolean };
  /** For the result. */
  readonly stdout: OutputStream;
  /** For everything else: progress, questions, errors. */
  readonly stderr: OutputStream;
  /** Emits SIGINT and SIGTERM. */
  readonly signals: Pick<EventEmitter, 'on'>;
  /** Ends the command at once. */
  readonly exit: (status: number) => void;
  /** Makes the process use less memory and more time from now on. */
  readonly spareMemory: () => void;
  /** How long connecting to Redis may take, in milliseconds. */
  readonly reachMs: number;
  /** For waits of seconds. Monotonic, in milliseconds. */
  readonly clock: {
    now(): number;
    /** Rejects once the signal is aborted. */
    pause(ms: number, signal?: AbortSignal): Promise<void>;
  };
  /**
   * Reads the configuration.
   * @throws ConfigError
   */
  readonly loadConfig: () => Promise<Config>;
}

/** A person waits for it, but a connection to another continent takes time. */
export const REACH_MS = 5000;

export const realClock: CommandContext['clock'] = {
  now: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, { signal }),
};

export const processContext: CommandContext = {
  // A getter: Node opens the standard input at its first use.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  signals: process,
  exit: (status) => process.exit(status),
  spareMemory: () => setFlagsFromString('--optimize-for-size'),
  reachMs: REACH_MS,
  clock: realClock,
  async loadConfig() {
    // Loaded only by a command that reads the configuration: it takes longer than the help.
    const { loadConfig, loadEnvFile } = await import('../../config/config.ts');
    loadEnvFile();
    return loadConfig();
  },
};
