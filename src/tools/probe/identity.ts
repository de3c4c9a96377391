/**
 * Probes the identity of a user: whether our id is accepted, how answers write it, and what a repeated create does before and after its
 * deletion. All with one user, from its create to its deletion.
 */
import type { Facts } from './facts.ts';
import { ProbeFailed, type SeenUser, answerText, isSuccess, toFact } from './observation.ts';
import type { Creation, OwnUsers } from './own-users.ts';

type IdentityFacts = Pick<
  Facts,
  | 'customToken'
  | 'repeatedToken'
  | 'deletedToken'
  | 'tokenCasing'
  | 'findIgnoresCase'
  | 'repeatedDelete'
  | 'instanceTold'
> & { lagMs: { create: number; deletion: number | null } };

/** How long a user may at least take to appear before it is called a ghost, in milliseconds. */
const GHOST_MS = 2000;

/** @throws ProbeFailed if no user can be created, seen or deleted: then nothing can be probed. */
export async function probeIdentity(own: OwnUsers, patienceMs: number): Promise<IdentityFacts> {
  const wanted = own.choose();
  const profile = { clientId: `${own.mark}-1`, firstName: 'Probe', nickname: 'first' };
  const first = await own.create({ ...profile, customToken: wanted });
  // The create may have another problem than its CustomToken.
  const { token } = first.token === undefined ? await own.create(profile) : first;
  if (token === undefined) {
    throw new ProbeFailed(`no user can be created: a create is answered ${answerText(first)}`);
  }
  const isHonoured = token.toLowerCase() === wanted.toLowerCase();

  const { user, createMs, findIgnoresCase } = await findCreated(own, token, patienceMs);
  const repeatedToken = isHonoured ? await createTwice(own, wanted, createMs) : OF_NO_USE;

  const removed = await own.delete(user.userId);
  if (!isSuccess(removed)) throw new ProbeFailed(`a user cannot be deleted: ${answerText(removed)}`);
  const gone = await own.lookUntil({ deviceToken: user.userId }, (users) => users.length === 0, patienceMs);
  const isShown = typeof user.instanceId === 'string' && user.instanceId !== '';
  return {
    customToken: customTokenFact(first, isHonoured),
    tokenCasing: { is: casingOf(token, wanted, isHonoured), seen: 'in the answer to a create' },
    findIgnoresCase,
    instanceTold: { is: isShown ? 'yes' : 'no', seen: 'in the first look-up' },
    repeatedToken,
    repeatedDelete: toFact(await own.delete(user.userId)),
    deletedToken: isHonoured ? await createDeletedAgain(own, wanted, createMs) : OF_NO_USE,
    lagMs: { create: createMs, deletion: gone?.afterMs ?? null },
  };
}

const OF_NO_USE = { is: 'unknown', seen: 'not probed, as no CustomToken becomes the UserId' } as const;

function customTokenFact(first: Creation, isHonoured: boolean): Facts['customToken'] {
  if (first.token === undefined) return { is: 'refused', seen: answerText(first) };
  if (isHonoured) return { is: 'honoured', seen: 'the UserId is the CustomToken' };
  return { is: 'ignored', seen: 'the UserId differs from the CustomToken' };
}

function casingOf(token: string, wanted: string, isHonoured: boolean): Facts['tokenCasing']['is'] {
  if (isHonoured && token === wanted) return 'as-given';
  if (token === token.toLowerCase()) return 'lower';
  return token === token.toUpperCase() ? 'upper' : 'unknown';
}

/** Waits for a look-up to show the user; we look it up in lower case. */
async function findCreated(
  own: OwnUsers,
  token: string,
  patienceMs: number,
): Promise<{ user: SeenUser; createMs: number; findIgnoresCase: Facts['findIgnoresCase'] }> {
  const lower = token.toLowerCase();
  const isOurs = ([user]: readonly SeenUser[]) => user?.lastName === own.mark;
  const sight = await own.lookUntil({ deviceToken: lower }, isOurs, patienceMs);
  if (sight?.users[0] !== undefined) {
    const [user] = sight.users;
    const other = token === lower ? token.toUpperCase() : token;
    const isFound = (await own.find({ deviceToken: other })).length > 0;
    const seen = `looked for in upper and lower case, written ${user.token === lower ? 'in lower case' : 'otherwise'}`;
    return { user, createMs: sight.afterMs, findIgnoresCase: { is: isFound ? 'yes' : 'no', seen } };
  }
  const [user] = await own.find({ deviceToken: token });
  if (user?.lastName === own.mark) {
    const seen = 'found only in the casing of the answer';
    return { user, createMs: patienceMs, findIgnoresCase: { is: 'no', seen } };
  }
  throw new ProbeFailed(`no look-up showed the new user within ${patienceMs} ms (--patience)`);
}

/** With another clientId than the first: whether one may be shared is a separate question. */
async function createAgain(own: OwnUsers, customToken: string, nickname: string): Promise<Creation> {
  return own.create({ customToken, clientId: `${own.mark}-1-${nickname}`, firstName: 'Probe', nickname });
}

/** How a create ended that did not get the id; undefined if it did. */
function otherEnd(made: Creation, wanted: string) {
  if (made.token === undefined) return toFact(made);
  if (made.token.toLowerCase() === wanted.toLowerCase()) return undefined;
  return { is: 'second-user', seen: `${answerText(made)}, of another UserId` } as const;
}

async function createTwice(own: OwnUsers, wanted: string, lagMs: number): Promise<Facts['repeatedToken']> {
  const again = await createAgain(own, wanted.toLowerCase(), 'second');
  const other = otherEnd(again, wanted);
  if (other !== undefined) return other;
  await own.pause(2 * lagMs);
  const users = await own.find({ deviceToken: wanted.toLowerCase() });
  const isChanged = users.some(({ nickname }) => nickname === 'second');
  const effect = isChanged ? 'it has the profile of the second create' : 'its profile is unchanged';
  return { is: 'same', seen: `${answerText(again)}, of the same UserId: ${effect}` };
}

/** Requests the id of a deleted user. */
async function createDeletedAgain(
  own: OwnUsers,
  wanted: string,
  lagMs: number,
): Promise<Facts['deletedToken']> {
  const again = await createAgain(own, wanted, 'third');
  const other = otherEnd(again, wanted);
  if (other !== undefined) return other;
  const withinMs = Math.max(GHOST_MS, 2 * lagMs);
  const isThere = await own.lookUntil(
    { deviceToken: wanted.toLowerCase() },
    ([user]) => user?.nickname === 'third',
    withinMs,
  );
  if (isThere !== undefined) return { is: 'free', seen: `${answerText(again)}, and the user is found` };
  return { is: 'ghost', seen: `${answerText(again)}, and no user is found within ${withinMs} ms` };
}
