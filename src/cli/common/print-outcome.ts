/**
 * `--wait`: prints how a job ended: the type and the data of its event.
 */
import { type ResultOptions, ResultTimeoutError } from '../../client/results.ts';
import type { EventType, JobResult } from '../../contract/event.ts';
import { outputOf } from '../terminal/output.ts';
import type { CommandContext } from './command-context.ts';

export interface WaitOptions {
  wait?: boolean;
  /** Milliseconds. */
  timeout: number;
}

/**
 * Prints it as one line of JSON.
 * @param wanted the requested outcome: returns true if it is that one.
 */
export async function printOutcome(
  wanted: EventType,
  { timeout: timeoutMs }: WaitOptions,
  { stdout }: CommandContext,
  result: (options: ResultOptions) => Promise<JobResult>,
): Promise<boolean> {
  const end = await result({ timeoutMs }).catch((error: unknown) => {
    if (!(error instanceof ResultTimeoutError)) throw error;
    throw new Error(
      `the job has not ended within ${timeoutMs / 1000} s (--timeout); it stays in the queue. ` +
        '`status` shows what holds jobs back',
    );
  });
  await outputOf(stdout).line(JSON.stringify(end));
  return end.type === wanted;
}
