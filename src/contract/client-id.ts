/**
 * The clientId, the id of a user in the system of its sender. Refuses what some reader on its way could trim, compose or show as
 * another id: two users of one id, or one user of two, would follow.
 */
import { z } from 'zod';

/** The next one, of the basic plane, spelt out: not every reader of JSON Schema knows `\p`. */
const UNSEEN = String.raw`\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8`;
/** Control characters, and those that take no room. */
const UNSEEN_ANYWHERE = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u;

// What a refinement says is said again in `meta`, as far as JSON Schema can say it: a test holds both together.
export const ClientId = z
  .string()
  .max(256)
  .refine((id) => id.trim() !== '', 'must not be blank')
  .refine((id) => id.trim() === '' || id.trim() === id, 'has blanks at its ends: trim it')
  .refine(
    (id) => !UNSEEN_ANYWHERE.test(id),
    'has control or zero-width characters: remove them, they cannot be seen and are easily lost',
  )
  .refine((id) => id.isWellFormed(), 'must be well-formed Unicode')
  .refine((id) => id === id.normalize('NFC'), 'is not in Unicode NFC: normalize it to NFC')
  .meta({
    description:
      'The id of the user in the system of the sender: no blanks at its ends, no control or zero-width characters, in Unicode NFC.',
    pattern: `^[^\\s${UNSEEN}](?:[^${UNSEEN}]*[^\\s${UNSEEN}])?$`,
  });

/** Whether a job may name a user so; Damoov may have others. */
export function isClientId(text: string): boolean {
  return ClientId.safeParse(text).success;
}
