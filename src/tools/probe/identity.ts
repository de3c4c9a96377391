/**
 * The questions about who a user is: whether the id that we choose is taken, how it is echoed, and what becomes of it when it is
 * asked for again and after its user is gone. All of them are asked of one user, from its create to its deletion.
 */
import type { Facts } from './facts.ts';
import { answerName, answerText, isSuccess } from './observation.ts';
import type { Creation, OwnUsers } from './own-users.ts';
import { ProbeFailed } from './probe-failed.ts';
import type { SeenUser } from './seen-user.ts';

type IdentityFacts = Pick<
  Facts,
  | 'customToken'
  | 'repeatedToken'
  | 'deletedToken'
  | 'tokenCasing'
  | 'findIgnoresCase'
  | 'repeatedDelete'
  | 'userFields'
  | 'instanceTold'
> & { lagMs: { create: number; deletion: number | null } };

/** How long at least a user may take to appear before it is called a ghost, in milliseconds. */
const GHOST_MS = 2000;

/** @throws ProbeFailed where no user can be made, seen or deleted: there is nothing to ask then. */
export async function askIdentity(own: OwnUsers, patienceMs: number): Promise<IdentityFacts> {
  const wanted = own.choose();
  const profile = { clientId: `${own.mark}-1`, firstName: 'Probe', nickname: 'first' };
  const first = await own.create({ ...profile, customToken: wanted });
  const { token, ...made } = first.token === undefined ? await withoutToken(own, profile, first) : first;
  if (token === undefined)
    throw new ProbeFailed(`no user can be made: a create is answered ${answerText(made)}`);
  const isHonoured = token.toLowerCase() === wanted.toLowerCase();

  const { user, createMs, findIgnoresCase } = await see(own, token, patienceMs);
  const repeatedToken = isHonoured ? await repeat(own, wanted, createMs) : OF_NO_USE;

  const removed = await own.delete(user.userId);
  if (!isSuccess(removed)) throw new ProbeFailed(`a user cannot be deleted: ${answerText(removed)}`);
  const gone = await own.lookUntil({ deviceToken: user.userId }, (users) => users.length === 0, patienceMs);
  const again = await own.delete(user.userId);
  return {
    customToken: customTokenFact(first, isHonoured),
    tokenCasing: { is: casingOf(token, wanted, isHonoured), seen: 'in the answer to a create' },
    findIgnoresCase,
    userFields: { is: user.userFields, seen: 'in the first look-up' },
    instanceTold: {
      is: typeof user.instanceId === 'string' && user.instanceId !== '' ? 'yes' : 'no',
      seen: 'in the first look-up',
    },
    repeatedToken,
    repeatedDelete: { is: answerName(again), seen: answerText(again) },
    deletedToken: isHonoured ? await revive(own, wanted, createMs) : OF_NO_USE,
    lagMs: { create: createMs, deletion: gone?.afterMs ?? null },
  };
}

const OF_NO_USE = { is: 'unknown', seen: 'not asked, as no CustomToken becomes the UserId' } as const;

/** Something else may be wrong with the create than its CustomToken. */
async function withoutToken(own: OwnUsers, profile: object, refused: Creation): Promise<Creation> {
  const plain = await own.create(profile);
  return plain.token === undefined ? refused : plain;
}

function customTokenFact(first: Creation, isHonoured: boolean): Facts['customToken'] {
  if (first.token === undefined) return { is: 'refused', seen: answerText(first) };
  if (isHonoured) return { is: 'honoured', seen: 'the UserId is the CustomToken' };
  return { is: 'ignored', seen: 'the UserId is another than the CustomToken' };
}

function casingOf(token: string, wanted: string, isHonoured: boolean): Facts['tokenCasing']['is'] {
  if (isHonoured && token === wanted) return 'as-given';
  if (token === token.toLowerCase()) return 'lower';
  return token === token.toUpperCase() ? 'upper' : 'unknown';
}

/** Waits for the user to be seen, as we look for it: in lower case. */
async function see(
  own: OwnUsers,
  token: string,
  patienceMs: number,
): Promise<{ user: SeenUser; createMs: number; findIgnoresCase: Facts['findIgnoresCase'] }> {
  const lower = token.toLowerCase();
  const sight = await own.lookUntil(
    { deviceToken: lower },
    ([user]) => user?.lastName === own.mark,
    patienceMs,
  );
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
  throw new ProbeFailed(`no look-up has shown the new user within ${patienceMs} ms (--patience)`);
}

async function repeat(own: OwnUsers, wanted: string, lagMs: number): Promise<Facts['repeatedToken']> {
  const again = await own.create({
    customToken: wanted.toLowerCase(),
    // Another than the first: it is a question of its own whether that may be shared.
    clientId: `${own.mark}-1a`,
    firstName: 'Probe',
    nickname: 'second',
  });
  if (again.token === undefined) return { is: answerName(again), seen: answerText(again) };
  if (again.token.toLowerCase() !== wanted.toLowerCase()) {
    return { is: 'second-user', seen: `${answerText(again)}, of another UserId` };
  }
  await own.pause(2 * lagMs);
  const users = await own.find({ deviceToken: wanted.toLowerCase() });
  const isChanged = users.some(({ nickname }) => nickname === 'second');
  const count = users.length === 1 ? '' : `, and ${users.length} users are found under it`;
  const effect = isChanged ? 'its profile is that of the second create' : 'its profile is left alone';
  return { is: 'same', seen: `${answerText(again)}, of the same UserId: ${effect}${count}` };
}

/** Asks for the id of a user who is gone. */
async function revive(own: OwnUsers, wanted: string, lagMs: number): Promise<Facts['deletedToken']> {
  const again = await own.create({
    customToken: wanted,
    clientId: `${own.mark}-1b`,
    firstName: 'Probe',
    nickname: 'third',
  });
  if (again.token === undefined) return { is: answerName(again), seen: answerText(again) };
  if (again.token.toLowerCase() !== wanted.toLowerCase()) {
    return { is: 'second-user', seen: `${answerText(again)}, of another UserId` };
  }
  const withinMs = Math.max(GHOST_MS, 2 * lagMs);
  const isThere = await own.lookUntil(
    { deviceToken: wanted.toLowerCase() },
    ([user]) => user?.nickname === 'third',
    withinMs,
  );
  if (isThere !== undefined) return { is: 'free', seen: `${answerText(again)}, and the user is found` };
  return { is: 'ghost', seen: `${answerText(again)}, and nobody is found within ${withinMs} ms` };
}
