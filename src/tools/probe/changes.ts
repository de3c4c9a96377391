/**
 * Probes a user's fields: how a ClientId is stored, what null and "" do, whether values may be shared, how a user becomes inactive.
 */
import type { Facts } from './facts.ts';
import {
  LOOK_UP_FAILED,
  ProbeFailed,
  answerText,
  toFact,
  notKnown,
  unlessLookUpFails,
} from './observation.ts';
import type { Creation, OwnUsers } from './own-users.ts';
import { type Update, createUpdater } from './updates.ts';

type ChangeFacts = Pick<
  Facts,
  | 'duplicateClientId'
  | 'duplicateContact'
  | 'nullInProfile'
  | 'emptyInProfile'
  | 'nullInClientId'
  | keyof StatusFacts
> & { lagMs: { update: number | null } };

type StatusFacts = Pick<Facts, 'inactiveIsWritten' | 'statusShown'>;
type Clearing = Facts['nullInProfile'];

const PROFILE = ['nickname', 'phone', 'email'] as const;
type Field = (typeof PROFILE)[number] | 'clientId';

/** Reserved for examples. */
const PHONE = '+12025550123';

/** @throws ProbeFailed if the user cannot be created or seen. */
export async function probeChanges(own: OwnUsers, patienceMs: number): Promise<ChangeFacts> {
  const email = `${own.mark}@example.com`;
  const values = { clientId: `${own.mark}-2`, nickname: 'first', phone: PHONE, email };
  const made = await own.create({ ...values, firstName: 'Probe' });
  if (made.token === undefined) throw new ProbeFailed(`no further user can be created: ${answerText(made)}`);
  const userId = made.token.toLowerCase();
  const sight = await own.lookUntil({ deviceToken: userId }, (users) => users.length > 0, patienceMs);
  if (sight === undefined) throw new ProbeFailed(`no look-up has shown the second user in time (--patience)`);

  const sameId = await own.create({ clientId: values.clientId, firstName: 'Probe' });
  const contact = { phone: PHONE, email };
  const sameContact = await own.create({ clientId: `${own.mark}-3`, firstName: 'Probe', ...contact });

  const update = createUpdater(own, userId, patienceMs);
  const first = await update({ nickname: 'second' });
  const activeStatus = 'user' in first ? first.user.status : undefined;
  const changes = {
    duplicateClientId: duplicate(sameId),
    duplicateContact: duplicate(sameContact),
    nullInProfile: await clear(update, PROFILE, values, null),
    emptyInProfile: await clear(update, PROFILE, values, ''),
    nullInClientId: await clear(update, ['clientId'], values, null),
    lagMs: { update: 'user' in first ? first.afterMs : null },
  };
  // Last, because an inactive user may behave differently.
  const status = await unlessLookUpFails(() => deactivate(own, userId, update, activeStatus), {
    inactiveIsWritten: LOOK_UP_FAILED,
    statusShown: LOOK_UP_FAILED,
  });
  return { ...changes, ...status };
}

function duplicate(made: Creation): Facts['duplicateClientId'] {
  return made.token === undefined ? toFact(made) : { is: 'allowed', seen: answerText(made) };
}

async function clear(
  update: Update,
  fields: readonly Field[],
  values: Record<Field, string>,
  empty: null | '',
): Promise<Clearing> {
  const set = await update(Object.fromEntries(fields.map((name) => [name, values[name]])));
  if (!('user' in set)) return notKnown(`the field could not be set: ${set.seen}`);
  const cleared = await update(Object.fromEntries(fields.map((name) => [name, empty])));
  if (!('user' in cleared)) return cleared;
  const effects = fields.map((name) => effectOf(cleared.user[name], set.user[name]));
  const seen = fields.map((name, at) => `${name}: ${effects[at]?.seen}`).join(', ');
  const [effect] = effects;
  const isCommon = effects.every(({ is }) => is === effect?.is);
  return { is: isCommon && effect !== undefined ? effect.is : 'unknown', seen };
}

function effectOf(after: unknown, before: unknown): Clearing {
  if ((before ?? undefined) === undefined) return notKnown('is never shown');
  if (after === undefined) return { is: 'clears', seen: 'is left out' };
  if (after === null) return { is: 'clears', seen: 'reads null' };
  if (after === '') return { is: 'kept', seen: 'reads ""' };
  return after === before
    ? { is: 'ignored', seen: 'is as before' }
    : { is: 'unknown', seen: 'is something else' };
}

/** @param activeStatus the status that a look-up showed before. */
async function deactivate(
  own: OwnUsers,
  userId: string,
  update: Update,
  activeStatus: unknown,
): Promise<StatusFacts> {
  const updated = await update({ status: 'deactivated' });
  if (!('user' in updated)) {
    const is = updated.is === 'unknown' ? 'unknown' : 'neither';
    return { inactiveIsWritten: { is, seen: updated.seen }, statusShown: notKnown(updated.seen) };
  }
  const { status } = updated.user;
  if ((status ?? undefined) === undefined) {
    const active = await own.find({ deviceToken: userId, includeInactive: false });
    return {
      inactiveIsWritten:
        active.length === 0
          ? { is: 'Deactivated', seen: 'found only with inactive users afterwards' }
          : notKnown('no status is shown'),
      statusShown: { is: 'no', seen: 'no status is shown' },
    };
  }
  if (status === 'Inactive') {
    return {
      inactiveIsWritten: { is: 'Deactivated', seen: 'reads Inactive afterwards' },
      statusShown:
        activeStatus === 'Active'
          ? { is: 'yes', seen: 'reads Active, and Inactive afterwards' }
          : notKnown('reads otherwise than Active before'),
    };
  }
  const seen = status === activeStatus ? 'changes nothing' : 'reads neither Active nor Inactive';
  return {
    inactiveIsWritten: { is: status === activeStatus ? 'neither' : 'unknown', seen },
    statusShown: notKnown(seen),
  };
}

/** Looks at a user whose ClientId has blanks at its ends, capitals and a decomposed letter. */
export async function probeClientIdForm(own: OwnUsers, patienceMs: number): Promise<Facts['clientIdForm']> {
  const clientId = ` ${own.mark}-AE\u0301 `;
  const made = await own.create({ clientId, firstName: 'Probe' });
  if (made.token === undefined) return toFact(made);
  const sight = await own.lookUntil({ deviceToken: made.token }, (users) => users.length > 0, patienceMs);
  const user = sight?.users[0];
  if (user === undefined) return notKnown('no look-up showed the user in time');
  const { is, seen } = clientIdFormOf(clientId, user.clientId);
  const isFound = (await own.find({ clientId })).some(({ userId }) => userId === user.userId);
  return { is, seen: `${seen}, and ${isFound ? 'found' : 'not found'} by the given ClientId` };
}

/** The most harmful first: with it, two different ids become one. */
const FORMS = [
  { is: 'lower', bring: (id: string) => id.toLowerCase(), seen: 'in lower case' },
  { is: 'trim', bring: (id: string) => id.trim(), seen: 'without blanks at its ends' },
  { is: 'nfc', bring: (id: string) => id.normalize('NFC'), seen: 'in Unicode NFC' },
] as const;

/** @param given an id with blanks at its ends, capitals and a decomposed letter. */
export function clientIdFormOf(given: string, kept: unknown): Facts['clientIdForm'] {
  if (kept === given) return { is: 'exact', seen: 'kept unchanged' };
  const plain = (id: string) => FORMS.reduce((text, { bring }) => bring(text), id);
  if (typeof kept !== 'string' || plain(kept) !== plain(given)) {
    return { is: 'unknown', seen: 'stored differently' };
  }
  const forms = FORMS.filter(({ bring }) => bring(kept) === kept);
  const [form] = forms;
  if (form === undefined) return { is: 'unknown', seen: 'stored in an unknown form' };
  return { is: form.is, seen: `kept ${forms.map(({ seen }) => seen).join(' and ')}` };
}
