/**
 * Blanks fields with the name of a secret or of personal data, at any depth. A last line of defence: no log line is meant to contain any.
 * It knows names only, and does not search texts.
 */

export const BLANK = '[redacted]';

/** Compared in lower case, without `-` and `_`; a secret's name only needs one of these endings. */
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

/** Deeper than any line of ours; deeper objects may be circular. */
const DEEPEST = 8;

/** A redacted copy; an error becomes its name, because libraries may attach a whole job. */
export function redacted(line: Record<string, unknown>): Record<string, unknown> {
  return fieldsOf(line, 0);
}

function fieldsOf(fields: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    copy[name] = isLoggable(name) ? valueOf(value, depth + 1) : BLANK;
  }
  return copy;
}

function valueOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return value.name;
  if (value instanceof Date) return value;
  if (depth > DEEPEST) return BLANK;
  if (Array.isArray(value)) return value.map((item: unknown) => valueOf(item, depth + 1));
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) return BLANK;
  return fieldsOf(value, depth);
}

function isLoggable(name: string): boolean {
  const lower = name.toLowerCase();
  const plain = /[-_]/.test(lower) ? lower.replaceAll(/[-_]/g, '') : lower;
  return !PERSONAL.has(plain) && !SECRET_ENDINGS.some((ending) => plain.endsWith(ending));
}
