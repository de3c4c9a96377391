/**
 * The questions about a user's fields: what null and "" do to them, whether values may be shared, how a user becomes inactive.
 * Each update also changes the first name, and is looked for until that is seen.
 */
import { readTokens } from '../../damoov/wire.ts';
import type { UserChanges } from '../../damoov/wire.ts';
import type { Facts } from './facts.ts';
import { answerName, answerText, isSuccess } from './observation.ts';
import type { Creation, OwnUsers } from './own-users.ts';
import { ProbeFailed } from './probe-failed.ts';
import type { SeenUser } from './seen-user.ts';

type ChangeFacts = Pick<
  Facts,
  | 'accessTokenByDefault'
  | 'duplicateClientId'
  | 'duplicateContact'
  | 'nullInProfile'
  | 'emptyInProfile'
  | 'nullInClientId'
  | 'emptyInClientId'
  | 'inactiveIsWritten'
> & { lagMs: { update: number | null } };

type Clearing = Facts['nullInProfile'];

const PROFILE = ['nickname', 'phone', 'email'] as const;
type Field = (typeof PROFILE)[number] | 'clientId';

/** Reserved for examples: nobody's. */
const PHONE = '+12025550123';

/** @throws ProbeFailed where the user cannot be made or seen. */
export async function askChanges(own: OwnUsers, patienceMs: number): Promise<ChangeFacts> {
  const values = {
    clientId: `${own.mark}-2`,
    nickname: 'first',
    phone: PHONE,
    email: `${own.mark}@example.com`,
  };
  const made = await own.create({ ...values, firstName: 'Probe' }, { CreateAccessToken: undefined });
  if (made.token === undefined) throw new ProbeFailed(`no further user can be made: ${answerText(made)}`);
  const userId = made.token.toLowerCase();
  const sight = await own.lookUntil({ deviceToken: userId }, (users) => users.length > 0, patienceMs);
  if (sight === undefined) throw new ProbeFailed(`no look-up has shown the second user in time (--patience)`);

  const duplicateClientId = duplicate(await own.create({ clientId: values.clientId, firstName: 'Probe' }));
  const { phone, email } = values;
  const duplicateContact = duplicate(
    await own.create({ clientId: `${own.mark}-3`, firstName: 'Probe', phone, email }),
  );

  const update = updatesOf(own, userId, patienceMs);
  const first = await update({ nickname: 'second' });
  return {
    accessTokenByDefault: {
      is: readTokens(made.result) === undefined ? 'no' : 'yes',
      seen: 'in the answer to a create',
    },
    duplicateClientId,
    duplicateContact,
    nullInProfile: await clear(update, PROFILE, values, null),
    emptyInProfile: await clear(update, PROFILE, values, ''),
    nullInClientId: await clear(update, ['clientId'], values, null),
    emptyInClientId: await clear(update, ['clientId'], values, ''),
    // The last of all: an inactive user may behave otherwise.
    inactiveIsWritten: await deactivate(update),
    lagMs: { update: 'user' in first ? first.afterMs : null },
  };
}

function duplicate(made: Creation): Facts['duplicateClientId'] {
  return { is: made.token === undefined ? answerName(made) : 'allowed', seen: answerText(made) };
}

/** The user as it is after an update, or how it was refused, or that it was never seen. */
type Updated = { user: SeenUser; afterMs: number } | { is: Clearing['is']; seen: string };
type Update = (changes: UserChanges) => Promise<Updated>;

function updatesOf(own: OwnUsers, userId: string, patienceMs: number): Update {
  let count = 0;
  return async (changes) => {
    count += 1;
    const firstName = `Probe ${count}`;
    const answer = await own.update(userId, { ...changes, firstName });
    if (!isSuccess(answer)) return { is: answerName(answer), seen: answerText(answer) };
    const sight = await own.lookUntil(
      { deviceToken: userId },
      ([user]) => user?.firstName === firstName,
      patienceMs,
    );
    const user = sight?.users[0];
    if (sight === undefined || user === undefined) {
      return { is: 'unknown', seen: `${answerText(answer)}, and the change is not seen in time` };
    }
    return { user, afterMs: sight.afterMs };
  };
}

/** Sets the fields, then clears them. */
async function clear(
  update: Update,
  fields: readonly Field[],
  values: Record<Field, string>,
  empty: null | '',
): Promise<Clearing> {
  const set = await update(Object.fromEntries(fields.map((name) => [name, values[name]])));
  if (!('user' in set)) return { is: 'unknown', seen: `the field could not be set: ${set.seen}` };
  const cleared = await update(Object.fromEntries(fields.map((name) => [name, empty])));
  if (!('user' in cleared)) return cleared;
  const effects = fields.map((name) => effectOf(cleared.user[name], set.user[name]));
  const seen = fields.map((name, at) => `${name}: ${effects[at]?.seen}`).join(', ');
  const [effect] = effects;
  const isCommon = effects.every(({ is }) => is === effect?.is);
  return { is: isCommon && effect !== undefined ? effect.is : 'unknown', seen };
}

function effectOf(after: unknown, before: unknown): Clearing {
  if (after === undefined) return { is: 'clears', seen: 'is left out' };
  if (after === null) return { is: 'clears', seen: 'reads null' };
  if (after === '') return { is: 'kept', seen: 'reads ""' };
  return after === before
    ? { is: 'ignored', seen: 'is as before' }
    : { is: 'unknown', seen: 'is something else' };
}

async function deactivate(update: Update): Promise<Facts['inactiveIsWritten']> {
  const tried: string[] = [];
  for (const status of ['Deactivated', 'Inactive'] as const) {
    const updated = await update({ status });
    if (!('user' in updated)) tried.push(`${status}: ${updated.seen}`);
    else if (updated.user.status === 'Inactive') return { is: status, seen: 'reads Inactive afterwards' };
    else tried.push(`${status}: changes nothing`);
  }
  return { is: 'neither', seen: tried.join('; ') };
}
