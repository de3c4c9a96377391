/**
 * A user of a list, and when it equals the user at Damoov.
 */
import { PROFILE_FIELDS, SETTINGS } from '../contract/fields.ts';
import type { Profile, Settings, Status } from '../contract/fields.ts';
import type { DamoovUser } from '../damoov/wire.ts';

/** The compared profile fields: nothing documents that Damoov shows the address of a picture that was written. */
export const CLEARABLE = PROFILE_FIELDS.filter((field) => field !== 'imageUrl');
/** Every user has a value in these: one that Damoov does not show is unknown. */
const NEVER_EMPTY = [...SETTINGS, 'status'] as const;
export const COMPARED = [...CLEARABLE, ...NEVER_EMPTY];
export type ComparedField = (typeof COMPARED)[number];

export type Values = { readonly [name in ComparedField]?: string | number | boolean | undefined };

/** The wanted values, an empty text for no value; an absent field is not compared. */
type Wanted = { readonly [name in (typeof CLEARABLE)[number]]?: Profile[name] | '' } & Readonly<Settings> & {
    readonly status?: Status;
  };

export interface ListedUser {
  /** Line number in the list, from 1. */
  readonly line: number;
  readonly clientId: string;
  /** Its UserId at Damoov, according to the list: never looked up, but a user with it is not a stranger to the list. */
  readonly userId?: string;
  readonly wanted: Wanted;
  /** When the row was true (ISO 8601), if the list has a date for each user. */
  readonly occurredAt?: string;
  readonly correlationId?: string;
}

/** A row for another instance. */
export type ListedElsewhere = Pick<ListedUser, 'line'> & Partial<Pick<ListedUser, 'clientId' | 'userId'>>;

/** The values that Damoov shows of a user. */
export function valuesOf({ settings, ...user }: DamoovUser): Values {
  return { ...user, ...settings };
}

/**
 * The form for comparing two values: without surrounding blanks, in Unicode NFC, and without case for emails. Damoov does not document
 * how it changes a value: such a change must not be a difference for ever, and these three are never intended.
 */
export function comparable(field: ComparedField, value: string | number | boolean = ''): string {
  // Damoov may show none as 0.
  if (field === 'childrenCount' && value === '') return '0';
  const text = String(value).trim().normalize('NFC');
  return field === 'email' ? text.toLowerCase() : text;
}

/** The fields in which the user at Damoov differs from the list. */
export function differingFields(listed: Pick<ListedUser, 'wanted'>, user: Values): ComparedField[] {
  const unknown = unknownFields(listed, user);
  return COMPARED.filter((field) => {
    const value = listed.wanted[field];
    if (value === undefined || unknown.includes(field)) return false;
    return comparable(field, value) !== comparable(field, user[field]);
  });
}

/** The fields of which Damoov does not show whether they are as the list wants them. */
export function unknownFields({ wanted }: Pick<ListedUser, 'wanted'>, user: Values): ComparedField[] {
  return NEVER_EMPTY.filter((field) => wanted[field] !== undefined && user[field] === undefined);
}
