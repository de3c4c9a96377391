/**
 * Reads what a create or an update says about a user, and every fault of it. Knows the fields and their
 * types, not the users.
 */
import { keptClientId } from './client-id-form.ts';
import type { FieldFault } from './envelope.ts';
import type { SandboxModes } from './modes.ts';
import { type Body, asBody } from './request.ts';
import {
  FLAGS,
  type Flag,
  type Profile,
  TEXT_FIELDS,
  type TextField,
  type UserFields,
  type UserRecord,
} from './user-record.ts';

export interface UserChanges {
  readonly profile: Partial<Profile>;
  readonly fields: Partial<UserFields>;
  readonly status: UserRecord['status'] | undefined;
  /** Not empty = the request is refused with 422 and nothing is changed. */
  readonly faults: readonly FieldFault[];
}

const CREATED_WITH = ['FirstName', 'LastName', 'Nickname', 'Phone', 'Email'] as const;

/** The modes that decide what is kept of a value. */
export type Keeping = Pick<SandboxModes, 'clearing' | 'clientIdForm'>;

/** Of a create nothing is left to clear. */
const AS_GIVEN = { null: 'clears', empty: 'kept' } as const;

/**
 * The status as written and as read differ (the vendor's published reference): what is written as Deactivated reads
 * as Inactive. Assumption: Deleted, a soft state when written by an update, reads as Inactive too, and Inactive is
 * understood when written.
 */
const STATUS_AS_READ: ReadonlyMap<unknown, UserRecord['status']> = new Map([
  ['Active', 'Active'],
  ['Deactivated', 'Inactive'],
  ['Deleted', 'Inactive'],
  ['Inactive', 'Inactive'],
]);

/** A create takes five profile fields and UserFields (documented). Others are ignored, so is what is unknown. */
export function readCreate(body: Body, { clientIdForm }: Keeping): UserChanges {
  const faults: FieldFault[] = [];
  const profile = readTexts(body, CREATED_WITH, AS_GIVEN, faults);
  const fields = readUserFields(body, { clientIdForm, clearing: AS_GIVEN }, faults);
  return { profile, fields, status: undefined, faults };
}

/**
 * An update is a plain partial merge (documented): what is not given stays.
 * What null and "" mean to a text is a mode.
 */
export function readUpdate(body: Body, { clearing, clientIdForm }: Keeping): UserChanges {
  const faults: FieldFault[] = [];
  const profile: Partial<Profile> = readTexts(body, TEXT_FIELDS, clearing, faults);
  const children = body.get('ChildrenCount');
  if (typeof children === 'number' || children === null) profile.ChildrenCount = children;
  else if (children !== undefined) faults.push(wrongType('ChildrenCount', 'a number'));
  const fields = readUserFields(body, { clientIdForm, clearing }, faults);
  const status = readStatus(body, faults);
  return { profile, fields, status, faults };
}

/** The ClientId in a body that may be faulty otherwise. */
export function clientIdIn(body: Body): string | null {
  const clientId = asBody(body.get('UserFields'))?.get('ClientId');
  return typeof clientId === 'string' ? clientId : null;
}

function readTexts(
  body: Body,
  names: readonly TextField[],
  clearing: SandboxModes['clearing'],
  faults: FieldFault[],
): Partial<Profile> {
  const profile: Partial<Profile> = {};
  for (const name of names) {
    const value = readText(body.get(name), name, clearing, faults);
    if (value !== undefined) profile[name] = value;
  }
  return profile;
}

/** undefined = the field stays as it is. */
function readText(
  value: unknown,
  name: string,
  clearing: SandboxModes['clearing'],
  faults: FieldFault[],
): string | null | undefined {
  if (value === undefined) return undefined;
  // Values are mostly not validated (documented). Assumption: a value of the wrong JSON type is.
  if (typeof value !== 'string' && value !== null) {
    faults.push(wrongType(name, 'a string'));
    return undefined;
  }
  if (value !== null && value !== '') return value;
  const effect = value === null ? clearing.null : clearing.empty;
  switch (effect) {
    case 'clears':
      return null;
    case 'kept':
      return value;
    case 'ignored':
      return undefined;
    case '422':
      faults.push(wrongType(name, 'a text with at least one character'));
      return undefined;
    default:
      return effect satisfies never;
  }
}

function readUserFields(
  body: Body,
  { clearing, clientIdForm }: Keeping,
  faults: FieldFault[],
): Partial<UserFields> {
  const fields: Partial<UserFields> = {};
  const given = body.get('UserFields');
  if (given === undefined || given === null) return fields;
  const values = asBody(given);
  if (values === undefined) {
    faults.push(wrongType('UserFields', 'an object'));
    return fields;
  }
  const clientId = readText(values.get('ClientId'), 'UserFields.ClientId', clearing, faults);
  if (clientId !== undefined) fields.ClientId = clientId && keptClientId(clientId, clientIdForm);
  for (const name of FLAGS) readFlag(values.get(name), name, fields, faults);
  return fields;
}

function readFlag(value: unknown, name: Flag, fields: Partial<UserFields>, faults: FieldFault[]): void {
  if (typeof value === 'boolean') fields[name] = value;
  // Assumption: a flag has no empty state, so null leaves it alone.
  else if (value !== undefined && value !== null) faults.push(wrongType(`UserFields.${name}`, 'a boolean'));
}

function readStatus(body: Body, faults: FieldFault[]): UserRecord['status'] | undefined {
  const value = body.get('Status');
  if (value === undefined) return undefined;
  const status = STATUS_AS_READ.get(value);
  // Assumption: a status is written as text; any other encoding is refused.
  if (status === undefined) faults.push(wrongType('Status', 'Active, Deactivated or Deleted'));
  return status;
}

function wrongType(key: string, expected: string): FieldFault {
  return { Key: key, Message: `The field ${key} must be ${expected}.` };
}
