/**
 * Probes how Damoov answers a move to the instance that the user is in already. The user of the probe is moved there first.
 */
import type { DamoovInstance } from '../../damoov/calls.ts';
import { readText } from '../../damoov/envelope.ts';
import type { Facts } from './facts.ts';
import { type SeenUser, answerText, toFact, isSuccess, notKnown } from './observation.ts';
import type { OwnUsers } from './own-users.ts';

/** @param to the second instance; undefined: the question is not asked. */
export async function probeMoves(
  own: OwnUsers,
  to: DamoovInstance | undefined,
  patienceMs: number,
): Promise<Facts['repeatedMove']> {
  if (to === undefined) return { is: 'not-tried', seen: 'only with --second-instance' };
  const made = await own.create({ clientId: `${own.mark}-8`, firstName: 'Probe' });
  if (made.token === undefined) return notKnown(`no user can be created: ${answerText(made)}`);
  const query = { deviceToken: made.token.toLowerCase() };
  const sight = await own.lookUntil(query, (users) => users.length > 0, patienceMs);
  const user = sight?.users[0];
  if (user === undefined) return notKnown('no look-up showed the user in time');
  if (instanceOf(user) === undefined) return notKnown('not moved: a look-up does not show its instance');
  const first = await own.move(user.userId, to);
  if (!isSuccess(first)) return notKnown(`the first move is answered ${answerText(first)}`);
  // An earlier second move may be answered like a first one.
  const isThere = ([moved]: readonly SeenUser[]) => instanceOf(moved) === to.id.toLowerCase();
  if ((await own.lookUntil(query, isThere, patienceMs)) === undefined) {
    return notKnown(`${answerText(first)}, and no look-up showed the first move in time`);
  }
  return toFact(await own.move(user.userId, to));
}

function instanceOf(user: SeenUser | undefined): string | undefined {
  return readText(user?.instanceId)?.toLowerCase();
}
