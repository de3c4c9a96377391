/**
 * Changes what an operator confirmed a page at a time, and says how it ended.
 */
import { type Tally, changeEach, goneOf } from '../../../bullmq/selection.ts';
import { figure } from '../words.ts';
import type { End, Note } from './action.ts';

/** Goes on until `note` says no. @param done such as `retried`. */
export async function changeAll<One>(
  pages: AsyncIterable<One[]>,
  act: (some: One[]) => Promise<number>,
  { count, done }: { count: number; done: string },
  note: Note,
): Promise<End> {
  let tally: Tally = { seen: 0, done: 0, inDoubt: 0 };
  let mayGoOn = true;
  await changeEach(pages, act, async (now) => {
    mayGoOn = await note(now);
    // A page that does not begin is not in doubt.
    tally = mayGoOn || now.inDoubt === 0 ? now : tally;
    return mayGoOn;
  });
  const isWhole = mayGoOn || tally.seen >= count;
  const gone = goneOf(tally, count, isWhole);
  const rest = gone === 0 ? '' : `, ${figure(gone)} gone meanwhile`;
  return { isWhole, text: `${figure(tally.done)} ${done}${rest}.` };
}
