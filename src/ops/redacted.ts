/**
 * Blanks what bears the name of a secret or of personal data, however deep it lies. A last line of defence: no line of ours is
 * meant to hold any. Knows names, and cannot know a name that is written within a text.
 */

export const BLANK = '[redacted]';

/** Compared in lower case, without `-` and `_`; of the first kind a name needs only to end so. */
const SECRET_ENDINGS = ['password', 'secret', 'token', 'key', 'authorization', 'cookie', 'credentials'];
const PERSONAL = new Set([
  'firstname',
  'lastname',
  'fullname',
  'name',
  'nickname',
  'phone',
  'email',
  'clientid',
  'address',
  'birthday',
  'gender',
  'maritalstatus',
  'childrencount',
  'country',
  'district',
  'city',
  'imageurl',
  'externalimageurl',
  'profile',
  'changes',
  'data',
  'loginfields',
  'userfields',
]);

/** Deeper than any line of ours; what lies below may be a ring. */
const DEEPEST = 8;

/** A copy without them; an error becomes its name, as what libraries attach to it may be a whole job. */
export function redacted(line: Record<string, unknown>): Record<string, unknown> {
  return fieldsOf(line, 0);
}

function fieldsOf(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, mayBeTold(name) ? told(value, depth + 1) : BLANK]),
  );
}

function told(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return value.name;
  if (value instanceof Date) return value;
  if (depth > DEEPEST) return BLANK;
  if (Array.isArray(value)) return value.map((item: unknown) => told(item, depth + 1));
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) return BLANK;
  return fieldsOf(value, depth);
}

function mayBeTold(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[-_]/g, '');
  return !PERSONAL.has(plain) && !SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}
