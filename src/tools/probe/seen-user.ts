/**
 * A user as a look-up shows it, with nothing made equal: null, "" and nothing are three things here, and a token has its casing.
 */
import { field, isObject, readText } from '../../damoov/envelope.ts';

export interface SeenUser {
  /** In lower case. */
  readonly userId: string;
  /** As it is written. */
  readonly token: string;
  readonly firstName: unknown;
  readonly lastName: unknown;
  readonly nickname: unknown;
  readonly phone: unknown;
  readonly email: unknown;
  readonly clientId: unknown;
  readonly status: unknown;
  readonly instanceId: unknown;
  readonly userFields: 'array' | 'object' | 'none';
}

/** Undefined where it is no list of users. */
export function readSeenUsers(result: unknown): readonly SeenUser[] | undefined {
  if (!Array.isArray(result)) return undefined;
  const users = result.map(readSeenUser);
  return users.every((user) => user !== undefined) ? users : undefined;
}

function readSeenUser(value: unknown): SeenUser | undefined {
  const token = readText(field(value, 'DeviceToken'));
  if (token === undefined) return undefined;
  const profile = field(value, 'UserProfile');
  const fields = field(value, 'UserFields');
  const settings: unknown = Array.isArray(fields) ? fields.find(isObject) : fields;
  return {
    userId: token.toLowerCase(),
    token,
    firstName: field(profile, 'FirstName'),
    lastName: field(profile, 'LastName'),
    nickname: field(profile, 'Nickname'),
    phone: field(profile, 'Phone'),
    email: field(profile, 'Email'),
    clientId: field(settings, 'ClientId'),
    status: field(value, 'Status'),
    instanceId: field(field(value, 'AccountInfo'), 'InstanceId'),
    userFields: shapeOf(fields),
  };
}

function shapeOf(fields: unknown): SeenUser['userFields'] {
  if (Array.isArray(fields) && fields.length > 0) return 'array';
  return isObject(fields) ? 'object' : 'none';
}
