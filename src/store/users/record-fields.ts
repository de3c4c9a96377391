/**
 * Converts a user record to the fields of a Redis hash, and back. Knows the names of the fields, not when they change.
 */
import { z } from 'zod';
import type { Version } from '../../contract/version.ts';
import { type Field, type UserRecord, FIELDS } from '../../operations/context.ts';

const version = z.templateLiteral([z.number(), ' ', z.number(), ' ', z.string()]).optional().catch(undefined);

/** Undefined if the text is not a version. */
export function versionIn(text: string | undefined): Version | undefined {
  return text === undefined ? undefined : version.parse(text);
}

const Hash = z.object({
  userId: z.string().optional(),
  generation: z.coerce.number().default(0),
  state: z.enum(['unknown', 'live', 'deleted', 'mismatched']).default('unknown'),
  createInDoubt: z.string().optional(),
  deletingSince: z.string().optional(),
  givenSince: z.coerce.number().optional(),
  formerUserId: z.string().optional(),
  givenUpAt: z.coerce.number().optional(),
  lastSeenAt: z.coerce.number().optional(),
  movingSince: z.string().optional(),
  suspendedBy: z.string().optional(),
  statusAt: z.coerce.number().optional(),
  pendingCreate: version,
  created: version,
  deleted: version,
  moved: version,
  movedAt: z.coerce.number().optional(),
});

/** @param run the name of this run: what it began itself is not in doubt. */
export function recordOf(hash: Record<string, string>, run: string): UserRecord {
  const { createInDoubt, deletingSince, movingSince, pendingCreate, ...known } = Hash.parse(hash);
  const fields: Partial<Record<Field, Version>> = {};
  for (const [field, name] of WRITTEN) {
    const written = versionIn(hash[name]);
    if (written !== undefined) fields[field] = written;
  }
  return {
    ...known,
    ...doubtOf(createInDoubt, run),
    deletingSince: sinceOf(deletingSince, run),
    movingSince: movingSinceOf(movingSince, run),
    pending: pendingCreate,
    fields,
  };
}

/** `<ms> <run>`: since when a request may have been sent, unless this run is the one. */
function sinceOf(mark: string | undefined, run: string): number | undefined {
  return mark === undefined || mark.endsWith(run) ? undefined : Number.parseInt(mark, 10);
}

/** `<ms> <ms of an earlier one, or -> <run>`: a run may have moved the user; this run knows only the earlier one. */
function movingSinceOf(mark: string | undefined, run: string): number | undefined {
  const [since = '', earlier = ''] = mark?.split(' ', 2) ?? [];
  const known = mark === `${since} ${earlier} ${run}` ? earlier : since;
  return known === '' || known === '-' ? undefined : Number(known);
}

/** The fields, and the names under which the versions of their last writes are stored. */
const WRITTEN = FIELDS.map((field) => [field, `written:${field}`] as const);

/** `<ms> <ms of an earlier doubt, or -> <its ids, or -> <requested id> <run>`: a create began whose result is unknown. */
function doubtOf(doubt: string | undefined, run: string): Partial<UserRecord> & { isInDoubt: boolean } {
  const [since = '', earlier = '', about = '', asks = ''] = doubt?.split(' ', 4) ?? [];
  const isOwn = doubt === `${since} ${earlier} ${about} ${asks} ${run}`;
  if (doubt === undefined || (isOwn && earlier === '-')) return { isInDoubt: false };
  const known = about === '-' ? [] : about.split(',');
  return {
    isInDoubt: true,
    doubtSince: Number(isOwn ? earlier : since),
    doubtAbout: isOwn || known.includes(asks) || asks === '-' ? known : [...known, asks],
  };
}

/** The fields to write and to remove so that the hash matches the record. */
export function fieldsOf(
  record: UserRecord,
  known: Readonly<Record<string, string>>,
): { set: string[]; drop: string[] } {
  const { isInDoubt, doubtSince = 0, doubtAbout = [] } = record;
  const set: string[] = [];
  const drop: string[] = [];
  const put = (name: string, field: string | number | undefined) => {
    const value = field?.toString();
    if (value === known[name]) return;
    if (value === undefined) drop.push(name);
    else set.push(name, value);
  };
  put('userId', record.userId);
  put('generation', record.generation === 0 ? undefined : record.generation);
  put('state', record.state === 'unknown' ? undefined : record.state);
  put('lastSeenAt', record.lastSeenAt);
  put('deletingSince', record.deletingSince);
  put('movingSince', record.movingSince);
  put('givenSince', record.givenSince);
  put('formerUserId', record.formerUserId);
  put('suspendedBy', record.suspendedBy);
  put('statusAt', record.statusAt);
  put('givenUpAt', record.givenUpAt);
  put('pendingCreate', record.pending);
  put('created', record.created);
  put('deleted', record.deleted);
  put('moved', record.moved);
  put('movedAt', record.movedAt);
  put(IN_DOUBT, isInDoubt ? `${doubtSince} - ${doubtAbout.join(',') || '-'} - ended` : undefined);
  for (const [field, name] of WRITTEN) put(name, record.fields[field]);
  return { set, drop };
}

export const IN_DOUBT = 'createInDoubt';
