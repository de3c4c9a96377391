/**
 * GET /v1/Management/users/find: the users that match every filter.
 */
import { type Answer, type FieldFault, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, asUuid } from './request.ts';
import { storedClientId } from './user-changes.ts';
import { NO_MOBILE_DEVICE, type UserRecord, asRead } from './user-record.ts';
import type { World } from './world.ts';

type FilterValue = string | number | null | undefined;

/** The filters of a find (documented). Assumption: values match exactly, with their case. */
const FILTERS: ReadonlyMap<string, (user: UserRecord) => FilterValue> = new Map<
  string,
  (user: UserRecord) => FilterValue
>([
  ['devicetoken', ({ deviceToken }) => deviceToken],
  ['clientid', ({ fields }) => fields.ClientId],
  ['email', ({ profile }) => profile.Email],
  ['phone', ({ profile }) => profile.Phone],
  ['firstname', ({ profile }) => profile.FirstName],
  ['lastname', ({ profile }) => profile.LastName],
  // Assumption: first and last name with a space between.
  ['fullname', ({ profile }) => [profile.FirstName, profile.LastName].filter((name) => name).join(' ')],
  ['country', ({ profile }) => profile.Country],
  // Matches no user: no user of a sandbox has a phone.
  ['ostype', () => NO_MOBILE_DEVICE.OsType],
]);

/** The other parameters of a find (documented). */
const SWITCHES: ReadonlySet<string> = new Set(['includeaccountinfo', 'showinactiveusers']);

export function noteFound(call: Call, { query }: ApiRequest): void {
  call.deviceToken = asUuid(query.get('devicetoken')) ?? null;
  call.clientId = query.get('clientid') ?? null;
}

/** Always an array, empty without a match (documented). */
export function find(_call: Call, { query }: ApiRequest, { users, clock, modes }: World): Answer {
  const faults = faultsOf(query);
  if (faults.length > 0) return failure(422, faults);
  const wanted = new Map([...query].filter(([name]) => FILTERS.has(name)));
  // At least one is required (documented).
  if (wanted.size === 0) return failure(422, [{ Key: '', Message: 'At least one filter is required.' }]);
  const deviceToken = asUuid(wanted.get('devicetoken'));
  if (deviceToken !== undefined) wanted.set('devicetoken', deviceToken);
  const given = wanted.get('clientid');
  const clientId = given && storedClientId(given, modes.clientIdForm);
  if (clientId !== undefined) wanted.set('clientid', clientId);
  const found = users.find(
    {
      deviceToken,
      clientId,
      showInactive: isTrue(query.get('showinactiveusers')),
      isMeant: (user) => [...wanted].every(([name, value]) => FILTERS.get(name)?.(user) === value),
    },
    clock(),
  );
  const withAccount = isTrue(query.get('includeaccountinfo'));
  return success(found.map((user) => asRead(user, withAccount, modes)));
}

/**
 * An unknown filter is refused: a caller that relies on it must notice, and not get unintended users. Assumption: so is a token that is
 * not a UUID, and a switch that is neither true nor false.
 */
function faultsOf(query: ApiRequest['query']): FieldFault[] {
  return [...query].flatMap(([name, value]): FieldFault[] => {
    if (SWITCHES.has(name)) {
      return /^(?:true|false)$/i.test(value) ? [] : [{ Key: name, Message: 'Expected true or false.' }];
    }
    if (!FILTERS.has(name)) return [{ Key: name, Message: 'The sandbox does not know this filter.' }];
    if (name !== 'devicetoken' || asUuid(value) !== undefined) return [];
    return [{ Key: 'DeviceToken', Message: 'The field DeviceToken must be a UUID.' }];
  });
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}
