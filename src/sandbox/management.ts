/**
 * The admin's endpoints that change or look up single users: find, update, delete, move. Each is for the
 * admin only; none of them creates a user.
 */
import { keptClientId } from './client-id-form.ts';
import { type Answer, DONE, failure, success } from './envelope.ts';
import type { SandboxModes } from './modes.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, Body } from './request.ts';
import { clientIdIn, readUpdate } from './user-changes.ts';
import { type UserRecord, asRead } from './user-record.ts';
import type { UserFilter } from './users.ts';
import { asUuid } from './uuid.ts';
import type { World } from './world.ts';

/** Under it the path ends in a device token. */
export const DELETE_PREFIX = '/v1/management/users/';

export function aboutFind(call: Call, { query }: ApiRequest): void {
  call.deviceToken = asUuid(query.get('devicetoken')) ?? null;
  call.clientId = query.get('clientid') ?? null;
}

/** Always an array, empty where nobody matches (documented). */
export function find(_call: Call, request: ApiRequest, world: World): Answer {
  const { query } = request;
  const filter = readFilter(query, world.modes);
  // Assumption: a find for a token that is no UUID is refused, and so is one without any filter.
  if (query.has('devicetoken') && filter.deviceToken === undefined) {
    return failure(422, [{ Key: 'DeviceToken', Message: 'The field DeviceToken must be a UUID.' }]);
  }
  if (FILTERS.every((name) => !query.has(name))) {
    return failure(422, [{ Key: '', Message: 'At least one filter is required.' }]);
  }
  const withAccount = isTrue(query.get('includeaccountinfo'));
  const { tokenCasing } = world.modes;
  return success(
    world.users.find(filter, world.clock()).map((user) => asRead(user, withAccount, tokenCasing)),
  );
}

export function aboutUpdate(call: Call, request: ApiRequest, world: World): void {
  about(call, request.header('userdevicetoken'), world);
  const { body } = request;
  if (body instanceof Body) call.clientId ??= clientIdIn(body);
}

/** Answers no user data (documented). */
export function update(call: Call, request: ApiRequest, world: World): Answer {
  const target = request.header('userdevicetoken');
  // Documented as 403 or 422. Assumption: 422.
  if (!target) return failure(422, [{ Key: 'UserDeviceToken', Message: 'The header is required.' }]);
  const user = world.users.get(asUuid(target) ?? '');
  if (user === undefined) return failure(404);

  const { body } = request;
  if (!(body instanceof Body)) return body;
  const changes = readUpdate(body, world.modes);
  if (changes.faults.length > 0) return failure(422, changes.faults);
  const profile = { ...user.profile, ...changes.profile };
  const fields = { ...user.fields, ...changes.fields };
  return write(call, { ...user, profile, fields, status: changes.status ?? user.status }, world);
}

export function aboutDelete(call: Call, request: ApiRequest, world: World): void {
  about(call, request.path.slice(DELETE_PREFIX.length), world);
}

/** Irreversible (documented): no later request brings the user back. */
export function remove(call: Call, request: ApiRequest, world: World): Answer {
  const user = world.users.get(asUuid(request.path.slice(DELETE_PREFIX.length)) ?? '');
  if (user === undefined) {
    const { unknownDelete } = world.modes;
    return unknownDelete === '200-null' ? success(null) : failure(Number(unknownDelete));
  }
  return write(call, { ...user, deletedAt: world.clock() }, world);
}

export function aboutMove(call: Call, request: ApiRequest, world: World): void {
  const { body } = request;
  if (body instanceof Body) about(call, body.get('DeviceToken'), world);
}

/** Moves a user to another instance, whose key is needed (documented). */
export function move(call: Call, request: ApiRequest, world: World): Answer {
  const { body } = request;
  if (!(body instanceof Body)) return body;
  const user = world.users.get(asUuid(body.get('DeviceToken')) ?? '');
  if (user === undefined) return failure(404);
  const to = asUuid(body.get('ToInstanceId')) ?? '';
  const key = world.instances.get(to);
  // Assumption: a wrong id or key of the other instance is a 422, whatever a create makes of one.
  if (key === undefined || key !== body.get('ToInstanceKey')) {
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

const FILTERS = ['devicetoken', 'clientid', 'email', 'phone', 'firstname', 'lastname', 'fullname'];

function readFilter(query: ReadonlyMap<string, string>, { clientIdForm }: SandboxModes): UserFilter {
  const clientId = query.get('clientid');
  return {
    deviceToken: asUuid(query.get('devicetoken')),
    clientId: clientId && keptClientId(clientId, clientIdForm),
    email: query.get('email'),
    phone: query.get('phone'),
    firstName: query.get('firstname'),
    lastName: query.get('lastname'),
    fullName: query.get('fullname'),
    showInactive: isTrue(query.get('showinactiveusers')),
  };
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === 'true';
}
