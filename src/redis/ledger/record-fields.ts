/**
 * A user's record as the fields of a Redis hash, and back. Knows the names of the fields, not when they change.
 */
import { z } from 'zod';
import type { Version } from '../../contract/version.ts';
import { type Field, type UserRecord, FIELDS } from '../../operations/context.ts';

const version = z.templateLiteral([z.number(), ' ', z.number(), ' ', z.string()]).optional().catch(undefined);

const Hash = z.object({
  uid: z.string().optional(),
  gen: z.coerce.number().default(0),
  st: z.enum(['live', 'deleted', 'stray']).optional(),
  doubt: z.string().optional(),
  dd: z.string().optional(),
  given: z.coerce.number().optional(),
  was: z.string().optional(),
  made: z.coerce.number().optional(),
  pc: version,
  cv: version,
  dv: version,
});

/** @param run what a create of this very run has set `doubt` to: an older one says that there is doubt. */
export function recordOf(hash: Record<string, string>, run: string): UserRecord {
  const { uid, gen, st, doubt, dd, given, was, made, pc, cv, dv } = Hash.parse(hash);
  const fields: Partial<Record<Field, Version>> = {};
  for (const field of FIELDS) {
    const text = hash[`v:${field}`];
    const written = text === undefined ? undefined : version.parse(text);
    if (written !== undefined) fields[field] = written;
  }
  return {
    userId: uid,
    generation: gen,
    state: st ?? 'unknown',
    ...doubtOf(doubt, run),
    givenSince: given,
    gaveUpBy: was,
    deletingSince: dd === undefined || dd.endsWith(run) ? undefined : Number.parseInt(dd, 10),
    madeAt: made,
    pending: pc,
    created: cv,
    deleted: dv,
    fields,
  };
}

/** `<ms> <ms of an earlier doubt, or -> <what that asked for, or -> <what this one asks for> <run>`: a create began, and nobody knows its end. */
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

/** What is to be written and removed so that the hash says what the record does. */
export function fieldsOf(record: UserRecord): { set: string[]; drop: string[] } {
  const { userId, generation, state, isInDoubt, deletingSince, givenSince, madeAt, fields } = record;
  const hash: [string, string | undefined][] = [
    ['uid', userId],
    ['gen', generation === 0 ? undefined : String(generation)],
    ['st', state === 'unknown' ? undefined : state],
    ['made', madeAt === undefined ? undefined : String(madeAt)],
    ['dd', deletingSince === undefined ? undefined : String(deletingSince)],
    ['given', givenSince === undefined ? undefined : String(givenSince)],
    ['was', record.gaveUpBy],
    ['pc', record.pending],
    ['cv', record.created],
    ['dv', record.deleted],
    ...FIELDS.map((field): [string, string | undefined] => [`v:${field}`, fields[field]]),
  ];
  const { doubtSince = 0, doubtAbout = [] } = record;
  const set: string[] = isInDoubt ? ['doubt', `${doubtSince} - ${doubtAbout.join(',') || '-'} - ended`] : [];
  const drop = isInDoubt ? [] : ['doubt'];
  for (const [name, value] of hash) {
    if (value === undefined) drop.push(name);
    else set.push(name, value);
  }
  return { set, drop };
}
