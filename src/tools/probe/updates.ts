/**
 * Updates of one user, each confirmed by a look-up. Each also changes the first name, so that a look-up can show that it was carried out.
 */
import type { UserChanges } from '../../damoov/user-fields.ts';
import { type AnswerName, type SeenUser, answerText, toFact, isSuccess, notKnown } from './observation.ts';
import type { OwnUsers } from './own-users.ts';

/** The user after an update; or how the update was refused, or that it was never seen. */
type Updated = { user: SeenUser; afterMs: number } | { is: AnswerName | 'unknown'; seen: string };
export type Update = (changes: UserChanges) => Promise<Updated>;

export function createUpdater(own: OwnUsers, userId: string, patienceMs: number): Update {
  let count = 0;
  return async (changes) => {
    count += 1;
    const firstName = `Probe ${count}`;
    const answer = await own.update(userId, { ...changes, firstName });
    if (!isSuccess(answer)) return toFact(answer);
    const sight = await own.lookUntil(
      { deviceToken: userId },
      ([user]) => user?.firstName === firstName,
      patienceMs,
    );
    const user = sight?.users[0];
    if (sight === undefined || user === undefined) {
      return notKnown(`${answerText(answer)}, and no look-up showed the change in time`);
    }
    return { user, afterMs: sight.afterMs };
  };
}
