/**
 * The questions about how Damoov says no: to what concerns nobody, to tokens that are spent, and to a wrong InstanceKey, which is
 * only tried if that was asked for.
 */
import { randomUUID } from 'node:crypto';
import { readTokens } from '../../damoov/wire.ts';
import type { Facts } from './facts.ts';
import { answerText, isSuccess, told } from './observation.ts';
import type { OwnUsers } from './own-users.ts';

type RefusalFacts = Pick<Facts, 'unknownUpdate' | 'unknownDelete' | 'badRefresh' | 'wrongKey'>;

/** @param triesWrongKey it is unknown what Damoov does to an instance that is called with wrong keys. */
export async function askRefusals(own: OwnUsers, triesWrongKey: boolean): Promise<RefusalFacts> {
  const nobody = own.choose();
  return {
    unknownUpdate: told(await own.update(nobody, { firstName: 'Probe' })),
    unknownDelete: told(await own.delete(nobody)),
    badRefresh: await spendTwice(own),
    wrongKey: triesWrongKey ? await tryWrongKey(own) : { is: 'not-tried', seen: 'only with --try-wrong-key' },
  };
}

/** With a pair of a user's own: the admin's session is not at stake. */
async function spendTwice(own: OwnUsers): Promise<Facts['badRefresh']> {
  const made = await own.create({ clientId: `${own.mark}-4`, firstName: 'Probe', createAccessToken: true });
  const tokens = isSuccess(made) ? readTokens(made.result) : undefined;
  if (tokens?.refreshToken === undefined) {
    return { is: 'unknown', seen: 'a create gave no tokens to try it with' };
  }
  const { accessToken, refreshToken } = tokens;
  const first = await own.refresh(accessToken.token, refreshToken);
  if (!isSuccess(first)) return { is: 'unknown', seen: `a fresh pair was refused: ${answerText(first)}` };
  return told(await own.refresh(accessToken.token, refreshToken));
}

async function tryWrongKey(own: OwnUsers): Promise<Facts['wrongKey']> {
  const user = { customToken: own.choose(), clientId: `${own.mark}-5`, firstName: 'Probe' };
  const made = await own.create(user, randomUUID());
  return made.token === undefined ? told(made) : { is: 'accepted', seen: answerText(made) };
}
