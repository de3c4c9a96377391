/**
 * The changes of an existing user: update, delete, and the moves to another instance. None of them creates a user.
 */
import { type Answer, DONE, failure, success } from './envelope.ts';
import { instanceName } from './hierarchy.ts';
import type { Call } from './request-log.ts';
import { type ApiRequest, asUuid, headerOf } from './request.ts';
import { ADMIN, type Holder } from './sessions.ts';
import { clientIdIn, readUpdate } from './user-changes.ts';
import type { UserRecord } from './user-record.ts';
import type { World } from './world.ts';

export function noteUpdated(call: Call, request: ApiRequest, world: World): void {
  const own = world.sessions.holderOf(request.headers.authorization, world.clock());
  noteUser(call, headerOf(request, 'userdevicetoken') ?? headerOf(request, 'devicetoken') ?? own, world);
  call.clientId ??= clientIdIn(request.body);
}

/** Returns no user data (documented). */
export function update(call: Call, request: ApiRequest, world: World, caller: Holder): Answer {
  const target = headerOf(request, 'userdevicetoken');
  if (caller !== ADMIN) return updateOwn(call, request, world, caller);
  // Documented as 403 or 422. Assumption: 422.
  if (!target) return failure(422, [{ Key: 'UserDeviceToken', Message: 'The header is required.' }]);
  return change(call, asUuid(target), request, world);
}

/**
 * A user changes itself, named in the header DeviceToken (seen in the Android framework) or by its token alone (as the Android app and
 * the iOS framework do).
 * Inferred: naming another user, or using the admin's header, is out of scope, which is a 403 (documented).
 */
function updateOwn(call: Call, request: ApiRequest, world: World, caller: Holder): Answer {
  const named = headerOf(request, 'devicetoken') ?? caller;
  const isOther = asUuid(named) !== caller || headerOf(request, 'userdevicetoken') !== undefined;
  return isOther ? failure(403) : change(call, caller, request, world);
}

function change(call: Call, deviceToken: string | undefined, request: ApiRequest, world: World): Answer {
  const user = world.users.get(deviceToken ?? '');
  if (user === undefined) return failure(404);
  if (request.bodyFault !== undefined) return request.bodyFault;
  const changes = readUpdate(request.body, world.modes);
  if (changes.faults.length > 0) return failure(422, changes.faults);
  const profile = { ...user.profile, ...changes.profile };
  const fields = { ...user.fields, ...changes.fields };
  return write(call, { ...user, profile, fields, status: changes.status ?? user.status }, world);
}

export function noteDeleted(call: Call, request: ApiRequest, world: World): void {
  noteUser(call, lastSegment(request), world);
}

/** Irreversible (documented): no later request restores the user. */
export function remove(call: Call, request: ApiRequest, world: World): Answer {
  const user = world.users.get(asUuid(lastSegment(request)) ?? '');
  if (user === undefined) {
    const { unknownDelete } = world.modes;
    return unknownDelete === '200-null' ? success(null) : failure(Number(unknownDelete));
  }
  return write(call, { ...user, deletedAt: world.clock() }, world);
}

export function noteMoved(call: Call, { body }: ApiRequest, world: World): void {
  noteUser(call, body['DeviceToken'], world);
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
  return refuseRepeated(user, to, world) ?? write(call, { ...user, instanceId: to }, world);
}

/**
 * A user joins another instance by an invitation code, and gets its name (seen in the Android and iOS apps).
 * Assumption: an unknown code is a 404. The form of a code is unknown: in a sandbox it is the instance's id.
 */
export function join(call: Call, request: ApiRequest, world: World, caller: Holder): Answer {
  const user = world.users.get(caller);
  const to = asUuid(lastSegment(request)) ?? '';
  if (user === undefined || !world.instances.has(to)) return failure(404);
  const refusal = refuseRepeated(user, to, world);
  if (refusal !== undefined) return refusal;
  write(call, { ...user, instanceId: to }, world);
  return success({ InstanceName: instanceName(to) });
}

function refuseRepeated({ instanceId }: UserRecord, to: string, { modes }: World): Answer | undefined {
  if (instanceId !== to || modes.repeatedMove === 'done') return undefined;
  const fault = { Key: 'ToInstanceId', Message: 'The user is in this instance already.' };
  return failure(Number(modes.repeatedMove), [fault]);
}

function write(call: Call, user: UserRecord, world: World): Answer {
  world.users.put(user, world.clock(), world.modes.findLagMs);
  call.applied = true;
  return DONE;
}

function noteUser(call: Call, deviceToken: unknown, { users }: World): void {
  call.deviceToken = asUuid(deviceToken) ?? null;
  call.clientId = users.get(call.deviceToken ?? '')?.fields.ClientId ?? null;
}

function lastSegment({ path }: ApiRequest): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
