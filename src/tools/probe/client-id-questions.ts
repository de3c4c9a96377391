/**
 * The question in which form a ClientId is kept: one user is made whose ClientId has blanks at its ends, capitals and a decomposed
 * letter, and is looked at.
 */
import type { Facts } from './facts.ts';
import { answerName, answerText } from './observation.ts';
import type { OwnUsers } from './own-users.ts';

export async function askClientId(own: OwnUsers, patienceMs: number): Promise<Pick<Facts, 'clientIdForm'>> {
  const clientId = ` ${own.mark}-AE\u0301 `;
  const made = await own.create({ clientId, firstName: 'Probe' });
  if (made.token === undefined) {
    return { clientIdForm: { is: answerName(made), seen: answerText(made) } };
  }
  const sight = await own.lookUntil({ deviceToken: made.token }, (users) => users.length > 0, patienceMs);
  const user = sight?.users[0];
  if (user === undefined) return { clientIdForm: { is: 'unknown', seen: 'the user is not seen in time' } };
  const form = formOf(clientId, user.clientId);
  const isFound = (await own.find({ clientId })).some(({ userId }) => userId === user.userId);
  const seen = `${form.seen}, and ${isFound ? 'found' : 'not found'} by what was given`;
  return { clientIdForm: { ...form, seen } };
}

/** @param given with blanks at its ends, capitals and a decomposed letter. */
export function formOf(given: string, kept: unknown): Facts['clientIdForm'] {
  if (kept === given) return { is: 'exact', seen: 'kept to the letter' };
  if (typeof kept !== 'string' || plain(kept) !== plain(given)) {
    return { is: 'unknown', seen: 'kept as something else' };
  }
  const forms = FORMS.filter(({ bring }) => bring(kept) === kept);
  // The first one does most harm: ids that a job may name become one.
  const [form] = forms;
  if (form === undefined) return { is: 'unknown', seen: 'kept in a form that has no name' };
  return { is: form.is, seen: `kept ${forms.map(({ seen }) => seen).join(' and ')}` };
}

const FORMS = [
  { is: 'lower', bring: (id: string) => id.toLowerCase(), seen: 'in lower case' },
  { is: 'trim', bring: (id: string) => id.trim(), seen: 'without blanks at its ends' },
  { is: 'nfc', bring: (id: string) => id.normalize('NFC'), seen: 'in Unicode NFC' },
] as const;

function plain(id: string): string {
  return FORMS.reduce((text, { bring }) => bring(text), id);
}
