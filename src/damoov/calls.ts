/**
 * The requests of the Damoov user API, except those of sessions: method, path, headers and body of each.
 */
import type { UserChanges } from './user-fields.ts';
import type { Call } from './transport.ts';
import {
  type NewUser,
  type PageQuery,
  type UserQuery,
  createBody,
  findQuery,
  pageBody,
  updateBody,
} from './wire.ts';

/** One Damoov instance, a group of users. The key is a secret like the password of a database. */
export interface DamoovInstance {
  readonly id: string;
  readonly key: string;
}

export function createCall(instance: DamoovInstance, user: NewUser): Call {
  return {
    operation: 'create',
    subject: user.customToken ?? 'a user with no id yet',
    method: 'POST',
    path: '/v1/Registration/create',
    headers: { InstanceId: instance.id, InstanceKey: instance.key },
    body: createBody(user),
    needsResult: true,
  };
}

export function updateCall(userId: string, changes: UserChanges): Call {
  const id = requireUserId(userId);
  return {
    operation: 'update',
    subject: id,
    method: 'PUT',
    path: '/v1/Management/users',
    headers: { UserDeviceToken: id },
    body: updateBody(changes),
    needsResult: false,
  };
}

export function deleteCall(userId: string): Call {
  const id = requireUserId(userId);
  const path = `/v1/Management/users/${id}`;
  return { operation: 'delete', subject: id, method: 'DELETE', path, needsResult: false };
}

export function moveCall(userId: string, to: DamoovInstance): Call {
  const id = requireUserId(userId);
  return {
    operation: 'move',
    subject: id,
    method: 'POST',
    path: '/v1/Management/users/instances/change',
    body: { DeviceToken: id, ToInstanceId: to.id, ToInstanceKey: to.key },
    needsResult: false,
  };
}

export function findCall(query: UserQuery): Call {
  const path = `/v1/Management/users/find?${findQuery(query)}`;
  return { operation: 'find', subject: query.deviceToken, method: 'GET', path, needsResult: true };
}

export function pageCall(query: PageQuery): Call {
  return {
    operation: 'page',
    subject: `number ${query.pageNumber}`,
    method: 'POST',
    path: '/v1/Management/users/GetFilteredPage',
    body: pageBody(query),
    needsResult: true,
  };
}

/** An id becomes part of a path and a header. With a blank one a DELETE would hit all users; an email would end up in logs. */
export function requireUserId(userId: string): string {
  const id = userId.trim();
  if (!/^[\w-]+$/.test(id)) throw new TypeError('a user id is made of letters, digits and hyphens');
  return id;
}
