/**
 * Probes how Damoov refuses requests: for unknown users, with used tokens, and with a wrong InstanceKey (only if requested).
 */
import { randomUUID } from 'node:crypto';
import type { Facts } from './facts.ts';
import { answerText, toFact, isSuccess, notKnown } from './observation.ts';
import type { OwnUsers } from './own-users.ts';
import { pairIn, refresh } from './tokens.ts';

type RefusalFacts = Pick<Facts, 'unknownUpdate' | 'unknownDelete' | 'badRefresh' | 'wrongKey'>;

/** @param triesWrongKey whether to call with a wrong key: Damoov's reaction against the instance is unknown. */
export async function probeRefusals(own: OwnUsers, triesWrongKey: boolean): Promise<RefusalFacts> {
  const unknownId = own.choose();
  return {
    unknownUpdate: toFact(await own.update(unknownId, { firstName: 'Probe' })),
    unknownDelete: toFact(await own.delete(unknownId)),
    badRefresh: await refreshTwice(own),
    wrongKey: triesWrongKey ? await tryWrongKey(own) : { is: 'not-tried', seen: 'only with --try-wrong-key' },
  };
}

/** With a user's own token pair: the admin's session is not at risk. */
async function refreshTwice(own: OwnUsers): Promise<Facts['badRefresh']> {
  const made = await own.create({ clientId: `${own.mark}-4`, firstName: 'Probe', createAccessToken: true });
  const pair = pairIn(made);
  if (pair === undefined) return notKnown('a create returned no tokens');
  const first = await refresh(own, pair);
  if (!isSuccess(first)) return notKnown(`a fresh pair was refused: ${answerText(first)}`);
  return toFact(await refresh(own, pair));
}

async function tryWrongKey(own: OwnUsers): Promise<Facts['wrongKey']> {
  const user = { customToken: own.choose(), clientId: `${own.mark}-5`, firstName: 'Probe' };
  const made = await own.create(user, randomUUID());
  return made.token === undefined ? toFact(made) : { is: 'accepted', seen: answerText(made) };
}
