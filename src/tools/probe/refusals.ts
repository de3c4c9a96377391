/**
 * The questions about how Damoov says no: to what concerns nobody, to tokens that are spent, and to a wrong InstanceKey, which is
 * only tried where that was asked for.
 */
import { randomUUID } from 'node:crypto';
import { readTokens } from '../../damoov/wire.ts';
import { FAULTY_CREATES, type Facts, type Signature } from './facts.ts';
import { faultyBody } from './faulty-create.ts';
import {
  type Observation,
  answerName,
  answerText,
  isSameSignature,
  isSuccess,
  signatureOf,
} from './observation.ts';
import type { OwnUsers } from './own-users.ts';

type RefusalFacts = Pick<Facts, 'unknownUpdate' | 'unknownDelete' | 'badRefresh' | 'wrongKey' | 'keyCheck'>;

/** @param triesWrongKey nobody knows what Damoov does to an instance that is called with wrong keys. */
export async function askRefusals(own: OwnUsers, triesWrongKey: boolean): Promise<RefusalFacts> {
  const nobody = own.choose();
  return {
    unknownUpdate: told(await own.update(nobody, { firstName: 'Probe' })),
    unknownDelete: told(await own.delete(nobody)),
    badRefresh: await spendTwice(own),
    ...(triesWrongKey ? await tryWrongKey(own) : { wrongKey: NOT_TRIED, keyCheck: NOT_TRIED }),
  };
}

const NOT_TRIED = { is: 'not-tried', seen: 'only with --try-wrong-key' } as const;

function told(answer: Observation): Facts['badRefresh'] {
  return { is: answerName(answer), seen: answerText(answer) };
}

/** With a pair of a user's own: the admin's session is not at stake. */
async function spendTwice(own: OwnUsers): Promise<Facts['badRefresh']> {
  const made = await own.create({
    clientId: `${own.mark}-4`,
    firstName: 'Probe',
    createAccessToken: true,
  });
  const tokens = isSuccess(made) ? readTokens(made.result) : undefined;
  if (tokens?.refreshToken === undefined)
    return { is: 'unknown', seen: 'a create gave no tokens to try it with' };
  const { accessToken, refreshToken } = tokens;
  const first = await own.refresh(accessToken.token, refreshToken);
  if (!isSuccess(first)) return { is: 'unknown', seen: `a fresh pair was refused: ${answerText(first)}` };
  return told(await own.refresh(accessToken.token, refreshToken));
}

async function tryWrongKey(own: OwnUsers): Promise<Pick<Facts, 'wrongKey' | 'keyCheck'>> {
  const wrongKey = randomUUID();
  // Before the key is wrong for the first time.
  const refused = await faultThatIsRefused(own);
  const made = await own.create(
    { customToken: own.choose(), clientId: `${own.mark}-5`, firstName: 'Probe' },
    {},
    wrongKey,
  );
  const seen = answerText(made);
  return {
    wrongKey: { is: made.token === undefined ? answerName(made) : 'accepted', seen },
    keyCheck: await compare(own, refused, wrongKey),
  };
}

/** A create that makes nobody under the right key, so that it is safe to send with any. */
async function faultThatIsRefused(
  own: OwnUsers,
): Promise<{ fault: (typeof FAULTY_CREATES)[number]; right: Signature } | undefined> {
  for (const fault of FAULTY_CREATES) {
    const answer = await own.create({ clientId: `${own.mark}-6`, firstName: 'Probe' }, faultyBody(fault));
    if (!isSuccess(answer)) return { fault, right: signatureOf(answer) };
  }
  return undefined;
}

async function compare(
  own: OwnUsers,
  refused: Awaited<ReturnType<typeof faultThatIsRefused>>,
  wrongKey: string,
): Promise<Facts['keyCheck']> {
  if (refused === undefined) return { is: 'cannot-tell', seen: 'no create is faulty enough to be refused' };
  const { fault, right } = refused;
  const answer = await own.create(
    { clientId: `${own.mark}-6`, firstName: 'Probe' },
    faultyBody(fault),
    wrongKey,
  );
  const wrong = signatureOf(answer);
  if (isSameSignature(right, wrong)) {
    return { is: 'cannot-tell', seen: `a faulty create is answered ${answerText(answer)} with either key` };
  }
  return {
    is: 'tells',
    fault,
    right,
    wrong,
    seen: `a faulty create is answered ${right.status} or ${wrong.status}`,
  };
}
