/**
 * The admin's endpoints: find, page, update, delete, move. None of them creates a user.
 */
import { type Answer, DONE, type FieldFault, failure, success } from './envelope.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, asUuid, headerOf } from './request.ts';
import { clientIdIn, keptClientId, readUpdate } from './user-changes.ts';
import { type UserRecord, asRead } from './user-record.ts';
import type { World } from './world.ts';

/** The prefix of a path that ends in a device token. */
export const DELETE_PREFIX = '/v1/management/users/';

/** The filters of a find. Assumption: values match exactly, with their case. */
const FILTERS: Readonly<Record<string, (user: UserRecord) => string | number | null | undefined>> = {
  devicetoken: ({ deviceToken }) => deviceToken,
  clientid: ({ fields }) => fields.ClientId,
  email: ({ profile }) => profile.Email,
  phone: ({ profile }) => profile.Phone,
  firstname: ({ profile }) => profile.FirstName,
  lastname: ({ profile }) => profile.LastName,
  // Assumption: first and last name with a space between.
  fullname: ({ profile }) => [profile.FirstName, profile.LastName].filter((name) => name).join(' '),
};

export function aboutFind(call: Call, { query }: ApiRequest): void {
  call.deviceToken = asUuid(query.get('devicetoken')) ?? null;
  call.clientId = query.get('clientid') ?? null;
}

/** Always an array, empty without a match (documented). */
export function find(_call: Call, { query }: ApiRequest, { users, clock, modes }: World): Answer {
  const wanted = new Map([...query].filter(([name]) => name in FILTERS));
  const deviceToken = asUuid(wanted.get('devicetoken'));
  // Assumption: a token that is not a UUID is refused, and so is a find without a filter.
  if (wanted.has('devicetoken') && deviceToken === undefined) {
    return failure(422, [{ Key: 'DeviceToken', Message: 'The field DeviceToken must be a UUID.' }]);
  }
  if (wanted.size === 0) return failure(422, [{ Key: '', Message: 'At least one filter is required.' }]);
  if (deviceToken !== undefined) wanted.set('devicetoken', deviceToken);
  const given = wanted.get('clientid');
  const clientId = given && keptClientId(given, modes.clientIdForm);
  if (clientId !== undefined) wanted.set('clientid', clientId);
  const found = users.find(
    {
      deviceToken,
      clientId,
      showInactive: isTrue(query.get('showinactiveusers')),
      isMeant: (user) => [...wanted].every(([name, value]) => FILTERS[name]?.(user) === value),
    },
    clock(),
  );
  const withAccount = isTrue(query.get('includeaccountinfo'));
  return success(found.map((user) => asRead(user, withAccount, modes.tokenCasing)));
}

/** Assumption: the default page size. */
const DEFAULT_PAGE_SIZE = 50;

/** All users of some instances, the newest first. Other filters and orders are not simulated. */
export function page(_call: Call, request: ApiRequest, { users, clock, modes }: World): Answer {
  const { body, bodyFault } = request;
  if (bodyFault !== undefined) return bodyFault;
  const { PageNumber: number = 1, PageSize: size = DEFAULT_PAGE_SIZE, Sort: sort = 'DateCreatedDesc' } = body;
  if (!isPositive(number)) return failure(422, [notPositive('PageNumber')]);
  if (!isPositive(size)) return failure(422, [notPositive('PageSize')]);
  // Refused, not ignored: a caller that relies on another order must notice.
  if (sort !== 'DateCreatedDesc') {
    return failure(422, [{ Key: 'Sort', Message: 'The sandbox sorts by DateCreatedDesc only.' }]);
  }
  const { InstanceIds: ids } = body;
  const instanceIds = Array.isArray(ids) ? ids.map(asUuid) : [];
  const isMeant = ({ instanceId }: UserRecord) =>
    instanceIds.length === 0 || instanceIds.includes(instanceId);
  const seen = users
    .find({ showInactive: body['ShowInactiveUsers'] === true, isMeant }, clock())
    .toReversed();
  const withAccount = body['IncludeAccountInfo'] === true;
  const totalPages = Math.ceil(seen.length / size);
  return success({
    Users: seen
      .slice((number - 1) * size, number * size)
      .map((user) => asRead(user, withAccount, modes.tokenCasing)),
    HasPreviousPage: number > 1,
    HasNextPage: number < totalPages,
    TotalUsers: seen.length,
    TotalPages: totalPages,
    CurrentPage: number,
  });
}

export function aboutUpdate(call: Call, request: ApiRequest, world: World): void {
  about(call, headerOf(request, 'userdevicetoken'), world);
  call.clientId ??= clientIdIn(request.body);
}

/** Returns no user data (documented). */
export function update(call: Call, request: ApiRequest, world: World): Answer {
  const target = headerOf(request, 'userdevicetoken');
  // Documented as 403 or 422. Assumption: 422.
  if (!target) return failure(422, [{ Key: 'UserDeviceToken', Message: 'The header is required.' }]);
  const user = world.users.get(asUuid(target) ?? '');
  if (user === undefined) return failure(404);
  if (request.bodyFault !== undefined) return request.bodyFault;
  const changes = readUpdate(request.body, world.modes);
  if (changes.faults.length > 0) return failure(422, changes.faults);
  const profile = { ...user.profile, ...changes.profile };
  const fields = { ...user.fields, ...changes.fields };
  return write(call, { ...user, profile, fields, status: changes.status ?? user.status }, world);
}

export function aboutDelete(call: Call, request: ApiRequest, world: World): void {
  about(call, request.path.slice(DELETE_PREFIX.length), world);
}

/** Irreversible (documented): no later request restores the user. */
export function remove(call: Call, request: ApiRequest, world: World): Answer {
  const user = world.users.get(asUuid(request.path.slice(DELETE_PREFIX.length)) ?? '');
  if (user === undefined) {
    const { unknownDelete } = world.modes;
    return unknownDelete === '200-null' ? success(null) : failure(Number(unknownDelete));
  }
  return write(call, { ...user, deletedAt: world.clock() }, world);
}

export function aboutMove(call: Call, { body }: ApiRequest, world: World): void {
  about(call, body['DeviceToken'], world);
}

/** Moves a user to another instance; needs its key (documented). */
export function move(call: Call, { body, bodyFault }: ApiRequest, world: World): Answer {
  if (bodyFault !== undefined) return bodyFault;
  const user = world.users.get(asUuid(body['DeviceToken']) ?? '');
  if (user === undefined) return failure(404);
  const to = asUuid(body['ToInstanceId']) ?? '';
  const key = world.instances.get(to);
  // Assumption: a wrong id or key of the other instance is a 422, whatever a create answers.
  if (key === undefined || key !== body['ToInstanceKey']) {
    return failure(422, [{ Key: 'ToInstanceId', Message: 'No such instance, or not its key.' }]);
  }
  return write(call, { ...user, instanceId: to }, world);
}

function write(call: Call, user: UserRecord, world: World): Answer {
  world.users.put(user, world.clock(), world.modes.findLagMs);
  call.applied = true;
  return DONE;
}

function about(call: Call, deviceToken: unknown, { users }: World): void {
  call.deviceToken = asUuid(deviceToken) ?? null;
  call.clientId = users.get(call.deviceToken ?? '')?.fields.ClientId ?? null;
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}

function isPositive(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function notPositive(name: string): FieldFault {
  return { Key: name, Message: `The field ${name} must be a positive integer.` };
}
