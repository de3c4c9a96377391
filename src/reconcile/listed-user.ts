/**
 * What a list says of a user, and when that is the same as what Damoov says. Knows neither files nor requests.
 */
import { PROFILE_FIELDS } from '../contract/field-names.ts';
import type { Profile } from '../contract/job.ts';

/** The fields that are compared. */
export const COMPARED = PROFILE_FIELDS;
export type ComparedField = (typeof COMPARED)[number];

/** What the fields of any user are. */
export type Values = { readonly [name in ComparedField]?: string | number | undefined };

export interface ListedUser {
  /** Line number in the list, from 1. */
  readonly line: number;
  readonly clientId: string;
  /** At Damoov, as the list has it: nobody is looked for by it, but nobody who has it is a stranger to the list. */
  readonly userId?: string;
  /** What the fields are to be, an empty text if one is to have no value; a field that is left out is not compared. */
  readonly wanted: { readonly [name in ComparedField]?: Profile[name] | '' };
  /** When this was known to be so (ISO 8601), where the list says so of the user itself. */
  readonly occurredAt?: string;
  readonly correlationId?: string;
}

/** A row about another instance. */
export type ListedElsewhere = Pick<ListedUser, 'line'> & Partial<Pick<ListedUser, 'clientId' | 'userId'>>;

/**
 * The form in which two values are compared: blanks around them, the two ways of Unicode to write the same letter, and
 * the case of an email are no difference. Nothing is documented of what Damoov makes of a value that it is given: what
 * it may change of its own accord must not be a difference for ever, and these three nobody means.
 */
export function comparable(field: ComparedField, value: string | number = ''): string {
  const text = String(value).trim().normalize('NFC');
  return field === 'email' ? text.toLowerCase() : text;
}

/** The fields in which the user at Damoov is not as the list wants it. */
export function differingFields({ wanted }: Pick<ListedUser, 'wanted'>, user: Values): ComparedField[] {
  return COMPARED.filter((field) => {
    const value = wanted[field];
    return value !== undefined && comparable(field, value) !== comparable(field, user[field]);
  });
}
