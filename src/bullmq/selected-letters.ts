/**
 * The dead letters that an operator selects, of several events queues.
 */
import type { Queue } from 'bullmq';
import { type DeadLetter, createDeadLetters } from './dead-letters.ts';
import { type Ages, type Moment, type Selection, matching, spanOf } from './selection.ts';

export interface LetterFilter extends Ages {
  type?: string[] | undefined;
  /** Of events. */
  id?: string[] | undefined;
  clientId?: string | undefined;
  userId?: string | undefined;
}

/** @param then selects what was selected at that moment. Default: now. */
export async function selectDeadLetters(
  queues: readonly Queue[],
  filter: LetterFilter,
  then?: Moment,
): Promise<Selection<DeadLetter>> {
  const sets = queues.map((queue) => ({ name: queue.name, letters: createDeadLetters(queue) }));
  const moment = then ?? {
    now: Date.now(),
    newest: Object.fromEntries(
      await Promise.all(
        sets.map(async ({ name, letters }) => [name, (await letters.newest()) ?? 0] as const),
      ),
    ),
  };
  async function* readAll() {
    for (const { name, letters } of sets)
      yield* letters.read(spanOf(filter, moment.now, moment.newest[name]));
  }
  const change = (does: 'retry' | 'drop') => async (some: readonly DeadLetter[]) => {
    let done = 0;
    for (const { name, letters } of sets)
      done += await letters[does](some.filter(({ queue }) => queue === name));
    return done;
  };
  return {
    what: 'dead letter',
    kindOf: ({ queue, type }) => ({ queue, type }),
    read: () => matching(readAll(), (letter) => isWanted(letter, filter)),
    async all() {
      const failed = await Promise.all(queues.map((queue) => queue.getFailedCount()));
      return failed.reduce((sum, count) => sum + count, 0);
    },
    retry: change('retry'),
    drop: change('drop'),
    moment,
  };
}

function isWanted(letter: DeadLetter, { id, type, clientId, userId }: LetterFilter): boolean {
  return (
    (id === undefined || (letter.eventId !== undefined && id.includes(letter.eventId))) &&
    (type === undefined || type.includes(letter.type)) &&
    (clientId === undefined || clientId === letter.clientId) &&
    (userId === undefined || userId.toLowerCase() === letter.userId?.toLowerCase())
  );
}
