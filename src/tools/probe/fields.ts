/**
 * Probes which fields a create takes, and whether a look-up shows settings as they were written. Two users, with each setting on and off:
 * which one a new user has is not known.
 */
import { PROFILE_FIELDS, SETTINGS } from '../../contract/fields.ts';
import { CREATE_FIELDS, type UserChanges } from '../../damoov/user-fields.ts';
import type { Facts } from './facts.ts';
import { LookUpFailed, type SeenUser, toFact, notKnown } from './observation.ts';
import type { Creation, OwnUsers } from './own-users.ts';
import { createUpdater } from './updates.ts';

type FieldFacts = Pick<Facts, 'createIgnores' | 'settingsShown'>;

/** Every field of a profile but the names. The phone number is reserved for examples. */
const PROFILE = {
  nickname: 'first',
  phone: '+12025550124',
  gender: 'other',
  birthday: '1990-01-02',
  maritalStatus: 'widowed',
  childrenCount: 3,
  country: 'Probe country',
  district: 'Probe district',
  city: 'Probe city',
  address: 'Probe address',
  imageUrl: 'https://example.com/probe.png',
} as const satisfies UserChanges;

export async function probeFields(own: OwnUsers, patienceMs: number): Promise<FieldFacts> {
  const email = `${own.mark}-6@example.com`;
  const on = { ...PROFILE, email, clientId: `${own.mark}-6`, settings: settingsThatAre(true) };
  const off = { clientId: `${own.mark}-7`, settings: settingsThatAre(false) };
  const trials: Trial[] = [];
  for (const fields of [on, off]) {
    const trial = await tryFields(own, fields, patienceMs);
    if ('is' in trial) return { createIgnores: trial, settingsShown: notKnown(trial.seen) };
    trials.push(trial);
  }
  return { createIgnores: ignoredIn(trials), settingsShown: shownIn(trials) };
}

function settingsThatAre(value: boolean): Record<string, boolean> {
  return Object.fromEntries(SETTINGS.map((name) => [name, value]));
}

/** What became of the fields of a create. */
interface Trial {
  /** Shown after an update, but not after the create. */
  readonly ignored: readonly string[];
  /** Shown after neither. */
  readonly unclear: readonly string[];
  /** Why the update proves nothing; undefined if it does, or if none was needed. */
  readonly fault: string | undefined;
}

async function tryFields(
  own: OwnUsers,
  fields: UserChanges & { clientId: string },
  patienceMs: number,
): Promise<Trial | Facts['createIgnores']> {
  const sent = { ...fields, firstName: 'Probe', lastName: own.mark };
  const made = await own.create(sent);
  if (made.token === undefined) return refusal(made);
  const userId = made.token.toLowerCase();
  const query = { deviceToken: userId };
  const sight = await own.lookUntil(query, (users) => users.length > 0, patienceMs);
  const user = sight?.users[0];
  if (sight === undefined || user === undefined) return notKnown('no look-up showed the user in time');
  const again = async () => {
    await own.pause(Math.max(SETTLE_MS, 2 * sight.afterMs));
    return (await own.find(query))[0];
  };
  const missing = await missingIn(user, sent, again);
  if (missing.length === 0) return { ignored: [], unclear: [], fault: undefined };
  const updated = await createUpdater(own, userId, patienceMs)(sent);
  if (!('user' in updated)) return { ignored: [], unclear: missing, fault: updated.seen };
  // The update is seen by its own first name.
  const written = { ...sent, firstName: updated.user.firstName };
  const unclear = await missingIn(updated.user, written, again);
  return { ignored: missing.filter((name) => !unclear.includes(name)), unclear, fault: undefined };
}

/** A field may be shown later than its user: then it is missing in the first look-up only. In milliseconds. */
const SETTLE_MS = 2000;

async function missingIn(
  user: SeenUser,
  sent: object,
  again: () => Promise<SeenUser | undefined>,
): Promise<string[]> {
  if (differencesOf(user, sent).length === 0) return [];
  const later = await again();
  if (later === undefined) throw new LookUpFailed('a look-up does not show the user any more');
  return differencesOf(later, sent);
}

/** The names of the fields that are not shown as they were sent. */
function differencesOf({ fields }: SeenUser, sent: object): string[] {
  const shown = new Map(Object.entries(flat(fields)));
  const differing = Object.entries(flat(sent)).filter(([name, value]) => shown.get(name) !== value);
  return differing.map(([name]) => name);
}

function flat({ settings, ...fields }: { settings?: object | undefined }): object {
  return { ...fields, ...settings };
}

function refusal(made: Creation): Facts['createIgnores'] {
  const { is, seen } = toFact(made);
  return { is, seen: `a create with every field is answered ${seen}` };
}

const LATER: ReadonlySet<string> = new Set(
  PROFILE_FIELDS.filter((name) => !CREATE_FIELDS.some((field) => field === name)),
);

function ignoredIn(trials: readonly Trial[]): Facts['createIgnores'] {
  const ignored = [...new Set(trials.flatMap((trial) => trial.ignored))];
  const unclear = [...new Set(trials.flatMap((trial) => trial.unclear))];
  const fault = trials.find((trial) => trial.fault !== undefined)?.fault;
  const seen = [
    ...named('ignored', ignored),
    ...named('not shown', unclear),
    ...(fault === undefined ? [] : [`an update of them: ${fault}`]),
  ].join('; ');
  const isLater = (name: string) => LATER.has(name);
  if (!ignored.every(isLater)) return { is: 'needed', seen };
  if (!unclear.every(isLater) || (ignored.length === 0 && unclear.length > 0)) return notKnown(seen);
  return ignored.length === 0 ? { is: 'nothing', seen: 'every field is shown' } : { is: 'later', seen };
}

function shownIn(trials: readonly Trial[]): Facts['settingsShown'] {
  const isUnclear = (name: string) => trials.some(({ unclear }) => unclear.includes(name));
  const unclear = SETTINGS.filter(isUnclear);
  if (unclear.length === 0) return { is: 'yes', seen: 'on and off' };
  const fault = trials.find(
    (trial) => trial.fault !== undefined && SETTINGS.some((name) => trial.unclear.includes(name)),
  )?.fault;
  if (fault !== undefined) return notKnown(fault);
  return {
    is: unclear.length === SETTINGS.length ? 'no' : 'partly',
    seen: `not as written: ${unclear.join(', ')}`,
  };
}

function named(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
}
