/**
 * A user of a list, and when it equals the user at Damoov.
 */
import { PROFILE_FIELDS } from '../contract/fields.ts';
import type { Profile } from '../contract/fields.ts';

/** The compared fields: nothing documents that Damoov shows the address of a picture that was written. */
export const COMPARED = PROFILE_FIELDS.filter((field) => field !== 'imageUrl');
export type ComparedField = (typeof COMPARED)[number];

/** The values of a user's fields. */
export type Values = { readonly [name in ComparedField]?: string | number | undefined };

export interface ListedUser {
  /** Line number in the list, from 1. */
  readonly line: number;
  readonly clientId: string;
  /** Its UserId at Damoov, according to the list: never looked up, but a user with it is not a stranger to the list. */
  readonly userId?: string;
  /** The wanted values, an empty text for no value; an absent field is not compared. */
  readonly wanted: { readonly [name in ComparedField]?: Profile[name] | '' };
  /** When the row was true (ISO 8601), if the list has a date for each user. */
  readonly occurredAt?: string;
  readonly correlationId?: string;
}

/** A row for another instance. */
export type ListedElsewhere = Pick<ListedUser, 'line'> & Partial<Pick<ListedUser, 'clientId' | 'userId'>>;

/**
 * The form for comparing two values: without surrounding blanks, in Unicode NFC, and without case for emails. Damoov does not document
 * how it changes a value: such a change must not be a difference for ever, and these three are never intended.
 */
export function comparable(field: ComparedField, value: string | number = ''): string {
  // Damoov may show none as 0.
  if (field === 'childrenCount' && value === '') return '0';
  const text = String(value).trim().normalize('NFC');
  return field === 'email' ? text.toLowerCase() : text;
}

/** The fields in which the user at Damoov differs from the list. */
export function differingFields({ wanted }: Pick<ListedUser, 'wanted'>, user: Values): ComparedField[] {
  return COMPARED.filter((field) => {
    const value = wanted[field];
    return value !== undefined && comparable(field, value) !== comparable(field, user[field]);
  });
}
