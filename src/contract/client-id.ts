/**
 * The clientId: the id of the user in the sender's system. Refuses ids that some reader could trim, compose or show as another id: that
 * would create two users for one id, or mix up two users.
 */
import { z } from 'zod';

/** The characters of the next pattern in the basic plane, spelled out: not every reader of JSON Schema knows `\p`. */
const UNSEEN = String.raw`\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8`;
/** Control characters and zero-width characters. */
const UNSEEN_ANYWHERE = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

// `meta` repeats the refinements as far as JSON Schema can express them; a test compares both.
export const ClientId = z
  .string()
  .max(256)
  .refine((id) => id.trim() !== '', 'must not be blank')
  .refine((id) => id.trim() === '' || id.trim() === id, 'has blanks at its ends: trim it')
  .refine(
    (id) => !UNSEEN_ANYWHERE.test(id),
    'has control or zero-width characters: remove them, they are invisible and easily lost',
  )
  .refine((id) => id.isWellFormed(), 'must be well-formed Unicode')
  .refine((id) => id === id.normalize('NFC'), 'is not in Unicode NFC: normalize it to NFC')
  .meta({
    description:
      'The id of the user in the system of the sender: no blanks at its ends, no control or zero-width characters, in Unicode NFC.',
    pattern: `^[^\\s${UNSEEN}](?:[^${UNSEEN}]*[^\\s${UNSEEN}])?$`,
  });

/** Whether a job may name a user with it; users at Damoov may have others. */
export function isClientId(text: string): boolean {
  return ClientId.safeParse(text).success;
}
