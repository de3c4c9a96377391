/**
 * `--wait`: tells how a job ended, by the type and the data of its event, where somebody waits for it. Knows no command.
 */
import { durationText } from '../contract/duration.ts';
import type { EventType, JobResult } from '../contract/event.ts';
import { type ResultOptions, ResultTimeoutError } from '../producer/results.ts';
import type { CommandContext } from './context.ts';
import { outputOf } from './output.ts';

/**
 * Prints it as one line of JSON.
 * @param wanted the end that was asked for: true where it is that one.
 */
export async function tellEnd(
  wanted: EventType,
  { timeout: timeoutMs }: { timeout: number },
  { stdout }: CommandContext,
  result: (options: ResultOptions) => Promise<JobResult>,
): Promise<boolean> {
  const end = await result({ timeoutMs }).catch((error: unknown) => {
    if (!(error instanceof ResultTimeoutError)) throw error;
    throw new Error(
      `the job has not ended within ${durationText(timeoutMs)} (--timeout): it goes on, and its event will be published`,
    );
  });
  await outputOf(stdout).line(JSON.stringify(end));
  return end.type === wanted;
}
