/**
 * `--wait`: tells how a job ended, by the type and the data of its event, where somebody waits for it. Knows no command.
 */
import { durationText } from '../../contract/duration.ts';
import type { EventType, JobResult } from '../../contract/event.ts';
import { type ResultOptions, ResultTimeoutError } from '../../client/results.ts';
import type { CommandContext } from './command-context.ts';
import { outputOf } from '../terminal/output.ts';

/**
 * Prints it as one line of JSON.
 * @param wanted the end that was asked for: true where it is that one.
 * @param whatHolds says what keeps the job from ending.
 */
export async function tellEnd(
  wanted: EventType,
  { timeout: timeoutMs }: { timeout: number },
  { stdout }: CommandContext,
  result: (options: ResultOptions) => Promise<JobResult>,
  whatHolds: () => Promise<string>,
): Promise<boolean> {
  const end = await result({ timeoutMs }).catch(async (error: unknown) => {
    if (!(error instanceof ResultTimeoutError)) throw error;
    // Where Redis does not tell, that the wait is over is still true.
    const reason = await whatHolds().catch(() => 'what holds it cannot be read');
    throw new Error(
      `the job has not ended within ${timeoutMs < 1000 ? `${timeoutMs}ms` : durationText(timeoutMs)} (--timeout)${reason === '' ? '' : `: ${reason}`}.\n` +
        'It stays in the queue, and ends when it can',
    );
  });
  await outputOf(stdout).line(JSON.stringify(end));
  return end.type === wanted;
}
